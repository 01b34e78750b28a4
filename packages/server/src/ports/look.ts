// How a picture looks, from the facts that are kept of it: how far two pictures are apart, and one number by which near ones are found.
import type { Json, JsonObject } from './metadata.ts';

/** A colour as the eye parts them: lightness, and how far it is from gray towards red and towards yellow. */
type Colour = readonly [lightness: number, red: number, yellow: number];

/** What is compared of a picture. */
export interface Look {
  /** The picture at its most blurred, as a few colours in rows. */
  readonly grid: readonly Colour[];
  /** The mean colour. */
  readonly mean: Colour;
  /** The main colours, which blurring mixes. */
  readonly colours: readonly Colour[];
  /** The logarithm of width by height; undefined where the sides are not known. */
  readonly proportion: number | undefined;
}

/** Pictures that are at least so far apart are not alike. */
export const FAR = 0.2;

/** More places each way than the blurred preview has waves: no detail of it is lost. */
const GRID = { across: 6, down: 4 } as const;
const COLOURS_MAX = 8;
/** What differing main colours and proportions count beside the picture itself. */
const COLOURS_WEIGHT = 0.3;
const PROPORTION_WEIGHT = 0.05;

/** The look that the facts of a file tell; undefined when they tell none. Total: facts may be anything. */
export function lookOf(info: JsonObject): Look | undefined {
  const waves = wavesOf(info['blurhash']);
  const mean = waves?.[0]?.[0];
  if (waves === undefined || mean === undefined) return undefined;
  const hexes = Array.isArray(info['main_colors_hex']) ? info['main_colors_hex'].slice(0, COLOURS_MAX) : [];
  const [width, height] = [info['img_w'], info['img_h']];
  const hasSides = typeof width === 'number' && typeof height === 'number' && width > 0 && height > 0;
  return {
    grid: drawn(waves),
    mean: toColour(...mean),
    colours: hexes.map(parseHex).filter((colour) => colour !== undefined),
    proportion: hasSides ? Math.log(width / height) : undefined,
  };
}

/** How far two pictures are apart for the eye: 0 for the same look, about 1 for black and white. Symmetric. */
export function distanceBetween(a: Look, b: Look): number {
  const squares = a.grid.reduce((sum, colour, i) => sum + apart(colour, b.grid[i] ?? colour) ** 2, 0);
  const proportion =
    a.proportion === undefined || b.proportion === undefined ? 0 : Math.min(1, Math.abs(a.proportion - b.proportion));
  return (
    Math.sqrt(squares / a.grid.length) +
    (COLOURS_WEIGHT * (missing(a.colours, b.colours) + missing(b.colours, a.colours))) / 2 +
    PROPORTION_WEIGHT * proportion
  );
}

/** How far each of the colours is from the nearest of the others, on average. */
function missing(colours: readonly Colour[], others: readonly Colour[]): number {
  if (colours.length === 0 || others.length === 0) return 0;
  let sum = 0;
  for (const colour of colours) {
    let nearest = Number.POSITIVE_INFINITY;
    for (const other of others) nearest = Math.min(nearest, apart(colour, other));
    sum += nearest;
  }
  return sum / colours.length;
}

function apart(a: Colour, b: Colour): number {
  return Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2);
}

/** Steps of each of the three parts of a key. */
const KEY_BITS = 10;
const KEY_STEPS = 2 ** KEY_BITS;
/** The same scene drawn or compressed anew has a mean colour at most so many steps away. */
const KEY_NOISE = 8;

/**
 * The mean colour as one number, from 0 to 2^30 - 1, in which the bits of its three parts take turns: numbers that are near mostly stand for
 * colours that are near, so that an index of them finds pictures of about one colour side by side.
 */
export function lookKey({ mean }: Look): number {
  const [lightness, red, yellow] = mean;
  return keyOf([lightness, red + 0.5, yellow + 0.5].map((part) => part * (KEY_STEPS - 1)));
}

/**
 * The keys to start from when the index is asked for pictures like this one, each once. Colours that are near lie far apart where a high bit
 * changes between them; from these keys, the corners around the colour, both sides of every such place are reached.
 */
export function keysAround(key: number): readonly number[] {
  const [lightness = 0, red = 0, yellow = 0] = partsOf(key);
  const ends = (part: number) => [part - KEY_NOISE, part + KEY_NOISE];
  const corners = ends(lightness).flatMap((l) => ends(red).flatMap((r) => ends(yellow).map((y) => keyOf([l, r, y]))));
  return [...new Set(corners)].sort((a, b) => a - b);
}

