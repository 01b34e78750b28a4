// The Search port in SQL: similar files, the kinds and values there are, and what waits to become searchable.
import { setImmediate as othersTurn } from 'node:timers/promises';
import { type FolderScope, ROOT } from '@latchkey/policy';
import { type RawBuilder, sql } from 'kysely';
import type { Look } from '../../ports/look.ts';
import type { FileQuery, Paging, ScopeLayers } from '../../ports/metadata.ts';
import {
  COUNT_MAX,
  EVERY_FILE,
  fold,
  isUnspaced,
  type Search,
  type SearchField,
  SIMILAR_MAX,
  type SimilarFile,
  wordsIn,
} from '../../ports/search.ts';
import { byAnyWords, findFew, hasEntries, meets, type WordQuery, wordsHave } from './conditions.ts';
import type { Database, Executor } from './database.ts';
import { type FileRow, filesFrom, findSource, inParts, isEveryFile, recordsById, type Source } from './files.ts';
import { findAlike } from './looks.ts';
import { waitsForLook } from './migrations/0028-looks.ts';
import { WAITS_FOR_GRAMS } from './migrations/0029-likenesses.ts';
import { coveredBy, coveredFolders, mergeLayers } from './scopes.ts';
import {
  addColours,
  fieldName,
  gramsOfPart,
  headOf,
  indexFile,
  indexWords,
  storedLookKey,
  titleKey,
  tokensWanted,
  wordPattern,
  writtenValues,
} from './search-index.ts';
import { foldTags } from './tags.ts';
import { ALWAYS, dialectOf, every, forUpdate, isAmong, like, literally, some, tableOf } from './text.ts';

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
    return this.#database.query('STORE_UNAVAILABLE', (db) => countTypes(db, container, within, limit));
  }

  listValues(container: string, within: ScopeLayers, field: SearchField, contains: string, limit: number) {
    return this.#database.query('STORE_UNAVAILABLE', async (db) => {
      const found = await findValues(db, container, within, field, fold(contains), limit);
      const ids = found.map(({ fileId }) => fileId);
      const files = await db
        .selectFrom('files')
        .selectAll()
        .where(isAmong(db, 'files.id', ids))
        .execute();
      const byId = new Map(files.map((file) => [file.id, file]));
      // The index keeps values without what makes no difference; people read them as somebody wrote them.
      return found.map(({ head, fileId }) => {
        const file = byId.get(fileId);
        return (file && writtenValues(file, field).find((value) => headOf(fold(value)) === head)) ?? head;
      });
    });
  }

  findLookAlikes(container: string, within: ScopeLayers, look: Look, besides: string, limit: number) {
    return this.#database.query('STORE_UNAVAILABLE', (db) =>
      findAlike(db, { container, within, look, besides }, limit),
    );
  }

  async catchUp(limit: number): Promise<number> {
    const caughtUp = await this.#database.write('STORE_UNAVAILABLE', async (db) => {
      let done = 0;
      for (const step of CATCHING_UP) if (done < limit) done += await step(db, limit - done);
      return done;
    });
    await othersTurn();
    return caughtUp;
  }
}

/** What old rows wait for, in this order; each step takes up to `limit` of them and answers how many there were. */
const CATCHING_UP: readonly ((db: Executor, limit: number) => Promise<number>)[] = [
  // For a search at all.
  async (db, limit) => {
    const waiting = db.selectFrom('files').selectAll().where('title_key', 'is', null).orderBy('id').limit(limit);
    const files = await forUpdate(dialectOf(db), waiting).execute();
    for (const file of files) {
      const keys = { title_key: titleKey(file), look_key: storedLookKey(file) };
      await db.updateTable('files').set(keys).where('id', '=', file.id).execute();
      await indexFile(db, file);
    }
    return files.length;
  },
  // For one by looks.
  async (db, limit) => {
    const unseen = sql.raw<boolean>(waitsForLook(dialectOf(db)));
    const waiting = db.selectFrom('files').selectAll().where(unseen).orderBy('id').limit(limit);
    const pictures = await forUpdate(dialectOf(db), waiting).execute();
    for (const file of pictures) {
      const look_key = storedLookKey(file);
      await db.updateTable('files').set({ look_key }).where('id', '=', file.id).execute();
      await addColours(db, file);
    }
    return pictures.length;
  },
  // For one by what is like their metadata.
  async (db, limit) => {
    const described = await forUpdate(dialectOf(db), waitingForGrams(db, limit)).execute();
    for (const file of described) await indexWords(db, file);
    return described.length;
  },
  foldTags,
];

