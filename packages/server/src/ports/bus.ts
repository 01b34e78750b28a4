// How this node learns that what it remembers of rules and revocations is no longer what is stored.

/** What may have changed: templates or secret keys of a container; one revocation there, or any; or anything at all. */
export type RuleChange =
  | { readonly kind: 'rules'; readonly container: string }
  | { readonly kind: 'revocations'; readonly container: string; readonly keyId?: string }
  | { readonly kind: 'everything' };

/** What a node does with word of a change. */
export type Tell = (change: RuleChange, delayMs: number) => void;

/** `isCurrent` promises no more than this: a change that was committed less than so long ago may still be on its way. */
export const BUS_LAG_MS_MAX = 1500;

/**
 * Tells every node of each committed change of what keys may do. The truth is in the store: whoever is told forgets, and reads
 * again. Closed with the store.
 */
export interface Bus {
  /** `tell` is called for each change: on the node that makes it before the write's promise resolves, on the others when word
   *  arrives; with `everything` whenever word may have been missed. `delayMs` is how long it took to get here, by the clocks of
   *  both nodes. It must not throw. */
  listen(tell: Tell): void;
  /** True only while it is proven that every change committed more than `BUS_LAG_MS_MAX` ago has been told. */
  isCurrent(): boolean;
}
