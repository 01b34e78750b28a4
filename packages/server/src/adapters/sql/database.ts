// Opens the database behind a URL, brings its tables up to date, and is the border where its errors become the service's own.
import { type Dialect, Kysely, Migrator, sql, type Transaction } from 'kysely';
import { AppError, type ErrorCode } from '../../errors.ts';
import { BackupFault } from '../../ports/backup.ts';
import type { Log } from '../../ports/system.ts';
import type { ConnectionLoad, Watched } from './connection-load.ts';
import { initial } from './migrations/0001-initial.ts';
import { tags } from './migrations/0002-tags.ts';
import { products } from './migrations/0003-products.ts';
import { settings } from './migrations/0004-settings.ts';
import { bulks } from './migrations/0005-bulks.ts';
import { history } from './migrations/0006-history.ts';
import { approvals } from './migrations/0007-approvals.ts';
import { labels } from './migrations/0008-labels.ts';
import { search } from './migrations/0009-search.ts';
import { resumableUploads } from './migrations/0010-resumable-uploads.ts';
import { examinations } from './migrations/0011-examinations.ts';
import { tasks } from './migrations/0012-tasks.ts';
import { shares } from './migrations/0013-shares.ts';
import { contents } from './migrations/0015-contents.ts';
import { comments } from './migrations/0016-comments.ts';
import { collections } from './migrations/0017-collections.ts';
import { favorites } from './migrations/0018-favorites.ts';
import { variants } from './migrations/0019-variants.ts';
import { lenders } from './migrations/0020-lenders.ts';
import { airboxes } from './migrations/0021-airboxes.ts';
import { revocations } from './migrations/0022-revocations.ts';
import { access } from './migrations/0023-access.ts';
import { sessionKeys } from './migrations/0025-session-keys.ts';
import { containerSums } from './migrations/0026-container-sums.ts';
import { searchSizes } from './migrations/0027-search-sizes.ts';
import { looks } from './migrations/0028-looks.ts';
import { likenesses } from './migrations/0029-likenesses.ts';
import { foldedTags } from './migrations/0030-folded-tags.ts';
import { uploadMetadata } from './migrations/0031-upload-metadata.ts';
import type { OnlineMigration } from './migrations/online-index.ts';
import { type PostgresLimits, postgresDialect, postgresSession } from './postgres-dialect.ts';
import { migratePostgres } from './postgres-migrator.ts';
import type { Schema } from './schema.ts';
import { SharedCommits } from './shared-commits.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/** Either the database itself or a transaction of it: where a statement can be sent. */
export type Executor = Kysely<Schema>;

/** How a transaction is kept. */
export interface WriteOptions {
  /** `device` (the default) resolves when the commit is flushed; `process` survives the end of this process at once, and a
   *  loss of power with the next flushed commit of the same database, never out of order. */
  readonly durable?: 'device' | 'process';
  /** Those that are asked for at the same time may be one transaction, where the database flushes one after the other (SQLite). One that
   *  fails makes each be done again by itself. What need not be flushed is always joined. */
  readonly joined?: boolean;
}

/** An open database. Both methods raise the given code for every failure of the database, with the failure as cause. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres';
  /** Runs single statements, each for itself. */
  query<T>(unavailable: ErrorCode, work: (db: Executor) => Promise<T>): Promise<T>;
  /** Runs one transaction, again from the start (a few times) when concurrent ones got in its way: `work` must have no
   *  other effects. Raises ALREADY_EXISTS when a name or identifier is taken. */
  write<T>(unavailable: ErrorCode, work: (db: Transaction<Schema>) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** The names of all steps that make the tables, in order. */
  readonly steps: readonly string[];
  /** The names of those that have been taken. */
  stepsTaken(): Promise<readonly string[]>;
  /** Makes missing tables, up to the named step or all. Idempotent; any number of nodes may do it at the same time, and others serve
   *  meanwhile. */
  migrate(upTo?: string): Promise<void>;
  /** Reads what is there at one moment, while others go on writing. Raises STORE_UNAVAILABLE. */
  snapshot<T>(work: (db: Executor) => Promise<T>): Promise<T>;
  /** Its connections at this moment. */
  load(): ConnectionLoad;
  close(): Promise<void>;
}

