// Every operation on files and folders, with and without its permission, inside and outside the scope, at both ends, over a taken name or
// a free one: it does what it should or is refused and changes nothing. On every database.
import { lowestRole, OPERATIONS, type OperationName, PERMISSIONS, type Permission } from '@latchkey/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { type Answer, type Harness, openHarness, type TestRequest } from '../support/harness.ts';

type Place = 'in' | 'out';

/** One folder of the place with a file, a folder below it with a file of its own, and a second empty one. */
interface Site {
  readonly folder: string;
  readonly folderId: string;
  readonly below: string;
  readonly belowId: string;
  readonly file: string;
  readonly asset: string;
}

interface OneEnded {
  readonly operation: OperationName;
  /** What a refusal outside the scope looks like: a uuid is not found, a path is denied. */
  readonly outside: '404' | '403 SCOPE_DENIED';
  /** What happens when it is allowed; by default it succeeds. */
  readonly inside?: RegExp;
  request(site: Site): TestRequest;
}

interface TwoEnded {
  readonly operation: OperationName;
  readonly title: string;
  /** Whether a taken name at the destination is refused (or becomes the next version). */
  readonly overTaken: '409 ALREADY_EXISTS' | '200';
  request(source: Site, destination: Site): TestRequest;
}

const query = (text: string) => encodeURIComponent(text);
const json = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body: object = {}): TestRequest => ({
  method,
  url,
  body,
});

