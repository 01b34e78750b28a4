// Uploads that come in several requests: begun under a reservation, written by one request at a time, judged again when they
// become a file, and gone with everything they held when they are given up.

import type { Readable } from 'node:stream';
import type { CanonicalPath } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { AppendOptions } from '../ports/partial-blobs.ts';
import { type ResumableUpload, sourceOf, type UploadLock } from '../ports/resumable.ts';
import { valueCheck } from './settings.ts';
import {
  type Description,
  HEAD_BYTES,
  judged,
  mayList,
  type StoredUpload,
  storeUploads,
  typeFacts,
} from './uploads.ts';
import { watch } from './watch.ts';

/** What an upload will become. */
export interface Plan {
  readonly folderPath: CanonicalPath;
  readonly name: string;
  readonly claimedType: string | undefined;
  readonly lengthBytes: number;
  /** What its sender said, as it came. */
  readonly metadata: string;
  readonly description: Description;
}

/** Some bytes of an upload. */
export interface Part {
  /** Where its sender believes it belongs. */
  readonly offset: number;
  readonly source: Readable;
  /** What its sender says about its length. */
  readonly declaredBytes: number | undefined;
  readonly digest: AppendOptions['digest'];
}

/** How far an upload is; `file` once it has become one. */
export interface Progress {
  readonly upload: ResumableUpload;
  readonly offset: number;
  readonly file: ResumableUpload['file'];
}

type Needs = Pick<
  Ports,
  'blobs' | 'partials' | 'resumables' | 'counters' | 'images' | 'media' | 'metadata' | 'settings' | 'system'
>;
type UploadGrant = Grant<'file.upload'>;

/** A writer that is not heard of for so long is taken to be dead. Nodes' clocks must agree better than this. */
const LEASE_MS = 5000;
/** How long a request waits for another one to let go, and how often it asks. */
const LOCK_ATTEMPTS = 20;
const LOCK_PAUSE_MS = 100;
const LOCKED_RETRY_MS = 1000;

/**
 * Records an upload and hands the grant's reservation over to it. Raises PAYLOAD_TOO_LARGE or UPLOAD_QUOTA_EXHAUSTED when
 * its length is more than was reserved, REQUEST_INVALID when the metadata does not fit the model, STORE_UNAVAILABLE.
 */
export async function beginUpload(ports: Needs, grant: UploadGrant, plan: Plan): Promise<ResumableUpload> {
  if (plan.lengthBytes > grant.uploadBytesMax) throw tooLong(grant, plan.lengthBytes);
  if (Object.keys(plan.description.meta).length > 0) {
    const { check } = await valueCheck(ports, grant, 'FILES');
    check(plan.description.meta);
  }
  const partialId = await ports.partials.create();
  const { reservationId, finishByMs } = grant.handOver();
  const { claims } = grant;
  const upload: ResumableUpload = {
    id: Buffer.from(ports.system.random(16)).toString('hex'),
    container: grant.container,
    holder: grant.holder,
    source: claims && sourceOf(claims),
    subject: claims?.subject,
    folderPath: plan.folderPath,
    name: plan.name,
    claimedType: plan.claimedType,
    lengthBytes: plan.lengthBytes,
    metadata: plan.metadata,
    description: plan.description,
    partialId,
    reservationId,
    createdAtMs: grant.facts.nowMs,
    keyIssuedAtMs: claims?.issuedAtMs ?? grant.facts.nowMs,
    expiresAtMs: finishByMs,
    file: undefined,
  };
  try {
    await ports.resumables.createUpload(upload);
  } catch (error) {
    // The record may be there for all we know; nobody has learnt its id, so nobody will go on with it.
    if (reservationId !== undefined) await ports.counters.release(reservationId);
    await ports.partials.discard(partialId);
    throw error;
  }
  ports.system.log.info('upload.begun', { uploadId: upload.id, keyId: grant.holder, lengthBytes: upload.lengthBytes });
  return upload;
}

function tooLong(grant: UploadGrant, lengthBytes: number): AppError {
  return new AppError(grant.uploadBytesCode, 'announced length', {
    rule: grant.uploadBytesRule,
    limit: grant.uploadBytesMax,
    actual: lengthBytes,
  });
}

