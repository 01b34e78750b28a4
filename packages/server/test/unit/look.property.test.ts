// How far pictures are apart is a distance whatever their facts say, and the numbers of an index lose no picture that is the same.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distanceBetween, FAR, keyDistance, keysAround, type Look, lookKey, lookOf } from '../../src/ports/look.ts';
import type { JsonObject } from '../../src/ports/metadata.ts';

const SIGNS = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~'];
const sign = fc.constantFrom(...SIGNS);
const hex = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);

/** A blurred preview of four waves by three, as every picture gets. Of the colour only the part that a number of 24 bits has. */
const preview = fc
  .record({
    colour: fc.integer({ min: 0, max: 0xffffff }),
    most: sign,
    waves: fc.array(sign, { minLength: 22, maxLength: 22 }),
  })
  .map(({ colour, most, waves }) => {
    const digits = [3, 2, 1, 0].map((place) => SIGNS[Math.floor(colour / 83 ** place) % 83]);
    return ['L', most, ...digits, ...waves].join('');
  });
const facts: fc.Arbitrary<JsonObject> = fc.record(
  {
    blurhash: preview,
    main_colors_hex: fc.array(hex, { maxLength: 5 }),
    img_w: fc.integer({ min: 1, max: 9000 }),
    img_h: fc.integer({ min: 1, max: 9000 }),
  },
  { requiredKeys: ['blurhash'] },
);
const look = facts.map((info) => known(lookOf(info)));

function known(found: Look | undefined): Look {
  if (found === undefined) throw new TypeError('a picture without a look');
  return found;
}

test('a picture is no way from itself, and as far from another as that one is from it', () => {
  fc.assert(
    fc.property(look, look, (a, b) => {
      const distance = distanceBetween(a, b);
      expect(distanceBetween(a, a)).toBe(0);
      expect(distanceBetween(b, a)).toBeCloseTo(distance, 12);
      expect(distance).toBeGreaterThanOrEqual(0);
      expect(distance).toBeLessThan(3);
    }),
  );
});

test('facts may be anything: they tell a look or none, and never raise', () => {
  const anything = fc.record({
    blurhash: fc.oneof(
      fc.jsonValue(),
      fc.array(sign).map((signs) => signs.join('')),
      preview,
    ),
    main_colors_hex: fc.jsonValue(),
    img_w: fc.jsonValue(),
    img_h: fc.jsonValue(),
  });
  fc.assert(
    fc.property(anything, anything, (a, b) => {
      const [first, second] = [lookOf(a as JsonObject), lookOf(b as JsonObject)];
      if (first !== undefined && second !== undefined) expect(distanceBetween(first, second)).not.toBeNaN();
    }),
  );
});

test('a key is a whole number of thirty bits, and tells the mean colour', () => {
  fc.assert(
    fc.property(look, look, (a, b) => {
      const [first, second] = [lookKey(a), lookKey(b)];
      for (const key of [first, second]) {
        expect(Number.isInteger(key)).toBe(true);
        expect(key).toBeGreaterThanOrEqual(0);
        expect(key).toBeLessThan(2 ** 30);
      }
      const apart = Math.hypot(...a.mean.map((part, i) => part - (b.mean[i] ?? 0)));
      expect(Math.abs(keyDistance(first, second) / 1023 - apart)).toBeLessThan(0.002);
    }),
  );
});

test('keys around a key have one in the same small cube as every key nearby, where the index has them side by side', () => {
  const step = fc.integer({ min: -8, max: 8 });
  fc.assert(
    fc.property(
      fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 8, max: 1015 }))),
      fc.tuple(step, step, step),
      (at, by) => {
        // The numbers of sixteen steps each way begin with the same bits.
        const cubeOf = (key: number) => Math.floor(key / 2 ** 12);
        const key = interleaved(at);
        const near = interleaved(at.map((part, i) => part + (by[i] ?? 0)));
        expect(keysAround(key).map(cubeOf)).toContain(cubeOf(near));
      },
    ),
  );
});

/** Three parts of ten bits, their bits in turn: what a key is, said in another way. */
function interleaved(parts: readonly number[]): number {
  const bits = parts.map((part) => part.toString(2).padStart(10, '0'));
  return Number.parseInt([...Array(10).keys()].map((i) => bits.map((text) => text[i]).join('')).join(''), 2);
}

test('what is far is far: black and white, red and blue', () => {
  // One colour everywhere: all waves stand still.
  const plain = (colour: number) => {
    const digits = [3, 2, 1, 0].map((place) => SIGNS[Math.floor(colour / 83 ** place) % 83]);
    return known(lookOf({ blurhash: `L0${digits.join('')}${'fQ'.repeat(11)}` }));
  };
  expect(distanceBetween(plain(0), plain(0xffffff))).toBeGreaterThan(4 * FAR);
  expect(distanceBetween(plain(0xff0000), plain(0x0000ff))).toBeGreaterThan(FAR);
  expect(distanceBetween(plain(0x808080), plain(0x828180))).toBeLessThan(FAR / 10);
});
