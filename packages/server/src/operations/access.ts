// Access entries: who has which role in a folder and below it.
import { randomUUID } from 'node:crypto';
import { type CanonicalPath, parentOf, type RoleId } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { AccessDocument, AccessEntry, FolderAccess } from '../ports/access.ts';
import type { Ports } from '../ports/index.ts';
import type { At, FolderRecord } from '../ports/metadata.ts';

/** Bounds of access entries. */
export const ACCESS = {
  /** Folders of a container of which something may be said. */
  foldersMax: 500,
  /** People who may have an entry in one folder. */
  peopleMax: 200,
} as const;

/** The one role that may say who has access. */
const MANAGER: RoleId = 6;

type Needs = Pick<Ports, 'accesses' | 'system'>;

/** An entry with the folder that it was made in. */
export interface PlacedEntry {
  readonly entry: AccessEntry;
  readonly folderId: string;
  readonly folderPath: CanonicalPath;
}

/** Who has access to a folder. */
export interface AccessView {
  /** What is said of the folder itself. */
  readonly own: AccessDocument;
  /** What would hold here if nothing were said of the folder itself: of each person the entry that is nearest above. */
  readonly inherited: readonly PlacedEntry[];
  /** The role of everybody without an entry, by the folders above; undefined when nothing is said. */
  readonly othersInherited: RoleId | undefined;
}

/** Says who has access to a folder, by its own entries and by those of the folders above in which the caller may read them. */
export async function readAccess(ports: Needs, grant: Grant<'access.list'>, path: CanonicalPath): Promise<AccessView> {
  const said = new Map((await ports.accesses.listAccess(grant.container)).map((folder) => [folder.folderPath, folder]));
  const inherited = new Map<string, PlacedEntry>();
  let othersInherited: RoleId | undefined;
  for (let at = parentOf(path); at !== undefined && othersInherited === undefined; at = parentOf(at)) {
    const folder = said.get(at);
    for (const placed of folder !== undefined && grant.within('listing', at) ? placedIn(folder) : []) {
      if (!inherited.has(placed.entry.personId)) inherited.set(placed.entry.personId, placed);
    }
    othersInherited = folder?.others;
  }
  return {
    own: said.get(path) ?? { others: undefined, entries: [] },
    inherited: [...inherited.values()],
    othersInherited,
  };
}

/** The entry with this id. Raises ACCESS_NOT_FOUND. */
export async function lookUpEntry(ports: Needs, container: string, id: string): Promise<PlacedEntry> {
  const placed = (await ports.accesses.listAccess(container)).flatMap(placedIn).find(({ entry }) => entry.id === id);
  if (placed === undefined) throw new AppError('ACCESS_NOT_FOUND');
  return placed;
}

/** Gives people a role in a folder; whoever has an entry there already has this role from now on. Answers their entries. Raises
 *  FOLDER_NOT_FOUND, REQUEST_INVALID when they would be too many. */
export async function giveRole(
  ports: Needs,
  grant: Grant<'access.change'>,
  folder: FolderRecord,
  role: RoleId,
  people: readonly string[],
): Promise<readonly AccessEntry[]> {
  const { entries } = await change(ports, grant, { id: folder.id, folderPath: folder.path }, ({ others, entries }) => {
    const added = [...new Set(people)].map((personId) => ({
      id: entries.find((entry) => entry.personId === personId)?.id ?? randomUUID(),
      personId,
      role,
      addedAtMs: ports.system.now(),
      addedBy: grant.holder,
    }));
    const kept = entries.filter(({ personId }) => !people.includes(personId));
    return { others, entries: [...kept, ...added] };
  });
  return entries.filter(({ personId }) => people.includes(personId));
}

/** Gives an entry another role, another person, or both. Raises ACCESS_NOT_FOUND when it has gone, FOLDER_NOT_FOUND, ALREADY_EXISTS when
 *  that person has an entry in the folder. */
export async function changeEntry(
  ports: Needs,
  grant: Grant<'access.change'>,
  placed: PlacedEntry,
  wanted: { readonly role?: RoleId; readonly personId?: string },
): Promise<AccessEntry> {
  const { id } = placed.entry;
  const { entries } = await change(ports, grant, atOf(placed), ({ others, entries }) => {
    if (entries.some((entry) => entry.id !== id && entry.personId === wanted.personId)) {
      throw new AppError('ALREADY_EXISTS', 'an entry of this person');
    }
    return { others, entries: entries.map((entry) => (entry.id === id ? { ...entry, ...wanted } : entry)) };
  });
  const changed = entries.find((entry) => entry.id === id);
  if (changed === undefined) throw new AppError('ACCESS_NOT_FOUND');
  return changed;
}

/** Takes an entry away; one that has gone stays gone. Raises FOLDER_NOT_FOUND. */
export async function takeEntry(ports: Needs, grant: Grant<'access.change'>, placed: PlacedEntry): Promise<void> {
  await change(ports, grant, atOf(placed), ({ others, entries }) => ({
    others,
    entries: entries.filter(({ id }) => id !== placed.entry.id),
  }));
}

/**
 * Says which role everybody without an entry has in the folder; undefined leaves that to the folders above. Whoever says less than the
 * own role keeps it by an entry: the widget's dialog says in one go, in no order, what others have and who has more, and the first
 * of it must not take the right to say the rest. Raises FOLDER_NOT_FOUND, REQUEST_INVALID when that is one entry too many.
 */
export async function setOthers(
  ports: Needs,
  grant: Grant<'access.change'>,
  folder: FolderRecord,
  others: RoleId | undefined,
): Promise<void> {
  const caller = grant.bearer === 'key' ? grant.claims?.subject : undefined;
  await change(ports, grant, { id: folder.id, folderPath: folder.path }, ({ entries }) => {
    const falls = others !== undefined && others < MANAGER && entries.every(({ personId }) => personId !== caller);
    if (caller === undefined || !falls) return { others, entries };
    const { now } = ports.system;
    const own = { id: randomUUID(), personId: caller, role: MANAGER, addedAtMs: now(), addedBy: grant.holder };
    return { others, entries: [...entries, own] };
  });
}

async function change(
  ports: Needs,
  grant: Grant<'access.change'>,
  folder: At,
  make: (current: AccessDocument) => AccessDocument,
): Promise<FolderAccess> {
  const changed = await ports.accesses.changeAccess(grant.container, folder, ACCESS.foldersMax, (current) => {
    const wanted = make(current);
    if (wanted.entries.length <= ACCESS.peopleMax) return wanted;
    const message = `${ACCESS.peopleMax} people may have an entry in a folder.`;
    throw new AppError('REQUEST_INVALID', 'access', {
      faults: [{ field: 'access.who.users', code: 'TOO_MANY', message }],
      limit: ACCESS.peopleMax,
    });
  });
  const { folderId, others, entries } = changed;
  ports.system.log.info('access.changed', { folder: folderId, entries: entries.length, others, by: grant.holder });
  return changed;
}

function placedIn({ folderId, folderPath, entries }: FolderAccess): readonly PlacedEntry[] {
  return entries.map((entry) => ({ entry, folderId, folderPath }));
}

function atOf({ folderId, folderPath }: PlacedEntry): At {
  return { id: folderId, folderPath };
}
