// The proof that the guard has let a request pass. Every operation requires one, so forgetting the guard does not compile.
import type {
  AccessRule,
  BearerKind,
  CanonicalPath,
  Claims,
  Facts,
  FolderScope,
  LimitCode,
  OperationName,
  Template,
} from '@latchkey/policy';

/** Marks grants; only the guard makes values that carry it. */
export const passed: unique symbol = Symbol('passed');

/** What is learnt about an upload while its bytes flow; `recheck` judges it. */
export interface UploadFacts {
  readonly mediaType?: string;
  readonly extension?: string;
  readonly sizeBytes?: number;
}

/**
 * Permission to perform the operation(s) `Op` now. The reservation behind it is settled by the operation (before it
 * commits) or released by the caller when the operation fails; both are idempotent.
 */
export interface Grant<Op extends OperationName = OperationName> {
  readonly [passed]: Op;
  /** Container token. */
  readonly container: string;
  readonly bearer: BearerKind;
  /** Id of the access key, uid of the secret key, or `admin`: who is recorded as the author of a change. */
  readonly holder: string;
  /** The live rules; undefined for an admin session. */
  readonly template: Template | undefined;
  /** What the key says; undefined for an admin session. */
  readonly claims: Claims | undefined;
  /** What access entries make of the person behind the key; undefined when they take nothing away. */
  readonly access: readonly AccessRule[] | undefined;
  readonly facts: Facts;
  /** Folder scopes of the given kind: every layer must cover a folder. No layer means everything. */
  layers(kind: 'upload' | 'listing'): readonly (readonly FolderScope[])[];
  /** True when the folder itself is in scope. */
  within(kind: 'upload' | 'listing', path: CanonicalPath): boolean;
  /** The most bytes this upload may store: the smaller of the size limit and what the byte quota still holds. */
  readonly uploadBytesMax: number;
  /** Which rule set `uploadBytesMax`. */
  readonly uploadBytesRule: string;
  /** The refusal of one byte more: by the size limit, or by the quota that holds no more. */
  readonly uploadBytesCode: 'PAYLOAD_TOO_LARGE' | LimitCode;
  /**
   * Decides again with the live template, the present time and what is now known of the upload. Raises the refusal's
   * code when the key would not be allowed to finish. Takes no new charges.
   */
  recheck(upload?: UploadFacts): Promise<void>;
  /**
   * Asks for as long as an answer is streamed: the live rules must still allow what was begun in time. Raises the refusal's
   * code. A key that merely expires meanwhile may finish.
   */
  recheckRights(): Promise<void>;
  /** Turns the reservation into what was really used. Called before the record is committed, so that a crash between
   *  the two can only admit fewer. */
  settle(used?: { readonly bytes: number }): Promise<void>;
  /**
   * Hands the reservation to an upload that outlives this request: from now on neither `settle` nor `release` of this
   * grant does anything. Answers under which id it is held, if any, and until when the upload must be finished.
   */
  handOver(): { readonly reservationId: string | undefined; readonly finishByMs: number };
  /** The work is committed, or may be: from now on `release` gives nothing back. */
  keep(): void;
  /** Gives the reservation back, settled or not, unless it is kept. */
  release(): Promise<void>;
}
