// Whose forwarded headers are believed: exactly the configured addresses, in every spelling of theirs.
import { describe, expect, it } from 'vitest';
import { trusting } from '../../src/http/proxies.ts';

describe('trusted proxies', () => {
  const isTrusted = trusting(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '0.0.0.0']);

  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    // A lone address is nobody else, not even the one that lists of templates read as everyone.
    ['0.0.0.0', true],
    ['8.8.8.8', false],
    ['10.1.2.3:80', false],
    ['010.1.2.3', false],
    ['unix:', false],
    ['', false],
  ])('%o: %o', (address, expected) => {
    expect(isTrusted(address)).toBe(expected);
    expect(isTrusted(address)).toBe(expected);
  });

  it('answer alike when very many addresses have been asked about', () => {
    for (let n = 0; n < 3000; n += 1) isTrusted(`8.8.${n % 250}.${n % 199}`);
    expect([isTrusted('10.1.2.3'), isTrusted('8.8.8.8')]).toEqual([true, false]);
  });
});
