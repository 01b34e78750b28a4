// Where shares are kept: which files somebody lets outsiders have, until when, and by whose rights.
import type { DoorDocument, DoorRecord, Doors } from './doors.ts';

/** What a share says. */
export type ShareDocument = DoorDocument & {
  readonly description: string;
  /** In the order in which they are shown. */
  readonly fileIds: readonly string[];
  readonly folderIds: readonly string[];
  /** Whether outsiders get the files themselves, or only pictures of them. */
  readonly permits: 'view' | 'download';
};

/** A share. */
export type ShareRecord = DoorRecord<ShareDocument>;

/** Shares. */
export type Shares = Doors<ShareDocument>;
