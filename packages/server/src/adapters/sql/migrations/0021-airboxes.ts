// Where outsiders hand files in.
import { type Migration, sql } from 'kysely';

/** Makes the table of airboxes. */
export function airboxes(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('airboxes')
        .addColumn('puid', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('owner', text, (c) => c.notNull())
        .addColumn('lender', text)
        .addColumn('lent', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      for (const [name, columns] of [
        ['airboxes_newest', ['container', 'created_at', 'puid']],
        ['airboxes_of_owner', ['container', 'owner', 'created_at', 'puid']],
        ['airboxes_of_lender', ['container', 'lender']],
      ] as const) {
        await db.schema
          .createIndex(name)
          .on('airboxes')
          .columns([...columns])
          .execute();
      }
    },
  };
}
