// The first tables: administration, folders and files, counters.
import { type Kysely, type Migration, sql } from 'kysely';

/** Makes every table of version 0.1. Texts compare by bytes (`COLLATE "C"`), as SQLite does without being told. */
export function initial(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return { up: (db) => createTables(db, text) };
}

// Migrations see the database as it was then, not as the present schema describes it.
async function createTables(db: Kysely<unknown>, text: ReturnType<typeof sql>): Promise<void> {
  await db.schema
    .createTable('containers')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('token', text, (c) => c.notNull().unique())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('templates')
    .addColumn('uid', text, (c) => c.primaryKey())
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('identifier', text, (c) => c.notNull())
    .addColumn('search_key', text, (c) => c.notNull())
    .addColumn('document', text, (c) => c.notNull())
    .addColumn('revision', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('templates_newest').on('templates').columns(['container', 'updated_at', 'uid']).execute();

  await db.schema
    .createTable('template_identifiers')
    .addColumn('identifier', text, (c) => c.primaryKey())
    .addColumn('template_uid', text, (c) => c.notNull().references('templates.uid').onDelete('cascade'))
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('template_identifiers_template')
    .on('template_identifiers')
    .column('template_uid')
    .execute();

  await db.schema
    .createTable('secret_keys')
    .addColumn('uid', text, (c) => c.primaryKey())
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('secret_hash', text, (c) => c.notNull())
    .addColumn('prefix', text, (c) => c.notNull())
    .addColumn('search_key', text, (c) => c.notNull())
    .addColumn('document', text, (c) => c.notNull())
    .addColumn('revision', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint')
    .execute();
  // One admin key may open several containers; within one, a secret means one key.
  await db.schema
    .createIndex('secret_keys_secret')
    .on('secret_keys')
    .columns(['container', 'secret_hash'])
    .unique()
    .execute();
  await db.schema
    .createIndex('secret_keys_newest')
    .on('secret_keys')
    .columns(['container', 'updated_at', 'uid'])
    .execute();

  await db.schema
    .createTable('revoked_keys')
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('key_id', text, (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('revoked_keys_pk', ['container', 'key_id'])
    .execute();
  await db.schema.createIndex('revoked_keys_expiry').on('revoked_keys').column('expires_at').execute();

  for (const table of ['login_links', 'sessions']) {
    await db.schema
      .createTable(table)
      .addColumn('token_hash', text, (c) => c.primaryKey())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
  }

  await db.schema
    .createTable('folders')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('parent_id', text, (c) => c.notNull())
    .addColumn('path', text, (c) => c.notNull())
    .addColumn('path_head', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('name_key', text, (c) => c.notNull())
    .addColumn('visibility', text, (c) => c.notNull())
    .addColumn('is_public', 'integer', (c) => c.notNull())
    .addColumn('meta', text, (c) => c.notNull())
    .addColumn('files_count', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('files_bytes', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('folders_place', ['container', 'parent_id', 'name'])
    .execute();
  // A path of 4,096 bytes is longer than an index entry of PostgreSQL may be; its head is selective enough.
  await db.schema.createIndex('folders_path').on('folders').columns(['container', 'path_head']).execute();
  await db.schema.createIndex('folders_by_name').on('folders').columns(['parent_id', 'name_key', 'id']).execute();
  await db.schema
    .createIndex('folders_by_created_at')
    .on('folders')
    .columns(['parent_id', 'created_at', 'name_key', 'id'])
    .execute();
  await db.schema
    .createIndex('folders_by_updated_at')
    .on('folders')
    .columns(['parent_id', 'updated_at', 'name_key', 'id'])
    .execute();

  await db.schema
    .createTable('files')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('name_key', text, (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('mime', text, (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('sha1', text, (c) => c.notNull())
    .addColumn('sha256', text, (c) => c.notNull())
    .addColumn('blob_id', text, (c) => c.notNull())
    .addColumn('visibility', text, (c) => c.notNull())
    .addColumn('meta', text, (c) => c.notNull())
    .addColumn('tags', text, (c) => c.notNull())
    .addColumn('info', text, (c) => c.notNull())
    .addColumn('product_ref', text)
    .addColumn('product_position', 'integer')
    .addColumn('uploaded_by', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('modified_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('files_place', ['folder_id', 'name'])
    .execute();
  // One index for each order in which a folder is paged, ending in what breaks ties.
  await db.schema.createIndex('files_by_name').on('files').columns(['folder_id', 'name_key', 'id']).execute();
  for (const column of ['created_at', 'modified_at', 'size', 'mime']) {
    await db.schema
      .createIndex(`files_by_${column}`)
      .on('files')
      .columns(['folder_id', column, 'name_key', 'id'])
      .execute();
  }
  await db.schema.createIndex('files_of_container').on('files').columns(['container', 'name_key', 'id']).execute();

  await db.schema
    .createTable('file_versions')
    .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('mime', text, (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('sha1', text, (c) => c.notNull())
    .addColumn('sha256', text, (c) => c.notNull())
    .addColumn('blob_id', text, (c) => c.notNull())
    .addColumn('info', text, (c) => c.notNull())
    .addColumn('uploaded_by', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('file_versions_pk', ['file_id', 'version'])
    .execute();
  await db.schema.createIndex('file_versions_blob').on('file_versions').column('blob_id').execute();

  await db.schema
    .createTable('counter_entries')
    .addColumn('reservation_id', text, (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('counter', text, (c) => c.notNull())
    .addColumn('is_lifetime', 'integer', (c) => c.notNull())
    .addColumn('cost', 'bigint', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('hold_until', 'bigint')
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('counter_entries_pk', ['reservation_id', 'position'])
    .execute();
  // Windows are summed from the index alone; holds and lapses are few and have indexes of their own.
  await sql`create index counter_entries_window on counter_entries (counter, at_ms, hold_until, cost)
    where is_lifetime = 0`.execute(db);
  await sql`create index counter_entries_held on counter_entries (counter, hold_until, cost)
    where hold_until is not null`.execute(db);
  await sql`create index counter_entries_lapse on counter_entries (hold_until)
    where hold_until is not null`.execute(db);
  await sql`create index counter_entries_expiry on counter_entries (expires_at) where hold_until is null`.execute(db);

  await db.schema
    .createTable('counter_totals')
    .addColumn('counter', text, (c) => c.primaryKey())
    .addColumn('settled', 'bigint', (c) => c.notNull())
    .execute();
}
