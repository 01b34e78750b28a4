// The Search port in SQL: similar files, the kinds and values there are, and what waits to become searchable.
import { ROOT } from '@latchkey/policy';
import { type RawBuilder, sql } from 'kysely';
import { distanceBetween, FAR, keyDistance, keysAround, type Look, lookKey, lookOf } from '../../ports/look.ts';
import type { FileQuery, JsonObject, Paging, ScopeLayers } from '../../ports/metadata.ts';
import {
  fold,
  isUnspaced,
  LOOKED_THROUGH_MAX,
  type Search,
  type SearchField,
  SIMILAR_MAX,
  type SimilarFile,
  wordsIn,
} from '../../ports/search.ts';
import { indexed, meets } from './conditions.ts';
import type { Database, Executor } from './database.ts';
import { filesFrom, findSource, toFileRecord, toPlacedFile } from './files.ts';
import { findFolderRow, sumFolders } from './folders.ts';
import { waitsForLook } from './migrations/0028-looks.ts';
import { coveredBy, coveredFolders, mergeLayers } from './scopes.ts';
import {
  addColours,
  fieldName,
  gramsOfPart,
  indexFile,
  storedLookKey,
  titleKey,
  tokensWanted,
  wordPattern,
  writtenValues,
} from './search-index.ts';
import { forUpdate, like, listed, literally } from './text.ts';

/** The Search port on a database. */
export function sqlSearch(database: Database): Search {
  return new SqlSearch(database);
}

class SqlSearch implements Search {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  findSimilarFiles(query: FileQuery, texts: readonly string[], paging: Paging) {
    return this.#database.query('STORE_UNAVAILABLE', (db) => findSimilar(db, query, texts, paging));
  }

  countTypes(container: string, within: ScopeLayers, limit: number) {
    return this.#database.query('STORE_UNAVAILABLE', (db) =>
      db
        .selectFrom('files')
        .innerJoin('folders', 'folders.id', 'files.folder_id')
        .select(['files.mime', sql<number>`cast(count(*) as bigint)`.as('files')])
        .where('files.container', '=', container)
        .where(coveredBy('folders', mergeLayers(within)))
        .groupBy('files.mime')
        .orderBy('files', 'desc')
        .orderBy('files.mime')
        .limit(limit)
        .execute(),
    );
  }

  listValues(container: string, within: ScopeLayers, field: SearchField, contains: string, limit: number) {
    return this.#database.query('STORE_UNAVAILABLE', async (db) => {
      const rows = await db
        .selectFrom('file_values')
        .innerJoin('files', 'files.id', 'file_values.file_id')
        .innerJoin('folders', 'folders.id', 'files.folder_id')
        .select((eb) => ['file_values.text', eb.fn.min('file_values.file_id').as('file_id')])
        .where('file_values.container', '=', container)
        .where('file_values.field', '=', fieldName(field))
        .where(like('file_values.text', `%${literally(fold(contains))}%`))
        .where(coveredBy('folders', mergeLayers(within)))
        .groupBy('file_values.text')
        .orderBy('file_values.text')
        .limit(limit)
        .execute();
      const ids = rows.map(({ file_id }) => file_id);
      const files = await db
        .selectFrom('files')
        .selectAll()
        .where(sql<boolean>`files.id in ${listed(db, ids)}`)
        .execute();
      const byId = new Map(files.map((file) => [file.id, file]));
      // The index keeps values without what makes no difference; people read them as somebody wrote them.
      return rows.map(({ text, file_id }) => {
        const file = byId.get(file_id);
        return (file && writtenValues(file, field).find((value) => fold(value) === text)) ?? text;
      });
    });
  }

  findLookAlikes(container: string, within: ScopeLayers, look: Look, besides: string, limit: number) {
    return this.#database.query('STORE_UNAVAILABLE', (db) =>
      findAlike(db, { container, within, look, besides }, limit),
    );
  }

  catchUp(limit: number): Promise<number> {
    const { dialect } = this.#database;
    return this.#database.write('STORE_UNAVAILABLE', async (db) => {
      const waiting = db.selectFrom('files').selectAll().where('title_key', 'is', null).orderBy('id').limit(limit);
      const files = await forUpdate(dialect, waiting).execute();
      for (const file of files) {
        await db
          .updateTable('files')
          .set({ title_key: titleKey(file), look_key: storedLookKey(file) })
          .where('id', '=', file.id)
          .execute();
        await indexFile(db, file);
      }
      const unseen = db
        .selectFrom('files')
        .selectAll()
        .where(sql.raw<boolean>(waitsForLook(dialect)))
        .orderBy('id')
        .limit(limit - files.length);
      const pictures = files.length === limit ? [] : await forUpdate(dialect, unseen).execute();
      for (const file of pictures) {
        const look_key = storedLookKey(file);
        await db.updateTable('files').set({ look_key }).where('id', '=', file.id).execute();
        await addColours(db, file);
      }
      return files.length + pictures.length;
    });
  }
}

