// Labels: made and changed for the container, attached to files in scope and taken off again.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { LabelDocument, LabelRecord } from '../ports/labels.ts';
import type { FileRecord } from '../ports/metadata.ts';
import { at } from './files.ts';
import { authorOf, personOf } from './people.ts';
import { EVERYBODY, isFor, parseSharing, parseTitle } from './sharing.ts';

type Needs = Pick<Ports, 'labels' | 'system'>;

/** Bounds of labels. */
export const LABELS = { perContainerMax: 1000, perFileMax: 100, nameCharactersMax: 100 } as const;

/** What a caller says of a label; when one is changed, absent members stay. */
export interface LabelInput {
  readonly name?: unknown;
  readonly color?: unknown;
  readonly shape?: unknown;
  readonly is_pinned?: unknown;
  readonly permissions?:
    | {
        readonly viewing?: { readonly scope?: unknown; readonly ids?: unknown } | null | undefined;
        readonly attaching?: { readonly scope?: unknown; readonly ids?: unknown } | null | undefined;
      }
    | null
    | undefined;
}

/** A label with the number of files in scope that carry it. */
export interface CountedLabel {
  readonly label: LabelRecord;
  readonly files: number;
}

/** What a label looks like until somebody chooses. */
const NEW_LABEL: LabelDocument = {
  name: '',
  color: '#BAC8D3',
  shape: 'pin',
  isPinned: false,
  viewing: EVERYBODY,
  attaching: EVERYBODY,
};

/** The labels that the caller may see, by name. */
export async function listLabels(
  ports: Pick<Ports, 'labels'>,
  grant: Grant<'label.list'>,
): Promise<readonly CountedLabel[]> {
  const [labels, uses] = await Promise.all([
    ports.labels.listLabels(grant.container),
    ports.labels.countLabelUses(grant.container, grant.layers('listing')),
  ]);
  return labels.filter(isSeenBy(grant)).map((label) => ({ label, files: uses.get(label.sid) ?? 0 }));
}

/** The labels that the caller may see, by the short id that files carry. */
export async function labelsBySid(
  ports: Pick<Ports, 'labels'>,
  grant: Grant<'file.list' | 'file.get'>,
): Promise<ReadonlyMap<string, LabelRecord>> {
  const labels = await ports.labels.listLabels(grant.container);
  return new Map(labels.filter(isSeenBy(grant)).map((label) => [label.sid, label]));
}

