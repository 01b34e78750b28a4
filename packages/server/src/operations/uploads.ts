// Taking files in: bytes first, judged and counted while they flow; the record last, after everything was asked again.
import { finished, Readable, Transform } from 'node:stream';
import {
  accessScopes,
  addressBucket,
  type CanonicalPath,
  covers,
  coversAll,
  effective,
  lowestRole,
  type Permission,
  visibleScopes,
} from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant, UploadFacts } from '../grant.ts';
import type { WrittenBlob } from '../ports/blobs.ts';
import type { Rendered } from '../ports/images.ts';
import type { Ports } from '../ports/index.ts';
import type { MediaType } from '../ports/media.ts';
import type { FileRecord, JsonObject, Latitude, NewFile } from '../ports/metadata.ts';
import { authorOf } from './people.ts';
import { isUndrawable } from './renders.ts';
import { uploadSettings, valueCheck } from './settings.ts';
import { watch } from './watch.ts';

/** A file on its way in. */
export interface IncomingFile {
  /** Already parsed as a canonical name. */
  readonly name: string;
  readonly source: Readable;
  /** The type its sender claims; a hint only. */
  readonly claimedType: string | undefined;
}

/** Written and judged bytes that are not yet a file. */
export interface StagedFile {
  readonly grant: Grant<'file.upload'>;
  readonly name: string;
  readonly type: MediaType;
  readonly blob: WrittenBlob;
  /** The resumable upload that the bytes came by, and the lock on it. */
  readonly upload?: { readonly uploadId: string; readonly token: string };
}

/** What the content must be, lower-case hex; nothing is demanded of what is not there. */
export interface Checksums {
  readonly sha1?: string;
  readonly sha256?: string;
}

/** A staged file with what its sender says about it. */
export interface DescribedFile extends StagedFile {
  readonly description: Description;
  /** From its sender: other content is refused. */
  readonly checksums?: Checksums;
}

/** What is said about a file beside its bytes. */
export interface Description {
  readonly meta: JsonObject;
  readonly tags: JsonObject;
  readonly info: JsonObject;
  readonly productRef: string | undefined;
  readonly productPosition: number | undefined;
}

/** Content is judged by at most this many of its first bytes. */
export const HEAD_BYTES = 64 * 1024;
/**
 * Streams one file into the blob store. Its type is judged as soon as its first bytes are known, its size while it
 * flows, its key every half second, and its pace. Raises MEDIA_TYPE_REFUSED, PAYLOAD_TOO_LARGE, UPLOAD_QUOTA_EXHAUSTED,
 * UPLOAD_TIMEOUT, the codes of a key that stopped being good, STORE_UNAVAILABLE; nothing is left behind then.
 */
export async function stageUpload(
  ports: Pick<Ports, 'blobs' | 'media' | 'system'>,
  grant: Grant<'file.upload'>,
  file: IncomingFile,
): Promise<StagedFile> {
  const stop = new AbortController();
  let type: MediaType = { mime: 'application/octet-stream', extension: undefined, proven: false };
  const judge = async (head: Uint8Array) => {
    type = await ports.media.detect(head, file.name, file.claimedType);
    await grant.recheck(typeFacts(type));
  };
  let arrivedBytes = 0;
  const source = judged(file.source, judge, 'whole', (bytes) => {
    arrivedBytes += bytes;
  });
  let since = { ms: ports.system.now(), bytes: 0 };
  const keepPace = () => {
    const nowMs = ports.system.now();
    if (nowMs - since.ms < PACE.everyMs) return;
    // What has arrived whole waits for us, not for its sender.
    if (arrivedBytes - since.bytes < PACE.bytesMin && !file.source.readableEnded) {
      throw new AppError('UPLOAD_TIMEOUT', 'too slow');
    }
    since = { ms: nowMs, bytes: arrivedBytes };
  };
  const stopWatching = watch(
    ports.system,
    () => grant.recheck().then(keepPace),
    (reason) => stop.abort(reason),
  );
  try {
    const blob = await ports.blobs.write(source, { sizeMaxBytes: grant.uploadBytesMax, signal: stop.signal });
    return { grant, name: file.name, type, blob };
  } catch (error) {
    throw tooLarge(error, grant) ?? error;
  } finally {
    stopWatching();
    source.destroy();
  }
}