interface Wanted {
  readonly container: string;
  readonly within: ScopeLayers;
  readonly look: Look;
  readonly besides: string;
}

/** Of so many files, those of the nearest mean colours, the whole looks are compared. */
const COMPARED = 1000;
/** So many neighbours on each side of each key are read from the index. */
const NEIGHBOURS = 500;

/** Two steps: the mean colours of many files, each one number of an index, and of the nearest the blurred pictures. */
async function findAlike(db: Executor, wanted: Wanted, limit: number): Promise<readonly SimilarFile[]> {
  const { container, within, look, besides } = wanted;
  const scopes = mergeLayers(within);
  const root = await findFolderRow(db, container, ROOT);
  if (root === undefined) return [];
  const { files: seen } = await sumFolders(db, root, true, scopes);
  if (seen === 0) return [];
  const key = lookKey(look);
  const candidates = await (seen > LOOKED_THROUGH_MAX
    ? neighbours(db, container, scopes, key)
    : everyLook(db, container, scopes));
  const nearest = candidates
    .filter(({ id }) => id !== besides)
    .map(({ id, look_key }) => ({ id, distance: keyDistance(key, look_key) }))
    .sort(nearestFirst)
    .slice(0, COMPARED);
  const { rows } = await sql<{ id: string; info: string }>`select files.id, files.info from files
    where files.id in ${listed(
      db,
      nearest.map(({ id }) => id),
    )}`.execute(db);
  const alike = rows
    .flatMap(({ id, info }) => {
      const other = lookOf(JSON.parse(info) as JsonObject); // Only objects are stored.
      const distance = other === undefined ? FAR : distanceBetween(look, other);
      return distance < FAR ? [{ id, distance }] : [];
    })
    .sort(nearestFirst)
    .slice(0, limit);
  const distances = new Map(alike.map(({ id, distance }) => [id, distance]));
  const distanceOf = (id: string) => distances.get(id) ?? FAR;
  const rowsAlike = await placedRows(db, [...distances.keys()]);
  return rowsAlike
    .map((row) => ({ id: row.id, distance: distanceOf(row.id), row }))
    .sort(nearestFirst)
    .map(({ distance, row }) => ({ file: toFileRecord(toPlacedFile(row)), relevance: relevanceAt(distance) }));
}

/** The rows with their folders. Without the name of the container, by which SQLite would look through all of its files. */
function placedRows(db: Executor, ids: readonly string[]) {
  return db
    .selectFrom('files')
    .innerJoin('folders', 'folders.id', 'files.folder_id')
    .selectAll('files')
    .select(['folders.path as folder_path', 'folders.is_public as folder_is_public'])
    .where(sql<boolean>`files.id in ${listed(db, ids)}`)
    .execute();
}

function nearestFirst(a: { readonly id: string; readonly distance: number }, b: typeof a): number {
  return a.distance - b.distance || (a.id < b.id ? -1 : 1);
}

/** From 1 for the same look to just above 0. */
function relevanceAt(distance: number): number {
  return Math.max(1, Math.round((1 - distance / FAR) * 1000)) / 1000;
}

type Scopes = ReturnType<typeof mergeLayers>;
interface Keyed {
  readonly id: string;
  readonly look_key: number;
}

