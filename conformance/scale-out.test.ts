// Two nodes with nothing in common but PostgreSQL, Valkey or Redis and an S3 store behave as one.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, POSTGRES_URL } from './support/postgres.ts';
import { REDIS_URL } from './support/redis.ts';
import { createBucket, S3_URL } from './support/s3.ts';
import { type Server, startServer } from './support/server.ts';
import { expectNoSecretIn } from './support/suite.ts';
import { freshFolder, Target } from './support/target.ts';

const hasAll = POSTGRES_URL !== undefined && REDIS_URL !== undefined && S3_URL !== undefined;

describe.runIf(hasAll)('two nodes over PostgreSQL, Valkey or Redis and S3', () => {
  const [here, there] = [new Target(), new Target()];
  const servers: Server[] = [];
  let drop: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    const database = await createDatabase(POSTGRES_URL ?? '');
    drop = database.drop;
    const settings = {
      LATCHKEY_DATABASE_URL: database.url,
      LATCHKEY_COUNTERS_URL: REDIS_URL ?? '',
      LATCHKEY_BLOBS_URL: await createBucket(S3_URL ?? ''),
      LATCHKEY_SIGNING_SECRETS: `s1:${randomBytes(32).toString('hex')}`,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
    // Each with a data folder of its own: nothing but the three stores is shared.
    for (const target of [here, there]) {
      const server = await startServer({ settings, adminKey });
      servers.push(server);
      target.use(server);
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await drop?.();
    for (const server of servers) expectNoSecretIn(server.output(), [...here.secrets, ...there.secrets, here.adminKey]);
  });

  test('what one takes in the other lists and gives back byte for byte, whole and in ranges, in one part or several', async () => {
    const folder = freshFolder();
    const holder = await here.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST', 'OBJECTS_FETCH'] });
    for (const [name, size] of [
      ['empty.bin', 0],
      ['small.bin', 1000],
      ['large.bin', 20_000_003],
    ] as const) {
      const content = randomBytes(size);
      const uploaded = await holder.put(folder, name, content);
      expect(uploaded.outcome).toBe('200');
      const uuid = uploaded.text('file.uuid');
      const reader = holder.at(there);
      const whole = await reader.call('GET', `v4/get/${uuid}`);
      expect(whole.outcome).toBe('200');
      expect(whole.bytes.equals(content)).toBe(true);
      if (size === 0) continue;
      const part = await reader.call('GET', `v4/get/${uuid}`, {
        headers: { range: `bytes=${size - 700}-${size - 1}` },
      });
      expect(part.outcome).toBe('206');
      expect(part.bytes.equals(content.subarray(size - 700))).toBe(true);
    }
  });

  test('a limit is one limit, and a revocation at one acts at the other', async () => {
    const folder = freshFolder();
    const stored = await here.template({ permissions: ['FILE_UPLOAD'], upload: { max: 3 } });
    const holder = await here.holderOf(stored);
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) => holder.at(n % 2 === 0 ? here : there).upload(folder, `${n}.txt`)),
    );
    expect(outcomes.filter(({ outcome }) => outcome === '200')).toHaveLength(3);
    await here.patch(stored, { active: false });
    const began = performance.now();
    for (;;) {
      const { outcome } = await holder.at(there).upload(folder, 'late.txt');
      if (outcome.startsWith('401')) break;
      expect(performance.now() - began, outcome).toBeLessThan(1000);
    }
  });
});
