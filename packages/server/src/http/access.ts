// Access entries over HTTP (wire contract 10): who has which role in a folder.
import { type CanonicalPath, isSubject, ROLES, type Role, type RoleId } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import {
  ACCESS,
  type AccessView,
  changeEntry,
  giveRole,
  lookUpEntry,
  type PlacedEntry,
  readAccess,
  setOthers,
  takeEntry,
} from '../operations/access.ts';
import type { AccessEntry } from '../ports/access.ts';
import type { FolderRecord, JsonObject } from '../ports/metadata.ts';
import { fileUuid } from '../ports/metadata.ts';
import { idList, mayKnow, parseBody } from './input.ts';
import { fileOf, folderOfId } from './lookup.ts';
import { type Call, route } from './route.ts';
import { isoTime } from './wire.ts';

const ROLE_IDS: ReadonlyMap<string, RoleId> = new Map(
  ROLES.flatMap(({ id, name }) => [[String(id), id] as const, [name, id] as const]),
);
/** The number of a role or its name; also the object as answers show it. */
const role = z.preprocess(
  (value) => (typeof value === 'object' && value !== null && 'id' in value ? value.id : value),
  z.union([z.number(), z.string()]).transform((value, context): RoleId => {
    const id = ROLE_IDS.get(String(value));
    if (id !== undefined) return id;
    context.addIssue(`A role is one of ${ROLES.map(({ name }) => name).join(', ')}, or its number.`);
    return z.NEVER;
  }),
);
const who = z.object({
  users: z
    .array(z.string().refine(isSubject, 'No key can be made for such a subject.'))
    .max(ACCESS.peopleMax)
    .optional(),
  // No key names a team, so an entry for one would bind nobody.
  teams: z.array(z.unknown()).max(0, 'Keys name people, not teams: name the people.').nullish(),
});
const what = z.object({ folders_uuids: idList.optional(), files_uuids: idList.optional() });
const addBody = z.object({ access: z.object({ role, who: who.required({ users: true }) }) });
const editBody = z.object({ access: z.object({ role: role.optional(), who: who.optional(), what: what.optional() }) });
const othersBody = z.object({ stop_inherit: z.boolean().optional(), default_gallery_role: role.nullish() });

