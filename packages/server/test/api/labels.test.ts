// Labels through the front door: made for the container, carried by files, shown to those they are for, counted within the scope.
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

type Label = { readonly uuid: string; readonly sid: string; readonly name: string; readonly assets_count: number };

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url: `/v5${url}`, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const faults = (answer: Answer) =>
  (answer.body['faults'] as readonly { readonly field: string; readonly code: string }[]).map(
    ({ field, code }) => `${field} ${code}`,
  );

async function file(path: string, name = 'f.txt'): Promise<string> {
  return (await harness.upload(key, path, { name })).textAt('file.uuid');
}
async function label(name: string, more: object = {}, as = key): Promise<Label> {
  const answer = await call('POST', '/labels', { label: { name, ...more } }, as);
  expect(answer.status, answer.text).toBe(200);
  return answer.body['label'] as Label;
}
const listed = async (as = key) => (await call('GET', '/labels', undefined, as)).body['labels'] as readonly Label[];
const names = async (as = key) => (await listed(as)).map(({ name }) => name);
const carried = async (uuid: string) => {
  const { body } = await call('GET', `/files/${uuid}`);
  return (body['file'] as { readonly labels: readonly string[] }).labels;
};
const keyFor = (subject: string, difference: object = {}) => harness.key(difference, { claims: { subject } });

