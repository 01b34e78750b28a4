// The stores of an application under test: in memory and on disk, or the engines that LATCHKEY_TEST_LAYOUT asks for, for each node.
import { randomBytes } from 'node:crypto';
import { layoutOf, NODES } from '../../../../tools/layouts.mjs';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from '../../src/adapters/disk/partial-blobs.ts';
import { openRedisCounters } from '../../src/adapters/redis/counters.ts';
import { openS3Blobs } from '../../src/adapters/s3/blobs.ts';
import { openS3PartialBlobs } from '../../src/adapters/s3/partial-blobs.ts';
import { openSql, type SqlPorts } from '../../src/adapters/sql/index.ts';
import type { Blobs, LinkedBlobs, LocalBlobs } from '../../src/ports/blobs.ts';
import type { Counters } from '../../src/ports/counters.ts';
import type { PartialBlobs } from '../../src/ports/partial-blobs.ts';
import type { System } from '../../src/ports/system.ts';
import { type DatabaseAdapter, databaseAdapters, type TestDatabase } from './adapters.ts';
import { redisUrl } from './redis.ts';
import { createBucket, s3Url } from './s3.ts';

/** What one node keeps things in. */
export interface NodeStores {
  readonly sql: SqlPorts;
  readonly counters: Counters;
  readonly blobs: Blobs & Partial<LocalBlobs> & Partial<LinkedBlobs>;
  readonly partials: PartialBlobs;
}

/** The stores of all nodes of one application. */
export interface Stores {
  /** At least one. */
  readonly nodes: readonly [NodeStores, ...NodeStores[]];
  close(): Promise<void>;
}

const LAYOUT = layoutOf(process.env['LATCHKEY_TEST_LAYOUT']);

/** Opens empty stores. `folder` takes what is kept on disk; `databaseUrl` is used in place of a database of their own. */
export async function openStores(
  system: Pick<System, 'now' | 'random'>,
  folder: string,
  databaseUrl: string | undefined,
): Promise<Stores> {
  if (LAYOUT === 'embedded') {
    const sql = await openSql(databaseUrl ?? 'sqlite::memory:');
    const blobs = await openDiskBlobs(folder, system);
    const partials = await openDiskPartialBlobs(folder, system);
    const node = { sql, counters: sql.counters, blobs, partials };
    return { nodes: [node], close: () => closeAll([sql, blobs, partials]) };
  }
  const postgres = databaseAdapters.find(({ name }) => name === 'postgres');
  if (postgres === undefined || redisUrl === undefined || s3Url === undefined) {
    throw new Error(`The layout ${LAYOUT} needs PostgreSQL, Valkey or Redis and an S3 server.`);
  }
  migrated ??= migratedOf(postgres);
  const database = databaseUrl === undefined ? await postgres.create(await migrated) : undefined;
  bucket ??= createBucket(s3Url);
  const name = randomBytes(8).toString('hex');
  const blobsUrl = (await bucket).replace('?', `/${name}?`);
  const open = async (url: string): Promise<NodeStores> => {
    const sql = await openSql(url);
    return {
      // Nodes read what may have changed instead of waiting for word of it: tests ask in the next moment.
      sql: { ...sql, bus: { ...sql.bus, listen: (tell) => sql.bus.listen(tell), isCurrent: () => false } },
      counters: await openRedisCounters(redisUrl ?? '', { clock: 'caller', prefix: `test-${name}` }),
      // On its own clock: the one of the test is held.
      blobs: await openS3Blobs(blobsUrl, { ...system, now: Date.now }),
      partials: await openS3PartialBlobs(blobsUrl, system),
    };
  };
  const url = databaseUrl ?? database?.url ?? '';
  const first = await open(url);
  const others = await Promise.all(Array.from({ length: NODES[LAYOUT] - 1 }, () => open(url)));
  return {
    nodes: [first, ...others],
    close: async () => {
      for (const { sql, counters, blobs, partials } of [first, ...others]) {
        await closeAll([sql, counters, blobs, partials]);
      }
      await database?.drop();
    },
  };
}

/** One for the process; each application has a prefix of its own in it. */
let bucket: Promise<string> | undefined;
/** One for the process, which each application copies: making the tables anew would take most of the time of a test. */
let migrated: Promise<TestDatabase> | undefined;

async function migratedOf(postgres: DatabaseAdapter): Promise<TestDatabase> {
  const database = await postgres.create();
  const { close } = await openSql(database.url);
  await close();
  return database;
}

async function closeAll(stores: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const store of stores) await store.close();
}
