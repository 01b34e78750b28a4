// What widgets ask for at their start besides lists (wire contract 7 and 11.2): answered quickly, empty where there is nothing.
import { route } from './route.ts';

export const settingsRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/settings'],
    operations: ['settings.read'],
    summary: 'Reads the public part of the container settings.',
    async handle(call) {
      await call.admit([{ operation: 'settings.read', targets: [] }]);
      return {
        settings: { _products_enabled: 1, _cdn_permalink_enabled: 0 },
        metadata: {
          version: 'M1_EDGY',
          model: [],
          store: { force_filling_metadata_on_upload: false, regional_variants_groups: [] },
        },
        fs: { permission_model: 'PT_FAST' },
        presets: [],
      };
    },
  }),
  facet('/{v}/attributes/keys', 'Lists the metadata attributes to search by.', { attributes: {} }),
  facet('/{v}/filters', 'Lists the values to filter by.', { filters: { file_types: [], tags: [] } }),
  route({
    method: 'GET',
    paths: ['/{v}/labels'],
    operations: ['label.list'],
    summary: 'Lists the labels.',
    async handle(call) {
      await call.admit([{ operation: 'label.list', targets: [] }]);
      return { labels: [] };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/collections'],
    operations: ['collection.list'],
    summary: 'Lists the collections.',
    async handle(call) {
      await call.admit([{ operation: 'collection.list', targets: [] }]);
      return { collections: [] };
    },
  }),
];

/** A list to search by. No field of a file can be searched by yet but its name, so each list is empty. */
function facet(path: string, summary: string, empty: object) {
  return route({
    method: 'GET',
    paths: [path],
    operations: ['facet.list'],
    summary,
    async handle(call) {
      await call.admit([{ operation: 'facet.list', targets: [] }]);
      return empty;
    },
  });
}
