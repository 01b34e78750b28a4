// The renditions of files that people have given a name.
import { type Migration, sql } from 'kysely';

/** Makes the table of variants. */
export function variants(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('variants')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
        .addColumn('name', text, (c) => c.notNull())
        .addColumn('query', text, (c) => c.notNull())
        .addColumn('position', 'integer', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('variants_by_name').unique().on('variants').columns(['file_id', 'name']).execute();
    },
  };
}
