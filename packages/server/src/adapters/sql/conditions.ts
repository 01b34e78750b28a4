// Conditions of a search in SQL: as a test of each file, and as the few files that an index says can pass it.
import { type RawBuilder, sql } from 'kysely';
import type { SortKey } from '../../ports/metadata.ts';
import { type Condition, fold, type Range, type ValueMatch } from '../../ports/search.ts';
import type { Executor } from './database.ts';
import { inOrBelow } from './scopes.ts';
import {
  fieldName,
  gramsOfPart,
  headOf,
  pgVector,
  symbolsIn,
  tokensWanted,
  wordLine,
  wordPattern,
} from './search-index.ts';
import { ALWAYS, dialectOf, every, like, literally, numbered, some } from './text.ts';

/** True for the rows of `files` that meet the condition. */
export function meets(condition: Condition, refer: Refer = sql.ref): RawBuilder<boolean> {
  const isMet = (part: Condition) => meets(part, refer);
  switch (condition.of) {
    case 'all': {
      const texts = condition.conditions.flatMap((part) => (part.of === 'text' ? [part.text] : []));
      const others = condition.conditions.filter((part) => part.of !== 'text').map(isMet);
      const parts = texts.length === 0 ? others : [hasWords(wordsHave(texts)), ...others];
      return every(parts);
    }
    case 'any': {
      const texts = condition.conditions.flatMap((part) => (part.of === 'text' ? [part.text] : []));
      const others = condition.conditions.filter((part) => part.of !== 'text').map(isMet);
      const parts = texts.length === 0 ? others : [hasWords(wordsHave(texts, 'any')), ...others];
      return some(parts);
    }
    case 'not':
      return sql<boolean>`(not ${isMet(condition.condition)})`;
    case 'text':
      return hasWords(wordsHave([condition.text]));
    case 'value':
      return hasValue(condition.field, condition.match);
    case 'tag':
      return sql<boolean>`exists (select 1 from file_tags
        where file_tags.file_id = files.id and file_tags.sid = ${condition.sid})`;
    case 'label':
      return sql<boolean>`exists (select 1 from file_labels
        where file_labels.file_id = files.id and file_labels.label_sid = ${condition.sid})`;
    case 'present':
      return condition.what === 'label'
        ? sql<boolean>`exists (select 1 from file_labels where file_labels.file_id = files.id)`
        : sql<boolean>`(files.approval_status is not null)`;
    case 'approval': {
      const { status, nowMs } = condition;
      const due = sql<boolean>`(files.approval_due_at is not null and files.approval_due_at <= ${nowMs})`;
      const pending = sql<boolean>`(files.approval_status is not null and files.approval_status = 'PENDING')`;
      if (status === 'PENDING') return sql<boolean>`(${pending} and not ${due})`;
      const stands = sql<boolean>`(files.approval_status is not null and files.approval_status = ${status})`;
      return status === 'REJECTED' ? sql<boolean>`(${stands} or (${pending} and ${due}))` : stands;
    }
    case 'approver':
      return sql<boolean>`(files.approval_status is not null and exists (select 1 from approval_approvers
        where approval_approvers.person_id = ${condition.personId} and approval_approvers.approval_id =
          (select latest.id from approvals as latest where latest.file_id = files.id
            order by latest.created_at desc, latest.id desc limit 1)))`;
    case 'mime':
      return ofMime(refer('files.mime', !condition.mime.endsWith('/')), condition.mime);
    case 'size':
    case 'created':
    case 'modified':
      return inRange(refer(COLUMNS[condition.of], false), condition.range);
    case 'folder':
      return sql<boolean>`files.folder_id in (select named_folders.id from folders as named_folders
        where named_folders.container = files.container
          and ${inOrBelow('named_folders', condition.path)})`;
  }
}

/** How a condition names a column that has an index; `isEqual` when it names one value. */
export type Refer = (column: string, isEqual: boolean) => RawBuilder<unknown>;

/**
 * Names columns so that SQLite reads files in this order until a page is full: by an index of another column it would find all that
 * meet the condition, and sort them. A plus keeps a column from it.
 */
