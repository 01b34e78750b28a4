// Metadata of files and folders over HTTP (wire contract 5.7 and 6).
import { z } from 'zod';
import { demandOn } from '../operations/files.ts';
import {
  changeFolderMeta,
  clearFileMeta,
  type MetaChange,
  mergeFileMeta,
  parseMeta,
  setFileMetaText,
} from '../operations/meta.ts';
import { type FileRecord, type FolderRecord, fileUuid } from '../ports/metadata.ts';
import { parseBody } from './input.ts';
import { fileOf, folderOfId } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFile } from './shown.ts';
import { wireFolder } from './wire.ts';

const metaBody = z.object({ meta: z.unknown() });

const filePaths = ['/{v}/file/:uuid/meta', '/{v}/files/:uuid/meta'];
const folderPaths = ['/{v}/folder/:uuid/meta', '/{v}/folders/:uuid/meta'];

const folderSummaries = {
  PUT: 'Sets the metadata of a folder in place of all there was.',
  PATCH: 'Sets metadata of a folder; keys that are not named stay, and null removes one.',
  DELETE: 'Removes all metadata of a folder.',
};

export const metaRoutes = [
  ...(['PUT', 'PATCH'] as const).map((method) =>
    route({
      method,
      paths: filePaths,
      operations: ['file.setMeta'],
      summary: 'Sets metadata of a file; keys that are not named stay, and null removes one.',
      async handle(call) {
        return setFileMeta(call, parseMeta(parseBody(metaBody, call.body).meta));
      },
    }),
  ),
  route({
    method: 'PUT',
    paths: ['/{v}/file/:uuid/meta/:key/:value', '/{v}/files/:uuid/meta/:key/:value'],
    operations: ['file.setMeta'],
    summary: 'Sets one metadata key of a file; what the text means is told by the field of the model.',
    async handle(call) {
      const { key = '', value = '' } = call.params;
      parseMeta({ [key]: value });
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setMeta', [file])]);
      return answerFile(call, await setFileMetaText(call.ports, grant, file, key, value));
    },
  }),
  route({
    method: 'DELETE',
    paths: filePaths,
    operations: ['file.setMeta'],
    summary: 'Removes all metadata of a file.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setMeta', [file])]);
      return answerFile(call, await clearFileMeta(call.ports, grant, file));
    },
  }),
  ...(['PUT', 'PATCH', 'DELETE'] as const).map((method) =>
    route({
      method,
      paths: folderPaths,
      operations: ['folder.setMeta'],
      summary: folderSummaries[method],
      async handle(call) {
        const change = method === 'DELETE' ? {} : parseMeta(parseBody(metaBody, call.body).meta);
        const folder = await folderOfId(call, call.params['uuid']);
        const grant = await call.admit([{ operation: 'folder.setMeta', targets: [folder.path] }]);
        const manner = method === 'PATCH' ? 'merge' : 'replace';
        const changed = await changeFolderMeta(call.ports, grant, folder, change, manner);
        return answerFolder(changed, method === 'DELETE' ? 'folder_meta_deleted' : 'folder_meta_updated');
      },
    }),
  ),
];

async function setFileMeta(call: Call<'file.setMeta'>, change: MetaChange): Promise<object> {
  const file = await fileOf(call, call.params['uuid']);
  const grant = await call.admit([demandOn('file.setMeta', [file])]);
  return answerFile(call, await mergeFileMeta(call.ports, grant, file, change));
}

async function answerFile(call: Call, file: FileRecord): Promise<object> {
  const shown = await showFile(call, file);
  return { action: 'file_meta_updated', file_uuid: fileUuid(file), meta: file.meta, file: shown };
}

function answerFolder(folder: FolderRecord, action: string): object {
  return { action, folder_uuid: folder.id, meta: folder.meta, folder: wireFolder(folder) };
}
