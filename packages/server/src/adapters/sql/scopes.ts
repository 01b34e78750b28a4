// Folder scopes as SQL: which rows of the tree a caller may see is decided where the rows are, before paging and counting.
import { type CanonicalPath, type FolderScope, intersectScopes, parentOf } from '@latchkey/policy';
import { type RawBuilder, sql } from 'kysely';
import type { ScopeLayers } from '../../ports/metadata.ts';

/** The folders that all layers cover, as one list; undefined means every folder. */
export function mergeLayers(layers: ScopeLayers | undefined): readonly FolderScope[] | undefined {
  const [first, ...others] = layers ?? [];
  if (first === undefined) return undefined;
  const scopes = others.reduce(intersectScopes, first);
  return scopes.some(({ path, deep, except }) => deep && path === '/' && except === undefined) ? undefined : scopes;
}

/** True where the folder of the table is covered by one of the scopes. */
export function coveredBy(table: string, scopes: readonly FolderScope[] | undefined): RawBuilder<boolean> {
  return scopes === undefined ? ALWAYS : anyOf(alternatives(table, scopes));
}

/** The columns of the folders in or below the folder that one of the scopes covers, each once, as `covered`. Asked for each kind of scope
 *  by itself: of an "or" SQLite takes the name of the container alone to its indexes, and reads every folder. */
export function coveredFolders(
  container: string,
  folderPath: CanonicalPath,
  scopes: readonly FolderScope[] | undefined,
  columns: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const each = alternatives('covered', scopes ?? [{ path: folderPath, deep: true }]);
  const parts = each.length > CONDITIONS_MAX ? [anyOf(each)] : each;
  const inside = scopes === undefined ? ALWAYS : inOrBelow('covered', folderPath);
  return sql.join(
    parts.map(
      (part) => sql`select ${columns} from folders as covered
        where covered.container = ${container} and ${part} and ${inside}`,
    ),
    sql` union `,
  );
}

function alternatives(table: string, scopes: readonly FolderScope[]): readonly RawBuilder<boolean>[] {
  const whole = scopes.filter(({ except }) => except === undefined);
  const parts = scopes.flatMap(({ path, except }) =>
    except === undefined ? [] : [sql<boolean>`(${inOrBelow(table, path)} and not ${inOrBelowAny(table, except)})`],
  );
  const deep = whole.filter((scope) => scope.deep).map(({ path }) => path);
  const paths = whole.map(({ path }) => path);
  return [isOneOf(table, paths), ...belowAny(table, deep), ...parts];
}

/** True where the folder of the table is covered, or lies above a covered one. */
export function shownBy(table: string, scopes: readonly FolderScope[] | undefined): RawBuilder<boolean> {
  if (scopes === undefined) return ALWAYS;
  const above = new Set<CanonicalPath>();
  for (const { path } of scopes) {
    for (let parent = parentOf(path); parent !== undefined; parent = parentOf(parent)) above.add(parent);
  }
  return anyOf([coveredBy(table, scopes), isOneOf(table, [...above])]);
}

/** True where the folder of the table lies strictly below the folder: `/` sorts directly before `0`, so it is one range. */
export function below(table: string, path: CanonicalPath): RawBuilder<boolean> {
  const { first, end } = rangeBelow(path);
  // The index narrows by the heads of paths, the whole path decides.
  const [whole, head] = [sql.ref(`${table}.path`), sql.ref(`${table}.path_head`)];
  return sql<boolean>`(${head} between ${pathHead(first)} and ${pathHead(end)} and ${whole} > ${first} and ${whole} < ${end})`;
}

/** True where the folder of one table lies strictly below the folder of another. */
export function belowRow(table: string, ancestor: string): RawBuilder<boolean> {
  const [whole, head, outer] = [sql.ref(`${table}.path`), sql.ref(`${table}.path_head`), sql.ref(`${ancestor}.path`)];
  const first = sql`(case when ${outer} = '/' then '/' else ${outer} || '/' end)`;
  const end = sql`(case when ${outer} = '/' then '0' else ${outer} || '0' end)`;
  const length = sql.lit(PATH_HEAD_LENGTH);
  return sql<boolean>`(${head} between substr(${first}, 1, ${length}) and substr(${end}, 1, ${length})
    and ${whole} > ${first} and ${whole} < ${end})`;
}

/** True where the folder of the table has this path. */
export function isPath(table: string, path: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(`${table}.path_head`)} = ${pathHead(path)} and ${sql.ref(`${table}.path`)} = ${path})`;
}

/** True where the folder of the table is the folder or lies below it. In or below the root is every folder: a condition would
 *  only draw planners away from the one that narrows. */
export function inOrBelow(table: string, path: CanonicalPath): RawBuilder<boolean> {
  return path === '/' ? ALWAYS : anyOf([below(table, path), isPath(table, path)]);
}

/** The beginning of a path, in whole characters, that is short enough to be indexed by every database. */
export function pathHead(path: string): string {
  return path.length <= PATH_HEAD_LENGTH ? path : [...path].slice(0, PATH_HEAD_LENGTH).join('');
}

/** How many characters the head of a path has. */
export const PATH_HEAD_LENGTH = 512;

const ALWAYS = sql<boolean>`(1 = 1)`;
const NEVER = sql<boolean>`(1 = 0)`;

/** What lies strictly below the folder begins with its path and a slash; the character after the slash is `0`. */
function rangeBelow(path: CanonicalPath): { readonly first: string; readonly end: string } {
  return path === '/' ? { first: '/', end: '0' } : { first: `${path}/`, end: `${path}0` };
}

// With more conditions than this in one "or", planning a statement takes longer than running it.
const CONDITIONS_MAX = 16;

function inOrBelowAny(table: string, paths: readonly CanonicalPath[]): RawBuilder<boolean> {
  return anyOf([isOneOf(table, paths), ...belowAny(table, paths)]);
}

function belowAny(table: string, paths: readonly CanonicalPath[]): readonly RawBuilder<boolean>[] {
  return paths.length > CONDITIONS_MAX ? [belowOneOf(table, paths)] : paths.map((path) => below(table, path));
}

function belowOneOf(table: string, paths: readonly CanonicalPath[]): RawBuilder<boolean> {
  const ranges = paths.map(rangeBelow).map(({ first, end }) => sql`(${first}, ${end})`);
  const whole = sql.ref(`${table}.path`);
  return sql<boolean>`exists (select 1 from (values ${sql.join(ranges)}) as ranges
    where ${whole} > ranges.column1 and ${whole} < ranges.column2)`;
}

function isOneOf(table: string, paths: readonly string[]): RawBuilder<boolean> {
  if (paths.length === 0) return NEVER;
  const [whole, head] = [sql.ref(`${table}.path`), sql.ref(`${table}.path_head`)];
  return sql<boolean>`(${head} in (${sql.join(paths.map(pathHead))}) and ${whole} in (${sql.join(paths)}))`;
}

function anyOf(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return sql<boolean>`(${sql.join(conditions, sql` or `)})`;
}
