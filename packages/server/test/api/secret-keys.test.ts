// Secret keys: the permanent credentials of back ends, and the admin key of the start-up contract.
import { PERMISSIONS } from '@latchkey/policy';
import { afterAll, describe, expect, test } from 'vitest';
import { ensureAdminKey, isSecretText } from '../../src/operations/secret-keys.ts';
import { CONTAINER, openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const BASE = '/v5/secret-keys';
const { secret: all, record: allRecord } = await api.secretKey();

const post = (body: object, key = all) => api.call({ method: 'POST', url: BASE, key, body });
const get = (id: string, key = all) => api.call({ url: `${BASE}/${id}`, key });

describe('secretKey.create', () => {
  test('answers the secret this once, in a form that scanners know', async () => {
    const made = await post({ name: 'Shop', permissions: ['OBJECTS_LIST'] });
    const secret = made.textAt('secret_key.secret');
    expect(secret).toMatch(/^lk_demo_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/);
    expect(isSecretText(secret)).toBe(true);
    expect(made.body).toMatchObject({
      status: 'success',
      secret_key: { name: 'Shop', permissions: ['OBJECTS_LIST'], active: true, revision: 1, last_used_at: null },
      warnings: [],
    });
    expect(secret.startsWith(made.textAt('secret_key.prefix'))).toBe(true);
    expect(made.textAt('secret_key.prefix')).toHaveLength('lk_demo_'.length + 4);
    expect(made.headers['cache-control']).toBe('no-store');
    const id = made.textAt('secret_key.id');
    for (const url of [BASE, `${BASE}/${id}`]) {
      const { text } = await api.call({ url, key: all });
      expect(text).not.toContain(secret);
      expect(text).toContain(id);
    }
  });

  test('makes a key that works until it is gone', async () => {
    const made = await post({ permissions: ['OBJECTS_LIST'] });
    const secret = made.textAt('secret_key.secret');
    const list = async () => (await api.call({ url: '/v5/folders', key: secret })).status;
    expect(await list()).toBe(200);
    api.clock.pass(10 * 365 * 24 * 60 * 60_000);
    expect(await list()).toBe(200);
    await api.call({ method: 'DELETE', url: `${BASE}/${made.textAt('secret_key.id')}`, key: all });
    expect(await list()).toBe(401);
  });

  test('has a checksum that tells every mistyped character', async () => {
    const secret = (await post({})).textAt('secret_key.secret');
    for (let i = 'lk_demo_'.length; i < secret.length; i += 1) {
      const other = secret[i] === 'A' ? 'B' : 'A';
      expect(isSecretText(secret.slice(0, i) + other + secret.slice(i + 1))).toBe(false);
    }
    expect(isSecretText(secret.slice(0, -1))).toBe(false);
    expect(isSecretText(`${secret}A`)).toBe(false);
  });

  test('has no validity and no exchange', async () => {
    const refused = await post({ key_validity: { expiration_duration: 60 }, issue: { limit_per_ip_per_min: 1 } });
    const faults = refused.body['faults'] as readonly { readonly field: string }[];
    expect(faults.map(({ field }) => field).sort()).toEqual(['issue', 'key_validity']);
    const { body } = await post({});
    expect(body['secret_key']).not.toHaveProperty('key_validity');
    expect(body['secret_key']).not.toHaveProperty('issue');
  });

  test('cannot make a key that may more than the one that makes it', async () => {
    const { secret } = await api.secretKey({ permissions: ['ACCESS_MANAGE'], upload: { dir_scope: ['/mine/*'] } });
    expect((await post({ permissions: ['ACCESS_MANAGE', 'CONFIG_CHANGE'] }, secret)).body).toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('CONFIG_CHANGE'),
    });
    expect((await post({ upload: { dir_scope: ['/'] } }, secret)).body['code']).toBe('PERMISSION_DENIED');
    expect((await post({ upload: { dir_scope: ['/mine'] } }, secret)).status).toBe(200);
  });
});

