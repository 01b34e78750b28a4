// The tree in SQL: folders with their paths, sums and inherited visibility, and every change that touches more than one row.
import { randomUUID } from 'node:crypto';
import {
  type CanonicalPath,
  covers,
  type FolderScope,
  isWithin,
  nameOf,
  PATH_BYTES_MAX,
  PATH_SEGMENTS_MAX,
  parentOf,
  segmentsOf,
} from '@latchkey/policy';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type {
  At,
  FolderQuery,
  FolderRecord,
  NameCondition,
  Paging,
  ScopeLayers,
  Visibility,
  Within,
} from '../../ports/metadata.ts';
import type { Executor } from './database.ts';
import type { FolderTable } from './schema.ts';
import {
  below,
  belowRow,
  coveredBy,
  coveredFolders,
  isPath,
  mergeLayers,
  PATH_HEAD_LENGTH,
  pathHead,
  shownBy,
} from './scopes.ts';
import { every, matches, searchKey, some } from './text.ts';

/** A folder as stored, its path known to be canonical because only canonical paths are stored. */
export type FolderRow = Selectable<FolderTable> & { readonly path: CanonicalPath };

/** Makes the root of a container when it is missing. */
export async function insertRoot(db: Executor, container: string, nowMs: number): Promise<void> {
  await db
    .insertInto('folders')
    .values(newFolder({ container, parent_id: '', path: '/', name: '/', is_public: 1 }, nowMs))
    .onConflict((conflict) => conflict.columns(['container', 'parent_id', 'name']).doNothing())
    .execute();
}

/** The folder at the path. */
export async function findFolderRow(
  db: Executor,
  container: string,
  path: CanonicalPath,
): Promise<FolderRow | undefined> {
  const row = await db
    .selectFrom('folders')
    .selectAll()
    .where('container', '=', container)
    .where(isPath('folders', path))
    .executeTakeFirst();
  return row as FolderRow | undefined; // The path comes from the store.
}

/** The folder with the id. */
export async function findFolderRowById(db: Executor, container: string, id: string): Promise<FolderRow | undefined> {
  const row = await db
    .selectFrom('folders')
    .selectAll()
    .where('id', '=', id)
    .where('container', '=', container)
    .executeTakeFirst();
  return row as FolderRow | undefined; // The path comes from the store.
}

/** The folders with the ids, in no order. */
export async function findFolderRowsById(
  db: Executor,
  container: string,
  ids: readonly string[],
): Promise<readonly FolderRow[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('folders')
    .selectAll()
    .where('id', 'in', ids)
    .where('container', '=', container)
    .execute();
  return rows as FolderRow[]; // The paths come from the store.
}

/** The folder that the caller was allowed to act on, if it still is where it was. Raises FOLDER_NOT_FOUND. */
export async function getFolderAt(db: Executor, container: string, at: At): Promise<FolderRow> {
  const row = await findFolderRowById(db, container, at.id);
  if (row?.path !== at.folderPath)
    throw new AppError('FOLDER_NOT_FOUND', 'not where it was when the caller was judged');
  return row;
}

/** The folder at the path, made with its missing parents. */
export async function ensureFolder(
  db: Executor,
  container: string,
  path: CanonicalPath,
  nowMs: number,
): Promise<FolderRow> {
  const known = await findFolderRow(db, container, path);
  if (known !== undefined) return known;
  const parentPath = parentOf(path);
  const name = nameOf(path);
  if (parentPath === undefined || name === undefined) throw new AppError('CONTAINER_NOT_FOUND', container);
  const parent = await ensureFolder(db, container, parentPath, nowMs);
  const row = newFolder({ container, parent_id: parent.id, path, name, is_public: parent.is_public }, nowMs);
  await db.insertInto('folders').values(row).execute();
  return { ...row, path };
}

/** Folders as records. Sums count what the layers cover; of a folder that is only the way to a covered one, nothing but
 *  its place is told. */
