// The vocabulary of rights: every permission a template may give, and the one table saying what each operation of the API needs.

/** Every permission, in the order in which documents list them (wire contract 3.2). No other word is ever a permission. */
export const PERMISSIONS = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_UPLOAD',
  'FILE_META_CREATE',
  'FILE_META_CHANGE',
  'FILE_RENAME',
  'FILE_MOVE',
  'FILE_DELETE',
  'FILE_SET_VISIBILITY',
  'FILE_LABEL_CHANGE',
  'FILE_IMAGE_EDITOR',
  'FILE_PRODUCT_CHANGE',
  'FILE_PROCESS_AUTOTAGGING',
  'DIR_CREATE',
  'DIR_RENAME',
  'DIR_META_CHANGE',
  'DIR_MOVE',
  'DIR_DELETE',
  'DIR_SET_VISIBILITY',
  'CONFIG_CHANGE',
  'CONFIG_LIST',
  'LABELS_LIST',
  'LABEL_MANAGE',
  'COLLECTIONS_LIST',
  'COLLECTIONS_MANAGE',
  'OBJECTS_SHARE_MANAGE',
  'OBJECTS_AIRBOX_MANAGE',
  'OBJECTS_APPROVAL_MANAGE',
  'OBJECTS_APPROVAL_VOTE',
  'ACCESS_READ',
  'ACCESS_MANAGE',
] as const;

/** One permission of `PERMISSIONS`. */
export type Permission = (typeof PERMISSIONS)[number];

/** The sixteen permissions of the product's seed description, for documents and the console (product definition section 4). */
export const SEED_PERMISSIONS: readonly Permission[] = [
  'FILE_UPLOAD',
  'FILE_META_CREATE',
  'FILE_RENAME',
  'FILE_MOVE',
  'FILE_DELETE',
  'FILE_SET_VISIBILITY',
  'DIR_CREATE',
  'DIR_RENAME',
  'DIR_META_CHANGE',
  'DIR_MOVE',
  'DIR_DELETE',
  'DIR_SET_VISIBILITY',
  'CONFIG_CHANGE',
  'CONFIG_LIST',
  'FILE_PRODUCT_CHANGE',
  'OBJECTS_APPROVAL_VOTE',
];

/** Misspellings found in published documentation: accepted on input, never written (wire contract 3.2). */
export const PERMISSION_ALIASES: Readonly<Record<string, Permission>> = {
  DIR_MOV: 'DIR_MOVE',
  FOLDER_CREATE: 'DIR_CREATE',
  OBJECT_FETCH: 'OBJECTS_FETCH',
};

const NAMES: ReadonlySet<string> = new Set(PERMISSIONS);

/** True for exactly the words of `PERMISSIONS`; aliases are not among them. */
export function isPermission(text: string): text is Permission {
  return NAMES.has(text);
}

/** The permission that a written word stands for, alias or not; undefined for every other word (product definition section 3). */
export function parsePermission(text: string): Permission | undefined {
  if (isPermission(text)) return text;
  return Object.hasOwn(PERMISSION_ALIASES, text) ? PERMISSION_ALIASES[text] : undefined;
}

/** A named starting point for a template, so that nobody has to learn the list to begin (product definition section 4). */
export interface Preset {
  readonly id: 'upload-only' | 'browse' | 'browse-and-upload' | 'editor' | 'everything';
  readonly title: string;
  readonly description: string;
  readonly permissions: readonly Permission[];
}

// Labels and collections are asked for by the published widget when it starts; without them it greets people with refusals.
const BROWSE: readonly Permission[] = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'LABELS_LIST', 'COLLECTIONS_LIST'];

/** The presets in growing order: each one after `browse` contains the one before it. */
export const PRESETS: readonly Preset[] = [
  {
    id: 'upload-only',
    title: 'Upload only',
    description: 'Pages can hand files in and see nothing of what is stored.',
    permissions: ['FILE_UPLOAD'],
  },
  {
    id: 'browse',
    title: 'Browse',
    description: 'Pages can list folders and read files, and change nothing.',
    permissions: BROWSE,
  },
  {
    id: 'browse-and-upload',
    title: 'Browse and upload',
    description: 'Pages can list, read and add files, and make folders for them.',
    permissions: [...BROWSE, 'FILE_UPLOAD', 'DIR_CREATE'],
  },
  {
    id: 'editor',
    title: 'Editor',
    description: 'Pages can also rename, move, describe, edit and delete files and folders.',
    permissions: [
      ...BROWSE,
      'FILE_UPLOAD',
      'DIR_CREATE',
      'FILE_META_CREATE',
      'FILE_META_CHANGE',
      'FILE_RENAME',
      'FILE_MOVE',
      'FILE_DELETE',
      'FILE_SET_VISIBILITY',
      'FILE_LABEL_CHANGE',
      'FILE_IMAGE_EDITOR',
      'FILE_PRODUCT_CHANGE',
      'FILE_PROCESS_AUTOTAGGING',
      'DIR_RENAME',
      'DIR_META_CHANGE',
      'DIR_MOVE',
      'DIR_DELETE',
      'DIR_SET_VISIBILITY',
      'OBJECTS_APPROVAL_VOTE',
    ],
  },
  {
    id: 'everything',
    title: 'Everything',
    description: 'Every permission there is, configuration and sharing included. Not for pages that strangers open.',
    permissions: PERMISSIONS,
  },
];

