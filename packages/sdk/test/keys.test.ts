// Keeping an access key fresh: one exchange at a time, renewed before expiry, patient when asked to wait.
import { describe, expect, test } from 'vitest';
import { LatchkeyError } from '../src/errors.ts';
import { createKeySource } from '../src/keys.ts';
import { fakeService, json, refused, type Sent } from './fake-service.ts';

const VALIDITY_MS = 19.5 * 60_000;

/** A source on a held clock; `wait` moves the clock instead of sleeping. */
function source(respond: (sent: Sent, count: number) => Response | Promise<Response>) {
  const clock = { nowMs: 1_000_000 };
  const waits: number[] = [];
  const service = fakeService(respond);
  const keys = createKeySource({
    endpoint: 'https://assets.example.com/',
    container: 'demo',
    template: 'SECU_1',
    fetch: service.send,
    now: () => clock.nowMs,
    wait: async (ms) => {
      waits.push(ms);
      clock.nowMs += ms;
    },
  });
  return { keys, clock, waits, requests: service.requests };
}

const numbered = (_: Sent, count: number) => json(200, { status: 'success', key: `key-${count}` });

describe('key source', () => {
  test('exchanges the template at the documented path', async () => {
    const { keys, requests } = source(numbered);
    expect(await keys.get()).toBe('key-1');
    expect(requests[0]?.url).toBe('https://assets.example.com/demo/key/SECU_1');
  });

  test('keeps a key until its renewal time and not longer', async () => {
    const { keys, clock } = source(numbered);
    await keys.get();
    clock.nowMs += VALIDITY_MS - 1;
    expect(await keys.get()).toBe('key-1');
    clock.nowMs += 1;
    expect(await keys.get()).toBe('key-2');
  });

  test('takes a named renewal time as milliseconds', async () => {
    const { keys, clock } = source((_, count) =>
      json(200, { status: 'success', key: `key-${count}`, key_validity: { expire_duration: 60_000 } }),
    );
    await keys.get();
    clock.nowMs += 59_999;
    expect(await keys.get()).toBe('key-1');
    clock.nowMs += 1;
    expect(await keys.get()).toBe('key-2');
  });

  test('does not exchange at every call when the named time is not positive', async () => {
    const { keys, requests } = source(() =>
      json(200, { status: 'success', key: 'short', key_validity: { expire_duration: -10_000 } }),
    );
    await keys.get();
    await keys.get();
    expect(requests).toHaveLength(1);
  });

  test('shares one exchange among parallel callers', async () => {
    const { keys, requests } = source(numbered);
    const all = await Promise.all(Array.from({ length: 50 }, () => keys.get()));
    expect(new Set(all)).toEqual(new Set(['key-1']));
    expect(requests).toHaveLength(1);
  });

  test('never shares a key between two sources', async () => {
    const first = source(() => json(200, { status: 'success', key: 'of-ann' }));
    const second = source(() => json(200, { status: 'success', key: 'of-bob' }));
    expect(await first.keys.get()).toBe('of-ann');
    expect(await second.keys.get()).toBe('of-bob');
  });

  test('waits as long as a 429 asks before it tries again', async () => {
    const { keys, waits } = source((sent, count) =>
      count === 1 ? refused(429, 'KEY_RATE_LIMITED', { 'retry-after': '7' }) : numbered(sent, count),
    );
    expect(await keys.get()).toBe('key-2');
    expect(waits).toEqual([7000]);
  });

  test('gives up after three refusals, with the time to wait in the error', async () => {
    const { keys, requests } = source(() => refused(429, 'KEY_RATE_LIMITED', { 'retry-after': '7' }));
    await expect(keys.get()).rejects.toMatchObject({ code: 'KEY_RATE_LIMITED', retryAfterMs: 7000 });
    expect(requests).toHaveLength(3);
  });

  test('leaves a long wait to the caller', async () => {
    const { keys, waits } = source(() => refused(503, 'STORE_UNAVAILABLE', { 'retry-after': '600' }));
    await expect(keys.get()).rejects.toMatchObject({ retryAfterMs: 600_000 });
    expect(waits).toEqual([]);
  });

  test('goes on with the old key while renewal is refused and the key is still accepted', async () => {
    const { keys, clock, waits, requests } = source((sent, count) =>
      count === 1 ? numbered(sent, count) : refused(429, 'KEY_RATE_LIMITED', { 'retry-after': '20' }),
    );
    await keys.get();
    clock.nowMs += VALIDITY_MS;
    expect(await keys.get()).toBe('key-1');
    expect(await keys.get()).toBe('key-1');
    expect(waits).toEqual([]);
    expect(requests, 'the second renewal waits until the service allows it').toHaveLength(2);
  });

  test('does not wait for a refusal that waiting cannot cure', async () => {
    const { keys, requests } = source(() => refused(404, 'TEMPLATE_NOT_FOUND'));
    await expect(keys.get()).rejects.toBeInstanceOf(LatchkeyError);
    expect(requests).toHaveLength(1);
  });

  test('exchanges again after the held key was dropped, and keeps a newer one', async () => {
    const { keys } = source(numbered);
    const first = await keys.get();
    keys.drop(first);
    expect(await keys.get()).toBe('key-2');
    keys.drop(first);
    expect(await keys.get()).toBe('key-2');
  });

  test('lets one caller leave without ending the exchange of the others', async () => {
    let answer = (_: Response) => {};
    const { keys } = source(
      () =>
        new Promise<Response>((resolve) => {
          answer = resolve;
        }),
    );
    const leaving = new AbortController();
    const left = keys.get(leaving.signal);
    const stays = keys.get();
    leaving.abort(new Error('page closed'));
    await expect(left).rejects.toThrow('page closed');
    answer(json(200, { status: 'success', key: 'shared' }));
    expect(await stays).toBe('shared');
  });
});
