// Files whose content has yet to be looked at: recorded with the upload, so that no crash forgets one.
import type { JsonObject } from './metadata.ts';

/** One version of a file that is to be looked at, lent to one node for a time. */
export interface Examination {
  readonly container: string;
  readonly fileId: string;
  readonly version: number;
  readonly blobId: string;
  readonly mime: string;
  readonly sizeBytes: number;
}

/**
 * Every committed version with content that may have something to say (pictures, recordings, documents) waits here until `finish`.
 * Durable, safe with any number of nodes. Raises STORE_UNAVAILABLE.
 */
export interface Examinations {
  /** Lends up to `limit` due examinations to the caller and to nobody else until `leaseMs` have passed. One that was lent
   *  `ATTEMPTS_MAX` times and never finished is given up: what it looks at ends the process. */
  claim(limit: number, nowMs: number, leaseMs: number): Promise<readonly Examination[]>;
  /** Merges facts over the `info` of exactly this version if it still has this content, and of the file when it is its current
   *  version; other versions and all times stay. True when it was there. The examination is over either way. */
  finish(examination: Examination, facts: JsonObject): Promise<boolean>;
  /** How many wait, lent ones included, over all nodes. */
  countWaiting(): Promise<number>;
  /** Gives it back untried, to be lent again from `dueMs` on. */
  postpone(examination: Examination, dueMs: number): Promise<void>;
}

/** How often one examination is begun. */
export const ATTEMPTS_MAX = 3;
