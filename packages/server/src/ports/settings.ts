// Where the settings of containers are kept: one document each, changed as a whole.
import type { JsonObject } from './metadata.ts';

/** The settings of a container as stored. */
export interface SettingsRecord {
  readonly document: JsonObject;
  /** Counts the changes from 1. */
  readonly revision: number;
  readonly updatedAtMs: number;
}

/** Asked inside the transaction with the document as it is stored then (undefined before the first change), possibly more
 *  than once: it must have no effects. An AppError that it raises refuses the change. */
export type ChangeSettings = (stored: JsonObject | undefined) => JsonObject;

/** Settings of containers. Durable when a method resolves, seen by later reads. Raises STORE_UNAVAILABLE. */
export interface Settings {
  /** Undefined until somebody changed them. */
  findSettings(container: string): Promise<SettingsRecord | undefined>;
  /** Reads, changes and writes in one transaction: no concurrent change is lost. Raises what the change raises. */
  changeSettings(container: string, change: ChangeSettings, nowMs: number): Promise<SettingsRecord>;
}
