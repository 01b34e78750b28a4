// Product definition section 4, sentence by sentence: what each permission opens, and that nothing opens by itself.
import { describe, expect, test } from 'vitest';
import type { Answer } from './support/http.ts';
import { useTarget } from './support/suite.ts';
import { below, freshAddress, freshFolder, type Holder, multipart, names, PNG } from './support/target.ts';

const target = useTarget();

const SEED_SIXTEEN = [
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
const LATER = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_META_CHANGE',
  'FILE_LABEL_CHANGE',
  'FILE_IMAGE_EDITOR',
  'FILE_PROCESS_AUTOTAGGING',
  'LABELS_LIST',
  'LABEL_MANAGE',
  'COLLECTIONS_LIST',
  'COLLECTIONS_MANAGE',
  'OBJECTS_SHARE_MANAGE',
  'OBJECTS_AIRBOX_MANAGE',
  'OBJECTS_APPROVAL_MANAGE',
  'ACCESS_READ',
  'ACCESS_MANAGE',
];
const ALL = [...SEED_SIXTEEN, ...LATER];

/** Something to act on: a file and a folder inside a folder of their own, and an empty destination. */
interface Place {
  readonly folder: string;
  readonly destination: string;
  readonly fileId: string;
  readonly folderId: string;
}

async function place(): Promise<Place> {
  const folder = freshFolder();
  const file = await target.seed(folder, 'file.txt');
  const created = await target.admin('POST', 'v5/folders', { json: { name: `${folder}/sub` } });
  await target.admin('POST', 'v5/folders', { json: { name: `${folder}/destination` } });
  return {
    folder,
    destination: `${folder}/destination`,
    fileId: String(file['uuid']),
    folderId: created.text('folder.uuid'),
  };
}

/** What each permission opens, as a page would ask for it. */
const FOR_KEYS: Readonly<Record<string, (holder: Holder, at: Place) => Promise<Answer>>> = {
  OBJECTS_LIST: (holder, at) => holder.list(at.folder),
  OBJECTS_FETCH: (holder, at) => holder.call('GET', `v5/files/${at.fileId}`),
  FILE_UPLOAD: (holder, at) => holder.upload(at.folder, 'new.txt'),
  FILE_RENAME: (holder, at) => holder.call('PUT', `v5/file/${at.fileId}/name`, { json: { name: 'other.txt' } }),
  FILE_MOVE: (holder, at) =>
    holder.call('POST', 'v5/files/move', { json: { files_uuids: [at.fileId], new_folder_name: at.destination } }),
  FILE_DELETE: (holder, at) => holder.call('DELETE', 'v5/files', { json: { files_uuids: [at.fileId] } }),
  FILE_SET_VISIBILITY: (holder, at) =>
    holder.call('PUT', 'v5/objects/visibility/cdn', { json: { files_uuids: [at.fileId], visibility: 'not_public' } }),
  DIR_CREATE: (holder, at) => holder.call('POST', 'v5/folders', { json: { name: `${at.folder}/new` } }),
  DIR_RENAME: (holder, at) => holder.call('PUT', `v5/folder/${at.folderId}/name`, { json: { name: 'other' } }),
  DIR_MOVE: (holder, at) =>
    holder.call('POST', 'v5/folders/move', { json: { folders_uuids: [at.folderId], new_folder_name: at.destination } }),
  DIR_DELETE: (holder, at) => holder.call('DELETE', 'v5/folders', { json: { folders_uuids: [at.folderId] } }),
  DIR_SET_VISIBILITY: (holder, at) =>
    holder.call('PUT', 'v5/objects/visibility/cdn', { json: { folders_uuids: [at.folderId], visibility: 'public' } }),
  LABELS_LIST: (holder) => holder.call('GET', 'v5/labels'),
  COLLECTIONS_LIST: (holder) => holder.call('GET', 'v5/collections'),
  OBJECTS_APPROVAL_MANAGE: (holder, at) =>
    holder.call('POST', `v5/files/${at.fileId}/approvals`, { json: { approval: { approvers: ['somebody'] } } }),
  ACCESS_READ: (holder, at) => holder.call('GET', `v5/folder/${at.folderId}/accesses`),
  ACCESS_MANAGE: (holder, at) =>
    holder.call('POST', `v5/folder/${at.folderId}/access`, {
      json: { access: { role: 2, who: { users: ['somebody'] } } },
    }),
  OBJECTS_APPROVAL_VOTE: async (holder, at) => {
    // A key that names nobody votes for its template.
    const json = { approval: { approvers: [holder.template.id] } };
    const asked = await target.admin('POST', `v5/files/${at.fileId}/approvals`, { json });
    return holder.call('POST', `v5/approvals/${asked.text('approval.uuid')}/vote`, { json: { vote: 'APPROVE' } });
  },
};

