// Container settings through the front door: who may read and change them, and what the metadata model then asks of values.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );

const LANGUAGES = {
  uuid: 'languages',
  label: 'Languages',
  type: 'FTYPE_LANGUAGES',
  variants: [{ api_value: 'en', label: 'English' }, { api_value: 'fr' }],
};
const SEASON = {
  key: 'season',
  type: 'select-one',
  uuid: 'field-season',
  possible_values: [
    { internal_unique_value: '@summer@', api_value: 'summer', label: 'Summer' },
    { api_value: 'winter' },
  ],
};

/** Settings whose model gives files one group of these fields. */
const withFields = (fields: readonly object[], more: object = {}) => ({
  metadata: {
    model: [{ applies_to: 'FILES', groups: [{ name: 'Root fields', fields }] }],
    store: { regional_variants_groups: [LANGUAGES] },
    ...more,
  },
});

describe('settings.read and settings.inspect', () => {
  test('answer the defaults until somebody changes them', async () => {
    const shown = await call('GET', '/v5/settings');
    expect(shown.body).toMatchObject({
      settings: { _products_enabled: 1, _cdn_permalink_enabled: 0, project_branding: {} },
      metadata: {
        version: 'M1_EDGY',
        model: [],
        strict: false,
        store: {
          // Without a language the widget loses the tags that people type in.
          regional_variants_groups: [{ type: 'FTYPE_LANGUAGES', variants: [{ api_value: 'en' }] }],
        },
      },
      fs: { permission_model: 'PT_ADVANCED' },
      presets: [],
    });
    expect(shown.body).not.toHaveProperty('revision');
    expect((await call('GET', '/v5/settings?scope=private')).body).toMatchObject({ revision: 0, updated_at: null });
  });

  test('keep the private part for CONFIG_LIST and the change for CONFIG_CHANGE', async () => {
    const reader = await harness.key({ permissions: ['OBJECTS_LIST'] });
    expect((await call('GET', '/v5/settings', undefined, reader)).status).toBe(200);
    expect(outcome(await call('GET', '/v5/settings?scope=private', undefined, reader))).toEqual([
      403,
      'PERMISSION_DENIED',
    ]);
    const lister = await harness.key({ permissions: ['CONFIG_LIST'] });
    expect((await call('GET', '/v5/settings?scope=private', undefined, lister)).status).toBe(200);
    expect(outcome(await call('PATCH', '/v5/settings', {}, lister))).toEqual([403, 'PERMISSION_DENIED']);
    const changer = await harness.key({ permissions: ['CONFIG_CHANGE'] });
    expect((await call('PATCH', '/v5/settings', {}, changer)).status).toBe(200);
  });
});

