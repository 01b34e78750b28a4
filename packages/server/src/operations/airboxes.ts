// Airboxes: folders into which somebody lets outsiders hand files in, by rights that are lent and never copied.
import { type CanonicalPath, type NarrowingDocument, parseNarrowing } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { AirboxDocument, AirboxRecord } from '../ports/airboxes.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import type { FileRecord, FolderRecord } from '../ports/metadata.ts';
import { BARE_DOOR, createDoor, type DoorKind, type DoorWish, updateDoor } from './doors.ts';
import { commitUploads, type Description, type StagedFile } from './uploads.ts';

/** What a caller says of an airbox; a member that is absent stays as it is. */
export type AirboxWish = DoorWish & Partial<Omit<AirboxDocument, keyof typeof BARE_DOOR | 'folderId'>>;

type Needs = Pick<Ports, 'airboxes' | 'passwords' | 'system'>;

/** Airboxes as doors. */
export function airboxDoors({ airboxes }: Pick<Ports, 'airboxes'>): DoorKind<AirboxDocument> {
  return {
    doors: airboxes,
    name: 'airbox',
    notFound: 'AIRBOX_NOT_FOUND',
    passwordNeeded: 'AIRBOX_PASSWORD_NEEDED',
  };
}

/** Makes an airbox for a folder, with the rights of the grant behind it. Raises REQUEST_INVALID. */
export async function createAirbox(
  ports: Needs,
  grant: Grant<'airbox.create'>,
  folder: FolderRecord,
  wish: AirboxWish,
): Promise<AirboxRecord> {
  const empty: AirboxDocument = {
    ...BARE_DOOR,
    message: '',
    folderId: folder.id,
    filesMax: null,
    bytesMax: null,
    fileBytesMax: null,
    allowedTypes: [],
  };
  const airbox = await createDoor(ports, airboxDoors(ports), grant, empty, { ...wish, ...checked(wish, folder.path) });
  ports.system.log.info('airbox.created', { by: grant.holder, folder: folder.id });
  return airbox;
}

/** Changes an airbox; with a folder it takes files for that one from now on. Raises AIRBOX_NOT_FOUND, REQUEST_INVALID. */
export async function updateAirbox(
  ports: Needs,
  grant: Grant<'airbox.update'>,
  puid: string,
  wish: AirboxWish,
  folder: FolderRecord | undefined,
): Promise<AirboxRecord> {
  const place = folder === undefined ? {} : { folderId: folder.id };
  const said = { ...wish, ...checked(wish, folder?.path ?? '/'), ...place };
  return updateDoor(ports, airboxDoors(ports), grant, puid, said);
}

/** The types in the spelling that templates keep. Raises REQUEST_INVALID for what no narrowing can say. */
function checked(wish: AirboxWish, folderPath: string): Pick<Partial<AirboxDocument>, 'allowedTypes'> {
  const { allowedTypes } = wish;
  const parsed = parseNarrowing({
    upload: {
      dir_scope: [folderPath],
      ...(allowedTypes === undefined || allowedTypes.length === 0 ? {} : { allowed_types: allowedTypes }),
    },
  });
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ field, ...fault }) => ({
      field: field.replace(/^upload\./, '').replace(/^dir_scope.*/, 'folder'),
      ...fault,
    }));
    throw new AppError('REQUEST_INVALID', 'airbox', { faults });
  }
  return allowedTypes === undefined ? {} : { allowedTypes: parsed.value.document.upload?.allowed_types ?? [] };
}

/** The folder that an airbox takes files for, where it is by now; undefined when it is gone. */
export function airboxFolder(
  ports: Pick<Ports, 'metadata'>,
  { container, document }: AirboxRecord,
): Promise<FolderRecord | undefined> {
  return ports.metadata.findFolderById(container, document.folderId);
}

/**
 * What an airbox lends: the rights of its maker, of which nothing is left but to upload into this very folder, within its bounds. They
 * are counted like those of one access key, so all visitors together share them.
 */
export function lentThrough({ lent, document }: AirboxRecord, folderPath: CanonicalPath): Lent {
  const { filesMax, bytesMax, fileBytesMax, allowedTypes } = document;
  const own: NarrowingDocument = {
    permissions: ['FILE_UPLOAD'],
    upload: {
      dir_scope: [folderPath],
      ...(filesMax === null ? {} : { max: filesMax }),
      ...(bytesMax === null ? {} : { max_total_size: bytesMax }),
      ...(fileBytesMax === null ? {} : { max_file_size: fileBytesMax }),
      ...(allowedTypes.length === 0 ? {} : { allowed_types: allowedTypes }),
    },
  };
  return { ...lent, narrowings: [...lent.narrowings, own] };
}

/**
 * Records what visitors handed in, all of it or nothing: in the folder as it was when they were let in, and only while it is there. A name that is taken is left to whom it belongs; the new file gets another. Raises AIRBOX_NOT_FOUND and
 * what `commitUploads` raises.
 */
export async function commitHandedIn(
  ports: Pick<Ports, 'blobs' | 'metadata' | 'settings' | 'system'>,
  airbox: AirboxRecord,
  folder: FolderRecord,
  staged: readonly StagedFile[],
): Promise<readonly FileRecord[]> {
  const now = await airboxFolder(ports, airbox);
  if (now?.path !== folder.path) throw new AppError('AIRBOX_NOT_FOUND', 'its folder is gone');
  return commitUploads(
    ports,
    folder.path,
    staged.map((file) => ({ ...file, description: NOTHING_SAID, whenTaken: 'rename' })),
  );
}

/** Outsiders say nothing of files but their names. */
const NOTHING_SAID: Description = { meta: {}, tags: {}, info: {}, productRef: undefined, productPosition: undefined };