/** What a permission opens for back ends only. */
const FOR_SECRET_KEYS: Readonly<Record<string, readonly [method: string, path: string, json?: object]>> = {
  CONFIG_CHANGE: ['POST', 'v5/key', {}],
  ACCESS_READ: ['GET', 'v5/security-templates'],
  ACCESS_MANAGE: ['POST', 'v5/security-templates', { name: 'By permission' }],
};

describe('4 Permissions', () => {
  test('4.1 the sixteen permissions of the first generation and all later ones can be given', async () => {
    const stored = await target.template({ permissions: ALL });
    expect([...(stored.document['permissions'] as readonly string[])].sort()).toEqual([...ALL].sort());
  });

  test('4.2 each permission opens its own operation: with it alone the operation passes', async () => {
    for (const [permission, attempt] of Object.entries(FOR_KEYS)) {
      const holder = await target.holder({ permissions: [permission] });
      expect((await attempt(holder, await place())).outcome, permission).toBe('200');
    }
    for (const [permission, [method, path, json]] of Object.entries(FOR_SECRET_KEYS)) {
      const { secret } = await target.secretKey({ permissions: [permission] });
      const answer = await target.call(method, path, { key: secret, from: freshAddress(), json });
      expect(answer.status, permission).toBeLessThan(300);
    }
  });

  test('4.3 no other permission opens it: with all but that one the operation is refused', async () => {
    for (const [permission, attempt] of Object.entries(FOR_KEYS)) {
      const holder = await target.holder({ permissions: ALL.filter((it) => it !== permission) });
      const refused = await attempt(holder, await place());
      expect(refused.outcome, permission).toBe('403 PERMISSION_DENIED');
      expect(refused.bytes.toString(), 'the refusal names what is missing').toContain(permission);
    }
    for (const [permission, [method, path, json]] of Object.entries(FOR_SECRET_KEYS)) {
      const { secret } = await target.secretKey({ permissions: ALL.filter((it) => it !== permission) });
      const answer = await target.call(method, path, { key: secret, from: freshAddress(), json });
      expect(answer.outcome, permission).toBe('403 PERMISSION_DENIED');
    }
  });

  test('4.4 saving from the image editor needs FILE_IMAGE_EDITOR as well as FILE_UPLOAD', async () => {
    const save = async (permissions: readonly string[]) => {
      const holder = await target.holder({ permissions });
      const path = `v4/files?folder=${encodeURIComponent(freshFolder())}&image_editor=edited`;
      return (await holder.call('POST', path, multipart('edited.png', PNG, 'image/png'))).outcome;
    };
    expect(await save(['FILE_UPLOAD', 'FILE_IMAGE_EDITOR'])).toBe('200');
    expect(await save(['FILE_UPLOAD'])).toBe('403 PERMISSION_DENIED');
    expect(await save(['FILE_IMAGE_EDITOR'])).toBe('403 PERMISSION_DENIED');
  });

  test('4.5 administration is out of reach for access keys, whatever their template permits', async () => {
    const holder = await target.holder({ permissions: ALL });
    for (const [method, path, json] of Object.values(FOR_SECRET_KEYS)) {
      expect((await holder.call(method, path, { json })).outcome, path).toBe('403 PERMISSION_DENIED');
    }
  });

  test('4.6 listing always needs OBJECTS_LIST: no set of the first generation implies it', async () => {
    const at = await place();
    const holder = await target.holder({ permissions: [...SEED_SIXTEEN, 'OBJECTS_FETCH'] });
    for (const path of ['v5/files', 'v5/folders', 'v5/files/stats', 'v5/folders/stats', 'v5/filters', 'v5/tags']) {
      expect((await holder.call('GET', path)).outcome, path).toBe('403 PERMISSION_DENIED');
    }
    const previews = await holder.call('POST', 'v5/folders/previews', { json: { folders: [at.folderId] } });
    expect(previews.outcome).toBe('403 PERMISSION_DENIED');
  });

  test('4.7 reading private bytes always needs OBJECTS_FETCH, by permalink and by delivery address alike', async () => {
    const folder = freshFolder();
    const file = await target.seed(folder, 'private.txt', 'private bytes');
    const hidden = await target.admin('PUT', 'v5/objects/visibility/cdn', {
      json: { files_uuids: [file['uuid']], visibility: 'not_public' },
    });
    const addresses = ['permalink', 'cdn', 'download'].map((it) => new URL(hidden.text(`files.0.url.${it}`)));
    const without = await target.holder({ permissions: [...SEED_SIXTEEN, 'OBJECTS_LIST'] });
    const withFetch = await target.holder({ permissions: ['OBJECTS_FETCH'] });
    for (const url of addresses) {
      const signed = url.pathname + url.search;
      url.searchParams.delete('sig');
      const path = url.pathname + url.search;
      expect((await without.call('GET', path)).outcome, path).toBe('403 PERMISSION_DENIED');
      const read = await withFetch.call('GET', path);
      expect([read.status, read.bytes.toString()], path).toEqual([200, 'private bytes']);
      expect((await target.call('GET', path, { from: freshAddress() })).status, path).toBeGreaterThanOrEqual(401);
      // A signed link has the right to fetch of the key it was made for; it lends nothing to a key that is sent beside it.
      expect((await without.call('GET', signed)).outcome, signed).toBe('403 PERMISSION_DENIED');
      expect((await target.call('GET', signed, { from: freshAddress() })).status, signed).toBe(200);
    }
    // Keys that may not fetch are given links without a signature.
    const listed = await without.call('GET', `v5/files?folder=${folder}`);
    expect(listed.text('files.0.url.cdn')).not.toContain('sig=');
    expect((await target.call('GET', new URL(listed.text('files.0.url.cdn')).pathname)).status).toBeGreaterThanOrEqual(
      401,
    );
  });

  test('4.8 FILE_META_CREATE and FILE_META_CHANGE are one right: a key with either is told that it has both', async () => {
    const both = ['FILE_META_CHANGE', 'FILE_META_CREATE'];
    for (const permission of both) {
      const holder = await target.holder({ permissions: [permission] });
      const info = await target.call('GET', `v4/key/info?key=${holder.key}`, { from: freshAddress() });
      expect([...info.list('permissions')].sort()).toEqual(both);
    }
  });

  test('4.9 uploading into a folder that is not there makes it, with FILE_UPLOAD alone, inside the upload scope only', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD'],
      upload: { dir_scope: [below(folder)] },
    });
    expect((await holder.upload(`${folder}/a/b/c`, 'deep.txt')).outcome).toBe('200');
    const seen = await target.admin('GET', `v5/files?folder=${encodeURIComponent(`${folder}/a/b/c`)}`);
    expect(names(seen)).toEqual(['deep.txt']);
    const outside = freshFolder();
    expect((await holder.upload(`${outside}/a`, 'deep.txt')).outcome).toBe('403 SCOPE_DENIED');
    const missing = await target.admin('GET', `v5/files?folder=${encodeURIComponent(outside)}`);
    expect(missing.outcome).toBe('404 FOLDER_NOT_FOUND');
  });
});
