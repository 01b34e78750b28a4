// Growing blobs in a folder: the bytes in one file, and beside it how many of them are known to be on the device.
import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { AppError, guarded } from '../../errors.ts';
import type { WrittenBlob } from '../../ports/blobs.ts';
import type { AppendOptions, PartialBlobs } from '../../ports/partial-blobs.ts';
import type { Random } from '../../ports/system.ts';
import { pour } from '../../pour.ts';
import { createDirectoryFlush, type DirectoryFlush } from './directory-flush.ts';
import { closedFault, ignoreMissing, undefinedWhenMissing } from './faults.ts';
import { BLOB_ID, NO_FOLLOW, openFolders, Shelves } from './shelves.ts';

/** How much is gathered while the previous part is being written. */
const WRITE_BYTES = 512 * 1024;
const READ_BYTES = 1024 * 1024;
/** What flows is made durable this often, so that a crash takes at most so much of a long request. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;
const CHECKPOINT_MS = 1000;
/** Checksums in progress that are remembered; of others the bytes are read again at the end. */
const SUMS_MAX = 1000;
const MARK = '.size';

/** Checksums of the first `sizeBytes` bytes. */
interface Sums {
  readonly sizeBytes: number;
  readonly sha1: Hash;
  readonly sha256: Hash;
}

/**
 * Opens growing blobs in the blob folder, creating what is missing; they lie in `partial/`, in the same file system as the
 * finished ones. Raises STORE_UNAVAILABLE when the folder cannot be used.
 */
export async function openDiskPartialBlobs(folder: string, system: { readonly random: Random }): Promise<PartialBlobs> {
  const root = await openFolders(folder, ['objects', 'partial']);
  return new DiskPartialBlobs(root, system.random);
}

/*
 * `<id>` holds the bytes and `<id>.size` the count of those that were flushed: sixteen digits, rewritten in place after each
 * flush, which no crash can tear because they lie in one sector. What lies behind the count is cut off before more is added.
 */
class DiskPartialBlobs implements PartialBlobs {
  readonly #partial: string;
  readonly #shelves: Shelves;
  readonly #random: Random;
  readonly #flush: DirectoryFlush = createDirectoryFlush();
  readonly #busy = new Map<string, { readonly sink: Writable; readonly done: Promise<unknown> }>();
  readonly #sums = new Map<string, Sums>();
  #closed = false;

  constructor(root: string, random: Random) {
    this.#partial = join(root, 'partial');
    this.#shelves = new Shelves(join(root, 'objects'));
    this.#random = random;
  }

