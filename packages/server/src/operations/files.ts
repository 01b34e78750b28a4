// What can be done with files that are already there.
import {
  accessScopes,
  type CanonicalPath,
  type Demand,
  effective,
  lowestRole,
  OPERATIONS,
  type OperationName,
} from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { ByteRange, LinkedAnswer, LinkedBlobs } from '../ports/blobs.ts';
import type { Ports } from '../ports/index.ts';
import type { FileQuery, FileRecord, FileStats, Paging, VersionAt } from '../ports/metadata.ts';
import { parseFileUuid } from '../ports/metadata.ts';
import { type Condition, EVERY_FILE } from '../ports/search.ts';
import { authorOf, personOf, personOfApprover } from './people.ts';
import { allOf, type SearchContext, textCondition, understandSearch } from './search.ts';
import { fileFields } from './settings.ts';
import { watch } from './watch.ts';

type Needs = Pick<Ports, 'metadata' | 'system'>;

/** The file behind a wire uuid in the version it names. Raises FILE_NOT_FOUND. */
export async function lookUpFile(ports: Pick<Ports, 'metadata'>, container: string, uuid: string): Promise<FileRecord> {
  const parsed = parseFileUuid(uuid);
  const file = parsed === undefined ? undefined : await ports.metadata.findFile(container, parsed.id, parsed.version);
  if (file === undefined) throw new AppError('FILE_NOT_FOUND');
  return file;
}

/** What a listing was asked for. */
export interface FileListing {
  readonly folderPath: CanonicalPath;
  readonly recursive: boolean;
  /** The search as it was written. */
  readonly search?: string | undefined;
  /** Further conditions beside the search. */
  readonly filters: readonly Condition[];
  /** The second pass of a search: what is like the words, without what the first pass finds. */
  readonly similar: boolean;
}

/** A listed file; `relevance` is 1 for an exact match, less for a similar one, null without a search. */
export interface ListedFile {
  readonly file: FileRecord;
  readonly relevance: number | null;
}

/** Files of a folder or tree that the grant lets be seen, with the total before paging. */
export async function listFiles(
  ports: Needs & Pick<Ports, 'search' | 'settings'>,
  grant: Grant<'file.list'>,
  listing: FileListing,
  paging: Paging,
): Promise<{
  readonly files: readonly ListedFile[];
  readonly stats: FileStats;
  readonly warnings: readonly string[];
}> {
  const { condition, filters, texts, warnings } = await understood(ports, grant, listing);
  const query = (where: Condition): FileQuery => ({
    container: grant.container,
    folderPath: listing.folderPath,
    recursive: listing.recursive,
    within: grant.layers('listing'),
    where,
  });
  if (listing.similar) {
    const found = await ports.search.findSimilarFiles(query(filters), texts, paging);
    return { files: found.files, stats: { files: found.total, bytes: found.bytes }, warnings };
  }
  const [files, stats] = await Promise.all([
    ports.metadata.listFiles(query(condition), paging),
    ports.metadata.countFiles(query(condition)),
  ]);
  const relevance = listing.search === undefined ? null : 1;
  return { files: files.map((file) => ({ file, relevance })), stats, warnings };
}

/** How many files and bytes the same query would list. */
export async function countFiles(
  ports: Needs & Pick<Ports, 'settings'>,
  grant: Grant<'file.stats' | 'folder.stats'>,
  listing: FileListing,
): Promise<FileStats> {
  const { condition } = await understood(ports, grant, listing);
  return ports.metadata.countFiles({
    container: grant.container,
    folderPath: listing.folderPath,
    recursive: listing.recursive,
    within: grant.layers('listing'),
    where: condition,
  });
}

async function understood(
  ports: Pick<Ports, 'settings' | 'system'>,
  grant: Grant<'file.list' | 'file.stats' | 'folder.stats'>,
  { search, filters: more }: FileListing,
) {
  if (search === undefined) return { condition: allOf(more), filters: allOf(more), texts: [], warnings: [] };
  const fields = await fileFields(ports, grant);
  const { texts, filters, warnings } = understandSearch(search, {
    fields,
    nowMs: ports.system.now(),
    ...approversFor(grant),
  });
  const others = [...filters, ...more];
  return { condition: allOf([...texts.map(textCondition), ...others]), filters: allOf(others), texts, warnings };
}

