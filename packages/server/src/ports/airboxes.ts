// Where airboxes are kept: into which folder somebody lets outsiders hand files in, how many, until when, and by whose rights.
import type { DoorDocument, DoorRecord, Doors } from './doors.ts';

/** What an airbox says. Null bounds nothing beyond what the lent rights bound. */
export type AirboxDocument = DoorDocument & {
  /** What outsiders read before they hand something in. */
  readonly message: string;
  readonly folderId: string;
  /** Files that all visitors together may hand in, ever. */
  readonly filesMax: number | null;
  /** Bytes of all those files together. */
  readonly bytesMax: number | null;
  /** Bytes of one file. */
  readonly fileBytesMax: number | null;
  /** Types as a security template writes them; none bounds nothing. */
  readonly allowedTypes: readonly string[];
};

/** An airbox. */
export type AirboxRecord = DoorRecord<AirboxDocument>;

/** Airboxes. */
export type Airboxes = Doors<AirboxDocument>;
