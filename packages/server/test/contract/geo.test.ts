// Runs the geo contract on the database adapter, and what only a replaceable file can get wrong.
import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { GEO_RECORDS, geoContract } from '../../contract/geo.ts';
import { openGeo, shippedPath } from '../../src/adapters/mmdb/geo.ts';
import type { Geo } from '../../src/ports/geo.ts';
import { control, type MmdbOptions, map, pointer, text, uint, writeMmdb } from '../support/mmdb-writer.ts';

const corpora = process.env['CORPORA_DIR'];

let folder: string;
let path: string;
let ticks: (() => void)[];
let logged: { event: string; fields: Readonly<Record<string, unknown>> | undefined }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-geo-'));
  path = join(folder, 'countries.mmdb');
  ticks = [];
  logged = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const record = (event: string, fields?: Readonly<Record<string, unknown>>) => void logged.push({ event, fields });
const system = {
  log: { info: record, warn: record, error: record },
  every: (_: number, task: () => void) => {
    ticks.push(task);
    return () => {
      ticks = ticks.filter((other) => other !== task);
    };
  },
};
const tick = () => {
  for (const task of ticks) task();
};

async function openWritten(records: Readonly<Record<string, string>>, options?: MmdbOptions): Promise<Geo> {
  await writeFile(path, writeMmdb(records, options));
  return await openGeo(path, system);
}

describe.each([
  { recordSize: 24, shape: 'nested' },
  { recordSize: 28, shape: 'nested' },
  { recordSize: 32, shape: 'flat' },
] as const)('the geo contract on a database of $recordSize bit records, $shape', (options) => {
  test.each(geoContract.map((contractCase) => [contractCase.name, contractCase] as const))('%s', async (_, { run }) => {
    await run(() => openWritten(GEO_RECORDS, options));
  });
});

describe('the shipped database', () => {
  it('passes the examination that every other one has to pass at the start', async () => {
    const geo = await openGeo(shippedPath(), system);
    expect(geo.country('8.8.8.8')).toBe('US');
    await geo.close();
  });

  it('knows well-known addresses of both families, and watches nothing', async () => {
    const geo = await openGeo(undefined, system);
    expect([geo.country('8.8.8.8'), geo.country('::ffff:8.8.8.8'), geo.country('2001:4860:4860::8888')]).toEqual([
      'US',
      'US',
      'US',
    ]);
    expect([geo.country('194.246.96.1'), geo.country('193.0.6.139')]).toEqual(['DE', 'NL']);
    expect(geo.country('10.0.0.1')).toBeUndefined();
    expect(geo.describe().source).toContain('geo-whois-asn-country');
    expect(ticks).toEqual([]);
  });
});

describe('what a database may say', () => {
  it('takes nothing for a country that is not an ISO 3166-1 code', async () => {
    const geo = await openWritten({
      '1.0.0.0/8': 'EU',
      '2.0.0.0/8': 'ZZ',
      '3.0.0.0/8': 'gb',
      '4.0.0.0/8': 'GBR',
      '5.0.0.0/8': 'FR',
    });
    expect(['1.1.1.1', '2.1.1.1', '3.1.1.1', '4.1.1.1', '5.1.1.1'].map((address) => geo.country(address))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'FR',
    ]);
  });

  it('answers nothing for IPv6 from a database of IPv4', async () => {
    const geo = await openWritten({ '0.0.0.0/1': 'GB', '128.0.0.0/1': 'US' }, { ipVersion: 4 });
    expect([geo.country('200.1.1.1'), geo.country('::ffff:1.1.1.1'), geo.country('2001:218::1')]).toEqual([
      'US',
      'GB',
      undefined,
    ]);
  });
});

