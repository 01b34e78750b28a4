// What can be done with secret keys: the permanent credentials of back ends.
import { createHash } from 'node:crypto';
import { PERMISSIONS, parseSecretKeyRights, type TemplateDocument } from '@latchkey/policy';
import { hashSecret } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { AdminListQuery, Page, SecretKeyRecord } from '../ports/templates.ts';
import { refuseGivingMore } from './delegation.ts';
import { accept, type Change, patched, requireRevision, type Saved } from './documents.ts';

type Needs = Pick<Ports, 'templates' | 'system'>;

/** A new secret key; `secret` is known only now. */
export interface NewSecretKey extends Saved<SecretKeyRecord> {
  readonly secret: string;
}

/** A page of secret keys, newest change first. */
export async function listSecretKeys(
  ports: Needs,
  grant: Grant<'secretKey.list'>,
  query: AdminListQuery,
): Promise<Page<SecretKeyRecord>> {
  return ports.templates.listSecretKeys(grant.container, query);
}

/** Raises SECRET_KEY_NOT_FOUND. */
export async function getSecretKey(ports: Needs, grant: Grant<'secretKey.get'>, uid: string): Promise<SecretKeyRecord> {
  return lookUp(ports, grant, uid);
}

/** Makes a secret key; only its hash is stored. Raises REQUEST_INVALID, PERMISSION_DENIED. */
export async function createSecretKey(
  ports: Needs,
  grant: Grant<'secretKey.create'>,
  input: unknown,
): Promise<NewSecretKey> {
  const { document, warnings } = accept(parseSecretKeyRights(input));
  refuseGivingMore(grant, document);
  const secret = newSecretText(ports, grant.container);
  const record = newRecord(ports, grant.container, hex(ports, 16), secret, document);
  await ports.templates.createSecretKey(record);
  ports.system.log.info('secretKey.created', { uid: record.uid, by: grant.holder });
  return { record, warnings, secret };
}

/** Replaces the rights; the secret stays. Raises like `createSecretKey`, and SECRET_KEY_NOT_FOUND, VERSION_MISMATCH. */
export async function replaceSecretKey(
  ports: Needs,
  grant: Grant<'secretKey.update'>,
  uid: string,
  change: Change,
): Promise<Saved<SecretKeyRecord>> {
  return save(ports, grant, await lookUp(ports, grant, uid), change.input, change.revision);
}

/** Changes the given members, `null` taking one back to its default. Raises like `replaceSecretKey`. */
export async function patchSecretKey(
  ports: Needs,
  grant: Grant<'secretKey.update'>,
  uid: string,
  change: Change,
): Promise<Saved<SecretKeyRecord>> {
  const record = await lookUp(ports, grant, uid);
  const input = patched(rightsOf(record.document), change.input);
  // What was merged is only right for the revision that was read.
  return save(ports, grant, record, input, change.revision ?? record.revision);
}

/** Switches secret keys on or off together, or none. A key may put itself to sleep. Raises SECRET_KEY_NOT_FOUND, PERMISSION_DENIED. */
export async function setSecretKeysActive(
  ports: Needs,
  grant: Grant<'secretKey.activate'>,
  uids: readonly string[],
  active: boolean,
): Promise<readonly SecretKeyRecord[]> {
  const records = await Promise.all([...new Set(uids)].map((uid) => lookUp(ports, grant, uid)));
  if (active) for (const { document } of records) refuseGivingMore(grant, document);
  const known = records.map(({ uid }) => uid);
  const changed = await ports.templates.setSecretKeysActive(grant.container, known, active, ports.system.now());
  ports.system.log.info(active ? 'secretKey.activated' : 'secretKey.deactivated', { uids: known, by: grant.holder });
  return changed;
}

