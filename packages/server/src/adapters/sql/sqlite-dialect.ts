// Kysely on the SQLite that comes with Node, or on its drop-in twin where the runtime has none: no compiler, no service.
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { ConnectionLoad, Watched } from './connection-load.ts';

type SqliteModule = typeof import('@photostructure/sqlite');
type SqliteDatabase = InstanceType<SqliteModule['DatabaseSync']>;
type SqliteStatement = ReturnType<SqliteDatabase['prepare']>;

/** A dialect of one connection to the database file (`:memory:` for a private one in memory). Commits are flushed to the
 *  device (`synchronous=FULL`), write transactions take the lock at once, and callers wait their turn for the connection. */
export function sqliteDialect(file: string): Dialect & Watched {
  const driver = new SqliteDriver(file);
  return {
    load: () => driver.load(),
    createDriver: () => driver,
    createQueryCompiler: (): QueryCompiler => new SqliteQueryCompiler(),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
  };
}

// Migrations run in one transaction, so that processes that start together on one file cannot run them twice.
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SqliteDriver implements Driver {
  readonly #file: string;
  #connection: SqliteConnection | undefined;
  /** Those that hold the connection or wait for it. */
  #callers = 0;
  #turn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => {};

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {
    const { DatabaseSync } = await loadSqlite();
    if (this.#file !== ':memory:') mkdirSync(dirname(resolve(this.#file)), { recursive: true });
    const database = new DatabaseSync(this.#file);
    for (const pragma of PRAGMAS) database.exec(`pragma ${pragma}`);
    this.#connection = new SqliteConnection(database);
  }

  /** One connection, one holder: a transaction that awaits between statements must not take in the statements of another. */
  async acquireConnection(): Promise<DatabaseConnection> {
    this.#callers += 1;
    const previous = this.#turn;
    let endTurn = (): void => {};
    this.#turn = new Promise((done) => {
      endTurn = done;
    });
    await previous;
    this.#endTurn = endTurn;
    if (this.#connection !== undefined) return this.#connection;
    this.#callers -= 1;
    endTurn();
    throw new Error('The database is closed.');
  }

  async releaseConnection(): Promise<void> {
    this.#callers -= 1;
    this.#endTurn();
  }

  /** `immediate`: a transaction that reads first and writes later would otherwise fail when another process wrote between. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(BEGIN);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(COMMIT);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // After a full disk or an I/O error SQLite has rolled back by itself, and a second rollback would hide the cause.
    if (this.#connection?.isInTransaction !== false) await connection.executeQuery(ROLLBACK);
  }

  load(): ConnectionLoad {
    const busy = Math.min(this.#callers, 1);
    return { idle: 1 - busy, busy, waiting: this.#callers - busy };
  }

  async destroy(): Promise<void> {
    await this.#turn;
    this.#connection?.close();
    this.#connection = undefined;
  }
}

interface Prepared {
  readonly statement: SqliteStatement;
  readonly isReader: boolean;
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
      try {
        return this.#execute(query);
      } catch (error) {
        // Another process is writing. Waiting inside SQLite would stop the whole process, so it is done out here.
        if (!isBusy(error) || this.isInTransaction || waitedMs >= BUSY_MAX_MS) throw error;
        await new Promise((resume) => setTimeout(resume, BUSY_PAUSE_MS));
      }
    }
  }

  #execute<R>(query: CompiledQuery): QueryResult<R> {
    const { statement, isReader } = this.#prepare(query.sql);
    if (isReader) return { rows: statement.all(...query.parameters) };
    const { changes } = statement.run(...query.parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new TypeError('Rows are read in pages, not streamed.');
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    const prepared = { statement, isReader: statement.columns().length > 0 };
    // Many a pragma acts when it is prepared, so one that is kept would act once.
    if (sql.startsWith('pragma')) return prepared;
    this.#prepared.set(sql, prepared);
    // Lists of ids make statements of many lengths; the oldest is forgotten and finalised with its object.
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size <= PREPARED_MAX) break;
      this.#prepared.delete(oldest);
    }
    return prepared;
  }
}

const PREPARED_MAX = 500;
const BEGIN = CompiledQuery.raw('begin immediate');
const COMMIT = CompiledQuery.raw('commit');
const ROLLBACK = CompiledQuery.raw('rollback');

const BUSY_PAUSE_MS = 5;
const BUSY_MAX_MS = 5_000;
const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false;
  return (error.errcode & 0xff) === SQLITE_BUSY; // Its extended codes have it in their low byte.
}

// The long timeout is for the switch to WAL alone, while another process is just opening the same file.
const PRAGMAS = [
  `busy_timeout=${BUSY_MAX_MS}`,
  'journal_mode=WAL',
  'busy_timeout=0',
  'synchronous=FULL',
  'foreign_keys=ON',
  'cache_size=-32000',
];

/** `node:sqlite` when it is there without a flag and complete, otherwise the package with the same interface. */
async function loadSqlite(): Promise<SqliteModule> {
  const builtIn: string = 'node:sqlite';
  try {
    const sqlite = (await import(builtIn)) as SqliteModule; // The package promises the interface of the built-in module.
    if ('columns' in sqlite.StatementSync.prototype) return sqlite;
  } catch {
    // This runtime has no SQLite of its own: that is what the package is for.
  }
  return import('@photostructure/sqlite');
}
