// Blobs in a folder: written aside, flushed, and moved into place, so that what is visible is whole and durable.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { AppError, guarded } from '../../errors.ts';
import type { Blobs, ByteRange, LocalBlobs, WriteOptions, WrittenBlob } from '../../ports/blobs.ts';
import type { Random } from '../../ports/system.ts';
import { pour } from '../../pour.ts';
import { closedFault, ignoreMissing, undefinedWhenMissing } from './faults.ts';
import { BLOB_ID, NO_FOLLOW, openFolders, Shelves } from './shelves.ts';

const FAN_OUT = /^[0-9a-f]{2}$/;

/** How much of an upload is gathered while the previous part is being written; also the memory that one write may hold twice. */
const WRITE_BYTES = 512 * 1024;
/** A long upload is flushed each time that so much has come, while more comes in: its end then waits for the rest only. */
const FLUSH_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
const PAGE_LENGTH = 1000;

/**
 * Opens blob storage in `folder`, creating it when it is missing. Blobs lie at `objects/ab/cd/<id>`, unfinished ones in
 * `incoming/`, which is in the same file system so that the move is atomic. A source that fails, or that is cut off by the
 * limit or the signal, is unpiped but not destroyed: it belongs to the caller, who may still answer on the same socket.
 * Raises STORE_UNAVAILABLE when the folder cannot be used.
 */
export async function openDiskBlobs(folder: string, system: { readonly random: Random }): Promise<Blobs & LocalBlobs> {
  const root = await openFolders(folder, ['objects', 'incoming']);
  return new DiskBlobs(root, system.random);
}

class DiskBlobs implements Blobs, LocalBlobs {
  readonly #objects: string;
  readonly #incoming: string;
  readonly #random: Random;
  readonly #shelves: Shelves;
  /** Unfinished writes of this process; a sweep must not take them for leavings. */
  readonly #writing = new Map<string, { readonly sink: Writable; readonly done: Promise<unknown> }>();
  #closed = false;

  constructor(root: string, random: Random) {
    this.#objects = join(root, 'objects');
    this.#shelves = new Shelves(this.#objects);
    this.#incoming = join(root, 'incoming');
    this.#random = random;
  }

