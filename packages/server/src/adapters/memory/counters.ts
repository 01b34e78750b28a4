// Counters in the memory of one process: the model itself behind the port. For tests and for a single node that may forget.
import { CounterModel } from '@latchkey/policy';
import { AppError } from '../../errors.ts';
import type { Counters } from '../../ports/counters.ts';

/** Counters that are exact within this process and start empty with it. Never unavailable until they are closed. */
export function openMemoryCounters(): Counters {
  let model: CounterModel | undefined = new CounterModel();
  const open = (): CounterModel => {
    if (model === undefined) throw new AppError('COUNTERS_UNAVAILABLE', 'the counters are closed');
    return model;
  };
  return {
    reserve: async (charges, nowMs, holdMs) => open().reserve(charges, nowMs, holdMs),
    settle: async (reservationId, actual) => {
      open().settle(reservationId, actual);
    },
    release: async (reservationId) => {
      open().release(reservationId);
    },
    sweep: async (nowMs) => open().sweep(nowMs),
    check: async () => {
      open();
    },
    close: async () => {
      model = undefined;
    },
  };
}
