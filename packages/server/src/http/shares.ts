// Shares over HTTP for their makers (wire contract 10).
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { DOOR, deleteDoor, listDoors, ownDoor } from '../operations/doors.ts';
import { demandOn } from '../operations/files.ts';
import type { Picked } from '../operations/objects.ts';
import { createShare, SHARE, type ShareWish, shareDoors, updateShare } from '../operations/shares.ts';
import type { ShareRecord } from '../ports/shares.ts';
import { doorFields, doorWishOf, publicDoor } from './doors.ts';
import { idList, parseBody } from './input.ts';
import { filesOf, foldersOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { isoTime } from './wire.ts';

/** What outsiders may do, in the words of the widget and in ours. */
const PERMITS = { READ: 'view', view: 'view', 'READ+DOWNLOAD': 'download', download: 'download' } as const;
const PERMIT_WORDS = { view: 'READ', download: 'READ+DOWNLOAD' } as const;

const shareBody = z.object({
  ...doorFields,
  description: z.string().max(DOOR.textMax).nullish(),
  items: z
    .array(z.object({ type: z.enum(['file_uuid', 'folder_uuid']), identifiers: idList }))
    .max(SHARE.itemsMax)
    .optional(),
  permissions: z.enum(['READ', 'READ+DOWNLOAD', 'view', 'download']).optional(),
  // Sent by clients and without a meaning here.
  token: z.unknown().optional(),
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
      const { items, total } = await listDoors(shareDoors(call.ports), grant, page);
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
      const grant = await call.admit([demandOnItems('share.create', picked), demandOnItems('file.archive', picked)]);
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
      return { share: wireShare(call, await ownDoor(shareDoors(call.ports), grant, call.params['id'] ?? '')) };
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
      const grant = await call.admit(
        picked === undefined
          ? [{ operation: 'share.update', targets: [] }]
          : [demandOnItems('share.update', picked), demandOnItems('file.archive', picked)],
      );
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
      await deleteDoor(shareDoors(call.ports), grant, call.params['id'] ?? '');
      return { action: 'share_deleted' };
    },
  }),
];

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

/** Where the items lie: whoever lends them must be allowed to lend there. */
function demandOnItems<Op extends 'share.create' | 'share.update' | 'file.archive'>(
  operation: Op,
  { files, folders }: Picked,
) {
  return demandOn(operation, files, ...folders.map(({ path }) => path));
}

function wishOf(body: z.infer<typeof shareBody>): ShareWish {
  const { description, permissions } = body;
  return {
    ...doorWishOf(body),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(permissions === undefined ? {} : { permits: PERMITS[permissions] }),
  };
}

/** What everybody who may see a share may know of it. */
export function publicShare(share: ShareRecord): object {
  const { description, permits } = share.document;
  return { ...publicDoor(share), description, permissions: PERMIT_WORDS[permits] };
}

function wireShare(call: Call, share: ShareRecord): object {
  const { fileIds, folderIds, passwordHash } = share.document;
  return {
    ...publicShare(share),
    url: `${call.baseUrl}/${call.container}/share/${share.puid}`,
    has_password: passwordHash !== null,
    items_count: fileIds.length + folderIds.length,
    created_at: isoTime(share.createdAtMs),
    updated_at: isoTime(share.updatedAtMs),
  };
}