describe('replacement', () => {
  it('loads a file that was replaced by another, as updaters do it', async () => {
    const geo = await openWritten({ '1.0.0.0/8': 'GB' });
    expect(geo.country('1.1.1.1')).toBe('GB');
    await writeFile(`${path}.new`, writeMmdb({ '1.0.0.0/8': 'FR' }));
    await rename(`${path}.new`, path);
    tick();
    await expect.poll(() => geo.country('1.1.1.1')).toBe('FR');
    expect(logged.map(({ event }) => event)).toEqual(['geo.reloaded']);
  });

  it('loads a file that was overwritten in place', async () => {
    const geo = await openWritten({ '1.0.0.0/8': 'GB' });
    await writeFile(path, writeMmdb({ '1.0.0.0/8': 'FR' }));
    await utimes(path, 2_000_000_000, 2_000_000_000);
    tick();
    await expect.poll(() => geo.country('1.1.1.1')).toBe('FR');
  });

  it('keeps the old one when the new one is broken or missing, says so once, and takes the next good one', async () => {
    const geo = await openWritten({ '1.0.0.0/8': 'GB' });
    const good = writeMmdb({ '1.0.0.0/8': 'FR' });
    await writeFile(path, good.subarray(0, good.length - 20));
    tick();
    await expect.poll(() => logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({
      event: 'geo.reload_failed',
      fields: { path, error: { message: expect.stringContaining(path) } },
    });
    await rm(path);
    const loggedAfterTick = () => {
      tick();
      return logged;
    };
    await expect.poll(loggedAfterTick).toHaveLength(2);
    for (let count = 0; count < 5; count += 1) {
      tick();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(logged).toHaveLength(2);
    expect(geo.country('1.1.1.1')).toBe('GB');
    await writeFile(path, good);
    await expect.poll(() => loggedAfterTick().at(-1)?.event).toBe('geo.reloaded');
    expect(geo.country('1.1.1.1')).toBe('FR');
  });

  it('looks no more once it is closed', async () => {
    const geo = await openWritten({ '1.0.0.0/8': 'GB' });
    await geo.close();
    expect(ticks).toEqual([]);
  });
});

const GB = { '1.0.0.0/8': 'GB' };
const deep = (levels: number): Uint8Array => (levels === 0 ? text('x') : map({ a: deep(levels - 1) }));
/** A record of `levels` maps of nine bytes, each pointing twice to the next: 2^levels values when it is decoded. */
const doubling = (levels: number): Uint8Array => {
  const twice = (to: number) => Buffer.concat([control(7, 2), text('a'), pointer(to), text('b'), pointer(to)]);
  const parts = Array.from({ length: levels }, (_, level) => twice((level + 1) * 9));
  return Buffer.concat([...parts, map({ country: map({ iso_code: text('GB') }) })]);
};

describe('broken databases are refused with path and reason', () => {
  const good = writeMmdb(GB);
  const patched = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  it.each([
    ['an empty file', Buffer.alloc(0), 'metadata is missing'],
    ['a file of another kind', Buffer.from('<html>not found</html>'), 'metadata is missing'],
    ['a file that was cut off', good.subarray(0, good.length >> 1), 'metadata is missing'],
    ['a file without its beginning', good.subarray(400), 'does not fit into the file'],
    [
      'an unknown format version',
      writeMmdb(GB, { metadata: { binary_format_major_version: uint(5, 3) } }),
      'format version is 3',
    ],
    ['an unknown record size', writeMmdb(GB, { metadata: { record_size: uint(5, 20) } }), 'record size'],
    ['an unknown IP version', writeMmdb(GB, { metadata: { ip_version: uint(5, 5) } }), 'IP version is 5'],
    ['no node', writeMmdb(GB, { metadata: { node_count: uint(6, 0) } }), 'search tree of 0 nodes'],
    ['more nodes than bytes', writeMmdb(GB, { metadata: { node_count: uint(6, 4_000_000) } }), 'does not fit'],
    ['a build time beyond time', writeMmdb(GB, { metadata: { build_epoch: uint(9, 2n ** 64n - 1n) } }), 'build time'],
    ['a text for a number', writeMmdb(GB, { metadata: { node_count: text('12') } }), 'search tree'],
    ['a tree that runs in a circle', patched(0, 0, 0, 0), 'deeper than an address|runs in a circle'],
    ['a tree that leads out of the data', patched(3, 0xff, 0xff, 0xff), 'outside of the data'],
    ['a tree that leads into the separator', patched(3, 0, 0, 110), 'outside of the data'],
    ['a record nested too deeply', writeMmdb(GB, { record: deep(200) }), 'nested too deeply'],
    ['a record that multiplies without end', writeMmdb(GB, { record: doubling(12) }), 'too many values'],
    [
      'a record that points to itself',
      writeMmdb(GB, { record: Buffer.concat([control(7, 1), text('a'), pointer(0)]) }),
      'nested too deeply',
    ],
    [
      'a pointer to a pointer',
      writeMmdb(GB, { record: Buffer.concat([control(7, 1), text('a'), pointer(3)]) }),
      'points to a pointer',
    ],
    ['a list longer than the file', writeMmdb(GB, { record: control(11, 60_000) }), 'more entries than'],
    ['a text longer than the file', writeMmdb(GB, { record: control(2, 60_000) }), 'runs beyond'],
    ['a text that is not UTF-8', writeMmdb(GB, { record: Buffer.from([0x42, 0xff, 0xfe]) }), 'not UTF-8'],
    [
      'a key that is no text',
      writeMmdb(GB, { record: Buffer.concat([control(7, 1), uint(5, 1), text('a')]) }),
      'map key',
    ],
    ['an unknown type', writeMmdb(GB, { record: control(13, 0) }), 'unknown type'],
    [
      'a number of an impossible size',
      writeMmdb(GB, { record: Buffer.concat([control(6, 9), Buffer.alloc(9)]) }),
      'impossible size',
    ],
    [
      'no country at all',
      writeMmdb(GB, { record: map({ city: text('London') }) }),
      'none of its records holds a country',
    ],
  ])('%s', async (_, bytes, reason) => {
    await writeFile(path, bytes);
    const opening = openGeo(path, system);
    await expect(opening).rejects.toMatchObject({ name: 'GeoDatabaseError' });
    await expect(opening).rejects.toThrow(new RegExp(reason));
    await expect(opening).rejects.toThrow(path);
  });

  it('a file that is not there, and a folder', async () => {
    await expect(openGeo(join(folder, 'absent.mmdb'), system)).rejects.toThrow(/absent\.mmdb.*ENOENT/);
    await expect(openGeo(folder, system)).rejects.toMatchObject({ name: 'GeoDatabaseError' });
  });

  it('never throws nor invents a country after any single damaged byte', async () => {
    const bytes = writeMmdb({ '0.0.0.0/2': 'GB', '64.0.0.0/2': 'US', '2001::/16': 'JP' });
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        await writeFile(path, damaged);
        const geo = await openGeo(path, system).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'GeoDatabaseError' });
          refused += 1;
          return undefined;
        });
        for (const address of ['1.1.1.1', '65.1.1.1', '200.1.1.1', '2001::1', 'ffff::']) {
          expect(geo?.country(address) ?? 'XX').toMatch(/^[A-Z]{2}$/);
        }
        await geo?.close();
      }
    }
    expect(refused).toBeGreaterThan(bytes.length);
  });
});

