// Work that a caller comes back for.
import { type Migration, sql } from 'kysely';

/** Makes the table of tasks. */
export function tasks(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('tasks')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('kind', text, (c) => c.notNull())
        .addColumn('owner', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('tasks_expiry').on('tasks').column('expires_at').execute();
    },
  };
}
