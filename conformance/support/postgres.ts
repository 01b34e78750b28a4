// Databases of their own for servers under test, on the PostgreSQL that LATCHKEY_TEST_POSTGRES_URL names.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

/** The server on which databases are made; undefined when the machine has none. */
export const POSTGRES_URL = process.env['LATCHKEY_TEST_POSTGRES_URL'];

/** What is used of the `pg` package. */
interface Client {
  connect(): Promise<void>;
  query(sql: string): Promise<unknown>;
  end(): Promise<void>;
}

// The driver that the server is installed with; the suite has no dependencies of its own.
const driver = createRequire(new URL('../../packages/server/package.json', import.meta.url));

async function run(url: string, sql: string): Promise<void> {
  const { Client } = driver('pg') as { Client: new (options: { connectionString: string }) => Client }; // pg's own shape.
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
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
  return { url: url.href, drop: () => run(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`) };
}
