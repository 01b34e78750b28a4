// Favourites: files that people keep at hand, each for themselves.
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';
import { at } from './files.ts';
import { personOf } from './people.ts';

/** Bounds of favourites. */
export const FAVORITES = { perPersonMax: 1000 } as const;

type Needs = Pick<Ports, 'favorites' | 'system'>;

/** The caller's favourites within the listing scope, the latest first; what lies outside is neither shown nor counted. */
export async function listFavorites(
  ports: Needs,
  grant: Grant<'favorite.list'>,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly files: readonly FileRecord[]; readonly total: number }> {
  return ports.favorites.listFavorites(grant.container, personOf(grant).id, grant.layers('listing'), page);
}

/** Makes files favourites of the caller, all or none. Raises FILE_NOT_FOUND, FAVORITES_EXHAUSTED. */
export async function addFavorites(
  ports: Needs,
  grant: Grant<'favorite.change'>,
  files: readonly FileRecord[],
): Promise<readonly FileRecord[]> {
  const { favorites, system } = ports;
  return favorites.addFavorites(
    grant.container,
    personOf(grant).id,
    files.map(at),
    FAVORITES.perPersonMax,
    system.now(),
  );
}

/** Takes files off the caller's favourites; one that is none stays so. */
export async function removeFavorites(
  ports: Needs,
  grant: Grant<'favorite.change'>,
  files: readonly FileRecord[],
): Promise<void> {
  const ids = files.map(({ id }) => id);
  await ports.favorites.removeFavorites(grant.container, personOf(grant).id, ids);
}

/** Ids of the files that whoever asks has as favourites. */
export async function favoritesOf(
  ports: Pick<Ports, 'favorites'>,
  container: string,
  caller: Pick<Grant, 'bearer' | 'claims' | 'template'>,
): Promise<ReadonlySet<string>> {
  return ports.favorites.findFavorites(container, personOf(caller).id);
}
