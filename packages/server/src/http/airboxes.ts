// Airboxes over HTTP: for their makers, and for outsiders who hand files in (wire contract 10).
import { coversAll, effective } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import {
  type AirboxWish,
  airboxDoors,
  airboxFolder,
  commitHandedIn,
  createAirbox,
  lentThrough,
  updateAirbox,
} from '../operations/airboxes.ts';
import { DOOR, deleteDoor, listDoors, ownDoor } from '../operations/doors.ts';
import type { AirboxDocument, AirboxRecord } from '../ports/airboxes.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderRecord } from '../ports/metadata.ts';
import { type AirboxView, airboxPage } from './airbox-page.ts';
import {
  type DoorVisit,
  doorFields,
  doorPath,
  doorWishOf,
  type Entrance,
  publicDoor,
  showDoor,
  takePassword,
  visitDoor,
} from './doors.ts';
import { mayKnow, parseBody, pathOf } from './input.ts';
import { type Page, wantsPage } from './page.ts';
import { type Call, route } from './route.ts';
import { formBytes, stageForm, withParts } from './uploads.ts';
import { isoTime, prettyBytes } from './wire.ts';

const bound = z.int().min(1).max(Number.MAX_SAFE_INTEGER).nullish();
const airboxBody = z.object({
  ...doorFields,
  message: z.string().max(DOOR.textMax).nullish(),
  folder: z.string().optional(),
  max_files: bound,
  max_bytes: bound,
  max_file_bytes: bound,
  allowed_types: z.array(z.string().max(255)).nullish(),
});

const VISIT_PATHS = ['/{v?}/a/:id', '/{v?}/a/:id/:title'];

