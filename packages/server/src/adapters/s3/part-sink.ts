// Cuts a stream into parts of one object: counted, hashed, and visible only when the last part has arrived.
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import type { ByteRange } from '../../ports/blobs.ts';

/** The length of a part. A store takes 10,000 of them, so an object may have 80 GB; and the memory that one write holds, twice. */
export const PART_BYTES = 8 * 1024 * 1024;

/** No part but the last may be shorter. */
const PART_BYTES_MIN = 5 * 1024 * 1024;
/** A store copies up to five times as much at once; shorter copies are told sooner that they fail. */
const COPY_BYTES_MAX = 1024 * 1024 * 1024;

/** What a sink of parts writes to. */
export interface PartTarget {
  putWhole(body: Buffer): Promise<void>;
  begin(): Promise<string>;
  putPart(uploadId: string, number: number, body: Buffer): Promise<CompletedPart>;
  /** Makes a range of another object of the bucket the next part, without its bytes passing through here. */
  copyPart(uploadId: string, number: number, fromKey: string, range: ByteRange): Promise<CompletedPart>;
  complete(uploadId: string, parts: readonly CompletedPart[]): Promise<void>;
  abort(uploadId: string): Promise<void>;
  remove(): Promise<void>;
}

/** Counts and hashes what flows in and sends it in parts; the next part gathers while one is on its way. */
export class PartSink extends Writable {
  readonly #target: PartTarget;
  readonly #sizeMaxBytes: number;
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');
  #sizeBytes = 0;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #uploadId: string | undefined;
  readonly #parts: CompletedPart[] = [];
  #sending: Promise<unknown> = Promise.resolve();
  /** Set when the last call that makes the object visible was sent: it may have been done although it failed. */
  #mayBeVisible = false;

  constructor(target: PartTarget, sizeMaxBytes: number) {
    super({ highWaterMark: 1024 * 1024 });
    this.#target = target;
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  measured(): { sizeBytes: number; sha1: string; sha256: string } {
    return { sizeBytes: this.#sizeBytes, sha1: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex') };
  }

  /** Takes away what a write that failed has left in the store. What cannot be taken away now, the sweep finds. */
  async discard(): Promise<void> {
    await this.#sending.catch(() => undefined);
    if (this.#uploadId !== undefined) await this.#target.abort(this.#uploadId).catch(() => undefined);
    if (this.#mayBeVisible) await this.#target.remove().catch(() => undefined);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#append(chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(() => callback(), callback);
  }

  /**
   * Adds another object of the bucket, after everything that was written has been taken in. What can be parts of its own the store
   * copies by itself; `bytes`, which are the object's, are counted and hashed all the same.
   */
  async addObject(key: string, sizeBytes: number, bytes: AsyncIterable<Buffer>): Promise<void> {
    // What is gathered needs so much of the object to be as long as a part must be.
    const head = this.#gatheredBytes === 0 ? 0 : Math.max(0, PART_BYTES_MIN - this.#gatheredBytes);
    const isCopied = sizeBytes - head >= PART_BYTES_MIN;
    let left = isCopied ? head : sizeBytes;
    if (isCopied && left === 0) await this.#copy(key, head, sizeBytes);
    for await (const chunk of bytes) {
      const taken = chunk.subarray(0, left);
      if (taken.length > 0) await this.#append(taken);
      left -= taken.length;
      if (isCopied && taken.length > 0 && left === 0) await this.#copy(key, head, sizeBytes);
      this.#measure(chunk.subarray(taken.length));
    }
  }

  /** Makes the bytes of the object from `start` to before `end` parts of this one, behind what is gathered. */
  async #copy(key: string, start: number, end: number): Promise<void> {
    if (this.#gatheredBytes > 0) await this.#sendPart();
    const count = Math.ceil((end - start) / COPY_BYTES_MAX);
    const borderOf = (index: number) => start + Math.floor(((end - start) * index) / count);
    for (let index = 0; index < count; index += 1) {
      const range = { start: borderOf(index), end: borderOf(index + 1) - 1 };
      await this.#send((uploadId, number) => this.#target.copyPart(uploadId, number, key, range));
    }
  }

  #measure(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#sizeMaxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'the content is longer than the limit', { limit: this.#sizeMaxBytes });
    }
    this.#sha1.update(chunk);
    this.#sha256.update(chunk);
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#measure(chunk);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= PART_BYTES) await this.#sendPart();
  }

  /** Sends what is gathered as the next part. */
  #sendPart(): Promise<void> {
    const body = this.#take();
    return this.#send((uploadId, number) => this.#target.putPart(uploadId, number, body));
  }

  /** Begins the next part when the one before has arrived. */
  async #send(part: (uploadId: string, number: number) => Promise<CompletedPart>): Promise<void> {
    await this.#sending;
    this.#uploadId ??= await this.#target.begin();
    const number = this.#parts.length + 1;
    const sending = part(this.#uploadId, number).then((done) => this.#parts.push(done));
    // Whoever awaits it next is told; until then a failure must not count as unhandled.
    sending.catch(() => undefined);
    this.#sending = sending;
  }

  async #finish(): Promise<void> {
    if (this.#uploadId === undefined) {
      this.#mayBeVisible = true;
      await this.#target.putWhole(this.#take());
      return;
    }
    if (this.#gatheredBytes > 0) await this.#sendPart();
    await this.#sending;
    this.#mayBeVisible = true;
    await this.#target.complete(this.#uploadId, this.#parts);
    this.#uploadId = undefined;
  }

  #take(): Buffer {
    const body = Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return body;
  }
}
