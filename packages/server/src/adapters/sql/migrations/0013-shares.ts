// What somebody lets outsiders have.
import { type Migration, sql } from 'kysely';

/** Makes the table of shares. */
export function shares(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('shares')
        .addColumn('puid', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('owner', text, (c) => c.notNull())
        .addColumn('lent', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('shares_newest').on('shares').columns(['container', 'created_at', 'puid']).execute();
      await db.schema
        .createIndex('shares_of_owner')
        .on('shares')
        .columns(['container', 'owner', 'created_at', 'puid'])
        .execute();
    },
  };
}
