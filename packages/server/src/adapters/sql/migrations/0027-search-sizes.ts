// The size of each file beside its words, so that what has a word is counted and summed up where the words are.
import { type Kysely, sql } from 'kysely';
import { type OnlineMigration, withIndexes } from './online-index.ts';

/**
 * Adds the size, which is that of the file or null: of files from before, and of those that nodes of an older version add, it is looked up in
 * the file. A trigger keeps it when a file gets another content, whoever writes that.
 */
export function searchSizes(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  // Words are looked through in the order of their rows, which is the one in which they lie side by side.
  const indexes = [{ name: 'file_search_of_container', on: 'file_search (container, seq)' }];
  return withIndexes(dialect, indexes, async (db) => {
    // Uploads, too, take `files` first and `file_search` after it, so that nobody waits in a circle.
    if (dialect === 'postgres') await keepOnPostgres(db);
    await db.schema.alterTable('file_search').addColumn('size', 'bigint').execute();
    if (dialect === 'sqlite') await keepOnSqlite(db);
  });
}

async function keepOnPostgres(db: Kysely<unknown>): Promise<void> {
  await sql`create function keep_size_searched() returns trigger language plpgsql as $$
    begin
      update file_search set size = new.size where file_id = new.id;
      return null;
    end $$`.execute(db);
  await sql`create trigger files_size_changed after update of size on files
    for each row when (old.size <> new.size) execute function keep_size_searched()`.execute(db);
}

async function keepOnSqlite(db: Kysely<unknown>): Promise<void> {
  await sql`create trigger files_size_changed after update of size on files when old.size <> new.size
    begin update file_search set size = new.size where file_id = new.id; end`.execute(db);
  // A size is no word: the index of words need not be told.
  await sql`drop trigger file_search_changed`.execute(db);
  await sql`create trigger file_search_changed after update of tokens, grams on file_search begin
    insert into file_words(file_words, rowid, tokens, grams) values ('delete', old.seq, old.tokens, old.grams);
    insert into file_words(rowid, tokens, grams) values (new.seq, new.tokens, new.grams);
    end`.execute(db);
}
