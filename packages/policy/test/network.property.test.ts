// Every text form of one address decides alike, and ranges mean what their numbers say.
import {
  type Address,
  addressBucket,
  type Claims,
  decide,
  type Facts,
  formatAddress,
  inRanges,
  parseAddress,
  parseOrigin,
  parseOriginPattern,
  parseRange,
  parseTemplate,
} from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from './arbitraries.ts';
import { configureProperties, FEWER } from './property.ts';

configureProperties('network.property.test.ts');

const ipv4 = fc.bigInt({ min: 0n, max: 0xffffffffn }).map((value): Address => ({ family: 4, value }));
/** Many zeros, as real addresses have, so that the short forms are met; never mapped, which is IPv4. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0n), fc.constantFrom(0xffffn, 1n), fc.bigInt({ min: 0n, max: 0xffffn })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups): Address => ({ family: 6, value: groups.reduce((value, group) => (value << 16n) | group, 0n) }))
  .filter(({ value }) => value >> 32n !== 0xffffn);
const address = fc.oneof(ipv4, ipv6);

/** Every way to write an address: dotted, mapped, long, short at any run of zeros, either case, with leading zeros. */
function textsOf({ family, value }: Address): string[] {
  const dotted = (part: bigint) => [24n, 16n, 8n, 0n].map((shift) => (part >> shift) & 0xffn).join('.');
  const wide = family === 4 ? (0xffffn << 32n) | value : value;
  const groups = Array.from({ length: 8 }, (_, index) => ((wide >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  const texts = [groups.join(':'), groups.map((group) => group.padStart(4, '0')).join(':')];
  texts.push(`${groups.slice(0, 6).join(':')}:${dotted(wide & 0xffffffffn)}`);
  for (let from = 0; from < 8; from++) {
    for (let to = from + 1; to <= 8 && groups[to - 1] === '0'; to++) {
      texts.push(`${groups.slice(0, from).join(':')}::${groups.slice(to).join(':')}`);
    }
  }
  if (family === 4) texts.push(dotted(value));
  return [...texts, ...texts.map((text) => text.toUpperCase())];
}

const REQUEST: Facts = {
  nowMs: 1,
  container: 'demo',
  credential: 'verified',
  bearer: 'key',
  clientIp: '',
  demands: [{ operation: 'file.upload', targets: [] }],
};
const KEY: Claims = {
  kid: 's1',
  keyId: 'k1',
  container: 'demo',
  source: { kind: 'template', id: 't1' },
  issuedAtMs: 0,
  expiresAtMs: 1000,
  narrowings: [],
};

/** A range text around or beside an address, with what it spans. */
const range = fc
  .tuple(address, fc.nat({ max: 128 }), fc.constantFrom('one', 'cidr', 'span'))
  .map(([base, bits, form]) => {
    const width = base.family === 4 ? 32 : 128;
    const prefix = Math.min(bits, width);
    const size = 1n << BigInt(width - prefix);
    const first = (base.value / size) * size;
    const last = first + size - 1n;
    const text = (value: bigint) => formatAddress({ family: base.family, value });
    if (form === 'cidr') return { text: `${text(base.value)}/${prefix}`, family: base.family, first, last };
    if (form === 'span') return { text: `${text(first)}-${text(last)}`, family: base.family, first, last };
    return { text: text(base.value), family: base.family, first: base.value, last: base.value };
  })
  // An end inside the mapped block is an IPv4 address: such a span has two families and is refused.
  .filter(({ family, first, last }) => family === 4 || (first >> 32n !== 0xffffn && last >> 32n !== 0xffffn));

describe('an address', () => {
  test('is one number in all its text forms, with one text and one bucket', () => {
    fc.assert(
      fc.property(address, (one) => {
        for (const text of textsOf(one)) {
          expect(parseAddress(text), text).toEqual(one);
          expect(addressBucket(text)).toBe(addressBucket(formatAddress(one)));
        }
        expect(parseAddress(formatAddress(one))).toEqual(one);
      }),
      FEWER,
    );
  });

  test('decides alike in all its text forms', () => {
    fc.assert(
      fc.property(
        address,
        fc.array(range, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.nat(),
        (one, ranges, blocked, pick) => {
          const entries = ranges.map(({ text }) => text);
          const lists = blocked ? { blocked_ip_ranges: entries } : { whitelist_ip_ranges: entries };
          const live = must(
            parseTemplate({ permissions: ['FILE_UPLOAD'], upload: { limit_per_ip_source: 1 }, restrictions: lists }),
          );
          const texts = textsOf(one);
          const decideFrom = (clientIp = '') => decide(live, KEY, { ...REQUEST, clientIp });
          expect(decideFrom(texts[pick % texts.length])).toEqual(decideFrom(formatAddress(one)));
        },
      ),
    );
  });

  test('of IPv6 shares its bucket with exactly its /64', () => {
    fc.assert(
      fc.property(ipv6, fc.nat({ max: 127 }), (one, bit) => {
        const other: Address = { family: 6, value: one.value ^ (1n << BigInt(bit)) };
        fc.pre(other.value >> 32n !== 0xffffn);
        expect(addressBucket(formatAddress(one)) === addressBucket(formatAddress(other))).toBe(bit < 64);
      }),
      FEWER,
    );
  });

  test('is read from no text that says anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4Extended(), fc.ipV6(), fc.domain()), (text) => {
        const parsed = parseAddress(text);
        if (parsed === undefined) return;
        expect(parseAddress(formatAddress(parsed))).toEqual(parsed);
        expect(text).toMatch(/^[0-9a-f:.]+$/i);
        for (const worse of [` ${text}`, `${text} `, `[${text}]`, `${text}%1`, `${text}\0`, `${text}/32`]) {
          expect(parseAddress(worse)).toBeUndefined();
        }
      }),
      FEWER,
    );
  });
});

