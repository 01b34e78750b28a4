// Traces: which spans a request makes, whose trace it continues, and that nothing secret is in them. The collector is a real HTTP
// receiver of OTLP, and the service a composed one.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { compose, type Service } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { multipart } from '../support/harness.ts';

/** A span as OTLP/JSON tells of it; only what is read here. */
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}
interface OtlpBatch {
  readonly resourceSpans: readonly {
    readonly resource: OtlpSpan;
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const ADMIN_KEY = `tracing-admin-${randomBytes(16).toString('hex')}`;
const batches: OtlpBatch[] = [];
const collector = createServer(async (request, response) => {
  if (request.url === '/v1/traces') batches.push((await json(request)) as OtlpBatch);
  response.setHeader('content-type', 'application/json').end('{}');
});

let folder = '';
let service: Service;

beforeAll(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const address = collector.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP listener has a port');
  folder = await mkdtemp(join(tmpdir(), 'latchkey-tracing-'));
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'assets',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const loaded = loadConfig({
    env: { ...env, LATCHKEY_DATA_DIR: folder, LATCHKEY_ADMIN_KEY: ADMIN_KEY, LATCHKEY_LOG_LEVEL: 'silent' },
    args: [],
  });
  if (!loaded.ok) throw new Error(loaded.faults.join());
  service = await compose(loaded.config);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  collector.closeAllConnections();
  collector.close();
  await rm(folder, { recursive: true, force: true });
});

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

describe('with a collector named', () => {
  test('a request is one trace of the caller: decision, counters, database and bytes below it, and no secret in any of it', async () => {
    const call = (method: 'GET' | 'POST', url: string, body?: object, key = ADMIN_KEY, headers = {}) =>
      service.app.inject({
        method,
        url: `/demo${url}`,
        headers: { ...headers, 'x-filerobot-key': key, traceparent: `00-${TRACE_ID}-${CALLER}-01` },
        ...(body === undefined ? {} : { payload: body }),
      });
    const template = { name: 'Traced', permissions: ['FILE_UPLOAD'], upload: { max: 5 } };
    const made = await call('POST', '/v5/security-templates', template);
    expect(made.statusCode).toBe(200);
    const { id } = made.json().security_template;
    const exchanged = await service.app.inject({ url: `/demo/key/${id}` });
    const { key } = exchanged.json();
    expect(key).toMatch(/^SASS__/);
    const { headers, body } = multipart([{ name: 'private-name.txt', content: 'private-content' }]);
    const uploaded = await call('POST', '/v4/files?folder=/private-name', body, key, headers);
    expect([uploaded.statusCode, uploaded.body]).toEqual([200, expect.stringContaining('"success"')]);
    const denied = await call('GET', `/v4/files?folder=/&key=${encodeURIComponent(`${key}x`)}`, undefined, '');
    expect(denied.statusCode).toBe(401);
    // Sends what is left.
    await service.close();

    const spans = batches.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)),
    );
    const upload = spans.find(
      ({ name, traceId, attributes }) =>
        traceId === TRACE_ID && name.startsWith('POST /{container}/{v?}/upload') && attributes.length > 0,
    );
    expect(upload?.parentSpanId).toBe(CALLER);
    const attributesOf = (span: OtlpSpan | undefined) =>
      Object.fromEntries(span?.attributes.map(({ key: name, value }) => [name, Object.values(value)[0]]) ?? []);
    expect(attributesOf(upload)).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/{container}/{v?}/upload',
      'http.response.status_code': 200,
      'latchkey.request_id': expect.any(String),
    });

    const below = (parent: string | undefined): OtlpSpan[] => {
      const children = spans.filter(({ parentSpanId }) => parentSpanId === parent);
      return children.flatMap((child) => [child, ...below(child.spanId)]);
    };
    const names = below(upload?.spanId).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'guard.enter',
        'guard.admit',
        'guard.recheck',
        'templates.findTemplate',
        'counters.reserve',
        'counters.settle',
        'blobs.write',
        'metadata.commitFiles',
      ]),
    );
    const admit = below(upload?.spanId).find(({ name }) => name === 'guard.admit');
    expect(attributesOf(admit)).toMatchObject({
      'latchkey.operation': 'file.upload',
      'latchkey.code': 'ALLOWED',
      'latchkey.decision_id': expect.stringMatching(/\.1$/),
    });
    expect(below(admit?.spanId).map(({ name }) => name)).toContain('counters.reserve');
    const refused = spans.find((span) => attributesOf(span)['latchkey.code'] === 'KEY_INVALID');
    expect(refused?.name).toBe('guard.enter');

    const sent = JSON.stringify(batches);
    for (const secret of [
      ADMIN_KEY,
      key,
      encodeURIComponent(key),
      key.slice(-24),
      'private-name',
      'private-content',
      'SASS__',
      id,
    ]) {
      expect(sent.includes(secret), `${secret} was sent to the collector`).toBe(false);
    }
    expect(attributesOf(batches[0]?.resourceSpans[0]?.resource)).toMatchObject({
      'service.name': 'assets',
      'deployment.environment': 'test',
    });
  });
});
