// A question about few and many rows, asked of SQLite and, where there is one, of PostgreSQL.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Sql from '../../packages/server/src/adapters/sql/database.ts';
import { databaseBeside } from '../../packages/server/test/support/many-files.ts';

/** As it is built, which is how it runs. */
export const { openDatabase }: typeof Sql = await import(
  new URL('../../packages/server/dist/adapters/sql/database.js', import.meta.url).href
);

/** Compares an empty database with another one, given by their URLs: the rows of a table. */
type Compare = (name: string, small: string, large: string) => Promise<string[][]>;

/** The rows of all databases. PostgreSQL is the one that `LATCHKEY_TEST_POSTGRES_URL` names; without it, it is left out and that is said. */
export async function onDatabases(compare: Compare): Promise<string[][]> {
  const rows: string[][] = [];
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  try {
    rows.push(...(await compare('SQLite', `sqlite:${join(folder, 'small.db')}`, `sqlite:${join(folder, 'large.db')}`)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const postgres = process.env['LATCHKEY_TEST_POSTGRES_URL'];
  if (postgres === undefined) {
    console.error('PostgreSQL was left out: LATCHKEY_TEST_POSTGRES_URL names none');
    return rows;
  }
  const beside = (size: string) => databaseBeside(openDatabase, postgres, `latchkey_bench_${size}_${process.pid}`);
  const small = await beside('small');
  try {
    const large = await beside('large');
    try {
      rows.push(...(await compare('PostgreSQL', small.url, large.url)));
    } finally {
      await large.drop();
    }
  } finally {
    await small.drop();
  }
  return rows;
}
