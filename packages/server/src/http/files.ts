// Files over HTTP: lists, records, names and bytes (wire contract 5.2 to 5.7 and 11.6).
import { type CanonicalPath, joinPath, nameOf as lastName, parentOf } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import { collectionSearch, joinSearches } from '../operations/collections.ts';
import {
  countFiles,
  type FileListing,
  linkFile,
  listFiles,
  readFile,
  readPublicFile,
  renameFile,
} from '../operations/files.ts';
import { getListedFolder, listFolders } from '../operations/folders.ts';
import { renderFile, renderPublicFile } from '../operations/renders.ts';
import { tabulate } from '../operations/tables.ts';
import { viewFiles } from '../operations/views.ts';
import type { ByteRange, LinkedAnswer, LinkedBlobs } from '../ports/blobs.ts';
import type { FileRecord, FileStats } from '../ports/metadata.ts';
import { EVERY_NAME, fileUuid } from '../ports/metadata.ts';
import { sendCsv } from './csv.ts';
import { deliverAs, type Source } from './delivery.ts';
import { permissionsOf } from './folders.ts';
import { fileListingOf, nameOf, pagingOf, parseBody, pathOf } from './input.ts';
import { fileOf } from './lookup.ts';
import { decode } from './query.ts';
import { type Wanted, wantedOf } from './rendition.ts';
import { type Call, route } from './route.ts';
import { showFile, showFiles } from './shown.ts';
import { asksForCsv, viewOf } from './view.ts';
import { wireFolder } from './wire.ts';

/** So many folders an old client is shown with the files of one. */
const DIRECTORIES_MAX = 5000;

const nameBody = z.object({ name: z.string() });

