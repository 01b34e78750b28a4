// What every store's log of changes must keep, as runnable cases.
import assert from 'node:assert/strict';
import { type CanonicalPath, parsePath } from '@latchkey/policy';
import { AppError } from '../src/errors.ts';
import { CHANGE_CHARACTERS_MAX, type ChangeRecord, type Changes } from '../src/ports/changes.ts';
import type { Descriptions } from '../src/ports/descriptions.ts';
import { type At, type FileRecord, fileUuid, type Metadata, type NewFile } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';

/** A store with the ports that make its containers and change its files. After `close` it is unavailable. */
export interface ChangeStore {
  readonly changes: Changes;
  readonly descriptions: Descriptions;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const ALL = { versionMax: 0xffff, offset: 0, limit: 1000 };
const anywhere = { within: () => true };

function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  assert.ok(parsed.ok, `${text} is not a path`);
  return parsed.path;
}

const at = ({ id, folderPath }: FileRecord): At => ({ id, folderPath });
const isCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

async function opened(open: () => Promise<ChangeStore>): Promise<ChangeStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, NOW);
  return store;
}

async function put(
  { metadata }: ChangeStore,
  place: string,
  different: Partial<NewFile> = {},
  nowMs = NOW,
): Promise<FileRecord> {
  const slash = place.lastIndexOf('/');
  const file: NewFile = {
    folderPath: path(place.slice(0, slash) || '/'),
    name: place.slice(slash + 1),
    mime: 'image/png',
    sizeBytes: 10,
    sha1: 'sha1',
    sha256: 'sha256',
    blobId: `blob-${place}-${nowMs}`,
    meta: {},
    tags: {},
    info: {},
    productRef: undefined,
    productPosition: undefined,
    uploadedBy: 'somebody',
    ...different,
  };
  const [record] = await metadata.commitFiles(CONTAINER, [file], by(nowMs));
  assert.ok(record !== undefined);
  return record;
}

async function logOf({ changes }: ChangeStore, file: FileRecord, query = {}): Promise<readonly ChangeRecord[]> {
  return (await changes.listChanges(CONTAINER, file.id, { ...ALL, ...query })).items;
}

/** An entry as far as a case compares it. */
const told = ({ action, props }: ChangeRecord) => [action, props.old, props.new, props.name];

