// Where collections and pins are recorded: searches that are kept, for many people or for one.
import type { JsonObject } from './metadata.ts';

/** What of a collection its makers choose. */
export interface CollectionDocument {
  readonly title: string;
  /** How its filters are written; there is one way. */
  readonly type: 'query';
  readonly visibility: 'company' | 'shared' | 'myself';
  /** For whom it is when it is `shared`. */
  readonly sharedWith: readonly string[];
  /** The search that finds its files, in the query language of lists. */
  readonly filters: string;
  /** What its virtual folders are made of, level by level. */
  readonly groupBy: readonly JsonObject[];
}

/** A collection: a search that is kept. Files are not put into it, they are found by it. */
export interface CollectionRecord {
  readonly id: string;
  readonly container: string;
  readonly document: CollectionDocument;
  /** Who made it, as `Person.id`. */
  readonly ownerId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Asked inside the transaction with the collection as it is stored then, possibly more than once: it must have no effects.
 *  An AppError that it raises refuses the change. */
export type ChangeCollection = (stored: CollectionRecord) => CollectionDocument;

/** Collections of containers. Each method is one transaction, durable when it resolves. Raises STORE_UNAVAILABLE, and what
 *  is named. */
export interface Collections {
  createCollection(record: CollectionRecord): Promise<void>;
  /** All collections, by title. */
  listCollections(container: string): Promise<readonly CollectionRecord[]>;
  findCollection(container: string, id: string): Promise<CollectionRecord | undefined>;
  /** Raises COLLECTION_NOT_FOUND, and what the change raises. */
  changeCollection(container: string, id: string, change: ChangeCollection, nowMs: number): Promise<CollectionRecord>;
  /** Deletes all of them or none. Raises COLLECTION_NOT_FOUND. */
  deleteCollections(container: string, ids: readonly string[]): Promise<void>;
}

/** A search that one person keeps. */
export interface PinRecord {
  readonly id: string;
  readonly container: string;
  /** Whose it is, as `Person.id`. */
  readonly personId: string;
  readonly name: string;
  /** What is searched for, as the client wrote it. */
  readonly query: string;
  readonly createdAtMs: number;
}

/** Pins of people, each in their own drawer. Durable when a method resolves. Raises STORE_UNAVAILABLE, and what is named. */
export interface Pins {
  createPin(record: PinRecord): Promise<void>;
  /** The person's pins, the newest first. */
  listPins(container: string, personId: string): Promise<readonly PinRecord[]>;
  /** Raises PIN_NOT_FOUND, also for one of somebody else. */
  renamePin(container: string, personId: string, id: string, name: string): Promise<PinRecord>;
  /** Raises PIN_NOT_FOUND, also for one of somebody else. */
  deletePin(container: string, personId: string, id: string): Promise<void>;
}
