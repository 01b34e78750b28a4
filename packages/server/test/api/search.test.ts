// Searching and listing over HTTP: what widgets write into q, and that nothing outside the scope is told of.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import { CONTAINER, type Harness, NOON_MS, openHarness } from '../support/harness.ts';
import { naughtyStrings } from '../support/naughty.ts';

let harness: Harness;
let key: string;

const MODEL = [
  {
    applies_to: 'FILES',
    groups: [
      {
        name: 'Root fields',
        fields: [
          { key: 'title', type: 'text', regional_variants_group_uuid: 'languages' },
          {
            key: 'season',
            type: 'select-one',
            possible_values: [
              { api_value: 'summer', label: 'High summer' },
              { api_value: 'winter' },
              { api_value: 'autumn' },
            ],
          },
          {
            key: 'col',
            type: 'multi-select',
            possible_values: [{ api_value: 'red' }, { api_value: 'blue' }, { api_value: 'green' }],
          },
          { key: 'n', type: 'numeric' },
          { key: 'price', type: 'decimal2' },
          { key: 'b', type: 'boolean' },
          { key: 'u', type: 'attachment-uri' },
          { key: 'd', type: 'date' },
          { key: 't', type: 'tags' },
          { key: 'license_expiry', type: 'date' },
        ],
      },
    ],
  },
];
const LANGUAGES = {
  uuid: 'languages',
  label: 'Languages',
  type: 'FTYPE_LANGUAGES',
  variants: [{ api_value: 'en' }, { api_value: 'fr' }],
};

/** The value of a selection as it is stored. */
let stored: (field: string, value: string) => string;

beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key();
  const admin = await harness.admin();
  const changed = await harness.call({
    method: 'PUT',
    url: '/v5/settings',
    headers: admin,
    body: { metadata: { model: MODEL, store: { regional_variants_groups: [LANGUAGES] } } },
  });
  expect(changed.status).toBe(200);
  const { body } = await harness.call({ url: '/v5/meta/model/fields', key });
  const fields = body['fields'] as readonly {
    readonly ckey: string;
    readonly possible_values: readonly { readonly api_value: string; readonly internal_unique_value: string }[];
  }[];
  stored = (field, value) =>
    fields.find(({ ckey }) => ckey === field)?.possible_values.find(({ api_value }) => api_value === value)
      ?.internal_unique_value ?? '';

  await add('/shop', {
    name: 'Red square.png',
    mime: 'image/png',
    sizeBytes: 4000,
    info: {
      img_w: 500,
      img_h: 400,
      face_count: 2,
      main_colors_hex: ['#f00000', '#26a5a9'],
      dominant_color_hex: '#ff0000',
    },
    tags: {
      en: [
        { sid: '#tg0000000001', label: 'summer' },
        { sid: '#tg0000000002', label: 'winter' },
      ],
    },
    meta: {
      title: { en: 'Hello world', fr: 'Bonjour' },
      season: stored('season', 'summer'),
      col: [stored('col', 'red'), stored('col', 'blue')],
      n: 7,
      b: true,
      u: 'https://example.com',
      d: '2024-01-15',
      t: ['a b', 'x'],
      license_expiry: '2024-05-20',
    },
    productRef: 'REF1',
  });
  await add('/shop', {
    name: 'manual.pdf',
    mime: 'application/pdf',
    sizeBytes: 6_000_000,
    info: {},
    tags: { en: [{ sid: '#tg0000000001', label: 'summer' }] },
    meta: { season: stored('season', 'winter'), col: [stored('col', 'green')], n: 3, b: false, d: '2024-03-01' },
  });
  await add('/shop/clips', {
    name: 'Café a+b.mp4',
    mime: 'video/mp4',
    sizeBytes: 20,
    info: { img_w: 1920, img_h: 800, face_count: 0 },
    meta: { col: [stored('col', 'red')], title: { en: 'Redder' } },
    productRef: 'XREF12',
  });
  await add('/shop/clips', { name: 'data.zip', mime: 'application/zip', sizeBytes: 0 });
});
afterAll(() => harness.close());

let written = 0;
async function add(folder: string, file: object) {
  written += 1;
  const content = { sizeBytes: 1, sha1: 'a'.repeat(40), blobId: `blob-${written}` };
  await harness.ports.metadata.commitFiles(
    CONTAINER,
    [newFile(`${folder}/x`, { ...content, ...file })],
    by(harness.clock.nowMs),
  );
}

