// Backup and restore: a store copied to a shelf while it is in use, and put back into an empty one. Run by an operator, who needs no grant.
import { AppError } from '../errors.ts';
import { BackupFault, type Batch, type Content, type Label, type Records, type Shelf } from '../ports/backup.ts';
import type { Blobs } from '../ports/blobs.ts';

/** A store, or what is copied of it. */
export interface Copied<R> {
  readonly records: R;
  readonly blobs: Blobs;
}

/** What was copied. */
export interface Report extends Omit<Label, 'schema'> {
  /** Contents that were not there before. */
  readonly copied: number;
}

/** Copies that are under way at once: enough to hide the waits of a distant store. */
const AT_ONCE = 8;
/** Records are taken again while files are deleted faster than they are copied; that ends. */
const ROUNDS_MAX = 20;
/** What is missing in so many rounds in a row was not deleted: it is lost. */
const ROUNDS_TO_BE_LOST = 3;

/**
 * Copies a store that may be in use. Records first, then the bytes they name: bytes are written before their record and removed after it,
 * so only files that are deleted meanwhile can be missing. Then the records are taken again, until every one of them has its bytes. Bytes
 * that are in the backup already are not copied again, those that no record names any more are removed at the end. Until then the backup
 * that was there stays good. Raises BackupFault for bytes that are not what their record says, STORE_UNAVAILABLE.
 */
export async function backUp(from: Copied<Records>, to: Copied<Shelf>, now: () => number): Promise<Report> {
  const schema = await from.records.schema();
  if (!isSame(schema, from.records.knownSchema)) {
    throw new BackupFault('The database was made by another version of Latchkey. Make the backup with that version.');
  }
  let copied = 0;
  const missingFor = new Map<string, number>();
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const madeAt = new Date(now()).toISOString();
    const set = await to.records.begin();
    try {
      await from.records.exportAll((batch) => set.add(batch));
      const missing = new Set<string>();
      const outcome = await copyAll(contentsOf(set.batches('file_versions')), from.blobs, to.blobs, (blobId) =>
        missing.add(blobId),
      );
      copied += outcome.copied;
      for (const blobId of missingFor.keys()) if (!missing.has(blobId)) missingFor.delete(blobId);
      for (const blobId of missing) missingFor.set(blobId, (missingFor.get(blobId) ?? 0) + 1);
      if ([...missing].every((blobId) => (missingFor.get(blobId) ?? 0) >= ROUNDS_TO_BE_LOST)) {
        const { contents, bytes } = outcome;
        const label = { madeAt, schema, contents, bytes, lost: [...missing].sort() };
        await set.commit(label);
        await removeOthers(to.blobs, outcome.blobIds);
        return { ...label, copied };
      }
    } catch (error) {
      await set.discard();
      throw error;
    }
    await set.discard();
  }
  throw new BackupFault('Files are deleted faster than they can be copied. Try again when less is going on.');
}

/**
 * Puts a backup into an empty store that nobody uses: bytes first, then the records, all in one transaction. A restore that was interrupted can
 * be repeated. Raises BackupFault, before anything is written, when the store is not empty or the backup is damaged or not whole; and for bytes that
 * turn out to be damaged while they are copied: then the store has no record yet.
 */
export async function restore(from: Copied<Shelf>, to: Copied<Records>): Promise<Report> {
  const set = await from.records.open();
  const { label } = set;
  const lost = new Set(label.lost);
  if (!(await to.records.isEmpty())) {
    throw new BackupFault(
      'The database is not empty. Restore into a new one: nothing that is there is ever overwritten.',
    );
  }
  await refuseForeign(to.blobs, from.blobs);
  const contents = () => contentsOf(set.batches('file_versions'));
  await forEach(contents(), async ({ blobId, sizeBytes }) => {
    if (lost.has(blobId) || (await from.blobs.find(blobId))?.sizeBytes === sizeBytes) return;
    throw new BackupFault(`The backup is not whole: the bytes ${blobId} are missing or have another length.`);
  });
  const outcome = await copyAll(contents(), from.blobs, to.blobs, (blobId) => {
    if (!lost.has(blobId)) throw new BackupFault(`The backup is not whole: the bytes ${blobId} are missing.`);
  });
  await to.records.importAll(label.schema, () => set.batches());
  return { ...label, copied: outcome.copied };
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

/** The contents that rows of versions name. */
async function* contentsOf(batches: AsyncIterable<Batch>): AsyncGenerator<Content> {
  for await (const { rows } of batches) {
    for (const { blob_id, size, sha256 } of rows) {
      yield { blobId: String(blob_id), sizeBytes: Number(size), sha256: String(sha256) };
    }
  }
}

/** Copies what is not there yet; several versions may have the same content. */
async function copyAll(
  contents: AsyncIterable<Content>,
  from: Blobs,
  to: Blobs,
  miss: (blobId: string) => void,
): Promise<{
  readonly copied: number;
  readonly contents: number;
  readonly bytes: number;
  readonly blobIds: ReadonlySet<string>;
}> {
  const blobIds = new Set<string>();
  let copied = 0;
  let bytes = 0;
  await forEach(contents, async (content) => {
    if (blobIds.has(content.blobId)) return;
    blobIds.add(content.blobId);
    bytes += content.sizeBytes;
    if ((await to.find(content.blobId))?.sizeBytes === content.sizeBytes) return;
    if (await copy(content, from, to)) copied += 1;
    else miss(content.blobId);
  });
  return { copied, contents: blobIds.size, bytes, blobIds };
}

/** False when there is nothing to copy. Raises BackupFault when it is not what it should be. */
async function copy({ blobId, sizeBytes, sha256 }: Content, from: Blobs, to: Blobs): Promise<boolean> {
  let written: Awaited<ReturnType<Blobs['write']>>;
  try {
    written = await to.write(await from.read(blobId), { sizeMaxBytes: sizeBytes, blobId });
  } catch (error) {
    if (error instanceof AppError && error.code === 'FILE_NOT_FOUND') return false;
    if (error instanceof AppError && error.code === 'PAYLOAD_TOO_LARGE') throw damaged(blobId);
    throw error;
  }
  if (written.sizeBytes === sizeBytes && written.sha256 === sha256) return true;
  await to.remove([blobId]);
  throw damaged(blobId);
}

function damaged(blobId: string): BackupFault {
  return new BackupFault(`The bytes ${blobId} are damaged: they are not what their record says.`);
}

async function removeOthers(blobs: Blobs, kept: ReadonlySet<string>): Promise<void> {
  await forEachId(blobs, async (blobIds) => blobs.remove(blobIds.filter((blobId) => !kept.has(blobId))));
}

/** Bytes of an interrupted restore may be there, and no others. */
async function refuseForeign(blobs: Blobs, backup: Blobs): Promise<void> {
  await forEachId(blobs, async (blobIds) => {
    for (const blobId of blobIds) {
      if ((await backup.find(blobId)) !== undefined) continue;
      throw new BackupFault(
        'The store of bytes is not empty. Restore into a new one: nothing that is there is ever removed.',
      );
    }
  });
}

async function forEachId(blobs: Blobs, work: (blobIds: readonly string[]) => Promise<void>): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await blobs.list(Number.MAX_SAFE_INTEGER, cursor);
    await work(page.blobIds);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Works on several items at once, and ends with the first failure when those under way have ended. */
async function forEach<T>(items: AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    if (failure !== undefined) break;
    const one = work(item).catch((error: unknown) => {
      failure ??= { error };
    });
    const ended = one.finally(() => running.delete(ended));
    running.add(ended);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}
