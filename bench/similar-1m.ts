// How long are pictures that look alike looked for among a million, beside ten thousand, and is the same picture found among them?
import type { FolderScope } from '../packages/policy/src/index.ts';
import type * as Adapter from '../packages/server/src/adapters/sql/index.ts';
import type * as Looks from '../packages/server/src/ports/look.ts';
import type { Search } from '../packages/server/src/ports/search.ts';
import { fillPictures } from '../packages/server/test/support/many-files.ts';
import { onDatabases, openDatabase } from './support/databases.ts';
import { figure, ratio, report } from './support/report.ts';

const built = (file: string) => import(new URL(`../packages/server/dist/${file}`, import.meta.url).href);
const { openSql }: typeof Adapter = await built('adapters/sql/index.js');
const { keysAround, lookKey, lookOf }: typeof Looks = await built('ports/look.js');

const LARGE = Number(process.env['BENCH_FILES'] ?? 1_000_000);
const SMALL = Math.min(10_000, LARGE);
const FILES_PER_FOLDER = 100;
const CALLS = 40;

/** The same numbers each time, between 0 and 1. */
let seed = 1;
function random(): number {
  seed = (seed * 48_271) % 0x7fffffff;
  return seed / 0x7fffffff;
}
/** About as photographs are: of every lightness, mostly near gray. Three parts, each from 0 to `STEPS`. */
const bell = (middle: number, width: number) =>
  Math.round(middle + width * (random() + random() + random() + random() - 2) * Math.sqrt(3));
const STEPS = 1023;
const colour = () => [bell(560, 180), bell(512, 30), bell(525, 45)].map(inside);
const inside = (part: number) => Math.min(STEPS, Math.max(0, part));

const INFO = {
  img_w: 640,
  img_h: 420,
  main_colors: ['gray', 'blue', 'green'],
  main_colors_hex: ['#808080', '#3050c0', '#208040'],
  dominant_color: 'gray',
  blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdnj',
};
const look = lookOf(INFO);
if (look === undefined) throw new TypeError('a picture without a look');
/** The number of a mean colour. */
const keyOf = ([lightness = 0, red = 0, yellow = 0]: readonly number[]) =>
  lookKey({ ...look, mean: [lightness / STEPS, red / STEPS - 0.5, yellow / STEPS - 0.5] });

/** Folders and pictures, of which every one costs what a real one costs to compare. */
async function filled(url: string, files: number): Promise<Adapter.SqlPorts> {
  const ports = await openSql(url);
  await ports.templates.ensureContainer('demo', 1);
  const database = openDatabase(url, { limits: { statementMsMax: 1_800_000 } });
  const keysOf = (count: number) => Array.from({ length: count }, () => keyOf(colour()));
  await fillPictures(database, { files, folders: files / FILES_PER_FOLDER, info: JSON.stringify(INFO), keysOf });
  await database.close();
  return ports;
}

/** Scopes by the part of the folders that they cover. */
const scopeOf = (files: number, part: number): readonly (readonly FolderScope[])[] => [
  Array.from({ length: (files / FILES_PER_FOLDER) * part }, (_, n) => ({ path: `/f${n}`, deep: false }) as FolderScope),
];

async function typical(search: Search, within: readonly (readonly FolderScope[])[]): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call <= CALLS; call += 1) {
    // Another place of the index each time.
    const mean = [0.2 + 0.6 * random(), 0.04 * random() - 0.02, 0.06 * random()] as const;
    const began = performance.now();
    const found = await search.findLookAlikes('demo', within, { ...look, mean } as Looks.Look, '', 100);
    if (found.length === 0) throw new Error('nothing was found');
    if (call > 0) times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN;
}

async function compare(name: string, small: string, large: string): Promise<string[][]> {
  const [few, many] = [await filled(small, SMALL), await filled(large, LARGE)];
  const rows: string[][] = [];
  for (const [title, ofFew, ofMany] of [
    ['everything', [], []],
    ['a scope of 100 folders', scopeOf(SMALL, 1), scopeOf(LARGE, SMALL / LARGE)],
    ['a scope of a twentieth of the folders', scopeOf(SMALL, 0.05), scopeOf(LARGE, 0.05)],
  ] as const) {
    const [a, b] = [await typical(few.search, ofFew), await typical(many.search, ofMany)];
    rows.push([`${name}: ${title}`, figure(a), figure(b), ratio(b, a)]);
  }
  await few.close();
  await many.close();
  return rows;
}

/** Of so many pictures, how many find their like, whose mean colour is up to so many steps away in each part, among the neighbours read. */
function found(noise: number): string {
  const NEIGHBOURS = 500;
  const PAIRS = 2000;
  const keys = Float64Array.from({ length: LARGE }, () => keyOf(colour())).sort();
  const firstAtLeast = (key: number) => {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let count = 0;
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const parts = colour();
    const other = keyOf(parts.map((part) => inside(part + Math.round((2 * random() - 1) * noise))));
    const at = firstAtLeast(other);
    if (keysAround(keyOf(parts)).some((near) => Math.abs(firstAtLeast(near) - at) < NEIGHBOURS)) count += 1;
  }
  return `${((count / PAIRS) * 100).toFixed(1)} %`;
}

const rows = await onDatabases(compare);
for (const noise of [2, 4, 8])
  rows.push([`the same picture is found, ${noise} steps away at most`, '', found(noise), '']);
await report(import.meta.url, {
  head: ['pictures that look alike', `ms of ${figure(SMALL)}`, `ms of ${figure(LARGE)}`, 'ratio'],
  rows,
});
