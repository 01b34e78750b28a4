// Product definition section 5, sentence by sentence: which folders a key reaches, however they are written.
import { describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { useTarget } from './support/suite.ts';
import { BROWSE, below, freshFolder, type Holder, names } from './support/target.ts';

const target = useTarget();

/** A key that may do everything with files and folders inside the scopes. */
function scoped(scopes: readonly string[]): Promise<Holder> {
  return target.holder({
    permissions: [
      ...BROWSE,
      'FILE_UPLOAD',
      'FILE_MOVE',
      'FILE_RENAME',
      'FILE_DELETE',
      'DIR_CREATE',
      'DIR_MOVE',
      'DIR_RENAME',
      'DIR_DELETE',
    ],
    upload: { dir_scope: scopes },
    listing: { dir_scope: scopes },
  });
}

/** Whether each folder may be uploaded to and listed; both scopes must agree. */
async function reach(holder: Holder, folders: readonly string[]): Promise<Record<string, boolean>> {
  const reached: Record<string, boolean> = {};
  for (const folder of folders) {
    const [uploaded, listed] = [await holder.upload(folder, 'probe.txt'), await holder.list(folder)];
    expect(uploaded.outcome, `upload to ${folder}`).toMatch(/^(200|403 SCOPE_DENIED)$/);
    if (uploaded.status === 200) expect(listed.outcome, `list ${folder}`).toBe('200');
    else if (listed.status === 200) expect(names(listed), `list ${folder}`).toEqual([]);
    else expect(listed.outcome, `list ${folder}`).toBe('403 SCOPE_DENIED');
    reached[folder] = uploaded.status === 200;
  }
  return reached;
}

describe('5 Folder scopes: what they cover', () => {
  test('5.1 /folder is exactly that folder and the files directly in it', async () => {
    const f = freshFolder();
    await target.seed(f, 'direct.txt');
    await target.seed(`${f}/sub`, 'deep.txt');
    const holder = await scoped([f]);
    expect(await reach(holder, [f, `${f}/sub`, '/'])).toEqual({ [f]: true, [`${f}/sub`]: false, '/': false });
    expect(names(await holder.list(f, '&recursive=1'))).toEqual(['direct.txt', 'probe.txt']);
  });

  test('5.2 /folder/* is that folder and everything below it', async () => {
    const f = freshFolder();
    const holder = await scoped([below(f)]);
    expect(await reach(holder, [f, `${f}/a`, `${f}/a/b/c`, '/', freshFolder()])).toMatchObject({
      [f]: true,
      [`${f}/a`]: true,
      [`${f}/a/b/c`]: true,
      '/': false,
    });
    expect(names(await holder.list(f, '&recursive=1'))).toEqual(['probe.txt', 'probe.txt', 'probe.txt']);
  });

  test('5.3 /* is everything, and / is only the root', async () => {
    const f = freshFolder();
    expect(await reach(await scoped(['/*']), ['/', f, `${f}/a`])).toEqual({ '/': true, [f]: true, [`${f}/a`]: true });
    expect(await reach(await scoped(['/']), ['/', f])).toEqual({ '/': true, [f]: false });
  });

  test('5.4 several entries are a union', async () => {
    const [f, g, h] = [freshFolder(), freshFolder(), freshFolder()];
    const holder = await scoped([f, below(g)]);
    expect(await reach(holder, [f, `${f}/a`, g, `${g}/a`, h])).toEqual({
      [f]: true,
      [`${f}/a`]: false,
      [g]: true,
      [`${g}/a`]: true,
      [h]: false,
    });
  });

  test('5.5 folders are compared by segments: a name that merely begins alike is another folder', async () => {
    const f = freshFolder();
    const holder = await scoped([f, below(`${f}/x`)]);
    const others = [`${f}2`, `${f}-`, `${f}/x2`, `${f}/xx/y`, f.toUpperCase().replace('/T', '/t').concat('Z')];
    for (const [folder, reached] of Object.entries(await reach(holder, others))) expect(reached, folder).toBe(false);
  });
});

describe('5 Folder scopes: one canonical form', () => {
  test('5.6 a path that cannot be made canonical is refused with a reason, never repaired', async () => {
    const f = freshFolder();
    await target.seed(`${f}/a`, 'a.txt');
    const holder = await scoped(['/*']);
    // As they stand in the address: percent-encoded once, or on purpose twice.
    for (const [path, why] of [
      [`${f}//a`, 'an empty segment'],
      [`${f}/./a`, 'a dot segment'],
      [`${f}/x/../a`, 'a dot-dot segment'],
      [`${f}/x%2F..%2Fa`, 'a dot-dot segment, encoded'],
      [f.slice(1), 'no leading slash'],
      [`${f}%5Ca`, 'a backslash'],
      [`${f}/a%00`, 'NUL'],
      [`${f}/a%01`, 'a control character'],
      [`${f}/a%7F`, 'delete'],
      [`${f}/%E2%80%AEa`, 'a bidi override'],
      [`${f}/a%E2%80%8B`, 'an invisible character'],
      [`${f}%252Fa`, 'a slash, encoded twice'],
      [`${f}/%252e%252e/a`, 'dots, encoded twice'],
      [`${f}%EF%BC%8Fa`, 'a full-width slash'],
      [`${f}/%EF%BC%8E%EF%BC%8E/a`, 'full-width dots'],
    ] as const) {
      const listed = await holder.call('GET', `v5/files?folder=${path}`);
      expect(listed.outcome, why).toBe('400 PATH_INVALID');
      expect(listed.bytes.toString(), `${why}: a reason`).toMatch(/"(hint|message)":"[^"]{10,}/);
      expect((await holder.call('PUT', `v4/upload?folder=${path}&filename=x.txt`, { body: 'x' })).outcome, why).toBe(
        '400 PATH_INVALID',
      );
      // A new folder may be named without a slash: it is then one of the root.
      if (!path.startsWith('/')) continue;
      const decoded = decodeURIComponent(path);
      expect((await holder.call('POST', 'v5/folders', { json: { name: decoded } })).outcome, why).toBe(
        '400 PATH_INVALID',
      );
    }
    expect(names(await holder.list(f, '&recursive=1'))).toEqual(['a.txt']);
  });

  test('5.7 a file name is one segment of the same form', async () => {
    const f = freshFolder();
    const holder = await scoped([below(f)]);
    for (const name of ['..', '.', '', 'a/b', '../x', 'a\\b', 'a\u0000', 'a\u202Etxt', '%2e%2e', '\uFF0E\uFF0E']) {
      const answer = await holder.put(f, name, 'x');
      expect(answer.status, JSON.stringify(name)).toBe(400);
    }
  });

  test('5.8 two spellings of one name by Unicode are one folder and one file', async () => {
    const f = freshFolder();
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    const holder = await scoped([below(`${f}/${composed}`)]);
    expect((await holder.upload(`${f}/${decomposed}`, `${decomposed}.txt`)).outcome).toBe('200');
    expect((await holder.upload(`${f}/${composed}`, `${composed}.txt`)).outcome).toBe('200');
    for (const spelling of [composed, decomposed]) {
      expect(names(await holder.list(`${f}/${spelling}`))).toEqual([`${composed}.txt`]);
    }
  });
});

