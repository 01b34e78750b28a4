// How an approval goes from its request to its end: pure rules over values, the same for votes, the clock and new versions.

import type { Person } from './changes.ts';

/** Only `PENDING` takes votes; the others are ends, and no end is ever left. */
export const APPROVAL_STATUSES = ['PENDING', 'APPROVED', 'REJECTED', 'CANCELLED', 'RESET'] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

export const VOTES = ['APPROVE', 'REFUSE'] as const;
export type Vote = (typeof VOTES)[number];

/** What ended an approval: the deciding vote, the due date, a person who withdrew it, an edit that left only people who had
 *  approved already, or another version of the file. */
export type EndedOn = 'VOTE' | 'EXPIRE' | 'CANCEL' | 'EDIT' | 'NEW_VERSION';

/** One whose word is asked for, and the word once it is given. */
export interface Approver extends Person {
  readonly vote: Vote | undefined;
  readonly comment: string | undefined;
  readonly votedAtMs: number | undefined;
}

/** The part of an approval that the rules are about. While it is pending, at least one approver has not voted, and nobody
 *  has refused. */
export interface ApprovalState {
  readonly status: ApprovalStatus;
  /** At least one, each once. */
  readonly approvers: readonly Approver[];
  readonly message: string;
  /** From this moment on it is rejected unless it has ended before. */
  readonly dueAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly endedOn: EndedOn | undefined;
}

/** What is asked for, when it begins or is edited. */
export interface ApprovalWish {
  readonly approvers: readonly Person[];
  readonly message: string;
  readonly dueAtMs: number | undefined;
}

/** What an act leads to, or why it is not possible. */
export type ApprovalOutcome<T extends ApprovalState> =
  | { readonly ok: true; readonly approval: T }
  | { readonly ok: false; readonly code: 'APPROVAL_ENDED' | 'APPROVAL_NOT_APPROVER' | 'APPROVAL_ALREADY_VOTED' };

/** The state in which a request begins. */
export function requested({ approvers, message, dueAtMs }: ApprovalWish): ApprovalState {
  return {
    status: 'PENDING',
    approvers: onceEach(approvers).map(unvoted),
    message,
    dueAtMs,
    endedAtMs: undefined,
    endedOn: undefined,
  };
}

/** True when it still is stored as pending though its due date has come. */
export function isOverdue(
  { status, dueAtMs }: { readonly status: ApprovalStatus; readonly dueAtMs: number | undefined },
  nowMs: number,
): boolean {
  return status === 'PENDING' && dueAtMs !== undefined && nowMs >= dueAtMs;
}

/** The approval as the clock leaves it: one that was not decided by its due date was rejected then. */
export function asOf<T extends ApprovalState>(approval: T, nowMs: number): T {
  const { dueAtMs } = approval;
  if (dueAtMs === undefined || !isOverdue(approval, nowMs)) return approval;
  return ended(approval, 'REJECTED', 'EXPIRE', dueAtMs);
}

/** A vote: one refusal rejects at once, the last approval approves. Everybody votes for themselves, and once. */
export function voted<T extends ApprovalState>(
  approval: T,
  voter: Person,
  { vote, comment }: { readonly vote: Vote; readonly comment: string | undefined },
  nowMs: number,
): ApprovalOutcome<T> {
  const own = approval.approvers.find(({ id }) => id === voter.id);
  if (own === undefined) return { ok: false, code: 'APPROVAL_NOT_APPROVER' };
  if (asOf(approval, nowMs).status !== 'PENDING') return { ok: false, code: 'APPROVAL_ENDED' };
  if (own.vote !== undefined) return { ok: false, code: 'APPROVAL_ALREADY_VOTED' };
  const word: Approver = { ...voter, vote, comment, votedAtMs: nowMs };
  const approvers = approval.approvers.map((approver) => (approver.id === voter.id ? word : approver));
  const next = { ...approval, approvers };
  if (vote === 'REFUSE') return { ok: true, approval: ended(next, 'REJECTED', 'VOTE', nowMs) };
  return { ok: true, approval: isUnanimous(approvers) ? ended(next, 'APPROVED', 'VOTE', nowMs) : next };
}

/** Other approvers, another message or due date. Those who stay keep their votes; when only people stay who have approved
 *  already, that is the approval. */
export function edited<T extends ApprovalState>(approval: T, wish: ApprovalWish, nowMs: number): ApprovalOutcome<T> {
  if (asOf(approval, nowMs).status !== 'PENDING') return { ok: false, code: 'APPROVAL_ENDED' };
  const known = new Map(approval.approvers.map((approver) => [approver.id, approver]));
  const approvers = onceEach(wish.approvers).map((person) => known.get(person.id) ?? unvoted(person));
  const next = { ...approval, approvers, message: wish.message, dueAtMs: wish.dueAtMs };
  return { ok: true, approval: isUnanimous(approvers) ? ended(next, 'APPROVED', 'EDIT', nowMs) : next };
}

/** Withdrawn before its end. */
export function cancelled<T extends ApprovalState>(approval: T, nowMs: number): ApprovalOutcome<T> {
  if (asOf(approval, nowMs).status !== 'PENDING') return { ok: false, code: 'APPROVAL_ENDED' };
  return { ok: true, approval: ended(approval, 'CANCELLED', 'CANCEL', nowMs) };
}

/** Another version of the file came: what was asked about is no longer what the file holds. */
export function superseded<T extends ApprovalState>(approval: T, nowMs: number): T {
  const current = asOf(approval, nowMs);
  return current.status === 'PENDING' ? ended(current, 'RESET', 'NEW_VERSION', nowMs) : current;
}

function ended<T extends ApprovalState>(approval: T, status: ApprovalStatus, endedOn: EndedOn, endedAtMs: number): T {
  return { ...approval, status, endedOn, endedAtMs };
}

function isUnanimous(approvers: readonly Approver[]): boolean {
  return approvers.every(({ vote }) => vote === 'APPROVE');
}

function unvoted({ id, name, email }: Person): Approver {
  return { id, name, email, vote: undefined, comment: undefined, votedAtMs: undefined };
}

function onceEach(people: readonly Person[]): readonly Person[] {
  return [...new Map(people.map((person) => [person.id, person])).values()];
}
