// One bucket of an S3 store: the calls that the adapters make, with every wait bounded and every fault translated.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ListMultipartUploadsCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { AppError, guarded } from '../../errors.ts';
import type { ByteRange } from '../../ports/blobs.ts';
import { parseS3Url, type S3Address } from './address.ts';
import type { PartTarget } from './part-sink.ts';
import { impatientAgents, PacedBody, StalledError } from './patience.ts';
import { presignGet } from './presign.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

const DELETE_AT_ONCE = 1000;
/** A burst of requests is served late rather than refused: a request waits for one of the connections as long as for an answer. */
const CONNECTIONS_MAX = 256;
/** For what a store does by itself before it answers: joining parts, and copying them. */
const OWN_WORK = 3;
const ATTEMPTS_MAX = 3;

/** What an adapter may ask of a store. */
export interface Patience {
  /** A request to the store on which nothing moves for so long is given up, and not made again. */
  readonly stallMs: number;
}

/** As long as `LATCHKEY_BLOBS_STALL_MS` says unless it is set. */
export const PATIENCE: Patience = { stallMs: 10_000 };

/** An object as a listing tells of it. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Listings tell whole seconds, cut off: this is the last moment of the second, so that nothing new looks old. */
  readonly writtenMs: number;
}

/** Opens the bucket of an `s3://` URL; the library is loaded here. Raises TypeError for a bad URL; asks nothing of the store yet. */
export async function openBucket(url: string, { stallMs }: Patience = PATIENCE): Promise<Bucket> {
  const address = parseS3Url(url);
  if (typeof address === 'string') throw new TypeError(`The URL of an S3 store ${address}.`);
  const sdk = await import('@aws-sdk/client-s3');
  return new Bucket(sdk, address, stallMs);
}

function clientConfig(address: S3Address, stallMs: number): S3ClientConfig {
  return {
    region: address.region,
    ...(address.endpoint === undefined ? {} : { endpoint: address.endpoint }),
    ...(address.credentials === undefined ? {} : { credentials: address.credentials }),
    forcePathStyle: address.pathStyle,
    maxAttempts: ATTEMPTS_MAX,
    // Stores other than AWS know no trailing checksums; the parts carry their MD5 instead.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Who waits for leave to send a part learns of a silent store six seconds later, and waits on a connection outside of the agents.
    expectContinueHeader: false,
    // The library's time is for who waits for a connection; from its beginning the agents look after it.
    requestHandler: { connectionTimeout: stallMs, ...impatientAgents(stallMs, CONNECTIONS_MAX) },
  };
}

/** A client of the library that gives silence up at once: three times as long would be no bound. */
function openClient(sdk: Sdk, address: S3Address, stallMs: number): S3Client {
  const client = new sdk.S3Client(clientConfig(address, stallMs));
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof Error && error.name === 'TimeoutError') throw new StalledError(error.message);
        throw error;
      }
    },
    // Behind the one that tries again.
    { step: 'finalizeRequest', priority: 'low', name: 'silenceIsFinal' },
  );
  return client;
}