async function toFolderRecords(
  db: Executor,
  rows: readonly FolderRow[],
  scopes: readonly FolderScope[] | undefined,
): Promise<readonly FolderRecord[]> {
  const sums = await sumsBelow(db, rows, scopes);
  return rows.map((row) => {
    const isCovered = scopes === undefined || covers(scopes, row.path);
    const filesDirect = isCovered ? row.files_count : 0;
    const sum = sums.get(row.id);
    return {
      id: row.id,
      path: row.path,
      name: row.name,
      visibility: row.visibility as Visibility, // Only visibilities are stored.
      isPublic: row.is_public === 1,
      meta: isCovered ? JSON.parse(row.meta) : {},
      filesDirect,
      filesRecursive: filesDirect + (sum?.files ?? 0),
      bytesRecursive: (isCovered ? row.files_bytes : 0) + (sum?.bytes ?? 0),
      createdAtMs: row.created_at,
      updatedAtMs: row.updated_at,
    };
  });
}

/** One folder as a record; see `toFolderRecords`. */
export async function toFolderRecord(db: Executor, row: FolderRow, layers?: ScopeLayers): Promise<FolderRecord> {
  const [record] = await toFolderRecords(db, [row], mergeLayers(layers));
  if (record === undefined) throw new TypeError('One row makes one record.');
  return record;
}

/** A page of folders below a folder, and how many there are in all. */
export async function listFolderRecords(
  db: Executor,
  query: FolderQuery,
  paging: Paging,
): Promise<{ readonly items: readonly FolderRecord[]; readonly total: number }> {
  const scopes = mergeLayers(query.within);
  const direction = paging.descending ? 'desc' : 'asc';
  let found = foundFolders(db, query, scopes).selectAll('folders');
  for (const key of folderOrder(paging, scopes)) found = found.orderBy(key, direction);
  const rows = await found.limit(paging.limit).offset(paging.offset).execute();
  const items = await toFolderRecords(db, rows as FolderRow[], scopes); // The paths come from the store.
  return { items, total: await countFolderRows(db, query) };
}

/** How many folders a listing has in all. */
export async function countFolderRows(db: Executor, query: FolderQuery): Promise<number> {
  const { total } = await foundFolders(db, query, mergeLayers(query.within))
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total;
}

/** How many files, of how many bytes, are in the folder and (when `recursive`) everywhere below it, as far as covered. */
export async function sumFolders(
  db: Executor,
  folder: FolderRow,
  recursive: boolean,
  scopes: readonly FolderScope[] | undefined,
): Promise<{ readonly files: number; readonly bytes: number }> {
  if (recursive && folder.path === '/') {
    // Every folder is in or below the root, so that the scopes alone say which rows are read; without any, triggers keep the sums.
    const { container } = folder;
    const rows =
      scopes === undefined
        ? sql`select files_count, files_bytes from container_sums where container = ${container}`
        : coveredFolders(container, folder.path, scopes, sql`covered.id, covered.files_count, covered.files_bytes`);
    const { rows: sums } = await sql<{ files: number; bytes: number }>`
      select cast(coalesce(sum(files_count), 0) as bigint) as files, cast(coalesce(sum(files_bytes), 0) as bigint) as bytes
      from (${rows}) as summed`.execute(db);
    return { files: sums[0]?.files ?? 0, bytes: sums[0]?.bytes ?? 0 };
  }
  const isCovered = scopes === undefined || covers(scopes, folder.path);
  const sum = recursive ? (await sumsBelow(db, [folder], scopes)).get(folder.id) : undefined;
  return {
    files: (isCovered ? folder.files_count : 0) + (sum?.files ?? 0),
    bytes: (isCovered ? folder.files_bytes : 0) + (sum?.bytes ?? 0),
  };
}

/** All folders strictly below the folder. */
export async function findDescendants(db: Executor, folder: FolderRow): Promise<readonly FolderRow[]> {
  const rows = await db
    .selectFrom('folders')
    .selectAll()
    .where('container', '=', folder.container)
    .where(below('folders', folder.path))
    .execute();
  return rows as FolderRow[]; // The paths come from the store.
}

