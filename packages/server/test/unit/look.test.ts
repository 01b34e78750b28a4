// Real pictures, looked at as every upload is: the same scene saved by another program is nearer than any other scene.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine } from '../../src/adapters/images/examine.ts';
import { distanceBetween, FAR, keyDistance, type Look, lookKey, lookOf } from '../../src/ports/look.ts';
import { DIFFERENT_SCENES, type Saved, type Scene, scene } from '../support/scenes.ts';

let folder: string;
let count = 0;
const originals = new Map<Scene, Look>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-look-'));
  for (const name of DIFFERENT_SCENES) originals.set(name, await lookAt(name));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function lookAt(name: Scene, saved: Saved = {}): Promise<Look> {
  count += 1;
  const path = join(folder, String(count));
  await writeFile(path, await scene(name, saved));
  const look = lookOf(await examine(path, `image/${saved.format ?? 'jpeg'}`));
  if (look === undefined) throw new TypeError('a picture without a look');
  return look;
}

const original = (name: Scene) => originals.get(name) ?? expect.fail(name);

describe.each(DIFFERENT_SCENES)('%s', (name) => {
  const others = DIFFERENT_SCENES.filter((other) => other !== name);

  test.each<readonly [string, Saved]>([
    ['a third as wide', { width: 210 }],
    ['as a thumbnail', { width: 90 }],
    ['as PNG', { format: 'png' }],
    ['as WebP of half the size and quality', { format: 'webp', quality: 50, width: 320 }],
    ['compressed until it shows', { quality: 20 }],
  ])('is nearly the same %s', async (_how, saved) => {
    const again = await lookAt(name, saved);
    const distance = distanceBetween(original(name), again);
    expect(distance).toBeLessThan(FAR / 5);
    for (const other of others) expect(distanceBetween(original(other), again), other).toBeGreaterThan(3 * distance);
    // The index looks so far around, in each of three directions.
    expect(keyDistance(lookKey(original(name)), lookKey(again))).toBeLessThan(8 * Math.sqrt(3));
  });

  test('is still itself in a little more light', async () => {
    const again = await lookAt(name, { brightness: 1.1 });
    const distance = distanceBetween(original(name), again);
    expect(distance).toBeLessThan(FAR / 2);
    for (const other of others) expect(distanceBetween(original(other), again), other).toBeGreaterThan(distance);
  });
});

test('another picture of the same evening is like it, and nothing else is like both', async () => {
  const later = await lookAt('sunset a minute later');
  expect(distanceBetween(original('sunset'), later)).toBeLessThan(FAR / 3);
  for (const other of DIFFERENT_SCENES.filter((one) => one !== 'sunset')) {
    expect(distanceBetween(original(other), later), other).toBeGreaterThan(FAR);
  }
});

test('the same picture in other proportions, or on its side, is not quite the same', () => {
  const info = { blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdnj', img_w: 640, img_h: 420 };
  const [wide, tall] = [lookOf(info), lookOf({ ...info, img_w: 420, img_h: 640 })];
  if (wide === undefined || tall === undefined) throw new TypeError('a picture without a look');
  expect(distanceBetween(wide, tall)).toBeGreaterThan(0);
  expect(distanceBetween(wide, tall)).toBeLessThan(FAR / 2);
});

test.each([
  ['nothing', {}],
  ['what is no text', { blurhash: 7 }],
  ['too few signs', { blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdn' }],
  ['a sign that it does not know', { blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdn"' }],
  ['a colour that is none', { blurhash: 'LE~~~~WB2yk8pyo0adR*.7kCMdnj' }],
])('there is no look where the preview is %s', (_what, info) => {
  expect(lookOf(info)).toBeUndefined();
});
