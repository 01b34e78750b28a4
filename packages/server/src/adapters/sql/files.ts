// Files in SQL: their records and versions, listings, and the changes of single rows. The caller holds the tree still.
import { randomUUID } from 'node:crypto';
import { type CanonicalPath, covers, parseName } from '@latchkey/policy';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { ApprovalStatus } from '../../ports/approval-states.ts';
import type { Author, Person } from '../../ports/changes.ts';
import type {
  At,
  Content,
  DuplicateReach,
  FileQuery,
  FileRecord,
  FileStats,
  JsonObject,
  Latitude,
  NewFile,
  Paging,
  ScopeLayers,
  VersionRecord,
  Visibility,
} from '../../ports/metadata.ts';
import { fileUuid } from '../../ports/metadata.ts';
import { COUNT_MAX, type Condition } from '../../ports/search.ts';
import { supersedeApproval } from './approval-rows.ts';
import { changeOf, descriptionChanges, recordChanges } from './changes.ts';
import {
  distanceFrom,
  findCandidates,
  findCommon,
  indexed,
  inOrderOf,
  meets,
  type Refer,
  wordsHave,
  wordsWanted,
} from './conditions.ts';
import type { Database, Executor } from './database.ts';
import { isExaminable, queueExamination } from './examination-queue.ts';
import {
  addToSums,
  type FolderRow,
  findFolderRow,
  findFolderRowById,
  findFolderRowsById,
  sumFolders,
} from './folders.ts';
import { labelsOf } from './labels.ts';
import { lockFolders, lockTree } from './locks.ts';
import { prepared } from './prepared.ts';
import type { FileTable, FileVersionTable } from './schema.ts';
import { coveredBy, coveredFolders, inOrBelow, mergeLayers } from './scopes.ts';
import { indexFile, SEARCHED_COLUMNS, storedLookKey, titleKey } from './search-index.ts';
import { storeTags } from './tags.ts';
import { dialectOf, isAmong, searchKey } from './text.ts';

/** A file as stored. */
export type FileRow = Selectable<FileTable>;

/** What a file takes from the folder it is in. */
export type Place = Pick<FolderRow, 'path' | 'is_public'>;

/** A file with the folder it is in. */
export interface PlacedFile {
  readonly file: FileRow;
  readonly place: Place;
}

const VERSION_MAX = 0xffff;
// One statement holds so many ids: SQLite has 32,766 parameters, PostgreSQL 65,535.
const IDS_MAX = 5_000;
// A compound select of SQLite has at most 500 terms.
const PREVIEWS_MAX = 200;

/** A row and its place as a record. */
export function toFileRecord({ file, place }: PlacedFile): FileRecord {
  return {
    id: file.id,
    version: file.version,
    currentVersion: file.version,
    folderId: file.folder_id,
    folderPath: place.path,
    name: file.name,
    mime: file.mime,
    sizeBytes: file.size,
    sha1: file.sha1,
    sha256: file.sha256,
    blobId: file.blob_id,
    visibility: file.visibility as Visibility, // Only visibilities are stored.
    isPublic: file.visibility === 'inherited' ? place.is_public === 1 : file.visibility === 'public',
    meta: JSON.parse(file.meta),
    tags: JSON.parse(file.tags),
    info: JSON.parse(file.info),
    labels: labelsOf(file.labels),
    productRef: file.product_ref ?? undefined,
    productPosition: file.product_position ?? undefined,
    approval: approvalOf(file),
    uploadedBy: file.uploaded_by,
    createdAtMs: file.created_at,
    modifiedAtMs: file.modified_at,
  };
}

function approvalOf({ approval_status, approval_due_at }: FileRow): FileRecord['approval'] {
  if (approval_status === null) return undefined;
  return { status: approval_status as ApprovalStatus, dueAtMs: approval_due_at ?? undefined }; // Only statuses are stored.
}

