// Favourites through the front door: whose they are, what of them is seen, and where files say that they are some.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { FAVORITES } from '../../src/operations/favorites.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await openHarness();
});
afterAll(() => api.close());

/** Every test has folders and people of its own. */
let nr = 0;
beforeEach(() => {
  nr += 1;
});
const folderOf = (path: string) => `/t${nr}${path}`;
const filesIn = (path: string) => `/v5/files?folder=${encodeURIComponent(folderOf(path))}`;

const FAVORITES_URL = '/v5/users/favorites';
const put = async (key: string, folder: string, name: string) =>
  (await api.upload(key, folderOf(folder), { name, content: name })).textAt('file.uuid');
const change = (method: 'POST' | 'DELETE', key: string, ...files_uuids: readonly unknown[]) =>
  api.call({ method, url: FAVORITES_URL, key, body: { files_uuids } });
const keyFor = (subject: string, difference: object = {}) =>
  api.key(difference, { claims: { subject: `${subject} ${nr}` } });
const outcome = ({ status, body }: Answer) => [status, body['code']];

type Shown = { readonly name: string; readonly is_favorite: boolean };
const shown = (answer: Answer) =>
  (answer.body['files'] as readonly Shown[]).map(({ name, is_favorite }) => [name, is_favorite]);

async function list(key: string, query = '?recursive=1'): Promise<Answer> {
  const answer = await api.call({ url: `${FAVORITES_URL}${query}`, key });
  expect(answer.status, answer.text).toBe(200);
  return answer;
}
const names = async (key: string, query?: string) => shown(await list(key, query)).map(([name]) => name);

