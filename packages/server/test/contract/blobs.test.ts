// Runs the blob contract on disk and on S3, and what only a store in folders can get wrong.

import { randomBytes } from 'node:crypto';
import {
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { type CutProxy, openProxy } from '../../../../tools/proxy.ts';
import { blobsContract } from '../../contract/blobs.ts';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { createDirectoryFlush } from '../../src/adapters/disk/directory-flush.ts';
import { openS3Blobs } from '../../src/adapters/s3/blobs.ts';
import { openS3PartialBlobs } from '../../src/adapters/s3/partial-blobs.ts';
import type { Blobs, LinkedBlobs } from '../../src/ports/blobs.ts';
import type { PartialBlobs } from '../../src/ports/partial-blobs.ts';
import { allowPages, createBucket, s3Url } from '../support/s3.ts';

let folder: string;
let opened: Blobs[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-blobs-'));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((blobs) => blobs.close()));
  await rm(folder, { recursive: true, force: true });
});

async function open(random: (size: number) => Uint8Array = randomBytes): Promise<Blobs> {
  const blobs = await openDiskBlobs(join(folder, 'blobs'), { random });
  opened.push(blobs);
  return blobs;
}

const write = (blobs: Blobs, text: string) => blobs.write(Readable.from([Buffer.from(text)]), { sizeMaxBytes: 1000 });
const pathOf = (blobId: string) => join(folder, 'blobs', 'objects', blobId.slice(0, 2), blobId.slice(2, 4), blobId);
const laterMs = () => Date.now() + 60_000;

describe('the blob contract on disk', () => {
  test.each(blobsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => open());
    },
  );
});

describe.skipIf(s3Url === undefined)('the blob contract on S3', () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await createBucket(s3Url ?? '');
  });

  test.each(blobsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      // A prefix of its own for every case, so that it begins with an empty store.
      const url = bucket.replace('?', `/${randomBytes(6).toString('hex')}?`);
      await run(async () => {
        const blobs = await openS3Blobs(url, { now: Date.now, random: randomBytes });
        opened.push(blobs);
        return blobs;
      });
    },
  );
});