const ONE_ENDED: readonly OneEnded[] = [
  {
    operation: 'file.list',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({ url: `/v5/files?folder=${query(folder)}` }),
  },
  {
    operation: 'file.list',
    outside: '404',
    request: ({ file }) => json('POST', '/v5/ml/images/embedding/image', { ref_key: 'uuid', ref: file }),
  },
  {
    operation: 'file.stats',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({ url: `/v5/files/stats?folder=${query(folder)}` }),
  },
  {
    operation: 'folder.list',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({ url: `/v5/folders?folder=${query(folder)}` }),
  },
  {
    operation: 'folder.stats',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({ url: `/v5/folders/stats?folder=${query(folder)}` }),
  },
  {
    operation: 'folder.create',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => json('POST', '/v5/folders', { name: `${folder}/made` }),
  },
  {
    operation: 'file.upload',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({
      method: 'PUT',
      url: `/v5/files?folder=${query(folder)}&filename=new.txt`,
      body: 'new',
    }),
  },
  {
    operation: 'file.upload',
    outside: '403 SCOPE_DENIED',
    request: ({ folder }) => ({
      method: 'PUT',
      url: `/v5/files?folder=${query(folder)}&filename=a.txt`,
      body: 'over a taken name',
    }),
  },
  { operation: 'file.get', outside: '404', request: ({ file }) => ({ url: `/v5/files/${file}` }) },
  { operation: 'file.permissions', outside: '404', request: ({ file }) => ({ url: `/v5/file/${file}/permissions` }) },
  { operation: 'file.download', outside: '404', request: ({ file }) => ({ url: `/v4/get/${file}` }) },
  {
    operation: 'file.rename',
    outside: '404',
    request: ({ file }) => json('PUT', `/v5/file/${file}/name`, { name: 'b.txt' }),
  },
  { operation: 'file.delete', outside: '404', request: ({ file }) => json('DELETE', `/v5/files/${file}`) },
  {
    operation: 'file.delete',
    outside: '404',
    request: ({ file }) => json('DELETE', '/v5/objects', { files_uuids: [file] }),
  },
  {
    operation: 'file.setVisibility',
    outside: '404',
    request: ({ file }) => json('PUT', '/v5/objects/visibility/cdn', { files_uuids: [file], visibility: 'public' }),
  },
  {
    operation: 'file.setMeta',
    outside: '404',
    request: ({ file }) => json('PATCH', `/v5/file/${file}/meta`, { meta: { title: 'x' } }),
  },
  {
    operation: 'file.setTags',
    outside: '404',
    request: ({ file }) => json('PUT', `/v5/file/${file}/tags`, { lang: 'en', existing_tags: [], new_tags: ['x'] }),
  },
  {
    operation: 'file.setProduct',
    outside: '404',
    request: ({ file }) => json('PUT', `/v5/file/${file}/product`, { product: { ref: 'x', position: 1 } }),
  },
  { operation: 'folder.get', outside: '404', request: ({ folderId }) => ({ url: `/v5/folders/${folderId}` }) },
  {
    operation: 'folder.permissions',
    outside: '404',
    request: ({ folderId }) => ({ url: `/v5/folder/${folderId}/permissions` }),
  },
  {
    operation: 'folder.rename',
    outside: '404',
    request: ({ belowId }) => json('PUT', `/v5/folder/${belowId}/name`, { name: 'renamed' }),
  },
  { operation: 'folder.delete', outside: '404', request: ({ folderId }) => json('DELETE', `/v5/folders/${folderId}`) },
  {
    operation: 'folder.setVisibility',
    outside: '404',
    request: ({ folderId }) =>
      json('PUT', '/v5/objects/visibility/cdn', { folders_uuids: [folderId], visibility: 'public' }),
  },
  {
    operation: 'folder.setMeta',
    outside: '404',
    request: ({ folderId }) => json('PUT', `/v5/folder/${folderId}/meta`, { meta: { title: 'x' } }),
  },
  {
    operation: 'file.history',
    outside: '404',
    request: ({ file }) => ({ url: `/v5/files/${file}/changes` }),
  },
  {
    operation: 'file.history',
    outside: '404',
    request: ({ file }) => ({ url: `/v5/file/${file}/versions` }),
  },
  {
    operation: 'comment.list',
    outside: '404',
    request: ({ file }) => ({ url: `/v5/file/${file}/comments?comments_info=1` }),
  },
  {
    operation: 'comment.write',
    outside: '404',
    request: ({ file }) =>
      json('POST', `/v5/file/${file}/comments?comments_info=1`, { comment: { text: '{"body":"x"}' } }),
  },
  {
    operation: 'variant.list',
    outside: '404',
    request: ({ file }) => ({ url: `/v5/file/${file}/variants` }),
  },
  {
    operation: 'variant.write',
    outside: '404',
    request: ({ file }) => json('POST', `/v5/file/${file}/variants`, { variant_name: 'x', variant_query: 'w=1' }),
  },
  {
    operation: 'variant.delete',
    outside: '404',
    // There is none.
    inside: /^404 VARIANT_NOT_FOUND$/,
    request: ({ file, folderId }) => json('DELETE', `/v5/file/${file}/variants`, { variants_list: [folderId] }),
  },
  {
    operation: 'favorite.change',
    outside: '404',
    request: ({ file }) => json('POST', '/v5/users/favorites', { files_uuids: [file] }),
  },
  {
    operation: 'favorite.change',
    outside: '404',
    request: ({ file }) => json('DELETE', '/v5/users/favorites', { files_uuids: [file] }),
  },
  {
    operation: 'file.archive',
    outside: '404',
    request: ({ file, folderId }) =>
      json('POST', '/v5/file-archive', { files_uuids: [file], folders_uuids: [folderId] }),
  },
  {
    operation: 'file.export',
    outside: '404',
    request: ({ file }) => json('POST', '/v5/objects/export-csv', { files_uuids: [file] }),
  },
  {
    operation: 'file.autotag',
    outside: '404',
    request: ({ file }) => json('POST', '/v5/process/autotag', { file: { uuid: file }, meta: { languages: ['en'] } }),
  },
  {
    operation: 'file.describe',
    outside: '404',
    request: ({ file }) => json('POST', '/v5/process/describe', { file: { uuid: file }, meta: { languages: ['en'] } }),
  },
  {
    operation: 'approval.request',
    outside: '404',
    request: ({ file }) => json('POST', `/v5/files/${file}/approvals`, { approval: { approvers: ['ann'] } }),
  },
  {
    operation: 'approval.list',
    outside: '404',
    request: ({ file }) => ({ url: `/v5/files/${file}/approvals` }),
  },
];

