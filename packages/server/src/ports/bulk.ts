// Where changes of many files wait between their preparation and their application.
import type { JsonObject } from './metadata.ts';

/** A prepared change. What it holds is only a wish: rights are judged when it is applied. */
export interface BulkRecord {
  readonly id: string;
  readonly container: string;
  readonly document: JsonObject;
  readonly expiresAtMs: number;
}

/** Prepared changes. Durable when a method resolves. Raises STORE_UNAVAILABLE. */
export interface Bulks {
  /** Keeps a prepared change, and forgets those that have expired. */
  createBulk(record: BulkRecord, nowMs: number): Promise<void>;
  /** Undefined when it never was, has expired, or was removed. */
  findBulk(container: string, id: string, nowMs: number): Promise<BulkRecord | undefined>;
  removeBulk(container: string, id: string): Promise<void>;
}
