// What every store of counters must keep, as runnable cases. The policy package's CounterModel is the written model.
import assert from 'node:assert/strict';
import { type Admission, type Charge, CounterModel } from '@latchkey/policy';
import type { Counters } from '../src/ports/counters.ts';
import type { ContractCase } from './case.ts';
import { withFaults } from './faults.ts';
import { type Random, randomOf } from './random.ts';

const NOW = 1_700_000_000_000;
const HOLD_MS = 30_000;
const MINUTE_MS = 60_000;

/** A lifetime charge of one with a limit of ten; only what differs is said. */
function charge(different: Partial<Charge> = {}): Charge {
  return {
    rule: 'upload.max',
    unit: 'files',
    counter: 'key:a:upload',
    limit: 10,
    windowMs: 'lifetime',
    cost: 1,
    code: 'UPLOAD_QUOTA_EXHAUSTED',
    expiresAtMs: NOW + 60 * MINUTE_MS,
    ...different,
  };
}

function perMinute(different: Partial<Charge> = {}): Charge {
  return charge({ rule: 'upload.limit_per_min', counter: 'key:a:upload/min', windowMs: MINUTE_MS, ...different });
}

async function admitted(counters: Counters, charges: readonly Charge[], nowMs = NOW) {
  const admission = await counters.reserve(charges, nowMs, HOLD_MS);
  assert.ok(admission.admitted, 'refused, but there was room');
  return admission;
}

async function refused(counters: Counters, charges: readonly Charge[], nowMs = NOW) {
  const admission = await counters.reserve(charges, nowMs, HOLD_MS);
  assert.ok(!admission.admitted, 'admitted, but there was no room');
  return admission;
}

/** How much of the limit is used, found out by an elastic charge that is given back. */
async function used(counters: Counters, asked: Charge, nowMs = NOW): Promise<number> {
  const roomy = { ...asked, limit: 1_000_000, cost: 1_000_000, costMin: 0 };
  const { id, held } = await admitted(counters, [roomy], nowMs);
  await counters.release(id);
  return 1_000_000 - (held.get(asked.counter) ?? 0);
}

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;

