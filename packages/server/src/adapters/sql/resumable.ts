// Resumable uploads in SQL: the ResumableUploads port as one row each, whose lock is a lease in the same row.
import type { CanonicalPath } from '@latchkey/policy';
import type { Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import type { ResumableUpload, ResumableUploads, UploadLock } from '../../ports/resumable.ts';
import type { Database, Executor } from './database.ts';
import type { ResumableUploadTable } from './schema.ts';

/** The ResumableUploads port on a database. */
export function sqlResumableUploads(database: Database): ResumableUploads {
  const query = <T>(work: (db: Executor) => Promise<T>) => database.query('STORE_UNAVAILABLE', work);
  const write = <T>(work: (db: Executor) => Promise<T>) => database.write('STORE_UNAVAILABLE', work);
  /** Locks are for the moment: a loss of power ends the writer as well. */
  const mark = <T>(work: (db: Executor) => Promise<T>) =>
    database.write('STORE_UNAVAILABLE', work, { durable: 'process' });
  /** Tells whoever holds the lock that another waits; answers whether somebody does. */
  const ask = async (db: Executor, uploadId: string, nowMs: number) => {
    const { numUpdatedRows } = await db
      .updateTable('resumable_uploads')
      .set({ lock_wanted: 1 })
      .where('id', '=', uploadId)
      .where('lock_token', 'is not', null)
      .where('lock_until', '>', nowMs)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  };
  return {
    createUpload: (upload) =>
      write(async (db) => {
        await db.insertInto('resumable_uploads').values(toRow(upload)).execute();
      }),
    findUpload: (container, id) =>
      query(async (db) => {
        const row = await db
          .selectFrom('resumable_uploads')
          .selectAll()
          .where('id', '=', id)
          .where('container', '=', container)
          .executeTakeFirst();
        return row && toUpload(row);
      }),
    lockUpload: ({ uploadId, token }, untilMs, nowMs) =>
      mark(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('resumable_uploads')
          .set({ lock_token: token, lock_until: untilMs, lock_wanted: 0 })
          .where('id', '=', uploadId)
          .where((eb) => eb.or([eb('lock_token', 'is', null), eb('lock_until', '<=', nowMs)]))
          .executeTakeFirst();
        if (numUpdatedRows > 0n) return true;
        await ask(db, uploadId, nowMs);
        return false;
      }),
    renewLock: ({ uploadId, token }, untilMs) =>
      mark(async (db) => {
        const row = await db
          .updateTable('resumable_uploads')
          .set({ lock_until: untilMs })
          .where('id', '=', uploadId)
          .where('lock_token', '=', token)
          .returning('lock_wanted')
          .executeTakeFirst();
        if (row === undefined) return 'lost';
        return row.lock_wanted === 1 ? 'wanted' : 'kept';
      }),
    unlockUpload: ({ uploadId, token }) =>
      mark(async (db) => {
        await db
          .updateTable('resumable_uploads')
          .set({ lock_token: null, lock_until: 0, lock_wanted: 0 })
          .where('id', '=', uploadId)
          .where('lock_token', '=', token)
          .execute();
      }),
    isLocked: (uploadId, nowMs) => mark((db) => ask(db, uploadId, nowMs)),
    expireUpload: ({ uploadId, token }) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('resumable_uploads')
          .set({ expires_at: 0 })
          .where('id', '=', uploadId)
          .where('lock_token', '=', token)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw new AppError('UPLOAD_LOCKED', 'the lock was lost before the end');
      }),
    finishUpload: (lock, file) => write((db) => finishUploadRow(db, lock, file)),
    removeUpload: ({ uploadId, token }) =>
      write(async (db) => {
        await db.deleteFrom('resumable_uploads').where('id', '=', uploadId).where('lock_token', '=', token).execute();
      }),
    listExpired: (nowMs, limit) =>
      query(async (db) => {
        const rows = await db
          .selectFrom('resumable_uploads')
          .selectAll()
          .where('expires_at', '<=', nowMs)
          .where((eb) => eb.or([eb('lock_token', 'is', null), eb('lock_until', '<=', nowMs)]))
          .orderBy('expires_at')
          .limit(limit)
          .execute();
        return rows.map(toUpload);
      }),
  };
}

/** Records that the upload became the file. Raises UPLOAD_LOCKED when the lock is not held any more or it already is one:
 *  then nothing of the transaction may happen. */
export async function finishUploadRow(
  db: Executor,
  { uploadId, token }: UploadLock,
  file: { readonly id: string; readonly version: number },
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('resumable_uploads')
    .set({ file_id: file.id, file_version: file.version })
    .where('id', '=', uploadId)
    .where('lock_token', '=', token)
    .where('file_id', 'is', null)
    .where('expires_at', '>', 0)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new AppError('UPLOAD_LOCKED', 'the lock was lost before the commit');
}

function toRow(upload: ResumableUpload) {
  return {
    id: upload.id,
    container: upload.container,
    holder: upload.holder,
    source: upload.source ?? null,
    subject: upload.subject ?? null,
    folder_path: upload.folderPath,
    name: upload.name,
    claimed_type: upload.claimedType ?? null,
    length: upload.lengthBytes,
    metadata: upload.metadata ?? null,
    description: JSON.stringify(upload.description),
    partial_id: upload.partialId,
    reservation_id: upload.reservationId ?? null,
    created_at: upload.createdAtMs,
    key_issued_at: upload.keyIssuedAtMs,
    expires_at: upload.expiresAtMs,
    file_id: upload.file?.id ?? null,
    file_version: upload.file?.version ?? null,
  };
}

function toUpload(row: Selectable<ResumableUploadTable>): ResumableUpload {
  return {
    id: row.id,
    container: row.container,
    holder: row.holder,
    source: row.source ?? undefined,
    subject: row.subject ?? undefined,
    folderPath: row.folder_path as CanonicalPath, // The path comes from the store.
    name: row.name,
    claimedType: row.claimed_type ?? undefined,
    lengthBytes: row.length,
    metadata: row.metadata ?? undefined,
    description: JSON.parse(row.description),
    partialId: row.partial_id,
    reservationId: row.reservation_id ?? undefined,
    createdAtMs: row.created_at,
    keyIssuedAtMs: row.key_issued_at,
    expiresAtMs: row.expires_at,
    file: row.file_id === null ? undefined : { id: row.file_id, version: row.file_version ?? 0 },
  };
}
