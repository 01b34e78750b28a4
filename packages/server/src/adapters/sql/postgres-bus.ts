// Word of changed rules through PostgreSQL: LISTEN on a connection of its own, NOTIFY inside the transactions that change them.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Client } from 'pg';
import { BUS_LAG_MS_MAX, type RuleChange, type Tell } from '../../ports/bus.ts';
import type { Log } from '../../ports/system.ts';
import type { SqlBus } from './bus.ts';
import type { Database, Executor } from './database.ts';

/** Notifications stay within one database: deployments do not hear each other. */
const CHANNEL = 'latchkey_rules';
/** Several chances to prove itself within the time that a proof is good for. */
const BEAT_EVERY_MS = 400;
/** A connection that is silent for longer is given up. */
const BEAT_MS_MAX = 2000;
const CONNECT_MS_MAX = 5000;
const RECONNECT_AFTER_MS = 250;
/** Word does not get through although both ends are connected: asking more often would not help. */
const UNHEARD_RETRY_MS = 5000;

/** Opens in the background; a connection that is lost is made again until the bus is closed. */
export function openPostgresBus(url: string, database: Database, log: Log | undefined): SqlBus {
  return new PostgresBus(url, database, log);
}

/** Two connections that should hear each other do not. */
class Unheard extends Error {}

class PostgresBus implements SqlBus {
  readonly #url: string;
  readonly #database: Database;
  readonly #log: Log | undefined;
  readonly #tells: Tell[] = [];
  readonly #node = randomUUID();
  readonly #closing = new AbortController();
  #currentUntilMs = 0;
  #awaited: { readonly beat: string; heard(): void } | undefined;
  #isCut = false;
  #client: Client | undefined;
  readonly #running: Promise<void>;

  constructor(url: string, database: Database, log: Log | undefined) {
    this.#url = url;
    this.#database = database;
    this.#log = log;
    this.#running = this.#run();
  }

  listen(tell: Tell): void {
    this.#tells.push(tell);
  }

  isCurrent(): boolean {
    return performance.now() < this.#currentUntilMs;
  }

  async announce(db: Executor, change: RuleChange): Promise<void> {
    await sql`select pg_notify(${CHANNEL}, ${JSON.stringify({ ...change, from: this.#node, atMs: Date.now() })})`.execute(
      db,
    );
  }

  tell(change: RuleChange, delayMs = 0): void {
    for (const tell of this.#tells) tell(change, delayMs);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#client !== undefined) destroy(this.#client);
    await this.#running;
  }

  /** Connects, proves and beats, again and again, until the bus is closed. Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let againMs = RECONNECT_AFTER_MS;
      try {
        await this.#hear(signal);
      } catch (error) {
        if (!signal.aborted && !this.#isCut) this.#log?.warn('bus.cut', { message: messageOf(error) });
        this.#isCut = true;
        if (error instanceof Unheard) againMs = UNHEARD_RETRY_MS;
      }
      this.#currentUntilMs = 0;
      await pause(againMs, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  /** One connection from its beginning to its end. Rejects with what ended it; resolves when the bus is closed. */
  async #hear(signal: AbortSignal): Promise<void> {
    const { default: pg } = await import('pg');
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: BEAT_MS_MAX,
      keepAlive: true,
      application_name: 'latchkey-bus',
    });
    const lost = new Promise<never>((_, reject) => {
      client.once('error', reject);
      client.once('end', () => reject(new Error('the connection ended')));
    });
    lost.catch(() => undefined); // It may be lost while nobody waits for it.
    client.on('error', () => {}); // One error may follow another; the first has been told.
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''));
    this.#client = client;
    try {
      if (signal.aborted) return;
      await Promise.race([client.connect(), lost]);
      // A beat that is lost with the server's memory is of no use to anybody afterwards.
      await client.query('set synchronous_commit = off');
      await client.query(`listen ${CHANNEL}`);
      await this.#greet(lost);
      if (this.#isCut) this.#log?.info('bus.restored');
      this.#isCut = false;
      while (!signal.aborted) {
        await this.#prove(lost, (text) => client.query('select pg_notify($1, $2)', [CHANNEL, text]));
        await pause(BEAT_EVERY_MS, undefined, { ref: false, signal }).catch(() => undefined);
      }
    } finally {
      destroy(client);
    }
  }

  /**
   * The first proof comes over another connection, as all changes do. Behind a pooler that lends connections for one
   * transaction each, the listener would hear itself and nobody else.
   */
  async #greet(lost: Promise<never>): Promise<void> {
    try {
      await this.#prove(
        lost,
        (text) =>
          this.#database.query('STORE_UNAVAILABLE', (db) => sql`select pg_notify(${CHANNEL}, ${text})`.execute(db)),
        // Before the bus is believed again: what was said meanwhile went unheard.
        () => this.tell({ kind: 'everything' }),
      );
    } catch (error) {
      throw new Unheard('notifications do not get through; is there a pooler in transaction mode?', { cause: error });
    }
  }

  /** Notifications come in the order of their commits: whoever hears this one has heard all that went before it. */
  async #prove(lost: Promise<never>, send: (text: string) => Promise<unknown>, heard = () => {}): Promise<void> {
    const beat = randomUUID();
    const sentMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing heard for ${BEAT_MS_MAX} ms`)), BEAT_MS_MAX);
    });
    const arrived = new Promise<void>((resolve) => {
      this.#awaited = { beat, heard: resolve };
    });
    try {
      await Promise.race([Promise.all([send(JSON.stringify({ kind: 'beat', beat })), arrived]), late, lost]);
    } finally {
      clearTimeout(timer);
      this.#awaited = undefined;
    }
    heard();
    this.#currentUntilMs = sentMs + BUS_LAG_MS_MAX;
  }

  #receive(payload: string): void {
    const { change, beat, from, atMs } = parse(payload);
    // Beats of other nodes come as well, and what this node changed it has been told.
    if (beat !== undefined && beat === this.#awaited?.beat) this.#awaited.heard();
    else if (change !== undefined && from !== this.#node)
      this.tell(change, Math.max(0, Date.now() - (atMs ?? Date.now())));
  }
}

/** A notification: a beat, or word of a change by some node at some time of its clock. */
interface Said {
  readonly beat?: string;
  readonly change?: RuleChange;
  readonly from?: string;
  readonly atMs?: number;
}

/** What cannot be read may mean anything. */
function parse(payload: string): Said {
  try {
    const said: unknown = JSON.parse(payload);
    const { kind, beat, container, keyId, from, atMs } = Object(said) as Readonly<Record<string, unknown>>; // Anything can be looked into.
    if (kind === 'beat' && typeof beat === 'string') return { beat };
    const origin = {
      ...(typeof from === 'string' ? { from } : {}),
      ...(typeof atMs === 'number' ? { atMs } : {}),
    };
    if (typeof container === 'string' && kind === 'rules') return { change: { kind, container }, ...origin };
    if (typeof container === 'string' && kind === 'revocations') {
      return { change: { kind, container, ...(typeof keyId === 'string' ? { keyId } : {}) }, ...origin };
    }
  } catch {
    // Not ours, then; answered below.
  }
  return { change: { kind: 'everything' } };
}

/** Ends it without a farewell, for which a dead network would have to be waited. */
function destroy(client: Client): void {
  client.connection.stream.destroy();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
