// Files and folders as the wire contract shows them (5.1 and 6).
import { latestApproval } from '../operations/approvals.ts';
import { propertiesOf } from '../operations/properties.ts';
import { extensionOf } from '../operations/uploads.ts';
import type { ChangeRecord, Person } from '../ports/changes.ts';
import type { FileRecord, FolderRecord, JsonObject, Visibility } from '../ports/metadata.ts';
import { fileUuid } from '../ports/metadata.ts';
import type { Query } from './query.ts';

/** Where the links of an answer point. */
export interface Links {
  readonly baseUrl: string;
  readonly container: string;
  /** The moment for which the answer is true: what depends on the clock is judged by it. */
  readonly nowMs: number;
  /** The version of the path that was called; the first generation reads members of its own (wire contract 12.1). */
  readonly version?: string;
  /** What a private file's links carry, so that <img> can show them to a caller who may fetch it. */
  signature?(file: FileRecord): string | undefined;
  /** What was asked for besides, as in `fields=cdn_permalink`. */
  readonly query?: Query;
}

/** The file object. Whether it is a favourite depends on who asks: `showFiles` knows. */
export function wireFile(
  file: FileRecord,
  links: Links,
  { isFavorite = false }: { readonly isFavorite?: boolean } = {},
): JsonObject {
  const uuid = fileUuid(file);
  const { store, path, delivery, cdn, signature } = addressesOf(file, links);
  const blurhash = file.info['blurhash'] ?? null;
  const first = signature === undefined ? '' : `?sig=${signature}`;
  return {
    uuid,
    name: file.name,
    extension: extensionOf(file.name) ?? '',
    type: file.mime,
    size: { bytes: file.sizeBytes, pretty: prettyBytes(file.sizeBytes) },
    flags: null,
    info: file.info,
    meta: file.meta,
    tags: file.tags,
    labels: file.labels,
    // Set in answers to a search only.
    relevance: null,
    is_favorite: isFavorite,
    visibility: wireVisibility(file.visibility, file.isPublic),
    url: {
      public: `${delivery}${first}`,
      cdn,
      permalink: `${store}/v4/get/${uuid}${first}`,
      download: `${cdn}&download=1`,
      path,
      ...(links.query?.one('fields')?.split(',').includes('cdn_permalink')
        ? { cdn_permalink: `${store}/v5/get/${uuid}` }
        : {}),
    },
    hash: { sha1: file.sha1, sha256: file.sha256, blurhash, blur_hash: blurhash },
    iptc_xml: {},
    created_at: isoTime(file.createdAtMs),
    modified_at: isoTime(file.modifiedAtMs),
    updated_at: isoTime(file.modifiedAtMs),
    folder: { uuid: file.folderId, name: file.folderPath },
    product: { ref: file.productRef ?? null, position: file.productPosition ?? null },
    owner: null,
    approval: wireLatest(file, links.nowMs),
    ...(links.version === 'v3' ? { sha1: file.sha1, properties: { ...propertiesOf(file) } } : {}),
  };
}

/** Where a file is delivered: as it is, and in the renditions that are asked for in the same way. */
export function cdnAddress(file: FileRecord, links: Links): string {
  return addressesOf(file, links).cdn;
}

/** A path leads to the newest version, so what has been replaced is found by its uuid in each of its addresses. */
function addressesOf(file: FileRecord, links: Links) {
  const store = `${links.baseUrl}/${links.container}`;
  const path = file.folderPath === '/' ? `/${file.name}` : `${file.folderPath}/${file.name}`;
  const isNewest = file.version === file.currentVersion;
  const delivery = isNewest ? `${store}/cdn${encodePath(path)}` : `${store}/v4/get/${fileUuid(file)}`;
  const signature = file.isPublic ? undefined : links.signature?.(file);
  const cdn = `${delivery}?vh=${file.sha1.slice(0, 6)}${signature === undefined ? '' : `&sig=${signature}`}`;
  return { store, path, delivery, signature, cdn };
}

/** The folder object. */
export function wireFolder(folder: FolderRecord): JsonObject {
  return {
    uuid: folder.id,
    path: folder.path,
    name: folder.path === '/' ? '/' : folder.name,
    meta: folder.meta,
    visibility: wireVisibility(folder.visibility, folder.isPublic),
    count: { files_direct: folder.filesDirect, files_recursive: folder.filesRecursive },
    size: { total_recursive_bytes: folder.bytesRecursive, total_recursive_pretty: prettyBytes(folder.bytesRecursive) },
    public_icon: null,
    owner: null,
    created_at: isoTime(folder.createdAtMs),
    updated_at: isoTime(folder.updatedAtMs),
  };
}

/** How the latest approval stands (wire contract 8); null hides the badge. */
function wireLatest(file: FileRecord, nowMs: number): JsonObject | null {
  const latest = latestApproval(file, nowMs);
  return latest === undefined ? null : { latest };
}

/** A person, as clients show who acted. */
export function wirePerson({ id, name, email }: Person): JsonObject {
  return { uuid: id, name, email: email ?? null, photo: null };
}

/** An entry of a file's history. There is no `trace_id`: the published widget would hide all but one of a second. */
export function wireChange({ action, atMs, by, props, extra }: ChangeRecord): JsonObject {
  return { action, changed_at: isoTime(atMs), user: wirePerson(by), props: { ...props }, extra };
}

function wireVisibility(set: Visibility, isPublic: boolean): JsonObject {
  return {
    in_cdn: { set, actual: isPublic ? 'public' : 'not_public' },
    in_dam: { set: 'inherited', actual: 'all_organisation' },
  };
}

/** ISO 8601 in UTC without fractions, as the contract writes times. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Percent-encodes each segment; the slashes stay. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** `10.12 KB`: binary steps with the short names that the widgets show. */
export function prettyBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const step = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** step;
  return `${step === 0 ? value : Number(value.toFixed(2))} ${units[step]}`;
}