/** The cases of Changes, and of the methods that write the log. */
export const changesContract: readonly ContractCase<ChangeStore>[] = [
  {
    name: 'tells what was done to a file, newest first, when and by whom',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/a/x.png');
      const { metadata } = store;
      const renamed = await metadata.renameFile(CONTAINER, at(file), 'y.png', by(NOW + 1));
      const move = { within: () => true, createDestination: true };
      const objects = { files: [at(renamed)], folders: [] };
      await metadata.moveObjects(CONTAINER, objects, path('/b'), move, by(NOW + 2));
      const there = { files: [{ id: file.id, folderPath: path('/b') }], folders: [] };
      await metadata.setVisibility(CONTAINER, there, 'not_public', by(NOW + 3));
      const log = await logOf(store, file);
      assert.deepEqual(log.map(told), [
        ['H_CHG_VISIBILITY', 'inherited', 'not_public', 'y.png'],
        ['H_MOVE', '/a', '/b', 'y.png'],
        ['H_RENAME', 'x.png', 'y.png', 'y.png'],
        ['H_CREATED', null, 'x.png', 'x.png'],
      ]);
      assert.deepEqual(
        log.map(({ atMs }) => atMs),
        [NOW + 3, NOW + 2, NOW + 1, NOW],
      );
      assert.deepEqual(log[0]?.by, by(NOW).by);
    },
  },
  {
    name: 'tells of descriptions what became different, and nothing when nothing did',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/x.png', { meta: { kept: 1, title: 'old' } });
      const describe = (description: object) =>
        store.descriptions.describeFiles(CONTAINER, [at(file)], () => description, by(NOW));
      const tags = { en: [{ sid: '#a', label: 'a' }] };
      await describe({ meta: { kept: 1, title: 'new' }, tags, productRef: 'p' });
      await describe({ meta: { title: 'new', kept: 1 }, tags, productRef: 'p' });
      await describe({});
      const log = (await logOf(store, file)).slice(0, -1).reverse();
      assert.deepEqual(log.map(told), [
        ['H_CHG_META', '{"title":"old"}', '{"title":"new"}', 'x.png'],
        ['H_CHG_TAGS', '{}', JSON.stringify(tags), 'x.png'],
        ['H_CHG_PRODUCT', '{"ref":null}', '{"ref":"p"}', 'x.png'],
      ]);
    },
  },
  {
    name: 'tells of other content which version it is, and of an older version what happened before',
    run: async (open) => {
      const store = await opened(open);
      const first = await put(store, '/x.png', { meta: { a: 1 } });
      const second = await put(store, '/x.png', { meta: { b: 2 } }, NOW + 1);
      await store.metadata.renameFile(CONTAINER, at(second), 'y.png', by(NOW + 2));
      assert.deepEqual((await logOf(store, first)).map(told), [
        ['H_RENAME', 'x.png', 'y.png', 'y.png'],
        ['H_CHG_META', '{}', '{"b":2}', 'x.png'],
        ['H_CHG_VERSION', fileUuid(first), fileUuid(second), 'x.png'],
        ['H_CREATED', null, 'x.png', 'x.png'],
      ]);
      assert.deepEqual((await logOf(store, first, { versionMax: 0 })).map(told), [
        ['H_CREATED', null, 'x.png', 'x.png'],
      ]);
    },
  },
  {
    name: 'does not tell what was refused, and forgets what was deleted',
    run: async (open) => {
      const store = await opened(open);
      const [file, other] = [await put(store, '/x.png'), await put(store, '/f/y.png')];
      await assert.rejects(
        store.metadata.renameFile(CONTAINER, { id: file.id, folderPath: path('/f') }, 'z.png', by(NOW)),
        isCode('FILE_NOT_FOUND'),
      );
      const refuse = () => {
        throw new AppError('REQUEST_INVALID', 'refused');
      };
      await assert.rejects(
        store.descriptions.describeFiles(CONTAINER, [at(file)], refuse, by(NOW)),
        isCode('REQUEST_INVALID'),
      );
      await assert.rejects(
        store.metadata.moveObjects(
          CONTAINER,
          { files: [at(file), at(other)], folders: [] },
          path('/n'),
          { within: (place) => place !== '/f', createDestination: true },
          by(NOW),
        ),
        isCode('SCOPE_DENIED'),
      );
      assert.equal((await logOf(store, file)).length, 1);
      const folder = await store.metadata.findFolder(CONTAINER, path('/f'));
      assert.ok(folder !== undefined);
      const folders = [{ id: folder.id, folderPath: folder.path }];
      await store.metadata.deleteObjects(CONTAINER, { files: [at(file)], folders }, anywhere);
      assert.deepEqual([await logOf(store, file), await logOf(store, other)], [[], []]);
    },
  },
  {
    name: 'answers a page with the number of all, and nothing to another container',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/0.png');
      let now = file;
      for (let n = 1; n < 5; n += 1) {
        now = await store.metadata.renameFile(CONTAINER, at(now), `${n}.png`, by(NOW + n));
      }
      const page = await store.changes.listChanges(CONTAINER, file.id, { ...ALL, offset: 1, limit: 2 });
      assert.deepEqual(
        page.items.map(({ props }) => props.new),
        ['3.png', '2.png'],
      );
      assert.equal(page.total, 5);
      assert.deepEqual(await store.changes.listChanges('other', file.id, ALL), { items: [], total: 0 });
    },
  },
  {
    name: 'keeps both sides of a large change short, and readable as JSON',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/x.png');
      const many = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`key${n}`, '\u{1F600}'.repeat(60)]));
      const meta = { long: `${'x'.repeat(1021)}\u{1F600}${'y'.repeat(9000)}`, ...many };
      await store.descriptions.describeFiles(CONTAINER, [at(file)], () => ({ meta }), by(NOW));
      await store.descriptions.describeFiles(CONTAINER, [at(file)], () => ({ meta: {} }), by(NOW));
      const [removed, added] = await logOf(store, file);
      assert.equal(removed?.props.new, '{}');
      assert.equal(removed?.props.old, added?.props.new);
      const text = added?.props.new ?? '';
      assert.ok(text.length <= CHANGE_CHARACTERS_MAX, `${text.length} characters`);
      const kept: Record<string, unknown> = JSON.parse(text);
      assert.equal(Object.keys(kept).length - 1 + Number(kept['…']), 401);
      assert.ok(String(kept['long']).endsWith('…'));
    },
  },
  {
    name: 'keeps the order in which several nodes changed one file',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open()];
      const file = await put(store, '/x.png', { meta: { count: 0 } });
      await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          nodes[n % 2]?.descriptions.describeFiles(
            CONTAINER,
            [at(file)],
            ({ meta }) => ({ meta: { count: Number(meta['count']) + 1 } }),
            by(NOW),
          ),
        ),
      );
      const log = await logOf(store, file);
      const expected = Array.from({ length: 10 }, (_, n) => JSON.stringify({ count: 10 - n }));
      assert.deepEqual(
        log.slice(0, 10).map(({ props }) => props.new),
        expected,
      );
    },
  },
  {
    name: 'says that it cannot be reached',
    run: async (open) => {
      const store = await opened(open);
      await store.close();
      await assert.rejects(store.changes.listChanges(CONTAINER, 'x', ALL), isCode('STORE_UNAVAILABLE'));
    },
  },
];