/** Says how far the upload is without disturbing who writes. Raises UPLOAD_NOT_FOUND. */
export async function readProgress(
  ports: Pick<Ports, 'partials'>,
  _grant: UploadGrant,
  upload: ResumableUpload,
): Promise<Progress> {
  if (upload.file !== undefined) return { upload, offset: upload.lengthBytes, file: upload.file };
  const offset = await ports.partials.size(upload.partialId);
  if (offset === undefined) throw new AppError('UPLOAD_NOT_FOUND', 'its bytes are gone');
  return { upload, offset, file: undefined };
}

/** What became of a finished upload. Raises FILE_NOT_FOUND when its file is gone, or neither in the folder for which the
 *  caller was admitted nor where the caller may list. */
export async function fileOfUpload(
  ports: Pick<Ports, 'metadata'>,
  grant: UploadGrant,
  { upload, file }: Progress,
): Promise<StoredUpload> {
  const found = file && (await ports.metadata.findFile(grant.container, file.id, file.version));
  const isHere = found?.folderPath === upload.folderPath;
  const isShown = isHere || (found !== undefined && mayList(grant) && grant.within('listing', found.folderPath));
  if (found === undefined || !isShown) throw new AppError('FILE_NOT_FOUND', 'deleted or moved');
  // A blob keeps the id under which it grew: other bytes had been there before.
  if (found.blobId !== upload.partialId) {
    return { file: found, outcome: isHere ? 'duplicate here' : 'duplicate elsewhere' };
  }
  return { file: found, outcome: found.version === 0 ? 'new file' : 'new version' };
}

/**
 * Says where to go on, having asked whoever still writes to let go. When its last byte is there but it is no file yet, because the request that brought it was
 * cut off, it is made one now: a client that finds everything sent will not come again. Raises UPLOAD_LOCKED while another
 * request keeps writing, and what `continueUpload` raises at the end.
 */
export async function resumeUpload(ports: Needs, grant: UploadGrant, upload: ResumableUpload): Promise<Progress> {
  if (upload.file !== undefined) return { upload, offset: upload.lengthBytes, file: upload.file };
  for (let attempt = 1; await ports.resumables.isLocked(upload.id, ports.system.now()); attempt += 1) {
    if (attempt === LOCK_ATTEMPTS) throw lockedFault();
    await pause();
  }
  const size = await ports.partials.size(upload.partialId);
  if (size !== undefined && size < upload.lengthBytes) return { upload, offset: size, file: undefined };
  return locked(ports, grant, upload, async (lock) => settledProgress(ports, grant, upload, lock));
}

/**
 * Adds a part and, when it was the last one, makes the upload a file. Raises UPLOAD_OFFSET_MISMATCH with the offset that
 * is right, UPLOAD_LOCKED, UPLOAD_CHECKSUM_MISMATCH, PAYLOAD_TOO_LARGE, UPLOAD_NOT_FOUND, MEDIA_TYPE_REFUSED, the codes of
 * a key that stopped being good, STORE_UNAVAILABLE. What had arrived by then stays and can be gone on with, unless what
 * came was refused for itself: then the upload is given up.
 */
export async function continueUpload(
  ports: Needs,
  grant: UploadGrant,
  upload: ResumableUpload,
  part: Part,
): Promise<Progress> {
  return locked(ports, grant, upload, async (lock, signal) => {
    const before = await settledProgress(ports, grant, upload, lock);
    if (part.offset !== before.offset) throw offsetMismatch(before.offset);
    const room = upload.lengthBytes - before.offset;
    if ((part.declaredBytes ?? 0) > room) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'beyond the announced length', {
        limit: upload.lengthBytes,
        actual: before.offset + (part.declaredBytes ?? 0),
        hint: 'Send no more bytes than Upload-Length announced.',
      });
    }
    if (before.file !== undefined) return before;
    await append(ports, grant, upload, lock, { ...part, room, signal });
    return settledProgress(ports, grant, upload, lock);
  });
}

