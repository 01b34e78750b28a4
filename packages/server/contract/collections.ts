// What every store of collections and pins must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { CollectionRecord, Collections, PinRecord, Pins } from '../src/ports/collections.ts';
import type { Templates } from '../src/ports/templates.ts';
import type { ContractCase } from './case.ts';
import { isCode } from './places.ts';

/** A store with the port that makes its containers. After `close` it is unavailable. */
export interface CollectionStore {
  readonly collections: Collections;
  readonly pins: Pins;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';

async function opened(open: () => Promise<CollectionStore>): Promise<CollectionStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, NOW);
  return store;
}

const collection = (id: string, title: string): CollectionRecord => ({
  id,
  container: CONTAINER,
  document: {
    title,
    type: 'query',
    visibility: 'shared',
    sharedWith: ['ben'],
    filters: 'mimetype:"image" é',
    groupBy: [{ attribute_sys_key: 'tags' }],
  },
  ownerId: 'ann',
  createdAtMs: NOW,
  updatedAtMs: NOW,
});

const pin = (id: string, personId: string, createdAtMs = NOW): PinRecord => ({
  id,
  container: CONTAINER,
  personId,
  name: id,
  query: '{}',
  createdAtMs,
});

/** The cases of Collections and Pins. */
export const collectionsContract: readonly ContractCase<CollectionStore>[] = [
  {
    name: 'keeps collections by container as they were given and lists them by title, whatever its case',
    run: async (open) => {
      const { collections } = await opened(open);
      const [z, a] = [collection('1', 'Zebra'), collection('2', 'ant')];
      await collections.createCollection(z);
      await collections.createCollection(a);
      assert.deepEqual(await (await open()).collections.listCollections(CONTAINER), [a, z]);
      assert.deepEqual(await collections.listCollections('other'), []);
      assert.deepEqual(await collections.findCollection(CONTAINER, '1'), z);
      assert.equal(await collections.findCollection('other', '1'), undefined);
      const rename = ({ document }: CollectionRecord) => ({ ...document, title: 'aardvark' });
      const changed = await collections.changeCollection(CONTAINER, '1', rename, NOW + 5);
      assert.deepEqual(changed, { ...collection('1', 'aardvark'), updatedAtMs: NOW + 5 });
      assert.deepEqual(await collections.listCollections(CONTAINER), [changed, a]);
      await assert.rejects(collections.changeCollection('other', '1', rename, NOW), isCode('COLLECTION_NOT_FOUND'));
    },
  },
  {
    name: 'loses no change of a collection made at the same time on several nodes',
    run: async (open) => {
      const nodes = [await opened(open), await open(), await open()] as const;
      await nodes[0].collections.createCollection(collection('1', ''));
      const add = ({ document }: CollectionRecord) => ({ ...document, title: `${document.title}x` });
      await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (nodes[n % 3] ?? nodes[0]).collections.changeCollection(CONTAINER, '1', add, NOW),
        ),
      );
      assert.equal((await nodes[0].collections.findCollection(CONTAINER, '1'))?.document.title, 'x'.repeat(12));
    },
  },
  {
    name: 'deletes all collections named or none',
    run: async (open) => {
      const { collections } = await opened(open);
      for (const id of ['1', '2', '3']) await collections.createCollection(collection(id, id));
      const remove = (ids: readonly string[], container = CONTAINER) => collections.deleteCollections(container, ids);
      await assert.rejects(remove(['1', 'nothing']), isCode('COLLECTION_NOT_FOUND'));
      await assert.rejects(remove(['1'], 'other'), isCode('COLLECTION_NOT_FOUND'));
      assert.equal((await collections.listCollections(CONTAINER)).length, 3);
      await remove(['3', '1', '3']);
      assert.deepEqual(await collections.listCollections(CONTAINER), [collection('2', '2')]);
    },
  },
  {
    name: 'keeps the pins of each person apart, the newest first',
    run: async (open) => {
      const { pins } = await opened(open);
      for (const one of [pin('1', 'ann'), pin('2', 'ann', NOW + 1), pin('3', 'ben')]) await pins.createPin(one);
      assert.deepEqual(await pins.listPins(CONTAINER, 'ann'), [pin('2', 'ann', NOW + 1), pin('1', 'ann')]);
      assert.deepEqual(await pins.listPins('other', 'ann'), []);
      await assert.rejects(pins.renamePin(CONTAINER, 'ben', '1', 'x'), isCode('PIN_NOT_FOUND'));
      await assert.rejects(pins.deletePin(CONTAINER, 'ben', '1'), isCode('PIN_NOT_FOUND'));
      await assert.rejects(pins.deletePin('other', 'ann', '1'), isCode('PIN_NOT_FOUND'));
      assert.deepEqual(await pins.renamePin(CONTAINER, 'ann', '1', 'x'), { ...pin('1', 'ann'), name: 'x' });
      await pins.deletePin(CONTAINER, 'ann', '1');
      assert.deepEqual(await pins.listPins(CONTAINER, 'ann'), [pin('2', 'ann', NOW + 1)]);
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await opened(open);
      await store.close();
      await assert.rejects(store.collections.listCollections(CONTAINER), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.pins.createPin(pin('1', 'ann')), isCode('STORE_UNAVAILABLE'));
    },
  },
];
