// Folders and files through the front door: lists, names, moves and deletions, each end inside the scope.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

type Folder = {
  readonly uuid: string;
  readonly path: string;
  readonly name: string;
  readonly count: { readonly files_recursive: number };
};
type File = { readonly uuid: string; readonly name: string; readonly folder: { readonly name: string } };

const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });

async function folder(path: string): Promise<Folder> {
  const answer = await call('POST', '/v5/folders', { name: path });
  expect(answer.status, answer.text).toBe(200);
  return answer.body['folder'] as Folder;
}

async function file(path: string, name: string): Promise<File> {
  const answer = await harness.upload(key, path, { name });
  expect(answer.status, answer.text).toBe(200);
  return answer.body['file'] as File;
}

const names = (answer: Answer, list: 'files' | 'folders') =>
  (answer.body[list] as readonly (File & Folder)[]).map(({ name, path }) => path ?? name);

const outcome = (answer: Answer) => [answer.status, answer.body['code']];

describe('folder.create', () => {
  test('makes missing parents and answers the folder and the one above it', async () => {
    const answer = await call('POST', '/v5/folders', { name: '/a/b/c' });
    expect(answer.body).toMatchObject({
      status: 'success',
      action: 'folder_created',
      folder: { path: '/a/b/c', name: 'c', count: { files_direct: 0, files_recursive: 0 } },
      base: { path: '/a/b' },
    });
    expect(names(await call('GET', '/v5/folders?folder=%2F&recursive=1'), 'folders')).toEqual(['/a', '/a/b', '/a/b/c']);
  });

  test('refuses a taken name, a bad one, and one outside the scope', async () => {
    await folder('/a');
    expect(outcome(await call('POST', '/v5/folders', { name: '/a' }))).toEqual([409, 'ALREADY_EXISTS']);
    expect(outcome(await call('POST', '/v5/folders', { name: '/a/../b' }))).toEqual([400, 'PATH_INVALID']);
    expect(outcome(await call('POST', '/v5/folders', { title: '/a' }))).toEqual([400, 'REQUEST_INVALID']);
    const narrow = await harness.key({ listing: { dir_scope: ['/a/*'] } });
    expect(outcome(await call('POST', '/v5/folders', { name: '/ab' }, narrow))).toEqual([403, 'SCOPE_DENIED']);
    expect((await call('POST', '/v5/folders', { name: '/a/b' }, narrow)).status).toBe(200);
  });
});

