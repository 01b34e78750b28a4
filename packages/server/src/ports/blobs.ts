// Where the bytes live. A blob is immutable, addressed by a random id, and knows nothing of names or folders.
import type { Readable } from 'node:stream';

/** What was written, measured while the bytes flowed. */
export interface WrittenBlob {
  readonly blobId: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha1: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** An inclusive byte range. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** How one write is bounded and watched. */
export interface WriteOptions {
  /** The write fails with PAYLOAD_TOO_LARGE as soon as more than this many bytes have flowed. */
  readonly sizeMaxBytes: number;
  /** Aborts the write and removes what was written; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For bytes that had an id in another store, whose records come along: keep it. What is there under it already is replaced. TypeError
   *  for what is no id of a blob. */
  readonly blobId?: string;
}

/**
 * Blob storage. A resolved `write` means durable (flushed to the device); a failed or aborted one leaves nothing
 * visible. Ids come from a store, never from a client's text, and reading with any text that is not such an id is
 * "not found". Raises STORE_UNAVAILABLE.
 */
export interface Blobs {
  /** Streams `source` into a new blob without holding it in memory. */
  write(source: Readable, options: WriteOptions): Promise<WrittenBlob>;
  /** Size in bytes, or undefined when there is no such blob. */
  find(blobId: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** The bytes, or the given part of them. Raises FILE_NOT_FOUND before the first byte when there is no such blob. */
  read(blobId: string, range?: ByteRange): Promise<Readable>;
  /** Removes blobs; ids that do not exist are no fault. */
  remove(blobIds: readonly string[]): Promise<void>;
  /** Ids of finished blobs written before `beforeMs`, in pages; for the sweep. */
  list(
    beforeMs: number,
    cursor?: string,
  ): Promise<{ readonly blobIds: readonly string[]; readonly cursor: string | undefined }>;
  /** Removes the leavings of writes that never ended, older than `beforeMs`; answers how many. */
  sweep(beforeMs: number): Promise<number>;
  /** Rejects with STORE_UNAVAILABLE when the store cannot be written. For readiness. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** How a store describes bytes that it hands out itself. */
export interface LinkedAnswer {
  readonly contentType: string;
  readonly disposition: string;
  readonly cacheControl: string;
}

/** What a store that browsers can reach can do besides: hand bytes out itself, past this service. */
export interface LinkedBlobs {
  /** The origin of every address that `linkTo` gives, such as `https://store.example`: pages that show pictures must let it in. */
  readonly linkOrigin: string;
  /** An address at which the store answers reads of the blob, whole or in ranges, to anybody and with these headers, for so many
   *  seconds. Whether the blob is there is not looked at. Raises FILE_NOT_FOUND for what is no id, STORE_UNAVAILABLE. */
  linkTo(blobId: string, answer: LinkedAnswer, seconds: number): Promise<string>;
}

/** What a store on this machine can do besides: a program of ours may read the bytes in place. */
export interface LocalBlobs {
  /** The file that holds the blob, to be read only; undefined when there is no such blob. */
  pathOf(blobId: string): Promise<string | undefined>;
}
