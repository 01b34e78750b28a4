// What every store of growing blobs must keep, as runnable cases.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Blobs } from '../src/ports/blobs.ts';
import type { PartialBlobs } from '../src/ports/partial-blobs.ts';
import type { ContractCase } from './case.ts';

/** Growing blobs together with the blobs that they become. */
export interface PartialBlobStore {
  readonly partials: PartialBlobs;
  readonly blobs: Blobs;
}

const MINUTE_MS = 60_000;
const ROOMY = { sizeMaxBytes: 1024 * 1024 * 1024 };

function sourceOf(bytes: Uint8Array, chunkBytes = 64 * 1024): Readable {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return Readable.from(chunks, { objectMode: false });
}

/** A source that gives `given` and then fails, or waits for ever. */
function broken(given: Uint8Array, how: 'fails' | 'stalls'): Readable {
  let isGiven = false;
  return new Readable({
    read() {
      if (!isGiven) this.push(given);
      else if (how === 'fails') this.destroy(new Error('the line broke'));
      isGiven = true;
    },
  });
}

async function bytesOf(blobs: Blobs, blobId: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await blobs.read(blobId)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const sha256 = (bytes: Uint8Array) =>
  ({ algorithm: 'sha256', value: createHash('sha256').update(bytes).digest() }) as const;

async function assertBecomes({ partials, blobs }: PartialBlobStore, id: string, content: Uint8Array): Promise<string> {
  const { blobId, ...measured } = await partials.finish(id);
  assert.deepEqual(measured, {
    sizeBytes: content.length,
    sha1: digest('sha1', content),
    sha256: digest('sha256', content),
  });
  assert.equal(blobId, id);
  assert.ok((await bytesOf(blobs, blobId)).equals(content), 'the blob has other bytes');
  return blobId;
}

/** The guarantees of the `PartialBlobs` port. */
export const partialBlobsContract: readonly ContractCase<PartialBlobStore>[] = [
  {
    name: 'grows by parts of any size and becomes a blob of exactly those bytes, with their checksums',
    async run(open) {
      const store = await open();
      for (const cuts of [[], [1], [1, 2, 3], [65_536, 65_537], [7_000_000]]) {
        const content = randomBytes(7_000_001);
        const id = await store.partials.create();
        let at = 0;
        for (const cut of [...cuts, content.length]) {
          assert.equal(await store.partials.size(id), at);
          const size = await store.partials.append(id, at, sourceOf(content.subarray(at, cut)), ROOMY);
          assert.equal(size, cut);
          at = cut;
        }
        await assertBecomes(store, id, content);
      }
    },
  },
  {
    name: 'makes a blob of nothing',
    async run(open) {
      const store = await open();
      await assertBecomes(store, await store.partials.create(), Buffer.alloc(0));
    },
  },
  {
    name: 'shows no blob before the end',
    async run(open) {
      const { partials, blobs } = await open();
      const id = await partials.create();
      await partials.append(id, 0, sourceOf(randomBytes(1000)), ROOMY);
      assert.deepEqual((await blobs.list(Date.now() + MINUTE_MS)).blobIds, []);
      assert.equal(await blobs.find(id), undefined);
    },
  },
  {
    name: 'goes on where it was after the store was opened again, and by another node',
    async run(open) {
      const content = randomBytes(300_000);
      const first = await open();
      const id = await first.partials.create();
      await first.partials.append(id, 0, sourceOf(content.subarray(0, 100_000)), ROOMY);
      const second = await open();
      assert.equal(await second.partials.size(id), 100_000);
      await second.partials.append(id, 100_000, sourceOf(content.subarray(100_000, 200_000)), ROOMY);
      assert.equal(await first.partials.size(id), 200_000);
      await first.partials.append(id, 200_000, sourceOf(content.subarray(200_000)), ROOMY);
      await assertBecomes(await open(), id, content);
    },
  },
  {
    name: 'keeps what a broken source gave, and goes on behind it',
    async run(open) {
      const store = await open();
      const content = randomBytes(200_000);
      const id = await store.partials.create();
      await assert.rejects(
        store.partials.append(id, 0, broken(content.subarray(0, 70_000), 'fails'), ROOMY),
        /the line broke/,
      );
      const size = await store.partials.size(id);
      assert.equal(size, 70_000);
      await store.partials.append(id, 70_000, sourceOf(content.subarray(70_000)), ROOMY);
      await assertBecomes(store, id, content);
    },
  },
  {
    name: 'ends at the signal with its reason, keeps what flowed and leaves the source open',
    async run(open) {
      const { partials } = await open();
      const id = await partials.create();
      const stop = new AbortController();
      const source = broken(randomBytes(50_000), 'stalls');
      const appended = partials.append(id, 0, source, { ...ROOMY, signal: stop.signal });
      setTimeout(() => stop.abort(new Error('enough')), 50);
      await assert.rejects(appended, /enough/);
      assert.equal(source.destroyed, false, 'the source belongs to the caller');
      assert.equal(await partials.size(id), 50_000);
      source.destroy();
      await assert.rejects(
        partials.append(id, 50_000, sourceOf(randomBytes(1)), { ...ROOMY, signal: stop.signal }),
        /enough/,
      );
    },
  },
  {
    name: 'refuses an append that does not begin at the size, and says what the size is',
    async run(open) {
      const { partials } = await open();
      const id = await partials.create();
      await partials.append(id, 0, sourceOf(randomBytes(10)), ROOMY);
      for (const offset of [0, 9, 11, Number.MAX_SAFE_INTEGER]) {
        await assert.rejects(
          partials.append(id, offset, sourceOf(randomBytes(5)), ROOMY),
          hasCode('UPLOAD_OFFSET_MISMATCH'),
        );
      }
      assert.equal(await partials.size(id), 10);
    },
  },
  {
    name: 'takes at most so many bytes as are allowed',
    async run(open) {
      const store = await open();
      const content = randomBytes(100);
      const id = await store.partials.create();
      await assert.rejects(
        store.partials.append(id, 0, sourceOf(content, 1), { sizeMaxBytes: 99 }),
        hasCode('PAYLOAD_TOO_LARGE'),
      );
      const kept = (await store.partials.size(id)) ?? 0;
      assert.ok(kept <= 99, 'more than was allowed');
      await store.partials.append(id, kept, sourceOf(content.subarray(kept)), { sizeMaxBytes: 100 - kept });
      await assertBecomes(store, id, content);
    },
  },
  {
    name: 'takes a part with a digest whole or not at all',
    async run(open) {
      const store = await open();
      const content = randomBytes(400_000);
      const id = await store.partials.create();
      const [head, tail] = [content.subarray(0, 150_000), content.subarray(150_000)];
      await store.partials.append(id, 0, sourceOf(head), { ...ROOMY, digest: sha256(head) });
      await assert.rejects(
        store.partials.append(id, 150_000, sourceOf(tail), { ...ROOMY, digest: sha256(head) }),
        hasCode('UPLOAD_CHECKSUM_MISMATCH'),
      );
      assert.equal(await store.partials.size(id), 150_000);
      await assert.rejects(
        store.partials.append(id, 150_000, broken(tail.subarray(0, 1000), 'fails'), { ...ROOMY, digest: sha256(tail) }),
        /the line broke/,
      );
      assert.equal(await store.partials.size(id), 150_000);
      await store.partials.append(id, 150_000, sourceOf(tail), { ...ROOMY, digest: sha256(tail) });
      await assertBecomes(store, id, content);
    },
  },
  {
    name: 'refuses a second append at the same time on one node',
    async run(open) {
      const { partials } = await open();
      const id = await partials.create();
      const stop = new AbortController();
      const source = broken(randomBytes(10), 'stalls');
      const first = partials.append(id, 0, source, { ...ROOMY, signal: stop.signal });
      await assert.rejects(partials.append(id, 0, sourceOf(randomBytes(5)), ROOMY), hasCode('UPLOAD_LOCKED'));
      stop.abort(new Error('enough'));
      await assert.rejects(first, /enough/);
      source.destroy();
      const size = (await partials.size(id)) ?? 0;
      assert.equal(await partials.append(id, size, sourceOf(randomBytes(5)), ROOMY), size + 5);
    },
  },
  {
    name: 'finishes again with the same answer',
    async run(open) {
      const store = await open();
      const content = randomBytes(10_000);
      const id = await store.partials.create();
      await store.partials.append(id, 0, sourceOf(content), ROOMY);
      const blobId = await assertBecomes(store, id, content);
      assert.equal(await store.partials.size(id), content.length);
      assert.equal(await assertBecomes(store, id, content), blobId);
      assert.equal(await assertBecomes(await open(), id, content), blobId);
    },
  },
  {
    name: 'discards a partial blob, and one that has become a blob, completely',
    async run(open) {
      const { partials, blobs } = await open();
      const [begun, finished] = [await partials.create(), await partials.create()];
      for (const id of [begun, finished]) await partials.append(id, 0, sourceOf(randomBytes(10)), ROOMY);
      const { blobId } = await partials.finish(finished);
      for (const id of [begun, finished]) {
        await partials.discard(id);
        await partials.discard(id);
        assert.equal(await partials.size(id), undefined);
        await assert.rejects(partials.append(id, 10, sourceOf(randomBytes(1)), ROOMY), hasCode('UPLOAD_NOT_FOUND'));
        await assert.rejects(partials.finish(id), hasCode('UPLOAD_NOT_FOUND'));
      }
      assert.equal(await blobs.find(blobId), undefined);
      assert.equal(await partials.sweep(Date.now() + MINUTE_MS), 0);
    },
  },
  {
    name: 'finds nothing under a text that it did not give out',
    async run(open) {
      const { partials } = await open();
      for (const id of ['', 'nothing', '../escape', '..', 'a/b', '0'.repeat(32), `${'0'.repeat(31)}\0`]) {
        assert.equal(await partials.size(id), undefined, id);
        await assert.rejects(partials.append(id, 0, sourceOf(randomBytes(1)), ROOMY), hasCode('UPLOAD_NOT_FOUND'), id);
        await assert.rejects(partials.finish(id), hasCode('UPLOAD_NOT_FOUND'), id);
        await partials.discard(id);
      }
    },
  },
  {
    name: 'sweeps what nothing was added to for long, and nothing else',
    async run(open) {
      const store = await open();
      const { partials } = store;
      const content = randomBytes(10);
      const [finished, left] = [await partials.create(), await partials.create()];
      for (const id of [finished, left]) await partials.append(id, 0, sourceOf(content), ROOMY);
      assert.equal(await partials.sweep(Date.now() - MINUTE_MS), 0);
      const blobId = await assertBecomes(store, finished, content);
      assert.equal(await partials.sweep(Date.now() + MINUTE_MS), 1);
      assert.equal(await partials.size(left), undefined);
      assert.ok(await store.blobs.find(blobId));
    },
  },
  {
    name: 'refuses everything once it is closed, and keeps what flowed before',
    async run(open) {
      const { partials } = await open();
      const id = await partials.create();
      const source = broken(randomBytes(10), 'stalls');
      const running = assert.rejects(partials.append(id, 0, source, ROOMY), hasCode('STORE_UNAVAILABLE'));
      await new Promise((wake) => setTimeout(wake, 50));
      await partials.close();
      await running;
      source.destroy();
      const unavailable = hasCode('STORE_UNAVAILABLE');
      await assert.rejects(partials.create(), unavailable);
      await assert.rejects(partials.size(id), unavailable);
      await assert.rejects(partials.append(id, 10, sourceOf(randomBytes(1)), ROOMY), unavailable);
      await assert.rejects(partials.finish(id), unavailable);
      assert.equal(await (await open()).partials.size(id), 10);
    },
  },
];
