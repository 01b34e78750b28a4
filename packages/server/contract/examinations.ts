// What every store of files that wait to be looked at must keep, as runnable cases.

import assert from 'node:assert/strict';
import { type CanonicalPath, parsePath } from '@latchkey/policy';
import { ATTEMPTS_MAX, type Examination, type Examinations } from '../src/ports/examinations.ts';
import type { FileRecord, JsonObject, Metadata } from '../src/ports/metadata.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';

/** The port with the stores of the files it speaks of. */
export interface ExaminationStore {
  readonly examinations: Examinations;
  readonly metadata: Metadata;
  readonly templates: Templates;
}

const CONTAINER = 'demo';
const LEASE_MS = 60_000;

export const examinationsContract: readonly ContractCase<ExaminationStore>[] = [
  {
    name: 'lends what was committed to one node only, and only content that has something to say',
    async run(open) {
      const [one, two] = [await begun(open), await open()];
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => commit(one, `${index}.png`, 'image/png', `blob${index}`)),
      );
      await commit(one, 'a.txt', 'text/plain', 'text');
      await commit(one, 'a.pdf', 'application/pdf', 'pdf');
      const lent = await Promise.all(
        Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? one : two).examinations.claim(3, 1000, LEASE_MS)),
      );
      const blobs = lent.flat().map(({ blobId }) => blobId);
      const rest = await one.examinations.claim(100, 1000, LEASE_MS);
      blobs.push(...rest.map(({ blobId }) => blobId));
      const expected = [...Array.from({ length: 10 }, (_, index) => `blob${index}`), 'pdf'];
      assert.deepEqual(blobs.sort(), expected.sort());
    },
  },
  {
    name: 'lends again what was not finished in its time, and gives up what never is',
    async run(open) {
      const store = await begun(open);
      await commit(store, 'a.png', 'image/png', 'blob');
      let nowMs = 1000;
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        assert.equal((await store.examinations.claim(5, nowMs, LEASE_MS)).length, 1, `attempt ${attempt}`);
        assert.equal((await store.examinations.claim(5, nowMs + LEASE_MS - 1, LEASE_MS)).length, 0);
        nowMs += LEASE_MS;
      }
      assert.equal((await store.examinations.claim(5, nowMs, LEASE_MS)).length, 0);
      assert.equal((await store.examinations.claim(5, nowMs + 1e9, LEASE_MS)).length, 0);
    },
  },
  {
    name: 'what is postponed has not been tried',
    async run(open) {
      const store = await begun(open);
      await commit(store, 'a.png', 'image/png', 'blob');
      for (let nowMs = 1000; nowMs < 1000 + (ATTEMPTS_MAX + 2) * 10; nowMs += 10) {
        const examination = await claimOne(store, nowMs);
        await store.examinations.postpone(examination, nowMs + 10);
        assert.equal((await store.examinations.claim(5, nowMs + 9, LEASE_MS)).length, 0);
      }
    },
  },
  {
    name: 'facts are merged over what was said of the file, and change no time of it',
    async run(open) {
      const store = await begun(open);
      const before = await commit(store, 'a.png', 'image/png', 'blob', { camera: 'mine', img_w: 1 });
      assert.equal(await store.examinations.finish(await claimOne(store), { img_w: 30, img_h: 20 }), true);
      const after = await store.metadata.findFile(CONTAINER, before.id);
      assert.deepEqual(after?.info, { camera: 'mine', img_w: 30, img_h: 20 });
      assert.deepEqual({ ...after, info: {} }, { ...before, info: {} });
      assert.equal((await store.examinations.claim(5, 1e12, LEASE_MS)).length, 0);
    },
  },
  {
    name: 'each version keeps its own facts, in whatever order they are found',
    async run(open) {
      const store = await begun(open);
      const { id } = await commit(store, 'a.png', 'image/png', 'first');
      await commit(store, 'a.png', 'image/png', 'second');
      const lent = await store.examinations.claim(5, 1000, LEASE_MS);
      const of = (blobId: string) => {
        const found = lent.find((examination) => examination.blobId === blobId);
        assert.ok(found !== undefined);
        return found;
      };
      await store.examinations.finish(of('second'), { img_w: 2 });
      await store.examinations.finish(of('first'), { img_w: 1 });
      assert.deepEqual((await store.metadata.findFile(CONTAINER, id))?.info, { img_w: 2 });
      assert.deepEqual((await store.metadata.findFile(CONTAINER, id, 0))?.info, { img_w: 1 });
      assert.deepEqual((await store.metadata.findFile(CONTAINER, id, 1))?.info, { img_w: 2 });
    },
  },
  {
    name: 'facts of content that is gone, or is other content now, are dropped',
    async run(open) {
      const store = await begun(open);
      const file = await commit(store, 'a.png', 'image/png', 'blob');
      const examination = await claimOne(store);
      assert.equal(await store.examinations.finish({ ...examination, blobId: 'another' }, { img_w: 1 }), false);
      assert.deepEqual((await store.metadata.findFile(CONTAINER, file.id))?.info, {});
      await commit(store, 'b.png', 'image/png', 'blob2');
      const second = await claimOne(store);
      const doomed = await store.metadata.findFile(CONTAINER, second.fileId);
      assert.ok(doomed !== undefined);
      await store.metadata.deleteObjects(
        CONTAINER,
        { files: [{ id: doomed.id, folderPath: doomed.folderPath }], folders: [] },
        { within: () => true },
      );
      assert.equal(await store.examinations.finish(second, { img_w: 1 }), false);
      assert.equal((await store.examinations.claim(5, 1e12, LEASE_MS)).length, 0);
    },
  },
  {
    name: 'loses no change of the file that is made at the same time',
    async run(open) {
      const [store, other] = [await begun(open), await open()];
      const file = await commit(store, 'a.png', 'image/png', 'blob');
      const examination = await claimOne(store);
      const at = { id: file.id, folderPath: file.folderPath };
      await Promise.all([
        store.examinations.finish(examination, { img_w: 7 }),
        other.metadata.renameFile(CONTAINER, at, 'renamed.png', by(2000)),
        other.metadata.setVisibility(CONTAINER, { files: [at], folders: [] }, 'not_public', by(2000)),
      ]);
      const after = await store.metadata.findFile(CONTAINER, file.id);
      assert.deepEqual([after?.name, after?.visibility, after?.info], ['renamed.png', 'not_public', { img_w: 7 }]);
    },
  },
];

async function begun(open: () => Promise<ExaminationStore>): Promise<ExaminationStore> {
  const store = await open();
  await store.templates.ensureContainer(CONTAINER, 1);
  return store;
}

async function claimOne(store: ExaminationStore, nowMs = 1000): Promise<Examination> {
  const [examination] = await store.examinations.claim(1, nowMs, LEASE_MS);
  assert.ok(examination !== undefined);
  return examination;
}

async function commit(
  store: ExaminationStore,
  name: string,
  mime: string,
  blobId: string,
  info: JsonObject = {},
): Promise<FileRecord> {
  const content = { mime, sizeBytes: 3, sha1: blobId, sha256: blobId, blobId };
  const [file] = await store.metadata.commitFiles(
    CONTAINER,
    [newFile(`${folder()}/${name}`, { ...content, info })],
    by(1000),
  );
  assert.ok(file !== undefined);
  return file;
}

function folder(): CanonicalPath {
  const parsed = parsePath('/');
  assert.ok(parsed.ok);
  return parsed.path;
}