describe('secretKey.update', () => {
  const patch = (id: string, body: object, key = all) => api.call({ method: 'PATCH', url: `${BASE}/${id}`, key, body });

  test('changes the rights at once and leaves the secret alone', async () => {
    const { secret, record } = await api.secretKey({ permissions: ['OBJECTS_LIST'] });
    const list = async () => (await api.call({ url: '/v5/folders', key: secret })).status;
    expect(await list()).toBe(200);
    const saved = await patch(record.uid, { permissions: [], upload: { max: 3 } });
    expect(saved.body['secret_key']).toMatchObject({ permissions: [], name: 'Test', upload: { max: 3 }, revision: 2 });
    expect(saved.headers['etag']).toBe('"2"');
    expect(await list()).toBe(403);
    const put = await api.call({
      method: 'PUT',
      url: `${BASE}/${record.uid}`,
      key: all,
      body: { secret_key: { name: 'Put', permissions: ['OBJECTS_LIST'] } },
    });
    expect(put.body['secret_key']).toMatchObject({ name: 'Put', upload: { max_file_size: 500_000_000 } });
    expect(put.body['secret_key']).not.toMatchObject({ upload: { max: 3 } });
    expect(await list()).toBe(200);
  });

  test('cannot widen itself', async () => {
    const { secret, record } = await api.secretKey({ permissions: ['ACCESS_MANAGE'] });
    const refused = await patch(record.uid, { permissions: [...PERMISSIONS] }, secret);
    expect(refused.body['code']).toBe('PERMISSION_DENIED');
  });

  test('saves only over the revision that was read', async () => {
    const { record } = await api.secretKey();
    expect((await patch(record.uid, { name: 'A', revision: 1 })).status).toBe(200);
    expect((await patch(record.uid, { name: 'B', revision: 1 })).status).toBe(412);
  });

  test('does not know what is not there', async () => {
    expect((await patch('nothing', {})).body['code']).toBe('SECRET_KEY_NOT_FOUND');
    expect((await get('nothing')).body['code']).toBe('SECRET_KEY_NOT_FOUND');
  });
});

describe('secretKey.activate', () => {
  test('puts a key to sleep, answering like a wrong one, and wakes it again', async () => {
    const { secret, record } = await api.secretKey();
    const send = (verb: string) =>
      api.call({ method: 'POST', url: `${BASE}/${verb}`, key: all, body: { ids: [record.uid] } });
    const off = await send('deactivate');
    expect(off.body).toMatchObject({ secret_keys: [{ id: record.uid, active: false }], info: { total: 1 } });
    const refused = await api.call({ url: '/v5/folders', key: secret });
    expect(refused.status).toBe(401);
    expect(refused.body['code']).toBe('UNAUTHORIZED');
    await send('activate');
    expect((await api.call({ url: '/v5/folders', key: secret })).status).toBe(200);
  });
});

describe('last use', () => {
  test('is kept to the minute', async () => {
    const { secret, record } = await api.secretKey();
    const lastUse = async () => (await get(record.uid)).body['secret_key'];
    expect(await lastUse()).toMatchObject({ last_used_at: null });
    const first = new Date(api.clock.nowMs).toISOString();
    await api.call({ url: '/v5/folders', key: secret });
    api.clock.pass(59_999);
    await api.call({ url: '/v5/folders', key: secret });
    expect(await lastUse()).toMatchObject({ last_used_at: first });
    api.clock.pass(1);
    await api.call({ url: '/v5/folders', key: secret });
    expect(await lastUse()).toMatchObject({ last_used_at: new Date(api.clock.nowMs).toISOString() });
  });
});

describe('restrictions of a secret key', () => {
  test('hold as those of a template do', async () => {
    const { secret } = await api.secretKey({
      restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] },
      upload: { max: 1 },
    });
    expect((await api.call({ url: '/v5/folders', key: secret })).body['code']).toBe('IP_DENIED');
    expect((await api.call({ url: '/v5/folders', key: secret, ip: '203.0.113.7' })).status).toBe(200);
  });
});

describe('who may', () => {
  test('needs ACCESS_READ or ACCESS_MANAGE and no access key', async () => {
    const { secret: reader } = await api.secretKey({ permissions: ['ACCESS_READ'] });
    expect((await get(allRecord.uid, reader)).status).toBe(200);
    expect((await post({}, reader)).body['code']).toBe('PERMISSION_DENIED');
    expect((await get(allRecord.uid, await api.key())).body['code']).toBe('PERMISSION_DENIED');
    expect((await api.call({ url: BASE, headers: await api.admin() })).status).toBe(200);
  });
});

