// Runs the counters contract on every database, on Valkey or Redis, and on the counters in memory.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { countersContract } from '../../contract/counters.ts';
import { openMemoryCounters } from '../../src/adapters/memory/counters.ts';
import { openRedisCounters } from '../../src/adapters/redis/counters.ts';
import type { Counters } from '../../src/ports/counters.ts';
import { databaseAdapters, type Opener, openerOf, type TestDatabase } from '../support/adapters.ts';
import { redisUrl } from '../support/redis.ts';

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
  let database: TestDatabase;
  let opener: Opener;
  beforeAll(async () => {
    database = await create();
  });
  beforeEach(async () => {
    await database.reset();
    opener = openerOf(database.url);
  });
  afterEach(() => opener.closeAll());
  afterAll(() => database?.drop());

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
