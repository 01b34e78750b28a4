// Rights that somebody lends to whoever knows an address: whose they are, and what they were narrowed to.
import type { NarrowingDocument } from '@latchkey/policy';

/** Lent rights: always the live rules of their source and every narrowing, never a copy. */
export interface Lent {
  /** Under which its limits are counted. */
  readonly id: string;
  readonly source: { readonly kind: 'template' | 'secret'; readonly id: string } | { readonly kind: 'admin' };
  readonly narrowings: readonly NarrowingDocument[];
  readonly subject: string | undefined;
  /** The access key whose rights these are: revoking it ends them. Absent of secret keys and admins. */
  readonly keyId: string | undefined;
  /** When that key was issued; absent with it, and of what was lent before this was written down. */
  readonly keyIssuedAtMs?: number;
}
