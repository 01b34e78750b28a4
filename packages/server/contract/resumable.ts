// What every store of resumable uploads must keep, as runnable cases.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { parsePath } from '@latchkey/policy';
import type { Metadata, NewFile } from '../src/ports/metadata.ts';
import type { ResumableUpload, ResumableUploads, UploadLock } from '../src/ports/resumable.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';

/** Uploads together with the files that they become. */
export interface ResumableStore {
  readonly resumables: ResumableUploads;
  readonly metadata: Metadata;
  readonly templates: Templates;
}

const NOW = 1_700_000_000_000;
const LEASE_MS = 5000;
const CONTAINER = 'demo';

function pathOf(text: string) {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new TypeError(parsed.reason);
  return parsed.path;
}

function upload(different: Partial<ResumableUpload> = {}): ResumableUpload {
  return {
    id: randomBytes(16).toString('hex'),
    container: CONTAINER,
    holder: 'key-1',
    source: 'template:t1',
    subject: 'ann@example.com',
    folderPath: pathOf('/f'),
    name: 'ä b.png',
    claimedType: 'image/png',
    lengthBytes: 5_000_000_000,
    metadata: 'filename w6QgYi5wbmc=',
    description: { meta: { title: { en: 'A' } }, tags: {}, info: {}, productRef: 'R', productPosition: 1 },
    partialId: randomBytes(16).toString('hex'),
    reservationId: 'r-1',
    createdAtMs: NOW,
    keyIssuedAtMs: NOW - 5,
    expiresAtMs: NOW + 60_000,
    file: undefined,
    ...different,
  };
}

function lockOf({ id }: ResumableUpload): UploadLock {
  return { uploadId: id, token: randomBytes(8).toString('hex') };
}

function fileOf({ folderPath, name, lengthBytes, description, holder }: ResumableUpload, lock: UploadLock): NewFile {
  return {
    folderPath,
    name,
    mime: 'image/png',
    sizeBytes: lengthBytes,
    sha1: randomBytes(20).toString('hex'),
    sha256: randomBytes(32).toString('hex'),
    blobId: randomBytes(16).toString('hex'),
    ...description,
    uploadedBy: holder,
    upload: lock,
  };
}

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;

