// Security templates over HTTP (product definition section 3).
import { z } from 'zod';
import type { Saved } from '../operations/documents.ts';
import {
  createTemplate,
  deleteTemplate,
  getTemplate,
  listTemplates,
  OVERLAP_SECONDS_MAX,
  patchTemplate,
  replaceTemplate,
  rotateTemplate,
  setTemplatesActive,
} from '../operations/templates.ts';
import type { TemplateRecord } from '../ports/templates.ts';
import { adminListOf, changeOf, idsOf, stamps, tagRevision } from './documents.ts';
import { parseBody } from './input.ts';
import { type Call, type Route, route } from './route.ts';

const LIST = ['/{v}/security-templates'];
const ONE = ['/{v}/security-templates/:id'];

/** The document with what the store adds to it. */
function wireTemplate(record: TemplateRecord) {
  const { identifier, uid, revision, document } = record;
  return { id: identifier, uid, revision, ...document, ...stamps(record) };
}

function answerOne(call: Call, record: TemplateRecord) {
  tagRevision(call, record);
  return { security_template: wireTemplate(record) };
}

function answerSaved(call: Call, { record, warnings }: Saved<TemplateRecord>) {
  return { ...answerOne(call, record), warnings };
}

const idOf = (call: Call) => call.params['id'] ?? '';
const none = { targets: [] } as const;

const switchRoute = (verb: 'activate' | 'deactivate', active: boolean, summary: string) =>
  route({
    method: 'POST',
    paths: [`/{v}/security-templates/${verb}`],
    operations: ['template.activate'],
    summary,
    handle: async (call) => {
      const ids = idsOf(call.body);
      const grant = await call.admit([{ operation: 'template.activate', ...none }]);
      const records = await setTemplatesActive(call.ports, grant, ids, active);
      return { security_templates: records.map(wireTemplate), info: { total: records.length } };
    },
  });

/** Rows of the route table about security templates. */
export const templateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    paths: LIST,
    operations: ['template.list'],
    summary: 'List the security templates, newest change first.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.list', ...none }]);
      const { items, total } = await listTemplates(call.ports, grant, adminListOf(call.query));
      call.reply.header('cache-control', 'no-store');
      return { security_templates: items.map(wireTemplate), info: { total } };
    },
  }),
  route({
    method: 'POST',
    paths: LIST,
    operations: ['template.create'],
    summary: 'Make a security template.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.create', ...none }]);
      return answerSaved(call, await createTemplate(call.ports, grant, changeOf(call, 'security_template').input));
    },
  }),
  switchRoute('activate', true, 'Switch security templates on.'),
  switchRoute('deactivate', false, 'Switch security templates off; their keys die at once.'),
  route({
    method: 'GET',
    paths: ONE,
    operations: ['template.get'],
    summary: 'Read one security template by identifier or uid.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.get', ...none }]);
      return answerOne(call, await getTemplate(call.ports, grant, idOf(call)));
    },
  }),
  route({
    method: 'PUT',
    paths: ONE,
    operations: ['template.update'],
    summary: 'Replace a security template; what is left out takes its default.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.update', ...none }]);
      const change = changeOf(call, 'security_template');
      return answerSaved(call, await replaceTemplate(call.ports, grant, idOf(call), change));
    },
  }),
  route({
    method: 'PATCH',
    paths: ONE,
    operations: ['template.update'],
    summary: 'Change members of a security template; null takes one back to its default.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.update', ...none }]);
      const change = changeOf(call, 'security_template');
      return answerSaved(call, await patchTemplate(call.ports, grant, idOf(call), change));
    },
  }),
  route({
    method: 'DELETE',
    paths: ONE,
    operations: ['template.delete'],
    summary: 'Delete a security template with every key made from it.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'template.delete', ...none }]);
      await deleteTemplate(call.ports, grant, idOf(call));
      return {};
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/security-templates/:id/rotate'],
    operations: ['template.rotate'],
    summary: 'Give a security template a new identifier; the old one lives on for overlap_seconds.',
    handle: async (call) => {
      const { overlap_seconds } = parseBody(ROTATION, call.body);
      const grant = await call.admit([{ operation: 'template.rotate', ...none }]);
      return answerOne(call, await rotateTemplate(call.ports, grant, idOf(call), overlap_seconds));
    },
  }),
];

const ROTATION = z.object({ overlap_seconds: z.int().min(0).max(OVERLAP_SECONDS_MAX).default(0) });
