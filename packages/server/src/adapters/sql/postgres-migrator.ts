// Brings the tables of a PostgreSQL database up to date while other nodes, older and newer ones, go on serving from it.
import { setTimeout as pause } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Log } from '../../ports/system.ts';
import type { OnlineIndex, OnlineMigration } from './migrations/online-index.ts';

/** The lock that Kysely's own migrator takes: programs from before this file are kept out, too. */
const LOCK = sql.lit('3853314791062309107');
const LOCK_POLL_MS = 250;
/** Another node that migrates for longer has hung, or builds indexes of very many files: the operator should look. */
const LOCK_MS_MAX = 30 * 60_000;
/** Whoever asks for a lock on a table makes everybody queue behind it: so it is asked for this long, given up, and asked for again. */
const TABLE_LOCK_MS = 2000;
const TABLE_LOCK_TRIES = 30;
const TABLE_LOCK_PAUSE_MS = 1000;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

type Session = Kysely<MigrationRows>;

interface MigrationRows {
  readonly kysely_migration: { readonly name: string; readonly timestamp: string };
}

/**
 * Runs what is missing, in the order of the names, each migration in a transaction of its own, and then builds declared indexes that
 * are missing or were left invalid by a build that was cut off. One node works at a time; the others wait and find it
 * done. `session` is one connection without a limit on the time of statements. Raises STORE_UNAVAILABLE when a table stays locked.
 */
export async function migratePostgres(
  session: Kysely<unknown>,
  migrations: Readonly<Record<string, OnlineMigration>>,
  log: Log | undefined,
): Promise<void> {
  const db = session as Session; // The table of Kysely's migrator, which is kept.
  const names = Object.keys(migrations).sort();
  const indexes = names.flatMap((name) => migrations[name]?.indexes ?? []);
  if ((await missing(db, names)).length === 0 && (await unbuilt(db, indexes)).length === 0) return;
  await lock(db, log);
  try {
    await sql`create table if not exists kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)`.execute(
      db,
    );
    for (const name of await missing(db, names)) {
      const migration = migrations[name];
      if (migration === undefined) continue;
      await patiently(() =>
        db.transaction().execute(async (transaction) => {
          await sql`set local lock_timeout = ${sql.lit(TABLE_LOCK_MS)}`.execute(transaction);
          await migration.up(transaction);
          const timestamp = new Date().toISOString();
          await transaction.insertInto('kysely_migration').values({ name, timestamp }).execute();
        }),
      );
      log?.info('migration.done', { name });
    }
    for (const index of await unbuilt(db, indexes)) await build(db, index, log);
  } finally {
    // A connection that is lost has given the lock back.
    await sql`select pg_advisory_unlock(${LOCK})`.execute(db).catch(() => undefined);
  }
}

/** Asked for again and again, never waited for in the database: a statement that waits there would keep the one who builds an
 *  index waiting for it, and both would wait for ever. */
async function lock(db: Session, log: Log | undefined): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_lock(${LOCK}) as locked`.execute(db);
    if (rows[0]?.locked === true) return;
    if (waitedMs === 0) log?.info('migration.waiting', {});
    if (waitedMs >= LOCK_MS_MAX)
      throw new AppError('STORE_UNAVAILABLE', 'another node has been migrating for too long');
    await pause(LOCK_POLL_MS);
  }
}

async function missing(db: Session, names: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(
    db,
  );
  if (rows[0]?.there !== true) return names;
  const done = new Set((await db.selectFrom('kysely_migration').select('name').execute()).map(({ name }) => name));
  return names.filter((name) => !done.has(name));
}

async function unbuilt(db: Session, indexes: readonly OnlineIndex[]): Promise<readonly OnlineIndex[]> {
  if (indexes.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select c.relname as name
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indisvalid and pg_table_is_visible(c.oid)
      and c.relname in (${sql.join(indexes.map(({ name }) => name))})`.execute(db);
  const valid = new Set(rows.map(({ name }) => name));
  return indexes.filter(({ name }) => !valid.has(name));
}

/** Writers go on meanwhile. What is there under the name is the invalid rest of a build that was cut off. */
async function build(db: Session, { name, on }: OnlineIndex, log: Log | undefined): Promise<void> {
  const began = performance.now();
  await sql`drop index concurrently if exists ${sql.ref(name)}`.execute(db);
  await sql`create index concurrently ${sql.ref(name)} on ${sql.raw(on)}`.execute(db);
  log?.info('migration.index_built', { name, ms: Math.round(performance.now() - began) });
}

async function patiently(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
      if (attempt === TABLE_LOCK_TRIES || (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK)) throw error;
      await pause(TABLE_LOCK_PAUSE_MS);
    }
  }
}
