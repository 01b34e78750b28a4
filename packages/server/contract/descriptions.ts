// What every store of metadata, tags, products, settings and prepared changes must keep, as runnable cases.
import assert from 'node:assert/strict';
import { AppError } from '../src/errors.ts';
import type { Bulks } from '../src/ports/bulk.ts';
import type { Descriptions } from '../src/ports/descriptions.ts';
import type { FileRecord, JsonObject, Metadata, NewFile, ScopeLayers } from '../src/ports/metadata.ts';
import type { Settings } from '../src/ports/settings.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, layer, path } from './places.ts';

/** A store with the ports that make its containers and files. After `close` it is unavailable. */
export interface DescriptionStore {
  readonly descriptions: Descriptions;
  readonly settings: Settings;
  readonly bulks: Bulks;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const EVERYTHING: ScopeLayers = [];

/** A file with a blob of its own; only what differs is said. */
async function put(
  { metadata }: DescriptionStore,
  folder: string,
  name: string,
  different: Partial<NewFile> = {},
): Promise<FileRecord> {
  const [record] = await metadata.commitFiles(CONTAINER, [newFile(`${folder}/${name}`, different)], by(NOW));
  assert.ok(record !== undefined);
  return record;
}

async function opened(open: () => Promise<DescriptionStore>): Promise<DescriptionStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, NOW);
  return store;
}

const tags = (...labels: readonly string[]): JsonObject => ({
  en: labels.map((label) => ({ sid: `#${label}`, label })),
});
const inUse = async (store: DescriptionStore, within: ScopeLayers, more: { readonly search?: string } = {}) =>
  (await store.descriptions.listTags({ container: CONTAINER, within, limit: 100, ...more })).map(({ label }) => label);

