// Passwords that people choose: kept so that a stolen database does not tell them.

/** Slow, salted hashes. Never raises for a wrong password. */
export interface Passwords {
  hash(password: string): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
}