export function inOrderOf(sort: SortKey): Refer {
  const sorted = SORTED[sort] ?? [];
  return (column, isEqual) =>
    sorted.includes(column) || (sort === 'name' && isEqual) ? sql.ref(column) : sql`(+${sql.ref(column)})`;
}

/** Columns by which files lie in the order of a sort key. Of one type, they lie in the order of their names as well. */
const SORTED: Readonly<Partial<Record<SortKey, readonly string[]>>> = {
  type: ['files.mime'],
  size: ['files.size'],
  created_at: ['files.created_at'],
  modified_at: ['files.modified_at'],
};

/** True for files whose words meet the test. One question for all texts: with one for each PostgreSQL tries the orders in
 *  which they could be asked, and spends seconds on forty words before it reads a row. */
function hasWords(test: RawBuilder<boolean>): RawBuilder<boolean> {
  return sql<boolean>`exists (select 1 from file_search where file_search.file_id = files.id and ${test})`;
}

/** True for the rows of `file_search` that have all of the texts somewhere, or any of them. */
export function wordsHave(texts: readonly string[], how: 'all' | 'any' = 'all'): RawBuilder<boolean> {
  const each = texts.map((text) => {
    const pattern = wordPattern(text);
    return sql<boolean>`(${like('file_search.name_words', pattern)} or ${like('file_search.tag_words', pattern)}
      or ${like('file_search.meta_words', pattern)})`;
  });
  return how === 'all' ? every(each) : some(each);
}

/** How far a file is from what was searched for, less being nearer: words in the name come before tags and metadata. Of each list of texts one is
 *  enough. */
export function distanceFrom(lists: readonly (readonly string[])[]): RawBuilder<number> {
  const parts = lists.map((texts) => {
    const oneOf = (test: (text: string) => RawBuilder<boolean>) => some(texts.map(test));
    return sql`(select case when ${oneOf((text) => sql`file_search.name_words = ${wordLine(text)}`)} then 0
      when ${oneOf((text) => like('file_search.name_words', wordPattern(text)))} then 1
      when ${oneOf((text) => like('file_search.tag_words', wordPattern(text)))} then 2 else 3 end
      from file_search where file_search.file_id = files.id)`;
  });
  return parts.length === 0 ? sql<number>`(0 + 0)` : sql<number>`(${sql.join(parts, sql` + `)})`;
}

/**
 * The ids of files among which are all that meet the condition, when an index tells that they are few; undefined when
 * it cannot, or when they are more than `max`.
 */
export function findCandidates(
  db: Executor,
  container: string,
  condition: Condition,
  max: number,
): Promise<readonly string[] | undefined> {
  return findFew(db, container, waysTo(db, container, condition).slice(0, PROBES_MAX), max);
}

/** The ids of the files that the first of the ways leads to that leads to at most `max`; undefined when each one leads to more. */
export async function findFew(
  db: Executor,
  container: string,
  ways: readonly Way[],
  max: number,
): Promise<readonly string[] | undefined> {
  for (const { files, words } of ways) {
    if (await someAreCommon(db, container, words, max)) continue;
    // A file may be named once for each of the queries.
    const most = max * Math.max(1, words.length);
    const { rows } = await sql<{ file_id: string }>`
      select file_id from (${files}) as candidates limit ${sql.lit(most + 1)}`.execute(db);
    const ids = new Set(rows.map(({ file_id }) => file_id));
    if (rows.length <= most && ids.size <= max) return [...ids];
  }
  return undefined;
}

/** So many files all over the container are looked at before the word index is asked. */
const LOOKED_AT = 32;
/** Words that at least every fourth of those has are looked for in so many times as many files as would be too many. */
const COMMON_PART = 4;
const READ_FACTOR = 6;

/**
 * Whether more than `max` files have all entries of one of the queries, as far as a bounded look tells; never true when they are fewer. The
 * word indexes tell it, too, but both gather every file that has the beginning of a word before they name the first.
 */
async function someAreCommon(
  db: Executor,
  container: string,
  words: readonly WordQuery[],
  max: number,
): Promise<boolean> {
  const common = await findCommon(db, container, words, max);
  if (common === undefined) return false;
  const { rows: found } = await sql`select 1
    from (select tokens, grams from file_search where container = ${container} order by seq limit ${sql.lit(READ_FACTOR * max)})
      as file_search where ${hasEntries(common)} limit ${sql.lit(max + 1)}`.execute(db);
  return found.length > max;
}

