// Readiness: which part is down is said, in bounded time, and a service that leaves is not ready.
import { afterEach, describe, expect, test } from 'vitest';
import type { Phase } from '../../src/http/drain.ts';
import type { Ports } from '../../src/ports/index.ts';
import { type Harness, openHarness } from '../support/harness.ts';

let harness: Harness | undefined;
afterEach(() => harness?.close());

const dead = async () => {
  throw new Error('dead');
};
const silent = () => new Promise<never>(() => {});

/** The ports with another answer of one part's `check`. */
const withCheck =
  (port: 'metadata' | 'counters' | 'blobs', check: () => Promise<void>) =>
  (ports: Ports): Ports => ({
    ...ports,
    [port]: new Proxy(ports[port], {
      get: (target, member) => {
        if (member === 'check') return check;
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
  });

describe('GET /health/ready', () => {
  test('answers 200 and names every part while all of them answer', async () => {
    harness = await openHarness();
    const { status, body } = await harness.call({ url: '/health/ready' });
    expect({ status, body }).toEqual({
      status: 200,
      body: { status: 'success', checks: { database: 'ok', counters: 'ok', blobs: 'ok', geo: 'ok' } },
    });
  });

  test.each([
    ['metadata', 'database'],
    ['counters', 'counters'],
    ['blobs', 'blobs'],
  ] as const)('answers 503 and names the part when %s fails', async (port, part) => {
    harness = await openHarness({ wrap: withCheck(port, dead) });
    const { status, body } = await harness.call({ url: '/health/ready' });
    expect(status).toBe(503);
    expect(body['checks']).toMatchObject({ [part]: 'unavailable', geo: 'ok' });
    expect((await harness.call({ url: '/health/live' })).status).toBe(200);
  });

  test('does not wait for a part that never answers', async () => {
    harness = await openHarness({ wrap: withCheck('blobs', silent) });
    const { status, body } = await harness.call({ url: '/health/ready' });
    expect(status).toBe(503);
    expect(body['checks']).toMatchObject({ database: 'ok', blobs: 'unavailable' });
  });

  test('asks the parts once for callers that come together, since a check writes', async () => {
    let asked = 0;
    harness = await openHarness({
      oneNode: true,
      wrap: withCheck('blobs', async () => {
        asked += 1;
      }),
    });
    const { call } = harness;
    const answers = await Promise.all(Array.from({ length: 20 }, () => call({ url: '/health/ready' })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(asked).toBe(1);
  });

  test.each(['leaving', 'closing', 'ending'] as const)('is SHUTTING_DOWN while %s, but alive', async (phase) => {
    harness = await openHarness({ phase: (): Phase => phase });
    const ready = await harness.call({ url: '/health/ready' });
    expect([ready.status, ready.body['code']]).toEqual([503, 'SHUTTING_DOWN']);
    expect((await harness.call({ url: '/health/live' })).status).toBe(200);
  });
});