describe('folder.list and file.list', () => {
  test('page, sort and search, with totals before paging', async () => {
    for (const name of ['b.txt', 'a.txt', 'C.txt', 'd.md']) await file('/l', name);
    const list = (query: string) => call('GET', `/v5/files?folder=%2Fl&${query}`);
    expect(names(await list('sort=name:asc'), 'files')).toEqual(['a.txt', 'b.txt', 'C.txt', 'd.md']);
    expect(names(await list('order=filename,desc&limit=2&offset=1'), 'files')).toEqual(['C.txt', 'b.txt']);
    expect(names(await list('q=TXT'), 'files')).toHaveLength(3);
    const page = await list('limit=1');
    expect(page.body).toMatchObject({ type: 'LIST', info: { total_files_count: 4 }, base: { path: '/l' } });
    const search = await list('q=a.txt&sort=relevance:desc');
    expect(search.body).toMatchObject({ type: 'SEARCH', files: [{ name: 'a.txt', relevance: 1 }] });
    const stats = await call('GET', '/v5/files/stats?folder=%2Fl');
    expect(stats.body).toMatchObject({ stats: { approx_files_count: 4, approx_files_size: 20 } });
  });

  test('unknown parameters, odd numbers and empty values are ignored', async () => {
    await file('/l', 'a.txt');
    const answer = await call(
      'GET',
      '/v5/files?folder=%2Fl&preview=2301&limit=x&offset=-1&q=&order=&sort=nonsense:up&recursive=0',
    );
    expect([answer.status, names(answer, 'files')]).toEqual([200, ['a.txt']]);
  });

  test('a plus in a name is a plus', async () => {
    await file('/l', 'a+b.txt');
    await file('/l', 'a b.txt');
    expect(names(await call('GET', '/v5/files?folder=/l&q=a+b'), 'files')).toEqual(['a+b.txt']);
  });

  test('recursive lists and sums only know what is in scope', async () => {
    for (const path of ['/in', '/in/deep', '/out', '/inside']) await file(path, 'f.txt');
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    const all = await call('GET', '/v5/files?folder=/&recursive=1', undefined, narrow);
    expect([names(all, 'files').length, all.body['info']]).toEqual([2, { total_files_count: 2, total_files_size: 10 }]);
    const folders = await call('GET', '/v5/folders?folder=/&recursive=1', undefined, narrow);
    expect(names(folders, 'folders').sort()).toEqual(['/in', '/in/deep']);
    expect(folders.body).toMatchObject({ base: { count: { files_recursive: 2 } } });
    expect(outcome(await call('GET', '/v5/files?folder=/out', undefined, narrow))).toEqual([403, 'SCOPE_DENIED']);
    expect(outcome(await call('GET', '/v5/files?folder=/inside', undefined, narrow))).toEqual([403, 'SCOPE_DENIED']);
  });

  test('a folder above the scope shows the way down and nothing else', async () => {
    for (const path of ['/a', '/a/b', '/a/b/c', '/x']) await file(path, 'f.txt');
    const narrow = await harness.key({ listing: { dir_scope: ['/a/b/*'] } });
    expect(names(await call('GET', '/v5/folders?folder=/', undefined, narrow), 'folders')).toEqual(['/a']);
    expect(names(await call('GET', '/v5/folders?folder=/a', undefined, narrow), 'folders')).toEqual(['/a/b']);
    expect(names(await call('GET', '/v5/files?folder=/a', undefined, narrow), 'files')).toEqual([]);
    expect(names(await call('GET', '/v5/files?folder=/a/b', undefined, narrow), 'files')).toEqual(['f.txt']);
  });

  test('an exact scope is that folder alone', async () => {
    for (const path of ['/a', '/a/b']) await file(path, 'f.txt');
    const exact = await harness.key({ listing: { dir_scope: ['/a'] } });
    expect(names(await call('GET', '/v5/files?folder=/a&recursive=1', undefined, exact), 'files')).toEqual(['f.txt']);
    expect(names(await call('GET', '/v5/folders?folder=/a', undefined, exact), 'folders')).toEqual([]);
    expect(outcome(await call('GET', '/v5/files?folder=/a/b', undefined, exact))).toEqual([403, 'SCOPE_DENIED']);
  });

  test('previews show the newest files of the folders asked for', async () => {
    const { uuid } = await folder('/p');
    for (const name of ['1', '2', '3', '4']) {
      harness.clock.pass(1000);
      await file('/p', name);
    }
    const answer = await call('POST', '/v5/folders/previews', { folders: [uuid, 'unknown'] });
    const previews = (answer.body['folders'] as Record<string, readonly { readonly file_uri_cdn: string }[]>)[uuid];
    expect(previews?.map(({ file_uri_cdn }) => file_uri_cdn.slice(-11, -10))).toHaveLength(3);
  });

  test('previews name the type that their address answers, so that no widget fetches an icon elsewhere', async () => {
    const { uuid } = await folder('/i');
    await file('/i', 'words.txt');
    const answer = await call('POST', '/v5/folders/previews', { folders: [uuid] });
    expect(answer.body['folders']).toMatchObject({ [uuid]: [{ file_type: 'image/svg+xml' }] });
  });

  test('a folder that is not there is not found', async () => {
    for (const url of [
      '/v5/folders?folder=/no',
      '/v5/files?folder=/no',
      '/v5/files/stats?folder=/no',
      '/v5/folders/no',
    ]) {
      expect(outcome(await call('GET', url))).toEqual([404, 'FOLDER_NOT_FOUND']);
    }
  });
});