/** One of the queries whose entries at least a fourth of the files have that are looked at; none in a container of few files. */
export async function findCommon(
  db: Executor,
  container: string,
  words: readonly WordQuery[],
  few: number,
): Promise<WordQuery | undefined> {
  if (words.length === 0) return undefined;
  const { rows: ends } = await sql<{ first: number | null; last: number | null }>`select
    (select min(seq) from file_search where container = ${container}) as first,
    (select max(seq) from file_search where container = ${container}) as last`.execute(db);
  const { first, last } = ends[0] ?? {};
  if (typeof first !== 'number' || typeof last !== 'number' || last - first < few) return undefined;
  const places = Array.from({ length: LOOKED_AT }, (_, i) =>
    Math.round(first + ((last - first) * i) / (LOOKED_AT - 1)),
  );
  const tests = words.map(hasEntries);
  const { rows: looked } = await sql<Record<string, number>>`select
    ${sql.join(tests.map((test, i) => sql`sum(case when ${test} then 1 else 0 end) as ${sql.ref(`test_${i}`)}`))}
    from file_search where file_search.seq in (select
      (select min(near.seq) from file_search as near where near.container = ${container} and near.seq >= places.seq)
      from ${numbered(db, places)} as places)`.execute(db);
  return words.find((_, i) => Number(looked[0]?.[`test_${i}`] ?? 0) * COMMON_PART >= LOOKED_AT);
}

/** True for the rows of `file_search` that have every entry of the query. */
export function hasEntries({ whole, beginnings = [], grams = [] }: WordQuery): RawBuilder<boolean> {
  const inLine = (column: 'tokens' | 'grams', pattern: string) =>
    sql<boolean>`(' ' || ${sql.ref(`file_search.${column}`)} || ' ') like ${pattern} escape '\\'`;
  const tests = [
    ...whole.map((token) => inLine('tokens', `% ${literally(token)} %`)),
    ...beginnings.map((token) => inLine('tokens', `% ${literally(token)}%`)),
    ...grams.map((token) => inLine('grams', `% ${literally(token)} %`)),
  ];
  return every(tests);
}

/** What is selected of the rows of `file_search` that hold these words and parts of words, as the word index tells; undefined when it has nothing
 *  to go by. */
