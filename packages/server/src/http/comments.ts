// Comments over HTTP (wire contract 5.9 and 11.5).
import { z } from 'zod';
import {
  actOnComment,
  addComment,
  COMMENT_ACTIONS,
  changeComment,
  deleteComments,
  listComments,
  parseCommentText,
} from '../operations/comments.ts';
import { demandOn } from '../operations/files.ts';
import type { CommentRecord } from '../ports/comments.ts';
import { idList, parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { route } from './route.ts';
import { isoTime, wirePerson } from './wire.ts';

const paths = ['/{v}/file/:uuid/comments', '/{v}/files/:uuid/comments'];

const newBody = z.object({ comment: z.object({ text: z.unknown() }) });
// The widget spreads the members of the text beside the id.
const changeBody = z.looseObject({ comment_id: z.string().max(64), action: z.enum(COMMENT_ACTIONS).optional() });
const deleteBody = z.object({ comment_ids: idList });

export const commentRoutes = [
  route({
    method: 'GET',
    paths,
    operations: ['comment.list'],
    summary: 'Lists the comments on a file, newest first.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('comment.list', [file])]);
      return { comments: (await listComments(call.ports, grant, file)).map(wireComment) };
    },
  }),
  route({
    method: 'POST',
    paths,
    operations: ['comment.write'],
    summary: 'Adds a comment to a file; it is the first of those answered.',
    async handle(call) {
      const text = parseCommentText(parseBody(newBody, call.body).comment.text, 'comment.text');
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('comment.write', [file])]);
      return { comments: [wireComment(await addComment(call.ports, grant, file, text))] };
    },
  }),
  route({
    method: 'PUT',
    paths,
    operations: ['comment.write'],
    summary: 'Changes what a comment says, or likes it or subscribes to it and takes that back.',
    async handle(call) {
      const { comment_id: id, action, ...said } = parseBody(changeBody, call.body);
      const change = action === undefined ? { text: parseCommentText(textOf(said), 'text') } : { action };
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('comment.write', [file])]);
      const comment =
        change.action === undefined
          ? await changeComment(call.ports, grant, file, { id, ...change.text })
          : await actOnComment(call.ports, grant, file, id, change.action);
      return { comments: [wireComment(comment)] };
    },
  }),
  route({
    method: 'DELETE',
    paths,
    operations: ['comment.write'],
    summary: 'Deletes comments on a file, all or none.',
    async handle(call) {
      const { comment_ids: ids } = parseBody(deleteBody, call.body);
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('comment.write', [file])]);
      await deleteComments(call.ports, grant, file, ids);
      return { comment_ids: [...new Set(ids)] };
    },
  }),
];

/** The members that make the text; where they say nothing, the text as a new comment has it, wrapped or not. */
function textOf(said: Readonly<Record<string, unknown>>): unknown {
  if ('body' in said || 'shapes' in said) return said;
  const { comment, text } = said;
  return typeof comment === 'object' && comment !== null && 'text' in comment ? comment.text : text;
}

function wireComment({ id, by, text, addedAtMs, likes, subscribes }: CommentRecord): object {
  return { id, text, added_at: isoTime(addedAtMs), user: wirePerson(by), meta: { likes, subscribes } };
}
