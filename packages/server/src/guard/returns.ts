// What could not be given back at once: asked again until the counters answer, so that what failed costs nothing once they do.
import type { Ports } from '../ports/index.ts';

const AGAIN_EVERY_MS = 1000;
/** More than a node has under way. What is beyond is not asked for again: it comes back when its hold ends. */
const WAITING_MAX = 10_000;

/** Gives reservations back, later when the counters do not answer now; until this process ends. */
export interface Returns {
  /** Never rejects. When it resolves the reservation is given back or waits for it, unless too many wait already. */
  release(reservationId: string): Promise<void>;
}

/** Makes them for the counters; a repeated release is none (see the port), so nothing is lost by asking again. */
export function returnsTo({ counters, system }: Pick<Ports, 'counters' | 'system'>): Returns {
  const waiting = new Set<string>();
  let stop: (() => void) | undefined;
  let isUnderWay = false;

  async function again(): Promise<void> {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      for (const id of waiting) {
        await counters.release(id);
        waiting.delete(id);
      }
      stop?.();
      stop = undefined;
      system.log.info('limits.returned');
    } catch {
      // They do not answer yet: again at the next turn, beginning with the oldest.
    } finally {
      isUnderWay = false;
    }
  }

  return {
    release: async (id) => {
      try {
        await counters.release(id);
      } catch (error) {
        if (waiting.size < WAITING_MAX) waiting.add(id);
        if (stop !== undefined) return;
        system.log.warn('limits.return_delayed', { error: String(error) });
        stop = system.every(AGAIN_EVERY_MS, () => void again());
      }
    },
  };
}
