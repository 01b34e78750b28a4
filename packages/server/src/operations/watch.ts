// Rights while bytes flow: asked again and again, so that a revocation stops what is in flight (product definition section 6).
import { AppError } from '../errors.ts';
import type { System } from '../ports/system.ts';

const ASK_EVERY_MS = 500;
/** Two and a half seconds: with the time for which a node's memory of rules is good, below the five that a cut may take. Rounds
 *  are counted and not time, so that a process that was held up hears the answer before it gives it up. */
const UNANSWERED_MAX = 5;

/**
 * Calls `ask` about twice a second until the returned function is called, and `refuse` with what it rejects with - or with
 * STORE_UNAVAILABLE when it does not answer in time: rights that nobody confirms are no rights.
 */
export function watch(
  system: Pick<System, 'every'>,
  ask: () => Promise<unknown>,
  refuse: (reason: unknown) => void,
): () => void {
  let unanswered = 0;
  return system.every(ASK_EVERY_MS, () => {
    unanswered += 1;
    if (unanswered > UNANSWERED_MAX) {
      refuse(new AppError('STORE_UNAVAILABLE', 'nobody says whether this may go on'));
    } else if (unanswered === 1) {
      ask().then(() => {
        unanswered = 0;
      }, refuse);
    }
  });
}
