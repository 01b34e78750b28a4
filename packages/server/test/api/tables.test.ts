// Descriptions of many files as CSV through the front door: exported, changed in a spreadsheet, and taken back.
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { TABLE } from '../../src/operations/tables.ts';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

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
const file = async (folder: string, name = 'f.txt') =>
  (await harness.upload(key, folder, { name })).textAt('file.uuid');
const folderId = async (path: string) =>
  (await call('GET', `/v5/folders?folder=${encodeURIComponent(path)}`)).textAt('base.uuid');

type Row = Readonly<Record<string, string>>;
const exported = async (body: object, query = 'recursive=1&limit=10000&include_meta=1&include_tags=1', as = key) => {
  const answer = await harness.call({
    method: 'POST',
    url: `/v5/objects/export-csv?${query}`,
    key: as,
    headers: { 'content-type': 'application/json, text/csv' },
    body: JSON.stringify(body),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer;
};
const rowsOf = (answer: Answer): readonly Row[] => parse(answer.bytes, { bom: true, columns: true });
const csv = (rows: readonly Row[]) =>
  [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]
    .map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))
    .join('\n');

const send = async (content: string | Buffer, as = key) => {
  const form = multipart([{ name: 'files.csv', content, type: 'text/csv' }]);
  return harness.call({ method: 'POST', url: '/v5/edit/assets', key: as, ...form });
};
const update = async (content: string | Buffer, as = key) => {
  const sent = await send(content, as);
  expect(sent.status, sent.text).toBe(200);
  return (await call('GET', `/v5/edit/assets/${sent.textAt('task_id')}`, undefined, as)).body;
};
type Described = {
  readonly meta: object;
  readonly tags: object;
  readonly product: object;
  readonly modified_at: string;
};
const stored = async (uuid: string) => (await call('GET', `/v5/files/${uuid}`)).body['file'] as Described;
const faultCodes = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly code: string }[] | undefined)?.map(({ code }) => code);

const MODEL = {
  store: {
    regional_variants_groups: [
      {
        uuid: 'lang',
        label: 'Languages',
        type: 'FTYPE_LANGUAGES',
        variants: [{ api_value: 'en' }, { api_value: 'fr' }],
      },
    ],
  },
  model: [
    {
      applies_to: 'FILES',
      groups: [
        {
          name: 'Root',
          fields: [
            { key: 'title', type: 'text', regional_variants_group_uuid: 'lang' },
            { key: 'count', type: 'numeric' },
            { key: 'season', type: 'select-one', possible_values: [{ api_value: 'summer' }, { api_value: 'winter' }] },
          ],
        },
      ],
    },
  ],
};

describe('file.export', () => {
  test('lists files with facts, product, tags and metadata in steady columns', async () => {
    const uuid = await file('/a');
    await call('PUT', `/v5/file/${uuid}/meta`, { meta: { note: '=1+1', n: 5, text: '5', list: ['x'] } });
    await call('PUT', `/v5/file/${uuid}/tags`, { lang: 'en', new_tags: ['sea; sun', 'red'] });
    await call('PUT', `/v5/file/${uuid}/product`, { product: { ref: 'SKU1', position: 2 } });
    const answer = await exported({ files_uuids: [uuid] });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="files.csv"',
      'cache-control': 'private, no-store',
    });
    expect(rowsOf(answer)).toEqual([
      {
        uuid,
        name: 'f.txt',
        folder: '/a',
        type: 'text/plain',
        size_bytes: '5',
        sha1: 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d',
        visibility: 'public',
        created_at: '2026-01-15T12:00:00.000Z',
        modified_at: '2026-01-15T12:00:00.000Z',
        product_ref: 'SKU1',
        product_position: '2',
        'tags.en': 'sea\\; sun; red',
        'meta.list': '["x"]',
        'meta.n': '5',
        'meta.note': "'=1+1",
        'meta.text': '"5"',
      },
    ]);
  });

  test('shows fields of the model by variant, all of them when asked', async () => {
    await call('PUT', '/v5/settings', { metadata: MODEL });
    const uuid = await file('/a');
    await call('PUT', `/v5/file/${uuid}/meta`, { meta: { title: { fr: 'Carré' } } });
    const names = async (query: string) =>
      Object.keys(rowsOf(await exported({ files_uuids: [uuid] }, query))[0] ?? {}).filter((name) => /^meta/.test(name));
    expect(await names('include_meta=1')).toEqual(['meta.title[fr]']);
    expect(await names('include_meta=2')).toEqual(['meta.title[en]', 'meta.title[fr]', 'meta.count', 'meta.season']);
    expect(await names('include_meta=0')).toEqual([]);
  });

  test('takes folders with or without those below, up to the limit, and only what is in scope', async () => {
    await file('/a', '1.txt');
    await file('/a/b', '2.txt');
    await file('/c', '3.txt');
    const names = async (path: string, query: string, as = key) =>
      rowsOf(await exported({ folders_uuids: [await folderId(path)] }, query, as)).map(({ name }) => name);
    expect(await names('/a', 'recursive=0')).toEqual(['1.txt']);
    expect(await names('/a', 'recursive=1')).toEqual(['1.txt', '2.txt']);
    expect(await names('/', 'recursive=1&limit=2')).toHaveLength(2);
    const narrow = await harness.key({ listing: { dir_scope: ['/a'] } });
    expect(await names('/', 'recursive=1', narrow)).toEqual(['1.txt']);
    const body = { folders_uuids: [await folderId('/c')] };
    expect(outcome(await call('POST', '/v5/objects/export-csv', body, narrow))).toEqual([404, 'FOLDER_NOT_FOUND']);
    expect(outcome(await call('POST', '/v5/objects/export-csv', {}))).toEqual([400, 'REQUEST_INVALID']);
  });
});

