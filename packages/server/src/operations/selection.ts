// From files and folders that were picked to the files they come to: each once, in a steady order, within bounds.
import type { CanonicalPath } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderRecord, ScopeLayers } from '../ports/metadata.ts';
import { EVERY_FILE } from '../ports/search.ts';
import type { Picked } from './objects.ts';

/** How far a selection may go. */
export interface SelectionBounds {
  /** Whether the files of folders below the picked ones count too. */
  readonly recursive: boolean;
  readonly filesMax: number;
  /** Files of a folder that are looked at; what comes after them in the order of their age is left out. */
  readonly limit?: number;
}

/** One statement brings so many records; no more are held at once than what is kept of them. */
const PAGE = 500;

/**
 * Walks every selected file that the scopes cover, picked files first, then folder by folder. `take` keeps what it needs of
 * each; `folder` is the outermost picked folder that the file lies in. Raises REQUEST_INVALID when there are more files than
 * the bound.
 */
export async function eachSelected(
  ports: Pick<Ports, 'metadata'>,
  container: string,
  within: ScopeLayers,
  picked: Picked,
  bounds: SelectionBounds,
  take: (file: FileRecord, folder: FolderRecord | undefined) => void,
): Promise<void> {
  const seen = new Set<string>();
  const visit = (file: FileRecord, folder: FolderRecord | undefined) => {
    if (seen.has(file.id)) return;
    seen.add(file.id);
    if (seen.size > bounds.filesMax) throw tooManyFiles(bounds.filesMax);
    if (bounds.limit === undefined || seen.size <= bounds.limit) take(file, folder);
  };
  for (const file of picked.files) visit(file, undefined);
  const limit = bounds.limit ?? Number.POSITIVE_INFINITY;
  for (const folder of bounds.recursive ? outermost(picked.folders) : picked.folders) {
    const query = {
      container,
      folderPath: folder.path,
      recursive: bounds.recursive,
      within,
      where: EVERY_FILE,
    };
    for (let offset = 0; seen.size < limit; offset += PAGE) {
      // The oldest first: what is added meanwhile comes last and moves nothing from one page to another.
      const page = await ports.metadata.listFiles(query, {
        sort: 'created_at',
        descending: false,
        offset,
        limit: PAGE,
      });
      for (const file of page) visit(file, folder);
      if (page.length < PAGE) break;
    }
  }
}

/** The refusal of a selection with too many files. */
export function tooManyFiles(filesMax: number): AppError {
  const message = `No more than ${filesMax} files can be taken at once.`;
  return new AppError('REQUEST_INVALID', 'selection', {
    faults: [{ field: 'folders_uuids', code: 'TOO_MANY', message }],
    limit: filesMax,
  });
}

/** The folders that lie in no other one of the list. */
export function outermost(folders: readonly FolderRecord[]): readonly FolderRecord[] {
  return folders.filter(({ path }) => !folders.some((other) => lieBelow(path, other.path)));
}

function lieBelow(path: CanonicalPath, ancestor: CanonicalPath): boolean {
  return path !== ancestor && path.startsWith(ancestor === '/' ? '/' : `${ancestor}/`);
}
