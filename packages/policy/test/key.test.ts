// Keys at their edges: what cannot be written, what a key reveals before it is verified, and how large it gets.
import { createHmac } from 'node:crypto';
import {
  type Claims,
  decodeKey,
  encodeKey,
  isSubject,
  KEY_BYTES_MAX,
  KEY_PLAIN_BYTES_MAX,
  looksLikeKey,
  narrow,
  narrowKey,
  parseNarrowing,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { must } from './arbitraries.ts';

const mac = (key: Uint8Array, message: Uint8Array) => createHmac('sha256', key).update(message).digest();
const SECRET = new Uint8Array(32).fill(1);
const CLAIMS: Claims = {
  kid: 's1',
  keyId: 'k1',
  container: 'demo',
  source: { kind: 'template', id: 't1' },
  issuedAtMs: 1_700_000_000_000,
  expiresAtMs: 1_700_001_200_000,
  narrowings: [],
};
const NARROWING = must(parseNarrowing({ upload: { max: 1 } }));
const LONG = must(
  parseNarrowing({ restrictions: { whitelist_ip_ranges: Array.from({ length: 100 }, (_, i) => `203.0.113.${i}`) } }),
);

describe('encodeKey', () => {
  test.each<[Partial<Claims>, string]>([
    [{ kid: '' }, 'no signing secret'],
    [{ kid: 'a b' }, 'a space in an identifier'],
    [{ keyId: 'k'.repeat(65) }, 'an identifier too long'],
    [{ container: 'd\u00e9mo' }, 'an identifier beyond ASCII'],
    [{ source: { kind: 'template' as const, id: '../x' } }, 'a slash in an identifier'],
    [{ issuedAtMs: -1 }, 'a time below zero'],
    [{ expiresAtMs: Number.NaN }, 'a time that is no number'],
    [{ expiresAtMs: 1.5 }, 'a time with a fraction'],
    [{ subject: 'x'.repeat(129) }, 'a subject too long'],
    [{ subject: 'a\u0000b' }, 'a control character in a subject'],
    [{ subject: '\ud800' }, 'a lone surrogate in a subject'],
    [{ narrowings: Array.from({ length: 17 }, () => NARROWING) }, 'too many narrowings'],
  ])('throws for %j: %s', (change) => {
    expect(() => encodeKey({ ...CLAIMS, ...change }, SECRET, mac)).toThrow(TypeError);
  });

  test('stays within a kilobyte with the longest of everything', () => {
    const id = 'x'.repeat(64);
    const most = Number.MAX_SAFE_INTEGER;
    const claims = {
      kid: id,
      keyId: id,
      container: id,
      source: { kind: 'secret' as const, id },
      issuedAtMs: most,
      startsAtMs: most,
    };
    // A quotation mark takes two bytes in JSON: the most a character of a subject can take for each of its own.
    const key = encodeKey({ ...claims, expiresAtMs: most, subject: '"'.repeat(128), narrowings: [] }, SECRET, mac);
    expect(key.length).toBeLessThanOrEqual(KEY_PLAIN_BYTES_MAX);
    expect(decodeKey(key).ok).toBe(true);
  });

  test('keeps the subject and the start only when there are any', () => {
    const plain = decodeKey(encodeKey(CLAIMS, SECRET, mac));
    expect(plain.ok && Object.keys(plain.claims)).not.toContain('subject');
    expect(plain.ok && Object.keys(plain.claims)).not.toContain('startsAtMs');
  });
});

describe('decodeKey', () => {
  test('names the signing secret before anything is verified, so that several can be in use', () => {
    const old = encodeKey({ ...CLAIMS, kid: 'old' }, new Uint8Array(32).fill(2), mac);
    const decoded = decodeKey(old);
    const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
    expect(decoded.ok && decoded.kid).toBe('old');
    expect(decoded.ok && decoded.verify(new Uint8Array(32).fill(2), mac, equal)).toBe(true);
    expect(decoded.ok && decoded.verify(SECRET, mac, equal)).toBe(false);
  });

  test('leaves the comparison of tags to the caller, who has one in constant time', () => {
    const decoded = decodeKey(encodeKey(CLAIMS, SECRET, mac));
    const lengths: number[][] = [];
    const record = (a: Uint8Array, b: Uint8Array) => lengths.push([a.length, b.length]) > 0;
    expect(decoded.ok && decoded.verify(new Uint8Array(32), mac, record)).toBe(true);
    expect(lengths).toEqual([[32, 32]]);
  });

  test('does not take a shorter MAC for a full one', () => {
    const short = (key: Uint8Array, message: Uint8Array) => mac(key, message).subarray(0, 16);
    const decoded = decodeKey(encodeKey(CLAIMS, SECRET, mac));
    expect(decoded.ok && decoded.verify(SECRET, short, () => true)).toBe(false);
  });
});

describe('narrowKey', () => {
  test('takes up to sixteen narrowings', () => {
    let key = encodeKey(CLAIMS, SECRET, mac);
    for (let count = 1; count <= 16; count++) key = narrowKey(key, NARROWING, mac) ?? '';
    expect(decodeKey(key)).toMatchObject({ ok: true });
    expect(narrowKey(key, NARROWING, mac)).toBeUndefined();
  });

  test('stops where a key would be longer than any server reads', () => {
    const keys = [encodeKey(CLAIMS, SECRET, mac)];
    for (let key = keys[0]; key !== undefined; key = narrowKey(key, LONG, mac)) keys.push(key);
    const longest = keys.at(-1) ?? '';
    expect(longest.length).toBeGreaterThan(KEY_BYTES_MAX / 2);
    expect(longest.length).toBeLessThanOrEqual(KEY_BYTES_MAX);
    const longer = encodeKey({ ...CLAIMS, narrowings: Array.from({ length: 10 }, () => LONG) }, SECRET, mac);
    expect(longer.length).toBeGreaterThan(KEY_BYTES_MAX);
    expect(decodeKey(longer).ok).toBe(false);
  });

  test.each(['', 'SASS__v2__', 'secret', 'SASS__v2__e30.e30'])('narrows no text that is no key: %j', (text) => {
    expect(narrowKey(text, NARROWING, mac)).toBeUndefined();
  });

  test('of a key with a wrong tag makes a key with a wrong tag', () => {
    const forged = encodeKey(CLAIMS, new Uint8Array(32), mac);
    const decoded = decodeKey(narrowKey(forged, NARROWING, mac) ?? '');
    expect(decoded.ok && decoded.verify(SECRET, mac, (a, b) => Buffer.compare(a, b) === 0)).toBe(false);
  });
});

describe('narrow', () => {
  test('adds behind and leaves the claims it was given alone', () => {
    const once = narrow(CLAIMS, NARROWING);
    expect(narrow(once, LONG).narrowings).toEqual([NARROWING, LONG]);
    expect(once.narrowings).toEqual([NARROWING]);
    expect(CLAIMS.narrowings).toEqual([]);
  });
});

describe('looksLikeKey', () => {
  test.each([
    ['SASS__v2__x', true, 'a key'],
    ['SASS__v1.05__x__y', true, 'a key of another version, to be refused as a key'],
    ['SECU_0123', false, 'a template identifier'],
    ['lk_secret', false, 'a secret key'],
    ['', false, 'nothing'],
    ['sass__v2__', false, 'keys have case'],
  ])('%j: %s (%s)', (text, looks) => {
    expect(looksLikeKey(text)).toBe(looks);
  });
});

describe('isSubject', () => {
  test.each([
    ['user-7', true],
    ['Jos\u00e9', true],
    ['\u00e9'.repeat(64), true],
    ['\u00e9'.repeat(65), false],
    ['', false],
    ['a\nb', false],
    ['\udc00', false],
    [7, false],
  ])('%j: %s', (text, is) => {
    expect(isSubject(text)).toBe(is);
  });
});
