// Files in the form that the address asks for: values by other names, one variant of many, tables; never more than the key may see.
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

const GROUPS = [
  {
    uuid: 'languages',
    label: 'Languages',
    type: 'FTYPE_LANGUAGES',
    variants: [{ api_value: 'en' }, { api_value: 'fr' }, { api_value: 'de' }],
  },
  {
    uuid: 'currencies',
    label: 'Currencies',
    type: 'FTYPE_CURRENCIES',
    variants: [{ api_value: 'EUR' }, { api_value: 'USD' }],
  },
];
const option = (name: string) => ({ internal_unique_value: `@itm_${name}@`, api_value: name, label: `The ${name}` });
const FIELDS = [
  { key: 'season', type: 'select-one', possible_values: [option('summer'), option('winter')] },
  { key: 'colours', type: 'multi-select', possible_values: [option('red'), option('blue')] },
  {
    key: 'mood',
    type: 'select-one',
    possible_values: [option('glad'), option('sad')],
    regional_variants_group_uuid: 'languages',
  },
  { key: 'title', type: 'text', regional_variants_group_uuid: 'languages' },
  { key: 'price', type: 'decimal2', regional_variants_group_uuid: 'currencies' },
];
const META = {
  season: '@itm_summer@',
  colours: ['@itm_blue@', '@itm_red@'],
  mood: { en: '@itm_glad@', fr: '@itm_sad@' },
  title: { en: 'Harbour', fr: 'Port' },
  price: { EUR: 5, USD: 6.5 },
  note: '@itm_summer@',
};

let harness: Harness;
let key: string;
let uuid: string;
let sid: string;

beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key();
  const model = [{ applies_to: 'FILES', groups: [{ name: 'Root fields', fields: FIELDS }] }];
  await done({
    method: 'PUT',
    url: '/v5/settings',
    headers: await harness.admin(),
    body: { metadata: { model, store: { regional_variants_groups: GROUPS } } },
  });
  uuid = (await harness.upload(key, '/shop', { name: 'a.txt', content: 'aaa' })).textAt('file.uuid');
  await harness.upload(key, '/shop', { name: '=cmd|calc.txt', content: 'b' });
  await harness.upload(key, '/shop/deep', { name: 'c.txt', content: 'cc' });
  await harness.upload(key, '/secret', { name: 'hidden.txt', content: 'hidden' });
  await done({ method: 'PATCH', url: `/v5/files/${uuid}/meta`, key, body: { meta: META } });
  const tags = { lang: 'en', existing_tags: [], new_tags: ['@sun', 'sea; salt'] };
  await done({ method: 'PUT', url: `/v5/files/${uuid}/tags`, key, body: tags });
  const label = await done({
    method: 'POST',
    url: '/v5/labels',
    key,
    body: { label: { name: 'Kept', color: '#123456' } },
  });
  sid = label.textAt('label.sid');
  await done({ method: 'POST', url: `/v5/file/${uuid}/labels`, key, body: { labels: [sid] } });
});
afterAll(() => harness.close());

async function done(request: Parameters<Harness['call']>[0]): Promise<Answer> {
  const answer = await harness.call(request);
  expect(answer.status, answer.text).toBe(200);
  return answer;
}
type Shown = Readonly<Record<'meta' | 'tags' | 'labels', object>> & {
  readonly url: { readonly cdn_permalink?: string };
};
const got = async (query: string, as = key) =>
  (await done({ url: `/v5/file/${uuid}?${query}`, key: as })).body['file'] as Shown;
const rowsOf = (answer: Answer): readonly Readonly<Record<string, string>>[] =>
  parse(answer.bytes, { bom: true, columns: true });
const table = async (query: string, as = key) => rowsOf(await done({ url: `/v5/files?format=csv&${query}`, key: as }));
const namesIn = async (query: string, as = key) => (await table(query, as)).map(({ name }) => name);

