// Databases of their own for servers under test, on the PostgreSQL that LATCHKEY_TEST_POSTGRES_URL names.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { POSTGRESQL } from '../../tools/services.mjs';

/** The server on which databases are made; undefined when the machine has none. */
export const POSTGRES_URL = process.env['LATCHKEY_TEST_POSTGRES_URL'];

/** The folder of programs for servers that a test kills by itself; undefined when the machine has none. */
export const POSTGRES_PROGRAMS = POSTGRES_URL === undefined ? undefined : POSTGRESQL.find();

/** What is used of the `pg` package. */
interface Client {
  connect(): Promise<void>;
  query(sql: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  end(): Promise<void>;
}

// The driver that the server is installed with; the suite has no dependencies of its own.
const driver = createRequire(new URL('../../packages/server/package.json', import.meta.url));

/** Runs one statement and answers its rows. */
export async function run(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { Client } = driver('pg') as { Client: new (options: { connectionString: string }) => Client }; // pg's own shape.
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Makes an empty database and answers its URL, and how to remove it. */
export async function createDatabase(serverUrl: string): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `latchkey_conformance_${randomBytes(6).toString('hex')}`;
  await run(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => void (await run(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`)) };
}
