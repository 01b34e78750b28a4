// What can be done with access keys: exchange, ad-hoc keys from a back end, inspection and revocation.
import type { Claims, Decision, Narrowing, Template } from '@latchkey/policy';
import {
  DURATION_SECONDS_MAX,
  decide,
  encodeKey,
  KEY_BYTES_MAX,
  narrow,
  narrowKey,
  parseNarrowing,
  parseTemplate,
} from '@latchkey/policy';
import { hashSubject, mac } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { DoorDocument, Doors } from '../ports/doors.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import type { AdminListQuery, Page, Revocation, RevokedKeys } from '../ports/templates.ts';

type Needs = Pick<Ports, 'templates' | 'system'>;

/** How long an ad-hoc key lives when nothing is said (wire contract 2.4). */
const TTL_SECONDS_DEFAULT = 1200;
/** The longest validity, and the longest time to finish after it: a revocation need not be remembered longer. */
const REVOCATION_MS = 2 * DURATION_SECONDS_MAX * 1000;

/** A new access key; the text is known only now. */
export interface IssuedKey {
  readonly text: string;
  readonly claims: Claims;
  /** The rules that refuse the caller itself, were it to use the key from where it is; undefined when none does. */
  readonly unusable: Extract<Decision, { readonly allow: false }> | undefined;
}

