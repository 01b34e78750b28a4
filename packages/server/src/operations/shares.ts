// Shares: files that somebody lets outsiders have, by rights that are lent and never copied.
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderRecord, ScopeLayers } from '../ports/metadata.ts';
import type { ShareDocument, ShareRecord } from '../ports/shares.ts';
import { BARE_DOOR, createDoor, type DoorKind, type DoorWish, updateDoor } from './doors.ts';
import type { Picked } from './objects.ts';

/** Bounds of one share. */
export const SHARE = { itemsMax: 1000, listedMax: 1000 } as const;

/** What a caller says of a share; a member that is absent stays as it is. */
export type ShareWish = DoorWish & Partial<Pick<ShareDocument, 'description' | 'permits'>>;

type Needs = Pick<Ports, 'shares' | 'passwords' | 'system'>;

/** Shares as doors. */
export function shareDoors({ shares }: Pick<Ports, 'shares'>): DoorKind<ShareDocument> {
  return {
    doors: shares,
    name: 'share',
    notFound: 'SHARE_NOT_FOUND',
    passwordNeeded: 'SHARE_PASSWORD_NEEDED',
  };
}

/** Makes a share of what was picked, with the rights of the grant behind it. Raises REQUEST_INVALID. */
export async function createShare(
  ports: Needs,
  grant: Grant<'share.create' | 'file.archive'>,
  picked: Picked,
  wish: ShareWish,
): Promise<ShareRecord> {
  const empty: ShareDocument = { ...BARE_DOOR, description: '', permits: 'download', ...idsOf(picked) };
  const share = await createDoor(ports, shareDoors(ports), grant, empty, wish);
  ports.system.log.info('share.created', {
    by: grant.holder,
    files: picked.files.length,
    folders: picked.folders.length,
  });
  return share;
}

/** Changes a share; with `picked` it shows those instead. Raises SHARE_NOT_FOUND, REQUEST_INVALID. */
export async function updateShare(
  ports: Needs,
  grant: Grant<'share.update' | 'file.archive'>,
  puid: string,
  wish: ShareWish,
  picked: Picked | undefined,
): Promise<ShareRecord> {
  return updateDoor(ports, shareDoors(ports), grant, puid, { ...wish, ...(picked === undefined ? {} : idsOf(picked)) });
}

function idsOf({ files, folders }: Picked): Pick<ShareDocument, 'fileIds' | 'folderIds'> {
  return { fileIds: files.map(({ id }) => id), folderIds: folders.map(({ id }) => id) };
}

/**
 * What of a share's objects is still there, in the order given; who may see it is the guard's to say. `within` bounds what the sums of
 * its folders count.
 */
export async function shareObjects(
  ports: Pick<Ports, 'metadata'>,
  { container, document }: ShareRecord,
  within?: ScopeLayers,
): Promise<Picked> {
  const found = new Map(
    (await ports.metadata.findFiles(container, document.fileIds)).map((file) => [file.id, file] as const),
  );
  const files = document.fileIds.flatMap((id) => found.get(id) ?? []);
  const folders: FolderRecord[] = [];
  for (const id of document.folderIds) {
    const folder = await ports.metadata.findFolderById(container, id, within);
    if (folder !== undefined) folders.push(folder);
  }
  return { files, folders };
}

/** True when the share shows this file: by itself, or in or below a folder of it. */
export function showsFile(picked: Picked, file: FileRecord): boolean {
  return picked.files.some(({ id }) => id === file.id) || folderAbove(picked, file.folderPath) !== undefined;
}

/** The outermost folder of the share that this path is, or lies below. */
export function folderAbove({ folders }: Picked, path: string): FolderRecord | undefined {
  return folders
    .filter((folder) => path === folder.path || path.startsWith(folder.path === '/' ? '/' : `${folder.path}/`))
    .sort((a, b) => a.path.length - b.path.length)[0];
}
