// Signing in to the console: one-time links, the admin key, and the session they open.
import { hashSecret } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import type { LoginLink, SecretKeyRecord, SessionRecord } from '../ports/templates.ts';

type Needs = Pick<Ports, 'templates' | 'system'>;

/** How long a printed sign-in link may be used, once. */
const LINK_TTL_MS = 15 * 60_000;
/** How long a sign-in lasts. */
export const SESSION_TTL_MS = 12 * 60 * 60_000;
/** 256 bits: a token is found by its hash, so it must be too long to guess. */
const TOKEN_BYTES = 32;

/** A fresh session; `token` is known only now and belongs into the cookie. */
export interface OpenedSession {
  readonly token: string;
  readonly record: SessionRecord;
}

/** The token of a new one-time sign-in link, valid for fifteen minutes. Whoever may read the service's output may sign in. */
export async function createLoginLink(ports: Needs): Promise<string> {
  const { token, record } = newToken(ports, LINK_TTL_MS);
  await ports.templates.createLoginLink(record);
  return token;
}

/** Spends a sign-in link. Raises ADMIN_UNAUTHENTICATED for every link but a fresh one, to all callers but the first. */
export async function signInWithLink(ports: Needs, linkToken: string): Promise<OpenedSession> {
  if (!(await ports.templates.spendLoginLink(hashSecret(linkToken), ports.system.now()))) {
    throw new AppError('ADMIN_UNAUTHENTICATED', 'link unknown, expired or spent', {
      hint: 'The sign-in link is no longer valid. Restart the service for a new one, or use an admin key.',
    });
  }
  return openSession(ports, 'link');
}

/** Signs in the holder of a secret key that was verified and opens the console. */
export function signInWithKey(ports: Needs, key: SecretKeyRecord): Promise<OpenedSession> {
  return openSession(ports, key.uid, { secretKey: { container: key.container, uid: key.uid } });
}

/** Ends a session everywhere. Idempotent. */
export async function signOut(ports: Needs, token: string): Promise<void> {
  await ports.templates.deleteSession(hashSecret(token));
}

async function openSession(
  ports: Needs,
  by: string,
  opener: Pick<SessionRecord, 'secretKey'> = {},
): Promise<OpenedSession> {
  const { token, record } = newToken(ports, SESSION_TTL_MS);
  const opened = { token, record: { ...record, ...opener } };
  await ports.templates.createSession(opened.record);
  ports.system.log.info('session.opened', { by });
  return opened;
}

function newToken(ports: Needs, ttlMs: number): { readonly token: string; readonly record: LoginLink } {
  const token = Buffer.from(ports.system.random(TOKEN_BYTES)).toString('base64url');
  const createdAtMs = ports.system.now();
  return { token, record: { tokenHash: hashSecret(token), createdAtMs, expiresAtMs: createdAtMs + ttlMs } };
}