/** Exchanges a template for an access key (product definition section 6). `templateUid` is the template of the grant. */
export function issueKey(ports: Pick<Ports, 'system'>, grant: Grant<'key.issue'>, templateUid: string): IssuedKey {
  const { template } = grant;
  if (template === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
  const ttlSeconds = template.document.key_validity.expiration_duration;
  return sign(ports, grant, { kind: 'template', id: templateUid, template }, ttlSeconds);
}

/** What a back end wishes of an ad-hoc key (wire contract 2.4). */
export interface KeyWish {
  /** A template to make the key from, by identifier or uid; a secret key makes keys of its own rights instead. */
  readonly template: string | undefined;
  /** Whom the key is for. */
  readonly subject: string | undefined;
  /** A partial template document: it can only take away. */
  readonly narrowing: Readonly<Record<string, unknown>>;
}

/**
 * Makes an access key without an exchange. From a secret key it has the rights of that key, less the narrowing, and of
 * its permissions only those that were asked for: none when none were. From an admin session it has the rights of the
 * named template, less the narrowing. Raises REQUEST_INVALID, also for permissions and times that the source cannot
 * give, and TEMPLATE_NOT_FOUND.
 */
export async function createKey(ports: Needs, grant: Grant<'key.create'>, wish: KeyWish): Promise<IssuedKey> {
  const source = await sourceOf(ports, grant, wish.template);
  const parsed = parseNarrowing(source.kind === 'secret' ? { permissions: [], ...wish.narrowing } : wish.narrowing);
  if (!parsed.ok) throw new AppError('REQUEST_INVALID', 'narrowing', { faults: parsed.faults });
  refuseMore(source, parsed.value);
  const seconds = parsed.value.document.key_validity?.expiration_duration;
  return sign(ports, grant, source, ttlOf(source, seconds), { subject: wish.subject, narrowing: parsed.value });
}

interface Source {
  readonly kind: 'template' | 'secret';
  readonly id: string;
  readonly template: Template;
}

async function sourceOf(ports: Needs, grant: Grant<'key.create'>, wanted: string | undefined): Promise<Source> {
  if (grant.claims !== undefined && grant.template !== undefined) {
    if (wanted === undefined) return { ...grant.claims.source, template: grant.template };
    throw fault('template', 'MEMBER_UNKNOWN', 'A secret key makes access keys of its own rights; leave this out.');
  }
  if (wanted === undefined)
    throw fault('template', 'MEMBER_MISSING', 'Name the security template to make the key from.');
  const record =
    (await ports.templates.findTemplateByIdentifier(grant.container, wanted, ports.system.now())) ??
    (await ports.templates.findTemplate(grant.container, wanted));
  const parsed = record === undefined ? undefined : parseTemplate(record.document);
  if (record === undefined || parsed?.ok !== true || !record.document.active) throw new AppError('TEMPLATE_NOT_FOUND');
  return { kind: 'template', id: record.uid, template: parsed.value };
}

function ttlOf(source: Source, wanted: number | undefined): number {
  const own = source.template.document.key_validity.expiration_duration;
  const most = source.kind === 'template' ? own : DURATION_SECONDS_MAX;
  const seconds = wanted ?? (source.kind === 'template' ? own : TTL_SECONDS_DEFAULT);
  if (seconds <= most) return seconds;
  throw fault('key_validity', 'VALUE_OUT_OF_RANGE', `Keys of this security template live at most ${most} seconds.`);
}

/** Asking for a right that cannot be given is a mistake to hear about, not one to find out later. */
function refuseMore(source: Source, narrowing: Narrowing): void {
  const held = source.template.rules.permissions;
  const missing = (narrowing.document.permissions ?? []).filter((permission) => held?.has(permission) !== true);
  if (missing.length === 0) return;
  throw fault(
    'permissions',
    'PERMISSION_NOT_HELD',
    `The source of this key does not have ${missing.join(', ')} itself.`,
  );
}

function fault(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}

/** Which keys to revoke, as a caller names them; `issuedBeforeMs` spares those that were issued later. */
export type RevocationWish =
  | { readonly kind: 'key'; readonly keyId: string }
  | ({ readonly issuedBeforeMs?: number } & (
      | { readonly kind: 'subject'; readonly subject: string }
      /** By identifier or uid; a secret key by its uid, and meant are the access keys made from it. */
      | { readonly kind: 'template' | 'secret'; readonly id: string }
      | { readonly kind: 'container' }
    ));

/**
 * Revokes access keys, with every key narrowed from them and every address signed for them, within a second on every node: one key by
 * its id, which need not exist, for what was leaked is often only known by its text; or all that were issued until now, or before
 * `issuedBeforeMs`. Keys that are issued afterwards are good. What the keys have opened for outsiders ends with them, for good: a
 * revocation is forgotten one day, doors are not. Raises TEMPLATE_NOT_FOUND, SECRET_KEY_NOT_FOUND, REQUEST_INVALID for a time that is
 * still to come.
 */
export async function revokeKeys(
  ports: Needs & Pick<Ports, 'shares' | 'airboxes'>,
  grant: Grant<'key.revoke'>,
  wish: RevocationWish,
): Promise<Revocation> {
  const nowMs = ports.system.now();
  const issuedBeforeMs = wish.kind === 'key' ? undefined : wish.issuedBeforeMs;
  if (issuedBeforeMs !== undefined && issuedBeforeMs > nowMs) {
    throw fault('issued_before', 'VALUE_OUT_OF_RANGE', 'Keys that are still to be issued cannot be revoked.');
  }
  const keys = await revokedKeys(ports, grant, wish);
  const revocation: Revocation = {
    keys,
    issuedUntilMs: issuedUntilMs(keys, issuedBeforeMs, nowMs),
    revokedAtMs: nowMs,
    revokedBy: grant.holder,
    expiresAtMs: nowMs + REVOCATION_MS,
  };
  await ports.templates.revokeKeys(grant.container, revocation);
  for (const doors of [ports.shares, ports.airboxes]) await closeDoors(doors, grant.container, revocation);
  ports.system.log.info('keys.revoked', { container: grant.container, ...loggedKeys(revocation), by: grant.holder });
  return revocation;
}

function issuedUntilMs(keys: RevokedKeys, issuedBeforeMs: number | undefined, nowMs: number): number {
  // The id of one key means that key, whenever it was issued.
  if (keys.kind === 'key') return Number.MAX_SAFE_INTEGER;
  return issuedBeforeMs === undefined ? nowMs : issuedBeforeMs - 1;
}

async function revokedKeys(ports: Needs, grant: Grant<'key.revoke'>, wish: RevocationWish): Promise<RevokedKeys> {
  switch (wish.kind) {
    case 'key':
      return { kind: 'key', keyId: wish.keyId };
    case 'subject':
      return { kind: 'subject', subject: wish.subject, subjectHash: hashSubject(wish.subject) };
    case 'container':
      return { kind: 'container' };
    case 'template': {
      const record =
        (await ports.templates.findTemplateByIdentifier(grant.container, wish.id, ports.system.now())) ??
        (await ports.templates.findTemplate(grant.container, wish.id));
      if (record === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
      return { kind: 'template', uid: record.uid };
    }
    case 'secret': {
      const record = await ports.templates.findSecretKey(grant.container, wish.id);
      if (record === undefined) throw new AppError('SECRET_KEY_NOT_FOUND');
      return { kind: 'secret', uid: record.uid };
    }
  }
}

/** Doors that are looked at in one question. */
const DOORS_PAGE = 500;

async function closeDoors(doors: Doors<DoorDocument>, container: string, revocation: Revocation): Promise<void> {
  const { keys } = revocation;
  if (keys.kind === 'key') {
    await doors.deleteDoorsOf(container, keys.keyId);
    return;
  }
  const lenders = new Set<string>();
  for (let offset = 0; ; offset += DOORS_PAGE) {
    const { items } = await doors.listDoors(container, { owner: undefined, offset, limit: DOORS_PAGE });
    for (const { lent } of items) if (lent.keyId !== undefined && isMeant(lent, revocation)) lenders.add(lent.keyId);
    if (items.length < DOORS_PAGE) break;
  }
  for (const keyId of lenders) await doors.deleteDoorsOf(container, keyId);
}

function isMeant({ source, subject, keyIssuedAtMs }: Lent, { keys, issuedUntilMs }: Revocation): boolean {
  if ((keyIssuedAtMs ?? 0) > issuedUntilMs) return false;
  switch (keys.kind) {
    case 'container':
      return true;
    case 'subject':
      return subject === keys.subject;
    case 'key':
      return false;
    default:
      return source.kind === keys.kind && source.id === keys.uid;
  }
}

/** A subject may be an e-mail address: the log has its hash, the list of revocations its text. */
function loggedKeys({ keys, issuedUntilMs }: Revocation): Readonly<Record<string, unknown>> {
  switch (keys.kind) {
    case 'key':
      return { kind: keys.kind, keyId: keys.keyId };
    case 'subject':
      return { kind: keys.kind, subjectHash: keys.subjectHash, issuedUntilMs };
    case 'container':
      return { kind: keys.kind, issuedUntilMs };
    default:
      return { kind: keys.kind, uid: keys.uid, issuedUntilMs };
  }
}

/** A page of the revocations that still matter, the newest first. */
export function listRevocations(
  ports: Needs,
  grant: Grant<'key.revocations'>,
  query: Pick<AdminListQuery, 'offset' | 'limit'>,
): Promise<Page<Revocation>> {
  return ports.templates.listRevocations(grant.container, query, ports.system.now());
}

interface Particulars {
  readonly subject: string | undefined;
  readonly narrowing: Narrowing;
}

function sign(
  ports: Pick<Ports, 'system'>,
  grant: Grant,
  source: Source,
  ttlSeconds: number,
  particulars?: Particulars,
): IssuedKey {
  const { kid, secret } = ports.system.keyring.signing();
  const nowMs = ports.system.now();
  const { subject, narrowing } = particulars ?? {};
  const whole: Claims = {
    kid,
    // 128 bits: nobody meets a key id by chance, and the counters of two keys never touch.
    keyId: Buffer.from(ports.system.random(16)).toString('base64url'),
    container: grant.container,
    source: { kind: source.kind, id: source.id },
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + ttlSeconds * 1000,
    ...(subject === undefined ? {} : { subject }),
    narrowings: [],
  };
  const first = encodeKey(whole, secret, mac);
  const text = narrowing === undefined ? first : narrowKey(first, narrowing, mac);
  if (text === undefined) {
    throw fault('', 'KEY_TOO_LONG', `A key has at most ${KEY_BYTES_MAX} characters; shorten the lists.`);
  }
  const claims = narrowing === undefined ? whole : narrow(whole, narrowing);
  ports.system.log.info('key.issued', { keyId: claims.keyId, source: source.id, by: grant.holder });
  return { text, claims, unusable: refusalHere(source.template, claims, grant) };
}

/** What would refuse the new key right here: the caller's own address or country. */
function refusalHere(template: Template, claims: Claims, grant: Grant): IssuedKey['unusable'] {
  const decision = decide(template, claims, {
    ...grant.facts,
    bearer: 'key',
    credential: 'verified',
    demands: [{ operation: 'key.inspect', targets: [] }],
  });
  return decision.allow ? undefined : decision;
}
