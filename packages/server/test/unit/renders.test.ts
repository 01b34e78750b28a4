// Renditions in a folder: made once, bounded, the least recently used removed first, harmless when the disk fails.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDiskRenders } from '../../src/adapters/disk/renders.ts';
import { AppError } from '../../src/errors.ts';
import { renderPublicFile } from '../../src/operations/renders.ts';
import type { Images } from '../../src/ports/images.ts';
import type { FileRecord } from '../../src/ports/metadata.ts';

const DAY_MS = 24 * 60 * 60_000;

let folder: string;
let nowMs: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-renders-'));
  nowMs = Date.UTC(2026, 0, 15);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (sizeMaxBytes = 1_000_000) => openDiskRenders({ folder, sizeMaxBytes, now: () => nowMs });
const id = (content: string, variant = 'v') => ({ content, variant });

async function kept(): Promise<number> {
  const fans = await readdir(folder);
  return (await Promise.all(fans.map((fan) => readdir(join(folder, fan))))).flat().length;
}

test('a rendition is made once, for callers at the same time and for another node on the folder', async () => {
  const [one, two] = [await open(), await open()];
  let made = 0;
  const make = async () => {
    made += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return Buffer.from('picture');
  };
  const all = await Promise.all(Array.from({ length: 50 }, () => one.obtain(id('a'), make)));
  expect(all.every((bytes) => Buffer.from(bytes).equals(Buffer.from('picture')))).toBe(true);
  expect(Buffer.from(await two.obtain(id('a'), make)).toString()).toBe('picture');
  expect(made).toBe(1);
  await one.obtain(id('a', 'other'), make);
  await one.obtain(id('b'), make);
  expect(made).toBe(3);
});

test('unreadable content is refused for ten minutes in every variant; other failures are tried again at once', async () => {
  const renders = await open();
  let tried = 0;
  const fail = (code: 'IMAGE_UNREADABLE' | 'IMAGES_BUSY') => async () => {
    tried += 1;
    throw new AppError(code);
  };
  for (const variant of ['a', 'a', 'b']) {
    await expect(renders.obtain(id('bad', variant), fail('IMAGE_UNREADABLE'))).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  }
  expect(tried).toBe(1);
  nowMs += 10 * 60_000;
  await expect(renders.obtain(id('bad'), fail('IMAGE_UNREADABLE'))).rejects.toThrow();
  expect(tried).toBe(2);
  for (const _ of [1, 2]) await expect(renders.obtain(id('busy'), fail('IMAGES_BUSY'))).rejects.toThrow();
  expect(tried).toBe(4);
});

