// Growing blobs in a bucket: every append is one or more objects, named by where they begin, that are joined at the end.
import { createHash, type Hash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { AppError } from '../../errors.ts';
import type { WrittenBlob } from '../../ports/blobs.ts';
import type { AppendOptions, PartialBlobs } from '../../ports/partial-blobs.ts';
import type { Random } from '../../ports/system.ts';
import { pour } from '../../pour.ts';
import { BLOB_ID, closedFault, OBJECTS } from './blobs.ts';
import { type Bucket, openBucket, type Patience } from './bucket.ts';
import { PART_BYTES, PartSink, type PartTarget } from './part-sink.ts';

const PARTIAL = 'partial/';
/** Says that the partial blob exists; sorts before every piece. */
const BEGIN = '-';
/** Enough digits for every length that JavaScript counts exactly, so that names sort as numbers do. */
const OFFSET_DIGITS = 16;

/** Opens growing blobs in the bucket of an `s3://` URL, beside the finished ones. Asks nothing of the store yet. Raises TypeError for a bad URL. */
export async function openS3PartialBlobs(
  url: string,
  system: { readonly random: Random },
  patience?: Patience,
): Promise<PartialBlobs> {
  return new S3PartialBlobs(await openBucket(url, patience), system.random);
}

/** Bytes that are durably there, and where they lie. */
interface Piece {
  readonly key: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/*
 * `partial/<id>/-` exists as long as the partial blob does; `partial/<id>/<offset>` are its pieces. What counts is the run of pieces from
 * zero on without a gap, so an append that a crash cut off counts as far as it came. An append with a digest is one object, which a multipart
 * upload shows whole or not at all. The finished blob has the id of the partial one.
 */
class S3PartialBlobs implements PartialBlobs {
  readonly #bucket: Bucket;
  readonly #random: Random;
  readonly #busy = new Map<string, { readonly sink: Writable; readonly done: Promise<unknown> }>();
  #closed = false;

  constructor(bucket: Bucket, random: Random) {
    this.#bucket = bucket;
    this.#random = random;
  }

  async create(): Promise<string> {
    if (this.#closed) throw closedFault();
    const id = Buffer.from(this.#random(16)).toString('hex');
    await this.#bucket.put(folderOf(id) + BEGIN, new Uint8Array());
    return id;
  }

  async size(partialId: string): Promise<number | undefined> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) return undefined;
    const pieces = await this.#pieces(partialId);
    return pieces === undefined ? this.#bucket.find(OBJECTS + partialId) : endOf(pieces);
  }

  async append(partialId: string, offset: number, source: Readable, options: AppendOptions): Promise<number> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
    if (this.#busy.has(partialId)) throw new AppError('UPLOAD_LOCKED', 'appended to on this node');
    // Bytes flow while the store is asked where the pieces end; nothing is written before it has answered.
    const ready = this.#refuseElsewhere(partialId, offset);
    const put = async (at: number, body: Buffer) => {
      await ready;
      await this.#bucket.put(pieceKey(partialId, at), body);
    };
    const target = this.#bucket.target(pieceKey(partialId, offset));
    const sink =
      options.digest === undefined
        ? new PieceSink(offset, options.sizeMaxBytes, put)
        : new WholeSink(target, ready, offset, options.sizeMaxBytes, options.digest);
    ready.catch((error: Error) => sink.destroy(error));
    const done = this.#pourInto(sink, ready, source, options.signal);
    this.#busy.set(partialId, { sink, done: done.catch(() => undefined) });
    try {
      await done;
      return sink.durableBytes;
    } finally {
      this.#busy.delete(partialId);
    }
  }

  async #pourInto(
    sink: PieceSink | WholeSink,
    ready: Promise<void>,
    source: Readable,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      await pour(source, sink, signal);
    } catch (error) {
      await ready;
      await sink.settle();
      throw error;
    }
    await ready;
  }

  /** Raises UPLOAD_NOT_FOUND, and UPLOAD_OFFSET_MISMATCH when the pieces end elsewhere. */
  async #refuseElsewhere(partialId: string, offset: number): Promise<void> {
    const pieces = await this.#pieces(partialId);
    if (pieces === undefined) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
    const sizeBytes = endOf(pieces);
    if (sizeBytes !== offset) {
      throw new AppError('UPLOAD_OFFSET_MISMATCH', 'the append begins elsewhere', {
        actual: sizeBytes,
        headers: { 'upload-offset': String(sizeBytes) },
      });
    }
  }

  async finish(partialId: string): Promise<WrittenBlob> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
    if (this.#busy.has(partialId)) throw new AppError('UPLOAD_LOCKED', 'appended to on this node');
    const pieces = await this.#pieces(partialId);
    const key = OBJECTS + partialId;
    if ((await this.#bucket.find(key)) === undefined) {
      if (pieces === undefined) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
      const sink = new PartSink(this.#bucket.target(key), Number.MAX_SAFE_INTEGER);
      try {
        for (const { key: piece, sizeBytes } of pieces) await sink.addObject(piece, sizeBytes, this.#bytes(piece));
        await finished(sink.end());
      } catch (error) {
        sink.destroy();
        await sink.discard();
        throw error;
      }
      await this.#removePieces(partialId);
      return { blobId: partialId, ...sink.measured() };
    }
    // It had become a blob before: the answer is the same.
    await this.#removePieces(partialId);
    const sums = { sha1: createHash('sha1'), sha256: createHash('sha256'), sizeBytes: 0 };
    const source = await this.#bucket.read(key);
    for await (const chunk of (source ?? Readable.from([])) as AsyncIterable<Buffer>) {
      sums.sha1.update(chunk);
      sums.sha256.update(chunk);
      sums.sizeBytes += chunk.length;
    }
    const { sizeBytes, sha1, sha256 } = sums;
    return { blobId: partialId, sizeBytes, sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
  }

  async discard(partialId: string): Promise<void> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) return;
    await this.#removePieces(partialId);
    await this.#bucket.remove([OBJECTS + partialId]);
  }

  async sweep(beforeMs: number): Promise<number> {
    if (this.#closed) throw closedFault();
    const newest = new Map<string, number>();
    for await (const { key, writtenMs } of this.#objects(PARTIAL)) {
      const id = key.slice(PARTIAL.length).split('/')[0] ?? '';
      newest.set(id, Math.max(writtenMs, newest.get(id) ?? 0));
    }
    let removed = 0;
    for (const [id, writtenMs] of newest) {
      if (!BLOB_ID.test(id) || this.#busy.has(id) || writtenMs >= beforeMs) continue;
      await this.#removePieces(id);
      removed += 1;
    }
    await this.#bucket.sweepUploads(PARTIAL, beforeMs, (key) => this.#busy.has(key.split('/')[1] ?? ''));
    return removed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const busy = [...this.#busy.values()];
    for (const { sink } of busy) sink.destroy(closedFault());
    await Promise.all(busy.map(({ done }) => done));
    this.#bucket.close();
  }

  /** Every object below a prefix. */
  async *#objects(prefix: string) {
    for (let after: string | undefined; ; ) {
      const { objects, isLast } = await this.#bucket.list(prefix, after);
      yield* objects;
      after = objects.at(-1)?.key;
      if (isLast || after === undefined) return;
    }
  }

  /** The run of pieces from zero on; undefined when there is no such partial blob. */
  async #pieces(partialId: string): Promise<readonly Piece[] | undefined> {
    const pieces: Piece[] = [];
    let exists = false;
    for await (const { key, sizeBytes } of this.#objects(folderOf(partialId))) {
      const name = key.slice(folderOf(partialId).length);
      if (name === BEGIN) exists = true;
      else if (Number(name) === endOf(pieces)) pieces.push({ key, offset: Number(name), sizeBytes });
    }
    return exists ? pieces : undefined;
  }

  async *#bytes(key: string): AsyncGenerator<Buffer> {
    const source = await this.#bucket.read(key);
    if (source === undefined) throw new AppError('STORE_UNAVAILABLE', 'a piece is gone');
    yield* source as AsyncIterable<Buffer>;
  }

  async #removePieces(partialId: string): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.#objects(folderOf(partialId))) keys.push(key);
    // What says that it exists goes last, so that a removal that was cut off is found again.
    await this.#bucket.remove(keys.filter((key) => !key.endsWith(`/${BEGIN}`)));
    await this.#bucket.remove(keys.filter((key) => key.endsWith(`/${BEGIN}`)));
  }
}