/** The file with the id, in its current version. */
export async function findPlacedFile(db: Executor, container: string, id: string): Promise<PlacedFile | undefined> {
  const [row] = await placedFileById(db, container, id);
  return row && toPlacedFile(row);
}

/** Those of the files that there are, each once. */
export async function findPlacedFiles(
  db: Executor,
  container: string,
  fileIds: readonly string[],
): Promise<readonly PlacedFile[]> {
  const rows = await placedRows(db, [...new Set(fileIds)]);
  return rows.filter((row) => row.container === container).map(toPlacedFile);
}

/** The content of an older version in the record of the file. */
export async function findVersion(db: Executor, found: PlacedFile, version: number): Promise<FileRecord | undefined> {
  if (version === found.file.version) return toFileRecord(found);
  const content = await db
    .selectFrom('file_versions')
    .selectAll()
    .where('file_id', '=', found.file.id)
    .where('version', '=', version)
    .executeTakeFirst();
  return content && toVersionRecord(found, content);
}

function toVersionRecord(found: PlacedFile, content: Selectable<FileVersionTable>): FileRecord {
  const { version, mime, size, sha1, sha256, blob_id, info, uploaded_by, created_at } = content;
  const file = {
    ...found.file,
    mime,
    size,
    sha1,
    sha256,
    blob_id,
    info,
    uploaded_by,
    modified_at: created_at,
    version,
  };
  return { ...toFileRecord({ file, place: found.place }), currentVersion: found.file.version, approval: undefined };
}

