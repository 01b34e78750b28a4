// Counters that tell a meter what is done with them.
import type { Counters } from '../../ports/counters.ts';
import type { Labels, Meter } from '../../ports/meter.ts';

type Outcome = Labels<'reservations'>['outcome'];

/** The same counters; every reservation, what became of it, and the time of each call go to the meter. */
export function observedCounters(counters: Counters, meter: Meter): Counters {
  async function timed<T>(
    call: string,
    work: () => Promise<T>,
    outcomeOf: (answer: T) => Outcome | undefined,
  ): Promise<T> {
    const startedMs = performance.now();
    try {
      const answer = await work();
      const outcome = outcomeOf(answer);
      if (outcome !== undefined) meter.count('reservations', { outcome });
      return answer;
    } catch (error) {
      meter.count('reservations', { outcome: 'failed' });
      throw error;
    } finally {
      meter.observe('countersDuration', { call }, (performance.now() - startedMs) / 1000);
    }
  }
  return {
    reserve: async (charges, nowMs, holdMs) => {
      const admission = await timed(
        'reserve',
        () => counters.reserve(charges, nowMs, holdMs),
        ({ admitted }) => (admitted ? 'made' : 'refused'),
      );
      if (admission.admitted && holdMs === 0) meter.count('reservations', { outcome: 'settled' });
      return admission;
    },
    settle: (id, actual) =>
      timed(
        'settle',
        () => counters.settle(id, actual),
        () => 'settled',
      ),
    release: (id) =>
      timed(
        'release',
        () => counters.release(id),
        () => 'released',
      ),
    sweep: async (nowMs) => {
      const lapsed = await timed(
        'sweep',
        () => counters.sweep(nowMs),
        () => undefined,
      );
      meter.count('reservations', { outcome: 'lapsed' }, lapsed);
      return lapsed;
    },
    check: () => counters.check(),
    close: () => counters.close(),
  };
}
