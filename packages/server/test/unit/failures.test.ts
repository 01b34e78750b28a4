// The budget of bad credentials per address.
import { describe, expect, test } from 'vitest';
import { failureBudget } from '../../src/guard/failures.ts';

describe('the budget of failures', () => {
  test('lets an address fail so often in a minute, and no more until the minute is over', () => {
    const budget = failureBudget(2);
    budget.charge('192.0.2.1', 1000);
    expect(budget.waitMs('192.0.2.1', 1000)).toBe(0);
    budget.charge('192.0.2.1', 2000);
    expect(budget.waitMs('192.0.2.1', 2000)).toBe(59_000);
    expect(budget.waitMs('192.0.2.1', 60_999)).toBe(1);
    expect(budget.waitMs('192.0.2.1', 61_000)).toBe(0);
  });

  test('is one for each IPv4 address and each /64 of IPv6', () => {
    const budget = failureBudget(1);
    budget.charge('192.0.2.1', 0);
    budget.charge('2001:db8::1', 0);
    expect(budget.waitMs('::ffff:192.0.2.1', 0)).toBe(60_000);
    expect(budget.waitMs('192.0.2.2', 0)).toBe(0);
    expect(budget.waitMs('2001:db8::ffff', 0)).toBe(60_000);
    expect(budget.waitMs('2001:db8:0:1::1', 0)).toBe(0);
  });

  test('remembers the latest ten thousand addresses, so that a flood of them cannot fill the memory', () => {
    const budget = failureBudget(1);
    const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    for (let i = 0; i <= 10_000; i += 1) budget.charge(address(i), 0);
    expect(budget.waitMs(address(0), 0)).toBe(0);
    expect(budget.waitMs(address(1), 0)).toBe(60_000);
    expect(budget.waitMs(address(10_000), 0)).toBe(60_000);
  });
});
