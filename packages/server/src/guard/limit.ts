// Performs the charges of a decision: reserve before the work, settle or release after it.
import type { Charge } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { ActualCost } from '../ports/counters.ts';
import type { Ports } from '../ports/index.ts';
import type { Returns } from './returns.ts';

/** What to do when the counter store cannot be asked. */
export type WhenCountersFail = 'deny' | 'allow';

/** Charges taken and not yet settled. Both ways to end it are idempotent. */
export interface Held {
  /** Under which it can be settled or released in a later request; undefined when nothing is held. */
  readonly id: string | undefined;
  /** How much of an elastic charge was admitted; undefined when there is no such charge. */
  amount(counter: string): number | undefined;
  settle(actual: readonly ActualCost[]): Promise<void>;
  /** Never rejects: what the counters do not take back now they are asked to later. */
  release(): Promise<void>;
}

const NOTHING: Held = {
  id: undefined,
  amount: () => undefined,
  settle: async () => {},
  release: async () => {},
};

/**
 * Reserves every charge or none. Raises the code of the charge that does not fit, with limit, use and the time after
 * which it will; COUNTERS_UNAVAILABLE when limits cannot be checked (unless configured to go on without them).
 */
export async function reserve(
  ports: Pick<Ports, 'counters' | 'system'>,
  returns: Returns,
  charges: readonly Charge[],
  holdMs: number,
  whenCountersFail: WhenCountersFail,
): Promise<Held> {
  if (charges.length === 0) return NOTHING;
  const isFinal = charges.every((charge) => isOverBefore(charge, holdMs));
  let admission: Awaited<ReturnType<Ports['counters']['reserve']>>;
  try {
    admission = await ports.counters.reserve(charges, ports.system.now(), isFinal ? 0 : holdMs);
  } catch (cause) {
    if (whenCountersFail === 'allow') {
      ports.system.log.error('limits.unchecked', { error: String(cause) });
      return NOTHING;
    }
    throw cause instanceof AppError ? cause : new AppError('COUNTERS_UNAVAILABLE', 'reserve failed', { cause });
  }
  if (!admission.admitted) {
    const { charge, used, retryAfterMs } = admission;
    throw new AppError(charge.code, `counter ${charge.rule}`, {
      rule: charge.rule,
      limit: charge.limit,
      actual: used,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  const { id, held } = admission;
  return {
    id,
    amount: (counter) => held.get(counter),
    settle: async (actual) => {
      if (!isFinal) await ports.counters.settle(id, actual);
    },
    release: () => returns.release(id),
  };
}

/** Whether a fixed charge has left its window before its hold would end: held or settled, it counts alike for all its time, so that
 *  one question to the store is enough. */
function isOverBefore({ windowMs, costMin }: Charge, holdMs: number): boolean {
  return windowMs !== 'lifetime' && windowMs <= holdMs && costMin === undefined;
}

/** What an upload has held since an earlier request. It keeps it when this request fails: only who ends the upload gives it
 *  back. */
export function heldSince(ports: Pick<Ports, 'counters'>, reservationId: string | undefined): Held {
  if (reservationId === undefined) return NOTHING;
  return {
    id: reservationId,
    amount: () => undefined,
    settle: (actual) => ports.counters.settle(reservationId, actual),
    release: async () => {},
  };
}
