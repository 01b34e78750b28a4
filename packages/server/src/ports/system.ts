// What the service takes from its surroundings besides stores: time, randomness, signing secrets, the log and what watches it.

import type { Meter } from './meter.ts';
import type { Tracer } from './tracer.ts';

/** The current time in epoch milliseconds. */
export type Clock = () => number;

/** `size` cryptographically random bytes. */
export type Random = (size: number) => Uint8Array;

/** The secrets that sign access keys, by id. They rotate with overlap: the newest signs, all of them verify. */
export interface Keyring {
  /** The id (`kid`) and the secret that sign new keys. */
  signing(): { readonly kid: string; readonly secret: Uint8Array };
  /** The secret of that id, or undefined when it is unknown or retired. */
  find(kid: string): Uint8Array | undefined;
}

/** Structured events. A field never holds a key, a secret or a whole template. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Runs `task` every `everyMs` until the returned function is called. A test may drive it by hand. */
export type Ticker = (everyMs: number, task: () => void) => () => void;

/** The surroundings as values, so that a test can hold each of them still. */
export interface System {
  readonly now: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly log: Log;
  readonly meter: Meter;
  readonly tracer: Tracer;
  readonly every: Ticker;
}
