// Indexes on tables that may have many rows already: how they are made must not keep those who write waiting.
import { type Kysely, type Migration, sql } from 'kysely';

/** An index that is declared by what it shall be, so that a build that was cut off can be repeated. */
export interface OnlineIndex {
  readonly name: string;
  /** What stands behind the name, such as `files (container, sha256)`. */
  readonly on: string;
}

/** A migration, and the indexes that PostgreSQL builds after it, outside of any transaction. */
export interface OnlineMigration extends Migration {
  readonly indexes?: readonly OnlineIndex[];
}

/** The migration with indexes on tables that may be full. SQLite, which has one writer, makes them in the migration itself. */
export function withIndexes(
  dialect: 'sqlite' | 'postgres',
  indexes: readonly OnlineIndex[],
  up: (db: Kysely<unknown>) => Promise<void> = async () => {},
): OnlineMigration {
  if (dialect === 'postgres') return { up, indexes };
  return {
    async up(db) {
      await up(db);
      for (const { name, on } of indexes) await sql`create index ${sql.ref(name)} on ${sql.raw(on)}`.execute(db);
    },
  };
}
