// From a presented credential to who is asking: signature, revocation and the live rules behind the key.
import type { AccessRule, BearerKind, Claims, Facts, Template } from '@latchkey/policy';
import { looksLikeKey, PERMISSIONS, parseNarrowing, parseTemplate } from '@latchkey/policy';
import { hashSecret, hashSubject } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import type { SecretKeyRecord, SessionRecord, TemplateRecord } from '../ports/templates.ts';
import { accessOf, lentAccessOf } from './access.ts';
import type { LiveRecords } from './live.ts';
import { readSignature } from './signature.ts';
import { verifiedClaims } from './verified-keys.ts';

/** A credential as it stood in the request. */
export type Credential =
  | { readonly kind: 'none' }
  /** An access key or a secret key. */
  | { readonly kind: 'key'; readonly text: string }
  /** The token of a console session. */
  | { readonly kind: 'session'; readonly text: string }
  /** The signature of an address of one private file. */
  | { readonly kind: 'address'; readonly text: string }
  /** Rights that somebody lends to whoever knows an address. */
  | { readonly kind: 'lent'; readonly lent: Lent; readonly isOpen: IsOpen }
  /** A template identifier, for the exchange. */
  | { readonly kind: 'template'; readonly text: string };

/** Asked each time: whether the address by which rights are lent is still open. */
export type IsOpen = () => Promise<boolean>;

/** Who is asking, with the rules that hold right now. */
export interface Bearer {
  readonly kind: BearerKind;
  readonly credential: Facts['credential'];
  readonly template: Template | undefined;
  readonly claims: Claims | undefined;
  /** What access entries make of the person; undefined when nothing is said, and for bearers whom they do not bind. */
  readonly access?: readonly AccessRule[];
  /** Present when the rules come from a stored template. */
  readonly templateRecord?: TemplateRecord;
  /** Present when the rules come from a secret key. */
  readonly secretKeyRecord?: SecretKeyRecord;
  /** Present when a signed address was shown: it opens this file only, and was given to this page. */
  readonly address?: { readonly fileId: string; readonly origin: string | undefined };
  /** The credential was not in the form of an access key: a bad one is answered with UNAUTHORIZED. */
  readonly secretForm: boolean;
}

/** What is asked: live records, and the store for what is changed or is not a rule. */
export interface Needs extends Pick<Ports, 'templates' | 'system'> {
  readonly live: LiveRecords;
}

const INVALID: Bearer = {
  kind: 'key',
  credential: 'invalid',
  template: undefined,
  claims: undefined,
  secretForm: false,
};

/** Answers who presents the credential. Never refuses by itself: `decide` does, with the trace. Raises STORE_UNAVAILABLE. */
export async function authenticate(ports: Needs, container: string, credential: Credential): Promise<Bearer> {
  switch (credential.kind) {
    case 'none':
      return { ...INVALID, credential: 'missing' };
    case 'template':
      return visitor(ports, container, credential.text);
    case 'lent':
      return lentBearer(ports, container, credential.lent, credential.isOpen);
    case 'session':
      return admin(ports, credential.text);
    case 'address':
      return signedAddress(ports, container, credential.text);
    case 'key':
      return looksLikeKey(credential.text)
        ? accessKey(ports, container, credential.text)
        : secretKey(ports, container, credential.text);
  }
}

async function visitor(ports: Needs, container: string, identifier: string): Promise<Bearer> {
  const record = await ports.live.findTemplateByIdentifier(container, identifier, ports.system.now());
  const base = { kind: 'visitor', credential: 'verified', claims: undefined, secretForm: false } as const;
  return record === undefined
    ? { ...base, template: undefined }
    : { ...base, template: compile(record), templateRecord: record };
}

async function admin(ports: Needs, token: string): Promise<Bearer> {
  await getSession(ports, token);
  return { kind: 'admin', credential: 'verified', template: undefined, claims: undefined, secretForm: false };
}

