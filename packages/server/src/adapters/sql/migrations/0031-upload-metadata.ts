// What the sender of a resumable upload said of it, so that every client that goes on can be told.
import { type Migration, sql } from 'kysely';

/** Adds the column; it stays null for uploads that have begun. */
export function uploadMetadata(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema.alterTable('resumable_uploads').addColumn('metadata', text).execute();
    },
  };
}
