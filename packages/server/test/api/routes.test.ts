// The route table is all there is: nothing is mounted beside it, and nothing in it is without an operation.
import diagnostics from 'node:diagnostics_channel';
import { isOperationName, OPERATIONS } from '@latchkey/policy';
import type { FastifyInstance } from 'fastify';
import { afterAll, describe, expect, test } from 'vitest';
import { expandPaths } from '../../src/http/app.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { openHarness } from '../support/harness.ts';

/** `METHOD /path` of everything that is ever mounted; the router's own printed tree leaves wildcards out. */
const mounted = new Set<string>();
const watch = (message: unknown) => {
  const { fastify } = message as { readonly fastify: FastifyInstance }; // What Fastify's documentation promises.
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) mounted.add(`${name} ${url}`);
  });
};
diagnostics.subscribe('fastify.initialization', watch);
const api = await openHarness();
diagnostics.unsubscribe('fastify.initialization', watch);
afterAll(() => api.close());

/** Routes of the service itself. Each of them is public, or guarded by the session that it is about. */
const OUTSIDE_THE_TABLE = [
  'DELETE /console/session',
  'GET /',
  'GET /admin/constants/uploaders.connectors.endpoints/items',
  'GET /admin/keys/permissions',
  'GET /admin/project/:uuid/accesses/constants',
  'GET /admin/public/constants',
  'GET /console',
  'GET /console/session',
  'GET /demo',
  'GET /demo/config.json',
  'GET /health/live',
  'GET /health/ready',
  'GET /i18n/export',
  'GET /metrics',
  'OPTIONS /*',
  'POST /console/session',
];

describe('the route table', () => {
  test('names at least one known operation in every row', () => {
    for (const row of ROUTES) {
      expect(row.operations.length, row.paths.join()).toBeGreaterThan(0);
      expect(row.operations.every(isOperationName), row.paths.join()).toBe(true);
    }
  });

  test('has a row for every operation: no permission is decoration without a reason', () => {
    const demanded = new Set(ROUTES.flatMap((row) => row.operations));
    expect(Object.keys(OPERATIONS).filter((name) => isOperationName(name) && !demanded.has(name))).toEqual([]);
  });

  test('gives no address to two rows', () => {
    const all = ROUTES.flatMap((row) => expandPaths(row).map(({ url }) => `${row.method} ${url}`));
    expect(all.filter((address, index) => all.indexOf(address) !== index)).toEqual([]);
  });

  test('is all that is mounted, apart from a short list', () => {
    const rows = new Set(ROUTES.flatMap((row) => expandPaths(row).map(({ url }) => `${row.method} ${url}`)));
    const known = [...mounted].filter((address) => !address.startsWith('HEAD '));
    expect(known.filter((address) => !rows.has(address)).sort()).toEqual(OUTSIDE_THE_TABLE);
    expect([...rows].filter((address) => !mounted.has(address))).toEqual([]);
  });

  test('answers HEAD wherever it answers GET, under the same guard', async () => {
    const key = await api.key();
    expect((await api.call({ method: 'HEAD', url: '/v5/files' })).status).toBe(401);
    const answer = await api.call({ method: 'HEAD', url: '/v5/files', key });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
  });
});

