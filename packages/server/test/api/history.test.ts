// The history of files: what was done, when and by whom, and what of it a reader may know.
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, CONTAINER, type Harness, openHarness } from '../support/harness.ts';

let api: Harness;
beforeEach(async () => {
  api = await openHarness();
});
afterEach(() => api.close());

const put = async (key: string, folder: string, name: string, content = 'hello') =>
  (await api.upload(key, folder, { name, content })).textAt('file.uuid');

interface WireChange {
  readonly action: string;
  readonly changed_at: string;
  readonly user: { readonly uuid: string; readonly name: string; readonly email: string | null };
  readonly props: { readonly old: string | null; readonly new: string | null; readonly name: string | null };
  readonly extra: object;
}

async function changesOf(key: string, uuid: string, query = ''): Promise<readonly WireChange[]> {
  const answer = await api.call({ url: `/v5/files/${uuid}/changes${query}`, key });
  expect(answer.status, answer.text).toBe(200);
  return answer.body['changes'] as readonly WireChange[]; // What the shape is, the tests look at.
}

describe('file.history', () => {
  test('tells everything done to a file, in the form that widgets parse without a guard', async () => {
    const template = await api.template({ name: 'Press page' });
    const key = api.keyOf(template, { claims: { subject: 'ann@example.org' } });
    const uuid = await put(key, '/a', 'x.txt');
    api.clock.pass(1000);
    const send = async (method: 'PUT' | 'POST', url: string, body: object) => {
      const answer = await api.call({ method, url: `/v5${url}`, key, body });
      expect(answer.status, answer.text).toBe(200);
    };
    await send('PUT', `/file/${uuid}/name`, { name: 'y.txt' });
    await send('POST', '/files/move', { files_uuids: [uuid], new_folder_name: '/b' });
    await send('PUT', `/file/${uuid}/meta`, { meta: { title: { en: 'Hi' } } });
    await send('PUT', `/file/${uuid}/tags`, { lang: 'en', new_tags: ['sun'] });
    await send('PUT', `/file/${uuid}/product`, { product: { ref: 'P1', position: 2 } });
    await send('PUT', '/objects/visibility/cdn', { files_uuids: [uuid], visibility: 'not_public' });
    const plain = api.keyOf(template);
    const next = await put(plain, '/b', 'y.txt', 'other');
    const changes = await changesOf(plain, next);
    expect(changes.map(({ action }) => action)).toEqual([
      'H_CHG_VERSION',
      'H_CHG_VISIBILITY',
      'H_CHG_PRODUCT',
      'H_CHG_TAGS',
      'H_CHG_META',
      'H_MOVE',
      'H_RENAME',
      'H_CREATED',
    ]);
    expect(changes.at(-1)).toEqual({
      action: 'H_CREATED',
      changed_at: '2026-01-15T12:00:00Z',
      user: { uuid: 'ann@example.org', name: 'ann@example.org', email: 'ann@example.org', photo: null },
      props: { old: null, new: 'x.txt', name: 'x.txt' },
      extra: {},
    });
    expect(changes[0]?.user).toMatchObject({ name: 'Press page', uuid: `template/${template.uid}`, email: null });
    for (const { action, props } of changes) {
      if (action === 'H_CHG_META' || action === 'H_CHG_TAGS') {
        expect(JSON.parse(String(props.old))).toEqual({});
        expect(JSON.parse(String(props.new))).not.toEqual({});
      }
    }
    expect((await changesOf(plain, uuid)).map(({ action }) => action)).not.toContain('H_CHG_VERSION');
  });

  test('answers a page, with the number of all changes, under both spellings', async () => {
    const key = await api.key();
    const uuid = await put(key, '/a', '0.txt');
    for (const name of ['1.txt', '2.txt', '3.txt']) {
      await api.call({ method: 'PUT', url: `/v5/file/${uuid}/name`, key, body: { name } });
    }
    const answer = await api.call({ url: `/v4/file/${uuid}/changes?offset=1&limit=2`, key });
    expect(answer.body).toMatchObject({
      status: 'success',
      info: { total_changes_count: 4 },
      changes: [{ props: { new: '2.txt' } }, { props: { new: '1.txt' } }],
    });
    expect(await changesOf(key, uuid, '?limit=0')).toHaveLength(1);
    expect(await changesOf(key, uuid, '?limit=999999&offset=3')).toHaveLength(1);
  });

  test('keeps folders outside the scope of the reader to itself', async () => {
    const all = await api.key();
    const uuid = await put(all, '/secret', 'x.txt');
    const move = (new_folder_name: string) =>
      api.call({ method: 'POST', url: '/v5/files/move', key: all, body: { files_uuids: [uuid], new_folder_name } });
    await move('/open');
    await move('/open/in');
    const reader = await api.key({ listing: { dir_scope: ['/open/*'] } });
    const text = JSON.stringify(await changesOf(reader, uuid));
    expect(text).not.toContain('secret');
    const moves = (await changesOf(reader, uuid)).filter(({ action }) => action === 'H_MOVE');
    expect(moves.map(({ props }) => [props.old, props.new])).toEqual([
      ['/open', '/open/in'],
      [null, '/open'],
    ]);
    expect((await changesOf(all, uuid)).filter(({ props }) => props.old === '/secret')).toHaveLength(1);
  });

  test('tells nothing of a file outside the scope, of an unknown version, or without OBJECTS_FETCH', async () => {
    const all = await api.key();
    const uuid = await put(all, '/secret', 'x.txt');
    const url = `/v5/files/${uuid}/changes`;
    const outside = await api.key({ listing: { dir_scope: ['/open/*'] } });
    expect(await api.call({ url, key: outside })).toMatchObject({ status: 404, body: { code: 'FILE_NOT_FOUND' } });
    const later = await api.call({ url: `/v5/files/${uuid.slice(0, -4)}0009/changes`, key: all });
    expect(later.body['code']).toBe('FILE_NOT_FOUND');
    const lister = await api.key({ permissions: ['OBJECTS_LIST'] });
    expect((await api.call({ url, key: lister })).body['code']).toBe('PERMISSION_DENIED');
  });

  test('logs nothing for a folder that carries files along, and forgets a file that is deleted', async () => {
    const key = await api.key();
    const uuid = await put(key, '/a/b', 'x.txt');
    await api.call({
      method: 'POST',
      url: '/v5/folders/move',
      key,
      body: {
        folders_uuids: [(await api.call({ url: `/v5/file/${uuid}`, key })).textAt('file.folder.uuid')],
        new_folder_name: '/c',
      },
    });
    expect((await changesOf(key, uuid)).map(({ action }) => action)).toEqual(['H_CREATED']);
    await api.call({ method: 'DELETE', url: '/v5/files', key, body: { files_uuids: [uuid] } });
    expect((await api.call({ url: `/v5/files/${uuid}/changes`, key })).status).toBe(404);
    const log = await api.ports.changes.listChanges('demo', uuid.slice(0, -4), { versionMax: 9, offset: 0, limit: 9 });
    expect(log.total).toBe(0);
  });

  test('names an admin, a secret key and a subject that looks like one of them apart', async () => {
    const { record, secret } = await api.secretKey({ name: 'Importer' });
    const spoof = await api.key({}, { claims: { subject: 'admin/session' } });
    const uuid = await put(secret, '/a', 'x.txt');
    await api.call({ method: 'PUT', url: `/v5/file/${uuid}/name`, key: spoof, body: { name: 'y.txt' } });
    const headers = await api.admin();
    await api.call({ method: 'PUT', url: `/v5/file/${uuid}/name`, headers, body: { name: 'z.txt' } });
    expect((await changesOf(secret, uuid)).map(({ user }) => [user.uuid, user.name])).toEqual([
      ['admin/session', 'Admin'],
      ['subject/admin/session', 'admin/session'],
      [`secret/${record.uid}`, 'Importer'],
    ]);
  });
});