describe.runIf(corpora !== undefined)('databases of others', () => {
  const geoFolder = join(corpora ?? '', 'geo');

  it('reads the reference database exactly as its source says', async () => {
    const geo = await openGeo(join(geoFolder, 'GeoLite2-Country-Test.mmdb'), system);
    const source: Record<string, { country?: { iso_code?: string } }>[] = JSON.parse(
      await readFile(join(geoFolder, 'GeoLite2-Country-Test.json'), 'utf8'),
    );
    const networks = source.flatMap((entry) => Object.entries(entry));
    expect(networks.length).toBeGreaterThan(100);
    for (const [network, { country }] of networks) {
      expect(geo.country(network.split('/')[0] ?? ''), network).toBe(country?.iso_code);
    }
  });

  it('refuses every database that is known to break readers', async () => {
    const entries = await readdir(join(geoFolder, 'bad-data'), { recursive: true });
    const broken = entries.filter((entry) => entry.endsWith('.mmdb'));
    expect(broken.length).toBeGreaterThan(15);
    for (const entry of broken) {
      await expect(openGeo(join(geoFolder, 'bad-data', entry), system), entry).rejects.toThrow(
        `${entry} is not a usable`,
      );
    }
  });
});

if (corpora === undefined) console.info('CORPORA_DIR is not set: the databases of others were not read.');
