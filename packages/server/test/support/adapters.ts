// The databases that suites run on: SQLite everywhere, PostgreSQL where LATCHKEY_TEST_POSTGRES_URL names one.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/sql/database.ts';
import { openSql, type SqlPorts } from '../../src/adapters/sql/index.ts';

/** A database of a suite's own. */
export interface TestDatabase {
  readonly url: string;
  /** Empties it. */
  reset(): Promise<void>;
  /** Removes it; nothing may be using it any more. */
  drop(): Promise<void>;
}

/** A kind of database that suites run on. */
export interface DatabaseAdapter {
  readonly name: 'sqlite' | 'postgres';
  /** Makes an empty one, or, where the database can, a copy of one that nobody uses. */
  create(like?: TestDatabase): Promise<TestDatabase>;
}

const POSTGRES_URL = process.env['LATCHKEY_TEST_POSTGRES_URL'];
const POSTGRES_MISSING = 'PostgreSQL is not available: set LATCHKEY_TEST_POSTGRES_URL';

/** The databases of this run. `ADAPTERS=sqlite` narrows it; a missing PostgreSQL is said, and in CI it is a failure. */
export const databaseAdapters: readonly DatabaseAdapter[] = chosenAdapters();

function chosenAdapters(): readonly DatabaseAdapter[] {
  const all: readonly DatabaseAdapter[] = [
    { name: 'sqlite', create: createSqlite },
    { name: 'postgres', create: createPostgres },
  ];
  const asked = process.env['ADAPTERS']?.split(',');
  const wanted = asked === undefined ? all : all.filter(({ name }) => asked.includes(name));
  if (POSTGRES_URL !== undefined || process.env['CI'] === 'true') return wanted;
  if (wanted.some(({ name }) => name === 'postgres')) console.warn(POSTGRES_MISSING);
  return wanted.filter(({ name }) => name !== 'postgres');
}

/** Opens the ports of a database as often as a case asks for, and closes them all. */
export interface Opener {
  open(): Promise<SqlPorts>;
  closeAll(): Promise<void>;
}

/** An opener of the database. */
export function openerOf(url: string): Opener {
  const opened: SqlPorts[] = [];
  return {
    async open() {
      const ports = await openSql(url);
      opened.push(ports);
      return ports;
    },
    async closeAll() {
      await Promise.all(opened.splice(0).map((ports) => ports.close()));
    },
  };
}

/** An empty database for each test of the suite; to be called in its `describe`. */
export function useDatabase(create: DatabaseAdapter['create']): Opener & { readonly url: string } {
  let database: TestDatabase | undefined;
  let opener: Opener | undefined;
  beforeAll(async () => {
    database = await create();
  });
  beforeEach(async () => {
    await made(database).reset();
    opener = openerOf(made(database).url);
  });
  afterEach(() => opener?.closeAll());
  afterAll(() => database?.drop());
  return {
    get url() {
      return made(database).url;
    },
    open: () => made(opener).open(),
    closeAll: () => made(opener).closeAll(),
  };
}

/** The ports on an empty database with one container. */
export interface Store {
  readonly ports: SqlPorts;
  /** The database itself, until the end of the test. */
  raw(): Database;
}

/** A store for each test of the suite; to be called in its `describe`. */
export function useStore(create: DatabaseAdapter['create'], container: string, nowMs: number): Store {
  const database = useDatabase(create);
  const raws: Database[] = [];
  let ports: SqlPorts | undefined;
  beforeEach(async () => {
    ports = await database.open();
    await ports.templates.ensureContainer(container, nowMs);
  });
  afterEach(async () => {
    await Promise.all(raws.splice(0).map((raw) => raw.close()));
  });
  return {
    get ports() {
      return made(ports);
    },
    raw() {
      const raw = openDatabase(database.url);
      raws.push(raw);
      return raw;
    },
  };
}

function made<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError('It is there while a test runs.');
  return part;
}

async function createSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-sql-'));
  const file = join(folder, 'latchkey.db');
  return {
    url: `sqlite:${file}`,
    reset: async () => {
      for (const part of ['', '-wal', '-shm']) await rm(file + part, { force: true });
    },
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A database beside the one that the URL names, so that test files can run at the same time. */
async function createPostgres(like?: TestDatabase): Promise<TestDatabase> {
  if (POSTGRES_URL === undefined) throw new Error(POSTGRES_MISSING);
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
  const model = like === undefined ? 'template0' : new URL(like.url).pathname.slice(1);
  await onPostgres(POSTGRES_URL, `create database ${name} template ${model} encoding 'UTF8'`);
  const url = new URL(POSTGRES_URL);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    reset: () => onPostgres(url.href, TRUNCATE),
    drop: () => onPostgres(POSTGRES_URL, `drop database ${name} with (force)`),
  };
}

// Emptying is much faster than making the tables again; what records the migrations stays.
const TRUNCATE = `do $$ declare tables text; begin
  select string_agg(quote_ident(tablename), ', ') into tables from pg_tables
    where schemaname = 'public' and tablename not like 'kysely%';
  if tables is not null then execute 'truncate ' || tables; end if;
end $$`;

async function onPostgres(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
