// From what is said of access to folders to the rules that bind one person.
import type { AccessRule, RoleId } from '@latchkey/policy';
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
