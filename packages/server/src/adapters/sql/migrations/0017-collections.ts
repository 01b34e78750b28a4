// Searches that are kept: collections for many people, pins for one.
import { type Migration, sql } from 'kysely';

/** Makes the tables of collections and pins. */
export function collections(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('collections')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('title_key', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('owner_id', text, (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createIndex('collections_by_title')
        .on('collections')
        .columns(['container', 'title_key', 'id'])
        .execute();
      await db.schema
        .createTable('pins')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('person_id', text, (c) => c.notNull())
        .addColumn('name', text, (c) => c.notNull())
        .addColumn('query', text, (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createIndex('pins_of_person')
        .on('pins')
        .columns(['container', 'person_id', 'created_at', 'id'])
        .execute();
    },
  };
}