const SIDES = { img_w: 500, img_h: 400 };

/** One file with all that a file can have, and one with nothing. */
async function addMarked() {
  await add('/any', { name: 'bare.bin', mime: 'application/octet-stream' });
  await add('/any', {
    name: 'marked.png',
    tags: { en: [{ sid: '#tg0000000001', label: 'summer' }] },
    info: { ...SIDES, main_colors_hex: ['#f00000'], dominant_color_hex: '#ff0000' },
  });
  const files = (await list('folder=/any')).body['files'] as readonly { readonly uuid: string }[];
  const uuid = files[1]?.uuid;
  const label = await harness.call({ method: 'POST', url: '/v5/labels', key, body: { label: { name: 'Kept' } } });
  const labels = [label.textAt('label.sid')];
  await harness.call({ method: 'POST', url: `/v5/file/${uuid}/labels`, key, body: { labels } });
  const approval = { approvers: ['bob@example.org'] };
  const asked = await harness.call({ method: 'POST', url: `/v5/files/${uuid}/approvals`, key, body: { approval } });
  expect(asked.status, asked.text).toBe(200);
}

interface Found {
  readonly names: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

/** As the widget writes addresses: spaces are encoded, most signs are not. */
async function list(query: string, asker = key): Promise<Found> {
  const answer = await harness.call({ url: `/v5/files?recursive=1&${query}`, key: asker });
  expect(answer.status, query).toBe(200);
  const files = answer.body['files'] as readonly { readonly name: string }[];
  return { names: files.map(({ name }) => name), body: answer.body };
}
const search = async (q: string, more = '') => (await list(`folder=/shop&q=${encodeURIComponent(q)}${more}`)).names;

const [RED, PDF, MP4, ZIP] = ['Red square.png', 'manual.pdf', 'Café a+b.mp4', 'data.zip'];

describe('q', () => {
  test.each([
    ['mimetype:"image","video"', [MP4, RED]],
    ['mimetype:"application"', [ZIP, PDF]],
    ['mimetype:"application/zip,application/x-zip-compressed"', [ZIP]],
    ['type:"img › png","doc › pdf"', [PDF, RED]],
    ['size:"0..5000000"', [MP4, ZIP, RED]],
    ['size:"..4000"', [MP4, ZIP, RED]],
    ['size>1MB', [PDF]],
    ['tags:"summer","winter"', [PDF, RED]],
    ['tags="summer","winter"', [RED]],
    ['tags:"tg0000000002"', [RED]],
    ['#winter', [RED]],
    ['"#summer"', [PDF, RED]],
    ['orientation:"landscape"', [RED]],
    ['orientation:"panorama"', [MP4]],
    ['resolution:"small"', [RED]],
    ['resolution:"medium","large"', [MP4]],
    ['faces:"0"', [MP4]],
    ['faces:"1..4"', [RED]],
    ['faces:"*"', [RED]],
    ['main_color:"teal"', [RED]],
    ['color:"#ff0000"', [RED]],
    ['product_ref:"REF1"', [RED]],
    ['product_ref~"REF1"', [MP4, RED]],
    [`created>"${new Date(NOON_MS - 1).toISOString()}"`, [MP4, ZIP, PDF, RED]],
    [`created>"${new Date(NOON_MS).toISOString()}"`, []],
    ['created:"2026-01-01T00:00:00.000Z..2026-02-01T00:00:00.000Z"', [MP4, ZIP, PDF, RED]],
    ['updated:"2024-01-01T00:00:00.000Z..2024-02-01T00:00:00.000Z"', []],
    ['created:2026-01-15', [MP4, ZIP, PDF, RED]],
    ['license_expiry:"2024-05-01..2024-06-01"', [RED]],
    ['folders:"/shop/clips"', [MP4, ZIP]],
    ['season:summer,winter', [PDF, RED]],
    ['season:"High summer"', [RED]],
    ['col:=red,blue', [RED]],
    ['col:=red', [MP4]],
    ['col:-red col:-blue', [ZIP, PDF]],
    ['col:red,blue', [MP4, RED]],
    ['col:empty', [ZIP]],
    ['col:non-empty n:empty', [MP4]],
    ['title:"hello w"', [RED]],
    ['title:"ello"', []],
    ['title~"ello"', [RED]],
    ['title:bonjour', [RED]],
    ['title~^red', [MP4]],
    ['title~~"world hello"', [RED]],
    ['title~~~"world redder"', [MP4, RED]],
    ['title:="hello world"', [RED]],
    ['title!="hello world"', [MP4, ZIP, PDF]],
    ['n>5', [RED]],
    ['n<=3', [PDF]],
    ['n:3..7', [PDF, RED]],
    ['n!=3', [MP4, ZIP, RED]],
    ['b:true', [RED]],
    ['u:non-empty', [RED]],
    ['"d:2024-01-01..2024-02-01"', [RED]],
    ['d>2024-01-15', [PDF]],
    ['d:"..2024-01-15"', [RED]],
    ['t:"a b","c"', [RED]],
    ['red', [MP4, RED]],
    ['"red square"', [RED]],
    ['"square red"', []],
    ['square red', [RED]],
    ['summer -winter', [PDF]],
    ['cafe', [MP4]],
    ['square,cafe', [MP4, RED]],
    ['"red square","data"', [ZIP, RED]],
    ['square, cafe', [MP4, RED]],
    ['square, cafe a+b', [MP4]],
    ['-square,cafe', [ZIP, PDF]],
    ['-square,-cafe', [ZIP, PDF]],
    ['red,-square', [MP4]],
    ['red, -square', [MP4]],
    ['manual, mimetype:"application"', [PDF]],
    ['season:summer, winter', [PDF, RED]],
    ['#winter,#spring', [RED]],
    ['"#winter", "#summer"', [PDF, RED]],
    ['#winter,data', [ZIP, RED]],
    ['"red,square"', [RED]],
    ['"square,red"', []],
    ['data,', [ZIP]],
    [',', []],
    ['CAFÉ', [MP4]],
    ['a+b', [MP4]],
    ['red a+b', [MP4]],
    ['hello mimetype:"image" n>5 tags:"summer"', [RED]],
    ['equare', []],
    ['labels:"lb12345"', []],
    ['status:"APPROVED","REFUSED"', []],
    ['-status:APPROVED', [MP4, ZIP, PDF, RED]],
  ])('%s', async (q, expected) => {
    expect(await search(q)).toEqual(expected);
    const stats = await harness.call({
      url: `/v5/files/stats?folder=/shop&recursive=1&q=${encodeURIComponent(q)}`,
      key,
    });
    expect(stats.body).toMatchObject({ stats: { approx_files_count: expected.length } });
  });

  test('has an answer for every text, and says what it left out', async () => {
    expect((await list('folder=/shop&q=size:huge')).body['warnings']).toEqual([
      'This part means nothing and was left out: size:',
    ]);
    for (const text of naughtyStrings()) {
      for (const q of [text, `title:${text}`, `"${text}`]) {
        const answer = await harness.call({
          url: `/v5/files?folder=/shop&q=${encodeURIComponent(q.replace(/\p{Cs}/gu, ''))}`,
          key,
        });
        expect(answer.status, q).toBe(200);
      }
    }
  }, 180_000);

  test('says how near each file is, and finds similar words in a second pass', async () => {
    const relevances = async (more: string) => {
      const { body } = await list(`folder=/shop&${more}`);
      return (body['files'] as readonly { readonly name: string; readonly relevance: number | null }[]).map((file) => [
        file.name,
        file.relevance,
      ]);
    };
    expect(await relevances('q=square')).toEqual([[RED, 1]]);
    expect(await relevances('q=square&method=SCM_EXTENDED')).toEqual([]);
    expect(await relevances('q=sqaure')).toEqual([]);
    expect(await relevances('q=sqaure&method=SCM_EXTENDED')).toEqual([[RED, 0.54]]);
    expect(await relevances('q=quar&method=SCM_EXTENDED')).toEqual([[RED, 0.72]]);
    expect(await relevances('q=bonjuor&method=SCM_EXTENDED')).toEqual([[RED, 0.49]]);
    expect(await relevances('q=onjour&method=SCM_EXTENDED')).toEqual([[RED, 0.68]]);
    expect(await relevances('q=manaul%20n>5&method=SCM_EXTENDED')).toEqual([]);
    expect(await relevances('q=n>5&method=SCM_EXTENDED')).toEqual([]);
    expect(await relevances('sort=name:asc&limit=1')).toEqual([[MP4, null]]);
  });

  test('puts matches in names before those in tags and metadata', async () => {
    await add('/rank', { name: 'b.png', meta: { note: 'apple' } });
    await add('/rank', { name: 'c.png', tags: { en: [{ sid: '#tg00000000aa', label: 'apple' }] } });
    await add('/rank', { name: 'd apple.png' });
    await add('/rank', { name: 'apple' });
    const names = async (sort: string) => (await list(`folder=/rank&q=apple&sort=${sort}`)).names;
    expect(await names('relevance:desc')).toEqual(['apple', 'd apple.png', 'c.png', 'b.png']);
    expect(await names('relevance:asc')).toEqual(['b.png', 'c.png', 'd apple.png', 'apple']);
  });
});

describe('a list of words', () => {
  test('finds names with commas, and says when it is too long', async () => {
    await add('/commas', { name: 'Smith, John,2024.png' });
    await add('/commas', { name: 'other.png' });
    for (const q of ['Smith, John', 'Smith,John', '"Smith, John"', 'john,2024', ',']) {
      expect((await list(`folder=/commas&q=${encodeURIComponent(q)}`)).names, q).toEqual(['Smith, John,2024.png']);
    }
    const words = Array.from({ length: 250 }, (_, i) => `w${i}`);
    const last = async (at: number) => list(`folder=/commas&q=${words.with(at, 'smith').join(',')}`);
    expect(await last(199)).toMatchObject({
      names: ['Smith, John,2024.png'],
      body: { warnings: ['Only the first 200 values were searched for.'] },
    });
    expect((await last(200)).names).toEqual([]);
  });

  test('does not go on from a collection or a virtual folder into what is searched for in it', async () => {
    const within = Buffer.from('manual,').toString('base64url');
    expect((await list(`folder=/shop&f64=${within}&q=square`)).names).toEqual([]);
    expect((await list(`folder=/shop&f64=${within}&q=pdf`)).names).toEqual([PDF]);
  });
});

describe('a search of folders', () => {
  beforeAll(async () => {
    for (const folder of ['/tree/sub', '/tree/sub/pm', '/tree/Pumps, old', '/tree/red images'])
      await add(folder, { name: 'x.png' });
  });

  test.each([
    ['', ['pm', 'Pumps, old', 'red images', 'sub'], []],
    ['sub', ['sub'], []],
    ['-pm', ['Pumps, old', 'red images', 'sub'], []],
    ['s -sub', ['Pumps, old', 'red images'], []],
    ['pm,sub', ['pm', 'sub'], []],
    ['-pm,sub', ['Pumps, old', 'red images'], []],
    ['"Pumps, old"', ['Pumps, old'], []],
    ['name:SUB', ['sub'], []],
    ['name~ump', ['Pumps, old'], []],
    ['name~^p', ['pm', 'Pumps, old'], []],
    ['name="red images"', ['red images'], []],
    ['name:=images', [], []],
    ['name~~"images red"', ['red images'], []],
    ['name!=sub', ['pm', 'Pumps, old', 'red images'], []],
    ['name:-sub,-pm', ['Pumps, old', 'red images'], []],
    ['-name:sub', ['pm', 'Pumps, old', 'red images'], []],
    ['name:non-empty', ['pm', 'Pumps, old', 'red images', 'sub'], []],
    ['name:empty', [], []],
    ['mimetype:"image"', [], ['mimetype:']],
    ['-pm mimetype:"image"', [], ['mimetype:']],
    ['red mimetype:"image"', [], ['mimetype:']],
    ['size>1MB', [], ['size>']],
    ['#x', [], ['x']],
    ['sub,#x', ['sub'], []],
    ['season:summer', [], ['season:']],
    ['-#x', [], ['x']],
    ['col:-red col:-blue', [], ['col:']],
    ['labels:empty', [], ['labels:']],
    ['red -#x', ['red images'], []],
    ['red col:-red n!=5 u:empty -size>5', ['red images'], []],
    ['red -u:empty', [], ['u:']],
  ])('%s', async (q, expected, ofFiles) => {
    const query = `recursive=1&folder=/tree&q=${encodeURIComponent(q)}&sort=name%3Aasc`;
    const { body } = await harness.call({ url: `/v5/folders?${query}`, key });
    const names = (body['folders'] as readonly { readonly name: string }[]).map(({ name }) => name);
    expect(names).toEqual(expected);
    expect(body).toMatchObject({ info: { total_folders_count: expected.length } });
    const warnings = ofFiles.map((part) => `Only files can meet this part, so no folder was searched for: ${part}`);
    expect(body['warnings']).toEqual(warnings);
    const stats = await harness.call({ url: `/v5/folders/stats?${query}`, key });
    expect(stats.body).toMatchObject({ stats: { approx_folders_count: expected.length } });
  });
});

describe('facts that a file may lack', () => {
  beforeAll(addMarked);

  test.each([
    ['labels', ['marked.png'], ['bare.bin']],
    ['status', ['marked.png'], ['bare.bin']],
    ['orientation', ['marked.png'], ['bare.bin']],
    ['resolution', ['marked.png'], ['bare.bin']],
    ['main_color', ['marked.png'], ['bare.bin']],
    ['color', ['marked.png'], ['bare.bin']],
    ['tags', ['marked.png'], ['bare.bin']],
    ['mimetype', ['bare.bin', 'marked.png'], []],
    ['type', ['bare.bin', 'marked.png'], []],
    ['size', ['bare.bin', 'marked.png'], []],
    ['created', ['bare.bin', 'marked.png'], []],
    ['folders', ['bare.bin', 'marked.png'], []],
  ])('are asked for by %s:empty and non-empty', async (name, having, without) => {
    for (const [q, expected] of [
      [`${name}:non-empty`, having],
      [`-${name}:empty`, having],
      [`${name}:empty`, without],
      [`-${name}:non-empty`, without],
    ] as const) {
      const { names, body } = await list(`folder=/any&q=${q}`);
      expect([names, body['warnings']], q).toEqual([expected, []]);
    }
  });
});

describe('a minus before a value', () => {
  beforeAll(async () => {
    await add('/signs', { name: 'minus five', meta: { n: -5, price: -5.5, loose: -3 } });
    await add('/signs', { name: 'zero', sizeBytes: 2, meta: { n: 0, price: 0, loose: 'x' }, info: SIDES });
    await add('/signs', { name: 'seven', sizeBytes: 3, meta: { n: 7, price: 7.25, license_expiry: '2024-05-15' } });
  });

  test.each([
    ['n:-5..1', ['minus five', 'zero']],
    ['n:"-5..1"', ['minus five', 'zero']],
    ['n:-9..-1', ['minus five']],
    ['price:-1..10', ['seven', 'zero']],
    ['"price:-1..10"', ['seven', 'zero']],
    ['n:-5', ['minus five']],
    ['n:7,-5', ['minus five', 'seven']],
    ['n=-5', ['minus five']],
    ['n!=-5', ['seven', 'zero']],
    ['-n:-5', ['seven', 'zero']],
    ['-n:-5..1', ['seven']],
    ['n:-..1', ['seven']],
    ['price:-0', ['zero']],
    ['size:-3', ['minus five', 'zero']],
    ['size:-2..3', ['minus five']],
    ['size:-"2..3"', ['minus five']],
    ['width:-500', ['minus five', 'seven']],
    ['width:-400..600', ['minus five', 'seven']],
    ['created:-2026-01-15', []],
    ['created:-2026-11-26', ['minus five', 'seven', 'zero']],
    ['license_expiry:-2024-05-15', ['minus five', 'zero']],
    ['license_expiry:-2024-05-01..2024-05-31', ['minus five', 'zero']],
    ['loose:-4..-1', ['minus five']],
    ['loose:-x', ['minus five', 'seven']],
  ])('%s', async (q, expected) => {
    const { names, body } = await list(`folder=/signs&q=${encodeURIComponent(q)}`);
    expect([names, body['warnings']]).toEqual([expected, []]);
  });
});

describe('a listing', () => {
  test.each([
    ['sort=name:asc', [MP4, ZIP, PDF, RED]],
    ['sort=name,desc', [RED, PDF, ZIP, MP4]],
    ['order=filename,asc', [MP4, ZIP, PDF, RED]],
    ['sort=size%3Adesc', [PDF, RED, MP4, ZIP]],
    ['sort=type:asc', [PDF, ZIP, RED, MP4]],
    ['sort=title:asc', [ZIP, RED, PDF, MP4]],
    ['sort=uploaded:asc', [MP4, ZIP, PDF, RED]],
    ['sort=constructor:desc', [MP4, ZIP, PDF, RED]],
    ['sort=assets_count:desc', [RED, PDF, ZIP, MP4]],
    ['limit=999999&offset=3', [RED]],
    ['mime=image', [RED]],
    ['mime=video/*,application/pdf', [MP4, PDF]],
    ['created_after=3 days ago', [MP4, ZIP, PDF, RED]],
    ['created_before=3 days ago', []],
    ['updated_after=2026-01-16', []],
    ['updated_before=2026-01-16', [MP4, ZIP, PDF, RED]],
    [`created_after=${NOON_MS + 1}`, []],
    ['created_after=whenever', [MP4, ZIP, PDF, RED]],
  ])('%s', async (query, expected) => {
    expect((await list(`folder=/shop&${query.replaceAll(' ', '%20')}`)).names).toEqual(expected);
  });
});

describe('what can be searched for', () => {
  test('types come with their numbers and find their files again; tags and values as somebody wrote them', async () => {
    const { body } = await harness.call({ url: '/v5/filters?filter_by=filetype&format=list&limit=50', key });
    const { file_types, tags } = body['filters'] as {
      readonly file_types: readonly { readonly name: string; readonly value: string; readonly count: number }[];
      readonly tags: readonly { readonly name: string }[];
    };
    for (const { value, count } of file_types) {
      const found = await list(`folder=/&q=${encodeURIComponent(`type:"${value}"`)}`);
      expect(found.names.length, value).toBe(count);
    }
    expect(file_types.map(({ name }) => name)).toContain('doc › pdf');
    expect(tags.map(({ name }) => name)).toContain('summer');
    const values = async (query: string) => {
      const answer = await harness.call({ url: `/v5/metadata/autocomplete?${query}`, key });
      return (answer.body['tags'] as readonly { readonly tag: string }[]).map(({ tag }) => tag);
    };
    expect(await values('q=hello&meta_key=_title')).toEqual(['Hello world']);
    expect(await values('q=&meta_key=season')).toEqual(expect.arrayContaining(['High summer', 'winter']));
    expect(await values('q=nothing&meta_key=_title')).toEqual([]);
  });

  test('every example of the documentation is understood', async () => {
    const page = readFileSync(new URL('../../../../docs/how-to/search.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| (`.+?`(?:, `.+?`)*) \|/gm)];
    const examples = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, q = '']) => q));
    expect(examples.length).toBeGreaterThan(40);
    for (const q of examples) {
      const { body } = await list(`folder=/shop&q=${encodeURIComponent(q)}`);
      expect(body['warnings'], q).toEqual([]);
    }
  });
});

