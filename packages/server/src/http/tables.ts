// Descriptions of many files as CSV, out and in again (wire contract 5.10).
import type { OperationName } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { demandOn } from '../operations/files.ts';
import { applyTable, exportTable, parseTable, TABLE, type TableOperation, tableOutcome } from '../operations/tables.ts';
import { parseFileUuid } from '../ports/metadata.ts';
import { readCsv, sendCsv } from './csv.ts';
import { idList, mayKnow, parseBody } from './input.ts';
import { filesOf, foldersOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { multipartFault } from './uploads.ts';

const exportBody = z.object({ files_uuids: idList.nullish(), folders_uuids: idList.nullish() });
const CSV_BYTES_MAX = 32 * 1024 * 1024;

const UPDATES = ['file.setMeta', 'file.setTags', 'file.setProduct'] as const satisfies readonly TableOperation[];

export const tableRoutes = [
  route({
    method: 'POST',
    paths: ['/{v}/objects/export-csv'],
    operations: ['file.export'],
    summary: 'Files and their descriptions as CSV.',
    async handle(call) {
      const body = parseBody(exportBody, call.body);
      const [fileIds, folderIds] = [body.files_uuids ?? [], body.folders_uuids ?? []];
      if (fileIds.length + folderIds.length === 0) {
        throw new AppError('REQUEST_INVALID', 'nothing named', {
          faults: [{ field: 'files_uuids', code: 'EMPTY', message: 'Name at least one file or folder.' }],
        });
      }
      const { query } = call;
      const [files, folders] = await Promise.all([filesOf(call, fileIds), foldersOf(call, folderIds)]);
      const grant = await call.admit([demandOn('file.export', files, ...folders.map(({ path }) => path))]);
      const meta = query.int('include_meta', 1, 0, 2);
      const table = await exportTable(
        call.ports,
        grant,
        { files, folders },
        {
          recursive: query.flag('recursive'),
          limit: query.int('limit', TABLE.rowsMax, 1, TABLE.rowsMax),
          meta: meta === 0 ? 'none' : meta === 1 ? 'present' : 'model',
          tags: query.one('include_tags') !== '0',
        },
      );
      return sendCsv(call.reply, 'files.csv', table.header, table.rows);
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/edit/assets'],
    operations: UPDATES,
    body: 'stream',
    summary: 'Changes metadata, tags and products of many files by a CSV, all of it or nothing.',
    async handle(call) {
      const [header = [], ...rows] = await readForm(call);
      const table = parseTable(header, rows);
      const ids = table.rows.flatMap(({ uuid }) => parseFileUuid(uuid)?.id ?? []);
      const found = await call.ports.metadata.findFiles(call.container, ids);
      const files = found.filter(({ folderPath }) => mayKnow(call, 'files', folderPath));
      const grant = await call.admit(table.operations.map((operation) => demandOn(operation, files)));
      return { task_id: await applyTable(call.ports, grant, table, new Map(files.map((file) => [file.id, file]))) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/edit/assets/:id'],
    operations: UPDATES,
    summary: 'How a change by CSV went: done, or what is wrong in which row.',
    async handle(call) {
      const operation = UPDATES.find((one) => isOpen(call, one)) ?? UPDATES[0];
      const grant = await call.admit([{ operation, targets: [] }]);
      return tableOutcome(call.ports, grant, call.params['id'] ?? '');
    },
  }),
];

function isOpen(call: Call, operation: OperationName): boolean {
  return call.guard.explain(call.entrant, { demands: [{ operation, targets: [] }] }).allow;
}

/** The table in the one file of a form. Raises REQUEST_INVALID. */
async function readForm(call: Call): Promise<readonly (readonly string[])[]> {
  if (!call.request.isMultipart()) throw noTable();
  let table: readonly (readonly string[])[] | undefined;
  try {
    const limits = { files: 1, fields: 20, parts: 21, fieldSize: 64 * 1024, fieldNameSize: 512, headerPairs: 64 };
    for await (const part of call.request.parts({ limits: { ...limits, fileSize: Number.POSITIVE_INFINITY } })) {
      if (part.type === 'file') {
        table = await readCsv(part.file, { ...TABLE, bytesMax: CSV_BYTES_MAX });
      }
    }
  } catch (error) {
    throw multipartFault(error);
  }
  if (table === undefined || table.length === 0) throw noTable();
  return table;
}

function noTable(): AppError {
  const message = 'Send a form (multipart/form-data) with one CSV file in it.';
  return new AppError('REQUEST_INVALID', 'no table', { faults: [{ field: 'file', code: 'MISSING', message }] });
}
