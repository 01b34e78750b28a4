// Numbers for Prometheus: who may read them, that they count what happened, and that clients cannot make them grow.
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { observedCounters } from '../../src/adapters/observed/counters.ts';
import { createMetricsServer } from '../../src/http/metrics.ts';
import { METRICS } from '../../src/ports/meter.ts';
import { openHarness } from '../support/harness.ts';

const TOKEN = 'a-token-of-the-collector';
const harness = await openHarness({
  metricsToken: TOKEN,
  wrap: (ports) => ({ ...ports, counters: observedCounters(ports.counters, ports.system.meter) }),
});
afterAll(() => harness.close());

const authorization = `Bearer ${TOKEN}`;

/** Every sample of the exposition: `name{labels}` -> value. */
async function samples(): Promise<ReadonlyMap<string, number>> {
  const { status, text } = await harness.call({ url: '/metrics', headers: { authorization } });
  expect(status).toBe(200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('GET /metrics', () => {
  test.each([
    ['no credential', {}],
    ['another token', { authorization: 'Bearer a-token-of-nobody-at-all' }],
    ['the token in another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('refuses %s', async (_, headers) => {
    const answer = await harness.call({ url: '/metrics', headers });
    expect([answer.status, answer.body['code']]).toEqual([401, 'UNAUTHORIZED']);
    expect(answer.text).not.toContain('latchkey_');
  });

  test('is closed as long as no token is set, and says which settings open it', async () => {
    const closed = await openHarness();
    const answer = await closed.call({ url: '/metrics', headers: { authorization: 'Bearer undefined' } });
    expect([answer.status, answer.body['code']]).toEqual([401, 'UNAUTHORIZED']);
    expect(answer.textAt('hint')).toMatch(/LATCHKEY_METRICS_TOKEN.*LATCHKEY_METRICS_LISTEN/);
    await closed.close();
  });

  test('counts decisions by operation and code, reservations by what became of them, and what was uploaded', async () => {
    const before = await samples();
    const key = await harness.key({ upload: { max: 2 } });
    for (const name of ['1.txt', '2.txt', '3.txt']) await harness.upload(key, '/metrics', { name, content: '12345' });
    const reader = await harness.key({ permissions: ['OBJECTS_LIST'] });
    await harness.upload(reader, '/metrics', { name: 'never.txt' });
    await harness.call({ url: '/v4/files?folder=/metrics', key: `${key}x` });
    const after = await samples();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect({
      allowed: grown('latchkey_decisions_total{operation="file.upload",code="ALLOWED"}'),
      exhausted: grown('latchkey_decisions_total{operation="file.upload",code="UPLOAD_QUOTA_EXHAUSTED"}'),
      denied: grown('latchkey_decisions_total{operation="file.upload",code="PERMISSION_DENIED"}'),
      invalid: grown('latchkey_decisions_total{operation="file.list",code="KEY_INVALID"}'),
      made: grown('latchkey_reservations_total{outcome="made"}'),
      refused: grown('latchkey_reservations_total{outcome="refused"}'),
      settled: grown('latchkey_reservations_total{outcome="settled"}'),
      files: grown('latchkey_uploaded_files_total'),
      bytes: grown('latchkey_uploaded_bytes_total'),
      answered: grown(
        'latchkey_http_request_duration_seconds_count{method="POST",route="/{container}/{v?}/upload",status="200"}',
      ),
    }).toEqual({
      allowed: 2,
      exhausted: 1,
      denied: 1,
      invalid: 1,
      made: 2,
      refused: 1,
      settled: 2,
      files: 2,
      bytes: 10,
      answered: 2,
    });
  });

  test('does not grow with what clients send: names, folders, containers, keys and addresses are no labels', async () => {
    const key = await harness.key();
    const visit = async (n: number) => {
      await harness.upload(key, `/folder-${n}`, { name: `name-${n}.txt` });
      await harness.call({ url: `/v4/files?folder=/folder-${n}`, key: `SASS__wrong${n}` });
      await harness.call({ url: `/nowhere-${n}/${n}/${n}` });
      await harness.call({ url: `/v${3 + (n % 3)}/files/${n}`, key });
    };
    for (const n of [0, 1, 2]) await visit(n);
    const before = await samples();
    for (let n = 3; n < 12; n += 1) await visit(n);
    const after = await samples();
    expect([...after.keys()].filter((name) => !before.has(name))).toEqual([]);
    expect([...after.keys()].filter((name) => /folder-|name-|nowhere|SASS__/.test(name))).toEqual([]);
  });
});

describe('the address of metrics alone', () => {
  test.each([
    ['without a token', undefined, undefined, 200],
    ['with its token', TOKEN, authorization, 200],
    ['without the token that is set', TOKEN, undefined, 401],
  ])('answers %s', async (_, token, sent, status) => {
    const server = createMetricsServer(harness.ports.system.meter, token);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP listener has a port');
    const url = `http://127.0.0.1:${address.port}`;
    const answer = await fetch(`${url}/metrics`, { headers: sent === undefined ? {} : { authorization: sent } });
    expect(answer.status).toBe(status);
    expect((await answer.text()).includes('latchkey_decisions_total')).toBe(status === 200);
    expect((await fetch(`${url}/health/live`)).status).toBe(404);
    server.closeAllConnections();
    server.close();
  });
});

describe('the meter', () => {
  test('leaves out what does not answer, instead of showing a number', async () => {
    const { meter } = harness.ports.system;
    meter.watch('examinationsWaiting', async () => [{ labels: {}, value: 7 }]);
    expect((await samples()).get('latchkey_examinations_waiting')).toBe(7);
    meter.watch('examinationsWaiting', () => Promise.reject(new Error('away')));
    expect((await samples()).has('latchkey_examinations_waiting')).toBe(false);
  });

  test('has a name of the usual form, a sentence and few labels for everything', () => {
    for (const { name, kind, help, labels } of Object.values(METRICS)) {
      expect(name).toMatch(/^latchkey_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(kind === 'counter');
      expect(help).toMatch(/\.$/);
      expect(labels.length).toBeLessThanOrEqual(3);
    }
  });
});
