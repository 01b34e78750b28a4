// Shares over HTTP: for their makers, and for those who were given the address (wire contract 10).
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Entrant } from '../guard/guard.ts';
import { entriesOf, openArchive } from '../operations/archives.ts';
import { demandOn, readFile } from '../operations/files.ts';
import type { Picked } from '../operations/objects.ts';
import { eachSelected } from '../operations/selection.ts';
import {
  createShare,
  deleteShare,
  getShare,
  listShares,
  openShare,
  passDoor,
  SHARE,
  type ShareWish,
  shareObjects,
  showsFile,
  updateShare,
} from '../operations/shares.ts';
import type { ByteRange } from '../ports/blobs.ts';
import { type FileRecord, fileUuid } from '../ports/metadata.ts';
import type { ShareRecord } from '../ports/shares.ts';
import { foldersOfEntries, sendArchive } from './archives.ts';
import { deliverAs } from './delivery.ts';
import { idList, parseBody } from './input.ts';
import { fileOf, filesOf, foldersOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { isoTime, wireFile, wireFolder } from './wire.ts';
import { packZip } from './zip.ts';

const time = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date(), z.literal('')]).nullish();
const zone = z.string().max(64).nullish();
const shareBody = z.object({
  title: z.string().max(SHARE.titleMax).optional(),
  description: z.string().max(SHARE.descriptionMax).nullish(),
  starts_at: time,
  expires_at: time,
  starts_at_tz: zone,
  expires_at_tz: zone,
  // So the widget calls them.
  starts_tz: zone,
  expires_tz: zone,
  items: z
    .array(z.object({ type: z.enum(['file_uuid', 'folder_uuid']), identifiers: idList }))
    .max(SHARE.itemsMax)
    .optional(),
  auth: z.object({ pass: z.string().max(SHARE.passwordMax).nullish() }).nullish(),
  // Sent by clients and without a meaning here: what a share permits is fetching.
  token: z.unknown().optional(),
  permissions: z.unknown().optional(),
});

