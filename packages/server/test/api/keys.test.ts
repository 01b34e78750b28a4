// Access keys: exchange, inspection, ad-hoc keys, dry run and revocation.
import { afterAll, describe, expect, test } from 'vitest';
import { openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const KEY = /^SASS__v2__[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/;

/** Every test asks from an address of its own, so that no exchange limit connects them. */
let lastAddress = 0;
const freshIp = () => {
  lastAddress += 1;
  return `10.1.${lastAddress >> 8}.${lastAddress & 255}`;
};

describe('key.issue', () => {
  test.each(['', '/v3', '/v4', '/v5'])('exchanges an identifier below "%s"', async (version) => {
    const { identifier } = await api.template();
    const answer = await api.call({ url: `${version}/key/${identifier}`, ip: freshIp() });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      status: 'success',
      key: expect.stringMatching(KEY),
      hint: 'Key issued',
      debug: null,
    });
    expect(answer.textAt('key').length).toBeLessThanOrEqual(1024);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('makes another key each time, and each one works', async () => {
    const { identifier } = await api.template();
    const ip = freshIp();
    const keys = [];
    for (let i = 0; i < 3; i += 1) keys.push((await api.call({ url: `/key/${identifier}`, ip })).textAt('key'));
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect((await api.call({ url: '/v5/folders', key })).status).toBe(200);
  });

  test('does not look at a credential that comes along, not even at the identifier itself', async () => {
    const { identifier } = await api.template();
    const answer = await api.call({ url: `/key/${identifier}`, key: identifier, ip: freshIp() });
    expect(answer.status).toBe(200);
  });

  test('answers unknown, foreign, inactive and misspelt identifiers alike', async () => {
    const active = await api.template();
    const inactive = await api.template({ active: false });
    await api.ports.templates.ensureContainer('other', api.clock.nowMs);
    const answers = await Promise.all(
      [
        `/demo/key/SECU_${'0'.repeat(32)}`,
        `/demo/key/${inactive.identifier}`,
        `/other/key/${active.identifier}`,
        `/nowhere/key/${active.identifier}`,
        `/demo/key/${active.identifier.toLowerCase()}`,
        `/demo/key/${active.uid}`,
      ].map((url) => api.app.inject({ url })),
    );
    const [first, ...others] = answers.map(({ statusCode, body }) => {
      const { request_id: _id, ...rest } = JSON.parse(body) as Record<string, unknown>;
      return { statusCode, ...rest };
    });
    expect(first).toMatchObject({ statusCode: 404, status: 'error', code: 'TEMPLATE_NOT_FOUND' });
    for (const other of others) expect(other).toEqual(first);
  });

  test.each([
    { ttl: 1200, renewal: undefined, why: 'the widget renews early enough by itself' },
    { ttl: 86_400, renewal: undefined, why: 'the widget renews early enough by itself' },
    { ttl: 1199, renewal: 1_169_000, why: 'half a minute before the end, in milliseconds' },
    { ttl: 600, renewal: 570_000, why: 'half a minute before the end, in milliseconds' },
    { ttl: 60, renewal: 30_000, why: 'half a minute before the end is half time' },
    { ttl: 45, renewal: 22_500, why: 'half time, since half a minute would leave little' },
    { ttl: 10, renewal: 5000, why: 'half time' },
    { ttl: 1, renewal: 1000, why: 'never so short that a timer spins' },
  ])('tells the timer of the widget $renewal for a validity of $ttl s: $why', async ({ ttl, renewal }) => {
    const { identifier } = await api.template({ key_validity: { expiration_duration: ttl } });
    const { body } = await api.call({ url: `/key/${identifier}`, ip: freshIp() });
    expect(body['key_validity']).toEqual(renewal === undefined ? undefined : { expire_duration: renewal });
  });

  test('names the folders for uploads when they are not all folders', async () => {
    const { identifier } = await api.template({ upload: { dir_scope: ['/in', '/drop/*'] } });
    const { body } = await api.call({ url: `/key/${identifier}`, ip: freshIp() });
    expect(body['upload_scope']).toEqual(['/in', '/drop/*']);
  });

  test.each([
    { restrictions: { whitelist_ip_ranges: ['192.0.2.0/24'] }, hint: /address 203\.0\.113\.7/ },
    { restrictions: { blocked_ip_ranges: ['203.0.113.7'] }, hint: /address 203\.0\.113\.7/ },
    { restrictions: { whitelist_countries: ['US'] }, hint: /your country/ },
  ])('issues a key that its own caller cannot use, and says so: $restrictions', async ({ restrictions, hint }) => {
    const { identifier } = await api.template({ restrictions });
    const answer = await api.call({ url: `/key/${identifier}`, ip: '203.0.113.7' });
    expect(answer.status).toBe(200);
    expect(answer.textAt('hint')).toMatch(hint);
    expect((await api.call({ url: '/v5/folders', key: answer.textAt('key'), ip: '203.0.113.7' })).status).toBe(403);
  });

  test('gives five keys a minute to one address and identifier, and says when the next one is due', async () => {
    const { identifier } = await api.template();
    const other = await api.template();
    const ip = freshIp();
    const ask = (id = identifier, from = ip) => api.call({ url: `/key/${id}`, ip: from });
    for (let i = 0; i < 5; i += 1) {
      expect((await ask()).status).toBe(200);
      api.clock.pass(1000);
    }
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      code: 'KEY_RATE_LIMITED',
      rule: 'issue.limit_per_ip_per_min',
      limit: 5,
      actual: 5,
    });
    expect(refused.headers['retry-after']).toBe('55');
    expect(refused.headers['ratelimit-limit']).toBe('5');
    expect((await ask(other.identifier)).status).toBe(200);
    expect((await ask(identifier, freshIp())).status).toBe(200);
    api.clock.pass(54_999);
    expect((await ask()).status).toBe(429);
    api.clock.pass(1);
    expect((await ask()).status).toBe(200);
  });

  test('never gives one over, with any number of exchanges in flight', async () => {
    const { identifier } = await api.template({ issue: { limit_per_ip_per_min: 7 } });
    const ip = freshIp();
    const answers = await Promise.all(Array.from({ length: 40 }, () => api.call({ url: `/key/${identifier}`, ip })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(33);
  });

  test('counts an IPv6 client by its /64 and a mapped address as its IPv4 address', async () => {
    const { identifier } = await api.template({ issue: { limit_per_ip_per_min: 1 } });
    const ask = async (ip: string) => (await api.call({ url: `/key/${identifier}`, ip })).status;
    expect(await ask('2001:db8:7:1::1')).toBe(200);
    expect(await ask('2001:db8:7:1:ffff:ffff:ffff:ffff')).toBe(429);
    expect(await ask('2001:db8:7:2::1')).toBe(200);
    expect(await ask('192.0.2.77')).toBe(200);
    expect(await ask('::ffff:192.0.2.77')).toBe(429);
    expect(await ask('::ffff:c000:24d')).toBe(429);
  });

  test('counts both identifiers of a rotated template together', async () => {
    const { identifier, uid } = await api.template({ issue: { limit_per_ip_per_min: 1 } });
    const rotated = await api.ports.templates.rotateTemplate(
      'demo',
      uid,
      `SECU_${'A'.repeat(31)}1`,
      api.clock.nowMs + 60_000,
      api.clock.nowMs,
    );
    const ip = freshIp();
    expect((await api.call({ url: `/key/${identifier}`, ip })).status).toBe(200);
    expect((await api.call({ url: `/key/${rotated?.identifier}`, ip })).status).toBe(429);
  });
});

describe('key.inspect', () => {
  test.each(['', '/v3', '/v4', '/v5'])('tells what a key may do below "%s"', async (version) => {
    const key = await api.key({ permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'] });
    const answer = await api.call({ url: `${version}/key/info?key=${key}` });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'success',
      is_validate: true,
      is_user_info_included: false,
      permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'],
      expires_at: new Date(api.clock.nowMs + 1_200_000).toISOString(),
    });
  });

  test('takes the key from the header as well', async () => {
    expect((await api.call({ url: '/v4/key/info', key: await api.key() })).status).toBe(200);
  });

  test('never answers an empty list, which would switch everything on in a widget', async () => {
    const { body } = await api.call({ url: '/v4/key/info', key: await api.key({ permissions: [] }) });
    expect(body['permissions']).toEqual(['NONE']);
  });

  test.each(['FILE_META_CREATE', 'FILE_META_CHANGE'])('names both metadata permissions for %s', async (permission) => {
    const { body } = await api.call({ url: '/v4/key/info', key: await api.key({ permissions: [permission] }) });
    expect(body['permissions']).toEqual(['FILE_META_CREATE', 'FILE_META_CHANGE']);
  });

  test('shows what narrowings leave', async () => {
    const key = await api.key(
      { permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'] },
      { narrowing: { permissions: ['FILE_UPLOAD', 'FILE_DELETE'], upload: { dir_scope: ['/in'], max_file_size: 7 } } },
    );
    const { body } = await api.call({ url: '/v4/key/info', key });
    expect(body).toMatchObject({ permissions: ['FILE_UPLOAD'], upload_scope: ['/in'], max_file_size: 7 });
  });

  test('tells whether the key names a person', async () => {
    const { secret } = await api.secretKey({ permissions: ['CONFIG_CHANGE'] });
    const made = await api.call({ method: 'POST', url: '/key', key: secret, body: { subject: 'ann' } });
    const { body } = await api.call({ url: '/v4/key/info', key: String(made.body['key']) });
    expect(body['is_user_info_included']).toBe(true);
  });

  test('costs nothing of the calls of a key', async () => {
    const key = await api.key({ listing: { max: 1 } });
    for (let i = 0; i < 3; i += 1) expect((await api.call({ url: '/v4/key/info', key })).status).toBe(200);
    expect((await api.call({ url: '/v5/folders', key })).status).toBe(200);
    expect((await api.call({ url: '/v5/folders', key })).body['code']).toBe('REQUEST_QUOTA_EXHAUSTED');
  });

  test('answers a secret key in the same shape, without an end', async () => {
    const { secret } = await api.secretKey({ permissions: ['OBJECTS_LIST'] });
    const { body } = await api.call({ url: '/v4/key/info', key: secret });
    expect(body).toMatchObject({ is_validate: true, permissions: ['OBJECTS_LIST'], expires_at: null });
  });

  test('refuses a missing, an expired, a revoked and a withdrawn key, each with its own reason', async () => {
    const record = await api.template();
    const inspect = async (key?: string) => (await api.call({ url: '/v4/key/info', key })).body;
    expect(await inspect()).toMatchObject({ code: 'KEY_MISSING' });

    const expired = api.keyOf(record, { claims: { expiresAtMs: api.clock.nowMs } });
    expect(await inspect(expired)).toMatchObject({ code: 'KEY_EXPIRED' });

    const revoked = api.keyOf(record, { claims: { keyId: 'gone' } });
    await api.revoke('gone');
    expect(await inspect(revoked)).toMatchObject({ code: 'KEY_REVOKED' });

    const orphan = api.keyOf(record);
    await api.ports.templates.deleteTemplate('demo', record.uid);
    expect(await inspect(orphan)).toMatchObject({ code: 'KEY_REVOKED' });
  });

  test('lets a key live to its last millisecond and not a millisecond longer', async () => {
    const record = await api.template();
    const key = api.keyOf(record, { claims: { expiresAtMs: api.clock.nowMs + 1000 } });
    const status = async () => (await api.call({ url: '/v4/key/info', key })).status;
    api.clock.pass(999);
    expect(await status()).toBe(200);
    api.clock.pass(1);
    expect(await status()).toBe(401);
  });
});

describe('key.create', () => {
  const create = async (secret: string, body?: object) =>
    api.call({ method: 'POST', url: '/key', key: secret, ...(body === undefined ? {} : { body }) });

  test.each(['', '/v3', '/v4', '/v5'])('makes a key from a secret key below "%s"', async (version) => {
    const { secret } = await api.secretKey();
    const answer = await api.call({
      method: 'POST',
      url: `${version}/key`,
      key: secret,
      body: { permissions: ['OBJECTS_LIST'] },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({ status: 'success', hint: 'Key issued', debug: null });
    expect((await api.call({ url: '/v5/folders', key: answer.textAt('key') })).status).toBe(200);
  });

  test('takes the documented body, wrapped or not, under both names of its members', async () => {
    const { secret } = await api.secretKey();
    const members = {
      upload: { limit_per_min: 5, max: 6, limit_per_source_ip: 12, dir_scope: ['/in', '/drop/*'], max_file_size: 9 },
      restrictions: { whitelist_ip_ranges: ['127.0.0.1'], whitelist_countries: ['FR'] },
      key_validity: { expire_duration: 600 },
      listing: { dir_scope: ['/in'], max: 3 },
      permissions: ['FILE_UPLOAD'],
    };
    for (const body of [members, { data: members }]) {
      const made = await create(secret, body);
      expect(made.status).toBe(200);
      const { body: info } = await api.call({ url: '/v4/key/info', key: made.textAt('key') });
      expect(info).toMatchObject({
        permissions: ['FILE_UPLOAD'],
        upload_scope: ['/in', '/drop/*'],
        max_file_size: 9,
        expires_at: new Date(api.clock.nowMs + 600_000).toISOString(),
      });
    }
  });

  test('gives no permission that was not asked for, and twenty minutes', async () => {
    const { secret } = await api.secretKey();
    for (const body of [undefined, {}, { data: {} }]) {
      const made = await create(secret, body);
      const { body: info } = await api.call({ url: '/v4/key/info', key: made.textAt('key') });
      expect(info).toMatchObject({
        permissions: ['NONE'],
        expires_at: new Date(api.clock.nowMs + 1_200_000).toISOString(),
      });
    }
  });

  test('refuses permissions that the secret key does not have, by name', async () => {
    const { secret } = await api.secretKey({ permissions: ['CONFIG_CHANGE', 'OBJECTS_LIST'] });
    const refused = await create(secret, { permissions: ['OBJECTS_LIST', 'FILE_DELETE', 'DIR_DELETE'] });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({
      code: 'REQUEST_INVALID',
      faults: [{ field: 'permissions', message: expect.stringContaining('FILE_DELETE, DIR_DELETE') }],
    });
  });

  test('never gives more than the secret key has, whatever the folders and limits asked for', async () => {
    const { secret } = await api.secretKey({
      upload: { dir_scope: ['/mine/*'], max_file_size: 10 },
      listing: { dir_scope: ['/mine/*'] },
      restrictions: { whitelist_ip_ranges: ['127.0.0.1'] },
    });
    const made = await create(secret, {
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
      upload: { dir_scope: ['/*'], max_file_size: 1000 },
      listing: { dir_scope: ['/*'] },
      restrictions: { whitelist_ip_ranges: ['0.0.0.0'] },
    });
    const key = made.textAt('key');
    expect((await api.upload(key, '/theirs')).body['code']).toBe('SCOPE_DENIED');
    expect((await api.upload(key, '/mine', { content: 'x'.repeat(11) })).body['code']).toBe('PAYLOAD_TOO_LARGE');
    expect((await api.upload(key, '/mine', { content: 'x' })).status).toBe(200);
    expect((await api.call({ url: '/v5/folders?folder=/theirs', key })).body['code']).toBe('SCOPE_DENIED');
    expect((await api.call({ url: '/v5/folders', key, ip: '203.0.113.7' })).body['code']).toBe('IP_DENIED');
  });

  test('reports every fault at once', async () => {
    const { secret } = await api.secretKey();
    const refused = await create(secret, {
      permissions: ['FLY'],
      upload: { dir_scope: ['nowhere'], max: -1 },
      key_validity: { expire_duration: 0 },
      colour: 'red',
    });
    expect(refused.status).toBe(400);
    const fields = (refused.body['faults'] as readonly { readonly field: string }[]).map(({ field }) => field);
    expect(fields.sort()).toEqual([
      'colour',
      'key_validity.expire_duration',
      'permissions[0]',
      'upload.dir_scope[0]',
      'upload.max',
    ]);
  });

  test('refuses a validity of more than thirty days', async () => {
    const { secret } = await api.secretKey();
    const days30 = 30 * 24 * 60 * 60;
    expect((await create(secret, { key_validity: { expire_duration: days30 } })).status).toBe(200);
    expect((await create(secret, { key_validity: { expire_duration: days30 + 1 } })).status).toBe(400);
  });

  test('refuses narrowings that do not fit into a key', async () => {
    const { secret } = await api.secretKey();
    const dir_scope = Array.from({ length: 100 }, (_, i) => `/${'long'.repeat(20)}/${i}`);
    const refused = await create(secret, { upload: { dir_scope } });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ faults: [{ code: 'KEY_TOO_LONG' }] });
  });

  test('is not open to access keys, not even with every permission', async () => {
    const refused = await create(await api.key(), { permissions: ['OBJECTS_LIST'] });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ code: 'PERMISSION_DENIED', hint: expect.stringContaining('secret key') });
  });

  test('does not let a key that was made here make another one', async () => {
    const { secret } = await api.secretKey();
    const made = await create(secret, { permissions: ['CONFIG_CHANGE'] });
    expect((await create(made.textAt('key'))).body['code']).toBe('PERMISSION_DENIED');
  });

  test('needs CONFIG_CHANGE', async () => {
    const { secret } = await api.secretKey({ permissions: ['OBJECTS_LIST'] });
    expect((await create(secret)).body).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('makes keys that die with the secret key', async () => {
    const { secret, record } = await api.secretKey();
    const key = (await create(secret, { permissions: ['OBJECTS_LIST'] })).textAt('key');
    expect((await api.call({ url: '/v5/folders', key })).status).toBe(200);
    await api.ports.templates.setSecretKeysActive('demo', [record.uid], false, api.clock.nowMs);
    expect((await api.call({ url: '/v5/folders', key })).body['code']).toBe('KEY_REVOKED');
    await api.ports.templates.setSecretKeysActive('demo', [record.uid], true, api.clock.nowMs);
    expect((await api.call({ url: '/v5/folders', key })).status).toBe(200);
    await api.ports.templates.deleteSecretKey('demo', record.uid);
    expect((await api.call({ url: '/v5/folders', key })).body['code']).toBe('KEY_REVOKED');
  });

  test('makes a key of a template for an admin, who has no rights to narrow', async () => {
    const headers = await api.admin();
    const { identifier } = await api.template({ permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'] });
    const ask = (body: object) => api.call({ method: 'POST', url: '/v5/key', headers, body });
    const made = await ask({ template: identifier, permissions: ['OBJECTS_LIST'] });
    const { body: info } = await api.call({ url: '/v4/key/info', key: made.textAt('key') });
    expect(info['permissions']).toEqual(['OBJECTS_LIST']);
    expect((await ask({})).body).toMatchObject({ code: 'REQUEST_INVALID', faults: [{ field: 'template' }] });
    expect((await ask({ template: 'SECU_0' })).body).toMatchObject({ code: 'TEMPLATE_NOT_FOUND' });
    const longer = await ask({ template: identifier, key_validity: { expire_duration: 1201 } });
    expect(longer.body).toMatchObject({ code: 'REQUEST_INVALID', faults: [{ field: 'key_validity' }] });
  });

  test('does not make keys of templates for a secret key, which would have rights it lacks', async () => {
    const { secret } = await api.secretKey({ permissions: ['CONFIG_CHANGE'] });
    const { identifier } = await api.template();
    expect((await create(secret, { template: identifier })).body).toMatchObject({
      code: 'REQUEST_INVALID',
      faults: [{ field: 'template' }],
    });
  });
});

describe('decision.check', () => {
  const check = async (key: string, body: object) => api.call({ method: 'POST', url: '/v5/check', key, body });

  test('says yes with what it would cost, and costs nothing', async () => {
    const key = await api.key({ upload: { max: 1, limit_per_min: 1 } });
    for (let i = 0; i < 3; i += 1) {
      const answer = await check(key, { operation: 'file.upload', folder: '/in', size: 5, type: 'text/plain' });
      expect(answer.body['decision']).toMatchObject({
        allow: true,
        charges: [
          { rule: 'upload.limit_per_min', limit: 1, window: '60 s', cost: 1 },
          { rule: 'upload.max', limit: 1, window: 'lifetime', cost: 1 },
        ],
      });
    }
    expect((await api.upload(key, '/in')).status).toBe(200);
    expect((await api.upload(key, '/in')).status).toBe(429);
  });

  test.each([
    { body: { operation: 'file.delete', path: '/in/a.png' }, code: 'PERMISSION_DENIED', rule: 'permission' },
    { body: { operation: 'file.upload', folder: '/elsewhere' }, code: 'SCOPE_DENIED', rule: 'scope' },
    { body: { operation: 'file.upload', path: '/elsewhere/a.png' }, code: 'SCOPE_DENIED', rule: 'scope' },
    { body: { operation: 'file.upload', folder: '/in', size: 1001 }, code: 'PAYLOAD_TOO_LARGE', rule: 'size' },
    { body: { operation: 'file.upload', folder: '/in', type: 'text/html' }, code: 'MEDIA_TYPE_REFUSED', rule: 'type' },
    { body: { operation: 'folder.move', folder: '/in', destination: '/out' }, code: 'SCOPE_DENIED', rule: 'scope' },
    { body: { operation: 'template.list' }, code: 'PERMISSION_DENIED', rule: 'permission' },
  ])('says no, which rule and what would help: $body', async ({ body, code, rule }) => {
    const key = await api.key({
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST', 'DIR_MOVE'],
      upload: { dir_scope: ['/in/*'], max_file_size: 1000, allowed_types: ['image/*'] },
      listing: { dir_scope: ['/in/*'] },
    });
    const answer = await check(key, body);
    expect(answer.status).toBe(200);
    expect(answer.body['decision']).toMatchObject({ allow: false, code, rule, hint: expect.any(String) });
    const { trace } = answer.body['decision'] as { readonly trace: readonly { readonly outcome: string }[] };
    expect(trace.at(-1)).toMatchObject({ rule, outcome: 'deny' });
  });

  test('agrees with what then really happens', async () => {
    const key = await api.key({ upload: { dir_scope: ['/in'] } });
    for (const folder of ['/in', '/in/deeper', '/', '/In']) {
      const asked = (await check(key, { operation: 'file.upload', folder })).body['decision'] as { allow: boolean };
      expect((await api.upload(key, folder)).status === 200).toBe(asked.allow);
    }
  });

  test.each([
    { body: { operation: 'file.fly' }, field: 'operation' },
    { body: {}, field: 'operation' },
    { body: { operation: 'file.upload', size: -1 }, field: 'size' },
  ])('refuses a question it does not understand: $body', async ({ body, field }) => {
    const answer = await check(await api.key(), body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ faults: [{ field }] });
  });

  test('refuses a path that is not canonical with the reason', async () => {
    const answer = await check(await api.key(), { operation: 'file.upload', folder: '/a/../b' });
    expect(answer.body).toMatchObject({ code: 'PATH_INVALID', faults: [{ field: 'folder' }] });
  });

  test('is for holders of a key', async () => {
    const answer = await api.call({ method: 'POST', url: '/v5/check', body: { operation: 'file.list' } });
    expect(answer.body['code']).toBe('KEY_MISSING');
  });
});

const iso = (ms: number) => new Date(ms).toISOString();

describe('key.revoke', () => {
  test('kills one key by id and leaves the others of its template alone', async () => {
    const { secret } = await api.secretKey();
    const record = await api.template();
    const [leaked, other] = [api.keyOf(record, { claims: { keyId: 'leaked-1' } }), api.keyOf(record)];
    const revoked = await api.call({
      method: 'POST',
      url: '/v5/key/revoke',
      key: secret,
      body: { key_id: 'leaked-1' },
    });
    expect(revoked.body).toMatchObject({ status: 'success', key_id: 'leaked-1' });
    expect((await api.call({ url: '/v5/folders', key: leaked })).body['code']).toBe('KEY_REVOKED');
    expect((await api.call({ url: '/v5/folders', key: other })).status).toBe(200);
  });

  test('kills a key by its text, with all that was narrowed from it', async () => {
    const { secret } = await api.secretKey();
    const record = await api.template();
    const leaked = api.keyOf(record, { claims: { keyId: 'leaked-2' } });
    const narrowed = api.keyOf(record, { claims: { keyId: 'leaked-2' }, narrowing: { permissions: ['OBJECTS_LIST'] } });
    await api.call({ method: 'DELETE', url: '/v5/key', key: secret, body: { key: narrowed } });
    for (const key of [leaked, narrowed]) {
      expect((await api.call({ url: '/v5/folders', key })).body['code']).toBe('KEY_REVOKED');
    }
  });

  test('is remembered for as long as the key could live', async () => {
    const { secret } = await api.secretKey();
    const record = await api.template({ key_validity: { expiration_duration: 2_592_000 } });
    const leaked = api.keyOf(record, { claims: { keyId: 'leaked-3' } });
    await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body: { key_id: 'leaked-3' } });
    api.clock.pass(2_592_000_000 - 1);
    await api.ports.templates.sweep(api.clock.nowMs);
    expect((await api.call({ url: '/v5/folders', key: leaked })).body['code']).toBe('KEY_REVOKED');
  });

  test('takes exactly one key of this container', async () => {
    const { secret } = await api.secretKey();
    const foreign = await api.key({}, { claims: { container: 'other' } });
    for (const body of [
      {},
      { key_id: 'a', key: 'b' },
      { key: 'SASS__v2__nonsense' },
      { key: foreign },
      { key_id: '../x' },
    ]) {
      const answer = await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body });
      expect(answer.body['code']).toBe('REQUEST_INVALID');
    }
  });

  describe('of many', () => {
    const ask = async (body: object) =>
      api.call({ method: 'POST', url: '/v5/key/revoke', key: (await api.secretKey()).secret, body });
    const use = async (key: string) => {
      const { status, body } = await api.call({ url: '/v5/folders', key });
      return status === 200 ? 'passed' : body['code'];
    };

    test.each(['ann@example.com', undefined])(
      'kills the keys of a subject, not those of others (%s)',
      async (other) => {
        const record = await api.template();
        const claims = { subject: `${other}-bob` };
        const [bob, another] = [
          api.keyOf(record, { claims }),
          api.keyOf(record, other ? { claims: { subject: other } } : {}),
        ];
        const answer = await ask({ subject: claims.subject });
        expect(answer.body).toMatchObject({
          status: 'success',
          subject: claims.subject,
          issued_until: iso(api.clock.nowMs),
        });
        expect([await use(bob), await use(another)]).toEqual(['KEY_REVOKED', 'passed']);
        api.clock.pass(1);
        const later = api.keyOf(record, { claims });
        expect(await use(later)).toBe('passed');
      },
    );

    test('kills the keys of a template, under either of its names, and no other template', async () => {
      for (const name of ['uid', 'identifier'] as const) {
        const [record, other] = [await api.template(), await api.template()];
        const [key, untouched] = [api.keyOf(record), api.keyOf(other)];
        expect((await ask({ template: record[name] })).body).toMatchObject({ template: record.uid });
        expect([await use(key), await use(untouched)]).toEqual(['KEY_REVOKED', 'passed']);
        api.clock.pass(1);
        expect(await use(api.keyOf(record))).toBe('passed');
      }
    });

    test('kills the access keys made from a secret key, and leaves that key itself', async () => {
      const { record, secret } = await api.secretKey();
      const template = await api.template();
      const made = api.keyOf(template, { claims: { source: { kind: 'secret', id: record.uid } } });
      expect((await ask({ secret_key: record.uid })).body).toMatchObject({ secret_key: record.uid });
      expect([await use(made), await use(secret)]).toEqual(['KEY_REVOKED', 'passed']);
    });

    test('kills all that were issued before a time, to the millisecond', async () => {
      const record = await api.template();
      const issuedAt = (ms: number) => api.keyOf(record, { claims: { issuedAtMs: ms } });
      const beforeMs = api.clock.nowMs - 5000;
      const [early, late] = [issuedAt(beforeMs - 1), issuedAt(beforeMs)];
      const answer = await ask({ all: true, issued_before: iso(beforeMs) });
      expect(answer.body).toMatchObject({ all: true, issued_until: iso(beforeMs - 1) });
      expect([await use(early), await use(late)]).toEqual(['KEY_REVOKED', 'passed']);
      // An earlier time does not bring back what a later one has ended.
      await ask({ all: true, issued_before: iso(beforeMs - 60_000) });
      expect([await use(early), await use(late)]).toEqual(['KEY_REVOKED', 'passed']);
      expect((await ask({ all: true })).body).toMatchObject({ issued_until: iso(api.clock.nowMs) });
      expect(await use(late)).toBe('KEY_REVOKED');
      api.clock.pass(1);
    });

    test('holds for an upload that a key began, to the last moment at which it could go on', async () => {
      const longest = 2_592_000;
      const record = await api.template({ key_validity: { expiration_duration: longest, finish_duration: longest } });
      const [key, untouched] = [api.keyOf(record), await api.key({ key_validity: record.document.key_validity })];
      const begin = async (by: string) => {
        const answer = await api.call({
          method: 'POST',
          url: '/v5/tus?folder=/late',
          key: by,
          headers: {
            'tus-resumable': '1.0.0',
            'upload-length': '2',
            'upload-metadata': `filename ${Buffer.from(`${by.slice(-8)}.txt`).toString('base64')}`,
          },
        });
        return new URL(answer.headers['location'] ?? '').pathname.replace('/demo/', '/');
      };
      const goOn = async (by: string, url: string) => {
        const headers = {
          'tus-resumable': '1.0.0',
          'content-type': 'application/offset+octet-stream',
          'upload-offset': '0',
        };
        const { status, body } = await api.call({ method: 'PATCH', url, key: by, headers, body: 'x' });
        return status === 204 ? 'passed' : body['code'];
      };
      // Begun just before both keys expire, an upload may go on for a day, whatever the template says.
      api.clock.pass(longest * 1000 - 2000);
      const [stopped, going] = [await begin(key), await begin(untouched)];
      api.clock.pass(1000);
      await ask({ template: record.uid });
      api.clock.pass(86_400_000 - 1001);
      await api.ports.templates.sweep(api.clock.nowMs);
      expect([await goOn(key, stopped), await goOn(untouched, going)]).toEqual(['KEY_REVOKED', 'passed']);
    });

    test('lasts for as long as any of the keys could live, and is forgotten then', async () => {
      const record = await api.template({ key_validity: { expiration_duration: 2_592_000 } });
      const key = api.keyOf(record);
      const answer = await ask({ template: record.uid });
      const listed = async () => JSON.stringify((await list()).body['revocations']).includes(record.uid);
      api.clock.pass(2_592_000_000 - 1);
      await api.ports.templates.sweep(api.clock.nowMs);
      expect(await use(key)).toBe('KEY_REVOKED');
      expect(await listed()).toBe(true);
      api.clock.nowMs = Date.parse(answer.textAt('forgotten_at'));
      expect(await listed()).toBe(false);
      expect(await api.ports.templates.sweep(api.clock.nowMs)).toBeGreaterThan(0);
      // What it ended is dead by itself by now: forgetting brings nothing back.
      expect(await use(key)).toBe('KEY_EXPIRED');
    });

    const list = async () => api.call({ url: '/v5/key/revocations?limit=2', key: (await api.secretKey()).secret });

    test('is listed with who did it, the newest first, and logged without the subject', async () => {
      const { secret, record } = await api.secretKey();
      api.clock.pass(1000);
      await ask({ key_id: 'listed-before' });
      api.clock.pass(1000);
      const body = { subject: 'listed@example.com' };
      await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body });
      const { body: listed } = await list();
      const [first] = listed['revocations'] as readonly object[];
      expect(first).toEqual({
        subject: 'listed@example.com',
        issued_until: iso(api.clock.nowMs),
        revoked_at: iso(api.clock.nowMs),
        revoked_by: record.uid,
        forgotten_at: expect.stringMatching(/Z$/),
      });
      expect(listed['revocations']).toHaveLength(2);
      const line = api.log.findLast(({ event }) => event === 'keys.revoked');
      expect(line?.fields).toMatchObject({ kind: 'subject', container: 'demo', by: record.uid });
      expect(JSON.stringify(api.log)).not.toContain('listed@example.com');
    });

    test.each([
      [{ template: 'none' }, 'TEMPLATE_NOT_FOUND'],
      [{ secret_key: 'none' }, 'SECRET_KEY_NOT_FOUND'],
      [{ subject: '' }, 'REQUEST_INVALID'],
      [{ subject: 'a\u0000b' }, 'REQUEST_INVALID'],
      [{ all: false }, 'REQUEST_INVALID'],
      [{ all: true, subject: 'ann' }, 'REQUEST_INVALID'],
      [{ issued_before: '2020-01-01T00:00:00Z' }, 'REQUEST_INVALID'],
      [{ key_id: 'a', issued_before: '2020-01-01T00:00:00Z' }, 'REQUEST_INVALID'],
      [{ all: true, issued_before: 'yesterday' }, 'REQUEST_INVALID'],
      [{ all: true, issued_before: '9999-01-01T00:00:00Z' }, 'REQUEST_INVALID'],
      [{ all: true, everything: true }, 'REQUEST_INVALID'],
    ])('refuses %j with %s, and revokes nothing', async (body, code) => {
      const key = await api.key();
      expect((await ask(body)).body['code']).toBe(code);
      expect(await use(key)).toBe('passed');
    });

    test('needs the permission, and the list needs one of those that may look', async () => {
      for (const [permission, revokes, lists] of [
        ['OBJECTS_LIST', 403, 403],
        ['ACCESS_READ', 403, 200],
        ['ACCESS_MANAGE', 200, 200],
      ] as const) {
        const { secret } = await api.secretKey({ permissions: [permission] });
        const body = { key_id: 'nobody' };
        const revoked = await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body });
        const listed = await api.call({ url: '/v5/key/revocations', key: secret });
        expect([revoked.status, listed.status], permission).toEqual([revokes, lists]);
      }
    });
  });

  test('is not open to access keys', async () => {
    const answer = await api.call({
      method: 'POST',
      url: '/v5/key/revoke',
      key: await api.key(),
      body: { key_id: 'a' },
    });
    expect(answer.body['code']).toBe('PERMISSION_DENIED');
  });
});
