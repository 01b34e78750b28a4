// What can be done with security templates.
import { parseTemplate } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { AdminListQuery, Page, TemplateRecord } from '../ports/templates.ts';
import { refuseGivingMore } from './delegation.ts';
import { accept, type Change, patched, requireRevision, type Saved } from './documents.ts';

type Needs = Pick<Ports, 'templates' | 'system'>;

/** The longest time that an old identifier may live on after a rotation. */
export const OVERLAP_SECONDS_MAX = 30 * 24 * 60 * 60;

/** A page of templates, newest change first. */
export async function listTemplates(
  ports: Needs,
  grant: Grant<'template.list'>,
  query: AdminListQuery,
): Promise<Page<TemplateRecord>> {
  return ports.templates.listTemplates(grant.container, query);
}

/** The template with this identifier or uid. Raises TEMPLATE_NOT_FOUND. */
export async function getTemplate(ports: Needs, grant: Grant<'template.get'>, id: string): Promise<TemplateRecord> {
  return lookUp(ports, grant, id);
}

/** Stores a new template under a random identifier. Raises REQUEST_INVALID, PERMISSION_DENIED. */
export async function createTemplate(
  ports: Needs,
  grant: Grant<'template.create'>,
  input: unknown,
): Promise<Saved<TemplateRecord>> {
  const { document, warnings } = accept(parseTemplate(input));
  refuseGivingMore(grant, document);
  const nowMs = ports.system.now();
  const record: TemplateRecord = {
    uid: hex(ports, 16),
    container: grant.container,
    identifier: newIdentifier(ports),
    document,
    revision: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  await ports.templates.createTemplate(record);
  ports.system.log.info('template.created', { uid: record.uid, by: grant.holder });
  return { record, warnings };
}

/** Replaces the whole document; what is left out takes its default. Raises like `createTemplate`, and TEMPLATE_NOT_FOUND, VERSION_MISMATCH. */
export async function replaceTemplate(
  ports: Needs,
  grant: Grant<'template.update'>,
  id: string,
  change: Change,
): Promise<Saved<TemplateRecord>> {
  return save(ports, grant, await lookUp(ports, grant, id), change.input, change.revision);
}

/** Changes the given members, `null` taking one back to its default. Raises like `replaceTemplate`. */
export async function patchTemplate(
  ports: Needs,
  grant: Grant<'template.update'>,
  id: string,
  change: Change,
): Promise<Saved<TemplateRecord>> {
  const record = await lookUp(ports, grant, id);
  // What was merged is only right for the revision that was read.
  return save(ports, grant, record, patched(record.document, change.input), change.revision ?? record.revision);
}

/** Gives a new identifier; the old one buys keys for `overlapSeconds` more. Raises TEMPLATE_NOT_FOUND. */
export async function rotateTemplate(
  ports: Needs,
  grant: Grant<'template.rotate'>,
  id: string,
  overlapSeconds: number,
): Promise<TemplateRecord> {
  const { uid } = await lookUp(ports, grant, id);
  const nowMs = ports.system.now();
  const overlapUntilMs = nowMs + overlapSeconds * 1000;
  const record = await ports.templates.rotateTemplate(
    grant.container,
    uid,
    newIdentifier(ports),
    overlapUntilMs,
    nowMs,
  );
  if (record === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
  ports.system.log.info('template.rotated', { uid, overlapSeconds, by: grant.holder });
  return record;
}

/** Switches templates on or off together, or none: all must exist. Raises TEMPLATE_NOT_FOUND, PERMISSION_DENIED. */
export async function setTemplatesActive(
  ports: Needs,
  grant: Grant<'template.activate'>,
  ids: readonly string[],
  active: boolean,
): Promise<readonly TemplateRecord[]> {
  const records = await Promise.all(ids.map((id) => lookUp(ports, grant, id)));
  // Waking a template hands out its rights; putting one to sleep takes them away, which needs none of them.
  if (active) for (const { document } of records) refuseGivingMore(grant, document);
  const uids = [...new Set(records.map(({ uid }) => uid))];
  const changed = await ports.templates.setTemplatesActive(grant.container, uids, active, ports.system.now());
  ports.system.log.info(active ? 'template.activated' : 'template.deactivated', { uids, by: grant.holder });
  return changed;
}

/** Deletes the template and with it every key made from it. Raises TEMPLATE_NOT_FOUND. */
export async function deleteTemplate(ports: Needs, grant: Grant<'template.delete'>, id: string): Promise<void> {
  const { uid } = await lookUp(ports, grant, id);
  if (!(await ports.templates.deleteTemplate(grant.container, uid))) throw new AppError('TEMPLATE_NOT_FOUND');
  ports.system.log.info('template.deleted', { uid, by: grant.holder });
}

async function save(
  ports: Needs,
  grant: Grant<'template.update'>,
  record: TemplateRecord,
  input: unknown,
  revision: number | undefined,
): Promise<Saved<TemplateRecord>> {
  requireRevision(record, revision);
  const { document, warnings } = accept(parseTemplate(input));
  refuseGivingMore(grant, document);
  const { container, uid } = record;
  const saved = await ports.templates.updateTemplate(container, uid, document, ports.system.now(), revision);
  if (saved === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
  ports.system.log.info('template.updated', { uid, revision: saved.revision, by: grant.holder });
  return { record: saved, warnings };
}

/** Admins know a template by its uid, pages by its identifier: both name it, so that a rotation breaks no bookmark. */
async function lookUp(ports: Needs, grant: Grant, id: string): Promise<TemplateRecord> {
  const record =
    (await ports.templates.findTemplateByIdentifier(grant.container, id, ports.system.now())) ??
    (await ports.templates.findTemplate(grant.container, id));
  if (record === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
  return record;
}

/** `SECU_` and 128 random bits in upper-case hex (product definition section 3). */
function newIdentifier(ports: Needs): string {
  return `SECU_${hex(ports, 16).toUpperCase()}`;
}

function hex(ports: Needs, bytes: number): string {
  return Buffer.from(ports.system.random(bytes)).toString('hex');
}