/** Deletes a secret key and with it every access key made from it. Raises SECRET_KEY_NOT_FOUND. */
export async function deleteSecretKey(ports: Needs, grant: Grant<'secretKey.delete'>, uid: string): Promise<void> {
  if (!(await ports.templates.deleteSecretKey(grant.container, uid))) throw new AppError('SECRET_KEY_NOT_FOUND');
  ports.system.log.info('secretKey.deleted', { uid, by: grant.holder });
}

/** What of the document concerns a secret key: it does not expire and issues nothing by itself. */
export function rightsOf(document: TemplateDocument): Omit<TemplateDocument, 'key_validity' | 'issue'> {
  const { key_validity: _validity, issue: _issue, ...rights } = document;
  return rights;
}

async function save(
  ports: Needs,
  grant: Grant<'secretKey.update'>,
  record: SecretKeyRecord,
  input: unknown,
  revision: number | undefined,
): Promise<Saved<SecretKeyRecord>> {
  requireRevision(record, revision);
  const { document, warnings } = accept(parseSecretKeyRights(input));
  refuseGivingMore(grant, document);
  const { container, uid } = record;
  const saved = await ports.templates.updateSecretKey(container, uid, document, ports.system.now(), revision);
  if (saved === undefined) throw new AppError('SECRET_KEY_NOT_FOUND');
  ports.system.log.info('secretKey.updated', { uid, revision: saved.revision, by: grant.holder });
  return { record: saved, warnings };
}

async function lookUp(ports: Needs, grant: Grant, uid: string): Promise<SecretKeyRecord> {
  const record = await ports.templates.findSecretKey(grant.container, uid);
  if (record === undefined) throw new AppError('SECRET_KEY_NOT_FOUND');
  return record;
}

/** The admin key of the start-up contract is known by its uid, so that a new one replaces it and nothing else. */
const ADMIN_UID_PREFIX = 'admin-';
/** The shortest text that may be the admin key (product definition section 9). */
const ADMIN_KEY_LENGTH_MIN = 32;

/**
 * Makes sure that the container has its first admin key, a secret key with every permission. A given text becomes that
 * key, replacing the one of an earlier start together with the access keys made from it; without one, a key is generated
 * when the container has no secret key at all, and answered this once. Idempotent, and safe with several nodes starting
 * at once. Raises REQUEST_INVALID for a text that is too short, mistyped, or the secret of another key.
 */
export async function ensureAdminKey(
  ports: Needs,
  container: string,
  secretText: string | undefined,
): Promise<{ readonly generated?: string }> {
  if (secretText !== undefined) {
    refuseUnfit(secretText);
    await storeAdminKey(ports, container, secretText);
    return {};
  }
  const { total } = await ports.templates.listSecretKeys(container, { offset: 0, limit: 1 });
  if (total > 0) return {};
  const generated = newSecretText(ports, container);
  await storeAdminKey(ports, container, generated);
  return { generated };
}

function refuseUnfit(secretText: string): void {
  const message =
    secretText.length < ADMIN_KEY_LENGTH_MIN
      ? `An admin key has at least ${ADMIN_KEY_LENGTH_MIN} characters.`
      : secretText.startsWith(SECRET_KEY_PREFIX) && !isSecretText(secretText)
        ? 'This begins like a secret key, but its checksum does not match: it is mistyped or cut off.'
        : undefined;
  if (message !== undefined) throw unfit(message);
}

function unfit(message: string): AppError {
  return new AppError('REQUEST_INVALID', 'admin key', {
    faults: [{ field: 'LATCHKEY_ADMIN_KEY', code: 'ADMIN_KEY_INVALID', message }],
  });
}