describe('restoring a version', () => {
  const restore = (key: string, uuid: string) => api.call({ method: 'PUT', url: `/v5/files/${uuid}/versions`, key });
  const outcome = ({ status, body }: Answer) => [status, body['code']];
  const bytesOf = async (uuid: string) => (await api.call({ url: `/v4/get/${uuid}`, key: await api.key() })).text;

  /** A file of three versions, of 3, 5 and 7 bytes. */
  async function three(folder = '/r'): Promise<readonly [string, string, string]> {
    const key = await api.key({}, { claims: { subject: 'ann' } });
    const first = await put(key, folder, 'v.txt', 'one');
    const second = await put(key, folder, 'v.txt', 'two..');
    return [first, second, await put(key, folder, 'v.txt', 'three..')];
  }
  const versionsOf = async (uuid: string) => {
    const answer = await api.call({ url: `/v5/file/${uuid}/versions`, key: await api.key() });
    return answer.body['versions'] as readonly {
      readonly uuid: string;
      readonly size: { readonly bytes: number };
      readonly modified_by: string | null;
    }[];
  };

  test('makes its content the newest version, loses none, and says who did it', async () => {
    const [first, , third] = await three();
    const ben = await api.key({}, { claims: { subject: 'ben' } });
    const answer = await restore(ben, first);
    const uuid = answer.textAt('file.uuid');
    expect(answer.body).toMatchObject({
      action: 'file_version_restored',
      file_uuid: uuid,
      file: { name: 'v.txt', size: { bytes: 3 } },
    });
    expect(uuid).toBe(first.replace(/0000$/, '0003'));
    expect(await bytesOf(uuid)).toBe('one');
    expect(await bytesOf(third)).toBe('three..');
    expect((await versionsOf(uuid)).map((one) => [one.uuid.slice(-4), one.size.bytes, one.modified_by])).toEqual([
      ['0003', 3, 'ben'],
      ['0002', 7, 'ann'],
      ['0001', 5, 'ann'],
      ['0000', 3, 'ann'],
    ]);
    const [change] = await changesOf(ben, uuid);
    expect(change).toMatchObject({ action: 'H_CHG_VERSION', user: { name: 'ben' }, extra: { restored: first } });
    // What was newest is restored in the same way.
    expect(await bytesOf((await restore(ben, third)).textAt('file.uuid'))).toBe('three..');
  });

  test('keeps what is said of the file now', async () => {
    const [first, , third] = await three();
    const key = await api.key();
    const meta = { meta: { title: 'now' } };
    await api.call({ method: 'PATCH', url: `/v5/file/${third}/meta`, key, body: meta });
    expect((await restore(key, first)).body['file']).toMatchObject(meta);
  });

  test('needs both to read and to upload, and both scopes', async () => {
    const [first] = await three();
    const rights = ['OBJECTS_FETCH', 'FILE_UPLOAD'];
    for (const permission of rights) {
      const key = await api.key({ permissions: [permission, 'FILE_DELETE', 'OBJECTS_LIST'] });
      expect(outcome(await restore(key, first)), permission).toEqual([403, 'PERMISSION_DENIED']);
    }
    const scoped = (listing: string, upload: string) =>
      api.key({ permissions: rights, listing: { dir_scope: [listing] }, upload: { dir_scope: [upload] } });
    expect(outcome(await restore(await scoped('/else/*', '/r/*'), first))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await restore(await scoped('/r/*', '/else/*'), first))).toEqual([403, 'SCOPE_DENIED']);
    expect(await versionsOf(first)).toHaveLength(3);
    expect((await restore(await scoped('/r', '/r'), first)).status).toBe(200);
  });

  test('is an upload to the limits: one file, its bytes, and nothing when it is refused', async () => {
    const [first, second] = await three();
    const key = await api.key({ upload: { max: 2, max_total_size: 8 } });
    expect((await restore(key, first)).status).toBe(200);
    const both = await three('/other');
    expect((await restore(key, both[1])).status).toBe(200);
    expect(outcome(await restore(key, first))).toEqual([403, 'UPLOAD_QUOTA_EXHAUSTED']);
    const bytes = await api.key({ upload: { max_total_size: 4 } });
    expect(outcome(await restore(bytes, second))).toEqual([403, 'UPLOAD_QUOTA_EXHAUSTED']);
    // The refusal took nothing: three bytes still fit.
    expect((await restore(bytes, first)).status).toBe(200);
    const slow = await api.key({ upload: { limit_per_min: 1 } });
    expect((await restore(slow, first)).status).toBe(200);
    expect(outcome(await restore(slow, first))).toEqual([429, 'UPLOAD_RATE_LIMITED']);
  });

  test('is an upload to the rules of types and sizes', async () => {
    const [first, second] = await three();
    const typed = await api.key({ upload: { allowed_types: ['image/*'] } });
    expect(outcome(await restore(typed, first))).toEqual([415, 'MEDIA_TYPE_REFUSED']);
    const small = await api.key({ upload: { max_file_size: 4 } });
    expect(outcome(await restore(small, second))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await versionsOf(first)).toHaveLength(3);
    expect((await restore(small, first)).status).toBe(200);
  });

  test('of what is not there is refused, and the current version is restored like any other', async () => {
    const [first, , third] = await three();
    const key = await api.key();
    expect(outcome(await restore(key, first.replace(/0000$/, '0009')))).toEqual([404, 'FILE_NOT_FOUND']);
    expect((await api.call({ method: 'DELETE', url: `/v5/files/${first}`, key, body: {} })).status).toBe(200);
    expect(outcome(await restore(key, first))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(await bytesOf((await restore(key, third)).textAt('file.uuid'))).toBe('three..');
  });

  test('done by many at once makes one version each', async () => {
    const [first, second] = await three();
    const key = await api.key();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => restore(key, n % 2 === 0 ? first : second)));
    const made = answers.map((answer) => answer.textAt('file.uuid').slice(-4)).sort();
    expect(made).toEqual(['0003', '0004', '0005', '0006', '0007', '0008']);
    expect(await versionsOf(first)).toHaveLength(9);
  });
});

