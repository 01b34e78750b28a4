// Moving, deleting and showing or hiding files and folders, one, many or mixed (wire contract 5.7 and 6).
import { type CanonicalPath, type Demand, joinPath, nameOf } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { demandOn } from '../operations/files.ts';
import { deleteObjects, moveObjects, type Picked, setVisibility } from '../operations/objects.ts';
import { type FolderRecord, fileUuid } from '../ports/metadata.ts';
import { idList, parseBody, pathOf } from './input.ts';
import { filesOf, folderOfId, foldersOf, versionsOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFiles } from './shown.ts';
import { wireFolder } from './wire.ts';

const destination = { new_folder_name: z.string().optional(), target_folder_name: z.string().optional() };
export const moveFilesBody = z.object({ files_uuids: idList, ...destination });
export const moveFoldersBody = z.object({ folders_uuids: idList, ...destination });
const moveMixedBody = z.object({ files_uuids: idList.optional(), folders_uuids: idList.optional(), ...destination });
const pickBody = z.object({ files_uuids: idList.optional(), folders_uuids: idList.optional() });
const visibilityBody = pickBody.extend({ visibility: z.enum(['public', 'not_public', 'inherited']) });

type MoveTarget = { readonly new_folder_name?: string | undefined; readonly target_folder_name?: string | undefined };

