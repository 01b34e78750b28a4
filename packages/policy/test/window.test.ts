// The arithmetic of limits at its edges: windows that slide, holds that lapse, charges that give way.
import { type Charge, CounterModel } from '@latchkey/policy';
import { describe, expect, test } from 'vitest';

const HOLD_MS = 10_000;
const perMinute = (limit: number, nowMs: number, cost = 1): Charge => ({
  rule: 'upload.limit_per_min',
  unit: 'files',
  counter: 'key:k:upload/min',
  limit,
  windowMs: 60_000,
  cost,
  code: 'UPLOAD_RATE_LIMITED',
  expiresAtMs: nowMs + 60_000,
});
const lifetime = (limit: number, cost = 1, counter = 'key:k:upload'): Charge => ({
  rule: 'upload.max',
  unit: 'files',
  counter,
  limit,
  windowMs: 'lifetime',
  cost,
  code: 'UPLOAD_QUOTA_EXHAUSTED',
  expiresAtMs: 500_000,
});
const elastic = (limit: number, cost: number): Charge => ({
  ...lifetime(limit, cost, 'key:k:bytes'),
  unit: 'bytes',
  costMin: Math.min(1, cost),
});

function reserved(model: CounterModel, charges: readonly Charge[], nowMs: number, holdMs = HOLD_MS): string {
  const admission = model.reserve(charges, nowMs, holdMs);
  if (!admission.admitted) throw new Error(`refused by ${admission.charge.rule}`);
  return admission.id;
}