describe('renames', () => {
  test('work in both spellings and answer the whole object', async () => {
    const { uuid } = await file('/r', 'old.txt');
    expect((await call('PUT', `/v5/file/${uuid}/name`, { name: 'new.txt' })).body).toMatchObject({
      action: 'file_renamed',
      file_uuid: uuid,
      file: { name: 'new.txt', folder: { name: '/r' } },
    });
    expect((await call('PATCH', `/v4/files/${uuid}`, { name: 'newer.txt' })).status).toBe(200);
    const { uuid: folderUuid } = await folder('/r/sub');
    await file('/r/sub/deep', 'f.txt');
    expect((await call('PUT', `/v5/folder/${folderUuid}/name`, { name: 'bus' })).body).toMatchObject({
      folder: { path: '/r/bus' },
    });
    expect(names(await call('GET', '/v5/files?folder=/r/bus/deep'), 'files')).toEqual(['f.txt']);
  });

  test('refuse taken and bad names, and the root', async () => {
    const { uuid } = await file('/r', 'a.txt');
    await file('/r', 'b.txt');
    expect(outcome(await call('PATCH', `/v5/files/${uuid}`, { name: 'b.txt' }))).toEqual([409, 'ALREADY_EXISTS']);
    for (const name of ['a/b', '..', '', 'a\u0000b', 'a\\b']) {
      expect(outcome(await call('PATCH', `/v5/files/${uuid}`, { name })), name).toEqual([400, 'PATH_INVALID']);
    }
    const root = (await call('GET', '/v5/folders')).body['base'] as Folder;
    expect(outcome(await call('PATCH', `/v5/folders/${root.uuid}`, { name: 'x' }))).toEqual([400, 'REQUEST_INVALID']);
  });
});

