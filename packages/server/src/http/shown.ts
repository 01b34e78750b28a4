// Files as the caller of a request sees them: the record, and what of it is the caller's own.
import { favoritesOf } from '../operations/favorites.ts';
import { mayRead, type StoredUpload } from '../operations/uploads.ts';
import type { FileRecord, JsonObject } from '../ports/metadata.ts';
import type { Call } from './route.ts';
import { wireFile } from './wire.ts';

/** The file objects, in order. Raises STORE_UNAVAILABLE for a call that only reads: what has been changed is answered as
 *  changed, even when the store cannot say any more which files are the caller's favourites. */
export async function showFiles(call: Call, files: readonly FileRecord[]): Promise<readonly JsonObject[]> {
  if (files.length === 0) return [];
  const favorites = await favoritesOfCaller(call);
  return files.map((file) => wireFile(file, call, { isFavorite: favorites.has(file.id) }));
}

async function favoritesOfCaller({ ports, container, entrant, request }: Call): Promise<ReadonlySet<string>> {
  const { kind, claims, template } = entrant.bearer;
  try {
    return await favoritesOf(ports, container, { bearer: kind, claims, template });
  } catch (error) {
    if (request.method === 'GET') throw error;
    ports.system.log.warn('favorites.unknown', { error: String(error) });
    return new Set();
  }
}

/** The file object. Raises like `showFiles`. */
export async function showFile(call: Call, file: FileRecord): Promise<JsonObject> {
  const [shown] = await showFiles(call, [file]);
  if (shown === undefined) throw new TypeError('Every file is shown.');
  return shown;
}

/** The file objects of what was stored. A caller who may not read a file gets back what it said itself, and of a file that
 *  was there before nothing that others said. Raises like `showFiles`. */
export async function showUploads(call: Call, stored: readonly StoredUpload[]): Promise<readonly JsonObject[]> {
  return showFiles(
    call,
    stored.map(({ file, outcome }) =>
      outcome === 'new file' || mayRead(call.entrant.bearer, file.folderPath) ? file : bare(file),
    ),
  );
}

/** The file object of an upload that ended some time ago: others may have described it meanwhile. Raises like `showFiles`. */
export async function showStored(call: Call, file: FileRecord): Promise<JsonObject> {
  return showFile(call, mayRead(call.entrant.bearer, file.folderPath) ? file : bare(file));
}

/** What everybody knows of a file who gave it its content. */
function bare(file: FileRecord): FileRecord {
  return {
    ...file,
    meta: {},
    tags: {},
    labels: [],
    productRef: undefined,
    productPosition: undefined,
    approval: undefined,
    createdAtMs: file.modifiedAtMs,
  };
}
