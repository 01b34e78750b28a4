// Where files and folders are recorded: names, places, versions and what is known of them - not the bytes.
import type { CanonicalPath, FolderScope } from '@latchkey/policy';
import type { ApprovalStatus } from './approval-states.ts';
import type { Author, Person } from './changes.ts';
import type { Condition } from './search.ts';

/** What was chosen for a file or folder; `inherited` takes the nearest choice above it, and public at the root. */
export type Visibility = 'inherited' | 'public' | 'not_public';

/** JSON values as stored in `meta` and `info`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** A folder. `filesDirect` and the recursive sums are live. */
export interface FolderRecord {
  readonly id: string;
  readonly path: CanonicalPath;
  readonly name: string;
  readonly visibility: Visibility;
  /** The outcome of inheritance. */
  readonly isPublic: boolean;
  readonly meta: JsonObject;
  readonly filesDirect: number;
  readonly filesRecursive: number;
  readonly bytesRecursive: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A file in one of its versions (the current one unless a version was asked for). */
export interface FileRecord {
  /** Stable over versions: the uuid without its last four characters. */
  readonly id: string;
  /** 0-65535; the last four hexadecimal characters of the uuid (wire contract 5.1). */
  readonly version: number;
  readonly currentVersion: number;
  readonly folderId: string;
  readonly folderPath: CanonicalPath;
  readonly name: string;
  readonly mime: string;
  readonly sizeBytes: number;
  readonly sha1: string;
  readonly sha256: string;
  readonly blobId: string;
  readonly visibility: Visibility;
  readonly isPublic: boolean;
  readonly meta: JsonObject;
  readonly tags: JsonObject;
  readonly info: JsonObject;
  /** The short ids of its labels, in the order in which they were attached. */
  readonly labels: readonly string[];
  readonly productRef: string | undefined;
  readonly productPosition: number | undefined;
  /** How the latest approval of the current version stands; what is pending is rejected once its due date has passed. */
  readonly approval: { readonly status: ApprovalStatus; readonly dueAtMs: number | undefined } | undefined;
  /** Key id or secret key uid that uploaded it. */
  readonly uploadedBy: string;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** A version of a file, and who made it as far as the log says. */
export interface VersionRecord {
  readonly file: FileRecord;
  readonly by: Person | undefined;
}

/** An older version to be deleted alone. */
export interface VersionAt extends At {
  readonly version: number;
}

/** The uuid on the wire: file id and version counter (wire contract 5.1). */
export function fileUuid(file: { readonly id: string; readonly version: number }): string {
  return file.id + file.version.toString(16).padStart(4, '0');
}

/** Splits a wire uuid; undefined when it cannot be one. */
export function parseFileUuid(uuid: string): { readonly id: string; readonly version: number } | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(uuid)) return undefined;
  return { id: uuid.slice(0, -4), version: Number.parseInt(uuid.slice(-4), 16) };
}

/** What may be said of something: anything, only what is said already, or nothing at all. */
export type Latitude = 'anything' | 'the same' | 'nothing';

/** A written blob on its way to become a file (or the next version of one). */
export interface NewFile {
  readonly folderPath: CanonicalPath;
  readonly name: string;
  readonly mime: string;
  readonly sizeBytes: number;
  readonly sha1: string;
  readonly sha256: string;
  readonly blobId: string;
  readonly meta: JsonObject;
  readonly tags: JsonObject;
  readonly info: JsonObject;
  readonly productRef: string | undefined;
  readonly productPosition: number | undefined;
  readonly uploadedBy: string;
  /** What of `meta` and `tags`, and what of the product, may be said of a file that has the name already; anything when
   *  it is absent. */
  readonly ofOld?: { readonly description: Latitude; readonly product: Latitude };
  /** What becomes of it when its name is taken: the next version of that file by default, or a file beside it under the first free name
   *  like `name (2).txt`. */
  readonly whenTaken?: 'rename';
  /** The resumable upload that becomes this file, and the lock on it. */
  readonly upload?: { readonly uploadId: string; readonly token: string };
}

/** What a listing is sorted by. `relevance` puts matches in names before those in tags and metadata, and sorts by name
 *  where nothing was searched for or too much was found to weigh it. Folders know neither types nor titles, only names. */
