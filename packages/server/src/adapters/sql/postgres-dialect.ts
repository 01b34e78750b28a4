// Kysely on PostgreSQL through `pg`, with every wait bounded and numbers as numbers; the library is loaded when first needed.
import {
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from 'kysely';
import type { Pool, PoolClient, PoolConfig } from 'pg';
import type { Log } from '../../ports/system.ts';
import type { Watched } from './connection-load.ts';

/** How much one node asks of the database, and for how long. */
export interface PostgresLimits {
  /** Connections that are open at once at most, besides one that listens for changes. */
  readonly connectionsMax: number;
  /** No statement runs longer, and no transaction idles longer; milliseconds. */
  readonly statementMsMax: number;
  /** No statement waits longer for the lock of another; milliseconds. */
  readonly lockMsMax: number;
}

/** What holds unless a setting says otherwise. */
export const POSTGRES_LIMITS: PostgresLimits = { connectionsMax: 10, statementMsMax: 10_000, lockMsMax: 8000 };

/** A dialect over a pool of connections to the database of the URL. Connecting, waiting for a connection, each statement
 *  and an idle transaction all end after some seconds with an error. */
export function postgresDialect(
  url: string,
  log: Log | undefined,
  limits: Partial<PostgresLimits> = {},
): PostgresDialect & Watched {
  const { connectionsMax, statementMsMax, lockMsMax } = { ...POSTGRES_LIMITS, ...limits };
  const bounds = {
    max: connectionsMax,
    statement_timeout: statementMsMax,
    lock_timeout: lockMsMax,
    idle_in_transaction_session_timeout: statementMsMax,
    // On this side too: a network that swallows packets never delivers the server's timeout.
    query_timeout: statementMsMax + 5_000,
  };
  let pool: Pool | undefined;
  const dialect = new PostgresDialect({
    pool: async () => {
      pool = await openPool(url, log, bounds);
      return new TextSafePool(pool);
    },
  });
  return Object.assign(dialect, {
    load: () => ({
      idle: pool?.idleCount ?? 0,
      busy: (pool?.totalCount ?? 0) - (pool?.idleCount ?? 0),
      waiting: pool?.waitingCount ?? 0,
    }),
  });
}

/** A dialect of one connection whose statements may take as long as they need. */
export function postgresSession(url: string, log: Log | undefined): PostgresDialect {
  return new PostgresDialect({ pool: async () => new TextSafePool(await openPool(url, log, { max: 1 })) });
}

// Also the longest wait for one of the connections: a burst of requests is served late rather than refused.
const CONNECT_TIMEOUT_MS = 15_000;

async function openPool(url: string, log: Log | undefined, bounds: PoolConfig): Promise<Pool> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    ...bounds,
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'latchkey',
    types: {
      // Sizes and times are bigint columns far below 2^53; the library would hand them out as text.
      getTypeParser: (oid: number, format?: string) =>
        oid === BIGINT_OID ? Number : pg.types.getTypeParser(oid, format as 'text'), // Only text results are asked for.
    },
  });
  // Without a listener the loss of an idle connection would end the process; the next query reports what is wrong.
  pool.on('error', (error) => log?.warn('database.connection_lost', { message: error.message }));
  return pool;
}

const BIGINT_OID = 20;

class TextSafePool implements PostgresPool {
  readonly #pool: Pool;
  readonly #clients = new WeakMap<PoolClient, TextSafeClient>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect();
    let wrapped = this.#clients.get(client);
    if (wrapped === undefined) {
      wrapped = new TextSafeClient(client);
      this.#clients.set(client, wrapped);
    }
    return wrapped;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** PostgreSQL texts cannot hold U+0000. Nothing that is stored has one (paths refuse it, JSON escapes it), so a question
 *  about such a text is asked with a character that no stored text has either, instead of failing. */
class TextSafeClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #isBroken = false;

  constructor(client: PoolClient) {
    this.#client = client;
    // The pool listens to idle connections only. A connection that is lost between two statements of a transaction would
    // end the process here; the next statement reports it instead.
    client.on('error', () => {
      this.#isBroken = true;
    });
  }

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    text: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== 'string') throw new TypeError('Rows are read in pages, not through cursors.');
    return this.#query(text, parameters);
  }

  async #query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    try {
      const { command, rowCount, rows } = await this.#client.query(text, parameters.map(withoutNul));
      return { command: command as PostgresQueryResult<R>['command'], rowCount: rowCount ?? 0, rows };
    } catch (error) {
      // No SQLSTATE means that the server did not answer: the connection is in an unknown state and must not be reused.
      if (!(error instanceof Error && 'severity' in error)) this.#isBroken = true;
      throw error;
    }
  }

  release(): void {
    this.#client.release(this.#isBroken);
  }
}

function withoutNul(parameter: unknown): unknown {
  if (Array.isArray(parameter)) return parameter.map(withoutNul);
  return typeof parameter === 'string' && parameter.includes('\0') ? parameter.replaceAll('\0', '\uffff') : parameter;
}
