// Drawn pictures that are kept for the next one who asks.

/** What was drawn and how. */
export interface RenderId {
  /** SHA-256 of the source's content in lower-case hex: equal bytes are drawn once, whatever they are called. */
  readonly content: string;
  /** Every choice that shows in the result, in one spelling. */
  readonly variant: string;
}

/**
 * Renditions by what they were made of. They hold nothing that cannot be made again: losing them costs time only, so a failing
 * store is never a failing request. Whether somebody may see one is not asked here.
 */
export interface Renders {
  /**
   * The kept rendition, or the one that `make` makes - once, however many ask this node at the same time - and keeps. Content
   * that cannot be drawn (IMAGE_UNREADABLE) is remembered for some minutes and refused at once in every variant. A variant that
   * cannot (RENDITION_FAILED) is refused by itself, until a few of the same content have failed: then it counts as the content.
   * Other failures are not kept. Raises what `make` raises.
   */
  obtain(id: RenderId, make: () => Promise<Uint8Array>): Promise<Uint8Array>;
  /** Removes what has been asked for least recently until the rest fits its bound, and what nobody asked for in a month.
   *  Answers how many. Safe with several nodes on one store. */
  sweep(nowMs: number): Promise<number>;
}
