// Cuts a stream into parts of one object: counted, hashed, and visible only when the last part has arrived.
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';

/** The length of a part. A store takes 10,000 of them, so an object may have 80 GB; and the memory that one write holds, twice. */
export const PART_BYTES = 8 * 1024 * 1024;

/** What a sink of parts writes to. */
export interface PartTarget {
  putWhole(body: Buffer): Promise<void>;
  begin(): Promise<string>;
  putPart(uploadId: string, number: number, body: Buffer): Promise<CompletedPart>;
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

  async #append(chunk: Buffer): Promise<void> {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#sizeMaxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'the content is longer than the limit', { limit: this.#sizeMaxBytes });
    }
    this.#sha1.update(chunk);
    this.#sha256.update(chunk);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= PART_BYTES) await this.#sendPart();
  }

  /** Sends what is gathered as the next part, when the one before has arrived. */
  async #sendPart(): Promise<void> {
    await this.#sending;
    const body = this.#take();
    this.#uploadId ??= await this.#target.begin();
    const uploadId = this.#uploadId;
    const number = this.#parts.length + 1;
    const sending = this.#target.putPart(uploadId, number, body).then((part) => this.#parts.push(part));
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
