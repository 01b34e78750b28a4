// What every store of labels must keep, as runnable cases.

import assert from 'node:assert/strict';
import { parseScope, ROOT } from '@latchkey/policy';
import type { Descriptions } from '../src/ports/descriptions.ts';
import type { LabelRecord, Labels } from '../src/ports/labels.ts';
import type { FileRecord, Metadata, ScopeLayers } from '../src/ports/metadata.ts';
import type { Condition } from '../src/ports/search.ts';
import { EVERY_FILE } from '../src/ports/search.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { at, isCode, path } from './places.ts';

/** A store with the ports that make its containers and files. After `close` it is unavailable. */
export interface LabelStore {
  readonly labels: Labels;
  readonly descriptions: Descriptions;
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const EVERYTHING: ScopeLayers = [];

function scope(text: string): ScopeLayers {
  const parsed = parseScope(text);
  assert.ok(parsed.ok, `${text} is not a scope`);
  return [[parsed.scope]];
}

async function opened(open: () => Promise<LabelStore>): Promise<LabelStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, NOW);
  return store;
}

/** A label whose ids end in the digit. */
async function make({ labels }: LabelStore, digit: number, name: string): Promise<LabelRecord> {
  const everybody = { scope: 'SK_ORG', ids: [] } as const;
  const record: LabelRecord = {
    id: `00000000-0000-4000-8000-00000000000${digit}`,
    container: CONTAINER,
    sid: `#lb000000000${digit}`,
    document: { name, color: '#fff', shape: 'pin', isPinned: false, viewing: everybody, attaching: everybody },
    ownerId: 'ann',
    createdAtMs: NOW,
    updatedAtMs: NOW,
  };
  await labels.createLabel(record);
  return record;
}

async function put({ metadata }: LabelStore, folder: string, name: string): Promise<FileRecord> {
  const [record] = await metadata.commitFiles(CONTAINER, [newFile(`${folder}/${name}`)], by(NOW));
  assert.ok(record !== undefined);
  return record;
}

const attach = ({ descriptions }: LabelStore, files: readonly FileRecord[], ...sids: readonly string[]) =>
  descriptions.describeFiles(CONTAINER, files.map(at), () => ({ labels: sids }), by(NOW));
const carried = async ({ metadata }: LabelStore, { id }: FileRecord) =>
  (await metadata.findFile(CONTAINER, id))?.labels;