/** Calls on one bucket; keys are below the prefix of its URL. Every method raises STORE_UNAVAILABLE. */
export class Bucket {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  /** For what the store does by itself. */
  readonly #patient: S3Client;
  readonly #stallMs: number;
  /** The last call that ended was given up because of silence. */
  #isSilent = false;
  readonly #address: S3Address;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(sdk: Sdk, address: S3Address, stallMs: number) {
    this.#sdk = sdk;
    this.#client = openClient(sdk, address, stallMs);
    this.#patient = openClient(sdk, address, stallMs * OWN_WORK);
    this.#stallMs = stallMs;
    this.#address = address;
    this.#bucket = address.bucket;
    this.#prefix = address.prefix;
  }

  /** Does it, and learns from it whether the store says anything. */
  async #asking<T>(doing: string, work: () => Promise<T>): Promise<T> {
    return guarded(doing, async () => {
      try {
        const answer = await work();
        this.#isSilent = false;
        return answer;
      } catch (error) {
        this.#isSilent = error instanceof StalledError;
        throw error;
      }
    });
  }

  /** Takes away what a failed write has left, unless the store says nothing: whoever waits for it is told sooner, and the sweep finds it. */
  async #tidying(work: () => Promise<void>): Promise<void> {
    if (this.#isSilent) throw new AppError('STORE_UNAVAILABLE', 'left to the sweep');
    await work();
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** Writes a whole object. The store refuses what was damaged on the way (`Content-MD5`, RFC 1864). */
  async put(key: string, body: Uint8Array): Promise<void> {
    const input = { ...this.#object(key), Body: body, ContentMD5: md5(body) };
    await this.#asking('write an object', () => this.#client.send(new this.#sdk.PutObjectCommand(input)));
  }

  /** The calls that make one object out of parts. */
  target(key: string): PartTarget {
    const sdk = this.#sdk;
    const object = this.#object(key);
    return {
      putWhole: (body) => this.put(key, body),
      begin: async () => {
        const { UploadId } = await this.#asking('begin an object', () =>
          this.#client.send(new sdk.CreateMultipartUploadCommand(object)),
        );
        if (UploadId === undefined) throw new AppError('STORE_UNAVAILABLE', 'the store began no upload');
        return UploadId;
      },
      putPart: async (uploadId, number, body) => {
        const part = { ...object, UploadId: uploadId, PartNumber: number, Body: body, ContentMD5: md5(body) };
        const { ETag } = await this.#asking('write a part', () => this.#client.send(new sdk.UploadPartCommand(part)));
        return { PartNumber: number, ETag };
      },
      copyPart: async (uploadId, number, fromKey, { start, end }) => {
        const CopySource = `${this.#bucket}/${(this.#prefix + fromKey).split('/').map(encodeURIComponent).join('/')}`;
        const CopySourceRange = `bytes=${start}-${end}`;
        const part = { ...object, UploadId: uploadId, PartNumber: number, CopySource, CopySourceRange };
        const { CopyPartResult } = await this.#asking('copy a part', () =>
          this.#patient.send(new sdk.UploadPartCopyCommand(part)),
        );
        return { PartNumber: number, ETag: CopyPartResult?.ETag };
      },
      complete: async (uploadId, parts) => {
        const input = { ...object, UploadId: uploadId, MultipartUpload: { Parts: [...parts] } };
        await this.#asking('complete an object', () =>
          this.#patient.send(new sdk.CompleteMultipartUploadCommand(input)),
        );
      },
      abort: (uploadId) => this.#tidying(() => this.abort(key, uploadId)),
      remove: () => this.#tidying(() => this.remove([key])),
    };
  }

  async abort(key: string, uploadId: string): Promise<void> {
    const input = { ...this.#object(key), UploadId: uploadId };
    await this.#asking('abort an object', () => this.#client.send(new this.#sdk.AbortMultipartUploadCommand(input)));
  }

  /** Its size, or undefined when there is no such object. */
  async find(key: string): Promise<number | undefined> {
    return this.#asking('look for an object', async () => {
      try {
        const { ContentLength } = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#object(key)));
        return ContentLength ?? 0;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  /** The bytes, or a part of them; undefined when there is no such object. */
  async read(key: string, range?: ByteRange): Promise<Readable | undefined> {
    return this.#asking('read an object', async () => {
      try {
        const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
        const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand({ ...this.#object(key), ...Range }));
        if (Body instanceof Readable) return new PacedBody(Body, this.#stallMs);
        throw new Error('the store answered without a stream');
      } catch (error) {
        if (isMissing(error)) return undefined;
        // Nothing lies in a range behind the end.
        if (statusOf(error) === 416) return Readable.from([]);
        throw error;
      }
    });
  }

  /** The bucket's address for browsers, in the style of its URL. */
  linkBase(): URL {
    const { region, endpoint, publicEndpoint = endpoint, pathStyle } = this.#address;
    const place = this.#client.config.endpointProvider({
      Bucket: this.#bucket,
      Region: region,
      ForcePathStyle: pathStyle,
      ...(publicEndpoint === undefined ? {} : { Endpoint: publicEndpoint }),
    });
    return place.url;
  }

  /** An address at which the store answers reads of the object until `seconds` after `nowMs`; the parameters are part of it. */
  link(key: string, parameters: Readonly<Record<string, string>>, nowMs: number, seconds: number): Promise<string> {
    const { region } = this.#address;
    return guarded('sign an address', async () => {
      const path = (this.#prefix + key).split('/').map(encodeURIComponent).join('/');
      const object = new URL(`${this.linkBase().href.replace(/\/$/, '')}/${path}`);
      const credentials = await this.#client.config.credentials();
      return presignGet({ object, region, credentials, parameters, nowMs, seconds });
    });
  }

  /** Removes objects; those that do not exist are no fault. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
      const Objects = keys.slice(at, at + DELETE_AT_ONCE).map((key) => ({ Key: this.#prefix + key }));
      await this.#asking('remove objects', async () => {
        const { Errors = [] } = await this.#client.send(
          new this.#sdk.DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
        if (first !== undefined) throw new Error(`${first.Code}: ${first.Message}`);
      });
    }
  }

  /** One page of the objects whose keys begin with `prefix`, in the order of their keys, behind the key `after`. */
  async list(
    prefix: string,
    after: string | undefined,
  ): Promise<{ readonly objects: readonly ListedObject[]; readonly isLast: boolean }> {
    const { Contents = [], IsTruncated } = await this.#asking('list objects', () =>
      this.#client.send(
        new this.#sdk.ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix + prefix,
          ...(after === undefined ? {} : { StartAfter: this.#prefix + after }),
        }),
      ),
    );
    const objects = Contents.map(({ Key = '', Size = 0, LastModified }) => ({
      key: Key.slice(this.#prefix.length),
      sizeBytes: Size,
      writtenMs: lastMoment(LastModified),
    }));
    return { objects, isLast: IsTruncated !== true };
  }

  /** Aborts multipart uploads of keys that begin with `prefix`, begun before `beforeMs`, save those that `isUnderWay` knows. Answers how many. */
  async sweepUploads(prefix: string, beforeMs: number, isUnderWay: (key: string) => boolean): Promise<number> {
    let removed = 0;
    for (let marker: Marker | undefined = {}; marker !== undefined; ) {
      const page: ListMultipartUploadsCommandOutput = await this.#uploads(prefix, marker);
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
        const key = Key.slice(this.#prefix.length);
        if (isUnderWay(key) || lastMoment(Initiated) >= beforeMs) continue;
        await this.abort(key, UploadId);
        removed += 1;
      }
      marker = page.IsTruncated === true ? markerOf(page) : undefined;
    }
    return removed;
  }

  #uploads(prefix: string, marker: Marker): Promise<ListMultipartUploadsCommandOutput> {
    const input = { Bucket: this.#bucket, Prefix: this.#prefix + prefix, ...marker };
    return this.#asking('list uploads', () => this.#client.send(new this.#sdk.ListMultipartUploadsCommand(input)));
  }

  close(): void {
    for (const client of [this.#client, this.#patient]) client.destroy();
  }
}

interface Marker {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

function markerOf({ NextKeyMarker, NextUploadIdMarker }: ListMultipartUploadsCommandOutput): Marker | undefined {
  if (NextKeyMarker === undefined) return undefined;
  return {
    KeyMarker: NextKeyMarker,
    ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
  };
}

function lastMoment(date: Date | undefined): number {
  return (date?.getTime() ?? Number.POSITIVE_INFINITY) + 999;
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
