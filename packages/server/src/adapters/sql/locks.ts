// Who waits for whom when several transactions change one tree; only PostgreSQL needs to be told, SQLite has one writer.
import { sql } from 'kysely';
import type { Executor } from './database.ts';

/**
 * Held until the transaction ends. `exclusive` is for changes of the tree (folders made, moved, deleted), `shared` for
 * changes of files in a tree that must stand still meanwhile. Always the first statement of a transaction: what is read
 * after it is what the previous holder left.
 */
export async function lockTree(
  db: Executor,
  dialect: 'sqlite' | 'postgres',
  container: string,
  mode: 'exclusive' | 'shared',
): Promise<void> {
  if (dialect === 'sqlite') return;
  const lock = sql.raw(mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock');
  await sql`select ${lock}(hashtextextended(${`tree:${container}`}, 0))`.execute(db);
}

/** Serialises all changes of the files in these folders, in one order so that nobody waits in a circle. */
export async function lockFolders(
  db: Executor,
  dialect: 'sqlite' | 'postgres',
  folderIds: Iterable<string>,
): Promise<void> {
  const ids = [...new Set(folderIds)];
  if (dialect === 'sqlite' || ids.length === 0) return;
  await db.selectFrom('folders').select('id').where('id', 'in', ids).orderBy('id').forUpdate().execute();
}

/** Held until the transaction ends: one reservation, settlement or release at a time on each of the counters. */
export async function lockCounters(
  db: Executor,
  dialect: 'sqlite' | 'postgres',
  counters: readonly string[],
): Promise<void> {
  if (dialect === 'sqlite' || counters.length === 0) return;
  const names = [...new Set(counters)].map((counter) => `counter:${counter}`);
  // One order for everybody, so that nobody waits in a circle.
  await sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended(name, 0) as key from unnest(${names}::text[]) as name order by key
    ) as keys`.execute(db);
}

/** Held until the transaction ends: one change at a time of what a person keeps in the container. */
export async function lockPerson(
  db: Executor,
  dialect: 'sqlite' | 'postgres',
  container: string,
  personId: string,
): Promise<void> {
  if (dialect === 'sqlite') return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`person:${container}:${personId}`}, 0))`.execute(db);
}