/** Lists tell how an approval stands; whom it asks is for those to know who may read files, where they may. */
function approversFor(grant: Grant): Pick<SearchContext, 'approvers'> {
  const { template, claims, access } = grant;
  const needed = 'OBJECTS_FETCH';
  if (template !== undefined && claims !== undefined) {
    if (!effective(template, claims).permissions.includes(needed)) return {};
  }
  const idOf = (text: string) => (text === 'me' ? personOf(grant) : personOfApprover(text)).id;
  if (access === undefined) return { approvers: { idOf, told: EVERY_FILE } };
  const folder = (path: CanonicalPath): Condition => ({ of: 'folder', path });
  const conditions = accessScopes(access, lowestRole([needed])).map(({ path, except = [] }) =>
    allOf([folder(path), ...except.map((closed) => ({ of: 'not', condition: folder(closed) }) as const)]),
  );
  return { approvers: { idOf, told: { of: 'any', conditions } } };
}

/** Gives a file another name in its folder. Raises FILE_NOT_FOUND, ALREADY_EXISTS. */
export async function renameFile(
  ports: Needs,
  grant: Grant<'file.rename'>,
  file: FileRecord,
  name: string,
): Promise<FileRecord> {
  return ports.metadata.renameFile(grant.container, at(file), name, authorOf(ports, grant));
}

/**
 * The bytes of a private file, for a caller that may fetch it. The call is charged before the first byte leaves: a client
 * that reads slowly, or leaves before the end, has had what it asked for. The stream breaks off when the live rules no longer
 * allow it. Raises FILE_NOT_FOUND, STORE_UNAVAILABLE, COUNTERS_UNAVAILABLE.
 */
export async function readFile(
  ports: Pick<Ports, 'blobs' | 'system'>,
  grant: Grant<'file.download'>,
  file: FileRecord,
  range?: ByteRange,
) {
  await grant.settle();
  const bytes = await ports.blobs.read(file.blobId, range);
  grant.keep();
  const stopWatching = watch(
    ports.system,
    () => grant.recheckRights(),
    (reason) => bytes.destroy(reason instanceof Error ? reason : new Error(String(reason))),
  );
  bytes.once('error', (error) => ports.system.log.warn('download.broken', { error: String(error) }));
  bytes.once('close', stopWatching);
  return bytes;
}

/** An address at which the store itself sends what `readFile` would; charged like it. The same codes. */
export async function linkFile(
  ports: { readonly blobs: Pick<LinkedBlobs, 'linkTo'> },
  grant: Grant<'file.download'>,
  file: FileRecord,
  answer: LinkedAnswer,
  seconds: number,
): Promise<string> {
  await grant.settle();
  const address = await ports.blobs.linkTo(file.blobId, answer, seconds);
  grant.keep();
  return address;
}

/** The bytes of a public file, for anybody. Raises FILE_NOT_FOUND when it is not public. */
export async function readPublicFile(ports: Pick<Ports, 'blobs'>, file: FileRecord, range?: ByteRange) {
  if (!file.isPublic) throw new AppError('FILE_NOT_FOUND', 'not public');
  return ports.blobs.read(file.blobId, range);
}

/** Where a file was when its caller was allowed to act on it. */
export function at(file: FileRecord): { readonly id: string; readonly folderPath: CanonicalPath } {
  return { id: file.id, folderPath: file.folderPath };
}

/** The same with the version that was named. */
export function versionAt(file: FileRecord): VersionAt {
  return { ...at(file), version: file.version };
}

/** A demand on the folders that the given files lie in, each once, and on more. */
export function demandOn<Op extends OperationName>(
  operation: Op,
  files: readonly FileRecord[],
  ...more: readonly CanonicalPath[]
): Demand & { readonly operation: Op } {
  const contents = [...new Set(files.map((file) => file.folderPath))];
  const targets = [...new Set([...contents, ...more])];
  return OPERATIONS[operation].walk === true && contents.length > 0
    ? { operation, targets, contents }
    : { operation, targets };
}
