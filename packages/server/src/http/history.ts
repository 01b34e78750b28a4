// The history of files over HTTP (wire contract 5.9).
import { demandOn } from '../operations/files.ts';
import { listChanges } from '../operations/history.ts';
import { fileOf } from './lookup.ts';
import { route } from './route.ts';
import { wireChange } from './wire.ts';

/** How many entries a page has; the widget asks for one page and shows all of it. */
const PAGE = { default: 500, max: 1000, offsetMax: 1_000_000_000 };

export const historyRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/files/:uuid/changes', '/{v}/file/:uuid/changes'],
    operations: ['file.history'],
    summary:
      'Lists what was done to a file, newest first; of an older version, what had happened until it was replaced.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.history', [file])]);
      const offset = call.query.int('offset', 0, 0, PAGE.offsetMax);
      const limit = call.query.int('limit', PAGE.default, 1, PAGE.max);
      const { items, total } = await listChanges(call.ports, grant, file, { offset, limit });
      return { changes: items.map(wireChange), info: { total_changes_count: total } };
    },
  }),
];
