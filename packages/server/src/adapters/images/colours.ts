// The colours that a picture is made of, by value and by name.
import { PICTURE_COLOURS } from '../../ports/images.ts';

/** Buckets per channel in which pixels are gathered. */
const STEPS = 8;
const COLOURS_MAX = 5;
/** A colour of less of the picture than this is none of its main ones. */
const SHARE_MIN = 0.03;
/** Colours closer than this, in squared distance of channels, are one to the eye. */
const APART = 2500;

/** One of a picture's colours. */
export interface Colour {
  /** `#rrggbb`. */
  readonly hex: string;
  readonly name: string;
}

/** The main colours of RGB pixels, the most frequent first: at least one, at most five. */
export function mainColours(rgb: Uint8Array): readonly Colour[] {
  const buckets = new Map<number, { count: number; r: number; g: number; b: number }>();
  for (let at = 0; at + 2 < rgb.length; at += 3) {
    const [r, g, b] = [rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0];
    const step = (value: number) => Math.floor((value * STEPS) / 256);
    const id = (step(r) * STEPS + step(g)) * STEPS + step(b);
    const bucket = buckets.get(id) ?? { count: 0, r: 0, g: 0, b: 0 };
    bucket.count += 1;
    bucket.r += r;
    bucket.g += g;
    bucket.b += b;
    buckets.set(id, bucket);
  }
  const found: (readonly [number, number, number])[] = [];
  const pixels = Math.floor(rgb.length / 3);
  for (const { count, r, g, b } of [...buckets.values()].sort((left, right) => right.count - left.count)) {
    if (found.length === COLOURS_MAX || (found.length > 0 && count < pixels * SHARE_MIN)) break;
    const mean = [Math.round(r / count), Math.round(g / count), Math.round(b / count)] as const;
    if (found.every((other) => distance(other, mean) > APART)) found.push(mean);
  }
  return found.map((rgbOf) => ({ hex: `#${Buffer.from(rgbOf).toString('hex')}`, name: nameOf(rgbOf) }));
}

function nameOf(colour: readonly [number, number, number]): string {
  let [best, least] = ['gray', Number.POSITIVE_INFINITY];
  for (const [name, value] of Object.entries(PICTURE_COLOURS)) {
    const apart = distance(value, colour);
    if (apart < least) [best, least] = [name, apart];
  }
  return best;
}

function distance(left: readonly [number, number, number], right: readonly [number, number, number]): number {
  return (left[0] - right[0]) ** 2 + (left[1] - right[1]) ** 2 + (left[2] - right[2]) ** 2;
}
