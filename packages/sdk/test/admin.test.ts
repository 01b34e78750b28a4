// The console's calls: paths, bodies, the session header, and what comes back.
import { describe, expect, test } from 'vitest';
import { createAdmin } from '../src/admin.ts';
import { fakeService, headerOf, json, refused } from './fake-service.ts';

function admin(body: unknown, status = 200) {
  const { send, requests } = fakeService(() => json(status, body));
  return { admin: createAdmin({ endpoint: '', fetch: send }), requests };
}

describe('admin', () => {
  test('sends the session header and the cookie of the own origin with every call', async () => {
    const session = { container: 'demo', containers: ['demo'], expires_at: 'x' };
    const { admin: a, requests } = admin({ status: 'success', session });
    expect(await a.session()).toEqual(session);
    expect(requests[0]?.url).toBe('/console/session');
    expect(headerOf(requests[0], 'x-latchkey-session')).toBe('1');
    expect(requests[0]?.init.credentials).toBe('same-origin');
  });

  test.each([
    { credential: { token: 't' }, body: { token: 't' } },
    { credential: { adminKey: 'k' }, body: { admin_key: 'k' } },
  ])('signs in with $body', async ({ credential, body }) => {
    const { admin: a, requests } = admin({ status: 'success', session: {} });
    await a.signIn(credential);
    expect(requests[0]?.init.method).toBe('POST');
    expect(JSON.parse(String(requests[0]?.init.body))).toEqual(body);
  });

  test('signs out', async () => {
    const { admin: a, requests } = admin({ status: 'success' });
    expect(await a.signOut()).toBeUndefined();
    expect(requests[0]?.init.method).toBe('DELETE');
  });

  test('lists templates with paging, search and the total', async () => {
    const { admin: a, requests } = admin({
      status: 'success',
      security_templates: [{ id: 'SECU_1' }],
      info: { total: 41 },
    });
    const page = await a.templates('demo').list({ offset: 20, limit: 20, search: 'a b' });
    expect(page).toEqual({ items: [{ id: 'SECU_1' }], total: 41 });
    expect(requests[0]?.url).toBe('/demo/v5/security-templates?offset=20&limit=20&search=a%20b');
  });

  test.each([
    ['create', 'POST', '', { name: 'n' }],
    ['replace', 'PUT', '/SECU_1', { name: 'n' }],
    ['change', 'PATCH', '/SECU_1', { name: 'n' }],
  ] as const)('saves a template by %s and hands the warnings on', async (method, verb, path, body) => {
    const warnings = [{ field: 'permissions', code: 'DELETE_EVERYWHERE', message: 'm' }];
    const { admin: a, requests } = admin({ status: 'success', security_template: { id: 'SECU_1' }, warnings });
    const templates = a.templates('demo');
    const saved = method === 'create' ? await templates.create(body) : await templates[method]('SECU_1', body);
    expect(saved).toEqual({ record: { id: 'SECU_1' }, warnings });
    expect(requests[0]?.init.method).toBe(verb);
    expect(requests[0]?.url).toBe(`/demo/v5/security-templates${path}`);
    expect(JSON.parse(String(requests[0]?.init.body))).toEqual(body);
  });

  test('names the revision that a change was made for', async () => {
    const { admin: a, requests } = admin({ status: 'success', security_template: { id: 'SECU_1' } });
    await a.templates('demo').replace('SECU_1', {}, 7);
    await a.templates('demo').change('SECU_1', {});
    expect(requests.map((sent) => headerOf(sent, 'if-match'))).toEqual(['"7"', null]);
  });

  test.each([{ key_id: 'k1' }, { subject: 'ann' }, { template: 'SECU_1' }, { all: true }] as const)(
    'revokes %j',
    async (keys) => {
      const { admin: a, requests } = admin({ status: 'success' });
      await a.accessKeys('demo').revoke(keys);
      expect(requests[0]?.url).toBe('/demo/v5/key/revoke');
      expect(JSON.parse(String(requests[0]?.init.body))).toEqual(keys);
    },
  );

  test('rotates with the overlap in seconds', async () => {
    const { admin: a, requests } = admin({ status: 'success', security_template: { id: 'SECU_2' } });
    expect((await a.templates('demo').rotate('SECU_1', 3600)).id).toBe('SECU_2');
    expect(requests[0]?.url).toBe('/demo/v5/security-templates/SECU_1/rotate');
    expect(JSON.parse(String(requests[0]?.init.body))).toEqual({ overlap_seconds: 3600 });
  });

  test.each(['activate', 'deactivate'] as const)('%s takes many ids in one call', async (verb) => {
    const { admin: a, requests } = admin({ status: 'success', secret_keys: [{ id: '1' }, { id: '2' }] });
    expect(await a.secretKeys('demo')[verb](['1', '2'])).toHaveLength(2);
    expect(requests[0]?.url).toBe(`/demo/v5/secret-keys/${verb}`);
    expect(JSON.parse(String(requests[0]?.init.body))).toEqual({ ids: ['1', '2'] });
  });

  test('hands out the secret of a new secret key', async () => {
    const { admin: a } = admin({ status: 'success', secret_key: { id: '1', secret: 'lk_x' } });
    expect(await a.secretKeys('demo').create({ name: 'ci' })).toEqual({
      record: { id: '1' },
      warnings: [],
      secret: 'lk_x',
    });
  });

  test('escapes an id that would change the path', async () => {
    const { admin: a, requests } = admin({ status: 'success' });
    await a.templates('demo').remove('../secret-keys/1');
    expect(requests[0]?.url).toBe('/demo/v5/security-templates/..%2Fsecret-keys%2F1');
  });

  test('reports every fault of a refused document by field', async () => {
    const faults = [
      { field: 'upload.dir_scope[2]', code: 'PATH_INVALID', message: 'm1' },
      { field: 'permissions[0]', code: 'PERMISSION_UNKNOWN', message: 'm2' },
    ];
    const { admin: a } = admin({ status: 'error', code: 'REQUEST_INVALID', msg: 'm', hint: 'h', faults }, 400);
    await expect(a.templates('demo').create({})).rejects.toMatchObject({ code: 'REQUEST_INVALID', faults });
  });

  test('says when nobody is signed in', async () => {
    const { send } = fakeService(() => refused(401, 'ADMIN_UNAUTHENTICATED'));
    await expect(createAdmin({ endpoint: '', fetch: send }).session()).rejects.toMatchObject({
      code: 'ADMIN_UNAUTHENTICATED',
      status: 401,
    });
  });
});
