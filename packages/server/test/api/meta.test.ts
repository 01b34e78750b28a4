// Metadata through the front door: merged or replaced, bounded, and only where the key reaches.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const call = (method: Method, url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });

async function file(path: string, name = 'f.txt'): Promise<string> {
  return (await harness.upload(key, path, { name })).textAt('file.uuid');
}

async function folder(path: string): Promise<string> {
  return (await call('POST', '/v5/folders', { name: path })).textAt('folder.uuid');
}

const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );
const stored = async (uuid: string) => (await call('GET', `/v5/files/${uuid}`)).body['file'];

describe('file.setMeta', () => {
  test.each(['PUT', 'PATCH'] as const)('%s keeps what it does not name, and null removes a key', async (method) => {
    const uuid = await file('/m');
    await call(method, `/v5/file/${uuid}/meta`, { meta: { title: { en: 'x', fr: 'y' }, year: 7, gone: 'z' } });
    harness.clock.pass(1000);
    const answer = await call(method, `/v4/files/${uuid}/meta`, { meta: { title: { fr: null, de: 'w' }, gone: null } });
    expect(answer.body).toMatchObject({
      status: 'success',
      action: 'file_meta_updated',
      file_uuid: uuid,
      file: { uuid, name: 'f.txt', modified_at: '2026-01-15T12:00:01Z' },
    });
    const expected = { title: { en: 'x', de: 'w' }, year: 7 };
    expect(answer.body['meta']).toEqual(expected);
    expect(await stored(uuid)).toHaveProperty('meta', expected);
  });

  test('sets one key by its address, and clears all of them', async () => {
    const uuid = await file('/m');
    await call('PUT', `/v5/file/${uuid}/meta/title/${encodeURIComponent('a/b c+d')}`);
    await call('PUT', `/v4/files/${uuid}/meta/constructor/x`);
    expect(await stored(uuid)).toHaveProperty('meta', { title: 'a/b c+d', constructor: 'x' });
    const cleared = await call('DELETE', `/v5/file/${uuid}/meta`);
    expect(cleared.body).toMatchObject({ action: 'file_meta_updated', file_uuid: uuid, meta: {} });
    expect(await stored(uuid)).toHaveProperty('meta', {});
  });

  test('is opened by either name of the right', async () => {
    const uuid = await file('/m');
    for (const permission of ['FILE_META_CREATE', 'FILE_META_CHANGE']) {
      const as = await harness.key({ permissions: [permission] });
      expect((await call('PATCH', `/v5/file/${uuid}/meta`, { meta: { a: permission } }, as)).status).toBe(200);
    }
    const other = await harness.key({ permissions: ['OBJECTS_FETCH', 'DIR_META_CHANGE'] });
    const refused = await call('PATCH', `/v5/file/${uuid}/meta`, { meta: { a: 'x' } }, other);
    expect(outcome(refused)).toEqual([403, 'PERMISSION_DENIED']);
    expect(await stored(uuid)).toHaveProperty('meta', { a: 'FILE_META_CHANGE' });
  });

  test('reaches only files in scope; others are not found', async () => {
    const [inside, outside, above] = [await file('/in/deep'), await file('/inside'), await file('/')];
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    const set = (uuid: string) => call('PUT', `/v5/file/${uuid}/meta`, { meta: { a: 1 } }, narrow);
    expect((await set(inside)).status).toBe(200);
    expect(outcome(await set(outside))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await set(above))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await call('DELETE', `/v5/file/${above}/meta`, undefined, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(outcome(await set('00000000-0000-4000-8000-000000000000'))).toEqual([404, 'FILE_NOT_FOUND']);
    for (const uuid of [outside, above]) expect(await stored(uuid)).toHaveProperty('meta', {});
  });

  test('names every fault of a bad body at once and changes nothing', async () => {
    const uuid = await file('/m');
    let deep: unknown = 'bottom';
    for (let level = 0; level < 20; level += 1) deep = [deep];
    const set = (body: object) => call('PUT', `/v5/file/${uuid}/meta`, body);
    expect(faults(await set({}))).toEqual(['meta INVALID_TYPE']);
    expect(faults(await set({ meta: ['a'] }))).toEqual(['meta INVALID_TYPE']);
    const answer = await set({ meta: { ' ': 1, ['k'.repeat(256)]: 1, 'a\u0000': 1, deep, good: 1 } });
    expect(answer.status).toBe(400);
    expect(faults(answer).map((fault) => fault.split(' ').at(-1))).toEqual([
      'KEY_EMPTY',
      'KEY_TOO_LONG',
      'KEY_INVALID',
      'TOO_DEEP',
    ]);
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`k${n}`, n]));
    expect(faults(await set({ meta: many }))).toEqual(['meta TOO_MANY']);
    expect(await stored(uuid)).toHaveProperty('meta', {});
  });

  test('keeps all metadata together within 64 kB, and answers a body of brackets without falling over', async () => {
    const uuid = await file('/m');
    const half = 'x'.repeat(40_000);
    const set = (meta: object) => call('PATCH', `/v5/file/${uuid}/meta`, { meta });
    expect((await set({ a: half })).status).toBe(200);
    const answer = await set({ b: half });
    expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID', limit: 65_536 });
    expect(faults(answer)).toEqual(['meta TOO_LARGE']);
    expect((await set({ a: null, b: half })).status).toBe(200);
    const brackets = `{"meta":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    const headers = { 'content-type': 'application/json' };
    const url = `/v5/file/${uuid}/meta`;
    expect((await harness.call({ method: 'PUT', url, key, headers, body: brackets })).status).toBe(400);
  });

  test('loses no change of two that are made at the same time', async () => {
    const uuid = await file('/m');
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
    await Promise.all(keys.map((name) => call('PATCH', `/v5/file/${uuid}/meta`, { meta: { [name]: 1 } })));
    expect(await stored(uuid)).toHaveProperty('meta', Object.fromEntries(keys.map((name) => [name, 1])));
  });

  test('naughty values come back equal; naughty keys do too, or are refused with a field error', async () => {
    const uuid = await file('/m');
    for (const text of naughtyStrings()) {
      const value = await call('PUT', `/v5/file/${uuid}/meta`, { meta: { value: text } });
      expect([value.status, (value.body['meta'] as { readonly value: string }).value], text).toEqual([200, text]);
      const named = await call('PATCH', `/v5/file/${uuid}/meta`, { meta: { [text]: 'named', value: null } });
      if (named.status === 200) {
        // The parser drops this one name before anybody can be hurt by it.
        expect(named.body['meta'], text).toEqual(text === '__proto__' ? {} : { [text]: 'named' });
        expect((await stored(uuid)) as object).toHaveProperty('meta', named.body['meta']);
      } else {
        expect(outcome(named), text).toEqual([400, 'REQUEST_INVALID']);
        expect(faults(named).length, text).toBeGreaterThan(0);
      }
      await call('DELETE', `/v5/file/${uuid}/meta`);
    }
  }, 180_000);
});

describe('folder.setMeta', () => {
  test('PUT replaces everything, PATCH merges, DELETE clears, in both spellings', async () => {
    const uuid = await folder('/a');
    const put = await call('PUT', `/v5/folder/${uuid}/meta`, { meta: { a: 1, b: { en: 'x' }, none: null } });
    expect(put.body).toMatchObject({ action: 'folder_meta_updated', folder_uuid: uuid, folder: { path: '/a' } });
    expect(put.body['meta']).toEqual({ a: 1, b: { en: 'x' } });
    const patched = await call('PATCH', `/v4/folders/${uuid}/meta`, { meta: { a: null, b: { fr: 'y' } } });
    expect(patched.body['meta']).toEqual({ b: { en: 'x', fr: 'y' } });
    expect((await call('PUT', `/v3/folder/${uuid}/meta`, { meta: { c: 1 } })).body['meta']).toEqual({ c: 1 });
    expect((await call('GET', `/v5/folders/${uuid}`)).body['folder']).toHaveProperty('meta', { c: 1 });
    expect((await call('DELETE', `/v5/folders/${uuid}/meta`)).body).toMatchObject({
      action: 'folder_meta_deleted',
      meta: {},
    });
    expect((await call('GET', `/v5/folders/${uuid}`)).body['folder']).toHaveProperty('meta', {});
  });

  test('needs DIR_META_CHANGE and the folder in scope, and tells nothing of what lies outside', async () => {
    const [inside, outside, root] = [
      await folder('/in'),
      await folder('/out'),
      (await call('GET', '/v5/folders')).textAt('base.uuid'),
    ];
    await file('/in/deep');
    const set = (uuid: string, as: string) => call('PUT', `/v5/folder/${uuid}/meta`, { meta: { a: 1 } }, as);
    const exact = await harness.key({ permissions: ['DIR_META_CHANGE'], listing: { dir_scope: ['/in'] } });
    const changed = await set(inside, exact);
    expect(changed.body).toMatchObject({ meta: { a: 1 }, folder: { count: { files_recursive: 0 } } });
    expect(outcome(await set(outside, exact))).toEqual([404, 'FOLDER_NOT_FOUND']);
    expect(outcome(await set(root, exact))).toEqual([403, 'SCOPE_DENIED']);
    const files = await harness.key({ permissions: ['FILE_META_CHANGE'] });
    expect(outcome(await set(inside, files))).toEqual([403, 'PERMISSION_DENIED']);
    expect(faults(await call('PUT', `/v5/folder/${inside}/meta`, { meta: 'x' }))).toEqual(['meta INVALID_TYPE']);
  });
});
