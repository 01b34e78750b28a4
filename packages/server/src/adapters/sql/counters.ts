// Counters of charges in SQL, equal to the policy package's CounterModel with any number of callers and nodes.
import { randomUUID } from 'node:crypto';
import type { Admission, Charge } from '@latchkey/policy';
import { CompiledQuery, type Selectable, sql } from 'kysely';
import type { ActualCost, Counters } from '../../ports/counters.ts';
import type { Database, Executor } from './database.ts';
import { lockCounters } from './locks.ts';
import type { CounterEntryTable } from './schema.ts';

/** The Counters port on a database. Closing the counters closes nothing: the database is closed by whoever opened it. */
export function sqlCounters(database: Database): Counters {
  return new SqlCounters(database);
}

type Entry = Selectable<CounterEntryTable>;

// So many rows at a time, and no more locks than that: the lock table of PostgreSQL is finite.
const ROWS_MAX = 200;

/*
 * An entry is what one reservation took from one counter. Windows are summed from their entries; lifetimes from one settled
 * total and the entries still held, so that neither grows with the age of a key. Entries of settled reservations stay until
 * they expire, because a release may still come.
 */
class SqlCounters implements Counters {
  readonly #database: Database;
  readonly #statements = new Map<string, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  reserve(charges: readonly Charge[], nowMs: number, holdMs: number): Promise<Admission> {
    if (charges.length === 0) return Promise.resolve({ admitted: true, id: randomUUID(), held: new Map() });
    return this.#change(async (db) => {
      const counters = charges.map(({ counter }) => counter);
      await lockCounters(db, this.#database.dialect, counters);
      const { used, lapsed } = await this.#sums(db, charges, nowMs);
      if (lapsed > 0) await this.#returnLapsed(db, counters, nowMs);
      const id = randomUUID();
      const entries: Entry[] = [];
      const held = new Map<string, number>();
      for (const [position, charge] of charges.entries()) {
        const { counter, limit, cost, windowMs, expiresAtMs } = charge;
        const taken = held.get(counter) ?? 0;
        const least = charge.costMin ?? cost;
        const fitting = Math.min(cost, Math.max(0, limit - (used[position] ?? 0) - taken));
        if (!(fitting >= least)) return this.#refuse(db, charge, used[position] ?? 0, least, nowMs);
        held.set(counter, taken + fitting);
        entries.push({
          reservation_id: id,
          position,
          counter,
          is_lifetime: windowMs === 'lifetime' ? 1 : 0,
          cost: fitting,
          at_ms: nowMs,
          hold_until: holdMs === 0 ? null : nowMs + holdMs,
          expires_at: expiresAtMs,
        });
      }
      await this.#insert(db, entries);
      for (const { counter, cost } of settledLifetimes(entries)) await addToTotal(db, counter, cost);
      return { admitted: true, id, held };
    });
  }

  settle(reservationId: string, actual: readonly ActualCost[]): Promise<void> {
    return this.#change(async (db) => {
      const entries = (await this.#lockReservation(db, reservationId)).filter(({ hold_until }) => hold_until !== null);
      const costs = new Map(actual.map(({ counter, cost }) => [counter, Math.max(0, cost)]));
      for (const entry of entries) {
        const left = costs.get(entry.counter);
        const cost = left === undefined ? entry.cost : Math.min(entry.cost, left);
        if (left !== undefined) costs.set(entry.counter, left - cost);
        await db
          .updateTable('counter_entries')
          .set({ cost, hold_until: null })
          .where('reservation_id', '=', reservationId)
          .where('position', '=', entry.position)
          .execute();
        if (entry.is_lifetime === 1) await addToTotal(db, entry.counter, cost);
      }
    });
  }

  release(reservationId: string): Promise<void> {
    return this.#change(async (db) => {
      const entries = await this.#lockReservation(db, reservationId);
      if (entries.length === 0) return;
      await db.deleteFrom('counter_entries').where('reservation_id', '=', reservationId).execute();
      for (const { counter, cost } of settledLifetimes(entries)) await addToTotal(db, counter, -cost);
    });
  }

  async sweep(nowMs: number): Promise<number> {
    const returned = await this.#change(async (db) => {
      const lapsed = await db
        .selectFrom('counter_entries')
        .select('counter')
        .distinct()
        .where('hold_until', '<=', nowMs)
        .limit(ROWS_MAX)
        .execute();
      const counters = lapsed.map(({ counter }) => counter);
      await lockCounters(db, this.#database.dialect, counters);
      return this.#returnLapsed(db, counters, nowMs);
    });
    // In small transactions, each under the locks of its counters, so that reservations need not wait for a long sweep.
    while ((await this.#forgetExpired(nowMs)) === ROWS_MAX);
    return returned;
  }

  async check(): Promise<void> {
    await this.#database.query('COUNTERS_UNAVAILABLE', (db) => sql`select 1`.execute(db));
  }

  async close(): Promise<void> {}

  /** What counts of each charge's counter, and how many entries of lapsed holds there are anywhere. */
  async #sums(db: Executor, charges: readonly Charge[], nowMs: number) {
    const kinds = charges.map(({ windowMs }) => (windowMs === 'lifetime' ? 'lifetime' : 'window'));
    const values = charges.flatMap(({ counter, windowMs }) =>
      windowMs === 'lifetime' ? [counter, counter, nowMs] : [counter, nowMs - windowMs, nowMs],
    );
    const statement = this.#statement(`sums ${kinds.join()}`, () => {
      const sums = kinds.map((kind, index) => `${SUMS[kind]} as used_${index}`);
      return `select ${sums.join()}, (select count(*) from counter_entries where hold_until <= ?) as lapsed`;
    });
    const { rows } = await db.executeQuery<Record<string, number>>(CompiledQuery.raw(statement, [...values, nowMs]));
    const row = rows[0] ?? {};
    return { used: charges.map((_, index) => row[`used_${index}`] ?? 0), lapsed: row['lapsed'] ?? 0 };
  }

  async #insert(db: Executor, entries: readonly Entry[]): Promise<void> {
    const statement = this.#statement(`insert ${entries.length}`, () => {
      const row = `(${COLUMNS.map(() => '?').join()})`;
      return `insert into counter_entries (${COLUMNS.join()}) values ${entries.map(() => row).join()}`;
    });
    const values = entries.flatMap((entry) => COLUMNS.map((column) => entry[column]));
    await db.executeQuery(CompiledQuery.raw(statement, values));
  }

  /** A statement of the two that every reservation needs, written once: building it anew costs more than running it. */
  #statement(name: string, write: () => string): string {
    const known = this.#statements.get(name);
    if (known !== undefined) return known;
    let count = 0;
    const text = this.#database.dialect === 'postgres' ? write().replaceAll('?', () => `$${++count}`) : write();
    this.#statements.set(name, text);
    return text;
  }

  async #refuse(db: Executor, charge: Charge, used: number, least: number, nowMs: number): Promise<Admission> {
    const { counter, limit, windowMs } = charge;
    if (windowMs === 'lifetime') return { admitted: false, charge, used };
    // The moment when enough of the oldest entries have left the window.
    const { rows } = await sql<{ at_ms: number | null }>`
      select min(at_ms) as at_ms from (
        select at_ms, sum(cost) over (order by at_ms) as leaving from counter_entries
        where counter = ${counter} and is_lifetime = 0 and at_ms > ${nowMs - windowMs}
          and (hold_until is null or hold_until > ${nowMs})
      ) as entries where ${used} - leaving + ${least} <= ${limit}`.execute(db);
    const atMs = rows[0]?.at_ms ?? undefined;
    if (atMs === undefined) return { admitted: false, charge, used };
    return { admitted: false, charge, used, retryAfterMs: atMs + windowMs - nowMs };
  }

  /** The entries of a reservation with their counters locked: nobody settles, releases or returns it meanwhile. */
  async #lockReservation(db: Executor, reservationId: string): Promise<readonly Entry[]> {
    const select = db
      .selectFrom('counter_entries')
      .selectAll()
      .where('reservation_id', '=', reservationId)
      .orderBy('position');
    const entries = await select.execute();
    if (this.#database.dialect === 'sqlite' || entries.length === 0) return entries;
    const counters = entries.map(({ counter }) => counter);
    await lockCounters(db, this.#database.dialect, counters);
    // The rows too: whoever returns lapsed holds of other counters leaves locked ones alone.
    return select.forUpdate().execute();
  }

  /** Gives lapsed holds back. Those on the given (locked) counters go for certain, so that none is settled later; others
   *  go unless somebody is just giving them back. Answers how many reservations went. */
  async #returnLapsed(db: Executor, counters: readonly string[], nowMs: number): Promise<number> {
    const ids = new Set<string>();
    if (counters.length > 0) {
      const own = await db
        .deleteFrom('counter_entries')
        .where('counter', 'in', counters)
        .where('hold_until', '<=', nowMs)
        .returning('reservation_id')
        .execute();
      for (const { reservation_id } of own) ids.add(reservation_id);
    }
    const lapsed = db
      .selectFrom('counter_entries')
      .select(['reservation_id', 'position'])
      .where('hold_until', '<=', nowMs);
    const free = this.#database.dialect === 'postgres' ? lapsed.forUpdate().skipLocked() : lapsed;
    const others = await db
      .deleteFrom('counter_entries')
      .where((eb) => eb(eb.refTuple('reservation_id', 'position'), 'in', free.$asTuple('reservation_id', 'position')))
      .returning('reservation_id')
      .execute();
    for (const { reservation_id } of others) ids.add(reservation_id);
    return ids.size;
  }

  async #forgetExpired(nowMs: number): Promise<number> {
    return this.#change(async (db) => {
      const expired = db
        .selectFrom('counter_entries')
        .selectAll()
        .where('hold_until', 'is', null)
        .where('expires_at', '<=', nowMs)
        .orderBy('expires_at')
        .limit(ROWS_MAX);
      const candidates = await expired.execute();
      if (candidates.length === 0) return 0;
      await lockCounters(
        db,
        this.#database.dialect,
        candidates.map(({ counter }) => counter),
      );
      // Only what is locked, and only what is still there: a release may have come first.
      const places = candidates.map(
        ({ reservation_id, position }) => sql`(${reservation_id}, cast(${position} as integer))`,
      );
      const gone = await db
        .deleteFrom('counter_entries')
        .where(sql<boolean>`(reservation_id, position) in (values ${sql.join(places)})`)
        .returningAll()
        .execute();
      const costs = new Map<string, number>();
      for (const { counter, cost } of settledLifetimes(gone)) costs.set(counter, (costs.get(counter) ?? 0) + cost);
      for (const [counter, cost] of costs) await addToTotal(db, counter, -cost);
      return candidates.length;
    });
  }

  #change<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.write('COUNTERS_UNAVAILABLE', work, { durable: 'process' });
  }
}