describe('the admin key', () => {
  const TEXT = 'a-long-admin-key-of-thirty-two-chars';
  const status = async (harness: typeof api, key: string) => (await harness.call({ url: BASE, key })).status;

  test('is generated once, when the container has no secret key', async () => {
    const fresh = await openHarness();
    const first = await ensureAdminKey(fresh.ports, CONTAINER, undefined);
    expect(isSecretText(first.generated ?? '')).toBe(true);
    expect(await status(fresh, first.generated ?? '')).toBe(200);
    expect(await ensureAdminKey(fresh.ports, CONTAINER, undefined)).toEqual({});
    await fresh.close();
  });

  test('is what the setting says, has every permission, and stays the same over restarts', async () => {
    const fresh = await openHarness();
    for (let i = 0; i < 3; i += 1) expect(await ensureAdminKey(fresh.ports, CONTAINER, TEXT)).toEqual({});
    const { body } = await fresh.call({ url: BASE, key: TEXT });
    expect(body).toMatchObject({
      info: { total: 1 },
      secret_keys: [{ name: 'Admin key', permissions: [...PERMISSIONS], revision: 1 }],
    });
    await fresh.close();
  });

  test('is replaced by another setting, with the access keys made from it, and nothing else is', async () => {
    const fresh = await openHarness();
    const { secret } = await fresh.secretKey({ name: 'Admin key' });
    await ensureAdminKey(fresh.ports, CONTAINER, TEXT);
    const made = await fresh.call({ method: 'POST', url: '/key', key: TEXT, body: { permissions: ['OBJECTS_LIST'] } });
    await ensureAdminKey(fresh.ports, CONTAINER, `${TEXT}-changed`);
    expect(await status(fresh, TEXT)).toBe(401);
    expect(await status(fresh, `${TEXT}-changed`)).toBe(200);
    expect(await status(fresh, secret)).toBe(200);
    expect((await fresh.call({ url: '/v5/folders', key: made.textAt('key') })).body['code']).toBe('KEY_REVOKED');
    await fresh.close();
  });

  test('gets its rights back at the next start', async () => {
    const fresh = await openHarness();
    await ensureAdminKey(fresh.ports, CONTAINER, TEXT);
    const { secret } = await fresh.secretKey();
    const { body } = await fresh.call({ url: `${BASE}?q=Admin`, key: secret });
    const [admin] = body['secret_keys'] as readonly { readonly id: string }[];
    await fresh.ports.templates.setSecretKeysActive(CONTAINER, [admin?.id ?? ''], false, fresh.clock.nowMs);
    expect(await status(fresh, TEXT)).toBe(401);
    await ensureAdminKey(fresh.ports, CONTAINER, TEXT);
    expect(await status(fresh, TEXT)).toBe(200);
    await fresh.close();
  });

  test('is one key when several nodes start at once', async () => {
    const fresh = await openHarness();
    await Promise.all(Array.from({ length: 5 }, () => ensureAdminKey(fresh.ports, CONTAINER, TEXT)));
    const { body } = await fresh.call({ url: BASE, key: TEXT });
    expect(body).toMatchObject({ info: { total: 1 } });
    await fresh.close();
  });

  test('is one key also when another node stores it between two looks of this one', async () => {
    const fresh = await openHarness();
    const { templates } = fresh.ports;
    let looks = 0;
    const late = {
      ...fresh.ports,
      templates: new Proxy(templates, {
        get(target, name) {
          const value = Reflect.get(target, name);
          if (name !== 'findSecretKeyByHash') return typeof value === 'function' ? value.bind(target) : value;
          return async (...asked: Parameters<typeof templates.findSecretKeyByHash>) => {
            looks += 1;
            if (looks === 1) await ensureAdminKey(fresh.ports, CONTAINER, TEXT);
            return templates.findSecretKeyByHash(...asked);
          };
        },
      }),
    };
    await ensureAdminKey(late, CONTAINER, TEXT);
    const { body } = await fresh.call({ url: BASE, key: TEXT });
    expect(body).toMatchObject({ info: { total: 1 } });
    await fresh.close();
  });

  test('may be the same in two containers', async () => {
    const fresh = await openHarness();
    await fresh.ports.templates.ensureContainer('other', fresh.clock.nowMs);
    for (const container of [CONTAINER, 'other']) await ensureAdminKey(fresh.ports, container, TEXT);
    for (const container of [CONTAINER, 'other']) {
      const { statusCode } = await fresh.app.inject({
        url: `/${container}${BASE}`,
        headers: { 'x-filerobot-key': TEXT },
      });
      expect(statusCode).toBe(200);
    }
    await fresh.close();
  });

  test('is not the secret of another key', async () => {
    const { secret } = await api.secretKey();
    await expect(ensureAdminKey(api.ports, CONTAINER, secret)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  test('is refused when it is short, or a secret key with a typing mistake', async () => {
    const secret = (await post({})).textAt('secret_key.secret');
    for (const text of ['short', 'x'.repeat(31), `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`]) {
      await expect(ensureAdminKey(api.ports, CONTAINER, text)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    }
  });
});
