// Collections and pins through the front door: searches that are kept, for many people or for one.
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