async function append(
  ports: Needs,
  grant: UploadGrant,
  upload: ResumableUpload,
  lock: UploadLock,
  { offset, source, digest, room, signal }: Part & { readonly room: number; readonly signal: AbortSignal },
): Promise<void> {
  const judge = async (head: Uint8Array) => {
    const type = await ports.media.detect(head, upload.name, upload.claimedType);
    await grant.recheck(typeFacts(type));
  };
  // Only a part from the very start shows what the file is; a later one passes unseen, and the whole is judged at its end.
  const bytes = judged(source, offset === 0 ? judge : async () => {}, 'beginning');
  try {
    await ports.partials.append(upload.partialId, offset, bytes, {
      sizeMaxBytes: room,
      signal,
      ...(digest === undefined ? {} : { digest }),
    });
  } catch (error) {
    if (isRefusal(error, REFUSED_BYTES)) await endUpload(ports, upload, lock);
    throw error;
  } finally {
    bytes.destroy();
  }
}

/** The progress as it is on record and on the device, with a complete upload made a file. The lock must be held. */
async function settledProgress(
  ports: Needs,
  grant: UploadGrant,
  upload: ResumableUpload,
  lock: UploadLock,
): Promise<Progress> {
  const current = await ports.resumables.findUpload(upload.container, upload.id);
  if (current === undefined) throw new AppError('UPLOAD_NOT_FOUND', 'ended meanwhile');
  if (current.file !== undefined) return { upload, offset: upload.lengthBytes, file: current.file };
  const size = await ports.partials.size(upload.partialId);
  if (size === undefined) {
    await endUpload(ports, upload, lock);
    throw new AppError('UPLOAD_NOT_FOUND', 'its bytes are gone');
  }
  if (size < upload.lengthBytes) return { upload, offset: size, file: undefined };
  return { upload, offset: size, file: await commit(ports, grant, upload, lock) };
}

/** Makes a complete upload a file, unless its content is there already: judged once more, settled once, and recorded as
 *  finished in the same transaction. */
async function commit(
  ports: Needs,
  grant: UploadGrant,
  upload: ResumableUpload,
  lock: UploadLock,
): Promise<{ readonly id: string; readonly version: number }> {
  try {
    // A key that is no longer good is told so before anything has happened, so that one that is good can go on.
    await grant.recheck({ sizeBytes: upload.lengthBytes });
    const blob = await ports.partials.finish(upload.partialId);
    const type = await ports.media.detect(
      await headOf(ports, blob.blobId, blob.sizeBytes),
      upload.name,
      upload.claimedType,
    );
    const staged = { grant, name: upload.name, type, blob, description: upload.description, upload: lock };
    const [stored] = await storeUploads(ports, upload.folderPath, [staged], { keepDuplicates: false });
    if (stored === undefined) throw new TypeError('One upload makes one file.');
    const { file, outcome } = stored;
    ports.system.log.info('upload.finished', { uploadId: upload.id, fileId: file.id, outcome });
    if (file.blobId !== blob.blobId) {
      await ports.partials.discard(upload.partialId).catch((error: unknown) => {
        // The upload has its file; the sweep of blobs removes what no file points to.
        ports.system.log.warn('upload.bytes', { uploadId: upload.id, error: String(error) });
      });
    }
    return { id: file.id, version: file.version };
  } catch (error) {
    if (isRefusal(error, REFUSED_FILE)) await endUpload(ports, upload, lock);
    throw error;
  }
}