  async create(): Promise<string> {
    if (this.#closed) throw closedFault();
    const id = Buffer.from(this.#random(16)).toString('hex');
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
    await guarded('begin a partial blob', async () => {
      await (await open(this.#pathOf(id), flags, 0o600)).close();
      const mark = await open(this.#pathOf(id) + MARK, flags, 0o600);
      try {
        await writeMark(mark, 0);
      } finally {
        await mark.close();
      }
      await this.#flush(this.#partial);
    });
    this.#remember(id, { sizeBytes: 0, sha1: createHash('sha1'), sha256: createHash('sha256') });
    return id;
  }

  async size(partialId: string): Promise<number | undefined> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) return undefined;
    return guarded('look for a partial blob', async () => {
      if (await isFile(this.#pathOf(partialId))) return this.#readMark(partialId);
      const blob = await lstat(this.#shelves.pathOf(partialId)).catch(undefinedWhenMissing);
      return blob?.isFile() ? blob.size : undefined;
    });
  }

  async append(partialId: string, offset: number, source: Readable, options: AppendOptions): Promise<number> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
    if (this.#busy.has(partialId)) throw new AppError('UPLOAD_LOCKED', 'appended to on this node');
    const sink = new PartialSink(offset, options);
    const done = this.#pourInto(sink, partialId, offset, source, options.signal);
    this.#busy.set(partialId, { sink, done: done.catch(() => undefined) });
    try {
      await done;
      return sink.durableBytes;
    } finally {
      this.#busy.delete(partialId);
      const sums = sink.sums();
      if (sums === undefined) this.#sums.delete(partialId);
      else this.#remember(partialId, sums);
    }
  }

  async #pourInto(
    sink: PartialSink,
    partialId: string,
    offset: number,
    source: Readable,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const path = this.#pathOf(partialId);
    await guarded('open a partial blob', async () => {
      const bytes = await open(path, constants.O_WRONLY | NO_FOLLOW).catch(undefinedWhenMissing);
      const mark = bytes && (await open(path + MARK, constants.O_RDWR | NO_FOLLOW).catch(undefinedWhenMissing));
      if (bytes === undefined || mark === undefined) {
        await bytes?.close();
        throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
      }
      const sizeBytes = (await this.#readMark(partialId)) ?? 0;
      if (sizeBytes !== offset) {
        await Promise.all([bytes.close(), mark.close()]);
        throw offsetMismatch(sizeBytes);
      }
      await bytes.truncate(sizeBytes);
      const known = this.#sums.get(partialId);
      sink.begin(bytes, mark, known?.sizeBytes === offset ? known : undefined);
    });
    if (this.#closed) sink.destroy(closedFault());
    await pour(source, sink, signal);
  }

  async finish(partialId: string): Promise<WrittenBlob> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
    if (this.#busy.has(partialId)) throw new AppError('UPLOAD_LOCKED', 'appended to on this node');
    const path = this.#pathOf(partialId);
    return guarded('finish a partial blob', async () => {
      const published = this.#shelves.pathOf(partialId);
      if (!(await isFile(path))) {
        if (!(await isFile(published))) throw new AppError('UPLOAD_NOT_FOUND', 'no such partial blob');
        await unlink(path + MARK).catch(ignoreMissing);
        return written(partialId, await sumsOf(published, (await lstat(published)).size));
      }
      const sizeBytes = (await this.#readMark(partialId)) ?? 0;
      await cutOff(path, sizeBytes);
      const known = this.#sums.get(partialId);
      const sums = known?.sizeBytes === sizeBytes ? known : await sumsOf(path, sizeBytes);
      this.#sums.delete(partialId);
      await this.#shelves.publish(partialId, path);
      await unlink(path + MARK).catch(ignoreMissing);
      return written(partialId, sums);
    });
  }

  async discard(partialId: string): Promise<void> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(partialId)) return;
    this.#sums.delete(partialId);
    await guarded('discard a partial blob', async () => {
      await unlink(this.#pathOf(partialId)).catch(ignoreMissing);
      await unlink(this.#pathOf(partialId) + MARK).catch(ignoreMissing);
      await unlink(this.#shelves.pathOf(partialId)).catch(ignoreMissing);
    });
  }

  async sweep(beforeMs: number): Promise<number> {
    if (this.#closed) throw closedFault();
    return guarded('sweep partial blobs', async () => {
      const names = await readdir(this.#partial);
      const ids = new Set(names.map((name) => (name.endsWith(MARK) ? name.slice(0, -MARK.length) : name)));
      let removed = 0;
      for (const id of ids) {
        if (!BLOB_ID.test(id) || this.#busy.has(id)) continue;
        const path = this.#pathOf(id);
        const found = await Promise.all([path, path + MARK].map((file) => lstat(file).catch(undefinedWhenMissing)));
        if (found.some((file) => file !== undefined && file.mtimeMs >= beforeMs)) continue;
        await this.discard(id);
        removed += 1;
      }
      return removed;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const busy = [...this.#busy.values()];
    for (const { sink } of busy) sink.destroy(closedFault());
    await Promise.all(busy.map(({ done }) => done));
  }

  #pathOf(id: string): string {
    return join(this.#partial, id);
  }

  async #readMark(id: string): Promise<number | undefined> {
    const text = await readFile(this.#pathOf(id) + MARK, 'latin1').catch(undefinedWhenMissing);
    if (text === undefined) return undefined;
    return /^\d{16}$/.test(text) ? Number(text) : 0;
  }

  #remember(id: string, sums: Sums): void {
    this.#sums.delete(id);
    this.#sums.set(id, sums);
    const oldest = this.#sums.keys().next();
    if (this.#sums.size > SUMS_MAX && !oldest.done) this.#sums.delete(oldest.value);
  }
}

/** Writes what flows in behind the offset; makes it durable now and then, and in the end, however it ends. */
class PartialSink extends Writable {
  readonly #offset: number;
  readonly #options: AppendOptions;
  readonly #digest: Hash | undefined;
  #files: { readonly bytes: FileHandle; readonly mark: FileHandle } | undefined;
  #sums: { sha1: Hash; sha256: Hash } | undefined;
  #position: number;
  #durable: number;
  #checkedAtMs = performance.now();
  /** True while everything up to the position is known to be written. */
  #isWhole = true;
  #running: Promise<void> = Promise.resolve();

  constructor(offset: number, options: AppendOptions) {
    super({ highWaterMark: WRITE_BYTES });
    this.#offset = offset;
    this.#position = offset;
    this.#durable = offset;
    this.#options = options;
    this.#digest = options.digest && createHash(options.digest.algorithm);
  }

  /** Must be called before anything is written; the sink closes both files. */
  begin(bytes: FileHandle, mark: FileHandle, sums: Sums | undefined): void {
    this.#files = { bytes, mark };
    this.#sums = sums;
  }

  get durableBytes(): number {
    return this.#durable;
  }

  /** The checksums of everything that is durable; undefined when they are not known. To be asked after the end. */
  sums(): Sums | undefined {
    const isCurrent = this.#isWhole && this.#position === this.#durable;
    return this.#sums && isCurrent ? { ...this.#sums, sizeBytes: this.#durable } : undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#running = this.#add([chunk]);
    this.#running.then(() => callback(), callback);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, callback: (error?: Error | null) => void): void {
    this.#running = this.#add(chunks.map(({ chunk }) => chunk));
    this.#running.then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#running = this.#end();
    this.#running.then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#leave().then(
      () => callback(error),
      (fault) => callback(error ?? fault),
    );
  }

  async #add(chunks: readonly Buffer[]): Promise<void> {
    const added = chunks.reduce((sum, { length }) => sum + length, 0);
    if (this.#position + added - this.#offset > this.#options.sizeMaxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'more than was announced');
    }
    const { bytes } = this.#opened();
    this.#isWhole = false;
    const write = guarded('write to a partial blob', () => writeAt(bytes, chunks, this.#position));
    for (const chunk of chunks) {
      this.#digest?.update(chunk);
      this.#sums?.sha1.update(chunk);
      this.#sums?.sha256.update(chunk);
    }
    await write;
    this.#position += added;
    this.#isWhole = true;
    if (this.#digest !== undefined) return;
    const isDue =
      this.#position - this.#durable >= CHECKPOINT_BYTES || performance.now() - this.#checkedAtMs >= CHECKPOINT_MS;
    if (isDue) await this.#checkpoint();
  }

  async #end(): Promise<void> {
    const { digest } = this.#options;
    if (digest !== undefined && this.#digest?.digest().equals(digest.value) !== true) {
      this.#isWhole = false;
      throw new AppError('UPLOAD_CHECKSUM_MISMATCH', digest.algorithm);
    }
    await this.#checkpoint();
  }

  /** First the bytes, then the count of them: a count never speaks of bytes that are not there. */
  async #checkpoint(): Promise<void> {
    this.#checkedAtMs = performance.now();
    if (this.#position === this.#durable) return;
    const { bytes, mark } = this.#opened();
    const position = this.#position;
    await guarded('flush a partial blob', async () => {
      await bytes.datasync();
      await writeMark(mark, position);
    });
    this.#durable = position;
  }

  /** Keeps what flowed, unless it had to be all or nothing, and closes the files. */
  async #leave(): Promise<void> {
    if (this.#files === undefined) return;
    await this.#running.catch(() => undefined); // Its fault has been told to whoever wrote.
    const { bytes, mark } = this.#files;
    try {
      if (this.#isWhole && this.#digest === undefined) await this.#checkpoint();
    } finally {
      await guarded('close a partial blob', () => Promise.all([bytes.close(), mark.close()]));
    }
  }

  #opened() {
    if (this.#files === undefined) throw new TypeError('A sink is begun before it is written to.');
    return this.#files;
  }
}

function offsetMismatch(sizeBytes: number): AppError {
  return new AppError('UPLOAD_OFFSET_MISMATCH', 'append elsewhere', {
    headers: { 'upload-offset': String(sizeBytes) },
  });
}

async function writeMark(mark: FileHandle, sizeBytes: number): Promise<void> {
  await mark.write(String(sizeBytes).padStart(16, '0'), 0, 'latin1');
  await mark.datasync();
}

/** Writes every byte: a device that is nearly full may take only a part and report the fault at the next attempt. */
async function writeAt(handle: FileHandle, chunks: readonly Buffer[], position: number): Promise<void> {
  const { bytesWritten } = await handle.writev([...chunks], position);
  let skip = bytesWritten;
  let at = position + bytesWritten;
  for (const chunk of chunks) {
    let offset = Math.min(skip, chunk.length);
    skip -= offset;
    while (offset < chunk.length) {
      const { bytesWritten: more } = await handle.write(chunk, offset, chunk.length - offset, at);
      offset += more;
      at += more;
    }
  }
}

/** Removes what a crash left behind the count. */
async function cutOff(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | NO_FOLLOW);
  try {
    if ((await handle.stat()).size === sizeBytes) return;
    await handle.truncate(sizeBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sumsOf(path: string, sizeBytes: number): Promise<Sums> {
  const sha1 = createHash('sha1');
  const sha256 = createHash('sha256');
  if (sizeBytes > 0) {
    const chunks = createReadStream(path, { end: sizeBytes - 1, highWaterMark: READ_BYTES });
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      sha1.update(chunk);
      sha256.update(chunk);
    }
  }
  return { sizeBytes, sha1, sha256 };
}

function written(blobId: string, { sizeBytes, sha1, sha256 }: Sums): WrittenBlob {
  return { blobId, sizeBytes, sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}

async function isFile(path: string): Promise<boolean> {
  return (await lstat(path).catch(undefinedWhenMissing))?.isFile() === true;
}