/** Gives the folder and everything below it a new place; see `Metadata.moveFolder`. The tree must be locked. */
export async function moveTree(
  db: Executor,
  folder: FolderRow,
  to: CanonicalPath,
  options: { readonly within: Within; readonly createParents: boolean },
  nowMs: number,
): Promise<FolderRow> {
  const { container, path: from } = folder;
  const parentPath = parentOf(to);
  const name = nameOf(to);
  if (from === '/' || parentPath === undefined || name === undefined) {
    throw new AppError('REQUEST_INVALID', 'the root cannot be moved or replaced', {
      hint: 'The root folder cannot be moved or replaced.',
    });
  }
  const descendants = await findDescendants(db, folder);
  for (const { path } of [folder, ...descendants]) {
    const target = `${to}${path.slice(from.length)}` as CanonicalPath; // Whole segments of canonical paths.
    if (!options.within(path) || !options.within(target)) throw new AppError('SCOPE_DENIED', 'a folder of the tree');
    if (Buffer.byteLength(target) > PATH_BYTES_MAX || segmentsOf(target).length > PATH_SEGMENTS_MAX) {
      throw new AppError('PATH_INVALID', 'a folder of the tree would lie too deep');
    }
  }
  if (to === from) return folder;
  if (isWithin(from, to)) {
    throw new AppError('REQUEST_INVALID', 'into itself', { hint: 'A folder cannot be moved into itself.' });
  }
  const parent = options.createParents
    ? await ensureFolder(db, container, parentPath, nowMs)
    : await findFolderRow(db, container, parentPath);
  if (parent === undefined) throw new AppError('FOLDER_NOT_FOUND', 'the new parent');
  if ((await findFolderRow(db, container, to)) !== undefined) throw new AppError('ALREADY_EXISTS', 'a folder');
  const isPublic = folder.visibility === 'inherited' ? parent.is_public : folder.is_public;
  const place = {
    parent_id: parent.id,
    path: to,
    path_head: pathHead(to),
    name,
    name_key: searchKey(name),
    updated_at: nowMs,
  };
  await db.updateTable('folders').set(place).where('id', '=', folder.id).execute();
  if (descendants.length > 0) {
    const rest = [...from].length + 1; // Databases count characters, not UTF-16 units.
    await db
      .updateTable('folders')
      .set({
        path: sql<string>`${to} || substr(path, ${rest})`,
        path_head: sql<string>`substr(${to} || substr(path, ${rest}), 1, ${sql.lit(PATH_HEAD_LENGTH)})`,
      })
      .where('container', '=', container)
      .where(below('folders', from))
      .execute();
  }
  if (isPublic !== folder.is_public) await inheritVisibility(db, folder.id, isPublic);
  return { ...folder, ...place, is_public: isPublic };
}

/** Chooses the visibility of a folder; what inherits from it follows. The tree must be locked. */
export async function storeVisibility(
  db: Executor,
  folder: FolderRow,
  visibility: Visibility,
  nowMs: number,
): Promise<void> {
  const parent = await findFolderRowById(db, folder.container, folder.parent_id);
  const inherited = parent?.is_public ?? 1;
  await db.updateTable('folders').set({ visibility, updated_at: nowMs }).where('id', '=', folder.id).execute();
  await inheritVisibility(db, folder.id, visibility === 'inherited' ? inherited : Number(visibility === 'public'));
}

/** Adds to the sums of a folder. */
export async function addToSums(db: Executor, folderId: string, files: number, bytes: number): Promise<void> {
  if (files === 0 && bytes === 0) return;
  await db
    .updateTable('folders')
    .set((eb) => ({ files_count: eb('files_count', '+', files), files_bytes: eb('files_bytes', '+', bytes) }))
    .where('id', '=', folderId)
    .execute();
}

/** The folder and everything below it that has no choice of its own, down to the next choice. */
async function inheritVisibility(db: Executor, folderId: string, isPublic: number): Promise<void> {
  await sql`
    update folders set is_public = ${isPublic} where id in (
      with recursive heirs (id) as (
        select id from folders where id = ${folderId}
        union all
        select child.id from folders child join heirs on child.parent_id = heirs.id where child.visibility = 'inherited'
      )
      select id from heirs
    )`.execute(db);
}

