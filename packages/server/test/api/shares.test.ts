// Shares through the front door: what outsiders get, by whose rights, and when it ends.
import { decodeKey } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { png } from '../../contract/pictures.ts';
import { type Answer, CONTAINER, type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object, as: string | undefined = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });
/** As somebody who has nothing but the address. */
const visit = (url: string, ip = '127.0.0.1') => harness.call({ url, ip });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const put = async (folder: string, name: string) =>
  (await harness.upload(key, folder, { name, content: `in ${name}` })).textAt('file.uuid');
const folderId = async (path: string) =>
  (await call('GET', `/v5/folders?folder=${encodeURIComponent(path)}`)).textAt('base.uuid');
const items = (files: readonly string[], folders: readonly string[] = []) => [
  { type: 'file_uuid', identifiers: files },
  { type: 'folder_uuid', identifiers: folders },
];
async function share(body: object, as = key): Promise<string> {
  const answer = await call('POST', '/v5/shares', body, as);
  expect(answer.status, answer.text).toBe(200);
  return answer.textAt('share.puid');
}
const PICTURE = png(2000, 1000, [200, 30, 30]);
function keyIdOf(text: string): string {
  const decoded = decodeKey(text);
  if (!decoded.ok) throw new TypeError('this is no key');
  return decoded.claims.keyId;
}
type Tree = { readonly name: string; readonly files: readonly Shown[]; readonly folders: readonly Tree[] };
type Shown = { readonly name: string; readonly uuid: string; readonly url: { readonly download: string } };
const files = (answer: Answer) => answer.body['files'] as readonly Shown[];
const names = (answer: Answer) => files(answer).map(({ name }) => name);
/** The folders of a share with the names of what is in them, such as `b(c(below.txt))`. */
const drawn = ({ name, files: within, folders }: Tree): string =>
  `${name}(${[...within.map((file) => file.name), ...folders.map(drawn)].join(' ')})`;
const trees = (answer: Answer) => (answer.body['folders'] as readonly Tree[]).map(drawn);

