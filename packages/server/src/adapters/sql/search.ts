// The Search port in SQL: similar files, the kinds and values there are, and what waits to become searchable.
import { type RawBuilder, sql } from 'kysely';
import type { FileQuery, Paging, ScopeLayers } from '../../ports/metadata.ts';
import {
  fold,
  isUnspaced,
  type Search,
  type SearchField,
  SIMILAR_MAX,
  type SimilarFile,
  wordsIn,
} from '../../ports/search.ts';
import { indexed, meets } from './conditions.ts';
import type { Database, Executor } from './database.ts';
import { filesFrom, findSource, toFileRecord, toPlacedFile } from './files.ts';
import { coveredBy, mergeLayers } from './scopes.ts';
import {
  fieldName,
  gramsOfPart,
  indexFile,
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

  catchUp(limit: number): Promise<number> {
    return this.#database.write('STORE_UNAVAILABLE', async (db) => {
      const waiting = db.selectFrom('files').selectAll().where('title_key', 'is', null).orderBy('id').limit(limit);
      const files = await forUpdate(this.#database.dialect, waiting).execute();
      for (const file of files) {
        await db
          .updateTable('files')
          .set({ title_key: titleKey(file) })
          .where('id', '=', file.id)
          .execute();
        await indexFile(db, file);
      }
      return files.length;
    });
  }
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
  const rows = await db
    .selectFrom('files')
    .innerJoin('folders', 'folders.id', 'files.folder_id')
    .selectAll('files')
    .select(['folders.path as folder_path', 'folders.is_public as folder_is_public'])
    .where(sql<boolean>`files.id in ${listed(db, [...relevances.keys()])}`)
    .execute();
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
