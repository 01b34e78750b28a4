// The history of files over HTTP (wire contract 5.9).
import { demandOn } from '../operations/files.ts';
import { type HistoryPage, listChanges, listVersions, restoreVersion } from '../operations/history.ts';
import { fileUuid, type JsonObject } from '../ports/metadata.ts';
import { fileOf } from './lookup.ts';
import type { Query } from './query.ts';
import { route } from './route.ts';
import { showFile, showFiles } from './shown.ts';
import { wireChange, wirePerson } from './wire.ts';

/** How many entries a page has; the widget asks for one page and shows all of it. */
const PAGE = { default: 500, max: 1000, offsetMax: 1_000_000_000 };

const versionPaths = ['/{v}/file/:uuid/versions', '/{v}/files/:uuid/versions'];

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
      const { items, total } = await listChanges(call.ports, grant, file, pageOf(call.query));
      return { changes: items.map(wireChange), info: { total_changes_count: total } };
    },
  }),
  route({
    method: 'GET',
    paths: versionPaths,
    operations: ['file.history'],
    summary: 'Lists the versions of a file, newest first.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.history', [file])]);
      const versions = await listVersions(call.ports, grant, file, pageOf(call.query));
      const shown = await showFiles(
        call,
        versions.map(({ file: content }) => content),
      );
      return {
        versions: versions.map(({ by }, index) => ({
          ...withPreview(shown[index]),
          modified_by: by?.name ?? null,
          owner: by === undefined ? null : wirePerson(by),
        })),
      };
    },
  }),
  route({
    method: 'PUT',
    paths: versionPaths,
    operations: ['file.upload', 'file.history'],
    summary: 'Makes the content of an older version the newest version of its file.',
    async handle(call) {
      const version = await fileOf(call, call.params['uuid']);
      // Restoring shows again what was replaced: only who may read it may do so.
      await call.admit([demandOn('file.history', [version])]);
      const grant = await call.admit([demandOn('file.upload', [version])], { files: 1, bytes: version.sizeBytes });
      const file = await restoreVersion(call.ports, grant, version);
      return { action: 'file_version_restored', file_uuid: fileUuid(file), file: await showFile(call, file) };
    },
  }),
];

/** The widget's history asks for a link of its own to what it previews (wire contract 5.1). */
function withPreview(shown: JsonObject | undefined): JsonObject {
  const url = shown?.['url'] as { readonly cdn: string };
  return { ...shown, url: { ...url, version_preview_link: url.cdn } };
}

function pageOf(query: Query): HistoryPage {
  return { offset: query.int('offset', 0, 0, PAGE.offsetMax), limit: query.int('limit', PAGE.default, 1, PAGE.max) };
}