/** How a database is opened. */
export interface DatabaseOptions {
  readonly log?: Log;
  /** For PostgreSQL only. */
  readonly limits?: Partial<PostgresLimits>;
}

/** Opens `sqlite:./path`, `sqlite::memory:` or `postgres://...`. Nothing is asked of the database yet. Raises TypeError for
 *  any other URL. */
export function openDatabase(url: string, { log, limits }: DatabaseOptions = {}): Database {
  if (url.startsWith('sqlite:')) return new SqlDatabase('sqlite', sqliteDialect(url.slice('sqlite:'.length)), log);
  if (/^postgres(ql)?:\/\//.test(url)) {
    const session = () => new Kysely<unknown>({ dialect: postgresSession(url, log) });
    return new SqlDatabase('postgres', postgresDialect(url, log, limits), log, session);
  }
  throw new TypeError('A database URL begins with "sqlite:" or "postgres://".');
}

const ATTEMPTS_MAX = 5;

/** The steps that make the tables, by name; they are taken in the order of their names. */
function migrationsFor(dialect: 'sqlite' | 'postgres'): Readonly<Record<string, OnlineMigration>> {
  return {
    '0001-initial': initial(dialect),
    '0002-tags': tags(dialect),
    '0003-products': products(dialect),
    '0004-settings': settings(dialect),
    '0005-bulks': bulks(dialect),
    '0006-history': history(dialect),
    '0007-approvals': approvals(dialect),
    '0022-revocations': revocations(dialect),
    '0023-access': access(dialect),
    '0025-session-keys': sessionKeys(dialect),
    '0026-container-sums': containerSums(dialect),
    '0027-search-sizes': searchSizes(dialect),
    '0028-looks': looks(dialect),
    '0029-likenesses': likenesses(dialect),
    '0030-folded-tags': foldedTags(dialect),
    '0031-upload-metadata': uploadMetadata(dialect),
    '0008-labels': labels(dialect),
    '0011-examinations': examinations(dialect),
    '0009-search': search(dialect),
    '0015-contents': contents(dialect),
    '0010-resumable-uploads': resumableUploads(dialect),
    '0017-collections': collections(dialect),
    '0012-tasks': tasks(dialect),
    '0013-shares': shares(dialect),
    '0016-comments': comments(dialect),
    '0018-favorites': favorites(dialect),
    '0019-variants': variants(dialect),
    '0020-lenders': lenders(dialect),
    '0021-airboxes': airboxes(dialect),
  };
}

class SqlDatabase implements Database {
  readonly dialect: 'sqlite' | 'postgres';
  readonly #db: Kysely<Schema>;
  readonly #watched: Watched;
  readonly #unflushed = new SharedCommits((work) => this.#withoutFlush(work));
  readonly #flushed = new SharedCommits((work) => this.#db.connection().execute(work));
  readonly #migrations: Readonly<Record<string, OnlineMigration>>;
  readonly #migrator: Migrator;
  readonly steps: readonly string[];
  readonly #log: Log | undefined;
  /** Opens a connection beside the others for work that takes long; where there is none, that is done like all other work. */
  readonly #session: (() => Kysely<unknown>) | undefined;
  #isClosed = false;

  constructor(
    dialect: 'sqlite' | 'postgres',
    kyselyDialect: Dialect & Watched,
    log: Log | undefined,
    session?: () => Kysely<unknown>,
  ) {
    this.dialect = dialect;
    this.#watched = kyselyDialect;
    this.#db = new Kysely<Schema>({ dialect: kyselyDialect });
    this.#migrations = migrationsFor(dialect);
    this.steps = Object.keys(this.#migrations).sort();
    this.#migrator = new Migrator({ db: this.#db, provider: { getMigrations: async () => ({ ...this.#migrations }) } });
    this.#log = log;
    this.#session = session;
  }

  async query<T>(unavailable: ErrorCode, work: (db: Executor) => Promise<T>): Promise<T> {
    this.#refuseWhenClosed(unavailable);
    try {
      return await work(this.#db);
    } catch (error) {
      throw translate(error, unavailable);
    }
  }

  async write<T>(
    unavailable: ErrorCode,
    work: (db: Transaction<Schema>) => Promise<T>,
    { durable = 'device', joined = durable === 'process' }: WriteOptions = {},
  ): Promise<T> {
    this.#refuseWhenClosed(unavailable);
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (!joined || this.dialect === 'postgres') return await this.#db.transaction().execute(work);
        return await (durable === 'process' ? this.#unflushed : this.#flushed).join(work);
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !isConflict(error)) throw translate(error, unavailable);
      }
    }
  }

