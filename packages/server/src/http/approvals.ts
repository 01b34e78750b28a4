// Approvals over HTTP: request, edit, cancel, vote, and the lists of them (wire contract 8).
import { z } from 'zod';
import { AppError } from '../errors.ts';
import {
  APPROVAL,
  type ApprovalInput,
  cancelApproval,
  editApproval,
  listApprovals,
  lookUpApproval,
  requestApproval,
  voteOnApproval,
} from '../operations/approvals.ts';
import { demandOn } from '../operations/files.ts';
import { APPROVAL_STATUSES, type ApprovalStatus, VOTES } from '../ports/approval-states.ts';
import type { ApprovalRecord } from '../ports/approvals.ts';
import { fileUuid, type JsonObject } from '../ports/metadata.ts';
import { mayKnow, pagingOf, parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFile } from './shown.ts';
import { isoTime, wirePerson } from './wire.ts';

// Answers name approvers by objects; what they hold can be sent back as it is.
const approver = z.union([z.string(), z.object({ uuid: z.string() }).transform(({ uuid }) => uuid)]);
const wish = {
  approvers: z.array(approver).max(APPROVAL.approversMax),
  message: z.string().nullish(),
  due_date: z.string().nullish(),
};
const requestBody = z.object({ approval: z.object(wish) });
const editBody = z.object({ approval: z.object({ ...wish, approvers: wish.approvers.optional() }) });
const voteBody = z.object({ vote: z.enum(VOTES), comment: z.string().nullish() });

export const approvalRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/approvals', '/{v}/approval'],
    operations: ['approval.list'],
    summary:
      'Lists requests for approval of files within the listing scope, the newest first; with status, and with approver (a subject, or me) those that ask one person.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'approval.list', targets: [] }]);
      return wireList(await listApprovals(call.ports, grant, queryOf(call)));
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/files/:uuid/approvals', '/{v}/file/:uuid/approvals'],
    operations: ['approval.list'],
    summary: 'Lists the requests for approval of one file in all its versions, the newest first.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('approval.list', [file])]);
      return wireList(await listApprovals(call.ports, grant, { ...queryOf(call), fileId: file.id }));
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/files/:uuid/approvals', '/{v}/file/:uuid/approvals'],
    operations: ['approval.request'],
    summary: 'Asks people to approve the current version of a file; a file waits for one request at a time.',
    async handle(call) {
      const input = inputOf(parseBody(requestBody, call.body).approval);
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('approval.request', [file])]);
      const changed = await requestApproval(call.ports, grant, file, input);
      return {
        action: 'approval_created',
        approval: wireApproval(changed.approval),
        file: await showFile(call, changed.file),
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/approvals/:uuid', '/{v}/approval/:uuid'],
    operations: ['approval.get'],
    summary: 'Reads one request for approval.',
    async handle(call) {
      const approval = await approvalOf(call);
      await call.admit([{ operation: 'approval.get', targets: [approval.folderPath] }]);
      return { approval: wireApproval(approval) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/approvals/:uuid', '/{v}/approval/:uuid'],
    operations: ['approval.edit'],
    summary: 'Changes approvers, message or due date of a pending request; what is not named stays.',
    async handle(call) {
      const input = inputOf(parseBody(editBody, call.body).approval);
      const approval = await approvalOf(call);
      const grant = await call.admit([{ operation: 'approval.edit', targets: [approval.folderPath] }]);
      const changed = await editApproval(call.ports, grant, approval, input);
      return {
        action: 'approval_updated',
        approval: wireApproval(changed.approval),
        file: await showFile(call, changed.file),
      };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/approvals/:uuid/cancel', '/{v}/approval/:uuid/cancel'],
    operations: ['approval.cancel'],
    summary: 'Withdraws a pending request.',
    async handle(call) {
      const approval = await approvalOf(call);
      const grant = await call.admit([{ operation: 'approval.cancel', targets: [approval.folderPath] }]);
      const changed = await cancelApproval(call.ports, grant, approval);
      return {
        action: 'approval_cancelled',
        approval: wireApproval(changed.approval),
        file: await showFile(call, changed.file),
      };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/approvals/:uuid/vote', '/{v}/approval/:uuid/vote'],
    operations: ['approval.vote'],
    summary: 'Gives the vote of the person the key was made for: APPROVE or REFUSE, once.',
    async handle(call) {
      const { vote, comment } = parseBody(voteBody, call.body);
      const approval = await approvalOf(call);
      const grant = await call.admit([{ operation: 'approval.vote', targets: [approval.folderPath] }]);
      const changed = await voteOnApproval(call.ports, grant, approval, { vote, comment: comment || undefined });
      return {
        action: 'approval_voted',
        approval: wireApproval(changed.approval),
        file: await showFile(call, changed.file),
      };
    },
  }),
];

/** The approval that the path names. Raises APPROVAL_NOT_FOUND, also for one of a file outside the caller's scope. */
async function approvalOf(call: Call): Promise<ApprovalRecord> {
  const approval = await lookUpApproval(call.ports, call.container, call.params['uuid'] ?? '');
  if (!mayKnow(call, 'files', approval.folderPath)) throw new AppError('APPROVAL_NOT_FOUND', 'outside the scope');
  return approval;
}

function inputOf(body: z.infer<typeof editBody>['approval']): ApprovalInput {
  const { approvers, message, due_date } = body;
  return {
    ...(approvers === undefined ? {} : { approvers }),
    ...(message === undefined ? {} : { message: message ?? '' }),
    ...(due_date === undefined ? {} : { dueDate: due_date }),
  };
}

function queryOf({ query }: Call) {
  const { limit, offset } = pagingOf(query);
  const text = query.one('status')?.toUpperCase();
  const status = APPROVAL_STATUSES.find((known) => known === text);
  if (text !== undefined && status === undefined) {
    const message = `One of ${APPROVAL_STATUSES.join(', ')}.`;
    throw new AppError('REQUEST_INVALID', 'status', { faults: [{ field: 'status', code: 'INVALID_VALUE', message }] });
  }
  return { limit, offset, approver: query.one('approver'), ...(status === undefined ? {} : { status }) };
}

function wireList(list: { readonly items: readonly ApprovalRecord[]; readonly total: number }): object {
  return { approvals: list.items.map(wireApproval), info: { total_count: list.total } };
}

/** A request for approval (wire contract 8). `file_uuid` names the version that it is about. */
function wireApproval(approval: ApprovalRecord): JsonObject {
  const { status, endedAtMs, dueAtMs } = approval;
  const final: ApprovalStatus | null = status === 'PENDING' ? null : status;
  return {
    uuid: approval.id,
    file_uuid: fileUuid({ id: approval.fileId, version: approval.fileVersion }),
    status,
    requester: wirePerson(approval.requester),
    message: approval.message,
    due_date: dueAtMs === undefined ? null : isoTime(dueAtMs),
    approvers: approval.approvers.map(({ vote, comment, votedAtMs, ...person }) => ({
      ...wirePerson(person),
      vote_response: vote ?? null,
      vote_comment: comment ?? null,
      voted_at: votedAtMs === undefined ? null : isoTime(votedAtMs),
    })),
    created_at: isoTime(approval.createdAtMs),
    ended_at: endedAtMs === undefined ? null : isoTime(endedAtMs),
    ended_on: approval.endedOn ?? null,
    final_status: final,
  };
}
