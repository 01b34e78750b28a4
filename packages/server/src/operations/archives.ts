// Many files as one zip: asked for first, fetched as a stream that is made while it is read.
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type CanonicalPath, coversAll, parentOf } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import { EVERY_NAME, type FileRecord, type FolderRecord, fileUuid, type ScopeLayers } from '../ports/metadata.ts';
import { EVERY_FILE } from '../ports/search.ts';
import { ArchiveNames } from './archive-names.ts';
import { lookUpFile } from './files.ts';
import { lookUpFolder } from './folders.ts';
import type { Picked } from './objects.ts';
import { eachSelected, outermost, tooManyFiles } from './selection.ts';
import { getTask, ownerOf, TASK_TTL_MS } from './tasks.ts';
import { watch } from './watch.ts';

/** Bounds of one archive; no more folders are looked through than it may have files. */
export const ARCHIVE = { filesMax: 10_000, bytesMax: 100 * 1024 ** 3 } as const;

/** One file of an archive, or a folder that has nothing else in it. */
export interface ArchiveEntry {
  /** Where it stands in the archive; that of a folder ends with a slash. */
  readonly place: string;
  readonly folderPath: CanonicalPath;
  /** Undefined for a folder. */
  readonly blobId: string | undefined;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** One statement brings so many folders. */
const FOLDERS_PAGE = 500;

type Chosen = { readonly files: readonly string[]; readonly folders: readonly string[] };

/** Remembers what is to be archived, for an hour, and answers the task's id. Raises REQUEST_INVALID when it is too much. */
export async function createArchive(
  ports: Pick<Ports, 'metadata' | 'tasks' | 'system'>,
  grant: Grant<'file.archive'>,
  picked: Picked,
  owner = ownerOf(grant),
): Promise<string> {
  await refuseTooMuch(ports, grant.container, grant.layers('listing'), picked);
  const id = randomUUID();
  const document: Chosen = { files: picked.files.map(fileUuid), folders: picked.folders.map((folder) => folder.id) };
  const { container } = grant;
  const nowMs = ports.system.now();
  const expiresAtMs = nowMs + TASK_TTL_MS;
  await ports.tasks.createTask({ id, container, kind: 'archive', owner, document, expiresAtMs }, nowMs);
  return id;
}

/** Forgets an archive; one that is being fetched breaks off. Raises TASK_NOT_FOUND. */
export async function cancelArchive(
  ports: Pick<Ports, 'tasks' | 'system'>,
  grant: Grant<'file.archive'>,
  id: string,
  owner = ownerOf(grant),
): Promise<void> {
  const task = await getTask(ports, grant, 'archive', id, owner);
  await ports.tasks.removeTask(grant.container, task.id);
}

/**
 * What an archive comes to now: files that are still there and in the scopes, each once, and folders there in which none is. What was
 * deleted or moved out of reach since it was asked for is left out. Raises TASK_NOT_FOUND, FILE_NOT_FOUND when nothing is left, REQUEST_INVALID when it has
 * become too much.
 */
export async function archiveEntries(
  ports: Pick<Ports, 'metadata' | 'tasks' | 'system'>,
  grant: Grant<'file.archive'>,
  id: string,
  owner = ownerOf(grant),
): Promise<readonly ArchiveEntry[]> {
  const chosen = (await getTask(ports, grant, 'archive', id, owner)).document as Chosen; // Only those made above are kept.
  const picked = {
    files: (await found(chosen.files, (uuid) => lookUpFile(ports, grant.container, uuid))).filter((file) =>
      grant.within('listing', file.folderPath),
    ),
    folders: await found(chosen.folders, (folderId) => lookUpFolder(ports, grant.container, folderId)),
  };
  return entriesOf(ports, grant.container, grant.layers('listing'), picked);
}

/** The same for what has been looked up already. */
export async function entriesOf(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  within: ScopeLayers,
  picked: Picked,
): Promise<readonly ArchiveEntry[]> {
  const names = new ArchiveNames();
  const entries: ArchiveEntry[] = [];
  let bytes = 0;
  const take = (file: FileRecord, folder: FolderRecord | undefined) => {
    const { folderPath, blobId, sizeBytes, modifiedAtMs } = file;
    bytes += sizeBytes;
    if (bytes > ARCHIVE.bytesMax) throw tooManyBytes();
    const place = names.file(folder === undefined ? '' : parentPlace(names, folder, folderPath), file.name);
    entries.push({ place, folderPath, blobId, sizeBytes, modifiedAtMs });
  };
  await eachSelected(ports, container, within, picked, { recursive: true, filesMax: ARCHIVE.filesMax }, take);
  for (const { folder, path, modifiedAtMs } of await emptyFolders(ports, container, within, picked, entries)) {
    if (entries.length >= ARCHIVE.filesMax) throw tooManyFiles(ARCHIVE.filesMax);
    const place = parentPlace(names, folder, path);
    entries.push({ place, folderPath: path, blobId: undefined, sizeBytes: 0, modifiedAtMs });
  }
  // The root stands for the archive itself, and may be as empty.
  const isEmptyRoot = picked.folders.some(({ path }) => path === '/' && coversAll(within, path));
  if (entries.length === 0 && !isEmptyRoot) throw new AppError('FILE_NOT_FOUND', 'nothing of the archive is left');
  return entries;
}

/** Folders in the scopes that would be missing from the archive: no file stands in them or below them, and no other folder. */
async function emptyFolders(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  within: ScopeLayers,
  picked: Picked,
  entries: readonly ArchiveEntry[],
): Promise<readonly { readonly folder: FolderRecord; readonly path: CanonicalPath; readonly modifiedAtMs: number }[]> {
  const shown = new Set<string>();
  const show = (path: CanonicalPath) => {
    for (let at: CanonicalPath | undefined = path; at !== undefined && !shown.has(at); at = parentOf(at)) shown.add(at);
  };
  // A picked file stands at the top.
  for (const { place, folderPath } of entries) if (place.includes('/')) show(folderPath);
  const empty = [];
  for (const folder of outermost(picked.folders)) {
    const found = [folder, ...(await foldersBelow(ports, container, within, folder.path))];
    // What lies deeper comes first: with it the folders around it are there.
    for (const { path, updatedAtMs } of found.sort((a, b) => b.path.length - a.path.length)) {
      if (path === '/' || shown.has(path) || !coversAll(within, path)) continue;
      show(path);
      empty.push({ folder, path, modifiedAtMs: updatedAtMs });
    }
  }
  return empty;
}

/** The folders below a folder that the scopes cover or lead through. Raises REQUEST_INVALID when there are too many. */
async function foldersBelow(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  within: ScopeLayers,
  folderPath: CanonicalPath,
): Promise<readonly FolderRecord[]> {
  const query = { container, folderPath, recursive: true, within, names: EVERY_NAME };
  const found: FolderRecord[] = [];
  for (;;) {
    const page = { sort: 'created_at', descending: false, offset: found.length, limit: FOLDERS_PAGE } as const;
    const { items, total } = await ports.metadata.listFolders(query, page);
    if (total > ARCHIVE.filesMax) throw tooManyFiles(ARCHIVE.filesMax);
    found.push(...items);
    if (items.length < FOLDERS_PAGE) return found;
  }
}

/** An archive on its way out. */
export interface OpenedArchive {
  readonly sizeBytes: number;
  readonly bytes: Readable;
}

/** One file, or a folder, for whoever knows the format. */
export interface PackedFile {
  readonly place: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** Undefined for a folder. */
  readonly open: (() => Promise<Readable>) | undefined;
}

/**
 * Writes files as one archive while it is read, and knows before how long it will be. Each file is opened when its turn comes,
 * and closed when the reader leaves; the stream fails when a file cannot be opened or is not as long as it was said to be.
 */
export type Pack = (files: readonly PackedFile[]) => Promise<OpenedArchive>;

/**
 * The archive as a stream of known length. It breaks off when the live rules no longer allow one of the files, when `isWanted` says no, when a
 * file is gone, and when its reader leaves. `grant` covers the folder of every entry.
 */
export async function openArchive(
  ports: Pick<Ports, 'blobs' | 'system'>,
  grant: Grant<'file.download'>,
  entries: readonly ArchiveEntry[],
  pack: Pack,
  isWanted: () => Promise<boolean>,
): Promise<OpenedArchive> {
  await grant.settle();
  grant.keep();
  const { sizeBytes, bytes } = await pack(
    entries.map(({ blobId, ...entry }) => ({
      ...entry,
      open: blobId === undefined ? undefined : () => ports.blobs.read(blobId),
    })),
  );
  const fail = (error: unknown) => {
    bytes.destroy(error instanceof Error ? error : new Error(String(error)));
  };
  const ask = async () => {
    await grant.recheckRights();
    if (!(await isWanted())) throw new AppError('TASK_NOT_FOUND', 'cancelled');
  };
  const stopWatching = watch(ports.system, ask, fail);
  bytes.once('error', (error) => ports.system.log.warn('archive.broken', { error: String(error) }));
  bytes.once('close', stopWatching);
  return { sizeBytes, bytes };
}

async function refuseTooMuch(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  within: ScopeLayers,
  { files, folders }: Picked,
): Promise<void> {
  let count = files.length;
  let bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { path: folderPath } of folders) {
    const query = { container, folderPath, recursive: true, within, where: EVERY_FILE };
    const stats = await ports.metadata.countFiles(query);
    count += stats.files;
    bytes += stats.bytes;
    const below = { container, folderPath, recursive: true, within, names: EVERY_NAME };
    if ((await ports.metadata.countFolders(below)) > ARCHIVE.filesMax) throw tooManyFiles(ARCHIVE.filesMax);
  }
  if (count > ARCHIVE.filesMax) throw tooManyFiles(ARCHIVE.filesMax);
  if (bytes > ARCHIVE.bytesMax) throw tooManyBytes();
}