  async migrate(upTo?: string): Promise<void> {
    const session = this.#session?.();
    if (session === undefined) {
      const { error } = await (upTo === undefined ? this.#migrator.migrateToLatest() : this.#migrator.migrateTo(upTo));
      if (error !== undefined) throw translate(error, 'STORE_UNAVAILABLE');
      return;
    }
    const wanted = Object.entries(this.#migrations).filter(([name]) => upTo === undefined || name <= upTo);
    try {
      await session.connection().execute((db) => migratePostgres(db, Object.fromEntries(wanted), this.#log));
    } catch (error) {
      throw translate(error, 'STORE_UNAVAILABLE');
    } finally {
      await session.destroy();
    }
  }

  async stepsTaken(): Promise<readonly string[]> {
    try {
      const steps = await this.#migrator.getMigrations();
      return steps.flatMap(({ name, executedAt }) => (executedAt === undefined ? [] : [name]));
    } catch (error) {
      throw translate(error, 'STORE_UNAVAILABLE');
    }
  }

  async snapshot<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    const begin = this.dialect === 'postgres' ? 'begin isolation level repeatable read read only' : 'begin';
    try {
      return await this.#db.connection().execute(async (connection) => {
        await sql.raw(begin).execute(connection);
        try {
          return await work(connection);
        } finally {
          await sql.raw('rollback').execute(connection);
        }
      });
    } catch (error) {
      throw translate(error, 'STORE_UNAVAILABLE');
    }
  }

  load(): ConnectionLoad {
    return this.#watched.load();
  }

  /** A pool that nothing was ever asked of does not notice its end, and would begin anew. */
  #refuseWhenClosed(unavailable: ErrorCode): void {
    if (this.#isClosed) throw new AppError(unavailable, 'the database is closed');
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#db.destroy();
  }

  /** SQLite appends every commit to one log, and a flush takes the whole of it ("pragma synchronous", in WAL mode): what is committed here is
   *  on the device as soon as any later record is, and until then a loss of power may take it, never without what came after it. */
  #withoutFlush(work: (connection: Executor) => Promise<void>): Promise<void> {
    return this.#db.connection().execute(async (connection) => {
      await sql`pragma synchronous=normal`.execute(connection);
      try {
        await work(connection);
      } finally {
        await sql`pragma synchronous=full`.execute(connection);
      }
    });
  }
}

/** What drivers tell about a failure: an SQLSTATE (PostgreSQL) or an extended result code (SQLite). */
interface DriverError {
  readonly code?: unknown;
  readonly errcode?: unknown;
}

const SQLSTATE_UNIQUE = '23505';
const SQLSTATES_CONFLICT: readonly unknown[] = ['40001', '40P01'];
const SQLITE_UNIQUE: readonly unknown[] = [1555, 2067];

function isConflict(error: unknown): boolean {
  return error instanceof Error && SQLSTATES_CONFLICT.includes((error as DriverError).code);
}

function translate(error: unknown, unavailable: ErrorCode): unknown {
  if (error instanceof AppError || error instanceof BackupFault) return error;
  // These are mistakes in this code, not failures of the database; "try again later" would hide them.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error;
  if (!(error instanceof Error)) return new AppError(unavailable, 'the database failed', { cause: error });
  const { code, errcode } = error as DriverError;
  if (code === SQLSTATE_UNIQUE || SQLITE_UNIQUE.includes(errcode)) {
    return new AppError('ALREADY_EXISTS', 'a unique name is taken', { cause: error });
  }
  return new AppError(unavailable, error.message, { cause: error });
}
