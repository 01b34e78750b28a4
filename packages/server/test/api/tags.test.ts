// Tags through the front door: replaced by language, the same id for the same label, and listed only within the scope.
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

type Tag = { readonly sid: string; readonly label: string };
type Tags = Readonly<Record<string, readonly Tag[]>>;

const call = (method: 'GET' | 'PUT' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });

async function file(path: string, name = 'f.txt'): Promise<string> {
  return (await harness.upload(key, path, { name })).textAt('file.uuid');
}

const setTags = (uuid: string, body: object, as = key) => call('PUT', `/v5/file/${uuid}/tags`, body, as);
const tagsIn = (answer: Answer) => answer.body['tags'] as Tags;
const labels = (answer: Answer, lang = 'en') => (tagsIn(answer)[lang] ?? []).map(({ label }) => label);
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );
/** Every list of tags in use, by label. */
async function inUse(as = key): Promise<readonly unknown[]> {
  const lists = [
    (await call('GET', '/v5/tags', undefined, as)).body['tags'] as readonly Tag[],
    (await call('GET', '/v5/attributes/tags', undefined, as)).body['attributes'] as readonly {
      readonly name: string;
      readonly sid: string;
    }[],
    (await call('GET', '/v5/metadata/autocomplete', undefined, as)).body['tags'] as readonly { readonly tag: string }[],
  ] as const;
  expect(lists[1].map(({ name, sid }) => [name, sid])).toEqual(lists[0].map(({ label, sid }) => [label, sid]));
  expect(lists[2].map(({ tag }) => tag)).toEqual(lists[0].map(({ label }) => label));
  return lists[0].map(({ label }) => label);
}

test('tags stay when no list of them is sent, and empty lists take them off', async () => {
  const uuid = await file('/kept');
  await setTags(uuid, { lang: 'en', new_tags: ['a', 'b'] });
  for (const body of [{ lang: 'en' }, {}, undefined]) {
    const answer = await call('PUT', `/v5/file/${uuid}/tags`, body);
    expect(faults(answer)).toEqual(['existing_tags CUSTOM']);
  }
  expect((await call('GET', `/v5/file/${uuid}`)).body).toMatchObject({ file: { tags: { en: [{}, {}] } } });
  // As the widget takes off the last one.
  expect(labels(await setTags(uuid, { lang: 'en', existing_tags: [], new_tags: [] }))).toEqual([]);
});