describe('values of files', () => {
  test.each([
    '',
    'format=json',
    'format=select:internal,tags:json_full,labels:json_compact,regvar:api',
    'format=select:odd,x:y,,',
  ])('are shown as they are stored (%s)', async (query) => {
    const file = await got(query);
    expect(file.meta).toEqual(META);
    expect(file.labels).toEqual([sid]);
    expect(file.tags).toMatchObject({
      en: [{ label: '@sun', sid: expect.stringMatching(/^#tg/) }, { label: 'sea; salt' }],
    });
  });

  test.each([
    ['api', (name: string) => name],
    ['label', (name: string) => `The ${name}`],
    ['human', (name: string) => `The ${name}`],
  ])('show selections by the name that select:%s asks for', async (wish, named) => {
    const expected = {
      ...META,
      season: named('summer'),
      colours: [named('blue'), named('red')],
      mood: { en: named('glad'), fr: named('sad') },
    };
    expect((await got(`format=select:${wish}`)).meta).toEqual(expected);
    const { body } = await done({ url: `/v5/files?folder=/shop&q=name:a&format=json,select:${wish}`, key });
    expect((body['files'] as readonly Shown[])[0]?.meta).toEqual(expected);
  });

  test.each([
    ['lang=fr', { mood: '@itm_sad@', title: 'Port' }],
    ['lang=de', { mood: null, title: null }],
    ['variant=de,fr', { mood: '@itm_sad@', title: 'Port' }],
    ['variant=en,USD', { mood: '@itm_glad@', title: 'Harbour', price: 6.5 }],
    ['variant=EUR&lang=en', { mood: '@itm_glad@', title: 'Harbour', price: 5 }],
    [
      'variant=EUR&format=select:human',
      { season: 'The summer', colours: ['The blue', 'The red'], mood: { en: 'The glad', fr: 'The sad' }, price: 5 },
    ],
    ['variant=en&format=select:api', { season: 'summer', colours: ['blue', 'red'], mood: 'glad', title: 'Harbour' }],
    ['variant=__proto__,constructor,xx', {}],
  ])('show one variant of regional fields (%s)', async (query, difference) => {
    expect((await got(query)).meta).toEqual({ ...META, ...difference });
  });

  test('show tags by their labels alone', async () => {
    expect((await got('format=tags:json_compact')).tags).toEqual({ en: ['@sun', 'sea; salt'] });
  });

  test('show labels with name and colour to those who may see them', async () => {
    expect((await got('format=labels:json_full')).labels).toEqual([{ sid, name: 'Kept', color: '#123456' }]);
    const reader = await harness.key({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
    expect((await got('format=labels:json_full', reader)).labels).toEqual([{ sid }]);
    const own = { name: 'Own', permissions: { viewing: { scope: 'SK_USERS', ids: ['ann'] } } };
    const made = await done({ method: 'POST', url: '/v5/labels', key, body: { label: own } });
    const more = { labels: [made.textAt('label.sid')] };
    await done({ method: 'POST', url: `/v5/file/${uuid}/labels`, key, body: more });
    const eve = await harness.key({}, { claims: { subject: 'eve' } });
    const ann = await harness.key({}, { claims: { subject: 'ann' } });
    const ofOwn = async (as: string) =>
      ((await got('format=labels:json_full', as)).labels as readonly { readonly sid: string }[]).find(
        (label) => label.sid === more.labels[0],
      );
    expect(await ofOwn(ann)).toMatchObject({ name: 'Own' });
    expect(await ofOwn(eve)).toEqual({ sid: more.labels[0] });
    await done({ method: 'DELETE', url: `/v5/file/${uuid}/labels`, key, body: more });
  });

  test('have a link that outlives moves when it is asked for', async () => {
    const link = async (query: string) => (await got(query)).url.cdn_permalink;
    expect(await link('fields=dependencies,cdn_permalink')).toMatch(new RegExp(`/v5/get/${uuid.slice(0, -4)}`));
    expect(await link('fields=dependencies')).toBeUndefined();
  });

  test('are told of no file outside the scope, in whatever form', async () => {
    const narrow = await harness.key({ listing: { dir_scope: ['/secret/*'] } });
    const answer = await harness.call({ url: `/v5/file/${uuid}?format=select:human`, key: narrow });
    expect([answer.status, answer.body['code']]).toEqual([404, 'FILE_NOT_FOUND']);
  });
});

describe('a list as CSV', () => {
  test('has one row for each file with its facts and descriptions', async () => {
    const answer = await done({ url: '/v5/files?folder=/shop&format=csv', key });
    expect(answer.headers['content-type']).toMatch(/^text\/csv; charset=utf-8/);
    expect(answer.headers['content-disposition']).toBe('attachment; filename="files.csv"');
    expect(answer.headers['cache-control']).toBe('private, no-store');
    const rows = rowsOf(answer);
    expect(rows).toHaveLength(2);
    expect(rows.find(({ name }) => name === 'a.txt')).toMatchObject({
      uuid: expect.stringMatching(new RegExp(`^${uuid.slice(0, -4)}`)),
      folder: '/shop',
      type: 'text/plain',
      size_bytes: '3',
      'tags.en': "'@sun; sea\\; salt",
      'meta.season': 'summer',
      'meta.colours': 'blue; red',
      'meta.title[en]': 'Harbour',
      'meta.title[fr]': 'Port',
      'meta.price[EUR]': '5',
    });
  });

  const metaOf = (row: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith('meta.')));
  const selected = (named: (name: string) => string) => ({
    'meta.season': named('summer'),
    'meta.colours': `${named('blue')}; ${named('red')}`,
    'meta.mood[en]': named('glad'),
    'meta.mood[fr]': named('sad'),
  });
  const rest = {
    'meta.title[en]': 'Harbour',
    'meta.title[fr]': 'Port',
    'meta.price[EUR]': '5',
    'meta.price[USD]': '6.5',
  };
  const note = { 'meta.note': '@itm_summer@' };
  test.each([
    ['format=csv', { ...selected((name) => name), ...rest }],
    ['format=csv,select:api', { ...selected((name) => name), ...rest }],
    ['format=csv,select:label', { ...selected((name) => `The ${name}`), ...rest }],
    ['format=select:human,csv,tags:json_compact', { ...selected((name) => `The ${name}`), ...rest }],
    ['format=csv,select:internal', { ...selected((name) => `@itm_${name}@`), ...rest }],
    [
      'format=csv,select:label&lang=fr',
      {
        'meta.season': 'The summer',
        'meta.colours': 'The blue; The red',
        'meta.mood': 'The sad',
        'meta.title': 'Port',
        'meta.price[EUR]': '5',
        'meta.price[USD]': '6.5',
      },
    ],
    [
      'format=csv&variant=de,fr,USD',
      {
        'meta.season': 'summer',
        'meta.colours': 'blue; red',
        'meta.mood': 'sad',
        'meta.title': 'Port',
        'meta.price': '6.5',
      },
    ],
  ])('has the columns and names that the directives ask for (%s)', async (query, expected) => {
    const rows = rowsOf(await done({ url: `/v5/files?folder=/shop&${query}`, key }));
    // What begins like a formula has an apostrophe before it.
    const cells = Object.entries({ ...expected, ...note }).map(([name, cell]) => [name, cell.replace(/^@/, "'@")]);
    expect(metaOf(rows.find(({ name }) => name === 'a.txt'))).toEqual(Object.fromEntries(cells));
  });

  test('holds no cell that a spreadsheet would run', async () => {
    const { text } = await done({ url: '/v5/files?folder=/shop&format=csv&recursive=1', key });
    expect(text).toContain("'=cmd|calc.txt");
    expect(text).toContain("'@sun");
    expect(text).not.toMatch(/(?:^|[,\r\n])"?[=+@]/);
  });

  test('is filtered, sorted and paged as the list', async () => {
    expect(await namesIn('folder=/shop&recursive=1&sort=size:desc')).toEqual(['a.txt', 'c.txt', "'=cmd|calc.txt"]);
    expect(await namesIn('folder=/shop&recursive=1&sort=size:desc&limit=1&offset=1')).toEqual(['c.txt']);
    expect(await namesIn('folder=/shop&recursive=1&q=season:summer')).toEqual(['a.txt']);
    expect(await namesIn('folder=/shop&q=nothing')).toEqual([]);
    expect((await done({ url: '/v5/files?folder=/shop&q=nothing&format=csv', key })).text).toMatch(/uuid,name,folder/);
  });

  test('knows only what is in the scope', async () => {
    const flat = await harness.key({ listing: { dir_scope: ['/shop'] } });
    expect([...(await namesIn('folder=/shop&recursive=1', flat))].sort()).toEqual(["'=cmd|calc.txt", 'a.txt']);
    const deep = await harness.key({ listing: { dir_scope: ['/shop/deep/*'] } });
    expect(await namesIn('folder=/shop/deep&recursive=1', deep)).toEqual(['c.txt']);
    const outside = await harness.call({ url: '/v5/files?folder=/secret&format=csv', key: deep });
    expect([outside.status, outside.body['code']]).toEqual([403, 'SCOPE_DENIED']);
  });

  test('needs the right to list', async () => {
    const uploader = await harness.key({ permissions: ['FILE_UPLOAD'] });
    const answer = await harness.call({ url: '/v5/files?folder=/shop&format=csv', key: uploader });
    expect([answer.status, answer.body['code']]).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('is refused for a folder that is not there, as JSON', async () => {
    const answer = await harness.call({ url: '/v5/files?folder=/nowhere&format=csv', key });
    expect([answer.status, answer.body['code']]).toEqual([404, 'FOLDER_NOT_FOUND']);
  });
});