describe('a sliding window', () => {
  test.each([
    [59_999, false, 'the last millisecond of the window'],
    [60_000, true, 'the first after it'],
  ])('after %i ms admits again: %s (%s)', (afterMs, admitted) => {
    const model = new CounterModel();
    model.settle(reserved(model, [perMinute(1, 0)], 0), []);
    expect(model.reserve([perMinute(1, afterMs)], afterMs, HOLD_MS).admitted).toBe(admitted);
  });

  test('has no border at which twice the limit fits', () => {
    const model = new CounterModel();
    const admitted: number[] = [];
    for (let nowMs = 0; nowMs <= 120_000; nowMs += 1000) {
      const admission = model.reserve([perMinute(5, nowMs)], nowMs, HOLD_MS);
      if (!admission.admitted) continue;
      model.settle(admission.id, []);
      admitted.push(nowMs);
    }
    for (const start of admitted)
      expect(admitted.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(5);
    expect(admitted).toEqual([0, 1000, 2000, 3000, 4000, 60_000, 61_000, 62_000, 63_000, 64_000, 120_000]);
  });

  test('tells when the refused cost fits, and nothing when it never will', () => {
    const model = new CounterModel();
    reserved(model, [perMinute(3, 0)], 0, 60_000);
    reserved(model, [perMinute(3, 20_000, 2)], 20_000, 60_000);
    expect(model.reserve([perMinute(3, 30_000)], 30_000, HOLD_MS)).toMatchObject({ used: 3, retryAfterMs: 30_000 });
    expect(model.reserve([perMinute(3, 30_000, 2)], 30_000, HOLD_MS)).toMatchObject({ retryAfterMs: 50_000 });
    const never = model.reserve([perMinute(3, 30_000, 4)], 30_000, HOLD_MS);
    expect(never).toMatchObject({ admitted: false });
    expect(never).not.toHaveProperty('retryAfterMs');
  });
});

describe('a lifetime quota', () => {
  test('admits exactly its limit, and waiting does not help', () => {
    const model = new CounterModel();
    const admissions = Array.from({ length: 1000 }, (_, nowMs) => model.reserve([lifetime(100)], nowMs, 1_000_000));
    expect(admissions.filter(({ admitted }) => admitted)).toHaveLength(100);
    expect(admissions.at(-1)).toMatchObject({ admitted: false, used: 100 });
    expect(admissions.at(-1)).not.toHaveProperty('retryAfterMs');
  });

  test('of zero admits nothing', () => {
    expect(new CounterModel().reserve([lifetime(0)], 0, HOLD_MS)).toMatchObject({ admitted: false, used: 0 });
  });

  test('that was lowered below what is used admits nothing more, and what costs nothing still', () => {
    const model = new CounterModel();
    reserved(model, [lifetime(10, 8)], 0);
    expect(model.reserve([lifetime(5)], 0, HOLD_MS).admitted).toBe(false);
    expect(model.reserve([{ ...lifetime(5, 0), costMin: 0 }], 0, HOLD_MS).admitted).toBe(true);
  });
});

describe('several charges', () => {
  test('are taken all or none', () => {
    const model = new CounterModel();
    const admission = model.reserve([perMinute(5, 0), lifetime(5), lifetime(0, 1, 'key:k:other')], 0, HOLD_MS);
    expect(admission).toMatchObject({ admitted: false, charge: { counter: 'key:k:other' } });
    expect(model.used('key:k:upload/min', 60_000, 0)).toBe(0);
    expect(model.used('key:k:upload', 'lifetime', 0)).toBe(0);
  });

  test('on one counter add up', () => {
    const model = new CounterModel();
    expect(model.reserve([lifetime(3, 2), lifetime(3, 2)], 0, HOLD_MS).admitted).toBe(false);
    const admission = model.reserve([lifetime(3, 2), lifetime(3, 1)], 0, HOLD_MS);
    expect(admission.admitted && [...admission.held]).toEqual([['key:k:upload', 3]]);
  });

  test('may be none at all', () => {
    const model = new CounterModel();
    const id = reserved(model, [], 0);
    expect(model.settle(id, [])).toBe(true);
  });
});

describe('an elastic charge', () => {
  test.each([
    [0, 100, 100, 'all of it'],
    [70, 100, 30, 'what is left'],
    [99, 100, 1, 'the last byte'],
  ])('with %i of 100 used holds, of %i, %i: %s', (used, cost, held) => {
    const model = new CounterModel();
    if (used > 0) reserved(model, [elastic(100, used)], 0);
    const admission = model.reserve([elastic(100, cost)], 0, HOLD_MS);
    expect(admission.admitted && admission.held.get('key:k:bytes')).toBe(held);
  });

  test('is refused when nothing is left, unless it needs nothing', () => {
    const model = new CounterModel();
    reserved(model, [elastic(100, 100)], 0);
    expect(model.reserve([elastic(100, 50)], 0, HOLD_MS).admitted).toBe(false);
    expect(model.reserve([elastic(100, 0)], 0, HOLD_MS).admitted).toBe(true);
  });
});

describe('settling', () => {
  test('books what was used, and gives the rest back', () => {
    const model = new CounterModel();
    const id = reserved(model, [lifetime(5), elastic(100, 80)], 0);
    expect(model.settle(id, [{ counter: 'key:k:bytes', cost: 30 }])).toBe(true);
    expect(model.used('key:k:bytes', 'lifetime', 0)).toBe(30);
    expect(model.used('key:k:upload', 'lifetime', 0)).toBe(1);
  });

  test.each([
    [500, 80, 'more than was held is never booked'],
    [-5, 0, 'less than nothing is nothing'],
  ])('with %i books %i: %s', (cost, booked) => {
    const model = new CounterModel();
    model.settle(reserved(model, [elastic(100, 80)], 0), [{ counter: 'key:k:bytes', cost }]);
    expect(model.used('key:k:bytes', 'lifetime', 0)).toBe(booked);
  });

  test('happens once, and never after a release', () => {
    const model = new CounterModel();
    const id = reserved(model, [lifetime(5, 3)], 0);
    expect(model.settle(id, [{ counter: 'key:k:upload', cost: 2 }])).toBe(true);
    expect(model.settle(id, [{ counter: 'key:k:upload', cost: 0 }])).toBe(false);
    expect(model.used('key:k:upload', 'lifetime', 0)).toBe(2);
    const other = reserved(model, [lifetime(5)], 0);
    expect(model.release(other)).toBe(true);
    expect(model.settle(other, [])).toBe(false);
    expect(model.used('key:k:upload', 'lifetime', 0)).toBe(2);
  });

  test('keeps a window entry at the time of its reservation', () => {
    const model = new CounterModel();
    const id = reserved(model, [perMinute(1, 0)], 0, 90_000);
    model.settle(id, []);
    expect(model.used('key:k:upload/min', 60_000, 59_999)).toBe(1);
    expect(model.used('key:k:upload/min', 60_000, 60_000)).toBe(0);
  });
});

describe('releasing', () => {
  test('gives everything back, also after settling: a record that could not be written costs nothing', () => {
    const model = new CounterModel();
    const id = reserved(model, [lifetime(1), perMinute(1, 0)], 0);
    model.settle(id, []);
    expect(model.release(id)).toBe(true);
    expect(model.reserve([lifetime(1), perMinute(1, 0)], 0, HOLD_MS).admitted).toBe(true);
  });

  test('of what is gone or never was does nothing', () => {
    const model = new CounterModel();
    const id = reserved(model, [lifetime(1)], 0);
    model.release(id);
    reserved(model, [lifetime(1)], 0);
    expect(model.release(id)).toBe(false);
    expect(model.release('nobody')).toBe(false);
    expect(model.used('key:k:upload', 'lifetime', 0)).toBe(1);
  });
});

describe('a hold that nobody ends', () => {
  test.each([
    [9_999, false, 'holds until its end'],
    [10_000, true, 'goes back at its end'],
  ])('after %i ms makes room: %s (%s)', (afterMs, admitted) => {
    const model = new CounterModel();
    reserved(model, [lifetime(1)], 0);
    expect(model.reserve([lifetime(1)], afterMs, HOLD_MS).admitted).toBe(admitted);
  });

  test('goes back as a whole, so that settling late books nothing that another may have taken', () => {
    const model = new CounterModel();
    const late = reserved(model, [lifetime(1), lifetime(1, 1, 'key:k:other')], 0);
    reserved(model, [lifetime(1)], HOLD_MS);
    expect(model.settle(late, [])).toBe(false);
    expect(model.used('key:k:upload', 'lifetime', HOLD_MS)).toBe(1);
    expect(model.used('key:k:other', 'lifetime', HOLD_MS)).toBe(0);
  });

  test('is counted by the sweep that gives it back', () => {
    const model = new CounterModel();
    reserved(model, [lifetime(5), perMinute(5, 0)], 0);
    reserved(model, [lifetime(5)], 0);
    expect(model.sweep(9_999)).toBe(0);
    expect(model.sweep(10_000)).toBe(2);
    expect(model.used('key:k:upload', 'lifetime', 10_000)).toBe(0);
  });
});

describe('sweeping', () => {
  test('forgets what is settled and over, and only that', () => {
    const model = new CounterModel();
    const id = reserved(model, [lifetime(5), perMinute(5, 0)], 0);
    model.settle(id, []);
    model.sweep(60_000);
    expect(model.used('key:k:upload', 'lifetime', 60_000)).toBe(1);
    model.sweep(499_999);
    expect(model.used('key:k:upload', 'lifetime', 499_999)).toBe(1);
    model.sweep(500_000);
    expect(model.used('key:k:upload', 'lifetime', 500_000)).toBe(0);
    expect(model.release(id)).toBe(false);
  });
});
