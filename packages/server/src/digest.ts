// The digests of the service: the MAC that signs access keys, the hash under which secrets are stored, and how digests are compared.
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Mac } from '@latchkey/policy';

/** HMAC-SHA-256 (RFC 2104), the algorithm that key version 2 fixes (product definition section 6). */
export const mac: Mac = (key, message) => createHmac('sha256', key).update(message).digest();

/** Compares digests in constant time; different lengths are unequal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A subject where it need not be read but must be recognised: it may be an e-mail address. */
export function hashSubject(subject: string): string {
  return hash('sha256', `latchkey subject v1\n${subject}`, 'base64url');
}

/**
 * SHA-256 in lower-case hex: how secrets, sign-in links and session tokens are stored and looked up. No salt and no slow
 * hash: every such text is random and too long to guess.
 */
export function hashSecret(text: string): string {
  return hash('sha256', text, 'hex');
}