async function headOf(ports: Pick<Ports, 'blobs'>, blobId: string, sizeBytes: number): Promise<Buffer> {
  if (sizeBytes === 0) return Buffer.alloc(0);
  const chunks: Buffer[] = [];
  const bytes = await ports.blobs.read(blobId, { start: 0, end: Math.min(HEAD_BYTES, sizeBytes) - 1 });
  for await (const chunk of bytes as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What is refused for its bytes or for what it was to become; a key or a network may be better next time. */
const REFUSED_BYTES: readonly string[] = ['MEDIA_TYPE_REFUSED', 'PAYLOAD_TOO_LARGE'];
const REFUSED_FILE: readonly string[] = [...REFUSED_BYTES, 'SCOPE_DENIED', 'PERMISSION_DENIED', 'REQUEST_INVALID'];

function isRefusal(error: unknown, codes: readonly string[]): boolean {
  return error instanceof AppError && codes.includes(error.code);
}

/** Gives an upload up: its bytes, what it reserved and its record. A file that it has become stays. Raises UPLOAD_LOCKED
 *  when a request that writes does not let go. */
export async function abandonUpload(ports: Needs, grant: UploadGrant, upload: ResumableUpload): Promise<void> {
  await locked(ports, grant, upload, async (lock) => {
    const current = await ports.resumables.findUpload(upload.container, upload.id);
    if (current !== undefined) await endUpload(ports, current, lock);
  });
}

/** From the first step on it can never become a file, and until the last the sweep finds what a crash left of it. */
async function endUpload(
  ports: Pick<Ports, 'partials' | 'counters' | 'resumables' | 'system'>,
  upload: ResumableUpload,
  lock: UploadLock,
): Promise<void> {
  if (upload.file === undefined) {
    await ports.resumables.expireUpload(lock);
    await ports.partials.discard(upload.partialId);
    if (upload.reservationId !== undefined) await ports.counters.release(upload.reservationId);
  }
  await ports.resumables.removeUpload(lock);
  ports.system.log.info('upload.ended', { uploadId: upload.id, finished: upload.file !== undefined });
}

/**
 * Does `work` as the only writer of the upload on all nodes. The signal ends the work when another request wants to go on -
 * a client that lost its connection comes back before we notice - and when the key stops being good. Raises UPLOAD_LOCKED
 * when the present writer does not let go in time.
 */
async function locked<T>(
  ports: Needs,
  grant: UploadGrant,
  upload: ResumableUpload,
  work: (lock: UploadLock, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { resumables, system } = ports;
  const lock: UploadLock = { uploadId: upload.id, token: Buffer.from(system.random(16)).toString('hex') };
  for (let attempt = 1; !(await resumables.lockUpload(lock, system.now() + LEASE_MS, system.now())); attempt += 1) {
    if ((await resumables.findUpload(upload.container, upload.id)) === undefined) {
      throw new AppError('UPLOAD_NOT_FOUND', 'ended meanwhile');
    }
    if (attempt === LOCK_ATTEMPTS) throw lockedFault();
    await pause();
  }
  const stop = new AbortController();
  const keep = async () => {
    const state = await resumables.renewLock(lock, system.now() + LEASE_MS);
    if (state !== 'kept') throw lockedFault();
    await grant.recheck();
  };
  const stopWatching = watch(system, keep, (reason) => stop.abort(reason));
  try {
    return await work(lock, stop.signal);
  } finally {
    stopWatching();
    await resumables.unlockUpload(lock).catch((error: unknown) => {
      // It lapses by itself.
      system.log.warn('upload.unlock', { uploadId: upload.id, error: String(error) });
    });
  }
}

/** A wait between two questions to the store; the number of them is what bounds it, so it needs no clock. */
function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, LOCK_PAUSE_MS));
}

function lockedFault(): AppError {
  return new AppError('UPLOAD_LOCKED', 'another writer', { retryAfterMs: LOCKED_RETRY_MS });
}

function offsetMismatch(offset: number): AppError {
  return new AppError('UPLOAD_OFFSET_MISMATCH', 'sent elsewhere', { headers: { 'upload-offset': String(offset) } });
}

/** How many expired uploads one round looks at; what is left is looked at in the next. */
const SWEEP_MAX = 200;
/** A partial blob that was not touched for so long belongs to no upload: those end within a day. */
const LEAVINGS_AGE_MS = 48 * 60 * 60_000;

/** Ends uploads that have expired: bytes, reservation and record. Safe on every node at once; answers how many. */
export async function sweepUploads(
  ports: Pick<Ports, 'partials' | 'counters' | 'resumables' | 'system'>,
): Promise<number> {
  const { resumables, system } = ports;
  let ended = 0;
  for (const upload of await resumables.listExpired(system.now(), SWEEP_MAX)) {
    const lock: UploadLock = { uploadId: upload.id, token: Buffer.from(system.random(16)).toString('hex') };
    if (!(await resumables.lockUpload(lock, system.now() + LEASE_MS, system.now()))) continue;
    // Read again under the lock: its last request may have made it a file.
    const current = await resumables.findUpload(upload.container, upload.id);
    if (current === undefined) continue;
    await endUpload(ports, current, lock);
    ended += 1;
  }
  await ports.partials.sweep(system.now() - LEAVINGS_AGE_MS);
  return ended;
}
