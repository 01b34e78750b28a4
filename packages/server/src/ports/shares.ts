// Where shares are kept: which files somebody lets outsiders have, until when, and by whose rights.
import type { Lent } from './lent.ts';

/** A share. What it names is only a wish: whose rights it lends is asked at every use. */
export interface ShareRecord {
  /** The public id: 128 random bits, known only to those it was given to. */
  readonly puid: string;
  readonly container: string;
  /** Who may change it: see `ownerOf`. */
  readonly owner: string;
  readonly lent: Lent;
  readonly document: ShareDocument;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a share says. */
export type ShareDocument = {
  readonly title: string;
  readonly description: string;
  readonly startsAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Names of time zones, kept for those who show the times. */
  readonly startsAtZone: string | null;
  readonly expiresAtZone: string | null;
  readonly fileIds: readonly string[];
  readonly folderIds: readonly string[];
  /** A hash by the Passwords port; null when there is no password. */
  readonly passwordHash: string | null;
};

/** Shares. Durable when a method resolves, and known to every node. Raises STORE_UNAVAILABLE. */
export interface Shares {
  createShare(record: ShareRecord): Promise<void>;
  findShare(container: string, puid: string): Promise<ShareRecord | undefined>;
  /** The newest first; with `owner` only that one's. */
  listShares(
    container: string,
    query: { readonly owner: string | undefined; readonly offset: number; readonly limit: number },
  ): Promise<{ readonly items: readonly ShareRecord[]; readonly total: number }>;
  /** Puts a document in place of what there is; false when there is none. */
  updateShare(container: string, puid: string, document: ShareDocument, nowMs: number): Promise<boolean>;
  /** True when it was there. It ends at once. */
  deleteShare(container: string, puid: string): Promise<boolean>;
}
