// Limits are exact: never one over, all charges or none, and what is given back is there again.
import { type Charge, CounterModel } from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configureProperties, FEWER } from './property.ts';

configureProperties('window.property.test.ts');

const LIMITS = { 'key:k:upload/min': 5, 'key:k:upload': 20, 'key:k:bytes': 100 } as const;
type Counter = keyof typeof LIMITS;
const COUNTERS = Object.keys(LIMITS) as Counter[]; // The keys of the table above.
const WINDOW_MS = 60;

function chargeOf(counter: Counter, cost: number, nowMs: number): Charge {
  const isWindow = counter.endsWith('/min');
  return {
    rule: counter,
    unit: counter.endsWith('bytes') ? 'bytes' : 'files',
    counter,
    limit: LIMITS[counter],
    windowMs: isWindow ? WINDOW_MS : 'lifetime',
    cost,
    ...(counter.endsWith('bytes') ? { costMin: Math.min(1, cost) } : {}),
    code: 'UPLOAD_RATE_LIMITED',
    expiresAtMs: isWindow ? nowMs + WINDOW_MS : 1_000_000,
  };
}

const step = fc.record({
  kind: fc.constantFrom(
    'reserve' as const,
    'reserve' as const,
    'reserve' as const,
    'settle' as const,
    'release' as const,
    'sweep' as const,
  ),
  waitMs: fc.constantFrom(0, 1, 7, 30, 59, 60, 61),
  costs: fc.array(fc.tuple(fc.constantFrom(...COUNTERS), fc.nat({ max: 30 })), { minLength: 1, maxLength: 3 }),
  holdMs: fc.constantFrom(10, 100, 10_000),
  pick: fc.nat(),
});

/** An independent account of the same counters: a plain list of what is booked, added up anew for every question. */
interface Booked {
  readonly id: string;
  readonly counter: string;
  readonly atMs: number;
  readonly untilMs: number | undefined;
  readonly cost: number;
}

function sumOf(book: readonly Booked[], counter: string, nowMs: number): number {
  return book
    .filter((entry) => entry.counter === counter)
    .filter((entry) => !counter.endsWith('/min') || nowMs - entry.atMs < WINDOW_MS)
    .reduce((sum, { cost }) => sum + cost, 0);
}

describe('CounterModel', () => {
  test('keeps every limit, takes all or none, and agrees with a plain list at every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new CounterModel();
        let book: Booked[] = [];
        const ids: string[] = [];
        let nowMs = 0;
        for (const { kind, waitMs, costs, holdMs, pick } of steps) {
          nowMs += waitMs;
          const lapse = () => {
            const gone = new Set(
              book.flatMap(({ id, untilMs }) => (untilMs !== undefined && untilMs <= nowMs ? [id] : [])),
            );
            book = book.filter(({ id }) => !gone.has(id));
            return gone.size;
          };
          const id = ids[pick % Math.max(1, ids.length)] ?? 'none';
          if (kind === 'reserve') {
            lapse();
            const before = COUNTERS.map((counter) => sumOf(book, counter, nowMs));
            const admission = model.reserve(
              costs.map(([counter, cost]) => chargeOf(counter, cost, nowMs)),
              nowMs,
              holdMs,
            );
            if (admission.admitted) {
              ids.push(admission.id);
              for (const [counter, cost] of admission.held) {
                book.push({ id: admission.id, counter, atMs: nowMs, untilMs: nowMs + holdMs, cost });
              }
            } else {
              expect(COUNTERS.map((counter) => model.used(counter, windowOf(counter), nowMs))).toEqual(before);
              expect(admission.used).toBe(sumOf(book, admission.charge.counter, nowMs));
            }
          } else if (kind === 'settle') {
            const [[counter, cost] = ['', 0] as const] = costs;
            const open = book.some((entry) => entry.id === id && entry.untilMs !== undefined);
            expect(model.settle(id, [{ counter, cost }])).toBe(open);
            if (open) {
              book = book.map((entry) =>
                entry.id === id
                  ? {
                      ...entry,
                      untilMs: undefined,
                      cost: entry.counter === counter ? Math.min(entry.cost, cost) : entry.cost,
                    }
                  : entry,
              );
            }
          } else if (kind === 'release') {
            model.release(id);
            book = book.filter((entry) => entry.id !== id);
          } else {
            expect(model.sweep(nowMs)).toBe(lapse());
          }
          for (const counter of COUNTERS) {
            const used = model.used(counter, windowOf(counter), nowMs);
            expect(used).toBe(sumOf(book, counter, nowMs));
            expect(used).toBeLessThanOrEqual(LIMITS[counter]);
          }
        }
      }),
      FEWER,
    );
  });

  test('says to the millisecond when a refused cost would fit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 12 }),
        (uses) => {
          const fill = () => {
            const model = new CounterModel();
            let nowMs = 0;
            for (const [waitMs, cost] of uses) {
              nowMs += waitMs;
              model.reserve([chargeOf('key:k:upload/min', cost, nowMs)], nowMs, 10_000);
            }
            return { model, nowMs };
          };
          const { model, nowMs } = fill();
          const refused = model.reserve([chargeOf('key:k:upload/min', 3, nowMs)], nowMs, 10_000);
          if (refused.admitted) return;
          const { retryAfterMs } = refused;
          expect(retryAfterMs).toBeGreaterThan(0);
          expect(retryAfterMs).toBeLessThanOrEqual(WINDOW_MS);
          const at = (afterMs: number) =>
            fill().model.reserve([chargeOf('key:k:upload/min', 3, nowMs + afterMs)], nowMs + afterMs, 1).admitted;
          expect([at((retryAfterMs ?? 0) - 1), at(retryAfterMs ?? 0)]).toEqual([false, true]);
        },
      ),
    );
  });
});

function windowOf(counter: Counter): number | 'lifetime' {
  return counter.endsWith('/min') ? WINDOW_MS : 'lifetime';
}