/** The guarantees of the `Counters` port. */
export const countersContract: readonly ContractCase<Counters>[] = [
  {
    name: 'admits up to the limit and not one more, and says what is used',
    async run(open) {
      const counters = await open();
      for (let count = 0; count < 10; count += 1) await admitted(counters, [charge()]);
      const asked = charge();
      assert.deepEqual(await refused(counters, [asked]), { admitted: false, charge: asked, used: 10 });
    },
  },
  {
    name: 'takes every charge or none: a refused one leaves the others as they were',
    async run(open) {
      const counters = await open();
      await admitted(counters, [charge({ cost: 10 })]);
      const other = charge({ counter: 'key:a:bytes', limit: 100, cost: 60 });
      await refused(counters, [other, charge()]);
      await refused(counters, [charge(), other]);
      assert.equal(await used(counters, other), 0);
    },
  },
  {
    name: 'refuses by the first charge, in their order, that does not fit',
    async run(open) {
      const counters = await open();
      const [roomy, first, second] = [charge(), charge({ counter: 'b', limit: 0 }), charge({ counter: 'c', limit: 0 })];
      assert.equal((await refused(counters, [roomy, first, second])).charge.counter, 'b');
      assert.equal((await refused(counters, [second, roomy, first])).charge.counter, 'c');
    },
  },
  {
    name: 'counts two charges of one reservation on the same counter together',
    async run(open) {
      const counters = await open();
      await refused(counters, [charge({ cost: 6 }), charge({ cost: 5 })]);
      const { held } = await admitted(counters, [charge({ cost: 6 }), charge({ cost: 4 })]);
      assert.equal(held.get('key:a:upload'), 10);
    },
  },
  {
    name: 'an elastic charge takes what is left, but not less than its minimum',
    async run(open) {
      const counters = await open();
      const bytes = charge({ counter: 'key:a:bytes', limit: 100, cost: 70, costMin: 1 });
      assert.equal((await admitted(counters, [bytes])).held.get('key:a:bytes'), 70);
      assert.equal((await admitted(counters, [bytes])).held.get('key:a:bytes'), 30);
      assert.equal((await refused(counters, [bytes])).used, 100);
    },
  },
  {
    name: 'a window slides exactly: an entry counts until its time is over and not one millisecond longer',
    async run(open) {
      const counters = await open();
      const asked = perMinute({ limit: 2 });
      for (const atMs of [NOW, NOW + 20_000]) await counters.settle((await admitted(counters, [asked], atMs)).id, []);
      const refusal = await refused(counters, [asked], NOW + 59_999);
      assert.equal(refusal.used, 2);
      assert.equal(refusal.retryAfterMs, 1);
      await counters.settle((await admitted(counters, [asked], NOW + 60_000)).id, []);
      assert.equal((await refused(counters, [asked], NOW + 60_001)).retryAfterMs, 19_999);
    },
  },
  {
    name: 'tells when a larger cost would fit, and tells nothing when waiting does not help',
    async run(open) {
      const counters = await open();
      for (const second of [0, 10, 20, 30]) {
        const { id } = await admitted(counters, [perMinute()], NOW + second * 1000);
        await counters.settle(id, []);
      }
      const nowMs = NOW + 31_000;
      assert.equal((await refused(counters, [perMinute({ cost: 9, limit: 10 })], nowMs)).retryAfterMs, 49_000);
      assert.equal((await refused(counters, [perMinute({ cost: 11, limit: 10 })], nowMs)).retryAfterMs, undefined);
      assert.equal((await refused(counters, [charge({ limit: 0 })], nowMs)).retryAfterMs, undefined);
    },
  },
  {
    name: 'settling replaces what was held by what was used, never by more',
    async run(open) {
      const counters = await open();
      const bytes = charge({ counter: 'key:a:bytes', limit: 100, cost: 70 });
      const cheaper = await admitted(counters, [bytes, charge()]);
      await counters.settle(cheaper.id, [{ counter: 'key:a:bytes', cost: 20 }]);
      assert.equal(await used(counters, bytes), 20);
      assert.equal(await used(counters, charge()), 1);
      const dearer = await admitted(counters, [bytes]);
      await counters.settle(dearer.id, [{ counter: 'key:a:bytes', cost: 500 }]);
      assert.equal(await used(counters, bytes), 90);
    },
  },
  {
    name: 'a settled window entry keeps the time of its reservation',
    async run(open) {
      const counters = await open();
      const asked = perMinute({ limit: 1 });
      const { id } = await admitted(counters, [asked]);
      await counters.settle(id, []);
      await refused(counters, [asked], NOW + 59_999);
      await admitted(counters, [asked], NOW + 60_000);
    },
  },
  {
    name: 'releasing gives everything back, held or settled',
    async run(open) {
      const counters = await open();
      const charges = [charge({ cost: 4 }), perMinute({ cost: 3 })];
      const held = await admitted(counters, charges);
      const settled = await admitted(counters, charges);
      await counters.settle(settled.id, [{ counter: 'key:a:upload', cost: 2 }]);
      assert.equal(await used(counters, charge()), 6);
      await counters.release(held.id);
      assert.equal(await used(counters, charge()), 2);
      assert.equal(await used(counters, perMinute()), 3);
      await counters.release(settled.id);
      assert.equal(await used(counters, charge()), 0);
      assert.equal(await used(counters, perMinute()), 0);
    },
  },
  {
    name: 'settling and releasing twice is settling and releasing once, and nothing settles after a release',
    async run(open) {
      const counters = await open();
      const { id } = await admitted(counters, [charge({ cost: 4 })]);
      await counters.settle(id, [{ counter: 'key:a:upload', cost: 3 }]);
      await counters.settle(id, [{ counter: 'key:a:upload', cost: 1 }]);
      assert.equal(await used(counters, charge()), 3);
      await counters.release(id);
      await counters.release(id);
      await counters.settle(id, []);
      assert.equal(await used(counters, charge()), 0);
      await counters.settle('no such reservation', [{ counter: 'key:a:upload', cost: 1 }]);
      await counters.release('no such reservation');
      assert.equal(await used(counters, charge()), 0);
    },
  },
  {
    name: 'an abandoned reservation returns by itself when its hold ends, and not before',
    async run(open) {
      const counters = await open();
      const asked = [charge({ cost: 10 }), perMinute({ cost: 10, windowMs: 10 * MINUTE_MS })];
      const { id } = await admitted(counters, asked);
      await refused(counters, asked, NOW + HOLD_MS - 1);
      await admitted(counters, asked, NOW + HOLD_MS);
      // Its place is taken: settling it now would count twice.
      await counters.settle(id, []);
      assert.equal(await used(counters, charge(), NOW + HOLD_MS), 10);
    },
  },
  {
    name: 'a reservation without a hold is settled from the start, and a release gives it back',
    async run(open) {
      const counters = await open();
      const asked = [charge({ cost: 10 }), perMinute({ cost: 10, windowMs: 10 * MINUTE_MS })];
      const admission = await counters.reserve(asked, NOW, 0);
      assert.ok(admission.admitted);
      await counters.settle(admission.id, [{ counter: 'key:a:upload', cost: 1 }]);
      assert.equal(await counters.sweep(NOW + HOLD_MS), 0);
      assert.equal(await used(counters, charge(), NOW + HOLD_MS), 10);
      assert.equal(await used(counters, perMinute({ windowMs: 10 * MINUTE_MS }), NOW + HOLD_MS), 10);
      await counters.release(admission.id);
      assert.equal(await used(counters, charge(), NOW + HOLD_MS), 0);
      assert.equal(await used(counters, perMinute({ windowMs: 10 * MINUTE_MS }), NOW + HOLD_MS), 0);
    },
  },
  {
    name: 'a settled reservation never returns by itself',
    async run(open) {
      const counters = await open();
      const { id } = await admitted(counters, [charge({ cost: 10 })]);
      await counters.settle(id, []);
      await refused(counters, [charge()], NOW + 2 * HOLD_MS);
    },
  },
  {
    name: 'sweeping returns abandoned reservations, says how many, and forgets only what has expired',
    async run(open) {
      const counters = await open();
      await admitted(counters, [charge(), perMinute()]);
      await admitted(counters, [charge()]);
      const kept = await admitted(counters, [charge({ cost: 3 })]);
      await counters.settle(kept.id, []);
      const gone = await admitted(counters, [charge({ cost: 2, expiresAtMs: NOW + 1000 })]);
      await counters.settle(gone.id, []);
      assert.equal(await counters.sweep(NOW + 999), 0);
      assert.equal(await used(counters, charge(), NOW + 999), 7);
      assert.equal(await counters.sweep(NOW + HOLD_MS), 2);
      assert.equal(await counters.sweep(NOW + HOLD_MS), 0);
      assert.equal(await used(counters, charge(), NOW + HOLD_MS), 3);
      await counters.sweep(NOW + 60 * MINUTE_MS);
      assert.equal(await used(counters, charge(), NOW + 60 * MINUTE_MS), 0);
    },
  },
  {
    name: 'one sweep forgets everything that has expired, however much it is',
    async run(open) {
      const counters = await open();
      const lasting = charge({ counter: 'lasting' });
      for (let count = 0; count < 6; count += 1) {
        const many = Array.from({ length: 90 }, (_, index) => charge({ counter: `${index}`, expiresAtMs: NOW + 1000 }));
        const { id } = await admitted(counters, [...many, lasting]);
        await counters.settle(id, []);
      }
      await counters.sweep(NOW + 1000);
      assert.deepEqual([await used(counters, charge({ counter: '89' })), await used(counters, lasting)], [0, 6]);
    },
  },
  {
    name: 'a limit that was lowered meanwhile refuses at once and never turns negative',
    async run(open) {
      const counters = await open();
      await admitted(counters, [charge({ cost: 8 })]);
      assert.equal((await refused(counters, [charge({ limit: 5 })])).used, 8);
      assert.equal((await refused(counters, [charge({ limit: 5, cost: 3, costMin: 1 })])).used, 8);
      await admitted(counters, [charge({ limit: 9 })]);
    },
  },
  {
    name: 'equals the model over random runs of every operation',
    async run(open) {
      const counters = await open();
      for (let seed = 1; seed <= 12; seed += 1) await compareWithModel(counters, seed, 100);
    },
  },
  {
    name: 'never admits one over with 1,000 callers at once, on a lifetime and on a window',
    async run(open) {
      const nodes = [await open(), await open()];
      for (const asked of [charge({ limit: 100 }), perMinute({ limit: 100 })]) {
        const answers = await Promise.all(
          Array.from({ length: 1000 }, (_, index) => nodes[index % 2]?.reserve([asked], NOW, HOLD_MS)),
        );
        assert.equal(answers.filter((answer) => answer?.admitted).length, 100);
      }
    },
  },
  {
    name: 'never admits one over when callers name the same counters in different orders, settle and release meanwhile',
    async run(open) {
      const nodes = [await open(), await open()];
      const [left, right] = [charge({ counter: 'left', limit: 20 }), charge({ counter: 'right', limit: 30 })];
      let settled = 0;
      const callers = Array.from({ length: 200 }, async (_, index) => {
        const counters = nodes[index % 2];
        assert.ok(counters !== undefined);
        const admission = await counters.reserve(index % 3 === 0 ? [right, left] : [left, right], NOW, HOLD_MS);
        if (!admission.admitted) return;
        if (index % 5 === 0) return counters.release(admission.id);
        settled += 1;
        await counters.settle(admission.id, []);
      });
      await Promise.all(callers);
      assert.ok(settled <= 20, `${settled} of 20 were admitted and settled`);
      const counters = await open();
      assert.equal(await used(counters, left), settled);
      assert.equal(await used(counters, right), settled);
    },
  },
  {
    name: 'a reservation whose answer is lost is given back after its hold, and costs nobody anything for longer',
    async run(open) {
      const store = await open();
      const counters = withFaults(
        store,
        (method) => (method === 'reserve' ? 'lose' : undefined),
        () => new Error('the answer is lost'),
      );
      await assert.rejects(counters.reserve([charge({ cost: 10 })], NOW, HOLD_MS), /lost/);
      await refused(store, [charge()], NOW + HOLD_MS - 1);
      await admitted(store, [charge({ cost: 10 })], NOW + HOLD_MS);
    },
  },
  {
    name: 'settlements and releases that arrive twice count once',
    async run(open) {
      const store = await open();
      const counters = withFaults(
        store,
        (method) => (method === 'reserve' ? undefined : 'duplicate'),
        () => new Error('not thrown'),
      );
      const first = await admitted(counters, [charge({ cost: 4 })]);
      const second = await admitted(counters, [charge({ cost: 4 })]);
      await counters.settle(first.id, [{ counter: 'key:a:upload', cost: 3 }]);
      await counters.release(second.id);
      assert.equal(await used(store, charge()), 3);
    },
  },
  {
    name: 'what one node reserved, another settles and counts',
    async run(open) {
      const [here, there] = [await open(), await open()];
      const { id } = await admitted(here, [charge({ cost: 7 })]);
      await refused(there, [charge({ cost: 4 })]);
      await there.settle(id, [{ counter: 'key:a:upload', cost: 5 }]);
      assert.equal(await used(here, charge()), 5);
    },
  },
  {
    name: 'a store that cannot be asked raises COUNTERS_UNAVAILABLE from every method and admits nothing',
    async run(open) {
      const counters = await open();
      const { id } = await admitted(counters, [charge()]);
      await counters.close();
      const unavailable = hasCode('COUNTERS_UNAVAILABLE');
      await assert.rejects(counters.reserve([charge()], NOW, HOLD_MS), unavailable);
      await assert.rejects(counters.settle(id, []), unavailable);
      await assert.rejects(counters.release(id), unavailable);
      await assert.rejects(counters.sweep(NOW), unavailable);
      await assert.rejects(counters.check(), unavailable);
      await counters.close();
    },
  },
];

