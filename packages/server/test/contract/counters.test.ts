// Runs the counters contract on every database, on Valkey or Redis - one server, a cluster, behind a sentinel - and in memory.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countersContract } from '../../contract/counters.ts';
import { openMemoryCounters } from '../../src/adapters/memory/counters.ts';
import { openRedisCounters } from '../../src/adapters/redis/counters.ts';
import type { Counters } from '../../src/ports/counters.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';
import { redisUrl } from '../support/redis.ts';
import { type Guarded, type RedisGroup, redisProgram, startCluster, startGuarded } from '../support/redis-groups.ts';

const cases = countersContract.map((contractCase) => [contractCase.name, contractCase] as const);

describe('the counters contract in memory', () => {
  test.each(cases)('%s', async (_, { run }) => {
    // Another node cannot see this memory, so every node of a case is the same one.
    const counters = openMemoryCounters();
    await run(async () => counters);
    await counters.close();
  });
});

describe.each(databaseAdapters)('the counters contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(cases)('%s', async (_, { run }) => {
    await run(async (): Promise<Counters> => {
      const { counters, close } = await opener.open();
      return {
        reserve: (charges, nowMs, holdMs) => counters.reserve(charges, nowMs, holdMs),
        settle: (id, actual) => counters.settle(id, actual),
        release: (id) => counters.release(id),
        sweep: (nowMs) => counters.sweep(nowMs),
        check: () => counters.check(),
        close,
      };
    });
  });
});

describe.skipIf(redisUrl === undefined)('the counters contract on Valkey or Redis', () => {
  const opened: Counters[] = [];
  afterEach(async () => {
    for (const counters of opened.splice(0)) await counters.close();
  });

  test.each(cases)('%s', async (_, { run }) => {
    // Keys of its own for every case: the server may be in use.
    const prefix = `test-${randomUUID()}`;
    await run(async () => {
      const counters = await openRedisCounters(redisUrl ?? '', { clock: 'caller', prefix });
      opened.push(counters);
      return counters;
    });
  });
});

describe.skipIf(redisProgram === undefined)('several servers of Valkey or Redis', () => {
  const opened: Counters[] = [];
  afterEach(async () => {
    for (const counters of opened.splice(0)) await counters.close();
  });

  const openOf = (url: string) => async () => {
    const counters = await openRedisCounters(url, { clock: 'caller', prefix: `test-${run}` });
    opened.push(counters);
    return counters;
  };
  /** Keys of its own for every case. */
  let run = '';
  beforeEach(() => {
    run = randomUUID();
  });

  describe('as a cluster', () => {
    let cluster: RedisGroup;
    beforeAll(async () => {
      cluster = await startCluster(redisProgram ?? '');
    }, 60_000);
    afterAll(() => cluster?.stop());
    test.each(cases)('%s', (_, contractCase) => contractCase.run(openOf(cluster.url)));
  });

  describe('behind a sentinel', () => {
    let guarded: Guarded;
    beforeAll(async () => {
      guarded = await startGuarded(redisProgram ?? '');
    }, 60_000);
    afterAll(() => guarded?.stop());
    test.each(cases)('%s', (_, contractCase) => contractCase.run(openOf(guarded.url)));

    test('a failover is passed by without a restart: no answer but the right one, or none', async () => {
      const counters = await openOf(guarded.url)();
      const charge = {
        counter: 'template/uploads',
        limit: 3,
        windowMs: 'lifetime',
        cost: 1,
        code: 'UPLOAD_QUOTA_EXHAUSTED',
        rule: 'upload.max',
        unit: 'files',
        expiresAtMs: 10_000_000,
      } as const;
      const reserve = () => counters.reserve([charge], 1000, 1_000_000);
      expect([(await reserve()).admitted, (await reserve()).admitted]).toEqual([true, true]);
      await guarded.replicated();
      await guarded.killPrimary();
      let admitted = false;
      for (const deadline = performance.now() + 30_000; !admitted && performance.now() < deadline; ) {
        const answer = await reserve().catch((error: unknown) => error);
        if (answer instanceof Error) expect(answer).toMatchObject({ code: 'COUNTERS_UNAVAILABLE' });
        else expect(answer).toMatchObject({ admitted: true });
        admitted = !(answer instanceof Error);
        await new Promise((resume) => setTimeout(resume, 50));
      }
      expect(admitted).toBe(true);
      expect(await reserve()).toMatchObject({ admitted: false, used: 3 });
    }, 60_000);
  });
});
