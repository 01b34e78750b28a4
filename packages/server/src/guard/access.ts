// From what is said of access to folders to the rules that bind one person.
import { type AccessRule, lowestRole, type Permission, type RoleId } from '@latchkey/policy';
import { hashSubject } from '../digest.ts';
import type { FolderAccess } from '../ports/access.ts';
import type { LiveRecords } from './live.ts';

/**
 * The rules that bind whoever has this subject, given by its hash; a key without a subject is nobody in particular. Empty when nothing is
 * said in the container that concerns them. Raises STORE_UNAVAILABLE.
 */
export async function accessOf(
  live: Pick<LiveRecords, 'listAccess'>,
  container: string,
  subjectHash: string | undefined,
): Promise<{ readonly access?: readonly AccessRule[] }> {
  const folders = await live.listAccess(container);
  if (folders.length === 0) return {};
  let known = compiled.get(folders);
  if (known === undefined) {
    known = new Map();
    compiled.set(folders, known);
  }
  const who = subjectHash ?? '';
  let access = known.get(who);
  if (access === undefined) {
    access = folders.flatMap((folder) => {
      const role = roleIn(folder, subjectHash);
      return role === undefined ? [] : [{ path: folder.folderPath, role }];
    });
    known.set(who, access);
  }
  return access.length === 0 ? {} : { access };
}

/**
 * The same for what that person lends: nothing where the person's role would not let them lend. Whoever may only look in a folder has no
 * share of it either, and by now none of those made before. Raises STORE_UNAVAILABLE.
 */
export async function lentAccessOf(
  live: Pick<LiveRecords, 'listAccess'>,
  container: string,
  subjectHash: string | undefined,
): Promise<{ readonly access?: readonly AccessRule[] }> {
  const { access } = await accessOf(live, container, subjectHash);
  if (access === undefined) return {};
  return { access: access.map(({ path, role }) => ({ path, role: role < LENDER ? 0 : role })) };
}

const LENDING: readonly Permission[] = ['OBJECTS_SHARE_MANAGE', 'OBJECTS_AIRBOX_MANAGE'];
/** The lowest role that lends, whatever it is that is lent. */
const LENDER = Math.max(...LENDING.map((permission) => lowestRole([permission])));

/** By the list that was read, and by who asks: both are good for as long as the list is remembered. */
const compiled = new WeakMap<readonly FolderAccess[], Map<string, readonly AccessRule[]>>();

/** Somebody with entries here has the highest of their roles, anybody else what is said of others. */
function roleIn({ entries, others }: FolderAccess, subjectHash: string | undefined): RoleId | undefined {
  const own = entries.filter(({ personId }) => subjectHash !== undefined && hashOf(personId) === subjectHash);
  return own.length === 0 ? others : own.reduce<RoleId>((highest, { role }) => (role > highest ? role : highest), 0);
}

const HASHES_MAX = 100_000;
const hashes = new Map<string, string>();

function hashOf(subject: string): string {
  const known = hashes.get(subject);
  if (known !== undefined) return known;
  if (hashes.size >= HASHES_MAX) hashes.clear();
  const hash = hashSubject(subject);
  hashes.set(subject, hash);
  return hash;
}
