// How the documents of administration travel: wrapped or bare bodies, revisions as ETags, pages, lists of ids.
import { z } from 'zod';
import type { Change } from '../operations/documents.ts';
import type { AdminListQuery } from '../ports/templates.ts';
import { idList, parseBody } from './input.ts';
import type { Query } from './query.ts';
import type { Call } from './route.ts';

const LIST_LIMIT_DEFAULT = 100;
const LIST_LIMIT_MAX = 1000;

/** Members that belong to the record: a client may send back what it has read, they are not part of the document. */
const RECORD_MEMBERS: ReadonlySet<string> = new Set([
  'id',
  'uid',
  'revision',
  'created_at',
  'updated_at',
  'prefix',
  'last_used_at',
]);

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The document of a body, bare or wrapped in `member`, and the revision it was made for: from `If-Match` (RFC 9110
 * section 13.1.1), else from the `revision` that came with the record, else none.
 */
export function changeOf(call: Call, member: string): Change {
  const body = unwrap(call.body, member);
  if (!isMembers(body)) return { input: body ?? nothingSaid(call), revision: ifMatch(call) };
  const input = Object.fromEntries(Object.entries(body).filter(([name]) => !RECORD_MEMBERS.has(name)));
  const { revision } = body;
  return { input, revision: ifMatch(call) ?? (Number.isSafeInteger(revision) ? Number(revision) : undefined) };
}

/** What is made of nothing has the defaults. What is there already is not replaced by them because a body got lost. */
function nothingSaid(call: Call): unknown {
  return call.request.method === 'POST' ? {} : null;
}

function unwrap(body: unknown, member: string): unknown {
  if (!isMembers(body) || !Object.hasOwn(body, member)) return body;
  return Object.keys(body).length === 1 ? body[member] : body;
}

/** A revision that no record ever has: what the header names is not what is stored. */
const NO_REVISION = -1;

function ifMatch(call: Call): number | undefined {
  const text = call.request.headers['if-match']?.trim();
  if (text === undefined || text === '*') return undefined;
  // Proxies that compress turn a strong tag into a weak one; revisions stay what they are.
  const tag = /^(?:W\/)?"(\d{1,15})"$/.exec(text);
  return tag?.[1] === undefined ? NO_REVISION : Number(tag[1]);
}

/** Paging and search of an admin list. */
export function adminListOf(query: Query): AdminListQuery {
  const search = query.one('q', 'search');
  return {
    offset: query.int('offset', 0, 0, 1_000_000_000),
    limit: query.int('limit', LIST_LIMIT_DEFAULT, 1, LIST_LIMIT_MAX),
    ...(search === undefined ? {} : { search }),
  };
}

/** The ids of a bulk request. Raises REQUEST_INVALID. */
export function idsOf(body: unknown): readonly string[] {
  return parseBody(z.object({ ids: idList.min(1) }), body).ids;
}

/** Names the revision of the answered record and keeps the answer out of every cache. */
export function tagRevision(call: Call, record: { readonly revision: number }): void {
  call.reply.header('etag', `"${record.revision}"`).header('cache-control', 'no-store');
}

/** When a record was made and changed, as documents carry it. */
export function stamps(record: { readonly createdAtMs: number; readonly updatedAtMs: number }) {
  return {
    created_at: new Date(record.createdAtMs).toISOString(),
    updated_at: new Date(record.updatedAtMs).toISOString(),
  };
}
