// Signing in to the console, and why its cookie is of no use to anybody else's page.
import { PERMISSIONS } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createLoginLink } from '../../src/operations/session.ts';
import { openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());
beforeEach(() => api.clock.pass(60_000));

const PATH = '/console/session';
const OWN = { 'sec-fetch-site': 'same-origin' };

const signIn = (body: object, headers = {}) => api.call({ method: 'POST', url: PATH, headers, body });
const signInByLink = async (headers = {}) => signIn({ token: await createLoginLink(api.ports) }, headers);
const cookieOf = (answer: Awaited<ReturnType<typeof signIn>>) => answer.headers['set-cookie']?.split(';')[0] ?? '';
const asAdmin = (cookie: string) => ({ cookie, 'x-latchkey-session': '1', ...OWN });
const present = (headers: Readonly<Record<string, string>>) => api.call({ url: PATH, headers });

describe('a sign-in link', () => {
  test('opens a session of twelve hours', async () => {
    const answer = await signInByLink();
    expect(answer.status).toBe(200);
    const expires_at = new Date(api.clock.nowMs + 12 * 60 * 60_000).toISOString();
    expect(answer.body).toEqual({
      status: 'success',
      session: { container: 'demo', containers: ['demo'], expires_at },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    const headers = asAdmin(cookieOf(answer));
    expect((await present(headers)).body).toEqual(answer.body);
    api.clock.pass(12 * 60 * 60_000 - 1);
    expect((await present(headers)).status).toBe(200);
    expect((await api.call({ url: '/v5/security-templates', headers })).status).toBe(200);
    api.clock.pass(1);
    expect((await present(headers)).body['code']).toBe('ADMIN_UNAUTHENTICATED');
    expect((await api.call({ url: '/v5/security-templates', headers })).body['code']).toBe('ADMIN_UNAUTHENTICATED');
  });

  test('works for exactly one of many who try at once', async () => {
    const token = await createLoginLink(api.ports);
    const answers = await Promise.all(Array.from({ length: 5 }, () => signIn({ token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
  });

  test('works for fifteen minutes', async () => {
    const [used, late] = [await createLoginLink(api.ports), await createLoginLink(api.ports)];
    api.clock.pass(15 * 60_000 - 1);
    expect((await signIn({ token: used })).status).toBe(200);
    api.clock.pass(1);
    expect((await signIn({ token: late })).body['code']).toBe('ADMIN_UNAUTHENTICATED');
  });

  test('is no session, and a session is no link', async () => {
    const token = await createLoginLink(api.ports);
    expect((await present(asAdmin(`latchkey_session=${token}`))).status).toBe(401);
    const session = cookieOf(await signInByLink()).split('=')[1] ?? '';
    expect((await signIn({ token: session })).status).toBe(401);
  });
});

describe('the admin key', () => {
  test('signs in when it has every permission', async () => {
    const { secret } = await api.secretKey();
    expect((await signIn({ admin_key: secret })).status).toBe(200);
  });

  test.each([
    {
      why: 'one permission is missing',
      difference: { permissions: PERMISSIONS.slice(1) },
      code: 'ADMIN_UNAUTHENTICATED',
    },
    { why: 'it is not active', difference: { active: false }, code: 'ADMIN_UNAUTHENTICATED' },
    {
      why: 'it may not be used from here',
      difference: { restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] } },
      code: 'IP_DENIED',
    },
  ])('does not sign in when $why', async ({ difference, code }) => {
    const { secret } = await api.secretKey(difference);
    const answer = await signIn({ admin_key: secret });
    expect(answer.body['code']).toBe(code);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test.each([
    {
      what: 'deactivated',
      end: (id: string) => ({ method: 'POST' as const, url: '/v5/secret-keys/deactivate', body: { ids: [id] } }),
    },
    { what: 'deleted', end: (id: string) => ({ method: 'DELETE' as const, url: `/v5/secret-keys/${id}` }) },
    {
      what: 'narrowed',
      end: (id: string) => ({
        method: 'PATCH' as const,
        url: `/v5/secret-keys/${id}`,
        body: { permissions: PERMISSIONS.slice(1) },
      }),
    },
  ] as const)('signs out once it is $what, and nobody else', async ({ end }) => {
    const [ended, other] = [await api.secretKey(), await api.secretKey()];
    const [its, theirs] = [
      asAdmin(cookieOf(await signIn({ admin_key: ended.secret }))),
      asAdmin(cookieOf(await signIn({ admin_key: other.secret }))),
    ];
    for (const headers of [its, theirs]) expect((await present(headers)).status).toBe(200);
    expect((await api.call({ ...end(ended.record.uid), headers: theirs })).status).toBe(200);
    expect((await present(its)).body['code']).toBe('ADMIN_UNAUTHENTICATED');
    const templates = (headers: Readonly<Record<string, string>>) =>
      api.call({ url: '/v5/security-templates', headers });
    expect((await templates(its)).body['code']).toBe('ADMIN_UNAUTHENTICATED');
    expect((await templates(theirs)).status).toBe(200);
  });

  test('is not an access key and not a guess', async () => {
    for (const admin_key of [await api.key(), 'a guess', 'SASS__v2__x']) {
      expect((await signIn({ admin_key })).body['code']).toBe('ADMIN_UNAUTHENTICATED');
    }
  });
});

describe('wrong sign-ins', () => {
  test('use up the budget of their address, even for a right one, and of no other', async () => {
    // Each process counts by itself.
    const strict = await openHarness({ oneNode: true, keyFailuresPerMinute: 5 });
    const { secret } = await strict.secretKey();
    const from = (ip: string, admin_key: string) => strict.call({ method: 'POST', url: PATH, ip, body: { admin_key } });
    for (let i = 0; i < 5; i += 1) expect((await from('192.0.2.1', `guess ${i}`)).status).toBe(401);
    const waiting = await from('192.0.2.1', secret);
    expect(waiting.status).toBe(429);
    expect(waiting.headers['retry-after']).toBe('60');
    expect((await from('192.0.2.2', secret)).status).toBe(200);
    strict.clock.pass(60_000);
    expect((await from('192.0.2.1', secret)).status).toBe(200);
    await strict.close();
  });

  test.each([{}, { token: 'a', admin_key: 'b' }, { token: '' }, { token: 7 }, { admin_key: 'x'.repeat(513) }])(
    'that are no sign-ins are told so: %j',
    async (body) => {
      expect((await signIn(body)).body['code']).toBe('REQUEST_INVALID');
    },
  );
});

describe('the cookie', () => {
  test('cannot be read by scripts, sent by other sites, or kept beyond the session', async () => {
    const cookie = (await signInByLink()).headers['set-cookie'] ?? '';
    expect(cookie).toMatch(/^latchkey_session=[A-Za-z0-9_-]{43};/);
    const attributes = cookie.split('; ').slice(1).sort();
    expect(attributes).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict']);
  });

  test('is for https only when the page is', async () => {
    const { headers } = await signInByLink({ origin: 'https://localhost:80', ...OWN });
    expect(headers['set-cookie']).toContain('; Secure');
  });

  test('counts only together with the header that other pages cannot send', async () => {
    const cookie = cookieOf(await signInByLink());
    expect((await present({ cookie, ...OWN })).status).toBe(401);
    expect((await api.call({ url: '/v5/security-templates', headers: { cookie, ...OWN } })).body['code']).toBe(
      'KEY_MISSING',
    );
    const preflight = await api.call({
      method: 'OPTIONS',
      url: '/v5/security-templates',
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-latchkey-session' },
    });
    expect(preflight.headers['access-control-allow-headers']).not.toContain('x-latchkey-session');
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
  });

  test.each([
    { from: { 'sec-fetch-site': 'same-origin' }, status: 200, why: 'a browser says it is our page' },
    { from: { origin: 'http://localhost:80' }, status: 200, why: 'an older browser sends our origin' },
    {
      from: { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' },
      status: 403,
      why: 'a browser says it is not',
    },
    { from: { 'sec-fetch-site': 'same-site' }, status: 403, why: 'a page of a sister domain' },
    { from: { 'sec-fetch-site': 'none' }, status: 403, why: 'no page at all' },
    { from: { origin: 'https://evil.example' }, status: 403, why: 'a foreign origin' },
    { from: { origin: 'http://localhost:81' }, status: 403, why: 'another port' },
    { from: { origin: 'http://localhost.evil.example' }, status: 403, why: 'a name that begins like ours' },
    { from: { origin: 'null' }, status: 403, why: 'an origin that hides' },
    { from: {}, status: 403, why: 'nothing says where it comes from' },
  ])('changes something only from our own page: $why', async ({ from, status }) => {
    const cookie = cookieOf(await signInByLink());
    const headers = { cookie, 'x-latchkey-session': '1', ...from };
    const write = await api.call({ method: 'POST', url: '/v5/security-templates', headers, body: {} });
    expect(write.status).toBe(status);
    expect((await api.call({ method: 'DELETE', url: PATH, headers })).status).toBe(status);
    if (status === 403) expect(write.body['code']).toBe('ORIGIN_DENIED');
  });

  test('is not given to a foreign page that signs its visitor in', async () => {
    const answer = await signInByLink({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' });
    expect(answer.body['code']).toBe('ORIGIN_DENIED');
  });

  test('also works at the public address of the service', async () => {
    const proxied = await openHarness({ publicUrl: 'https://assets.example.com' });
    const answer = await proxied.call({
      method: 'POST',
      url: PATH,
      headers: { origin: 'https://assets.example.com' },
      body: { token: await createLoginLink(proxied.ports) },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']).toContain('; Secure');
    await proxied.close();
  });
});

describe('signing out', () => {
  test('ends the session on the server, not only in the browser', async () => {
    const headers = asAdmin(cookieOf(await signInByLink()));
    const out = await api.call({ method: 'DELETE', url: PATH, headers });
    expect(out.status).toBe(200);
    expect(out.headers['set-cookie']).toMatch(/^latchkey_session=;.*Max-Age=0|^latchkey_session=;.*1970/);
    expect((await present(headers)).status).toBe(401);
    expect((await api.call({ url: '/v5/security-templates', headers })).status).toBe(401);
  });
});

describe('an admin', () => {
  test('may do everything in a container that exists, and is told when it does not', async () => {
    const headers = asAdmin(cookieOf(await signInByLink()));
    expect((await api.call({ url: '/v5/files', headers })).status).toBe(200);
    const elsewhere = await api.app.inject({ url: '/nowhere/v5/files', headers });
    expect(JSON.parse(elsewhere.body)).toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
  });
});
