// Versions of files whose content has yet to be looked at.
import { type Migration, sql } from 'kysely';

/** Makes the table and enters what is stored already. */
export function examinations(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('examinations')
        .addColumn('file_id', text, (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('due_at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('examinations_key', ['file_id', 'version'])
        .execute();
      await db.schema.createIndex('examinations_due').on('examinations').column('due_at').execute();
      await sql`
        insert into examinations (file_id, version, attempts, due_at)
        select file_id, version, 0, created_at from file_versions
        where mime like 'image/%' or mime like 'video/%' or mime like 'audio/%' or mime = 'application/pdf'`.execute(
        db,
      );
    },
  };
}