/** Files whose words of metadata nothing that is only like them finds yet. */
export function waitingForGrams(db: Executor, limit: number) {
  const waiting = sql`select file_id from file_search where ${sql.raw(WAITS_FOR_GRAMS)} order by file_id limit ${sql.lit(limit)}`;
  return db.selectFrom('files').selectAll().where(sql<boolean>`(files.id in (${waiting}))`).orderBy('id');
}

/** The types of the files that may be seen; see `Search.countTypes`. */
export async function countTypes(db: Executor, container: string, within: ScopeLayers, limit: number) {
  const scopes = mergeLayers(within);
  const next = (after: RawBuilder<boolean>) =>
    sql`(select min(files.mime) from files where files.container = ${container} and ${after})`;
  const counted =
    scopes === undefined
      ? // From one type to the next by an index: no file is read, and no more of its entries than are counted.
        sql`with recursive types(mime, place) as (
            select ${next(ALWAYS)}, 1
            union all select ${next(sql`files.mime > types.mime`)}, types.place + 1 from types
            where types.mime is not null and types.place < ${sql.lit(TYPES_TRIED_MAX)})
          select mime, (select count(*) from (select 1 from files where files.container = ${container} and files.mime = types.mime
            limit ${sql.lit(COUNT_MAX)}) as counted) as files
          from types where mime is not null`
      : sql`select files.mime, count(*) as files from files
          where files.folder_id in (${coveredFolders(container, ROOT, scopes, sql`covered.id`)}) group by files.mime`;
  const { rows } = await sql<{ mime: string; files: number }>`
    select mime, case when files > ${sql.lit(COUNT_MAX)} then ${sql.lit(COUNT_MAX)} else files end as files
    from (${counted}) as counted order by files desc, mime limit ${sql.lit(limit)}`.execute(db);
  return rows.map(({ mime, files }) => ({ mime, files: Number(files) }));
}

/** So many types are looked at, in their order. */
const TYPES_TRIED_MAX = 1000;

