// Comments on files: who may say what, and whose words are whose.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { CommentMark, CommentRecord } from '../ports/comments.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';
import { at } from './files.ts';
import { authorOf, personOf } from './people.ts';

type Needs = Pick<Ports, 'comments' | 'system'>;

/** Bounds of comments. */
export const COMMENTS = { perFileMax: 1000, textBytesMax: 32 * 1024 } as const;

/** What a caller may do with one comment. */
export const COMMENT_ACTIONS = ['like', 'unlike', 'subscribe', 'unsubscribe'] as const;

/** What a comment says, as it is kept, and the comment that it answers. */
export interface CommentText {
  readonly text: string;
  readonly parentId: string | undefined;
}

/** A comment's text as a caller writes it: a JSON object with a body or with drawn shapes, or JSON text of one. Raises
 *  REQUEST_INVALID. */
export function parseCommentText(said: unknown, field: string): CommentText {
  const value = typeof said === 'string' ? fromJson(said) : said;
  if (!isObject(value) || !saysSomething(value)) {
    throw refusal({ field, code: 'TEXT_INVALID', message: 'A comment is a JSON object with a body or shapes.' });
  }
  // Written anew: every client can parse it, and every database keep it.
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > COMMENTS.textBytesMax) {
    const message = `A comment may have ${COMMENTS.textBytesMax} bytes of JSON.`;
    throw refusal({ field, code: 'TEXT_TOO_LONG', message });
  }
  return { text, parentId: parentOf(value, field) };
}

function saysSomething({ body, shapes }: Readonly<Record<string, unknown>>): boolean {
  return (typeof body === 'string' && body.trim() !== '') || (Array.isArray(shapes) && shapes.length > 0);
}

function parentOf({ parentId }: Readonly<Record<string, unknown>>, field: string): string | undefined {
  if (parentId === undefined || parentId === null || parentId === '') return undefined;
  if (typeof parentId === 'string') return parentId;
  throw parentUnknown(field);
}

function parentUnknown(field: string): AppError {
  const message = 'There is no such comment on this file.';
  return refusal({ field: `${field}.parentId`, code: 'PARENT_UNKNOWN', message });
}

/** All comments of a file, newest first. */
export async function listComments(
  ports: Needs,
  grant: Grant<'comment.list'>,
  file: FileRecord,
): Promise<readonly CommentRecord[]> {
  return ports.comments.listComments(grant.container, file.id);
}

/** Adds a comment in the name of the caller. Raises FILE_NOT_FOUND, COMMENTS_EXHAUSTED, REQUEST_INVALID when it answers none of
 *  the file. */
export async function addComment(
  ports: Needs,
  grant: Grant<'comment.write'>,
  file: FileRecord,
  { text, parentId }: CommentText,
): Promise<CommentRecord> {
  if (parentId !== undefined && !(await isOn(ports, grant, file, parentId))) throw parentUnknown('comment.text');
  const comment = { id: randomUUID(), text };
  return ports.comments.addComment(grant.container, at(file), comment, COMMENTS.perFileMax, authorOf(ports, grant));
}

/** Changes what a comment says. Raises FILE_NOT_FOUND, COMMENT_NOT_FOUND, COMMENT_FOREIGN, REQUEST_INVALID when it would answer
 *  itself or none of the file. */
export async function changeComment(
  ports: Needs,
  grant: Grant<'comment.write'>,
  file: FileRecord,
  { id, text, parentId }: CommentText & { readonly id: string },
): Promise<CommentRecord> {
  const isFine = parentId === undefined || (parentId !== id && (await isOn(ports, grant, file, parentId)));
  const doubtful = isFine ? undefined : parentId;
  const judgeOwner = ownOnly(grant);
  const judge = (stored: CommentRecord) => {
    judgeOwner(stored);
    // What it answers may be gone: that it answers it stays.
    if (doubtful !== undefined && !answers(stored, doubtful)) throw parentUnknown('text');
  };
  return ports.comments.changeComment(grant.container, at(file), { id, text }, judge, authorOf(ports, grant));
}

async function isOn(ports: Needs, grant: Grant<'comment.write'>, file: FileRecord, id: string): Promise<boolean> {
  return (await ports.comments.listComments(grant.container, file.id)).some((comment) => comment.id === id);
}

function answers({ text }: CommentRecord, parentId: string): boolean {
  const value = fromJson(text);
  return isObject(value) && value['parentId'] === parentId;
}

/** Likes a comment, subscribes to it, or takes that back. Raises FILE_NOT_FOUND, COMMENT_NOT_FOUND. */
export async function actOnComment(
  ports: Needs,
  grant: Grant<'comment.write'>,
  file: FileRecord,
  id: string,
  action: (typeof COMMENT_ACTIONS)[number],
): Promise<CommentRecord> {
  const mark: CommentMark = action.endsWith('like') ? 'like' : 'subscribe';
  const isSet = !action.startsWith('un');
  return ports.comments.markComment(grant.container, at(file), id, mark, isSet, authorOf(ports, grant));
}

/** Deletes comments, all or none. Raises FILE_NOT_FOUND, COMMENT_NOT_FOUND, COMMENT_FOREIGN. */
export async function deleteComments(
  ports: Needs,
  grant: Grant<'comment.write'>,
  file: FileRecord,
  ids: readonly string[],
): Promise<void> {
  await ports.comments.deleteComments(grant.container, at(file), ids, ownOnly(grant), authorOf(ports, grant));
}

/**
 * People change their own words; back ends and admins those of everybody. All keys of a template that name nobody act
 * as one: none of them can be told from the others, so nobody's words are theirs to change.
 */
function ownOnly(grant: Grant<'comment.write'>): (comment: CommentRecord) => void {
  if (grant.bearer === 'secret' || grant.bearer === 'admin') return () => {};
  const isNamed = grant.claims?.subject !== undefined;
  const { id } = personOf(grant);
  return (comment) => {
    if (!isNamed || comment.by.id !== id) throw new AppError('COMMENT_FOREIGN');
  };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(fault: FieldFault): AppError {
  return new AppError('REQUEST_INVALID', 'comment', { faults: [fault] });
}
