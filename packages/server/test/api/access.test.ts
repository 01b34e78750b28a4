// Access entries through the front door: who has which role where, and that what somebody may not see is told of nowhere.
import { ROLES } from '@latchkey/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/operations/access.ts';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

type Body = Readonly<Record<string, unknown>>;
const outcomeOf = ({ status, body }: Answer) => (status < 300 ? '200' : `${status} ${body['code']}`);

describe.each(databaseAdapters)('access entries on $name', ({ create }) => {
  let database: TestDatabase;
  let api: Harness;
  let admin: Readonly<Record<string, string>>;
  let count = 0;

  beforeAll(async () => {
    database = await create();
    api = await openHarness({ databaseUrl: database.url });
    admin = await api.admin();
  });
  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  const asAdmin = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object) =>
    api.call({ method, url: `/v5/${url}`, headers: admin, ...(body === undefined ? {} : { body }) });
  const must = async (answer: Promise<Answer>) => {
    const got = await answer;
    expect(got.status, got.text).toBe(200);
    return got;
  };
  const keyOf = (subject: string | undefined, difference: object = {}) =>
    api.key(difference, subject === undefined ? {} : { claims: { subject } });

  async function folder(path = nextPath()): Promise<{ readonly id: string; readonly path: string }> {
    const id = (await must(asAdmin('POST', 'folders', { name: path }))).textAt('folder.uuid');
    return { id, path };
  }
  function nextPath(): string {
    count += 1;
    return `/f${count}`;
  }
  async function put(path: string, name: string, text = `${path} ${name}`): Promise<string> {
    const url = `/v5/files?folder=${encodeURIComponent(path)}&filename=${name}`;
    return (await must(api.call({ method: 'PUT', url, body: text, headers: admin }))).textAt('file.uuid');
  }
  const give = (folderId: string, role: unknown, ...users: readonly string[]) =>
    asAdmin('POST', `folder/${folderId}/access`, { access: { role, who: { users, teams: [] } } });
  const others = (folderId: string, role: number | undefined) =>
    must(
      asAdmin(
        'PATCH',
        `folder/${folderId}/access`,
        role === undefined ? { stop_inherit: false } : { stop_inherit: true, default_gallery_role: role },
      ),
    );
  const listed = async (path: string, key: string) =>
    outcomeOf(await api.call({ url: `/v5/files?folder=${encodeURIComponent(path)}`, key }));

  describe('say', () => {
    test('which role people have in a folder, and by which folder above', async () => {
      const top = await folder();
      const below = await folder(`${top.path}/below`);
      const file = await put(below.path, 'a.txt');
      const added = await must(give(top.id, 2, 'ann', 'ben'));
      expect(added.body['accesses']).toMatchObject([
        { role: { id: 2, name: 'GALLERY_VIEWER' }, user: { uuid: 'ann' }, relation: 'direct' },
        { role: { id: 2 }, user: { uuid: 'ben' } },
      ]);
      await must(give(below.id, 'GALLERY_EDITOR', 'ann'));
      await others(top.id, 1);
      const about = (await must(asAdmin('GET', `folder/${below.id}/accesses`))).body;
      expect(about).toMatchObject({
        folder: {
          uuid: below.id,
          path: below.path,
          stop_inherit: false,
          default_gallery_role: { set: null, actual: { id: 1 }, if_inherited: { id: 1 } },
        },
        accesses: { per_teams: [] },
      });
      const people = (answer: Body) =>
        (answer['accesses'] as { readonly per_users: readonly Body[] }).per_users.map((entry) => [
          (entry['user'] as Body)['uuid'],
          (entry['role'] as Body)['id'],
          entry['relation'],
          (entry['source'] as Body)['pattern'],
        ]);
      expect(people(about)).toEqual([
        ['ann', 4, 'direct', undefined],
        // What holds while the folder inherits: the widget's dialog shows nothing else of it.
        ['ann', 4, 'inherit', below.path],
        ['ben', 2, 'inherit', top.path],
      ]);
      await others(below.id, 0);
      expect(people((await must(asAdmin('GET', `folder/${below.id}/accesses`))).body)).toEqual([
        ['ann', 4, 'direct', undefined],
        // What would hold if it inherited again.
        ['ann', 2, 'inherit', top.path],
        ['ben', 2, 'inherit', top.path],
      ]);
      await others(below.id, undefined);
      const ofFile = (await must(asAdmin('GET', `file/${file}/accesses`))).body;
      expect(ofFile).toMatchObject({ file: { uuid: file, stop_inherit: false } });
      expect(people(ofFile)).toEqual([
        ['ann', 4, 'inherit', below.path],
        ['ben', 2, 'inherit', top.path],
      ]);
    });

    test('nothing where nothing was said, and every role there is', async () => {
      const { id } = await folder();
      expect((await must(asAdmin('GET', `folders/${id}/accesses`))).body).toMatchObject({
        folder: { stop_inherit: false, default_gallery_role: { set: null, actual: { id: 6 } } },
        accesses: { per_users: [] },
      });
      const wanted = ROLES.map(({ id: roleId, name, permissions }) => ({ id: roleId, name, permissions }));
      const roles = (await must(asAdmin('GET', 'accesses/constants'))).body['roles'];
      expect(roles).toMatchObject(wanted);
      // The widget's dialog has no way to give a person nothing.
      expect(roles).toMatchObject([{ default_gallery_role_only: true }, ...Array(6).fill({})]);
      expect(JSON.stringify(roles).split('default_gallery_role_only')).toHaveLength(2);
      const open = await api.app.inject('/admin/project/any/accesses/constants');
      expect(open.json()['roles']).toEqual(roles);
    });

    test('another role, another person, and nothing any more', async () => {
      const { id, path } = await folder();
      const entry = (await must(give(id, 2, 'cid'))).textAt('access.uuid');
      await must(give(id, 3, 'cid'));
      const change = (access: object) => asAdmin('PUT', `access/${entry}`, { access });
      const what = { folders_uuids: [id], files_uuids: [] };
      expect((await must(change({ role: 5, who: { users: ['dan'] }, what }))).body['access']).toMatchObject({
        uuid: entry,
        role: { id: 5 },
        user: { uuid: 'dan' },
      });
      await must(give(id, 0, 'cid'));
      expect(outcomeOf(await change({ who: { users: ['cid'] } }))).toBe('409 ALREADY_EXISTS');
      expect(await listed(path, await keyOf('cid'))).toBe('403 SCOPE_DENIED');
      await must(asAdmin('DELETE', `access/${entry}`));
      expect(outcomeOf(await change({ role: 1 }))).toBe('404 ACCESS_NOT_FOUND');
      expect(outcomeOf(await asAdmin('DELETE', `access/${entry}`))).toBe('404 ACCESS_NOT_FOUND');
    });

    test.each([
      ['no such role', { access: { role: 7, who: { users: ['a'] } } }],
      ['a role that is a sentence', { access: { role: 'VIEWER', who: { users: ['a'] } } }],
      ['no role', { access: { who: { users: ['a'] } } }],
      ['nobody named', { access: { role: 2 } }],
      ['a team', { access: { role: 2, who: { users: ['a'], teams: ['t'] } } }],
      ['a subject that no key can have', { access: { role: 2, who: { users: ['x'.repeat(200)] } } }],
    ])('a fault by its field: %s', async (_, body) => {
      const { id } = await folder();
      const answer = await asAdmin('POST', `folder/${id}/access`, body);
      expect(outcomeOf(answer)).toBe('400 REQUEST_INVALID');
      expect(answer.body['faults']).not.toEqual([]);
    });

    test('so for files: it is said of their folder', async () => {
      const { path } = await folder();
      const file = await put(path, 'a.txt');
      for (const [method, body] of [
        ['POST', { access: { role: 2, who: { users: ['ann'] } } }],
        ['PATCH', { stop_inherit: true }],
      ] as const) {
        const answer = await asAdmin(method, `file/${file}/access`, body);
        expect([outcomeOf(answer), answer.body['hint'], answer.body['faults']]).toMatchObject([
          '400 REQUEST_INVALID',
          // The dialog shows this one.
          expect.stringContaining('Say it of the folder of the file'),
          [{ field: 'uuid', code: 'NOT_A_FOLDER' }],
        ]);
      }
    });

    test('so many people and no more, and an entry of another folder nowhere else', async () => {
      const { id } = await folder();
      const people = Array.from({ length: ACCESS.peopleMax }, (_, at) => `person ${at}`);
      const first = (await must(give(id, 2, ...people))).textAt('access.uuid');
      expect(outcomeOf(await give(id, 2, 'one more'))).toBe('400 REQUEST_INVALID');
      const elsewhere = { access: { what: { folders_uuids: [(await folder()).id] } } };
      expect(outcomeOf(await asAdmin('PUT', `access/${first}`, elsewhere))).toBe('400 REQUEST_INVALID');
      const conflict = { stop_inherit: false, default_gallery_role: 2 };
      expect(outcomeOf(await asAdmin('PATCH', `folder/${id}/access`, conflict))).toBe('400 REQUEST_INVALID');
    });
  });

  describe('bind', () => {
    test('as before when a change of what is said of others says nothing', async () => {
      const { id, path } = await folder();
      const ann = await keyOf('ann');
      await others(id, 0);
      for (const body of [undefined, {}]) {
        expect(outcomeOf(await asAdmin('PATCH', `folder/${id}/access`, body))).toBe('400 REQUEST_INVALID');
      }
      expect(await listed(path, ann)).toBe('403 SCOPE_DENIED');
    });

    test('the person named, others as it is said of others, and nobody elsewhere', async () => {
      const { id, path } = await folder();
      const [ann, ben, nobody] = [await keyOf('ann'), await keyOf('ben'), await keyOf(undefined)];
      const all = async () => [await listed(path, ann), await listed(path, ben), await listed(path, nobody)];
      expect(await all()).toEqual(['200', '200', '200']);
      await must(give(id, 0, 'ann'));
      expect(await all()).toEqual(['403 SCOPE_DENIED', '200', '200']);
      await others(id, 0);
      expect(await all()).toEqual(['403 SCOPE_DENIED', '403 SCOPE_DENIED', '403 SCOPE_DENIED']);
      await must(give(id, 1, 'ben'));
      expect(await all()).toEqual(['403 SCOPE_DENIED', '200', '403 SCOPE_DENIED']);
      await others(id, undefined);
      expect(await all()).toEqual(['403 SCOPE_DENIED', '200', '200']);
      const elsewhere = await folder();
      expect(await listed(elsewhere.path, ann)).toBe('200');
    });

    test('no secret key, but keys made from one', async () => {
      const { id, path } = await folder();
      await others(id, 0);
      const { secret } = await api.secretKey();
      expect(await listed(path, secret)).toBe('200');
      const made = await api.call({
        method: 'POST',
        url: '/v5/key',
        key: secret,
        body: { subject: 'ann', permissions: ['OBJECTS_LIST'] },
      });
      expect(await listed(path, made.textAt('key'))).toBe('403 SCOPE_DENIED');
    });

    test('only by taking away: neither permission nor scope comes with a role', async () => {
      const { id, path } = await folder();
      await must(give(id, 6, 'ann'));
      expect(await listed(path, await keyOf('ann', { permissions: ['FILE_UPLOAD'] }))).toBe('403 PERMISSION_DENIED');
      expect(await listed(path, await keyOf('ann', { listing: { dir_scope: ['/elsewhere/*'] } }))).toBe(
        '403 SCOPE_DENIED',
      );
    });

    test('what is told of a folder and of its files: the permissions that are left there', async () => {
      const { id, path } = await folder();
      const file = await put(path, 'a.txt');
      await must(give(id, 3, 'ann'));
      const ann = await keyOf('ann', { permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_DELETE'] });
      const left = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'];
      for (const url of [`/v5/folder/${id}/permissions`, `/v5/file/${file}/permissions`]) {
        expect((await must(api.call({ url, key: ann }))).body['permissions']).toEqual(left);
      }
    });

    test('what may be said of a file that is there: whoever adds files describes none', async () => {
      const { id, path } = await folder();
      await put(path, 'a.txt');
      const ann = await keyOf('ann');
      const send = (data: string) => {
        const body = { name: 'a.txt', data: Buffer.from(data).toString('base64'), meta: { title: data } };
        const url = `/v5/files?folder=${encodeURIComponent(path)}`;
        return api.call({ method: 'POST', url, key: ann, body });
      };
      await must(give(id, 3, 'ann'));
      expect(outcomeOf(await send('by a collaborator'))).toBe('403 DESCRIPTION_FOREIGN');
      await must(give(id, 4, 'ann'));
      expect(outcomeOf(await send('by an editor'))).toBe('200');
    });

    test('the same folder wherever it is moved, and no other that takes its place', async () => {
      const { id, path } = await folder();
      await put(path, 'a.txt');
      await must(give(id, 0, 'ann'));
      const ann = await keyOf('ann');
      expect(await listed(path, ann)).toBe('403 SCOPE_DENIED');
      await must(asAdmin('PUT', `folder/${id}/name`, { name: `moved${count}` }));
      const moved = `/moved${count}`;
      expect(await listed(moved, ann)).toBe('403 SCOPE_DENIED');
      await folder(path);
      expect(await listed(path, ann)).toBe('200');
      const parent = await folder();
      await must(asAdmin('POST', 'folders/move', { folders_uuids: [id], new_folder_name: parent.path }));
      expect(await listed(`${parent.path}${moved}`, ann)).toBe('403 SCOPE_DENIED');
      await must(asAdmin('DELETE', 'folders', { folders_uuids: [parent.id] }));
      await folder(`${parent.path}${moved}`);
      expect(await listed(`${parent.path}${moved}`, ann)).toBe('200');
    });

    test('what is told of folders above: entries where the caller may read them', async () => {
      const top = await folder();
      const below = await folder(`${top.path}/below`);
      await must(give(top.id, 2, 'hidden person'));
      await must(give(below.id, 5, 'ann'));
      const seen = async () =>
        (await must(api.call({ url: `/v5/folder/${below.id}/accesses`, key: await keyOf('ann') }))).text;
      expect(await seen()).toContain('hidden person');
      await must(give(top.id, 0, 'ann'));
      expect(await seen()).not.toMatch(/hidden person/);
      const scoped = await keyOf('ann', { listing: { dir_scope: [`${below.path}/*`] } });
      await must(give(top.id, 6, 'ann'));
      expect(await seen()).toContain('hidden person');
      const answer = await must(api.call({ url: `/v5/folder/${below.id}/accesses`, key: scoped }));
      expect(answer.text).not.toContain('hidden person');
    });

    test('nobody who closes a folder: that person keeps the role, in whatever order the rest is said', async () => {
      const { id, path } = await folder();
      const [ann, ben] = [await keyOf('ann'), await keyOf('ben')];
      const close = (key: string, role: number) =>
        api.call({
          method: 'PATCH',
          url: `/v5/folder/${id}/access`,
          key,
          body: { stop_inherit: true, default_gallery_role: role },
        });
      const own = async () =>
        (
          (await must(asAdmin('GET', `folder/${id}/accesses`))).body['accesses'] as {
            readonly per_users: readonly { readonly user: { readonly uuid: string }; readonly relation: string }[];
          }
        ).per_users.flatMap(({ user, relation }) => (relation === 'direct' ? [user.uuid] : []));
      await must(close(ann, 6));
      expect(await own()).toEqual([]);
      await must(close(ann, 0));
      expect([await own(), await listed(path, ann), await listed(path, ben)]).toEqual([
        ['ann'],
        '200',
        '403 SCOPE_DENIED',
      ]);
      await must(close(ann, 1));
      expect(await own()).toEqual(['ann']);
      expect(outcomeOf(await close(ben, 0))).toBe('403 ACCESS_DENIED');
      // Nobody in particular can keep nothing.
      await others(id, undefined);
      await must(asAdmin('DELETE', `access/${(await must(give(id, 6, 'ann'))).textAt('access.uuid')}`));
      const nobody = await keyOf(undefined);
      await must(close(nobody, 0));
      expect([await own(), await listed(path, nobody)]).toEqual([[], '403 SCOPE_DENIED']);
    });

    test('whoever gives roles too', async () => {
      const top = await folder();
      const below = await folder(`${top.path}/below`);
      const ann = await keyOf('ann');
      const giving = async (id: string) =>
        outcomeOf(
          await api.call({
            method: 'POST',
            url: `/v5/folder/${id}/access`,
            key: ann,
            body: { access: { role: 6, who: { users: ['ann'] } } },
          }),
        );
      await must(give(top.id, 5, 'ann'));
      expect(await giving(top.id)).toBe('403 ACCESS_DENIED');
      expect(outcomeOf(await api.call({ url: `/v5/folder/${top.id}/accesses`, key: ann }))).toBe('200');
      await must(give(top.id, 6, 'ann'));
      await must(give(below.id, 4, 'ann'));
      expect([await giving(top.id), await giving(below.id)]).toEqual(['403 ACCESS_DENIED', '403 ACCESS_DENIED']);
      expect(outcomeOf(await api.call({ url: `/v5/folder/${below.id}/accesses`, key: ann }))).toBe('403 ACCESS_DENIED');
      await must(give(below.id, 6, 'ann'));
      expect([await giving(top.id), await giving(below.id)]).toEqual(['200', '200']);
      await must(give(below.id, 0, 'ann'));
      const hidden = (await asAdmin('GET', `folder/${below.id}/accesses`)).body['accesses'] as {
        readonly per_users: readonly { readonly uuid: string }[];
      };
      const url = `/v5/access/${hidden.per_users[0]?.uuid}`;
      expect(outcomeOf(await api.call({ method: 'DELETE', url, key: ann }))).toBe('404 ACCESS_NOT_FOUND');
    });
  });

  describe('hide', () => {
    test('a folder and everything in it from every list, number, search, suggestion, table and archive', async () => {
      const top = await folder('/zoo');
      const secret = await folder('/zoo/zebras');
      const open = await folder('/zoo/zebras/open');
      const file = await put(secret.path, 'zebra.txt', 'of zebras');
      const shown = await put(open.path, 'shown.txt', 'shown');
      await must(asAdmin('PUT', `file/${file}/tags`, { lang: 'en', existing_tags: [], new_tags: ['zebratag'] }));
      await must(asAdmin('PUT', `file/${file}/meta`, { meta: { title: 'zebratitle', kind: 'zebrakind' } }));
      await must(asAdmin('PUT', `file/${file}/product`, { product: { ref: 'ZEBRAREF', position: 1 } }));
      await must(asAdmin('PUT', `folder/${secret.id}/meta`, { meta: { note: 'zebranote' } }));
      const approval = { approval: { approvers: ['ann'], message: 'zebramessage' } };
      await must(asAdmin('POST', `file/${file}/approvals`, approval));
      const label = (await must(asAdmin('POST', 'labels', { label: { name: 'stripes', color: '#000000' } }))).textAt(
        'label.sid',
      );
      await must(asAdmin('POST', `files/${file}/labels`, { labels: [label] }));
      const [ann, ben] = [await keyOf('ann'), await keyOf('ben')];
      for (const key of [ann, ben]) {
        await must(api.call({ method: 'POST', url: '/v5/users/favorites', key, body: { files_uuids: [file] } }));
      }
      await must(give(secret.id, 0, 'ann'));
      await must(give(open.id, 2, 'ann'));

      const everywhere = 'folder=%2F&recursive=1&limit=100';
      const lists = [
        `files?${everywhere}`,
        `files?${everywhere}&q=zebra`,
        `files?${everywhere}&q=zebra&method=SCM_EXTENDED`,
        `files?${everywhere}&q=zebratitle`,
        `files?${everywhere}&format=csv`,
        `files?${everywhere}&labels=${encodeURIComponent(label)}`,
        `folders?${everywhere.replace('%2F', '%2Fzoo')}&q=zebra`,
        'attributes',
        'filters',
        'tags',
        'metadata/autocomplete?q=zeb',
        'metadata/autocomplete?q=zeb&meta_key=kind',
        'products',
        'products?q=reference~^ZEB',
        'product/ZEBRAREF/files',
        'users/favorites?recursive=1',
        'approvals?approver=ann',
      ];
      const told: string[] = [];
      for (const url of lists) {
        const [hers, his] = [
          await api.call({ url: `/v5/${url}`, key: ann }),
          await api.call({ url: `/v5/${url}`, key: ben }),
        ];
        const text = hers.text.replaceAll(open.path, '').replaceAll('/zoo/zebras', '').replaceAll(secret.id, '');
        expect(text.toLowerCase(), url).not.toMatch(/zebra(tag|title|kind|ref|note|message|\.txt)/);
        expect(hers.text, url).not.toContain(file);
        if (/zebra(tag|title|kind|ref|message|\.txt)/i.test(his.text)) told.push(url);
      }
      // The same questions do tell somebody else, so that silence means something.
      expect(told.length, told.join(' ')).toBeGreaterThan(12);

      const found = async (key: string) => {
        const answer = await must(api.call({ url: '/v5/files/stats?folder=%2Fzoo&recursive=1', key }));
        return answer.body['stats'];
      };
      expect([await found(ann), await found(ben)]).toMatchObject([
        { approx_files_count: 1 },
        { approx_files_count: 2 },
      ]);
      const seen = (await must(api.call({ url: `/v5/folders?folder=%2Fzoo`, key: ann }))).body['folders'];
      // The way to what may be seen is a bare path.
      expect(seen).toMatchObject([{ path: '/zoo/zebras', meta: {}, count: { files_direct: 0 } }]);
      for (const one of [
        `files/${file}`,
        `file/${file}/versions`,
        `files/${file}/changes`,
        `file/${file}/comments`,
        `file/${file}/variants`,
      ]) {
        expect(outcomeOf(await api.call({ url: `/v5/${one}`, key: ann })), one).toBe('404 FILE_NOT_FOUND');
      }
      expect(outcomeOf(await api.call({ url: `/v5/files/${shown}`, key: ann }))).toBe('200');

      const table = await api.call({
        method: 'POST',
        url: `/v5/objects/export-csv?recursive=1`,
        key: ann,
        body: { folders_uuids: [top.id] },
      });
      expect(table.text).toContain('shown.txt');
      expect(table.text).not.toMatch(/zebra\.txt|zebratitle/);
      const zip = { files_uuids: [file] };
      expect(outcomeOf(await api.call({ method: 'POST', url: '/v5/file-archive', key: ann, body: zip }))).toBe(
        '404 FILE_NOT_FOUND',
      );
      // Names that only may be listed are not handed out as bytes either.
      await must(give(secret.id, 1, 'ann'));
      expect(outcomeOf(await api.call({ url: `/v4/get/${file}`, key: ann }))).toBe('403 ACCESS_DENIED');
      const again = await api.call({ method: 'POST', url: '/v5/file-archive', key: ann, body: zip });
      expect(outcomeOf(again)).toBe('403 ACCESS_DENIED');
    });

    test('what a key has signed, and what it lends, from the moment on at which it is said', async () => {
      const { id, path } = await folder();
      const file = await put(path, 'private.txt');
      const shut = { files_uuids: [file], visibility: 'not_public' };
      await must(asAdmin('PUT', 'objects/visibility/cdn', shut));
      const ann = await keyOf('ann');
      const cdn = (await must(api.call({ url: `/v5/files/${file}`, key: ann }))).textAt('file.url.cdn');
      const link = cdn.replace(/^https?:\/\/[^/]+\/demo/, '');
      const share = await must(
        api.call({
          method: 'POST',
          url: '/v5/shares',
          key: ann,
          body: { title: 'lent', items: [{ type: 'file_uuid', identifiers: [file] }] },
        }),
      );
      const puid = share.textAt('share.puid');
      const content = async () => (await api.call({ url: `/v4/share/${puid}` })).text.includes('private.txt');
      expect([outcomeOf(await api.call({ url: link })), await content()]).toEqual(['200', true]);
      await must(give(id, 0, 'ann'));
      expect([(await api.call({ url: link })).status, await content()]).toEqual([404, false]);
      await must(give(id, 6, 'ann'));
      expect([outcomeOf(await api.call({ url: link })), await content()]).toEqual(['200', true]);
      // Whoever may only read what others gave them has nothing to lend.
      await must(give(id, 5, 'ann'));
      expect([outcomeOf(await api.call({ url: link })), await content()]).toEqual(['200', false]);
    });

    test('what only managers of a folder lend: shares of it and of what lies in it', async () => {
      const top = await folder();
      const below = await folder(`${top.path}/below`);
      const [file, deep] = [await put(top.path, 'shared.txt'), await put(below.path, 'deep.txt')];
      const ann = await keyOf('ann');
      const items = (type: string, id: string) => ({ title: 'lent', items: [{ type, identifiers: [id] }] });
      const share = (type: string, id: string) =>
        api.call({ method: 'POST', url: '/v5/shares', key: ann, body: items(type, id) });
      await must(give(top.id, 5, 'ann'));
      expect(outcomeOf(await share('file_uuid', file))).toBe('403 ACCESS_DENIED');
      expect(outcomeOf(await share('folder_uuid', top.id))).toBe('403 ACCESS_DENIED');
      await must(give(top.id, 6, 'ann'));
      await must(give(below.id, 2, 'ann'));
      const puid = (await must(share('folder_uuid', top.id))).textAt('share.puid');
      const content = await must(api.call({ url: `/v4/share/${puid}` }));
      expect([content.text.includes('shared.txt'), content.text.includes('deep.txt')]).toEqual([true, false]);
      expect((await api.call({ url: `/v4/share/${puid}/file/${deep}` })).status).toBe(404);
      const change = { method: 'PUT', url: `/v5/shares/${puid}`, key: ann } as const;
      const other = await api.call({ ...change, body: items('file_uuid', deep) });
      expect(outcomeOf(other)).toBe('403 ACCESS_DENIED');
      await must(api.call({ ...change, body: { title: 'still mine' } }));
    });

    test('what an airbox takes in, and where its folder has gone', async () => {
      const { id, path } = await folder();
      const ann = await keyOf('ann');
      const made = await must(
        api.call({ method: 'POST', url: '/v5/airboxes', key: ann, body: { title: 'in', folder: path } }),
      );
      const puid = made.textAt('airbox.puid');
      const open = async () => (await api.call({ url: `/a/${puid}?format=json` })).status;
      const told = async () => (await must(api.call({ url: `/v5/airboxes/${puid}`, key: ann }))).body['airbox'];
      expect([await open(), await told()]).toMatchObject([200, { folder: { path } }]);
      await must(give(id, 3, 'ann'));
      expect([await open(), await told()]).toMatchObject([404, { folder: { path } }]);
      await must(give(id, 0, 'ann'));
      expect([await open(), await told()]).toMatchObject([404, { folder: null }]);
    });
  });
});