export const airboxRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/airboxes'],
    operations: ['airbox.list'],
    summary: 'Lists the airboxes of the caller.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'airbox.list', targets: [] }]);
      const page = { offset: call.query.int('offset', 0, 0, 1_000_000), limit: call.query.int('limit', 100, 1, 1000) };
      const { items, total } = await listDoors(airboxDoors(call.ports), grant, page);
      return { airboxes: await Promise.all(items.map((airbox) => wireAirbox(call, airbox))), info: { total } };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/airboxes'],
    operations: ['airbox.create'],
    summary: 'Makes an airbox: an address at which whoever is given it hands files in to one folder.',
    async handle(call) {
      const body = parseBody(airboxBody, call.body);
      if (body.folder === undefined) {
        const message = 'Name the folder that files are handed in to.';
        throw new AppError('REQUEST_INVALID', 'folder', { faults: [{ field: 'folder', code: 'MISSING', message }] });
      }
      const path = pathOf(body.folder, 'folder');
      const grant = await call.admit([{ operation: 'airbox.create', targets: [path] }]);
      const folder = await uploadFolder(call, path);
      return { airbox: await wireAirbox(call, await createAirbox(call.ports, grant, folder, wishOf(body))) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/airboxes/:id'],
    operations: ['airbox.get'],
    summary: 'Reads one airbox of the caller.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'airbox.get', targets: [] }]);
      const airbox = await ownDoor(airboxDoors(call.ports), grant, call.params['id'] ?? '');
      return { airbox: await wireAirbox(call, airbox) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/airboxes/:id'],
    operations: ['airbox.update'],
    summary: 'Changes an airbox; members that are left out stay as they are.',
    async handle(call) {
      const body = parseBody(airboxBody, call.body);
      const path = body.folder === undefined ? undefined : pathOf(body.folder, 'folder');
      const grant = await call.admit([{ operation: 'airbox.update', targets: path === undefined ? [] : [path] }]);
      const folder = path === undefined ? undefined : await uploadFolder(call, path);
      const airbox = await updateAirbox(call.ports, grant, call.params['id'] ?? '', wishOf(body), folder);
      return { airbox: await wireAirbox(call, airbox) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/airboxes/:id'],
    operations: ['airbox.delete'],
    summary: 'Closes an airbox for good. What was handed in stays.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'airbox.delete', targets: [] }]);
      await deleteDoor(airboxDoors(call.ports), grant, call.params['id'] ?? '');
      return { action: 'airbox_deleted' };
    },
  }),
  route({
    method: 'GET',
    paths: VISIT_PATHS,
    operations: ['file.upload'],
    credential: 'optional',
    page: true,
    summary: 'The page at which outsiders hand files in; to programs, or with format=json, what an airbox takes.',
    async handle(call) {
      const path = airboxPath(call);
      const entrance = entranceTo(call.ports);
      if (call.query.one('format') === 'json' || !wantsPage(call.request)) {
        const visit = await visitDoor(call, entrance, call.params['id'] ?? '', call.query.one('password'));
        call.reply.header('cache-control', 'private, no-store');
        return { airbox: publicAirbox(call, visit) };
      }
      if (doorPath(call, 'a', call.params['id'] ?? '') !== pathAsked(call)) {
        await call.reply.redirect(path, 302);
        return undefined;
      }
      return showDoor(call, entrance, path, async (visit) => pageOf(call, visit, path));
    },
  }),
  route({
    method: 'POST',
    paths: VISIT_PATHS,
    operations: ['file.upload'],
    credential: 'optional',
    body: 'stream',
    page: true,
    summary:
      'Hands files in to an airbox as multipart/form-data, without a key; a form with a password opens its page.',
    async handle(call) {
      const path = airboxPath(call);
      if (call.request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true) {
        return takePassword(call, entranceTo(call.ports), path);
      }
      const visit = await visitDoor(call, entranceTo(call.ports), call.params['id'] ?? '', undefined);
      const files = await handIn(call, visit);
      if (!wantsPage(call.request)) return { files };
      // So that looking at the page again hands nothing in again.
      await call.reply.header('cache-control', 'no-store').redirect(`${path}?received=${files.length}`, 303);
      return undefined;
    },
  }),
];

type AirboxVisit = DoorVisit<AirboxDocument>;

function entranceTo(ports: Pick<Ports, 'airboxes' | 'metadata'>): Entrance<AirboxDocument> {
  return {
    kind: airboxDoors(ports),
    async lentOf(airbox) {
      const folder = await airboxFolder(ports, airbox);
      if (folder === undefined) return undefined;
      const demand = { operation: 'file.upload', targets: [folder.path] } as const;
      return { lent: lentThrough(airbox, folder.path), demand };
    },
  };
}

function airboxPath(call: Pick<Call, 'baseUrl' | 'container' | 'params'>): string {
  return doorPath(call, 'a', call.params['id'] ?? '');
}

/** The folder at a path, if the caller may upload there. Raises FOLDER_NOT_FOUND, PERMISSION_DENIED. */
async function uploadFolder(call: Call<'airbox.create' | 'airbox.update'>, path: FolderRecord['path']) {
  const demands = [{ operation: 'file.upload' as const, targets: [path] }];
  // Nobody lends what they do not have: such an airbox would be shut from the beginning.
  if (!call.guard.explain(call.entrant, { demands }).allow) {
    const hint = 'An airbox lends the right to upload; add FILE_UPLOAD to the security template or use another key.';
    throw new AppError('PERMISSION_DENIED', 'file.upload', { hint, rule: 'permission' });
  }
  const folder = await call.ports.metadata.findFolder(call.container, path);
  if (folder === undefined) throw new AppError('FOLDER_NOT_FOUND');
  return folder;
}

/**
 * Takes every file of the form as it comes, and all of them or none in the end. Answers what an outsider gets to know of each: what they
 * sent. Its place, its address and its name there are not theirs.
 */
async function handIn(call: Call<'file.upload'>, { door, entrant }: AirboxVisit): Promise<readonly object[]> {
  const folder = await airboxFolder(call.ports, door);
  if (folder === undefined) throw new AppError('AIRBOX_NOT_FOUND', 'its folder is gone');
  if (!call.request.isMultipart()) {
    const message = 'Send the files as multipart/form-data.';
    throw new AppError('REQUEST_INVALID', 'no form', { faults: [{ field: 'body', code: 'FORM_MISSING', message }] });
  }
  return withParts(call, async (parts) => {
    await stageForm(call, parts, {
      ask: () => call.guard.reenter(entrant, ['file.upload']),
      admit: (length) => {
        const bytes = formBytes(length, entrant);
        const demands = [{ operation: 'file.upload' as const, targets: [folder.path] }];
        return call.admitAs(entrant, demands, { files: 1, ...(bytes === undefined ? {} : { bytes }) });
      },
      nameless: 'skip',
    });
    const files = await commitHandedIn(call.ports, door, folder, parts);
    return files.map((file, index) => receipt(file, parts[index]?.name));
  }).catch((error: unknown) => {
    throw forOutsiders(error);
  });
}

/** Of keys and templates, which some reasons speak of, an outsider has none. */
function forOutsiders(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { code, detail } = error;
  if (code === 'UPLOAD_QUOTA_EXHAUSTED') return new AppError('AIRBOX_FULL', detail, { cause: error });
  return code === 'KEY_REVOKED' ? new AppError('AIRBOX_NOT_FOUND', detail, { cause: error }) : error;
}

function receipt({ mime, sizeBytes }: FileRecord, name: string | undefined): object {
  return { name, type: mime, size: { bytes: sizeBytes, pretty: prettyBytes(sizeBytes) } };
}

function wishOf(body: z.infer<typeof airboxBody>): AirboxWish {
  const { message, max_files, max_bytes, max_file_bytes, allowed_types } = body;
  return {
    ...doorWishOf(body),
    ...(message === undefined ? {} : { message: message ?? '' }),
    ...(max_files === undefined ? {} : { filesMax: max_files }),
    ...(max_bytes === undefined ? {} : { bytesMax: max_bytes }),
    ...(max_file_bytes === undefined ? {} : { fileBytesMax: max_file_bytes }),
    ...(allowed_types === undefined ? {} : { allowedTypes: allowed_types ?? [] }),
  };
}

function wireBounds({ filesMax, bytesMax, fileBytesMax, allowedTypes }: AirboxDocument): object {
  return { max_files: filesMax, max_bytes: bytesMax, max_file_bytes: fileBytesMax, allowed_types: allowedTypes };
}

function publicAirbox(call: Call, { door, proof }: AirboxVisit): object {
  return {
    ...publicDoor(door),
    message: door.document.message,
    ...wireBounds(door.document),
    upload_url: `${call.baseUrl}/${call.container}/a/${door.puid}`,
    ...(proof === undefined ? {} : { access: proof }),
  };
}

async function wireAirbox(call: Call, airbox: AirboxRecord): Promise<object> {
  const folder = await airboxFolder(call.ports, airbox);
  return {
    ...publicDoor(airbox),
    message: airbox.document.message,
    ...wireBounds(airbox.document),
    url: `${call.baseUrl}/${call.container}/a/${airbox.puid}`,
    folder: folder === undefined || !mayKnowOf(call, folder) ? null : { uuid: folder.id, path: folder.path },
    has_password: airbox.document.passwordHash !== null,
    created_at: isoTime(airbox.createdAtMs),
    updated_at: isoTime(airbox.updatedAtMs),
  };
}

/** Whoever lost sight of a folder is not told where it has gone, though it is still their airbox. */
function mayKnowOf(call: Call, { path }: FolderRecord): boolean {
  return mayKnow(call, 'folder', path) || coversAll(call.guard.scopesOf(call.entrant, 'upload', 'folder.list'), path);
}

/** The page; the largest file it names is what both the airbox and the rights behind it let in. */
function pageOf(call: Call, { door, entrant }: AirboxVisit, path: string): Page {
  const { title, message, expiresAtMs, expiresAtZone, filesMax, bytesMax, allowedTypes } = door.document;
  const { template, claims } = entrant.bearer;
  const largest = template === undefined || claims === undefined ? 0 : effective(template, claims).maxFileSizeBytes;
  const view: AirboxView = {
    title,
    message,
    until: expiresAtMs === null ? undefined : { atMs: expiresAtMs, zone: expiresAtZone },
    path,
    filesMax,
    bytesMax,
    fileBytesMax: largest === Number.MAX_SAFE_INTEGER ? null : largest,
    allowedTypes,
    received: call.query.int('received', 0, 0, 1000),
  };
  return airboxPage(view);
}

/** The path of the request as its browser wrote it. */
function pathAsked({ request }: Call): string {
  return (request.originalUrl.split('?', 1)[0] ?? '').replace(/(?<=[^/])\/$/, '');
}
