// Who has which role in which folder.
import type { CanonicalPath, RoleId } from '@latchkey/policy';
import type { At } from './metadata.ts';

/** One person's role in a folder and below it. */
export interface AccessEntry {
  readonly id: string;
  /** The subject of the person's keys. */
  readonly personId: string;
  readonly role: RoleId;
  readonly addedAtMs: number;
  /** Holder of the credential that gave it. */
  readonly addedBy: string;
}

/** What is said of access to one folder. */
export interface AccessDocument {
  /** The role of everybody without an entry here; undefined: what is said of the folders above holds for them. */
  readonly others: RoleId | undefined;
  readonly entries: readonly AccessEntry[];
}

/** A folder of which something is said. */
export interface FolderAccess extends AccessDocument {
  readonly folderId: string;
  readonly folderPath: CanonicalPath;
}

/**
 * Access to folders. What is said belongs to a folder: it goes where the folder goes, and ends with it. Each method is one transaction,
 * durable when it resolves; every change, and every folder that moves with what is said of it, is told on the bus as a change of
 * rules. Raises STORE_UNAVAILABLE, and what is named.
 */
export interface Accesses {
  /** Every folder of the container of which something is said, by path. */
  listAccess(container: string): Promise<readonly FolderAccess[]>;
  /**
   * Says something else of the folder: `change` makes it of what is said so far, within the transaction, and may throw. No entry and
   * nothing for others is nothing said. Raises FOLDER_NOT_FOUND, and REQUEST_INVALID when more than `max` folders of the container would
   * have something said of them.
   */
  changeAccess(
    container: string,
    folder: At,
    max: number,
    change: (current: AccessDocument) => AccessDocument,
  ): Promise<FolderAccess>;
}
