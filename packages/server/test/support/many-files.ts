// Very many files for benchmarks, written into the tables by the database itself: to upload them would take hours.
import { sql } from 'kysely';
import type { Database } from '../../src/adapters/sql/database.ts';

/** How many files have the rare word and the rare value, whatever the size. */
export const needles = 50;

/** How many of what, and how the adapter cuts words. */
export interface Place {
  readonly files: number;
  readonly folders: number;
  gramsOf(word: string): readonly string[];
}

const PART = 20_000;

/** Fills the tables of a new database in parts, each one a transaction. */
export async function fill(database: Database, { files, folders, gramsOf }: Place): Promise<void> {
  const isPostgres = database.dialect === 'postgres';
  const series = (from: number, end: number) =>
    isPostgres
      ? sql`(select i from generate_series(${sql.lit(from)}::bigint, ${sql.lit(end - 1)}::bigint) as i) as n`
      : sql`(with recursive counted(i) as (select ${sql.lit(from)} union all select i + 1 from counted where i < ${sql.lit(end - 1)})
          select i from counted) as n`;
  const hex = isPostgres
    ? sql`lpad(to_hex((i * 2654435761) % 4294967296), 8, '0')`
    : sql`printf('%08x', (i * 2654435761) % 4294967296)`;
  const every = sql.lit(files / needles);
  const isNeedle = sql`i % ${every} = 0`;
  const words = sql`'photo ' || ${hex} || case when ${isNeedle} then ' needle' else '' end || ' jpg'`;
  const name = sql`'photo ' || ${hex} || case when ${isNeedle} then ' needle' else '' end || '.jpg'`;
  const size = sql`(i * 7919) % 1000003`;
  const id = sql`'00000000-0000-4000-8000-' || ${hex}`;
  const grams = (...list: readonly string[]) => sql.lit(list.flatMap(gramsOf).join(' '));
  const write = (statement: ReturnType<typeof sql>) =>
    database.write('STORE_UNAVAILABLE', (db) => statement.execute(db));

  // What is lost when the machine goes down now is nothing.
  if (!isPostgres) {
    for (const pragma of ['cache_size=-400000', 'synchronous=off']) {
      await database.query('STORE_UNAVAILABLE', (db) => sql.raw(`pragma ${pragma}`).execute(db));
    }
  }

  await write(sql`insert into folders (id, container, parent_id, path, path_head, name, name_key, visibility, is_public, meta,
      files_count, files_bytes, created_at, updated_at)
    select 'f' || i, 'demo', (select id from folders where path = '/'), '/f' || i, '/f' || i, 'f' || i, 'f' || i, 'inherited', 1, '{}',
      ${sql.lit(files / folders)}, 1000, 1, 1 from ${series(0, folders)}`);
  for (let from = 0; from < files; from += PART) {
    const rows = () => series(from, Math.min(from + PART, files));
    await write(sql`insert into files (id, container, folder_id, name, name_key, title_key, version, mime, size, sha1, sha256, blob_id,
        visibility, meta, tags, info, uploaded_by, created_at, modified_at)
      select ${id}, 'demo', 'f' || (i % ${sql.lit(folders)}), ${name}, ${name}, ${name}, 0,
        case when i % 3 = 0 then 'image/png' else 'image/jpeg' end, ${size}, '', '', ${hex},
        'inherited', '{}', '{}', '{}', 'bench', (i * 104729) % 1000003, (i * 15485863) % 1000003 from ${rows()}`);
    await write(sql`insert into file_search (file_id, container, size, name_words, tag_words, meta_words, tokens, grams)
      select ${id}, 'demo', ${size}, ' ' || ${words} || ' ', '', '', ${words},
        case when ${isNeedle} then ${grams('photo', 'needle', 'jpg')} else ${grams('photo', 'jpg')} end from ${rows()}`);
    await write(sql`insert into file_values (file_id, container, field, text, head, words, number)
      select ${id}, 'demo', 'name', ${name}, ${name}, ' ' || ${words} || ' ', cast(null as double precision) from ${rows()}
      union all
      select ${id}, 'demo', 'meta.rare', 'x', 'x', ' x ', null from ${rows()} where ${isNeedle}`);
  }
  // What the database does by itself some minutes later.
  if (isPostgres) {
    for (const table of ['files', 'folders', 'file_search', 'file_values']) {
      await database.query('STORE_UNAVAILABLE', (db) => sql`vacuum analyze ${sql.table(table)}`.execute(db));
    }
  }
}

/** Fills a new database with pictures that nothing is known of but their facts, the same of all, and how they look: one number of each. */
export async function fillPictures(
  database: Database,
  {
    files,
    folders,
    info,
    keysOf,
  }: {
    readonly files: number;
    readonly folders: number;
    readonly info: string;
    keysOf(count: number): readonly number[];
  },
): Promise<void> {
  const isPostgres = database.dialect === 'postgres';
  const rows = (values: readonly number[]) =>
    isPostgres
      ? sql`(select ord - 1 as n, value from unnest(${[...values]}::int[]) with ordinality as listed(value, ord)) as given`
      : sql`(select key as n, value from json_each(${JSON.stringify(values)})) as given`;
  const write = (statement: ReturnType<typeof sql>) =>
    database.write('STORE_UNAVAILABLE', (db) => statement.execute(db));
  await write(sql`insert into folders (id, container, parent_id, path, path_head, name, name_key, visibility, is_public, meta,
      files_count, files_bytes, created_at, updated_at)
    select 'f' || n, 'demo', (select id from folders where path = '/'), '/f' || n, '/f' || n, 'f' || n, 'f' || n, 'inherited', 1, '{}',
      ${sql.lit(files / folders)}, 1000, 1, 1 from ${rows(new Array<number>(folders).fill(0))}`);
  for (let from = 0; from < files; from += PART) {
    const i = sql`(n + ${sql.lit(from)})`;
    // The ids are in no order of anything else, as those of uploads.
    await write(sql`insert into files (id, container, folder_id, name, name_key, title_key, version, mime, size, sha1, sha256, blob_id,
        visibility, meta, tags, info, uploaded_by, created_at, modified_at, look_key)
      select 'id' || ((${i} * 7919) % 1000003), 'demo', 'f' || (${i} % ${sql.lit(folders)}), 'n' || ${i}, 'n' || ${i}, 'n' || ${i}, 0,
        'image/jpeg', 10, '', '', 'b' || ${i}, 'inherited', '{}', '{}', cast(${info} as text), 'bench', ${i}, ${i}, value
      from ${rows(keysOf(Math.min(PART, files - from)))}`);
  }
  if (!isPostgres) return;
  for (const table of ['files', 'folders']) {
    await database.query('STORE_UNAVAILABLE', (db) => sql`vacuum analyze ${sql.table(table)}`.execute(db));
  }
}

/** An empty database beside the one that the URL names, until `drop`. */
export async function databaseBeside(
  open: (url: string) => Database,
  base: string,
  name: string,
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const onBase = async (statement: string) => {
    const database = open(base);
    try {
      await database.query('STORE_UNAVAILABLE', (db) => sql.raw(statement).execute(db));
    } finally {
      await database.close();
    }
  };
  await onBase(`create database ${name} template template0 encoding 'UTF8'`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onBase(`drop database ${name} with (force)`) };
}
