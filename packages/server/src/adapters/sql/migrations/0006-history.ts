// What was done to files, when and by whom.
import { type Migration, sql } from 'kysely';

/** Makes the log of changes. Its ids grow in the order in which the changes of one file were made. */
export function history(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('changes')
        .addColumn('id', dialect === 'postgres' ? 'bigserial' : 'integer', (c) =>
          dialect === 'postgres' ? c.primaryKey() : c.primaryKey().autoIncrement(),
        )
        .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('action', text, (c) => c.notNull())
        .addColumn('person_id', text, (c) => c.notNull())
        .addColumn('person_name', text, (c) => c.notNull())
        .addColumn('person_email', text)
        .addColumn('props', text, (c) => c.notNull())
        .addColumn('extra', text, (c) => c.notNull())
        .addColumn('changed_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('changes_by_file').on('changes').columns(['file_id', 'id']).execute();
    },
  };
}