/** The least that must arrive in each span of time: a sender that drips would keep a connection for as long as its key lives. */
const PACE = { everyMs: 60_000, bytesMin: 4096 };

/** A file that is to be fetched. */
export interface RemoteFile {
  /** Already parsed as a canonical name. */
  readonly name: string;
  readonly url: string;
}

/**
 * Fetches one file and streams it into the blob store like one that was sent. `signal` ends it when nobody waits for it any
 * more. Raises what the fetcher and `stageUpload` raise, and URL_UPLOADS_OFF unless the container's settings allow it.
 */
export async function stageRemote(
  ports: Pick<Ports, 'blobs' | 'fetcher' | 'media' | 'settings' | 'system'>,
  grant: Grant<'file.upload'>,
  file: RemoteFile,
  signal: AbortSignal,
): Promise<StagedFile> {
  const { from_urls } = await uploadSettings(ports, grant);
  if (from_urls !== 'on') throw new AppError('URL_UPLOADS_OFF');
  const { body, sizeBytes, claimedType } = await openWatched(ports, grant, file.url, signal);
  try {
    // What says itself that it is too large need not be fetched first.
    if (sizeBytes !== undefined) checkBound(grant, sizeBytes);
    return await stageUpload(ports, grant, { name: file.name, source: body, claimedType });
  } finally {
    body.destroy();
  }
}

/** Waits for the first bytes of a URL for as long as the key is good. */
async function openWatched(
  ports: Pick<Ports, 'fetcher' | 'system'>,
  grant: Grant<'file.upload'>,
  url: string,
  signal: AbortSignal,
) {
  const stop = new AbortController();
  const stopWatching = watch(
    ports.system,
    () => grant.recheck(),
    (reason) => stop.abort(reason),
  );
  try {
    return await ports.fetcher.open(url, AbortSignal.any([signal, stop.signal]));
  } finally {
    stopWatching();
  }
}

/**
 * Passes the bytes on, having shown the first of them to `judge`. The source is piped, not iterated: when the upload is
 * refused it stays open, so that the rest can be thrown away and the client gets to read the answer. When the source may be
 * only the beginning of a file, a short one is not judged.
 */
export function judged(
  source: Readable,
  judge: (head: Uint8Array) => Promise<void>,
  extent: 'whole' | 'beginning',
  count: (bytes: number) => void = () => {},
): Transform {
  let head: Uint8Array[] | undefined = [];
  let size = 0;
  const release = async (transform: Transform) => {
    if (head === undefined) return;
    const bytes = Buffer.concat(head);
    head = undefined;
    if (extent === 'whole' || size >= HEAD_BYTES) await judge(bytes.subarray(0, HEAD_BYTES));
    transform.push(bytes);
  };
  const transform = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      count(chunk.length);
      if (head === undefined) {
        done(null, chunk);
        return;
      }
      head.push(chunk);
      size += chunk.length;
      if (size < HEAD_BYTES) done();
      else release(this).then(() => done(), done);
    },
    flush(done) {
      release(this).then(() => done(), done);
    },
  });
  const stop = finished(source, { writable: false }, (error) => {
    if (!error) return;
    const known = error instanceof AppError;
    transform.destroy(known ? error : new AppError('REQUEST_INVALID', 'the body broke off', { cause: error }));
  });
  // Whoever reads the transform gets its error; once nobody reads any more, it has nothing left to tell.
  transform.on('error', () => {});
  transform.once('close', () => {
    stop();
    source.unpipe(transform);
  });
  return source.pipe(transform);
}

