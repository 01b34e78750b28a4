// The sample template behind the demo page, so that a first start has something to show.
import { randomBytes } from 'node:crypto';
import { parseTemplate } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';

/** Uid of the template behind the demo page. */
export const DEMO_TEMPLATE_UID = 'demo-page';

const DEMO_TEMPLATE = {
  name: 'Demo page',
  description: 'Used by the demo page. Delete it, or set LATCHKEY_DEMO=off, when you no longer need it.',
  permissions: [
    'OBJECTS_LIST',
    'OBJECTS_FETCH',
    'LABELS_LIST',
    'COLLECTIONS_LIST',
    'FILE_UPLOAD',
    'FILE_RENAME',
    'FILE_MOVE',
    'FILE_DELETE',
    'FILE_SET_VISIBILITY',
    'FILE_IMAGE_EDITOR',
    'DIR_CREATE',
    'DIR_RENAME',
    'DIR_MOVE',
    'DIR_DELETE',
    'DIR_SET_VISIBILITY',
  ],
  upload: { limit_per_min: 120, max_file_size: 100 * 1024 * 1024 },
  issue: { limit_per_ip_per_min: 30 },
};

/** Makes the demo's template when the container has no template at all. Safe with several nodes starting at once. */
export async function ensureDemoTemplate(ports: Pick<Ports, 'templates' | 'system'>, container: string): Promise<void> {
  const { total } = await ports.templates.listTemplates(container, { offset: 0, limit: 1 });
  if (total > 0) return;
  const parsed = parseTemplate(DEMO_TEMPLATE);
  if (!parsed.ok) throw new TypeError(`the demo template is broken: ${JSON.stringify(parsed.faults)}`);
  const nowMs = ports.system.now();
  try {
    await ports.templates.createTemplate({
      uid: DEMO_TEMPLATE_UID,
      container,
      identifier: `SECU_${randomBytes(16).toString('hex').toUpperCase()}`,
      document: parsed.value.document,
      revision: 1,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    });
  } catch (error) {
    // Another node was quicker.
    if (!(error instanceof AppError && error.code === 'ALREADY_EXISTS')) throw error;
  }
}