test('a variant that cannot be drawn is refused by itself, and with two others all of the content, for ten minutes', async () => {
  const renders = await open();
  let tried = 0;
  const fail = async () => {
    tried += 1;
    throw new AppError('RENDITION_FAILED');
  };
  const draw = async () => Buffer.from('picture');
  for (const variant of ['a', 'a', 'b']) {
    await expect(renders.obtain(id('heavy', variant), fail)).rejects.toMatchObject({ code: 'RENDITION_FAILED' });
  }
  expect(tried).toBe(2);
  // Whoever asks for something else of it gets that.
  expect(Buffer.from(await renders.obtain(id('heavy', 'small'), draw)).toString()).toBe('picture');
  await expect(renders.obtain(id('heavy', 'c'), fail)).rejects.toMatchObject({ code: 'RENDITION_FAILED' });
  for (const variant of ['a', 'd', 'e']) {
    await expect(renders.obtain(id('heavy', variant), fail)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  }
  expect(tried).toBe(3);
  expect(Buffer.from(await renders.obtain(id('heavy', 'small'), fail)).toString()).toBe('picture');
  expect(Buffer.from(await renders.obtain(id('other', 'a'), draw)).toString()).toBe('picture');
  nowMs += 10 * 60_000;
  expect(Buffer.from(await renders.obtain(id('heavy', 'a'), draw)).toString()).toBe('picture');
});

test('a sweep removes what was used least recently until the rest fits, and what nobody used for a month', async () => {
  // The bound is wide while the pictures are made, so that only the sweep of this test removes any.
  const wide = await open(1e9);
  const make = async () => randomBytes(4096);
  for (let index = 0; index < 10; index += 1) {
    await wide.obtain(id(`${index}`), make);
    nowMs += DAY_MS / 10;
  }
  await wide.obtain(id('0'), make);
  const narrow = await open(5 * 4096);
  expect(await narrow.sweep(nowMs)).toBe(6);
  let made = 0;
  const remake = async () => {
    made += 1;
    return randomBytes(4096);
  };
  for (const name of ['0', '9', '8', '7']) await wide.obtain(id(name), remake);
  expect(made).toBe(0);
  await wide.obtain(id('1'), remake);
  expect(made).toBe(1);
  expect(await wide.sweep(nowMs + 31 * DAY_MS)).toBe(5);
  expect(await kept()).toBe(0);
});

test.each([
  ['of a few bytes, which take a block of the disk each', 10],
  ['of some kilobytes', 20_000],
])('stays within its bound of bytes, and so of files, whatever comes: pictures %s', async (_, size) => {
  const bound = 200 * 4096;
  const blocks = Math.ceil(size / 4096);
  for (const start of [0, 1000]) {
    // A new process does not know what the one before it has kept.
    const renders = await open(bound);
    for (let index = 0; index < 600; index += 1) {
      const bytes = await renders.obtain(id(`${start + index}`), async () => randomBytes(size));
      expect(bytes.length).toBe(size);
      if (index % 20 === 0) expect((await kept()) * blocks).toBeLessThanOrEqual(200);
    }
    await renders.sweep(nowMs);
    expect((await kept()) * blocks).toBeLessThanOrEqual(170);
    expect(await kept()).toBeGreaterThan(0);
  }
});

test('leavings of a crash go with the sweep, and names of others stay', async () => {
  const renders = await open();
  await renders.obtain(id('a'), async () => Buffer.from('x'));
  const [fan = ''] = await readdir(folder);
  const [name = ''] = await readdir(join(folder, fan));
  await writeFile(join(folder, fan, `${name}.left`), 'half');
  await writeFile(join(folder, 'README'), 'not ours');
  expect(await renders.sweep(Date.now() + 2 * 60 * 60_000 + 31 * DAY_MS)).toBe(2);
  expect(await readdir(folder)).toContain('README');
});

test('a folder that cannot be written costs time, not pictures', async () => {
  const renders = await open();
  await rm(folder, { recursive: true });
  await writeFile(folder, 'in the way');
  const bytes = await renders.obtain(id('a'), async () => Buffer.from('picture'));
  expect(Buffer.from(bytes).toString()).toBe('picture');
  await rm(folder);
});

test('who joins a question that is refused for somebody else asks it anew, and is refused for the own limit only', async () => {
  const asked: string[] = [];
  let refuse = () => {};
  const gate = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const images: Pick<Images, 'render'> = {
    async render(_subject, _rendition, asker) {
      asked.push(asker);
      if (asker !== '192.0.2.7') return { bytes: Buffer.from('picture'), mime: 'image/png', width: 1, height: 1 };
      await gate;
      throw new AppError('REQUEST_RATE_LIMITED');
    },
  };
  // What is not asked of either is left out.
  const ports = { renders: await open(), images } as Parameters<typeof renderPublicFile>[0];
  const file = { sha256: 'a', mime: 'image/png', isPublic: true } as FileRecord;
  const rendition = {
    width: 1,
    height: 1,
    fitting: 'bound',
    background: undefined,
    format: 'png',
    quality: 80,
    page: 1,
  };
  const ask = (ip: string) => renderPublicFile(ports, file, rendition as Parameters<typeof renderPublicFile>[2], ip);
  const [refused, joined] = [ask('192.0.2.7'), ask('198.51.100.9')];
  refuse();
  await expect(refused).rejects.toMatchObject({ code: 'REQUEST_RATE_LIMITED' });
  expect(Buffer.from((await joined).bytes).toString()).toBe('picture');
  expect(asked).toEqual(['192.0.2.7', '198.51.100.9']);
});
