// Many files as one zip over HTTP (wire contract 5.10).
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import {
  type ArchiveEntry,
  archiveEntries,
  cancelArchive,
  createArchive,
  type OpenedArchive,
  openArchive,
} from '../operations/archives.ts';
import { demandOn } from '../operations/files.ts';
import { getTask } from '../operations/tasks.ts';
import { idList, parseBody } from './input.ts';
import { filesOf, foldersOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { packZip } from './zip.ts';

const archiveBody = z.object({
  files_uuids: idList.nullish(),
  folders_uuids: idList.nullish(),
  urls: z.array(z.unknown()).max(0, 'Name files by their uuids; addresses are not archived.').nullish(),
});

export const archiveRoutes = [
  route({
    method: 'POST',
    paths: ['/{v}/file-archive'],
    operations: ['file.archive'],
    summary: 'Asks for files and whole folders as one zip, which can be fetched for an hour.',
    async handle(call) {
      const body = parseBody(archiveBody, call.body);
      const [fileIds, folderIds] = [body.files_uuids ?? [], body.folders_uuids ?? []];
      if (fileIds.length + folderIds.length === 0) {
        throw new AppError('REQUEST_INVALID', 'nothing named', {
          faults: [{ field: 'files_uuids', code: 'EMPTY', message: 'Name at least one file or folder.' }],
        });
      }
      const [files, folders] = await Promise.all([filesOf(call, fileIds), foldersOf(call, folderIds)]);
      const grant = await call.admit([demandOn('file.archive', files, ...folders.map(({ path }) => path))]);
      return { task_id: await createArchive(call.ports, grant, { files, folders }) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/file-archive/:id'],
    operations: ['file.archive', 'file.download'],
    summary: 'The zip itself, made while it is sent; with status_only, whether it can be fetched.',
    async handle(call) {
      const id = call.params['id'] ?? '';
      const asked = await call.admit([{ operation: 'file.archive', targets: [] }]);
      if (call.query.flag('status_only')) {
        await getTask(call.ports, asked, 'archive', id);
        // Nothing is prepared: the zip is made while it is sent.
        return { task_id: id, task_status: 'DONE', task_percent: 100 };
      }
      const entries = await archiveEntries(call.ports, asked, id);
      // Exactly these folders: one that only leads to the scope would do for asking, not for bytes.
      const grant = await call.admit([{ operation: 'file.download', targets: foldersOfEntries(entries) }]);
      const isWanted = () => isWantedTask(call, asked, id);
      const archive = await openArchive(call.ports, grant, entries, packZip, isWanted);
      return sendArchive(call, archive, 'files.zip');
    },
  }),
  route({
    method: 'PATCH',
    paths: ['/{v}/file-archive/:id/cancel'],
    operations: ['file.archive'],
    summary: 'Forgets an archive; one that is being sent breaks off.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'file.archive', targets: [] }]);
      await cancelArchive(call.ports, grant, call.params['id'] ?? '');
      return { status: 'cancelled' };
    },
  }),
];

/** Whether an archive has not been cancelled. */
export function isWantedTask(
  call: Pick<Call, 'ports'>,
  grant: Pick<Grant, 'claims' | 'container'>,
  id: string,
  owner?: string,
): Promise<boolean> {
  return getTask(call.ports, grant, 'archive', id, owner).then(
    () => true,
    (error: unknown) => {
      if (error instanceof AppError && error.code === 'TASK_NOT_FOUND') return false;
      throw error;
    },
  );
}

/** The folders that an archive's files lie in, each once. */
export function foldersOfEntries(entries: readonly ArchiveEntry[]) {
  return [...new Set(entries.map(({ folderPath }) => folderPath))];
}

/** Answers with an archive. */
export async function sendArchive(
  call: Pick<Call, 'request' | 'reply'>,
  archive: OpenedArchive,
  name: string,
): Promise<undefined> {
  const { request, reply } = call;
  reply
    .type('application/zip')
    .header('content-length', String(archive.sizeBytes))
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'private, no-store')
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer');
  if (request.method === 'HEAD') {
    archive.bytes.destroy();
    await reply.send();
  } else {
    await reply.send(archive.bytes);
  }
  return undefined;
}
