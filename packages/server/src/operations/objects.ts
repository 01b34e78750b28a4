// Moving and deleting files and folders together, all or nothing.
import type { CanonicalPath } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderRecord, Visibility } from '../ports/metadata.ts';
import { at, versionAt } from './files.ts';
import { folderAt } from './folders.ts';
import { authorOf } from './people.ts';

/** Files and folders picked for one change. */
export interface Picked {
  readonly files: readonly FileRecord[];
  readonly folders: readonly FolderRecord[];
  /** Older versions that are meant by themselves. */
  readonly versions?: readonly FileRecord[];
}

/**
 * Moves everything into one folder in one transaction; every descendant of a moved folder must be in scope at both
 * ends. Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND, ALREADY_EXISTS, SCOPE_DENIED, REQUEST_INVALID.
 */
export async function moveObjects(
  ports: Pick<Ports, 'metadata' | 'system'>,
  grant: Grant<'file.move' | 'folder.move'>,
  picked: Picked,
  destination: CanonicalPath,
  createDestination: boolean,
): Promise<{
  readonly files: readonly FileRecord[];
  readonly folders: readonly FolderRecord[];
  readonly destination: FolderRecord;
}> {
  return ports.metadata.moveObjects(
    grant.container,
    { files: picked.files.map(at), folders: picked.folders.map(folderAt) },
    destination,
    { within: (path) => grant.within('listing', path), createDestination },
    authorOf(ports, grant),
  );
}

/**
 * Deletes everything in one transaction, records first: bytes that nothing points to are removed afterwards, and what a
 * crash leaves of them is for the sweep. Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND, SCOPE_DENIED, REQUEST_INVALID.
 */
export async function deleteObjects(
  ports: Pick<Ports, 'metadata' | 'blobs' | 'system'>,
  grant: Grant<'file.delete' | 'folder.delete'>,
  picked: Picked,
): Promise<void> {
  const { versions = [] } = picked;
  const { blobIds } = await ports.metadata.deleteObjects(
    grant.container,
    { files: picked.files.map(at), folders: picked.folders.map(folderAt) },
    {
      within: (path) => grant.within('listing', path),
      ...(versions.length === 0 ? {} : { versions: { of: versions.map(versionAt), author: authorOf(ports, grant) } }),
    },
  );
  grant.keep();
  try {
    await ports.blobs.remove(blobIds);
  } catch (error) {
    // The files are gone for everybody; the sweep will find these bytes.
    ports.system.log.warn('blobs.left', { count: blobIds.length, error: String(error) });
  }
}

/** Chooses who may read files and whole folders without a key, all in one transaction. Raises FILE_NOT_FOUND, FOLDER_NOT_FOUND. */
export async function setVisibility(
  ports: Pick<Ports, 'metadata' | 'system'>,
  grant: Grant<'file.setVisibility' | 'folder.setVisibility'>,
  picked: Picked,
  visibility: Visibility,
): Promise<{ readonly files: readonly FileRecord[]; readonly folders: readonly FolderRecord[] }> {
  return ports.metadata.setVisibility(
    grant.container,
    { files: picked.files.map(at), folders: picked.folders.map(folderAt) },
    visibility,
    authorOf(ports, grant),
  );
}
