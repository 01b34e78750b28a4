// Shares: files that somebody lets outsiders have, by rights that are lent and never copied.
import type { NarrowingDocument } from '@latchkey/policy';
import { addressBucket } from '@latchkey/policy';
import { equalBytes, mac } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import type { FileRecord, FolderRecord } from '../ports/metadata.ts';
import type { ShareDocument, ShareRecord } from '../ports/shares.ts';
import type { Picked } from './objects.ts';
import { ownerOf } from './tasks.ts';

/** Bounds of one share. */
export const SHARE = {
  itemsMax: 1000,
  titleMax: 255,
  descriptionMax: 5000,
  passwordMax: 200,
  listedMax: 1000,
} as const;

/** How long the proof of a given password opens what is behind it. */
const PROOF_TTL_MS = 2 * 60 * 60_000;
/** Passwords that one address may try for one share in a minute. */
const ATTEMPTS_PER_MINUTE = 10;

/** What a caller says of a share; a member that is absent stays as it is. A password of null takes it away. */
export interface ShareWish {
  readonly title?: string;
  readonly description?: string;
  readonly startsAtMs?: number | null;
  readonly expiresAtMs?: number | null;
  readonly startsAtZone?: string | null;
  readonly expiresAtZone?: string | null;
  readonly password?: string | null;
}

type Needs = Pick<Ports, 'shares' | 'passwords' | 'system'>;

/** Makes a share of what was picked, with the rights of the grant behind it. Raises REQUEST_INVALID. */
export async function createShare(
  ports: Needs,
  grant: Grant<'share.create' | 'file.archive'>,
  picked: Picked,
  wish: ShareWish,
): Promise<ShareRecord> {
  const nowMs = ports.system.now();
  const puid = Buffer.from(ports.system.random(16)).toString('base64url');
  const empty: ShareDocument = {
    title: '',
    description: '',
    startsAtMs: null,
    expiresAtMs: null,
    startsAtZone: null,
    expiresAtZone: null,
    fileIds: [],
    folderIds: [],
    passwordHash: null,
  };
  const document = await laidOver(ports, empty, wish, picked);
  const { container } = grant;
  const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
  const record = { puid, container, owner: ownerOf(grant), lent: lentBy(grant, puid), document, ...times };
  await ports.shares.createShare(record);
  ports.system.log.info('share.created', {
    by: grant.holder,
    files: picked.files.length,
    folders: picked.folders.length,
  });
  return record;
}

/** Changes a share; with `picked` it shows those instead. The rights behind it stay those it was made with. Raises
 *  SHARE_NOT_FOUND, REQUEST_INVALID. */
export async function updateShare(
  ports: Needs,
  grant: Grant<'share.update' | 'file.archive'>,
  puid: string,
  wish: ShareWish,
  picked: Picked | undefined,
): Promise<ShareRecord> {
  const record = await ownShare(ports, grant, puid);
  const document = await laidOver(ports, record.document, wish, picked);
  const nowMs = ports.system.now();
  if (!(await ports.shares.updateShare(grant.container, puid, document, nowMs))) throw new AppError('SHARE_NOT_FOUND');
  return { ...record, document, updatedAtMs: nowMs };
}

/** A share of the caller's, or for an admin anybody's. Raises SHARE_NOT_FOUND. */
export async function getShare(ports: Needs, grant: Grant<'share.get'>, puid: string): Promise<ShareRecord> {
  return ownShare(ports, grant, puid);
}

/** The caller's shares, or for an admin all of them, newest first. */
export async function listShares(
  ports: Pick<Ports, 'shares'>,
  grant: Grant<'share.list'>,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly items: readonly ShareRecord[]; readonly total: number }> {
  return ports.shares.listShares(grant.container, {
    ...page,
    owner: grant.bearer === 'admin' ? undefined : ownerOf(grant),
  });
}

/** Ends a share at once. Raises SHARE_NOT_FOUND. */
export async function deleteShare(ports: Needs, grant: Grant<'share.delete'>, puid: string): Promise<void> {
  await ownShare(ports, grant, puid);
  await ports.shares.deleteShare(grant.container, puid);
}

async function ownShare(ports: Pick<Ports, 'shares'>, grant: Grant, puid: string): Promise<ShareRecord> {
  const record = await ports.shares.findShare(grant.container, puid);
  if (record === undefined || (grant.bearer !== 'admin' && record.owner !== ownerOf(grant))) {
    throw new AppError('SHARE_NOT_FOUND');
  }
  return record;
}

/**
 * The share that is open to outsiders now. One that is unknown, has not begun or is over raises the same SHARE_NOT_FOUND, so that
 * an address tells nothing.
 */
export async function openShare(
  ports: Pick<Ports, 'shares' | 'system'>,
  container: string,
  puid: string,
): Promise<ShareRecord> {
  const record = /^[\w-]{22}$/.test(puid) ? await ports.shares.findShare(container, puid) : undefined;
  const nowMs = ports.system.now();
  if (record === undefined) throw new AppError('SHARE_NOT_FOUND');
  const { startsAtMs, expiresAtMs } = record.document;
  if ((startsAtMs !== null && nowMs < startsAtMs) || (expiresAtMs !== null && nowMs >= expiresAtMs)) {
    throw new AppError('SHARE_NOT_FOUND', 'not open');
  }
  return record;
}

/** What somebody shows at the door of a share. */
export interface Shown {
  readonly password: string | undefined;
  /** The proof that the password was shown before. */
  readonly proof: string | undefined;
  readonly clientIp: string;
}

