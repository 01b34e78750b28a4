// What every blob store must keep, as runnable cases.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Blobs, ByteRange, WrittenBlob } from '../src/ports/blobs.ts';
import type { ContractCase } from './case.ts';

const ROOMY = { sizeMaxBytes: 1024 * 1024 * 1024 };
const MINUTE_MS = 60_000;

function sourceOf(bytes: Uint8Array, chunkBytes = 64 * 1024): Readable {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return Readable.from(chunks, { objectMode: false });
}

async function bytesOf(blobs: Blobs, blobId: string, range?: ByteRange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await blobs.read(blobId, range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function everyId(blobs: Blobs, beforeMs: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await blobs.list(beforeMs, cursor);
    ids.push(...page.blobIds);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

async function assertEmpty(blobs: Blobs): Promise<void> {
  assert.deepEqual(await everyId(blobs, Date.now() + MINUTE_MS), [], 'a blob is visible');
  assert.equal(await blobs.sweep(Date.now() + MINUTE_MS), 0, 'leavings are in the store');
}

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const bytes = (length: number) => randomBytes(length);

/** A source that gives `given` and then waits for ever. */
function stalled(given: Uint8Array): Readable {
  const source = new Readable({ read() {} });
  source.push(given);
  return source;
}

/** The guarantees of the `Blobs` port. */
export const blobsContract: readonly ContractCase<Blobs>[] = [
  {
    name: 'keeps the id that bytes had in another store, and refuses what is no id of a blob',
    async run(open) {
      const blobs = await open();
      const { blobId } = await blobs.write(sourceOf(bytes(10)), ROOMY);
      await blobs.remove([blobId]);
      for (const content of [bytes(3_000_001), bytes(100)]) {
        const written = await blobs.write(sourceOf(content), { ...ROOMY, blobId });
        assert.equal(written.blobId, blobId);
        assert.deepEqual(await bytesOf(blobs, blobId), content);
      }
      for (const text of ['', '../up', `${blobId}0`, blobId.toUpperCase().replace(/\d/g, 'A'), blobId.slice(1)]) {
        await assert.rejects(blobs.write(sourceOf(bytes(1)), { ...ROOMY, blobId: text }), TypeError, text);
      }
      assert.deepEqual(await everyId(blobs, Date.now() + MINUTE_MS), [blobId]);
    },
  },
  {
    name: 'gives back exactly the bytes that were written, with their size and checksums',
    async run(open) {
      const blobs = await open();
      for (const length of [1, 65_536, 65_537, 3_000_001]) {
        const content = bytes(length);
        const written = await blobs.write(sourceOf(content), ROOMY);
        assert.deepEqual(
          { sizeBytes: written.sizeBytes, sha1: written.sha1, sha256: written.sha256 },
          { sizeBytes: length, sha1: digest('sha1', content), sha256: digest('sha256', content) },
        );
        assert.ok(content.equals(await bytesOf(blobs, written.blobId)), `${length} bytes came back changed`);
        assert.deepEqual(await blobs.find(written.blobId), { sizeBytes: length });
      }
    },
  },
  {
    name: 'stores an empty blob',
    async run(open) {
      const blobs = await open();
      const written = await blobs.write(sourceOf(Buffer.alloc(0)), { sizeMaxBytes: 0 });
      assert.equal(written.sizeBytes, 0);
      assert.equal(written.sha1, digest('sha1', Buffer.alloc(0)));
      assert.deepEqual(await blobs.find(written.blobId), { sizeBytes: 0 });
      assert.equal((await bytesOf(blobs, written.blobId)).length, 0);
    },
  },
  {
    name: 'takes chunks of any size, one byte each among them',
    async run(open) {
      const blobs = await open();
      const content = bytes(4000);
      const written = await blobs.write(sourceOf(content, 1), { sizeMaxBytes: 4000 });
      assert.equal(written.sha256, digest('sha256', content));
      assert.ok(content.equals(await bytesOf(blobs, written.blobId)));
    },
  },
  {
    name: 'reads inclusive ranges, cut at the end of the blob',
    async run(open) {
      const blobs = await open();
      const content = bytes(700_000);
      const { blobId } = await blobs.write(sourceOf(content), ROOMY);
      const ranges: ByteRange[] = [
        { start: 0, end: 0 },
        { start: 0, end: 699_999 },
        { start: 699_999, end: 699_999 },
        { start: 1, end: 2 },
        { start: 262_143, end: 524_289 },
        { start: 699_990, end: 1_000_000 },
      ];
      for (const range of ranges) {
        const part = await bytesOf(blobs, blobId, range);
        assert.ok(content.subarray(range.start, range.end + 1).equals(part), `range ${range.start}-${range.end}`);
      }
    },
  },
  {
    name: 'takes a blob of exactly the limit and refuses one byte more, leaving nothing',
    async run(open) {
      const blobs = await open();
      for (const limit of [0, 10, 100_000]) {
        const exact = await blobs.write(sourceOf(bytes(limit)), { sizeMaxBytes: limit });
        assert.equal(exact.sizeBytes, limit);
        await blobs.remove([exact.blobId]);
        await assert.rejects(
          blobs.write(sourceOf(bytes(limit + 1)), { sizeMaxBytes: limit }),
          hasCode('PAYLOAD_TOO_LARGE'),
        );
      }
      await assertEmpty(blobs);
    },
  },
  {
    name: 'refuses at the limit without waiting for the end of the source',
    async run(open) {
      const blobs = await open();
      const source = stalled(bytes(11));
      await assert.rejects(blobs.write(source, { sizeMaxBytes: 10 }), hasCode('PAYLOAD_TOO_LARGE'));
      source.destroy();
      await assertEmpty(blobs);
    },
  },
  {
    name: 'rejects with the reason of the signal and leaves nothing, before, at the start of and during a write',
    async run(open) {
      const blobs = await open();
      const reason = new Error('the key was revoked');
      await assert.rejects(blobs.write(sourceOf(bytes(10)), { ...ROOMY, signal: AbortSignal.abort(reason) }), reason);
      for (const given of [0, 10, 2_000_000]) {
        const controller = new AbortController();
        const source = stalled(bytes(given));
        const writing = blobs.write(source, { ...ROOMY, signal: controller.signal });
        setTimeout(() => controller.abort(reason), 20);
        await assert.rejects(writing, reason);
        source.destroy();
      }
      const controller = new AbortController();
      const source = stalled(bytes(10));
      const writing = blobs.write(source, { ...ROOMY, signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(writing, reason);
      source.destroy();
      await assertEmpty(blobs);
    },
  },
  {
    name: 'rejects with the fault of the source and leaves nothing',
    async run(open) {
      const blobs = await open();
      const fault = new Error('the connection was reset');
      async function* broken() {
        yield bytes(100_000);
        throw fault;
      }
      await assert.rejects(blobs.write(Readable.from(broken(), { objectMode: false }), ROOMY), fault);
      const cut = stalled(bytes(1000));
      const writing = blobs.write(cut, ROOMY);
      cut.destroy();
      await assert.rejects(writing, 'a source that was cut off is not a whole blob');
      await assert.rejects(blobs.write(cut, ROOMY), 'a source that was cut off before is not a whole blob');
      await assertEmpty(blobs);
    },
  },
  {
    name: 'shows nothing of a write before it has ended',
    async run(open) {
      const blobs = await open();
      const source = stalled(bytes(2_000_000));
      const writing = blobs.write(source, ROOMY);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(await everyId(blobs, Date.now() + MINUTE_MS), []);
      source.push(null);
      const { blobId } = await writing;
      assert.deepEqual(await everyId(blobs, Date.now() + MINUTE_MS), [blobId]);
    },
  },
  {
    name: 'keeps many simultaneous writes apart and shows each at once to every node',
    async run(open) {
      const [blobs, other] = [await open(), await open()];
      const writes = Array.from({ length: 40 }, async (_, index) => {
        const content = bytes(index * 7919);
        const written: WrittenBlob = await (index % 2 === 0 ? blobs : other).write(sourceOf(content), ROOMY);
        assert.ok(content.equals(await bytesOf(index % 2 === 0 ? other : blobs, written.blobId)));
        return written.blobId;
      });
      const ids = await Promise.all(writes);
      assert.equal(new Set(ids).size, ids.length, 'an id was given twice');
      assert.deepEqual((await everyId(blobs, Date.now() + MINUTE_MS)).sort(), ids.toSorted());
    },
  },
  {
    name: 'gives ids that tell nothing of content or order',
    async run(open) {
      const blobs = await open();
      const content = bytes(100);
      const first = await blobs.write(sourceOf(content), ROOMY);
      const second = await blobs.write(sourceOf(content), ROOMY);
      assert.notEqual(first.blobId, second.blobId);
      for (const { blobId } of [first, second]) {
        assert.ok(blobId.length >= 22, 'an id of fewer than 128 bits can be guessed');
        assert.ok(!blobId.includes(first.sha1) && !blobId.includes(first.sha256));
      }
    },
  },
  {
    name: 'knows no blob by a text that is not an id, paths above all',
    async run(open) {
      const blobs = await open();
      const { blobId } = await blobs.write(sourceOf(bytes(10)), ROOMY);
      const texts = [
        '',
        '.',
        '..',
        '/',
        '../../../../etc/passwd',
        '/etc/passwd',
        'objects',
        `../${blobId}`,
        `./${blobId}`,
        `${blobId}/`,
        `${blobId}/.`,
        `${blobId}\0`,
        ` ${blobId}`,
        `${blobId}\n`,
        `${blobId}0`,
        blobId.slice(1),
        '%2e%2e%2f',
        'C:\\windows\\win.ini',
        'constructor',
        '\ud800',
        'x'.repeat(100_000),
        bytes(16).toString('hex'),
      ];
      for (const text of texts) {
        assert.equal(await blobs.find(text), undefined, `found ${JSON.stringify(text.slice(0, 60))}`);
        await assert.rejects(blobs.read(text), hasCode('FILE_NOT_FOUND'));
      }
      await blobs.remove(texts);
      assert.deepEqual(await blobs.find(blobId), { sizeBytes: 10 });
    },
  },
  {
    name: 'removes blobs, and takes removing twice or nothing for granted',
    async run(open) {
      const blobs = await open();
      const ids: string[] = [];
      for (let index = 0; index < 3; index += 1) ids.push((await blobs.write(sourceOf(bytes(10)), ROOMY)).blobId);
      const [first = '', second = '', third = ''] = ids;
      await blobs.remove([first, second]);
      await blobs.remove([first, second, first]);
      await blobs.remove([]);
      assert.equal(await blobs.find(first), undefined);
      await assert.rejects(blobs.read(second), hasCode('FILE_NOT_FOUND'));
      assert.deepEqual(await everyId(blobs, Date.now() + MINUTE_MS), [third]);
    },
  },
  {
    name: 'lets a read that has begun see the blob to its end although it is removed',
    async run(open) {
      const blobs = await open();
      const content = bytes(2_000_000);
      const { blobId } = await blobs.write(sourceOf(content), ROOMY);
      const reading = await blobs.read(blobId);
      await blobs.remove([blobId]);
      assert.ok(content.equals(Buffer.concat(await reading.toArray())));
    },
  },
  {
    name: 'lists every blob once in pages, and only those written before the given time',
    async run(open) {
      const blobs = await open();
      const startMs = Date.now();
      const ids = await Promise.all(
        Array.from({ length: 1100 }, async () => (await blobs.write(sourceOf(bytes(1)), ROOMY)).blobId),
      );
      const first = await blobs.list(Date.now() + MINUTE_MS);
      assert.ok(first.blobIds.length < ids.length && first.cursor !== undefined, 'everything came in one page');
      assert.deepEqual((await everyId(blobs, Date.now() + MINUTE_MS)).sort(), ids.toSorted());
      assert.deepEqual(await everyId(blobs, startMs - MINUTE_MS), []);
    },
  },
  {
    name: 'sweeps no write that is still going on',
    async run(open) {
      const blobs = await open();
      const content = bytes(300_000);
      const source = stalled(content);
      const writing = blobs.write(source, ROOMY);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await blobs.sweep(Date.now() + MINUTE_MS), 0);
      source.push(null);
      assert.ok(content.equals(await bytesOf(blobs, (await writing).blobId)));
    },
  },
  {
    name: 'keeps blobs when it is closed and opened again',
    async run(open) {
      const before = await open();
      const content = bytes(1000);
      const { blobId } = await before.write(sourceOf(content), ROOMY);
      await before.close();
      assert.ok(content.equals(await bytesOf(await open(), blobId)));
    },
  },
  {
    name: 'passes its check while it is open; once closed it refuses, also writes that had begun',
    async run(open) {
      const blobs = await open();
      await blobs.check();
      const source = stalled(bytes(1000));
      const writing = assert.rejects(blobs.write(source, ROOMY), hasCode('STORE_UNAVAILABLE'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await blobs.close();
      await writing;
      source.destroy();
      const [other, late] = [await open(), stalled(bytes(1000))];
      const begun = assert.rejects(other.write(late, ROOMY), hasCode('STORE_UNAVAILABLE'));
      await other.close();
      await begun;
      late.destroy();
      await assert.rejects(blobs.check(), hasCode('STORE_UNAVAILABLE'));
      await assert.rejects(blobs.write(sourceOf(bytes(1)), ROOMY), hasCode('STORE_UNAVAILABLE'));
      await blobs.close();
      await assertEmpty(await open());
    },
  },
];
