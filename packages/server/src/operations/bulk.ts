// One change for many files: prepared first, applied to all of them or to none.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, Json, JsonObject } from '../ports/metadata.ts';
import { at } from './files.ts';
import { checkAttachable, relabelled } from './labels.ts';
import { mergedMeta, parseMeta } from './meta.ts';
import { authorOf } from './people.ts';
import { valueCheck } from './settings.ts';
import { boundFaults, checkTags, findTags, TAG_LANGUAGE, type Tag, tagSid, withLanguage } from './tags.ts';

type Needs = Pick<Ports, 'bulks' | 'descriptions' | 'labels' | 'settings' | 'system'>;
/** What a change may demand on its files. */
export type BulkOperation = 'file.setMeta' | 'file.setTags' | 'file.setLabels';
type BulkGrant = Grant<BulkOperation>;

/** What a step may do (wire contract 5.8). */
export const STEP_TYPES = [
  'meta.add',
  'meta.replace',
  'meta.remove',
  'tags.add',
  'tags.del',
  'labels.add',
  'labels.del',
] as const;

/** One step of a change, taken on each file. `variant` is the language of a tag, or the variant of a regional field. */
export type Step = {
  readonly type: (typeof STEP_TYPES)[number];
  readonly key?: string;
  readonly value?: Json;
  readonly variant?: string;
};

/** A change as it waits to be applied. */
export type Bulk = {
  readonly files: readonly string[];
  readonly steps: readonly Step[];
};

/** How long a prepared change may wait. */
const BULK_TTL_MS = 15 * 60_000;
const BULK_BYTES_MAX = 512 * 1024;

/** The operations that a change demands on every file. */
export function operationsOf(steps: readonly Step[]): readonly BulkOperation[] {
  const hasMeta = steps.some(({ type }) => type.startsWith('meta.'));
  const hasTags = steps.some(({ type }) => type.startsWith('tags.'));
  const hasLabels = steps.some(isLabelStep);
  return [
    ...(hasMeta ? (['file.setMeta'] as const) : []),
    ...(hasTags ? (['file.setTags'] as const) : []),
    ...(hasLabels ? (['file.setLabels'] as const) : []),
  ];
}

/** Keeps a change until it is applied, for a quarter of an hour, and answers its id. Raises REQUEST_INVALID by step. */
export async function prepareBulk(
  ports: Pick<Ports, 'bulks' | 'system'>,
  grant: BulkGrant,
  bulk: Bulk,
): Promise<string> {
  const faults = bulk.steps.flatMap(stepFaults);
  if (Buffer.byteLength(JSON.stringify(bulk)) > BULK_BYTES_MAX) {
    const message = `A change of many files may have ${BULK_BYTES_MAX} bytes of JSON.`;
    faults.push({ field: 'bulk', code: 'TOO_LARGE', message });
  }
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'bulk', { faults });
  const id = randomUUID();
  const nowMs = ports.system.now();
  const record = { id, container: grant.container, document: bulk, expiresAtMs: nowMs + BULK_TTL_MS };
  await ports.bulks.createBulk(record, nowMs);
  return id;
}

/** The change with this id. Raises BULK_NOT_FOUND when it never was, was applied, or has expired. */
export async function getBulk(ports: Pick<Ports, 'bulks' | 'system'>, container: string, id: string): Promise<Bulk> {
  const record = await ports.bulks.findBulk(container, id, ports.system.now());
  if (record === undefined) throw new AppError('BULK_NOT_FOUND');
  return record.document as Bulk; // Only changes parsed by `prepareBulk` are kept.
}

/** Takes every step on every file in one transaction, and forgets the change. Raises FILE_NOT_FOUND,
 *  LABEL_NOT_FOUND, PERMISSION_DENIED for a label that others attach, REQUEST_INVALID when the outcome is not what the
 *  metadata model allows; then no file is changed. */
export async function applyBulk(
  ports: Needs,
  grant: BulkGrant,
  id: string,
  steps: readonly Step[],
  files: readonly FileRecord[],
): Promise<readonly FileRecord[]> {
  const { check, tidied } = await valueCheck(ports, grant, 'FILES');
  const named = steps.flatMap(({ type, value }) => (type === 'tags.add' && typeof value === 'string' ? [value] : []));
  const inUse = await findTags(ports, grant, named);
  const labelSteps = steps.filter(isLabelStep);
  await checkAttachable(ports, grant, labelSteps.map(labelOf));
  const touched = new Set(
    steps.flatMap(({ type, key }) => (type.startsWith('meta.') && key !== undefined ? [key] : [])),
  );
  const describe = (stored: FileRecord) => {
    const meta = tidied(mergedMeta({}, steps.reduce(takeMetaStep, stored.meta)));
    check(Object.fromEntries([...touched].map((key) => [key, meta[key] ?? null])));
    const tags = steps.reduce((now, step) => takeTagStep(now, step, inUse), stored.tags);
    const faults = boundFaults(tags, 'tags');
    if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'bulk', { faults });
    const labels = labelSteps.reduce(takeLabelStep, stored.labels);
    return {
      ...(touched.size > 0 ? { meta } : {}),
      ...(tags === stored.tags ? {} : { tags }),
      ...(labelSteps.length > 0 ? { labels } : {}),
    };
  };
  const changed = await ports.descriptions.describeFiles(
    grant.container,
    files.map(at),
    describe,
    authorOf(ports, grant),
  );
  await ports.bulks.removeBulk(grant.container, id);
  return changed;
}