export type SortKey = 'name' | 'title' | 'created_at' | 'modified_at' | 'size' | 'type' | 'assets_count' | 'relevance';

/** What of the tree a listing may show: every layer must cover a folder for it to be seen. */
export type ScopeLayers = readonly (readonly FolderScope[])[];

/** Content that is about to become a file. */
export interface Content {
  readonly folderPath: CanonicalPath;
  readonly name: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** How far away a file of the same content still is a duplicate: under the same name in the same folder, anywhere in the
 *  same folder, or anywhere in the container. Each includes the one before. */
export type DuplicateReach = 'name' | 'folder' | 'container';

/** Which files. */
export interface FileQuery {
  readonly container: string;
  readonly folderPath: CanonicalPath;
  readonly recursive: boolean;
  /** Only files in folders covered by every layer. */
  readonly within: ScopeLayers;
  /** Only files that meet it. */
  readonly where: Condition;
}

/** Which folders. */
export interface FolderQuery {
  readonly container: string;
  readonly folderPath: CanonicalPath;
  readonly recursive: boolean;
  /** Only folders covered by every layer, or leading to a covered one. Sums count only what is covered. */
  readonly within: ScopeLayers;
  /** Only folders whose name meets it. */
  readonly names: NameCondition;
}

/** What a name must be like, whatever its letter case. `any` of nothing holds for none, `all` of nothing for every name. */
export type NameCondition =
  | { readonly of: 'all' | 'any'; readonly conditions: readonly NameCondition[] }
  | { readonly of: 'not'; readonly condition: NameCondition }
  | { readonly of: 'name'; readonly is: 'equal' | 'begins' | 'contains'; readonly text: string };

export const EVERY_NAME: NameCondition = { of: 'all', conditions: [] };
export const NO_NAME: NameCondition = { of: 'any', conditions: [] };

export interface Paging {
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

export interface FileStats {
  readonly files: number;
  readonly bytes: number;
  /** Counting stopped at a bound: there are at least so many. */
  readonly isBounded?: true;
}

/** Where the caller believed an object to be when it was allowed to act - the folder of a file, the path of a folder; the
 *  store acts only if it still is there. */
export interface At {
  readonly id: string;
  readonly folderPath: CanonicalPath;
}

/** Asked inside the transaction of every folder that a tree change touches; false refuses the whole change. */
export type Within = (path: CanonicalPath) => boolean;

/**
 * Files and folders. Each method is one transaction: all or nothing, durable when it resolves, seen by later reads.
 * Names are unique per folder among files and, separately, among folders. Raises STORE_UNAVAILABLE, and what is named.
 * `container` arguments are container tokens. An object that is no longer where `At` says is "not found".
 * Methods that take an author log what they do to files, each file by itself, in the same transaction; files that a folder
 * carries along are not changed themselves.
 */
export interface Metadata {
  /** The folder at the path; the root always exists. `within` bounds what its sums count. */
  findFolder(container: string, path: CanonicalPath, within?: ScopeLayers): Promise<FolderRecord | undefined>;
  findFolderById(container: string, id: string, within?: ScopeLayers): Promise<FolderRecord | undefined>;
  listFolders(
    query: FolderQuery,
    paging: Paging,
  ): Promise<{ readonly items: readonly FolderRecord[]; readonly total: number }>;
  countFolders(query: FolderQuery): Promise<number>;
  /** Makes the folder and its missing parents. Raises ALREADY_EXISTS when it is there. */
  createFolder(container: string, path: CanonicalPath, nowMs: number): Promise<FolderRecord>;
  /** Renames or moves a folder with everything below it to `to` (its new full path); the new parent must exist or is
   *  made when `createParents`. Raises FOLDER_NOT_FOUND, ALREADY_EXISTS, SCOPE_DENIED (by `within`, asked for every
   *  descendant at both ends), REQUEST_INVALID for the root or a move into itself. */
  moveFolder(
    container: string,
    folder: At,
    to: CanonicalPath,
    options: { readonly within: Within; readonly createParents: boolean },
    nowMs: number,
  ): Promise<FolderRecord>;

