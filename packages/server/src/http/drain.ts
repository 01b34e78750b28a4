// How the service ends without cutting anybody off who can still be served: by phases, each of a bounded time.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/system.ts';

/**
 * `serving`: as usual. `leaving`: the same, but not ready any more, so that balancers look elsewhere. `closing`: no new connections and no
 * new bodies; what is under way goes on. `ending`: what is still under way is told SHUTTING_DOWN.
 */
export type Phase = 'serving' | 'leaving' | 'closing' | 'ending';

/** How long the phases last, in milliseconds. */
export interface DrainTimes {
  /** For balancers to notice. */
  readonly leavingMs: number;
  /** For what is under way to finish. */
  readonly closingMs: number;
}

/** Uploads that are told to end say so to their clients within this time; what stays after it is cut off. */
const ENDING_MS = 3_000;
const RETRY_MS = 1_000;

/** Drains the application: resolves when it is closed, in at most the two times and some seconds. */
export async function drain(
  app: FastifyInstance,
  times: DrainTimes,
  log: Log,
  enter: (phase: Phase) => void,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((resume) => setTimeout(resume, ms)),
): Promise<void> {
  log.info('drain.begun', { ...times });
  enter('leaving');
  await wait(times.leavingMs);
  enter('closing');
  const closed = app.close();
  if (!(await within(times.closingMs, closed))) {
    enter('ending');
    const cut = !(await within(ENDING_MS, closed));
    log.warn('drain.late', { cut });
    if (cut) app.server.closeAllConnections();
  }
  await closed;
  log.info('drain.done');
}

/** Refuses what could not be finished in time: bodies once no new ones are taken, everything at the very end. */
export function refuseWhenClosing(phase: Phase, hasBody: boolean): void {
  if (phase === 'ending' || (phase === 'closing' && hasBody)) {
    throw new AppError('SHUTTING_DOWN', phase, { retryAfterMs: RETRY_MS });
  }
}

/** Whether it settles in time. Its failure is for whoever awaits it. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
