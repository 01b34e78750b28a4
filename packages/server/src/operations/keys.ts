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
import { mac } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';

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

/**
 * Revokes one access key, with every key narrowed from it, within a second on every node. It need not exist: what was
 * leaked is often only known by its text. What the key has opened for outsiders ends with it, for good: a revocation is
 * forgotten one day, doors are not.
 */
export async function revokeKey(
  ports: Needs & Pick<Ports, 'shares'>,
  grant: Grant<'key.revoke'>,
  keyId: string,
): Promise<void> {
  const nowMs = ports.system.now();
  await ports.templates.revokeKey(grant.container, keyId, nowMs + REVOCATION_MS, nowMs);
  await ports.shares.deleteDoorsOf(grant.container, keyId);
  ports.system.log.info('key.revoked', { keyId, by: grant.holder });
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
