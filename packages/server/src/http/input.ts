// Reading what a request says: paths, lists and bodies, each fault by its field.
import {
  type CanonicalName,
  type CanonicalPath,
  coversAll,
  leadsToAll,
  parseName,
  parsePath,
  visibleScopes,
} from '@latchkey/policy';
import { z } from 'zod';
import { AppError, type FieldFault } from '../errors.ts';
import type { Paging, SortKey } from '../ports/metadata.ts';
import type { Query } from './query.ts';
import type { Call } from './route.ts';

const PARSE_ROOT = '/';
/** The most entries a page may have (wire contract 5.2); larger wishes are clamped, not refused. */
const PAGE_MAX = 5000;
const PAGE_DEFAULT = 1000;
/** The most objects one bulk request may name. */
export const BULK_MAX = 1000;

/** The body in the schema's type. Raises REQUEST_INVALID with every fault by field path. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const faults: FieldFault[] = parsed.error.issues.map((issue) => ({
    field: issue.path
      .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
      .join(''),
    code: issue.code.toUpperCase(),
    message: issue.message,
  }));
  throw new AppError('REQUEST_INVALID', undefined, { faults });
}

/** A canonical path. Raises PATH_INVALID with the reason. */
export function pathOf(text: unknown, field: string): CanonicalPath {
  const parsed = parsePath(text);
  if (parsed.ok) return parsed.path;
  throw pathFault(field, parsed.reason);
}

/** A canonical name of a file or folder. Raises PATH_INVALID with the reason. */
export function nameOf(text: unknown, field: string): CanonicalName {
  const parsed = parseName(text);
  if (parsed.ok) return parsed.name;
  throw pathFault(field, parsed.reason);
}

function pathFault(field: string, reason: string): AppError {
  return new AppError('PATH_INVALID', `${field}: ${reason}`, {
    hint: `${field}: ${reason}`,
    faults: [{ field, code: 'PATH_INVALID', message: reason }],
  });
}

/**
 * The folder of a query, under its names of all generations; the root when there is none. `dir=undefined` is what an
 * old uploader sends when no folder is configured (wire contract 12.1).
 */
export function folderOf(query: Query): CanonicalPath {
  const text = query.one('folder', 'dir');
  return pathOf(text === undefined || text === 'undefined' ? PARSE_ROOT : text, 'folder');
}

const SORT_KEYS: Readonly<Record<string, SortKey>> = {
  name: 'name',
  filename: 'name',
  title: 'name',
  created_at: 'created_at',
  uploaded_at: 'created_at',
  uploaded: 'created_at',
  created: 'created_at',
  updated_at: 'modified_at',
  modified_at: 'modified_at',
  updated: 'modified_at',
  size: 'size',
  type: 'type',
};

/** Paging and order; unknown keys fall back to the name, as clients send each list's keys to the other (5.2). */
export function pagingOf(query: Query): Paging {
  const [key = '', direction = ''] = (query.one('sort', 'order') ?? '').split(/[:,]/);
  return {
    sort: SORT_KEYS[key] ?? 'name',
    descending: direction.toLowerCase() === 'desc' && SORT_KEYS[key] !== undefined,
    offset: query.int('offset', 0, 0, 1_000_000_000),
    limit: query.int('limit', PAGE_DEFAULT, 1, PAGE_MAX),
  };
}

/** The words of a simple search: quotes are taken off, each word must occur in the name. Raises REQUEST_INVALID for too many. */
export function wordsOf(query: Query): readonly string[] {
  const text = query.one('q') ?? '';
  const words: string[] = [];
  for (const match of text.matchAll(/"([^"]*)"|(\S+)/g)) {
    const word = (match[1] ?? match[2] ?? '').trim();
    if (word !== '') words.push(word);
  }
  return atMost(SEARCH_MAX, 'q', words);
}

/** So many words or types one search may have: each is a condition that every row is held against. */
const SEARCH_MAX = 100;

function atMost<T>(max: number, field: string, list: readonly T[]): readonly T[] {
  if (list.length <= max) return list;
  throw new AppError('REQUEST_INVALID', field, {
    faults: [{ field, code: 'LIST_TOO_LONG', message: `There are at most ${max} entries here.` }],
  });
}

/** MIME types or prefixes to list. Raises REQUEST_INVALID for too many. */
export function mimesOf(query: Query): readonly string[] {
  const list = (query.one('mime') ?? '').split(',').map((mime) => mime.trim().toLowerCase());
  const given = atMost(
    SEARCH_MAX,
    'mime',
    list.filter((mime) => mime !== ''),
  );
  return given.map((mime) => (mime.includes('/') ? mime.replace(/\*$/, '') : `${mime}/`));
}

/**
 * Whether the caller may know of this folder, or of the files in it: a folder on the way to a scope is known, its files
 * are not (product definition section 5). What it may not know of is "not found", so that ids and names tell nothing.
 */
export function mayKnow(call: Call, what: 'folder' | 'files', path: CanonicalPath): boolean {
  const { template, claims } = call.entrant.bearer;
  if (template === undefined || claims === undefined) return true;
  const layers = visibleScopes(template, claims, 'listing');
  return coversAll(layers, path) || (what === 'folder' && leadsToAll(layers, path));
}

/** A list of ids in a body. */
export const idList = z.array(z.string().max(64)).max(BULK_MAX);
