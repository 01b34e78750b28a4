// Changes of many files between their preparation and their application.
import { type Migration, sql } from 'kysely';

/** Makes the table of prepared changes. */
export function bulks(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('bulks')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('bulks_expiry').on('bulks').column('expires_at').execute();
    },
  };
}