describe.skipIf(s3Url === undefined)('addresses of blobs on S3', () => {
  const answer = {
    contentType: 'text/plain; charset=utf-8',
    disposition: `attachment; filename="a _b_.txt"; filename*=UTF-8''a%20%C3%A9%27.txt`,
    cacheControl: 'private, no-cache',
  };
  let bucket: string;
  let blobs: Blobs & LinkedBlobs;
  beforeAll(async () => {
    bucket = await createBucket(s3Url ?? '');
  });
  beforeEach(async () => {
    blobs = await openS3Blobs(bucket.replace('?', '/some%20where?'), { now: Date.now, random: randomBytes });
    opened.push(blobs);
  });

  it('give out the bytes, whole and in ranges, as what they were said to be, to anybody', async () => {
    const { blobId } = await write(blobs, '0123456789');
    const address = await blobs.linkTo(blobId, answer, 60);
    const whole = await fetch(address);
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
    expect(whole.headers.get('content-type')).toBe(answer.contentType);
    expect(whole.headers.get('content-disposition')).toBe(answer.disposition);
    expect(whole.headers.get('cache-control')).toBe(answer.cacheControl);
    const part = await fetch(address, { headers: { range: 'bytes=2-4' } });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10']);
  });

  it('are good for this blob, these headers and this time only, and for reading', async () => {
    const [one, other] = [await write(blobs, 'one'), await write(blobs, 'other')];
    const address = await blobs.linkTo(one.blobId, answer, 60);
    const statusOf = async (url: string, init?: RequestInit) => {
      const response = await fetch(url, init);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await statusOf(address)).toBe(200);
    expect(await statusOf(address.replace(one.blobId, other.blobId))).toBe(403);
    expect(await statusOf(address.replace('attachment', 'inline'))).toBe(403);
    expect(await statusOf(address.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'))).toBe(403);
    expect(await statusOf(address, { method: 'DELETE' })).toBe(403);
    expect(await statusOf(address, { method: 'PUT', body: 'x' })).toBe(403);
    const late = await openS3Blobs(bucket.replace('?', '/some%20where?'), {
      now: () => Date.now() - 61_000,
      random: randomBytes,
    });
    opened.push(late);
    expect(await statusOf(await late.linkTo(one.blobId, answer, 60))).toBe(403);
    await expect(blobs.linkTo('../../other', answer, 60)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('can be read by pages, which a redirection has made anonymous, once the bucket allows it', async () => {
    const { blobId } = await write(blobs, 'for pages');
    await allowPages(bucket);
    const address = await blobs.linkTo(blobId, answer, 60);
    const read = await fetch(address, { headers: { origin: 'null', range: 'bytes=0-2' } });
    expect([read.status, await read.text()]).toEqual([206, 'for']);
    expect(read.headers.get('access-control-allow-origin')).toBe('*');
    expect(read.headers.get('access-control-expose-headers')).toContain('Content-Range');
  });

  it('lead to where browsers reach the store', async () => {
    const { blobId } = await write(blobs, 'x');
    const elsewhere = await openS3Blobs(
      `${bucket.replace('?', '/some%20where?')}&public_endpoint=https://files.example`,
      {
        now: Date.now,
        random: randomBytes,
      },
    );
    opened.push(elsewhere);
    expect([blobs.linkOrigin, elsewhere.linkOrigin]).toEqual([
      new URL(/endpoint=([^&]+)/.exec(bucket)?.[1] ?? '').origin,
      'https://files.example',
    ]);
    expect(await elsewhere.linkTo(blobId, answer, 60)).toMatch(
      new RegExp(`^https://files\\.example/[a-z0-9-]+/some%20where/objects/${blobId}\\?`),
    );
  });
});

describe.skipIf(s3Url === undefined)('an S3 store that says nothing', () => {
  const MIB = 1024 * 1024;
  const PATIENCE = { stallMs: 2000 };
  /** The longest that a caller waits: a part that the system has taken in is given as long again. */
  const BOUND_MS = 3 * PATIENCE.stallMs + 2000;
  let proxy: CutProxy;
  let blobs: Blobs & LinkedBlobs;
  let partials: PartialBlobs;

  beforeEach(async () => {
    const bucket = await createBucket(s3Url ?? '');
    const { hostname, port } = new URL(/endpoint=([^&]+)/.exec(bucket)?.[1] ?? '');
    proxy = await openProxy(Number(port), hostname);
    const url = bucket.replace(`${hostname}:${port}`, `127.0.0.1:${proxy.port}`);
    blobs = await openS3Blobs(url, { now: Date.now, random: randomBytes }, PATIENCE);
    partials = await openS3PartialBlobs(url, { random: randomBytes }, PATIENCE);
    opened.push(blobs);
  });
  afterEach(async () => {
    proxy.cut();
    await partials.close();
    await blobs.close();
    await proxy.close();
  });

  const inChunks = (bytes: Buffer) =>
    Readable.from(
      Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, n) => bytes.subarray(n * 65_536, (n + 1) * 65_536)),
    );
  const room = { sizeMaxBytes: 1024 * MIB };

  it('is given up in bounded time whatever it was asked, nothing of it stays behind, and it is used again when it speaks', async () => {
    const kept = randomBytes(100);
    const { blobId } = await blobs.write(inChunks(kept), room);
    const [partialId, otherId] = [await partials.create(), await partials.create()];
    const underWay = new Readable({ read() {} });
    underWay.push(randomBytes(9 * MIB));
    const cutOff = blobs.write(underWay, room);
    cutOff.catch(() => undefined);
    await expect.poll(() => proxy.sentBytes()).toBeGreaterThan(8 * MIB);
    proxy.freeze();
    const begunMs = performance.now();
    underWay.push(null);
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      'a write that was under way': () => cutOff,
      'a small write': () => write(blobs, 'small'),
      'a write of several parts': () => blobs.write(inChunks(randomBytes(20 * MIB)), room),
      'a read': () => blobs.read(blobId),
      'a look': () => blobs.find(blobId),
      'a listing': () => blobs.list(laterMs()),
      'a removal': () => blobs.remove(['ab'.repeat(16)]),
      'a sweep': () => blobs.sweep(0),
      'a check': () => blobs.check(),
      'an upload that begins': () => partials.create(),
      'an upload that goes on': () => partials.append(partialId, 0, inChunks(randomBytes(9 * MIB)), room),
      'an upload that ends': () => partials.finish(otherId),
    };
    const took = Object.entries(calls).map(async ([name, call]) => {
      await expect(call(), name).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      return [name, performance.now() - begunMs] as const;
    });
    const waits = await Promise.all(took);
    console.log(
      `given up after ms, with ${PATIENCE.stallMs} of silence: ${waits.map(([name, ms]) => `${name} ${Math.round(ms)}`).join(', ')}`,
    );
    for (const [name, ms] of waits) expect(ms, name).toBeLessThan(BOUND_MS);

    proxy.restore();
    await blobs.check();
    expect(Buffer.concat(await (await blobs.read(blobId)).toArray()).equals(kept)).toBe(true);
    await partials.append(partialId, 0, inChunks(kept), room);
    expect((await partials.finish(partialId)).sizeBytes).toBe(kept.length);
    // What it was sent before it fell silent may be written when it wakes up: then it lies there whole and nobody knows of it, as after a crash.
    await expect
      .poll(async () => {
        const { blobIds } = await blobs.list(laterMs());
        await blobs.remove(blobIds.filter((id) => id !== blobId && id !== partialId));
        return (await partials.sweep(laterMs())) + (await blobs.sweep(laterMs()));
      })
      .toBe(0);
    expect((await blobs.list(laterMs())).blobIds.toSorted()).toEqual([blobId, partialId].toSorted());
  });

  it('in the middle of an answer ends it; a reader may be silent for as long as it likes', async () => {
    const content = randomBytes(32 * MIB);
    const { blobId } = await blobs.write(inChunks(content), room);
    const [slow, broken] = [await blobs.read(blobId), await blobs.read(blobId)];
    const first = (await slow[Symbol.asyncIterator]().next()) as { value: Buffer };
    proxy.freeze();
    // Reading what has come already goes on; then there is no more.
    const begunMs = performance.now();
    await expect(broken.toArray()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(performance.now() - begunMs).toBeGreaterThan(PATIENCE.stallMs - 100);
    expect(performance.now() - begunMs).toBeLessThan(BOUND_MS);
    proxy.restore();
    expect(slow.destroyed).toBe(false);
    const rest = await slow.toArray();
    expect(Buffer.concat([first.value, ...rest]).equals(content)).toBe(true);
  });

  it('is another thing than one that is slow: what moves is not given up, however long it takes', async () => {
    proxy.slow(12 * MIB);
    const content = randomBytes(48 * MIB);
    const begunMs = performance.now();
    const { blobId, sizeBytes } = await blobs.write(inChunks(content), room);
    expect(sizeBytes).toBe(content.length);
    expect(Buffer.concat(await (await blobs.read(blobId)).toArray()).equals(content)).toBe(true);
    expect(performance.now() - begunMs).toBeGreaterThan(3 * PATIENCE.stallMs);
  });

  it('leaves what a check of it wrote to the sweep', async () => {
    proxy.freeze();
    await expect(blobs.check()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    proxy.restore();
    await expect.poll(() => blobs.sweep(laterMs())).toBe(1);
    expect(await blobs.sweep(laterMs())).toBe(0);
  });
});

describe('blobs in folders', () => {
  it('names files by the random id alone, readable by nobody else', async () => {
    const { blobId } = await write(await open(), 'content');
    expect(blobId).toMatch(/^[0-9a-f]{32}$/);
    expect(await readFile(pathOf(blobId), 'utf8')).toBe('content');
    const { mode } = await stat(pathOf(blobId));
    expect(mode & 0o077).toBe(0);
    expect(await readdir(join(folder, 'blobs', 'incoming'))).toEqual([]);
  });

  it('refuses symbolic links in the place of a blob, of either folder above it, and of its own folders', async () => {
    const blobs = await open();
    const outside = join(folder, 'outside');
    const id = 'abcd'.padEnd(32, '0');
    await mkdir(join(outside, 'cd'), { recursive: true });
    await writeFile(join(outside, 'cd', id), 'secret');
    const links: [link: string, target: string][] = [
      [pathOf(id), join(outside, 'cd', id)],
      [join(folder, 'blobs', 'objects', 'ab', 'cd'), join(outside, 'cd')],
      [join(folder, 'blobs', 'objects', 'ab'), outside],
    ];
    for (const [link, target] of links) {
      await mkdir(join(link, '..'), { recursive: true });
      await symlink(target, link);
      expect(await blobs.find(id), link).toBeUndefined();
      await expect(blobs.read(id), link).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
      expect((await blobs.list(laterMs())).blobIds, link).toEqual([]);
      await blobs.remove([id]);
      expect(await readFile(join(outside, 'cd', id), 'utf8'), link).toBe('secret');
      await rm(join(folder, 'blobs', 'objects', 'ab'), { recursive: true, force: true });
    }
    await rm(join(folder, 'blobs', 'objects'), { recursive: true });
    await symlink(outside, join(folder, 'blobs', 'objects'));
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('writes nothing through a symbolic link in the place of a folder', async () => {
    const blobs = await open(() => new Uint8Array(16).fill(0xab));
    const outside = join(folder, 'outside');
    await mkdir(join(folder, 'blobs', 'objects', 'ab'), { recursive: true });
    await mkdir(outside);
    await symlink(outside, join(folder, 'blobs', 'objects', 'ab', 'ab'));
    await expect(write(blobs, 'content')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readdir(outside)).toEqual([]);
    expect(await blobs.sweep(laterMs())).toBe(0);
  });

  it('sweeps what unfinished writes of a dead process left, and only what is old enough', async () => {
    const blobs = await open();
    const old = join(folder, 'blobs', 'incoming', 'a'.repeat(32));
    const young = join(folder, 'blobs', 'incoming', 'b'.repeat(32));
    await writeFile(old, 'half');
    await writeFile(young, 'half');
    await utimes(old, 1000, 1000);
    expect(await blobs.sweep(2_000_000)).toBe(1);
    expect(await readdir(join(folder, 'blobs', 'incoming'))).toEqual(['b'.repeat(32)]);
  });

  it('answers STORE_UNAVAILABLE, not "no such file", when the volume is gone', async () => {
    const blobs = await open();
    const { blobId } = await write(blobs, 'content');
    await rm(join(folder, 'blobs'), { recursive: true });
    const unavailable = { code: 'STORE_UNAVAILABLE', cause: { code: 'ENOENT' } };
    await expect(blobs.read(blobId)).rejects.toMatchObject(unavailable);
    await expect(blobs.find(blobId)).rejects.toMatchObject(unavailable);
    await expect(write(blobs, 'content')).rejects.toMatchObject(unavailable);
    await expect(blobs.check()).rejects.toMatchObject(unavailable);
  });

  it('answers STORE_UNAVAILABLE when the folder cannot be made', async () => {
    await writeFile(join(folder, 'blobs'), 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: 'EEXIST' } });
  });

  it('answers STORE_UNAVAILABLE while it cannot write, and recovers', async () => {
    const blobs = await open();
    await rm(join(folder, 'blobs', 'incoming'), { recursive: true });
    await writeFile(join(folder, 'blobs', 'incoming'), 'in the way');
    await expect(write(blobs, 'content')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(blobs.check()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await rm(join(folder, 'blobs', 'incoming'));
    await mkdir(join(folder, 'blobs', 'incoming'));
    await expect(blobs.check()).resolves.toBeUndefined();
    await expect(write(blobs, 'content')).resolves.toMatchObject({ sizeBytes: 7 });
  });

  it('acknowledges nothing of which any part could not be flushed, although the device says so only once', async () => {
    const blobs = await open();
    const handle = await openFile(join(folder, 'any'), 'w');
    const fault = Object.assign(new Error('i/o error'), { code: 'EIO' });
    const flush = vi.spyOn(Object.getPrototypeOf(handle), 'datasync').mockRejectedValueOnce(fault);
    await handle.close();
    try {
      const part = Buffer.alloc(1024 * 1024);
      const written = blobs.write(Readable.from(Array.from({ length: 40 }, () => part)), { sizeMaxBytes: 2 ** 30 });
      await expect(written).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: fault });
      expect(flush).toHaveBeenCalled();
      expect((await blobs.list(laterMs())).blobIds).toEqual([]);
      expect(await readdir(join(folder, 'blobs', 'incoming'))).toEqual([]);
    } finally {
      flush.mockRestore();
    }
  });

  it('leaves the source alone when it refuses, so that the caller can still answer', async () => {
    const blobs = await open();
    const source = new Readable({ read() {} });
    source.push(Buffer.alloc(20));
    await expect(blobs.write(source, { sizeMaxBytes: 10 })).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(source.destroyed).toBe(false);
    source.on('error', () => undefined).destroy(new Error('later'));
  });

  it('holds a large blob in neither direction in memory', async () => {
    const blobs = await open();
    const chunk = randomBytes(64 * 1024);
    let left = 2048;
    const source = new Readable({
      read() {
        left -= 1;
        this.push(left < 0 ? null : chunk);
      },
    });
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 5);
    const { blobId, sizeBytes } = await blobs.write(source, { sizeMaxBytes: 2 ** 30 });
    let read = 0;
    for await (const part of await blobs.read(blobId)) read += part.length;
    clearInterval(watch);
    expect([sizeBytes, read]).toEqual([2048 * 64 * 1024, 2048 * 64 * 1024]);
    expect(peak).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('the shared directory flush', () => {
  it('lets a caller that comes during a flush wait for one that starts afterwards, shared by all such callers', async () => {
    const flushes: { path: string; end: () => void }[] = [];
    const flush = createDirectoryFlush((path) => new Promise((end) => flushes.push({ path, end })));
    const ended: string[] = [];
    const call = (name: string, path = '/a') => flush(path).then(() => ended.push(name));
    const calls = [call('first'), call('second'), call('third'), call('other', '/b')];
    expect(flushes.map(({ path }) => path)).toEqual(['/a', '/b']);
    flushes[0]?.end();
    await calls[0];
    expect(ended).toEqual(['first']);
    expect(flushes.map(({ path }) => path)).toEqual(['/a', '/b', '/a']);
    flushes[1]?.end();
    flushes[2]?.end();
    await Promise.all(calls);
    expect(ended.toSorted()).toEqual(['first', 'other', 'second', 'third']);
    expect(flushes).toHaveLength(3);
  });

  it('lets those who wait try again when a flush fails', async () => {
    let attempts = 0;
    const flush = createDirectoryFlush(async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('EIO');
    });
    const [first, second] = [flush('/a'), flush('/a')];
    await expect(first).rejects.toThrow('EIO');
    await expect(second).resolves.toBeUndefined();
  });
});
