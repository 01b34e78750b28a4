// How numbers are taken: in rounds that alternate between the rivals, with medians, so that a busy moment hits both.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import autocannon, { type Options } from 'autocannon';
import { figure, ratio } from './report.ts';

/** Rounds of every comparison. */
export const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 20;

/** The middle one of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs the rivals in turn, `ROUNDS` times after one round that does not count, and answers what each round gave, by name. */
async function rounds<Name extends string, T>(
  rivals: Readonly<Record<Name, () => Promise<T>>>,
): Promise<ReadonlyMap<Name, readonly T[]>> {
  const names = Object.keys(rivals) as Name[]; // The keys of a record are its names.
  const values = new Map<Name, T[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of names) {
      const value = await rivals[name]();
      if (round > 0) values.get(name)?.push(value);
    }
  }
  return values;
}

/** Runs the rivals in turn and answers the median of each, by name. */
export async function alternate<Name extends string>(
  rivals: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Readonly<Record<Name, number>>> {
  const values = [...(await rounds(rivals))].map(([name, numbers]) => [name, median(numbers)]);
  return Object.fromEntries(values) as Record<Name, number>; // Same names.
}

/** What a server did in one round. */
export interface Load {
  readonly perSecond: number;
  /** What one request cost its process, in microseconds of a processor: a busy machine hardly changes it. NaN outside of Linux. */
  readonly cpuMicros: number;
}

/** The same for loads. */
export async function alternateLoads<Name extends string>(
  rivals: Readonly<Record<Name, () => Promise<Load>>>,
): Promise<Readonly<Record<Name, Load>>> {
  const values = [...(await rounds(rivals))].map(([name, loads]) => [
    name,
    {
      perSecond: median(loads.map(({ perSecond }) => perSecond)),
      cpuMicros: median(loads.map(({ cpuMicros }) => cpuMicros)),
    },
  ]);
  return Object.fromEntries(values) as Record<Name, Load>; // Same names.
}

/** The rows of a report for servers that were loaded alike; each rival of a pair stands below what is compared with it. */
export function loadRows(pairs: readonly (readonly [string, Load, string, Load])[]): string[][] {
  return pairs.flatMap(([name, ours, bareName, bare]) => [
    [
      name,
      figure(ours.perSecond),
      ratio(ours.perSecond, bare.perSecond),
      figure(ours.cpuMicros),
      ratio(bare.cpuMicros, ours.cpuMicros),
    ],
    [bareName, figure(bare.perSecond), '', figure(bare.cpuMicros), ''],
  ]);
}

/** The heads above `loadRows`. */
export const LOAD_HEAD = ['', 'requests/s', 'of bare', 'CPU for one, microseconds', 'of bare by CPU'];

/** Microseconds that the threads of a process have been running for. */
function cpuMicrosOf(pid: number): number {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return Number.NaN;
  const nanos = readdirSync(threads).map((thread) => {
    // A thread may end between the two looks.
    const account = existsSync(`${threads}/${thread}`) ? readFileSync(`${threads}/${thread}/schedstat`, 'utf8') : '0';
    return Number(account.split(' ')[0]);
  });
  return nanos.reduce((sum, value) => sum + value, 0) / 1000;
}

/** So many requests before anything is measured: code that is still interpreted is several times slower than what it becomes. */
const WARM_UP = 6000;
const warm = new Set<string>();

/** One round of requests to the process; throws when an answer was not 2xx, for that would be another question. */
export async function load(options: Omit<Options, 'connections' | 'duration'>, pid: number): Promise<Load> {
  if (!warm.has(options.url)) {
    warm.add(options.url);
    await autocannon({ connections: CONNECTIONS, amount: WARM_UP, ...options });
  }
  const before = cpuMicrosOf(pid);
  const { requests, non2xx, errors } = await autocannon({ connections: CONNECTIONS, duration: SECONDS, ...options });
  if (non2xx > 0 || errors > 0) throw new Error(`${options.url}: ${non2xx} answers were no success, ${errors} failed`);
  return { perSecond: requests.average, cpuMicros: (cpuMicrosOf(pid) - before) / requests.total };
}

/** Requests per second of one round, where the process does not matter. */
export async function requestsPerSecond(options: Omit<Options, 'connections' | 'duration'>): Promise<number> {
  return (await load(options, 0)).perSecond;
}
