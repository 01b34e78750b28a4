// Passwords by Argon2id (RFC 9106), in the worker threads of the library.
import type { Passwords } from '../../ports/passwords.ts';

/** 19 MiB, two passes: what OWASP asks for at least; some milliseconds a hash. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The Passwords port on Argon2id. */
export function openPasswords(): Passwords {
  const library = () => import('@node-rs/argon2');
  return {
    hash: async (password) => (await library()).hash(password.normalize('NFC'), COST),
    verify: async (hash, password) => (await library()).verify(hash, password.normalize('NFC')),
  };
}
