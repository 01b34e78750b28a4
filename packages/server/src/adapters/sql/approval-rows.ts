// The rows of approvals: found, listed as far as a caller may see, and stored. The caller holds the file's folder still.
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { type ApprovalStatus, type EndedOn, superseded, type Vote } from '../../ports/approval-states.ts';
import type { ApprovalQuery, ApprovalRecord } from '../../ports/approvals.ts';
import type { Author, Person } from '../../ports/changes.ts';
import { approvalChanges } from './approval-changes.ts';
import { recordChanges } from './changes.ts';
import type { Executor } from './database.ts';
import type { ApprovalApproverTable, ApprovalTable, FileTable } from './schema.ts';
import { coveredBy, mergeLayers } from './scopes.ts';

/** An approval with the place of its file. */
type ApprovalRow = Selectable<ApprovalTable> & { readonly folder_path: string };
type FileRow = Selectable<FileTable>;

/** Ends what is pending for a file that is given another version, in the transaction that brings it, and answers what the
 *  file says of approvals from then on: those asked had seen something else. */
export async function supersedeApproval(
  db: Executor,
  file: FileRow,
  author: Author,
): Promise<Pick<FileRow, 'approval_status' | 'approval_due_at'>> {
  if (file.approval_status === 'PENDING') {
    const pending = await findPending(db, file);
    if (pending !== undefined) await storeApproval(db, file, pending, superseded(pending, author.nowMs), author);
  }
  return { approval_status: null, approval_due_at: null };
}

/** How the latest approval of each file stands at the moment, as a condition of searches can use it; null without one. */
export function approvalStatusAt(nowMs: number): RawBuilder<string | null> {
  return sql<string | null>`(case when files.approval_status = 'PENDING' and files.approval_due_at <= ${nowMs}
    then 'REJECTED' else files.approval_status end)`;
}

/** The approval with the id. */
export async function findApprovalRecord(
  db: Executor,
  container: string,
  id: string,
): Promise<ApprovalRecord | undefined> {
  const rows = await placedApprovals(db)
    .where('approvals.id', '=', id)
    .where('approvals.container', '=', container)
    .execute();
  return (await toRecords(db, rows))[0];
}

/** The approval of the file that has not ended; it may be overdue. */
export async function findPending(
  db: Executor,
  { id, container }: Pick<FileRow, 'id' | 'container'>,
): Promise<ApprovalRecord | undefined> {
  const rows = await placedApprovals(db)
    .where('approvals.file_id', '=', id)
    .where('approvals.container', '=', container)
    .where('approvals.status', '=', 'PENDING')
    .execute();
  return (await toRecords(db, rows))[0];
}

/** Approvals whose due date has passed without an end: at most `limit`, the oldest first. */
export async function findOverdue(db: Executor, nowMs: number, limit: number): Promise<readonly ApprovalRow[]> {
  return placedApprovals(db)
    .where('approvals.status', '=', 'PENDING')
    .where('approvals.due_at', '<=', nowMs)
    .orderBy('approvals.due_at')
    .limit(limit)
    .execute();
}

/** A page of approvals, the newest first, with their number before paging. */
export async function listApprovalRecords(
  db: Executor,
  query: ApprovalQuery,
): Promise<{ readonly items: readonly ApprovalRecord[]; readonly total: number }> {
  const rows = await placedApprovals(db)
    .where((eb) => eb.and(wanted(query)))
    .orderBy('approvals.created_at', 'desc')
    .orderBy('approvals.id', 'desc')
    .limit(query.limit)
    .offset(query.offset)
    .execute();
  const { total } = await joined(db)
    .where((eb) => eb.and(wanted(query)))
    .select(sql<number>`cast(count(*) as bigint)`.as('total'))
    .executeTakeFirstOrThrow();
  return { items: await toRecords(db, rows), total };
}

function joined(db: Executor) {
  return db
    .selectFrom('approvals')
    .innerJoin('files', 'files.id', 'approvals.file_id')
    .innerJoin('folders', 'folders.id', 'files.folder_id');
}

function placedApprovals(db: Executor) {
  return joined(db).selectAll('approvals').select('folders.path as folder_path');
}

function wanted(query: ApprovalQuery): RawBuilder<boolean>[] {
  const conditions = [
    sql<boolean>`(approvals.container = ${query.container})`,
    coveredBy('folders', mergeLayers(query.within)),
  ];
  if (query.fileId !== undefined) conditions.push(sql<boolean>`(approvals.file_id = ${query.fileId})`);
  if (query.status !== undefined) conditions.push(hasStatus(query.status, query.nowMs));
  if (query.approverId !== undefined) {
    conditions.push(sql<boolean>`(approvals.id in
      (select approval_id from approval_approvers where person_id = ${query.approverId}))`);
  }
  return conditions;
}

