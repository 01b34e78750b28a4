// Folder scopes as SQL: which rows of the tree a caller may see is decided where the rows are, before paging and counting.
import { type CanonicalPath, type FolderScope, intersectScopes, parentOf } from '@latchkey/policy';
import { type RawBuilder, sql } from 'kysely';
import type { ScopeLayers } from '../../ports/metadata.ts';

/** The folders that all layers cover, as one list; undefined means every folder. */
export function mergeLayers(layers: ScopeLayers | undefined): readonly FolderScope[] | undefined {
  const [first, ...others] = layers ?? [];
  if (first === undefined) return undefined;
  const scopes = others.reduce(intersectScopes, first);
  return scopes.some(({ path, deep }) => deep && path === '/') ? undefined : scopes;
}

/** True where the path column is covered by one of the scopes. */
export function coveredBy(column: string, scopes: readonly FolderScope[] | undefined): RawBuilder<boolean> {
  if (scopes === undefined) return ALWAYS;
  const exact = scopes.map(({ path }) => path);
  const deep = scopes.filter((scope) => scope.deep).map(({ path }) => below(column, path));
  return anyOf([isOneOf(column, exact), ...deep]);
}

/** True where the path column is covered, or lies above a covered folder. */
export function shownBy(column: string, scopes: readonly FolderScope[] | undefined): RawBuilder<boolean> {
  if (scopes === undefined) return ALWAYS;
  const above = new Set<CanonicalPath>();
  for (const { path } of scopes) {
    for (let parent = parentOf(path); parent !== undefined; parent = parentOf(parent)) above.add(parent);
  }
  return anyOf([coveredBy(column, scopes), isOneOf(column, [...above])]);
}

/** True where the path column lies strictly below the folder: `/` sorts directly before `0`, so it is one range. */
export function below(column: string, path: CanonicalPath): RawBuilder<boolean> {
  const first = path === '/' ? '/' : `${path}/`;
  const end = path === '/' ? '0' : `${path}0`;
  const ref = sql.ref(column);
  // The index holds the heads of paths (see the migration): the head narrows by index, the whole path decides.
  return sql<boolean>`(substr(${ref}, 1, 512) between substr(${first}, 1, 512) and substr(${end}, 1, 512)
    and ${ref} > ${first} and ${ref} < ${end})`;
}

/** True where the path column of one row lies strictly below the path column of another. */
export function belowColumn(column: string, ancestor: string): RawBuilder<boolean> {
  const [inner, outer] = [sql.ref(column), sql.ref(ancestor)];
  const first = sql`(case when ${outer} = '/' then '/' else ${outer} || '/' end)`;
  const end = sql`(case when ${outer} = '/' then '0' else ${outer} || '0' end)`;
  return sql<boolean>`(substr(${inner}, 1, 512) between substr(${first}, 1, 512) and substr(${end}, 1, 512)
    and ${inner} > ${first} and ${inner} < ${end})`;
}

/** True where the path column is this path. */
export function isPath(column: string, path: string): RawBuilder<boolean> {
  const ref = sql.ref(column);
  return sql<boolean>`(substr(${ref}, 1, 512) = substr(${path}, 1, 512) and ${ref} = ${path})`;
}

const ALWAYS = sql<boolean>`(1 = 1)`;
const NEVER = sql<boolean>`(1 = 0)`;

function isOneOf(column: string, paths: readonly string[]): RawBuilder<boolean> {
  return paths.length === 0 ? NEVER : sql<boolean>`(${sql.ref(column)} in (${sql.join(paths)}))`;
}

// Split in halves, because SQLite bounds the depth of an expression and a long chain of "or" is as deep as it is long.
function anyOf(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  const [first, second] = conditions;
  if (first === undefined) return NEVER;
  if (second === undefined) return first;
  const middle = conditions.length >> 1;
  return sql<boolean>`(${anyOf(conditions.slice(0, middle))} or ${anyOf(conditions.slice(middle))})`;
}
