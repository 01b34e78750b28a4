// From ids in a request to records the caller may know of.
import { AppError } from '../errors.ts';
import { lookUpFile } from '../operations/files.ts';
import { lookUpFolder } from '../operations/folders.ts';
import type { FileRecord, FolderRecord } from '../ports/metadata.ts';
import { mayKnow } from './input.ts';
import type { Call } from './route.ts';

/** The file with this uuid. Raises FILE_NOT_FOUND, also for one outside the caller's scope. */
export async function fileOf(call: Call, uuid: string | undefined): Promise<FileRecord> {
  const file = await lookUpFile(call.ports, call.container, uuid ?? '');
  if (!mayKnow(call, 'files', file.folderPath)) throw new AppError('FILE_NOT_FOUND', 'outside the scope');
  return file;
}

/** The folder with this uuid. Raises FOLDER_NOT_FOUND, also for one outside the caller's scope. */
export async function folderOfId(call: Call, id: string | undefined): Promise<FolderRecord> {
  const folder = await lookUpFolder(call.ports, call.container, id ?? '');
  if (!mayKnow(call, 'folder', folder.path)) throw new AppError('FOLDER_NOT_FOUND', 'outside the scope');
  return folder;
}

/** All files with these uuids, each once. Raises FILE_NOT_FOUND when one is missing. */
export async function filesOf(call: Call, uuids: readonly string[]): Promise<readonly FileRecord[]> {
  const files = await Promise.all(uuids.map((uuid) => fileOf(call, uuid)));
  return [...new Map(files.map((file) => [file.id, file])).values()];
}

/** All versions with these uuids, each once. Raises FILE_NOT_FOUND when one is missing. */
export async function versionsOf(call: Call, uuids: readonly string[]): Promise<readonly FileRecord[]> {
  return Promise.all([...new Set(uuids)].map((uuid) => fileOf(call, uuid)));
}

/** All folders with these uuids, each once. Raises FOLDER_NOT_FOUND when one is missing. */
export async function foldersOf(call: Call, ids: readonly string[]): Promise<readonly FolderRecord[]> {
  return Promise.all([...new Set(ids)].map((id) => folderOfId(call, id)));
}
