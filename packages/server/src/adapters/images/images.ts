// Pictures by sharp, documents by PDFium, recordings by ffmpeg: everything foreign is decoded in processes that can be killed.
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../errors.ts';
import type { Blobs, LocalBlobs } from '../../ports/blobs.ts';
import type { Images, Rendered, Rendition, Subject } from '../../ports/images.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import { DrawingBudget } from './budget.ts';
import { type Ffmpeg, isRecording, probe, writePoster } from './ffmpeg.ts';
import { DRAWING_BYTES_MAX, PAGED_TYPES, PICTURE_FORMATS, WHOLE_BYTES_MAX } from './job.ts';
import { openPool, type Place, POOL_DEFAULTS, type PoolOptions } from './pool.ts';
import { sidesOf } from './sides.ts';

/** How pictures are drawn. */
export interface ImagesOptions extends Partial<PoolOptions> {
  readonly blobs: Pick<Blobs, 'read'> & Partial<LocalBlobs>;
  /** Where bytes lie while they are drawn, when their store is not a folder of this machine. */
  readonly folder: string;
  readonly workers: number;
  /** What draws recordings, from `findFfmpeg`; undefined where the machine lacks it. */
  readonly programs: Ffmpeg | undefined;
  /** Pictures that one asker may have drawn in a minute; without it any number. */
  readonly perMinuteMax?: number;
  readonly now?: () => number;
  /** Longest time that one picture may take. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
/** What is larger is not drawn: it would have to be copied first, or held whole. */
const BYTES_MAX = 4 * 1024 * 1024 * 1024;
const COPIED_BYTES_MAX = 512 * 1024 * 1024;
/** A file in the working folder that is older belonged to a process that ended. */
const LEAVINGS_MS = 60 * 60_000;

/**
 * Opens drawing; processes are started when the first picture is asked for. Raises STORE_UNAVAILABLE when the folder cannot be
 * used.
 */
export async function openImages(options: ImagesOptions): Promise<Images & { pids(): readonly number[] }> {
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await removeLeavings(options.folder);
  } catch (error) {
    throw new AppError('STORE_UNAVAILABLE', 'the working folder for pictures', { cause: error });
  }
  const { programs } = options;
  const pool = openPool({ ...POOL_DEFAULTS, ...options });
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const budget = new DrawingBudget(options.perMinuteMax ?? Number.POSITIVE_INFINITY, options.now ?? Date.now);

  return {
    draws: (mime) =>
      Object.hasOwn(PICTURE_FORMATS, mime) || PAGED_TYPES.has(mime) || (programs !== undefined && isRecording(mime)),
    examines: (mime) =>
      Object.hasOwn(PICTURE_FORMATS, mime) || PAGED_TYPES.has(mime) || (programs !== undefined && isRecording(mime)),
    async render(subject, rendition, asker) {
      budget.take(asker);
      return pool.with('now', asker, (place) =>
        onDisk(options, subject, (path) => render(place, path, subject.mime, rendition)),
      );
    },
    examine: (subject) =>
      pool.with('later', '', (place) => onDisk(options, subject, (path) => look(place, path, subject.mime))),
    describe: () => ({ workers: options.workers, ffmpeg: programs?.version }),
    load: () => ({ workers: options.workers, ...pool.load() }),
    pids: () => pool.pids(),
    close: () => pool.close(),
  };

  async function render(place: Place, path: string, mime: string, rendition: Rendition): Promise<Rendered> {
    if (!isRecording(mime)) return rendered(await place.run({ kind: 'render', path, mime, rendition }, timeoutMs));
    return withPoster(path, mime, async (poster) =>
      rendered(await place.run({ kind: 'render', path: poster, mime: 'image/png', rendition }, timeoutMs)),
    );
  }