/** The session of a token, while whoever opened it could open it still. Raises ADMIN_UNAUTHENTICATED, STORE_UNAVAILABLE. */
export async function getSession(
  ports: Pick<Ports, 'templates' | 'system'> & { readonly live: Pick<LiveRecords, 'findSecretKey'> },
  token: string,
): Promise<SessionRecord> {
  const session = await ports.templates.findSession(hashSecret(token), ports.system.now());
  if (session === undefined) throw new AppError('ADMIN_UNAUTHENTICATED');
  const { secretKey } = session;
  if (secretKey === undefined) return session;
  const record = await ports.live.findSecretKey(secretKey.container, secretKey.uid);
  if (record === undefined || !opensConsole(record)) {
    throw new AppError('ADMIN_UNAUTHENTICATED', 'its secret key opens no session any more');
  }
  return session;
}

/** Whether a secret key signs its holder in to the console: an active one with every permission does. */
export function opensConsole({ document }: SecretKeyRecord): boolean {
  return document.active && PERMISSIONS.every((permission) => document.permissions.includes(permission));
}

async function accessKey(ports: Needs, container: string, text: string): Promise<Bearer> {
  const claims = verifiedClaims(ports.system.keyring, text);
  if (claims === undefined) return INVALID;
  // The signature holds, so the container in the claims is one we wrote; a foreign one is answered like a forged key.
  if (claims.container !== container) return INVALID;
  const { keyId, subject, source, issuedAtMs } = claims;
  const subjectHash = subject === undefined ? undefined : hashSubject(subject);
  const [rules, revoked, access] = await Promise.all([
    liveRules(ports, claims),
    ports.live.isKeyRevoked(container, { keyId, subjectHash, source, issuedAtMs }),
    accessOf(ports.live, container, subjectHash),
  ]);
  return { kind: 'key', credential: revoked ? 'revoked' : 'verified', claims, secretForm: false, ...rules, ...access };
}

/** A signed address stands for the key it was written for: revocation and live rules decide as for the key itself. */
async function signedAddress(ports: Needs, container: string, text: string): Promise<Bearer> {
  const signature = readSignature(text);
  const secret = signature && ports.system.keyring.find(signature.claims.kid);
  if (signature === undefined || secret === undefined || !signature.verify(secret)) return INVALID;
  const { claims, subjectHash, fileId, origin } = signature;
  if (claims.container !== container) return INVALID;
  const { keyId, source } = claims;
  // A secret key is no access key, and as old as it may be: only its own end, or that of the address, ends its addresses.
  const isSecret = keyId === source.id;
  const issuedAtMs = isSecret ? Number.MAX_SAFE_INTEGER : claims.issuedAtMs;
  const [rules, revoked, access] = await Promise.all([
    liveRules(ports, claims),
    ports.live.isKeyRevoked(container, { keyId, subjectHash, source, issuedAtMs }),
    isSecret ? {} : accessOf(ports.live, container, subjectHash),
  ]);
  const credential = revoked ? 'revoked' : 'verified';
  return { kind: 'key', credential, claims, secretForm: false, ...rules, ...access, address: { fileId, origin } };
}

/** The rules an access key lives under: its template, or the secret key that minted it. */
async function liveRules(
  ports: Needs,
  claims: Claims,
): Promise<Pick<Bearer, 'template' | 'templateRecord' | 'secretKeyRecord'>> {
  if (claims.source.kind === 'template') {
    const record = await ports.live.findTemplate(claims.container, claims.source.id);
    return record === undefined ? { template: undefined } : { template: compile(record), templateRecord: record };
  }
  const record = await ports.live.findSecretKey(claims.container, claims.source.id);
  return record === undefined ? { template: undefined } : { template: compile(record), secretKeyRecord: record };
}

/** No lent right ends by itself: whoever lends says until when. */
const NO_END_MS = Date.UTC(9999, 0);

/**
 * Somebody with lent rights: the live rules of their source and its narrowings. Addresses and countries hold for them too; the
 * pages that keys may be used on do not, since they come to a page of ours.
 */
