// What can be done with access keys: exchange, ad-hoc keys from a back end, inspection and revocation.
import type { Claims, Decision, Narrowing, Permission, Template } from '@latchkey/policy';
import { decide, effective, encodeKey, KEY_BYTES_MAX, narrow, parseNarrowing, parseTemplate } from '@latchkey/policy';
import { mac } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';

type Needs = Pick<Ports, 'templates' | 'system'>;

/** How long an ad-hoc key may live at most, whatever the back end asks for. */
export const CREATED_KEY_SECONDS_MAX = 30 * 24 * 60 * 60;
/** How long an ad-hoc key lives when nothing is said (wire contract 2.4). */
const CREATED_KEY_SECONDS = 1200;
/** No key and no upload begun with one outlives this, so a revocation need not be remembered longer. */
const REVOCATION_MS = 2 * 366 * 24 * 60 * 60_000;

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
  return sign(
    ports,
    grant,
    template,
    newClaims(ports, grant.container, { kind: 'template', id: templateUid }, ttlSeconds),
  );
}

/** What a back end wishes of an ad-hoc key (wire contract 2.4). */
export interface KeyWish {
  /** A template to make the key from, by identifier or uid; a secret key makes keys of its own rights instead. */
  readonly template: string | undefined;
  /** A partial template document: it can only take away. */
  readonly narrowing: Readonly<Record<string, unknown>>;
  readonly ttlSeconds: number | undefined;
  readonly subject: string | undefined;
}

/**
 * Makes an access key without an exchange. From a secret key it has the rights of that key, less the narrowing, and of
 * its permissions only those that were asked for: none when none were. From an admin session it has the rights of the
 * named template, less the narrowing. Raises REQUEST_INVALID, also for permissions that the source cannot give, and
 * TEMPLATE_NOT_FOUND.
 */
export async function createKey(ports: Needs, grant: Grant<'key.create'>, wish: KeyWish): Promise<IssuedKey> {
  const source = await sourceOf(ports, grant, wish.template);
  const asked = source.kind === 'secret' ? { permissions: [], ...wish.narrowing } : wish.narrowing;
  const parsed = parseNarrowing(asked);
  if (!parsed.ok) throw new AppError('REQUEST_INVALID', 'narrowing', { faults: parsed.faults });
  const claims = newClaims(ports, grant.container, source, ttlOf(source, wish.ttlSeconds), wish.subject);
  refuseMore(source.template, claims, parsed.value);
  return sign(ports, grant, source.template, narrow(claims, parsed.value));
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
  const { expiration_duration } = source.template.document.key_validity;
  const most = source.kind === 'template' ? expiration_duration : CREATED_KEY_SECONDS_MAX;
  const ttlSeconds = wanted ?? Math.min(most, source.kind === 'template' ? expiration_duration : CREATED_KEY_SECONDS);
  if (ttlSeconds <= most) return ttlSeconds;
  throw fault(
    'key_validity.expiration_duration',
    'VALUE_OUT_OF_RANGE',
    `A key made here lives at most ${most} seconds.`,
  );
}

/** Asking for a right that cannot be given is a mistake to hear about, not one to find out later. */
function refuseMore(template: Template, claims: Claims, narrowing: Narrowing): void {
  const held = new Set<Permission>(effective(template, claims).permissions);
  const missing = (narrowing.document.permissions ?? []).filter((permission) => !held.has(permission));
  if (missing.length === 0) return;
  throw fault('permissions', 'PERMISSION_NOT_HELD', `The key that asks does not have ${missing.join(', ')} itself.`);
}

function fault(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}

/**
 * Revokes one access key, with every key narrowed from it, within a second on every node. It need not exist: what was
 * leaked is often only known by its text. Raises REQUEST_INVALID when neither names a key.
 */
export async function revokeKey(ports: Needs, grant: Grant<'key.revoke'>, keyId: string): Promise<void> {
  const nowMs = ports.system.now();
  await ports.templates.revokeKey(grant.container, keyId, nowMs + REVOCATION_MS, nowMs);
  ports.system.log.info('key.revoked', { keyId, by: grant.holder });
}

function newClaims(
  ports: Pick<Ports, 'system'>,
  container: string,
  source: Claims['source'],
  ttlSeconds: number,
  subject?: string,
): Claims {
  const nowMs = ports.system.now();
  return {
    kid: ports.system.keyring.signing().kid,
    // 128 bits: nobody meets a key id by chance, and counters of keys never touch.
    keyId: Buffer.from(ports.system.random(16)).toString('base64url'),
    container,
    source: { kind: source.kind, id: source.id },
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + ttlSeconds * 1000,
    ...(subject === undefined ? {} : { subject }),
    narrowings: [],
  };
}

function sign(ports: Pick<Ports, 'system'>, grant: Grant, template: Template, claims: Claims): IssuedKey {
  const text = encodeKey(claims, ports.system.keyring.signing().secret, mac);
  if (text.length > KEY_BYTES_MAX) {
    throw fault(
      '',
      'KEY_TOO_LONG',
      `What is asked for makes a key longer than ${KEY_BYTES_MAX} characters; shorten the lists.`,
    );
  }
  ports.system.log.info('key.issued', { keyId: claims.keyId, source: claims.source.id, by: grant.holder });
  return { text, claims, unusable: refusalHere(template, claims, grant) };
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
