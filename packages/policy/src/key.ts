// The text form of an access key: strict, so that one key has one spelling, with a tag chained over its narrowings.
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { type Claims, isSubject, type Narrowing, narrow, parseNarrowing } from './claims.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** How every key begins; the version in it fixes the algorithm, HMAC-SHA-256 with the full tag (product definition section 6). */
export const KEY_PREFIX = 'SASS__v2__';
/** The longest key without narrowings (product definition section 6). A key is ASCII: bytes and characters are the same. */
export const KEY_PLAIN_BYTES_MAX = 1024;
/** The longest key with narrowings; `decodeKey` reads nothing longer. It fits into the headers that common servers take. */
export const KEY_BYTES_MAX = 8192;
/** The most narrowings a key can carry: it bounds the work of one decision. */
export const NARROWINGS_MAX = 16;

const TAG_BYTES = 32;

/** HMAC-SHA-256 (RFC 2104) as the platform offers it: 32 bytes, for any key and message. */
export type Mac = (key: Uint8Array, message: Uint8Array) => Uint8Array;
/** Equality in constant time. */
export type Equal = (left: Uint8Array, right: Uint8Array) => boolean;

/** What a text in key form says. Nothing of it may be believed before `verify` has returned true. */
export type DecodedKey =
  | {
      readonly ok: true;
      readonly kid: string;
      readonly claims: Claims;
      /** True when the key was made with `secret` and narrowed by nothing but the narrowings it shows. */
      verify(secret: Uint8Array, mac: Mac, equal: Equal): boolean;
    }
  | { readonly ok: false };

/** True for texts that claim to be access keys of whatever version; other credentials are none of this module's business. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith('SASS__');
}

/**
 * The text of a key. Throws TypeError for claims that no key can carry (an identifier outside `[A-Za-z0-9._-]{1,64}`, a broken
 * subject or time, too many narrowings): claims are made by the server, never by a caller. Only narrowings can make it longer
 * than `KEY_BYTES_MAX`; whoever takes them from a caller compares.
 */
export function encodeKey(claims: Claims, secret: Uint8Array, mac: Mac): string {
  const members = bodyOf(claims);
  if (claimsOf(members) === undefined || claims.narrowings.length > NARROWINGS_MAX) {
    throw new TypeError('These claims cannot be written into a key.');
  }
  const bodyText = encodeBase64url(encodeUtf8(JSON.stringify(members)));
  const plain: KeyParts = { body: bodyText, segments: [], tag: mac(secret, encodeUtf8(KEY_PREFIX + bodyText)) };
  return joinKey(claims.narrowings.reduce((parts, narrowing) => addSegment(parts, narrowing, mac), plain));
}

/** Reads a key without believing it. Never throws, whatever the text. Exactly the texts that `encodeKey` writes are read. */
export function decodeKey(text: string): DecodedKey {
  const parts = splitKey(text);
  if (parts === undefined) return { ok: false };
  const body = textOf(parts.body);
  const claims = parts.segments.reduce<Claims | undefined>(addNarrowing, claimsOf(readJson(body)));
  if (claims === undefined || JSON.stringify(bodyOf(claims)) !== body) return { ok: false };
  return {
    ok: true,
    kid: claims.kid,
    claims,
    verify(secret, mac, equal) {
      const first = mac(secret, encodeUtf8(KEY_PREFIX + parts.body));
      const tag = parts.segments.reduce((before, segment) => mac(before, encodeUtf8(segment)), first);
      return tag.length === TAG_BYTES && equal(tag, parts.tag);
    },
  };
}

/**
 * The key with one more narrowing, made without any secret: the old tag is the secret of the new one, and cannot be had back
 * from it. Undefined when the text is no key or the result would be too long.
 */
export function narrowKey(text: string, narrowing: Narrowing, mac: Mac): string | undefined {
  const parts = decodeKey(text).ok ? splitKey(text) : undefined;
  if (parts === undefined || parts.segments.length >= NARROWINGS_MAX) return undefined;
  const narrowed = joinKey(addSegment(parts, narrowing, mac));
  return narrowed.length <= KEY_BYTES_MAX ? narrowed : undefined;
}

interface KeyParts {
  readonly body: string;
  readonly segments: readonly string[];
  readonly tag: Uint8Array;
}

function addSegment(parts: KeyParts, narrowing: Narrowing, mac: Mac): KeyParts {
  const segment = encodeBase64url(encodeUtf8(JSON.stringify(narrowing.document)));
  return { body: parts.body, segments: [...parts.segments, segment], tag: mac(parts.tag, encodeUtf8(segment)) };
}

function joinKey({ body, segments, tag }: KeyParts): string {
  return KEY_PREFIX + [body, ...segments, encodeBase64url(tag)].join('.');
}

function splitKey(text: string): KeyParts | undefined {
  if (typeof text !== 'string' || text.length > KEY_BYTES_MAX || !text.startsWith(KEY_PREFIX)) return undefined;
  const [body, ...rest] = text.slice(KEY_PREFIX.length).split('.');
  const tagText = rest.pop();
  if (body === undefined || tagText === undefined || rest.length > NARROWINGS_MAX) return undefined;
  if (KEY_PREFIX.length + body.length + 1 + tagText.length > KEY_PLAIN_BYTES_MAX) return undefined;
  const tag = decodeBase64url(tagText);
  return tag?.length === TAG_BYTES ? { body, segments: rest, tag } : undefined;
}

function textOf(base64url: string): string | undefined {
  const bytes = decodeBase64url(base64url);
  return bytes && decodeUtf8(bytes);
}

function readJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON is not a key; there is nothing more to learn from the error.
  }
}

/** Order and meaning of the body's members; zero and the empty text stand for "absent". */
function bodyOf(claims: Claims): readonly (string | number)[] {
  const { kid, keyId, container, source, issuedAtMs, startsAtMs = 0, expiresAtMs, subject = '' } = claims;
  return [
    kid,
    keyId,
    container,
    source.kind === 'secret' ? 1 : 0,
    source.id,
    issuedAtMs,
    startsAtMs,
    expiresAtMs,
    subject,
  ];
}

function claimsOf(body: unknown): Claims | undefined {
  if (!Array.isArray(body) || body.length !== 9) return undefined;
  const [kid, keyId, container, kind, id, issuedAtMs, startsAtMs, expiresAtMs, subject]: unknown[] = body;
  if (!isIdentifier(kid) || !isIdentifier(keyId) || !isIdentifier(container) || !isIdentifier(id)) return undefined;
  if (!isTime(issuedAtMs) || !isTime(startsAtMs) || !isTime(expiresAtMs)) return undefined;
  if ((kind !== 0 && kind !== 1) || (subject !== '' && !isSubject(subject))) return undefined;
  return {
    kid,
    keyId,
    container,
    source: { kind: kind === 1 ? 'secret' : 'template', id },
    issuedAtMs,
    ...(startsAtMs === 0 ? {} : { startsAtMs }),
    expiresAtMs,
    ...(subject === '' ? {} : { subject }),
    narrowings: [],
  };
}

function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function addNarrowing(claims: Claims | undefined, segment: string): Claims | undefined {
  const text = textOf(segment);
  const parsed = parseNarrowing(readJson(text));
  if (claims === undefined || !parsed.ok) return undefined;
  // A document in any other than its written form would be a second spelling of the same key.
  return JSON.stringify(parsed.value.document) === text ? narrow(claims, parsed.value) : undefined;
}