describe('outside the scope', () => {
  test('nothing changes an answer, whether files are there or not', async () => {
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    await add('/in/a', {
      name: 'visible one.png',
      tags: { en: [{ sid: '#tg00000000bb', label: 'seen' }] },
      meta: { title: { en: 'secret' } },
    });
    const answers = async () => {
      const urls = [
        '/v5/files?recursive=1&folder=/&q=secret',
        '/v5/files?recursive=1&folder=/&q=-visible',
        '/v5/files?recursive=1&folder=/&q=secert&method=SCM_EXTENDED',
        '/v5/files?recursive=1&folder=/in&q=folders:"/out"',
        '/v5/files/stats?recursive=1&folder=/&q=secret',
        '/v5/files/stats?recursive=1&folder=/',
        '/v5/folders/stats?recursive=1&folder=/in&q=secret',
        '/v5/filters?limit=50',
        '/v5/tags',
        '/v5/metadata/autocomplete?q=s',
        '/v5/metadata/autocomplete?q=s&meta_key=_title',
        '/v5/files?recursive=1&folder=/&sort=title:desc',
      ];
      const all = await Promise.all(urls.map((url) => harness.call({ url: encodeURI(url), key: narrow })));
      expect(all.map(({ status }) => status)).toEqual(urls.map(() => 200));
      return all.map(({ body }) => body);
    };
    const before = await answers();
    for (const folder of ['/out', '/in-between', '/']) {
      await add(folder, {
        name: `secret ${folder.length}.gif`,
        mime: 'image/gif',
        tags: { en: [{ sid: '#tg00000000cc', label: 'secret tag' }] },
        meta: { title: { en: 'secret second' } },
      });
    }
    expect(await answers()).toEqual(before);
    expect(before[0]).toMatchObject({ files: [{ name: 'visible one.png' }], info: { total_files_count: 1 } });
    expect(before[1]).toMatchObject({ files: [], info: { total_files_count: 0 } });
  });
});