/** The type as the rules are asked about it. */
export function typeFacts(type: MediaType): UploadFacts {
  return { mediaType: type.mime, ...(type.extension === undefined ? {} : { extension: type.extension }) };
}

/** The same fault in the words of the rule that set the bound. */
function tooLarge(error: unknown, grant: Grant<'file.upload'>): AppError | undefined {
  if (!(error instanceof AppError) || error.code !== 'PAYLOAD_TOO_LARGE') return undefined;
  return beyondBound(grant, `more than ${grant.uploadBytesMax}`, error);
}

/** Holds bytes whose number is known to what the limits still have room for. Raises PAYLOAD_TOO_LARGE,
 *  UPLOAD_QUOTA_EXHAUSTED. */
export function checkBound(grant: Grant<'file.upload'>, sizeBytes: number): void {
  if (sizeBytes > grant.uploadBytesMax) throw beyondBound(grant, sizeBytes);
}

function beyondBound(grant: Grant<'file.upload'>, actual: number | string, cause?: unknown): AppError {
  return new AppError(grant.uploadBytesCode, 'bytes beyond the bound', {
    rule: grant.uploadBytesRule,
    limit: grant.uploadBytesMax,
    actual,
    cause,
  });
}

/**
 * Turns staged bytes into files of one folder, all in one transaction, and answers them in order. The keys are asked
 * once more, and the limits settled, before the record is written. Raises DESCRIPTION_FOREIGN when a name is taken and
 * more is said of that file than the key may say. When it raises, the bytes are removed - unless the
 * database did not say whether it committed: then they stay for the sweep, and the limits stay charged.
 */
export async function commitUploads(
  ports: Pick<Ports, 'blobs' | 'metadata' | 'settings' | 'system'>,
  folderPath: CanonicalPath,
  staged: readonly (StagedFile & { readonly description: Description; readonly whenTaken?: NewFile['whenTaken'] })[],
): Promise<readonly FileRecord[]> {
  const first = staged[0];
  if (first === undefined) return [];
  try {
    const said = staged.filter(({ description }) => Object.keys(description.meta).length > 0);
    const judge = said.length > 0 ? await valueCheck(ports, first.grant, 'FILES') : undefined;
    for (const { description } of said) judge?.check(description.meta);
    for (const { grant, blob, type } of staged) {
      await grant.recheck({ ...typeFacts(type), sizeBytes: blob.sizeBytes });
      await grant.settle({ bytes: blob.sizeBytes });
    }
    const files = await ports.metadata.commitFiles(
      first.grant.container,
      staged.map(({ grant, name, type, blob, description, upload, whenTaken }) => ({
        folderPath,
        name,
        mime: type.mime,
        ...blob,
        ...description,
        meta: judge?.tidied(description.meta) ?? description.meta,
        uploadedBy: grant.holder,
        ofOld: {
          description: latitude(grant, folderPath, ['FILE_META_CREATE', 'FILE_META_CHANGE']),
          product: latitude(grant, folderPath, ['FILE_PRODUCT_CHANGE']),
        },
        ...(upload === undefined ? {} : { upload }),
        ...(whenTaken === undefined ? {} : { whenTaken }),
      })),
      authorOf(ports, first.grant),
    );
    for (const { grant, blob } of staged) {
      grant.keep();
      ports.system.meter.count('uploadedFiles', {});
      ports.system.meter.count('uploadedBytes', {}, blob.sizeBytes);
    }
    return files;
  } catch (error) {
    if (error instanceof AppError && error.code === 'STORE_UNAVAILABLE') {
      for (const { grant } of staged) grant.keep();
    } else {
      await discardUploads(ports, staged);
    }
    throw error;
  }
}

/**
 * What an upload may say of a file that is there: what its key could change anyway. Others may repeat what they can read,
 * as widgets do; who cannot read it learns nothing by guessing.
 */