export const objectRoutes = [
  route({
    method: 'POST',
    paths: ['/{v}/objects/move'],
    operations: ['file.move', 'folder.move'],
    summary: 'Moves files and folders into one folder, all or none.',
    async handle(call) {
      const body = parseBody(moveMixedBody, call.body);
      return moveInto(call, body.files_uuids ?? [], body.folders_uuids ?? [], destinationOf(body));
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/files/move'],
    operations: ['file.move'],
    summary: 'Moves files into one folder, all or none.',
    async handle(call) {
      return moveFiles(call, parseBody(moveFilesBody, call.body));
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/folders/move'],
    operations: ['folder.move'],
    summary: 'Moves folders into one folder, all or none.',
    async handle(call) {
      return moveFolders(call, parseBody(moveFoldersBody, call.body));
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/files/:uuid/folders/:folder', '/{v}/file/:uuid/folders/:folder'],
    operations: ['file.move'],
    summary: 'Moves one file into the folder with the given uuid.',
    async handle(call) {
      const to = await folderOfId(call, call.params['folder']);
      const moved = await moveInto(call, [call.params['uuid'] ?? ''], [], to.path);
      return { ...moved, action: 'file_moved', file: moved.files[0] };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/folders/:uuid/folders/:folder', '/{v}/folder/:uuid/folders/:folder'],
    operations: ['folder.move'],
    summary: 'Moves one folder into the folder with the given uuid.',
    async handle(call) {
      const to = await folderOfId(call, call.params['folder']);
      const moved = await moveInto(call, [], [call.params['uuid'] ?? ''], to.path);
      return { ...moved, action: 'folder_moved', folder: moved.folders[0] };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/objects'],
    operations: ['file.delete', 'folder.delete'],
    summary: 'Deletes files and whole folders, all or none.',
    async handle(call) {
      const body = parseBody(pickBody, call.body);
      return removeAll(call, body.files_uuids ?? [], body.folders_uuids ?? []);
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/files'],
    operations: ['file.delete'],
    summary: 'Deletes files, all or none.',
    async handle(call) {
      return removeAll(call, parseBody(z.object({ files_uuids: idList }), call.body).files_uuids, []);
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/folders'],
    operations: ['folder.delete'],
    summary: 'Deletes whole folders, all or none.',
    async handle(call) {
      return removeAll(call, [], parseBody(z.object({ folders_uuids: idList }), call.body).folders_uuids);
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/files/:uuid', '/{v}/file/:uuid'],
    operations: ['file.delete'],
    summary: 'Deletes one file with all its versions; by the uuid of an older version, that version alone.',
    async handle(call) {
      const uuid = call.params['uuid'] ?? '';
      return { ...(await removeAll(call, [uuid], [])), action: 'file_deleted', file_uuid: uuid };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/folders/:uuid', '/{v}/folder/:uuid'],
    operations: ['folder.delete'],
    summary: 'Deletes one folder with everything below it.',
    async handle(call) {
      const uuid = call.params['uuid'] ?? '';
      return { ...(await removeAll(call, [], [uuid])), action: 'folder_deleted', folder_uuid: uuid };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/objects/visibility/cdn'],
    operations: ['file.setVisibility', 'folder.setVisibility'],
    summary: 'Makes files and folders public or not.',
    async handle(call) {
      const body = parseBody(visibilityBody, call.body);
      const picked = await pick(call, body.files_uuids ?? [], body.folders_uuids ?? []);
      const fileDemand = demandOn('file.setVisibility', picked.files);
      const folderDemand = demandOnFolders('folder.setVisibility', picked.folders);
      const grant = await call.admit([
        ...(picked.files.length > 0 ? [fileDemand] : []),
        ...(picked.folders.length > 0 ? [folderDemand] : []),
      ]);
      const changed = await setVisibility(call.ports, grant, picked, body.visibility);
      return {
        action: 'visibility_changed',
        files: await showFiles(call, changed.files),
        folders: changed.folders.map(wireFolder),
      };
    },
  }),
];

/** Moves files named by a body; also the older form of `POST files`. */
export async function moveFiles(call: Call<'file.move'>, body: z.infer<typeof moveFilesBody>): Promise<object> {
  return moveInto(call, body.files_uuids, [], destinationOf(body));
}

/** Moves folders named by a body; also the older form of `POST folders`. */
export async function moveFolders(call: Call<'folder.move'>, body: z.infer<typeof moveFoldersBody>): Promise<object> {
  return moveInto(call, [], body.folders_uuids, destinationOf(body));
}

function destinationOf(body: MoveTarget): CanonicalPath {
  return pathOf(body.new_folder_name ?? body.target_folder_name, 'new_folder_name');
}

/** One grant for whatever parts the request has, one transaction for all of them. */
async function moveInto<Op extends 'file.move' | 'folder.move'>(
  call: Call<Op>,
  fileUuids: readonly string[],
  folderUuids: readonly string[],
  destination: CanonicalPath,
): Promise<{ readonly files: readonly object[]; readonly folders: readonly object[] }> {
  const { files, folders } = await pick(call, fileUuids, folderUuids);
  const arrivals = folders.map((folder) => arrivalOf(folder, destination));
  const demands: (Demand & { readonly operation: 'file.move' | 'folder.move' })[] = [];
  if (files.length > 0) demands.push(demandOn('file.move', files, destination));
  if (folders.length > 0) demands.push(demandOnFolders('folder.move', folders, ...arrivals));
  const grant = await call.admit(demands as (Demand & { readonly operation: Op })[]); // The row's operations are the demands' by `pick`.
  const moved = await moveObjects(call.ports, grant, { files, folders }, destination, mayCreate(call, destination));
  return {
    action: `${folders.length === 0 ? 'files' : files.length === 0 ? 'folders' : 'objects'}_moved`,
    files_uuids: moved.files.map(fileUuid),
    folders_uuids: moved.folders.map((folder) => folder.id),
    new_folder_uuid: moved.destination.id,
    files: await showFiles(call, moved.files),
    folders: moved.folders.map(wireFolder),
  } as { readonly files: readonly object[]; readonly folders: readonly object[] };
}

/** Where a folder will lie; the root, which has no name, is refused by the store. */
function arrivalOf(folder: FolderRecord, destination: CanonicalPath): CanonicalPath {
  const name = nameOf(folder.path);
  return name === undefined ? destination : joinPath(destination, name);
}

/** A destination that is not there is made for those who may make folders, and is "not found" for others. */
function mayCreate(call: Call, path: CanonicalPath): boolean {
  return call.guard.explain(call.entrant, { demands: [{ operation: 'folder.create', targets: [path] }] }).allow;
}

async function removeAll<Op extends 'file.delete' | 'folder.delete'>(
  call: Call<Op>,
  fileUuids: readonly string[],
  folderUuids: readonly string[],
): Promise<object> {
  const { files: named, folders } = await pick(call, fileUuids, folderUuids, 'versions');
  // An older version is deleted alone: less than what was named, and never more.
  const files = named.filter(({ version, currentVersion }) => version === currentVersion);
  const whole = new Set(files.map(({ id }) => id));
  const versions = named.filter(({ id }) => !whole.has(id));
  const demands: (Demand & { readonly operation: 'file.delete' | 'folder.delete' })[] = [];
  if (named.length > 0) demands.push(demandOn('file.delete', named));
  if (folders.length > 0) demands.push(demandOnFolders('folder.delete', folders));
  const grant = await call.admit(demands as (Demand & { readonly operation: Op })[]); // As above.
  await deleteObjects(call.ports, grant, { files, folders, versions });
  return {
    action: `${folders.length === 0 ? 'files' : named.length === 0 ? 'folders' : 'objects'}_deleted`,
    files_uuids: [...new Set(fileUuids)],
    folders_uuids: [...new Set(folderUuids)],
  };
}

/** The records behind the ids. Raises REQUEST_INVALID when nothing is named, and the "not found" codes. */
async function pick(
  call: Call,
  fileUuids: readonly string[],
  folderUuids: readonly string[],
  each: 'files' | 'versions' = 'files',
): Promise<Picked> {
  if (fileUuids.length + folderUuids.length === 0) {
    throw new AppError('REQUEST_INVALID', 'nothing named', {
      faults: [{ field: 'files_uuids', code: 'EMPTY', message: 'Name at least one file or folder.' }],
    });
  }
  const [files, folders] = await Promise.all([
    each === 'files' ? filesOf(call, fileUuids) : versionsOf(call, fileUuids),
    foldersOf(call, folderUuids),
  ]);
  return { files, folders };
}

function demandOnFolders<Op extends 'folder.move' | 'folder.delete' | 'folder.setVisibility'>(
  operation: Op,
  folders: readonly FolderRecord[],
  ...more: readonly CanonicalPath[]
): Demand & { readonly operation: Op } {
  return { operation, targets: [...new Set([...folders.map((folder) => folder.path), ...more])] };
}
