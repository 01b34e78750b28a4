// Where requests for approval are kept, one pending for each file at most, with every word that was said to them.
import type { ApprovalState, ApprovalStatus } from './approval-states.ts';
import type { Author, Person } from './changes.ts';
import type { At, FileRecord, ScopeLayers } from './metadata.ts';

/** A request for approval of one version of a file. */
export interface ApprovalRecord extends ApprovalState {
  readonly id: string;
  readonly fileId: string;
  /** The version that is asked about: an approval says nothing of any other. */
  readonly fileVersion: number;
  /** Where the file is now. */
  readonly folderPath: FileRecord['folderPath'];
  readonly requester: Person;
  readonly createdAtMs: number;
}

/** A request that is about to begin. */
export type NewApproval = ApprovalState & Pick<ApprovalRecord, 'id' | 'fileVersion' | 'requester' | 'createdAtMs'>;

/** An approval after a change, with its file. */
export interface ChangedApproval {
  readonly approval: ApprovalRecord;
  readonly file: FileRecord;
}

/** Which approvals. What they are is judged by the clock: one whose due date has passed is no longer pending. */
export interface ApprovalQuery {
  readonly container: string;
  readonly nowMs: number;
  /** Only of files in folders covered by every layer. */
  readonly within: ScopeLayers;
  /** Only of this file. */
  readonly fileId?: string;
  readonly status?: ApprovalStatus;
  /** Only those that ask this person. */
  readonly approverId?: string;
  readonly limit: number;
  readonly offset: number;
}

/** Asked inside the transaction with the approval as it is stored then, possibly more than once: it must have no effects. An
 *  AppError that it raises refuses the change. */
export type ChangeApproval = (approval: ApprovalRecord) => ApprovalRecord;

/**
 * Approvals. Each method is one transaction: all or nothing, durable when it resolves, and no concurrent change is lost.
 * What becomes of an approval also stands in its file's record and among the file's changes, from the same moment on. Approvals
 * follow their file when it is renamed or moved, and go with it when it is deleted. Raises STORE_UNAVAILABLE, and what is named.
 */
export interface Approvals {
  /** Begins a request, after ending one of the file that is overdue. Raises FILE_NOT_FOUND when the file is elsewhere,
   *  VERSION_MISMATCH when it has another version by now, APPROVAL_EXISTS while one is pending. */
  createApproval(container: string, file: At, approval: NewApproval, author: Author): Promise<ChangedApproval>;
  findApproval(container: string, id: string): Promise<ApprovalRecord | undefined>;
  /** The newest first. */
  listApprovals(query: ApprovalQuery): Promise<{ readonly items: readonly ApprovalRecord[]; readonly total: number }>;
  /** Changes one approval. Raises FILE_NOT_FOUND when its file is elsewhere or the approval
   *  is not the file's, and what `change` raises. */
  changeApproval(
    container: string,
    file: At,
    id: string,
    change: ChangeApproval,
    author: Author,
  ): Promise<ChangedApproval>;
  /** Ends what is overdue, each once however many nodes ask, at most `limit` of them; answers how many it ended. Everybody else
   *  in the process has a turn after each one. */
  expireApprovals(nowMs: number, limit: number): Promise<number>;
}
