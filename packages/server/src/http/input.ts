// Reading what a request says: paths, lists and bodies, each fault by its field.
import { type CanonicalName, type CanonicalPath, coversAll, leadsToAll, parseName, parsePath } from '@latchkey/policy';
import { z } from 'zod';
import { AppError, type FieldFault } from '../errors.ts';
import type { FileListing } from '../operations/files.ts';
import { parseMoment } from '../operations/moment.ts';
import { mimeCondition } from '../operations/search.ts';
import type { Paging, SortKey } from '../ports/metadata.ts';
import type { Condition } from '../ports/search.ts';
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
  title: 'title',
  created_at: 'created_at',
  uploaded_at: 'created_at',
  uploaded: 'created_at',
  created: 'created_at',
  updated_at: 'modified_at',
  modified_at: 'modified_at',
  updated: 'modified_at',
  size: 'size',
  type: 'type',
  relevance: 'relevance',
  assets_count: 'assets_count',
};

/** Paging and order; unknown keys fall back to the name, as clients send each list's keys to the other (5.2). */
export function pagingOf(query: Query): Paging {
  const [key = '', direction = ''] = (query.one('sort', 'order') ?? '').split(/[:,]/);
  const sort = Object.hasOwn(SORT_KEYS, key) ? SORT_KEYS[key] : undefined;
  return {
    sort: sort ?? 'name',
    descending: direction.toLowerCase() === 'desc' && sort !== undefined,
    offset: query.int('offset', 0, 0, 1_000_000_000),
    limit: query.int('limit', PAGE_DEFAULT, 1, PAGE_MAX),
  };
}

/** What a listing of files asks for (wire contract 5.2). */
export function fileListingOf(call: Call): FileListing {
  const { query } = call;
  const search = query.one('q');
  return {
    folderPath: folderOf(query),
    recursive: query.flag('recursive'),
    search,
    filters: filtersOf(query, call.ports.system.now()),
    similar: query.one('method') === 'SCM_EXTENDED' && search !== undefined,
  };
}

/** So many types a listing is narrowed by; what is beyond them is left out. */
const TYPES_MAX = 100;

/** What the files of a listing are narrowed by beside a search: MIME types and times (wire contract 5.2). */
function filtersOf(query: Query, nowMs: number): readonly Condition[] {
  const mimes = (query.one('mime') ?? '').split(',').filter((mime) => mime.trim() !== '');
  const filters: Condition[] = [];
  if (mimes.length > 0) filters.push({ of: 'any', conditions: mimes.slice(0, TYPES_MAX).map(mimeCondition) });
  for (const [of, name] of [
    ['created', 'created'],
    ['modified', 'updated'],
  ] as const) {
    const after = parseMoment(query.one(`${name}_after`) ?? '', nowMs);
    const before = parseMoment(query.one(`${name}_before`) ?? '', nowMs);
    if (after !== undefined) filters.push({ of, range: { from: after.from } });
    if (before !== undefined) filters.push({ of, range: { to: before.from, exclusive: true } });
  }
  return filters;
}

/**
 * Whether the caller may know of this folder, or of the files in it: a folder on the way to a scope is known, its files
 * are not (product definition section 5). What it may not know of is "not found", so that ids and names tell nothing.
 */
export function mayKnow(call: Call, what: 'folder' | 'files', path: CanonicalPath): boolean {
  const { template, claims } = call.entrant.bearer;
  if (template === undefined || claims === undefined) return true;
  // Names are shown to whoever may list; what else may be done with them is for the guard to say.
  const layers = call.guard.scopesOf(call.entrant, 'listing', what === 'files' ? 'file.list' : 'folder.list');
  return coversAll(layers, path) || (what === 'folder' && leadsToAll(layers, path));
}

/** A list of ids in a body. */
export const idList = z.array(z.string().max(64)).max(BULK_MAX);