/** Which family of limits counts an operation: key exchanges, uploads, all other calls, or none. */
export type LimitClass = 'issue' | 'upload' | 'listing' | 'none';
/** Which folder scope of the template an operation's targets must lie in. */
export type ScopeClass = 'upload' | 'listing' | 'none';
/** Who asks: nobody yet, an access key, a secret key, or an admin (product definition section 2). */
export type BearerKind = 'visitor' | 'key' | 'secret' | 'admin';

/** What one operation needs. */
export interface Operation {
  /** Any ONE of these opens it; `any` is at least one permission of whatever kind; `none` is public by nature. */
  readonly permissions: readonly Permission[] | 'any' | 'none';
  readonly limit: LimitClass;
  readonly scope: ScopeClass;
  readonly bearers: readonly BearerKind[];
  /** One sentence for documentation. */
  readonly summary: string;
  /** True when every descendant of a target must lie in scope too (product definition section 5). */
  readonly tree?: true;
  /** True when a folder on the way to a scope may be named too, to be shown as a bare path (product definition section 5). */
  readonly walk?: true;
}

const HOLDERS: readonly BearerKind[] = ['key', 'secret', 'admin'];
const BACK_END: readonly BearerKind[] = ['secret', 'admin'];

const read = (permissions: Operation['permissions'], summary: string, walk?: true): Operation =>
  walk === undefined
    ? { permissions, limit: 'listing', scope: 'listing', bearers: HOLDERS, summary }
    : { permissions, limit: 'listing', scope: 'listing', bearers: HOLDERS, summary, walk };
const change = (permission: Permission, summary: string): Operation => ({
  permissions: [permission],
  limit: 'listing',
  scope: 'listing',
  bearers: HOLDERS,
  summary,
});
const describe = (summary: string): Operation => ({
  // Two names of one right (product definition section 4).
  ...change('FILE_META_CHANGE', summary),
  permissions: ['FILE_META_CREATE', 'FILE_META_CHANGE'],
});
const changeTree = (permission: Permission, summary: string): Operation => ({
  ...change(permission, summary),
  tree: true,
});
const container = (permissions: Operation['permissions'], summary: string): Operation => ({
  permissions,
  limit: 'listing',
  scope: 'none',
  bearers: HOLDERS,
  summary,
});
const dropInto = (summary: string): Operation => ({
  permissions: ['OBJECTS_AIRBOX_MANAGE'],
  limit: 'listing',
  scope: 'upload',
  bearers: HOLDERS,
  summary,
});
const manage = (permission: Permission, summary: string): Operation => ({
  permissions: [permission],
  limit: 'listing',
  scope: 'none',
  bearers: BACK_END,
  summary,
});

const lend = (summary: string): Operation => ({ ...change('OBJECTS_SHARE_MANAGE', summary), walk: true });

