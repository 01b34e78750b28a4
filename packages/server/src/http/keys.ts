// Access keys over HTTP (wire contract 2): exchange, inspection, ad-hoc keys, dry run, revocation.
import type { CanonicalPath, Decision, Demand, Facts, OperationName, Permission } from '@latchkey/policy';
import { decodeKey, effective, isOperationName, isSubject, OPERATIONS, parentOf } from '@latchkey/policy';
import { z } from 'zod';
import { AppError, ERRORS } from '../errors.ts';
import {
  createKey,
  type IssuedKey,
  issueKey,
  listRevocations,
  type RevocationWish,
  revokeKeys,
} from '../operations/keys.ts';
import type { Revocation } from '../ports/templates.ts';
import { adminListOf } from './documents.ts';
import { parseBody, pathOf } from './input.ts';
import { type Call, type Route, route } from './route.ts';

/** A published widget renews its key after 19.5 minutes when it is told nothing (wire contract 2.1). */
const UNTOLD_SECONDS = 1200;
const RENEW_EARLIER_SECONDS = 30;
const RENEWAL_MS_MIN = 1000;

/**
 * When a widget must ask for its next key, in the milliseconds its timer takes: half a minute before the key expires,
 * and for keys of less than a minute at half time. Undefined when the widget's own habit is early enough.
 */
function renewalOf(ttlSeconds: number): { readonly expire_duration: number } | undefined {
  if (ttlSeconds >= UNTOLD_SECONDS) return undefined;
  const seconds = Math.max(ttlSeconds - RENEW_EARLIER_SECONDS, ttlSeconds / 2);
  return { expire_duration: Math.max(Math.floor(seconds * 1000), RENEWAL_MS_MIN) };
}

function hintOf(call: Call, { unusable }: IssuedKey): string {
  if (unusable === undefined) return 'Key issued';
  switch (unusable.code) {
    case 'IP_DENIED':
      return `Key issued, but it cannot be used from your address ${call.entrant.asked.clientIp}: the security template does not allow it.`;
    case 'COUNTRY_DENIED':
      return 'Key issued, but it cannot be used from your country: the security template does not allow it.';
    default:
      return `Key issued, but it cannot be used from here: ${ERRORS[unusable.code].msg}.`;
  }
}

/** The folders where a widget offers to add files; left out when that is everywhere. */
function uploadScopeOf(scopes: readonly string[]): { readonly upload_scope?: readonly string[] } {
  return scopes.includes('/*') ? {} : { upload_scope: scopes };
}

/**
 * Permissions as widgets read them: an empty list would make a regular expression there that matches everything (wire
 * contract 2.5), so no permission is a word that matches nothing.
 */
function permissionsForWidgets(held: readonly Permission[]): readonly string[] {
  return held.length === 0 ? ['NONE'] : held;
}

const CREATION = z.looseObject({
  subject: z.string().refine(isSubject, 'A subject is a short text without control characters.').optional(),
  template: z.string().min(1).max(64).optional(),
});

/** The body as documented, with or without its `data` wrapper (wire contract 2.4). */
function creationBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'data')) return body;
  const { data, ...rest } = body as Readonly<Record<string, unknown>>; // `hasOwn` has shown that it is an object with members.
  if (Object.keys(rest).length === 0) return data ?? {};
  throw new AppError('REQUEST_INVALID', 'data and more', {
    faults: [{ field: 'data', code: 'MEMBERS_CONFLICT', message: 'Put everything inside data, or leave data out.' }],
  });
}

const CHECK = z.strictObject({
  operation: z.string().refine(isOperationName, 'There is no such operation.'),
  /** A file for operations on files, else a folder. */
  path: z.string().optional(),
  folder: z.string().optional(),
  /** Where a move ends. */
  destination: z.string().optional(),
  size: z.int().min(0).optional(),
  type: z.string().max(256).optional(),
});

type Check = z.infer<typeof CHECK>;

function demandOf(check: Check): Demand & { readonly operation: OperationName } {
  const { operation } = check;
  const targets: CanonicalPath[] = [];
  if (check.folder !== undefined) targets.push(pathOf(check.folder, 'folder'));
  if (check.path !== undefined) {
    const path = pathOf(check.path, 'path');
    targets.push(operation.startsWith('file.') ? (parentOf(path) ?? path) : path);
  }
  if (check.destination !== undefined) targets.push(pathOf(check.destination, 'destination'));
  return { operation, targets, ...(OPERATIONS[operation].tree === true ? { tree: true } : {}) };
}

