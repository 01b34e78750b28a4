// How numbers are taken: in rounds that alternate between the rivals, with medians, so that a busy moment hits both.
import autocannon, { type Options } from 'autocannon';

/** Rounds of every comparison. */
export const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 20;

/** The middle one of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs the rivals in turn, `ROUNDS` times after one round that does not count, and answers their values by name. */
export async function alternate<Name extends string>(
  rivals: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(rivals) as Name[]; // The keys of a record are its names.
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of names) {
      const value = await rivals[name]();
      if (round > 0) values.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(values.get(name) ?? [])])) as Record<Name, number>; // Same names.
}

/** Requests per second of one round; throws when an answer was not 2xx, for that would be another question. */
export async function requestsPerSecond(options: Omit<Options, 'connections' | 'duration'>): Promise<number> {
  const { requests, non2xx, errors } = await autocannon({ connections: CONNECTIONS, duration: SECONDS, ...options });
  if (non2xx > 0 || errors > 0) throw new Error(`${options.url}: ${non2xx} answers were no success, ${errors} failed`);
  return requests.average;
}
