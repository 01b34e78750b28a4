// Collections: searches that are kept for many people, with virtual folders made of what their files say.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { CollectionDocument, CollectionRecord } from '../ports/collections.ts';
import type { Ports } from '../ports/index.ts';
import type { Sharing } from '../ports/labels.ts';
import type { JsonObject } from '../ports/metadata.ts';
import { personOf } from './people.ts';
import { EVERYBODY, isFor, parseSharing, parseTitle } from './sharing.ts';

type Needs = Pick<Ports, 'collections' | 'system'>;

/** Bounds of collections. */
export const COLLECTIONS = {
  perContainerMax: 500,
  titleCharactersMax: 200,
  filtersCharactersMax: 4000,
  levelsMax: 5,
} as const;

const VISIBILITIES = ['company', 'shared', 'myself'] as const;

/** What a caller says of a collection; when one is changed, absent members stay. */
export interface CollectionInput {
  readonly title?: unknown;
  readonly visibility?: unknown;
  readonly shared_with?: unknown;
  readonly data?: { readonly filters?: unknown; readonly groupby?: unknown } | null | undefined;
}

const NEW_COLLECTION: CollectionDocument = {
  title: '',
  type: 'query',
  visibility: 'company',
  sharedWith: [],
  filters: '',
  groupBy: [],
};

/** The collections that are for the caller, by title. */
export async function listCollections(
  ports: Pick<Ports, 'collections'>,
  grant: Grant<'collection.list'>,
): Promise<readonly CollectionRecord[]> {
  return (await ports.collections.listCollections(grant.container)).filter((collection) => isSeen(collection, grant));
}

