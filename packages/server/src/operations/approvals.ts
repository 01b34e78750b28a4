// Asking people for their word on a file, and what becomes of it.
import { type ApprovalStatus, isOverdue } from '../ports/approval-states.ts';
import type { FileRecord } from '../ports/metadata.ts';

/** How the latest approval of the file's version stands at the moment; undefined without one. */
export function latestApproval(file: FileRecord, nowMs: number): ApprovalStatus | undefined {
  if (file.approval === undefined) return undefined;
  return isOverdue(file.approval, nowMs) ? 'REJECTED' : file.approval.status;
}
