// A budget of drawings per asker, so that one who asks for endless sizes leaves the processors and the kept pictures to others.
import { AppError } from '../../errors.ts';

const WINDOW_MS = 60_000;
/** Askers remembered at once; the oldest are forgotten first, so that a flood of them cannot fill the memory. */
const ASKERS_MAX = 10_000;

/** Counts what each asker has drawn, in windows of a minute; memory only, on purpose: it guards this process. */
export class DrawingBudget {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, { count: number; readonly startMs: number }>();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Takes one drawing. Raises REQUEST_RATE_LIMITED when this minute has none left. */
  take(asker: string): void {
    const nowMs = this.#now();
    const window = this.#windows.get(asker);
    if (window !== undefined && nowMs - window.startMs < WINDOW_MS) {
      if (window.count >= this.#perMinute) {
        throw new AppError('REQUEST_RATE_LIMITED', 'drawings in a minute', {
          hint: 'Ask for sizes that were drawn before, or wait: too many new pictures were drawn for this address.',
          rule: 'drawings',
          limit: this.#perMinute,
          retryAfterMs: window.startMs + WINDOW_MS - nowMs,
        });
      }
      window.count += 1;
      return;
    }
    this.#windows.delete(asker);
    this.#windows.set(asker, { count: 1, startMs: nowMs });
    const oldest = this.#windows.keys().next();
    if (this.#windows.size > ASKERS_MAX && !oldest.done) this.#windows.delete(oldest.value);
  }
}
