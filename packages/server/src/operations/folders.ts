// What can be done with folders.
import type { CanonicalName, CanonicalPath } from '@latchkey/policy';
import { joinPath, leadsToAll, parentOf } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderQuery, FolderRecord, Paging } from '../ports/metadata.ts';

type Needs = Pick<Ports, 'metadata' | 'system'>;

type ListingOperation = 'folder.list' | 'folder.stats' | 'folder.get' | 'folder.preview' | 'file.list' | 'file.stats';

/** How many files a folder's preview shows. */
const PREVIEWS_PER_FOLDER = 3;

/**
 * The folder that a listing starts at, with sums of what the grant covers. The way down to a scope exists for its
 * holder even before the first upload makes it. Raises FOLDER_NOT_FOUND.
 */
export async function getListedFolder(
  ports: Needs,
  grant: Grant<ListingOperation>,
  path: CanonicalPath,
): Promise<FolderRecord> {
  const folder = await ports.metadata.findFolder(grant.container, path, grant.layers('listing'));
  if (folder === undefined) throw new AppError('FOLDER_NOT_FOUND');
  return folder;
}

/** Whether the holder sees only the way through this folder, not what is in it. */
export function isBarePath(grant: Grant<ListingOperation>, path: CanonicalPath): boolean {
  return !grant.within('listing', path) && leadsToAll(grant.layers('listing'), path);
}

/** The folder with this id. Raises FOLDER_NOT_FOUND. */
export async function lookUpFolder(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  id: string,
): Promise<FolderRecord> {
  const folder = await ports.metadata.findFolderById(container, id);
  if (folder === undefined) throw new AppError('FOLDER_NOT_FOUND');
  return folder;
}

/** The same folder as the grant lets it be seen: its sums count only what is in scope. */
export async function getFolder(ports: Needs, grant: Grant<'folder.get'>, folder: FolderRecord): Promise<FolderRecord> {
  const seen = await ports.metadata.findFolderById(grant.container, folder.id, grant.layers('listing'));
  if (seen === undefined) throw new AppError('FOLDER_NOT_FOUND');
  return seen;
}

/** Folders below one that the grant lets be seen, with the total before paging. */
export async function listFolders(
  ports: Needs,
  grant: Grant<'folder.list' | 'file.list'>,
  query: Omit<FolderQuery, 'container' | 'within'>,
  paging: Paging,
): Promise<{ readonly items: readonly FolderRecord[]; readonly total: number }> {
  return ports.metadata.listFolders({ ...query, container: grant.container, within: grant.layers('listing') }, paging);
}

/** How many folders the same query would list. */
export async function countFolders(
  ports: Needs,
  grant: Grant<'folder.stats'>,
  query: Omit<FolderQuery, 'container' | 'within'>,
): Promise<number> {
  return ports.metadata.countFolders({ ...query, container: grant.container, within: grant.layers('listing') });
}

/** The newest files of each folder that is in scope; none of others, which answer like folders that are not there. */
export async function previewFolders(
  ports: Needs,
  grant: Grant<'folder.preview'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly FileRecord[]>> {
  const previews = await ports.metadata.previewFiles(grant.container, ids, PREVIEWS_PER_FOLDER);
  return new Map(
    ids.map((id) => [id, (previews.get(id) ?? []).filter((file) => grant.within('listing', file.folderPath))]),
  );
}

/** Makes a folder and its missing parents. Raises ALREADY_EXISTS. */
export async function createFolder(
  ports: Needs,
  grant: Grant<'folder.create'>,
  path: CanonicalPath,
): Promise<FolderRecord> {
  return ports.metadata.createFolder(grant.container, path, ports.system.now());
}

/** The folder that a new folder appeared in, as the grant lets it be seen: its sums count only what is in scope. */
export async function getParentFolder(
  ports: Needs,
  grant: Grant<'folder.create'>,
  folder: FolderRecord,
): Promise<FolderRecord> {
  const path = parentOf(folder.path);
  const parent = path && (await ports.metadata.findFolder(grant.container, path, grant.layers('listing')));
  return parent ?? folder;
}

/** Where a folder lies after a rename; undefined for the root, which has no name. */
export function renamedPath(folder: FolderRecord, name: CanonicalName): CanonicalPath | undefined {
  const parent = parentOf(folder.path);
  return parent === undefined ? undefined : joinPath(parent, name);
}

/** Gives a folder another name where it is, with everything below it. Raises FOLDER_NOT_FOUND, ALREADY_EXISTS, SCOPE_DENIED. */
export async function renameFolder(
  ports: Needs,
  grant: Grant<'folder.rename'>,
  folder: FolderRecord,
  to: CanonicalPath,
): Promise<FolderRecord> {
  const within = (path: CanonicalPath) => grant.within('listing', path);
  return ports.metadata.moveFolder(
    grant.container,
    folderAt(folder),
    to,
    { within, createParents: false },
    ports.system.now(),
  );
}

/** Where a folder was when its caller was allowed to act on it. */
export function folderAt(folder: FolderRecord): { readonly id: string; readonly folderPath: CanonicalPath } {
  return { id: folder.id, folderPath: folder.path };
}
