// Labels over HTTP: those of the container, and those of files (wire contract 10).
import { z } from 'zod';
import { demandOn } from '../operations/files.ts';
import {
  type CountedLabel,
  changeLabel,
  createLabel,
  deleteLabels,
  LABELS,
  labelFiles,
  listLabels,
} from '../operations/labels.ts';
import type { Sharing } from '../ports/labels.ts';
import { fileUuid } from '../ports/metadata.ts';
import { idList, parseBody } from './input.ts';
import { filesOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFiles } from './shown.ts';
import { isoTime } from './wire.ts';

const sharing = z.object({ scope: z.unknown().optional(), ids: z.unknown().optional() }).nullish();
const labelBody = z.object({
  label: z.object({
    name: z.unknown().optional(),
    color: z.unknown().optional(),
    shape: z.unknown().optional(),
    is_pinned: z.unknown().optional(),
    permissions: z.object({ viewing: sharing.optional(), attaching: sharing.optional() }).nullish(),
  }),
});
const namedBody = z.object({ labels: idList.min(1) });
const attachBody = z.object({ labels: z.array(z.string().max(64)).min(1).max(LABELS.perFileMax) });
const attachManyBody = attachBody.extend({ files_uuids: idList.min(1) });

export const labelRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/labels'],
    operations: ['label.list'],
    summary: 'Lists the labels that the caller may see, with how many files within the listing scope carry each.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'label.list', targets: [] }]);
      return { labels: (await listLabels(call.ports, grant)).map(wireLabel) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/labels'],
    operations: ['label.create'],
    summary: 'Makes a label.',
    async handle(call) {
      const { label: input } = parseBody(labelBody, call.body);
      const grant = await call.admit([{ operation: 'label.create', targets: [] }]);
      const label = await createLabel(call.ports, grant, input);
      return { action: 'label_created', label: wireLabel({ label, files: 0 }) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/labels/:uuid', '/{v}/label/:uuid'],
    operations: ['label.update'],
    summary: 'Changes the members of a label that the request has; the others stay.',
    async handle(call) {
      const { label: input } = parseBody(labelBody, call.body);
      const grant = await call.admit([{ operation: 'label.update', targets: [] }]);
      const changed = await changeLabel(call.ports, grant, call.params['uuid'] ?? '', input);
      return { action: 'label_updated', label: wireLabel(changed) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/labels'],
    operations: ['label.delete'],
    summary: 'Deletes labels and takes them off every file, all or none.',
    async handle(call) {
      return remove(call, parseBody(namedBody, call.body).labels);
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/labels/:uuid', '/{v}/label/:uuid'],
    operations: ['label.delete'],
    summary: 'Deletes a label and takes it off every file.',
    async handle(call) {
      return remove(call, [call.params['uuid'] ?? '']);
    },
  }),
  ...(['POST', 'DELETE'] as const).flatMap((method) => [
    route({
      method,
      paths: ['/{v}/files/:uuid/labels', '/{v}/file/:uuid/labels'],
      operations: ['file.setLabels'],
      summary: method === 'POST' ? 'Attaches labels to a file.' : 'Takes labels off a file.',
      async handle(call) {
        const { labels } = parseBody(attachBody, call.body);
        const { files, ...answer } = await setLabels(call, method, [call.params['uuid'] ?? ''], labels);
        return { ...answer, file: files[0] };
      },
    }),
    route({
      method,
      paths: ['/{v}/files/labels'],
      operations: ['file.setLabels'],
      summary: method === 'POST' ? 'Attaches labels to files, all or none.' : 'Takes labels off files, all or none.',
      async handle(call) {
        const { labels, files_uuids } = parseBody(attachManyBody, call.body);
        return setLabels(call, method, files_uuids, labels);
      },
    }),
  ]),
];

async function setLabels(
  call: Call<'file.setLabels'>,
  method: 'POST' | 'DELETE',
  uuids: readonly string[],
  labels: readonly string[],
) {
  const files = await filesOf(call, uuids);
  const grant = await call.admit([demandOn('file.setLabels', files)]);
  const change = method === 'POST' ? { attach: labels } : { detach: labels };
  const changed = await labelFiles(call.ports, grant, files, change);
  return {
    action: method === 'POST' ? 'labels_attached' : 'labels_detached',
    files_uuids: changed.map(fileUuid),
    files: await showFiles(call, changed),
  };
}

async function remove(call: Call<'label.delete'>, ids: readonly string[]): Promise<object> {
  const grant = await call.admit([{ operation: 'label.delete', targets: [] }]);
  await deleteLabels(call.ports, grant, ids);
  return { action: 'labels_deleted', labels: [...new Set(ids)] };
}

function wireLabel({ label, files }: CountedLabel): object {
  const { name, color, shape, isPinned, viewing, attaching } = label.document;
  return {
    uuid: label.id,
    sid: label.sid,
    name,
    color,
    shape,
    is_pinned: isPinned,
    assets_count: files,
    permissions: { viewing: wireSharing(viewing), attaching: wireSharing(attaching) },
    created_at: isoTime(label.createdAtMs),
    updated_at: isoTime(label.updatedAtMs),
  };
}

function wireSharing({ scope, ids }: Sharing): object {
  return { scope, ids: ids.length === 0 ? null : ids };
}
