// The settings of containers: one document each.
import { type Migration, sql } from 'kysely';

/** Makes the table of container settings. */
export function settings(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('container_settings')
        .addColumn('container', text, (c) => c.primaryKey())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('revision', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
    },
  };
}
