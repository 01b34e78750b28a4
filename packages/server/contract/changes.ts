// What every store of the history of files must keep - changes, versions, comments - as runnable cases.
import assert from 'node:assert/strict';
import { AppError } from '../src/errors.ts';
import { CHANGE_CHARACTERS_MAX, CHANGES_PER_FILE_MAX, type ChangeRecord, type Changes } from '../src/ports/changes.ts';
import type { Comments } from '../src/ports/comments.ts';
import type { Descriptions } from '../src/ports/descriptions.ts';
import type { Labels } from '../src/ports/labels.ts';
import { type FileRecord, fileUuid, type Metadata, type NewFile } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, path } from './places.ts';

/** A store with the ports that make its containers and change its files. After `close` it is unavailable. */
export interface ChangeStore {
  readonly changes: Changes;
  readonly comments: Comments;
  readonly descriptions: Descriptions;
  readonly labels: Labels;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const ALL = { versionMax: 0xffff, offset: 0, limit: 1000 };
const anywhere = { within: () => true };

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
  const file = newFile(place, { blobId: `blob-${place}-${nowMs}`, ...different });
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
    name: 'ends the history of a file at its newest entries and how it came to be, and no other history',
    run: async (open) => {
      const store = await opened(open);
      const [file, other] = [await put(store, '/x.png'), await put(store, '/y.png')];
      const sids = Array.from({ length: 250 }, (_, n) => `#lb${n.toString(16).padStart(10, '0')}`);
      const everybody = { scope: 'SK_ORG', ids: [] } as const;
      const document = { name: 'l', color: '', shape: '', isPinned: false, viewing: everybody, attaching: everybody };
      for (const sid of sids) {
        const times = { createdAtMs: NOW, updatedAtMs: NOW };
        await store.labels.createLabel({ id: sid, sid, container: CONTAINER, document, ownerId: 'ann', ...times });
      }
      const label = (labels: readonly string[], files = [file]) =>
        store.descriptions.describeFiles(CONTAINER, files.map(at), () => ({ labels }), by(NOW + 1));
      // One entry for each label: the 1,001 entries with the first one are all there can be.
      for (const labels of [sids, [], sids, []]) await label(labels);
      const full = await logOf(store, file, { limit: 2000 });
      assert.equal(full.length, CHANGES_PER_FILE_MAX + 1);
      await label(sids.slice(0, 3), [file, other]);
      const log = await logOf(store, file, { limit: 2000 });
      const gone = full.slice(-4, -1);
      assert.deepEqual(
        log.slice(3).map(({ id }) => id),
        full.filter((one) => !gone.includes(one)).map(({ id }) => id),
      );
      assert.deepEqual([log.length, log.at(-1)?.action], [CHANGES_PER_FILE_MAX + 1, 'H_CREATED']);
      assert.equal((await logOf(store, other)).length, 4);
      const [version] = await store.metadata.listVersions(CONTAINER, file.id, { offset: 0, limit: 1 });
      assert.deepEqual(version?.by, by(NOW).by);
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
    name: 'lists versions newest first with who made them, and restores one as the newest without losing any',
    run: async (open) => {
      const store = await opened(open);
      const first = await put(store, '/x.png', { sha1: 'one', sizeBytes: 3, meta: { kept: 1 } });
      const second = await put(store, '/x.png', { sha1: 'two', sizeBytes: 5 }, NOW + 1);
      const { metadata } = store;
      const older = { ...at(first), version: 0 };
      const restored = await metadata.restoreVersion(CONTAINER, older, 'somebody', by(NOW + 2));
      assert.deepEqual([restored.version, restored.sha1, restored.blobId], [2, 'one', first.blobId]);
      assert.deepEqual(restored.meta, { kept: 1 });
      const folder = await metadata.findFolder(CONTAINER, path('/'));
      assert.deepEqual([folder?.filesDirect, folder?.bytesRecursive], [1, 3]);
      const versions = await metadata.listVersions(CONTAINER, first.id, { offset: 0, limit: 10 });
      const expected = [
        [2, 'one'],
        [1, 'two'],
        [0, 'one'],
      ];
      assert.deepEqual(
        versions.map(({ file }) => [file.version, file.sha1]),
        expected,
      );
      assert.deepEqual(
        versions.map((version) => version.by?.name),
        ['Ann', 'Ann', 'Ann'],
      );
      const page = await metadata.listVersions(CONTAINER, first.id, { offset: 1, limit: 1 });
      assert.deepEqual(
        page.map(({ file }) => file.sha1),
        ['two'],
      );
      const [entry] = await logOf(store, first);
      assert.deepEqual([entry?.action, entry?.extra], ['H_CHG_VERSION', { restored: fileUuid(first) }]);
      const nowhere = { ...at(first), version: 9 };
      await assert.rejects(metadata.restoreVersion(CONTAINER, nowhere, 'somebody', by(NOW)), isCode('FILE_NOT_FOUND'));
      const same = await metadata.restoreVersion(CONTAINER, { ...at(first), version: 2 }, 'somebody', by(NOW));
      assert.equal(same.version, 2);
      assert.equal(second.version, 1);
    },
  },
  {
    name: 'deletes an older version alone, and frees its bytes when no other version has them',
    run: async (open) => {
      const store = await opened(open);
      const [first, second] = [await put(store, '/x.png'), await put(store, '/x.png', {}, NOW + 1)];
      const older = { ...at(first), version: 0 };
      const restored = await store.metadata.restoreVersion(CONTAINER, older, 'somebody', by(NOW + 2));
      const drop = (version: number) => {
        const versions = { of: [{ ...at(first), version }], author: by(NOW + 3) };
        return store.metadata.deleteObjects(CONTAINER, { files: [], folders: [] }, { ...anywhere, versions });
      };
      assert.deepEqual(await drop(0), { blobIds: [] });
      assert.deepEqual(await drop(1), { blobIds: [second.blobId] });
      await assert.rejects(drop(0), isCode('FILE_NOT_FOUND'));
      await assert.rejects(drop(restored.version), isCode('FILE_NOT_FOUND'));
      assert.equal((await store.metadata.findFile(CONTAINER, first.id))?.version, 2);
      assert.equal(await store.metadata.findFile(CONTAINER, first.id, 1), undefined);
      assert.deepEqual(
        (await logOf(store, first)).slice(0, 2).map(({ action, props }) => [action, props.old]),
        [
          ['H_DEL_VERSION', fileUuid(second)],
          ['H_DEL_VERSION', fileUuid(first)],
        ],
      );
    },
  },
  {
    name: 'keeps comments newest first with their marks, logs what was said, and changes only what is judged good',
    run: async (open) => {
      const store = await opened(open);
      const file = await put(store, '/x.png');
      const { comments } = store;
      const say = (id: string, body: string) =>
        comments.addComment(CONTAINER, at(file), { id, text: JSON.stringify({ body }) }, 3, by(NOW));
      const first = await say('a', 'one');
      assert.deepEqual(first.by, by(NOW).by);
      await say('b', 'two');
      await comments.markComment(CONTAINER, at(file), 'a', 'like', true, by(NOW));
      const marked = await comments.markComment(CONTAINER, at(file), 'a', 'like', true, by(NOW));
      assert.deepEqual([marked.likes, marked.subscribes], [[by(NOW).by.id], []]);
      const list = await comments.listComments(CONTAINER, file.id);
      assert.deepEqual(
        list.map(({ id, likes }) => [id, likes.length]),
        [
          ['b', 0],
          ['a', 1],
        ],
      );
      assert.deepEqual(await comments.listComments('other', file.id), []);
      const fine = () => {};
      const refuse = () => {
        throw new AppError('COMMENT_FOREIGN');
      };
      const other = { id: 'a', text: '{"body":"new"}' };
      await assert.rejects(
        comments.changeComment(CONTAINER, at(file), other, refuse, by(NOW)),
        isCode('COMMENT_FOREIGN'),
      );
      await comments.changeComment(CONTAINER, at(file), other, fine, by(NOW));
      await comments.markComment(CONTAINER, at(file), 'a', 'like', false, by(NOW));
      await assert.rejects(
        comments.deleteComments(CONTAINER, at(file), ['b', 'none'], fine, by(NOW)),
        isCode('COMMENT_NOT_FOUND'),
      );
      await say('c', 'three');
      await assert.rejects(say('d', 'four'), isCode('COMMENTS_EXHAUSTED'));
      await comments.deleteComments(CONTAINER, at(file), ['b', 'a'], fine, by(NOW));
      assert.deepEqual(
        (await comments.listComments(CONTAINER, file.id)).map(({ id }) => id),
        ['c'],
      );
      const said = (text: string) => JSON.stringify({ comment_text: text });
      assert.deepEqual((await logOf(store, file)).slice(0, -1).map(told), [
        ['H_COMMENT_DELETE', said('new'), '{}', null],
        ['H_COMMENT_DELETE', said('two'), '{}', null],
        ['H_COMMENT_CREATE', '{}', said('three'), null],
        ['H_COMMENT_CHANGE', said('one'), said('new'), null],
        ['H_COMMENT_CREATE', '{}', said('two'), null],
        ['H_COMMENT_CREATE', '{}', said('one'), null],
      ]);
      await store.metadata.deleteObjects(CONTAINER, { files: [at(file)], folders: [] }, anywhere);
      assert.deepEqual(await comments.listComments(CONTAINER, file.id), []);
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