export const shareRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/shares'],
    operations: ['share.list'],
    summary: 'Lists the shares of the caller.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'share.list', targets: [] }]);
      const page = { offset: call.query.int('offset', 0, 0, 1_000_000), limit: call.query.int('limit', 100, 1, 1000) };
      const { items, total } = await listShares(call.ports, grant, page);
      return { shares: items.map((share) => wireShare(call, share)), info: { total } };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/shares'],
    operations: ['share.create', 'file.archive'],
    summary: 'Shares files and folders with whoever is given the address.',
    async handle(call) {
      const body = parseBody(shareBody, call.body);
      const picked = await pickItems(call, body.items ?? []);
      const grant = await call.admit([
        { operation: 'share.create', targets: [] },
        demandOn('file.archive', picked.files, ...picked.folders.map(({ path }) => path)),
      ]);
      return { share: wireShare(call, await createShare(call.ports, grant, picked, wishOf(body))) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/shares/:id'],
    operations: ['share.get'],
    summary: 'Reads one share of the caller.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'share.get', targets: [] }]);
      return { share: wireShare(call, await getShare(call.ports, grant, call.params['id'] ?? '')) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/shares/:id'],
    operations: ['share.update', 'file.archive'],
    summary: 'Changes a share; members that are left out stay as they are.',
    async handle(call) {
      const body = parseBody(shareBody, call.body);
      if (Object.keys(body).length === 0) {
        const message = 'Say what is to be changed.';
        throw new AppError('REQUEST_INVALID', 'nothing', { faults: [{ field: 'body', code: 'EMPTY', message }] });
      }
      const picked = body.items === undefined ? undefined : await pickItems(call, body.items);
      const grant = await call.admit([
        { operation: 'share.update', targets: [] },
        ...(picked === undefined
          ? []
          : [demandOn('file.archive', picked.files, ...picked.folders.map(({ path }) => path))]),
      ]);
      const id = call.params['id'] ?? '';
      return { share: wireShare(call, await updateShare(call.ports, grant, id, wishOf(body), picked)) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/shares/:id'],
    operations: ['share.delete'],
    summary: 'Ends a share at once.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'share.delete', targets: [] }]);
      await deleteShare(call.ports, grant, call.params['id'] ?? '');
      return { action: 'share_deleted' };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/share/:id'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'What a share shows to those who know its address, and its password if it has one.',
    async handle(call) {
      const visit = await visitShare(call, call.query.one('password'));
      const { files, folders } = await shownObjects(call, visit);
      call.reply.header('cache-control', 'private, no-store');
      return {
        share: { ...publicShare(visit.share), ...(visit.proof === undefined ? {} : { access: visit.proof }) },
        files: files.map((file) => sharedFile(call, visit, file)),
        folders: folders.map(wireFolder),
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/share/:id/file/:uuid'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'The bytes of one file of a share.',
    async handle(call) {
      const visit = await visitShare(call, undefined);
      const file = await sharedFileOf(call, visit);
      const grant = await admitFor(call, visit.entrant, [file]);
      const source = {
        read: (range?: ByteRange) => readFile(call.ports, grant, file, range),
        render: () => Promise.reject(new TypeError('a share sends files as they are')),
      };
      // Whoever may have it is asked anew each time.
      return deliverAs(call, { ...file, isPublic: false }, source, undefined);
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/share/:id/zip'],
    operations: ['file.download'],
    credential: 'optional',
    summary: 'Everything that a share shows as one zip, at once.',
    async handle(call) {
      const visit = await visitShare(call, undefined);
      const { entrant, share } = visit;
      const picked = await shownPicks(call, visit);
      const entries = await entriesOf(call.ports, call.container, call.guard.scopesOf(entrant, 'listing'), picked);
      const demands = [{ operation: 'file.download' as const, targets: foldersOfEntries(entries) }];
      const grant = await call.guard.admit(entrant, { demands });
      const archive = await openArchive(call.ports, grant, entries, packZip, () => isOpen(call, share));
      return sendArchive(call, archive, 'share.zip');
    },
  }),
];

/** Somebody who was let through the door of a share. */
interface ShareVisit {
  readonly share: ShareRecord;
  /** With the rights that the share lends. */
  readonly entrant: Entrant;
  /** Shows on later addresses that the password was given. */
  readonly proof: string | undefined;
}

type ShareCall = Pick<Call, 'ports' | 'guard' | 'container' | 'entrant' | 'params' | 'query'>;

/**
 * Lets a visitor in: the share must be open, its password known, and the rights behind it still good; what is no longer there
 * for any of these reasons but the password is SHARE_NOT_FOUND.
 */
async function visitShare(call: ShareCall, password: string | undefined): Promise<ShareVisit> {
  const share = await openShare(call.ports, call.container, call.params['id'] ?? '');
  const entrant = await lentEntrant(call, share);
  const proof = await passDoor(call.ports, share, {
    password,
    proof: call.query.one('access'),
    clientIp: call.entrant.asked.clientIp,
  });
  return { share, entrant, proof };
}

async function lentEntrant(call: ShareCall, share: ShareRecord): Promise<Entrant> {
  const { asked } = call.entrant;
  const entrant = await call.guard.enterLent(asked, share.lent);
  // What the rights no longer give is not there.
  const demands = [{ operation: 'file.download' as const, targets: [] }];
  if (!call.guard.explain(entrant, { demands }).allow) throw new AppError('SHARE_NOT_FOUND', 'rights are gone');
  return entrant;
}

async function isOpen(call: ShareCall, share: ShareRecord): Promise<boolean> {
  try {
    await openShare(call.ports, call.container, share.puid);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'SHARE_NOT_FOUND') return false;
    throw error;
  }
}

/** The named objects that the lent rights cover: folders also when they only lead there. */
async function shownPicks(call: ShareCall, { share, entrant }: ShareVisit): Promise<Picked> {
  const { files, folders } = await shareObjects(call.ports, share);
  const shows = (operation: 'file.download' | 'file.archive', path: FileRecord['folderPath']) =>
    call.guard.explain(entrant, { demands: [{ operation, targets: [path] }] }).allow;
  return {
    files: files.filter(({ folderPath }) => shows('file.download', folderPath)),
    folders: folders.filter(({ path }) => shows('file.archive', path)),
  };
}

/** What a share shows: its folders, and every file of it, those in and below its folders too. */
async function shownObjects(call: ShareCall, visit: ShareVisit): Promise<Picked> {
  const picked = await shownPicks(call, visit);
  const files: FileRecord[] = [];
  const bounds = { recursive: true, filesMax: Number.POSITIVE_INFINITY, limit: SHARE.listedMax };
  const within = call.guard.scopesOf(visit.entrant, 'listing');
  await eachSelected(call.ports, call.container, within, picked, bounds, (file) => files.push(file));
  return { files, folders: picked.folders };
}

/** The file of the address, if the share shows it. Raises FILE_NOT_FOUND. */
async function sharedFileOf(call: ShareCall, { share, entrant }: ShareVisit): Promise<FileRecord> {
  const file = await fileOf({ ...call, entrant } as Call, call.params['uuid']);
  if (!showsFile(await shareObjects(call.ports, share), file)) throw new AppError('FILE_NOT_FOUND', 'not of the share');
  return file;
}

async function admitFor(
  call: ShareCall,
  entrant: Entrant,
  files: readonly FileRecord[],
): Promise<Grant<'file.download'>> {
  return call.guard.admit(entrant, { demands: [demandOn('file.download', files)] });
}

async function pickItems(
  call: Call,
  items: readonly { readonly type: 'file_uuid' | 'folder_uuid'; readonly identifiers: readonly string[] }[],
): Promise<Picked> {
  const ids = (type: string) => items.filter((item) => item.type === type).flatMap(({ identifiers }) => identifiers);
  const [fileIds, folderIds] = [ids('file_uuid'), ids('folder_uuid')];
  const count = fileIds.length + folderIds.length;
  if (count === 0 || count > SHARE.itemsMax) {
    const message = `Name at least one file or folder, and no more than ${SHARE.itemsMax}.`;
    throw new AppError('REQUEST_INVALID', 'items', { faults: [{ field: 'items', code: 'COUNT', message }] });
  }
  const [files, folders] = await Promise.all([filesOf(call, fileIds), foldersOf(call, folderIds)]);
  return { files, folders };
}

function wishOf(body: z.infer<typeof shareBody>): ShareWish {
  const { title, description, auth } = body;
  const pass = auth === null ? null : auth?.pass;
  const startsZone = body.starts_at_tz ?? body.starts_tz;
  const expiresZone = body.expires_at_tz ?? body.expires_tz;
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(body.starts_at === undefined ? {} : { startsAtMs: msOf(body.starts_at, 'starts_at', startsZone) }),
    ...(body.expires_at === undefined ? {} : { expiresAtMs: msOf(body.expires_at, 'expires_at', expiresZone) }),
    ...(startsZone === undefined ? {} : { startsAtZone: startsZone }),
    ...(expiresZone === undefined ? {} : { expiresAtZone: expiresZone }),
    ...(pass === undefined ? {} : { password: pass === '' ? null : pass }),
  };
}

/** A time without an offset is what clocks show in the zone; without a zone, in UTC. */
function msOf(text: string | null, field: string, zone: string | null | undefined): number | null {
  if (text === null || text === '') return null;
  const hasOffset = /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const ms = Date.parse(hasOffset || !text.includes('T') ? text : `${text}Z`);
  if (Number.isNaN(ms)) throw timeFault(field, 'TIME_INVALID', 'This is no time.');
  if (hasOffset || zone === undefined || zone === null || zone === '') return ms;
  try {
    // The second look counts where clocks are changed between the two.
    return ms - aheadMs(zone, ms - aheadMs(zone, ms));
  } catch (error) {
    if (error instanceof RangeError) throw timeFault(field, 'ZONE_UNKNOWN', 'The time zone of this time is unknown.');
    throw error;
  }
}

/** How far the clocks of a zone are ahead of UTC at a moment. Throws a RangeError for an unknown zone. */
function aheadMs(zone: string, atMs: number): number {
  const style = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...style, second: 'numeric' });
  const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const shown = [part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')] as const;
  return Date.UTC(...shown) - Math.floor(atMs / 1000) * 1000;
}

function timeFault(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}

/** What everybody at the door may know. */
function publicShare({ puid, document }: ShareRecord): object {
  const { title, description, startsAtMs, expiresAtMs, startsAtZone, expiresAtZone } = document;
  return {
    puid,
    title,
    description,
    starts_at: startsAtMs === null ? null : isoTime(startsAtMs),
    expires_at: expiresAtMs === null ? null : isoTime(expiresAtMs),
    starts_at_tz: startsAtZone,
    expires_at_tz: expiresAtZone,
  };
}

function wireShare(call: Call, share: ShareRecord): object {
  const { fileIds, folderIds, passwordHash } = share.document;
  return {
    ...publicShare(share),
    url: `${call.baseUrl}/${call.container}/v4/share/${share.puid}`,
    has_password: passwordHash !== null,
    items_count: fileIds.length + folderIds.length,
    created_at: isoTime(share.createdAtMs),
    updated_at: isoTime(share.updatedAtMs),
  };
}

/** The address of a file inside a share. */
function sharedFileUrl(base: string, { share, proof }: ShareVisit, file: FileRecord, query = ''): string {
  const access = proof === undefined ? '' : `access=${encodeURIComponent(proof)}`;
  const parts = [access, query].filter((part) => part !== '').join('&');
  return `${base}/${share.container}/v4/share/${share.puid}/file/${fileUuid(file)}${parts === '' ? '' : `?${parts}`}`;
}

/** A file as a share shows it: with addresses that this share is needed for, and without what describes it inside. */
function sharedFile(call: Call, visit: ShareVisit, file: FileRecord): object {
  const { uuid, name, extension, type, size, info, hash, created_at, modified_at, folder } = wireFile(file, call);
  const link = sharedFileUrl(call.baseUrl, visit, file);
  const download = sharedFileUrl(call.baseUrl, visit, file, 'download=1');
  const url = { public: link, cdn: link, permalink: link, download, path: name ?? '' };
  return { uuid, name, extension, type, size, info, hash, created_at, modified_at, folder, url };
}
