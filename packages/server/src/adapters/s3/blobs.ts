// Blobs in a bucket of any S3 store: streamed in parts, visible only when complete, checked on both ends.
import type { Readable } from 'node:stream';
import { AppError } from '../../errors.ts';
import type { Blobs, ByteRange, LinkedAnswer, LinkedBlobs, WriteOptions, WrittenBlob } from '../../ports/blobs.ts';
import type { System } from '../../ports/system.ts';
import { pour } from '../../pour.ts';
import { type Bucket, openBucket, type Patience } from './bucket.ts';
import { PartSink } from './part-sink.ts';

/** The form of the ids that this store gives out. */
export const BLOB_ID = /^[0-9a-f]{32}$/;
/** Where finished blobs lie below the prefix. */
export const OBJECTS = 'objects/';
/** What a check writes to see that it can; no blob has such an id. */
const CHECK = `${OBJECTS}check-`;

/**
 * Opens blob storage in the bucket of an `s3://` URL. Every blob is one object `objects/<id>`; what has more than one part is a multipart
 * upload until its end, which no reader sees. A source that is cut off is unpiped and not destroyed. Raises STORE_UNAVAILABLE
 * when the bucket cannot be used, TypeError for a bad URL.
 */
export async function openS3Blobs(
  url: string,
  system: Pick<System, 'now' | 'random'>,
  patience?: Patience,
): Promise<Blobs & LinkedBlobs> {
  const bucket = await openBucket(url, patience);
  const blobs = new S3Blobs(bucket, system);
  try {
    await blobs.check();
  } catch (error) {
    await blobs.close();
    throw error;
  }
  return blobs;
}

class S3Blobs implements Blobs, LinkedBlobs {
  readonly #bucket: Bucket;
  readonly #random: System['random'];
  readonly #now: System['now'];
  /** Writes of this process that have not ended; a sweep must not take their parts for leavings. */
  readonly #writing = new Map<string, { readonly sink: PartSink; readonly done: Promise<unknown> }>();
  #closed = false;

  constructor(bucket: Bucket, { now, random }: Pick<System, 'now' | 'random'>) {
    this.#bucket = bucket;
    this.#random = random;
    this.#now = now;
  }

  async write(source: Readable, options: WriteOptions): Promise<WrittenBlob> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedFault();
    const blobId = options.blobId ?? Buffer.from(this.#random(16)).toString('hex');
    if (!BLOB_ID.test(blobId)) throw new TypeError('no id of a blob');
    const key = OBJECTS + blobId;
    const sink = new PartSink(this.#bucket.target(key), options.sizeMaxBytes);
    const done = pour(source, sink, options.signal);
    const ended = done.then(
      () => undefined,
      () => sink.discard(),
    );
    this.#writing.set(key, { sink, done: ended });
    try {
      await done;
      return { blobId, ...sink.measured() };
    } finally {
      await ended;
      this.#writing.delete(key);
    }
  }

  async find(blobId: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const key = this.#keyOf(blobId);
    const sizeBytes = key === undefined ? undefined : await this.#bucket.find(key);
    return sizeBytes === undefined ? undefined : { sizeBytes };
  }

  async read(blobId: string, range?: ByteRange): Promise<Readable> {
    const key = this.#keyOf(blobId);
    const source = key === undefined ? undefined : await this.#bucket.read(key, range);
    if (source === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
    return source;
  }

  get linkOrigin(): string {
    return this.#bucket.linkBase().origin;
  }

  async linkTo(blobId: string, answer: LinkedAnswer, seconds: number): Promise<string> {
    const key = this.#keyOf(blobId);
    if (key === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
    const parameters = {
      'response-cache-control': answer.cacheControl,
      'response-content-disposition': answer.disposition,
      'response-content-type': answer.contentType,
    };
    return this.#bucket.link(key, parameters, this.#now(), seconds);
  }

  async remove(blobIds: readonly string[]): Promise<void> {
    await this.#bucket.remove(blobIds.flatMap((blobId) => this.#keyOf(blobId) ?? []));
  }

  async list(
    beforeMs: number,
    cursor?: string,
  ): Promise<{ readonly blobIds: readonly string[]; readonly cursor: string | undefined }> {
    if (this.#closed) throw closedFault();
    const { objects, isLast } = await this.#bucket.list(OBJECTS, cursor === undefined ? undefined : OBJECTS + cursor);
    const blobIds = objects.flatMap(({ key, writtenMs }) => {
      const blobId = key.slice(OBJECTS.length);
      return BLOB_ID.test(blobId) && writtenMs < beforeMs ? [blobId] : [];
    });
    return { blobIds, cursor: isLast ? undefined : objects.at(-1)?.key.slice(OBJECTS.length) };
  }

  async sweep(beforeMs: number): Promise<number> {
    if (this.#closed) throw closedFault();
    const uploads = await this.#bucket.sweepUploads(OBJECTS, beforeMs, (key) => this.#writing.has(key));
    return uploads + (await this.#sweepChecks(beforeMs));
  }

  async check(): Promise<void> {
    if (this.#closed) throw closedFault();
    const key = CHECK + Buffer.from(this.#random(8)).toString('hex');
    await this.#bucket.put(key, Buffer.from('latchkey'));
    await this.#bucket.remove([key]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const writing = [...this.#writing.values()];
    for (const { sink } of writing) sink.destroy(closedFault());
    await Promise.all(writing.map(({ done }) => done));
    this.#bucket.close();
  }

  /** A store that was silent may write, when it wakes up, what was given up long ago. */
  async #sweepChecks(beforeMs: number): Promise<number> {
    let removed = 0;
    for (let after: string | undefined; ; ) {
      const { objects, isLast } = await this.#bucket.list(CHECK, after);
      const old = objects.filter(({ writtenMs }) => writtenMs < beforeMs).map(({ key }) => key);
      await this.#bucket.remove(old);
      removed += old.length;
      after = objects.at(-1)?.key;
      if (isLast || after === undefined) return removed;
    }
  }

  #keyOf(blobId: string): string | undefined {
    if (this.#closed) throw closedFault();
    return BLOB_ID.test(blobId) ? OBJECTS + blobId : undefined;
  }
}

/** What every method of a closed store raises. */
export function closedFault(): AppError {
  return new AppError('STORE_UNAVAILABLE', 'the blob store is closed');
}
