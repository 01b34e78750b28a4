// What a key says, and how rights are taken away from it: a narrowing is one more layer that must agree, so it can never add.
import { type Fault, Members, type Parsed, withoutAbsent } from './fields.ts';
import {
  compileRules,
  RESTRICTING_MEMBERS,
  type RestrictingDocument,
  type Rules,
  readRestricting,
  VALIDITY_ALIASES,
} from './rules.ts';
import { DURATION_SECONDS_MAX } from './template.ts';
import { isWellFormed, utf8Length } from './utf8.ts';

/** What a verified key says (product definition section 6). It names its rights' source and never copies them. */
export interface Claims {
  /** The id of the signing secret. */
  readonly kid: string;
  /** The key's own random id, under which it is counted and revoked. */
  readonly keyId: string;
  readonly container: string;
  /** Whose live rights these are: a security template's or, for ad-hoc keys and secret keys, a secret key's. */
  readonly source: { readonly kind: 'template' | 'secret'; readonly id: string };
  readonly issuedAtMs: number;
  /** Before this the key is not valid yet; absent is at once. */
  readonly startsAtMs?: number;
  /** From this on no request may start. */
  readonly expiresAtMs: number;
  /** Whom the back end made the key for, opaque to the product. */
  readonly subject?: string;
  readonly narrowings: readonly Narrowing[];
}

/** A narrowing as it is written into a key: parts of a template, and a last moment in epoch seconds. */
export interface NarrowingDocument extends RestrictingDocument {
  /** Seconds from the start of the key. */
  readonly key_validity?: { readonly expiration_duration: number };
  /** Epoch seconds. */
  readonly expires_at?: number;
}

/** A narrowing with its compiled rules. Made by `parseNarrowing` only. */
export interface Narrowing {
  readonly document: NarrowingDocument;
  readonly rules: Rules;
}

// The last second that a date can have; more is a mistake in units.
const EPOCH_SECONDS_MAX = 8_640_000_000_000;

/** The narrowing that a document means, or all its faults at once. Null is absent, `{}` takes nothing away. */
export function parseNarrowing(input: unknown): Parsed<Narrowing> {
  const faults: Fault[] = [];
  const members = new Members(input ?? null, '', faults, [...RESTRICTING_MEMBERS, 'key_validity', 'expires_at']);
  const rights = readRestricting(members);
  const validity = members.object('key_validity', ['expiration_duration'], VALIDITY_ALIASES);
  const seconds = validity.integer('expiration_duration', 1, DURATION_SECONDS_MAX);
  const document = withoutAbsent<NarrowingDocument>({
    permissions: rights.permissions,
    upload: rights.upload,
    listing: rights.listing,
    restrictions: rights.restrictions,
    quotas: rights.quotas,
    key_validity: seconds === undefined ? undefined : { expiration_duration: seconds },
    expires_at: members.integer('expires_at', 0, EPOCH_SECONDS_MAX),
  });
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: { document, rules: compileRules(document) }, warnings: [] };
}

/** The claims with one more narrowing. The result allows a subset of what `claims` allow, whatever the narrowing says. */
export function narrow(claims: Claims, narrowing: Narrowing): Claims {
  return { ...claims, narrowings: [...claims.narrowings, narrowing] };
}

/** The longest subject in UTF-8 bytes: it must leave a key below one kilobyte (product definition section 6). */
export const SUBJECT_BYTES_MAX = 128;

/** True for texts that can be a key's subject: not empty, short, without control characters or lone surrogates. */
export function isSubject(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text !== '' &&
    text.length <= SUBJECT_BYTES_MAX &&
    isWellFormed(text) &&
    utf8Length(text) <= SUBJECT_BYTES_MAX &&
    !/\p{Cc}/u.test(text)
  );
}