/** The guarantees of the `ResumableUploads` port, and of `Metadata.commitFiles` towards it. */
export const resumableContract: readonly ContractCase<ResumableStore>[] = [
  {
    name: 'gives back what was recorded, in its container only, also to another node',
    async run(open) {
      const { resumables } = await open();
      const full = upload();
      const bare = upload({
        source: undefined,
        subject: undefined,
        claimedType: undefined,
        metadata: undefined,
        reservationId: undefined,
        description: { meta: {}, tags: {}, info: {}, productRef: undefined, productPosition: undefined },
      });
      for (const record of [full, bare]) await resumables.createUpload(record);
      const other = (await open()).resumables;
      assert.deepEqual(await other.findUpload(CONTAINER, full.id), full);
      const found = await other.findUpload(CONTAINER, bare.id);
      assert.deepEqual({ ...found, description: bare.description }, bare);
      assert.equal(found?.description.productRef, undefined);
      assert.equal(await other.findUpload('other', full.id), undefined);
      assert.equal(await other.findUpload(CONTAINER, 'nothing'), undefined);
    },
  },
  {
    name: 'locks for one writer of all nodes at a time',
    async run(open) {
      const nodes = [await open(), await open()];
      const record = upload();
      await nodes[0]?.resumables.createUpload(record);
      const tries = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const lock = lockOf(record);
          return (await nodes[index % 2]?.resumables.lockUpload(lock, NOW + LEASE_MS, NOW)) ? lock : undefined;
        }),
      );
      const holders = tries.filter((lock) => lock !== undefined);
      assert.equal(holders.length, 1);
      const [holder] = holders;
      assert.ok(holder);
      await nodes[1]?.resumables.unlockUpload(lockOf(record));
      assert.equal(await nodes[1]?.resumables.lockUpload(lockOf(record), NOW + LEASE_MS, NOW), false);
      await nodes[1]?.resumables.unlockUpload(holder);
      assert.equal(await nodes[1]?.resumables.lockUpload(lockOf(record), NOW + LEASE_MS, NOW), true);
      assert.equal(await nodes[0]?.resumables.lockUpload(lockOf(upload()), NOW + LEASE_MS, NOW), false);
    },
  },
  {
    name: 'tells a writer that it is wanted, and that its lock was lost',
    async run(open) {
      const { resumables } = await open();
      const record = upload();
      await resumables.createUpload(record);
      const [first, second] = [lockOf(record), lockOf(record)];
      assert.equal(await resumables.isLocked(record.id, NOW), false);
      assert.ok(await resumables.lockUpload(first, NOW + LEASE_MS, NOW));
      assert.equal(await resumables.renewLock(first, NOW + LEASE_MS), 'kept');
      assert.equal(await resumables.isLocked(record.id, NOW), true);
      assert.equal(await resumables.renewLock(first, NOW + LEASE_MS), 'wanted');
      assert.equal(await resumables.isLocked(record.id, NOW + LEASE_MS), false);
      assert.ok(await resumables.lockUpload(second, NOW + 3 * LEASE_MS, NOW + LEASE_MS));
      assert.equal(await resumables.renewLock(first, NOW + 4 * LEASE_MS), 'lost');
      assert.equal(await resumables.renewLock(second, NOW + 4 * LEASE_MS), 'kept');
      await resumables.removeUpload(first);
      assert.ok(await resumables.findUpload(CONTAINER, record.id), 'removed by a lost lock');
      await assert.rejects(resumables.expireUpload(first), hasCode('UPLOAD_LOCKED'));
      await resumables.removeUpload(second);
      assert.equal(await resumables.findUpload(CONTAINER, record.id), undefined);
    },
  },
  {
    name: 'becomes a file once, only under the lock, in the same transaction',
    async run(open) {
      const { resumables, metadata, templates } = await open();
      await templates.ensureContainer(CONTAINER, NOW);
      const record = upload();
      await resumables.createUpload(record);
      const lock = lockOf(record);
      const commit = (holder: UploadLock) => metadata.commitFiles(CONTAINER, [fileOf(record, holder)], by(NOW));
      await assert.rejects(commit(lock), hasCode('UPLOAD_LOCKED'));
      await resumables.lockUpload(lock, NOW + LEASE_MS, NOW);
      await assert.rejects(commit(lockOf(record)), hasCode('UPLOAD_LOCKED'));
      assert.equal(await metadata.findFileByName(CONTAINER, record.folderPath, record.name), undefined);
      const outcomes = await Promise.allSettled([commit(lock), commit(lock), commit(lock)]);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      const file = await metadata.findFileByName(CONTAINER, record.folderPath, record.name);
      assert.equal(file?.version, 0, 'it became two versions');
      const found = await resumables.findUpload(CONTAINER, record.id);
      assert.deepEqual(found?.file, { id: file?.id, version: 0 });
    },
  },
  {
    name: 'is a file that was there already once, only under the lock, and makes none then',
    async run(open) {
      const { resumables, metadata, templates } = await open();
      await templates.ensureContainer(CONTAINER, NOW);
      const record = upload();
      await resumables.createUpload(record);
      const lock = lockOf(record);
      const there = { id: '11111111-2222-3333-4444-55555555', version: 3 };
      await assert.rejects(resumables.finishUpload(lock, there), hasCode('UPLOAD_LOCKED'));
      await resumables.lockUpload(lock, NOW + LEASE_MS, NOW);
      await assert.rejects(resumables.finishUpload(lockOf(record), there), hasCode('UPLOAD_LOCKED'));
      assert.equal((await resumables.findUpload(CONTAINER, record.id))?.file, undefined);
      const commit = () => metadata.commitFiles(CONTAINER, [fileOf(record, lock)], by(NOW));
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => resumables.finishUpload(lock, there)));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      await assert.rejects(commit(), hasCode('UPLOAD_LOCKED'));
      assert.equal(await metadata.findFileByName(CONTAINER, record.folderPath, record.name), undefined);
      assert.deepEqual((await resumables.findUpload(CONTAINER, record.id))?.file, there);
      const expired = upload();
      await resumables.createUpload(expired);
      const last = lockOf(expired);
      await resumables.lockUpload(last, NOW + LEASE_MS, NOW);
      await resumables.expireUpload(last);
      await assert.rejects(resumables.finishUpload(last, there), hasCode('UPLOAD_LOCKED'));
    },
  },
  {
    name: 'never becomes a file once it was expired',
    async run(open) {
      const { resumables, metadata, templates } = await open();
      await templates.ensureContainer(CONTAINER, NOW);
      const record = upload();
      await resumables.createUpload(record);
      const lock = lockOf(record);
      await resumables.lockUpload(lock, NOW + LEASE_MS, NOW);
      await resumables.expireUpload(lock);
      await assert.rejects(metadata.commitFiles(CONTAINER, [fileOf(record, lock)], by(NOW)), hasCode('UPLOAD_LOCKED'));
      await resumables.unlockUpload(lock);
      assert.deepEqual(
        (await resumables.listExpired(NOW, 10)).map(({ id }) => id),
        [record.id],
      );
    },
  },
  {
    name: 'lists what has expired and nobody has locked, the oldest first',
    async run(open) {
      const { resumables } = await open();
      const records = [3, 1, 2, 4].map((expiry) => upload({ expiresAtMs: NOW + expiry }));
      for (const record of records) await resumables.createUpload(record);
      const listed = async (nowMs: number, limit = 10) =>
        (await resumables.listExpired(nowMs, limit)).map(({ expiresAtMs }) => expiresAtMs - NOW);
      assert.deepEqual(await listed(NOW + 3), [1, 2, 3]);
      assert.deepEqual(await listed(NOW + 3, 2), [1, 2]);
      const [third] = records;
      assert.ok(third && (await resumables.lockUpload(lockOf(third), NOW + LEASE_MS, NOW)));
      assert.deepEqual(await listed(NOW + 4), [1, 2, 4]);
      assert.deepEqual(await listed(NOW + LEASE_MS), [1, 2, 3, 4]);
    },
  },
];