/** The cases of Labels, and of the labels of files. */
export const labelsContract: readonly ContractCase<LabelStore>[] = [
  {
    name: 'keeps labels by container and lists them by name, whatever its case',
    run: async (open) => {
      const store = await opened(open);
      const [b, a] = [await make(store, 1, 'Zebra'), await make(store, 2, 'ant')];
      assert.deepEqual(await (await open()).labels.listLabels(CONTAINER), [a, b]);
      assert.deepEqual(await store.labels.listLabels('other'), []);
      const change = (stored: LabelRecord) => ({ ...stored.document, name: 'aardvark' });
      const changed = await store.labels.changeLabel(CONTAINER, b.id, change, NOW + 5);
      assert.deepEqual(changed, { ...b, document: { ...b.document, name: 'aardvark' }, updatedAtMs: NOW + 5 });
      assert.deepEqual(await store.labels.listLabels(CONTAINER), [changed, a]);
      await assert.rejects(store.labels.changeLabel('other', b.id, change, NOW), isCode('LABEL_NOT_FOUND'));
      await assert.rejects(make(store, 1, 'again'), isCode('ALREADY_EXISTS'));
    },
  },
  {
    name: 'loses no change of a label made at the same time on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const nodes = [store, await open(), await open()];
      const { id } = await make(store, 1, '');
      const add = (stored: LabelRecord) => ({ ...stored.document, name: `${stored.document.name}x` });
      await Promise.all(
        Array.from({ length: 12 }, (_, n) => (nodes[n % 3] ?? store).labels.changeLabel(CONTAINER, id, add, NOW)),
      );
      assert.equal((await store.labels.listLabels(CONTAINER))[0]?.document.name, 'x'.repeat(12));
    },
  },
  {
    name: 'lets files carry existing labels only, in order, through new versions and moves, in every listing',
    run: async (open) => {
      const store = await opened(open);
      const [a, b] = [await make(store, 1, 'a'), await make(store, 2, 'b')];
      const file = await put(store, '/in', 'f');
      assert.deepEqual(file.labels, []);
      const [changed] = await attach(store, [file], b.sid, a.sid);
      assert.deepEqual(changed?.labels, [b.sid, a.sid]);
      await assert.rejects(attach(store, [file], a.sid, '#lb9999999999'), isCode('LABEL_NOT_FOUND'));
      const { labels } = await put(store, '/in', 'f');
      assert.deepEqual(labels, [b.sid, a.sid]);
      await put(store, '/in', 'without');
      const found = async (where: Condition, container = CONTAINER) => {
        const query = { container, folderPath: ROOT, recursive: true, within: [], where };
        const page = { sort: 'name', descending: false, offset: 0, limit: 100 } as const;
        return (await store.metadata.listFiles(query, page)).map(({ name }) => name);
      };
      const any = { of: 'present', what: 'label' } as const;
      assert.deepEqual(await found(any), ['f']);
      assert.deepEqual(await found(any, 'other'), []);
      assert.deepEqual(await found({ of: 'not', condition: any }), ['without']);
      const renamed = await store.metadata.renameFile(CONTAINER, at(file), 'g', by(NOW));
      assert.deepEqual(renamed.labels, [b.sid, a.sid]);
      const query = { container: CONTAINER, folderPath: path('/'), within: EVERYTHING, where: EVERY_FILE };
      const paging = { sort: 'name', descending: false, offset: 0, limit: 10 } as const;
      const [listed] = await store.metadata.listFiles({ ...query, recursive: true }, paging);
      assert.deepEqual(listed?.labels, [b.sid, a.sid]);
      await attach(store, [file]);
      assert.deepEqual(await carried(store, file), []);
    },
  },
  {
    name: 'counts the files that carry a label within the scope, and forgets deleted ones',
    run: async (open) => {
      const store = await opened(open);
      const [a, b] = [await make(store, 1, 'a'), await make(store, 2, 'b')];
      const [inside, deep, out] = [
        await put(store, '/in', '1'),
        await put(store, '/in/x', '2'),
        await put(store, '/o', '3'),
      ];
      await attach(store, [inside, deep, out], a.sid);
      await attach(store, [out], a.sid, b.sid);
      const uses = async (within: ScopeLayers) =>
        Object.fromEntries(await store.labels.countLabelUses(CONTAINER, within));
      assert.deepEqual(await uses(EVERYTHING), { [a.sid]: 3, [b.sid]: 1 });
      assert.deepEqual(await uses(scope('/in/*')), { [a.sid]: 2 });
      assert.deepEqual(await uses(scope('/in')), { [a.sid]: 1 });
      await store.metadata.deleteObjects(CONTAINER, { files: [at(out)], folders: [] }, { within: () => true });
      assert.deepEqual(await uses(EVERYTHING), { [a.sid]: 2 });
    },
  },
  {
    name: 'deletes all labels named or none, and takes exactly them off every file',
    run: async (open) => {
      const store = await opened(open);
      const [a, b, c] = [await make(store, 1, 'a'), await make(store, 2, 'b'), await make(store, 3, 'c')];
      const files = [await put(store, '/in', '1'), await put(store, '/out', '2')];
      await attach(store, files, a.sid, b.sid, c.sid);
      await assert.rejects(store.labels.deleteLabels(CONTAINER, [a.id, 'nothing']), isCode('LABEL_NOT_FOUND'));
      await assert.rejects(store.labels.deleteLabels('other', [a.id]), isCode('LABEL_NOT_FOUND'));
      assert.equal((await store.labels.listLabels(CONTAINER)).length, 3);
      await store.labels.deleteLabels(CONTAINER, [b.id, b.id]);
      for (const file of files) assert.deepEqual(await carried(store, file), [a.sid, c.sid]);
      assert.deepEqual(Object.fromEntries(await store.labels.countLabelUses(CONTAINER, EVERYTHING)), {
        [a.sid]: 2,
        [c.sid]: 2,
      });
    },
  },
  {
    name: 'leaves no file with a label that is deleted while it is attached, on several nodes',
    run: async (open) => {
      const store = await opened(open);
      const other = await open();
      const files = await Promise.all(Array.from({ length: 8 }, (_, n) => put(store, '/in', `f${n}`)));
      const { id, sid } = await make(store, 1, 'a');
      const outcomes = await Promise.allSettled([
        ...files.slice(0, 4).map((file) => attach(store, [file], sid)),
        other.labels.deleteLabels(CONTAINER, [id]),
        ...files.slice(4).map((file) => attach(store, [file], sid)),
      ]);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.ok(isCode('LABEL_NOT_FOUND')(outcome.reason), String(outcome.reason));
      }
      for (const file of files) assert.deepEqual(await carried(store, file), []);
    },
  },
  {
    name: 'raises STORE_UNAVAILABLE once it is closed',
    run: async (open) => {
      const store = await opened(open);
      await store.close();
      await assert.rejects(store.labels.listLabels(CONTAINER), isCode('STORE_UNAVAILABLE'));
      await assert.rejects(store.labels.deleteLabels(CONTAINER, ['x']), isCode('STORE_UNAVAILABLE'));
    },
  },
];
