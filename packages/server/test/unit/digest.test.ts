// Digests and their comparison: whole, and without a hint at where two of them differ or how long a right one is.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { equalBytes, hashSecret, mac } from '../../src/digest.ts';

describe('two digests', () => {
  const tag = mac(Buffer.from('secret'), Buffer.from('message'));

  test('are equal when every byte is', () => {
    expect(equalBytes(tag, Uint8Array.from(tag))).toBe(true);
  });

  test('differ by any one bit', () => {
    for (let bit = 0; bit < tag.length * 8; bit += 1) {
      const other = Uint8Array.from(tag, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(equalBytes(tag, other)).toBe(false);
    }
  });

  test.each([0, 1, 31, 33])('of 32 and %i bytes differ, and comparing them never throws', (length) => {
    expect(equalBytes(tag, randomBytes(length))).toBe(false);
    expect(equalBytes(randomBytes(length), tag)).toBe(false);
  });

  test('are as long as SHA-256 makes them', () => {
    expect(tag).toHaveLength(32);
  });
});

test('a stored secret is its SHA-256, never itself', () => {
  // FIPS 180-4, the example of "abc".
  expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