describe('moves', () => {
  test('take files, folders or both into one folder', async () => {
    const [one, two] = [await file('/m', 'one'), await file('/m', 'two')];
    const sub = await folder('/m/sub');
    await file('/m/sub', 'deep');
    await folder('/dest');
    expect(
      (await call('POST', '/v5/files/move', { files_uuids: [one.uuid], new_folder_name: '/dest' })).body,
    ).toMatchObject({
      action: 'files_moved',
      files: [{ name: 'one', folder: { name: '/dest' } }],
    });
    const mixed = { files_uuids: [two.uuid], folders_uuids: [sub.uuid], new_folder_name: '/dest' };
    expect((await call('POST', '/v5/objects/move', mixed)).body).toMatchObject({ folders: [{ path: '/dest/sub' }] });
    expect(names(await call('GET', '/v5/files?folder=/dest&recursive=1'), 'files').sort()).toEqual([
      'deep',
      'one',
      'two',
    ]);
  });

  test('understand the older forms', async () => {
    const { uuid } = await file('/m', 'one');
    const sub = await folder('/m/sub');
    const dest = await folder('/dest');
    expect((await call('POST', '/v4/files', { files_uuids: [uuid], new_folder_name: '/dest' })).status).toBe(200);
    expect((await call('POST', '/v4/folders', { folders_uuids: [sub.uuid], target_folder_name: '/dest' })).status).toBe(
      200,
    );
    expect((await call('PUT', `/v4/files/${uuid}/folders/${sub.uuid}`)).body).toMatchObject({
      file: { folder: { name: '/dest/sub' } },
    });
    expect(dest.path).toBe('/dest');
  });

  test('make a missing destination only for those who may make folders', async () => {
    const { uuid } = await file('/m', 'one');
    const mover = await harness.key({ permissions: ['FILE_MOVE'] });
    const body = { files_uuids: [uuid], new_folder_name: '/new' };
    expect(outcome(await call('POST', '/v5/files/move', body, mover))).toEqual([404, 'FOLDER_NOT_FOUND']);
    expect((await call('POST', '/v5/files/move', body)).status).toBe(200);
  });

  test.each([
    [['/in/*'], '/in', '/in/dest', 200, undefined],
    [['/in/*'], '/in', '/out', 403, 'SCOPE_DENIED'],
    [['/in/*'], '/out', '/in/dest', 404, 'FILE_NOT_FOUND'],
    [['/in/*'], '/out', '/out2', 404, 'FILE_NOT_FOUND'],
    [['/in', '/in/dest'], '/in', '/in/dest', 200, undefined],
    [['/in'], '/in', '/in/dest', 403, 'SCOPE_DENIED'],
  ])('with scope %j from %s to %s answer %i', async (scope, from, to, status, code) => {
    const { uuid } = await file(from, 'f');
    await folder('/in/dest');
    await folder('/out2');
    const mover = await harness.key({ listing: { dir_scope: scope } });
    const answer = await call('POST', '/v5/files/move', { files_uuids: [uuid], new_folder_name: to }, mover);
    expect(outcome(answer)).toEqual([status, code]);
    expect(names(await call('GET', `/v5/files?folder=${status === 200 ? to : from}`), 'files')).toEqual(['f']);
  });

  test('refuse a folder into itself, a taken name, the root, and leave everything where it was', async () => {
    const a = await folder('/a');
    await folder('/a/b');
    await folder('/b');
    const move = (uuid: string, to: string) =>
      call('POST', '/v5/folders/move', { folders_uuids: [uuid], new_folder_name: to });
    expect(outcome(await move(a.uuid, '/a'))).toEqual([400, 'REQUEST_INVALID']);
    const within = await move(a.uuid, '/a/b');
    expect(outcome(within)).toEqual([400, 'REQUEST_INVALID']);
    expect(within.body['hint']).toBe('A folder cannot be moved into itself.');
    const inner = (await call('GET', '/v5/folders?folder=/a')).body['folders'] as readonly Folder[];
    expect(outcome(await move(inner[0]?.uuid ?? '', '/'))).toEqual([409, 'ALREADY_EXISTS']);
    const root = (await call('GET', '/v5/folders')).body['base'] as Folder;
    expect(outcome(await move(root.uuid, '/b'))).toEqual([400, 'REQUEST_INVALID']);
    expect(names(await call('GET', '/v5/folders?recursive=1'), 'folders').sort()).toEqual(['/a', '/a/b', '/b']);
  });

  test('are all or nothing', async () => {
    const [one, two] = [await file('/m', 'one'), await file('/m', 'two')];
    await file('/dest', 'two');
    const body = { files_uuids: [one.uuid, two.uuid], new_folder_name: '/dest' };
    expect(outcome(await call('POST', '/v5/files/move', body))).toEqual([409, 'ALREADY_EXISTS']);
    expect(names(await call('GET', '/v5/files?folder=/m'), 'files')).toEqual(['one', 'two']);
    const unknown = { files_uuids: [one.uuid, '00000000-0000-0000-0000-000000000000'], new_folder_name: '/dest' };
    expect(outcome(await call('POST', '/v5/files/move', unknown))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await call('POST', '/v5/files/move', { files_uuids: [], new_folder_name: '/dest' }))).toEqual([
      400,
      'REQUEST_INVALID',
    ]);
  });
});

