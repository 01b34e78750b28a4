// One key has one text, and no other text is that key: not with one bit changed, not cut, not longer, not rearranged.
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  decodeKey,
  encodeKey,
  KEY_BYTES_MAX,
  KEY_PLAIN_BYTES_MAX,
  KEY_PREFIX,
  looksLikeKey,
  narrow,
  narrowKey,
} from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../src/base64url.ts';
import { decodeUtf8, encodeUtf8, isWellFormed } from '../src/utf8.ts';
import { claims, narrowing } from './arbitraries.ts';
import { configureProperties, FEWER } from './property.ts';

configureProperties('key.property.test.ts');

const mac = (key: Uint8Array, message: Uint8Array) => createHmac('sha256', key).update(message).digest();
const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b);
const SECRET = new Uint8Array(32).fill(7);

/** True when the text is a key of the secret. */
function isGood(text: string, secret = SECRET): boolean {
  const decoded = decodeKey(text);
  return decoded.ok && decoded.verify(secret, mac, equal);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('a key', () => {
  test('says what was written, and is written as it was read', () => {
    fc.assert(
      fc.property(claims, (written) => {
        const text = encodeKey(written, SECRET, mac);
        const decoded = decodeKey(text);
        expect(decoded.ok && decoded.claims).toEqual(written);
        expect(decoded.ok && decoded.kid).toBe(written.kid);
        expect(isGood(text)).toBe(true);
        expect(looksLikeKey(text)).toBe(true);
        expect(text).toMatch(/^SASS__v2__[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/);
        if (written.narrowings.length === 0) expect(text.length).toBeLessThanOrEqual(KEY_PLAIN_BYTES_MAX);
      }),
      FEWER,
    );
  });

  test('is refused with any one bit of its text flipped', () => {
    fc.assert(
      fc.property(claims, fc.nat(), fc.nat({ max: 7 }), (written, at, bit) => {
        const text = encodeKey(written, SECRET, mac);
        const index = at % text.length;
        const flipped = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
        expect(isGood(text.slice(0, index) + flipped + text.slice(index + 1))).toBe(false);
      }),
    );
  });

  test('is refused with any one letter replaced, removed, doubled or put in', () => {
    fc.assert(
      fc.property(claims, fc.nat(), fc.constantFrom(...alphabet, '.', '=', ' '), (written, at, letter) => {
        const text = encodeKey(written, SECRET, mac);
        const index = at % text.length;
        const [before, here, after] = [text.slice(0, index), text.charAt(index), text.slice(index + 1)];
        if (letter !== here) expect(isGood(before + letter + after)).toBe(false);
        expect(isGood(before + after)).toBe(false);
        expect(isGood(before + here + here + after)).toBe(false);
        expect(isGood(before + letter + here + after)).toBe(false);
      }),
    );
  });

  test('is refused cut off anywhere and continued by anything', () => {
    fc.assert(
      fc.property(claims, fc.nat(), fc.string({ minLength: 1 }), (written, at, tail) => {
        const text = encodeKey(written, SECRET, mac);
        expect(isGood(text.slice(0, at % text.length))).toBe(false);
        expect(isGood(text + tail)).toBe(false);
        expect(isGood(tail + text)).toBe(false);
      }),
    );
  });

  test('is refused with the tag of any other length', () => {
    fc.assert(
      fc.property(claims, fc.nat({ max: 64 }), (written, length) => {
        fc.pre(length !== 32);
        const text = encodeKey(written, SECRET, mac);
        const [tag = ''] = text.split('.').slice(-1);
        const bytes = new Uint8Array(length);
        bytes.set((decodeBase64url(tag) ?? new Uint8Array()).subarray(0, length));
        expect(isGood(`${text.slice(0, -tag.length)}${encodeBase64url(bytes)}`)).toBe(false);
      }),
      FEWER,
    );
  });

  test('is refused by every other secret', () => {
    fc.assert(
      fc.property(claims, fc.uint8Array({ minLength: 32, maxLength: 32 }), (written, other) => {
        fc.pre(!equal(other, SECRET));
        expect(isGood(encodeKey(written, SECRET, mac), other)).toBe(false);
      }),
      FEWER,
    );
  });

  test('is read from any text or refused, without a throw', () => {
    const near = fc
      .array(fc.string({ unit: fc.constantFrom(...alphabet) }), { maxLength: 4 })
      .map((parts) => parts.join('.'));
    const json = fc.json().map((text) => encodeBase64url(encodeUtf8(isWellFormed(text) ? text : '')));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near, json), (text) => {
        const tag = encodeBase64url(new Uint8Array(32));
        for (const candidate of [text, KEY_PREFIX + text, `${KEY_PREFIX}${text}.${tag}`])
          expect(isGood(candidate)).toBe(false);
      }),
      FEWER,
    );
  });
});

