// Gets an access key from a security template and keeps it fresh, so that a page never thinks about expiry.
import { LatchkeyError } from './errors.ts';
import type { Fetch } from './request.ts';
import { address, browserFetch, request } from './request.ts';

/** Where a client takes its access key from. One source belongs to one user of one page: keys are never shared. */
export interface KeySource {
  /** A key that the service accepts now. Parallel callers share one exchange. Throws LatchkeyError. */
  get(signal?: AbortSignal): Promise<string>;
  /** Forgets `key` after the service refused it; a newer key is left alone. */
  drop(key: string): void;
}

/** How to exchange a template for keys. */
export interface KeySourceOptions {
  /** Origin of the service, such as `https://assets.example.com`. */
  readonly endpoint: string;
  readonly container: string;
  /** The public identifier of a security template, `SECU_...`. */
  readonly template: string;
  readonly fetch?: Fetch;
  /** Current time in epoch milliseconds. */
  readonly now?: () => number;
  /** Resolves after `ms`. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** Renewal time when the answer names none: the service names one for every validity under 20 minutes. */
const RENEW_AFTER_MS = 19.5 * 60_000;
/** The named time lies this much before the real expiry (product definition section 6). */
const MARGIN_MS = 30_000;
/** A validity below the margin leaves no time to name; the key is then used until it is refused or this old. */
const RENEW_AFTER_MIN_MS = 5_000;
const EXCHANGES_MAX = 3;
/** Longer waits are the caller's decision: the error carries `retryAfterMs`. */
const WAIT_MAX_MS = 60_000;

interface HeldKey {
  readonly text: string;
  readonly renewAtMs: number;
}

interface ExchangeAnswer {
  readonly key: string;
  /** Milliseconds until renewal (wire contract 2.1). */
  readonly key_validity?: { readonly expire_duration?: number };
}

/**
 * Exchanges the template for a key, keeps it, and renews it shortly before it expires. After a refusal that asks to
 * wait, waits as long as it says; meanwhile a key that is still accepted keeps being used. All state is in the returned
 * value, so two users on one server never see each other's key.
 */
export function createKeySource(options: KeySourceOptions): KeySource {
  const send = options.fetch ?? browserFetch;
  const now = options.now ?? Date.now;
  const wait = options.wait ?? waitFor;
  const url = address(options.endpoint, [options.container, 'key', options.template]);
  let held: HeldKey | undefined;
  let flight: Promise<string> | undefined;
  /** No exchange before this time: the service said so. */
  let notBeforeMs = 0;

  const isFresh = (key: HeldKey) => now() < key.renewAtMs;
  const isUsable = (key: HeldKey) => now() < key.renewAtMs + MARGIN_MS;

  async function exchange(): Promise<string> {
    // Counted from the question: the service issued the key before its answer arrived.
    const askedAtMs = now();
    const answer = await request<ExchangeAnswer>(send, url);
    const renewAfterMs = answer.key_validity?.expire_duration ?? RENEW_AFTER_MS;
    held = { text: answer.key, renewAtMs: askedAtMs + Math.max(renewAfterMs, RENEW_AFTER_MIN_MS) };
    return answer.key;
  }

  async function renew(): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const pauseMs = notBeforeMs - now();
      if (pauseMs > 0) {
        // A key in its last seconds is worth more than a wait.
        if (held !== undefined && isUsable(held)) return held.text;
        await wait(pauseMs);
      }
      try {
        return await exchange();
      } catch (error) {
        if (!(error instanceof LatchkeyError)) throw error;
        const { retryAfterMs } = error;
        if (retryAfterMs !== undefined) notBeforeMs = now() + Math.min(retryAfterMs, WAIT_MAX_MS);
        if (held !== undefined && isUsable(held)) return held.text;
        if (retryAfterMs === undefined || retryAfterMs > WAIT_MAX_MS || attempt === EXCHANGES_MAX) throw error;
      }
    }
  }

  return {
    async get(signal) {
      signal?.throwIfAborted();
      if (held !== undefined && isFresh(held)) return held.text;
      flight ??= renew().finally(() => {
        flight = undefined;
      });
      return signal === undefined ? flight : unlessAborted(flight, signal);
    },
    drop(key) {
      if (held?.text === key) held = undefined;
    },
  };
}

/** Always the same key, for one that the page was given; refused once, it stays refused. */
export function fixedKey(key: string): KeySource {
  return { get: () => Promise.resolve(key), drop: () => undefined };
}

/** Leaves early when the caller is no longer interested; the exchange goes on for the others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function waitFor(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