  /** By id; `version` picks an older version's content. */
  findFile(container: string, id: string, version?: number): Promise<FileRecord | undefined>;
  /** Those of the files that there are, each once, in their current versions. */
  findFiles(container: string, ids: readonly string[]): Promise<readonly FileRecord[]>;
  findFileByName(container: string, folderPath: CanonicalPath, name: string): Promise<FileRecord | undefined>;
  listFiles(query: FileQuery, paging: Paging): Promise<readonly FileRecord[]>;
  /** Exact without a condition and for up to `COUNT_MAX` files; see `FileStats.isBounded`. */
  countFiles(query: FileQuery): Promise<FileStats>;
  /** For each content, in order, a file that has it in its current version, the nearest within reach: the file of the same
   *  name, else one of the same folder, else any. Only files in folders covered by every layer are found. Nothing has
   *  content of no bytes in common but a name. */
  findDuplicates(
    container: string,
    contents: readonly Content[],
    reach: DuplicateReach,
    within: ScopeLayers,
  ): Promise<readonly (FileRecord | undefined)[]>;
  /** The newest `limit` files directly in each folder (by id), for folder previews. */
  previewFiles(
    container: string,
    folderIds: readonly string[],
    limit: number,
  ): Promise<ReadonlyMap<string, readonly FileRecord[]>>;
  /** Records written blobs as files, in order, in one transaction. The folders are made when missing. A taken name
   *  becomes the file's next version (its metadata, tags, product and visibility stay; given ones are merged over, and
   *  raise DESCRIPTION_FOREIGN when they go beyond `ofOld`).
   *  A file that names its resumable upload finishes it, once: raises UPLOAD_LOCKED when it is finished, gone, or not
   *  locked by that token any more. */
  commitFiles(container: string, files: readonly NewFile[], author: Author): Promise<readonly FileRecord[]>;
  /** The versions of a file, newest first. */
  listVersions(
    container: string,
    id: string,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<readonly VersionRecord[]>;
  /** Makes the content of an older version the next version of the file; everything in between stays. Raises
   *  FILE_NOT_FOUND, also for a version that is not there, ALREADY_EXISTS when there can be no more versions. */
  restoreVersion(container: string, file: VersionAt, uploadedBy: string, author: Author): Promise<FileRecord>;
  /** Raises FILE_NOT_FOUND, ALREADY_EXISTS. */
  renameFile(container: string, file: At, name: string, author: Author): Promise<FileRecord>;
  /** Sets the choice on files and folders. Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND. */
  setVisibility(
    container: string,
    objects: { readonly files: readonly At[]; readonly folders: readonly At[] },
    visibility: Visibility,
    author: Author,
  ): Promise<{ readonly files: readonly FileRecord[]; readonly folders: readonly FolderRecord[] }>;
  /** Moves files and folders to one destination folder in one transaction. `createDestination` makes it when it is
   *  missing, otherwise FOLDER_NOT_FOUND. Raises like `moveFolder`. */
  moveObjects(
    container: string,
    objects: { readonly files: readonly At[]; readonly folders: readonly At[] },
    destination: CanonicalPath,
    options: { readonly within: Within; readonly createDestination: boolean },
    author: Author,
  ): Promise<{
    readonly files: readonly FileRecord[];
    readonly folders: readonly FolderRecord[];
    readonly destination: FolderRecord;
  }>;
  /** Deletes files, single older versions and whole folder trees in one transaction; answers the blobs that nothing points
   *  to any more. A current version cannot be deleted alone: FILE_NOT_FOUND.
   *  Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND, SCOPE_DENIED, REQUEST_INVALID for the root. */
  deleteObjects(
    container: string,
    objects: { readonly files: readonly At[]; readonly folders: readonly At[] },
    options: {
      readonly within: Within;
      readonly versions?: { readonly of: readonly VersionAt[]; readonly author: Author };
    },
  ): Promise<{ readonly blobIds: readonly string[] }>;
  /** Of the given blob ids, those that no version of any file points to. For the sweep. */
  findOrphans(blobIds: readonly string[]): Promise<readonly string[]>;
  /** Rejects with STORE_UNAVAILABLE when the database cannot answer. For readiness. */
  check(): Promise<void>;
}
