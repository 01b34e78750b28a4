// Changes of many files in two steps over HTTP (wire contract 5.8).
import { z } from 'zod';
import { applyBulk, getBulk, operationsOf, prepareBulk, STEP_TYPES, type Step } from '../operations/bulk.ts';
import { demandOn } from '../operations/files.ts';
import { fileUuid, type Json } from '../ports/metadata.ts';
import { idList, parseBody } from './input.ts';
import { filesOf } from './lookup.ts';
import { route } from './route.ts';

const STEPS_MAX = 200;
/** The widget's panel for many files names these keys where a type stands, and sets them. */
const TEXT_KEYS = ['title', 'description'] as const;

const bulkBody = z.object({
  bulk: z.object({
    target: z.object({ files_uuids: idList.min(1) }),
    changes: z
      .array(
        z.object({
          type: z.enum([...STEP_TYPES, ...TEXT_KEYS]),
          key: z.string().nullish(),
          value: z.unknown().optional(),
          variant: z.string().max(255).nullish(),
        }),
      )
      .min(1)
      .max(STEPS_MAX),
  }),
});

export const bulkRoutes = [
  route({
    method: 'PUT',
    paths: ['/{v}/bulk/prepare'],
    operations: ['file.setMeta', 'file.setTags', 'file.setLabels'],
    summary: 'Prepares one change of metadata, tags and labels for many files; it waits a quarter of an hour.',
    async handle(call) {
      const { bulk } = parseBody(bulkBody, call.body);
      const steps = bulk.changes.map(stepOf);
      const grant = await call.admit(operationsOf(steps).map((operation) => ({ operation, targets: [] })));
      return { bulk_uuid: await prepareBulk(call.ports, grant, { files: bulk.target.files_uuids, steps }) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/bulk/:uuid/apply'],
    operations: ['file.setMeta', 'file.setTags', 'file.setLabels'],
    summary: 'Applies a prepared change to all of its files, or to none.',
    async handle(call) {
      const id = call.params['uuid'] ?? '';
      const { files: uuids, steps } = await getBulk(call.ports, call.container, id);
      const files = await filesOf(call, uuids);
      const grant = await call.admit(operationsOf(steps).map((operation) => demandOn(operation, files)));
      const changed = await applyBulk(call.ports, grant, id, steps, files);
      return { action: 'bulk_applied', bulk_uuid: id, files_uuids: changed.map(fileUuid) };
    },
  }),
];

type WireStep = z.infer<typeof bulkBody>['bulk']['changes'][number];

function stepOf({ type: said, key: named, value, variant }: WireStep): Step {
  const text = TEXT_KEYS.find((key) => key === said);
  const { type, key } =
    text === undefined ? { type: said as Step['type'], key: named } : { type: 'meta.replace' as const, key: text };
  return {
    type,
    ...(typeof key === 'string' ? { key } : {}),
    ...(value === undefined ? {} : { value: value as Json }), // The body is parsed JSON.
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
  };
}