function hasStatus(status: ApprovalStatus, nowMs: number): RawBuilder<boolean> {
  const overdue = sql<boolean>`(approvals.status = 'PENDING' and approvals.due_at <= ${nowMs})`;
  switch (status) {
    case 'PENDING':
      return sql`(approvals.status = 'PENDING' and (approvals.due_at is null or approvals.due_at > ${nowMs}))`;
    case 'REJECTED':
      return sql`(approvals.status = 'REJECTED' or ${overdue})`;
    default:
      return sql`(approvals.status = ${status})`;
  }
}

/** The approvals with their approvers in the order of the request. */
async function toRecords(db: Executor, rows: readonly ApprovalRow[]): Promise<readonly ApprovalRecord[]> {
  const asked = new Map<string, Selectable<ApprovalApproverTable>[]>(rows.map(({ id }) => [id, []]));
  if (rows.length === 0) return [];
  // Pages are short enough for one statement.
  const approvers = await db
    .selectFrom('approval_approvers')
    .selectAll()
    .where('approval_id', 'in', [...asked.keys()])
    .orderBy('position')
    .execute();
  for (const approver of approvers) asked.get(approver.approval_id)?.push(approver);
  return rows.map((row) => toRecord(row, asked.get(row.id) ?? []));
}

// Only values of the types named in the casts are ever stored.
function toRecord(row: ApprovalRow, approvers: readonly Selectable<ApprovalApproverTable>[]): ApprovalRecord {
  return {
    id: row.id,
    fileId: row.file_id,
    fileVersion: row.file_version,
    folderPath: row.folder_path as ApprovalRecord['folderPath'],
    status: row.status as ApprovalStatus,
    message: row.message,
    requester: toPerson(JSON.parse(row.requester) as Person),
    approvers: approvers.map(({ person_id, name, email, vote, comment, voted_at }) => ({
      id: person_id,
      name,
      email: email ?? undefined,
      vote: (vote ?? undefined) as Vote | undefined,
      comment: comment ?? undefined,
      votedAtMs: voted_at ?? undefined,
    })),
    dueAtMs: row.due_at ?? undefined,
    createdAtMs: row.created_at,
    endedAtMs: row.ended_at ?? undefined,
    endedOn: (row.ended_on ?? undefined) as EndedOn | undefined,
  };
}

/** A person without an e-mail address has none in JSON. */
function toPerson({ id, name, email }: Person): Person {
  return { id, name, email };
}

/** Writes a new approval, and its beginning into the log of changes. */
export async function insertApproval(
  db: Executor,
  file: FileRow,
  approval: ApprovalRecord,
  author: Author,
): Promise<void> {
  await db
    .insertInto('approvals')
    .values({
      ...columnsOf(approval),
      id: approval.id,
      container: file.container,
      file_id: approval.fileId,
      file_version: approval.fileVersion,
      requester: JSON.stringify(approval.requester),
      created_at: approval.createdAtMs,
    })
    .execute();
  await insertApprovers(db, approval);
  await recordChanges(db, author, approvalChanges(file, undefined, approval));
}

/** Writes what became of an approval, and how it came to it into the log of changes. */
export async function storeApproval(
  db: Executor,
  file: FileRow,
  before: ApprovalRecord,
  after: ApprovalRecord,
  author: Author,
): Promise<void> {
  await db.updateTable('approvals').set(columnsOf(after)).where('id', '=', after.id).execute();
  await db.deleteFrom('approval_approvers').where('approval_id', '=', after.id).execute();
  await insertApprovers(db, after);
  const { endedOn, endedAtMs = author.nowMs } = after;
  const by: Author = endedOn === 'EXPIRE' ? { by: CLOCK, nowMs: endedAtMs } : author;
  await recordChanges(db, by, approvalChanges(file, before, after));
}

/** Whose doing it is when a due date passes. */
const CLOCK: Person = { id: 'service/clock', name: 'Latchkey', email: undefined };

function columnsOf({ status, message, dueAtMs, endedAtMs, endedOn }: ApprovalRecord) {
  return {
    status,
    message,
    due_at: dueAtMs ?? null,
    ended_at: endedAtMs ?? null,
    ended_on: endedOn ?? null,
  };
}

async function insertApprovers(db: Executor, { id, approvers }: ApprovalRecord): Promise<void> {
  const rows = approvers.map(({ id: person_id, name, email, vote, comment, votedAtMs }, position) => ({
    approval_id: id,
    person_id,
    position,
    name,
    email: email ?? null,
    vote: vote ?? null,
    comment: comment ?? null,
    voted_at: votedAtMs ?? null,
  }));
  await db.insertInto('approval_approvers').values(rows).execute();
}
