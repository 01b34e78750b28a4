// What clients may search and split collections by: the array that the widget's suggestions and its collection dialog read.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

interface Wire {
  readonly sys_key: string;
  readonly slug: string;
  readonly title: string;
  readonly datatype: string;
  readonly is_groupable: boolean;
  readonly stats: {
    readonly is_free_text: number;
    readonly is_numeric: number;
    readonly top_values: readonly { readonly sys_key: string; readonly label: string }[];
  };
}

const call = (method: 'GET' | 'POST' | 'PUT', url: string, body?: object, as = key) =>
  harness.call({ method, url: `/v5${url}`, key: as, ...(body === undefined ? {} : { body }) });
const attributes = async (as = key) =>
  (await call('GET', '/attributes/keys', undefined, as)).body['attributes'] as readonly Wire[];
const values = async (as: string, wanted: string) =>
  (await attributes(as)).find(({ slug }) => slug === wanted)?.stats.top_values.map(({ label }) => label);

/** Enough of a picture to be known as one. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

const SEASONS = [{ internal_unique_value: '@summer@', api_value: 'summer' }, { api_value: 'a "quoted" one' }];
const FIELDS = [
  { key: 'caption', type: 'text', title: 'Caption' },
  { key: 'stock', type: 'numeric' },
  { key: 'season', type: 'select-one', possible_values: SEASONS },
  { key: 'colours', type: 'multi-select', possible_values: [{ api_value: 'red' }] },
  // A search for this key means the tags of files, never this field.
  { key: 'tags', type: 'text' },
];
const MODEL = {
  metadata: {
    model: [
      { applies_to: 'FILES', groups: [{ name: 'Root', fields: FIELDS }] },
      { applies_to: 'PRODUCTS', groups: [{ name: 'Root', fields: [{ key: 'price', type: 'decimal2' }] }] },
    ],
  },
};

describe('attributes', () => {
  test('are the built-in ones and the fields of files; those with a choice of values can be levels of collections', async () => {
    expect((await call('PUT', '/settings', MODEL)).status).toBe(200);
    const all = await attributes();
    expect(all.map(({ sys_key, slug, datatype, is_groupable }) => [sys_key, slug, datatype, is_groupable])).toEqual([
      ['tags', 'tags', 'tags', true],
      ['labels', 'labels', 'multi-select', true],
      ['product_ref', 'product_ref', 'text', true],
      ['type', 'type', 'select-one', true],
      ['caption', 'caption', 'text', false],
      ['stock', 'stock', 'numeric', false],
      ['season', 'season', 'select-one', true],
      ['colours', 'colours', 'multi-select', true],
    ]);
    expect(all.find(({ slug }) => slug === 'caption')).toMatchObject({
      title: 'Caption',
      stats: { is_free_text: 1, is_numeric: 0, top_values: [] },
    });
    expect(all.find(({ slug }) => slug === 'stock')?.stats).toEqual({ is_free_text: 1, is_numeric: 1, top_values: [] });
    expect(await values(key, 'season')).toEqual(['summer']);
  });

  test('suggest the values in use within the scope and of visible labels only', async () => {
    const ann = await harness.key({}, { claims: { subject: 'ann' } });
    for (const folder of ['in', 'out']) {
      const uuid = (await harness.upload(key, `/${folder}`, { name: folder })).textAt('file.uuid');
      await call('PUT', `/file/${uuid}/tags`, { existing_tags: [], new_tags: [`tag-${folder}`] });
      await call('PUT', `/file/${uuid}/product`, { product: { ref: `SKU-${folder}` } });
      for (const name of [`label-${folder}`, `mine-${folder}`]) {
        const viewing = { scope: name.startsWith('mine') ? 'SK_USERS' : 'SK_ORG', ids: [] };
        const made = await call('POST', '/labels', { label: { name, permissions: { viewing } } }, ann);
        await call('POST', `/files/${uuid}/labels`, { labels: [made.textAt('label.sid')] }, ann);
      }
    }
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } }, { claims: { subject: 'eve' } });
    expect(await values(narrow, 'tags')).toEqual(['tag-in']);
    expect(await values(narrow, 'product_ref')).toEqual(['SKU-in']);
    expect(await values(narrow, 'labels')).toEqual(['label-in']);
    expect(await values(key, 'tags')).toEqual(['tag-in', 'tag-out']);
  });

  test('find the files that have the suggested value, as the widget asks for it', async () => {
    await call('PUT', '/settings', MODEL);
    const uuid = (await harness.upload(key, '/in', { name: 'found', content: PNG })).textAt('file.uuid');
    await harness.upload(key, '/in', { name: 'other' });
    await call('PUT', `/file/${uuid}/tags`, { existing_tags: [], new_tags: ['sea'] });
    await call('PUT', `/file/${uuid}/product`, { product: { ref: 'SKU-1' } });
    expect((await call('PUT', `/file/${uuid}/meta`, { meta: { season: '@summer@' } })).status).toBe(200);
    const made = await call('POST', '/labels', { label: { name: 'Best' } });
    await call('POST', `/files/${uuid}/labels`, { labels: [made.textAt('label.sid')] });
    for (const { slug, stats } of await attributes()) {
      const [first] = stats.top_values;
      if (first === undefined || slug === 'colours') continue;
      const q = encodeURIComponent(`${slug}:"${first.sys_key}"`);
      const { body } = await call('GET', `/files?folder=/&recursive=1&q=${q}`);
      const names = (body['files'] as readonly { readonly name: string }[]).map(({ name }) => name);
      expect([slug, names]).toEqual([slug, ['found']]);
    }
  });

  test('are for those who may list files', async () => {
    const other = await harness.key({ permissions: ['OBJECTS_FETCH'] });
    const refused = await call('GET', '/attributes/keys', undefined, other);
    expect([refused.status, refused.body['code']]).toEqual([403, 'PERMISSION_DENIED']);
  });
});
