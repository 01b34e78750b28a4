// Product information through the front door: which product a file shows, in which place, and only within the scope.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const call = (method: 'GET' | 'PUT' | 'PATCH', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function file(path: string, name = 'f.txt', content: string | Buffer = 'hello'): Promise<string> {
  return (await harness.upload(key, path, { name, content })).textAt('file.uuid');
}

const setProduct = (uuid: string, product: object, as = key) =>
  call('PUT', `/v5/file/${uuid}/product`, { product }, as);
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );
const names = (answer: Answer) =>
  (answer.body['files'] as readonly { readonly name: string }[]).map(({ name }) => name);
const products = async (query = '', as = key) =>
  (
    (await call('GET', `/v5/products?${query}`, undefined, as)).body['products'] as readonly {
      readonly ref: string;
      readonly stats: { readonly count_assets: number; readonly count_images: number };
    }[]
  ).map(({ ref, stats }) => `${ref} ${stats.count_assets}/${stats.count_images}`);

describe('file.setProduct', () => {
  test('sets reference and place, keeps a place that is not named, and takes both away', async () => {
    const uuid = await file('/p');
    const set = await setProduct(uuid, { ref: 'SKU1', position: 2 });
    expect(set.body).toMatchObject({
      action: 'product_ref_updated',
      product_ref: 'SKU1',
      product_position: 2,
      file_uuid: uuid,
      file: { uuid, product: { ref: 'SKU1', position: 2 } },
    });
    expect((await setProduct(uuid, { ref: 'SKU1' })).body).toMatchObject({ product_position: 2 });
    const moved = await call('PATCH', `/v5/file/${uuid}/product/position`, { position: '5' });
    expect(moved.body).toMatchObject({ action: 'product_position_updated', file: { product: { position: 5 } } });
    expect((await setProduct(uuid, { ref: 'SKU2' })).body).toMatchObject({ product_position: null });
    expect((await setProduct(uuid, { ref: null, position: 3 })).body).toMatchObject({
      file: { product: { ref: null, position: null } },
    });
    expect(faults(await call('PATCH', `/v5/file/${uuid}/product/position`, { position: 1 }))).toEqual([
      'uuid PRODUCT_MISSING',
    ]);
    expect(await products()).toEqual([]);
  });

  test('changes the place alone when no reference is said, and nothing when neither is', async () => {
    const uuid = await file('/p');
    expect(faults(await setProduct(uuid, { position: 4 }))).toEqual(['uuid PRODUCT_MISSING']);
    await setProduct(uuid, { ref: 'SKU1', position: 2 });
    expect((await setProduct(uuid, { position: 4 })).body).toMatchObject({
      product_ref: 'SKU1',
      file: { product: { ref: 'SKU1', position: 4 } },
    });
    expect((await setProduct(uuid, {})).status).toBe(400);
    for (const body of [{}, undefined]) {
      expect((await call('PUT', `/v5/file/${uuid}/product`, body)).status).toBe(400);
      expect((await call('PATCH', `/v5/file/${uuid}/product/position`, body)).status).toBe(400);
    }
    const product = { ref: 'SKU1', position: 4 };
    expect((await call('GET', `/v5/files/${uuid}`)).body).toMatchObject({ file: { product } });
    expect((await setProduct(uuid, { position: null })).body).toMatchObject({
      product_ref: 'SKU1',
      product_position: null,
    });
  });

  test('refuses bad places with a field error', async () => {
    const uuid = await file('/p');
    expect(faults(await setProduct(uuid, { ref: 'a\u0000' }))).toEqual(['product.ref REF_INVALID']);
    expect(faults(await setProduct(uuid, { ref: 'x'.repeat(256) }))).toEqual(['product.ref REF_TOO_LONG']);
    for (const position of [-1, 1.5, 1e9, 'first', '0x10', '1e3']) {
      expect(faults(await setProduct(uuid, { ref: 'A', position }))).toEqual(['product.position POSITION_INVALID']);
    }
    const { headers, body } = multipart([{ name: 'u.txt' }], { 'product[files[]]': '{"ref":"A","position":"x"}' });
    const upload = await harness.call({ method: 'POST', url: '/v4/files?folder=/p', key, headers, body });
    expect(faults(upload)).toEqual(['product.position POSITION_INVALID']);
    expect((await call('PUT', `/v5/file/${uuid}/product`, {})).status).toBe(400);
  });

  test('needs FILE_PRODUCT_CHANGE, and every file in scope', async () => {
    const [inside, outside] = [await file('/in/a'), await file('/out')];
    const narrow = await harness.key({ permissions: ['FILE_PRODUCT_CHANGE'], listing: { dir_scope: ['/in/*'] } });
    expect((await setProduct(inside, { ref: 'A' }, narrow)).status).toBe(200);
    expect(outcome(await setProduct(outside, { ref: 'A' }, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    const body = { files_uuids: [inside, outside] };
    expect(outcome(await call('PUT', '/v5/product/B/files', body, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(await products()).toEqual(['A 1/0']);
    const other = await harness.key({ permissions: ['OBJECTS_FETCH', 'FILE_META_CHANGE'] });
    expect(outcome(await setProduct(inside, { ref: 'A' }, other))).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('assigns many files behind those that are there', async () => {
    const [a, b, c] = [await file('/p', 'a'), await file('/p', 'b'), await file('/p', 'c')];
    await setProduct(a, { ref: 'X', position: 4 });
    const answer = await call('PUT', '/v5/product/X/files', { files_uuids: [c, a, b] });
    expect(answer.body).toMatchObject({ product_ref: 'X', files_uuids: [c, a, b] });
    const listed = await call('GET', '/v5/product/X/assets');
    expect(names(listed)).toEqual(['a', 'c', 'b']);
    expect(listed.body).toMatchObject({ files: [4, 5, 6].map((position) => ({ product: { position } })) });
    expect((await call('PUT', '/v5/product/X/files', { files_uuids: [] })).status).toBe(400);
  });

  test('takes naughty references as they are, or refuses them with a field error', async () => {
    const uuid = await file('/p');
    for (const text of naughtyStrings()) {
      const answer = await setProduct(uuid, { ref: text });
      if (answer.status === 200) {
        expect(answer.body['product_ref'], text).toBe(text === '' ? null : text);
        if (text === '' || text === '.' || text === '..') continue;
        const found = await call('GET', `/v5/product/${encodeURIComponent(text)}/files`);
        expect(names(found), text).toEqual(['f.txt']);
      } else {
        expect(outcome(answer), text).toEqual([400, 'REQUEST_INVALID']);
        expect(faults(answer)[0], text).toMatch(/^product\.ref REF_/);
      }
    }
  }, 180_000);
});

describe('product.get and product.list', () => {
  test('show files in their order, images alone, and counts, within the scope only', async () => {
    const put = async (path: string, name: string, ref: string, position: number | null, content: string | Buffer) =>
      setProduct(await file(path, name, content), { ref, position });
    await put('/in', 'late.txt', 'SK1', 9, 'x');
    await put('/in/deep', 'early.png', 'SK1', 1, PIXEL);
    await put('/in', 'nowhere.txt', 'SK1', null, 'x');
    await put('/inside', 'hidden.png', 'SK1', 2, PIXEL);
    await put('/inside', 'other.txt', 'SK2', 1, 'x');
    await put('/in', 'else.txt', 'TK', 1, 'x');
    const narrow = await harness.key({ permissions: ['OBJECTS_FETCH'], listing: { dir_scope: ['/in/*'] } });
    const list = async (what: string, as = narrow) =>
      names(await call('GET', `/v5/product/SK1/${what}`, undefined, as));
    expect(await list('assets')).toEqual(['early.png', 'late.txt', 'nowhere.txt']);
    expect(await list('files')).toEqual(['early.png', 'late.txt', 'nowhere.txt']);
    expect(await list('images')).toEqual(['early.png']);
    expect(await list('images', key)).toEqual(['early.png', 'hidden.png']);
    expect(await list('assets?limit=1&offset=1')).toEqual(['late.txt']);
    expect(await products()).toEqual(['SK1 4/2', 'SK2 1/0', 'TK 1/0']);
    expect(await products('', narrow)).toEqual(['SK1 3/1', 'TK 1/0']);
    expect(await products('refs=SK2,SK1', narrow)).toEqual(['SK1 3/1']);
    expect(await products('q=reference~%5ESK')).toEqual(['SK1 4/2', 'SK2 1/0']);
    expect(await products('q=reference~^"SK"', narrow)).toEqual(['SK1 3/1']);
    expect(await products('q=reference~%5Esk')).toEqual(['SK1 4/2', 'SK2 1/0']);
    expect(await products('q=sk')).toEqual(['SK1 4/2', 'SK2 1/0']);
    expect(await products('q=reference~K1')).toEqual(['SK1 4/2']);
    expect(await products('q=product_ref~"k"', narrow)).toEqual(['SK1 3/1', 'TK 1/0']);
    expect(await products('q=reference:"sk1"')).toEqual(['SK1 4/2']);
    expect(await products('q=reference=SK')).toEqual([]);
    expect(await products('q=S%25')).toEqual([]);
    const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
    expect(outcome(await call('GET', '/v5/products', undefined, lister))).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('are announced by the settings', async () => {
    expect((await call('GET', '/v3/settings')).body).toMatchObject({ settings: { _products_enabled: 1 } });
  });
});

describe('product.rename', () => {
  test('reaches the files in scope, and says so when there are none', async () => {
    const [inside, outside] = [await file('/in'), await file('/out')];
    for (const uuid of [inside, outside]) await setProduct(uuid, { ref: 'OLD', position: 3 });
    const narrow = await harness.key({ permissions: ['FILE_PRODUCT_CHANGE'], listing: { dir_scope: ['/in'] } });
    const rename = (ref: string, to: string, as = narrow) => call('PATCH', `/v5/product/${ref}`, { ref: to }, as);
    const answer = await rename('OLD', 'NEW');
    expect(answer.body).toMatchObject({ new_product_ref: 'NEW', files_uuids: [inside] });
    expect(await products()).toEqual(['NEW 1/0', 'OLD 1/0']);
    expect((await call('GET', `/v5/files/${inside}`)).body).toMatchObject({ file: { product: { position: 3 } } });
    expect(outcome(await rename('OLD', 'NEWER'))).toEqual([404, 'PRODUCT_NOT_FOUND']);
    expect(faults(await rename('NEW', ' '))).toEqual(['ref REF_EMPTY']);
    const reader = await harness.key({ permissions: ['OBJECTS_FETCH'] });
    expect(outcome(await rename('NEW', 'X', reader))).toEqual([403, 'PERMISSION_DENIED']);
  });
});
