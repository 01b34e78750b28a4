// Files and folders in SQL: each method of the Metadata port as one transaction over the rows of folders.ts and files.ts.
import { type CanonicalPath, joinPath } from '@latchkey/policy';
import { sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { RuleChange } from '../../ports/bus.ts';
import type { Author } from '../../ports/changes.ts';
import type {
  At,
  Content,
  DuplicateReach,
  FileQuery,
  FileRecord,
  FileStats,
  FolderQuery,
  FolderRecord,
  Metadata,
  NewFile,
  Paging,
  ScopeLayers,
  VersionAt,
  VersionRecord,
  Visibility,
  Within,
} from '../../ports/metadata.ts';
import { saysAccess } from './access.ts';
import type { SqlBus } from './bus.ts';
import { changeOf, type NewChange, recordChanges } from './changes.ts';
import type { Database, Executor, WriteOptions } from './database.ts';
import {
  commitFile,
  countFileRows,
  deleteFiles,
  deleteVersion,
  findDuplicate,
  findFileIds,
  findFileRow,
  findPlacedFile,
  findPlacedFiles,
  findUnreferenced,
  findVersion,
  getFilesAt,
  inParts,
  listFileRecords,
  listVersionRecords,
  moveFile,
  type PlacedFile,
  previewRecords,
  restoreContent,
  storeFile,
  toFileRecord,
} from './files.ts';
import {
  addToSums,
  countFolderRows,
  ensureFolder,
  type FolderRow,
  findDescendants,
  findFolderRow,
  findFolderRowById,
  getFolderAt,
  listFolderRecords,
  moveTree,
  storeVisibility,
  toFolderRecord,
} from './folders.ts';
import { lockFolders, lockTree } from './locks.ts';
import { finishUploadRow } from './resumable.ts';
import { searchKey } from './text.ts';

/** The Metadata port on a database. Folders that move with what is said of access to them are announced on the bus. */
export function sqlMetadata(database: Database, bus: SqlBus): Metadata {
  return new SqlMetadata(database, bus);
}

/** Objects named by the caller. */
interface Objects {
  readonly files: readonly At[];
  readonly folders: readonly At[];
}

/** The same objects as they are stored. */
interface FoundObjects {
  readonly files: readonly PlacedFile[];
  readonly folders: readonly FolderRow[];
}

class SqlMetadata implements Metadata {
  readonly #database: Database;
  readonly #bus: SqlBus;

  constructor(database: Database, bus: SqlBus) {
    this.#database = database;
    this.#bus = bus;
  }

  findFolder(container: string, path: CanonicalPath, within?: ScopeLayers): Promise<FolderRecord | undefined> {
    return this.#query(async (db) => {
      const row = await findFolderRow(db, container, path);
      return row && toFolderRecord(db, row, within);
    });
  }

  findFolderById(container: string, id: string, within?: ScopeLayers): Promise<FolderRecord | undefined> {
    return this.#query(async (db) => {
      const row = await findFolderRowById(db, container, id);
      return row && toFolderRecord(db, row, within);
    });
  }

  listFolders(query: FolderQuery, paging: Paging) {
    return this.#query((db) => listFolderRecords(db, query, paging));
  }

  countFolders(query: FolderQuery): Promise<number> {
    return this.#query((db) => countFolderRows(db, query));
  }

  createFolder(container: string, path: CanonicalPath, nowMs: number): Promise<FolderRecord> {
    return this.#change(container, 'exclusive', async (db) => {
      if ((await findFolderRow(db, container, path)) !== undefined) throw new AppError('ALREADY_EXISTS', 'a folder');
      return toFolderRecord(db, await ensureFolder(db, container, path, nowMs));
    });
  }

  moveFolder(
    container: string,
    folder: At,
    to: CanonicalPath,
    options: { readonly within: Within; readonly createParents: boolean },
    nowMs: number,
  ): Promise<FolderRecord> {
    return this.#move(container, async (db) => {
      const row = await getFolderAt(db, container, folder);
      return toFolderRecord(db, await moveTree(db, row, to, options, nowMs));
    });
  }

  findFile(container: string, id: string, version?: number): Promise<FileRecord | undefined> {
    return this.#query(async (db) => {
      const found = await findPlacedFile(db, container, id);
      return found && findVersion(db, found, version ?? found.file.version);
    });
  }

  findFiles(container: string, ids: readonly string[]): Promise<readonly FileRecord[]> {
    return this.#query(async (db) => (await findPlacedFiles(db, container, ids)).map(toFileRecord));
  }

  findFileByName(container: string, folderPath: CanonicalPath, name: string): Promise<FileRecord | undefined> {
    return this.#query(async (db) => {
      const place = await findFolderRow(db, container, folderPath);
      const file = place && (await findFileRow(db, place.id, name));
      return place && file && toFileRecord({ file, place });
    });
  }

  listFiles(query: FileQuery, paging: Paging): Promise<readonly FileRecord[]> {
    return this.#query((db) => listFileRecords(db, query, paging));
  }

  countFiles(query: FileQuery): Promise<FileStats> {
    return this.#query((db) => countFileRows(db, query));
  }

  findDuplicates(container: string, contents: readonly Content[], reach: DuplicateReach, within: ScopeLayers) {
    return this.#query(async (db) => {
      const found: (FileRecord | undefined)[] = [];
      for (const content of contents) found.push(await findDuplicate(db, container, content, reach, within));
      return found;
    });
  }

  previewFiles(container: string, folderIds: readonly string[], limit: number) {
    return this.#query((db) => previewRecords(db, container, folderIds, limit));
  }

  async commitFiles(container: string, files: readonly NewFile[], author: Author): Promise<readonly FileRecord[]> {
    // Nearly always the folders are there, and uploads into different folders need not wait for each other, nor for each other's flush.
    const commit = async (db: Executor) => {
      const folders = await foldersOf(files, (path) => findFolderRow(db, container, path));
      return folders && this.#commitInto(db, folders, files, author);
    };
    const committed = await this.#change(container, 'shared', commit, { joined: files.length <= JOINED_MAX });
    if (committed !== undefined) return committed;
    return this.#change(container, 'exclusive', async (db) => {
      const folders = await foldersOf(files, (path) => ensureFolder(db, container, path, author.nowMs));
      if (folders === undefined) throw new TypeError('A folder that has been made is there.');
      return this.#commitInto(db, folders, files, author);
    });
  }

  listVersions(
    container: string,
    id: string,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<readonly VersionRecord[]> {
    return this.#query(async (db) => {
      const found = await findPlacedFile(db, container, id);
      return found === undefined ? [] : listVersionRecords(db, found, page);
    });
  }

  restoreVersion(container: string, file: VersionAt, uploadedBy: string, author: Author): Promise<FileRecord> {
    return this.#changeObjects(container, { files: [file], folders: [] }, (db, { files: [found] }) => {
      if (found === undefined) throw new TypeError('One file was asked for.');
      return restoreContent(db, found, file.version, uploadedBy, author);
    });
  }

  renameFile(container: string, file: At, name: string, author: Author): Promise<FileRecord> {
    return this.#changeObjects(container, { files: [file], folders: [] }, async (db, { files: [found] }) => {
      if (found === undefined) throw new TypeError('One file was asked for.');
      const { file: row, place } = found;
      if (row.name === name) return toFileRecord(found);
      if ((await findFileRow(db, row.folder_id, name)) !== undefined) throw new AppError('ALREADY_EXISTS', 'a file');
      const change = { name, name_key: searchKey(name), modified_at: author.nowMs };
      const file = await storeFile(db, row, change);
      await recordChanges(db, author, [changeOf(file, 'H_RENAME', row.name, name)]);
      return toFileRecord({ file, place });
    });
  }

  setVisibility(container: string, objects: Objects, visibility: Visibility, author: Author) {
    return this.#changeObjects(container, objects, async (db, { files, folders }) => {
      const { nowMs } = author;
      for (const folder of folders) await storeVisibility(db, folder, visibility, nowMs);
      const changes: NewChange[] = [];
      for (const { file } of files) {
        await storeFile(db, file, { visibility, modified_at: nowMs });
        if (file.visibility !== visibility) {
          changes.push(changeOf(file, 'H_CHG_VISIBILITY', file.visibility, visibility));
        }
      }
      await recordChanges(db, author, changes);
      const changed = await getFilesAt(db, container, objects.files);
      return { files: changed.map(toFileRecord), folders: await currentFolders(db, container, folders) };
    });
  }

  moveObjects(
    container: string,
    objects: Objects,
    destination: CanonicalPath,
    options: { readonly within: Within; readonly createDestination: boolean },
    author: Author,
  ) {
    const { nowMs } = author;
    return this.#move(container, async (db) => {
      const { files, folders } = await getObjects(db, container, objects);
      const to = options.createDestination
        ? await ensureFolder(db, container, destination, nowMs)
        : await findFolderRow(db, container, destination);
      if (to === undefined) throw new AppError('FOLDER_NOT_FOUND', 'the destination');
      for (const { place } of files) {
        if (!options.within(place.path) || !options.within(to.path)) throw new AppError('SCOPE_DENIED', 'a file');
      }
      const movedFolders: FolderRow[] = [];
      for (const { id } of folders) {
        // Read again: an earlier one of the list may have carried it along.
        const folder = await findFolderRowById(db, container, id);
        if (folder === undefined) throw new AppError('FOLDER_NOT_FOUND', 'moved twice');
        const moveOptions = { within: options.within, createParents: false };
        movedFolders.push(await moveTree(db, folder, joinPath(to.path, folder.name), moveOptions, nowMs));
      }
      const movedFiles: FileRecord[] = [];
      const changes: NewChange[] = [];
      for (const { file, place } of files) {
        const moved = await moveFile(db, file, to, nowMs);
        movedFiles.push(toFileRecord({ file: moved, place: to }));
        if (moved.folder_id !== file.folder_id) changes.push(changeOf(moved, 'H_MOVE', place.path, to.path));
      }
      await recordChanges(db, author, changes);
      const records = await currentFolders(db, container, movedFolders);
      return { files: movedFiles, folders: records, destination: await currentFolder(db, container, to.id) };
    });
  }

  deleteObjects(
    container: string,
    objects: Objects,
    options: {
      readonly within: Within;
      readonly versions?: { readonly of: readonly VersionAt[]; readonly author: Author };
    },
  ) {
    const { within, versions } = options;
    const touched = { files: [...objects.files, ...(versions?.of ?? [])], folders: objects.folders };
    const whole = new Set(objects.files.map(({ id }) => id));
    const work = (announce: (db: Executor) => Promise<void>) =>
      this.#changeObjects(container, touched, async (db, found) => {
        const { folders } = found;
        if (folders.length > 0) await announce(db);
        const files = found.files.filter(({ file }) => whole.has(file.id));
        const known = new Map(found.files.map((one) => [one.file.id, one]));
        const older: string[] = [];
        for (const { id, version } of versions?.of ?? []) {
          const placed = known.get(id);
          if (placed === undefined || versions === undefined) throw new TypeError('Every file has been looked up.');
          if (!within(placed.place.path)) throw new AppError('SCOPE_DENIED', 'a version');
          older.push(await deleteVersion(db, placed.file, version, versions.author));
        }
        const doomed = new Map<string, CanonicalPath>();
        for (const folder of folders) {
          if (folder.path === '/') {
            throw new AppError('REQUEST_INVALID', 'the root', { hint: 'The root folder cannot be deleted.' });
          }
          for (const { id, path } of [folder, ...(await findDescendants(db, folder))]) doomed.set(id, path);
        }
        for (const path of [...doomed.values(), ...files.map(({ place }) => place.path)]) {
          if (!within(path)) throw new AppError('SCOPE_DENIED', 'something of what would be deleted');
        }
        const fileIds = new Set(await findFileIds(db, [...doomed.keys()]));
        for (const { file } of files) {
          fileIds.add(file.id);
          if (!doomed.has(file.folder_id)) await addToSums(db, file.folder_id, -1, -file.size);
        }
        const blobIds = await deleteFiles(db, [...fileIds]);
        for (const ids of inParts([...doomed.keys()], FOLDERS_AT_ONCE)) {
          await db.deleteFrom('folder_access').where('folder_id', 'in', ids).execute();
          await db.deleteFrom('folders').where('id', 'in', ids).execute();
        }
        return { blobIds: [...blobIds, ...(await findUnreferenced(db, older))] };
      });
    return this.#withAccess(container, work);
  }

  findOrphans(blobIds: readonly string[]): Promise<readonly string[]> {
    return this.#query((db) => findUnreferenced(db, blobIds));
  }

  check(): Promise<void> {
    return this.#query(async (db) => {
      await sql`select 1`.execute(db);
    });
  }

  async #commitInto(
    db: Executor,
    folders: ReadonlyMap<CanonicalPath, FolderRow>,
    files: readonly NewFile[],
    author: Author,
  ): Promise<readonly FileRecord[]> {
    await lockFolders(
      db,
      this.#database.dialect,
      [...folders.values()].map(({ id }) => id),
    );
    const records: FileRecord[] = [];
    for (const file of files) {
      const folder = folders.get(file.folderPath);
      if (folder === undefined) throw new TypeError('The folder of each file has been looked up.');
      const row = await commitFile(db, folder, file, author);
      if (file.upload !== undefined) await finishUploadRow(db, file.upload, row);
      records.push(toFileRecord({ file: row, place: folder }));
    }
    return records;
  }

  /** Files alone can be changed while others change other folders; folders need the tree for themselves. */
  #changeObjects<T>(
    container: string,
    objects: Objects,
    work: (db: Executor, found: FoundObjects) => Promise<T>,
  ): Promise<T> {
    return this.#change(container, objects.folders.length === 0 ? 'shared' : 'exclusive', async (db) => {
      const found = await getObjects(db, container, objects);
      const { dialect } = this.#database;
      if (dialect === 'sqlite' || objects.folders.length > 0) return work(db, found);
      await lockFolders(
        db,
        dialect,
        found.files.map(({ file }) => file.folder_id),
      );
      // Read again: only now nobody else changes them.
      return work(db, await getObjects(db, container, objects));
    });
  }

  /** A change after which folders are elsewhere or gone. */
  #move<T>(container: string, work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#withAccess(container, (announce) =>
      this.#change(container, 'exclusive', async (db) => {
        await announce(db);
        return work(db);
      }),
    );
  }

  /** With folders goes what is said of access to them, of which every node must hear: `announce` belongs into the transaction. */
  async #withAccess<T>(container: string, run: (announce: (db: Executor) => Promise<void>) => Promise<T>): Promise<T> {
    const change: RuleChange = { kind: 'rules', container };
    let isSaid = false;
    try {
      return await run(async (db) => {
        isSaid = await saysAccess(db, container);
        if (isSaid) await this.#bus.announce(db, change);
      });
    } finally {
      // Also when it failed: a commit whose answer was lost is a commit.
      if (isSaid) this.#bus.tell(change);
    }
  }

  #query<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.query('STORE_UNAVAILABLE', work);
  }

  #change<T>(
    container: string,
    tree: 'exclusive' | 'shared',
    work: (db: Executor) => Promise<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const locked = async (db: Executor) => {
      await lockTree(db, this.#database.dialect, container, tree);
      return work(db);
    };
    return this.#database.write('STORE_UNAVAILABLE', locked, options);
  }
}