/** Makes a label. Raises REQUEST_INVALID with every fault, also when the container has as many as it can. */
export async function createLabel(ports: Needs, grant: Grant<'label.create'>, input: LabelInput): Promise<LabelRecord> {
  const document = parseLabel(input, NEW_LABEL);
  if ((await ports.labels.listLabels(grant.container)).length >= LABELS.perContainerMax) {
    throw refusal('label', 'TOO_MANY', `A container may have ${LABELS.perContainerMax} labels.`);
  }
  const id = randomUUID();
  const nowMs = ports.system.now();
  const record: LabelRecord = {
    id,
    container: grant.container,
    sid: `#lb${id.replaceAll('-', '').slice(0, 10)}`,
    document,
    ownerId: personOf(grant).id,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  await ports.labels.createLabel(record);
  return record;
}

/** Changes the members that the input has. Raises LABEL_NOT_FOUND, REQUEST_INVALID. */
export async function changeLabel(
  ports: Needs,
  grant: Grant<'label.update'>,
  id: string,
  input: LabelInput,
): Promise<CountedLabel> {
  const change = (stored: LabelRecord) => {
    if (!isSeenBy(grant)(stored)) throw new AppError('LABEL_NOT_FOUND', 'not for the caller');
    return parseLabel(input, stored.document);
  };
  const label = await ports.labels.changeLabel(grant.container, id, change, ports.system.now());
  const uses = await ports.labels.countLabelUses(grant.container, grant.layers('listing'));
  return { label, files: uses.get(label.sid) ?? 0 };
}

/** Deletes labels and takes them off all files, those outside the scope too: a label belongs to the container. Raises
 *  LABEL_NOT_FOUND; then none is deleted. */
export async function deleteLabels(
  ports: Pick<Ports, 'labels'>,
  grant: Grant<'label.delete'>,
  ids: readonly string[],
): Promise<void> {
  const seen = new Set((await ports.labels.listLabels(grant.container)).filter(isSeenBy(grant)).map(({ id }) => id));
  if (ids.some((id) => !seen.has(id))) throw new AppError('LABEL_NOT_FOUND');
  await ports.labels.deleteLabels(grant.container, ids);
}

/** Attaches labels to all files, or takes them off all; what is so already stays so. Raises FILE_NOT_FOUND,
 *  LABEL_NOT_FOUND, PERMISSION_DENIED for a label that others attach, REQUEST_INVALID. */
export async function labelFiles(
  ports: Pick<Ports, 'labels' | 'descriptions' | 'system'>,
  grant: Grant<'file.setLabels'>,
  files: readonly FileRecord[],
  change: { readonly attach?: readonly string[]; readonly detach?: readonly string[] },
): Promise<readonly FileRecord[]> {
  const { attach = [], detach = [] } = change;
  await checkAttachable(ports, grant, [...attach, ...detach]);
  const describe = ({ labels }: FileRecord) => ({ labels: relabelled(labels, { attach, detach }) });
  return ports.descriptions.describeFiles(grant.container, files.map(at), describe, authorOf(ports, grant));
}

/** Refuses ids of labels that the caller may not attach. Raises LABEL_NOT_FOUND, PERMISSION_DENIED. */
export async function checkAttachable(
  ports: Pick<Ports, 'labels'>,
  grant: Grant,
  sids: readonly string[],
): Promise<void> {
  if (sids.length === 0) return;
  const known = new Map((await ports.labels.listLabels(grant.container)).map((label) => [label.sid, label]));
  for (const sid of sids) {
    const label = known.get(sid);
    if (label === undefined || !isSeenBy(grant)(label)) throw new AppError('LABEL_NOT_FOUND', sid);
    if (!isFor(label.document.attaching, label.ownerId, grant)) {
      throw new AppError('PERMISSION_DENIED', 'attaching', {
        hint: 'This label may be attached by others only: its permissions say by whom.',
      });
    }
  }
}

/** A file's labels with some added behind and some taken away. Raises REQUEST_INVALID when they become too many. */
export function relabelled(
  labels: readonly string[],
  { attach, detach }: { readonly attach: readonly string[]; readonly detach: readonly string[] },
): readonly string[] {
  const changed = [...new Set([...labels, ...attach])].filter((sid) => !detach.includes(sid));
  if (changed.length <= LABELS.perFileMax) return changed;
  throw refusal('labels', 'TOO_MANY', `A file may have ${LABELS.perFileMax} labels.`);
}

function isSeenBy(grant: Grant): (label: LabelRecord) => boolean {
  return ({ document, ownerId }) => isFor(document.viewing, ownerId, grant);
}

function parseLabel(input: LabelInput, stored: LabelDocument): LabelDocument {
  const faults: FieldFault[] = [];
  const { name, color, shape, is_pinned: pinned, permissions } = input;
  const document: LabelDocument = {
    name: parseTitle(name ?? stored.name, LABELS.nameCharactersMax, 'label.name', faults),
    color: parseWord(color ?? stored.color, /^(?:#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,30})$/, 'label.color', faults),
    shape: parseWord(shape ?? stored.shape, /^[a-zA-Z0-9_-]{1,30}$/, 'label.shape', faults),
    isPinned: pinned === undefined || pinned === null ? stored.isPinned : pinned === true || pinned === 1,
    viewing:
      permissions?.viewing === undefined
        ? stored.viewing
        : parseSharing(permissions.viewing, 'label.permissions.viewing', faults),
    attaching:
      permissions?.attaching === undefined
        ? stored.attaching
        : parseSharing(permissions.attaching, 'label.permissions.attaching', faults),
  };
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'label', { faults });
  return document;
}

function parseWord(said: unknown, form: RegExp, field: string, faults: FieldFault[]): string {
  if (typeof said === 'string' && form.test(said)) return said;
  faults.push({ field, code: 'FORMAT_WRONG', message: 'A colour is written like #e55e58, a shape is one word.' });
  return '';
}

function refusal(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}