describe('5 Folder scopes: both ends, and what is seen', () => {
  test('5.9 moving a file needs both its folder and its destination in scope', async () => {
    const [inside, outside] = [freshFolder(), freshFolder()];
    const mine = await target.seed(inside, 'mine.txt');
    const theirs = await target.seed(outside, 'theirs.txt');
    await target.admin('POST', 'v5/folders', { json: { name: `${inside}/to` } });
    const holder = await scoped([below(inside)]);
    const move = async (file: Record<string, unknown>, to: string) => {
      const json = { files_uuids: [file['uuid']], new_folder_name: to };
      return (await holder.call('POST', 'v5/files/move', { json })).outcome;
    };
    expect(await move(mine, outside)).toBe('403 SCOPE_DENIED');
    expect(await move(theirs, inside)).toBe('404 FILE_NOT_FOUND');
    expect(await move(theirs, outside)).toMatch(/^(404 FILE_NOT_FOUND|403 SCOPE_DENIED)$/);
    expect(await move(mine, `${inside}/to`)).toBe('200');
    const seen = (folder: string) => target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    expect(names(await seen(`${inside}/to`))).toEqual(['mine.txt']);
    expect(names(await seen(outside))).toEqual(['theirs.txt']);
  });

  test('5.10 moving, renaming or deleting a folder needs everything below it in scope, and both ends', async () => {
    const [f, outside] = [freshFolder(), freshFolder()];
    await target.seed(`${f}/from/deep`, 'deep.txt');
    await target.admin('POST', 'v5/folders', { json: { name: `${f}/to` } });
    await target.admin('POST', 'v5/folders', { json: { name: outside } });
    const tree = await target.admin('GET', `v5/folders?folder=${encodeURIComponent(f)}`);
    const id = tree.list('folders').find((it) => member(it, 'name') === 'from');
    const json = (to: string) => ({ folders_uuids: [member(id, 'uuid')], new_folder_name: to });
    const attempts = async (holder: Holder, to: string) => [
      (await holder.call('POST', 'v5/folders/move', { json: json(to) })).outcome,
      (await holder.call('PUT', `v5/folder/${member(id, 'uuid')}/name`, { json: { name: 'renamed' } })).outcome,
      (await holder.call('DELETE', 'v5/folders', { json: json(to) })).outcome,
    ];
    // Exactly the folder and its ends, without what is below.
    const shallow = await scoped([f, `${f}/from`, `${f}/to`]);
    expect(await attempts(shallow, `${f}/to`)).toEqual(Array(3).fill('403 SCOPE_DENIED'));
    const oneEnd = await scoped([below(`${f}/from`)]);
    expect((await oneEnd.call('POST', 'v5/folders/move', { json: json(outside) })).outcome).toBe('403 SCOPE_DENIED');
    const deep = await scoped([below(f)]);
    expect((await deep.call('POST', 'v5/folders/move', { json: json(`${f}/to`) })).outcome).toBe('200');
    expect(names(await deep.list(`${f}/to`, '&recursive=1'))).toEqual(['deep.txt']);
  });

  test('5.11 search sees only what is in scope', async () => {
    const [inside, outside] = [freshFolder(), freshFolder()];
    const word = `needle${inside.slice(3)}`;
    await target.seed(`${inside}/a`, `${word}-in.txt`);
    await target.seed(outside, `${word}-out.txt`);
    await target.admin('POST', 'v5/folders', { json: { name: `${outside}/${word}` } });
    await target.admin('POST', 'v5/folders', { json: { name: `${inside}/${word}` } });
    const holder = await scoped([below(inside)]);
    expect(names(await holder.list('/', `&recursive=1&q=${word}`))).toEqual([`${word}-in.txt`]);
    const folders = await holder.folders('/', `&recursive=1&q=${word}`);
    expect(folders.list('folders').map((it) => member(it, 'path'))).toEqual([`${inside}/${word}`]);
  });

  test('5.12 counts see only what is in scope', async () => {
    const f = freshFolder();
    await target.seed(`${f}/mine`, 'one.txt', '1');
    await target.seed(`${f}/mine/below`, 'two.txt', '22');
    await target.seed(`${f}/theirs`, 'three.txt', '333');
    await target.seed(f, 'four.txt', '4444');
    const holder = await scoped([below(`${f}/mine`)]);
    const files = await holder.call('GET', `v5/files/stats?folder=${encodeURIComponent(f)}&recursive=1`);
    expect(files.at('stats')).toMatchObject({ approx_files_count: 2, approx_files_size: 3 });
    const listed = await holder.list(f, '&recursive=1');
    expect(listed.at('info')).toMatchObject({ total_files_count: 2, total_files_size: 3 });
    const folders = await holder.call('GET', `v5/folders/stats?folder=${encodeURIComponent(f)}&recursive=1`);
    expect(folders.at('stats.approx_files_count')).toBe(2);
    const base = await holder.folders(f);
    expect(base.at('base.count')).toEqual({ files_direct: 0, files_recursive: 2 });
    expect(base.at('base.size.total_recursive_bytes')).toBe(3);
  });

  test('5.13 a folder on the way to a scope is a bare path to it, so that a widget can walk down', async () => {
    const f = freshFolder();
    const scope = `${f}/a/b`;
    await target.seed(scope, 'in-scope.txt');
    for (const beside of [f, `${f}/a`, `${f}/other`, `${f}/a/other`]) await target.seed(beside, 'beside.txt');
    const holder = await scoped([below(scope)]);
    let at = '/';
    for (const step of [f, `${f}/a`, scope]) {
      const folders = await holder.folders(at);
      expect(folders.outcome, at).toBe('200');
      expect(folders.at('base.path')).toBe(at);
      expect(folders.list('folders').map((it) => member(it, 'path'))).toEqual([step]);
      expect(names(await holder.list(at)), `files of ${at}`).toEqual([]);
      at = step;
    }
    expect(names(await holder.list(scope))).toEqual(['in-scope.txt']);
    // A bare path can be walked and nothing else.
    expect((await holder.upload(f, 'x.txt')).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.call('POST', 'v5/folders', { json: { name: `${f}/new` } })).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.list(`${f}/other`)).outcome).toBe('403 SCOPE_DENIED');
  });
});
