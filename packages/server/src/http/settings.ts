// What widgets ask for at their start besides lists (wire contract 7 and 11.2): answered quickly, empty where there is nothing.
import { AppError } from '../errors.ts';
import { type Attribute, listAttributes } from '../operations/attributes.ts';
import { listTypes } from '../operations/facets.ts';
import { changeSettings, type KnownSettings, listFields, readSettings } from '../operations/settings.ts';
import { listTags } from '../operations/tags.ts';
import { type Call, route } from './route.ts';
import { isoTime } from './wire.ts';

/** Filters are chosen by people, who read few. */
const FACETS = { default: 50, max: 1000 };

export const settingsRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/settings'],
    operations: ['settings.read', 'settings.inspect'],
    summary: 'Reads the public part of the container settings; with scope=private also when they were changed.',
    async handle(call) {
      if (call.query.one('scope') !== 'private') {
        const grant = await call.admit([{ operation: 'settings.read', targets: [] }]);
        return wireSettings(await readSettings(call.ports, grant));
      }
      const grant = await call.admit([{ operation: 'settings.inspect', targets: [] }]);
      return wirePrivate(await readSettings(call.ports, grant));
    },
  }),
  ...(['PUT', 'PATCH'] as const).map((method) =>
    route({
      method,
      paths: ['/{v}/settings'],
      operations: ['settings.change'],
      summary:
        method === 'PUT'
          ? 'Replaces the container settings; what is left out takes its default.'
          : 'Changes members of the container settings; the others stay.',
      async handle(call) {
        const grant = await call.admit([{ operation: 'settings.change', targets: [] }]);
        const manner = method === 'PUT' ? 'replace' : 'merge';
        const changed = await changeSettings(call.ports, grant, call.body, manner);
        return { action: 'settings_updated', ...wirePrivate(changed) };
      },
    }),
  ),
  route({
    method: 'GET',
    paths: ['/{v}/meta/model/fields'],
    operations: ['settings.read'],
    summary: 'Lists the fields of the metadata model; applies_to picks those of files, directories or products.',
    async handle(call) {
      const wanted = call.query.one('applies_to')?.toUpperCase();
      const fields = await modelFields(call);
      return { fields: fields.filter(({ applies_to }) => wanted === undefined || applies_to === wanted) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/meta/model/fields/:uuid/options'],
    operations: ['settings.read'],
    summary: 'Lists the possible values of a field.',
    async handle(call) {
      const field = (await modelFields(call)).find(({ uuid }) => uuid === call.params['uuid']);
      if (field === undefined) throw new AppError('FIELD_NOT_FOUND');
      return { options: field.possible_values };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/attributes/keys'],
    operations: ['facet.list'],
    summary: 'Lists what to search and to split collections by: tags, labels, products, types and metadata fields.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'facet.list', targets: [] }]);
      return { attributes: (await listAttributes(call.ports, grant)).map(wireAttribute) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/filters'],
    operations: ['facet.list'],
    summary: 'Lists the types and tags of the files within the listing scope, the types with their numbers.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'facet.list', targets: [] }]);
      const limit = call.query.int('limit', FACETS.default, 1, FACETS.max);
      const [types, tags] = await Promise.all([
        listTypes(call.ports, grant, limit),
        listTags(call.ports, grant, { search: undefined, limit }),
      ]);
      const labels = [...new Set(tags.map(({ label }) => label))];
      return {
        filters: {
          file_types: types.map(({ name, files }) => ({ name, value: name, count: files })),
          tags: labels.map((label) => ({ name: label, value: label })),
        },
      };
    },
  }),
];

async function modelFields(call: Call<'settings.read'>) {
  const grant = await call.admit([{ operation: 'settings.read', targets: [] }]);
  return listFields((await readSettings(call.ports, grant)).document);
}

const NUMERIC: readonly string[] = ['numeric', 'decimal2', 'integer-list'];

/** As search suggestions and the dialog of collections read it. */
function wireAttribute({ key, title, type, groupable, values }: Attribute): object {
  return {
    sys_key: key,
    slug: key,
    title,
    datatype: type,
    is_groupable: groupable,
    stats: {
      is_free_text: groupable ? 0 : 1,
      is_numeric: NUMERIC.includes(type) ? 1 : 0,
      top_values: values.map(({ label, text }) => ({ sys_key: text, api_slug: label, label })),
    },
  };
}

function wireSettings({ document }: KnownSettings): object {
  return {
    settings: document.settings,
    metadata: { version: 'M1_EDGY', ...document.metadata },
    // Access is managed by folder: without this word the widgets hide their dialog for it.
    fs: { permission_model: 'PT_ADVANCED' },
    presets: document.presets,
    uploads: document.uploads,
  };
}

function wirePrivate(known: KnownSettings): object {
  const { revision, updatedAtMs } = known;
  return {
    ...wireSettings(known),
    revision,
    updated_at: updatedAtMs === undefined ? null : isoTime(updatedAtMs),
  };
}