describe('a range', () => {
  test('holds exactly the numbers from its first to its last', () => {
    fc.assert(
      fc.property(range, address, ({ text, family, first, last }, other) => {
        const parsed = parseRange(text);
        const everyone = text === '0.0.0.0' || text === '::';
        expect(parsed).toEqual(everyone ? { family: 'all', first: 0n, last: 0n } : { family, first, last });
        if (parsed === undefined || everyone) return;
        const holds = (value: bigint) => inRanges([parsed], { family, value });
        expect([holds(first), holds(last), holds(first - 1n), holds(last + 1n)]).toEqual([true, true, false, false]);
        expect(inRanges([parsed], other)).toBe(other.family === family && first <= other.value && other.value <= last);
      }),
      FEWER,
    );
  });

  test('is read from any text or refused, without a throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:./-*% ') }), (text) => {
        const parsed = parseRange(text);
        if (parsed !== undefined) expect(parsed.first).toBeLessThanOrEqual(parsed.last);
      }),
      FEWER,
    );
  });
});

describe('an origin', () => {
  test('agrees with the platform about what its text means', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true, withFragments: true }),
        (text) => {
          const url = new URL(text);
          expect(parseOrigin(url.origin)).toBe(url.origin);
          if (parseOrigin(text) !== undefined) expect(parseOrigin(text)).toBe(url.origin);
          if (text.slice(url.protocol.length + 2).includes('/')) expect(parseOrigin(text)).toBeUndefined();
        },
      ),
      FEWER,
    );
  });

  test('is read from any text or refused, without a throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const candidate of [text, `https://${text}`, `https://*.${text}`]) {
          const origin = parseOrigin(candidate);
          if (origin !== undefined) expect(parseOrigin(origin)).toBe(origin);
          if (origin !== undefined) expect(parseOriginPattern(candidate)?.subdomains).toBe(false);
        }
      }),
      FEWER,
    );
  });
});
