// Folders over HTTP (wire contract 6).
import { accessScopes, type CanonicalPath, covers, effective, lowestRole } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { countFiles } from '../operations/files.ts';
import { understandFolderSearch } from '../operations/folder-search.ts';
import {
  countFolders,
  createFolder,
  getFolder,
  getListedFolder,
  getParentFolder,
  isBarePath,
  listFolders,
  previewFolders,
  renamedPath,
  renameFolder,
} from '../operations/folders.ts';
import { fileUuid } from '../ports/metadata.ts';
import { ICON_TYPE, needsIcon } from './icon.ts';
import { BULK_MAX, fileListingOf, folderOf, nameOf, pagingOf, parseBody, pathOf } from './input.ts';
import { folderOfId } from './lookup.ts';
import { moveFolders, moveFoldersBody } from './objects.ts';
import { type Call, route } from './route.ts';
import { wireFile, wireFolder } from './wire.ts';

const nameBody = z.object({ name: z.string() });
const previewBody = z.object({ folders: z.array(z.string().max(64)).max(BULK_MAX) });

/** Permissions of the caller in a folder, as `.../permissions` answers them. */
export function permissionsOf(call: Call, path: CanonicalPath): readonly string[] {
  const { template, claims, access } = call.entrant.bearer;
  if (template === undefined || claims === undefined) return [];
  const { permissions } = effective(template, claims);
  if (access === undefined) return permissions;
  return permissions.filter((permission) => covers(accessScopes(access, lowestRole([permission])), path));
}

export const folderRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/folders'],
    operations: ['folder.list'],
    summary: 'Lists the folders of a folder, or all below it; searches by name with q.',
    async handle(call) {
      const folderPath = folderOf(call.query);
      const { names, warnings } = understandFolderSearch(call.query.one('q') ?? '');
      const grant = await call.admit([{ operation: 'folder.list', targets: [folderPath] }]);
      const base = await getListedFolder(call.ports, grant, folderPath);
      const recursive = call.query.flag('recursive');
      const { items, total } = await listFolders(
        call.ports,
        grant,
        { folderPath, recursive, names },
        pagingOf(call.query),
      );
      return {
        base: wireFolder(base),
        folders: items.map(wireFolder),
        info: {
          total_folders_count: total,
          total_files_count: isBarePath(grant, folderPath) ? 0 : base.filesDirect,
        },
        stats: { approx_folders_count: total, approx_files_count: base.filesRecursive },
        warnings,
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/folders/stats'],
    operations: ['folder.stats'],
    summary: 'Counts folders and files below a folder.',
    async handle(call) {
      const folderPath = folderOf(call.query);
      const grant = await call.admit([{ operation: 'folder.stats', targets: [folderPath] }]);
      const listing = fileListingOf(call);
      const { names } = understandFolderSearch(call.query.one('q') ?? '');
      const query = { folderPath, recursive: listing.recursive, names };
      await getListedFolder(call.ports, grant, folderPath);
      const [folders, { files }] = await Promise.all([
        countFolders(call.ports, grant, query),
        countFiles(call.ports, grant, listing),
      ]);
      return { stats: { approx_folders_count: folders, approx_files_count: files } };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/folders/previews'],
    operations: ['folder.preview'],
    summary: 'Answers the newest files of several folders, for their tiles.',
    async handle(call) {
      const { folders } = parseBody(previewBody, call.body);
      const grant = await call.admit([{ operation: 'folder.preview', targets: [] }]);
      const previews = await previewFolders(call.ports, grant, folders);
      const wire = [...previews].map(([id, files]) => [
        id,
        files.map((file) => {
          const url = wireFile(file, call)['url'] as { readonly cdn: string };
          // The type of what the address answers with a width: a widget fetches the vendor's icons for other types.
          const type = needsIcon(file) ? ICON_TYPE : file.mime;
          return { file_uuid: fileUuid(file), file_uri_cdn: url.cdn, file_type: type, preview_origin: 'file' };
        }),
      ]);
      return { folders: Object.fromEntries(wire) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/folders/:uuid', '/{v}/folder/:uuid'],
    operations: ['folder.get'],
    summary: 'Gets one folder.',
    async handle(call) {
      const folder = await folderOfId(call, call.params['uuid']);
      const grant = await call.admit([{ operation: 'folder.get', targets: [folder.path] }]);
      return { folder: wireFolder(await getFolder(call.ports, grant, folder)) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/folders/:uuid/permissions', '/{v}/folder/:uuid/permissions'],
    operations: ['folder.permissions'],
    summary: 'Lists what the key may do with a folder.',
    async handle(call) {
      const folder = await folderOfId(call, call.params['uuid']);
      await call.admit([{ operation: 'folder.permissions', targets: [folder.path] }]);
      return { permissions: permissionsOf(call, folder.path) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/folders'],
    operations: ['folder.create', 'folder.move'],
    summary: 'Creates a folder and its missing parents; with folders_uuids it moves folders instead.',
    async handle(call) {
      if (typeof call.body === 'object' && call.body !== null && 'folders_uuids' in call.body) {
        return moveFolders(call, parseBody(moveFoldersBody, call.body));
      }
      const { name } = parseBody(nameBody, call.body);
      const path = pathOf(name.startsWith('/') ? name : `/${name}`, 'name');
      const grant = await call.admit([{ operation: 'folder.create', targets: [path] }]);
      const folder = await createFolder(call.ports, grant, path);
      const base = await getParentFolder(call.ports, grant, folder);
      return {
        action: 'folder_created',
        folder_uuid: folder.id,
        folder: wireFolder(folder),
        base: wireFolder(base),
      };
    },
  }),
  ...(['PATCH', 'PUT'] as const).map((method) =>
    route({
      method,
      paths:
        method === 'PATCH'
          ? ['/{v}/folders/:uuid', '/{v}/folder/:uuid']
          : ['/{v}/folder/:uuid/name', '/{v}/folders/:uuid/name'],
      operations: ['folder.rename'],
      summary: 'Renames a folder.',
      async handle(call) {
        const name = nameOf(parseBody(nameBody, call.body).name, 'name');
        const folder = await folderOfId(call, call.params['uuid']);
        const to = renamedPath(folder, name);
        if (to === undefined) throw rootFault();
        const grant = await call.admit([{ operation: 'folder.rename', targets: [folder.path, to] }]);
        const renamed = await renameFolder(call.ports, grant, folder, to);
        return { action: 'folder_renamed', folder_uuid: renamed.id, folder: wireFolder(renamed) };
      },
    }),
  ),
];

function rootFault(): AppError {
  return new AppError('REQUEST_INVALID', 'root folder', {
    faults: [{ field: 'uuid', code: 'ROOT', message: 'The root folder cannot be renamed, moved or deleted.' }],
  });
}
