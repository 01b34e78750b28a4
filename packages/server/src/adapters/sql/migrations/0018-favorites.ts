// Which files people keep at hand.
import { type Migration, sql } from 'kysely';

/** Makes the table of favourites. */
export function favorites(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('favorites')
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('person_id', text, (c) => c.notNull())
        .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
        .addColumn('added_at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('favorites_pk', ['container', 'person_id', 'file_id'])
        .execute();
      // For files that are deleted.
      await db.schema.createIndex('favorites_by_file').on('favorites').column('file_id').execute();
    },
  };
}