test('each tag that a search box offers comes with the search that finds its files', async () => {
  const uuid = await file('/offered');
  const other = await file('/offered', 'other.txt');
  await setTags(uuid, { new_tags: ['two words', 'with "quotes"', 'plain'] });
  await setTags(other, { new_tags: ['plainer'] });
  const offered = (await call('GET', '/v5/attributes/tags')).body['attributes'] as readonly {
    readonly name: string;
    readonly input: string;
  }[];
  for (const name of ['two words', 'with "quotes"', 'plain']) {
    const { input = '' } = offered.find((tag) => tag.name === name) ?? {};
    const found = await call('GET', `/v5/files?folder=%2Foffered&q=${encodeURIComponent(input)}`);
    expect([input, (found.body['files'] as readonly { readonly uuid: string }[]).map((one) => one.uuid)]).toEqual([
      expect.stringMatching(/^"#(two words|plain)"$|^#tg[0-9a-f]{10}$/),
      [uuid],
    ]);
  }
});

describe('file.setTags', () => {
  test('replaces the tags of one language and leaves the others', async () => {
    const uuid = await file('/t');
    await setTags(uuid, { lang: 'fr', new_tags: ['été'] });
    const first = await setTags(uuid, { lang: 'en', existing_tags: [], new_tags: ['summer', 'sea', 'summer'] });
    expect(first.body).toMatchObject({ action: 'file_tags_updated', file_uuid: uuid, file: { uuid, name: 'f.txt' } });
    expect(labels(first)).toEqual(['summer', 'sea']);
    const sid = tagsIn(first)['en']?.[1]?.sid ?? '';
    const second = await setTags(uuid, { lang: 'en', existing_tags: [sid], new_tags: ['sand'] });
    expect([labels(second), labels(second, 'fr')]).toEqual([['sea', 'sand'], ['été']]);
    expect(await call('GET', `/v5/files/${uuid}`)).toHaveProperty('body.file.tags', tagsIn(second));
    expect(tagsIn(await setTags(uuid, { lang: 'en', new_tags: [] }))).toEqual({ fr: tagsIn(second)['fr'] });
  });

  test('gives one id to one label wherever and however it is written, and knows it again', async () => {
    const [one, two] = [await file('/t', 'one'), await file('/t', 'two')];
    const { headers, body } = multipart([{ name: 'three' }], { 'tags[files[]]': '["Caf\u00e9"]' });
    const uploaded = await harness.call({ method: 'POST', url: '/v4/files?folder=/t', key, headers, body });
    const sid = uploaded.textAt('file.tags.en.0.sid');
    expect(sid).toMatch(/^#tg[0-9a-f]{10}$/);
    expect(tagsIn(await setTags(one, { new_tags: [' cafe\u0301'] }))['en']?.[0]?.sid).toBe(sid);
    for (const body of [{ existing_tags: [sid] }, { new_tags: [sid] }]) {
      expect(tagsIn(await setTags(two, body))['en']?.map((tag) => tag.sid)).toEqual([sid]);
    }
    expect(await inUse()).toHaveLength(1);
  });

  test('refuses unknown ids and bad labels with a fault for each, and changes nothing', async () => {
    const uuid = await file('/t');
    await setTags(uuid, { new_tags: ['kept'] });
    const set = async (body: object) => faults(await setTags(uuid, body));
    expect(await set({ existing_tags: ['#tg0000000000', 'x'] })).toEqual([
      'existing_tags[0] TAG_UNKNOWN',
      'existing_tags[1] TAG_UNKNOWN',
    ]);
    expect(await set({ lang: 'no language', new_tags: [' ', 'a\u0000b', 'x'.repeat(256)] })).toEqual([
      'lang FORMAT_WRONG',
      'new_tags[0] LABEL_EMPTY',
      'new_tags[1] LABEL_INVALID',
      'new_tags[2] LABEL_TOO_LONG',
    ]);
    expect((await setTags(uuid, { new_tags: 'summer' })).status).toBe(400);
    expect((await setTags(uuid, { new_tags: Array.from({ length: 201 }, (_, n) => `t${n}`) })).status).toBe(400);
    expect(await inUse()).toEqual(['kept']);
  });

  test('needs the permission and the file in scope', async () => {
    const [inside, outside] = [await file('/in/a'), await file('/out')];
    const narrow = await harness.key({ permissions: ['FILE_META_CHANGE'], listing: { dir_scope: ['/in/*'] } });
    expect((await setTags(inside, { new_tags: ['a'] }, narrow)).status).toBe(200);
    expect(outcome(await setTags(outside, { new_tags: ['a'] }, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    const reader = await harness.key({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_RENAME'] });
    expect(outcome(await setTags(inside, { new_tags: ['a'] }, reader))).toEqual([403, 'PERMISSION_DENIED']);
  });

  test('takes naughty labels as they are, or refuses them with a field error', async () => {
    const uuid = await file('/t');
    for (const text of naughtyStrings()) {
      const answer = await setTags(uuid, { new_tags: [text] });
      if (answer.status === 200) {
        expect(labels(answer), text).toEqual([text]);
        expect(await inUse(), text).toEqual([text]);
      } else {
        expect(outcome(answer), text).toEqual([400, 'REQUEST_INVALID']);
        expect(faults(answer)[0], text).toMatch(/^new_tags\[0\] LABEL_/);
      }
      await setTags(uuid, {});
    }
  }, 180_000);
});

describe('lists of tags', () => {
  test('know only the tags of files within the scope, and their ids nowhere else', async () => {
    const [inside, outside] = [await file('/in/deep'), await file('/inside')];
    await setTags(inside, { new_tags: ['open', 'both'] });
    const secret = await setTags(outside, { new_tags: ['hidden', 'BOTH'] });
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    expect(await inUse()).toHaveLength(3);
    expect(await inUse(narrow)).toEqual(['both', 'open']);
    const sid = tagsIn(secret)['en']?.[0]?.sid ?? '';
    expect(faults(await setTags(inside, { existing_tags: [sid] }, narrow))).toEqual(['existing_tags[0] TAG_UNKNOWN']);
    const asLabel = await setTags(inside, { new_tags: [sid] }, narrow);
    expect(labels(asLabel)).toEqual([sid]);
    expect(await inUse(await harness.key({ listing: { dir_scope: ['/in'] } }))).toEqual([]);
  });

  test('follow files that move, change and go', async () => {
    const uuid = await file('/a');
    await setTags(uuid, { new_tags: ['moving'] });
    await file('/in', 'another.txt');
    const narrow = await harness.key({ listing: { dir_scope: ['/in'] } });
    expect(await inUse(narrow)).toEqual([]);
    await harness.call({
      method: 'POST',
      url: '/v5/files/move',
      key,
      body: { files_uuids: [uuid], new_folder_name: '/in' },
    });
    expect(await inUse(narrow)).toEqual(['moving']);
    await setTags(uuid, { new_tags: ['other'] });
    expect(await inUse(narrow)).toEqual(['other']);
    await call('DELETE', `/v5/files/${uuid}`);
    expect(await inUse()).toEqual([]);
  });

  test('gather the languages of a tag, complete a text, and stop at the limit', async () => {
    const uuid = await file('/t');
    await setTags(uuid, { lang: 'en', new_tags: ['Taxi', 'tax 100%', 'sea'] });
    await setTags(uuid, { lang: 'fr', new_tags: ['Taxi'] });
    const { body } = await call('GET', '/v5/tags?q=taxi');
    expect(body['tags']).toEqual([
      {
        uuid: expect.stringMatching(/^tg/),
        sid: expect.stringMatching(/^#tg/),
        slug: 'taxi',
        names: { en: 'Taxi', fr: 'Taxi' },
        label: 'Taxi',
      },
    ]);
    const complete = async (query: string) => (await call('GET', `/v5/metadata/autocomplete?${query}`)).body['tags'];
    expect(await complete('q=TAX')).toEqual([{ tag: 'tax 100%' }, { tag: 'Taxi' }]);
    expect(await complete('q=100%25')).toEqual([{ tag: 'tax 100%' }]);
    expect(await complete('q=_')).toEqual([]);
    expect(await complete('limit=1')).toEqual([{ tag: 'sea' }]);
  });

  test('complete a text whatever its accents', async () => {
    await setTags(await file('/t'), { lang: 'fr', new_tags: ['Été'] });
    for (const q of ['ete', 'ÉTÉ', 'tE']) {
      const { body } = await call('GET', `/v5/metadata/autocomplete?q=${encodeURIComponent(q)}`);
      expect(body['tags'], q).toEqual([{ tag: 'Été' }]);
      expect((await call('GET', `/v5/tags?q=${encodeURIComponent(q)}`)).body['tags']).toMatchObject([{ label: 'Été' }]);
    }
  });
});

describe('properties of old clients', () => {
  test('are metadata and tags in another form', async () => {
    const uuid = await file('/p');
    const properties = { description: 'A fox', search: 'red animal', tags: ['fox', 'wood'], lang: 'en' };
    const answer = await call('PUT', `/v3/file/${uuid}/properties`, { properties });
    expect(answer.body['file']).toMatchObject({ uuid, properties, meta: { description: 'A fox' } });
    const listed = await call('GET', '/v3/list?dir=/p');
    expect(listed.body).toMatchObject({ files: [{ properties, sha1: expect.stringMatching(/^[0-9a-f]{40}$/) }] });
    expect((await call('GET', `/v5/files/${uuid}`)).body['file']).not.toHaveProperty('properties');
    await call('PUT', `/v3/file/${uuid}/properties`, {
      properties: { description: null, tags: 'bois, renard', lang: 'fr' },
    });
    expect((await call('GET', `/v3/file/${uuid}`)).body['file']).toMatchObject({
      meta: { search: 'red animal' },
      properties: { description: '', tags: ['fox', 'wood'] },
      tags: { fr: [{ label: 'bois' }, { label: 'renard' }] },
    });
    expect(faults(await call('PUT', `/v3/file/${uuid}/properties`, { properties: { tags: ['a\u0000'] } }))).toEqual([
      'properties.tags[0] LABEL_INVALID',
    ]);
  });
});
