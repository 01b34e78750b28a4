// What signed texts say, once their signature has been checked: a key is sent along with every request of its life.
import { type Claims, decodeKey } from '@latchkey/policy';
import { equalBytes, hashSecret, mac } from '../digest.ts';
import type { Keyring } from '../ports/system.ts';

/** Keys of which together so many characters are remembered: about eight thousand usual ones. Bounded by length because anybody
 *  can narrow a key into any number of long ones. */
const REMEMBERED_CHARS_MAX = 2 * 1024 * 1024;

interface Remembered {
  readonly claims: Claims;
  readonly chars: number;
}

/** Kept for each set of secrets: a key that another set signs is another key. */
const remembered = new WeakMap<Keyring, { readonly keys: Map<string, Remembered>; chars: number }>();

/**
 * What a key says, when one of the secrets has signed it; undefined otherwise. The answer is true for ever, so it may be remembered;
 * whether the key is still good (time, revocation, live rules) is for others to ask each time. Keys are remembered by their digest,
 * so that the table holds no key and a look into it compares no secret.
 */
export function verifiedClaims(keyring: Keyring, text: string): Claims | undefined {
  const known = memoryOf(keyring);
  const digest = hashSecret(text);
  const found = known.keys.get(digest);
  if (found !== undefined) return keyring.find(found.claims.kid) === undefined ? undefined : found.claims;

  const decoded = decodeKey(text);
  if (!decoded.ok) return undefined;
  const secret = keyring.find(decoded.kid);
  if (secret === undefined || !decoded.verify(secret, mac, equalBytes)) return undefined;
  known.keys.set(digest, { claims: decoded.claims, chars: text.length });
  known.chars += text.length;
  for (const [oldest, { chars }] of known.keys) {
    if (known.chars <= REMEMBERED_CHARS_MAX) break;
    known.keys.delete(oldest);
    known.chars -= chars;
  }
  return decoded.claims;
}

function memoryOf(keyring: Keyring) {
  const known = remembered.get(keyring);
  if (known !== undefined) return known;
  const memory = { keys: new Map<string, Remembered>(), chars: 0 };
  remembered.set(keyring, memory);
  return memory;
}
