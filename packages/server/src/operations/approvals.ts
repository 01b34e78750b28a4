// Asking people for their word on a file, and what becomes of it.
import { randomUUID } from 'node:crypto';
import { isSubject, SUBJECT_BYTES_MAX } from '@latchkey/policy';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import {
  type ApprovalOutcome,
  type ApprovalStatus,
  asOf,
  cancelled,
  edited,
  isOverdue,
  requested,
  type Vote,
  voted,
} from '../ports/approval-states.ts';
import type { ApprovalQuery, ApprovalRecord, ChangedApproval } from '../ports/approvals.ts';
import type { Person } from '../ports/changes.ts';
import type { Ports } from '../ports/index.ts';
import type { At, FileRecord } from '../ports/metadata.ts';
import { at } from './files.ts';
import { authorOf, personOf, personOfSubject } from './people.ts';

type Needs = Pick<Ports, 'approvals' | 'system'>;
type ManageNeeds = Needs & Pick<Ports, 'templates'>;

/** Bounds of one request for approval. */
export const APPROVAL = { approversMax: 50, textCharactersMax: 2000 } as const;

/** The last moment that a due date can name. */
const DUE_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59);

/** What a caller wants of an approval; what is absent stays as it is. `approvers` are named as `findPerson` reads them. */
export interface ApprovalInput {
  readonly approvers?: readonly string[];
  readonly message?: string;
  /** ISO 8601; a date without a time is that whole day in UTC. Null takes the due date away. */
  readonly dueDate?: string | null;
}

/** How the latest approval of the file's version stands at the moment; undefined without one. */
export function latestApproval(file: FileRecord, nowMs: number): ApprovalStatus | undefined {
  if (file.approval === undefined) return undefined;
  return isOverdue(file.approval, nowMs) ? 'REJECTED' : file.approval.status;
}

/** The approval with this id, as it stands now. Raises APPROVAL_NOT_FOUND. */
export async function lookUpApproval(ports: Needs, container: string, id: string): Promise<ApprovalRecord> {
  const approval = await ports.approvals.findApproval(container, id);
  if (approval === undefined) throw new AppError('APPROVAL_NOT_FOUND');
  return asOf(approval, ports.system.now());
}

/** Approvals of files that the grant lets be seen, as they stand now, the newest first. `approver` names a person as
 *  `findPerson` does, or is `me`. */
export async function listApprovals(
  ports: ManageNeeds,
  grant: Grant<'approval.list'>,
  query: Pick<ApprovalQuery, 'fileId' | 'status' | 'limit' | 'offset'> & { readonly approver: string | undefined },
): Promise<{ readonly items: readonly ApprovalRecord[]; readonly total: number }> {
  const { approver, ...wanted } = query;
  const nowMs = ports.system.now();
  const person = approver === 'me' ? personOf(grant) : approver && (await findPerson(ports, grant, approver));
  if (approver !== undefined && !person) return { items: [], total: 0 };
  const { items, total } = await ports.approvals.listApprovals({
    ...wanted,
    container: grant.container,
    within: grant.layers('listing'),
    nowMs,
    ...(person ? { approverId: person.id } : {}),
  });
  return { items: items.map((approval) => asOf(approval, nowMs)), total };
}

/** Asks for approval of the file in its current version. Raises REQUEST_INVALID by field, FILE_NOT_FOUND, VERSION_MISMATCH
 *  when the file has another version by now, APPROVAL_EXISTS while a request is pending. */
export async function requestApproval(
  ports: ManageNeeds,
  grant: Grant<'approval.request'>,
  file: FileRecord,
  input: ApprovalInput,
): Promise<ChangedApproval> {
  const author = authorOf(ports, grant);
  const wish = await parseWish(ports, grant, input, []);
  const { approvers = [], message = '', dueAtMs } = wish;
  if (approvers.length === 0) {
    const faults = [{ field: 'approval.approvers', code: 'EMPTY', message: 'Name at least one approver.' }];
    throw new AppError('REQUEST_INVALID', 'approval', { faults });
  }
  const { by: requester, nowMs: createdAtMs } = author;
  const begun = requested({ approvers, message, dueAtMs });
  const approval = { ...begun, id: randomUUID(), fileVersion: file.version, requester, createdAtMs };
  return ports.approvals.createApproval(grant.container, at(file), approval, author);
}

/** Changes approvers, message or due date of a pending approval. Raises REQUEST_INVALID by field, APPROVAL_BY_APPROVER,
 *  APPROVAL_ENDED, FILE_NOT_FOUND. */
export async function editApproval(
  ports: ManageNeeds,
  grant: Grant<'approval.edit'>,
  approval: ApprovalRecord,
  input: ApprovalInput,
): Promise<ChangedApproval> {
  const author = authorOf(ports, grant);
  const wish = await parseWish(ports, grant, input, approval.approvers);
  return ports.approvals.changeApproval(
    grant.container,
    placeOf(approval),
    approval.id,
    (stored) => {
      refuseApprovers(stored, author.by);
      const { approvers, message, dueAtMs } = stored;
      return resultOf(edited(stored, { approvers, message, dueAtMs, ...wish }, author.nowMs));
    },
    author,
  );
}

/** Withdraws a pending approval. Raises APPROVAL_BY_APPROVER, APPROVAL_ENDED, FILE_NOT_FOUND. */
export async function cancelApproval(
  ports: Needs,
  grant: Grant<'approval.cancel'>,
  approval: ApprovalRecord,
): Promise<ChangedApproval> {
  const author = authorOf(ports, grant);
  return ports.approvals.changeApproval(
    grant.container,
    placeOf(approval),
    approval.id,
    (stored) => {
      refuseApprovers(stored, author.by);
      return resultOf(cancelled(stored, author.nowMs));
    },
    author,
  );
}

