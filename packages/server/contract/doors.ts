// What every store of doors for outsiders must keep, as runnable cases; what else a document holds is of no concern to it.
import assert from 'node:assert/strict';
import type { DoorDocument, DoorRecord, Doors } from '../src/ports/doors.ts';
import type { ContractCase } from './case.ts';

/** A store of doors of one kind. After `close` it is unavailable. */
export interface DoorStore {
  readonly doors: Doors<DoorDocument>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const DOOR: DoorRecord = {
  puid: 'AAAAAAAAAAAAAAAAAAAAAA',
  container: 'demo',
  owner: 'template:x:ann',
  lent: {
    id: 'door:AAAAAAAAAAAAAAAAAAAAAA',
    source: { kind: 'template', id: 'x' },
    narrowings: [{ listing: { dir_scope: ['/ä'] } }],
    subject: 'ann',
    keyId: 'k1',
  },
  document: {
    title: 'For “you” 🌍',
    startsAtMs: NOW,
    expiresAtMs: null,
    startsAtZone: 'Europe/Paris',
    expiresAtZone: null,
    passwordHash: '$argon2id$v=19$hash',
  },
  createdAtMs: NOW,
  updatedAtMs: NOW,
};
/** Another door of the same maker, made `afterMs` later. */
const another = (puid: string, afterMs: number): DoorRecord => ({ ...DOOR, puid, createdAtMs: NOW + afterMs });
const puids = (items: readonly DoorRecord[]) => items.map(({ puid }) => puid);

/** The cases of Doors. */
export const doorsContract: readonly ContractCase<DoorStore>[] = [
  {
    name: 'finds a door as it was made, on every node, in its own container only',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.doors.createDoor(DOOR);
      assert.deepEqual(await other.doors.findDoor('demo', DOOR.puid), DOOR);
      assert.equal(await other.doors.findDoor('elsewhere', DOOR.puid), undefined);
      assert.equal(await other.doors.findDoor('demo', DOOR.puid.toLowerCase()), undefined);
    },
  },
  {
    name: 'keeps absent subjects and keys absent, and rights of an admin as they are',
    run: async (open) => {
      const { doors } = await open();
      const lent = {
        id: 'door:b',
        source: { kind: 'admin' },
        narrowings: [],
        subject: undefined,
        keyId: undefined,
      } as const;
      await doors.createDoor({ ...DOOR, puid: 'b', lent });
      assert.deepEqual((await doors.findDoor('demo', 'b'))?.lent, lent);
    },
  },
  {
    name: 'refuses a second door with the id of another and keeps the first',
    run: async (open) => {
      const { doors } = await open();
      await doors.createDoor(DOOR);
      await assert.rejects(doors.createDoor({ ...DOOR, owner: 'somebody else' }));
      assert.deepEqual(await doors.findDoor('demo', DOOR.puid), DOOR);
    },
  },
  {
    name: 'lists the newest first, page by page, with the total of all pages',
    run: async (open) => {
      const { doors } = await open();
      for (const [puid, afterMs] of [
        ['m', 1],
        ['z', 2],
        ['a', 2],
        ['k', 0],
      ] as const) {
        await doors.createDoor(another(puid, afterMs));
      }
      await doors.createDoor({ ...another('foreign', 9), container: 'elsewhere' });
      const page = (offset: number, limit: number) => doors.listDoors('demo', { owner: undefined, offset, limit });
      const [first, second, beyond] = [await page(0, 3), await page(3, 3), await page(4, 3)];
      assert.deepEqual([puids(first.items), first.total], [['a', 'z', 'm'], 4]);
      assert.deepEqual([puids(second.items), second.total], [['k'], 4]);
      assert.deepEqual([puids(beyond.items), beyond.total], [[], 4]);
    },
  },
  {
    name: 'lists those of one owner when asked for them',
    run: async (open) => {
      const { doors } = await open();
      await doors.createDoor(DOOR);
      await doors.createDoor({ ...another('b', 1), owner: 'template:x:bob' });
      const of = (owner: string) => doors.listDoors('demo', { owner, offset: 0, limit: 10 });
      const [ann, nobody] = [await of(DOOR.owner), await of('template:x:')];
      assert.deepEqual([puids(ann.items), ann.total], [[DOOR.puid], 1]);
      assert.deepEqual([puids(nobody.items), nobody.total], [[], 0]);
    },
  },
  {
    name: 'changes the document and the time of one door, and nothing else',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.doors.createDoor(DOOR);
      await one.doors.createDoor(another('b', 1));
      const document = { ...DOOR.document, title: '', passwordHash: null };
      assert.equal(await one.doors.updateDoor('elsewhere', DOOR.puid, document, NOW + 5), false);
      assert.equal(await one.doors.updateDoor('demo', 'unknown', document, NOW + 5), false);
      assert.equal(await one.doors.updateDoor('demo', DOOR.puid, document, NOW + 5), true);
      const changed = { ...DOOR, document, updatedAtMs: NOW + 5 };
      assert.deepEqual(await other.doors.findDoor('demo', DOOR.puid), changed);
      assert.deepEqual(await other.doors.findDoor('demo', 'b'), another('b', 1));
    },
  },
  {
    name: 'ends a door at once on every node, of its own container only, and says whether it was there',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.doors.createDoor(DOOR);
      assert.equal(await other.doors.deleteDoor('elsewhere', DOOR.puid), false);
      assert.deepEqual(await one.doors.findDoor('demo', DOOR.puid), DOOR);
      assert.equal(await other.doors.deleteDoor('demo', DOOR.puid), true);
      assert.equal(await one.doors.findDoor('demo', DOOR.puid), undefined);
      assert.equal(await other.doors.deleteDoor('demo', DOOR.puid), false);
      assert.equal(await one.doors.updateDoor('demo', DOOR.puid, DOOR.document, NOW), false);
    },
  },
  {
    name: 'ends every door of one access key, in its own container only, and says how many',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      const lentBy = (puid: string, keyId: string | undefined): DoorRecord => ({
        ...another(puid, 1),
        lent: { ...DOOR.lent, keyId },
      });
      await one.doors.createDoor(DOOR);
      await one.doors.createDoor(lentBy('a', 'k1'));
      await one.doors.createDoor(lentBy('b', 'K1'));
      await one.doors.createDoor(lentBy('c', undefined));
      assert.equal(await one.doors.deleteDoorsOf('elsewhere', 'k1'), 0);
      assert.equal(await one.doors.deleteDoorsOf('demo', 'k1'), 2);
      assert.equal(await one.doors.deleteDoorsOf('demo', 'k1'), 0);
      const left = await other.doors.listDoors('demo', { owner: undefined, offset: 0, limit: 10 });
      assert.deepEqual([puids(left.items), left.total], [['b', 'c'], 2]);
    },
  },
  {
    name: 'says that it is unavailable after its end',
    run: async (open) => {
      const store = await open();
      await store.close();
      await assert.rejects(store.doors.findDoor('demo', DOOR.puid), { code: 'STORE_UNAVAILABLE' });
      await assert.rejects(store.doors.createDoor(DOOR), { code: 'STORE_UNAVAILABLE' });
    },
  },
];
