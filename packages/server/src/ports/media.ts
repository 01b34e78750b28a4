// What kind of content some bytes are, judged on the bytes and not on the claim.

/** A detected content type. */
export interface MediaType {
  /** Lower-case MIME type without parameters; `application/octet-stream` when nothing better is known. */
  readonly mime: string;
  /** The usual extension of what the bytes were found to be, or of the name where the format has no signature; lower
   *  case, without a dot. `allowed_types` is judged on it, so it is never taken from a name that the bytes disprove. */
  readonly extension: string | undefined;
  /** True when the bytes themselves prove the type; false when it is derived from the name. */
  readonly proven: boolean;
}

/** Content detection. */
export interface Media {
  /** `head` holds the first bytes (up to 64 KiB) of the content. A name or a claim never overrides what the bytes prove;
   *  they refine what has no signature of its own (text formats, markup), and markup that a browser could run is
   *  recognised as such whatever the name says. Never throws. */
  detect(head: Uint8Array, name: string, claimed: string | undefined): Promise<MediaType>;
}