export function indexed(
  db: Executor,
  container: string,
  wanted: WordQuery,
  selected: RawBuilder<unknown> = sql`file_search.file_id`,
): RawBuilder<unknown> | undefined {
  const dialect = dialectOf(db);
  const tokens = [
    ...wanted.whole.map((token) => ({ token, suffix: '' })),
    ...(wanted.beginnings ?? []).map((token) => ({ token, suffix: dialect === 'postgres' ? ':*' : '*' })),
  ];
  const grams = (wanted.grams ?? []).map((token) => ({ token, suffix: '' }));
  if (tokens.length + grams.length === 0) return undefined;
  if (dialect === 'postgres') {
    const vector = (column: 'tokens' | 'grams', entries: readonly { token: string; suffix: string }[]) => {
      const query = entries.map(({ token, suffix }) => `'${token.replace(/['\\]/g, '')}'${suffix}`).join(' & ');
      return entries.length === 0 ? sql`true` : sql`${pgVector(column)} @@ ${query}::tsquery`;
    };
    return sql`select ${selected} from file_search where file_search.container = ${container}
      and ${vector('tokens', tokens)} and ${vector('grams', grams)}`;
  }
  const column = (name: string, entries: readonly { token: string; suffix: string }[]) =>
    entries.length === 0
      ? []
      : [`${name} : (${entries.map(({ token, suffix }) => `"${token.replaceAll('"', '')}"${suffix}`).join(' AND ')})`];
  const query = [...column('tokens', tokens), ...column('grams', grams)].join(' AND ');
  return sql`select ${selected} from file_words cross join file_search on file_search.seq = file_words.rowid
    where file_words match ${query} and file_search.container = ${container}`;
}

/** Entries of the word index that must all be there. */
export interface WordQuery {
  readonly whole: readonly string[];
  readonly beginnings?: readonly string[];
  readonly grams?: readonly string[];
}

/** The entries that every file has which has all of the texts. */
export function wordsWanted(texts: readonly string[]): WordQuery {
  const each = texts.map(tokensWanted);
  return {
    whole: each.flatMap(({ whole }) => whole),
    beginnings: each.flatMap(({ beginning }) => beginning ?? []),
  };
}

/** The way to the files that have all entries of any one of the queries; undefined when the index has nothing to go by for one. */
export function byAnyWords(db: Executor, container: string, wanted: readonly WordQuery[]): Way | undefined {
  const ways = wanted.map((words) => indexed(db, container, words));
  const known = ways.filter((way) => way !== undefined);
  if (known.length < ways.length || known.length === 0) return undefined;
  return { files: unionOf(known), words: wanted };
}

const PROBES_MAX = 8;
const COLUMNS = { size: 'files.size', created: 'files.created_at', modified: 'files.modified_at' } as const;

function hasValue(field: string, match: ValueMatch): RawBuilder<boolean> {
  const having = (test: RawBuilder<boolean>) =>
    sql<boolean>`exists (select 1 from file_values where file_values.file_id = files.id
      and file_values.field = ${fieldName(field as Parameters<typeof fieldName>[0])} and ${test})`;
  switch (match.is) {
    case 'present':
      return having(ALWAYS);
    case 'equal':
      return having(equals(match.text));
    case 'begins':
      return having(like('file_values.text', `${literally(fold(match.text))}%`));
    case 'contains':
      return having(like('file_values.text', `%${literally(fold(match.text))}%`));
    case 'words':
      return having(like('file_values.words', wordPattern(match.text)));
    case 'between':
      return having(inRange(sql.ref('file_values.number'), match));
    case 'only': {
      const others = having(sql<boolean>`(not ${some(match.texts.map(equals))})`);
      return every([...match.texts.map((text) => having(equals(text))), sql<boolean>`(not ${others})`]);
    }
  }
}

function equals(text: string): RawBuilder<boolean> {
  const folded = fold(text);
  return sql<boolean>`(file_values.head = ${headOf(folded)} and file_values.text = ${folded})`;
}

function inRange(reference: RawBuilder<unknown>, { from, to, exclusive }: Range): RawBuilder<boolean> {
  const ends = [
    ...(from === undefined
      ? []
      : [exclusive ? sql<boolean>`${reference} > ${from}` : sql<boolean>`${reference} >= ${from}`]),
    ...(to === undefined ? [] : [exclusive ? sql<boolean>`${reference} < ${to}` : sql<boolean>`${reference} <= ${to}`]),
  ];
  return every(ends, sql<boolean>`(${reference} is not null)`);
}

function ofMime(reference: RawBuilder<unknown>, mime: string): RawBuilder<boolean> {
  // `image/` sorts directly before `image0`: every type with the prefix lies between.
  if (mime.endsWith('/')) {
    return sql<boolean>`(${reference} >= ${mime} and ${reference} < ${`${mime.slice(0, -1)}0`})`;
  }
  return sql<boolean>`(${reference} = ${mime})`;
}

/** A way to files by an index, and what of the word index it takes. */
export interface Way {
  readonly files: RawBuilder<unknown>;
  readonly words: readonly WordQuery[];
}

/** Ways to the files that can meet the condition, the most promising first. Each one leads to all of them. */
function waysTo(db: Executor, container: string, condition: Condition): readonly Way[] {
  switch (condition.of) {
    case 'all': {
      const texts = condition.conditions.flatMap((part) => (part.of === 'text' ? [part.text] : []));
      const together = byWords(db, container, wordsWanted(texts));
      const others = condition.conditions.filter((part) => part.of !== 'text');
      const ways = others.flatMap((part) => waysTo(db, container, part).map((way) => ({ way, rank: RANKS[part.of] })));
      const sorted = ways.sort((a, b) => a.rank - b.rank).map(({ way }) => way);
      return [...together, ...sorted];
    }
    case 'any': {
      const firsts = condition.conditions.map((part) => waysTo(db, container, part)[0]);
      const known = firsts.filter((way) => way !== undefined);
      if (known.length < firsts.length || known.length > ALTERNATIVES_MAX) return [];
      if (known.length === 0) return byTable(sql`select files.id as file_id from files where 1 = 0`);
      return [{ files: unionOf(known.map(({ files }) => files)), words: known.flatMap(({ words }) => words) }];
    }
    case 'text':
      return byWords(db, container, wordsWanted([condition.text]));
    case 'value':
      return candidatesByValue(db, container, condition.field, condition.match);
    case 'tag':
      return byTable(sql`select file_tags.file_id from file_tags
        where file_tags.container = ${container} and file_tags.sid = ${condition.sid}`);
    case 'label':
      return byTable(sql`select file_labels.file_id from file_labels
        where file_labels.container = ${container} and file_labels.label_sid = ${condition.sid}`);
    case 'mime':
      return byTable(sql`select files.id as file_id from files
        where files.container = ${container} and ${ofMime(sql.ref('files.mime'), condition.mime)}`);
    case 'size':
    case 'created':
    case 'modified':
      return byTable(sql`select files.id as file_id from files
        where files.container = ${container} and ${inRange(sql.ref(COLUMNS[condition.of]), condition.range)}`);
    case 'present':
      if (condition.what === 'approval') return [];
      return byTable(sql`select file_labels.file_id from file_labels where file_labels.container = ${container}`);
    case 'approver':
      return byTable(sql`select approvals.file_id from approval_approvers
        join approvals on approvals.id = approval_approvers.approval_id
        where approval_approvers.person_id = ${condition.personId} and approvals.container = ${container}`);
    case 'approval':
    case 'folder':
    case 'not':
      return [];
  }
}

function unionOf(ways: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql.join(
    ways.map((files) => sql`select file_id from (${files}) as way`),
    sql` union all `,
  );
}

function byTable(files: RawBuilder<unknown>): readonly Way[] {
  return [{ files, words: [] }];
}

function byWords(db: Executor, container: string, wanted: WordQuery): readonly Way[] {
  const files = indexed(db, container, wanted);
  return files === undefined ? [] : [{ files, words: [wanted] }];
}

const RANKS: Readonly<Record<Condition['of'], number>> = {
  tag: 0,
  label: 0,
  approver: 0,
  present: 3,
  value: 1,
  text: 2,
  any: 3,
  all: 3,
  mime: 4,
  size: 5,
  created: 5,
  modified: 5,
  approval: 9,
  folder: 9,
  not: 9,
};
const ALTERNATIVES_MAX = 50;

/** Ways to the files of which a field is so. */
export function candidatesByValue(db: Executor, container: string, field: string, match: ValueMatch): readonly Way[] {
  const where = (test: RawBuilder<boolean>) =>
    byTable(
      sql`select file_values.file_id from file_values where file_values.container = ${container}
      and file_values.field = ${fieldName(field as Parameters<typeof fieldName>[0])} and ${test}`,
    );
  switch (match.is) {
    case 'equal':
      return where(equals(match.text));
    case 'begins': {
      const head = headOf(fold(match.text));
      return where(sql<boolean>`(file_values.head >= ${head} and file_values.head < ${`${head}\u{10FFFF}`})`);
    }
    case 'between':
      return where(inRange(sql.ref('file_values.number'), match));
    case 'only': {
      const [first] = match.texts;
      return first === undefined ? [] : where(equals(first));
    }
    case 'words': {
      // References of products are no words of the index.
      if (field !== 'name' && field !== 'tag' && !field.startsWith('meta.')) return [];
      return byWords(db, container, wordsWanted([match.text]));
    }
    case 'contains': {
      if (field !== 'name') return [];
      return byWords(db, container, { whole: symbolsIn(match.text), grams: partsOf(match.text) });
    }
    case 'present':
      return where(sql<boolean>`(1 = 1)`);
  }
}

/** The triples that every name with this text in it has. */
function partsOf(text: string): readonly string[] {
  return tokensWanted(text).whole.length > 0 || /[^\p{L}\p{M}\p{N}]/u.test(fold(text))
    ? []
    : gramsOfPart([...fold(text)].slice(0, 60).join(''), 'inside');
}
