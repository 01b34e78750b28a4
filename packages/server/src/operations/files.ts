// What can be done with files that are already there.
import type { CanonicalPath, Demand, OperationName } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { ByteRange } from '../ports/blobs.ts';
import type { Ports } from '../ports/index.ts';
import type { FileQuery, FileRecord, FileStats, Paging } from '../ports/metadata.ts';
import { parseFileUuid } from '../ports/metadata.ts';

type Needs = Pick<Ports, 'metadata' | 'system'>;

/** The file behind a wire uuid in the version it names. Raises FILE_NOT_FOUND. */
export async function lookUpFile(ports: Pick<Ports, 'metadata'>, container: string, uuid: string): Promise<FileRecord> {
  const parsed = parseFileUuid(uuid);
  const file = parsed === undefined ? undefined : await ports.metadata.findFile(container, parsed.id, parsed.version);
  if (file === undefined) throw new AppError('FILE_NOT_FOUND');
  return file;
}

/** Files of a folder or tree that the grant lets be seen, with the total before paging. */
export async function listFiles(
  ports: Needs,
  grant: Grant<'file.list'>,
  query: Omit<FileQuery, 'container' | 'within'>,
  paging: Paging,
): Promise<{ readonly files: readonly FileRecord[]; readonly stats: FileStats }> {
  const scoped: FileQuery = { ...query, container: grant.container, within: grant.layers('listing') };
  const [files, stats] = await Promise.all([
    ports.metadata.listFiles(scoped, paging),
    ports.metadata.countFiles(scoped),
  ]);
  return { files, stats };
}

/** How many files and bytes the same query would list. */
export async function countFiles(
  ports: Needs,
  grant: Grant<'file.stats'>,
  query: Omit<FileQuery, 'container' | 'within'>,
): Promise<FileStats> {
  return ports.metadata.countFiles({ ...query, container: grant.container, within: grant.layers('listing') });
}

/** Gives a file another name in its folder. Raises FILE_NOT_FOUND, ALREADY_EXISTS. */
export async function renameFile(
  ports: Needs,
  grant: Grant<'file.rename'>,
  file: FileRecord,
  name: string,
): Promise<FileRecord> {
  return ports.metadata.renameFile(grant.container, at(file), name, ports.system.now());
}

/**
 * The bytes of a private file, for a caller that may fetch it. The call is charged before the first byte leaves: a client
 * that reads slowly, or leaves before the end, has had what it asked for. Raises FILE_NOT_FOUND, STORE_UNAVAILABLE,
 * COUNTERS_UNAVAILABLE.
 */
export async function readFile(
  ports: Pick<Ports, 'blobs'>,
  grant: Grant<'file.download'>,
  file: FileRecord,
  range?: ByteRange,
) {
  await grant.settle();
  const bytes = await ports.blobs.read(file.blobId, range);
  grant.keep();
  return bytes;
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

/** A demand on the folders that the given files lie in, each once. */
export function demandOn<Op extends OperationName>(
  operation: Op,
  files: readonly FileRecord[],
  ...more: readonly CanonicalPath[]
): Demand & { readonly operation: Op } {
  return { operation, targets: [...new Set([...files.map((file) => file.folderPath), ...more])] };
}
