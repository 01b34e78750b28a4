// Access keys over HTTP (wire contract 2): exchange, inspection, ad-hoc keys, dry run, revocation.
import type { CanonicalPath, Decision, Demand, Facts, OperationName, Permission } from '@latchkey/policy';
import { decodeKey, effective, isOperationName, isSubject, OPERATIONS, parentOf } from '@latchkey/policy';
import { z } from 'zod';
import { AppError, ERRORS } from '../errors.ts';
import { createKey, type IssuedKey, issueKey, revokeKey } from '../operations/keys.ts';
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

const REVOCATION = z
  .strictObject({ key_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), key: z.string().max(16_384) })
  .partial()
  .refine(({ key_id, key }) => (key_id === undefined) !== (key === undefined), 'Send either key_id or key.');

function keyIdOf(call: Call): string {
  const { key_id, key } = parseBody(REVOCATION, call.body);
  if (key_id !== undefined) return key_id;
  // Not verified on purpose: revoking what never existed harms nobody, and a leaked key may be damaged in its signature.
  const decoded = decodeKey(key ?? '');
  if (decoded.ok && decoded.claims.container === call.container) return decoded.claims.keyId;
  throw new AppError('REQUEST_INVALID', 'no key of this container', {
    faults: [{ field: 'key', code: 'FORMAT_WRONG', message: 'This is no access key of this container.' }],
  });
}

async function revoke(call: Call<'key.revoke'>): Promise<object> {
  const keyId = keyIdOf(call);
  const grant = await call.admit([{ operation: 'key.revoke', targets: [] }]);
  await revokeKey(call.ports, grant, keyId);
  return { key_id: keyId };
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
    summary: 'Revoke one access key, by id or by its text.',
    handle: revoke,
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/key'],
    operations: ['key.revoke'],
    summary: 'Revoke one access key, by id or by its text.',
    handle: revoke,
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
