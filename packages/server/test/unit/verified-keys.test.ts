// What is remembered of verified keys: only what a secret of ours signed, and only so much of it.
import { randomBytes } from 'node:crypto';
import { type Claims, encodeKey, narrowKey, parseNarrowing } from '@latchkey/policy';
import { describe, expect, it } from 'vitest';
import { mac } from '../../src/digest.ts';
import { verifiedClaims } from '../../src/guard/verified-keys.ts';
import type { Keyring } from '../../src/ports/system.ts';

const SECRET = randomBytes(32);

function ringOf(secrets: Readonly<Record<string, Uint8Array>>): Keyring {
  return {
    signing: () => ({ kid: 'k1', secret: SECRET }),
    find: (kid) => (Object.hasOwn(secrets, kid) ? secrets[kid] : undefined),
  };
}

function keyOf(keyId: string): string {
  const claims: Claims = {
    kid: 'k1',
    keyId,
    container: 'demo',
    source: { kind: 'template', id: 't1' },
    issuedAtMs: 1_700_000_000_000,
    expiresAtMs: 1_700_000_060_000,
    narrowings: [],
  };
  return encodeKey(claims, SECRET, mac);
}

/** A key as long as they get: anybody who has one can make many of these. */
function longKeyOf(keyId: string, number: number): string {
  const ranges = Array.from({ length: 300 }, (_, at) => `10.${number % 250}.${at % 250}.${at % 100}`);
  const narrowing = parseNarrowing({ restrictions: { whitelist_ip_ranges: ranges } });
  if (!narrowing.ok) throw new Error('the narrowing is broken');
  return narrowKey(keyOf(keyId), narrowing.value, mac) ?? '';
}

describe('verified keys', () => {
  it('are read once, and told again as they were', () => {
    const ring = ringOf({ k1: SECRET });
    const claims = verifiedClaims(ring, keyOf('a'));
    expect(claims).toMatchObject({ keyId: 'a' });
    expect(verifiedClaims(ring, keyOf('a'))).toBe(claims);
  });

  it('do not make a forged key with the same claims good, nor one with another narrowing', () => {
    const ring = ringOf({ k1: SECRET });
    const key = keyOf('a');
    verifiedClaims(ring, key);
    const forged = key.slice(0, key.lastIndexOf('.') + 1) + randomBytes(32).toString('base64url');
    expect(verifiedClaims(ring, forged)).toBeUndefined();
    expect(verifiedClaims(ring, forged)).toBeUndefined();
    const narrowed = longKeyOf('a', 1);
    expect(verifiedClaims(ring, narrowed)?.narrowings).toHaveLength(1);
    expect(verifiedClaims(ring, key)?.narrowings).toHaveLength(0);
    expect(verifiedClaims(ring, narrowed.replace('.', '.e30.'))).toBeUndefined();
  });

  it('are good for nothing once their secret is gone, or beside other secrets', () => {
    const secrets: Record<string, Uint8Array> = { k1: SECRET };
    const ring = ringOf(secrets);
    expect(verifiedClaims(ring, keyOf('a'))).toBeDefined();
    delete secrets['k1'];
    expect(verifiedClaims(ring, keyOf('a'))).toBeUndefined();
    expect(verifiedClaims(ringOf({ k1: randomBytes(32) }), keyOf('a'))).toBeUndefined();
  });

  it('are forgotten, oldest first, when they get too many', () => {
    const ring = ringOf({ k1: SECRET });
    const first = verifiedClaims(ring, keyOf('a'));
    const length = longKeyOf('b', 0).length;
    const enough = Math.ceil((2 * 1024 * 1024) / length);
    for (let number = 0; number < enough; number += 1) verifiedClaims(ring, longKeyOf(`b${number}`, number));
    expect(verifiedClaims(ring, keyOf('a'))).not.toBe(first);
    expect(verifiedClaims(ring, keyOf('a'))).toEqual(first);
    const recent = longKeyOf(`b${enough - 1}`, enough - 1);
    expect(verifiedClaims(ring, recent)).toBe(verifiedClaims(ring, recent));
  });
});