async function lentBearer(ports: Needs, container: string, lent: Lent, isOpen: IsOpen): Promise<Bearer> {
  const { source, keyId, subject } = lent;
  const narrowings = lent.narrowings.map(parseNarrowing);
  const claims: Claims = {
    kid: '',
    keyId: lent.id,
    container,
    source: source.kind === 'admin' ? ADMIN_SOURCE : source,
    issuedAtMs: ports.system.now(),
    expiresAtMs: NO_END_MS,
    narrowings: narrowings.flatMap((parsed) => (parsed.ok ? [parsed.value] : [])),
    ...(subject === undefined ? {} : { subject }),
  };
  const subjectHash = subject === undefined ? undefined : hashSubject(subject);
  const issuedAtMs = lent.keyIssuedAtMs ?? 0;
  const [rules, revoked, open, access] = await Promise.all([
    lentRules(ports, container, source),
    keyId !== undefined &&
      ports.live.isKeyRevoked(container, { keyId, subjectHash, source: claims.source, issuedAtMs }),
    isOpen(),
    // What an access key lends is bound as the key is; secret keys and admins are not.
    keyId === undefined ? {} : lentAccessOf(ports.live, container, subjectHash),
  ]);
  // A narrowing that cannot be read any more could have taken anything away.
  const template = narrowings.every(({ ok }) => ok) ? rules : undefined;
  const credential = revoked || !open ? 'revoked' : 'verified';
  return { kind: 'key', credential, template, claims, secretForm: false, ...access };
}

/** What admins lend is counted under a name that no template or secret key has. */
const ADMIN_SOURCE = { kind: 'secret', id: 'admin' } as const;
/** An outsider is never an admin: what one lends is every permission, and the narrowings. */
const EVERYTHING = parseTemplate({ name: 'admin', permissions: PERMISSIONS });

async function lentRules(ports: Needs, container: string, source: Lent['source']): Promise<Template | undefined> {
  if (source.kind === 'admin') return EVERYTHING.ok ? EVERYTHING.value : undefined;
  const record =
    source.kind === 'template'
      ? await ports.live.findTemplate(container, source.id)
      : await ports.live.findSecretKey(container, source.id);
  return record && compileWithoutOrigins(record);
}

const compiledWithoutOrigins = new WeakMap<object, Template>();

function compileWithoutOrigins({ document }: Pick<TemplateRecord, 'document'>): Template | undefined {
  const known = compiledWithoutOrigins.get(document);
  if (known !== undefined) return known;
  const { allowed_origins: _origins, ...restrictions } = document.restrictions ?? {};
  const parsed = parseTemplate({ ...document, restrictions });
  if (!parsed.ok) return undefined;
  compiledWithoutOrigins.set(document, parsed.value);
  return parsed.value;
}

async function secretKey(ports: Needs, container: string, text: string): Promise<Bearer> {
  const invalid: Bearer = { ...INVALID, kind: 'secret', secretForm: true };
  // Far longer than any secret we make: not worth a hash.
  if (text.length > 512) return invalid;
  const hash = hashSecret(text);
  const record = await ports.live.findSecretKeyByHash(container, hash);
  if (record === undefined || !record.document.active) return invalid;
  const nowMs = ports.system.now();
  const isDue = record.lastUsedAtMs === undefined || nowMs - record.lastUsedAtMs >= TOUCH_EVERY_MS;
  // The record in memory does not show that it was touched.
  if (isDue && !touched.has(record)) {
    touched.add(record);
    await ports.templates.touchSecretKey(container, record.uid, nowMs);
  }
  return {
    kind: 'secret',
    credential: 'verified',
    template: compile(record),
    claims: secretClaims(container, record),
    secretKeyRecord: record,
    secretForm: true,
  };
}

/** "Last used" is kept to the minute, so that a busy back end does not write on every request. */
const TOUCH_EVERY_MS = 60_000;
const touched = new WeakSet<SecretKeyRecord>();

/** A secret key as claims: it names itself as its source and does not expire. */
function secretClaims(container: string, record: SecretKeyRecord): Claims {
  return {
    kid: '',
    keyId: record.uid,
    container,
    source: { kind: 'secret', id: record.uid },
    issuedAtMs: record.createdAtMs,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    narrowings: [],
  };
}

const compiled = new WeakMap<object, Template>();

/** Stored documents were parsed when they were saved; one that no longer parses grants nothing. */
function compile(record: { readonly document: object }): Template | undefined {
  const known = compiled.get(record.document);
  if (known !== undefined) return known;
  const parsed = parseTemplate(record.document);
  if (!parsed.ok) return undefined;
  compiled.set(record.document, parsed.value);
  return parsed.value;
}