describe('the error envelope', () => {
  test.each([
    { request: { url: '/nothing/here' }, status: 404, code: 'ROUTE_NOT_FOUND' },
    { request: { url: '/v9/files' }, status: 404, code: 'ROUTE_NOT_FOUND' },
    { request: { method: 'PATCH' as const, url: '/v5/labels' }, status: 405, code: 'METHOD_NOT_ALLOWED' },
    { request: { url: '/v5/files' }, status: 401, code: 'KEY_MISSING' },
    { request: { url: '/v5/files?q=%zz' }, status: 400, code: 'REQUEST_INVALID' },
    { request: { url: '/v5/files/%zz' }, status: 400, code: 'REQUEST_INVALID' },
    { request: { url: '/v5/files?key=a&key=b' }, status: 400, code: 'REQUEST_INVALID' },
  ])('has code, message, hint and request id: $request', async ({ request, status, code }) => {
    const answer = await api.call(request);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toMatchObject({ status: 'error', code, msg: expect.any(String), hint: expect.any(String) });
    expect(answer.textAt('request_id')).toBe(answer.headers['x-request-id']);
  });

  test('can be read by the page that asked, also where no route was found', async () => {
    const headers = { origin: 'https://app.example.com' };
    for (const url of ['/nothing/here', '/v5/files/%zz', `/v5/files/${'a'.repeat(20_000)}`]) {
      const answer = await api.call({ url, headers });
      expect(answer.headers['access-control-allow-origin'], url).toBe(headers.origin);
    }
  });

  test('names a body that is no JSON', async () => {
    const { secret } = await api.secretKey();
    const answer = await api.call({ method: 'POST', url: '/key', key: secret, body: '{"a":' });
    expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID', faults: [{ field: 'body', code: 'JSON_INVALID' }] });
  });

  test('names a body that is no UTF-8, before anything of it is kept', async () => {
    const { secret } = await api.secretKey();
    const uuid = (await api.upload(secret, '/utf8', { name: 'x.txt' })).textAt('file.uuid');
    const body = Buffer.from('{"meta":{"title":"caf\xe9"},"name":"caf\xe9","data":""}', 'latin1');
    for (const [method, url] of [
      ['PUT', `/v5/file/${uuid}/meta`],
      ['PUT', `/v5/file/${uuid}/name`],
      ['POST', '/v5/files?folder=/utf8'],
    ] as const) {
      const headers = { 'content-type': 'application/json' };
      const answer = await api.call({ method, url, key: secret, headers, body });
      expect(answer.status, url).toBe(400);
      expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID', faults: [{ field: 'body', code: 'UTF8_INVALID' }] });
    }
    expect((await api.call({ url: `/v5/file/${uuid}`, key: secret })).body).toMatchObject({
      file: { meta: {}, name: 'x.txt' },
    });
  });

  test('refuses before the body is looked at', async () => {
    const answer = await api.call({ method: 'POST', url: '/key', body: '{"a":' });
    expect(answer.body['code']).toBe('KEY_MISSING');
  });

  test('limits a JSON body', async () => {
    const small = await openHarness({ jsonBytesMax: 100 });
    const { secret } = await small.secretKey();
    const answer = await small.call({ method: 'POST', url: '/key', key: secret, body: { subject: 'x'.repeat(200) } });
    expect(answer.status).toBe(413);
    expect(answer.body['code']).toBe('PAYLOAD_TOO_LARGE');
    await small.close();
  });

  test('shows the trace to those who switched it on, and to nobody else', async () => {
    const open = await openHarness({ showTrace: true });
    for (const [harness, shows] of [
      [open, true],
      [api, false],
    ] as const) {
      const answer = await harness.call({ url: '/v5/files', key: await harness.key({ permissions: [] }) });
      expect(answer.body['code']).toBe('PERMISSION_DENIED');
      expect(answer.body['decision'] !== undefined).toBe(shows);
    }
    await open.close();
  });

  test('tells nothing of a fault of ours but an id, under which the log has it', async () => {
    const secretWord = 'the-password-of-the-database';
    const broken = await openHarness({
      wrap: (ports) => ({
        ...ports,
        geo: {
          ...ports.geo,
          country: () => {
            throw new Error(secretWord);
          },
        },
      }),
    });
    const answer = await broken.call({ url: '/v5/files', key: await broken.key() });
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ status: 'error', code: 'INTERNAL' });
    expect(answer.text).not.toContain(secretWord);
    const logged = broken.log.find(({ event }) => event === 'request.failed');
    expect(logged?.fields).toMatchObject({ requestId: answer.textAt('request_id'), code: 'INTERNAL' });
    expect(JSON.stringify(logged)).toContain(secretWord);
    await broken.close();
  });
});

