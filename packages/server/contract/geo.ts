// What every source of countries must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { Geo } from '../src/ports/geo.ts';
import type { ContractCase } from './case.ts';

/** What the database under test must hold, and nothing else: network -> country. */
export const GEO_RECORDS: Readonly<Record<string, string>> = {
  '2.125.160.216/29': 'GB',
  '81.2.69.192/28': 'SE',
  '128.0.0.0/1': 'US',
  '203.0.113.7/32': 'CH',
  '2001:218::/32': 'JP',
  '2a02:cf40::/29': 'NO',
  '2a02:d500::1/128': 'DE',
};

const KNOWN: readonly (readonly [address: string, country: string | undefined, why: string])[] = [
  ['2.125.160.216', 'GB', 'the first address of a network'],
  ['2.125.160.223', 'GB', 'the last address of a network'],
  ['2.125.160.215', undefined, 'one before a network'],
  ['2.125.160.224', undefined, 'one after a network'],
  ['128.0.0.0', 'US', 'a wide network'],
  ['255.255.255.255', 'US', 'the last IPv4 address'],
  ['203.0.113.7', 'CH', 'a network of one address inside a wider one'],
  ['203.0.113.8', 'US', 'beside it'],
  ['2001:218::1', 'JP', 'IPv6'],
  ['2001:0218:0000:0000:0000:0000:0000:0001', 'JP', 'IPv6 written out'],
  ['2001:218:FFFF:ffff::', 'JP', 'IPv6 in upper case'],
  ['2001:219::', undefined, 'one after an IPv6 network'],
  ['2a02:cf47:ffff::', 'NO', 'an IPv6 network whose length is no multiple of four'],
  ['2a02:cf48::', undefined, 'one after it'],
  ['2a02:d500::1', 'DE', 'one IPv6 address'],
  ['2a02:d500::2', undefined, 'beside it'],
  ['::ffff:2.125.160.216', 'GB', 'IPv4-mapped'],
  ['::ffff:27d:a0d8', 'GB', 'IPv4-mapped in hexadecimal'],
  ['0:0:0:0:0:FFFF:2.125.160.216', 'GB', 'IPv4-mapped written out'],
  ['::ffff:0:2.125.160.216', undefined, 'resembles a mapped address and is none'],
  ['127.0.0.1', undefined, 'loopback'],
  ['10.0.0.1', undefined, 'private'],
  ['0.0.0.0', undefined, 'unspecified'],
  ['::', undefined, 'unspecified IPv6'],
  ['::1', undefined, 'loopback IPv6'],
];

const NO_ADDRESSES = [
  '',
  ' ',
  'localhost',
  '2.125.160',
  '2.125.160.216.1',
  '2.125.160.216 ',
  '2.125.160.216/29',
  '2.125.160.216:80',
  '[2001:218::1]',
  '2001:218::1%eth0',
  'fe80::1%',
  '02.125.160.216',
  '0x2.125.160.216',
  '42834136',
  '2.125.160.-40',
  '256.0.0.1',
  ':::',
  '2001:218:::1',
  '1:2:3:4:5:6:7:8:9',
  'g::1',
  '\0',
  '٢.125.160.216',
  '1'.repeat(100_000),
];

/** The guarantees of the `Geo` port; `open` opens a database of exactly `GEO_RECORDS`. */
export const geoContract: readonly ContractCase<Geo>[] = [
  ...KNOWN.map(([address, country, why]) => ({
    name: `answers ${country ?? 'nothing'} for ${address}: ${why}`,
    async run(open: () => Promise<Geo>) {
      assert.equal((await open()).country(address), country);
    },
  })),
  {
    name: 'answers nothing, and never throws, for a text that is no address',
    async run(open) {
      const geo = await open();
      for (const text of NO_ADDRESSES) assert.equal(geo.country(text), undefined, JSON.stringify(text.slice(0, 60)));
    },
  },
  {
    name: 'says what is loaded and when it was built',
    async run(open) {
      const { source, builtAtMs } = (await open()).describe();
      assert.ok(source.length > 0);
      assert.ok(builtAtMs > Date.UTC(2000, 0) && builtAtMs < Date.now() + 24 * 3600 * 1000);
    },
  },
  {
    name: 'closes twice without a fault',
    async run(open) {
      const geo = await open();
      await geo.close();
      await geo.close();
    },
  },
];
