// How texts are compared in both dialects alike, and the one clause that only one of them has.
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';

/** The form of a text that is sorted and searched: composed and lower-case, so that case and spelling do not matter. */
export function searchKey(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}

/** True where the column (of search keys) contains the text, case-insensitively; `%` and `_` stand for themselves. */
export function contains(column: string, text: string): RawBuilder<boolean> {
  // No stored text has U+0000, but the patterns of SQLite end at it and would match too much.
  if (text.includes('\0')) return sql<boolean>`(1 = 0)`;
  const pattern = `%${searchKey(text).replace(/[\\%_]/g, '\\$&')}%`;
  return sql<boolean>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** Locks the rows until the transaction ends. SQLite has one writer at a time and neither needs nor knows it. */
export function forUpdate<DB, TB extends keyof DB, O>(
  dialect: 'sqlite' | 'postgres',
  query: SelectQueryBuilder<DB, TB, O>,
): SelectQueryBuilder<DB, TB, O> {
  return dialect === 'postgres' ? query.forUpdate() : query;
}
