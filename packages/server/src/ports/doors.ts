// Doors for outsiders: addresses that lend somebody's rights to whoever knows them. What is behind one is its own document's to say.
import type { Lent } from './lent.ts';

/** What every door says. */
export type DoorDocument = {
  readonly title: string;
  readonly startsAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Names of time zones, kept for those who show the times. */
  readonly startsAtZone: string | null;
  readonly expiresAtZone: string | null;
  /** A hash by the Passwords port; null when there is no password. */
  readonly passwordHash: string | null;
};

/** A door. What its document names is only a wish: whose rights it lends is asked at every use. */
export interface DoorRecord<Document extends DoorDocument = DoorDocument> {
  /** The public id: 128 random bits, known only to those it was given to. */
  readonly puid: string;
  readonly container: string;
  /** Who may change it: see `ownerOf`. */
  readonly owner: string;
  readonly lent: Lent;
  readonly document: Document;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Doors of one kind. Durable when a method resolves, and known to every node. Raises STORE_UNAVAILABLE. */
export interface Doors<Document extends DoorDocument> {
  createDoor(record: DoorRecord<Document>): Promise<void>;
  findDoor(container: string, puid: string): Promise<DoorRecord<Document> | undefined>;
  /** The newest first; with `owner` only that one's. */
  listDoors(
    container: string,
    query: { readonly owner: string | undefined; readonly offset: number; readonly limit: number },
  ): Promise<{ readonly items: readonly DoorRecord<Document>[]; readonly total: number }>;
  /** Puts a document in place of what there is; false when there is none. */
  updateDoor(container: string, puid: string, document: Document, nowMs: number): Promise<boolean>;
  /** True when it was there. It ends at once. */
  deleteDoor(container: string, puid: string): Promise<boolean>;
  /** Ends every door that lends the rights of this access key, and answers how many there were. */
  deleteDoorsOf(container: string, keyId: string): Promise<number>;
}