/** The beginnings of values, each with a file in scope that has it; see `Search.listValues`. */
export async function findValues(
  db: Executor,
  container: string,
  within: ScopeLayers,
  field: SearchField,
  contained: string,
  limit: number,
): Promise<readonly { readonly head: string; readonly fileId: string }[]> {
  const query: FileQuery = { container, folderPath: ROOT, recursive: true, within, where: EVERY_FILE };
  const source = await findSource(db, query);
  if (source === undefined) return [];
  const begin = headOf(contained);
  const pattern = `%${literally(begin)}%`;
  const end = `${begin}\u{10FFFF}`;
  if (source.kind !== 'container') {
    const rows = await filesFrom(db, query, source)
      .innerJoin('file_values', 'file_values.file_id', 'files.id')
      .select((eb) => ['file_values.head', eb.fn.min('files.id').as('file_id')])
      .where('file_values.field', '=', fieldName(field))
      .where(like('file_values.head', pattern))
      .groupBy('file_values.head')
      .orderBy(sql`case when file_values.head >= ${begin} and file_values.head < ${end} then 0 else 1 end`)
      .orderBy('file_values.head')
      .limit(limit)
      .execute();
    return rows.map(({ head, file_id }) => ({ head, fileId: file_id })).sort((a, b) => compare(a.head, b.head));
  }
  const ofField = sql`file_values.container = ${container} and file_values.field = ${fieldName(field)}`;
  const found = new Map<string, string>();
  const first = { from: sql<boolean>`file_values.head >= ${begin}`, to: sql<boolean>`file_values.head < ${end}` };
  for (const { from, to } of begin === '' ? [{ from: ALWAYS, to: ALWAYS }] : [first, { from: ALWAYS, to: ALWAYS }]) {
    // From one value to the next by an index, however many files have each.
    const next = (after: RawBuilder<boolean>) =>
      sql`(select min(file_values.head) from file_values where ${ofField} and ${after} and ${to})`;
    const { rows } = await sql<{ head: string }>`
      with recursive heads(head, place) as (
        select ${next(from)}, 1
        union all select ${next(sql`file_values.head > heads.head`)}, heads.place + 1 from heads
        where heads.head is not null and heads.place < ${sql.lit(VALUES_TRIED_MAX)})
      select head from heads where head is not null and ${like('head', pattern)} order by head`.execute(db);
    const heads = rows.map(({ head }) => head).filter((head) => !found.has(head));
    for (const some of inParts(heads.slice(0, VALUES_ASKED_MAX), VALUES_AT_ONCE)) {
      if (found.size >= limit) break;
      for (const { head, file_id } of await filesOf(db, ofField, some, mergeLayers(within))) {
        if (found.size < limit) found.set(head, file_id);
      }
    }
  }
  return [...found].map(([head, fileId]) => ({ head, fileId })).sort((a, b) => compare(a.head, b.head));
}

/** Of these values those that files in scope have, with one file each. */
async function filesOf(
  db: Executor,
  ofField: RawBuilder<unknown>,
  heads: readonly string[],
  scopes: readonly FolderScope[] | undefined,
): Promise<readonly { readonly head: string; readonly file_id: string }[]> {
  const having = sql`select file_values.file_id from file_values where ${ofField} and file_values.head = heads.head`;
  const fileOf =
    scopes === undefined
      ? sql`(${having} limit 1)`
      : sql`(select few.file_id from (${having} limit ${sql.lit(FILES_TRIED_MAX)}) as few
          join files on files.id = few.file_id join folders on folders.id = files.folder_id
          where ${coveredBy('folders', scopes)} limit 1)`;
  const { rows } = await sql<{ head: string; file_id: string | null }>`
    select heads.head, ${fileOf} as file_id from ${tableOf(db, heads)} as heads order by heads.head`.execute(db);
  return rows.flatMap(({ head, file_id }) => (file_id === null ? [] : [{ head, file_id }]));
}

/** So many different values are looked at for a suggestion: the first of the field, and the first that begin with what was typed. */
const VALUES_TRIED_MAX = 2000;
/** Of so many of them it is asked whether a file in scope has them. */
const VALUES_ASKED_MAX = 600;
/** Of so many at a time, until there are enough. */
const VALUES_AT_ONCE = 30;
/** So many files that have a value are looked at. */
const FILES_TRIED_MAX = 300;