function newFolder(
  place: Pick<Selectable<FolderTable>, 'container' | 'parent_id' | 'path' | 'name' | 'is_public'>,
  nowMs: number,
): Selectable<FolderTable> {
  return {
    ...place,
    id: randomUUID(),
    path_head: pathHead(place.path),
    name_key: searchKey(place.name),
    visibility: 'inherited',
    meta: '{}',
    files_count: 0,
    files_bytes: 0,
    created_at: nowMs,
    updated_at: nowMs,
  };
}

function foundFolders(db: Executor, query: FolderQuery, scopes: readonly FolderScope[] | undefined) {
  let found = db.selectFrom('folders').where('folders.container', '=', query.container);
  if (query.recursive) {
    found = found.where(below('folders', query.folderPath));
  } else {
    found = found.where('folders.parent_id', '=', (eb) =>
      eb
        .selectFrom('folders as base')
        .select('base.id')
        .where('base.container', '=', query.container)
        .where(isPath('base', query.folderPath)),
    );
  }
  if (scopes !== undefined) found = found.where(shownBy('folders', scopes));
  return found.where(isNamed(query.names));
}

function isNamed(condition: NameCondition): RawBuilder<boolean> {
  switch (condition.of) {
    case 'all':
      return every(condition.conditions.map(isNamed));
    case 'any':
      return some(condition.conditions.map(isNamed));
    case 'not':
      return sql<boolean>`(not ${isNamed(condition.condition)})`;
    case 'name':
      return matches('folders.name_key', condition.is, condition.text);
  }
}

function folderOrder(paging: Paging, scopes: readonly FolderScope[] | undefined): RawBuilder<unknown>[] {
  const name = [sql.ref('folders.name_key'), sql.ref('folders.id')];
  switch (paging.sort) {
    case 'created_at':
      return [sql.ref('folders.created_at'), ...name];
    case 'modified_at':
      return [sql.ref('folders.updated_at'), ...name];
    case 'size':
      return [sumOf('files_bytes', scopes), ...name];
    case 'assets_count':
      return [sumOf('files_count', scopes), ...name];
    case 'name':
    case 'title':
    case 'type':
    case 'relevance':
      return name;
  }
}

/** The files or bytes in a folder of the listing and below it, as far as covered. */
function sumOf(column: 'files_bytes' | 'files_count', scopes: readonly FolderScope[] | undefined): RawBuilder<number> {
  const [own, inner] = [sql.ref(`folders.${column}`), sql.ref(`inner_folders.${column}`)];
  return sql<number>`(case when ${coveredBy('folders', scopes)} then ${own} else 0 end
    + (select coalesce(sum(${inner}), 0) from folders as inner_folders
       where inner_folders.container = folders.container
         and ${belowRow('inner_folders', 'folders')} and ${coveredBy('inner_folders', scopes)}))`;
}

async function sumsBelow(
  db: Executor,
  rows: readonly FolderRow[],
  scopes: readonly FolderScope[] | undefined,
): Promise<ReadonlyMap<string, { readonly files: number; readonly bytes: number }>> {
  const [root] = rows;
  if (rows.length === 1 && root?.path === '/' && scopes === undefined) {
    const { files, bytes } = await sumFolders(db, root, true, scopes);
    return new Map([[root.id, { files: files - root.files_count, bytes: bytes - root.files_bytes }]]);
  }
  if (rows.length === 0) return new Map();
  const sums = await db
    .selectFrom('folders as outer')
    .innerJoin('folders as inner', (join) =>
      join.onRef('inner.container', '=', 'outer.container').on(belowRow('inner', 'outer')),
    )
    .select([
      'outer.id',
      sql<number>`cast(sum(${sql.ref('inner.files_count')}) as bigint)`.as('files'),
      sql<number>`cast(sum(${sql.ref('inner.files_bytes')}) as bigint)`.as('bytes'),
    ])
    .where(
      'outer.id',
      'in',
      rows.map(({ id }) => id),
    )
    .where(coveredBy('inner', scopes))
    .groupBy('outer.id')
    .execute();
  return new Map(sums.map(({ id, files, bytes }) => [id, { files, bytes }]));
}
