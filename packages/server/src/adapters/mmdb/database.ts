// One address database held in memory, examined completely before it may answer anything.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Address, formatAddress, isCountry, parseAddress } from '@latchkey/policy';
import type { Response } from 'mmdb-lib';
import { checkValue } from './value.ts';

/** A database that answers every lookup in bounded time and never throws. */
export interface Database {
  /** The country of an address; undefined when the database does not know, or the text is no address. */
  country(address: string): string | undefined;
  /** When the database was built, in epoch milliseconds. */
  readonly builtAtMs: number;
}

/** Why a file cannot serve as an address database. The message names the file. */
export class GeoDatabaseError extends Error {
  override readonly name = 'GeoDatabaseError';

  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path} is not a usable address database: ${reason}`, cause === undefined ? undefined : { cause });
  }
}

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** The MaxMind DB format specification 2.0 keeps the metadata within the last 128 KiB. */
const METADATA_BYTES_MAX = 128 * 1024;
const SEPARATOR_BYTES = 16;
/** How many steps of the examination run before other work gets its turn. */
const STEPS_PER_TURN = 100_000;
/** Lookups decode a record once; country databases hold a few hundred different ones. */
const CACHE_ENTRIES_MAX = 4096;
/** The longest text of an address. */
const ADDRESS_TEXT_MAX = 45;

/**
 * Examines `bytes` and makes a database of them: metadata, the whole search tree (depth, cycles, places that its leaves lead
 * to) and every record that can be reached. Rejects with GeoDatabaseError when anything is wrong, or when no record holds a
 * country. Gives other work its turn in between, so that a reload does not stall requests. Of a file that is `known`, because it is
 * a pinned part of this program, only the metadata is looked at: the rest takes a sixth of a second of each start.
 */
export async function parseDatabase(bytes: Buffer, path: string, known = false): Promise<Database> {
  try {
    return await examine(bytes, known);
  } catch (cause) {
    throw new GeoDatabaseError(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function examine(bytes: Buffer, known: boolean): Promise<Database> {
  const marker = bytes.subarray(-METADATA_BYTES_MAX).lastIndexOf(MARKER);
  if (marker < 0) throw new Error('the metadata is missing; the file is not in the MaxMind DB format, or is cut off');
  const markerAt = Math.max(0, bytes.length - METADATA_BYTES_MAX) + marker;
  const metadataAt = markerAt + MARKER.length;
  // Before the library decodes it: the library follows pointers and sizes without bounds.
  checkValue({ bytes, base: metadataAt, end: bytes.length }, metadataAt);

  const { Reader } = await import('mmdb-lib');
  const reader = new Reader<Response>(bytes, { cache: createCache() });
  const { binaryFormatMajorVersion, buildEpoch, ipVersion, nodeCount, recordSize, searchTreeSize } = reader.metadata;
  if (binaryFormatMajorVersion !== 2) throw new Error(`its format version is ${binaryFormatMajorVersion}, not 2`);
  if (ipVersion !== 4 && ipVersion !== 6) throw new Error(`its IP version is ${ipVersion}, neither 4 nor 6`);
  const builtAtMs = buildEpoch.getTime();
  if (!Number.isFinite(builtAtMs)) throw new Error('its build time is not a time');
  const dataAt = searchTreeSize + SEPARATOR_BYTES;
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1 || dataAt > markerAt) {
    throw new Error(`its search tree of ${nodeCount} nodes does not fit into the file`);
  }

  let hasCountry = known;
  const data = { bytes, base: dataAt, end: markerAt };
  if (!known) {
    await walkTree(bytes, { nodeCount, recordSize, depthMax: ipVersion === 4 ? 32 : 128 }, (record, value) => {
      const at = record - nodeCount + searchTreeSize;
      if (at < dataAt || at >= markerAt) throw new Error('its search tree leads outside of the data');
      checkValue(data, at);
      hasCountry ||= countryOf(reader.get(formatAddress({ family: ipVersion, value }))) !== undefined;
    });
  }
  if (!hasCountry) throw new Error('none of its records holds a country');

  const lookUp = (text: string) => {
    const address = parseAddress(text);
    // The library would look an IPv6 address up in a tree of 32 levels and answer for an unrelated IPv4 address.
    if (address === undefined || address.family > ipVersion) return undefined;
    return countryOf(reader.get(formatAddress(address)));
  };
  // Addresses come back: each request asks more than once, and so does the next one of the same visitor.
  const answers = new Map<string, string | undefined>();
  return {
    builtAtMs,
    country: (text) => {
      const known = answers.get(text);
      if (known !== undefined || answers.has(text)) return known;
      const country = lookUp(text);
      if (answers.size >= CACHE_ENTRIES_MAX) answers.clear();
      // Longer texts are no addresses, and are not worth keeping.
      if (text.length <= ADDRESS_TEXT_MAX) answers.set(text, country);
      return country;
    },
  };
}

interface Tree {
  readonly nodeCount: number;
  readonly recordSize: number;
  /** Bits of an address: no way from the root may be longer. */
  readonly depthMax: 32 | 128;
}

/**
 * Visits every node that can be reached, once; calls `leaf` once for each different record value beyond the nodes, with the
 * first address that leads there. Throws when a way is longer than an address has bits, which every cycle is.
 */
async function walkTree(
  bytes: Buffer,
  tree: Tree,
  leaf: (record: number, address: Address['value']) => void,
): Promise<void> {
  const { nodeCount, depthMax } = tree;
  const read = recordReader(bytes, tree.recordSize);
  /** The longest way below a node, in nodes; 0 while unknown. */
  const heights = new Uint8Array(nodeCount);
  const leaves = new Set<number>();
  const path = new Uint32Array(depthMax + 1);
  /** Which record of each node on the path is next: 0 left, 1 right, 2 done. */
  const sides = new Uint8Array(depthMax + 1);
  let depth = 0;
  for (let step = 1; depth >= 0; step += 1) {
    if (step % STEPS_PER_TURN === 0) await nextTurn();
    const node = path[depth] ?? 0;
    const side = sides[depth] ?? 2;
    if (side === 2) {
      depth -= 1;
      if (depth >= 0) raise(heights, path[depth] ?? 0, (heights[node] ?? 0) + 1);
      continue;
    }
    const record = read(node, side);
    raise(heights, node, 1);
    if (record > nodeCount && !leaves.has(record)) {
      leaves.add(record);
      leaf(record, addressOf(sides, depth, depthMax));
    }
    sides[depth] = side + 1;
    if (record >= nodeCount) continue;
    const below = heights[record] ?? 0;
    if (depth + 1 + Math.max(below, 1) > depthMax) throw new Error('its search tree is deeper than an address is long');
    // A node of the current path has a height already but is not finished: only a cycle meets one.
    if (below > 0 && path.subarray(0, depth + 1).includes(record)) throw new Error('its search tree runs in a circle');
    if (below > 0) {
      raise(heights, node, below + 1);
      continue;
    }
    depth += 1;
    path[depth] = record;
    sides[depth] = 0;
  }
}

function raise(heights: Uint8Array, node: number, height: number): void {
  if (height > (heights[node] ?? 0)) heights[node] = height;
}

function addressOf(sides: Uint8Array, depth: number, bits: number): bigint {
  let value = 0n;
  // Above the last level the side that was taken is the one before the next.
  for (let level = 0; level < depth; level += 1) value = (value << 1n) | BigInt((sides[level] ?? 1) - 1);
  value = (value << 1n) | BigInt(sides[depth] ?? 0);
  return value << BigInt(bits - depth - 1);
}

function recordReader(bytes: Buffer, recordSize: number): (node: number, side: number) => number {
  switch (recordSize) {
    case 24:
      return (node, side) => bytes.readUIntBE(node * 6 + side * 3, 3);
    case 28:
      // The middle byte of the seven holds the top half-byte of both records.
      return (node, side) => {
        const middle = bytes.readUInt8(node * 7 + 3);
        return (side === 0 ? middle >> 4 : middle & 15) * 0x1000000 + bytes.readUIntBE(node * 7 + side * 4, 3);
      };
    default:
      return (node, side) => bytes.readUInt32BE(node * 8 + side * 4);
  }
}

/** Reads both shapes that are in use: GeoLite2's `country.iso_code` and the flat `country_code`. */
function countryOf(record: unknown): string | undefined {
  const code = fieldOf(record, 'country_code') ?? fieldOf(fieldOf(record, 'country'), 'iso_code');
  return typeof code === 'string' && isCountry(code) ? code : undefined;
}

function fieldOf(record: unknown, name: string): unknown {
  return typeof record === 'object' && record !== null
    ? Object.getOwnPropertyDescriptor(record, name)?.value
    : undefined;
}

function createCache() {
  const entries = new Map<string | number, unknown>();
  return {
    get: (key: string | number) => entries.get(key),
    set: (key: string | number, value: unknown) => {
      if (entries.size >= CACHE_ENTRIES_MAX) entries.clear();
      entries.set(key, value);
    },
  };
}