function tooManyBytes(): AppError {
  const message = `An archive may have ${ARCHIVE.bytesMax} bytes.`;
  return new AppError('REQUEST_INVALID', 'archive', {
    faults: [{ field: 'folders_uuids', code: 'TOO_LARGE', message }],
    limit: ARCHIVE.bytesMax,
  });
}

/** The place of the folder that a file lies in, below the picked one. What lies in the root stands at the top. */
function parentPlace(names: ArchiveNames, folder: FolderRecord, folderPath: CanonicalPath): string {
  let place = folder.path === '/' ? '' : names.folder(folder.path, '', folder.name);
  let path: string = folder.path;
  const below = folderPath.slice(folder.path === '/' ? 1 : folder.path.length + 1);
  for (const name of below === '' ? [] : below.split('/')) {
    path = path === '/' ? `/${name}` : `${path}/${name}`;
    place = names.folder(path, place, name);
  }
  return place;
}

/** What is found of the ids; what is not there any more is left out. */
async function found<T>(ids: readonly string[], get: (id: string) => Promise<T>): Promise<readonly T[]> {
  const records: T[] = [];
  for (const id of ids) {
    try {
      records.push(await get(id));
    } catch (error) {
      if (!(error instanceof AppError) || !error.code.endsWith('_NOT_FOUND')) throw error;
    }
  }
  return records;
}