describe('addresses of an older version', () => {
  const NAMES = ['cdn', 'public', 'permalink', 'download', 'version_preview_link'] as const;
  type Links = Readonly<Record<(typeof NAMES)[number], string>>;
  const picture = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#336699' } })
      .png()
      .toBuffer();
  /** The addresses of both versions of a picture: the newer, of 300 x 900, and the older, of 400 x 200. */
  async function linksOf(key: string): Promise<readonly [Links, Links]> {
    await api.upload(key, '/p', { name: 'pic 1.png', content: await picture(400, 200) });
    const second = await api.upload(key, '/p', { name: 'pic 1.png', content: await picture(300, 900) });
    const uuid = second.textAt('file.uuid');
    const { body } = await api.call({ url: `/v5/file/${uuid}/versions`, key });
    const [newer, older] = body['versions'] as readonly { readonly url: Links }[];
    if (newer === undefined || older === undefined) throw new TypeError('There are two versions.');
    return [newer.url, older.url];
  }
  const below = (address: string) => address.slice(address.indexOf(`/${CONTAINER}/`));
  const get = (address: string) => api.call({ url: below(address) });
  const sizeOf = async (address: string) => {
    const answer = await get(address);
    expect(answer.status, address).toBe(200);
    const { width, height } = await sharp(answer.bytes).metadata();
    return [width, height];
  };

  test('lead to that version, drawn as well, and those of the newest to the newest', async () => {
    const [newer, older] = await linksOf(await api.key());
    for (const name of NAMES) {
      expect(await sizeOf(newer[name]), name).toEqual([300, 900]);
      expect(await sizeOf(older[name]), name).toEqual([400, 200]);
      const separator = older[name].includes('?') ? '&' : '?';
      expect(await sizeOf(`${older[name]}${separator}w=100`), name).toEqual([100, 50]);
    }
    const download = await get(older.download);
    expect(download.headers['content-disposition']).toMatch(/^attachment; filename="pic 1\.png"/);
    expect((await get(older.cdn)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('that carry the hash of an older version are not kept by what delivers the newest', async () => {
    const [newer, older] = await linksOf(await api.key());
    const outdated = newer.cdn.replace(/vh=\w+/, older.cdn.match(/vh=\w+/)?.[0] ?? '');
    expect(outdated).not.toBe(newer.cdn);
    expect((await get(newer.cdn)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
    for (const rest of ['', '&w=100', '&download=1']) {
      expect((await get(outdated + rest)).headers['cache-control'], rest).toBe('public, no-cache');
    }
  });
});