describe('an address with a part of great length', () => {
  test.each([1025, 16_000])('is judged like any other, whichever route it is of: %d characters', async (length) => {
    const { secret } = await api.secretKey();
    const headers = await api.admin();
    for (const row of ROUTES) {
      const path = row.paths[0]?.replace(/\{v\??\}/, 'v5').replaceAll(/:[a-z]+|\*/g, 'a'.repeat(length)) ?? '';
      if (!path.includes('aaa')) continue;
      const body = row.body === 'stream' || row.method === 'GET' ? {} : { body: {} };
      for (const credential of [{}, { key: secret }, { headers }]) {
        const { status, text } = await api.call({ method: row.method, url: path, ...credential, ...body });
        expect([status >= 400 || status === 200, status < 500], `${row.method} ${row.paths[0]}: ${text}`).toEqual([
          true,
          true,
        ]);
      }
    }
  });

  test('carries a long value of metadata', async () => {
    const key = await api.key();
    const uuid = (await api.upload(key, '/long')).textAt('file.uuid');
    const value = 'x'.repeat(10_000);
    const answer = await api.call({ method: 'PUT', url: `/v5/file/${uuid}/meta/plain/${value}`, key });
    expect([answer.status, answer.body['meta']]).toEqual([200, { plain: value }]);
  });

  test('is refused beyond what a request may have before its body', async () => {
    const answer = await api.call({ url: `/v5/files/${'a'.repeat(16 * 1024 + 1)}` });
    expect([answer.status, answer.body['code']]).toEqual([414, 'URL_TOO_LONG']);
  });
});

describe('bodies as clients send them', () => {
  const post = async (headers: Readonly<Record<string, string>>, body: string) => {
    const { secret } = await api.secretKey();
    return api.call({ method: 'POST', url: '/key', key: secret, headers, body });
  };

  test.each([
    { 'content-type': 'application/json' },
    { 'content-type': 'application/json; charset=utf-8' },
    { 'content-type': 'application/json, text/csv' },
    { 'content-type': 'text/plain;charset=UTF-8' },
  ])('are read as JSON, and empty ones as nothing: %j', async (headers) => {
    expect((await post(headers, '{"permissions":["OBJECTS_LIST"]}')).status).toBe(200);
    expect((await post(headers, '')).status).toBe(200);
    expect((await post(headers, ' \n')).status).toBe(200);
  });

  test('may be announced on requests that have none', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await api.call({ url: '/v5/files', key: await api.key(), headers })).status).toBe(200);
  });

  test('may come with DELETE', async () => {
    const { secret } = await api.secretKey();
    const answer = await api.call({ method: 'DELETE', url: '/v5/key', key: secret, body: { key_id: 'abc' } });
    expect(answer.status).toBe(200);
  });
});

describe('an address with another method', () => {
  test.each([
    ['DELETE', '/v5/filters', 'GET, HEAD, OPTIONS'],
    ['POST', '/cdn/a.txt', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/v4/objects', 'DELETE, OPTIONS'],
  ] as const)('%s %s says which it takes', async (method, url, allow) => {
    const answer = await api.call({ method, url });
    expect([answer.status, answer.body['code'], answer.headers['allow']]).toEqual([405, 'METHOD_NOT_ALLOWED', allow]);
  });

  test.each([
    {},
    { headers: { 'content-type': 'application/json' } },
    { headers: { 'content-type': 'application/json' }, body: '{broken' },
    { headers: { 'content-type': 'application/xml' }, body: '<a/>' },
  ])('that does not exist at all is not found, whatever is sent to it: %o', async (sent) => {
    const answer = await api.call({ method: 'POST', url: '/v5/nothing', ...sent });
    expect([answer.status, answer.body['code']]).toEqual([404, 'ROUTE_NOT_FOUND']);
  });
});