/**
 * Passes who knows the password, or shows a proof of it, and answers a fresh proof; undefined when there is no password. Raises
 * SHARE_PASSWORD_NEEDED, REQUEST_RATE_LIMITED after too many wrong ones from an address, COUNTERS_UNAVAILABLE.
 */
export async function passDoor(
  ports: Pick<Ports, 'passwords' | 'counters' | 'system'>,
  share: ShareRecord,
  { password, proof, clientIp }: Shown,
): Promise<string | undefined> {
  const { passwordHash } = share.document;
  if (passwordHash === null) return undefined;
  if (proof !== undefined && isProof(ports, share, proof)) return proof;
  if (password === undefined || password === '') throw new AppError('SHARE_PASSWORD_NEEDED');
  const nowMs = ports.system.now();
  const charge = {
    rule: 'share.password',
    unit: 'calls',
    counter: `share:${share.puid}:password:${addressBucket(clientIp)}`,
    limit: ATTEMPTS_PER_MINUTE,
    windowMs: 60_000,
    cost: 1,
    code: 'REQUEST_RATE_LIMITED',
    expiresAtMs: nowMs + 60_000,
  } as const;
  const admission = await ports.counters.reserve([charge], nowMs, 60_000);
  if (!admission.admitted) {
    const { retryAfterMs } = admission;
    throw new AppError('REQUEST_RATE_LIMITED', 'passwords', retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  const isRight = password.length <= SHARE.passwordMax && (await ports.passwords.verify(passwordHash, password));
  if (!isRight) {
    await ports.counters.settle(admission.id, []);
    throw new AppError('SHARE_PASSWORD_NEEDED', 'wrong');
  }
  await ports.counters.release(admission.id);
  return proofOf(ports, share, nowMs + PROOF_TTL_MS);
}

/** Bound to the share, its present password and a moment; opens nothing else. */
function proofOf(ports: Pick<Ports, 'system'>, share: ShareRecord, untilMs: number): string {
  const { kid, secret } = ports.system.keyring.signing();
  return [
    Buffer.from(kid).toString('base64url'),
    untilMs.toString(36),
    tagOf(secret, share, untilMs).toString('base64url'),
  ].join('.');
}

function isProof(ports: Pick<Ports, 'system'>, share: ShareRecord, proof: string): boolean {
  const [kid = '', until = '', tag = ''] = proof.slice(0, 300).split('.');
  const untilMs = Number.parseInt(until, 36);
  const secret = ports.system.keyring.find(Buffer.from(kid, 'base64url').toString());
  if (secret === undefined || !(ports.system.now() < untilMs)) return false;
  return equalBytes(tagOf(secret, share, untilMs), Buffer.from(tag, 'base64url'));
}

function tagOf(secret: Uint8Array, { container, puid, document }: ShareRecord, untilMs: number): Buffer {
  const said = ['share', container, puid, document.passwordHash ?? '', String(untilMs)].join('\n');
  return Buffer.from(mac(secret, Buffer.from(said)));
}

/** What of a share's objects is still there; who may see it is the guard's to say. */
export async function shareObjects(
  ports: Pick<Ports, 'metadata'>,
  { container, document }: ShareRecord,
): Promise<Picked> {
  const files = await ports.metadata.findFiles(container, document.fileIds);
  const folders: FolderRecord[] = [];
  for (const id of document.folderIds) {
    const folder = await ports.metadata.findFolderById(container, id);
    if (folder !== undefined) folders.push(folder);
  }
  return { files, folders };
}

/** True when the share shows this file: by itself, or in or below a folder of it. */
export function showsFile({ files, folders }: Picked, file: FileRecord): boolean {
  return (
    files.some(({ id }) => id === file.id) ||
    folders.some(({ path }) => file.folderPath === path || file.folderPath.startsWith(path === '/' ? '/' : `${path}/`))
  );
}

/** The rights of a grant, to be lent: where a page was, and for how long its key was good, says nothing of outsiders. */
function lentBy({ claims }: Grant, puid: string): Lent {
  const id = `share:${puid}`;
  if (claims === undefined) return { id, source: { kind: 'admin' }, narrowings: [], subject: undefined };
  return {
    id,
    source: claims.source,
    narrowings: claims.narrowings.map(({ document }) => standing(document)),
    subject: claims.subject,
  };
}

function standing(document: NarrowingDocument): NarrowingDocument {
  const { expires_at: _end, key_validity: _validity, restrictions, ...rights } = document;
  if (restrictions === undefined) return rights;
  const { allowed_origins: _origins, ...others } = restrictions;
  return { ...rights, restrictions: others };
}

async function laidOver(
  ports: Pick<Ports, 'passwords'>,
  document: ShareDocument,
  { password, ...said }: ShareWish,
  picked: Picked | undefined,
): Promise<ShareDocument> {
  const changed: ShareDocument = {
    ...document,
    ...said,
    ...(picked === undefined
      ? {}
      : { fileIds: picked.files.map(({ id }) => id), folderIds: picked.folders.map(({ id }) => id) }),
    ...(password === undefined
      ? {}
      : { passwordHash: password === null ? null : await ports.passwords.hash(password) }),
  };
  const { startsAtMs, expiresAtMs } = changed;
  if (startsAtMs !== null && expiresAtMs !== null && expiresAtMs <= startsAtMs) {
    const message = 'A share must end after it begins.';
    throw new AppError('REQUEST_INVALID', 'share', { faults: [{ field: 'expires_at', code: 'ORDER', message }] });
  }
  return changed;
}