export const accessRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/accesses/constants'],
    operations: ['access.roles'],
    summary: 'Lists the roles that access entries give, with their permissions.',
    async handle(call) {
      await call.admit([{ operation: 'access.roles', targets: [] }]);
      return { roles: wireRoles() };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/folder/:uuid/accesses', '/{v}/folders/:uuid/accesses'],
    operations: ['access.list'],
    summary: 'Says who has which role in a folder, by its own entries and by those of the folders above.',
    async handle(call) {
      const folder = await folderOfId(call, call.params['uuid']);
      const grant = await call.admit([{ operation: 'access.list', targets: [folder.path] }]);
      const view = await readAccess(call.ports, grant, folder.path);
      const { id, name, path } = folder;
      return { folder: { uuid: id, name, path, ...wireOthers(view) }, accesses: wireEntries(view, folder) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/file/:uuid/accesses', '/{v}/files/:uuid/accesses'],
    operations: ['access.list'],
    summary: 'Says who has which role for a file: those who have it in its folder.',
    async handle(call) {
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([{ operation: 'access.list', targets: [file.folderPath] }]);
      const view = ofContents(file.folderId, file.folderPath, await readAccess(call.ports, grant, file.folderPath));
      return { file: { uuid: fileUuid(file), name: file.name, ...wireOthers(view) }, accesses: wireEntries(view) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/folder/:uuid/access', '/{v}/folders/:uuid/access'],
    operations: ['access.change'],
    summary: 'Gives people a role in a folder and below it.',
    async handle(call) {
      const { access } = parseBody(addBody, call.body);
      const { folder, grant } = await changing(call);
      const added = await giveRole(call.ports, grant, folder, access.role, access.who.users);
      return {
        action: 'access_added',
        accesses: added.map(wireEntry),
        access: added.slice(0, 1).map(wireEntry)[0] ?? null,
      };
    },
  }),
  route({
    method: 'PATCH',
    paths: ['/{v}/folder/:uuid/access', '/{v}/folders/:uuid/access'],
    operations: ['access.change'],
    summary: 'Says which role everybody without an entry has in a folder, or leaves that to the folders above.',
    async handle(call) {
      const { stop_inherit, default_gallery_role } = parseBody(othersBody, call.body);
      if (stop_inherit === undefined && default_gallery_role === undefined) {
        throw refusal('stop_inherit', 'MISSING', 'Say whether to stop what is inherited, or the role of the others.');
      }
      const { folder, grant } = await changing(call);
      if (stop_inherit === false && typeof default_gallery_role === 'number') {
        throw refusal('default_gallery_role', 'CONFLICT', 'Without stop_inherit the folders above say it.');
      }
      // Whoever stops what is inherited and names no role for the others leaves them none.
      const others =
        stop_inherit === false ? undefined : (default_gallery_role ?? (stop_inherit === true ? 0 : undefined));
      await setOthers(call.ports, grant, folder, others);
      return { action: 'access_changed', folder_uuid: folder.id };
    },
  }),
  ...(['POST', 'PATCH'] as const).map((method) =>
    route({
      method,
      paths: ['/{v}/file/:uuid/access', '/{v}/files/:uuid/access'],
      operations: ['access.change'],
      summary: 'Refuses: access is said of folders, and a file has what its folder has.',
      async handle(call) {
        const file = await fileOf(call, call.params['uuid']);
        await call.admit([{ operation: 'access.change', targets: [file.folderPath] }]);
        throw refusal(
          'uuid',
          'NOT_A_FOLDER',
          'Access is said of folders. Say it of the folder of the file, or give the file a folder of its own.',
        );
      },
    }),
  ),
  route({
    method: 'PUT',
    paths: ['/{v}/access/:uuid'],
    operations: ['access.change'],
    summary: 'Gives an entry another role, another person, or both.',
    async handle(call) {
      const { access } = parseBody(editBody, call.body);
      const placed = await entryOf(call);
      refuseOtherPlaces(placed, access.what);
      const [personId, ...others] = access.who?.users ?? [];
      if (others.length > 0) throw refusal('access.who.users', 'TOO_MANY', 'An entry is one person’s.');
      const grant = await call.admit([{ operation: 'access.change', targets: [placed.folderPath] }]);
      const changed = await changeEntry(call.ports, grant, placed, {
        ...(access.role === undefined ? {} : { role: access.role }),
        ...(personId === undefined ? {} : { personId }),
      });
      return { action: 'access_changed', access: wireEntry(changed) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/access/:uuid'],
    operations: ['access.change'],
    summary: 'Takes an entry away.',
    async handle(call) {
      const placed = await entryOf(call);
      const grant = await call.admit([{ operation: 'access.change', targets: [placed.folderPath] }]);
      await takeEntry(call.ports, grant, placed);
      return { action: 'access_deleted', access_uuid: placed.entry.id };
    },
  }),
];

/** The roles as the widgets read them. */
export function wireRoles(): readonly object[] {
  return ROLES.map(({ id, name, description, permissions }) => ({
    id,
    name,
    description,
    permissions,
    is_custom: false,
    // The widget's dialog cannot give it to a person: it leaves a zero out of what it sends.
    ...(id === 0 ? { default_gallery_role_only: true } : {}),
  }));
}

async function changing(call: Call<'access.change'>) {
  const folder: FolderRecord = await folderOfId(call, call.params['uuid']);
  const grant = await call.admit([{ operation: 'access.change', targets: [folder.path] }]);
  return { folder, grant };
}

/** The entry of the address. Raises ACCESS_NOT_FOUND, also for one of a folder that the caller may not know of. */
async function entryOf(call: Call): Promise<PlacedEntry> {
  const placed = await lookUpEntry(call.ports, call.container, call.params['uuid'] ?? '');
  if (!mayKnow(call, 'folder', placed.folderPath)) throw new AppError('ACCESS_NOT_FOUND', 'outside the scope');
  return placed;
}

/** The widget repeats where an entry is. Elsewhere it is another entry. */
function refuseOtherPlaces({ folderId }: PlacedEntry, where: z.infer<typeof what> | undefined): void {
  const named = [...(where?.folders_uuids ?? []), ...(where?.files_uuids ?? [])];
  if (named.every((id) => id === folderId)) return;
  throw refusal('access.what', 'CONFLICT', 'An entry stays in its folder; add one to the other folder.');
}

/** The widget's dialog shows its user the hint and not the faults. */
function refusal(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', 'access', { hint: message, faults: [{ field, code, message }] });
}

/** What holds for what lies directly in a folder: what is said of the folder is inherited there. */
function ofContents(
  folderId: string,
  folderPath: CanonicalPath,
  { own, inherited, othersInherited }: AccessView,
): AccessView {
  const named = new Set(own.entries.map(({ personId }) => personId));
  const above = own.others === undefined ? inherited.filter(({ entry }) => !named.has(entry.personId)) : [];
  return {
    own: { others: undefined, entries: [] },
    inherited: [...own.entries.map((entry) => ({ entry, folderId, folderPath })), ...above],
    othersInherited: own.others ?? othersInherited,
  };
}

function wireOthers({ own, othersInherited }: AccessView): JsonObject {
  // Where nothing is said nothing is taken away.
  const inherited = othersInherited ?? 6;
  return {
    stop_inherit: own.others !== undefined,
    default_gallery_role: {
      set: own.others === undefined ? null : wireRole(own.others),
      actual: wireRole(own.others ?? inherited),
      if_inherited: wireRole(inherited),
    },
    owner: null,
  };
}

/**
 * The folder's own entries, and as `inherit` those that hold while it stops nothing. Of a folder that inherits, the widget's dialog shows
 * only the latter: its own entries are therefore among them too, in place of those of the same people above.
 */
function wireEntries({ own, inherited }: AccessView, folder?: FolderRecord): JsonObject {
  const holding =
    folder === undefined || own.others !== undefined
      ? inherited
      : ofContents(folder.id, folder.path, { own, inherited, othersInherited: undefined }).inherited;
  const users = [
    ...own.entries.map(wireEntry),
    ...holding.map(({ entry, folderId, folderPath }) => ({
      ...wireEntry(entry),
      relation: 'inherit',
      source: { type: 'folder', uuid: folderId, pattern: folderPath },
    })),
  ];
  return { per_users: users, per_teams: [] };
}

function wireEntry({ id, personId, role: given, addedAtMs }: AccessEntry): JsonObject {
  return {
    uuid: id,
    role: wireRole(given),
    user: { uuid: personId, name: personId },
    relation: 'direct',
    source: {},
    added_at: isoTime(addedAtMs),
  };
}

function wireRole(id: RoleId): JsonObject {
  const { name }: Pick<Role, 'name'> = ROLES[id] ?? { name: '' };
  return { id, name };
}
