// The real surroundings of the process: its clock, its randomness, its timers and its log.
import { randomBytes } from 'node:crypto';
import type { Meter } from '../../ports/meter.ts';
import type { Keyring, System } from '../../ports/system.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { type LogDestination, openLog } from './log.ts';

/** What the surroundings are made of. */
export interface SystemOptions {
  readonly keyring: Keyring;
  readonly meter: Meter;
  readonly tracer: Tracer;
  /** The least severe events that are written; `silent` writes none. */
  readonly logLevel?: 'info' | 'warn' | 'error' | 'silent';
  /** Takes the log's lines instead of standard output. */
  readonly logTo?: LogDestination;
  /** Texts of no particular form that the log must never show. */
  readonly secrets?: readonly string[];
}

/**
 * Joins the real clock, the system's random source, unreferenced timers (they never keep a process alive that wants to end) and
 * a log of one JSON object a line.
 */
export function openSystem(options: SystemOptions): System {
  return {
    now: Date.now,
    random: (size) => randomBytes(size),
    keyring: options.keyring,
    meter: options.meter,
    tracer: options.tracer,
    log: openLog(options.logLevel ?? 'info', options.logTo, options.secrets),
    every: (everyMs, task) => {
      const timer = setInterval(task, everyMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