/** Makes a collection. Raises REQUEST_INVALID with every fault. */
export async function createCollection(
  ports: Needs,
  grant: Grant<'collection.create'>,
  input: CollectionInput,
): Promise<CollectionRecord> {
  const document = parseCollection(input, NEW_COLLECTION);
  if ((await ports.collections.listCollections(grant.container)).length >= COLLECTIONS.perContainerMax) {
    const message = `A container may have ${COLLECTIONS.perContainerMax} collections.`;
    throw new AppError('REQUEST_INVALID', 'collection', { faults: [{ field: 'title', code: 'TOO_MANY', message }] });
  }
  const nowMs = ports.system.now();
  const record: CollectionRecord = {
    id: randomUUID(),
    container: grant.container,
    document,
    ownerId: personOf(grant).id,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  await ports.collections.createCollection(record);
  return record;
}

/** Changes the members that the input has. Raises COLLECTION_NOT_FOUND, REQUEST_INVALID. */
export async function changeCollection(
  ports: Needs,
  grant: Grant<'collection.update'>,
  id: string,
  input: CollectionInput,
): Promise<CollectionRecord> {
  const change = (stored: CollectionRecord) => {
    if (!isSeen(stored, grant)) throw new AppError('COLLECTION_NOT_FOUND', 'not for the caller');
    return parseCollection(input, stored.document);
  };
  return ports.collections.changeCollection(grant.container, id, change, ports.system.now());
}

/** Deletes collections; the files that they find stay. Raises COLLECTION_NOT_FOUND; then none is deleted. */
export async function deleteCollections(
  ports: Pick<Ports, 'collections'>,
  grant: Grant<'collection.delete'>,
  ids: readonly string[],
): Promise<void> {
  const collections = await ports.collections.listCollections(grant.container);
  const seen = new Set(collections.filter((collection) => isSeen(collection, grant)).map(({ id }) => id));
  if (ids.some((id) => !seen.has(id))) throw new AppError('COLLECTION_NOT_FOUND');
  await ports.collections.deleteCollections(grant.container, ids);
}

/** The collection with this id, if it is for the caller. Raises COLLECTION_NOT_FOUND. */
export async function findCollection(
  ports: Pick<Ports, 'collections'>,
  grant: Grant,
  id: string,
): Promise<CollectionRecord> {
  const collection = await ports.collections.findCollection(grant.container, id);
  if (collection === undefined || !isSeen(collection, grant)) throw new AppError('COLLECTION_NOT_FOUND');
  return collection;
}

/**
 * What `collection_uuid` and `f64` of a list narrow it to, as text in the query language: the search of the collection
 * and of the virtual folder. It only ever takes files away from what the caller may see. Raises COLLECTION_NOT_FOUND,
 * REQUEST_INVALID for a virtual folder that cannot be read.
 */
export async function collectionSearch(
  ports: Pick<Ports, 'collections'>,
  grant: Grant,
  wanted: { readonly collectionId: string | undefined; readonly virtualFolder: string | undefined },
): Promise<string> {
  const { collectionId, virtualFolder } = wanted;
  const filters = collectionId === undefined ? '' : (await findCollection(ports, grant, collectionId)).document.filters;
  const folder = virtualFolder === undefined ? '' : readVirtualFolder(virtualFolder);
  return joinSearches([filters, folder]);
}

/** One search that all of them must hold for: each on a line of its own, so that no list of one goes on in the next. */
export function joinSearches(searches: readonly string[]): string {
  return searches.filter((text) => text !== '').join('\n');
}

/** A search as the address of a virtual folder: base64 without signs that would have to be escaped. */
export function writeVirtualFolder(search: string): string {
  return Buffer.from(search).toString('base64url');
}

function readVirtualFolder(address: string): string {
  const text = Buffer.from(address, 'base64').toString();
  const isOurs = /^[A-Za-z0-9_+/-]+={0,2}$/.test(address) && !text.includes('\uFFFD') && !text.includes('\0');
  if (isOurs && text.length <= COLLECTIONS.filtersCharactersMax) return text;
  const message = 'A virtual folder is named by the filters that its collection lists.';
  throw new AppError('REQUEST_INVALID', 'f64', { faults: [{ field: 'f64', code: 'FORMAT_WRONG', message }] });
}

function isSeen({ document, ownerId }: CollectionRecord, grant: Grant): boolean {
  const sharing: Sharing =
    document.visibility === 'company' ? EVERYBODY : { scope: 'SK_USERS', ids: sharedWith(document) };
  return isFor(sharing, ownerId, grant);
}

function sharedWith({ visibility, sharedWith: ids }: CollectionDocument): readonly string[] {
  return visibility === 'shared' ? ids : [];
}

function parseCollection(input: CollectionInput, stored: CollectionDocument): CollectionDocument {
  const faults: FieldFault[] = [];
  const said = input.visibility ?? stored.visibility;
  const visibility = VISIBILITIES.find((known) => known === said);
  if (visibility === undefined) {
    const message = `One of ${VISIBILITIES.join(', ')} is needed here.`;
    faults.push({ field: 'visibility', code: 'VALUE_UNKNOWN', message });
  }
  const filters = input.data?.filters ?? stored.filters;
  const isText =
    typeof filters === 'string' && filters.length <= COLLECTIONS.filtersCharactersMax && !/\0|\p{Cs}/u.test(filters);
  if (!isText) {
    const message = `A search of at most ${COLLECTIONS.filtersCharactersMax} characters is needed here.`;
    faults.push({ field: 'data.filters', code: 'FORMAT_WRONG', message });
  }
  const document: CollectionDocument = {
    title: parseTitle(input.title ?? stored.title, COLLECTIONS.titleCharactersMax, 'title', faults),
    type: 'query',
    visibility: visibility ?? 'myself',
    sharedWith:
      input.shared_with === undefined
        ? stored.sharedWith
        : parseSharing({ scope: 'SK_USERS', ids: input.shared_with }, 'shared_with', faults).ids,
    filters: isText ? filters.trim() : '',
    groupBy: input.data?.groupby === undefined ? stored.groupBy : parseGroups(input.data.groupby, faults),
  };
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'collection', { faults });
  return document;
}

/** The levels of virtual folders, each by the attribute it splits by. Clients add members of their own, which are kept. */
function parseGroups(said: unknown, faults: FieldFault[]): readonly JsonObject[] {
  const groups = Array.isArray(said) && said.length <= COLLECTIONS.levelsMax ? said : undefined;
  const isGroup = (group: unknown): group is JsonObject =>
    typeof group === 'object' &&
    group !== null &&
    'attribute_sys_key' in group &&
    typeof group.attribute_sys_key === 'string' &&
    JSON.stringify(group).length <= 1000;
  if (groups?.every(isGroup)) return groups;
  const message = `A list of at most ${COLLECTIONS.levelsMax} levels with an attribute_sys_key is needed here.`;
  faults.push({ field: 'data.groupby', code: 'INVALID_TYPE', message });
  return [];
}
