// Runs the contract of growing blobs on disk and on S3, and what a crash does to files.
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { openProxy } from '../../../../tools/proxy.ts';
import { type PartialBlobStore, partialBlobsContract } from '../../contract/partial-blobs.ts';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from '../../src/adapters/disk/partial-blobs.ts';
import { openS3Blobs } from '../../src/adapters/s3/blobs.ts';
import { openS3PartialBlobs } from '../../src/adapters/s3/partial-blobs.ts';
import { createBucket, s3Url } from '../support/s3.ts';

const MIB = 1024 * 1024;
const SYSTEM = { now: Date.now, random: randomBytes };
let folder: string;
let opened: PartialBlobStore[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-partial-'));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.flatMap(({ partials, blobs }) => [partials.close(), blobs.close()]));
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<PartialBlobStore> {
  const partials = await openDiskPartialBlobs(folder, SYSTEM);
  const store = { partials, blobs: await openDiskBlobs(folder, SYSTEM) };
  opened.push(store);
  return store;
}

const sourceOf = (text: string) => Readable.from([Buffer.from(text)]);
const inChunks = (bytes: Buffer) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, n) => bytes.subarray(n * 65_536, (n + 1) * 65_536)),
  );
const pathOf = (id: string) => join(folder, 'partial', id);

describe('the contract of growing blobs on disk', () => {
  test.each(partialBlobsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(open);
    },
  );
});

describe.skipIf(s3Url === undefined)('the contract of growing blobs on S3', () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await createBucket(s3Url ?? '');
  });

  test.each(partialBlobsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      const url = bucket.replace('?', `/${randomBytes(6).toString('hex')}?`);
      await run(async () => {
        const store = { partials: await openS3PartialBlobs(url, SYSTEM), blobs: await openS3Blobs(url, SYSTEM) };
        opened.push(store);
        return store;
      });
    },
  );
});

describe.skipIf(s3Url === undefined)('growing blobs on S3', () => {
  it('are joined by the store itself, whose bytes do not go out and back again', async () => {
    const bucket = await createBucket(s3Url ?? '');
    const { hostname, port } = new URL(/endpoint=([^&]+)/.exec(bucket)?.[1] ?? '');
    const proxy = await openProxy(Number(port), hostname);
    const url = bucket.replace(`${hostname}:${port}`, `127.0.0.1:${proxy.port}`);
    const store = { partials: await openS3PartialBlobs(url, SYSTEM), blobs: await openS3Blobs(url, SYSTEM) };
    opened.push(store);
    try {
      const content = randomBytes(20 * MIB + 3);
      const id = await store.partials.create();
      const cut = 3 * MIB;
      const sizeMaxBytes = content.length;
      await store.partials.append(id, 0, inChunks(content.subarray(0, cut)), { sizeMaxBytes });
      await store.partials.append(id, cut, inChunks(content.subarray(cut)), { sizeMaxBytes });
      const before = proxy.sentBytes();
      const { blobId, sizeBytes, sha256 } = await store.partials.finish(id);
      // Of the pieces of 3, 8, 8 and 1 MiB the first goes out again with as much as it lacks to be a part, and the last.
      expect(proxy.sentBytes() - before).toBeLessThan(6.1 * MIB);
      expect(sizeBytes).toBe(content.length);
      expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
      const read = Buffer.concat(await (await store.blobs.read(blobId)).toArray());
      expect(read.equals(content)).toBe(true);
    } finally {
      await proxy.close();
    }
  });
});

describe('growing blobs in files', () => {
  it('forgets bytes that a crash left behind the durable ones', async () => {
    const { partials } = await open();
    const id = await partials.create();
    await partials.append(id, 0, sourceOf('durable'), { sizeMaxBytes: 100 });
    await appendFile(pathOf(id), Buffer.alloc(5000));
    const { partials: after, blobs } = await open();
    expect(await after.size(id)).toBe(7);
    await after.append(id, 7, sourceOf(' and more'), { sizeMaxBytes: 100 });
    await appendFile(pathOf(id), 'torn');
    const { blobId, sizeBytes } = await after.finish(id);
    expect(sizeBytes).toBe(16);
    expect(Buffer.concat(await (await blobs.read(blobId)).toArray()).toString()).toBe('durable and more');
    expect(await readdir(join(folder, 'partial'))).toEqual([]);
  });

  it('goes on after a crash between the move and its end', async () => {
    const { partials } = await open();
    const id = await partials.create();
    await partials.append(id, 0, sourceOf('whole'), { sizeMaxBytes: 100 });
    const first = await partials.finish(id);
    await writeFile(`${pathOf(id)}.size`, '0000000000000005');
    expect(await partials.size(id)).toBe(5);
    expect(await partials.finish(id)).toEqual(first);
    expect(await readdir(join(folder, 'partial'))).toEqual([]);
  });

  it('follows no symbolic link', async () => {
    const { partials } = await open();
    const outside = join(folder, 'outside');
    await writeFile(outside, 'secret');
    const id = 'ab'.repeat(16);
    await symlink(outside, pathOf(id));
    await writeFile(`${pathOf(id)}.size`, '0000000000000006');
    expect(await partials.size(id)).toBeUndefined();
    const written = partials.append(id, 6, sourceOf('x'), { sizeMaxBytes: 100 });
    await expect(written).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' });
    await expect(partials.finish(id)).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' });
  });
});