const COLUMNS = [
  'reservation_id',
  'position',
  'counter',
  'is_lifetime',
  'cost',
  'at_ms',
  'hold_until',
  'expires_at',
] as const satisfies readonly (keyof Entry)[];

/** What counts of a counter: of a window since a time, or of a lifetime; held entries only until their hold ends. */
const SUMS = {
  window: `(select cast(coalesce(sum(cost), 0) as bigint) from counter_entries
    where counter = ? and is_lifetime = 0 and at_ms > ? and (hold_until is null or hold_until > ?))`,
  lifetime: `(coalesce((select settled from counter_totals where counter = ?), 0)
    + (select cast(coalesce(sum(cost), 0) as bigint) from counter_entries
       where counter = ? and is_lifetime = 1 and hold_until > ?))`,
};

function settledLifetimes(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ is_lifetime, hold_until }) => is_lifetime === 1 && hold_until === null);
}

async function addToTotal(db: Executor, counter: string, cost: number): Promise<void> {
  if (cost === 0) return;
  const { settled } = await db
    .insertInto('counter_totals')
    .values({ counter, settled: cost })
    .onConflict((conflict) =>
      conflict.column('counter').doUpdateSet((eb) => ({ settled: eb('counter_totals.settled', '+', cost) })),
    )
    .returning('settled')
    .executeTakeFirstOrThrow();
  if (settled === 0) await db.deleteFrom('counter_totals').where('counter', '=', counter).execute();
}
