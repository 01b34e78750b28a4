// Blobs in a bucket of any S3 store: streamed in parts, visible only when complete, checked on both ends.
import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { CompletedPart, ListMultipartUploadsCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { AppError, guarded } from '../../errors.ts';
import type { Blobs, ByteRange, WriteOptions, WrittenBlob } from '../../ports/blobs.ts';
import type { Random } from '../../ports/system.ts';
import { pour } from '../../pour.ts';
import { parseS3Url, type S3Address } from './address.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

const BLOB_ID = /^[0-9a-f]{32}$/;
/** The length of a part. A store takes 10,000 of them, so a blob may have 80 GB; and the memory that one write holds, twice. */
const PART_BYTES = 8 * 1024 * 1024;
const DELETE_AT_ONCE = 1000;
const CONNECTIONS_MAX = 64;
/** Also the longest wait for one of the connections: a burst of requests is served late rather than refused. */
const CONNECT_MS_MAX = 20_000;
/** A connection on which nothing moves for so long is given up. */
const IDLE_MS_MAX = 30_000;
const ATTEMPTS_MAX = 3;

/**
 * Opens blob storage in the bucket of an `s3://` URL. Every blob is one object `objects/<id>` below the prefix; what has more than one part
 * is a multipart upload until its end, which no reader sees. Each part carries its MD5 (RFC 1864), so that the store refuses what was
 * damaged on the way. A source that is cut off is unpiped and not destroyed. Raises STORE_UNAVAILABLE when the bucket cannot be
 * used, TypeError for a bad URL.
 */
export async function openS3Blobs(url: string, system: { readonly random: Random }): Promise<Blobs> {
  const address = parseS3Url(url);
  if (typeof address === 'string') throw new TypeError(`The URL of an S3 store ${address}.`);
  const sdk = await import('@aws-sdk/client-s3');
  const blobs = new S3Blobs(sdk, new sdk.S3Client(clientConfig(address)), address, system.random);
  try {
    await blobs.check();
  } catch (error) {
    await blobs.close();
    throw error;
  }
  return blobs;
}

function clientConfig(address: S3Address): S3ClientConfig {
  return {
    region: address.region,
    ...(address.endpoint === undefined ? {} : { endpoint: address.endpoint }),
    ...(address.credentials === undefined ? {} : { credentials: address.credentials }),
    forcePathStyle: address.pathStyle,
    maxAttempts: ATTEMPTS_MAX,
    // Stores other than AWS know no trailing checksums; the parts carry their MD5 instead.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      socketTimeout: IDLE_MS_MAX,
      httpAgent: { maxSockets: CONNECTIONS_MAX, keepAlive: true },
      httpsAgent: { maxSockets: CONNECTIONS_MAX, keepAlive: true },
    },
  };
}

class S3Blobs implements Blobs {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #random: Random;
  /** Writes of this process that have not ended; a sweep must not take their parts for leavings. */
  readonly #writing = new Map<string, { readonly sink: PartSink; readonly done: Promise<unknown> }>();
  #closed = false;

