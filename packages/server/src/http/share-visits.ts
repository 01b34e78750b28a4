// What a share gives to those who know its address: as JSON, as a page, as bytes, and as one zip (wire contract 10).
import { type CanonicalPath, joinPath, nameOf as lastName, parentOf, segmentsOf } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Entrant } from '../guard/guard.ts';
import {
  ARCHIVE,
  type ArchiveEntry,
  archiveEntries,
  cancelArchive,
  createArchive,
  entriesOf,
  openArchive,
} from '../operations/archives.ts';
import { demandOn, readFile } from '../operations/files.ts';
import type { Picked } from '../operations/objects.ts';
import { renderFile } from '../operations/renders.ts';
import { eachSelected, outermost } from '../operations/selection.ts';
import { folderAbove, SHARE, shareDoors, shareObjects, showsFile } from '../operations/shares.ts';
import { ownerOfVisits, shareOfTask } from '../operations/tasks.ts';
import type { ByteRange } from '../ports/blobs.ts';
import type { Ports } from '../ports/index.ts';
import { EVERY_NAME, type FileRecord, type FileStats, type FolderRecord, fileUuid } from '../ports/metadata.ts';
import { EVERY_FILE } from '../ports/search.ts';
import type { ShareDocument } from '../ports/shares.ts';
import { foldersOfEntries, isWantedTask, sendArchive } from './archives.ts';
import { deliverAs } from './delivery.ts';
import { type DoorVisit, doorPath, type Entrance, enterDoor, showDoor, takePassword, visitDoor } from './doors.ts';
import { needsIcon } from './icon.ts';
import { parseBody, pathOf } from './input.ts';
import { fileOf, folderOfId } from './lookup.ts';
import type { Page } from './page.ts';
import { type Wanted, wantedOf } from './rendition.ts';
import { type Call, route } from './route.ts';
import { type ShareView, sharePage } from './share-page.ts';
import { publicShare } from './shares.ts';
import { wireFile, wireFolder } from './wire.ts';
import { packZip } from './zip.ts';

type ShareVisit = DoorVisit<ShareDocument>;
type VisitCall = Call<'file.download' | 'file.archive'>;

/** Paths of one request's names inside a share. */
const pathList = z.array(z.string().max(4096)).max(SHARE.itemsMax).nullish();
const shareboxBody = z.object({ files_paths: pathList, folders_paths: pathList });