/** Files that are like all of the texts; see `Search.findSimilarFiles`. */
export async function findSimilar(db: Executor, query: FileQuery, texts: readonly string[], paging: Paging) {
  const words = [...new Set(texts.flatMap(wordsIn))].slice(0, WORDS_MAX);
  const likely = words.map(likeWord);
  const source = words.length === 0 ? undefined : await findSource(db, query);
  const weighed =
    source === undefined
      ? []
      : (await linesToWeigh(db, query, source, likely, texts)).flatMap((file) => {
          const relevance = relevanceOf(words, file);
          return relevance === 0 ? [] : [[file.file_id, relevance] as const];
        });
  if (weighed.length === 0) return { files: [], total: 0, bytes: 0 };
  const relevances = new Map(weighed);
  const folder = source?.kind === 'folder' ? source.folder : undefined;
  const found = await filesFrom(db, query, { kind: 'candidates', ids: [...relevances.keys()], folder })
    .select(['files.id', 'files.name_key', 'files.title_key', 'files.created_at', 'files.modified_at', 'files.size'])
    .select('files.mime')
    .execute();
  const sorted = found.map((file) => ({ ...file, relevance: relevances.get(file.id) ?? 0 })).sort(similarOrder(paging));
  const page = sorted.slice(paging.offset, paging.offset + paging.limit);
  const records = await recordsById(
    db,
    page.map(({ id }) => id),
  );
  return {
    files: page.flatMap(({ id, relevance }): readonly SimilarFile[] => {
      const file = records.get(id);
      return file === undefined ? [] : [{ file, relevance }];
    }),
    total: sorted.length,
    bytes: sorted.reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * The words of the files that may be like all of the texts, without those that have them exactly, which are left to the exact search. Where there
 * are many files, an index names those that share letters with a word that few have; when there is no such word, the first files are looked at.
 */
async function linesToWeigh(
  db: Executor,
  query: FileQuery,
  source: Source,
  likely: readonly (readonly WordQuery[])[],
  texts: readonly string[],
): Promise<readonly Lines[]> {
  const files = await rowsToWeigh(db, query, source, likely);
  const alike = likely.map((ways) => some(ways.map(hasEntries)));
  return db
    .selectFrom('file_search')
    .select(['file_search.file_id', 'file_search.name_words', 'file_search.tag_words', 'file_search.meta_words'])
    .where(files)
    .where(sql<boolean>`${every(alike)} and not ${wordsHave(texts)}`)
    .orderBy('file_search.seq')
    .limit(SIMILAR_MAX)
    .execute();
}

/** True for the rows of `file_search` that are looked at. */
async function rowsToWeigh(
  db: Executor,
  query: FileQuery,
  source: Source,
  likely: readonly (readonly WordQuery[])[],
): Promise<RawBuilder<boolean>> {
  const { container, folderPath } = query;
  const scopes = mergeLayers(query.within);
  const found = filesFrom(db, query, source).select('files.id');
  const isFew = source.kind === 'folder' ? source.folder.files_count <= COUNT_MAX : source.kind !== 'container';
  if (isFew) return sql<boolean>`(file_search.file_id in ${found})`;
  const ways = likely.flatMap((words) => byAnyWords(db, container, words) ?? []);
  const ids = await findFew(db, container, ways, SIMILAR_MAX);
  if (ids !== undefined) return isAmong(db, 'file_search.file_id', ids);
  const limit = sql.lit(COUNT_MAX);
  if (source.kind === 'folder') {
    const first = found.orderBy('files.name_key').orderBy('files.id').limit(COUNT_MAX);
    return sql<boolean>`(file_search.file_id in (select id from ${first} as first))`;
  }
  if (scopes !== undefined || folderPath !== ROOT) {
    const covered = coveredFolders(container, folderPath, scopes, sql`covered.id`);
    return sql<boolean>`(file_search.file_id in (select files.id from files
      where files.folder_id in (${covered}) and ${meets(query.where)} limit ${limit}))`;
  }
  if (isEveryFile(query.where)) {
    return sql<boolean>`(file_search.container = ${container} and file_search.seq <= (select max(first.seq) from (
      select seq from file_search where container = ${container} order by seq limit ${limit}) as first))`;
  }
  return sql<boolean>`(file_search.file_id in (select files.id from files
    where files.container = ${container} and ${meets(query.where)} limit ${limit}))`;
}

const WORDS_MAX = 10;
/** Shorter words have too little to be alike. */
const SIMILAR_LENGTH_MIN = 3;
const TYPO_LENGTH_MIN = 5;

/** What a word like this one may have: its beginning, its letters in a row, or one of its ends without an edit. */
function likeWord(word: string): readonly WordQuery[] {
  const { whole, beginning } = tokensWanted(word);
  const letters = [...word];
  const ways: WordQuery[] = [{ whole, ...(beginning === undefined ? {} : { beginnings: [beginning] }) }];
  if (!isUnspaced(word) && letters.length >= SIMILAR_LENGTH_MIN) {
    ways.push({ whole: [], grams: gramsOfPart(word, 'inside') });
  }
  if (!isUnspaced(word) && letters.length >= TYPO_LENGTH_MIN) {
    const { start, end } = sparedEnds(word);
    ways.push({ whole: [], grams: gramsOfPart(start, 'start') });
    ways.push({ whole: [], grams: gramsOfPart(end, 'end') });
  }
  return ways;
}

interface Lines {
  readonly file_id: string;
  readonly name_words: string;
  readonly tag_words: string;
  readonly meta_words: string;
}

/** How much a file says of the words, from 0 (one is missing) to just below 1. */
function relevanceOf(words: readonly string[], lines: Lines): number {
  let sum = 0;
  for (const word of words) {
    const weight = weightOf(word, lines);
    if (weight === 0) return 0;
    sum += weight;
  }
  return Math.round((sum / words.length) * 90) / 100;
}

function weightOf(word: string, { name_words, tag_words, meta_words }: Lines): number {
  const pattern = wordPattern(word).slice(1, -1);
  if ([name_words, tag_words, meta_words].some((line) => line.includes(pattern))) return 1;
  if (isUnspaced(word) || word.length < SIMILAR_LENGTH_MIN) return 0;
  return Math.max(likenessIn(name_words, word), likenessIn(tag_words, word), likenessIn(meta_words, word) - META_LESS);
}

/** What is like a word in the metadata comes behind what is so in a name or a tag. */
const META_LESS = 0.05;

/** How much the line has of the word: inside of another, or but for a letter; 0 when it has neither. */
function likenessIn(line: string, word: string): number {
  if (line.includes(word)) return 0.8;
  if ([...word].length < TYPO_LENGTH_MIN) return 0;
  const { start, end } = sparedEnds(word);
  const isLike = (at: number) => isOneEditAway(word, line.slice(line.lastIndexOf(' ', at) + 1, line.indexOf(' ', at)));
  return placesOf(line, ` ${start}`, 1).some(isLike) || placesOf(line, `${end} `, 0).some(isLike) ? 0.6 : 0;
}

/** One edit spares at least one of the ends when a letter lies between them. */
function sparedEnds(word: string): { readonly start: string; readonly end: string } {
  const letters = [...word];
  const length = Math.floor((letters.length - 1) / 2);
  return { start: letters.slice(0, length).join(''), end: letters.slice(-length).join('') };
}

/** Where the text stands in the line, each time so much further on. Long metadata has thousands of words: this reads none that have nothing of it. */
function placesOf(line: string, text: string, further: number): readonly number[] {
  const places: number[] = [];
  for (let at = line.indexOf(text); at >= 0; at = line.indexOf(text, at + 1)) places.push(at + further);
  return places;
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

type Sortable = Pick<FileRow, 'id' | 'name_key' | 'title_key' | 'created_at' | 'modified_at' | 'size' | 'mime'> & {
  readonly relevance: number;
};

function similarOrder({ sort, descending }: Paging): (a: Sortable, b: Sortable) => number {
  const keyOf = (found: Sortable): number | string => {
    switch (sort) {
      case 'relevance':
        return found.relevance;
      case 'created_at':
        return found.created_at;
      case 'modified_at':
        return found.modified_at;
      case 'size':
        return found.size;
      case 'type':
        return found.mime;
      case 'title':
        return found.title_key ?? found.name_key;
      case 'name':
      case 'assets_count':
        return found.name_key;
    }
  };
  return (a, b) =>
    (descending ? -1 : 1) * compare(keyOf(a), keyOf(b)) || compare(a.name_key, b.name_key) || compare(a.id, b.id);
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