const TABLE = {
  'key.issue': {
    permissions: 'none',
    limit: 'issue',
    scope: 'none',
    bearers: ['visitor'],
    summary: 'Exchange a template identifier for an access key.',
  },
  'key.inspect': {
    permissions: 'none',
    limit: 'none',
    scope: 'none',
    bearers: ['key', 'visitor', 'secret'],
    summary: 'Say what an access key may do.',
  },
  'key.create': manage('CONFIG_CHANGE', 'Make an access key from a secret key, with narrowings.'),
  'key.revoke': {
    permissions: ['CONFIG_CHANGE', 'ACCESS_MANAGE'],
    limit: 'listing',
    scope: 'none',
    bearers: BACK_END,
    summary: 'Withdraw access keys with everything narrowed from them.',
  },
  'key.revocations': {
    permissions: ['CONFIG_CHANGE', 'ACCESS_READ', 'ACCESS_MANAGE'],
    limit: 'listing',
    scope: 'none',
    bearers: BACK_END,
    summary: 'List what was revoked, when and by whom.',
  },
  'decision.check': {
    permissions: 'any',
    limit: 'none',
    scope: 'none',
    bearers: HOLDERS,
    summary: 'Ask what would be decided, without doing it.',
  },
  'settings.read': container('any', 'Read the public part of the container settings.'),
  'settings.inspect': container(['CONFIG_LIST'], 'Read the private part of the container settings too.'),
  'settings.change': container(['CONFIG_CHANGE'], 'Change the container settings and the metadata model.'),
  'label.list': container(['LABELS_LIST'], 'List the labels.'),
  'label.create': container(['LABEL_MANAGE'], 'Make a label.'),
  'label.update': container(['LABEL_MANAGE'], 'Change a label.'),
  'label.delete': container(['LABEL_MANAGE'], 'Delete labels and take them off every file.'),
  'collection.list': container(['COLLECTIONS_LIST'], 'List the collections.'),
  'collection.create': container(['COLLECTIONS_MANAGE'], 'Make a collection.'),
  'collection.update': container(['COLLECTIONS_MANAGE'], 'Change a collection.'),
  'collection.delete': container(['COLLECTIONS_MANAGE'], 'Delete collections; their files stay.'),
  // Whoever may search may keep searches: a pin opens nothing that a list would not.
  'pin.list': container(['OBJECTS_LIST'], 'List the searches that the person behind the key keeps.'),
  'pin.create': container(['OBJECTS_LIST'], 'Keep a search.'),
  'pin.update': container(['OBJECTS_LIST'], 'Give a kept search another name.'),
  'pin.delete': container(['OBJECTS_LIST'], 'Forget a kept search.'),
  // As with pins: whoever may list files may keep some of them at hand.
  'favorite.list': read(['OBJECTS_LIST'], 'List the files that the person behind the key keeps as favourites.'),
  'favorite.change': change('OBJECTS_LIST', 'Keep files as favourites, and let go of them.'),
  'facet.list': read(
    ['OBJECTS_LIST'],
    'List attributes, filters and tags to search by, and complete search words.',
    true,
  ),
  'folder.list': read(['OBJECTS_LIST'], 'List folders.', true),
  'folder.stats': read(['OBJECTS_LIST'], 'Count what folders hold.', true),
  'folder.preview': read(['OBJECTS_LIST'], 'Show a few files of folders.', true),
  'folder.get': read(['OBJECTS_FETCH'], 'Read one folder.', true),
  'folder.permissions': read(['OBJECTS_LIST', 'OBJECTS_FETCH'], 'Say what the caller may do in a folder.', true),
  'folder.create': change('DIR_CREATE', 'Make a folder.'),
  'folder.rename': changeTree('DIR_RENAME', 'Rename a folder.'),
  'folder.move': changeTree('DIR_MOVE', 'Move a folder with everything in it.'),
  'folder.delete': changeTree('DIR_DELETE', 'Delete a folder with everything in it.'),
  'folder.setVisibility': changeTree(
    'DIR_SET_VISIBILITY',
    'Make a folder public or private, with everything in it that does not say otherwise.',
  ),
  'folder.setMeta': change('DIR_META_CHANGE', 'Change the metadata of a folder.'),
  'file.list': read(['OBJECTS_LIST'], 'List or search files.', true),
  'file.stats': read(['OBJECTS_LIST'], 'Count files.', true),
  'file.get': read(['OBJECTS_FETCH'], 'Read the record of one file.'),
  'file.download': read(['OBJECTS_FETCH'], 'Read the bytes of one file.'),
  'file.archive': read(['OBJECTS_FETCH'], 'Download many files as one archive.', true),
  'file.export': read(['OBJECTS_FETCH'], 'Read the descriptions of many files as a table.', true),
  'file.permissions': read(['OBJECTS_LIST', 'OBJECTS_FETCH'], 'Say what the caller may do with a file.'),
  'file.history': read(['OBJECTS_FETCH'], 'Read what was done to a file, and its versions.'),
  'comment.list': read(['OBJECTS_FETCH'], 'Read the comments on a file.'),
  'comment.write': {
    ...change('FILE_META_CHANGE', 'Comment on a file, and change or delete comments of one’s own.'),
    // Who describes files, and who is asked for a word on them.
    permissions: ['FILE_META_CREATE', 'FILE_META_CHANGE', 'OBJECTS_APPROVAL_VOTE'],
  },
  'variant.list': read(['OBJECTS_FETCH'], 'List the named renditions of a file.'),
  // A variant stores no bytes: what it draws is there already.
  'variant.write': change('FILE_UPLOAD', 'Give renditions of a file names, and change them.'),
  'variant.delete': change('FILE_DELETE', 'Delete named renditions of a file.'),
  'file.upload': {
    permissions: ['FILE_UPLOAD'],
    limit: 'upload',
    scope: 'upload',
    bearers: HOLDERS,
    summary: 'Add a file, or a new version of one.',
  },
  'file.edit': {
    permissions: ['FILE_IMAGE_EDITOR'],
    limit: 'none',
    scope: 'upload',
    bearers: HOLDERS,
    summary: 'Save the work of the image editor; asked together with file.upload, which is what the limits count.',
  },
  'file.rename': change('FILE_RENAME', 'Rename a file.'),
  'file.move': change('FILE_MOVE', 'Move files to another folder.'),
  'file.delete': change('FILE_DELETE', 'Delete files.'),
  'file.setVisibility': change('FILE_SET_VISIBILITY', 'Make files public or private.'),
  'file.setMeta': describe('Change the metadata of a file.'),
  'file.setTags': describe('Change the tags of a file.'),
  'file.setLabels': change('FILE_LABEL_CHANGE', 'Attach labels to files and take them off.'),
  'file.autotag': change('FILE_PROCESS_AUTOTAGGING', 'Add tags to a file that nobody has to type.'),
  'file.describe': change('FILE_PROCESS_AUTOTAGGING', 'Describe a file in words, without changing it.'),
  'file.setProduct': change('FILE_PRODUCT_CHANGE', 'Say which product a file shows, and in which place.'),
  'product.list': read(['OBJECTS_FETCH'], 'List the products that files show.', true),
  'product.get': read(['OBJECTS_FETCH'], 'List the files that show a product.', true),
  'product.rename': change('FILE_PRODUCT_CHANGE', 'Give a product another reference.'),
  'share.list': container(['OBJECTS_SHARE_MANAGE'], 'List the shares of the caller.'),
  'share.get': container(['OBJECTS_SHARE_MANAGE'], 'Read one share.'),
  'share.create': lend('Let outsiders have files.'),
  'share.update': lend('Change a share.'),
  'share.delete': container(['OBJECTS_SHARE_MANAGE'], 'End a share.'),
  'airbox.list': container(['OBJECTS_AIRBOX_MANAGE'], 'List the airboxes of the caller.'),
  'airbox.get': container(['OBJECTS_AIRBOX_MANAGE'], 'Read one airbox.'),
  'airbox.create': dropInto('Let outsiders hand files in to a folder.'),
  'airbox.update': dropInto('Change an airbox.'),
  'airbox.delete': container(['OBJECTS_AIRBOX_MANAGE'], 'Close an airbox.'),
  'approval.list': read(['OBJECTS_FETCH'], 'List requests for approval.'),
  'approval.get': read(['OBJECTS_FETCH'], 'Read one request for approval.'),
  'approval.request': change('OBJECTS_APPROVAL_MANAGE', 'Ask people to approve a file.'),
  'approval.edit': change('OBJECTS_APPROVAL_MANAGE', 'Change a pending request for approval.'),
  'approval.cancel': change('OBJECTS_APPROVAL_MANAGE', 'Withdraw a pending request for approval.'),
  'approval.vote': change('OBJECTS_APPROVAL_VOTE', 'Approve or refuse, as the person the key was made for.'),
  'access.list': read(['ACCESS_READ'], 'Say who has which role in a folder.'),
  'access.change': changeTree('ACCESS_MANAGE', 'Give people roles in a folder, and take them away.'),
  'access.roles': container('any', 'List the roles that access entries give.'),
  'template.list': manage('ACCESS_READ', 'List the security templates.'),
  'template.get': manage('ACCESS_READ', 'Read one security template.'),
  'template.create': manage('ACCESS_MANAGE', 'Make a security template.'),
  'template.update': manage('ACCESS_MANAGE', 'Change a security template.'),
  'template.delete': manage('ACCESS_MANAGE', 'Delete a security template.'),
  'template.rotate': manage('ACCESS_MANAGE', 'Give a security template a new identifier.'),
  'template.activate': manage('ACCESS_MANAGE', 'Switch security templates on or off.'),
  'secretKey.list': manage('ACCESS_READ', 'List the secret keys.'),
  'secretKey.get': manage('ACCESS_READ', 'Read one secret key.'),
  'secretKey.create': manage('ACCESS_MANAGE', 'Make a secret key.'),
  'secretKey.update': manage('ACCESS_MANAGE', 'Change a secret key.'),
  'secretKey.delete': manage('ACCESS_MANAGE', 'Delete a secret key.'),
  'secretKey.activate': manage('ACCESS_MANAGE', 'Switch secret keys on or off.'),
} satisfies Record<string, Operation>;

/** The name of an operation: noun.verb, the same word in routes, handlers and tests. */
export type OperationName = keyof typeof TABLE;

/** Every operation of the API with what it needs. What is not a row here does not exist (product definition section 4). */
export const OPERATIONS: Readonly<Record<OperationName, Operation>> = TABLE;

/** True for exactly the names of `OPERATIONS`. */
export function isOperationName(text: string): text is OperationName {
  return Object.hasOwn(TABLE, text);
}
