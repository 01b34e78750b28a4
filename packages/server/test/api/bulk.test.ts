// Changes of many files through the front door: prepared, then applied to all of them or to none.
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

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );

async function file(path: string, name = 'f.txt'): Promise<string> {
  return (await harness.upload(key, path, { name })).textAt('file.uuid');
}

const prepare = (files_uuids: readonly string[], changes: readonly object[], as = key) =>
  call('PUT', '/v5/bulk/prepare', { bulk: { target: { files_uuids }, changes } }, as);
const apply = (id: string, as = key) => call('POST', `/v5/bulk/${id}/apply`, undefined, as);

async function change(files: readonly string[], changes: readonly object[]): Promise<Answer> {
  const prepared = await prepare(files, changes);
  expect(prepared.status, prepared.text).toBe(200);
  return apply(prepared.textAt('bulk_uuid'));
}

type Described = {
  readonly meta: object;
  readonly tags: Readonly<Record<string, readonly { readonly label: string; readonly sid: string }[]>>;
};
const stored = async (uuid: string) => (await call('GET', `/v5/files/${uuid}`)).body['file'] as Described;
const labels = async (uuid: string, lang = 'en') => ((await stored(uuid)).tags[lang] ?? []).map(({ label }) => label);

describe('bulk', () => {
  test('adds, replaces and removes metadata on every file', async () => {
    const files = [await file('/a', 'one'), await file('/b', 'two')];
    await call('PUT', `/v5/file/${files[0]}/meta`, { meta: { list: ['x', 'y'], title: { fr: 'un' }, old: 1 } });
    const answer = await change(files, [
      { type: 'meta.add', key: 'list', value: ['y', 'z'] },
      { type: 'meta.replace', key: 'title', value: 'all', variant: 'en' },
      { type: 'meta.replace', key: 'plain', value: { a: 1 } },
      { type: 'meta.remove', key: 'old' },
    ]);
    expect(answer.body).toMatchObject({ status: 'success', files_uuids: files });
    expect((await stored(files[0] ?? '')).meta).toEqual({
      list: ['x', 'y', 'z'],
      title: { fr: 'un', en: 'all' },
      plain: { a: 1 },
    });
    expect((await stored(files[1] ?? '')).meta).toEqual({ list: ['y', 'z'], title: { en: 'all' }, plain: { a: 1 } });
    await change(files, [
      { type: 'meta.remove', key: 'list', value: 'y' },
      { type: 'meta.remove', key: 'title', variant: 'en' },
      { type: 'meta.replace', key: 'plain', value: { b: 2 } },
    ]);
    expect((await stored(files[0] ?? '')).meta).toEqual({ list: ['x', 'z'], title: { fr: 'un' }, plain: { b: 2 } });
    expect((await stored(files[1] ?? '')).meta).toEqual({ list: ['z'], title: {}, plain: { b: 2 } });
  });

  test('sets titles and descriptions as the widget spells them: the key where a type stands', async () => {
    const files = [await file('/a', 'one'), await file('/b', 'two')];
    await call('PUT', `/v5/file/${files[0]}/meta`, { meta: { title: { fr: 'un' } } });
    await change(files, [
      { type: 'title', value: 'all', variant: 'en' },
      { type: 'description', value: 'of the same kind' },
    ]);
    const told = { description: 'of the same kind' };
    expect((await stored(files[0] ?? '')).meta).toEqual({ title: { fr: 'un', en: 'all' }, ...told });
    expect((await stored(files[1] ?? '')).meta).toEqual({ title: { en: 'all' }, ...told });
    expect(outcome(await prepare(files, [{ type: 'title' }]))).toEqual([400, 'REQUEST_INVALID']);
    expect(outcome(await prepare(files, [{ type: 'subtitle', value: 'x' }]))).toEqual([400, 'REQUEST_INVALID']);
  });

  test('adds tags by label or id and takes them away', async () => {
    const files = [await file('/a', 'one'), await file('/b', 'two')];
    await call('PUT', `/v5/file/${files[0]}/tags`, { new_tags: ['kept'] });
    const sid = (await stored(files[0] ?? '')).tags['en']?.[0]?.sid;
    await change(files, [
      { type: 'tags.add', value: 'new' },
      { type: 'tags.add', value: sid, variant: 'en' },
      { type: 'tags.add', value: 'neuf', variant: 'fr' },
    ]);
    expect([await labels(files[0] ?? ''), await labels(files[1] ?? '')]).toEqual([
      ['kept', 'new'],
      ['new', 'kept'],
    ]);
    expect(await labels(files[1] ?? '', 'fr')).toEqual(['neuf']);
    expect((await call('GET', '/v5/tags')).body['tags']).toHaveLength(3);
    await change(files, [
      { type: 'tags.del', value: sid },
      { type: 'tags.del', value: 'neuf' },
    ]);
    expect((await stored(files[0] ?? '')).tags).toEqual((await stored(files[1] ?? '')).tags);
    expect((await call('GET', '/v5/attributes/tags')).body['attributes']).toMatchObject([{ name: 'new' }]);
  });

  test('is all or nothing, and held to the metadata model', async () => {
    const files = [await file('/a', 'one'), await file('/b', 'two')];
    const fields = [{ key: 'n', type: 'numeric' }];
    const model = [{ applies_to: 'FILES', groups: [{ name: 'Root', fields }] }];
    await call('PUT', '/v5/settings', { metadata: { model } });
    expect(faults(await change(files, [{ type: 'meta.replace', key: 'n', value: 'x' }]))).toEqual([
      'meta.n VALUE_INVALID',
    ]);
    const gone = (await prepare(files, [{ type: 'meta.replace', key: 'n', value: 1 }])).textAt('bulk_uuid');
    await call('DELETE', `/v5/files/${files[1]}`);
    expect(outcome(await apply(gone))).toEqual([404, 'FILE_NOT_FOUND']);
    expect((await stored(files[0] ?? '')).meta).toEqual({});
  });

  test('judges every file when it is applied, by the key that applies it', async () => {
    const [inside, outside] = [await file('/in'), await file('/out')];
    const narrow = await harness.key({ permissions: ['FILE_META_CHANGE'], listing: { dir_scope: ['/in'] } });
    const changes = [{ type: 'meta.replace', key: 'a', value: 1 }];
    const both = await prepare([inside, outside], changes, narrow);
    expect(outcome(await apply(both.textAt('bulk_uuid'), narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    expect((await stored(inside)).meta).toEqual({});
    const wide = (await prepare([inside, outside], changes)).textAt('bulk_uuid');
    expect(outcome(await apply(wide, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    const moving = (await prepare([inside], changes, narrow)).textAt('bulk_uuid');
    await call('POST', '/v5/files/move', { files_uuids: [inside], new_folder_name: '/elsewhere' });
    expect(outcome(await apply(moving, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    const reader = await harness.key({ permissions: ['OBJECTS_FETCH', 'DIR_META_CHANGE'] });
    expect(outcome(await prepare([outside], changes, reader))).toEqual([403, 'PERMISSION_DENIED']);
    expect(outcome(await apply(wide, reader))).toEqual([403, 'PERMISSION_DENIED']);
    expect((await apply(wide)).status).toBe(200);
  });

  test('works once, and not after a quarter of an hour', async () => {
    const uuid = await file('/a');
    const changes = [{ type: 'meta.replace', key: 'a', value: 1 }];
    const once = (await prepare([uuid], changes)).textAt('bulk_uuid');
    expect((await apply(once)).status).toBe(200);
    expect(outcome(await apply(once))).toEqual([404, 'BULK_NOT_FOUND']);
    const late = (await prepare([uuid], changes)).textAt('bulk_uuid');
    harness.clock.pass(15 * 60_000);
    expect(outcome(await apply(late, await harness.key()))).toEqual([404, 'BULK_NOT_FOUND']);
    expect(outcome(await apply('00000000-0000-4000-8000-000000000000', await harness.key()))).toEqual([
      404,
      'BULK_NOT_FOUND',
    ]);
  });

  test('names the faults of every step', async () => {
    const uuid = await file('/a');
    const answer = await prepare(
      [uuid],
      [
        { type: 'meta.add', value: 1 },
        { type: 'meta.replace', key: 'a' },
        { type: 'meta.replace', key: ' ', value: 1 },
        { type: 'tags.add', value: 7 },
        { type: 'tags.add', value: 'a\u0000' },
        { type: 'tags.add', value: 'a', variant: 'no language' },
      ],
    );
    expect(faults(answer)).toEqual([
      'bulk.changes[0].key MISSING',
      'bulk.changes[1].value MISSING',
      'bulk.changes[2].  KEY_EMPTY',
      'bulk.changes[3].value INVALID_TYPE',
      'bulk.changes[4].value[0] LABEL_INVALID',
      'lang FORMAT_WRONG',
    ]);
    for (const [files, changes] of [
      [[], [{ type: 'meta.remove', key: 'a' }]],
      [[uuid], []],
      [[uuid], [{ type: 'meta.explode', key: 'a' }]],
    ] as const) {
      expect(outcome(await prepare(files, changes))).toEqual([400, 'REQUEST_INVALID']);
    }
  });
});