/** The numbers of all files that may be seen, which are few. */
async function everyLook(db: Executor, container: string, scopes: Scopes): Promise<readonly Keyed[]> {
  const from =
    scopes === undefined
      ? sql`files.container = ${container}`
      : sql`files.folder_id in (${coveredFolders(container, ROOT, scopes, sql`covered.id`)})`;
  const { rows } = await sql<Keyed>`select files.id, files.look_key from files
    where ${from} and files.look_key >= 0 limit ${sql.lit(LOOKED_THROUGH_MAX)}`.execute(db);
  return rows;
}

/** The numbers around the key, of which as many are read whatever the scopes are, without those of files that may not be seen. */
async function neighbours(db: Executor, container: string, scopes: Scopes, key: number): Promise<readonly Keyed[]> {
  const { rows: near } = await sql<Keyed>`${looksNear(container, key)}`.execute(db);
  if (scopes === undefined) return near;
  // A question of its own: in one, a planner may begin with the files of the folders, which are many.
  const ids = near.map(({ id }) => id);
  const { rows } = await sql<{
    id: string;
  }>`select files.id from files inner join folders on folders.id = files.folder_id
    where files.id in ${listed(db, ids)} and ${coveredBy('folders', scopes)}`.execute(db);
  const seen = new Set(rows.map(({ id }) => id));
  return near.filter(({ id }) => seen.has(id));
}

/** The statement that reads the index on both sides of every key to start from. */
export function looksNear(container: string, key: number): RawBuilder<unknown> {
  const from = sql`from files where container = ${container}`;
  const parts = keysAround(key).flatMap((near) => [
    // With a second bound below, SQLite might take that one to the index and read everything up to the key.
    sql`select id, look_key from (select id, look_key ${from} and look_key >= ${near}
      order by look_key, id limit ${sql.lit(NEIGHBOURS)}) as after`,
    sql`select id, look_key from (select id, look_key ${from} and look_key >= 0 and look_key < ${near}
      order by look_key desc, id desc limit ${sql.lit(NEIGHBOURS)}) as before`,
  ]);
  return sql`select distinct id, look_key from (${sql.join(parts, sql` union all `)}) as near`;
}

/** The bounds of an ordinary page; similar files are weighed before they are paged. */
async function findSimilar(db: Executor, query: FileQuery, texts: readonly string[], paging: Paging) {
  const words = [...new Set(texts.flatMap(wordsIn))].slice(0, WORDS_MAX);
  const ways = words.map((word) => likeWord(db, query.container, word));
  const known = ways.filter((way) => way !== undefined);
  const source = await findSource(db, { ...query, where: { of: 'all', conditions: [] } });
  if (source === undefined || known.length < ways.length || known.length === 0)
    return { files: [], total: 0, bytes: 0 };
  // What the exact search finds is left to it.
  const isExact = sql.join(
    texts.map((text) => meets({ of: 'text', text })),
    sql` and `,
  );
  const candidates = await filesFrom(db, query, source.kind === 'folder' ? source : { kind: 'container' })
    .innerJoin('file_search', 'file_search.file_id', 'files.id')
    .select(['files.id', 'file_search.name_words', 'file_search.tag_words', 'file_search.meta_words'])
    .where(sql<boolean>`file_search.file_id in (${sql.join(known, sql` intersect `)})`)
    .where(sql<boolean>`not (${isExact})`)
    .orderBy('file_search.seq')
    .limit(SIMILAR_MAX)
    .execute();
  const weighed = candidates.flatMap((file) => {
    const relevance = relevanceOf(words, file);
    return relevance === 0 ? [] : [{ id: file.id, relevance }];
  });
  const relevances = new Map(weighed.map(({ id, relevance }) => [id, relevance]));
  const rows = await placedRows(db, [...relevances.keys()]);
  const files = rows
    .map((row): SimilarFile & { readonly key: string; readonly title: string } => ({
      file: toFileRecord(toPlacedFile(row)),
      relevance: relevances.get(row.id) ?? 0,
      key: row.name_key,
      title: row.title_key ?? row.name_key,
    }))
    .sort(similarOrder(paging));
  const page = files.slice(paging.offset, paging.offset + paging.limit);
  return {
    files: page.map(({ file, relevance }) => ({ file, relevance })),
    total: files.length,
    bytes: files.reduce((sum, { file }) => sum + file.sizeBytes, 0),
  };
}