function uploadOf(check: Check): Facts['upload'] | undefined {
  if (OPERATIONS[check.operation].limit !== 'upload') return undefined;
  const extension = /\.([^./]+)$/.exec(check.path ?? '')?.[1]?.toLowerCase();
  return {
    files: 1,
    ...(check.size === undefined ? {} : { bytes: check.size }),
    ...(check.type === undefined ? {} : { mediaType: check.type }),
    ...(extension === undefined ? {} : { extension }),
  };
}

/** A decision in words. Counters are internal names; what is charged against which limit is not. */
function wireDecision(decision: Decision): object {
  if (decision.allow) {
    const charges = decision.charges.map(({ rule, limit, windowMs, cost }) => ({
      rule,
      limit,
      window: windowMs === 'lifetime' ? windowMs : `${windowMs / 1000} s`,
      cost,
    }));
    return { allow: true, trace: decision.trace, charges };
  }
  const { code, rule, limit, actual, missing, trace } = decision;
  const { status, msg, hint } = ERRORS[code];
  return {
    allow: false,
    code,
    http_status: status,
    msg,
    hint,
    rule,
    ...(limit === undefined ? {} : { limit }),
    ...(actual === undefined ? {} : { actual }),
    ...(missing === undefined ? {} : { missing }),
    trace,
  };
}

const REVOCATION = z.strictObject({
  key_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
  key: z.string().max(16_384).optional(),
  subject: z.string().refine(isSubject, 'A subject is a short text without control characters.').optional(),
  template: z.string().min(1).max(64).optional(),
  secret_key: z.string().min(1).max(64).optional(),
  all: z.literal(true).optional(),
  issued_before: z.iso.datetime({ offset: true }).optional(),
});

/** The members of a revocation that say which keys are meant; exactly one of them is there. */
const SELECTORS = ['key_id', 'key', 'subject', 'template', 'secret_key', 'all'] as const;

function wishOf(call: Call): RevocationWish {
  const body = parseBody(REVOCATION, call.body);
  const { key_id, key, subject, template, secret_key, issued_before } = body;
  if (SELECTORS.filter((name) => body[name] !== undefined).length !== 1) {
    throw faulty('', 'MEMBERS_CONFLICT', `Send exactly one of ${SELECTORS.join(', ')}.`);
  }
  if (key_id !== undefined || key !== undefined) {
    if (issued_before !== undefined) {
      throw faulty('issued_before', 'MEMBERS_CONFLICT', 'One key was issued once; leave this out.');
    }
    return { kind: 'key', keyId: key_id ?? keyIdIn(call, key ?? '') };
  }
  const until = issued_before === undefined ? {} : { issuedBeforeMs: Date.parse(issued_before) };
  if (subject !== undefined) return { kind: 'subject', subject, ...until };
  if (template !== undefined) return { kind: 'template', id: template, ...until };
  if (secret_key !== undefined) return { kind: 'secret', id: secret_key, ...until };
  return { kind: 'container', ...until };
}

function keyIdIn(call: Call, key: string): string {
  // Not verified on purpose: revoking what never existed harms nobody, and a leaked key may be damaged in its signature.
  const decoded = decodeKey(key);
  if (decoded.ok && decoded.claims.container === call.container) return decoded.claims.keyId;
  throw faulty('key', 'FORMAT_WRONG', 'This is no access key of this container.');
}

function faulty(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', code, { faults: [{ field, code, message }] });
}

/** A revocation under the names with which it is asked for. */
function wireRevocation({ keys, issuedUntilMs, revokedAtMs, revokedBy, expiresAtMs }: Revocation): object {
  return {
    ...wireKeys(keys),
    ...(keys.kind === 'key' ? {} : { issued_until: new Date(issuedUntilMs).toISOString() }),
    revoked_at: new Date(revokedAtMs).toISOString(),
    revoked_by: revokedBy,
    // From then on all of them are dead anyway.
    forgotten_at: new Date(expiresAtMs).toISOString(),
  };
}