describe('a share', () => {
  test('shows exactly the files and folders named, without a key, and their bytes', async () => {
    const one = await put('/a', 'one.txt');
    const other = await put('/a', 'other.txt');
    await put('/b/c', 'below.txt');
    await call('PUT', '/v5/objects/visibility/cdn', { files_uuids: [one], visibility: 'not_public' });
    const puid = await share({ title: 'For you', items: items([one], [await folderId('/b')]) });
    expect(puid).toMatch(/^[\w-]{22}$/);
    const shown = await visit(`/v4/share/${puid}`);
    expect(shown.body).toMatchObject({ status: 'success', share: { puid, title: 'For you', expires_at: null } });
    expect([names(shown), trees(shown)]).toEqual([['one.txt'], ['b(c(below.txt))']]);
    const address = new URL(files(shown)[0]?.url.download ?? '');
    expect(address.href).not.toMatch(/SASS|key=/);
    const bytes = await visit(address.pathname + address.search);
    expect([bytes.text, bytes.headers['cache-control']]).toEqual(['in one.txt', 'private, no-cache']);
    expect(outcome(await visit(`/v4/share/${puid}/file/${other}`))).toEqual([404, 'FILE_NOT_FOUND']);
    const zip = await visit(`/v4/share/${puid}/zip`);
    expect(zip.headers['content-type']).toBe('application/zip');
    expect([zip.text.includes('in one.txt'), zip.text.includes('in other.txt')]).toEqual([true, false]);
  });

  test('opens and ends when it says, ends at once when deleted, and tells nothing otherwise', async () => {
    const one = await put('/a', 'one.txt');
    const nothing = await visit('/v4/share/AAAAAAAAAAAAAAAAAAAAAA');
    const puid = await share({
      items: items([one]),
      starts_at: '2026-01-15T12:01:00Z',
      expires_at: '2026-01-15T12:02:00Z',
    });
    const told = async (url = `/v4/share/${puid}`) => {
      const { status, body } = await visit(url);
      return status === 200 ? 'open' : { ...body, request_id: '' };
    };
    const shut = { ...nothing.body, request_id: '' };
    expect(await told()).toEqual(shut);
    harness.clock.pass(60_000);
    expect(await told()).toBe('open');
    harness.clock.pass(60_000);
    for (const path of ['', `/file/${one}`, '/zip']) expect(await told(`/v4/share/${puid}${path}`)).toEqual(shut);
    await call('PUT', `/v5/shares/${puid}`, { expires_at: null });
    expect(await told()).toBe('open');
    expect((await call('DELETE', `/v5/shares/${puid}`)).status).toBe(200);
    expect(await told()).toEqual(shut);
  });

  test('takes what the dialog of the widget sends, and shows itself at the address that the widget knows', async () => {
    const one = await put('/a', 'one.txt');
    const body = {
      title: 'From the dialog',
      description: '',
      starts_at: '2026-01-15T14:30',
      expires_at: '2026-07-15T14:30',
      starts_tz: 'Europe/Paris',
      expires_tz: 'Europe/Paris',
      items: [{ type: 'file_uuid', identifiers: [one], options: { recursive: true } }],
      token: CONTAINER,
      permissions: 'download',
      auth: { pass: 'open sesame', user: '' },
    };
    const made = await call('POST', '/v5/shares', body);
    expect(made.body['share']).toMatchObject({
      starts_at: '2026-01-15T13:30:00Z',
      expires_at: '2026-07-15T12:30:00Z',
      starts_at_tz: 'Europe/Paris',
      expires_at_tz: 'Europe/Paris',
      has_password: true,
    });
    const wrong = await call('POST', '/v5/shares', { ...body, starts_tz: 'Nowhere/Land' });
    expect([outcome(wrong), wrong.body['faults']]).toEqual([
      [400, 'REQUEST_INVALID'],
      [expect.objectContaining({ field: 'starts_at', code: 'ZONE_UNKNOWN' })],
    ]);
    harness.clock.pass(2 * 60 * 60_000);
    const atShareHost = async (query: string) => {
      const url = `/share/${CONTAINER}/v4/share/${made.textAt('share.puid')}${query}`;
      const { statusCode, json } = await harness.app.inject({ url });
      return { status: statusCode, body: json() };
    };
    expect((await atShareHost('')).body).toMatchObject({ code: 'SHARE_PASSWORD_NEEDED' });
    const shown = await atShareHost('?password=open%20sesame');
    expect(shown.body).toMatchObject({ status: 'success', files: [{ name: 'one.txt' }], folders: [] });
  });

  test('is never worth more than the live rights of whoever made it', async () => {
    const [inside, outside] = [await put('/in', 'in.txt'), await put('/out', 'out.txt')];
    const record = await harness.template({ restrictions: { allowed_origins: ['https://example.com'] } });
    const maker = harness.keyOf(record);
    const answer = await harness.call({
      method: 'POST',
      url: '/v5/shares',
      key: maker,
      headers: { origin: 'https://example.com' },
      body: { items: items([inside, outside]) },
    });
    const puid = answer.textAt('share.puid');
    expect(names(await visit(`/v4/share/${puid}`)).sort()).toEqual(['in.txt', 'out.txt']);
    const { document } = record;
    const change = (difference: object) =>
      harness.ports.templates.updateTemplate(CONTAINER, record.uid, { ...document, ...difference }, 1);
    await change({ listing: { dir_scope: ['/in'] } });
    expect(names(await visit(`/v4/share/${puid}`))).toEqual(['in.txt']);
    expect(outcome(await visit(`/v4/share/${puid}/file/${outside}`))).toEqual([404, 'FILE_NOT_FOUND']);
    await change({ restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] } });
    expect(outcome(await visit(`/v4/share/${puid}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    expect((await visit(`/v4/share/${puid}`, '203.0.113.7')).status).toBe(200);
    await change({ permissions: ['OBJECTS_SHARE_MANAGE', 'OBJECTS_LIST'] });
    expect(outcome(await visit(`/v4/share/${puid}/file/${inside}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    await change({});
    expect((await visit(`/v4/share/${puid}`)).status).toBe(200);
    await harness.ports.templates.setTemplatesActive(CONTAINER, [record.uid], false, 1);
    expect(outcome(await visit(`/v4/share/${puid}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    await harness.ports.templates.deleteTemplate(CONTAINER, record.uid);
    expect(outcome(await visit(`/v4/share/${puid}/zip`))).toEqual([404, 'SHARE_NOT_FOUND']);
  });

  test('made with a narrowed key stays narrowed, and outlives the key', async () => {
    const [inside, outside] = [await put('/in', 'in.txt'), await put('/in/deep', 'deep.txt')];
    const record = await harness.template();
    const narrow = harness.keyOf(record, { narrowing: { listing: { dir_scope: ['/in'] } } });
    const puid = await share({ items: items([inside], [await folderId('/in')]) }, narrow);
    harness.clock.pass(24 * 60 * 60_000);
    const shown = await visit(`/v4/share/${puid}`);
    expect([names(shown), trees(shown)]).toEqual([['in.txt'], ['in(in.txt)']]);
    expect(outcome(await visit(`/v4/share/${puid}/file/${outside}`))).toEqual([404, 'FILE_NOT_FOUND']);
    const cannot = await call(
      'POST',
      '/v5/shares',
      { items: items([outside]) },
      harness.keyOf(record, { narrowing: { listing: { dir_scope: ['/in'] } } }),
    );
    expect(outcome(cannot)).toEqual([404, 'FILE_NOT_FOUND']);
  });

  test('shows files in the order given, and folders with all that is below them', async () => {
    const ids: string[] = [];
    for (const name of ['c.txt', 'a.txt', 'b.txt']) ids.push(await put('/a', name));
    await put('/t', 'top.txt');
    await put('/t/one', 'one.txt');
    await put('/t/one/deep', 'deep.txt');
    await put('/t/two', 'two.txt');
    const puid = await share({ items: items(ids, [await folderId('/t'), await folderId('/t/one')]) });
    const shown = await visit(`/v4/share/${puid}`);
    expect(names(shown)).toEqual(['c.txt', 'a.txt', 'b.txt']);
    const one = 'one(one.txt deep(deep.txt))';
    expect(trees(shown)).toEqual([`t(top.txt ${one} two(two.txt))`, one]);
  });

  test('that is for looking at gives pictures and never the files', async () => {
    const sent = await harness.upload(key, '/a', { name: 'red.png', content: PICTURE, type: 'image/png' });
    const [picture, text] = [sent.textAt('file.uuid'), await put('/a', 'one.txt')];
    const puid = await share({ items: items([picture, text]), permissions: 'READ' });
    const shown = await visit(`/v4/share/${puid}`);
    expect(shown.body['share']).toMatchObject({ permissions: 'READ' });
    expect(shown.text).not.toContain('download=1');
    const at = (uuid: string, query = '') => visit(`/v4/share/${puid}/file/${uuid}${query}`);
    const drawnPicture = await at(picture);
    expect([drawnPicture.status, drawnPicture.headers['content-type']]).toEqual([200, 'image/png']);
    expect(drawnPicture.bytes.equals(PICTURE)).toBe(false);
    expect((await at(text)).headers['content-type']).toBe('image/svg+xml');
    for (const answer of [
      await at(picture, '?download=1'),
      await at(text, '?w=100&download=1'),
      await visit(`/v4/share/${puid}/zip`),
      await harness.call({ method: 'POST', url: `/v5/file-archive/sharebox/${puid}`, body: {} }),
    ]) {
      expect(outcome(answer)).toEqual([403, 'SHARE_VIEW_ONLY']);
    }
    await call('PUT', `/v5/shares/${puid}`, { permissions: 'READ+DOWNLOAD' });
    expect((await at(picture, '?download=1')).bytes.equals(PICTURE)).toBe(true);
    expect(outcome(await call('PUT', `/v5/shares/${puid}`, { permissions: 'WRITE' }))).toEqual([
      400,
      'REQUEST_INVALID',
    ]);
  });

  test('ends for good with the key that made it, also when the revocation itself is forgotten', async () => {
    const one = await put('/a', 'one.txt');
    const record = await harness.template();
    const [maker, other] = [harness.keyOf(record), harness.keyOf(record)];
    const [puid, kept] = [await share({ items: items([one]) }, maker), await share({ items: items([one]) }, other)];
    const { secret } = await harness.secretKey();
    // As it is between the two halves of a revocation, or on another node.
    await harness.revoke(keyIdOf(maker));
    expect(outcome(await visit(`/v4/share/${puid}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    expect(outcome(await visit(`/v4/share/${puid}/file/${one}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    expect((await call('POST', '/v5/key/revoke', { key: maker }, secret)).status).toBe(200);
    harness.clock.pass(365 * 24 * 60 * 60_000);
    await harness.ports.templates.sweep(harness.clock.nowMs);
    expect(outcome(await visit(`/v4/share/${puid}`))).toEqual([404, 'SHARE_NOT_FOUND']);
    expect((await visit(`/v4/share/${kept}`)).status).toBe(200);
  });

  test('ends for good with all keys of its maker, of the template and of the container that were issued until then', async () => {
    const one = await put('/a', 'one.txt');
    const { secret } = await harness.secretKey();
    const revoke = (body: object) => call('POST', '/v5/key/revoke', body, secret);
    const made = async (record: Awaited<ReturnType<Harness['template']>>, claims: object) =>
      share({ items: items([one]) }, harness.keyOf(record, { claims }));
    const record = await harness.template();
    const [ann, bob] = [await made(record, { subject: 'ann' }), await made(record, { subject: 'bob' })];
    const other = await made(await harness.template(), {});
    const bySecretKey = await share({ items: items([one]) }, secret);
    const open = async () => {
      const shown = await Promise.all([ann, bob, other, bySecretKey].map((puid) => visit(`/v4/share/${puid}`)));
      return shown.map(({ status }) => status);
    };
    await revoke({ subject: 'ann' });
    expect(await open()).toEqual([404, 200, 200, 200]);
    const before = new Date(harness.clock.nowMs).toISOString();
    await revoke({ template: record.uid, issued_before: before });
    expect(await open()).toEqual([404, 200, 200, 200]);
    await revoke({ template: record.uid });
    expect(await open()).toEqual([404, 404, 200, 200]);
    await revoke({ all: true });
    expect(await open()).toEqual([404, 404, 404, 200]);
    harness.clock.pass(365 * 24 * 60 * 60_000);
    await harness.ports.templates.sweep(harness.clock.nowMs);
    expect(await open()).toEqual([404, 404, 404, 200]);
  });

  test('is not left behind by a key that is revoked while it makes one', async () => {
    const racing = await openHarness({
      wrap: (ports) => ({
        ...ports,
        shares: {
          ...ports.shares,
          createDoor: async (door) => {
            await ports.shares.createDoor(door);
            await racing.revoke(door.lent.keyId ?? '');
          },
        },
      }),
    });
    const racer = await racing.key();
    const id = (await racing.upload(racer, '/a')).textAt('file.uuid');
    const answer = await racing.call({ method: 'POST', url: '/v5/shares', key: racer, body: { items: items([id]) } });
    const left = await racing.ports.shares.listDoors(CONTAINER, { owner: undefined, offset: 0, limit: 10 });
    await racing.close();
    expect([outcome(answer), left.total]).toEqual([[401, 'KEY_REVOKED'], 0]);
  });

  test('of an admin lends every permission and no session', async () => {
    const one = await put('/a', 'one.txt');
    const headers = await harness.admin();
    const made = await harness.call({ method: 'POST', url: '/v5/shares', headers, body: { items: items([one]) } });
    const puid = made.textAt('share.puid');
    expect((await visit(`/v4/share/${puid}/file/${one}`)).text).toBe('in one.txt');
    const stored = await harness.ports.shares.findDoor(CONTAINER, puid);
    expect(stored?.lent).toMatchObject({ source: { kind: 'admin' }, keyId: undefined });
  });

  test('zips what the widget names by paths inside it, for an hour and for its own visitors', async () => {
    const one = await put('/a', 'one.txt');
    await put('/t/deep', 'deep.txt');
    await put('/t', 'top.txt');
    await put('/secret', 'no.txt');
    const puid = await share({ items: items([one], [await folderId('/t')]), auth: { pass: 'x' } });
    const access = (await visit(`/v4/share/${puid}?password=x`)).textAt('share.access');
    const ask = (body: object, query = `?hash=${access}`) =>
      harness.call({ method: 'POST', url: `/v5/file-archive/sharebox/${puid}${query}`, body });
    expect(outcome(await ask({}, ''))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    const zipOf = async (body: object) => {
      const id = (await ask(body)).textAt('task_id');
      const status = await visit(`/v5/file-archive/sharebox/${id}?status_only=1`);
      expect(status.body).toMatchObject({ task_id: id, task_status: 'DONE' });
      return { id, zip: await visit(`/v5/file-archive/sharebox/${id}`) };
    };
    const has = ({ zip }: { readonly zip: Answer }) =>
      ['one.txt', 'deep.txt', 'top.txt', 'no.txt'].filter((name) => zip.text.includes(`in ${name}`));
    expect(has(await zipOf({ files_paths: ['/one.txt', '/t/top.txt'], folders_paths: [] }))).toEqual([
      'one.txt',
      'top.txt',
    ]);
    expect(has(await zipOf({ files_paths: [], folders_paths: ['/t/deep'] }))).toEqual(['deep.txt']);
    const all = await zipOf({});
    expect(has(all)).toEqual(['one.txt', 'deep.txt', 'top.txt']);
    for (const body of [
      { files_paths: ['/no.txt'] },
      { files_paths: ['/secret/no.txt'] },
      { folders_paths: ['/secret'] },
      { folders_paths: ['/t/nothing'] },
    ]) {
      expect((await ask(body)).body['code']).toMatch(/^(FILE|FOLDER)_NOT_FOUND$/);
    }
    expect(outcome(await ask({ files_paths: ['/t/../secret/no.txt'] }))).toEqual([400, 'PATH_INVALID']);
    // The maker's own tasks are no visitor's, and the other way round.
    const own = (await call('POST', '/v5/file-archive', { files_uuids: [one] })).textAt('task_id');
    expect(outcome(await visit(`/v5/file-archive/sharebox/${own}`))).toEqual([404, 'TASK_NOT_FOUND']);
    expect(outcome(await call('GET', `/v5/file-archive/${all.id}`))).toEqual([404, 'TASK_NOT_FOUND']);
    const cancelled = await harness.call({ method: 'PATCH', url: `/v5/file-archive/sharebox/${all.id}/cancel` });
    expect(cancelled.body).toMatchObject({ status: 'cancelled' });
    expect(outcome(await visit(`/v5/file-archive/sharebox/${all.id}`))).toEqual([404, 'TASK_NOT_FOUND']);
    const late = (await ask({})).textAt('task_id');
    await call('DELETE', `/v5/shares/${puid}`);
    expect(outcome(await visit(`/v5/file-archive/sharebox/${late}`))).toEqual([404, 'SHARE_NOT_FOUND']);
  });

  test('counts what visitors do by the limit of its template, once for each share', async () => {
    const one = await put('/a', 'one.txt');
    const record = await harness.template({ listing: { max: 3 } });
    const [first, second] = [
      await share({ items: items([one]) }, harness.keyOf(record)),
      await share({ items: items([one]) }, harness.keyOf(record)),
    ];
    for (let i = 0; i < 3; i += 1) expect((await visit(`/v4/share/${first}`)).status).toBe(200);
    expect(outcome(await visit(`/v4/share/${first}`))).toEqual([403, 'REQUEST_QUOTA_EXHAUSTED']);
    expect((await visit(`/v4/share/${second}`)).status).toBe(200);
  });

  test('with a password opens to those who know it, and to their addresses for two hours', async () => {
    const one = await put('/a', 'one.txt');
    const puid = await share({ items: items([one]), auth: { pass: 'Pass wört' } });
    expect(outcome(await visit(`/v4/share/${puid}`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    expect(outcome(await visit(`/v4/share/${puid}?password=wrong`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    expect(outcome(await visit(`/v4/share/${puid}/file/${one}`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    const shown = await visit(`/v4/share/${puid}?password=${encodeURIComponent('Pass wört')}`);
    expect(shown.status, shown.text).toBe(200);
    const access = shown.textAt('share.access');
    const address = new URL(files(shown)[0]?.url.download ?? '');
    expect((await visit(address.pathname + address.search)).text).toBe('in one.txt');
    expect((await visit(`/v4/share/${puid}/zip?access=${access}`)).status).toBe(200);
    const second = await share({ items: items([one]), auth: { pass: 'Pass wört' } });
    for (const wrong of [`${access}x`, access.replace(/^./, 'x'), '..', 'a.zzzzzzzz.b']) {
      expect(outcome(await visit(`/v4/share/${puid}?access=${wrong}`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    }
    expect(outcome(await visit(`/v4/share/${second}?access=${access}`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    harness.clock.pass(2 * 60 * 60_000);
    expect(outcome(await visit(`/v4/share/${puid}?access=${access}`))).toEqual([401, 'SHARE_PASSWORD_NEEDED']);
    const stored = await harness.ports.shares.findDoor(CONTAINER, puid);
    expect(stored?.document.passwordHash).toMatch(/^\$argon2id\$/);
  });

  test('lets an address guess ten passwords a minute, and is open to others meanwhile', async () => {
    const puid = await share({ items: items([await put('/a', 'one.txt')]), auth: { pass: 'right' } });
    const guess = (password: string, ip: string) => visit(`/v4/share/${puid}?password=${password}`, ip);
    for (let i = 0; i < 10; i += 1) await guess(`wrong${i}`, '198.51.100.7');
    expect(outcome(await guess('right', '198.51.100.7'))).toEqual([429, 'REQUEST_RATE_LIMITED']);
    expect((await guess('right', '203.0.113.7')).status).toBe(200);
    harness.clock.pass(60_000);
    expect((await guess('right', '198.51.100.7')).status).toBe(200);
  });
});

describe('the maker of shares', () => {
  test('lists, reads, changes and deletes their own, and nobody else does', async () => {
    const [one, two] = [await put('/a', 'one.txt'), await put('/a', 'two.txt')];
    const puid = await share({ title: 'Old', items: items([one]), auth: { pass: 'x' } });
    expect((await call('GET', `/v5/shares/${puid}`)).body['share']).toMatchObject({ title: 'Old', has_password: true });
    const changed = await call('PUT', `/v5/shares/${puid}`, {
      title: 'New',
      items: items([two]),
      auth: { pass: null },
    });
    expect(changed.body['share']).toMatchObject({ puid, title: 'New', has_password: false, items_count: 1 });
    expect(names(await visit(`/v4/share/${puid}`))).toEqual(['two.txt']);
    expect((await call('GET', '/v5/shares')).body).toMatchObject({ shares: [{ puid }], info: { total: 1 } });
    const other = await harness.key();
    expect((await call('GET', '/v5/shares', undefined, other)).body).toMatchObject({ shares: [], info: { total: 0 } });
    for (const [method, body] of [['GET'], ['PUT', { title: 'Mine' }], ['DELETE']] as const) {
      expect(outcome(await call(method, `/v5/shares/${puid}`, body, other))).toEqual([404, 'SHARE_NOT_FOUND']);
    }
  });

  test('needs the permission to share and the one to fetch, and says what to share until when', async () => {
    const one = await put('/a', 'one.txt');
    const body = { items: items([one]) };
    for (const permissions of [['OBJECTS_SHARE_MANAGE'], ['OBJECTS_FETCH']]) {
      const answer = await call('POST', '/v5/shares', body, await harness.key({ permissions }));
      expect(outcome(answer)).toEqual([403, 'PERMISSION_DENIED']);
    }
    for (const wrong of [
      {},
      { items: [] },
      { ...body, expires_at: 'soon' },
      { ...body, starts_at: '2026-02-01', expires_at: '2026-01-31' },
      { ...body, title: 'x'.repeat(256) },
    ]) {
      expect(outcome(await call('POST', '/v5/shares', wrong))).toEqual([400, 'REQUEST_INVALID']);
    }
  });
});
