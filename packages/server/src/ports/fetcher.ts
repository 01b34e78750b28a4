// Fetching content from an address that a caller names: the one way in which the service itself calls out.
import type { Readable } from 'node:stream';

/** Content on its way in. Whoever got it reads it to its end or destroys it. */
export interface FetchedContent {
  /** Ends with an AppError (URL_FAILED) when the other side breaks off, stalls or takes too long. */
  readonly body: Readable;
  /** As the other side declares it, if it does; only a wish. */
  readonly sizeBytes: number | undefined;
  /** The type that the other side claims; only a hint. */
  readonly claimedType: string | undefined;
}

/** Gets content by URL without becoming a door to what only the service can reach (threat 21). */
export interface Fetcher {
  /**
   * Opens the content of an http or https URL. Every address of the host is checked, the connection goes to a checked
   * address and no other, and each redirect is judged anew. Nothing that says who asks is sent along. Raises URL_REFUSED
   * when the URL may not be asked, URL_FAILED when it does not deliver, FETCHES_BUSY when too much is fetched already; every wait is bounded. `signal` ends it at any
   * time; then it rejects with the signal's reason.
   */
  open(url: string, signal: AbortSignal): Promise<FetchedContent>;
}