/** A page of a file's versions, newest first, each with who made it. */
export async function listVersionRecords(
  db: Executor,
  found: PlacedFile,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly VersionRecord[]> {
  const contents = await db
    .selectFrom('file_versions')
    .selectAll()
    .where('file_id', '=', found.file.id)
    .orderBy('version', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const [newest, oldest] = [contents[0], contents.at(-1)];
  if (newest === undefined || oldest === undefined) return [];
  const made = await db
    .selectFrom('changes')
    .select(['version', 'person_id', 'person_name', 'person_email'])
    .where('file_id', '=', found.file.id)
    .where('action', 'in', ['H_CREATED', 'H_CHG_VERSION'])
    .where('version', '>=', oldest.version)
    .where('version', '<=', newest.version)
    .execute();
  const makers = new Map<number, Person>(
    made.map(({ version, person_id: id, person_name: name, person_email: email }) => [
      version,
      { id, name, email: email ?? undefined },
    ]),
  );
  return contents.map((content) => ({
    file: content.version === found.file.version ? toFileRecord(found) : toVersionRecord(found, content),
    by: makers.get(content.version),
  }));
}

/** Makes the content of an older version the next one. The folder of the file is locked. */
export async function restoreContent(
  db: Executor,
  { file, place }: PlacedFile,
  version: number,
  uploadedBy: string,
  author: Author,
): Promise<FileRecord> {
  if (version === file.version) return toFileRecord({ file, place });
  const older = await findVersion(db, { file, place }, version);
  const folder = await findFolderRowById(db, file.container, file.folder_id);
  if (older === undefined || folder === undefined) throw new AppError('FILE_NOT_FOUND', 'no such version');
  const { mime, sizeBytes, sha1, sha256, blobId, info } = older;
  const input: NewFile = {
    folderPath: place.path,
    name: file.name,
    mime,
    sizeBytes,
    sha1,
    sha256,
    blobId,
    info,
    meta: {},
    tags: {},
    productRef: undefined,
    productPosition: undefined,
    uploadedBy,
  };
  return toFileRecord({ file: await commitFile(db, folder, input, author, { restored: fileUuid(older) }), place });
}

/** Deletes one older version of a file and answers its blob. The folder of the file is locked. Raises FILE_NOT_FOUND. */
export async function deleteVersion(db: Executor, file: FileRow, version: number, author: Author): Promise<string> {
  if (version === file.version) throw new AppError('FILE_NOT_FOUND', 'the current version is the file');
  const deleted = await db
    .deleteFrom('file_versions')
    .where('file_id', '=', file.id)
    .where('version', '=', version)
    .returning('blob_id')
    .executeTakeFirst();
  if (deleted === undefined) throw new AppError('FILE_NOT_FOUND', 'no such version');
  await recordChanges(db, author, [changeOf(file, 'H_DEL_VERSION', fileUuid({ id: file.id, version }), null)]);
  return deleted.blob_id;
}

/** The files that the caller was allowed to act on, each once, if all still are where they were. Raises FILE_NOT_FOUND. */
export async function getFilesAt(db: Executor, container: string, ats: readonly At[]): Promise<readonly PlacedFile[]> {
  const files = await findPlacedFiles(
    db,
    container,
    ats.map(({ id }) => id),
  );
  const found = new Map(files.map((file) => [file.file.id, file]));
  const wanted = new Map<string, PlacedFile>();
  for (const { id, folderPath } of ats) {
    const file = found.get(id);
    if (file?.place.path !== folderPath) {
      throw new AppError('FILE_NOT_FOUND', 'not where it was when the caller was judged');
    }
    wanted.set(id, file);
  }
  return [...wanted.values()];
}

/** Runs a transaction about one file that stays where `At` says, and that nobody else changes meanwhile. Raises
 *  FILE_NOT_FOUND. */
export function changeFileAt<T>(
  database: Database,
  container: string,
  at: At,
  work: (db: Executor, file: FileRow) => Promise<T>,
): Promise<T> {
  const { dialect } = database;
  return database.write('STORE_UNAVAILABLE', async (db) => {
    await lockTree(db, dialect, container, 'shared');
    const [seen] = await getFilesAt(db, container, [at]);
    if (seen === undefined) throw new TypeError('One file was asked for.');
    await lockFolders(db, dialect, [seen.file.folder_id]);
    // Read again: only now nobody else changes it.
    const [found] = await getFilesAt(db, container, [at]);
    if (found === undefined) throw new TypeError('One file was asked for.');
    return work(db, found.file);
  });
}

/** The file of that name in the folder. */
export async function findFileRow(db: Executor, folderId: string, name: string): Promise<FileRow | undefined> {
  return db
    .selectFrom('files')
    .selectAll()
    .where('folder_id', '=', folderId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** The nearest file of the same content. */
export async function findDuplicate(
  db: Executor,
  container: string,
  content: Content,
  reach: DuplicateReach,
  within: ScopeLayers,
): Promise<FileRecord | undefined> {
  const scopes = mergeLayers(within);
  const place = await findFolderRow(db, container, content.folderPath);
  if (place !== undefined && (scopes === undefined || covers(scopes, place.path))) {
    const namesake = await findFileRow(db, place.id, content.name);
    if (namesake?.sha256 === content.sha256) return toFileRecord({ file: namesake, place });
    if (reach !== 'name' && content.sizeBytes > 0) {
      const file = await db
        .selectFrom('files')
        .selectAll()
        .where('container', '=', container)
        .where('sha256', '=', content.sha256)
        .where('folder_id', '=', place.id)
        .limit(1)
        .executeTakeFirst();
      if (file !== undefined) return toFileRecord({ file, place });
    }
  }
  if (reach !== 'container' || content.sizeBytes === 0) return undefined;
  let elsewhere = placedFiles(db).where('files.container', '=', container).where('files.sha256', '=', content.sha256);
  if (scopes !== undefined) elsewhere = elsewhere.where(coveredBy('folders', scopes));
  const row = await elsewhere.limit(1).executeTakeFirst();
  return row && toFileRecord(toPlacedFile(row));
}

/** A page of files. */
export async function listFileRecords(db: Executor, query: FileQuery, paging: Paging): Promise<readonly FileRecord[]> {
  const source = await findSource(db, query);
  if (source === undefined) return [];
  const rows = await pageFrom(db, query, source, paging).execute();
  return rows.map((row) => toFileRecord(toPlacedFile(row)));
}

/** The statement of a page. */
export function pageFrom(db: Executor, query: FileQuery, source: Source, paging: Paging) {
  const isInOrder = source.kind === 'container' && dialectOf(db) === 'sqlite';
  const selected = filesFrom(db, query, source, isInOrder ? inOrderOf(paging.sort) : undefined)
    .selectAll('files')
    .select(['folders.path as folder_path', 'folders.is_public as folder_is_public']);
  return fileOrder(paging, source.kind === 'candidates' ? listsOf(query.where) : [])
    .reduce((found, { key, direction }) => found.orderBy(key, direction), selected)
    .limit(paging.limit)
    .offset(paging.offset);
}

/** How many files, of how many bytes, a listing has in all. */
export async function countFileRows(db: Executor, query: FileQuery): Promise<FileStats> {
  if (isEveryFile(query.where)) {
    // The folders know without looking at a single file.
    const folder = await findFolderRow(db, query.container, query.folderPath);
    if (folder === undefined) return { files: 0, bytes: 0 };
    return sumFolders(db, folder, query.recursive, mergeLayers(query.within));
  }
  const limit = COUNT_MAX + 1;
  let found: RawBuilder<Sized>;
  if (isOnlyWords(query)) {
    found = await sizesByWords(db, query.container, textsOf(query.where), limit);
  } else {
    const source = await findSource(db, query, COUNT_MAX);
    if (source === undefined) return { files: 0, bytes: 0 };
    found = sql`${filesFrom(db, query, source).select('files.size').limit(limit)}`;
  }
  const { files, bytes } = await db
    .selectFrom(found.as('found'))
    .select([
      sql<number>`cast(count(*) as bigint)`.as('files'),
      sql<number>`cast(coalesce(sum(found.size), 0) as bigint)`.as('bytes'),
    ])
    .executeTakeFirstOrThrow();
  return files > COUNT_MAX ? { files: COUNT_MAX, bytes, isBounded: true } : { files, bytes };
}

/** Whether nothing but its words decides whether a file of the container is found. */
function isOnlyWords({ within, folderPath, recursive, where }: FileQuery): boolean {
  if (folderPath !== '/' || !recursive || mergeLayers(within) !== undefined) return false;
  return where.of === 'text' || (where.of === 'all' && where.conditions.every((part) => part.of === 'text'));
}

/** The sizes of the files that have the texts, from the rows of their words alone: those lie side by side, and to look each of ten thousand files
 *  up by its id reads about as many pages of an index that has grown large. Common words are soon found in the order of the rows; for others
 *  the word index says where to look. */
async function sizesByWords(
  db: Executor,
  container: string,
  texts: readonly string[],
  limit: number,
): Promise<RawBuilder<Sized>> {
  const size = sql`coalesce(file_search.size, (select files.size from files where files.id = file_search.file_id)) as size`;
  const wanted = wordsWanted(texts);
  const isCommon = (await findCommon(db, container, [wanted], CANDIDATES_MAX)) !== undefined;
  const named = isCommon ? undefined : indexed(db, container, wanted, size);
  if (named !== undefined) return sql`(${named} and ${wordsHave(texts)} limit ${sql.lit(limit)})`;
  return sql`(select ${size} from file_search where file_search.container = ${container} and ${wordsHave(texts)}
    order by file_search.seq limit ${sql.lit(limit)})`;
}

interface Sized {
  readonly size: number;
}

/** The newest files directly in each folder. */
export async function previewRecords(
  db: Executor,
  container: string,
  folderIds: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, readonly FileRecord[]>> {
  const previews = new Map<string, FileRecord[]>();
  for (const ids of inParts([...new Set(folderIds)], PREVIEWS_MAX)) {
    const folders = await findFolderRowsById(db, container, ids);
    const [first, ...others] = folders.map(({ id }) => newestIn(db, id, limit));
    if (first === undefined) continue;
    const places = new Map(folders.map((folder) => [folder.id, folder]));
    const rows = await others
      .reduce((all, next) => all.unionAll(next), db.selectFrom(first.as('newest')).selectAll())
      .execute();
    for (const folder of folders) previews.set(folder.id, []);
    for (const file of rows) {
      const place = places.get(file.folder_id);
      if (place !== undefined) previews.get(file.folder_id)?.push(toFileRecord({ file, place }));
    }
  }
  return previews;
}

/** Records a written blob as a file of the folder, or as the next version of the file that has the name. The folder is
 *  locked. Raises ALREADY_EXISTS when the file has as many versions as its uuid can count, DESCRIPTION_FOREIGN. */
export async function commitFile(
  db: Executor,
  folder: FolderRow,
  input: NewFile,
  author: Author,
  extra?: JsonObject,
): Promise<FileRow> {
  const { nowMs } = author;
  const content = {
    mime: input.mime,
    size: input.sizeBytes,
    sha1: input.sha1,
    sha256: input.sha256,
    blob_id: input.blobId,
    info: JSON.stringify(input.info),
    uploaded_by: input.uploadedBy,
  };
  const taken = await findFileRow(db, folder.id, input.name);
  const name =
    taken === undefined || input.whenTaken === undefined ? input.name : await freeName(db, folder.id, input.name);
  const known = name === input.name ? taken : undefined;
  const next: FileRow =
    known === undefined
      ? {
          ...content,
          id: randomUUID().slice(0, -4),
          container: folder.container,
          folder_id: folder.id,
          name,
          name_key: searchKey(name),
          version: 0,
          visibility: 'inherited',
          meta: JSON.stringify(input.meta),
          tags: JSON.stringify(input.tags),
          product_ref: input.productRef ?? null,
          product_position: input.productPosition ?? null,
          approval_status: null,
          approval_due_at: null,
          labels: '',
          created_at: nowMs,
          modified_at: nowMs,
          title_key: null,
          look_key: null,
        }
      : {
          ...known,
          ...content,
          ...(await supersedeApproval(db, known, author)),
          version: known.version + 1,
          meta: merged(known.meta, input.meta),
          tags: merged(known.tags, input.tags),
          product_ref: input.productRef ?? known.product_ref,
          product_position: input.productPosition ?? known.product_position,
          modified_at: nowMs,
        };
  if (known !== undefined) checkWords(known, next, input);
  const file = { ...next, title_key: titleKey(next), look_key: storedLookKey(next) };
  if (file.version > VERSION_MAX) throw new AppError('ALREADY_EXISTS', `the file has ${VERSION_MAX + 1} versions`);
  if (known === undefined) await db.insertInto('files').values(file).execute();
  else await db.updateTable('files').set(file).where('id', '=', file.id).execute();
  await db
    .insertInto('file_versions')
    .values({ ...content, file_id: file.id, version: file.version, created_at: nowMs })
    .execute();
  await addToSums(db, folder.id, known === undefined ? 1 : 0, file.size - (known?.size ?? 0));
  if (Object.keys(input.tags).length > 0) await storeTags(db, folder.container, file.id, JSON.parse(file.tags));
  if (isExaminable(file.mime)) await queueExamination(db, file.id, file.version, nowMs);
  await indexFile(db, file, known === undefined);
  await recordChanges(
    db,
    author,
    known === undefined
      ? [changeOf(file, 'H_CREATED', null, file.name)]
      : [changeOf(file, 'H_CHG_VERSION', fileUuid(known), fileUuid(file), extra), ...descriptionChanges(known, file)],
  );
  return file;
}

/** So many names are tried in their order; after that a chance one, so that the thousandth `scan.pdf` costs no thousand questions. */
const NUMBERED_MAX = 20;

/** A name like this one that no file of the folder has, shortened where it would be too long. The folder is locked. */
async function freeName(db: Executor, folderId: string, name: string): Promise<string> {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
  for (let number = 2; ; number += 1) {
    const mark = number <= NUMBERED_MAX ? String(number) : randomUUID().slice(0, 8);
    const candidate = fitting(stem, ` (${mark})${extension}`);
    if ((await findFileRow(db, folderId, candidate)) === undefined) return candidate;
  }
}

/** The two together, with as much of the first as a name has room for. */
function fitting(stem: string, end: string): string {
  const letters = [...stem];
  for (let length = letters.length; length > 0; length -= 1) {
    const parsed = parseName(letters.slice(0, length).join('') + end);
    if (parsed.ok) return parsed.name;
  }
  return `file${end.slice(0, end.indexOf(')') + 1)}`;
}

/** Changes columns of a file; what it is found by follows. */
export async function storeFile(db: Executor, file: FileRow, change: Partial<FileRow>): Promise<FileRow> {
  const isSearched = SEARCHED_COLUMNS.some((column) => column in change && change[column] !== file[column]);
  const changed = { ...file, ...change };
  const { title_key, look_key } = isSearched
    ? { title_key: titleKey(changed), look_key: storedLookKey(changed) }
    : file;
  await db
    .updateTable('files')
    .set({ ...change, title_key, look_key })
    .where('id', '=', file.id)
    .execute();
  if (isSearched) await indexFile(db, changed);
  return { ...changed, title_key, look_key };
}

/** Puts a file into another folder under its name. Both folders are locked. Raises ALREADY_EXISTS. */
export async function moveFile(db: Executor, file: FileRow, to: FolderRow, nowMs: number): Promise<FileRow> {
  if (file.folder_id === to.id) return file;
  if ((await findFileRow(db, to.id, file.name)) !== undefined) throw new AppError('ALREADY_EXISTS', 'a file');
  const moved = await storeFile(db, file, { folder_id: to.id, modified_at: nowMs });
  await addToSums(db, file.folder_id, -1, -file.size);
  await addToSums(db, to.id, 1, file.size);
  return moved;
}

/** Deletes files with all their versions and answers the blobs that nothing points to any more. Sums are the caller's. */
export async function deleteFiles(db: Executor, fileIds: readonly string[]): Promise<readonly string[]> {
  const blobIds = new Set<string>();
  for (const ids of inParts(fileIds, IDS_MAX)) {
    const versions = await db.deleteFrom('file_versions').where('file_id', 'in', ids).returning('blob_id').execute();
    for (const { blob_id } of versions) blobIds.add(blob_id);
    await db.deleteFrom('files').where('id', 'in', ids).execute();
  }
  return findUnreferenced(db, [...blobIds]);
}

/** Of the blobs, those that no version of any file points to. */
export async function findUnreferenced(db: Executor, blobIds: readonly string[]): Promise<readonly string[]> {
  const orphans = new Set(blobIds);
  for (const ids of inParts(blobIds, IDS_MAX)) {
    const rows = await db.selectFrom('file_versions').select('blob_id').where('blob_id', 'in', ids).execute();
    for (const { blob_id } of rows) orphans.delete(blob_id);
  }
  return [...orphans];
}

/** The ids of all files in the folders. */
export async function findFileIds(db: Executor, folderIds: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const ids of inParts(folderIds, IDS_MAX)) {
    const rows = await db.selectFrom('files').select('id').where('folder_id', 'in', ids).execute();
    for (const { id } of rows) found.push(id);
  }
  return found;
}

/** A list in parts of at most `size`. */
export function inParts<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let start = 0; start < list.length; start += size) parts.push(list.slice(start, start + size));
  return parts;
}

const placedFileById = prepared(2, (db, container = '', id = '') =>
  placedFiles(db).where('files.container', '=', container).where('files.id', '=', id),
);

function placedFiles(db: Executor) {
  return db
    .selectFrom('files')
    .innerJoin('folders', 'folders.id', 'files.folder_id')
    .selectAll('files')
    .select(['folders.path as folder_path', 'folders.is_public as folder_is_public']);
}

/** The records of the files with these ids, whichever there are. */
export async function recordsById(db: Executor, ids: readonly string[]): Promise<ReadonlyMap<string, FileRecord>> {
  const rows = await placedRows(db, ids);
  return new Map(rows.map((row) => [row.id, toFileRecord(toPlacedFile(row))]));
}

/** The rows with these ids, of any container: with its name beside many ids SQLite would look through all of its files. */
function placedRows(db: Executor, ids: readonly string[]) {
  return placedFiles(db)
    .where(isAmong(db, 'files.id', ids))
    .execute();
}

/** A row joined with its folder as a file with its place. */
export function toPlacedFile(
  row: FileRow & { readonly folder_path: string; readonly folder_is_public: number },
): PlacedFile {
  // As it was read: copying every record without the two columns of its folder is slow. No statement writes a whole row that was found with
  // its place.
  return { file: row, place: { path: row.folder_path as CanonicalPath, is_public: row.folder_is_public } }; // The path comes from the store.
}

/** Where the files of a listing are taken from, so that few rows are read however many there are. */
export type Source =
  /** The few that an index says can meet the condition. */
  | { readonly kind: 'candidates'; readonly ids: readonly string[]; readonly folder: FolderRow | undefined }
  /** One folder in its order. */
  | { readonly kind: 'folder'; readonly folder: FolderRow }
  /** The covered folders, which have few files in all. */
  | { readonly kind: 'folders' }
  /** The whole container in its order. */
  | { readonly kind: 'container' };

const CANDIDATES_MAX = 2_000;
const FOLDERS_FILES_MAX = 20_000;

/** The source of a listing, with at most so many candidates; undefined when there is nothing to list. */
export async function findSource(
  db: Executor,
  query: FileQuery,
  candidatesMax = CANDIDATES_MAX,
): Promise<Source | undefined> {
  const scopes = mergeLayers(query.within);
  if (!query.recursive && scopes !== undefined && !covers(scopes, query.folderPath)) return undefined;
  const isWhole = query.folderPath === '/' && scopes === undefined && query.recursive;
  const folder = isWhole ? undefined : await findFolderRow(db, query.container, query.folderPath);
  if (folder === undefined && !isWhole) return undefined;
  if (!isEveryFile(query.where)) {
    const ids = await findCandidates(db, query.container, query.where, candidatesMax);
    if (ids?.length === 0) return undefined;
    if (ids !== undefined) return { kind: 'candidates', ids, folder: query.recursive ? undefined : folder };
  }
  if (folder === undefined) return { kind: 'container' };
  if (!query.recursive) return { kind: 'folder', folder };
  const { files } = await sumFolders(db, folder, true, scopes);
  if (files === 0) return undefined;
  return { kind: files <= FOLDERS_FILES_MAX ? 'folders' : 'container' };
}

/** The files of a listing with their folders, taken from where few rows have to be read. */
export function filesFrom(db: Executor, query: FileQuery, source: Source, refer?: Refer) {
  const scopes = mergeLayers(query.within);
  let found = db
    .selectFrom('files')
    .innerJoin('folders', 'folders.id', 'files.folder_id')
    .where(meets(query.where, refer));
  switch (source.kind) {
    case 'candidates':
      found = found.where(isAmong(db, 'files.id', source.ids));
      // A plus keeps the planner from taking the files in the order of the container.
      found = found.where(sql<boolean>`(files.container || '') = ${query.container}`);
      if (source.folder !== undefined) return found.where(sql<boolean>`(files.folder_id || '') = ${source.folder.id}`);
      break;
    case 'folder':
      return found.where('files.folder_id', '=', source.folder.id);
    case 'folders':
      return found.where(
        sql<boolean>`files.folder_id in (${coveredFolders(query.container, query.folderPath, scopes, sql`covered.id`)})`,
      );
    case 'container':
      found = found.where('files.container', '=', query.container);
  }
  // Without the container's name here the order can come from an index.
  if (query.folderPath !== '/') {
    found = found.where('folders.container', '=', query.container).where(inOrBelow('folders', query.folderPath));
  }
  return scopes === undefined ? found : found.where(coveredBy('folders', scopes));
}

/** Whether there is no condition. */
export function isEveryFile(where: Condition): boolean {
  return where.of === 'all' && where.conditions.length === 0;
}

/** The texts that every match has somewhere. */
function textsOf(where: Condition): readonly string[] {
  if (where.of === 'text') return [where.text];
  return where.of === 'all' ? where.conditions.flatMap((part) => (part.of === 'text' ? [part.text] : [])) : [];
}

/** The lists of texts of which every match has one somewhere, but for what it is found by instead. */
function listsOf(where: Condition): readonly (readonly string[])[] {
  const parts = where.of === 'all' ? where.conditions : [where];
  return parts
    .map((part) => (part.of === 'any' ? part.conditions : [part]))
    .map((some) => some.flatMap((one) => (one.of === 'text' ? [one.text] : [])))
    .filter((texts) => texts.length > 0);
}

interface OrderKey {
  readonly key: RawBuilder<unknown>;
  readonly direction: 'asc' | 'desc';
}

function fileOrder(paging: Paging, lists: readonly (readonly string[])[]): readonly OrderKey[] {
  const direction = paging.descending ? 'desc' : 'asc';
  const by = (...columns: readonly string[]) =>
    [...columns, 'files.name_key', 'files.id'].map((column) => ({ key: sql.ref(column), direction }) as const);
  switch (paging.sort) {
    case 'name':
    case 'assets_count':
      return by();
    case 'title':
      return by('files.title_key');
    case 'created_at':
      return by('files.created_at');
    case 'modified_at':
      return by('files.modified_at');
    case 'size':
      return by('files.size');
    case 'type':
      return by('files.mime');
    case 'relevance': {
      const names = ['files.name_key', 'files.id'].map(
        (column) => ({ key: sql.ref(column), direction: 'asc' }) as const,
      );
      // The nearest is the most relevant.
      const nearest = { key: distanceFrom(lists), direction: paging.descending ? 'asc' : 'desc' } as const;
      return lists.length === 0 ? names : [nearest, ...names];
    }
  }
}

function newestIn(db: Executor, folderId: string, limit: number) {
  return db
    .selectFrom((eb) =>
      eb
        .selectFrom('files')
        .selectAll()
        .where('folder_id', '=', folderId)
        .orderBy('modified_at', 'desc')
        .orderBy('name_key', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .as('newest'),
    )
    .selectAll();
}

/** Holds what is said of a file that was there to what its sender may say of it. Raises DESCRIPTION_FOREIGN. */
function checkWords(known: FileRow, next: FileRow, input: NewFile): void {
  const { ofOld, meta, tags, productRef, productPosition } = input;
  if (ofOld === undefined) return;
  const isFine = (latitude: Latitude, isSaid: boolean, isSame: boolean) =>
    latitude === 'anything' || !isSaid || (latitude === 'the same' && isSame);
  const words = Object.keys(meta).length + Object.keys(tags).length > 0;
  const product = productRef !== undefined || productPosition !== undefined;
  const isSameProduct = next.product_ref === known.product_ref && next.product_position === known.product_position;
  if (
    !isFine(ofOld.description, words, next.meta === known.meta && next.tags === known.tags) ||
    !isFine(ofOld.product, product, isSameProduct)
  ) {
    throw new AppError('DESCRIPTION_FOREIGN');
  }
}

function merged(stored: string, given: JsonObject): string {
  return JSON.stringify({ ...JSON.parse(stored), ...given });
}