describe('a changed table', () => {
  test('changes, adds and takes away what its cells say, and nothing else', async () => {
    await call('PUT', '/v5/settings', { metadata: MODEL });
    const uuid = await file('/a');
    const other = await file('/a', 'other.txt');
    await call('PUT', `/v5/file/${uuid}/meta`, {
      meta: { title: { fr: 'Carré', en: 'Square' }, free: { a: 1, b: 2 }, old: 1 },
    });
    await call('PUT', `/v5/file/${uuid}/tags`, { new_tags: ['kept', 'gone'] });
    const rows = rowsOf(await exported({ files_uuids: [uuid, other] }, 'include_meta=2'));
    const [first = {}, second = {}] = rows;
    harness.clock.pass(5_000);
    const changed = {
      ...first,
      'meta.title[fr]': '',
      'meta.title[en]': "'=Red",
      'meta.count': '-7',
      'meta.season': 'winter',
      'meta.free': '{"b":3}',
      'meta.old': '',
      'tags.en': 'kept; new',
      product_ref: 'SKU9',
      product_position: '4',
    };
    expect(await update(csv([changed, second]))).toMatchObject({
      task_status: 'done',
      task_percent: 100,
      messages: [],
      rows_count: 2,
      changed_files_count: 1,
    });
    expect(await stored(uuid)).toMatchObject({
      meta: { title: { en: '=Red' }, count: -7, season: expect.stringMatching(/^@itm/), free: { b: 3 } },
      tags: { en: [{ label: 'kept' }, { label: 'new' }] },
      product: { ref: 'SKU9', position: 4 },
    });
    expect((await stored(uuid)).meta).not.toHaveProperty('old');
    expect((await stored(other)).modified_at).toBe('2026-01-15T12:00:00Z');
  });

  test('changes nothing when it comes back as it was, whatever is in it', async () => {
    const uuid = await file('/a');
    const json = fc.jsonValue({ maxDepth: 2, noUnicodeString: false });
    const metas = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }).filter(isKey), json, { maxKeys: 6 });
    const labels = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }).filter(isLabel), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(metas, labels, async (meta, new_tags) => {
        await call('DELETE', `/v5/file/${uuid}/meta`);
        const put = await call('PUT', `/v5/file/${uuid}/meta`, { meta });
        expect(put.status, put.text).toBe(200);
        await call('PUT', `/v5/file/${uuid}/tags`, { new_tags });
        const answer = await exported({ files_uuids: [uuid] });
        expect(await update(answer.bytes)).toMatchObject({ task_status: 'done', messages: [], changed_files_count: 0 });
      }),
      { numRuns: 25 },
    );
  });

  test('is refused as a whole, with every fault by row and column, when one value cannot be', async () => {
    await call('PUT', '/v5/settings', { metadata: MODEL });
    const uuids = [await file('/a', '1.txt'), await file('/a', '2.txt'), await file('/a', '3.txt')];
    const rows = rowsOf(await exported({ files_uuids: uuids }, 'include_meta=2&include_tags=0'));
    const [a = {}, b = {}, c = {}] = rows;
    const table = csv([
      { ...a, 'meta.count': '5' },
      { ...b, 'meta.count': 'five', 'meta.season': 'spring' },
      { ...c, product_position: '3' },
      { ...a, 'meta.count': '6' },
      { ...a, uuid: '00000000-0000-4000-8000-000000000000' },
    ]);
    const result = await update(table);
    expect(result).toMatchObject({ task_status: 'VALIDATION_ERROR', changed_files_count: 0 });
    expect((result['messages'] as readonly string[]).map((text) => text.split(/: /)[0])).toEqual([
      'Row 3, meta.count',
      'Row 3, meta.season',
      'Row 4, product_position',
      'Row 5',
      'Row 6',
    ]);
    for (const uuid of uuids) expect((await stored(uuid)).meta).toEqual({});
  });

  test('touches only files in scope, by the permissions of its columns, and is told to its owner only', async () => {
    const [inside, outside] = [await file('/in'), await file('/out')];
    const narrow = await harness.key({ listing: { dir_scope: ['/in'] } });
    const table = `uuid,meta.a\n${inside},1\n${outside},1\n`;
    expect(await update(table, narrow)).toMatchObject({
      task_status: 'VALIDATION_ERROR',
      messages: ['Row 3: there is no such file.'],
    });
    expect((await stored(inside)).meta).toEqual({});
    const describer = await harness.key({ permissions: ['FILE_META_CHANGE'] });
    const merchant = await harness.key({ permissions: ['FILE_PRODUCT_CHANGE'] });
    expect(outcome(await send(`uuid,meta.a,product_ref\n${inside},1,x\n`, describer))).toEqual([
      403,
      'PERMISSION_DENIED',
    ]);
    expect(outcome(await send(table, merchant))).toEqual([403, 'PERMISSION_DENIED']);
    expect(await update(`uuid,product_ref\n${inside},SKU\n`, merchant)).toMatchObject({ task_status: 'done' });
    const id = (await send(`uuid,meta.a\n${inside},1\n`, describer)).textAt('task_id');
    expect(outcome(await call('GET', `/v5/edit/assets/${id}`, undefined, merchant))).toEqual([404, 'TASK_NOT_FOUND']);
    expect((await stored(inside)).meta).toEqual({ a: 1 });
  });

  test('is refused at once when it is no table of files', async () => {
    const uuid = await file('/a');
    const codes = async (text: string) => faultCodes(await send(text));
    expect(await codes('name,meta.a\nx,1\n')).toEqual(['MISSING']);
    expect(await codes(`uuid,colour\n${uuid},red\n`)).toEqual(['COLUMN_UNKNOWN']);
    expect(await codes(`uuid,meta.a,meta.a\n${uuid},1,2\n`)).toEqual(['REPEATED']);
    expect(await codes(`uuid,name\n${uuid},x\n`)).toEqual(['NOTHING_TO_CHANGE']);
    expect(await codes(`uuid,meta.a\n${uuid}\n`)).toEqual(['ROW_LENGTH']);
    expect(await codes('')).toEqual(['MISSING']);
    expect(await codes('uuid,meta.a\n"open')).toEqual(['CSV_INVALID']);
    expect(await codes(`uuid,meta.a\n${`${uuid},1\n`.repeat(TABLE.rowsMax + 1)}`)).toEqual(['TOO_LARGE']);
    expect(outcome(await call('POST', '/v5/edit/assets', {}))).toEqual([400, 'REQUEST_INVALID']);
  });
});

function isKey(text: string): boolean {
  return text.trim() !== '' && text !== '__proto__' && !/[\p{Cc}\p{Cs}]/u.test(text);
}

function isLabel(text: string): boolean {
  return text.trim() !== '' && !/^#tg/.test(text) && !/[\p{Cc}\p{Cs}]/u.test(text);
}