function stepFaults(step: Step, index: number): FieldFault[] {
  const field = `bulk.changes[${index}]`;
  const { type, key, value, variant } = step;
  if (type.startsWith('meta.')) {
    if (key === undefined) return [{ field: `${field}.key`, code: 'MISSING', message: 'Which key is to be changed?' }];
    if (value === undefined && type !== 'meta.remove') {
      return [{ field: `${field}.value`, code: 'MISSING', message: 'A value is needed here.' }];
    }
    return faultsOf(() => parseMeta({ [key]: variant === undefined ? value : { [variant]: value } }, field));
  }
  if (isLabelStep(step)) {
    if (typeof value === 'string') return [];
    return [{ field: `${field}.value`, code: 'INVALID_TYPE', message: 'The short id of a label is needed here.' }];
  }
  if (typeof value !== 'string') {
    return [{ field: `${field}.value`, code: 'INVALID_TYPE', message: 'The id or the label of a tag is needed here.' }];
  }
  return faultsOf(() => checkTags({ lang: variant ?? TAG_LANGUAGE, labels: [value] }, `${field}.value`));
}

function faultsOf(check: () => void): FieldFault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof AppError) return [...(error.facts.faults ?? [])];
    throw error;
  }
}

function takeMetaStep(meta: JsonObject, { type, key = '', value = null, variant }: Step): JsonObject {
  if (!type.startsWith('meta.')) return meta;
  const current = meta[key] ?? null;
  if (variant === undefined) return { ...meta, [key]: newValue(type, current, value) };
  const variants = typeof current === 'object' && !Array.isArray(current) ? (current as JsonObject | null) : null;
  const changed = newValue(type, variants?.[variant] ?? null, value);
  return { ...meta, [key]: { ...variants, [variant]: changed } };
}

/** Lists are added to and taken from; of anything else there is one, which is set or taken away. */
function newValue(type: Step['type'], current: Json, value: Json): Json {
  const held: readonly Json[] = Array.isArray(current) ? current : current === null ? [] : [current];
  const given: readonly Json[] = Array.isArray(value) ? value : [value];
  const isList = Array.isArray(current) || Array.isArray(value);
  switch (type) {
    case 'meta.add':
      return isList ? [...held, ...given.filter((one) => !isAmong(held, one))] : value;
    case 'meta.remove':
      return Array.isArray(current) && value !== null ? held.filter((one) => !isAmong(given, one)) : null;
    default:
      return value;
  }
}

function isAmong(list: readonly Json[], one: Json): boolean {
  return list.some((other) => JSON.stringify(other) === JSON.stringify(one));
}

function isLabelStep({ type }: Step): boolean {
  return type.startsWith('labels.');
}

function labelOf({ value }: Step): string {
  return typeof value === 'string' ? value : '';
}

function takeLabelStep(labels: readonly string[], step: Step): readonly string[] {
  const [sids, none] = [[labelOf(step)], []];
  return relabelled(
    labels,
    step.type === 'labels.add' ? { attach: sids, detach: none } : { attach: none, detach: sids },
  );
}

function takeTagStep(tags: JsonObject, { type, value, variant }: Step, inUse: ReadonlyMap<string, Tag>): JsonObject {
  if (!type.startsWith('tags.') || typeof value !== 'string') return tags;
  const own = tags as Readonly<Record<string, readonly Tag[]>>; // Only tags are stored there.
  if (type === 'tags.del') {
    const languages = variant === undefined ? Object.keys(own) : [variant];
    return languages.reduce(
      (now, lang) =>
        withLanguage(
          now,
          lang,
          (own[lang] ?? []).filter(({ sid }) => sid !== value && sid !== tagSid(value)),
        ),
      tags,
    );
  }
  const lang = variant ?? TAG_LANGUAGE;
  const list = own[lang] ?? [];
  const elsewhere = Object.values(own)
    .flat()
    .find(({ sid }) => sid === value);
  const tag = elsewhere ?? inUse.get(value) ?? { sid: tagSid(value), label: value };
  return list.some(({ sid }) => sid === tag.sid) ? tags : withLanguage(tags, lang, [...list, tag]);
}
