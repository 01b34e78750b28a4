// What people say about files.
import { type Migration, sql } from 'kysely';

/** Makes the tables of comments and of what others leave on them. */
export function comments(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('comments')
        .addColumn('id', text, (c) => c.primaryKey())
        .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
        .addColumn('person_id', text, (c) => c.notNull())
        .addColumn('person_name', text, (c) => c.notNull())
        .addColumn('person_email', text)
        .addColumn('text', text, (c) => c.notNull())
        .addColumn('position', 'integer', (c) => c.notNull())
        .addColumn('added_at', 'bigint', (c) => c.notNull())
        .execute();
      await db.schema
        .createIndex('comments_by_file')
        .unique()
        .on('comments')
        .columns(['file_id', 'position'])
        .execute();
      await db.schema
        .createTable('comment_marks')
        .addColumn('comment_id', text, (c) => c.notNull().references('comments.id').onDelete('cascade'))
        .addColumn('mark', text, (c) => c.notNull())
        .addColumn('person_id', text, (c) => c.notNull())
        .addPrimaryKeyConstraint('comment_marks_pk', ['comment_id', 'mark', 'person_id'])
        .execute();
    },
  };
}