const TWO_ENDED: readonly TwoEnded[] = [
  {
    operation: 'file.move',
    title: 'files/move',
    overTaken: '409 ALREADY_EXISTS',
    request: ({ file }, { folder }) => json('POST', '/v5/files/move', { files_uuids: [file], new_folder_name: folder }),
  },
  {
    operation: 'file.move',
    title: 'objects/move',
    overTaken: '409 ALREADY_EXISTS',
    request: ({ file }, { folder }) =>
      json('POST', '/v5/objects/move', { files_uuids: [file], new_folder_name: folder }),
  },
  {
    operation: 'file.move',
    title: 'files/{uuid}/folders/{uuid}',
    overTaken: '409 ALREADY_EXISTS',
    request: ({ file }, { folderId }) => json('PUT', `/v5/files/${file}/folders/${folderId}`),
  },
  {
    operation: 'folder.move',
    title: 'folders/move',
    overTaken: '409 ALREADY_EXISTS',
    request: ({ belowId }, { folder }) =>
      json('POST', '/v5/folders/move', { folders_uuids: [belowId], new_folder_name: folder }),
  },
  {
    operation: 'folder.move',
    title: 'folders/{uuid}/folders/{uuid}',
    overTaken: '409 ALREADY_EXISTS',
    request: ({ belowId }, { folderId }) => json('PUT', `/v5/folders/${belowId}/folders/${folderId}`),
  },
];

/** Operations of people who have a role are asked about the folder and about the one below it when they act on both. */
const isTree = (operation: OperationName) => OPERATIONS[operation].tree === true;

/** Operations on places that have a test of their own elsewhere, and where. */
const ELSEWHERE: Readonly<Partial<Record<OperationName, string>>> = {
  'access.list': 'has its own roles: access.test.ts',
  'access.change': 'has its own roles: access.test.ts',
  'file.setLabels': 'needs a label to give: labels.test.ts',
  'approval.get': 'needs an approval: approvals.test.ts',
  'approval.edit': 'needs an approval: approvals.test.ts',
  'approval.cancel': 'needs an approval: approvals.test.ts',
  'approval.vote': 'needs an approval: approvals.test.ts',
  'favorite.list': 'answers what is in scope: favorites.test.ts',
  'airbox.create': 'needs FILE_UPLOAD too: airboxes.test.ts',
  'airbox.update': 'needs FILE_UPLOAD too: airboxes.test.ts',
  'share.create': 'needs OBJECTS_FETCH too: shares.test.ts, and access.test.ts for roles',
  'share.update': 'needs OBJECTS_FETCH too: shares.test.ts, and access.test.ts for roles',
  'facet.list': 'answers what is in scope, whatever is asked: tags.test.ts',
  'folder.preview': 'takes a list of folders and leaves out those outside: objects.test.ts',
  'file.edit': 'is asked together with file.upload: matrix.test.ts',
  'product.list': 'answers what is in scope: products.test.ts',
  'product.get': 'answers what is in scope: products.test.ts',
  'product.rename': 'touches what is in scope: products.test.ts',
};

/** Without the permission the answer is always this - save that what lies outside the scope may be unknown before it is forbidden. */
const DENIED = /^403 PERMISSION_DENIED$/;
const DENIED_OR_UNKNOWN = /^(403 (PERMISSION|SCOPE)_DENIED|404 (FILE|FOLDER)_NOT_FOUND)$/;

const outcomeOf = ({ status, body }: Answer) => (status < 300 ? '200' : `${status} ${body['code']}`);

