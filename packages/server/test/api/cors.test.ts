// Which pages may use a key from a browser (threats 18, 19 and 20).
import { afterAll, describe, expect, test } from 'vitest';
import { openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const PAGE = 'https://app.example.com';

/** The headers that the published widgets ask for (wire contract 1.7). */
const WIDGET_HEADERS = [
  'content-type',
  'x-filerobot-key',
  'x-session-token',
  'x-company-token',
  'x-project-token',
  'x-filerobot-session',
  'x-filerobot-airbox-puid',
  'x-filerobot-token',
  'x-airstore-key',
  'x-airstore-secret-key',
  'filerobot-token',
  'filerobot-uuid',
  'filerobot-folder',
  'accept',
];

describe('a preflight', () => {
  test.each(['/key/SECU_1', '/v5/files', '/v4/files', '/v4/key/info', '/cdn/a/b.jpg', '/nothing/here'])(
    'is answered with all that widgets ask for: %s',
    async (url) => {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await api.call({
          method: 'OPTIONS',
          url,
          headers: {
            origin: PAGE,
            'access-control-request-method': method,
            'access-control-request-headers': WIDGET_HEADERS.join(','),
          },
        });
        expect(answer.status).toBe(204);
        expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
        expect(answer.headers['access-control-allow-methods']?.split(', ')).toContain(method);
        expect(answer.headers['access-control-allow-headers']?.split(', ')).toEqual(
          expect.arrayContaining(WIDGET_HEADERS),
        );
        expect(answer.headers['access-control-max-age']).toBe('600');
        expect(answer.headers['vary']).toMatch(/Origin/i);
      }
    },
  );

  test('never allows cookies', async () => {
    const answers = [
      await api.call({ method: 'OPTIONS', url: '/v5/files', headers: { origin: PAGE } }),
      await api.call({ url: '/v5/files', key: await api.key(), headers: { origin: PAGE } }),
      await api.call({
        url: '/v5/security-templates',
        headers: { ...(await api.admin()), origin: 'http://localhost:80' },
      }),
    ];
    for (const { headers } of answers) expect(headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('an answer', () => {
  test('can be read by the page that asked, refusals too, and is not mixed up with another page’s', async () => {
    for (const key of [await api.key(), await api.key({ permissions: [] }), 'guess', undefined]) {
      const { headers } = await api.call({ url: '/v5/files', key, headers: { origin: PAGE } });
      expect(headers['access-control-allow-origin']).toBe(PAGE);
      expect(headers['vary']).toMatch(/Origin/i);
      expect(headers['access-control-expose-headers']).toMatch(/retry-after/);
      expect(headers['access-control-expose-headers']).toMatch(/x-request-id/);
    }
  });

  test('varies by origin even when none was sent', async () => {
    const { headers } = await api.call({ url: '/v5/files', key: await api.key() });
    expect(headers['vary']).toMatch(/Origin/i);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('a template without allowed origins', () => {
  test.each([PAGE, 'http://localhost:3000', 'null', undefined])('does not ask for one: %s', async (origin) => {
    const headers = origin === undefined ? {} : { origin };
    expect((await api.call({ url: '/v5/files', key: await api.key(), headers })).status).toBe(200);
  });
});

describe('a template for certain origins', async () => {
  const restrictions = { allowed_origins: ['https://app.example.com', 'https://*.shop.example'] };
  const record = await api.template({ restrictions, issue: { limit_per_ip_per_min: 1000 } });
  const key = api.keyOf(record);

  const rows: readonly { readonly origin: string; readonly allowed: boolean; readonly why: string }[] = [
    { origin: 'https://app.example.com', allowed: true, why: 'it is in the list' },
    { origin: 'https://app.example.com:443', allowed: true, why: 'the port is the usual one' },
    { origin: 'https://eu.shop.example', allowed: true, why: 'a subdomain' },
    { origin: 'https://a.b.shop.example', allowed: true, why: 'a subdomain of a subdomain' },
    { origin: 'https://shop.example', allowed: false, why: 'the bare domain is not a subdomain' },
    { origin: 'http://app.example.com', allowed: false, why: 'another scheme' },
    { origin: 'https://app.example.com:8443', allowed: false, why: 'another port' },
    { origin: 'https://evil-app.example.com', allowed: false, why: 'something before the name' },
    { origin: 'https://app.example.com.evil.example', allowed: false, why: 'something behind the name' },
    { origin: 'https://xshop.example', allowed: false, why: 'a name that ends alike' },
    { origin: 'https://eu.shop.example.evil.example', allowed: false, why: 'the pattern in the middle' },
    { origin: 'https://app.example.com@evil.example', allowed: false, why: 'the name as a user' },
    { origin: 'https://evil.example/app.example.com', allowed: false, why: 'the name as a path' },
    { origin: 'https://evil.example?app.example.com', allowed: false, why: 'the name as a query' },
    { origin: 'https://evil.example#app.example.com', allowed: false, why: 'the name as a fragment' },
    { origin: 'https://appxexample.com', allowed: false, why: 'a dot is a dot' },
    { origin: 'https://аpp.example.com', allowed: false, why: 'a Cyrillic letter' },
    { origin: 'https://xn--pp-8cd.example.com', allowed: false, why: 'the same in punycode' },
    { origin: 'null', allowed: false, why: 'a sandboxed or local page' },
    { origin: 'https://app.example.com, https://evil.example', allowed: false, why: 'two origins' },
    { origin: '', allowed: false, why: 'an empty one' },
  ];

  test.each(rows)('$allowed for "$origin": $why', async ({ origin, allowed }) => {
    // Header values are bytes; a name with other letters arrives as its UTF-8.
    const headers = { origin: Buffer.from(origin, 'utf8').toString('latin1') };
    for (const answer of [
      await api.call({ url: '/v5/files', key, headers }),
      await api.call({ url: '/v4/key/info', key, headers }),
      await api.call({ url: `/key/${record.identifier}`, headers }),
    ]) {
      if (allowed) {
        expect(answer.status).toBe(200);
        expect(answer.headers['access-control-allow-origin']).toBe(origin);
      } else {
        expect(answer.status).toBe(403);
        expect(answer.body['code']).toBe('ORIGIN_DENIED');
      }
    }
  });

  test('is refused where no page says that it asks: not a browser, or one that hides', async () => {
    expect((await api.call({ url: '/v5/files', key })).body['code']).toBe('ORIGIN_DENIED');
    expect((await api.call({ url: '/v5/files', key, headers: { referer: `${PAGE}/page` } })).body['code']).toBe(
      'ORIGIN_DENIED',
    );
  });

  test('serves the service’s own pages, which send no origin with what they read', async () => {
    const own = await openHarness({ publicUrl: 'https://app.example.com' });
    const ownKey = await own.key({ restrictions });
    const ask = (headers: Readonly<Record<string, string>>) => own.call({ url: '/v5/files', key: ownKey, headers });
    expect((await ask({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await ask({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await ask({ 'sec-fetch-site': 'none' })).status).toBe(403);
    await own.close();
  });

  describe('believes a server that asks for a page, and may not send Origin', () => {
    const PROXY = '10.0.0.1';
    const ASKED = { 'x-forwarded-origin': 'https://app.example.com' };
    const rows: readonly {
      readonly why: string;
      readonly trusted?: readonly string[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly outcome: string;
    }[] = [
      { why: 'a trusted proxy names an allowed page', outcome: 'served' },
      { why: 'nobody is trusted', trusted: [], outcome: 'ORIGIN_DENIED' },
      { why: 'another one is trusted', trusted: ['10.0.0.2'], outcome: 'ORIGIN_DENIED' },
      {
        why: 'it names another page',
        headers: { 'x-forwarded-origin': 'https://evil.example' },
        outcome: 'ORIGIN_DENIED',
      },
      {
        why: 'it names two pages',
        headers: { 'x-forwarded-origin': 'https://app.example.com, https://evil.example' },
        outcome: 'ORIGIN_DENIED',
      },
      { why: 'a browser says another page', headers: { origin: 'https://evil.example' }, outcome: 'ORIGIN_DENIED' },
      { why: 'a browser hides its page', headers: { origin: 'null' }, outcome: 'ORIGIN_DENIED' },
      {
        why: 'a browser says that it is a foreign page',
        headers: { 'sec-fetch-site': 'cross-site' },
        outcome: 'ORIGIN_DENIED',
      },
    ];

    test.each(rows)('$outcome when $why', async ({ trusted = [`${PROXY}/32`], headers = {}, outcome }) => {
      const proxied = await openHarness({ trustedProxies: trusted });
      const proxiedKey = await proxied.key({ restrictions });
      const answer = await proxied.call({
        url: '/v5/files',
        key: proxiedKey,
        ip: PROXY,
        headers: { 'x-forwarded-for': '203.0.113.7', ...ASKED, ...headers },
      });
      expect(answer.status === 200 ? 'served' : answer.body['code']).toBe(outcome);
      await proxied.close();
    });
  });
});
