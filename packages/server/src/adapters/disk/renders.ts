// Renditions in a folder: written aside and moved into place, stamped when used, the least recently used removed first.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { RenderId, Renders } from '../../ports/renders.ts';
import type { Clock } from '../../ports/system.ts';

/** How the store is bounded. */
export interface RendersOptions {
  readonly folder: string;
  readonly sizeMaxBytes: number;
  readonly now: Clock;
}

/** What could not be drawn is not tried again for this long: a poisoned file costs its time once. */
const FAILURE_MS = 10 * 60_000;
/** Contents of which failures are remembered. */
const FAILURES_MAX = 10_000;
/** So many variants of one content may fail in that time; then it is the content, and there is no end of variants. */
const FAILED_VARIANTS_MAX = 3;
/** The time of the last use is kept this exactly. */
const STAMP_MS = 60 * 60_000;
const UNUSED_MS = 30 * 24 * 60 * 60_000;
/** So much a sweep leaves, and so much may come before the end of the next one, which begins at half of it: together it fits the bound, also
 *  when a new process does not know yet what the one before it has added. */
const LEFT = 0.85;
const ADDED = 0.075;
/** A file takes whole blocks of the disk: the bound of bytes is one of files too, however small they are. */
const BLOCK_BYTES = 4096;
/** In place of a variant: all of them. */
const WHOLE = '';
const NAME = /^[0-9a-f]{64}$/;
const FAN_OUT = /^[0-9a-f]{2}$/;

/** Opens renditions in a folder, which is made when it is missing. Raises STORE_UNAVAILABLE when it cannot be. */
export async function openDiskRenders(options: RendersOptions): Promise<Renders> {
  const { folder, sizeMaxBytes, now } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new AppError('STORE_UNAVAILABLE', 'the folder of renditions', { cause });
  });
  const underway = new Map<string, Promise<Uint8Array>>();
  /** By content each variant that failed, with its time. */
  const failures = new Map<string, Map<string, number>>();
  let addedBytes = 0;
  let hasSwept = false;
  let sweeping: Promise<number> | undefined;

  async function make(name: string, content: string, work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const path = join(folder, name.slice(0, 2), name);
    const kept = await readKept(path, now());
    if (kept !== undefined) return kept;
    refuseFailed(name, content);
    try {
      const bytes = await work();
      await keep(path, bytes);
      return bytes;
    } catch (error) {
      if (error instanceof AppError && error.code === 'IMAGE_UNREADABLE') remember(content, WHOLE);
      if (error instanceof AppError && error.code === 'RENDITION_FAILED') remember(content, name);
      throw error;
    }
  }

  function refuseFailed(name: string, content: string): void {
    const failed = recentOf(content);
    if (failed.has(WHOLE) || failed.size >= FAILED_VARIANTS_MAX) {
      throw new AppError('IMAGE_UNREADABLE', 'could not be drawn some minutes ago');
    }
    if (failed.has(name)) throw new AppError('RENDITION_FAILED', 'could not be drawn some minutes ago');
  }

  /** What failed of the content and is not forgiven yet. */
  function recentOf(content: string): ReadonlyMap<string, number> {
    return new Map([...(failures.get(content) ?? [])].filter(([, failedMs]) => now() - failedMs < FAILURE_MS));
  }

  function remember(content: string, name: string): void {
    const failed = new Map(recentOf(content)).set(name, now());
    failures.delete(content);
    failures.set(content, failed);
    const oldest = failures.keys().next();
    if (failures.size > FAILURES_MAX && !oldest.done) failures.delete(oldest.value);
  }

  async function keep(path: string, bytes: Uint8Array): Promise<void> {
    const size = onDisk(bytes.length);
    if (sweeping === undefined && (!hasSwept || addedBytes + size > (sizeMaxBytes * ADDED) / 2)) void sweep(now());
    // Pictures that come faster than a sweep makes room are sent and not kept.
    if (addedBytes + size > sizeMaxBytes * ADDED) return;
    addedBytes += size;
    const aside = `${path}.${randomUUID()}`;
    try {
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
      await writeFile(aside, bytes, { flag: 'wx', mode: 0o600 });
      const stamp = new Date(now());
      await utimes(aside, stamp, stamp);
      await rename(aside, path);
    } catch {
      // A full or failing disk keeps nothing; the picture is there all the same.
      await unlink(aside).catch(() => undefined);
    }
  }

  async function sweep(nowMs: number): Promise<number> {
    // One that runs may have passed by what was added meanwhile.
    while (sweeping !== undefined) await sweeping;
    addedBytes = 0;
    hasSwept = true;
    sweeping = sweepFolder(folder, sizeMaxBytes, nowMs).finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  }

  return {
    obtain({ content, variant }: RenderId, work) {
      const name = createHash('sha256').update(`${content}\n${variant}`).digest('hex');
      const running = underway.get(name);
      if (running !== undefined) return running;
      const made = make(name, content, work).finally(() => underway.delete(name));
      underway.set(name, made);
      return made;
    },
    sweep,
  };
}

/** The kept bytes, stamped as used now and then. */
async function readKept(path: string, nowMs: number): Promise<Uint8Array | undefined> {
  try {
    const [bytes, found] = await Promise.all([readFile(path), stat(path)]);
    const stamp = new Date(nowMs);
    if (nowMs - found.mtimeMs > STAMP_MS) await utimes(path, stamp, stamp);
    return bytes;
  } catch {
    return undefined; // Missing, or swept away between two calls: it is made again.
  }
}

async function sweepFolder(folder: string, sizeMaxBytes: number, nowMs: number): Promise<number> {
  const found: { readonly path: string; readonly size: number; readonly usedMs: number }[] = [];
  let removed = 0;
  const remove = async (path: string) => {
    await unlink(path).catch(() => undefined); // Another node may have been faster.
    removed += 1;
  };
  for (const fan of await namesIn(folder)) {
    if (!FAN_OUT.test(fan)) continue;
    for (const name of await namesIn(join(folder, fan))) {
      const path = join(folder, fan, name);
      const entry = await stat(path).catch(() => undefined);
      if (entry === undefined || !entry.isFile()) continue;
      const isLeft = !NAME.test(name) && nowMs - entry.mtimeMs > STAMP_MS;
      if (isLeft || nowMs - entry.mtimeMs > UNUSED_MS) await remove(path);
      else found.push({ path, size: onDisk(entry.size), usedMs: entry.mtimeMs });
    }
  }
  let total = found.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of found.sort((left, right) => left.usedMs - right.usedMs)) {
    if (total <= sizeMaxBytes * LEFT) break;
    await remove(path);
    total -= size;
  }
  return removed;
}

function onDisk(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
