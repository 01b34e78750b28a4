// What has yet to be looked at, in SQL.
import { AppError } from '../../errors.ts';
import { ATTEMPTS_MAX, type Examination, type Examinations } from '../../ports/examinations.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import type { Database, Executor } from './database.ts';
import { findPlacedFile, storeFile } from './files.ts';
import { lockFolders, lockTree } from './locks.ts';

const UNAVAILABLE = 'STORE_UNAVAILABLE';

/** The Examinations port on a database. */
export function sqlExaminations(database: Database): Examinations {
  return {
    async claim(limit, nowMs, leaseMs) {
      // Nearly always nothing is due, and asking must not cost a transaction.
      const due = await database.query(UNAVAILABLE, (db) => dueBy(db, nowMs).limit(1).execute());
      if (due.length === 0) return [];
      return database.write(
        UNAVAILABLE,
        async (db) => {
          const found = dueBy(db, nowMs).orderBy('due_at').limit(limit);
          const rows = await (database.dialect === 'postgres' ? found.forUpdate().skipLocked() : found).execute();
          const lent: Examination[] = [];
          for (const { file_id, version, attempts } of rows) {
            const examination = attempts < ATTEMPTS_MAX ? await find(db, file_id, version) : undefined;
            if (examination === undefined) {
              await remove(db, file_id, version);
              continue;
            }
            await db
              .updateTable('examinations')
              .set({ attempts: attempts + 1, due_at: nowMs + leaseMs })
              .where('file_id', '=', file_id)
              .where('version', '=', version)
              .execute();
            lent.push(examination);
          }
          return lent;
        },
        { durable: 'process' },
      );
    },
    finish(examination, facts) {
      return database.write(UNAVAILABLE, async (db) => {
        const { container, fileId, version } = examination;
        await lockTree(db, database.dialect, container, 'shared');
        await remove(db, fileId, version);
        const before = (await findPlacedFile(db, container, fileId))?.file;
        if (before === undefined) return false;
        await lockFolders(db, database.dialect, [before.folder_id]);
        // Read again: only now nobody else changes it.
        const file = (await findPlacedFile(db, container, fileId))?.file;
        const stored = await storeVersionInfo(db, examination, facts);
        if (file === undefined || !stored) return false;
        if (file.version === version) await storeFile(db, file, { info: merged(file.info, facts) });
        return true;
      });
    },
    countWaiting: () =>
      database.query(UNAVAILABLE, async (db) => {
        const { count } = await db
          .selectFrom('examinations')
          .select((eb) => eb.fn.countAll<number | bigint>().as('count'))
          .executeTakeFirstOrThrow();
        return Number(count);
      }),
    async postpone({ fileId, version }, dueMs) {
      await database.query(UNAVAILABLE, (db) =>
        db
          .updateTable('examinations')
          .set(({ eb }) => ({ due_at: dueMs, attempts: eb('attempts', '-', 1) }))
          .where('file_id', '=', fileId)
          .where('version', '=', version)
          .execute(),
      );
    },
  };
}

function dueBy(db: Executor, nowMs: number) {
  return db.selectFrom('examinations').select(['file_id', 'version', 'attempts']).where('due_at', '<=', nowMs);
}

async function find(db: Executor, fileId: string, version: number): Promise<Examination | undefined> {
  const row = await db
    .selectFrom('file_versions')
    .innerJoin('files', 'files.id', 'file_versions.file_id')
    .select(['files.container', 'file_versions.blob_id', 'file_versions.mime', 'file_versions.size'])
    .where('file_versions.file_id', '=', fileId)
    .where('file_versions.version', '=', version)
    .executeTakeFirst();
  return row && { container: row.container, fileId, version, blobId: row.blob_id, mime: row.mime, sizeBytes: row.size };
}

async function storeVersionInfo(
  db: Executor,
  { fileId, version, blobId }: Examination,
  facts: JsonObject,
): Promise<boolean> {
  const row = await db
    .selectFrom('file_versions')
    .select('info')
    .where('file_id', '=', fileId)
    .where('version', '=', version)
    .where('blob_id', '=', blobId)
    .executeTakeFirst();
  if (row === undefined) return false;
  await db
    .updateTable('file_versions')
    .set({ info: merged(row.info, facts) })
    .where('file_id', '=', fileId)
    .where('version', '=', version)
    .execute();
  return true;
}

async function remove(db: Executor, fileId: string, version: number): Promise<void> {
  await db.deleteFrom('examinations').where('file_id', '=', fileId).where('version', '=', version).execute();
}

function merged(info: string, facts: JsonObject): string {
  const stored: unknown = JSON.parse(info);
  if (typeof stored !== 'object' || stored === null) throw new AppError('INTERNAL', 'info that is no object');
  return JSON.stringify({ ...stored, ...facts });
}
