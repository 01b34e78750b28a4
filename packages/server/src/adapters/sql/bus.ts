// Word of changed rules between the nodes of one database: PostgreSQL's own notifications, and SQLite's count of foreign commits.
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { BUS_LAG_MS_MAX, type Bus, type RuleChange, type Tell } from '../../ports/bus.ts';
import type { Log } from '../../ports/system.ts';
import type { Database, Executor } from './database.ts';
import { openPostgresBus } from './postgres-bus.ts';

/** The bus with the side that only the store's own writers use. */
export interface SqlBus extends Bus {
  /** Belongs into the transaction that makes the change: the other nodes hear of it when, and only when, it commits. */
  announce(db: Executor, change: RuleChange): Promise<void>;
  /** Tells this node. */
  tell(change: RuleChange): void;
  /** Idempotent; afterwards the bus is never current. */
  close(): Promise<void>;
}

/** A transaction of whose change every node hears: the others with its commit, this one before the answer. */
export async function writeAnnounced<T>(
  database: Database,
  bus: SqlBus,
  change: RuleChange,
  work: (db: Executor) => Promise<T>,
): Promise<T> {
  try {
    return await database.write('STORE_UNAVAILABLE', async (db) => {
      const done = await work(db);
      await bus.announce(db, change);
      return done;
    });
  } finally {
    // Also when it failed: a commit whose answer was lost is a commit.
    bus.tell(change);
  }
}

/** The bus of the database of the URL. It opens in the background and is not current before it has proven itself. */
export function openBus(url: string, database: Database, log: Log | undefined): SqlBus {
  if (database.dialect === 'postgres') return openPostgresBus(url, database, log);
  return new SqliteBus(database, url === 'sqlite::memory:');
}

const POLL_EVERY_MS = 250;

/**
 * Usually one process has the file for itself and tells itself. Commits of any other process show in `data_version`, which
 * SQLite keeps for each connection: they may have changed anything.
 */
class SqliteBus implements SqlBus {
  readonly #database: Database;
  readonly #tells: Tell[] = [];
  readonly #closing = new AbortController();
  #version: number | undefined;
  #currentUntilMs: number;

  constructor(database: Database, isPrivate: boolean) {
    this.#database = database;
    this.#currentUntilMs = isPrivate ? Number.POSITIVE_INFINITY : 0;
    if (!isPrivate) void this.#poll();
  }

  listen(tell: Tell): void {
    this.#tells.push(tell);
  }

  isCurrent(): boolean {
    return !this.#closing.signal.aborted && performance.now() < this.#currentUntilMs;
  }

  async announce(): Promise<void> {
    // Other processes look by themselves.
  }

  tell(change: RuleChange): void {
    for (const tell of this.#tells) tell(change, 0);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const askedMs = performance.now();
        const version = await this.#database.query('STORE_UNAVAILABLE', dataVersion);
        if (version !== this.#version) this.tell({ kind: 'everything' });
        this.#version = version;
        this.#currentUntilMs = askedMs + BUS_LAG_MS_MAX;
      } catch {
        // Not current, then; whoever reads the database is told what is wrong with it.
      }
      await pause(POLL_EVERY_MS, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }
}

async function dataVersion(db: Executor): Promise<number | undefined> {
  const { rows } = await sql<{ readonly data_version: number }>`pragma data_version`.execute(db);
  return rows[0]?.data_version;
}
