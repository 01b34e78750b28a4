// Uploads that come in several requests, from their beginning until they expire.
import { type Migration, sql } from 'kysely';

/** Makes the table of resumable uploads. */
export function resumableUploads(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('resumable_uploads')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('holder', text, (c) => c.notNull())
        .addColumn('source', text)
        .addColumn('subject', text)
        .addColumn('folder_path', text, (c) => c.notNull())
        .addColumn('name', text, (c) => c.notNull())
        .addColumn('claimed_type', text)
        .addColumn('length', 'bigint', (c) => c.notNull())
        .addColumn('description', text, (c) => c.notNull())
        .addColumn('partial_id', text, (c) => c.notNull())
        .addColumn('reservation_id', text)
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('file_id', text)
        .addColumn('file_version', 'integer')
        .addColumn('lock_token', text)
        .addColumn('lock_until', 'bigint', (c) => c.notNull().defaultTo(0))
        .addColumn('lock_wanted', 'integer', (c) => c.notNull().defaultTo(0))
        .execute();
      await db.schema.createIndex('resumable_uploads_expiry').on('resumable_uploads').column('expires_at').execute();
    },
  };
}