/** One random sequence of calls, made to the store and to the model. */
async function compareWithModel(counters: Counters, seed: number, steps: number): Promise<void> {
  const random = randomOf(seed);
  const model = new CounterModel();
  const ids: { readonly stored: string; readonly modelled: string }[] = [];
  let nowMs = NOW;
  for (let step = 0; step < steps; step += 1) {
    // Clocks of nodes differ: now and then time runs back a little.
    nowMs += random.below(10) === 0 ? -random.below(50) : random.below(1500);
    const where = `seed ${seed}, step ${step}`;
    const reservation = ids[random.below(ids.length)];
    const action = random.pick(['reserve', 'reserve', 'reserve', 'settle', 'settle', 'release', 'sweep']);
    if (action === 'sweep') {
      assert.equal(await counters.sweep(nowMs), model.sweep(nowMs), `sweep, ${where}`);
    } else if (action === 'reserve' || reservation === undefined) {
      const charges = randomCharges(random, seed, nowMs);
      const holdMs = random.pick([0, 500, 4000, 60_000]);
      const stored = await counters.reserve(charges, nowMs, holdMs);
      const modelled = model.reserve(charges, nowMs, holdMs);
      assert.deepEqual(withoutId(stored), withoutId(modelled), `reserve, ${where}`);
      if (stored.admitted && modelled.admitted) ids.push({ stored: stored.id, modelled: modelled.id });
    } else if (action === 'settle') {
      const actual = randomCharges(random, seed, nowMs).map(({ counter }) => ({ counter, cost: random.below(4) }));
      await counters.settle(reservation.stored, actual);
      model.settle(reservation.modelled, actual);
    } else {
      await counters.release(reservation.stored);
      model.release(reservation.modelled);
    }
  }
}

function randomCharges(random: Random, seed: number, nowMs: number): readonly Charge[] {
  return Array.from({ length: 1 + random.below(3) }, () => {
    const cost = random.below(4);
    const windowMs = random.pick<number | 'lifetime'>(['lifetime', 5000, 20_000]);
    return charge({
      counter: `run ${seed} ${windowMs} ${random.below(2)}`,
      windowMs,
      cost,
      limit: random.below(12),
      expiresAtMs: windowMs === 'lifetime' ? nowMs + random.below(60_000) : nowMs + windowMs,
      ...(random.below(3) === 0 ? { costMin: random.below(cost + 1) } : {}),
    });
  });
}

function withoutId(admission: Admission): unknown {
  return admission.admitted ? { admitted: true, held: admission.held } : admission;
}