  async function look(place: Place, path: string, mime: string): Promise<JsonObject> {
    if (!isRecording(mime)) return looked(await place.run({ kind: 'examine', path, mime }, timeoutMs));
    const { facts, sides } = await unreadableWhenRefused(probe(known(programs), path, mime));
    const colours = await withPoster(path, mime, async (poster) =>
      looked(await place.run({ kind: 'examine', path: poster, mime: 'image/png' }, timeoutMs)),
    ).catch((error: unknown) => {
      // A recording without a picture has a length all the same.
      if (error instanceof AppError && error.code === 'IMAGE_UNREADABLE') return {};
      throw error;
    });
    return { ...coloursOnly(colours), ...(sides === undefined ? {} : sidesOf(sides.width, sides.height)), ...facts };
  }

  async function withPoster<T>(path: string, mime: string, work: (poster: string) => Promise<T>): Promise<T> {
    const poster = join(options.folder, `${randomUUID()}.png`);
    try {
      await unreadableWhenRefused(writePoster(known(programs), path, mime, poster));
      return await work(poster);
    } finally {
      await rm(poster, { force: true });
    }
  }
}

/** Of the facts of a poster those that hold for the recording. */
function coloursOnly(facts: JsonObject): JsonObject {
  const kept = ['main_colors', 'main_colors_hex', 'dominant_color', 'dominant_color_hex', 'blurhash'];
  return Object.fromEntries(Object.entries(facts).filter(([name]) => kept.includes(name)));
}

function known(programs: Ffmpeg | undefined): Ffmpeg {
  if (programs === undefined) throw new AppError('IMAGE_UNREADABLE', 'ffmpeg is not there');
  return programs;
}

async function unreadableWhenRefused<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('IMAGE_UNREADABLE', 'ffmpeg refused it', { cause: error });
  }
}

function rendered(outcome: Awaited<ReturnType<Place['run']>>): Rendered {
  if (!outcome.ok) throw new AppError(outcome.readable ? 'RENDITION_FAILED' : 'IMAGE_UNREADABLE', outcome.reason);
  if (outcome.kind !== 'render') throw new TypeError('A drawing was asked for.');
  const { bytes, mime, width, height } = outcome;
  return { bytes, mime, width, height };
}

function looked(outcome: Awaited<ReturnType<Place['run']>>): JsonObject {
  if (!outcome.ok) throw new AppError('IMAGE_UNREADABLE', outcome.reason);
  if (outcome.kind !== 'examine') throw new TypeError('Facts were asked for.');
  return outcome.facts;
}

/** The bytes as a file for the time of the work: in place where the store is a folder, else a copy. */
async function onDisk<T>(
  { blobs, folder }: ImagesOptions,
  { blobId, mime, sizeBytes }: Subject,
  work: (path: string) => Promise<T>,
): Promise<T> {
  if (sizeBytes > bytesMaxOf(mime, blobs.pathOf === undefined))
    throw new AppError('IMAGE_UNREADABLE', `${sizeBytes} bytes`);
  if (blobs.pathOf !== undefined) {
    const path = await blobs.pathOf(blobId);
    if (path === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
    return work(path);
  }
  const copy = join(folder, randomUUID());
  try {
    await pipeline(await blobs.read(blobId), createWriteStream(copy, { flags: 'wx', mode: 0o600 }));
    return await work(copy);
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('STORE_UNAVAILABLE', 'a copy for drawing', { cause: error });
  } finally {
    await rm(copy, { force: true });
  }
}

function bytesMaxOf(mime: string, isCopied: boolean): number {
  if (mime === 'image/svg+xml') return DRAWING_BYTES_MAX;
  if (PAGED_TYPES.has(mime)) return WHOLE_BYTES_MAX;
  return isCopied ? COPIED_BYTES_MAX : BYTES_MAX;
}

async function removeLeavings(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    // Another node may have taken it away in between.
    if (found?.isFile() && Date.now() - found.mtimeMs > LEAVINGS_MS) await unlink(path).catch(() => undefined);
  }
}
