// Where blobs grow: bytes that come in several requests, until they are whole and become a blob like any other.
import type { Readable } from 'node:stream';
import type { WrittenBlob } from './blobs.ts';

/** Digests that an append can be checked against. */
export type DigestAlgorithm = 'md5' | 'sha1' | 'sha256';

/** How one append is bounded, watched and checked. */
export interface AppendOptions {
  /** The append fails with PAYLOAD_TOO_LARGE as soon as it would add more than this many bytes. */
  readonly sizeMaxBytes: number;
  /** Ends the append; the promise rejects with the signal's reason. What has flowed until then stays. */
  readonly signal?: AbortSignal;
  /** All or nothing: unless exactly these bytes come to their end, none of this append counts. */
  readonly digest?: { readonly algorithm: DigestAlgorithm; readonly value: Uint8Array };
}

/**
 * Growing blobs. What `size` says is durable: no crash of the process or the machine takes a byte of it, and bytes that
 * were on their way beyond it are forgotten. Ids come from the store; any other text is "not found". One append at a time
 * is the caller's duty, over all nodes; two on one node are refused with UPLOAD_LOCKED. Raises STORE_UNAVAILABLE.
 *
 * Written so that it also fits stores of whole parts: nothing is ever changed before the size, and an append without a
 * digest may keep any beginning of what flowed.
 */
export interface PartialBlobs {
  /** An empty partial blob. */
  create(): Promise<string>;
  /** How many bytes are durably there, also of one that `finish` has made a blob of; undefined when there is nothing. */
  size(partialId: string): Promise<number | undefined>;
  /**
   * Adds the bytes of `source` behind the first `offset` ones and answers the new size. A source that fails or is cut off
   * leaves what flowed before, durably; it is unpiped, not destroyed. Raises UPLOAD_NOT_FOUND; UPLOAD_OFFSET_MISMATCH when
   * `offset` is not the size; UPLOAD_CHECKSUM_MISMATCH; PAYLOAD_TOO_LARGE.
   */
  append(partialId: string, offset: number, source: Readable, options: AppendOptions): Promise<number>;
  /** Turns everything up to the size into a blob of the same id, durably. Idempotent: asked again, it answers the same blob as long as
   *  that is there. Raises UPLOAD_NOT_FOUND. */
  finish(partialId: string): Promise<WrittenBlob>;
  /** Removes a partial blob, also when it has become a blob: the caller knows that no file points to it. One that does
   *  not exist is no fault. */
  discard(partialId: string): Promise<void>;
  /** Removes partial blobs that nothing was added to since `beforeMs`; answers how many. */
  sweep(beforeMs: number): Promise<number>;
  close(): Promise<void>;
}
