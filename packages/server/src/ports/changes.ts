// What was done to files, when and by whom: the log behind their history.
import type { Json, JsonObject } from './metadata.ts';

/** Somebody who acts on files. */
export interface Person {
  /** The same for all that one person does. */
  readonly id: string;
  readonly name: string;
  readonly email: string | undefined;
}

/** Who makes a change, and when. */
export interface Author {
  readonly by: Person;
  readonly nowMs: number;
}

/** What was done to a file: the words of the wire contract (5.9 and 8), and those of our own that published widgets pass over:
 *  `H_CHG_VERSION` (other content), `H_DEL_VERSION`, `H_CHG_PRODUCT` and those of variants. */
export type ChangeAction =
  | 'H_CREATED'
  | 'H_RENAME'
  | 'H_MOVE'
  | 'H_CHG_VISIBILITY'
  | 'H_CHG_META'
  | 'H_CHG_TAGS'
  | 'H_CHG_LABELS'
  | 'H_CHG_VERSION'
  | 'H_DEL_VERSION'
  | 'H_CHG_PRODUCT'
  | 'H_VARIANT_CREATE'
  | 'H_VARIANT_CHANGE'
  | 'H_VARIANT_DELETE'
  | 'H_COMMENT_CREATE'
  | 'H_COMMENT_CHANGE'
  | 'H_COMMENT_DELETE'
  | 'APPROVAL_CREATED'
  | 'APPROVAL_ENDED'
  | 'APPROVAL_VOTED'
  | 'APPROVAL_DUE_DATE_ADDED'
  | 'APPROVAL_DUE_DATE_CHANGED'
  | 'APPROVAL_DUE_DATE_REMOVED'
  | 'APPROVAL_APPROVERS_ADDED'
  | 'APPROVAL_APPROVERS_REMOVED'
  | 'APPROVAL_MESSAGE_CHANGED';

/** Before and after, as texts. Widgets parse those of metadata, tags, labels and comments as JSON, without a guard. */
export interface ChangeProps {
  readonly old: string | null;
  readonly new: string | null;
  /** What the file was called; null where a widget would show it in place of the change (comments). */
  readonly name: string | null;
}

/** One entry of the log. */
export interface ChangeRecord {
  readonly id: number;
  /** The version that was current when it happened. */
  readonly version: number;
  readonly action: ChangeAction;
  readonly atMs: number;
  readonly by: Person;
  readonly props: ChangeProps;
  readonly extra: JsonObject;
}

/** Which entries of a file's log. */
export interface ChangeQuery {
  /** Only what had happened when this version was replaced. */
  readonly versionMax: number;
  readonly offset: number;
  readonly limit: number;
}

/**
 * The log is written by the methods that change files, in their own transactions: what was done is told, and what is told
 * was done. It goes with its file, and of a file with many entries only `CHANGES_PER_FILE_MAX` stay. Raises STORE_UNAVAILABLE.
 */
export interface Changes {
  /** Entries of a file, newest first, with their number before paging. */
  listChanges(
    container: string,
    fileId: string,
    query: ChangeQuery,
  ): Promise<{ readonly items: readonly ChangeRecord[]; readonly total: number }>;
}

/** So many of the newest entries of a file are kept, and how it came to be. */
export const CHANGES_PER_FILE_MAX = 1000;

/** The most characters that one side of a change keeps. */
export const CHANGE_CHARACTERS_MAX = 8192;
const VALUE_CHARACTERS_MAX = 1024;

/** Both sides of a change of an object as JSON: only the members that differ, long values cut to their beginning, and a
 *  number under `…` when there were too many to keep. Undefined when nothing differs. */
export function objectDifference(
  before: JsonObject,
  after: JsonObject,
): { readonly old: string; readonly new: string } | undefined {
  const isSame = (name: string) => JSON.stringify(own(before, name)) === JSON.stringify(own(after, name));
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !isSame(name));
  return names.length === 0 ? undefined : { old: excerpt(before, names), new: excerpt(after, names) };
}

/** A text of at most so many characters, marked where it was cut. */
export function shortened(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  // Half of a character at the end could not be stored.
  return `${text.slice(0, charactersMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** What callers wrote under the name; every object has a `constructor` that nobody wrote. */
function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function excerpt(object: JsonObject, names: readonly string[]): string {
  const kept = new Map<string, Json>();
  let size = 2;
  let left = 0;
  for (const name of names) {
    const value = own(object, name);
    if (value === undefined) continue;
    const json = JSON.stringify(value);
    const short = json.length <= VALUE_CHARACTERS_MAX ? value : shortened(json, VALUE_CHARACTERS_MAX);
    const length = JSON.stringify(name).length + JSON.stringify(short).length + 2;
    if (size + length > CHANGE_CHARACTERS_MAX - 32) left += 1;
    else {
      kept.set(name, short);
      size += length;
    }
  }
  return JSON.stringify(Object.fromEntries(left === 0 ? kept : [...kept, ['…', left]]));
}
