// Where limits are counted: the port that makes "never one over" true on any number of nodes.
import type { Admission, Charge } from '@latchkey/policy';

/** What a reservation turned out to cost, by counter. */
export interface ActualCost {
  readonly counter: string;
  readonly cost: number;
}

/**
 * Counters of charges. `CounterModel` of the policy package is the written model: every adapter equals it.
 *
 * `reserve` is atomic over all charges (all or none) and never admits beyond a limit, with any number of callers and
 * nodes; a reservation that is neither settled nor released returns by itself `holdMs` after it was made. Every method
 * raises COUNTERS_UNAVAILABLE when the store cannot be reached in bounded time; nothing is ever admitted unseen.
 */
export interface Counters {
  /** Takes every charge or none. `holdMs` bounds how long an abandoned reservation keeps its charges; with 0 they are settled
   *  from the start, and what is abandoned then does not return by itself. */
  reserve(charges: readonly Charge[], nowMs: number, holdMs: number): Promise<Admission>;
  /** Replaces reserved costs by the actual ones (never above what was held). Counters not named keep their reserved
   *  cost. Idempotent; an unknown or already returned id is a no-op. */
  settle(reservationId: string, actual: readonly ActualCost[]): Promise<void>;
  /** Gives every charge of the reservation back, settled or not: settling comes before the record is committed, so that a
   *  crash between the two can only admit fewer, never more. Idempotent; nothing settles after it. */
  release(reservationId: string): Promise<void>;
  /** Removes what no longer counts; answers how many abandoned reservations were returned. Safe on all nodes. */
  sweep(nowMs: number): Promise<number>;
  /** Rejects with COUNTERS_UNAVAILABLE when nothing can be counted now. For readiness. */
  check(): Promise<void>;
  close(): Promise<void>;
}
