// What every store of access to folders must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { AccessEntry, Accesses } from '../src/ports/access.ts';
import type { FolderRecord, Metadata } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { isCode, path } from './places.ts';

/** A store with the ports that make its containers and folders. After `close` it is unavailable. */
export interface AccessStore {
  readonly accesses: Accesses;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const MAX = 100;
const ANYWHERE = () => true;

const entry = (personId: string, role: AccessEntry['role']): AccessEntry => ({
  id: `entry of ${personId}`,
  personId,
  role,
  addedAtMs: NOW,
  addedBy: 'admin',
});

async function folder({ metadata, templates }: AccessStore, at: string): Promise<FolderRecord> {
  await templates.ensureContainer(CONTAINER, NOW);
  return metadata.createFolder(CONTAINER, path(at), NOW);
}

const atOf = ({ id, path: folderPath }: FolderRecord) => ({ id, folderPath });

function say(
  { accesses }: AccessStore,
  place: FolderRecord,
  entries: readonly AccessEntry[],
  others?: AccessEntry['role'],
  max = MAX,
) {
  return accesses.changeAccess(CONTAINER, atOf(place), max, () => ({ others, entries }));
}

/** The cases of Accesses. */
export const accessContract: readonly ContractCase<AccessStore>[] = [
  {
    name: 'keeps what is said of each folder, and answers all of it by path',
    run: async (open) => {
      const store = await open();
      const [b, a] = [await folder(store, '/b'), await folder(store, '/a')];
      assert.deepEqual(await store.accesses.listAccess(CONTAINER), []);
      await say(store, b, [entry('ann', 2), entry('béa', 0)]);
      const said = await say(store, a, [], 0);
      assert.deepEqual(said, { folderId: a.id, folderPath: '/a', others: 0, entries: [] });
      assert.deepEqual(await store.accesses.listAccess(CONTAINER), [
        said,
        { folderId: b.id, folderPath: '/b', others: undefined, entries: [entry('ann', 2), entry('béa', 0)] },
      ]);
      await store.templates.ensureContainer('other', NOW);
      assert.deepEqual(await store.accesses.listAccess('other'), []);
    },
  },
  {
    name: 'changes what is said by what was said, one after the other, and keeps nothing that says nothing',
    run: async (open) => {
      const store = await open();
      const place = await folder(store, '/a');
      const add = (name: string) =>
        store.accesses.changeAccess(CONTAINER, atOf(place), MAX, ({ others, entries }) => ({
          others,
          entries: [...entries, entry(name, 1)],
        }));
      const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
      await Promise.all(names.map(add));
      const [said] = await store.accesses.listAccess(CONTAINER);
      assert.deepEqual(said?.entries.map(({ personId }) => personId).sort(), names);
      await say(store, place, []);
      assert.deepEqual(await store.accesses.listAccess(CONTAINER), []);
    },
  },
  {
    name: 'leaves everything as it was when the change throws',
    run: async (open) => {
      const store = await open();
      const place = await folder(store, '/a');
      await say(store, place, [entry('ann', 2)]);
      const change = () => {
        throw new TypeError('thought better of it');
      };
      await assert.rejects(store.accesses.changeAccess(CONTAINER, atOf(place), MAX, change), TypeError);
      assert.deepEqual((await store.accesses.listAccess(CONTAINER))[0]?.entries, [entry('ann', 2)]);
    },
  },
  {
    name: 'refuses a folder that is not where it was, and one folder more than the bound',
    run: async (open) => {
      const store = await open();
      const [a, b] = [await folder(store, '/a'), await folder(store, '/b')];
      const elsewhere = { id: a.id, folderPath: path('/c') };
      const change = () => ({ others: undefined, entries: [entry('ann', 2)] });
      await assert.rejects(store.accesses.changeAccess(CONTAINER, elsewhere, MAX, change), isCode('FOLDER_NOT_FOUND'));
      await say(store, a, [entry('ann', 2)], undefined, 1);
      await say(store, a, [entry('ann', 3)], undefined, 1);
      await assert.rejects(say(store, b, [entry('ann', 2)], undefined, 1), isCode('REQUEST_INVALID'));
      assert.equal((await store.accesses.listAccess(CONTAINER)).length, 1);
    },
  },
  {
    name: 'goes where its folder goes, and ends with it',
    run: async (open) => {
      const store = await open();
      const [top, below] = [await folder(store, '/a'), await folder(store, '/a/b')];
      await say(store, below, [entry('ann', 2)]);
      const options = { within: ANYWHERE, createParents: false };
      const moved = await store.metadata.moveFolder(CONTAINER, atOf(top), path('/z'), options, NOW);
      const paths = async () => (await store.accesses.listAccess(CONTAINER)).map(({ folderPath }) => folderPath);
      assert.deepEqual(await paths(), ['/z/b']);
      const target = await folder(store, '/t');
      const objects = { files: [], folders: [atOf(moved)] };
      const placing = { within: ANYWHERE, createDestination: false };
      await store.metadata.moveObjects(CONTAINER, objects, target.path, placing, by(NOW));
      assert.deepEqual(await paths(), ['/t/z/b']);
      const doomed = { files: [], folders: [atOf(target)] };
      await store.metadata.deleteObjects(CONTAINER, doomed, { within: ANYWHERE });
      assert.deepEqual(await paths(), []);
    },
  },
  {
    name: 'is unavailable once it is closed',
    run: async (open) => {
      const store = await open();
      await store.close();
      await assert.rejects(store.accesses.listAccess(CONTAINER), isCode('STORE_UNAVAILABLE'));
    },
  },
];
