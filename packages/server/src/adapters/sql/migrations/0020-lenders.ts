// Which access key lends the rights of a share: the share ends with it.
import { type Migration, sql } from 'kysely';

/** Adds the column; shares that were made before name no key. */
export function lenders(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema.alterTable('shares').addColumn('lender', text).execute();
      await db.schema.createIndex('shares_of_lender').on('shares').columns(['container', 'lender']).execute();
    },
  };
}