  async write(source: Readable, options: WriteOptions): Promise<WrittenBlob> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedFault();
    const blobId = options.blobId ?? Buffer.from(this.#random(16)).toString('hex');
    if (!BLOB_ID.test(blobId)) throw new TypeError('no id of a blob');
    const temporary = join(this.#incoming, blobId);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
    const handle = await guarded('begin a blob', () => open(temporary, flags, 0o600));
    const sink = new BlobSink(handle, options.sizeMaxBytes);
    const poured = pour(source, sink, options.signal);
    const done = poured.then(() => this.#shelves.publish(blobId, temporary));
    const ended = done.then(
      () => undefined,
      () => unlink(temporary).catch(ignoreMissing),
    );
    this.#writing.set(blobId, { sink, done: ended });
    if (this.#closed) sink.destroy(closedFault());
    try {
      await done;
      return { blobId, ...sink.measured() };
    } finally {
      await ended;
      this.#writing.delete(blobId);
    }
  }

  async find(blobId: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const path = await this.#locate(blobId);
    if (path === undefined) return undefined;
    const found = await guarded('look for a blob', () => lstat(path).catch(undefinedWhenMissing));
    return found?.isFile() ? { sizeBytes: found.size } : undefined;
  }

  async read(blobId: string, range?: ByteRange): Promise<Readable> {
    const path = await this.#locate(blobId);
    if (path === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
    return await guarded('open a blob', async () => {
      const handle = await open(path, constants.O_RDONLY | NO_FOLLOW).catch(undefinedWhenMissing);
      if (handle === undefined) throw new AppError('FILE_NOT_FOUND', 'no such blob');
      const found = await handle.stat().catch(() => undefined);
      if (!found?.isFile()) {
        await handle.close();
        throw new AppError('FILE_NOT_FOUND', 'not a blob');
      }
      const end = Math.min(range === undefined ? found.size : range.end + 1, found.size);
      return readSpan(handle, range?.start ?? 0, end);
    });
  }

  pathOf(blobId: string): Promise<string | undefined> {
    return this.#locate(blobId);
  }

  async remove(blobIds: readonly string[]): Promise<void> {
    // Not flushed: a removal that a crash undoes leaves an orphan, which the next sweep finds again.
    for (const blobId of blobIds) {
      const path = await this.#locate(blobId);
      if (path === undefined) continue;
      await guarded('remove a blob', () => unlink(path).catch(ignoreMissing));
    }
  }

  async list(
    beforeMs: number,
    cursor = '',
  ): Promise<{ readonly blobIds: readonly string[]; readonly cursor: string | undefined }> {
    return await guarded('list blobs', async () => {
      const blobIds: string[] = [];
      for (const first of await names(this.#objects, FAN_OUT, 'folder')) {
        if (first < cursor.slice(0, 2)) continue;
        for (const second of await names(join(this.#objects, first), FAN_OUT, 'folder')) {
          if (first + second < cursor.slice(0, 4)) continue;
          const folder = join(this.#objects, first, second);
          for (const blobId of await names(folder, BLOB_ID, 'file')) {
            if (blobId <= cursor) continue;
            const found = await lstat(join(folder, blobId)).catch(undefinedWhenMissing);
            if (found === undefined || found.mtimeMs >= beforeMs) continue;
            blobIds.push(blobId);
            if (blobIds.length === PAGE_LENGTH) return { blobIds, cursor: blobId };
          }
        }
      }
      return { blobIds, cursor: undefined };
    });
  }

  async sweep(beforeMs: number): Promise<number> {
    return await guarded('sweep unfinished blobs', async () => {
      let removed = 0;
      for (const name of await readdir(this.#incoming)) {
        if (this.#writing.has(name)) continue;
        const path = join(this.#incoming, name);
        const found = await lstat(path).catch(undefinedWhenMissing);
        if (found === undefined || found.isDirectory() || found.mtimeMs >= beforeMs) continue;
        await unlink(path).catch(ignoreMissing);
        removed += 1;
      }
      return removed;
    });
  }

  async check(): Promise<void> {
    if (this.#closed) throw closedFault();
    const path = join(this.#incoming, `check-${Buffer.from(this.#random(16)).toString('hex')}`);
    await guarded('write to the blob folder', async () => {
      await stat(this.#objects);
      const handle = await open(path, 'wx', 0o600);
      try {
        await handle.write('latchkey');
      } finally {
        await handle.close();
        await unlink(path);
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const writing = [...this.#writing.values()];
    for (const { sink } of writing) sink.destroy(closedFault());
    await Promise.all(writing.map(({ done }) => done));
  }

  /** The path of a blob, or undefined when there is none or a symbolic link planted in the tree leads away from it. */
  async #locate(blobId: string): Promise<string | undefined> {
    if (this.#closed) throw closedFault();
    if (!BLOB_ID.test(blobId)) return undefined;
    const path = this.#shelves.pathOf(blobId);
    return await guarded('look for a blob', async () => {
      const real = await realpath(path).catch(undefinedWhenMissing);
      // A volume that is not mounted must not look like a store without files.
      if (real === undefined) await stat(this.#objects);
      return real === path ? path : undefined;
    });
  }
}

/** Counts, hashes and writes what flows in; ends flushed to the device. */
class BlobSink extends Writable {
  readonly #handle: FileHandle;
  readonly #sizeMaxBytes: number;
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');
  #sizeBytes = 0;
  #flushedBytes = 0;
  #flushing: Promise<void> | undefined;

  constructor(handle: FileHandle, sizeMaxBytes: number) {
    super({ highWaterMark: WRITE_BYTES });
    this.#handle = handle;
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** What flowed; to be asked once, after the end. */
  measured(): { sizeBytes: number; sha1: string; sha256: string } {
    return { sizeBytes: this.#sizeBytes, sha1: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex') };
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#append([chunk]).then(() => callback(), callback);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, callback: (error?: Error | null) => void): void {
    this.#append(chunks.map(({ chunk }) => chunk)).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    guarded('flush a blob', async () => {
      // A device tells of a fault once: what an earlier flush was told counts.
      await this.#flushing;
      await this.#handle.sync();
    }).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    guarded('close a blob', () => this.#handle.close()).then(
      () => callback(error),
      (fault) => callback(error ?? fault),
    );
  }

  async #append(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#sizeMaxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', 'the content is longer than the limit', { limit: this.#sizeMaxBytes });
    }
    // The device works in another thread while this one hashes.
    const written = guarded('write a blob', () => writeAll(this.#handle, chunks));
    for (const chunk of chunks) {
      this.#sha1.update(chunk);
      this.#sha256.update(chunk);
    }
    await written;
    if (this.#sizeBytes - this.#flushedBytes >= FLUSH_BYTES) this.#flushEarly();
  }

  /** Begins a flush of what has come, one after the other. */
  #flushEarly(): void {
    this.#flushedBytes = this.#sizeBytes;
    this.#flushing = (this.#flushing ?? Promise.resolve()).then(() => this.#handle.datasync());
    // It is raised at the end; until then nobody waits for it.
    this.#flushing.catch(() => undefined);
  }
}

/** Writes every byte: a device that is nearly full may take only a part and report the fault at the next attempt. */
async function writeAll(handle: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await handle.writev([...chunks]);
  let skip = bytesWritten;
  for (const chunk of chunks) {
    let offset = Math.min(skip, chunk.length);
    skip -= offset;
    while (offset < chunk.length) {
      offset += (await handle.write(chunk, offset, chunk.length - offset)).bytesWritten;
    }
  }
}

/** A stream of the bytes from `start` up to but not including `end`; closes the handle when it ends or is destroyed. */
function readSpan(handle: FileHandle, start: number, end: number): Readable {
  let position = start;
  return new Readable({
    highWaterMark: READ_BYTES,
    read() {
      const length = Math.min(READ_BYTES, end - position);
      if (length <= 0) {
        this.push(null);
        return;
      }
      guarded('read a blob', async () => {
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, position);
        if (bytesRead === 0) throw new Error('the blob is shorter than it was');
        return buffer.subarray(0, bytesRead);
      }).then(
        (bytes) => {
          position += bytes.length;
          this.push(bytes);
        },
        (fault) => this.destroy(fault),
      );
    },
    destroy(error, callback) {
      handle.close().then(
        () => callback(error),
        (fault) => callback(error ?? fault),
      );
    },
  });
}

/** Names of one kind in a directory, sorted; symbolic links are neither files nor folders here. */
async function names(folder: string, form: RegExp, kind: 'file' | 'folder'): Promise<readonly string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(undefinedWhenMissing)) ?? [];
  return entries
    .filter((entry) => form.test(entry.name) && (kind === 'file' ? entry.isFile() : entry.isDirectory()))
    .map((entry) => entry.name)
    .sort();
}
