// Signed addresses of private files: for <img> and <a>, which cannot send a header. One opens one file, with what its key may.
import { createHmac } from 'node:crypto';
import { type Claims, decodeKey, encodeKey, KEY_PREFIX } from '@latchkey/policy';
import { equalBytes, hashSubject, mac } from '../digest.ts';
import type { Keyring } from '../ports/system.ts';

/** What a signed address says. Nothing of it may be believed before `verify` has returned true. */
export interface Signature {
  /** The claims of the key that was shown when the address was written, without its subject. */
  readonly claims: Claims;
  /** By which revocations of all keys of a subject know the key. */
  readonly subjectHash: string | undefined;
  /** The only file that the address opens, in every version of it. */
  readonly fileId: string;
  /** The page that was given the address; `<img>` does not say where it stands. */
  readonly origin: string | undefined;
  verify(secret: Uint8Array): boolean;
}

/** The purpose of the tag: it is good for no key, and no tag of a key is good here. */
const PURPOSE = 'latchkey file address v1';
/** Addresses stay below what proxies take: a key with long narrowings signs none. */
const SIGNATURE_CHARS_MAX = 1500;
/** An address of a secret key, which does not expire by itself, lives for the rest of this hour and the next. */
const HOUR_MS = 60 * 60_000;

/**
 * The signature of an address for a file; the same for the same key, file and page, so that browsers can keep what they got. It
 * holds no key: from it nothing else can be signed. Undefined when it would be too long.
 */
export function signAddress(
  keyring: Keyring,
  claims: Claims,
  fileId: string,
  origin: string | undefined,
  nowMs: number,
): string | undefined {
  const { kid, secret } = keyring.signing();
  const isPermanent = claims.expiresAtMs === Number.MAX_SAFE_INTEGER;
  const expiresAtMs = isPermanent ? (Math.floor(nowMs / HOUR_MS) + 2) * HOUR_MS : claims.expiresAtMs;
  const payload = payloadOf(claims, kid, expiresAtMs);
  const subjectHash = claims.subject === undefined ? '' : hashSubject(claims.subject);
  const page = Buffer.from(origin ?? '', 'utf8').toString('base64url');
  const parts = [payload, subjectHash, fileId, page];
  const signature = [...parts, tagOf(secret, parts)].join('~');
  return signature.length <= SIGNATURE_CHARS_MAX ? signature : undefined;
}

interface Payload {
  readonly kid: string;
  readonly expiresAtMs: number;
  readonly text: string;
}

/** One key signs the addresses of many files, with the same claims in each. */
const payloads = new WeakMap<Claims, Payload>();

function payloadOf(claims: Claims, kid: string, expiresAtMs: number): string {
  const known = payloads.get(claims);
  if (known?.kid === kid && known.expiresAtMs === expiresAtMs) return known.text;
  const { subject: _, ...said } = claims; // It may be an e-mail address, and addresses get around.
  // The claims are written as in a key, where a tag would follow: of what key does not matter.
  const key = encodeKey({ ...said, kid, expiresAtMs }, new Uint8Array(32), mac);
  const text = key.slice(KEY_PREFIX.length, key.lastIndexOf('.'));
  payloads.set(claims, { kid, expiresAtMs, text });
  return text;
}

/** Reads a signature without believing it. Never throws, whatever the text. */
export function readSignature(text: string): Signature | undefined {
  if (text.length > SIGNATURE_CHARS_MAX) return undefined;
  const [payload, subjectHash, fileId, page, tagText, ...rest] = text.split('~');
  if (payload === undefined || subjectHash === undefined || fileId === undefined) return undefined;
  if (page === undefined || tagText === undefined || rest.length > 0) return undefined;
  // The claims are written as in a key, where a tag would follow; whatever stands there is not looked at.
  const decoded = decodeKey(`${KEY_PREFIX}${payload}.${'A'.repeat(43)}`);
  if (!decoded.ok) return undefined;
  return {
    claims: decoded.claims,
    subjectHash: subjectHash === '' ? undefined : subjectHash,
    fileId,
    origin: page === '' ? undefined : Buffer.from(page, 'base64url').toString('utf8'),
    // As texts: decoded, one tag would have several spellings (RFC 4648 section 3.5).
    verify: (secret) =>
      equalBytes(Buffer.from(tagText), Buffer.from(tagOf(secret, [payload, subjectHash, fileId, page]))),
  };
}

function tagOf(secret: Uint8Array, parts: readonly string[]): string {
  return createHmac('sha256', secret)
    .update([PURPOSE, ...parts].join('\n'))
    .digest('base64url');
}
