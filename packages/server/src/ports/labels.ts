// Where labels are recorded: coloured marks with a short id that files carry across folders.
import type { ScopeLayers } from './metadata.ts';

/** Whom something is for: everybody of the container, or those that are named. */
export interface Sharing {
  readonly scope: 'SK_ORG' | 'SK_TEAMS' | 'SK_USERS';
  readonly ids: readonly string[];
}

/** What of a label its makers choose. */
export interface LabelDocument {
  readonly name: string;
  readonly color: string;
  readonly shape: string;
  readonly isPinned: boolean;
  readonly viewing: Sharing;
  readonly attaching: Sharing;
}

/** A label. */
export interface LabelRecord {
  readonly id: string;
  readonly container: string;
  /** The short id that files carry: `#lb` and ten hexadecimal digits, the same for as long as the label exists. */
  readonly sid: string;
  readonly document: LabelDocument;
  /** Who made it, as `Person.id`. */
  readonly ownerId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Asked inside the transaction with the label as it is stored then, possibly more than once: it must have no effects. An
 *  AppError that it raises refuses the change. */
export type ChangeLabel = (stored: LabelRecord) => LabelDocument;

/**
 * Labels of containers. Which files carry one is part of the files (`FileRecord.labels`). Each method is one transaction,
 * durable when it resolves. Raises STORE_UNAVAILABLE, and what is named.
 */
export interface Labels {
  createLabel(record: LabelRecord): Promise<void>;
  /** All labels, by name. */
  listLabels(container: string): Promise<readonly LabelRecord[]>;
  /** How many files in folders covered by every layer carry each label, by its short id; a label that none carries is absent. */
  countLabelUses(container: string, within: ScopeLayers): Promise<ReadonlyMap<string, number>>;
  /** Raises LABEL_NOT_FOUND, and what the change raises. */
  changeLabel(container: string, id: string, change: ChangeLabel, nowMs: number): Promise<LabelRecord>;
  /** Deletes all of them and takes them off every file, or none. Raises LABEL_NOT_FOUND. */
  deleteLabels(container: string, ids: readonly string[]): Promise<void>;
}