/** How far apart the mean colours of two keys are, in steps. */
export function keyDistance(a: number, b: number): number {
  const others = partsOf(b);
  return Math.hypot(...partsOf(a).map((part, i) => part - (others[i] ?? part)));
}

function keyOf(parts: readonly number[]): number {
  const steps = parts.map((part) => Math.min(KEY_STEPS - 1, Math.max(0, Math.round(part))));
  let key = 0;
  for (let bit = KEY_BITS - 1; bit >= 0; bit -= 1) {
    for (const step of steps) key = key * 2 + ((step >> bit) & 1);
  }
  return key;
}

function partsOf(key: number): readonly number[] {
  const parts = [0, 0, 0];
  for (let bit = KEY_BITS * 3 - 1; bit >= 0; bit -= 1) {
    const part = (KEY_BITS * 3 - 1 - bit) % 3;
    parts[part] = (parts[part] ?? 0) * 2 + ((key >> bit) & 1);
  }
  return parts;
}

/** Red, green and blue as light adds up, from 0 to 1; of a wave how much they swing. */
type Light = readonly [number, number, number];
const NO_LIGHT: Light = [0, 0, 0];

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~';
const VALUES: ReadonlyMap<string, number> = new Map([...DIGITS].map((sign, value) => [sign, value]));

/** The waves of a BlurHash, in rows; the first one is the mean. Undefined for what is none. */
function wavesOf(hash: Json | undefined): readonly (readonly Light[])[] | undefined {
  if (typeof hash !== 'string' || hash.length < 6) return undefined;
  const digits = Array.from(hash, (sign) => VALUES.get(sign) ?? Number.NaN);
  if (digits.some(Number.isNaN)) return undefined;
  const number = (from: number, length: number) => {
    let value = 0;
    for (let at = from; at < from + length; at += 1) value = value * 83 + (digits[at] ?? 0);
    return value;
  };
  const across = (number(0, 1) % 9) + 1;
  const down = Math.floor(number(0, 1) / 9) + 1;
  const mean = number(2, 4);
  if (digits.length !== 4 + 2 * across * down || mean > 0xffffff) return undefined;
  const most = (number(1, 1) + 1) / 166;
  const swing = (step: number) => Math.sign(step - 9) * ((step - 9) / 9) ** 2 * most;
  const wave = (index: number): Light => {
    if (index === 0) return [lightOf(mean >> 16), lightOf((mean >> 8) & 255), lightOf(mean & 255)];
    const value = number(4 + index * 2, 2);
    return [swing(Math.floor(value / 361)), swing(Math.floor(value / 19) % 19), swing(value % 19)];
  };
  return Array.from({ length: down }, (_, row) => Array.from({ length: across }, (_, i) => wave(row * across + i)));
}

/** How high each of the nine possible waves stands at each of so many places. */
const heights = (places: number) =>
  Array.from({ length: places }, (_, place) =>
    Array.from({ length: 9 }, (_, wave) => Math.cos((Math.PI * wave * (place + 0.5)) / places)),
  );
const HEIGHTS = { across: heights(GRID.across), down: heights(GRID.down) };

function drawn(waves: readonly (readonly Light[])[]): readonly Colour[] {
  const grid: Colour[] = [];
  // Plain loops: this is done for a thousand pictures while somebody waits.
  for (const down of HEIGHTS.down) {
    for (const across of HEIGHTS.across) {
      let [red, green, blue] = [0, 0, 0];
      for (let row = 0; row < waves.length; row += 1) {
        const line = waves[row] ?? [];
        for (let i = 0; i < line.length; i += 1) {
          const wave = line[i] ?? NO_LIGHT;
          const height = (across[i] ?? 0) * (down[row] ?? 0);
          red += wave[0] * height;
          green += wave[1] * height;
          blue += wave[2] * height;
        }
      }
      grid.push(toColour(red, green, blue));
    }
  }
  return grid;
}

function parseHex(said: Json): Colour | undefined {
  if (typeof said !== 'string' || !/^#[0-9a-f]{6}$/i.test(said)) return undefined;
  const value = Number.parseInt(said.slice(1), 16);
  return toColour(lightOf(value >> 16), lightOf((value >> 8) & 255), lightOf(value & 255));
}

/** A channel of sRGB as light. */
function lightOf(channel: number): number {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** Light as Oklab has it (Ottosson 2020): equal steps look equally far apart. */
function toColour(red: number, green: number, blue: number): Colour {
  const [r, g, b] = [within01(red), within01(green), within01(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function within01(part: number): number {
  return Math.min(1, Math.max(0, part));
}