describe('labels of the container', () => {
  test('are made with everything the contract names, changed member by member, and listed by name', async () => {
    const permissions = { viewing: { scope: 'SK_ORG', ids: null }, attaching: { scope: 'SK_ORG', ids: null } };
    const wanted = { name: ' Summer ', color: '#F2A43B', shape: 'pin', is_pinned: true, permissions };
    const made = await call('POST', '/labels', { label: wanted });
    expect(made.body).toMatchObject({
      action: 'label_created',
      label: { ...wanted, name: 'Summer', sid: expect.stringMatching(/^#lb[0-9a-f]{10}$/), assets_count: 0 },
    });
    const { uuid, sid } = made.body['label'] as Label;
    await label('autumn');
    harness.clock.pass(2000);
    const changed = await call('PUT', `/labels/${uuid}`, { label: { ...wanted, name: 'Winter', uuid } });
    expect(changed.body).toMatchObject({ action: 'label_updated', label: { uuid, sid, name: 'Winter' } });
    const renamed = await call('PUT', `/label/${uuid}`, { label: { color: 'red' } });
    expect(renamed.body['label']).toMatchObject({ name: 'Winter', color: 'red', is_pinned: true });
    expect(renamed.body['label']).toMatchObject({
      created_at: '2026-01-15T12:00:00Z',
      updated_at: '2026-01-15T12:00:02Z',
    });
    expect(await names()).toEqual(['autumn', 'Winter']);
  });

  test('are refused with a fault for each wrong member', async () => {
    const bad = { name: '\u0000', color: 'url(x)', shape: 'a b', permissions: { viewing: { scope: 'ALL', ids: [7] } } };
    expect(faults(await call('POST', '/labels', { label: bad }))).toEqual([
      'label.name NAME_INVALID',
      'label.color FORMAT_WRONG',
      'label.shape FORMAT_WRONG',
      'label.permissions.viewing.scope VALUE_UNKNOWN',
      'label.permissions.viewing.ids INVALID_TYPE',
    ]);
    expect(faults(await call('POST', '/labels', { label: {} }))).toEqual(['label.name NAME_EMPTY']);
    expect(faults(await call('POST', '/labels', { label: { name: 'x'.repeat(101) } }))).toEqual([
      'label.name NAME_TOO_LONG',
    ]);
    for (const body of [{}, { label: [] }, { label: { permissions: 7 } }]) {
      expect((await call('POST', '/labels', body)).status).toBe(400);
    }
    expect(await names()).toEqual([]);
  });

  test('are not found under other ids, and none is deleted when one is unknown', async () => {
    const one = await label('one');
    expect(outcome(await call('PUT', '/labels/nothing', { label: { name: 'x' } }))).toEqual([404, 'LABEL_NOT_FOUND']);
    const both = { labels: [one.uuid, 'nothing'] };
    expect(outcome(await call('DELETE', '/labels', both))).toEqual([404, 'LABEL_NOT_FOUND']);
    expect(await names()).toEqual(['one']);
    expect((await call('DELETE', `/labels/${one.uuid}`)).body).toMatchObject({ labels: [one.uuid] });
    expect(outcome(await call('DELETE', `/labels/${one.uuid}`))).toEqual([404, 'LABEL_NOT_FOUND']);
  });

  test('leave every file when they are deleted, and only then', async () => {
    const [one, two] = [await label('one'), await label('two')];
    const [first, second] = [await file('/a', '1'), await file('/b', '2')];
    const files_uuids = [first, second];
    await call('POST', '/files/labels', { labels: [one.sid, two.sid], files_uuids });
    await harness.upload(key, '/a', { name: '1', content: 'a new version keeps them' });
    await call('DELETE', '/labels', { labels: [one.uuid] });
    const now = (await call('GET', '/files?folder=/&recursive=1')).body['files'] as readonly { labels: unknown }[];
    expect(now.map(({ labels }) => labels)).toEqual([[two.sid], [two.sid]]);
  });
});

describe('file.setLabels', () => {
  test('attaches and detaches for one file and for many, each label once and in order', async () => {
    const [one, two] = [await label('one'), await label('two')];
    const [first, second] = [await file('/a', '1'), await file('/b', '2')];
    const attached = await call('POST', `/files/${first}/labels`, { labels: [two.sid] });
    expect(attached.body).toMatchObject({ action: 'labels_attached', file: { uuid: first, labels: [two.sid] } });
    const many = { labels: [one.sid, two.sid], files_uuids: [first, second] };
    const { body } = await call('POST', '/files/labels', many);
    expect(body['files']).toMatchObject([
      { uuid: first, labels: [two.sid, one.sid] },
      { uuid: second, labels: [one.sid, two.sid] },
    ]);
    const off = await call('DELETE', `/file/${first}/labels`, { labels: [two.sid] });
    expect(off.body).toMatchObject({ action: 'labels_detached', file: { uuid: first, labels: [one.sid] } });
    await call('DELETE', '/files/labels', many);
    expect([await carried(first), await carried(second)]).toEqual([[], []]);
  });

  test('changes no file when a label or a file is unknown, or they become too many', async () => {
    const [one, uuid] = [await label('one'), await file('/a')];
    const wrong = { labels: [one.sid, '#lb0000000000'] };
    expect(outcome(await call('POST', `/files/${uuid}/labels`, wrong))).toEqual([404, 'LABEL_NOT_FOUND']);
    const gone = { labels: [one.sid], files_uuids: [uuid, '00000000-0000-4000-8000-000000000000'] };
    expect(outcome(await call('POST', '/files/labels', gone))).toEqual([404, 'FILE_NOT_FOUND']);
    expect((await call('POST', `/files/${uuid}/labels`, { labels: [] })).status).toBe(400);
    expect(await carried(uuid)).toEqual([]);
    const sids: string[] = [];
    for (let n = 0; n < 101; n += 1) sids.push((await label(`n${n}`)).sid);
    expect((await call('POST', `/files/${uuid}/labels`, { labels: sids.slice(0, 100) })).status).toBe(200);
    expect(faults(await call('POST', `/files/${uuid}/labels`, { labels: sids.slice(100) }))).toEqual([
      'labels TOO_MANY',
    ]);
  });

  test('needs the permission and every file in scope, and counts in scope only', async () => {
    const [one, inside, outside] = [await label('one'), await file('/in'), await file('/out')];
    const narrow = await harness.key({
      permissions: ['FILE_LABEL_CHANGE', 'LABELS_LIST'],
      listing: { dir_scope: ['/in/*'] },
    });
    const both = { labels: [one.sid], files_uuids: [inside, outside] };
    expect(outcome(await call('POST', '/files/labels', both, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    expect(await carried(inside)).toEqual([]);
    await call('POST', '/files/labels', both);
    expect((await listed(narrow)).map(({ assets_count }) => assets_count)).toEqual([1]);
    expect((await listed()).map(({ assets_count }) => assets_count)).toEqual([2]);
    const reader = await harness.key({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_META_CHANGE'] });
    const refused = await call('DELETE', `/files/${inside}/labels`, { labels: [one.sid] }, reader);
    expect(outcome(refused)).toEqual([403, 'PERMISSION_DENIED']);
    expect(outcome(await call('POST', '/labels', { label: { name: 'x' } }, narrow))[0]).toBe(403);
  });

  test('is a step of a change of many files, with the permission of labels alone', async () => {
    const [one, two] = [await label('one'), await label('two')];
    const files_uuids = [await file('/a', '1'), await file('/a', '2')];
    await call('POST', '/files/labels', { labels: [two.sid], files_uuids });
    const changes = [
      { type: 'labels.add', value: one.sid },
      { type: 'labels.del', value: two.sid },
    ];
    const apply = async (as: string, steps: readonly object[] = changes) => {
      const prepared = await call('PUT', '/bulk/prepare', { bulk: { target: { files_uuids }, changes: steps } }, as);
      if (prepared.status !== 200) return prepared;
      return call('POST', `/bulk/${prepared.textAt('bulk_uuid')}/apply`, undefined, as);
    };
    const describer = await harness.key({ permissions: ['FILE_META_CHANGE'] });
    expect(outcome(await apply(describer))).toEqual([403, 'PERMISSION_DENIED']);
    expect(faults(await apply(key, [{ type: 'labels.add', value: 7 }]))).toEqual([
      'bulk.changes[0].value INVALID_TYPE',
    ]);
    const unknown = [...changes, { type: 'labels.add', value: '#lb0000000000' }];
    expect(outcome(await apply(key, unknown))).toEqual([404, 'LABEL_NOT_FOUND']);
    const labeller = await harness.key({ permissions: ['FILE_LABEL_CHANGE'] });
    expect((await apply(labeller)).status).toBe(200);
    for (const uuid of files_uuids) expect(await carried(uuid)).toEqual([one.sid]);
  });
});

describe('a search for a label', () => {
  test('finds the files that carry it, in its place within a query, and never one outside the scope', async () => {
    const [best, other] = [await label('best'), await label('other')];
    const [seen, plain, hidden] = [await file('/in', 'seen'), await file('/in', 'plain'), await file('/out', 'hidden')];
    await call('POST', '/files/labels', { labels: [best.sid], files_uuids: [seen, hidden] });
    await call('POST', '/files/labels', { labels: [other.sid], files_uuids: [plain] });
    const found = async (q: string, as: string) => asked(`q=${encodeURIComponent(q)}`, as);
    const asked = async (narrowing: string, as: string) => {
      const query = `folder=/&recursive=1&${narrowing}`;
      const { body } = await call('GET', `/files?${query}`, undefined, as);
      const counted = (await call('GET', `/files/stats?${query}`, undefined, as)).body['stats'];
      const files = body['files'] as readonly { readonly name: string }[];
      expect(body['info']).toMatchObject({ total_files_count: files.length });
      expect(counted).toMatchObject({ approx_files_count: files.length });
      return files.map(({ name }) => name).sort();
    };
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    // The widget leaves the sign of the id out.
    for (const wanted of [`labels:"${best.sid.slice(1)}"`, `labels:"${best.sid}"`]) {
      expect(await found(wanted, key)).toEqual(['hidden', 'seen']);
      expect(await found(wanted, narrow)).toEqual(['seen']);
    }
    const both = `labels:"${best.sid.slice(1)}","${other.sid.slice(1)}"`;
    expect(await found(both, key)).toEqual(['hidden', 'plain', 'seen']);
    expect(await found(both, narrow)).toEqual(['plain', 'seen']);
    expect(await found(`labels:"${best.sid.slice(1)}" hidden`, narrow)).toEqual([]);
    expect(await found('labels:"lb0000000000"', key)).toEqual([]);
    // The label view of the widget.
    const [bestSid, otherSid] = [best.sid.slice(1), other.sid.slice(1)];
    expect(await asked(`labels=${bestSid}`, key)).toEqual(['hidden', 'seen']);
    expect(await asked(`labels=${bestSid}`, narrow)).toEqual(['seen']);
    expect(await asked(`labels=${bestSid},${otherSid}`, narrow)).toEqual(['plain', 'seen']);
    expect(await asked(`labels=${bestSid}&q=hidden`, key)).toEqual(['hidden']);
    for (const wrong of ['%22', 'a%22,tags:%22b', ',']) {
      expect(faults(await call('GET', `/files?folder=/&labels=${wrong}`))).toEqual(['labels FORMAT_WRONG']);
    }
  });
});

describe('whom a label is for', () => {
  const users = (...ids: readonly string[]) => ({ scope: 'SK_USERS', ids });

  test('decides who sees it: the named, its maker and the back end, and for others it does not exist', async () => {
    const ann = await keyFor('ann');
    const mine = await label('for ben', { permissions: { viewing: users('ben') } }, ann);
    await label('for teams', { permissions: { viewing: { scope: 'SK_TEAMS', ids: ['t1'] } } }, ann);
    await label('for all', {}, ann);
    expect(await names(ann)).toEqual(['for all', 'for ben', 'for teams']);
    expect(await names(await keyFor('ben'))).toEqual(['for all', 'for ben']);
    expect(await names(await keyFor('eve'))).toEqual(['for all']);
    expect(await names((await harness.secretKey()).secret)).toEqual(['for all', 'for ben', 'for teams']);
    const eve = await keyFor('eve');
    const uuid = await file('/a');
    for (const answer of [
      await call('PUT', `/labels/${mine.uuid}`, { label: { name: 'x' } }, eve),
      await call('DELETE', `/labels/${mine.uuid}`, undefined, eve),
      await call('POST', `/files/${uuid}/labels`, { labels: [mine.sid] }, eve),
    ]) {
      expect(outcome(answer)).toEqual([404, 'LABEL_NOT_FOUND']);
    }
  });

  test('decides who attaches it and takes it off', async () => {
    const ann = await keyFor('ann');
    const [mark, uuid] = [await label('mark', { permissions: { attaching: users('ben') } }, ann), await file('/a')];
    const [ben, eve] = [await keyFor('ben'), await keyFor('eve')];
    const attach = (method: 'POST' | 'DELETE', as: string) =>
      call(method, `/files/${uuid}/labels`, { labels: [mark.sid] }, as);
    expect(outcome(await attach('POST', eve))).toEqual([403, 'PERMISSION_DENIED']);
    expect((await attach('POST', ben)).status).toBe(200);
    expect(outcome(await attach('DELETE', eve))).toEqual([403, 'PERMISSION_DENIED']);
    expect((await attach('DELETE', ann)).status).toBe(200);
  });
});
