// Doors for outsiders: making and changing them, whether one is open, and who passes its password. The rights behind them are lent
// and never copied.
import type { NarrowingDocument } from '@latchkey/policy';
import { addressBucket } from '@latchkey/policy';
import { equalBytes, hashSecret, mac } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { DoorDocument, DoorRecord, Doors } from '../ports/doors.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import { ownerOf } from './tasks.ts';

/** Bounds of one door. */
export const DOOR = { titleMax: 255, textMax: 5000, passwordMax: 200 } as const;

/** How long the proof of a given password opens what is behind it. */
export const PROOF_TTL_MS = 2 * 60 * 60_000;
/** Passwords that one address may try for one door in a minute. */
const ATTEMPTS_PER_MINUTE = 10;

/** One kind of doors: where they are kept, and the words for what is wrong with one. */
export interface DoorKind<Document extends DoorDocument> {
  readonly doors: Doors<Document>;
  readonly name: 'share' | 'airbox';
  readonly notFound: 'SHARE_NOT_FOUND' | 'AIRBOX_NOT_FOUND';
  readonly passwordNeeded: 'SHARE_PASSWORD_NEEDED' | 'AIRBOX_PASSWORD_NEEDED';
}

/** What a caller says of any door; a member that is absent stays as it is. A password of null takes it away. */
export interface DoorWish {
  readonly title?: string;
  readonly startsAtMs?: number | null;
  readonly expiresAtMs?: number | null;
  readonly startsAtZone?: string | null;
  readonly expiresAtZone?: string | null;
  readonly password?: string | null;
}

type Needs = Pick<Ports, 'passwords' | 'system'>;

/** A door with nothing said. */
export const BARE_DOOR: DoorDocument = {
  title: '',
  startsAtMs: null,
  expiresAtMs: null,
  startsAtZone: null,
  expiresAtZone: null,
  passwordHash: null,
};

/**
 * Makes a door with the rights of the grant behind it. A key that is revoked in the same moment leaves none. Raises
 * REQUEST_INVALID.
 */
export async function createDoor<Document extends DoorDocument>(
  ports: Needs,
  { doors, name }: DoorKind<Document>,
  grant: Grant,
  empty: Document,
  wish: DoorWish & Partial<Document>,
): Promise<DoorRecord<Document>> {
  const nowMs = ports.system.now();
  const puid = Buffer.from(ports.system.random(16)).toString('base64url');
  const document = await laidOver(ports, empty, wish);
  const { container } = grant;
  const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
  const record = {
    puid,
    container,
    owner: ownerOf(grant),
    lent: lentBy(grant, `${name}:${idOf(puid)}`),
    document,
    ...times,
  };
  await doors.createDoor(record);
  try {
    // Whoever revokes the key from now on finds the door; whoever did before is found here.
    await grant.recheckRights();
  } catch (error) {
    await doors.deleteDoor(container, puid);
    throw error;
  }
  return record;
}

/** Changes a door of the caller's. The rights behind it stay those it was made with. Raises its `notFound`, REQUEST_INVALID. */
export async function updateDoor<Document extends DoorDocument>(
  ports: Needs,
  kind: DoorKind<Document>,
  grant: Grant,
  puid: string,
  wish: DoorWish & Partial<Document>,
): Promise<DoorRecord<Document>> {
  const record = await ownDoor(kind, grant, puid);
  const document = await laidOver(ports, record.document, wish);
  const nowMs = ports.system.now();
  if (!(await kind.doors.updateDoor(grant.container, puid, document, nowMs))) throw new AppError(kind.notFound);
  return { ...record, document, updatedAtMs: nowMs };
}

/** A door of the caller's, or for an admin anybody's. Raises its `notFound`. */
export async function ownDoor<Document extends DoorDocument>(
  { doors, notFound }: DoorKind<Document>,
  grant: Grant,
  puid: string,
): Promise<DoorRecord<Document>> {
  const record = await doors.findDoor(grant.container, puid);
  if (record === undefined || (grant.bearer !== 'admin' && record.owner !== ownerOf(grant))) {
    throw new AppError(notFound);
  }
  return record;
}

/** The caller's doors, or for an admin all of them, newest first. */
export async function listDoors<Document extends DoorDocument>(
  { doors }: DoorKind<Document>,
  grant: Grant,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly items: readonly DoorRecord<Document>[]; readonly total: number }> {
  return doors.listDoors(grant.container, { ...page, owner: grant.bearer === 'admin' ? undefined : ownerOf(grant) });
}

/** Ends a door of the caller's at once. Raises its `notFound`. */
export async function deleteDoor<Document extends DoorDocument>(
  kind: DoorKind<Document>,
  grant: Grant,
  puid: string,
): Promise<void> {
  await ownDoor(kind, grant, puid);
  await kind.doors.deleteDoor(grant.container, puid);
}

/** The door at an address, whether it is open or not. Raises its `notFound`. */
export async function findDoor<Document extends DoorDocument>(
  { doors, notFound }: DoorKind<Document>,
  container: string,
  puid: string,
): Promise<DoorRecord<Document>> {
  const record = /^[\w-]{22}$/.test(puid) ? await doors.findDoor(container, puid) : undefined;
  if (record === undefined) throw new AppError(notFound);
  return record;
}

/** Whether a door is open at a moment, is not yet, or is no more. */
export function doorState({ document }: DoorRecord, nowMs: number): 'open' | 'early' | 'over' {
  const { startsAtMs, expiresAtMs } = document;
  if (startsAtMs !== null && nowMs < startsAtMs) return 'early';
  return expiresAtMs !== null && nowMs >= expiresAtMs ? 'over' : 'open';
}

