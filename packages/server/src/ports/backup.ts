// A store as plain data: what a backup takes out of one and a restore puts into another, whatever both are made of.

/** One record; times, flags and documents as every database of the service keeps them. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A few records of one table. */
export interface Batch {
  readonly table: string;
  readonly rows: readonly Row[];
}

/** What people are told when a backup or a restore cannot be done. Its message says what to do. */
export class BackupFault extends Error {
  override readonly name = 'BackupFault';
}

/** Every record of a database. Raises STORE_UNAVAILABLE. */
export interface Records {
  /** The names of the steps that made the tables as they are now; none of a database that was never used. */
  schema(): Promise<readonly string[]>;
  /** The names of the steps that this program knows. */
  readonly knownSchema: readonly string[];
  /**
   * Hands out what the database held at one moment, tables in an order in which `importAll` takes them. Other callers read and write
   * meanwhile. Left out is what can be computed, and what only matters to somebody who is there at the moment: sign-ins, and uploads
   * that are not finished.
   */
  exportAll(take: (batch: Batch) => Promise<void>): Promise<void>;
  isEmpty(): Promise<boolean>;
  /**
   * Takes everything or nothing, as it was exported under `schema`; afterwards all of it is found and searched, and the tables are those of this
   * program. `batches` may be asked for again. Raises BackupFault for a schema that this program cannot make, and for records that do not fit it.
   */
  importAll(schema: readonly string[], batches: () => AsyncIterable<Batch>): Promise<void>;
  close(): Promise<void>;
}

/** The bytes that a record names. */
export interface Content {
  readonly blobId: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What stands on the front of a finished set. */
export interface Label {
  /** ISO 8601. */
  readonly madeAt: string;
  readonly schema: readonly string[];
  /** How many contents it names, each once. */
  readonly contents: number;
  readonly bytes: number;
  /** Contents whose bytes the store itself had lost. */
  readonly lost: readonly string[];
}

/** Records on their way into a backup. Nobody sees them before `commit`. */
export interface SetWriter {
  add(batch: Batch): Promise<void>;
  /** What has been added, to be read back; nothing can be added afterwards. */
  batches(table?: string): AsyncIterable<Batch>;
  /** Makes it the set of the backup, durably and at once, in place of the one before. */
  commit(label: Label): Promise<void>;
  /** Forgets it. */
  discard(): Promise<void>;
}

/** A finished set of records, every byte of which has been found to be what was written. */
export interface StoredSet {
  readonly label: Label;
  batches(table?: string): AsyncIterable<Batch>;
}

/** Where the records of a backup lie. Raises BackupFault. */
export interface Shelf {
  begin(): Promise<SetWriter>;
  /** The finished set. Raises BackupFault when there is none, or when it is damaged. */
  open(): Promise<StoredSet>;
}