function latitude(grant: Grant, folderPath: CanonicalPath, needed: readonly Permission[]): Latitude {
  if (holds(grant, folderPath, needed)) return 'anything';
  return holds(grant, folderPath, READING) ? 'the same' : 'nothing';
}

/** Whether the caller may list or read the files of this folder. */
export function mayRead(caller: Caller, folderPath: CanonicalPath): boolean {
  return holds(caller, folderPath, READING);
}

const READING: readonly Permission[] = ['OBJECTS_LIST', 'OBJECTS_FETCH'];

type Caller = Pick<Grant, 'template' | 'claims'> & { readonly access?: Grant['access'] };

/** Whether the caller has one of the permissions for the files of this folder. */
function holds(
  { template, claims, access }: Caller,
  folderPath: CanonicalPath,
  needed: readonly Permission[],
): boolean {
  if (template === undefined || claims === undefined) return true;
  const { permissions } = effective(template, claims);
  const held = needed.filter((one) => permissions.includes(one));
  if (held.length === 0 || !coversAll(visibleScopes(template, claims, 'listing'), folderPath)) return false;
  return access === undefined || covers(accessScopes(access, lowestRole(held)), folderPath);
}

/** What became of one staged file. */
export interface StoredUpload {
  /** The file that was stored; for a duplicate the one that was there. */
  readonly file: FileRecord;
  readonly outcome: 'new file' | 'new version' | 'duplicate here' | 'duplicate elsewhere';
}

/**
 * Stores staged files like `commitUploads`, except those whose content the container has already, within the reach that its
 * settings name: their bytes are removed again and the file that is there is answered. A duplicate counts as an upload,
 * but takes nothing of a quota of bytes. What the caller may not list is no duplicate: its upload is stored as if nothing
 * of the kind existed. Of two that arrive in the same moment both may be stored. A resumable upload that is a duplicate is
 * recorded as finished with that file. Raises CHECKSUM_MISMATCH too.
 */
export async function storeUploads(
  ports: Pick<Ports, 'blobs' | 'images' | 'metadata' | 'resumables' | 'settings' | 'system'>,
  folderPath: CanonicalPath,
  sent: readonly DescribedFile[],
  options: { readonly keepDuplicates: boolean; readonly resize?: Sides },
): Promise<readonly StoredUpload[]> {
  let known: readonly (FileRecord | undefined)[] = [];
  const staged = [...sent];
  try {
    for (const file of sent) checkContent(file);
    if (options.resize !== undefined) {
      for (const [index, file] of sent.entries()) staged[index] = await resized(ports, file, options.resize);
    }
    if (!options.keepDuplicates) known = await knownDuplicates(ports, folderPath, staged);
    for (const [index, { grant, blob, type, upload }] of staged.entries()) {
      const found = known[index];
      if (found === undefined) continue;
      await grant.recheck({ ...typeFacts(type), sizeBytes: blob.sizeBytes });
      await grant.settle({ bytes: 0 });
      if (upload !== undefined) await ports.resumables.finishUpload(upload, { id: found.id, version: found.version });
    }
    await discardUploads(
      ports,
      staged.filter((_, index) => known[index] !== undefined),
    );
  } catch (error) {
    await discardUploads(ports, staged);
    throw error;
  }
  const others = staged.filter((_, index) => known[index] === undefined);
  const committed = (await commitUploads(ports, folderPath, others)).values();
  return staged.map((_, index): StoredUpload => {
    const found = known[index];
    if (found !== undefined) {
      return { file: found, outcome: found.folderPath === folderPath ? 'duplicate here' : 'duplicate elsewhere' };
    }
    const { value: file } = committed.next();
    if (file === undefined) throw new TypeError('Every file that was no duplicate has been committed.');
    return { file, outcome: file.version === 0 ? 'new file' : 'new version' };
  });
}