describe.each(databaseAdapters)('on $name', ({ create }) => {
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

  /** Everything in these folders, as an admin sees it. */
  async function stateOf(sites: readonly Site[]): Promise<string> {
    const lists = sites.flatMap(({ folder }) =>
      ['files', 'folders'].map(async (kind) => {
        const url = `/v5/${kind}?folder=${query(folder)}&recursive=1&limit=100`;
        const answer = await api.call({ url, headers: admin });
        expect(answer.status, answer.text).toBe(200);
        const list = answer.body[kind];
        return Array.isArray(list) ? list.map((one) => JSON.stringify(one)).sort() : [];
      }),
    );
    return JSON.stringify(await Promise.all(lists));
  }

  async function site(place: Place, options: { readonly taken?: boolean } = {}): Promise<Site> {
    count += 1;
    const folder = `/${place}/s${count}`;
    const make = async (path: string) => {
      const made = await api.call({ ...json('POST', '/v5/folders', { name: path }), headers: admin });
      return made.textAt('folder.uuid');
    };
    const put = async (path: string, name: string, text: string) => {
      const url = `/v5/files?folder=${query(path)}&filename=${name}`;
      return (await api.call({ method: 'PUT', url, body: text, headers: admin })).textAt('file.uuid');
    };
    const folderId = await make(folder);
    if (options.taken === false) return { folder, folderId, below: '', belowId: '', file: '', asset: '' };
    const below = `${folder}/below`;
    const belowId = await make(below);
    await put(below, 'deep.txt', 'deep');
    const file = await put(folder, 'a.txt', `a ${count}`);
    const shut = { files_uuids: [file], visibility: 'not_public' };
    await api.call({ ...json('PUT', '/v5/objects/visibility/cdn', shut), headers: admin });
    return { folder, folderId, below, belowId, file, asset: file.slice(0, -4) };
  }

  const scoped = (permissions: readonly string[]) =>
    api.key({ permissions, listing: { dir_scope: ['/in/*'] }, upload: { dir_scope: ['/in/*'] } });

  /** Each single permission that opens the operation. */
  function openers(operation: OperationName): readonly Permission[] {
    const { permissions } = OPERATIONS[operation];
    return typeof permissions === 'string' ? ['OBJECTS_LIST'] : permissions;
  }

  /** All permissions but those that open the operation. */
  const othersThan = (operation: OperationName) => PERMISSIONS.filter((one) => !openers(operation).includes(one));

  const ofPerson = (subject: string, permissions: readonly string[] = PERMISSIONS) =>
    api.key({ permissions }, { claims: { subject } });

  async function give(folderId: string, subject: string, role: number): Promise<void> {
    const body = { access: { role, who: { users: [subject] } } };
    const answer = await api.call({ ...json('POST', `/v5/folder/${folderId}/access`, body), headers: admin });
    expect(answer.status, answer.text).toBe(200);
  }

  /** A refusal by a role: where not even names may be seen a place is out of scope. */
  const byRole = (role: number, outside: '404' | '403 SCOPE_DENIED') =>
    role > 0 ? /^403 ACCESS_DENIED$/ : outside === '404' ? /^404 (FILE|FOLDER)_NOT_FOUND$/ : /^403 SCOPE_DENIED$/;

  async function refused(request: TestRequest, key: string, expected: RegExp, sites: readonly Site[]): Promise<void> {
    const before = await stateOf(sites);
    expect(outcomeOf(await api.call({ ...request, key }))).toMatch(expected);
    expect(await stateOf(sites), 'a refusal changes nothing').toBe(before);
  }

  describe.each(ONE_ENDED.map((row, at) => [`${row.operation} (${at})`, row] as const))('%s', (_title, row) => {
    const { operation, outside } = row;

    test('passes inside the scope with any one of its permissions', async () => {
      for (const permission of openers(operation)) {
        const request = row.request(await site('in'));
        const answer = await api.call({ ...request, key: await scoped([permission]) });
        expect(outcomeOf(answer), answer.text).toMatch(row.inside ?? /^200$/);
      }
    });

    test('is refused without them, wherever it is', async () => {
      const key = await scoped(othersThan(operation));
      for (const place of ['in', 'out'] as const) {
        const target = await site(place);
        await refused(row.request(target), key, place === 'in' ? DENIED : DENIED_OR_UNKNOWN, [target]);
      }
    });

    test('is refused outside the scope with every permission there is', async () => {
      const expected = outside === '404' ? /^404 (FILE|FOLDER)_NOT_FOUND$/ : /^403 SCOPE_DENIED$/;
      const target = await site('out');
      await refused(row.request(target), await scoped(PERMISSIONS), expected, [target]);
    });

    test('is for people whose role in the folder has its permission, and for nobody with less', async () => {
      const enough = lowestRole(openers(operation));
      for (const role of new Set([0, enough - 1])) {
        const target = await site('in');
        await give(target.folderId, 'ann', role);
        await refused(row.request(target), await ofPerson('ann'), byRole(role, outside), [target]);
      }
      const target = await site('in');
      await give(target.folderId, 'ann', enough);
      const answer = await api.call({ ...row.request(target), key: await ofPerson('ann') });
      expect(outcomeOf(answer), answer.text).toMatch(row.inside ?? /^200$/);
      if (!isTree(operation)) return;
      const whole = await site('in');
      await give(whole.belowId, 'ann', enough - 1);
      await refused(row.request(whole), await ofPerson('ann'), /^403 ACCESS_DENIED$/, [whole]);
    });
  });

  describe.each(TWO_ENDED.map((row) => [`${row.operation} by ${row.title}`, row] as const))('%s', (_title, row) => {
    const { operation } = row;
    const combinations = (['in', 'out'] as const).flatMap((from) =>
      (['in', 'out'] as const).flatMap((to) => [true, false].map((taken) => ({ from, to, taken }))),
    );

    test.each(combinations)('from $from to $to, name taken there: $taken', async ({ from, to, taken }) => {
      const source = await site(from);
      const destination = await site(to, { taken });
      const request = row.request(source, destination);
      const sites = [source, destination];
      const allIn = from === 'in' && to === 'in';
      await refused(request, await scoped(othersThan(operation)), allIn ? DENIED : DENIED_OR_UNKNOWN, sites);
      const key = await scoped(openers(operation));
      if (allIn) {
        if (taken) return refused(request, key, new RegExp(`^${row.overTaken}$`), sites);
        expect(outcomeOf(await api.call({ ...request, key }))).toBe('200');
        return undefined;
      }
      // Nothing tells whether the name is taken where the key may not look.
      return refused(request, key, /^(404 (FILE|FOLDER)_NOT_FOUND|403 SCOPE_DENIED)$/, sites);
    });

    test('is for people whose roles at both ends have its permission', async () => {
      const enough = lowestRole(openers(operation));
      const key = await ofPerson('ann');
      for (const role of [0, enough - 1]) {
        for (const end of [0, 1] as const) {
          const sites = [await site('in'), await site('in', { taken: false })] as const;
          await give(sites[end].folderId, 'ann', role);
          const expected = role > 0 ? /^403 ACCESS_DENIED$/ : /^(404 (FILE|FOLDER)_NOT_FOUND|403 SCOPE_DENIED)$/;
          await refused(row.request(...sites), key, expected, sites);
        }
      }
      const sites = [await site('in'), await site('in', { taken: false })] as const;
      for (const { folderId } of sites) await give(folderId, 'ann', enough);
      expect(outcomeOf(await api.call({ ...row.request(...sites), key }))).toBe('200');
    });

    test('refuses alike outside the scope, whether the name is taken there or not', async () => {
      const key = await scoped(openers(operation));
      const answers = await Promise.all(
        [true, false].map(async (taken) => {
          const request = row.request(await site('in'), await site('out', { taken }));
          const { status, body } = await api.call({ ...request, key });
          return { status, code: body['code'], msg: body['msg'], hint: body['hint'], rule: body['rule'] };
        }),
      );
      expect(answers[0]).toEqual(answers[1]);
    });
  });
});

test('every operation on a place is in the matrix or named with the test that has it', () => {
  const covered = new Set<string>([...ONE_ENDED, ...TWO_ENDED].map(({ operation }) => operation));
  const placed = Object.entries(OPERATIONS).filter(([, row]) => row.scope !== 'none' && row.bearers.includes('key'));
  const missing = placed.map(([name]) => name).filter((name) => !covered.has(name) && !(name in ELSEWHERE));
  expect(missing).toEqual([]);
});