describe('deletions', () => {
  test('remove files, trees, and their bytes', async () => {
    const { uuid } = await file('/d', 'one');
    const tree = await folder('/d/tree');
    await file('/d/tree/deep', 'two');
    const answer = await call('DELETE', '/v5/objects', { files_uuids: [uuid], folders_uuids: [tree.uuid] });
    expect(answer.body).toMatchObject({ files_uuids: [uuid], folders_uuids: [tree.uuid] });
    expect(names(await call('GET', '/v5/files?folder=/d&recursive=1'), 'files')).toEqual([]);
    expect((await harness.ports.blobs.list(Date.now() + 60_000)).blobIds).toEqual([]);
    expect(outcome(await call('GET', `/v5/files/${uuid}`))).toEqual([404, 'FILE_NOT_FOUND']);
  });

  test('work one by one and in bulk, in both spellings', async () => {
    const [one, two] = [await file('/d', 'one'), await file('/d', 'two')];
    const [a, b] = [await folder('/d/a'), await folder('/d/b')];
    expect((await call('DELETE', `/v3/file/${one.uuid}`)).body).toMatchObject({ file_uuid: one.uuid });
    expect((await call('DELETE', '/v5/files', { files_uuids: [two.uuid] })).status).toBe(200);
    expect((await call('DELETE', `/v5/folders/${a.uuid}`)).body).toMatchObject({ folder_uuid: a.uuid });
    expect((await call('DELETE', '/v5/folders', { folders_uuids: [b.uuid] })).status).toBe(200);
  });

  test('demand both permissions for a mixed request', async () => {
    const one = await file('/d', 'one');
    const a = await folder('/d/a');
    const body = { files_uuids: [one.uuid], folders_uuids: [a.uuid] };
    for (const permissions of [['FILE_DELETE'], ['DIR_DELETE']]) {
      const half = await harness.key({ permissions });
      expect(outcome(await call('DELETE', '/v5/objects', body, half))).toEqual([403, 'PERMISSION_DENIED']);
    }
    expect((await call('GET', `/v5/files/${one.uuid}`)).status).toBe(200);
  });

  test('never the root, and never a tree that reaches out of the scope', async () => {
    const root = (await call('GET', '/v5/folders')).body['base'] as Folder;
    expect(outcome(await call('DELETE', `/v5/folders/${root.uuid}`))).toEqual([400, 'REQUEST_INVALID']);
    const a = await folder('/a');
    await file('/a/b', 'kept');
    const exact = await harness.key({ listing: { dir_scope: ['/a'] } });
    expect(outcome(await call('DELETE', `/v5/folders/${a.uuid}`, undefined, exact))).toEqual([403, 'SCOPE_DENIED']);
    expect(names(await call('GET', '/v5/files?folder=/a/b'), 'files')).toEqual(['kept']);
  });
});

describe('visibility', () => {
  test('is inherited from folders until something below chooses otherwise', async () => {
    const a = await folder('/a');
    const kept = await file('/a/b', 'f');
    const set = (visibility: string, ids: object) => call('PUT', '/v5/objects/visibility/cdn', { visibility, ...ids });
    const actual = async () => {
      const found = (await call('GET', `/v5/files/${kept.uuid}`)).body['file'] as {
        readonly visibility: { readonly in_cdn: { readonly set: string; readonly actual: string } };
      };
      return found.visibility.in_cdn;
    };
    expect(await actual()).toEqual({ set: 'inherited', actual: 'public' });
    expect((await set('not_public', { folders_uuids: [a.uuid] })).body).toMatchObject({
      folders: [{ uuid: a.uuid, visibility: { in_cdn: { set: 'not_public' } } }],
    });
    expect(await actual()).toEqual({ set: 'inherited', actual: 'not_public' });
    await set('public', { files_uuids: [kept.uuid] });
    expect(await actual()).toEqual({ set: 'public', actual: 'public' });
    expect(outcome(await set('secret', { files_uuids: [kept.uuid] }))).toEqual([400, 'REQUEST_INVALID']);
  });
});

describe('permissions of an object', () => {
  test('are those of the key', async () => {
    const { uuid } = await file('/p', 'f');
    const reader = await harness.key({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
    const answer = await call('GET', `/v5/file/${uuid}/permissions`, undefined, reader);
    expect(answer.body['permissions']).toEqual(['OBJECTS_LIST', 'OBJECTS_FETCH']);
  });
});
