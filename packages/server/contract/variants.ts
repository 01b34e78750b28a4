// What every store of variants must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { Changes } from '../src/ports/changes.ts';
import type { FileRecord, Metadata } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import type { VariantRecord, Variants } from '../src/ports/variants.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, path } from './places.ts';

/** A store with the ports that make its containers and files, and tell what was done. After `close` it is unavailable. */
export interface VariantStore {
  readonly variants: Variants;
  readonly changes: Changes;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const MAX = 100;

/** A store with one file. */
async function holding(store: VariantStore, name = 'x.png'): Promise<FileRecord> {
  await store.templates.ensureContainer(CONTAINER, NOW);
  const [file] = await store.metadata.commitFiles(CONTAINER, [newFile(`/a/${name}`)], by(NOW));
  assert.ok(file !== undefined);
  return file;
}

const add = (
  { variants }: VariantStore,
  file: FileRecord,
  name: string,
  { id = `id-${name}`, query = 'w=300', max = MAX, nowMs = NOW } = {},
): Promise<VariantRecord> => variants.addVariant(CONTAINER, at(file), { id, name, query }, max, by(nowMs));

const namesOf = async ({ variants }: VariantStore, { id }: FileRecord) =>
  (await variants.listVariants(CONTAINER, id)).map(({ name }) => name);

/** What the log says of variants, oldest first. */
async function logged({ changes }: VariantStore, { id }: FileRecord) {
  const { items } = await changes.listChanges(CONTAINER, id, { versionMax: 99, offset: 0, limit: 100 });
  const about = items.filter(({ action }) => action.startsWith('H_VARIANT')).reverse();
  return about.map(({ action, props }) => [action, props.old, props.new]);
}

/** The cases of Variants. */
export const variantsContract: readonly ContractCase<VariantStore>[] = [
  {
    name: 'keeps the variants of a file as they were given, oldest first, and those of other files apart',
    run: async (open) => {
      const store = await open();
      const [file, other] = [await holding(store), await holding(store, 'y.png')];
      const added = await add(store, file, 'zebra é', { query: 'w=300&func=crop' });
      const times = { createdAtMs: NOW, updatedAtMs: NOW };
      assert.deepEqual(added, { id: 'id-zebra é', name: 'zebra é', query: 'w=300&func=crop', ...times });
      await add(store, file, 'ant', { query: '', nowMs: NOW - 5 });
      await add(store, other, 'ant', { id: 'another' });
      const listed = await (await open()).variants.listVariants(CONTAINER, file.id);
      assert.deepEqual([listed[0], listed[1]?.name, listed.length], [added, 'ant', 2]);
      assert.deepEqual(await store.variants.listVariants('other', file.id), []);
      assert.deepEqual(await namesOf(store, other), ['ant']);
    },
  },
  {
    name: 'changes what is given and nothing else, and takes no change for one',
    run: async (open) => {
      const store = await open();
      const file = await holding(store);
      const { id } = await add(store, file, 'first', { query: 'w=1' });
      const change = (said: { readonly name?: string; readonly query?: string }, nowMs: number) =>
        store.variants.changeVariant(CONTAINER, at(file), id, said, by(nowMs));
      assert.deepEqual(await change({ name: 'first' }, NOW + 1), { ...(await change({}, NOW + 2)), updatedAtMs: NOW });
      const renamed = await change({ name: 'second' }, NOW + 3);
      assert.deepEqual([renamed.name, renamed.query, renamed.updatedAtMs], ['second', 'w=1', NOW + 3]);
      const drawn = await change({ query: 'w=2' }, NOW + 4);
      assert.deepEqual(drawn, { id, name: 'second', query: 'w=2', createdAtMs: NOW, updatedAtMs: NOW + 4 });
      assert.deepEqual(await store.variants.listVariants(CONTAINER, file.id), [drawn]);
    },
  },
  {
    name: 'lets no two variants of a file have one name, whichever nodes are asked at the same time',
    run: async (open) => {
      const store = await open();
      const file = await holding(store);
      const nodes = [store, await open(), await open()];
      const ends = await Promise.allSettled(
        Array.from({ length: 6 }, (_, n) => add(nodes[n % 3] ?? store, file, 'same', { id: `n${n}` })),
      );
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
      const refusals = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      assert.ok(refusals.every(isCode('ALREADY_EXISTS')), String(refusals[0]));
      const { id } = await add(store, file, 'other');
      const rename = store.variants.changeVariant(CONTAINER, at(file), id, { name: 'same' }, by(NOW));
      await assert.rejects(rename, isCode('ALREADY_EXISTS'));
      assert.deepEqual(await namesOf(store, file), ['same', 'other']);
    },
  },
  {
    name: 'never keeps more than the bound, whichever nodes are asked at the same time',
    run: async (open) => {
      const store = await open();
      const file = await holding(store);
      const nodes = [store, await open(), await open()];
      const ends = await Promise.allSettled(
        Array.from({ length: 9 }, (_, n) => add(nodes[n % 3] ?? store, file, `n${n}`, { max: 4 })),
      );
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 4);
      await assert.rejects(add(store, file, 'more', { max: 4 }), isCode('VARIANTS_EXHAUSTED'));
      assert.equal((await namesOf(store, file)).length, 4);
    },
  },
  {
    name: 'deletes all variants named or none, of this file only and where it is',
    run: async (open) => {
      const store = await open();
      const [file, other] = [await holding(store), await holding(store, 'y.png')];
      for (const name of ['1', '2', '3']) await add(store, file, name);
      await add(store, other, 'theirs');
      const remove = (ids: readonly string[], of = at(file)) =>
        store.variants.deleteVariants(CONTAINER, of, ids, by(NOW));
      await assert.rejects(remove(['id-1', 'nothing']), isCode('VARIANT_NOT_FOUND'));
      await assert.rejects(remove(['id-1', 'id-theirs']), isCode('VARIANT_NOT_FOUND'));
      await assert.rejects(remove(['id-1'], { ...at(file), folderPath: path('/b') }), isCode('FILE_NOT_FOUND'));
      await assert.rejects(add(store, { ...file, folderPath: path('/b') }, '4'), isCode('FILE_NOT_FOUND'));
      const foreign = store.variants.changeVariant(CONTAINER, at(other), 'id-1', { name: 'x' }, by(NOW));
      await assert.rejects(foreign, isCode('VARIANT_NOT_FOUND'));
      assert.deepEqual(await namesOf(store, file), ['1', '2', '3']);
      await remove(['id-3', 'id-1', 'id-3']);
      assert.deepEqual(await namesOf(store, file), ['2']);
      assert.deepEqual(await namesOf(store, other), ['theirs']);
    },
  },
  {
    name: 'logs what was done, stays through new versions and goes with the file',
    run: async (open) => {
      const store = await open();
      const file = await holding(store);
      const { id } = await add(store, file, 'one', { query: 'w=1' });
      const change = (name: string) => store.variants.changeVariant(CONTAINER, at(file), id, { name }, by(NOW));
      await change('two');
      await change('two');
      const [next] = [await holding(store)];
      assert.deepEqual([next.version, await namesOf(store, next)], [1, ['two']]);
      await store.variants.deleteVariants(CONTAINER, at(file), [id], by(NOW));
      assert.deepEqual(await logged(store, file), [
        ['H_VARIANT_CREATE', '{}', '{"name":"one","query":"w=1"}'],
        ['H_VARIANT_CHANGE', '{"name":"one"}', '{"name":"two"}'],
        ['H_VARIANT_DELETE', '{"name":"two","query":"w=1"}', '{}'],
      ]);
      await add(store, file, 'last');
      const gone = { files: [at(file)], folders: [] };
      await store.metadata.deleteObjects(CONTAINER, gone, { within: () => true });
      assert.deepEqual(await store.variants.listVariants(CONTAINER, file.id), []);
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await open();
      const file = await holding(store);
      await store.close();
      await assert.rejects(add(store, file, 'x'), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.variants.listVariants(CONTAINER, file.id), isCode('STORE_UNAVAILABLE'));
    },
  },
];