function wireKeys(keys: Revocation['keys']): object {
  switch (keys.kind) {
    case 'key':
      return { key_id: keys.keyId };
    case 'subject':
      return { subject: keys.subject };
    case 'template':
      return { template: keys.uid };
    case 'secret':
      return { secret_key: keys.uid };
    case 'container':
      return { all: true };
  }
}

async function revoke(call: Call<'key.revoke'>): Promise<object> {
  const wish = wishOf(call);
  const grant = await call.admit([{ operation: 'key.revoke', targets: [] }]);
  return wireRevocation(await revokeKeys(call.ports, grant, wish));
}

/** Rows of the route table about access keys. */
export const keyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    paths: ['/{v?}/key/info'],
    operations: ['key.inspect'],
    summary: 'Say what an access key may do and until when.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'key.inspect', targets: [] }]);
      call.reply.header('cache-control', 'no-store');
      if (grant.template === undefined || grant.claims === undefined) throw new AppError('KEY_MISSING');
      const rights = effective(grant.template, grant.claims);
      const expires_at = grant.bearer === 'secret' ? null : new Date(rights.expiresAtMs).toISOString();
      return {
        is_validate: true,
        // A key that names a person opens what a widget offers to known people only, such as public and private.
        is_user_info_included: grant.claims.subject !== undefined,
        permissions: permissionsForWidgets(rights.permissions),
        ...uploadScopeOf(rights.uploadScopes),
        max_file_size: rights.maxFileSizeBytes,
        key_id: grant.claims.keyId,
        expires_at,
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v?}/key/:id'],
    operations: ['key.issue'],
    credential: 'template',
    summary: 'Exchange the identifier of a security template for an access key.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'key.issue', targets: [] }]);
      const { template, templateRecord } = call.entrant.bearer;
      if (template === undefined || templateRecord === undefined) throw new AppError('TEMPLATE_NOT_FOUND');
      const issued = issueKey(call.ports, grant, templateRecord.uid);
      call.reply.header('cache-control', 'no-store');
      const renewal = renewalOf(template.document.key_validity.expiration_duration);
      return {
        key: issued.text,
        hint: hintOf(call, issued),
        debug: null,
        ...(renewal === undefined ? {} : { key_validity: renewal }),
        ...uploadScopeOf(effective(template, issued.claims).uploadScopes),
      };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v?}/key'],
    operations: ['key.create'],
    summary: 'Make an access key from a secret key, with fewer rights.',
    handle: async (call) => {
      const { subject, template, ...narrowing } = parseBody(CREATION, creationBody(call.body));
      const grant = await call.admit([{ operation: 'key.create', targets: [] }]);
      const issued = await createKey(call.ports, grant, { template, subject, narrowing });
      call.reply.header('cache-control', 'no-store');
      return {
        key: issued.text,
        hint: hintOf(call, issued),
        debug: null,
        key_id: issued.claims.keyId,
        expires_at: new Date(issued.claims.expiresAtMs).toISOString(),
      };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/key/revoke'],
    operations: ['key.revoke'],
    summary: 'Revoke one access key by id or text, or all of a subject, a template, a secret key or the container.',
    handle: revoke,
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/key'],
    operations: ['key.revoke'],
    summary: 'Revoke one access key by id or text, or all of a subject, a template, a secret key or the container.',
    handle: revoke,
  }),
  route({
    method: 'GET',
    paths: ['/{v}/key/revocations'],
    operations: ['key.revocations'],
    summary: 'List what was revoked and still matters, the newest first.',
    handle: async (call) => {
      const { offset, limit } = adminListOf(call.query);
      const grant = await call.admit([{ operation: 'key.revocations', targets: [] }]);
      const { items, total } = await listRevocations(call.ports, grant, { offset, limit });
      call.reply.header('cache-control', 'no-store');
      return { revocations: items.map(wireRevocation), info: { total } };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/check'],
    operations: ['decision.check'],
    summary: 'Ask what would be decided, and why, without doing it.',
    handle: async (call) => {
      const check = parseBody(CHECK, call.body);
      await call.admit([{ operation: 'decision.check', targets: [] }]);
      const upload = uploadOf(check);
      const demanded = { demands: [demandOf(check)], ...(upload === undefined ? {} : { upload }) };
      return { decision: wireDecision(call.guard.explain(call.entrant, demanded)) };
    },
  }),
];
