// Every permission in words that need no manual, grouped as the editor shows them.
import type { Permission } from '@latchkey/policy';

/** The groups in the order of the editor. */
export const PERMISSION_GROUPS = [
  { id: 'read', title: 'Reading', text: 'Needed by everything that shows what is stored' },
  { id: 'files', title: 'Files', text: 'Adding, changing and removing files' },
  { id: 'folders', title: 'Folders', text: 'Making, changing and removing folders' },
  { id: 'order', title: 'Labels', text: 'Ways to group files across folders' },
  { id: 'people', title: 'Sharing', text: 'Handing files to others and asking for their word' },
  { id: 'config', title: 'Configuration', text: 'The container itself: seldom right for a web page' },
] as const;

/** One of `PERMISSION_GROUPS`. */
export type PermissionGroup = (typeof PERMISSION_GROUPS)[number]['id'];

/** How one permission is shown. */
export interface PermissionWords {
  readonly group: PermissionGroup;
  readonly title: string;
  readonly text: string;
  /** It destroys or exposes: worth a second look. */
  readonly grave?: true;
}

/** A permission that policy knows and this table does not, does not compile. */
export const PERMISSION_WORDS: Readonly<Record<Permission, PermissionWords>> = {
  OBJECTS_LIST: {
    group: 'read',
    title: 'List and search',
    text: 'See names of files and folders, search, filter and count.',
  },
  OBJECTS_FETCH: { group: 'read', title: 'Open and download', text: 'Read details and bytes, private files included.' },
  FILE_UPLOAD: { group: 'files', title: 'Upload', text: 'Add files and new versions of files.' },
  FILE_META_CREATE: {
    group: 'files',
    title: 'Describe files',
    text: 'Write metadata and tags. Opens the same as the next one.',
  },
  FILE_META_CHANGE: {
    group: 'files',
    title: 'Change descriptions',
    text: 'Write, change and remove metadata and tags.',
  },
  FILE_RENAME: { group: 'files', title: 'Rename files', text: 'Give a file another name in its folder.' },
  FILE_MOVE: { group: 'files', title: 'Move files', text: 'Both folders must be inside the listing scope.' },
  FILE_DELETE: { group: 'files', title: 'Delete files', text: 'Remove files with all their versions.', grave: true },
  FILE_SET_VISIBILITY: { group: 'files', title: 'Publish files', text: 'Make files public or private.', grave: true },
  FILE_LABEL_CHANGE: { group: 'files', title: 'Label files', text: 'Attach labels to files and take them off.' },
  FILE_IMAGE_EDITOR: {
    group: 'files',
    title: 'Edit images',
    text: 'Save from the image editor; needs Upload as well.',
  },
  FILE_PRODUCT_CHANGE: {
    group: 'files',
    title: 'Product information',
    text: 'Tie files to products and set their order.',
  },
  FILE_PROCESS_AUTOTAGGING: {
    group: 'files',
    title: 'Tag automatically',
    text: 'Let the store suggest tags and descriptions.',
  },
  DIR_CREATE: {
    group: 'folders',
    title: 'Make folders',
    text: 'Not needed to upload into a new folder inside the scope.',
  },
  DIR_RENAME: { group: 'folders', title: 'Rename folders', text: 'Everything inside must be in scope.' },
  DIR_META_CHANGE: { group: 'folders', title: 'Describe folders', text: 'Write the metadata of folders.' },
  DIR_MOVE: { group: 'folders', title: 'Move folders', text: 'With everything inside; both ends must be in scope.' },
  DIR_DELETE: {
    group: 'folders',
    title: 'Delete folders',
    text: 'Remove folders with everything inside.',
    grave: true,
  },
  DIR_SET_VISIBILITY: {
    group: 'folders',
    title: 'Publish folders',
    text: 'Make whole folders public or private.',
    grave: true,
  },
  LABELS_LIST: { group: 'order', title: 'See labels', text: 'The Filerobot widget asks for them when it starts.' },
  LABEL_MANAGE: { group: 'order', title: 'Manage labels', text: 'Make, rename and remove labels.' },
  COLLECTIONS_LIST: {
    group: 'order',
    title: 'See collections',
    text: 'The Filerobot widget asks for them when it starts.',
  },
  COLLECTIONS_MANAGE: { group: 'order', title: 'Manage collections', text: 'Make, change and remove collections.' },
  OBJECTS_SHARE_MANAGE: {
    group: 'people',
    title: 'Share',
    text: 'Make links that show files to anyone who has them.',
    grave: true,
  },
  OBJECTS_AIRBOX_MANAGE: {
    group: 'people',
    title: 'Manage airboxes',
    text: 'Make addresses at which anyone who has them hands files in; needs Upload as well.',
    grave: true,
  },
  OBJECTS_APPROVAL_MANAGE: {
    group: 'people',
    title: 'Ask for approval',
    text: 'Ask people to approve files; change and cancel such requests.',
  },
  OBJECTS_APPROVAL_VOTE: {
    group: 'people',
    title: 'Vote on approvals',
    text: 'Approve or refuse, as the subject of the key or else as this template.',
  },
  CONFIG_CHANGE: {
    group: 'config',
    title: 'Change configuration',
    text: 'Change container settings; a secret key may also mint access keys.',
    grave: true,
  },
  CONFIG_LIST: {
    group: 'config',
    title: 'Read configuration',
    text: 'Read the private part of the container settings.',
  },
  ACCESS_READ: {
    group: 'config',
    title: 'Read access rules',
    text: 'See who has which role in a folder; with a secret key also security templates and secret keys.',
  },
  ACCESS_MANAGE: {
    group: 'config',
    title: 'Manage access rules',
    text: 'Give people roles in folders; with a secret key also write security templates and secret keys.',
    grave: true,
  },
};
