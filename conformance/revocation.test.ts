// A revocation reaches every node: how long it takes under load, and what a node does that can no longer hear of one.
import { setMaxListeners } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CutProxy, openProxy } from '../tools/proxy.ts';
import { type Nodes, startNodes } from './support/nodes.ts';
import { POSTGRES_URL } from './support/postgres.ts';
import { REDIS_URL } from './support/redis.ts';
import { filesIn, LONGER_THAN_A_PART_BYTES } from './support/s3.ts';
import { REMOTE } from './support/suite.ts';
import { eventually, freshAddress, type Holder, type Target, untilUnderWay } from './support/target.ts';

const REVOCATIONS = 200;
/** So many at a time, while as many others work on all nodes. */
const AT_ONCE = 4;
/** What is promised when nothing is cut. A machine that does ten other things is given the bound of a cut, and prints its figure. */
const BOUND_MS = 5000;

const counters: Readonly<Record<string, string>> = REDIS_URL === undefined ? {} : { LATCHKEY_COUNTERS_URL: REDIS_URL };

function pick<T>(list: readonly T[], n: number): T {
  const one = list[n % list.length];
  if (one === undefined) throw new TypeError('the list is empty');
  return one;
}

/** The value below which this share of them lies, in whole milliseconds. */
function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
}

/** Asks every node until all have refused; answers when the last of them began to, counted from the moment of asking. */
async function untilRefused(holder: Holder, nodes: readonly Target[], sinceMs: number): Promise<number> {
  const delays = await Promise.all(
    nodes.map(async (node) => {
      for (;;) {
        const answer = await holder.at(node).call('GET', 'key/info');
        const delayMs = performance.now() - sinceMs;
        if (answer.outcome === '401 KEY_REVOKED') return delayMs;
        expect(answer.outcome).toBe('200');
        expect(delayMs, 'a key that was revoked').toBeLessThan(BOUND_MS);
        await after(10);
      }
    }),
  );
  return Math.max(...delays);
}

describe.runIf(POSTGRES_URL !== undefined && !REMOTE)('revocations on three nodes over PostgreSQL and S3', () => {
  let nodes: Nodes;
  beforeAll(async () => {
    nodes = await startNodes(3, POSTGRES_URL ?? '', () => counters);
  });
  afterAll(() => nodes?.stop());

  test(`${REVOCATIONS} under load act on every node; the time of the slowest hundredth is printed`, async () => {
    const { targets } = nodes;
    const delays: number[] = [];
    /** The part of it that began when the revocation was acknowledged. */
    const afterwards: number[] = [];
    let isOver = false;
    let served = 0;
    const busy = await pick(targets, 0).holder({ permissions: ['OBJECTS_LIST'] });
    const load = Array.from({ length: AT_ONCE }, async (_, n) => {
      for (let turn = n; !isOver; turn += 1) {
        expect((await busy.at(pick(targets, turn)).folders('/')).outcome).toBe('200');
        served += 1;
      }
    });
    const ways: readonly ((holder: Holder, node: Target) => Promise<unknown>)[] = [
      async (holder, node) => node.admin('POST', 'v5/key/revoke', { json: { key: holder.key } }),
      async (holder, node) => node.admin('POST', 'v5/key/revoke', { json: { template: holder.template.id } }),
      async (holder, node) => node.patch(holder.template, { active: false }),
      async (holder, node) => node.admin('DELETE', `v5/security-templates/${holder.template.id}`),
    ];
    let next = 0;
    const revokers = Array.from({ length: AT_ONCE }, async () => {
      for (let n = next++; n < REVOCATIONS; n = next++) {
        const holder = await pick(targets, n).holder({ permissions: ['OBJECTS_LIST'] });
        // Every node knows the key by now, and would go on with what it knows.
        for (const node of targets) expect((await holder.at(node).call('GET', 'key/info')).outcome).toBe('200');
        const sinceMs = performance.now();
        const revoked = pick(ways, n)(holder, pick(targets, n + 1)).then(() => performance.now());
        const delayMs = await untilRefused(holder, targets, sinceMs);
        delays.push(delayMs);
        afterwards.push(Math.max(0, sinceMs + delayMs - (await revoked)));
      }
    });
    await Promise.all(revokers).finally(() => {
      isOver = true;
    });
    await Promise.all(load);
    const figures = (values: readonly number[]) =>
      `median ${at(values, 0.5)} ms, p99 ${at(values, 0.99)} ms, slowest ${at(values, 1)} ms`;
    console.log(
      `revocation: ${delays.length} on 3 nodes, ${served} other requests meanwhile. From the answer to the last node: ` +
        `${figures(afterwards)}. From the request: ${figures(delays)}.`,
    );
    expect(delays).toHaveLength(REVOCATIONS);
    expect(at(delays, 0.99)).toBeLessThan(BOUND_MS);
  });

  test('stop uploads that are under way on other nodes, and nothing of them stays', async () => {
    const [first, ...others] = nodes.targets;
    if (first === undefined) throw new TypeError('three nodes were started');
    const holder = await first.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'] });
    const sent = others.map(() => dripping());
    const uploads = others.map((node, n) => holder.at(node).put('/', `under-way-${n}.bin`, sent[n]?.body ?? ''));
    if (nodes.bucketUrl !== undefined) {
      await expect.poll(async () => (await filesIn(nodes.bucketUrl)).uploads.length).toBe(others.length);
    }
    for (const upload of uploads) await untilUnderWay(upload, () => holder.folders('/'));
    expect((await first.admin('POST', 'v5/key/revoke', { json: { key: holder.key } })).status).toBe(200);
    const sinceMs = performance.now();
    const outcomes = (await Promise.all(uploads)).map(({ outcome }) => outcome);
    const tookMs = performance.now() - sinceMs;
    for (const each of sent) each.stop();
    expect(outcomes).toEqual(others.map(() => '401 KEY_REVOKED'));
    expect(tookMs).toBeLessThan(BOUND_MS);
    console.log(`uploads under way on other nodes were answered ${Math.round(tookMs)} ms after the revocation`);
    expect((await first.admin('GET', 'v5/files?folder=/')).list('files')).toEqual([]);
    await expect.poll(() => filesIn(nodes.bucketUrl)).toEqual({ objects: [], uploads: [] });
  });
});