describe('settings.change', () => {
  test('PUT replaces everything, PATCH the members it names', async () => {
    const settings = { _products_enabled: 0, project_branding: { brandColor: '#3366cc' } };
    const put = await call('PUT', '/v5/settings', { settings, presets: [{ name: 'small', params: 'w=100' }] });
    expect(put.body).toMatchObject({ action: 'settings_updated', revision: 1, settings, presets: [{ name: 'small' }] });
    await call('PATCH', '/v5/settings', { settings: { _cdn_permalink_enabled: true } });
    await call('PATCH', '/v5/settings', withFields([SEASON]));
    const { body } = await call('GET', '/v5/settings?scope=private');
    expect(body).toMatchObject({
      revision: 3,
      updated_at: '2026-01-15T12:00:00Z',
      settings: { ...settings, _cdn_permalink_enabled: 1 },
      presets: [{ name: 'small' }],
      metadata: { store: { regional_variants_groups: [{ uuid: 'languages', variants: [{ api_value: 'en' }, {}] }] } },
    });
    expect((await call('PUT', '/v5/settings', {})).body).toMatchObject({
      settings: { _products_enabled: 1, project_branding: {} },
      metadata: {
        model: [],
        store: { regional_variants_groups: [{ label: 'Languages', variants: [{ label: 'English' }] }] },
      },
      presets: [],
    });
    const none = { metadata: { store: { regional_variants_groups: [] } } };
    expect((await call('PUT', '/v5/settings', none)).body).toMatchObject(none);
  });

  test('fills in identifiers and keeps them, and what it answers can be sent again', async () => {
    const first = await call('PUT', '/v5/settings', withFields([{ key: 'title', type: 'text' }, SEASON]));
    const fields = (await call('GET', '/v5/meta/model/fields')).body['fields'];
    expect(fields).toMatchObject([
      {
        applies_to: 'FILES',
        uuid: expect.stringMatching(/^[0-9a-f]{32}$/),
        ckey: 'title',
        title: 'title',
        required: 0,
      },
      {
        ckey: 'season',
        possible_values: [{ api_value: 'summer' }, { internal_unique_value: expect.stringMatching(/^@itm_v1_/) }],
      },
    ]);
    const { settings, metadata, presets } = first.body;
    const again = await call('PUT', '/v5/settings', { settings, metadata, presets });
    expect(again.body).toMatchObject({ settings, metadata, presets, revision: 2 });
    expect((await call('GET', '/v5/meta/model/fields/field-season/options')).body).toMatchObject({
      options: [{ internal_unique_value: '@summer@', label: 'Summer' }, { label: 'winter' }],
    });
    expect(outcome(await call('GET', '/v5/meta/model/fields/none/options'))).toEqual([404, 'FIELD_NOT_FOUND']);
    expect((await call('GET', '/v5/meta/model/fields?applies_to=directories')).body['fields']).toEqual([]);
  });

  test('refuses nothing in place of a document, and changes nothing then', async () => {
    await call('PUT', '/v5/settings', withFields([SEASON]));
    const before = (await call('GET', '/v5/settings?scope=private')).body;
    for (const method of ['PUT', 'PATCH'] as const) {
      for (const body of [undefined, '', 'null', '[]', '7', '{"metadata":null}', '{"settings":null}']) {
        const answer = await harness.call({
          method,
          url: '/v5/settings',
          key,
          ...(body === undefined ? {} : { body }),
        });
        expect(outcome(answer), `${method} ${body}`).toEqual([400, 'REQUEST_INVALID']);
      }
    }
    expect((await call('GET', '/v5/settings?scope=private')).body).toEqual(before);
  });

  test('takes back what was read, as it was', async () => {
    const put = await call('PUT', '/v5/settings', withFields([SEASON], { strict: true }));
    const read = await call('GET', '/v5/settings?scope=private');
    for (const method of ['PUT', 'PATCH'] as const) {
      for (const { body } of [read, put]) {
        const again = await call(method, '/v5/settings', body);
        expect(again.status, again.text).toBe(200);
        const { metadata, settings, presets, uploads } = read.body;
        expect(again.body).toMatchObject({ metadata, settings, presets, uploads });
      }
    }
    const unknown = await call('PUT', '/v5/settings', { ...read.body, other: 1 });
    expect(faults(unknown)).toEqual(['other MEMBER_UNKNOWN']);
  });

  test('reports every fault at once by field, and changes nothing', async () => {
    const answer = await call('PUT', '/v5/settings', {
      settings: { _products_enabled: 'yes', unknown: 1 },
      metadata: {
        model: [
          {
            applies_to: 'FILES',
            groups: [
              {
                name: 'Root',
                fields: [
                  { key: 'a', type: 'text' },
                  { key: 'a', type: 'colour' },
                  { key: 'b', type: 'select-one' },
                  { key: 'c', type: 'text', regional_variants_group_uuid: 'none' },
                  { type: 'text' },
                ],
              },
            ],
          },
          { applies_to: 'FILES', groups: 7 },
        ],
        store: { regional_variants_groups: [{ label: 'L', type: 'FTYPE_LANGUAGES', variants: [] }] },
      },
      presets: 'none',
    });
    expect(answer.status).toBe(400);
    expect(faults(answer).sort()).toEqual(
      [
        'settings._products_enabled INVALID_TYPE',
        'settings.unknown MEMBER_UNKNOWN',
        'metadata.model[0].groups[0].fields[1].type VALUE_UNKNOWN',
        'metadata.model[0].groups[0].fields[1].ckey REPEATED',
        'metadata.model[0].groups[0].fields[2].possible_values LIST_EMPTY',
        'metadata.model[0].groups[0].fields[3].regional_variants_group_uuid GROUP_UNKNOWN',
        'metadata.model[0].groups[0].fields[4].key INVALID_TYPE',
        'metadata.model[1].groups INVALID_TYPE',
        'metadata.model[1].applies_to REPEATED',
        'metadata.store.regional_variants_groups[0].variants LIST_EMPTY',
        'presets INVALID_TYPE',
      ].sort(),
    );
    expect(faults(await call('PATCH', '/v5/settings', { settings: [] }))).toEqual(['settings INVALID_TYPE']);
    expect((await call('GET', '/v5/settings?scope=private')).body).toMatchObject({ revision: 0 });
  });

  test('loses no change of two that are made at the same time', async () => {
    const changes = Array.from({ length: 8 }, () =>
      call('PATCH', '/v5/settings', { settings: { _products_enabled: 1 } }),
    );
    expect((await Promise.all(changes)).map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect((await call('GET', '/v5/settings?scope=private')).body).toMatchObject({ revision: 8 });
  });
});

describe('metadata values and the model', () => {
  const upload = async () => (await harness.upload(key, '/m')).textAt('file.uuid');
  const UUID = '1f0c2a3e-9d5b-4e1f-8a77-3c2b1a000000';

  test.each([
    ['text', {}, ['', 'a'], [1, ['a'], { en: 'a' }]],
    ['numeric', {}, [0, -5, 1_999_999_999], [1.5, '1', 2_000_000_000]],
    ['decimal2', {}, [1, 1.25, -0.1], [1.255, '1', 2_000_000_000]],
    ['integer-list', {}, [[], [1, 2]], [1, [1.5], ['1']]],
    ['boolean', {}, [true, false], ['true', 1]],
    ['date', {}, ['2024-02-29'], ['2023-02-29', '2024-2-1', '2024-01-01T00:00:00Z', 5]],
    ['tags', {}, [[], ['a', 'b']], ['a', [1], ['']]],
    ['geopoint', {}, ['(48.85,2.35)', '(-90, 180)'], ['48.85,2.35', '(91,0)', '(0,181)', [1, 2]]],
    ['attachments-assets', {}, [[UUID]], [UUID, ['x'], [1]]],
    ['select-one', { possible_values: SEASON.possible_values }, ['@summer@'], ['summer', ['@summer@'], '']],
    [
      'multi-select',
      { possible_values: SEASON.possible_values },
      [[], ['@summer@']],
      ['@summer@', ['x'], ['@summer@', '@summer@']],
    ],
    [
      'textarea',
      { regional_variants_group_uuid: 'languages' },
      [{ en: 'a' }, { en: 'a', fr: 'b' }],
      ['a', { de: 'a' }, { en: 1 }],
    ],
  ] as const)('%s takes its own form and refuses others', async (type, more, good, bad) => {
    expect((await call('PUT', '/v5/settings', withFields([{ key: 'f', type, ...more }]))).status).toBe(200);
    const uuid = await upload();
    const set = (f: unknown) => call('PUT', `/v5/file/${uuid}/meta`, { meta: { f, free: 'anything' } });
    for (const value of good) {
      await call('DELETE', `/v5/file/${uuid}/meta`);
      expect((await set(value)).body['meta'], JSON.stringify(value)).toEqual({ f: value, free: 'anything' });
    }
    await call('DELETE', `/v5/file/${uuid}/meta`);
    for (const value of bad) {
      const answer = await set(value);
      expect(outcome(answer), JSON.stringify(value)).toEqual([400, 'REQUEST_INVALID']);
      expect(faults(answer)[0]).toMatch(/^meta\.f(\.\w+)? (VALUE_INVALID|VARIANT_UNKNOWN)$/);
    }
    expect((await set(null)).body['meta']).toEqual({ free: 'anything' });
  });

  test('a strict model refuses other keys, a required field its removal, and uploads are held to both', async () => {
    const fields = [{ key: 'title', type: 'text', required: 1 }];
    await call('PUT', '/v5/settings', withFields(fields, { strict: true }));
    const uuid = await upload();
    expect(faults(await call('PUT', `/v5/file/${uuid}/meta`, { meta: { other: 1, title: null } }))).toEqual([
      'meta.other KEY_UNKNOWN',
      'meta.title REQUIRED',
    ]);
    expect(faults(await call('PUT', `/v3/file/${uuid}/properties`, { properties: { description: 'x' } }))).toEqual([
      'meta.description KEY_UNKNOWN',
    ]);
    const { headers, body } = multipart([{ name: 'u.txt' }], { 'meta[files[]]': '{"title":7}' });
    const refused = await harness.call({ method: 'POST', url: '/v4/files?folder=/m', key, headers, body });
    expect(faults(refused)).toEqual(['meta.title VALUE_INVALID']);
    expect((await harness.ports.blobs.list(Date.now() + 60_000)).blobIds).toHaveLength(1);
  });

  test.each([
    ['text', 'a', ['', '  ', null]],
    ['tags', ['a'], [[], null]],
    ['multi-select', ['@itm_1@'], [[], null]],
  ])('a required field of the type %s keeps a value', async (type, value, blank) => {
    const options =
      type === 'multi-select' ? { possible_values: [{ internal_unique_value: '@itm_1@', api_value: 'a' }] } : {};
    await call('PUT', '/v5/settings', withFields([{ key: 'f', type, required: 1, ...options }]));
    const uuid = await upload();
    // What never had one is left alone.
    expect((await call('DELETE', `/v5/file/${uuid}/meta`)).status).toBe(200);
    expect((await call('PUT', `/v5/file/${uuid}/meta`, { meta: { f: value, other: 1 } })).status).toBe(200);
    for (const none of blank) {
      const answer = await call('PUT', `/v5/file/${uuid}/meta`, { meta: { f: none } });
      expect(faults(answer), JSON.stringify(none)).toEqual(['meta.f REQUIRED']);
    }
    expect(faults(await call('DELETE', `/v5/file/${uuid}/meta`))).toEqual(['meta.f REQUIRED']);
    expect((await call('GET', `/v5/files/${uuid}`)).body['file']).toHaveProperty('meta', { f: value, other: 1 });
  });

  test('of a required field with variants one keeps a value, also when a folder is described anew', async () => {
    const fields = [{ key: 'f', type: 'text', required: 1, regional_variants_group_uuid: 'languages' }];
    const group = { uuid: 'languages', type: 'FTYPE_LANGUAGES', variants: [{ api_value: 'en' }, { api_value: 'fr' }] };
    const store = { regional_variants_groups: [{ ...group, label: 'Languages' }] };
    const model = ['FILES', 'DIRECTORIES'].map((applies_to) => ({ applies_to, groups: [{ name: 'Root', fields }] }));
    expect(outcome(await call('PUT', '/v5/settings', { metadata: { model, store } }))).toEqual([200, undefined]);
    const uuid = await upload();
    await call('PUT', `/v5/file/${uuid}/meta`, { meta: { f: { en: 'one', fr: 'un' } } });
    expect((await call('PUT', `/v5/file/${uuid}/meta`, { meta: { f: { en: '' } } })).status).toBe(200);
    expect(faults(await call('PUT', `/v5/file/${uuid}/meta`, { meta: { f: { fr: null } } }))).toEqual([
      'meta.f REQUIRED',
    ]);
    const folder = (await call('POST', '/v5/folders', { name: '/needed' })).textAt('folder.uuid');
    await call('PUT', `/v5/folder/${folder}/meta`, { meta: { f: { en: 'one' } } });
    expect(faults(await call('PUT', `/v5/folder/${folder}/meta`, { meta: { other: 1 } }))).toEqual(['meta.f REQUIRED']);
    expect(faults(await call('DELETE', `/v5/folder/${folder}/meta`))).toEqual(['meta.f REQUIRED']);
  });

  test('what a strict model does not know may be taken away', async () => {
    await call('PUT', '/v5/settings', withFields([]));
    const uuid = await upload();
    await call('PUT', `/v5/file/${uuid}/meta`, { meta: { old: 1 } });
    await call('PUT', '/v5/settings', withFields([{ key: 'title', type: 'text' }], { strict: true }));
    expect(outcome(await call('PUT', `/v5/file/${uuid}/meta`, { meta: { old: null } }))).toEqual([200, undefined]);
  });

  test('a text in an address becomes what the field holds', async () => {
    const fields = [
      { key: 'n', type: 'numeric' },
      { key: 'b', type: 'boolean' },
      { key: 't', type: 'tags' },
    ];
    await call('PUT', '/v5/settings', withFields(fields));
    const uuid = await upload();
    for (const path of ['n/7', 'b/true', 't/a,%20b', 'free/8']) {
      expect((await call('PUT', `/v5/file/${uuid}/meta/${path}`)).status, path).toBe(200);
    }
    const { body } = await call('GET', `/v5/files/${uuid}`);
    expect(body['file']).toHaveProperty('meta', { n: 7, b: true, t: ['a', 'b'], free: '8' });
    for (const text of ['seven', '0x10', '0b1', '0o7', '1e3', 'Infinity', '1 2']) {
      const answer = await call('PUT', `/v5/file/${uuid}/meta/n/${encodeURIComponent(text)}`);
      expect(faults(answer), text).toEqual(['meta.n VALUE_INVALID']);
    }
    await call(
      'PUT',
      '/v5/settings',
      withFields([
        { key: 'n', type: 'decimal2' },
        { key: 'l', type: 'integer-list' },
      ]),
    );
    for (const [path, value] of [
      ['n/-1.25', { n: -1.25 }],
      ['n/+3', { n: 3 }],
      ['n/.5', { n: 0.5 }],
      ['l/1,%20-2', { l: [1, -2] }],
    ] as const) {
      expect((await call('PUT', `/v5/file/${uuid}/meta/${path}`)).body['meta'], path).toMatchObject(value);
    }
    for (const path of ['l/1,0x2', 'l/1,,2', 'n/0x1']) {
      expect(faults(await call('PUT', `/v5/file/${uuid}/meta/${path}`)), path).toHaveLength(1);
    }
  });

  test('a value whose last variant is taken away is gone, and a required one cannot go so', async () => {
    const regional = { type: 'text', regional_variants_group_uuid: 'languages' };
    const fields = [
      { key: 'title', ...regional },
      { key: 'must', ...regional, required: 1 },
    ];
    await call('PUT', '/v5/settings', withFields(fields));
    const uuid = await upload();
    const both = { title: { en: 'A', fr: 'B' }, must: { en: 'C' }, free: { en: 'D' } };
    const set = (meta: object) => call('PUT', `/v5/file/${uuid}/meta`, { meta });
    await set(both);
    expect((await set({ title: { en: null } })).body['meta']).toMatchObject({ title: { fr: 'B' } });
    expect((await set({ title: { fr: null } })).body['meta']).toEqual({ must: both.must, free: both.free });
    expect(faults(await set({ must: { en: null } }))).toEqual(['meta.must REQUIRED']);
    expect((await set({ free: { en: null } })).body['meta'], 'what no field describes').toEqual({
      must: both.must,
      free: {},
    });
    await set({ title: { en: 'A' } });
    const step = { type: 'meta.remove', key: 'title', variant: 'en' };
    const bulk = { target: { files_uuids: [uuid] }, changes: [step] };
    const prepared = await call('PUT', '/v5/bulk/prepare', { bulk });
    const id = prepared.textAt('bulk_uuid');
    expect((await harness.call({ method: 'POST', url: `/v5/bulk/${id}/apply`, key })).status).toBe(200);
    expect((await call('GET', `/v5/files/${uuid}`)).body).toMatchObject({ file: { meta: { must: both.must } } });
    expect((await call('GET', `/v5/files/${uuid}`)).body['file']).not.toHaveProperty('meta.title');
  });

  test('folders have fields of their own', async () => {
    const model = [
      { applies_to: 'DIRECTORIES', groups: [{ name: 'Root', fields: [{ key: 'year', type: 'numeric' }] }] },
    ];
    await call('PUT', '/v5/settings', { metadata: { model } });
    const root = (await call('GET', '/v5/folders')).textAt('base.uuid');
    expect(faults(await call('PUT', `/v5/folder/${root}/meta`, { meta: { year: 'x' } }))).toEqual([
      'meta.year VALUE_INVALID',
    ]);
    const uuid = await upload();
    expect((await call('PUT', `/v5/file/${uuid}/meta`, { meta: { year: 'x' } })).status).toBe(200);
  });
});
