// The rules of approvals under any sequence of acts: ends are final, votes stand, and the clock decides the same whoever looks.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configureProperties, expectMet, FEWER } from '../../../policy/test/property.ts';
import {
  type ApprovalOutcome,
  type ApprovalState,
  asOf,
  cancelled,
  edited,
  requested,
  superseded,
  VOTES,
  voted,
} from '../../src/ports/approval-states.ts';

configureProperties('approval-states');

const PEOPLE = ['ann', 'bob', 'cleo', 'dan'].map((id) => ({ id, name: id.toUpperCase(), email: undefined }));
const person = fc.constantFrom(...PEOPLE);
const wish = fc.record({
  approvers: fc.array(person, { minLength: 1, maxLength: 5 }),
  message: fc.constantFrom('', 'please', 'now'),
  dueAtMs: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
});

type Act = (approval: ApprovalState, nowMs: number) => ApprovalOutcome<ApprovalState>;
interface Step {
  readonly waitMs: number;
  readonly name: string;
  readonly act: Act;
}

const vote = fc.record({ by: person, vote: fc.constantFrom(...VOTES), comment: fc.constantFrom(undefined, 'well') });
// Approvals are more frequent than they would be by chance alone, so that some sequences end in one.
const act: fc.Arbitrary<Omit<Step, 'waitMs'>> = fc.oneof(
  { weight: 4, arbitrary: person.map((by) => ({ name: `${by.id} approves`, act: voting(by, 'APPROVE') })) },
  {
    weight: 3,
    arbitrary: vote.map(({ by, vote: word }) => ({ name: `${by.id}: ${word}`, act: voting(by, word) })),
  },
  {
    weight: 2,
    arbitrary: wish.map((to) => ({
      name: `edit ${JSON.stringify(to)}`,
      act: (approval: ApprovalState, nowMs: number) => edited(approval, to, nowMs),
    })),
  },
  { weight: 1, arbitrary: fc.constant({ name: 'cancel', act: cancelled as Act }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      name: 'new version',
      act: (approval: ApprovalState, nowMs: number) => ({ ok: true as const, approval: superseded(approval, nowMs) }),
    }),
  },
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 9 }), act).map(([waitMs, rest]) => ({ waitMs, ...rest })),
  { maxLength: 12 },
);

function voting(by: (typeof PEOPLE)[number], word: 'APPROVE' | 'REFUSE'): Act {
  return (approval, nowMs) => voted(approval, by, { vote: word, comment: undefined }, nowMs);
}

/** Every state on the way, with its moment; a refused act leaves the state as it is. `settle` makes the clock's decision
 *  permanent before each act, as a sweep may do at any time. */
function run(begun: ApprovalState, acts: readonly Step[], settle: boolean) {
  const way = [{ approval: begun, nowMs: 0 }];
  let approval = begun;
  let nowMs = 0;
  for (const step of acts) {
    nowMs += step.waitMs;
    if (settle) approval = asOf(approval, nowMs);
    const outcome = step.act(approval, nowMs);
    if (outcome.ok) approval = outcome.approval;
    way.push({ approval, nowMs });
  }
  return { way, last: asOf(approval, nowMs), nowMs };
}

describe('an approval', () => {
  test('never leaves its end', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(wish, steps, act, fc.nat(50), (asked, acts, another, waitMs) => {
        const { last, nowMs } = run(requested(asked), acts, false);
        if (last.status === 'PENDING') return;
        ends.set(last.status, (ends.get(last.status) ?? 0) + 1);
        expect(last.endedAtMs).toBeLessThanOrEqual(nowMs);
        expect(asOf(last, nowMs + waitMs)).toEqual(last);
        const outcome = another.act(last, nowMs + waitMs);
        if (outcome.ok) expect(outcome.approval).toEqual(last);
        else expect(outcome.code).toMatch(/^APPROVAL_(ENDED|NOT_APPROVER)$/);
      }),
    );
    for (const status of ['APPROVED', 'REJECTED', 'CANCELLED', 'RESET']) expectMet(ends.get(status) ?? 0, 1);
  });

  test('is pending exactly while nobody has refused, somebody has yet to vote, and its time has not come', () => {
    fc.assert(
      fc.property(wish, steps, (asked, acts) => {
        for (const { approval } of run(requested(asked), acts, true).way) {
          const votes = approval.approvers.map((approver) => approver.vote);
          expect(votes.length).toBeGreaterThan(0);
          expect(new Set(approval.approvers.map(({ id }) => id)).size).toBe(votes.length);
          const unanimous = votes.every((one) => one === 'APPROVE');
          const refused = votes.filter((one) => one === 'REFUSE').length;
          switch (approval.status) {
            case 'PENDING':
              expect([unanimous, refused, approval.endedAtMs, approval.endedOn]).toEqual([
                false,
                0,
                undefined,
                undefined,
              ]);
              break;
            case 'APPROVED':
              expect([unanimous, refused]).toEqual([true, 0]);
              break;
            case 'REJECTED':
              expect(refused).toBe(approval.endedOn === 'VOTE' ? 1 : 0);
              if (approval.endedOn === 'EXPIRE') expect(approval.endedAtMs).toBe(approval.dueAtMs);
              break;
            default:
              expect([unanimous, refused]).toEqual([false, 0]);
          }
        }
      }),
    );
  });

  test('ends the same whether its due date is noticed at once or only when somebody looks', () => {
    let expired = 0;
    fc.assert(
      fc.property(wish, steps, (asked, acts) => {
        const [eager, lazy] = [run(requested(asked), acts, true).last, run(requested(asked), acts, false).last];
        if (lazy.endedOn === 'EXPIRE') expired += 1;
        expect(lazy).toEqual(eager);
      }),
    );
    expectMet(expired, 5);
  });

  test('lets the clock decide once: looking earlier or more often changes nothing', () => {
    fc.assert(
      fc.property(wish, steps, fc.nat(50), fc.nat(50), (asked, acts, first, more) => {
        const { last, nowMs } = run(requested(asked), acts, false);
        const [early, late] = [nowMs + first, nowMs + first + more];
        expect(asOf(asOf(last, early), late)).toEqual(asOf(last, late));
      }),
      FEWER,
    );
  });

  test('keeps every vote as it was given as long as its approver stays', () => {
    let kept = 0;
    fc.assert(
      fc.property(wish, steps, (asked, acts) => {
        const { way } = run(requested(asked), acts, false);
        way.reduce((before, after) => {
          for (const approver of before.approval.approvers.filter((one) => one.vote !== undefined)) {
            const still = after.approval.approvers.find(({ id }) => id === approver.id);
            if (still === undefined) continue;
            kept += 1;
            expect(still).toEqual(approver);
          }
          return after;
        });
      }),
    );
    expectMet(kept, 20);
  });

  test('takes a vote from nobody but those asked, and changes nobody else by it', () => {
    fc.assert(
      fc.property(wish, steps, person, fc.constantFrom(...VOTES), (asked, acts, by, word) => {
        const { last, nowMs } = run(requested(asked), acts, false);
        const outcome = voting(by, word)(last, nowMs);
        const isAsked = last.approvers.some(({ id }) => id === by.id);
        if (!isAsked) expect(outcome).toEqual({ ok: false, code: 'APPROVAL_NOT_APPROVER' });
        if (!outcome.ok) return;
        const others = (approval: ApprovalState) => approval.approvers.filter(({ id }) => id !== by.id);
        expect(others(outcome.approval)).toEqual(others(last));
        expect(outcome.approval.approvers.map(({ id }) => id)).toEqual(last.approvers.map(({ id }) => id));
      }),
    );
  });
});
