// Labels, and which files carry them: in the file's own row to be shown, by label to be found and counted.
import { type Migration, sql } from 'kysely';

/** Makes the tables of labels, and the column of the files that carry them. */
export function labels(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('labels')
        .addColumn('sid', text, (c) => c.primaryKey())
        .addColumn('id', text, (c) => c.notNull().unique())
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('name_key', text, (c) => c.notNull())
        .addColumn('document', text, (c) => c.notNull())
        .addColumn('owner_id', text, (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema.createIndex('labels_by_name').on('labels').columns(['container', 'name_key', 'sid']).execute();
      await db.schema
        .createTable('file_labels')
        .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
        .addColumn('label_sid', text, (c) => c.notNull().references('labels.sid').onDelete('cascade'))
        .addColumn('container', text, (c) => c.notNull())
        .addPrimaryKeyConstraint('file_labels_pk', ['file_id', 'label_sid'])
        .execute();
      await db.schema
        .createIndex('file_labels_uses')
        .on('file_labels')
        .columns(['container', 'label_sid', 'file_id'])
        .execute();
      // SQLite looks for the rows of a deleted label by this column alone.
      await db.schema.createIndex('file_labels_by_label').on('file_labels').column('label_sid').execute();
      await db.schema
        .alterTable('files')
        .addColumn('labels', text, (c) => c.notNull().defaultTo(''))
        .execute();
    },
  };
}