/** The door if it is open now. One that is unknown, has not begun or is over raises the same `notFound`. */
export async function openDoor<Document extends DoorDocument>(
  ports: Pick<Ports, 'system'>,
  kind: DoorKind<Document>,
  container: string,
  puid: string,
): Promise<DoorRecord<Document>> {
  const record = await findDoor(kind, container, puid);
  if (doorState(record, ports.system.now()) !== 'open') throw new AppError(kind.notFound, 'not open');
  return record;
}

/** Whether a door is still open. */
export function isStillOpen<Document extends DoorDocument>(
  ports: Pick<Ports, 'system'>,
  kind: DoorKind<Document>,
  { container, puid }: DoorRecord<Document>,
): Promise<boolean> {
  return openDoor(ports, kind, container, puid).then(
    () => true,
    (error: unknown) => {
      if (error instanceof AppError && error.code === kind.notFound) return false;
      throw error;
    },
  );
}

/** What somebody shows at a door. */
export interface Shown {
  readonly password: string | undefined;
  /** The proof that the password was shown before. */
  readonly proof: string | undefined;
  readonly clientIp: string;
}

/**
 * Passes who knows the password, or shows a proof of it, and answers a fresh proof; undefined when there is no password. Raises
 * the door's `passwordNeeded`, REQUEST_RATE_LIMITED after too many wrong ones from an address, COUNTERS_UNAVAILABLE.
 */
export async function passDoor<Document extends DoorDocument>(
  ports: Pick<Ports, 'passwords' | 'counters' | 'system'>,
  { name, passwordNeeded }: DoorKind<Document>,
  door: DoorRecord<Document>,
  { password, proof, clientIp }: Shown,
): Promise<string | undefined> {
  const { passwordHash } = door.document;
  if (passwordHash === null) return undefined;
  if (proof !== undefined && isProof(ports, name, door, proof)) return proof;
  if (password === undefined || password === '') throw new AppError(passwordNeeded);
  const nowMs = ports.system.now();
  const charge = {
    rule: `${name}.password`,
    unit: 'calls',
    counter: `${name}:${idOf(door.puid)}:password:${addressBucket(clientIp)}`,
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
  const isRight = password.length <= DOOR.passwordMax && (await ports.passwords.verify(passwordHash, password));
  if (!isRight) {
    await ports.counters.settle(admission.id, []);
    throw new AppError(passwordNeeded, 'wrong');
  }
  await ports.counters.release(admission.id);
  return proofOf(ports, name, door, nowMs + PROOF_TTL_MS);
}

/** What a door is called in logs and counters: its address must not be found there by those who were not given it. */
function idOf(puid: string): string {
  return hashSecret(puid).slice(0, 32);
}

/** Bound to the door, its present password and a moment; opens nothing else. */
function proofOf({ system }: Pick<Ports, 'system'>, kind: string, door: DoorRecord, untilMs: number): string {
  const { kid, secret } = system.keyring.signing();
  return writeProof(kid, secret, kind, door, untilMs);
}

function isProof({ system }: Pick<Ports, 'system'>, kind: string, door: DoorRecord, proof: string): boolean {
  const [kidText = '', until = ''] = proof.slice(0, 300).split('.');
  const untilMs = Number.parseInt(until, 36);
  const kid = Buffer.from(kidText, 'base64url').toString();
  const secret = system.keyring.find(kid);
  if (secret === undefined || !(system.now() < untilMs)) return false;
  return equalBytes(Buffer.from(proof), Buffer.from(writeProof(kid, secret, kind, door, untilMs)));
}

function writeProof(
  kid: string,
  secret: Uint8Array,
  kind: string,
  { container, puid, document }: DoorRecord,
  untilMs: number,
): string {
  const said = [kind, container, puid, document.passwordHash ?? '', String(untilMs)].join('\n');
  const tag = Buffer.from(mac(secret, Buffer.from(said)));
  return [Buffer.from(kid).toString('base64url'), untilMs.toString(36), tag.toString('base64url')].join('.');
}

/** The rights of a grant, to be lent: where a page was, and for how long its key was good, says nothing of outsiders. */
function lentBy({ bearer, claims }: Grant, id: string): Lent {
  if (claims === undefined) {
    return { id, source: { kind: 'admin' }, narrowings: [], subject: undefined, keyId: undefined };
  }
  return {
    id,
    source: claims.source,
    narrowings: claims.narrowings.map(({ document }) => standing(document)),
    subject: claims.subject,
    ...(bearer === 'key' ? { keyId: claims.keyId, keyIssuedAtMs: claims.issuedAtMs } : { keyId: undefined }),
  };
}

function standing(document: NarrowingDocument): NarrowingDocument {
  const { expires_at: _end, key_validity: _validity, restrictions, ...rights } = document;
  if (restrictions === undefined) return rights;
  const { allowed_origins: _origins, ...others } = restrictions;
  return { ...rights, restrictions: others };
}

async function laidOver<Document extends DoorDocument>(
  ports: Pick<Ports, 'passwords'>,
  document: Document,
  { password, ...said }: DoorWish & Partial<Document>,
): Promise<Document> {
  const changed: Document = {
    ...document,
    ...said,
    ...(password === undefined
      ? {}
      : { passwordHash: password === null ? null : await ports.passwords.hash(password) }),
  };
  const { startsAtMs, expiresAtMs } = changed;
  if (startsAtMs !== null && expiresAtMs !== null && expiresAtMs <= startsAtMs) {
    const message = 'The end must come after the beginning.';
    throw new AppError('REQUEST_INVALID', 'dates', { faults: [{ field: 'expires_at', code: 'ORDER', message }] });
  }
  return changed;
}