  constructor(sdk: Sdk, client: S3Client, { bucket, prefix }: S3Address, random: Random) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = `${prefix}objects/`;
    this.#random = random;
  }

  async write(source: Readable, options: WriteOptions): Promise<WrittenBlob> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedFault();
    const blobId = Buffer.from(this.#random(16)).toString('hex');
    const sink = new PartSink(this.#target(blobId), options.sizeMaxBytes);
    const done = pour(source, sink, options.signal);
    const ended = done.then(
      () => undefined,
      () => sink.discard(),
    );
    this.#writing.set(blobId, { sink, done: ended });
    try {
      await done;
      return { blobId, ...sink.measured() };
    } finally {
      await ended;
      this.#writing.delete(blobId);
    }
  }

  /** The calls that make one object out of parts. */
  #target(blobId: string): PartTarget {
    const sdk = this.#sdk;
    const object = { Bucket: this.#bucket, Key: this.#prefix + blobId };
    return {
      putWhole: (body) =>
        guarded('write a blob', () =>
          this.#client.send(new sdk.PutObjectCommand({ ...object, Body: body, ContentMD5: md5(body) })),
        ).then(() => undefined),
      begin: async () => {
        const { UploadId } = await guarded('begin a blob', () =>
          this.#client.send(new sdk.CreateMultipartUploadCommand(object)),
        );
        if (UploadId === undefined) throw new AppError('STORE_UNAVAILABLE', 'the store began no upload');
        return UploadId;
      },
      putPart: async (uploadId, number, body) => {
        const part = { ...object, UploadId: uploadId, PartNumber: number, Body: body, ContentMD5: md5(body) };
        const { ETag } = await guarded('write a part', () => this.#client.send(new sdk.UploadPartCommand(part)));
        return { PartNumber: number, ETag };
      },
      complete: (uploadId, parts) =>
        guarded('complete a blob', () =>
          this.#client.send(
            new sdk.CompleteMultipartUploadCommand({
              ...object,
              UploadId: uploadId,
              MultipartUpload: { Parts: [...parts] },
            }),
          ),
        ).then(() => undefined),
      abort: (uploadId) =>
        this.#client.send(new sdk.AbortMultipartUploadCommand({ ...object, UploadId: uploadId })).then(() => undefined),
      remove: () => this.#client.send(new sdk.DeleteObjectCommand(object)).then(() => undefined),
    };
  }

  async find(blobId: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const Key = this.#keyOf(blobId);
    if (Key === undefined) return undefined;
    return guarded('look for a blob', async () => {
      try {
        const { ContentLength } = await this.#client.send(
          new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key }),
        );
        return { sizeBytes: ContentLength ?? 0 };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async read(blobId: string, range?: ByteRange): Promise<Readable> {
    const Key = this.#keyOf(blobId);
    if (Key === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
    return guarded('open a blob', async () => {
      try {
        const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
        const { Body } = await this.#client.send(
          new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key, ...Range }),
        );
        if (Body instanceof Readable) return Body;
        throw new Error('the store answered without a stream');
      } catch (error) {
        if (isMissing(error)) throw new AppError('FILE_NOT_FOUND', 'no such blob', { cause: error });
        // Nothing lies in a range behind the end.
        if (statusOf(error) === 416) return Readable.from([]);
        throw error;
      }
    });
  }

  async remove(blobIds: readonly string[]): Promise<void> {
    if (this.#closed) throw closedFault();
    const keys = blobIds.flatMap((blobId) => this.#keyOf(blobId) ?? []);
    for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
      const Objects = keys.slice(at, at + DELETE_AT_ONCE).map((Key) => ({ Key }));
      await guarded('remove blobs', async () => {
        const { Errors = [] } = await this.#client.send(
          new this.#sdk.DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
        if (first !== undefined) throw new Error(`${first.Code}: ${first.Message}`);
      });
    }
  }

  async list(
    beforeMs: number,
    cursor = '',
  ): Promise<{ readonly blobIds: readonly string[]; readonly cursor: string | undefined }> {
    if (this.#closed) throw closedFault();
    return guarded('list blobs', async () => {
      const { Contents = [], IsTruncated } = await this.#client.send(
        new this.#sdk.ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix,
          ...(cursor === '' ? {} : { StartAfter: this.#prefix + cursor }),
        }),
      );
      const entries = Contents.map(({ Key = '', LastModified }) => ({
        blobId: Key.slice(this.#prefix.length),
        // Told in whole seconds, cut off: the last moment of it decides, so that nothing new looks old.
        writtenMs: (LastModified?.getTime() ?? Number.POSITIVE_INFINITY) + 999,
      }));
      return {
        blobIds: entries
          .filter(({ blobId, writtenMs }) => BLOB_ID.test(blobId) && writtenMs < beforeMs)
          .map(({ blobId }) => blobId),
        cursor: IsTruncated === true ? entries.at(-1)?.blobId : undefined,
      };
    });
  }

  async sweep(beforeMs: number): Promise<number> {
    if (this.#closed) throw closedFault();
    return guarded('sweep unfinished blobs', async () => {
      let removed = 0;
      let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
      while (marker !== undefined) {
        const page: ListMultipartUploadsCommandOutput = await this.#uploads(marker);
        for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
          if (this.#writing.has(Key.slice(this.#prefix.length))) continue;
          if ((Initiated?.getTime() ?? Number.POSITIVE_INFINITY) + 999 >= beforeMs) continue;
          await this.#client.send(new this.#sdk.AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }));
          removed += 1;
        }
        marker =
          page.IsTruncated === true && page.NextKeyMarker !== undefined
            ? {
                KeyMarker: page.NextKeyMarker,
                ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
              }
            : undefined;
      }
      return removed;
    });
  }

  /** One page of unfinished uploads. */
  #uploads(marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string }) {
    return this.#client.send(
      new this.#sdk.ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#prefix, ...marker }),
    );
  }

  async check(): Promise<void> {
    if (this.#closed) throw closedFault();
    const object = {
      Bucket: this.#bucket,
      Key: `${this.#prefix}check-${Buffer.from(this.#random(8)).toString('hex')}`,
    };
    const Body = Buffer.from('latchkey');
    await guarded('write to the bucket', async () => {
      await this.#client.send(new this.#sdk.PutObjectCommand({ ...object, Body, ContentMD5: md5(Body) }));
      await this.#client.send(new this.#sdk.DeleteObjectCommand(object));
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const writing = [...this.#writing.values()];
    for (const { sink } of writing) sink.destroy(closedFault());
    await Promise.all(writing.map(({ done }) => done));
    this.#client.destroy();
  }

  #keyOf(blobId: string): string | undefined {
    if (this.#closed) throw closedFault();
    return BLOB_ID.test(blobId) ? this.#prefix + blobId : undefined;
  }
}

/** What a sink of parts writes to. */
interface PartTarget {
  putWhole(body: Buffer): Promise<void>;
  begin(): Promise<string>;
  putPart(uploadId: string, number: number, body: Buffer): Promise<CompletedPart>;
  complete(uploadId: string, parts: readonly CompletedPart[]): Promise<void>;
  abort(uploadId: string): Promise<void>;
  remove(): Promise<void>;
}

/** Counts and hashes what flows in and sends it in parts; the next part gathers while one is on its way. */
class PartSink extends Writable {
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

function md5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64');
}

function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && ['NoSuchKey', 'NotFound'].includes(error.name);
}

function closedFault(): AppError {
  return new AppError('STORE_UNAVAILABLE', 'the blob store is closed');
}
