// What every store of favourites must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { Favorites } from '../src/ports/favorites.ts';
import type { FileRecord, Metadata } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, layer, path } from './places.ts';

/** A store with the ports that make its containers and files. After `close` it is unavailable. */
export interface FavoriteStore {
  readonly favorites: Favorites;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const PAGE = { offset: 0, limit: 100 };
const MAX = 100;

/** A store with files of these names in the folder. */
async function holding(store: FavoriteStore, folder: string, ...names: readonly string[]) {
  await store.templates.ensureContainer(CONTAINER, NOW);
  const files = names.map((name) => newFile(`${folder}/${name}`));
  return store.metadata.commitFiles(CONTAINER, files, by(NOW));
}

const add = (
  { favorites }: FavoriteStore,
  person: string,
  files: readonly FileRecord[],
  nowMs = NOW,
  max = MAX,
): Promise<readonly FileRecord[]> => favorites.addFavorites(CONTAINER, person, files.map(at), max, nowMs);

async function namesOf({ favorites }: FavoriteStore, person: string, page = PAGE): Promise<readonly string[]> {
  return (await favorites.listFavorites(CONTAINER, person, [], page)).files.map(({ name }) => name);
}

/** The cases of Favorites. */
export const favoritesContract: readonly ContractCase<FavoriteStore>[] = [
  {
    name: 'keeps the favourites of each person apart, the latest first, and pages them',
    run: async (open) => {
      const store = await open();
      const files = await holding(store, '/a', 'x', 'y', 'z');
      const [x, y, z] = files;
      assert.ok(x !== undefined && y !== undefined && z !== undefined);
      const added = await add(store, 'ann', [x], NOW + 2);
      assert.deepEqual(added, [x]);
      await add(store, 'ann', [z], NOW + 3);
      await add(store, 'ann', [y], NOW + 1);
      await add(store, 'ben', [z]);
      assert.deepEqual(await namesOf(await open(), 'ann'), ['z', 'x', 'y']);
      assert.deepEqual(await namesOf(store, 'ann', { offset: 1, limit: 1 }), ['x']);
      const page = await store.favorites.listFavorites(CONTAINER, 'ann', [], { offset: 2, limit: 9 });
      assert.deepEqual([page.files, page.total], [[y], 3]);
      assert.deepEqual(await namesOf(store, 'ben'), ['z']);
      assert.deepEqual(await store.favorites.findFavorites(CONTAINER, 'ann'), new Set(files.map(({ id }) => id)));
      assert.deepEqual(await store.favorites.findFavorites(CONTAINER, 'eve'), new Set());
      assert.deepEqual(await store.favorites.findFavorites('other', 'ann'), new Set());
    },
  },
  {
    name: 'leaves a mark where it is when it is put again, and takes marks off once or twice',
    run: async (open) => {
      const store = await open();
      const [x, y] = await holding(store, '/a', 'x', 'y');
      assert.ok(x !== undefined && y !== undefined);
      await add(store, 'ann', [x], NOW + 1);
      await add(store, 'ann', [y], NOW + 2);
      await add(store, 'ann', [x, y], NOW + 3);
      assert.deepEqual(await namesOf(store, 'ann'), ['y', 'x']);
      await add(store, 'ben', [x]);
      for (const ids of [[x.id], [x.id, 'nothing'], []]) await store.favorites.removeFavorites(CONTAINER, 'ann', ids);
      assert.deepEqual(await namesOf(store, 'ann'), ['y']);
      assert.deepEqual(await namesOf(store, 'ben'), ['x']);
    },
  },
  {
    name: 'shows and counts only what every layer covers',
    run: async (open) => {
      const store = await open();
      const files = [...(await holding(store, '/in', 'x')), ...(await holding(store, '/in/deep', 'y'))];
      await add(store, 'ann', [...files, ...(await holding(store, '/out', 'z'))]);
      const seen = async (...layers: readonly ReturnType<typeof layer>[]) => {
        const found = await store.favorites.listFavorites(CONTAINER, 'ann', layers, PAGE);
        return [found.files.map(({ name }) => name).sort(), found.total];
      };
      assert.deepEqual(await seen(layer('/in/*')), [['x', 'y'], 2]);
      assert.deepEqual(await seen(layer('/in')), [['x'], 1]);
      assert.deepEqual(await seen(layer('/in/*', '/out'), layer('/out')), [['z'], 1]);
      assert.deepEqual(await seen(layer('/none')), [[], 0]);
    },
  },
  {
    name: 'marks all files or none, and only where they are',
    run: async (open) => {
      const store = await open();
      const [x, y, z] = await holding(store, '/a', 'x', 'y', 'z');
      assert.ok(x !== undefined && y !== undefined && z !== undefined);
      await assert.rejects(add(store, 'ann', [x, { ...y, folderPath: path('/b') }]), isCode('FILE_NOT_FOUND'));
      await assert.rejects(add(store, 'ann', [x, y, z], NOW, 2), isCode('FAVORITES_EXHAUSTED'));
      assert.deepEqual(await namesOf(store, 'ann'), []);
      await add(store, 'ann', [x, y], NOW, 2);
      // Again is not more.
      await add(store, 'ann', [y, x], NOW, 2);
      await assert.rejects(add(store, 'ann', [z], NOW, 2), isCode('FAVORITES_EXHAUSTED'));
    },
  },
  {
    name: 'never keeps more than the bound, whichever nodes are asked at the same time',
    run: async (open) => {
      const store = await open();
      const files = await holding(store, '/a', ...Array.from({ length: 12 }, (_, n) => `f${n}`));
      const nodes = [store, await open(), await open()];
      const ends = await Promise.allSettled(files.map((file, n) => add(nodes[n % 3] ?? store, 'ann', [file], NOW, 5)));
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 5);
      assert.equal((await namesOf(store, 'ann')).length, 5);
    },
  },
  {
    name: 'follows files through new versions and moves, and forgets those that are deleted',
    run: async (open) => {
      const store = await open();
      const [x, y] = await holding(store, '/a', 'x', 'y');
      assert.ok(x !== undefined && y !== undefined);
      await add(store, 'ann', [x], NOW + 1);
      await add(store, 'ann', [y], NOW);
      const [next] = await holding(store, '/a', 'x');
      assert.equal(next?.version, 1);
      await store.metadata.renameFile(CONTAINER, at(x), 'renamed', by(NOW));
      assert.deepEqual(await namesOf(store, 'ann'), ['renamed', 'y']);
      const gone = { files: [at(x)], folders: [] };
      await store.metadata.deleteObjects(CONTAINER, gone, { within: () => true });
      assert.deepEqual(await namesOf(store, 'ann'), ['y']);
      assert.deepEqual(await store.favorites.findFavorites(CONTAINER, 'ann'), new Set([y.id]));
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await open();
      const files = await holding(store, '/a', 'x');
      await store.close();
      await assert.rejects(add(store, 'ann', files), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.favorites.findFavorites(CONTAINER, 'ann'), isCode('STORE_UNAVAILABLE'));
    },
  },
];
