// Where uploads that come in several requests are recorded: who began them, what they will be, and who is writing.
import type { CanonicalPath, Claims } from '@latchkey/policy';
import type { NewFile } from './metadata.ts';

/** An upload begun and, maybe, finished. Everything but `file` is fixed at its beginning. */
export interface ResumableUpload {
  /** Random and unguessable; part of the upload's address. */
  readonly id: string;
  readonly container: string;
  /** Whose upload it is: id of the access key, uid of the secret key, or `admin`. */
  readonly holder: string;
  /** The rights behind an access key, such as `template:<uid>`, and its subject: together they name a person. */
  readonly source: string | undefined;
  readonly subject: string | undefined;
  readonly folderPath: CanonicalPath;
  readonly name: string;
  readonly claimedType: string | undefined;
  readonly lengthBytes: number;
  /** What its sender said at the beginning, as it came; undefined of uploads that nodes of an older version began. */
  readonly metadata: string | undefined;
  /** What is said about the file beside its bytes. */
  readonly description: Pick<NewFile, 'meta' | 'tags' | 'info' | 'productRef' | 'productPosition'>;
  readonly partialId: string;
  /** What it holds of the limits; undefined when it is bound by none. */
  readonly reservationId: string | undefined;
  readonly createdAtMs: number;
  /** When the key that began it was issued; revocations go by that. */
  readonly keyIssuedAtMs: number;
  /** It must be finished before this; afterwards nothing of it remains but the file. */
  readonly expiresAtMs: number;
  /** The file that it became, or the one that had its content before. */
  readonly file: { readonly id: string; readonly version: number } | undefined;
}

/** The rights behind a key, as an upload remembers them. */
export function sourceOf({ source }: Claims): string {
  return `${source.kind}:${source.id}`;
}

/** Proof that one writer, of all nodes, has an upload to itself until `untilMs`. */
export interface UploadLock {
  readonly uploadId: string;
  readonly token: string;
}

/**
 * Records of resumable uploads. Durable when a method resolves, locks excepted: those need only outlive the process that
 * took them. An upload becomes a new file in `Metadata.commitFiles`, in the same transaction. Raises STORE_UNAVAILABLE.
 */
export interface ResumableUploads {
  createUpload(upload: ResumableUpload): Promise<void>;
  findUpload(container: string, id: string): Promise<ResumableUpload | undefined>;
  /** Takes a lock that is free or has lapsed. When another holds it, that one learns that it is wanted, and the answer is
   *  false. False, too, when there is no such upload. Atomic over all nodes. */
  lockUpload(lock: UploadLock, untilMs: number, nowMs: number): Promise<boolean>;
  /** Prolongs a lock that is held: `wanted` when somebody else is waiting for it, `lost` when it lapsed and was taken. */
  renewLock(lock: UploadLock, untilMs: number): Promise<'kept' | 'wanted' | 'lost'>;
  /** Gives the lock back; one that was lost is no fault. */
  unlockUpload(lock: UploadLock): Promise<void>;
  /** Whether somebody holds the lock; that one then learns that it is wanted. */
  isLocked(uploadId: string, nowMs: number): Promise<boolean>;
  /** Lets the upload expire now, only while the lock is held: it can never become a file afterwards. Raises UPLOAD_LOCKED
   *  when the lock was lost. */
  expireUpload(lock: UploadLock): Promise<void>;
  /** Records that the upload is the file, one that was there already, only while the lock is held. Raises UPLOAD_LOCKED
   *  when the lock was lost, the upload has become a file, or it was expired. */
  finishUpload(lock: UploadLock, file: NonNullable<ResumableUpload['file']>): Promise<void>;
  /** Removes the record, only while the lock is held; one that was lost is no fault. */
  removeUpload(lock: UploadLock): Promise<void>;
  /** At most `limit` uploads that expired at `nowMs` or before, finished or not, and that nobody has locked. */
  listExpired(nowMs: number, limit: number): Promise<readonly ResumableUpload[]>;
}