async function storeAdminKey(ports: Needs, container: string, secret: string): Promise<void> {
  const { document } = accept(
    parseSecretKeyRights({
      name: 'Admin key',
      description: 'Has every permission. Set by LATCHKEY_ADMIN_KEY, or generated at the first start.',
      permissions: PERMISSIONS,
    }),
  );
  const secretHash = hashSecret(secret);
  for (const old of await adminKeys(ports, container)) {
    if (old.secretHash === secretHash) {
      await restoreRights(ports, old, document);
      return;
    }
    await ports.templates.deleteSecretKey(container, old.uid);
  }
  const same = await ports.templates.findSecretKeyByHash(container, secretHash);
  // Another node that starts at the same time may have stored it since the list was read.
  if (same?.uid.startsWith(ADMIN_UID_PREFIX) === true) return;
  if (same !== undefined) throw unfit('This is the secret of another secret key; an admin key is one of its own.');
  // A new uid for a new secret: access keys made from the replaced one name the old uid, and die with it.
  const uid = `${ADMIN_UID_PREFIX}${hex(ports, 8)}`;
  try {
    await ports.templates.createSecretKey(newRecord(ports, container, uid, secret, document));
  } catch (error) {
    // Another node that starts at the same time was quicker with the same key.
    if (!(error instanceof AppError && error.code === 'ALREADY_EXISTS')) throw error;
  }
}

/** A release may know more permissions than the one that stored the key, and an admin may have switched it off by accident. */
async function restoreRights(ports: Needs, record: SecretKeyRecord, document: TemplateDocument): Promise<void> {
  const { active, permissions } = record.document;
  if (active && permissions.length === document.permissions.length) return;
  await ports.templates.updateSecretKey(record.container, record.uid, document, ports.system.now());
}

async function adminKeys(ports: Needs, container: string): Promise<readonly SecretKeyRecord[]> {
  const { total } = await ports.templates.listSecretKeys(container, { offset: 0, limit: 1 });
  const { items } = await ports.templates.listSecretKeys(container, { offset: 0, limit: Math.max(total, 1) });
  return items.filter(({ uid }) => uid.startsWith(ADMIN_UID_PREFIX));
}

/** Secret keys begin with this, so that leak scanners find them. */
const SECRET_KEY_PREFIX = 'lk_';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 190 random bits. */
const RANDOM_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
/** How many of the random characters a list may show: enough to tell keys apart, far too few to guess one. */
const SHOWN_LENGTH = 4;

/** `lk_<container>_<random>_<checksum>`: a scanner can tell a real key from a look-alike without asking anybody. */
function newSecretText(ports: Pick<Needs, 'system'>, container: string): string {
  const body = `${SECRET_KEY_PREFIX}${container}_${randomText(ports, RANDOM_LENGTH)}`;
  return `${body}_${checksum(body)}`;
}

/** Whether a text has the form of a secret key with a checksum that matches. Says nothing about who made it. */
export function isSecretText(text: string): boolean {
  const form = /^(lk_[a-z0-9_-]+_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})$/.exec(text);
  return form?.[1] !== undefined && checksum(form[1]) === form[2];
}

/** The first 32 bits of SHA-256 in six characters of base 62. It finds mistakes; it protects nothing. */
function checksum(body: string): string {
  let rest = createHash('sha256').update(body, 'utf8').digest().readUInt32BE(0);
  let text = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function randomText(ports: Pick<Needs, 'system'>, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of ports.system.random(length)) {
      // 248 is the largest multiple of 62 in a byte; above it some characters would come more often.
      if (byte < 248 && text.length < length) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}

function newRecord(
  ports: Needs,
  container: string,
  uid: string,
  secret: string,
  document: TemplateDocument,
): SecretKeyRecord {
  const nowMs = ports.system.now();
  const shown = isSecretText(secret) ? SECRET_KEY_PREFIX.length + container.length + 1 + SHOWN_LENGTH : SHOWN_LENGTH;
  return {
    uid,
    container,
    secretHash: hashSecret(secret),
    prefix: secret.slice(0, shown),
    document,
    revision: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    lastUsedAtMs: undefined,
  };
}

function hex(ports: Needs, bytes: number): string {
  return Buffer.from(ports.system.random(bytes)).toString('hex');
}
