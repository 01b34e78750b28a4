// What cannot be checked is not allowed: a store of limits that is locked, frozen or gone makes them unknown, and unknown is no.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startRedis } from '../tools/services.mjs';
import { REDIS_PROGRAM } from './support/redis.ts';
import { startServer } from './support/server.ts';
import { REMOTE } from './support/suite.ts';
import { eventually, freshFolder, names, Target } from './support/target.ts';

/** What is used of the SQLite driver, which is the server's own: the suite has no dependencies. */
interface Driver {
  readonly DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void };
}
const driver = createRequire(new URL('../packages/server/package.json', import.meta.url));

describe.runIf(!REMOTE)('7 Deciding: when limits cannot be checked', () => {
  test('7.17 limits that cannot be checked are answered 503 with Retry-After, not with yes, and come back by themselves', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-outage-'));
    const adminKey = randomBytes(24).toString('hex');
    const server = await startServer({ dataDir, adminKey });
    const target = new Target();
    target.use(server);
    try {
      const folder = freshFolder();
      const holder = await target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'], upload: { max: 2 } });
      expect((await holder.upload(folder, 'before.txt')).outcome).toBe('200');
      const file = (await readdir(dataDir)).find((name) => name.endsWith('.db'));
      const { DatabaseSync } = driver('@photostructure/sqlite') as Driver; // The package's own shape.
      const database = new DatabaseSync(join(dataDir, file ?? ''));
      database.exec('BEGIN IMMEDIATE');
      try {
        const refused = await holder.upload(folder, 'during.txt');
        expect(refused.outcome).toMatch(/^503 (COUNTERS|STORE)_UNAVAILABLE$/);
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      } finally {
        database.exec('ROLLBACK');
        database.close();
      }
      await eventually(() => holder.upload(folder, 'after.txt'), '200', 10_000);
      expect((await holder.upload(folder, 'third.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
      expect(names(await holder.list(folder))).toEqual(['after.txt', 'before.txt']);
    } finally {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

describe.runIf(!REMOTE && REDIS_PROGRAM !== undefined)('a store of counters that is gone', () => {
  test('is answered 503 in bounded time while it is frozen or dead, never with yes, and used again when it is back', async () => {
    const program = REDIS_PROGRAM ?? '';
    const redis = await startRedis(program);
    const server = await startServer({ settings: { LATCHKEY_COUNTERS_URL: redis.url } });
    const target = new Target();
    target.use(server);
    try {
      const folder = freshFolder();
      const holder = await target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'], upload: { max: 3 } });
      const timed = async (name: string) => {
        const began = performance.now();
        const { outcome, headers } = await holder.upload(folder, name);
        return { outcome, retryAfter: Number(headers['retry-after']), seconds: (performance.now() - began) / 1000 };
      };
      expect((await timed('before.txt')).outcome).toBe('200');

      process.kill(redis.pid, 'SIGSTOP');
      const frozen = await Promise.all(Array.from({ length: 20 }, (_, n) => timed(`frozen-${n}.txt`)));
      process.kill(redis.pid, 'SIGCONT');
      for (const { outcome, retryAfter, seconds } of frozen) {
        expect(outcome).toBe('503 COUNTERS_UNAVAILABLE');
        expect(retryAfter).toBeGreaterThan(0);
        expect(seconds).toBeLessThan(10);
      }
      // What it took when it woke up, for requests that were answered long ago, comes back by itself.
      await eventually(() => holder.upload(folder, 'between.txt'), '200', 10_000);

      await redis.kill();
      const dead = await Promise.all(Array.from({ length: 20 }, (_, n) => timed(`dead-${n}.txt`)));
      for (const { outcome, seconds } of dead) {
        expect(outcome).toBe('503 COUNTERS_UNAVAILABLE');
        expect(seconds).toBeLessThan(10);
      }
      expect(names(await target.admin('GET', `v5/files?folder=${folder}`))).toEqual(['before.txt', 'between.txt']);

      await redis.restart();
      await eventually(() => holder.upload(folder, 'after.txt'), '200', 15_000);
      expect(names(await holder.list(folder))).toEqual(['after.txt', 'before.txt', 'between.txt']);
    } finally {
      await server.stop();
      await redis.stop();
    }
  });
});
