// Searching and sorting by whatever a file has: its words, its values, and one index for each order of a whole container.
import { type Kysely, sql } from 'kysely';
import { type OnlineMigration, withIndexes } from './online-index.ts';

/**
 * Makes the tables and indexes of the search. They are filled afterwards, a few files at a time: a null in
 * `files.title_key` marks a file that waits for it.
 */
export function search(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return withIndexes(dialect, ORDERS, async (db) => {
    await createTables(db, dialect, text);
    await db.schema.alterTable('files').addColumn('title_key', text).execute();
    await createWordIndex(db, dialect);
  });
}

/** Listings of many folders are paged in the order of the container, so each sort key has an index of its own. */
const ORDERS = [
  { name: 'files_unsearchable', on: 'files (id) where title_key is null' },
  { name: 'files_by_title_key', on: 'files (folder_id, title_key, name_key, id)' },
  ...['title_key', 'created_at', 'modified_at', 'size', 'mime'].map((column) => ({
    name: `files_of_container_by_${column}`,
    on: `files (container, ${column}, name_key, id)`,
  })),
];

async function createTables(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
  text: ReturnType<typeof sql>,
): Promise<void> {
  await db.schema
    .createTable('file_search')
    .addColumn('seq', dialect === 'postgres' ? 'bigserial' : 'integer', (c) => c.primaryKey())
    .addColumn('file_id', text, (c) => c.notNull().unique().references('files.id').onDelete('cascade'))
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('name_words', text, (c) => c.notNull())
    .addColumn('tag_words', text, (c) => c.notNull())
    .addColumn('meta_words', text, (c) => c.notNull())
    .addColumn('tokens', text, (c) => c.notNull())
    .addColumn('grams', text, (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('file_values')
    .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('field', text, (c) => c.notNull())
    .addColumn('text', text, (c) => c.notNull())
    .addColumn('head', text, (c) => c.notNull())
    .addColumn('words', text, (c) => c.notNull())
    .addColumn('number', 'double precision')
    .execute();
  await db.schema.createIndex('file_values_of_file').on('file_values').columns(['file_id', 'field']).execute();
  await db.schema
    .createIndex('file_values_by_text')
    .on('file_values')
    .columns(['container', 'field', 'head', 'file_id'])
    .execute();
  await sql`create index file_values_by_number on file_values (container, field, number, file_id)
    where number is not null`.execute(db);
}

async function createWordIndex(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') {
    // The words are split by this service, so they need none of the database's dictionaries or extensions.
    for (const column of ['tokens', 'grams']) {
      await sql`create index ${sql.ref(`file_search_${column}`)} on file_search
        using gin (array_to_tsvector(string_to_array(${sql.ref(column)}, ' ')))`.execute(db);
    }
    return;
  }
  // The sum of a whole container. On PostgreSQL it would cost each upload the cheap way of updating a folder's row.
  await db.schema
    .createIndex('folders_sums')
    .on('folders')
    .columns(['container', 'files_count', 'files_bytes'])
    .execute();
  await sql`create virtual table file_words using fts5(tokens, grams, content='file_search', content_rowid='seq',
    tokenize='ascii', detail='column')`.execute(db);
  const add = sql.raw('insert into file_words(rowid, tokens, grams) values (new.seq, new.tokens, new.grams);');
  const remove = sql.raw(
    `insert into file_words(file_words, rowid, tokens, grams) values ('delete', old.seq, old.tokens, old.grams);`,
  );
  await sql`create trigger file_search_added after insert on file_search begin ${add} end`.execute(db);
  await sql`create trigger file_search_removed after delete on file_search begin ${remove} end`.execute(db);
  await sql`create trigger file_search_changed after update on file_search begin ${remove} ${add} end`.execute(db);
}