export const shareVisitRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/share/:id'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'What a share shows to those who know its address, and its password if it has one.',
    async handle(call) {
      const visit = await visitShare(call, call.query.one('password'));
      const { files, folders } = await contentOf(call, visit);
      call.reply.header('cache-control', 'private, no-store');
      return {
        share: { ...publicShare(visit.door), ...(visit.proof === undefined ? {} : { access: visit.proof }) },
        files,
        folders,
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/share/:id'],
    operations: ['file.download'],
    credential: 'optional',
    page: true,
    summary: 'The page of a share: what people see who open its address.',
    async handle(call) {
      const path = sharePath(call);
      // The address that the widget’s dialog shows leads here by another path, for which cookies would not be sent.
      if (call.request.originalUrl !== call.request.url) {
        await call.reply.redirect(path, 302);
        return undefined;
      }
      return showDoor(call, entranceTo(call.ports), path, (visit) => pageOf(call, visit, path));
    },
  }),
  route({
    method: 'POST',
    paths: ['/share/:id'],
    operations: ['file.download'],
    credential: 'optional',
    body: 'stream',
    page: true,
    summary: 'Takes the password of a share from the form of its page.',
    handle: (call) => takePassword(call, entranceTo(call.ports), sharePath(call)),
  }),
  route({
    method: 'GET',
    paths: ['/{v?}/share/:id/file/:uuid'],
    operations: ['file.download'],
    credential: 'optional',
    page: true,
    summary: 'The bytes of one file of a share, or a picture of it in the size asked for.',
    async handle(call) {
      const visit = await visitShare(call, undefined);
      const file = await sharedFileOf(call, visit);
      const wanted = permitted(call, visit, file);
      const grant = await call.admitAs(visit.entrant, [demandOn('file.download', [file])]);
      const source = {
        read: (range?: ByteRange) => readFile(call.ports, grant, file, range),
        render: ({ rendition }: Wanted) => renderFile(call.ports, grant, file, rendition),
      };
      // Whoever may have it is asked anew each time.
      return deliverAs(call, { ...file, isPublic: false }, source, wanted);
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v?}/share/:id/zip'],
    operations: ['file.download'],
    credential: 'optional',
    page: true,
    summary: 'Everything that a share shows, or one folder of it, as one zip, at once.',
    async handle(call) {
      const visit = await visitShare(call, undefined);
      refuseViewOnly(visit);
      const folderId = call.query.one('folder');
      const picked =
        folderId === undefined
          ? await shownPicks(call, visit)
          : { files: [], folders: [await sharedFolderOf(call, visit, folderId)] };
      const entries = await entriesOf(
        call.ports,
        call.container,
        call.guard.scopesOf(visit.entrant, 'listing', 'file.download'),
        picked,
      );
      return sendShared(call, visit, entries, () => Promise.resolve(true));
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/file-archive/sharebox/:id'],
    operations: ['file.archive'],
    credential: 'optional',
    summary:
      'Asks for files and folders of a share, named by their paths inside it, as one zip that can be fetched for an hour.',
    async handle(call) {
      const { files_paths, folders_paths } = parseBody(shareboxBody, call.body);
      const visit = await visitShare(call, undefined);
      refuseViewOnly(visit);
      const picked = await namedPicks(call, visit, files_paths ?? [], folders_paths ?? []);
      const targets = picked.folders.map(({ path }) => path);
      const grant = await call.admitAs(visit.entrant, [demandOn('file.archive', picked.files, ...targets)]);
      return { task_id: await createArchive(call.ports, grant, picked, ownerOfVisits(visit.door.puid)) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/file-archive/sharebox/:id'],
    operations: ['file.download', 'file.archive'],
    credential: 'optional',
    summary: 'The zip of a share that was asked for; with status_only, whether it can be fetched.',
    async handle(call) {
      const id = call.params['id'] ?? '';
      const { visit, asked, owner } = await revisit(call, id);
      if (call.query.flag('status_only')) return { task_id: id, task_status: 'DONE', task_percent: 100 };
      const entries = await archiveEntries(call.ports, asked, id, owner);
      return sendShared(call, visit, entries, () => isWantedTask(call, asked, id, owner));
    },
  }),
  route({
    method: 'PATCH',
    paths: ['/{v}/file-archive/sharebox/:id/cancel'],
    operations: ['file.archive'],
    credential: 'optional',
    summary: 'Forgets a zip of a share; one that is being sent breaks off.',
    async handle(call) {
      const id = call.params['id'] ?? '';
      const { asked, owner } = await revisit(call, id);
      await cancelArchive(call.ports, asked, id, owner);
      return { status: 'cancelled' };
    },
  }),
];

function entranceTo(ports: Pick<Ports, 'shares'>): Entrance<ShareDocument> {
  const demand = { operation: 'file.download', targets: [] } as const;
  return { kind: shareDoors(ports), lentOf: async ({ lent }) => ({ lent, demand }) };
}

function sharePath(call: Pick<Call, 'baseUrl' | 'container' | 'params'>): string {
  return doorPath(call, 'share', call.params['id'] ?? '');
}

function visitShare(call: VisitCall, password: string | undefined): Promise<ShareVisit> {
  return visitDoor(call, entranceTo(call.ports), call.params['id'] ?? '', password);
}

/**
 * Somebody who comes back for a zip. Its id was told to a visitor who had passed the door, and is as hard to guess as the share's own;
 * that the share is still open, and the rights behind it good, is asked again. Raises TASK_NOT_FOUND, SHARE_NOT_FOUND.
 */
async function revisit(
  call: VisitCall,
  id: string,
): Promise<{ readonly visit: ShareVisit; readonly asked: Grant<'file.archive'>; readonly owner: string }> {
  const puid = await shareOfTask(call.ports, call.container, 'archive', id);
  const visit = { ...(await enterDoor(call, entranceTo(call.ports), puid)), proof: undefined };
  refuseViewOnly(visit);
  const asked = await call.admitAs(visit.entrant, [{ operation: 'file.archive', targets: [] }]);
  return { visit, asked, owner: ownerOfVisits(puid) };
}

function isViewOnly({ door }: Pick<ShareVisit, 'door'>): boolean {
  return door.document.permits === 'view';
}

function refuseViewOnly(visit: Pick<ShareVisit, 'door'>): void {
  if (isViewOnly(visit)) throw new AppError('SHARE_VIEW_ONLY');
}

/** The longest side of what is shown of a file that may not be had. */
const VIEW_PIXELS = 1600;

/** What may be drawn of a file; nothing but a drawing or an icon leaves a share that is for looking at. Raises SHARE_VIEW_ONLY. */
function permitted(call: Call, visit: ShareVisit, file: FileRecord): Wanted | undefined {
  const wanted = wantedOf(call.query, call.request.headers.accept);
  if (!isViewOnly(visit)) return wanted;
  if (call.query.one('download') !== undefined) throw new AppError('SHARE_VIEW_ONLY');
  if (!call.ports.images.draws(file.mime) && !needsIcon(file)) throw new AppError('SHARE_VIEW_ONLY');
  const manner = { background: undefined, format: 'same', quality: 80, page: 1 } as const;
  const {
    rendition = { ...manner, width: undefined, height: undefined, fitting: 'bound' as const },
    negotiated = false,
  } = wanted ?? {};
  const atMost = (side: number | undefined) => (side === undefined ? undefined : Math.min(side, VIEW_PIXELS));
  const [width, height] = [atMost(rendition.width), atMost(rendition.height)];
  const isUnbounded = width === undefined || height === undefined;
  return {
    rendition: {
      ...rendition,
      width: width ?? VIEW_PIXELS,
      height: height ?? VIEW_PIXELS,
      fitting: isUnbounded ? 'bound' : rendition.fitting,
    },
    negotiated,
  };
}

/** The named objects that the lent rights cover, in the order given: folders also when they only lead there. */
async function shownPicks(call: VisitCall, { door, entrant }: ShareVisit): Promise<Picked> {
  const within = call.guard.scopesOf(entrant, 'listing', 'file.download');
  const { files, folders } = await shareObjects(call.ports, door, within);
  const shows = (operation: 'file.download' | 'file.archive', path: CanonicalPath) =>
    call.guard.explain(entrant, { demands: [{ operation, targets: [path] }] }).allow;
  return {
    files: files.filter(({ folderPath }) => shows('file.download', folderPath)),
    folders: folders.filter(({ path }) => shows('file.archive', path)),
  };
}

/** Sends what a share shows, for as long as its rights are good and the visitor wants it. */
async function sendShared(
  call: VisitCall,
  { entrant }: ShareVisit,
  entries: readonly ArchiveEntry[],
  isWanted: () => Promise<boolean>,
): Promise<undefined> {
  // Exactly these folders: one that only leads to the scope would do for asking, not for bytes.
  const demands = [{ operation: 'file.download' as const, targets: foldersOfEntries(entries) }];
  const grant = await call.admitAs(entrant, demands);
  return sendArchive(call, await openArchive(call.ports, grant, entries, packZip, isWanted), 'share.zip');
}

/** As the visitor sees it: with the lent rights in place of the request's own. */
function seenBy(call: VisitCall, entrant: Entrant): Call {
  return { ...call, entrant } as Call; // Looking up needs no grant, so it matters not which ones the call could get.
}

/** The file of the address, if the share shows it. Raises FILE_NOT_FOUND. */
async function sharedFileOf(call: VisitCall, { door, entrant }: ShareVisit): Promise<FileRecord> {
  const file = await fileOf(seenBy(call, entrant), call.params['uuid']);
  if (!showsFile(await shareObjects(call.ports, door), file)) throw new AppError('FILE_NOT_FOUND', 'not of the share');
  return file;
}

/** The folder of the address, if the share shows it. Raises FOLDER_NOT_FOUND. */
async function sharedFolderOf(call: VisitCall, { door, entrant }: ShareVisit, id: string): Promise<FolderRecord> {
  const folder = await folderOfId(seenBy(call, entrant), id);
  if (folderAbove(await shareObjects(call.ports, door), folder.path) === undefined) {
    throw new AppError('FOLDER_NOT_FOUND', 'not of the share');
  }
  return folder;
}

/**
 * The files and folders that the visitor names by their paths inside the share, as the widget makes them: the names of what was
 * shared stand at the top. Without any name it is all of it. Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND, PATH_INVALID.
 */
async function namedPicks(
  call: VisitCall,
  visit: ShareVisit,
  filePaths: readonly string[],
  folderPaths: readonly string[],
): Promise<Picked> {
  const shown = await shownPicks(call, visit);
  if (filePaths.length + folderPaths.length === 0) return shown;
  const files: FileRecord[] = [];
  for (const text of filePaths) {
    const path = pathOf(text, 'files_paths');
    const folder = storedPath(shown, parentOf(path) ?? path);
    const [name = ''] = segmentsOf(path);
    const file =
      folder === undefined
        ? shown.files.find((one) => one.name === name && segmentsOf(path).length === 1)
        : await call.ports.metadata.findFileByName(call.container, folder, lastName(path) ?? '');
    if (file === undefined) throw new AppError('FILE_NOT_FOUND', 'not of the share');
    files.push(await fileOf(seenBy(call, visit.entrant), fileUuid(file)));
  }
  const folders: FolderRecord[] = [];
  for (const text of folderPaths) {
    const path = storedPath(shown, pathOf(text, 'folders_paths'));
    const folder = path === undefined ? undefined : await call.ports.metadata.findFolder(call.container, path);
    if (folder === undefined) throw new AppError('FOLDER_NOT_FOUND', 'not of the share');
    folders.push(await folderOfId(seenBy(call, visit.entrant), folder.id));
  }
  return { files, folders };
}

/** Where a folder of the share lies in the store; undefined for the top, and for what the share has not. */
function storedPath({ folders }: Picked, path: CanonicalPath): CanonicalPath | undefined {
  const [first, ...others] = segmentsOf(path);
  const top = folders.find(({ name }) => name === first);
  return (
    top &&
    others.reduce<CanonicalPath>((above, name) => joinPath(above, name as Parameters<typeof joinPath>[1]), top.path)
  );
}

/** A folder of a share with what is in it, as the widget's view of shares reads it. */
type WireTree = object & { readonly files: readonly object[]; readonly folders: readonly WireTree[] };

/** What a share shows: the files that were named, and the folders with everything below them, within the bound. */
async function contentOf(
  call: VisitCall,
  visit: ShareVisit,
): Promise<{ readonly files: readonly object[]; readonly folders: readonly WireTree[] }> {
  await call.admitAs(visit.entrant, [{ operation: 'file.download', targets: [] }]);
  const picked = await shownPicks(call, visit);
  const within = call.guard.scopesOf(visit.entrant, 'listing', 'file.download');
  const filesIn = new Map<string, FileRecord[]>();
  const bounds = { recursive: true, filesMax: Number.POSITIVE_INFINITY, limit: SHARE.listedMax };
  await eachSelected(call.ports, call.container, within, picked, bounds, (file) => {
    const others = filesIn.get(file.folderPath);
    if (others === undefined) filesIn.set(file.folderPath, [file]);
    else others.push(file);
  });
  const foldersIn = new Map<string, FolderRecord[]>();
  for (const { path: folderPath } of outermost(picked.folders)) {
    const query = { container: call.container, folderPath, recursive: true, within, names: EVERY_NAME };
    const { items } = await call.ports.metadata.listFolders(query, { ...BY_NAME, limit: SHARE.listedMax });
    for (const folder of items) {
      const parent = parentOf(folder.path) ?? folder.path;
      const others = foldersIn.get(parent);
      if (others === undefined) foldersIn.set(parent, [folder]);
      else others.push(folder);
    }
  }
  const tree = (folder: FolderRecord): WireTree => ({
    ...wireFolder(folder),
    files: (filesIn.get(folder.path) ?? []).map((file) => sharedFile(call, visit, file)),
    folders: (foldersIn.get(folder.path) ?? []).map(tree),
  });
  return { files: picked.files.map((file) => sharedFile(call, visit, file)), folders: picked.folders.map(tree) };
}

const BY_NAME = { sort: 'name', descending: false, offset: 0 } as const;

/** A file as a share shows it: with addresses that this share is needed for, and without what describes it inside. */
function sharedFile(call: VisitCall, visit: ShareVisit, file: FileRecord): object {
  const { uuid, name, extension, type, size, info, hash, created_at, modified_at, folder } = wireFile(file, call);
  const at = (more: string) => {
    const access = visit.proof === undefined ? '' : `access=${encodeURIComponent(visit.proof)}`;
    const query = [access, more].filter((part) => part !== '').join('&');
    const base = `${call.baseUrl}/${visit.door.container}/v4/share/${visit.door.puid}/file/${fileUuid(file)}`;
    return query === '' ? base : `${base}?${query}`;
  };
  const link = at(isViewOnly(visit) ? `w=${VIEW_PIXELS}` : '');
  const url = { public: link, cdn: link, permalink: link, path: name ?? '' };
  const download = isViewOnly(visit) ? {} : { download: at('download=1') };
  return {
    uuid,
    name,
    extension,
    type,
    size,
    info,
    hash,
    created_at,
    modified_at,
    folder,
    url: { ...url, ...download },
  };
}

/** So many files stand on one page. */
const PAGE_FILES = 60;

/** The page of what a share shows at its top, or in the folder that the query names. */
async function pageOf(call: VisitCall, visit: ShareVisit, path: string): Promise<Page> {
  await call.admitAs(visit.entrant, [{ operation: 'file.download', targets: [] }]);
  const folderId = call.query.one('folder');
  const picked = await shownPicks(call, visit);
  const folder = folderId === undefined ? undefined : await sharedFolderOf(call, visit, folderId);
  const number = call.query.int('page', 1, 1, 1_000_000);
  const shelf = folder === undefined ? topShelf(picked, number) : await folderShelf(call, visit, folder, number);
  const all = await totalOf(call, visit, folder === undefined ? picked : { files: [], folders: [folder] });
  const href = (query: Readonly<Record<string, string>>) => {
    const text = new URLSearchParams(query).toString();
    return text === '' ? path : `${path}?${text}`;
  };
  const here = folder === undefined ? {} : { folder: folder.id };
  const isZipped =
    !isViewOnly(visit) && all.files > 0 && all.files <= ARCHIVE.filesMax && all.bytes <= ARCHIVE.bytesMax;
  const pages = Math.max(1, Math.ceil(shelf.total / PAGE_FILES));
  const { title, description, expiresAtMs, expiresAtZone } = visit.door.document;
  const view: ShareView = {
    title,
    description,
    until: expiresAtMs === null ? undefined : { atMs: expiresAtMs, zone: expiresAtZone },
    trail: (await trailOf(call, picked, folder)).map(({ id, name }) => ({ name, href: href({ folder: id }) })),
    top: path,
    folders: number > 1 ? [] : shelf.folders.map((one) => ({ ...one, href: href({ folder: one.id }) })),
    files: shelf.files.map((file) => {
      const address = `${path}/file/${fileUuid(file)}`;
      return {
        name: file.name,
        sizeBytes: file.sizeBytes,
        picture: `${address}?w=416&h=260&func=crop`,
        href: isViewOnly(visit) ? `${address}?w=${VIEW_PIXELS}` : address,
        download: isViewOnly(visit) ? undefined : `${address}?download=1`,
      };
    }),
    all,
    zip: isZipped ? `${path}/zip${folder === undefined ? '' : `?folder=${encodeURIComponent(folder.id)}`}` : undefined,
    pager: {
      number,
      pages,
      previous: number > 1 ? href({ ...here, page: String(number - 1) }) : undefined,
      next: number < pages ? href({ ...here, page: String(number + 1) }) : undefined,
    },
  };
  return sharePage(view);
}

/** One page's worth of a place in a share. */
interface Shelf {
  readonly folders: readonly FolderRecord[];
  readonly files: readonly FileRecord[];
  /** Files on all pages together. */
  readonly total: number;
}

function topShelf({ files, folders }: Picked, number: number): Shelf {
  const from = (number - 1) * PAGE_FILES;
  return { folders, files: files.slice(from, from + PAGE_FILES), total: files.length };
}

async function folderShelf(call: VisitCall, visit: ShareVisit, folder: FolderRecord, number: number): Promise<Shelf> {
  const within = call.guard.scopesOf(visit.entrant, 'listing', 'file.download');
  const place = { container: call.container, folderPath: folder.path, recursive: false, within };
  const query = { ...place, where: EVERY_FILE };
  const paging = { ...BY_NAME, offset: (number - 1) * PAGE_FILES, limit: PAGE_FILES };
  const [{ items }, files, stats] = await Promise.all([
    call.ports.metadata.listFolders({ ...place, names: EVERY_NAME }, { ...BY_NAME, limit: SHARE.listedMax }),
    call.ports.metadata.listFiles(query, paging),
    call.ports.metadata.countFiles(query),
  ]);
  return { folders: items, files, total: stats.files };
}

/** Everything that a zip of these would hold. */
async function totalOf(call: VisitCall, visit: ShareVisit, picked: Picked): Promise<FileStats> {
  const within = call.guard.scopesOf(visit.entrant, 'listing', 'file.download');
  const alone = picked.files.filter(({ folderPath }) => folderAbove(picked, folderPath) === undefined);
  let all = { files: alone.length, bytes: alone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  for (const { path: folderPath } of outermost(picked.folders)) {
    const query = { container: call.container, folderPath, recursive: true, within, where: EVERY_FILE };
    const { files, bytes } = await call.ports.metadata.countFiles(query);
    all = { files: all.files + files, bytes: all.bytes + bytes };
  }
  return all;
}

/** The folders from the one that was shared down to this one. */
async function trailOf(
  call: VisitCall,
  picked: Picked,
  folder: FolderRecord | undefined,
): Promise<readonly FolderRecord[]> {
  if (folder === undefined) return [];
  const top = folderAbove(picked, folder.path);
  const trail = [folder];
  for (let path = parentOf(folder.path); top !== undefined && path !== undefined && trail[0]?.id !== top.id; ) {
    const above = await call.ports.metadata.findFolder(call.container, path);
    if (above === undefined) break;
    trail.unshift(above);
    path = parentOf(path);
  }
  return trail;
}
