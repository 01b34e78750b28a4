// What every store of shares must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { ShareRecord, Shares } from '../src/ports/shares.ts';
import type { ContractCase } from './case.ts';

/** A store of shares. After `close` it is unavailable. */
export interface ShareStore {
  readonly shares: Shares;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const SHARE: ShareRecord = {
  puid: 'AAAAAAAAAAAAAAAAAAAAAA',
  container: 'demo',
  owner: 'template:x:ann',
  lent: {
    id: 'share:AAAAAAAAAAAAAAAAAAAAAA',
    source: { kind: 'template', id: 'x' },
    narrowings: [{ listing: { dir_scope: ['/ä'] } }],
    subject: 'ann',
  },
  document: {
    title: 'For “you” 🌍',
    description: 'two\nlines',
    startsAtMs: NOW,
    expiresAtMs: null,
    startsAtZone: 'Europe/Paris',
    expiresAtZone: null,
    fileIds: ['a', 'ä'],
    folderIds: ['b'],
    passwordHash: '$argon2id$v=19$hash',
  },
  createdAtMs: NOW,
  updatedAtMs: NOW,
};
/** Another share of the same maker, made `afterMs` later. */
const another = (puid: string, afterMs: number): ShareRecord => ({ ...SHARE, puid, createdAtMs: NOW + afterMs });
const puids = (items: readonly ShareRecord[]) => items.map(({ puid }) => puid);

/** The cases of Shares. */
export const sharesContract: readonly ContractCase<ShareStore>[] = [
  {
    name: 'finds a share as it was made, on every node, in its own container only',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.shares.createShare(SHARE);
      assert.deepEqual(await other.shares.findShare('demo', SHARE.puid), SHARE);
      assert.equal(await other.shares.findShare('elsewhere', SHARE.puid), undefined);
      assert.equal(await other.shares.findShare('demo', SHARE.puid.toLowerCase()), undefined);
    },
  },
  {
    name: 'keeps an absent subject absent, and rights of an admin as they are',
    run: async (open) => {
      const { shares } = await open();
      const lent = { id: 'share:b', source: { kind: 'admin' }, narrowings: [], subject: undefined } as const;
      await shares.createShare({ ...SHARE, puid: 'b', lent });
      assert.deepEqual((await shares.findShare('demo', 'b'))?.lent, lent);
    },
  },
  {
    name: 'refuses a second share with the id of another and keeps the first',
    run: async (open) => {
      const { shares } = await open();
      await shares.createShare(SHARE);
      await assert.rejects(shares.createShare({ ...SHARE, owner: 'somebody else' }));
      assert.deepEqual(await shares.findShare('demo', SHARE.puid), SHARE);
    },
  },
  {
    name: 'lists the newest first, page by page, with the total of all pages',
    run: async (open) => {
      const { shares } = await open();
      for (const [puid, afterMs] of [
        ['m', 1],
        ['z', 2],
        ['a', 2],
        ['k', 0],
      ] as const) {
        await shares.createShare(another(puid, afterMs));
      }
      await shares.createShare({ ...another('foreign', 9), container: 'elsewhere' });
      const page = (offset: number, limit: number) => shares.listShares('demo', { owner: undefined, offset, limit });
      const [first, second, beyond] = [await page(0, 3), await page(3, 3), await page(4, 3)];
      assert.deepEqual([puids(first.items), first.total], [['a', 'z', 'm'], 4]);
      assert.deepEqual([puids(second.items), second.total], [['k'], 4]);
      assert.deepEqual([puids(beyond.items), beyond.total], [[], 4]);
    },
  },
  {
    name: 'lists those of one owner when asked for them',
    run: async (open) => {
      const { shares } = await open();
      await shares.createShare(SHARE);
      await shares.createShare({ ...another('b', 1), owner: 'template:x:bob' });
      const of = (owner: string) => shares.listShares('demo', { owner, offset: 0, limit: 10 });
      const [ann, nobody] = [await of(SHARE.owner), await of('template:x:')];
      assert.deepEqual([puids(ann.items), ann.total], [[SHARE.puid], 1]);
      assert.deepEqual([puids(nobody.items), nobody.total], [[], 0]);
    },
  },
  {
    name: 'changes the document and the time of one share, and nothing else',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.shares.createShare(SHARE);
      await one.shares.createShare(another('b', 1));
      const document = { ...SHARE.document, title: '', fileIds: [], passwordHash: null };
      assert.equal(await one.shares.updateShare('elsewhere', SHARE.puid, document, NOW + 5), false);
      assert.equal(await one.shares.updateShare('demo', 'unknown', document, NOW + 5), false);
      assert.equal(await one.shares.updateShare('demo', SHARE.puid, document, NOW + 5), true);
      const changed = { ...SHARE, document, updatedAtMs: NOW + 5 };
      assert.deepEqual(await other.shares.findShare('demo', SHARE.puid), changed);
      assert.deepEqual(await other.shares.findShare('demo', 'b'), another('b', 1));
    },
  },
  {
    name: 'ends a share at once on every node, of its own container only, and says whether it was there',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.shares.createShare(SHARE);
      assert.equal(await other.shares.deleteShare('elsewhere', SHARE.puid), false);
      assert.deepEqual(await one.shares.findShare('demo', SHARE.puid), SHARE);
      assert.equal(await other.shares.deleteShare('demo', SHARE.puid), true);
      assert.equal(await one.shares.findShare('demo', SHARE.puid), undefined);
      assert.equal(await other.shares.deleteShare('demo', SHARE.puid), false);
      assert.equal(await one.shares.updateShare('demo', SHARE.puid, SHARE.document, NOW), false);
    },
  },
  {
    name: 'says that it is unavailable after its end',
    run: async (open) => {
      const store = await open();
      await store.close();
      await assert.rejects(store.shares.findShare('demo', SHARE.puid), { code: 'STORE_UNAVAILABLE' });
      await assert.rejects(store.shares.createShare(SHARE), { code: 'STORE_UNAVAILABLE' });
    },
  },
];