const FOLDERS_AT_ONCE = 5_000;
/** Uploads of more files at once are a transaction of their own: nobody else's waits for them. */
const JOINED_MAX = 10;

/** The folder of each file, by path; undefined when `find` misses one. */
async function foldersOf(
  files: readonly NewFile[],
  find: (path: CanonicalPath) => Promise<FolderRow | undefined>,
): Promise<ReadonlyMap<CanonicalPath, FolderRow> | undefined> {
  const folders = new Map<CanonicalPath, FolderRow>();
  for (const { folderPath } of files) {
    if (folders.has(folderPath)) continue;
    const folder = await find(folderPath);
    if (folder === undefined) return undefined;
    folders.set(folderPath, folder);
  }
  return folders;
}

/** Every object where the caller believed it to be, each once. */
async function getObjects(db: Executor, container: string, objects: Objects): Promise<FoundObjects> {
  const files = await getFilesAt(db, container, objects.files);
  const folders = new Map<string, FolderRow>();
  for (const at of objects.folders) folders.set(at.id, await getFolderAt(db, container, at));
  return { files, folders: [...folders.values()] };
}

/** The folders as they are after all changes of the transaction, in the order given. */
async function currentFolders(
  db: Executor,
  container: string,
  folders: readonly FolderRow[],
): Promise<readonly FolderRecord[]> {
  const records: FolderRecord[] = [];
  for (const { id } of folders) records.push(await currentFolder(db, container, id));
  return records;
}

async function currentFolder(db: Executor, container: string, id: string): Promise<FolderRecord> {
  const row = await findFolderRowById(db, container, id);
  if (row === undefined) throw new AppError('FOLDER_NOT_FOUND', 'gone within its own transaction');
  return toFolderRecord(db, row);
}
