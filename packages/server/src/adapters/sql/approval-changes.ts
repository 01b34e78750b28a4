// What the log of changes tells of approvals: read off from how one was before and is after (wire contract 5.9 and 8).
import type { Approver } from '../../ports/approval-states.ts';
import type { ApprovalRecord } from '../../ports/approvals.ts';
import type { ChangeAction, Person } from '../../ports/changes.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import { changeOf, type NewChange } from './changes.ts';

type Logged = Parameters<typeof changeOf>[0];

/** The entries that tell how an approval came from one state to the next, its end last; without a state before, its
 *  beginning. */
export function approvalChanges(
  file: Logged,
  before: ApprovalRecord | undefined,
  after: ApprovalRecord,
): readonly NewChange[] {
  const entry = (action: ChangeAction, more: JsonObject = {}, props: Sides = {}) =>
    changeOf(file, action, props.old ?? null, props.new ?? null, { approval: { ...summaryOf(after), ...more } });
  if (before === undefined) return [entry('APPROVAL_CREATED', {}, { new: isoTime(after.dueAtMs) })];
  return [
    ...approverChanges(before, after, entry),
    ...(before.message === after.message
      ? []
      : [entry('APPROVAL_MESSAGE_CHANGED', {}, { old: before.message, new: after.message })]),
    ...dueDateChanges(before, after, entry),
    ...voteChanges(before, after, entry),
    ...(after.status === before.status
      ? []
      : [entry('APPROVAL_ENDED', { final_status: after.status, ended_on: after.endedOn ?? null })]),
  ];
}

interface Sides {
  readonly old?: string | undefined;
  readonly new?: string | undefined;
}

type Entry = (action: ChangeAction, more?: JsonObject, props?: Sides) => NewChange;

function summaryOf({ id, message, approvers }: ApprovalRecord): JsonObject {
  return { uuid: id, message, approvers: approvers.map(wirePerson) };
}

function approverChanges(before: ApprovalRecord, after: ApprovalRecord, entry: Entry): readonly NewChange[] {
  const added = missingIn(after.approvers, before.approvers);
  const removed = missingIn(before.approvers, after.approvers);
  return [
    ...(added.length === 0
      ? []
      : [entry('APPROVAL_APPROVERS_ADDED', { approvers_added: added }, { new: namesOf(added) })]),
    ...(removed.length === 0
      ? []
      : [entry('APPROVAL_APPROVERS_REMOVED', { approvers_removed: removed }, { old: namesOf(removed) })]),
  ];
}

function missingIn(list: readonly Approver[], other: readonly Approver[]) {
  const known = new Set(other.map(({ id }) => id));
  return list.filter(({ id }) => !known.has(id)).map(wirePerson);
}

function namesOf(people: readonly ReturnType<typeof wirePerson>[]): string {
  return people.map(({ name }) => name).join(', ');
}

function dueDateChanges(before: ApprovalRecord, after: ApprovalRecord, entry: Entry): readonly NewChange[] {
  if (before.dueAtMs === after.dueAtMs) return [];
  const props = { old: isoTime(before.dueAtMs), new: isoTime(after.dueAtMs) };
  if (before.dueAtMs === undefined) return [entry('APPROVAL_DUE_DATE_ADDED', {}, props)];
  return [entry(after.dueAtMs === undefined ? 'APPROVAL_DUE_DATE_REMOVED' : 'APPROVAL_DUE_DATE_CHANGED', {}, props)];
}

function voteChanges(before: ApprovalRecord, after: ApprovalRecord, entry: Entry): readonly NewChange[] {
  const silent = new Set(before.approvers.filter(({ vote }) => vote === undefined).map(({ id }) => id));
  return after.approvers.flatMap((approver) => {
    const { id, vote, comment } = approver;
    if (vote === undefined || !silent.has(id)) return [];
    const word = { ...wirePerson(approver), vote_response: vote, vote_comment: comment ?? null };
    return [entry('APPROVAL_VOTED', { approver: word }, { new: vote })];
  });
}

function wirePerson({ id, name, email }: Person) {
  return { uuid: id, name, email: email ?? null };
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
