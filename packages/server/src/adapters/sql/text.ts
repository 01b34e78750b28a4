// How texts are compared in both dialects alike, and the one clause that only one of them has.
import { PostgresAdapter, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Executor } from './database.ts';

/** The form of a text that is sorted and searched: composed and lower-case, so that case and spelling do not matter. */
export function searchKey(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}

/** True where the column (of search keys) contains the text, case-insensitively; `%` and `_` stand for themselves. */
export function contains(column: string, text: string): RawBuilder<boolean> {
  return matches(column, 'contains', text);
}

/** True where the column (of search keys) is the text, or begins with it, or contains it, case-insensitively. */
export function matches(column: string, is: 'equal' | 'begins' | 'contains', text: string): RawBuilder<boolean> {
  // No stored text has U+0000, but the patterns of SQLite end at it and would match too much.
  if (text.includes('\0')) return NEVER;
  const key = searchKey(text);
  if (is === 'equal') return sql<boolean>`(${sql.ref(column)} = ${key})`;
  return like(column, `${is === 'contains' ? '%' : ''}${literally(key)}%`);
}

/** True for every row. */
export const ALWAYS = sql<boolean>`(1 = 1)`;
/** True for none. */
const NEVER = sql<boolean>`(1 = 0)`;

/** True where all of the tests are: everywhere when there are none, unless something else is to stand for none. */
export function every(tests: readonly RawBuilder<boolean>[], none = ALWAYS): RawBuilder<boolean> {
  return tests.length === 0 ? none : sql<boolean>`(${sql.join(tests, sql` and `)})`;
}

/** True where one of the tests is: nowhere when there are none. */
export function some(tests: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return tests.length === 0 ? NEVER : sql<boolean>`(${sql.join(tests, sql` or `)})`;
}

/** True where the column is like the pattern, in which `literally` protects what stands for itself. */
export function like(column: string, pattern: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** A text as a part of a pattern. */
export function literally(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** Which database the statements go to. */
export function dialectOf(db: Executor): 'sqlite' | 'postgres' {
  return db.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite';
}

/** True where the column has one of the ids, however many, given as one parameter. PostgreSQL knows how many they are and looks each one up by an
 *  index: of ids in a subquery it knows nothing, and may compare every row with every id. */
export function isAmong(db: Executor, column: string, ids: readonly string[]): RawBuilder<boolean> {
  return dialectOf(db) === 'postgres'
    ? sql<boolean>`(${sql.ref(column)} = any(${[...ids]}::text[]))`
    : sql<boolean>`(${sql.ref(column)} in (select value from json_each(${JSON.stringify(ids)})))`;
}

/** The texts as a table with the column `head`, given as one parameter. */
export function tableOf(db: Executor, heads: readonly string[]): RawBuilder<unknown> {
  return dialectOf(db) === 'postgres'
    ? sql`(select unnest(${[...heads]}::text[]) as head)`
    : sql`(select value as head from json_each(${JSON.stringify(heads)}))`;
}

/** The numbers as a table with the column `seq`, given as one parameter. */
export function numbered(db: Executor, numbers: readonly number[]): RawBuilder<unknown> {
  return dialectOf(db) === 'postgres'
    ? sql`(select unnest(${[...numbers]}::bigint[]) as seq)`
    : sql`(select value as seq from json_each(${JSON.stringify(numbers)}))`;
}

/** Locks the rows until the transaction ends. SQLite has one writer at a time and neither needs nor knows it. */
export function forUpdate<DB, TB extends keyof DB, O>(
  dialect: 'sqlite' | 'postgres',
  query: SelectQueryBuilder<DB, TB, O>,
): SelectQueryBuilder<DB, TB, O> {
  return dialect === 'postgres' ? query.forUpdate() : query;
}
