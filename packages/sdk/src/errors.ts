// The one error that leaves this library: what the server said, or why it could not be asked.
import type { ErrorCode } from './codes.ts';

/** A code of the server, or one of the two that only a client can meet. */
export type LatchkeyErrorCode =
  | ErrorCode
  /** No answer arrived: offline, refused, timed out, or blocked by the browser. */
  | 'NETWORK_FAILED'
  /** An answer arrived that is not the service's JSON, for example from a proxy in between. */
  | 'ANSWER_UNREADABLE';

/** One fault of a refused document, by field path such as `upload.dir_scope[2]`. */
export interface FieldFault {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** What is known about a failure besides its code and message. */
export interface LatchkeyErrorDetails {
  readonly status?: number;
  readonly hint?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly rule?: string | undefined;
  readonly limit?: number | string | undefined;
  readonly actual?: number | string | undefined;
  readonly faults?: readonly FieldFault[] | undefined;
  readonly cause?: unknown;
}

/** A refusal or failure. Branch on `code`, which never changes; show `message` and `hint` to people. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: LatchkeyErrorCode;
  /** HTTP status; 0 when no answer arrived. */
  readonly status: number;
  /** What would make the request pass. */
  readonly hint: string | undefined;
  /** Quote it when reporting a problem: the server's log carries the same id. */
  readonly requestId: string | undefined;
  /** The same request can pass after this many milliseconds; absent when waiting does not help. */
  readonly retryAfterMs: number | undefined;
  /** The rule that refused, with its limit and what it met, where the caller may know them. */
  readonly rule: string | undefined;
  readonly limit: number | string | undefined;
  readonly actual: number | string | undefined;
  /** Every fault of a document at once; empty for other failures. */
  readonly faults: readonly FieldFault[];

  constructor(code: LatchkeyErrorCode, message: string, details: LatchkeyErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? 0;
    this.hint = details.hint;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.rule = details.rule;
    this.limit = details.limit;
    this.actual = details.actual;
    this.faults = details.faults ?? [];
  }
}