function folderOf(id: string): string {
  return `${PARTIAL}${id}/`;
}

function pieceKey(id: string, offset: number): string {
  return folderOf(id) + String(offset).padStart(OFFSET_DIGITS, '0');
}

function endOf(pieces: readonly Piece[]): number {
  const last = pieces.at(-1);
  return last === undefined ? 0 : last.offset + last.sizeBytes;
}

/** Writes what flows in as pieces of at most one part each. */
class PieceSink extends Writable {
  readonly #put: (offset: number, body: Buffer) => Promise<void>;
  readonly #sizeMaxBytes: number;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #flowedBytes = 0;
  /** Where the pieces that are there end. */
  durableBytes: number;

  constructor(offset: number, sizeMaxBytes: number, put: (offset: number, body: Buffer) => Promise<void>) {
    super({ highWaterMark: 1024 * 1024 });
    this.durableBytes = offset;
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#put = put;
    // It may fail before anybody listens; whoever pours into it learns of it all the same.
    this.on('error', () => {});
  }

  /** After a failure: what flowed before it stays. */
  async settle(): Promise<void> {
    await this.#flush();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#append(chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#flush().then(() => callback(), callback);
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#flowedBytes += chunk.length;
    if (this.#flowedBytes > this.#sizeMaxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'more than may be added', { limit: this.#sizeMaxBytes });
    }
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= PART_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#gatheredBytes === 0) return;
    const body = Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    await this.#put(this.durableBytes, body);
    this.durableBytes += body.length;
  }
}

/** Writes what flows in as one object that is there when its digest is right, and not at all when it is not. */
class WholeSink extends Writable {
  readonly #parts: PartSink;
  readonly #ready: Promise<void>;
  readonly #hash: Hash;
  readonly #expected: Uint8Array;
  #bytes = 0;
  durableBytes: number;

  constructor(
    target: PartTarget,
    ready: Promise<void>,
    offset: number,
    sizeMaxBytes: number,
    digest: NonNullable<AppendOptions['digest']>,
  ) {
    super({ highWaterMark: 1024 * 1024 });
    this.durableBytes = offset;
    this.#parts = new PartSink(target, sizeMaxBytes);
    this.#ready = ready;
    this.#hash = createHash(digest.algorithm);
    this.#expected = digest.value;
    // Faults of the parts come through the callbacks of their writes, and its own to whoever pours into it.
    this.#parts.on('error', () => {});
    this.on('error', () => {});
  }

  /** After a failure: nothing of it stays. */
  async settle(): Promise<void> {
    this.#parts.destroy();
    await this.#parts.discard();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#ready.then(() => this.#parts.write(chunk, callback), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.#hash.digest().equals(this.#expected)) {
      callback(new AppError('UPLOAD_CHECKSUM_MISMATCH', 'the digest of the part is another one'));
      return;
    }
    if (this.#bytes === 0) {
      callback();
      return;
    }
    this.#parts.once('error', callback);
    this.#parts.end(() => {
      this.durableBytes += this.#bytes;
      callback();
    });
  }
}