/** A body whose first part lies in the store before it goes on in drops, for as long as somebody wants them. */
function dripping(): { readonly body: AsyncIterable<Uint8Array>; stop(): void } {
  let isStopped = false;
  async function* body() {
    yield Buffer.alloc(LONGER_THAN_A_PART_BYTES);
    while (!isStopped) {
      yield Buffer.from('more');
      await after(20);
    }
  }
  return {
    body: body(),
    stop: () => {
      isStopped = true;
    },
  };
}

/** Resolves when an upload has its first part in the store, where that can be seen. */
async function untilInStore(bucketUrl: string | undefined): Promise<void> {
  if (bucketUrl !== undefined) await expect.poll(async () => (await filesIn(bucketUrl)).uploads.length).toBe(1);
}

describe.runIf(POSTGRES_URL !== undefined && !REMOTE)('a node that is cut off', () => {
  let nodes: Nodes;
  let proxy: CutProxy;
  beforeAll(async () => {
    const server = new URL(POSTGRES_URL ?? '');
    proxy = await openProxy(Number(server.port), server.hostname);
    nodes = await startNodes(2, POSTGRES_URL ?? '', (n, databaseUrl) => {
      if (n === 0) return counters;
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${proxy.port}`;
      return { ...counters, LATCHKEY_DATABASE_URL: url.href };
    });
  });
  afterAll(async () => {
    await nodes?.stop();
    await proxy?.close();
  });

  /** Revokes at the whole node, asks the cut one all the while, and answers what was said more than the bound after that. */
  async function saidLate(cut: () => void): Promise<{ readonly holder: Holder; readonly late: readonly string[] }> {
    const [whole, cutOff] = [pick(nodes.targets, 0), pick(nodes.targets, 1)];
    const holder = (await whole.holder({ permissions: ['OBJECTS_LIST'] })).at(cutOff);
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const ask = () => holder.call('GET', 'key/info', { signal: stop.signal });
    await eventually(ask, '200', 20_000);
    cut();
    expect((await whole.admin('POST', 'v5/key/revoke', { json: { key: holder.key } })).status).toBe(200);
    const sinceMs = performance.now();
    const late: string[] = [];
    const asked: Promise<unknown>[] = [];
    while (performance.now() - sinceMs < BOUND_MS + 1500) {
      asked.push(
        ask().then(
          ({ outcome }) => {
            if (performance.now() - sinceMs > BOUND_MS) late.push(outcome);
          },
          () => undefined, // It waits for a network that is gone: no answer is no yes.
        ),
      );
      await after(50);
    }
    stop.abort();
    await Promise.all(asked);
    return { holder, late };
  }

  test('from word of revocations alone asks the database, and refuses what was revoked', async () => {
    const { holder, late } = await saidLate(() => proxy.silence('latchkey-bus'));
    expect(new Set(late)).toEqual(new Set(['401 KEY_REVOKED']));
    proxy.restore();
    expect((await holder.call('GET', 'key/info')).outcome).toBe('401 KEY_REVOKED');
  });

  test.each(['silence', 'cut'] as const)(
    'from the database by a network that is there no more (%s) says no within five seconds, and comes back by itself',
    async (way) => {
      const { holder, late } = await saidLate(() => proxy[way]());
      for (const outcome of late) expect(outcome).toBe('503 STORE_UNAVAILABLE');
      // What is left of the silent connections is of no use to anybody.
      proxy.cut();
      proxy.restore();
      await eventually(() => holder.call('GET', 'key/info'), '401 KEY_REVOKED', 30_000);
      const other = await pick(nodes.targets, 0).holder({ permissions: ['OBJECTS_LIST'] });
      await eventually(() => other.at(pick(nodes.targets, 1)).folders('/'), '200', 30_000);
    },
  );

  test('stops an upload that is under way, and keeps nothing of it', async () => {
    const [whole, cutOff] = [pick(nodes.targets, 0), pick(nodes.targets, 1)];
    const from = freshAddress();
    const holder = (await whole.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'] }, { from })).at(cutOff);
    await eventually(() => holder.folders('/'), '200', 20_000);
    const sent = dripping();
    const upload = holder.put('/', 'in-flight.bin', sent.body);
    await untilInStore(nodes.bucketUrl);
    await untilUnderWay(upload, () => holder.folders('/'));
    const sinceMs = performance.now();
    proxy.silence();
    const { outcome } = await upload;
    const tookMs = performance.now() - sinceMs;
    sent.stop();
    proxy.cut();
    proxy.restore();
    expect(outcome).toBe('503 STORE_UNAVAILABLE');
    // The answer may wait for the store to be given up; the bytes do not.
    console.log(`an upload on a node that was cut off was answered after ${Math.round(tookMs)} ms`);
    const seen = await whole.admin('GET', 'v5/files?folder=/');
    expect(seen.text('status')).toBe('success');
    expect(seen.list('files')).toEqual([]);
    await expect.poll(() => filesIn(nodes.bucketUrl)).toEqual({ objects: [], uploads: [] });
  });
});
