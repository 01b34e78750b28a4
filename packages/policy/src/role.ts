// Roles that access entries give to people in folders, and where a role reaches.
import { type CanonicalPath, parentOf, ROOT } from './path.ts';
import { PERMISSIONS, type Permission } from './permission.ts';
import type { FolderScope } from './scope.ts';

/** How much somebody may do in a folder: each role has all permissions of the one before it. */
export type RoleId = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** One role: its number and name on the wire (wire contract 3.2). */
export interface Role {
  readonly id: RoleId;
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly Permission[];
}

const STEPS: readonly (Omit<Role, 'permissions'> & { readonly adds: readonly Permission[] })[] = [
  { id: 0, name: 'NO_PERMISSION', description: 'Sees nothing', adds: [] },
  { id: 1, name: 'GALLERY_LIST_ONLY', description: 'Sees names in lists', adds: ['OBJECTS_LIST'] },
  {
    id: 2,
    name: 'GALLERY_VIEWER',
    description: 'Reads files, and votes when asked to',
    adds: ['OBJECTS_FETCH', 'LABELS_LIST', 'COLLECTIONS_LIST', 'OBJECTS_APPROVAL_VOTE'],
  },
  { id: 3, name: 'GALLERY_COLLABORATOR', description: 'Adds files', adds: ['FILE_UPLOAD'] },
  {
    id: 4,
    name: 'GALLERY_EDITOR',
    description: 'Makes folders, names, describes and edits',
    adds: [
      'DIR_CREATE',
      'FILE_RENAME',
      'DIR_RENAME',
      'FILE_META_CREATE',
      'FILE_META_CHANGE',
      'DIR_META_CHANGE',
      'FILE_IMAGE_EDITOR',
    ],
  },
  {
    id: 5,
    name: 'GALLERY_MODERATOR',
    description: 'Moves, deletes, publishes, asks for approval and sees who has access',
    adds: [
      'FILE_MOVE',
      'DIR_MOVE',
      'FILE_DELETE',
      'DIR_DELETE',
      'FILE_SET_VISIBILITY',
      'DIR_SET_VISIBILITY',
      'OBJECTS_APPROVAL_MANAGE',
      'ACCESS_READ',
    ],
  },
  { id: 6, name: 'GALLERY_MANAGER', description: 'Everything that the key may', adds: PERMISSIONS },
];

/** Every role, in growing order. The last one has every permission: it takes nothing away. */
export const ROLES: readonly Role[] = STEPS.map(({ id, name, description }, index) => {
  const held = new Set(STEPS.slice(0, index + 1).flatMap(({ adds }) => adds));
  return { id, name, description, permissions: PERMISSIONS.filter((permission) => held.has(permission)) };
});

/** The lowest role that has one of the permissions; the highest when they are none. */
export function lowestRole(permissions: readonly Permission[]): RoleId {
  const found = ROLES.find((role) => role.permissions.some((permission) => permissions.includes(permission)));
  return found?.id ?? 6;
}

/** What one person's role is from a folder on downwards, until another rule says otherwise. */
export interface AccessRule {
  readonly path: CanonicalPath;
  readonly role: RoleId;
}

/**
 * The folders in which somebody has at least this role: the nearest rule at or above a folder decides, and where there is none nothing is
 * taken away. Several rules of one path count as the last of them.
 */
export function accessScopes(rules: readonly AccessRule[], role: RoleId): readonly FolderScope[] {
  const isOpen = new Map<CanonicalPath, boolean>([[ROOT, true]]);
  for (const rule of rules) isOpen.set(rule.path, rule.role >= role);
  // Rules that say what the one above them says change nothing.
  const turns = new Map(
    [...isOpen].filter(([path, open]) => {
      const above = nearestAbove(isOpen, path);
      return above === undefined ? open : isOpen.get(above) !== open;
    }),
  );
  const closed = new Map<CanonicalPath, CanonicalPath[]>();
  for (const [path, open] of turns) {
    const above = nearestAbove(turns, path);
    if (!open && above !== undefined) closed.set(above, [...(closed.get(above) ?? []), path]);
  }
  return [...turns].flatMap(([path, open]) => {
    const except = closed.get(path);
    return open ? [except === undefined ? { path, deep: true } : { path, deep: true, except }] : [];
  });
}

/** The nearest folder strictly above the path that is a key of the map. */
function nearestAbove(map: ReadonlyMap<CanonicalPath, unknown>, path: CanonicalPath): CanonicalPath | undefined {
  let above = parentOf(path);
  while (above !== undefined && !map.has(above)) above = parentOf(above);
  return above;
}
