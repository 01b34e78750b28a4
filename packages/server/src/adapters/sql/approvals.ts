// Approvals in SQL: the Approvals port as changes of rows whose file's folder is locked meanwhile.
import { setImmediate as othersTurn } from 'node:timers/promises';
import { AppError } from '../../errors.ts';
import { asOf, isOverdue } from '../../ports/approval-states.ts';
import type {
  ApprovalQuery,
  ApprovalRecord,
  Approvals,
  ChangeApproval,
  ChangedApproval,
  NewApproval,
} from '../../ports/approvals.ts';
import type { Author } from '../../ports/changes.ts';
import type { At } from '../../ports/metadata.ts';
import {
  findApprovalRecord,
  findOverdue,
  findPending,
  insertApproval,
  listApprovalRecords,
  storeApproval,
} from './approval-rows.ts';
import type { Database, Executor } from './database.ts';
import { findPlacedFile, getFilesAt, type PlacedFile, storeFile, toFileRecord } from './files.ts';
import { lockFolders, lockTree } from './locks.ts';

/** The Approvals port on a database. */
export function sqlApprovals(database: Database): Approvals {
  return new SqlApprovals(database);
}

class SqlApprovals implements Approvals {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  createApproval(container: string, at: At, approval: NewApproval, author: Author): Promise<ChangedApproval> {
    return this.#change(container, at, async (db, placed) => {
      const { file, place } = placed;
      if (file.version !== approval.fileVersion) throw new AppError('VERSION_MISMATCH', 'another version by now');
      const active = await findPending(db, file);
      if (active !== undefined) {
        if (!isOverdue(active, author.nowMs)) throw new AppError('APPROVAL_EXISTS');
        await storeApproval(db, file, active, asOf(active, author.nowMs), author);
      }
      const record: ApprovalRecord = { ...approval, fileId: file.id, folderPath: place.path };
      await insertApproval(db, file, record, author);
      return toldByFile(db, placed, record);
    });
  }

  findApproval(container: string, id: string): Promise<ApprovalRecord | undefined> {
    return this.#query((db) => findApprovalRecord(db, container, id));
  }

  listApprovals(query: ApprovalQuery) {
    return this.#query((db) => listApprovalRecords(db, query));
  }

  changeApproval(
    container: string,
    at: At,
    id: string,
    change: ChangeApproval,
    author: Author,
  ): Promise<ChangedApproval> {
    return this.#change(container, at, async (db, placed) => {
      const stored = await findApprovalRecord(db, container, id);
      if (stored?.fileId !== placed.file.id) throw new AppError('FILE_NOT_FOUND', 'not the file of the approval');
      const changed = change(stored);
      await storeApproval(db, placed.file, stored, changed, author);
      return toldByFile(db, placed, changed);
    });
  }

  async expireApprovals(nowMs: number, limit: number): Promise<number> {
    const overdue = await this.#query((db) => findOverdue(db, nowMs, limit));
    let count = 0;
    for (const { id, container, file_id } of overdue) {
      if (await this.#expire(container, file_id, id, nowMs)) count += 1;
      await othersTurn();
    }
    return count;
  }

  /** True when it was this call that ended it. */
  #expire(container: string, fileId: string, id: string, nowMs: number): Promise<boolean> {
    return this.#write(container, async (db) => {
      const found = await findPlacedFile(db, container, fileId);
      if (found === undefined) return false;
      await lockFolders(db, this.#database.dialect, [found.file.folder_id]);
      // Read again: only now nobody else changes it.
      const placed = await findPlacedFile(db, container, fileId);
      const stored = await findApprovalRecord(db, container, id);
      if (placed === undefined || stored === undefined || !isOverdue(stored, nowMs)) return false;
      const ended = asOf(stored, nowMs);
      await storeApproval(db, placed.file, stored, ended, { by: stored.requester, nowMs });
      await toldByFile(db, placed, ended);
      return true;
    });
  }

  #query<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.query('STORE_UNAVAILABLE', work);
  }

  #write<T>(container: string, work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.write('STORE_UNAVAILABLE', async (db) => {
      await lockTree(db, this.#database.dialect, container, 'shared');
      return work(db);
    });
  }

  #change<T>(container: string, at: At, work: (db: Executor, placed: PlacedFile) => Promise<T>): Promise<T> {
    return this.#write(container, async (db) => {
      const named = await getFilesAt(db, container, [at]);
      await lockFolders(
        db,
        this.#database.dialect,
        named.map(({ file }) => file.folder_id),
      );
      // Read again: only now nobody else changes it.
      const [placed] = await getFilesAt(db, container, [at]);
      if (placed === undefined) throw new TypeError('One file was asked for.');
      return work(db, placed);
    });
  }
}

/** Lets the file say how its approval stands now. */
async function toldByFile(
  db: Executor,
  { file, place }: PlacedFile,
  approval: ApprovalRecord,
): Promise<ChangedApproval> {
  const columns = { approval_status: approval.status, approval_due_at: approval.dueAtMs ?? null };
  return { approval, file: toFileRecord({ file: await storeFile(db, file, columns), place }) };
}
