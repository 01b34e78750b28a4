// Who has which role in which folder.
import { type Migration, sql } from 'kysely';

/** Makes the table: one row for each folder of which something is said. */
export function access(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('folder_access')
        .addColumn('folder_id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('others', 'integer')
        .addColumn('entries', text, (c) => c.notNull())
        .execute();
      await db.schema.createIndex('folder_access_of').on('folder_access').column('container').execute();
    },
  };
}
