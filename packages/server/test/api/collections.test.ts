// Collections and pins through the front door: searches that are kept, for many people or for one.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Grant } from '../../src/grant.ts';
import { collectionSearch, writeVirtualFolder } from '../../src/operations/collections.ts';
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
  harness.call({ method, url: `/v5${url}`, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );
const keyFor = (subject: string, difference: object = {}) => harness.key(difference, { claims: { subject } });

describe('collections', () => {
  const titles = async (as = key) =>
    ((await call('GET', '/collections', undefined, as)).body['collections'] as readonly { title: string }[]).map(
      ({ title }) => title,
    );
  const make = async (input: object, as = key) =>
    (await call('POST', '/collections', { data: { filters: '', groupby: [] }, ...input }, as)).textAt(
      'collection.uuid',
    );

  test('are made as the widget writes them, changed member by member, and listed by title', async () => {
    const groupby = [{ attribute_sys_key: 'tags', uuid: 'client-side', unnest: false }];
    const wanted = { title: ' Summer ', visibility: 'company', data: { filters: 'mimetype:"image"', groupby } };
    const made = await call('POST', '/collections', wanted);
    const stored = { ...wanted, title: 'Summer', type: 'query' };
    expect(made.body).toMatchObject({ action: 'collection_created', collection: stored });
    const uuid = made.textAt('collection.uuid');
    await make({ title: 'autumn' });
    harness.clock.pass(2000);
    const changed = await call('PUT', `/collections/${uuid}`, { uuid, title: 'Winter' });
    expect(changed.body).toMatchObject({
      action: 'collection_updated',
      collection: { ...stored, uuid, title: 'Winter', updated_at: '2026-01-15T12:00:02Z' },
    });
    expect(await titles()).toEqual(['autumn', 'Winter']);
  });

  test('are refused with a fault for each wrong member', async () => {
    const bad = { title: '', visibility: 'all', shared_with: 7, data: { filters: 'x'.repeat(4001), groupby: [{}] } };
    expect(faults(await call('POST', '/collections', bad))).toEqual([
      'visibility VALUE_UNKNOWN',
      'data.filters FORMAT_WRONG',
      'title NAME_EMPTY',
      'shared_with.ids INVALID_TYPE',
      'data.groupby INVALID_TYPE',
    ]);
    expect((await call('POST', '/collections', { title: 'x', data: 7 })).status).toBe(400);
    expect(await titles()).toEqual([]);
  });

  test('are deleted one or many, all or none', async () => {
    const [one, two, three] = [await make({ title: '1' }), await make({ title: '2' }), await make({ title: '3' })];
    const wrong = { collections_uuids: [one, 'nothing'] };
    expect(outcome(await call('DELETE', '/collections', wrong))).toEqual([404, 'COLLECTION_NOT_FOUND']);
    expect(await titles()).toEqual(['1', '2', '3']);
    expect((await call('DELETE', `/collections/${one}`)).status).toBe(200);
    const rest = { collections_uuids: [two, three] };
    expect((await call('DELETE', '/collections', rest)).body).toMatchObject(rest);
    expect(outcome(await call('PUT', `/collections/${one}`, { title: 'x' }))).toEqual([404, 'COLLECTION_NOT_FOUND']);
  });

  test('are for the company, for the named or for their maker, and for others they do not exist', async () => {
    const [ann, ben, eve] = [await keyFor('ann'), await keyFor('ben'), await keyFor('eve')];
    await make({ title: 'all' }, ann);
    const own = await make({ title: 'own', visibility: 'myself', shared_with: ['ben'] }, ann);
    await make({ title: 'shared', visibility: 'shared', shared_with: ['ben'] }, ann);
    expect(await titles(ann)).toEqual(['all', 'own', 'shared']);
    expect(await titles(ben)).toEqual(['all', 'shared']);
    expect(await titles(eve)).toEqual(['all']);
    expect(await titles((await harness.secretKey()).secret)).toEqual(['all', 'own', 'shared']);
    for (const answer of [
      await call('PUT', `/collections/${own}`, { title: 'x' }, eve),
      await call('DELETE', `/collections/${own}`, undefined, eve),
    ]) {
      expect(outcome(answer)).toEqual([404, 'COLLECTION_NOT_FOUND']);
    }
  });

  test('are split into virtual folders by what is in use within the scope, level by level', async () => {
    const inside = (await harness.upload(key, '/in', { name: 'a' })).textAt('file.uuid');
    const outside = (await harness.upload(key, '/out', { name: 'b' })).textAt('file.uuid');
    for (const [uuid, tag] of [
      [inside, 'seen'],
      [inside, 'with "quotes"'],
      [outside, 'hidden'],
    ] as const) {
      await call('PUT', `/file/${uuid}/tags`, { existing_tags: [], new_tags: [tag, 'seen'].slice(0, 2) });
      await call('PUT', `/file/${uuid}/product`, { product: { ref: `SKU-${tag.slice(0, 4)}` } });
    }
    const groupby = [{ attribute_sys_key: 'product_ref' }, { attribute_sys_key: 'type' }];
    const uuid = await make({ title: 'split', data: { filters: '', groupby } });
    const folders = async (as: string) =>
      (await call('GET', `/collections/${uuid}/folders`, undefined, as)).body['folders'];
    const search = (f64: string) => Buffer.from(f64, 'base64url').toString();
    type Folder = { name: string; path: string; filters: string; children: readonly Folder[] };
    const [first, ...others] = (await folders(key)) as readonly Folder[];
    expect(others).toHaveLength(1);
    expect([first?.name, first?.path, search(first?.filters ?? '')]).toEqual([
      'SKU-hidd',
      '/SKU-hidd',
      'product_ref:"SKU-hidd"',
    ]);
    const [child] = first?.children ?? [];
    expect([child?.path, search(child?.filters ?? ''), child?.children]).toEqual([
      '/SKU-hidd/image',
      'product_ref:"SKU-hidd" type:"image"',
      [],
    ]);
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    expect(((await folders(narrow)) as readonly Folder[]).map(({ name }) => name)).toEqual(['SKU-with']);
    await call('PUT', `/collections/${uuid}`, { data: { groupby: [{ attribute_sys_key: 'tags' }, {}].slice(0, 1) } });
    expect(((await folders(narrow)) as readonly Folder[]).map(({ name }) => name)).toEqual(['seen']);
    expect(await folders(await harness.key({ permissions: ['COLLECTIONS_LIST'] }))).toEqual([]);
    expect(outcome(await call('GET', '/collections/nothing/folders'))).toEqual([404, 'COLLECTION_NOT_FOUND']);
  });

  test('narrow lists and their counts to the files that they find, and a search within them further', async () => {
    for (const [name, tag] of [
      ['a.txt', 'sea'],
      ['b.txt', 'sea'],
      ['c.txt', 'wood'],
    ] as const) {
      const uuid = (await harness.upload(key, '/in', { name })).textAt('file.uuid');
      await call('PUT', `/file/${uuid}/tags`, { existing_tags: [], new_tags: [tag] });
    }
    const uuid = await make({ title: 'sea', data: { filters: 'tags:"sea"', groupby: [] } });
    const names = async (query: string) => {
      const { body } = await call('GET', `/files?folder=/&recursive=1&${query}`);
      const counted = await call('GET', `/files/stats?folder=/&recursive=1&${query}`);
      const files = body['files'] as readonly { readonly name: string }[];
      expect(counted.body['stats']).toMatchObject({ approx_files_count: files.length });
      return files.map(({ name }) => name).sort();
    };
    expect(await names(`collection_uuid=${uuid}`)).toEqual(['a.txt', 'b.txt']);
    expect(await names(`collection_uuid=${uuid}&q=b.txt`)).toEqual(['b.txt']);
    expect(await names(`f64=${writeVirtualFolder('tags:"wood"')}`)).toEqual(['c.txt']);
    expect(await names(`collection_uuid=${uuid}&f64=${writeVirtualFolder('tags:"wood"')}`)).toEqual([]);
    expect(outcome(await call('GET', '/files?collection_uuid=nothing'))).toEqual([404, 'COLLECTION_NOT_FOUND']);
  });

  test('narrow a list by their own search and that of a virtual folder, for whom they are', async () => {
    const ann = await keyFor('ann');
    const collectionId = await make({ title: 'own', visibility: 'myself', data: { filters: ' red ' } }, ann);
    const virtualFolder = writeVirtualFolder('tags:"é"');
    const { ports } = harness;
    const grantOf = (subject: string) =>
      ({ container: 'demo', bearer: 'key', claims: { subject, source: { kind: 'template', id: 't' } } }) as Grant;
    const narrowed = (subject: string, wanted: { collectionId?: string; virtualFolder?: string }) =>
      collectionSearch(ports, grantOf(subject), { collectionId: undefined, virtualFolder: undefined, ...wanted });
    expect(await narrowed('ann', { collectionId, virtualFolder })).toBe('red\ntags:"é"');
    expect(await narrowed('eve', { virtualFolder })).toBe('tags:"é"');
    expect(await narrowed('eve', {})).toBe('');
    await expect(narrowed('eve', { collectionId })).rejects.toMatchObject({ code: 'COLLECTION_NOT_FOUND' });
    for (const wrong of ['%%%', 'a b', Buffer.from([0xff, 0xfe]).toString('base64')]) {
      await expect(narrowed('ann', { virtualFolder: wrong })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    }
  });

  test('need the permissions to see and to manage them', async () => {
    const seer = await harness.key({ permissions: ['COLLECTIONS_LIST'] });
    expect(await titles(seer)).toEqual([]);
    expect(outcome(await call('POST', '/collections', { title: 'x' }, seer))).toEqual([403, 'PERMISSION_DENIED']);
  });
});

describe('pins', () => {
  const names = async (as = key) =>
    ((await call('GET', '/pins', undefined, as)).body['pins'] as readonly { name: string }[]).map(({ name }) => name);
  const query = '{"q":"red","labels":["#lb1"]}';

  test('are kept, renamed and forgotten, the newest first', async () => {
    const made = await call('POST', '/pins', { name: 'red', query });
    expect(made.body).toMatchObject({ pin: { name: 'red', query, created_at: '2026-01-15T12:00:00Z' } });
    const uuid = made.textAt('pin.uuid');
    harness.clock.pass(1000);
    await call('POST', '/pins', { name: 'an object', query: { q: 'blue' } });
    expect((await call('PUT', `/pins/${uuid}`, { name: 'rouge' })).body).toMatchObject({
      pin: { uuid, name: 'rouge', query },
    });
    expect(await names()).toEqual(['an object', 'rouge']);
    expect((await call('DELETE', `/pins/${uuid}`)).body).toMatchObject({ deleted_pin_uuid: uuid });
    expect(outcome(await call('DELETE', `/pins/${uuid}`))).toEqual([404, 'PIN_NOT_FOUND']);
    expect(await names()).toEqual(['an object']);
  });

  test('are refused when clients could not read them back, and when there are too many', async () => {
    for (const wrong of ['', 'red', '[]', 'null', 7, undefined]) {
      expect(faults(await call('POST', '/pins', { name: 'x', query: wrong }))).toEqual(['query FORMAT_WRONG']);
    }
    const long = JSON.stringify({ q: 'x'.repeat(8000) });
    expect(faults(await call('POST', '/pins', { name: '', query: long }))).toEqual([
      'name NAME_EMPTY',
      'query TOO_LARGE',
    ]);
    for (let n = 0; n < 200; n += 1) await call('POST', '/pins', { name: `n${n}`, query });
    expect(faults(await call('POST', '/pins', { name: 'x', query }))).toEqual(['name TOO_MANY']);
  });

  test('are those of the person behind the key, on whichever key, and of nobody else', async () => {
    const [ann, again, eve] = [await keyFor('ann'), await keyFor('ann'), await keyFor('eve')];
    const uuid = (await call('POST', '/pins', { name: 'mine', query }, ann)).textAt('pin.uuid');
    expect([await names(again), await names(eve), await names()]).toEqual([['mine'], [], []]);
    for (const answer of [
      await call('PUT', `/pins/${uuid}`, { name: 'x' }, eve),
      await call('DELETE', `/pins/${uuid}`, undefined, eve),
    ]) {
      expect(outcome(answer)).toEqual([404, 'PIN_NOT_FOUND']);
    }
    const template = await harness.template();
    await call('POST', '/pins', { name: 'of the template', query }, harness.keyOf(template));
    expect(await names(harness.keyOf(template))).toEqual(['of the template']);
    const uploader = await harness.key({ permissions: ['FILE_UPLOAD'] });
    expect(outcome(await call('GET', '/pins', undefined, uploader))).toEqual([403, 'PERMISSION_DENIED']);
  });
});