export const fileRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/files', '/{v}/list', '/{v}/search'],
    operations: ['file.list'],
    summary:
      'Lists the files of a folder, or all below it; q searches names, tags, metadata and facts; as JSON or CSV.',
    async handle(call) {
      const asked = fileListingOf(call);
      const grant = await call.admit([{ operation: 'file.list', targets: [asked.folderPath] }]);
      const listing = await narrowed(call, grant, asked);
      const base = await getListedFolder(call.ports, grant, listing.folderPath);
      const { files, stats, warnings } = await listFiles(call.ports, grant, listing, pagingOf(call.query));
      if (asksForCsv(call)) {
        const { header, rows } = await tabulate(
          call.ports,
          grant,
          files.map(({ file }) => file),
          viewOf(call),
        );
        return sendCsv(call.reply, 'files.csv', header, rows);
      }
      const viewed = await viewFiles(call.ports, grant, viewOf(call));
      const shown = await showFiles(
        call,
        files.map(({ file }) => file),
      );
      return {
        type: listing.search === undefined ? 'LIST' : 'SEARCH',
        base: wireFolder(base),
        files: files.map(({ file, relevance }, index) => ({ ...shown[index], relevance, ...viewed(file) })),
        folders: [],
        ...(call.version === 'v3' ? { directories: await directoriesOf(call, grant, listing) } : {}),
        info: { total_files_count: stats.files, total_files_size: stats.bytes },
        stats: wireStats(stats),
        warnings,
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/files/stats'],
    operations: ['file.stats'],
    summary: 'Counts the files that a list would show.',
    async handle(call) {
      const asked = fileListingOf(call);
      const grant = await call.admit([{ operation: 'file.stats', targets: [asked.folderPath] }]);
      const listing = await narrowed(call, grant, asked);
      await getListedFolder(call.ports, grant, listing.folderPath);
      return { stats: wireStats(await countFiles(call.ports, grant, listing)) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/files/:uuid', '/{v}/file/:uuid'],
    operations: ['file.get'],
    summary: 'Gets the record of one file, in the version that its uuid names.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([{ operation: 'file.get', targets: [file.folderPath] }]);
      const viewed = await viewFiles(call.ports, grant, viewOf(call));
      return { file: { ...(await showFile(call, file)), ...viewed(file) } };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/files/:uuid/permissions', '/{v}/file/:uuid/permissions'],
    operations: ['file.permissions'],
    summary: 'Lists what the key may do with a file.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      await call.admit([{ operation: 'file.permissions', targets: [file.folderPath] }]);
      return { permissions: permissionsOf(call, file.folderPath) };
    },
  }),
  ...(['PATCH', 'PUT'] as const).map((method) =>
    route({
      method,
      paths:
        method === 'PATCH'
          ? ['/{v}/files/:uuid', '/{v}/file/:uuid']
          : ['/{v}/file/:uuid/name', '/{v}/files/:uuid/name'],
      operations: ['file.rename'],
      summary: 'Renames a file.',
      async handle(call) {
        const name = nameOf(parseBody(nameBody, call.body).name, 'name');
        const file = await fileOf(call, call.params['uuid']);
        const grant = await call.admit([{ operation: 'file.rename', targets: [file.folderPath] }]);
        const renamed = await renameFile(call.ports, grant, file, name);
        return { action: 'file_renamed', file_uuid: fileUuid(renamed), file: await showFile(call, renamed) };
      },
    }),
  ),
  route({
    method: 'GET',
    paths: ['/{v}/get/:uuid'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'The bytes of a file by its uuid; without a key when it is public.',
    async handle(call) {
      const file = await call.ports.metadata.findFile(call.container, ...uuidParts(call.params['uuid']));
      return sendBytes(call, file);
    },
  }),
  route({
    method: 'GET',
    paths: ['/cdn/*'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'The bytes of a file by its path; without a key when it is public.',
    async handle(call) {
      const path = deliveryPath(call);
      const [folderPath, name] = [parentOf(path), lastName(path)];
      const file =
        folderPath === undefined || name === undefined
          ? undefined
          : await call.ports.metadata.findFileByName(call.container, folderPath, name);
      return sendBytes(call, file);
    },
  }),
];

/** The listing within the collection, the virtual folder and the labels that the request names. Raises COLLECTION_NOT_FOUND. */
async function narrowed(
  call: Call,
  grant: Grant<'file.list' | 'file.stats'>,
  asked: FileListing,
): Promise<FileListing> {
  const collectionId = call.query.one('collection_uuid');
  const virtualFolder = call.query.one('f64');
  const kept = await collectionSearch(call.ports, grant, { collectionId, virtualFolder });
  const search = joinSearches([kept, labelled(call), asked.search ?? '']);
  return {
    ...asked,
    recursive: asked.recursive || searchesAll(call),
    search: search === '' ? undefined : search,
  };
}

/** The search for the labels of a list, which names the files of any of them: their ids, with or without the sign before them. */
function labelled(call: Call): string {
  const sids = call.query.one('labels')?.split(',') ?? [];
  if (sids.every((sid) => /^#?\w{1,64}$/.test(sid))) return sids.length === 0 ? '' : `labels:"${sids.join('","')}"`;
  const message = 'Ids of labels are needed here, separated by commas.';
  throw new AppError('REQUEST_INVALID', 'labels', { faults: [{ field: 'labels', code: 'FORMAT_WRONG', message }] });
}

/** An old client that searches names no folder and means all of them (wire contract 12.1). */
function searchesAll({ query, request }: Call): boolean {
  const { url = '' } = request.routeOptions;
  return url.endsWith('/search') && query.one('folder', 'dir', 'recursive') === undefined;
}

/** The folders of the folder that clients of the first generation list together with its files; of a search there are none. */
async function directoriesOf(
  call: Call,
  grant: Grant<'file.list'>,
  { folderPath, search }: FileListing,
): Promise<readonly object[]> {
  if (search !== undefined) return [];
  const paging = { sort: 'name', descending: false, offset: 0, limit: DIRECTORIES_MAX } as const;
  const { items } = await listFolders(call.ports, grant, { folderPath, recursive: false, names: EVERY_NAME }, paging);
  return items.map(wireFolder);
}

/** Numbers of a listing; the method says whether counting stopped at a bound. */
function wireStats(stats: FileStats): object {
  return {
    approx_files_count: stats.files,
    approx_files_size: stats.bytes,
    approx_files_count_method: stats.isBounded === true ? 'COUNT_AT_LEAST' : 'COUNT_EXACT',
  };
}

function uuidParts(uuid = ''): [id: string, version: number] {
  return [uuid.slice(0, -4), /^[0-9a-f]{4}$/.test(uuid.slice(-4)) ? Number.parseInt(uuid.slice(-4), 16) : -1];
}

/** The path behind `/cdn`, each segment decoded once and on its own, so that an encoded slash stays refused. */
function deliveryPath(call: Call): CanonicalPath {
  const target = (call.request.raw.url ?? '').split('?', 1)[0] ?? '';
  const segments = target.split('/').slice(3).map(decode);
  let path = pathOf('/', 'path');
  for (const segment of segments) path = joinPath(path, nameOf(segment, 'path'));
  return path;
}

/** The way past this service, where the store has one. */
function linking(
  call: Call,
  link: (blobs: Pick<LinkedBlobs, 'linkTo'>, answer: LinkedAnswer, seconds: number) => Promise<string>,
): Pick<Source, 'link'> {
  const { blobs } = call.ports;
  const linkTo = blobs.linkTo?.bind(blobs);
  if (linkTo === undefined) return {};
  return { link: (answer, seconds) => link({ linkTo }, answer, seconds) };
}

/**
 * Public bytes for everybody, whatever became of the signature in the address; private ones for a key that may fetch them. Without
 * a key a private file answers KEY_MISSING, as an unknown one does: addresses tell nothing.
 */
async function sendBytes(call: Call<'file.download'>, file: FileRecord | undefined): Promise<undefined> {
  const wanted = wantedOf(call.query, call.request.headers.accept);
  const { bearer, refusal } = call.entrant;
  const { address } = bearer;
  const anonymous = bearer.credential === 'missing';
  if (file?.isPublic === true && (anonymous || address !== undefined)) {
    const source = {
      read: (range?: ByteRange) => readPublicFile(call.ports, file, range),
      ...linking(call, (blobs, answer, seconds) => blobs.linkTo(file.blobId, answer, seconds)),
      render: ({ rendition }: Wanted) => renderPublicFile(call.ports, file, rendition, call.entrant.asked.clientIp),
    };
    return deliverAs(call, file, source, wanted);
  }
  if (anonymous) throw refusal ?? new AppError('KEY_MISSING');
  const known = file === undefined ? undefined : await fileOf(call, fileUuid(file));
  if (known === undefined || (address !== undefined && address.fileId !== known.id)) {
    throw new AppError('FILE_NOT_FOUND');
  }
  const grant = await call.admit([{ operation: 'file.download', targets: [known.folderPath] }]);
  const source = {
    read: (range?: ByteRange) => readFile(call.ports, grant, known, range),
    ...linking(call, (blobs, answer, seconds) => linkFile({ blobs }, grant, known, answer, seconds)),
    render: ({ rendition }: Wanted) => renderFile(call.ports, grant, known, rendition),
  };
  return deliverAs(call, known, source, wanted);
}