const WORDS_MAX = 10;
/** Shorter words have too little to be alike. */
const SIMILAR_LENGTH_MIN = 3;
const TYPO_LENGTH_MIN = 5;

/** The files that may have a word like this one: its beginning, its letters in a row, or both of its ends but for an edit. */
function likeWord(db: Executor, container: string, word: string): RawBuilder<unknown> | undefined {
  const { whole, beginning } = tokensWanted(word);
  const exactly = indexed(db, container, { whole, ...(beginning === undefined ? {} : { beginnings: [beginning] }) });
  const letters = [...word];
  const ways = [exactly];
  if (!isUnspaced(word) && letters.length >= SIMILAR_LENGTH_MIN) {
    ways.push(indexed(db, container, { whole: [], grams: gramsOfPart(word, 'inside') }));
  }
  if (!isUnspaced(word) && letters.length >= TYPO_LENGTH_MIN) {
    // One edit spares at least one of the ends when a letter lies between them.
    const end = Math.floor((letters.length - 1) / 2);
    ways.push(indexed(db, container, { whole: [], grams: gramsOfPart(letters.slice(0, end).join(''), 'start') }));
    ways.push(indexed(db, container, { whole: [], grams: gramsOfPart(letters.slice(-end).join(''), 'end') }));
  }
  const known = ways.filter((way) => way !== undefined);
  if (known.length === 0) return undefined;
  return sql`select file_id from (${sql.join(
    known.map((way) => sql`select file_id from (${way}) as way`),
    sql` union `,
  )}) as ways`;
}

interface Lines {
  readonly name_words: string;
  readonly tag_words: string;
  readonly meta_words: string;
}

/** How much a file says of the words, from 0 (one is missing) to just below 1. */
function relevanceOf(words: readonly string[], lines: Lines): number {
  const close = new Set(`${lines.name_words}|${lines.tag_words}`.split(/[ |]+/).filter((word) => word !== ''));
  let sum = 0;
  for (const word of words) {
    const weight = weightOf(word, lines, close);
    if (weight === 0) return 0;
    sum += weight;
  }
  return Math.round((sum / words.length) * 90) / 100;
}

function weightOf(word: string, lines: Lines, close: ReadonlySet<string>): number {
  const pattern = wordPattern(word).slice(1, -1);
  if ([lines.name_words, lines.tag_words, lines.meta_words].some((line) => line.includes(pattern))) return 1;
  if (isUnspaced(word) || word.length < SIMILAR_LENGTH_MIN) return 0;
  if ([...close].some((one) => one.includes(word))) return 0.8;
  if ([...word].length >= TYPO_LENGTH_MIN && [...close].some((one) => isOneEditAway(word, one))) return 0.6;
  return 0;
}

/** Whether one letter inserted, left out, replaced or swapped with its neighbour makes the one word the other. */
export function isOneEditAway(first: string, second: string): boolean {
  const [a, b] = [[...first], [...second]];
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restA.length <= 1 && restB.length <= 1) return restA.length + restB.length > 0;
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0];
}

type Sortable = SimilarFile & { readonly key: string; readonly title: string };

function similarOrder({ sort, descending }: Paging): (a: Sortable, b: Sortable) => number {
  const keyOf = (found: Sortable): number | string => {
    switch (sort) {
      case 'relevance':
        return found.relevance;
      case 'created_at':
        return found.file.createdAtMs;
      case 'modified_at':
        return found.file.modifiedAtMs;
      case 'size':
        return found.file.sizeBytes;
      case 'type':
        return found.file.mime;
      case 'title':
        return found.title;
      case 'name':
      case 'assets_count':
        return found.key;
    }
  };
  const compare = (a: number | string, b: number | string) => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) =>
    (descending ? -1 : 1) * compare(keyOf(a), keyOf(b)) || compare(a.key, b.key) || compare(a.file.id, b.file.id);
}
