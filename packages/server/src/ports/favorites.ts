// Which files people keep at hand, each for themselves.
import type { At, FileRecord, ScopeLayers } from './metadata.ts';

/**
 * Favourites of people: marks that one person puts on files, in all their versions. A mark goes with its file, and its
 * person alone sees it. Each method is one transaction, durable when it resolves. Raises STORE_UNAVAILABLE, and what is
 * named.
 */
export interface Favorites {
  /** Marks all of the files or none; what is marked already stays as it was. Answers the files. Raises FILE_NOT_FOUND when
   *  one is no longer where `At` says, FAVORITES_EXHAUSTED when the person would have more than `max`. */
  addFavorites(
    container: string,
    personId: string,
    files: readonly At[],
    max: number,
    nowMs: number,
  ): Promise<readonly FileRecord[]>;
  /** Takes the person's marks off the files; a file without one stays so. */
  removeFavorites(container: string, personId: string, fileIds: readonly string[]): Promise<void>;
  /** The person's favourites in folders covered by every layer, the latest mark first, with their number before paging. */
  listFavorites(
    container: string,
    personId: string,
    within: ScopeLayers,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly files: readonly FileRecord[]; readonly total: number }>;
  /** Ids of all the person's favourites. */
  findFavorites(container: string, personId: string): Promise<ReadonlySet<string>>;
}