describe('favourites', () => {
  test('are added, listed the latest first and taken off, with whole files', async () => {
    const key = await keyFor('ann');
    const [a, b] = [await put(key, '/x', 'a.txt'), await put(key, '/x/y', 'b.txt')];
    const added = await change('POST', key, a);
    expect(added.body).toMatchObject({ action: 'favorites_added', files_uuids: [a], files: [{ is_favorite: true }] });
    api.clock.pass(1000);
    await change('POST', key, b);
    const listed = await list(key);
    expect(listed.body).toMatchObject({
      files: [
        { uuid: b, name: 'b.txt', is_favorite: true, folder: { name: folderOf('/x/y') } },
        { uuid: a, name: 'a.txt', is_favorite: true },
      ],
      info: { total_files_count: 2 },
    });
    expect(await names(key, '?limit=1&offset=1')).toEqual(['a.txt']);
    const removed = await change('DELETE', key, a);
    expect(removed.body).toMatchObject({ action: 'favorites_removed', files_uuids: [a] });
    expect(shown(removed)).toEqual([['a.txt', false]]);
    expect(await names(key)).toEqual(['b.txt']);
    // Both are so already.
    expect((await change('DELETE', key, a)).status).toBe(200);
    expect((await change('POST', key, b, b)).body).toMatchObject({ files_uuids: [b] });
  });

  test('are told wherever the file is shown, and stay told when it is changed', async () => {
    const key = await keyFor('ann');
    const uuid = await put(key, '/x', 'a.txt');
    await put(key, '/x', 'other.txt');
    await change('POST', key, uuid);
    const get = (url: string) => api.call({ url, key });
    expect(shown(await get(filesIn('/x')))).toEqual([
      ['a.txt', true],
      ['other.txt', false],
    ]);
    expect((await get(`/v5/file/${uuid}`)).body).toMatchObject({ file: { is_favorite: true } });
    const renamed = await api.call({ method: 'PUT', url: `/v5/file/${uuid}/name`, key, body: { name: 'b.txt' } });
    expect(renamed.body).toMatchObject({ file: { name: 'b.txt', is_favorite: true } });
    const again = await api.upload(key, folderOf('/x'), { name: 'b.txt', content: 'next version' });
    expect(again.body).toMatchObject({ file: { is_favorite: true } });
    const next = again.textAt('file.uuid');
    expect(next).not.toBe(uuid);
    const versions = (await get(`/v5/file/${next}/versions`)).body['versions'] as readonly Shown[];
    expect(versions.map(({ is_favorite }) => is_favorite)).toEqual([true, true]);
  });

  test('are of the person behind the key: its subject, whichever template, or else all keys of the template', async () => {
    const template = await api.template();
    const [plain, twin] = [api.keyOf(template), api.keyOf(template)];
    const [a, b] = [await put(plain, '/x', 'a.txt'), await put(plain, '/x', 'b.txt')];
    await change('POST', plain, a);
    expect(await names(twin)).toEqual(['a.txt']);
    expect(await names(await api.key())).toEqual([]);
    const ann = api.keyOf(template, { claims: { subject: `ann ${nr}` } });
    expect(await names(ann)).toEqual([]);
    await change('POST', ann, b);
    expect(await names(await keyFor('ann'))).toEqual(['b.txt']);
    expect(await names(await keyFor('ben'))).toEqual([]);
    expect(shown(await api.call({ url: filesIn('/x'), key: await keyFor('ann') }))).toEqual([
      ['a.txt', false],
      ['b.txt', true],
    ]);
    expect(await names((await api.secretKey()).secret)).toEqual([]);
    const admin = await api.call({ url: FAVORITES_URL, headers: await api.admin() });
    expect([admin.status, admin.body['files']]).toEqual([200, []]);
  });

  test('outside the listing scope are neither listed, counted, added nor taken off', async () => {
    const wide = await keyFor('ann');
    const narrow = await keyFor('ann', { listing: { dir_scope: [folderOf('/in/*')] } });
    const [inside, outside] = [await put(wide, '/in', 'a.txt'), await put(wide, '/out', 'b.txt')];
    await change('POST', wide, inside, outside);
    const seen = await list(narrow);
    expect([shown(seen), seen.body['info']]).toEqual([[['a.txt', true]], { total_files_count: 1 }]);
    for (const method of ['POST', 'DELETE'] as const) {
      expect(outcome(await change(method, narrow, inside, outside))).toEqual([404, 'FILE_NOT_FOUND']);
    }
    expect(await names(wide)).toHaveLength(2);
    await api.call({
      method: 'POST',
      url: '/v5/files/move',
      key: wide,
      body: { files_uuids: [inside], new_folder_name: folderOf('/out') },
    });
    expect(await names(narrow)).toEqual([]);
  });

  test('need OBJECTS_LIST and nothing else, and grant nothing', async () => {
    const uuid = await put(await api.key(), '/x', 'a.txt');
    const lister = await keyFor('ann', { permissions: ['OBJECTS_LIST'] });
    expect((await change('POST', lister, uuid)).status).toBe(200);
    expect(await names(lister)).toEqual(['a.txt']);
    expect(outcome(await api.call({ url: `/v5/file/${uuid}`, key: lister }))).toEqual([403, 'PERMISSION_DENIED']);
    const fetcher = await keyFor('ann', { permissions: ['OBJECTS_FETCH'] });
    expect(outcome(await change('POST', fetcher, uuid))).toEqual([403, 'PERMISSION_DENIED']);
    expect(outcome(await api.call({ url: FAVORITES_URL, key: fetcher }))).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('that the store cannot tell fail a list, but not the answer to a change that was made', async () => {
    const mute = await openHarness({
      wrap: (ports) => ({
        ...ports,
        favorites: {
          ...ports.favorites,
          findFavorites: () => Promise.reject(new AppError('STORE_UNAVAILABLE')),
        },
      }),
    });
    const key = await mute.key();
    const stored = await mute.upload(key, '/x', { name: 'a.txt' });
    expect([stored.status, stored.body['file']]).toMatchObject([200, { name: 'a.txt', is_favorite: false }]);
    expect(outcome(await mute.call({ url: '/v5/files?folder=%2Fx', key }))).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(mute.log.filter(({ event }) => event === 'favorites.unknown')).toHaveLength(1);
    await mute.close();
  });

  test('are refused as a whole when one file is unknown, when none is named, and beyond the bound', async () => {
    const key = await keyFor('ann');
    const uuid = await put(key, '/x', 'a.txt');
    const unknown = uuid.replace(/^./, uuid.startsWith('0') ? '1' : '0');
    expect(outcome(await change('POST', key, uuid, unknown))).toEqual([404, 'FILE_NOT_FOUND']);
    for (const wrong of [[], [7], ['x'.repeat(65)]]) {
      expect(outcome(await change('POST', key, ...wrong))).toEqual([400, 'REQUEST_INVALID']);
    }
    expect(await names(key)).toEqual([]);
    const full = await openHarness({
      wrap: (ports) => ({
        ...ports,
        favorites: {
          ...ports.favorites,
          // As if the person had as many as anybody may have.
          addFavorites: (container, person, files, max, nowMs) =>
            ports.favorites.addFavorites(container, person, files, max - FAVORITES.perPersonMax, nowMs),
        },
      }),
    });
    const other = await full.key();
    const file = (await full.upload(other, '/x')).textAt('file.uuid');
    const answer = await full.call({ method: 'POST', url: FAVORITES_URL, key: other, body: { files_uuids: [file] } });
    await full.close();
    expect(outcome(answer)).toEqual([409, 'FAVORITES_EXHAUSTED']);
  });
});
