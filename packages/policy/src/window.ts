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
  /** Undefined once settled: the entry then stays until it leaves its window or expires. */
  holdUntilMs: number | undefined;
}

/**
 * Counters in memory. Exact by construction: one call happens at a time. An entry counts in a window while
 * `nowMs - atMs < windowMs`, and in a lifetime until it is swept; a hold that is neither settled nor released counts until
 * `holdUntilMs` and is given back by the next `reserve` or `sweep`.
 */
export class CounterModel {
  readonly #entries = new Map<string, Set<Entry>>();
  readonly #reservations = new Map<string, readonly Entry[]>();
  #lastId = 0;

  /** Takes all charges or none; never more than a limit. The first charge that does not fit, in order, is the refusal. */
  reserve(charges: readonly Charge[], nowMs: number, holdMs: number): Admission {
    this.#returnLapsed(nowMs);
    const taken: Entry[] = [];
    for (const charge of charges) {
      const used = this.used(charge.counter, charge.windowMs, nowMs);
      const least = charge.costMin ?? charge.cost;
      const fitting = Math.min(charge.cost, Math.max(0, charge.limit - used));
      if (!(fitting >= least)) {
        for (const entry of taken) this.#remove(entry);
        return this.#refusal(charge, least, nowMs);
      }
      const { counter, expiresAtMs } = charge;
      taken.push(this.#add({ counter, atMs: nowMs, cost: fitting, expiresAtMs, holdUntilMs: nowMs + holdMs }));
    }
    const id = String(++this.#lastId);
    this.#reservations.set(id, taken);
    const held = new Map<string, number>();
    for (const { counter, cost } of taken) held.set(counter, (held.get(counter) ?? 0) + cost);
    return { admitted: true, id, held };
  }

  /**
   * Replaces what was held by what was used, at the time of the reservation. A counter that `actual` does not name keeps what was
   * held; more than was held is never booked. False when there is no such reservation any more.
   */
  settle(id: string, actual: readonly ActualCost[]): boolean {
    const entries = this.#reservations.get(id);
    if (entries === undefined) return false;
    this.#reservations.delete(id);
    const costs = new Map(actual.map(({ counter, cost }) => [counter, Math.max(0, cost)]));
    for (const entry of entries) {
      entry.holdUntilMs = undefined;
      const cost = costs.get(entry.counter);
      if (cost === undefined) continue;
      entry.cost = Math.min(entry.cost, cost);
      costs.set(entry.counter, cost - entry.cost);
      if (entry.cost === 0) this.#remove(entry);
    }
    return true;
  }

  /** Gives everything back, as if it had never been reserved. False when there is no such reservation any more. */
  release(id: string): boolean {
    const entries = this.#reservations.get(id);
    if (entries === undefined) return false;
    this.#reservations.delete(id);
    for (const entry of entries) this.#remove(entry);
    return true;
  }

  /** Gives back lapsed holds and forgets settled entries whose time is over. Returns how many entries went. */
  sweep(nowMs: number): number {
    let gone = this.#returnLapsed(nowMs);
    for (const entries of this.#entries.values()) {
      for (const entry of entries) {
        if (entry.holdUntilMs === undefined && entry.expiresAtMs <= nowMs) {
          this.#remove(entry);
          gone += 1;
        }
      }
    }
    return gone;
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
    if (windowMs === 'lifetime' || !(least <= limit)) return { admitted: false, charge, used };
    let left = used;
    const counting = [...(this.#entries.get(counter) ?? [])].filter((entry) => counts(entry, windowMs, nowMs));
    for (const entry of counting.sort((a, b) => a.atMs - b.atMs)) {
      left -= entry.cost;
      if (left + least <= limit) return { admitted: false, charge, used, retryAfterMs: entry.atMs + windowMs - nowMs };
    }
    return { admitted: false, charge, used };
  }

  #returnLapsed(nowMs: number): number {
    let gone = 0;
    for (const [id, entries] of this.#reservations) {
      if (!entries.some((entry) => entry.holdUntilMs !== undefined && entry.holdUntilMs <= nowMs)) continue;
      this.release(id);
      gone += entries.length;
    }
    return gone;
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
  if (entry.holdUntilMs !== undefined && entry.holdUntilMs <= nowMs) return false;
  return windowMs === 'lifetime' || nowMs - entry.atMs < windowMs;
}
