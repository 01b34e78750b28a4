// Countries of addresses from a file that may be replaced while the service runs.
import { open, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Geo } from '../../ports/geo.ts';
import type { Log, Ticker } from '../../ports/system.ts';
import { type Database, GeoDatabaseError, parseDatabase } from './database.ts';

/** The database of the registries' own records, both address families; in the public domain (CC0-1.0). */
const SHIPPED = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

const LOOK_EVERY_MS = 1000;

/**
 * Opens the database at `path`, or the shipped one. A file of the caller's is looked at once a second and loaded anew when it
 * was replaced; a replacement that is missing or broken is logged as `geo.reload_failed` and the loaded one keeps answering.
 * Rejects with GeoDatabaseError, which names the path and the fault.
 */
export async function openGeo(
  path: string | undefined,
  system: { readonly log: Log; readonly every: Ticker },
): Promise<Geo> {
  if (path === undefined) {
    const database = await load(shippedPath(), true);
    return geoOver(
      () => database.content,
      SHIPPED,
      () => undefined,
    );
  }

  let current = await load(path);
  let looking = false;
  let refused: string | undefined;

  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const version = await versionOf(path);
      if (version === current.version || version === refused) return;
      try {
        current = await load(path);
        refused = undefined;
        system.log.info('geo.reloaded', { path, builtAt: new Date(current.content.builtAtMs) });
      } catch (error) {
        // Remembered, so that one broken file is reported once and not every second.
        refused = version;
        system.log.error('geo.reload_failed', { path, error });
      }
    } finally {
      looking = false;
    }
  };

  return geoOver(
    () => current.content,
    path,
    system.every(LOOK_EVERY_MS, () => void look()),
  );
}

function geoOver(content: () => Database, source: string, stop: () => void): Geo {
  return {
    country: (address) => content().country(address),
    describe: () => ({ source, builtAtMs: content().builtAtMs }),
    close: async () => stop(),
  };
}

interface Loaded {
  readonly content: Database;
  readonly version: string;
}

/** Tells versions of a file apart by what a replacement changes; `missing` when it is not there. */
async function versionOf(path: string): Promise<string> {
  return await stat(path, { bigint: true }).then(versionText, () => 'missing');
}

function versionText(found: { dev: bigint; ino: bigint; mtimeNs: bigint; size: bigint }): string {
  return [found.dev, found.ino, found.mtimeNs, found.size].join(' ');
}

/** Where the shipped database is installed. */
export function shippedPath(): string {
  return createRequire(import.meta.url).resolve(SHIPPED);
}

async function load(path: string, known = false): Promise<Loaded> {
  const { bytes, version } = await readWhole(path).catch((cause: unknown) => {
    throw new GeoDatabaseError(path, cause instanceof Error ? cause.message : String(cause), cause);
  });
  return { content: await parseDatabase(bytes, path, known), version };
}

/** The version is that of the opened file, so that a replacement during the reading is seen as one. */
async function readWhole(path: string): Promise<{ bytes: Buffer; version: string }> {
  const handle = await open(path, 'r');
  try {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) throw new Error('it is not a file');
    return { bytes: await handle.readFile(), version: versionText(found) };
  } finally {
    await handle.close();
  }
}