/** Gives the word of the person behind the grant. Raises APPROVAL_NOT_APPROVER, APPROVAL_ENDED, APPROVAL_ALREADY_VOTED,
 *  REQUEST_INVALID, FILE_NOT_FOUND. */
export async function voteOnApproval(
  ports: Needs,
  grant: Grant<'approval.vote'>,
  approval: ApprovalRecord,
  word: { readonly vote: Vote; readonly comment: string | undefined },
): Promise<ChangedApproval> {
  const faults = textFaults(word.comment ?? '', 'comment');
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'vote', { faults });
  const author = authorOf(ports, grant);
  return ports.approvals.changeApproval(
    grant.container,
    placeOf(approval),
    approval.id,
    (stored) => resultOf(voted(stored, author.by, word, author.nowMs)),
    author,
  );
}

/** The requester may change a request, and others who are not asked by it; whoever is asked has a vote instead. */
function refuseApprovers({ requester, approvers }: ApprovalRecord, { id }: Person): void {
  if (requester.id !== id && approvers.some((approver) => approver.id === id)) {
    throw new AppError('APPROVAL_BY_APPROVER');
  }
}

function resultOf(outcome: ApprovalOutcome<ApprovalRecord>): ApprovalRecord {
  if (!outcome.ok) throw new AppError(outcome.code);
  return outcome.approval;
}

function placeOf({ fileId, folderPath }: ApprovalRecord): At {
  return { id: fileId, folderPath };
}

interface Wish {
  readonly approvers?: readonly Person[];
  readonly message?: string;
  readonly dueAtMs?: number | undefined;
}

/** The input in the terms of the rules. Raises REQUEST_INVALID with every fault. */
async function parseWish(
  ports: ManageNeeds,
  grant: Grant,
  { approvers: texts, message, dueDate }: ApprovalInput,
  known: readonly Person[],
): Promise<Wish> {
  const faults = textFaults(message ?? '', 'approval.message');
  const due = dueDate === undefined ? {} : { dueAtMs: parseDueDate(dueDate, ports.system.now(), faults) };
  const approvers = texts && (await parseApprovers(ports, grant, texts, known, faults));
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'approval', { faults });
  return {
    ...(approvers === undefined ? {} : { approvers }),
    ...(message === undefined ? {} : { message }),
    ...due,
  };
}

async function parseApprovers(
  ports: ManageNeeds,
  grant: Grant,
  texts: readonly string[],
  known: readonly Person[],
  faults: FieldFault[],
): Promise<readonly Person[]> {
  const field = 'approval.approvers';
  if (texts.length === 0) faults.push({ field, code: 'EMPTY', message: 'Name at least one approver.' });
  if (texts.length > APPROVAL.approversMax) {
    faults.push({ field, code: 'TOO_MANY', message: `There may be ${APPROVAL.approversMax} approvers.` });
    return [];
  }
  const people: Person[] = [];
  for (const [i, text] of texts.entries()) {
    const person = known.find(({ id }) => id === text) ?? (await findPerson(ports, grant, text));
    if (person !== undefined) people.push(person);
    else {
      const message = `An approver is the subject of access keys (${SUBJECT_BYTES_MAX} bytes of text), or the identifier of a security template whose keys have none.`;
      faults.push({ field: `${field}[${i}]`, code: 'APPROVER_UNKNOWN', message });
    }
  }
  return people;
}

/** The person that a text names: whom keys with this subject are made for, or everybody with a key of a template that names
 *  nobody, by the template's identifier or its id in an answer. Undefined when there is no such person. */
async function findPerson(ports: ManageNeeds, grant: Grant, text: string): Promise<Person | undefined> {
  const [, uid] = /^template\/(.+)$/.exec(text) ?? [];
  if (uid !== undefined || /^SECU_/.test(text)) {
    const template =
      uid === undefined
        ? await ports.templates.findTemplateByIdentifier(grant.container, text, ports.system.now())
        : await ports.templates.findTemplate(grant.container, uid);
    return template && { id: `template/${template.uid}`, name: template.document.name, email: undefined };
  }
  return isSubject(text) ? personOfSubject(text) : undefined;
}

function parseDueDate(text: string | null, nowMs: number, faults: FieldFault[]): number | undefined {
  if (text === null || text === '') return undefined;
  const field = 'approval.due_date';
  const form = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text);
  const [, time] = form ?? [];
  const ms =
    form === null || !isDay(text.slice(0, 10))
      ? Number.NaN
      : Date.parse(time === undefined ? `${text}T23:59:59Z` : text);
  if (Number.isNaN(ms) || ms > DUE_MS_MAX) {
    const message = 'A due date is written like 2026-06-01 or 2026-06-01T17:00:00Z.';
    faults.push({ field, code: 'FORMAT_WRONG', message });
    return undefined;
  }
  // Answers write whole seconds; what they say can be sent back without being a change.
  const dueAtMs = Math.floor(ms / 1000) * 1000;
  if (dueAtMs <= nowMs) faults.push({ field, code: 'DUE_DATE_PAST', message: 'A due date lies in the future.' });
  return dueAtMs;
}

/** True for days of the calendar; parsing alone would take 30 February for a day in March. */
function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

function textFaults(text: string, field: string): FieldFault[] {
  if (text.length > APPROVAL.textCharactersMax) {
    const message = `There may be ${APPROVAL.textCharactersMax} characters here.`;
    return [{ field, code: 'TOO_LONG', message }];
  }
  // Lines and tabs are text; other control characters and halves of characters cannot be stored and shown everywhere.
  if (/[^\P{Cc}\n\r\t]|\p{Cs}/u.test(text)) {
    return [{ field, code: 'TEXT_INVALID', message: 'This is plain text without control characters.' }];
  }
  return [];
}