/** The sides that a picture is fitted into; it keeps its proportions and is never enlarged. */
export interface Sides {
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** Still pictures whose format survives being drawn again. */
const RESIZED = ['image/jpeg', 'image/png', 'image/webp', 'image/avif'];

/**
 * The picture in its new size, in place of the one that was sent, which is not kept. What is no picture, is damaged or cannot be
 * drawn stays as it is. Raises IMAGES_BUSY, REQUEST_RATE_LIMITED, PAYLOAD_TOO_LARGE, STORE_UNAVAILABLE.
 */
async function resized(ports: Pick<Ports, 'blobs' | 'images' | 'system'>, file: DescribedFile, sides: Sides) {
  const { blob, type, grant } = file;
  if (!RESIZED.includes(type.mime) || !ports.images.draws(type.mime)) return file;
  // What is missing in the picture would be lost for ever in place of the bytes that were sent.
  const how = { fitting: 'bound', background: undefined, format: 'same', quality: 90, page: 1 } as const;
  const manner = { ...how, damaged: 'refused' } as const;
  const asker = addressBucket(grant.facts.clientIp);
  let drawn: Rendered;
  try {
    drawn = await ports.images.render({ ...blob, mime: type.mime }, { ...sides, ...manner }, asker);
  } catch (error) {
    if (isUndrawable(error)) return file;
    throw error;
  }
  // Its name, and what was judged of it, must stay true.
  if (drawn.mime !== type.mime) return file;
  const smaller = await ports.blobs.write(Readable.from([drawn.bytes]), { sizeMaxBytes: grant.uploadBytesMax });
  await discardUploads(ports, [file]);
  return { ...file, blob: smaller };
}

/** Refuses content that is not what its sender said it would be. Raises CHECKSUM_MISMATCH. */
function checkContent({ name, blob, checksums = {} }: DescribedFile): void {
  for (const algorithm of ['sha256', 'sha1'] as const) {
    const wanted = checksums[algorithm];
    if (wanted === undefined || wanted === blob[algorithm]) continue;
    throw new AppError('CHECKSUM_MISMATCH', name, { rule: algorithm, limit: wanted, actual: blob[algorithm] });
  }
}

async function knownDuplicates(
  ports: Pick<Ports, 'metadata' | 'settings'>,
  folderPath: CanonicalPath,
  staged: readonly StagedFile[],
): Promise<readonly (FileRecord | undefined)[]> {
  const grant = staged[0]?.grant;
  if (grant === undefined || !mayList(grant)) return [];
  const { duplicates } = await uploadSettings(ports, grant);
  if (duplicates === 'off') return [];
  const contents = staged.map(({ name, blob }) => ({ folderPath, name, ...blob }));
  return ports.metadata.findDuplicates(grant.container, contents, duplicates, grant.layers('listing'));
}

/** Whether the caller gets to know of files at all. */
export function mayList({ template, claims }: Grant): boolean {
  if (template === undefined || claims === undefined) return true;
  return effective(template, claims).permissions.includes('OBJECTS_LIST');
}

/**
 * Removes staged bytes that will not become files. Never raises: the sweep removes what is left. The bytes of a resumable
 * upload are its own and stay: it may be gone on with, or another writer may have made them a file.
 */
export async function discardUploads(
  ports: Pick<Ports, 'blobs' | 'system'>,
  staged: readonly StagedFile[],
): Promise<void> {
  const own = staged.filter(({ upload }) => upload === undefined);
  try {
    await ports.blobs.remove(own.map(({ blob }) => blob.blobId));
  } catch (error) {
    ports.system.log.warn('blobs.left', { count: own.length, error: String(error) });
  }
}

/** Lower-case extension without its dot; undefined when the name has none. */
export function extensionOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.');
  return dot <= 0 || dot === name.length - 1 ? undefined : name.slice(dot + 1).toLowerCase();
}