/** The cases of Descriptions, Settings and Bulks. */
export const descriptionsContract: readonly ContractCase<DescriptionStore>[] = [
  {
    name: 'describes files in the order given, each once, and only what the change names',
    run: async (open) => {
      const store = await opened(open);
      const [a, b] = [await put(store, '/a', 'a', { meta: { kept: 1 } }), await put(store, '/b', 'b')];
      const changed = await store.descriptions.describeFiles(
        CONTAINER,
        [at(b), at(a), at(b)],
        ({ name }) => ({ productRef: name, productPosition: 3 }),
        by(NOW + 5),
      );
      const told = changed.map(({ name, productRef, productPosition, modifiedAtMs }) => [
        name,
        productRef,
        productPosition,
        modifiedAtMs,
      ]);
      assert.deepEqual(told, [
        ['b', 'b', 3, NOW + 5],
        ['a', 'a', 3, NOW + 5],
      ]);
      assert.deepEqual((await store.metadata.findFile(CONTAINER, a.id))?.meta, { kept: 1 });
      await store.descriptions.describeFiles(CONTAINER, [at(a)], () => ({ productRef: undefined }), by(NOW));
      assert.equal((await store.metadata.findFile(CONTAINER, a.id))?.productRef, undefined);
    },
  },
  {
    name: 'changes no file when one is elsewhere or the change is refused',
    run: async (open) => {
      const store = await opened(open);
      const [a, b] = [await put(store, '/a', 'a'), await put(store, '/a', 'b')];
      const meta = { changed: true };
      const describe = store.descriptions.describeFiles.bind(store.descriptions);
      const moved = { id: b.id, folderPath: path('/elsewhere') };
      await assert.rejects(
        describe(CONTAINER, [at(a), moved], () => ({ meta }), by(NOW)),
        isCode('FILE_NOT_FOUND'),
      );
      await assert.rejects(
        describe('other', [at(a)], () => ({ meta }), by(NOW)),
        isCode('FILE_NOT_FOUND'),
      );
      const refuse = (file: FileRecord) => {
        if (file.name === 'b') throw new AppError('REQUEST_INVALID', 'refused');
        return { meta };
      };
      await assert.rejects(describe(CONTAINER, [at(a), at(b)], refuse, by(NOW)), isCode('REQUEST_INVALID'));
      assert.deepEqual((await store.metadata.findFile(CONTAINER, a.id))?.meta, {});
    },
  },
  {
    name: 'loses no change of many that are made at the same time on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open(), await open()];
      const file = await put(store, '/a', 'a');
      const folder = await store.metadata.findFolder(CONTAINER, path('/a'));
      assert.ok(folder !== undefined);
      const place = { id: folder.id, folderPath: folder.path };
      const names = Array.from({ length: 12 }, (_, n) => `k${n}`);
      await Promise.all(
        names.map(async (name, n) => {
          const node = nodes[n % nodes.length] ?? store;
          const add = (meta: JsonObject) => ({ ...meta, [name]: n });
          await node.descriptions.describeFiles(CONTAINER, [at(file)], ({ meta }) => ({ meta: add(meta) }), by(NOW));
          await node.descriptions.describeFolder(CONTAINER, place, add, EVERYTHING, NOW);
          await node.settings.changeSettings(CONTAINER, (stored) => add(stored ?? {}), NOW);
        }),
      );
      const everything = Object.fromEntries(names.map((name, n) => [name, n]));
      assert.deepEqual((await store.metadata.findFile(CONTAINER, file.id))?.meta, everything);
      assert.deepEqual((await store.metadata.findFolderById(CONTAINER, folder.id))?.meta, everything);
      const settings = await store.settings.findSettings(CONTAINER);
      assert.deepEqual([settings?.document, settings?.revision], [everything, names.length]);
    },
  },
  {
    name: 'lists the tags of uploads and changes that are in scope, by label, and forgets those of deleted files',
    run: async (open) => {
      const store = await opened(open);
      const seen = await put(store, '/in/deep', 'a', { tags: tags('Zoo', 'ant') });
      await put(store, '/inside', 'b', { tags: tags('hidden', 'ant') });
      const within = [layer('/in/*'), layer('/*')];
      assert.deepEqual(await inUse(store, within), ['ant', 'Zoo']);
      assert.deepEqual(await inUse(store, EVERYTHING), ['ant', 'hidden', 'Zoo']);
      assert.deepEqual(await inUse(store, within, { search: 'ZO' }), ['Zoo']);
      assert.deepEqual(await inUse(store, within, { search: 'zÖÓ' }), ['Zoo']);
      assert.deepEqual(await inUse(store, [layer('/in')]), []);
      await store.descriptions.describeFiles(CONTAINER, [at(seen)], () => ({ tags: tags('new') }), by(NOW));
      assert.deepEqual(await inUse(store, within), ['new']);
      const found = await store.descriptions.listTags({
        container: CONTAINER,
        within,
        sids: ['#new', '#ant'],
        limit: 9,
      });
      assert.deepEqual(found, [{ sid: '#new', lang: 'en', label: 'new' }]);
      await store.metadata.deleteObjects(CONTAINER, { files: [at(seen)], folders: [] }, { within: () => true });
      assert.deepEqual(await inUse(store, within), []);
      assert.deepEqual(await inUse(store, EVERYTHING), ['ant', 'hidden']);
    },
  },
  {
    name: 'lists products and their files by position within the scope',
    run: async (open) => {
      const store = await opened(open);
      const show = (folder: string, name: string, productRef: string, productPosition?: number, mime = 'image/png') =>
        put(store, folder, name, { productRef, productPosition, mime });
      await show('/in', 'last', 'SK_1', undefined);
      await show('/in', 'second', 'SK_1', 20, 'text/plain');
      await show('/in/deep', 'first', 'SK_1', 3);
      await show('/out', 'hidden', 'SK_1', 1);
      await show('/in', 'é', 'SKé', 1);
      await show('/out', 'other', 'T', 1);
      const query = { container: CONTAINER, within: [layer('/in/*')], limit: 100, offset: 0 };
      const names = async (more: object = {}) =>
        (await store.descriptions.listProductFiles({ ...query, ref: 'SK_1', ...more })).map(({ name }) => name);
      assert.deepEqual(await names(), ['first', 'second', 'last']);
      assert.deepEqual(await names({ imagesOnly: true }), ['first', 'last']);
      assert.deepEqual(await names({ limit: 1, offset: 1 }), ['second']);
      assert.deepEqual(await names({ container: 'other' }), []);
      const products = (more: object = {}) => store.descriptions.listProducts({ ...query, ...more });
      assert.deepEqual(await products(), [
        { ref: 'SK_1', files: 3, images: 2 },
        { ref: 'SKé', files: 1, images: 1 },
      ]);
      const refs = async (is: 'begins' | 'contains' | 'equal', text: string) =>
        (await products({ matching: { is, text } })).map(({ ref }) => ref);
      assert.deepEqual(await refs('begins', 'SK_'), ['SK_1']);
      assert.deepEqual(await refs('begins', 'sk'), ['SK_1', 'SKé']);
      assert.deepEqual(await refs('begins', 'K'), []);
      assert.deepEqual(await refs('begins', 't'), []);
      assert.deepEqual(await refs('contains', 'k_'), ['SK_1']);
      assert.deepEqual(await refs('contains', 'KE'), ['SKé']);
      assert.deepEqual(await refs('equal', 'skE'), ['SKé']);
      assert.deepEqual(await refs('equal', 'sk'), []);
      assert.deepEqual((await products({ refs: ['T', 'SKé'] })).length, 1);
      assert.deepEqual((await products({ refs: ['T'], within: EVERYTHING })).length, 1);
    },
  },
  {
    name: 'keeps a prepared change for its container until it expires or is removed',
    run: async (open) => {
      const { bulks } = await opened(open);
      const record = { id: 'one', container: CONTAINER, document: { a: [1] }, expiresAtMs: NOW + 10 };
      await bulks.createBulk(record, NOW);
      assert.deepEqual(await bulks.findBulk(CONTAINER, 'one', NOW + 9), record);
      assert.equal(await bulks.findBulk(CONTAINER, 'one', NOW + 10), undefined);
      assert.equal(await bulks.findBulk('other', 'one', NOW), undefined);
      await bulks.removeBulk('other', 'one');
      assert.notEqual(await bulks.findBulk(CONTAINER, 'one', NOW), undefined);
      await bulks.removeBulk(CONTAINER, 'one');
      assert.equal(await bulks.findBulk(CONTAINER, 'one', NOW), undefined);
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await opened(open);
      await store.close();
      await assert.rejects(inUse(store, EVERYTHING), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.settings.findSettings(CONTAINER), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.bulks.removeBulk(CONTAINER, 'x'), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(
        store.descriptions.describeFiles(CONTAINER, [], () => ({}), by(NOW)),
        isCode('STORE_UNAVAILABLE'),
      );
    },
  },
];
