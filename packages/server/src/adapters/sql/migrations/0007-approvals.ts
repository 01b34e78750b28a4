// Approvals: who was asked about which version of a file, what they said, and how it ended.
import { type Kysely, type Migration, sql } from 'kysely';

/** Makes the tables of approvals and the columns that let every file say how its latest one stands. */
export function approvals(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema.alterTable('files').addColumn('approval_status', text).execute();
      await db.schema.alterTable('files').addColumn('approval_due_at', 'bigint').execute();
      await createTables(db, text);
      await createIndexes(db);
    },
  };
}

async function createTables(db: Kysely<unknown>, text: ReturnType<typeof sql>): Promise<void> {
  await db.schema
    .createTable('approvals')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
    .addColumn('file_version', 'integer', (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('message', text, (c) => c.notNull())
    .addColumn('due_at', 'bigint')
    .addColumn('requester', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('ended_on', text)
    .execute();
  await db.schema
    .createTable('approval_approvers')
    .addColumn('approval_id', text, (c) => c.notNull().references('approvals.id').onDelete('cascade'))
    .addColumn('person_id', text, (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('email', text)
    .addColumn('vote', text)
    .addColumn('comment', text)
    .addColumn('voted_at', 'bigint')
    .addPrimaryKeyConstraint('approval_approvers_pk', ['approval_id', 'person_id'])
    .execute();
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  // The last word on "one active request per file", whatever the code above it does.
  await sql`create unique index approvals_active on approvals (file_id) where status = 'PENDING'`.execute(db);
  await sql`create index approvals_due on approvals (due_at) where status = 'PENDING' and due_at is not null`.execute(
    db,
  );
  await db.schema.createIndex('approvals_of_file').on('approvals').columns(['file_id', 'created_at', 'id']).execute();
  await db.schema.createIndex('approvals_newest').on('approvals').columns(['container', 'created_at', 'id']).execute();
  await db.schema
    .createIndex('approval_approvers_person')
    .on('approval_approvers')
    .columns(['person_id', 'approval_id'])
    .execute();
}