describe('narrowings of a key', () => {
  test('are added without the secret, to the very key that the server would have written', () => {
    fc.assert(
      fc.property(claims, narrowing, (written, taken) => {
        const narrowed = narrowKey(encodeKey(written, SECRET, mac), taken, mac);
        expect(narrowed).toBe(encodeKey(narrow(written, taken), SECRET, mac));
        expect(isGood(narrowed ?? '')).toBe(true);
      }),
      FEWER,
    );
  });

  test('cannot be removed, repeated, swapped, exchanged or put in between', () => {
    fc.assert(
      fc.property(
        claims,
        fc.array(narrowing, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(),
        (written, list, i, j) => {
          const key = encodeKey({ ...written, narrowings: list }, SECRET, mac);
          const [body = '', ...rest] = key.slice(KEY_PREFIX.length).split('.');
          const tag = rest.pop() ?? '';
          const [from, to] = [i % rest.length, j % rest.length];
          const join = (segments: readonly string[]) => `${KEY_PREFIX}${[body, ...segments, tag].join('.')}`;
          expect(join(rest)).toBe(key);
          expect(isGood(join(rest.toSpliced(from, 1)))).toBe(false);
          expect(isGood(join(rest.toSpliced(from, 0, rest[to] ?? '')))).toBe(false);
          expect(isGood(join([...rest, encodeBase64url(encodeUtf8('{}'))]))).toBe(false);
          if (rest[from] === rest[to]) return;
          expect(isGood(join(rest.with(from, rest[to] ?? '').with(to, rest[from] ?? '')))).toBe(false);
          expect(isGood(join(rest.with(from, rest[to] ?? '')))).toBe(false);
        },
      ),
    );
  });

  test('end at the longest key, which every shorter one stays below', () => {
    fc.assert(
      fc.property(claims, fc.array(narrowing, { minLength: 15, maxLength: 18 }), (written, list) => {
        const plain = encodeKey({ ...written, narrowings: [] }, SECRET, mac);
        const key = list.reduce<string | undefined>((text, taken) => text && narrowKey(text, taken, mac), plain);
        if (key === undefined) return;
        expect(list.length).toBeLessThanOrEqual(16);
        expect(key.length).toBeLessThanOrEqual(KEY_BYTES_MAX);
        expect(isGood(key)).toBe(true);
      }),
      FEWER,
    );
  });
});

describe('the codecs below a key', () => {
  test('base64url equals that of the platform, and reads nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: fc.constantFrom(...alphabet, '=', '+') }), (bytes, text) => {
        const written = Buffer.from(bytes).toString('base64url');
        expect(encodeBase64url(bytes)).toBe(written);
        expect(decodeBase64url(written)).toEqual(bytes);
        const read = decodeBase64url(text);
        if (read !== undefined) expect(encodeBase64url(read)).toBe(text);
      }),
      FEWER,
    );
  });

  test('UTF-8 equals that of the platform, and reads nothing else', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const platform = (bytes: Uint8Array) => {
      try {
        return decoder.decode(bytes);
      } catch {
        return undefined;
      }
    };
    const leads = fc.constantFrom(
      0x41,
      0x7f,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xdf,
      0xe0,
      0xa0,
      0xed,
      0x9f,
      0xef,
      0xf0,
      0x90,
      0xf4,
      0x8f,
      0xf5,
      0xff,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(leads), (text, bytes) => {
        if (isWellFormed(text)) expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
        if (isWellFormed(text)) expect(decodeUtf8(encodeUtf8(text))).toBe(text);
        expect(decodeUtf8(Uint8Array.from(bytes))).toBe(platform(Uint8Array.from(bytes)));
      }),
      FEWER,
    );
  });
});
