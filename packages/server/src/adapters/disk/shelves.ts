// Where finished blobs lie in the blob folder, and how a file becomes one of them.
import { constants } from 'node:fs';
import { mkdir, realpath, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { guarded } from '../../errors.ts';
import { createDirectoryFlush, type DirectoryFlush } from './directory-flush.ts';
import { ignoreExisting, ignoreMissing } from './faults.ts';

/** 128 random bits in lower-case hex: the only text that ever becomes part of a path. */
export const BLOB_ID = /^[0-9a-f]{32}$/;

/** Windows has no such flag; there a symbolic link needs administrator rights to be made. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Makes the folder and the named ones in it, and answers its real path. Raises STORE_UNAVAILABLE, also when one of them is
 *  a symbolic link. */
export function openFolders(folder: string, parts: readonly string[]): Promise<string> {
  return guarded('open the blob folder', async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const real = await realpath(folder);
    for (const part of parts) {
      const path = join(real, part);
      await mkdir(path, { recursive: true, mode: 0o700 });
      if ((await realpath(path)) !== path) throw new Error(`${path} is a symbolic link`);
    }
    return real;
  });
}

/** The finished blobs of one folder, at `ab/cd/<id>`. */
export class Shelves {
  readonly #objects: string;
  readonly #flush: DirectoryFlush = createDirectoryFlush();
  /** Fan-out folders whose own directory entry is known to be on the device. */
  readonly #durable = new Set<string>();

  constructor(objects: string) {
    this.#objects = objects;
  }

  /** Where a blob of this id lies, if there is one. */
  pathOf(blobId: string): string {
    return join(this.#objects, blobId.slice(0, 2), blobId.slice(2, 4), blobId);
  }

  /** Moves a flushed file to its place and makes that place durable; nothing is visible before, everything after. When it
   *  fails, the file is where it was. */
  async publish(blobId: string, temporary: string): Promise<void> {
    const path = this.pathOf(blobId);
    const folder = dirname(path);
    await guarded('publish a blob', async () => {
      await this.#makeFolder(join(this.#objects, blobId.slice(0, 2)), this.#objects);
      await this.#makeFolder(folder, join(this.#objects, blobId.slice(0, 2)));
      if ((await realpath(folder)) !== folder) throw new Error(`${folder} leads elsewhere by a symbolic link`);
      await rename(temporary, path);
      try {
        await this.#flush(folder);
      } catch (cause) {
        await rename(path, temporary).catch(ignoreMissing);
        throw cause;
      }
    });
  }

  async #makeFolder(folder: string, parent: string): Promise<void> {
    if (this.#durable.has(folder)) return;
    await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting);
    await this.#flush(parent);
    this.#durable.add(folder);
  }
}
