// The arithmetic of limits, kept in memory: sliding windows and lifetime quotas, and the model that every store of counters must equal.

/** Which refusal a limit leads to (product definition section 7). */
export type LimitCode =
  | 'KEY_RATE_LIMITED'
  | 'UPLOAD_RATE_LIMITED'
  | 'UPLOAD_QUOTA_EXHAUSTED'
  | 'REQUEST_RATE_LIMITED'
  | 'REQUEST_QUOTA_EXHAUSTED';

/** "Take `cost` from `counter`, which may hold at most `limit` in any `windowMs`", asked for by a decision. */
export interface Charge {
  /** The template field that set the limit, for people. */
  readonly rule: string;
  /** What is counted. */
  readonly unit: 'files' | 'bytes' | 'calls';
  readonly counter: string;
  readonly limit: number;
  readonly windowMs: number | 'lifetime';
  readonly cost: number;
  /** When set, the charge is elastic: as much of `cost` as is left is taken, and less than this is a refusal. */
  readonly costMin?: number;
  readonly code: LimitCode;
  /** From this moment on nobody can ask for the counter's present entries any more; they may be forgotten. */
  readonly expiresAtMs: number;
}

/** The group of a counter: its name up to the first `|`, or nothing. The charges of one decision are all on counters of one group,
 *  so that a store of many nodes can keep them in one place. */
export function counterGroup(counter: string): string {
  return counter.slice(0, Math.max(0, counter.indexOf('|')));
}

/** What was really used of a counter, when a reservation is settled. */
export interface ActualCost {
  readonly counter: string;
  readonly cost: number;
}

/** The answer to a reservation: everything is held, or nothing is and `charge` did not fit. */
export type Admission =
  | { readonly admitted: true; readonly id: string; readonly held: ReadonlyMap<string, number> }
  | {
      readonly admitted: false;
      readonly charge: Charge;
      readonly used: number;
      /** When the refused cost would fit if nothing else came; absent when waiting does not help. */
      readonly retryAfterMs?: number;
    };

interface Entry {
  readonly counter: string;
  readonly atMs: number;
  cost: number;
  readonly expiresAtMs: number;
}

interface Hold {
  readonly entries: readonly Entry[];
  readonly untilMs: number;
}

/**
 * Counters in memory. Exact by construction: one call happens at a time. An entry counts in a window while
 * `nowMs - atMs < windowMs`, and in a lifetime until it is swept. A hold that is neither settled nor released goes back, as a
 * whole, in the first `reserve` or `sweep` at or after its end.
 */
export class CounterModel {
  readonly #entries = new Map<string, Set<Entry>>();
  readonly #holds = new Map<string, Hold>();
  /** What settled reservations booked, for a release that still comes. */
  readonly #settled = new Map<string, readonly Entry[]>();
  #lastId = 0;

  /**
   * Takes all charges or none; never more than a limit. The first charge that does not fit, in order, is the refusal. With a hold of
   * 0 the charges are settled from the start: they do not return by themselves, and a release still gives them back.
   */
  reserve(charges: readonly Charge[], nowMs: number, holdMs: number): Admission {
    this.#returnLapsed(nowMs);
    const taken: Entry[] = [];
    const held = new Map<string, number>();
    for (const charge of charges) {
      const { counter, windowMs, limit, cost, expiresAtMs } = charge;
      const used = this.used(counter, windowMs, nowMs);
      const least = charge.costMin ?? cost;
      const fitting = Math.min(cost, Math.max(0, limit - used));
      if (!(fitting >= least)) {
        for (const entry of taken) this.#remove(entry);
        return this.#refusal(charge, least, nowMs);
      }
      taken.push(this.#add({ counter, atMs: nowMs, cost: fitting, expiresAtMs }));
      held.set(counter, (held.get(counter) ?? 0) + fitting);
    }
    const id = String(++this.#lastId);
    if (holdMs === 0) this.#settled.set(id, taken);
    else this.#holds.set(id, { entries: taken, untilMs: nowMs + holdMs });
    return { admitted: true, id, held };
  }

  /**
   * Replaces what was held by what was used, at the time of the reservation. A counter that `actual` does not name keeps what was
   * held; more than was held is never booked. Does nothing, and says false, for a reservation that has ended in any way.
   */
  settle(id: string, actual: readonly ActualCost[]): boolean {
    const hold = this.#holds.get(id);
    if (hold === undefined) return false;
    this.#holds.delete(id);
    this.#settled.set(id, hold.entries);
    const costs = new Map(actual.map(({ counter, cost }) => [counter, Math.max(0, cost)]));
    for (const entry of hold.entries) {
      const cost = costs.get(entry.counter);
      if (cost === undefined) continue;
      entry.cost = Math.min(entry.cost, cost);
      costs.set(entry.counter, cost - entry.cost);
    }
    return true;
  }

  /** Gives everything back, settled or not, as if it had never been reserved. False when there is nothing to give back. */
  release(id: string): boolean {
    const entries = this.#holds.get(id)?.entries ?? this.#settled.get(id);
    if (entries === undefined) return false;
    this.#holds.delete(id);
    this.#settled.delete(id);
    for (const entry of entries) this.#remove(entry);
    return true;
  }

  /** Gives back lapsed holds and forgets what was settled and is over. Returns how many holds were given back. */
  sweep(nowMs: number): number {
    const returned = this.#returnLapsed(nowMs);
    for (const [id, entries] of this.#settled) {
      for (const entry of entries) if (entry.expiresAtMs <= nowMs) this.#remove(entry);
      if (entries.every((entry) => entry.expiresAtMs <= nowMs)) this.#settled.delete(id);
    }
    return returned;
  }

  /** How much of a counter counts at `nowMs`. */
  used(counter: string, windowMs: number | 'lifetime', nowMs: number): number {
    let sum = 0;
    for (const entry of this.#entries.get(counter) ?? []) if (counts(entry, windowMs, nowMs)) sum += entry.cost;
    return sum;
  }

  #refusal(charge: Charge, least: number, nowMs: number): Admission {
    const { counter, windowMs, limit } = charge;
    const used = this.used(counter, windowMs, nowMs);
    if (windowMs === 'lifetime') return { admitted: false, charge, used };
    const counting = [...(this.#entries.get(counter) ?? [])].filter((entry) => counts(entry, windowMs, nowMs));
    let left = used;
    for (const entry of counting.sort((a, b) => a.atMs - b.atMs)) {
      left -= entry.cost;
      if (left + least <= limit) return { admitted: false, charge, used, retryAfterMs: entry.atMs + windowMs - nowMs };
    }
    return { admitted: false, charge, used };
  }

  #returnLapsed(nowMs: number): number {
    let returned = 0;
    for (const [id, { untilMs }] of this.#holds) {
      if (untilMs <= nowMs && this.release(id)) returned += 1;
    }
    return returned;
  }

  #add(entry: Entry): Entry {
    const entries = this.#entries.get(entry.counter);
    if (entries === undefined) this.#entries.set(entry.counter, new Set([entry]));
    else entries.add(entry);
    return entry;
  }

  #remove(entry: Entry): void {
    const entries = this.#entries.get(entry.counter);
    entries?.delete(entry);
    if (entries?.size === 0) this.#entries.delete(entry.counter);
  }
}

function counts(entry: Entry, windowMs: number | 'lifetime', nowMs: number): boolean {
  return windowMs === 'lifetime' || nowMs - entry.atMs < windowMs;
}
