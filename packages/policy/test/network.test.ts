// Text forms of addresses, ranges, countries and origins that are read, and those that are refused.
import {
  addressBucket,
  COUNTRIES,
  formatAddress,
  isCountry,
  isPublicAddress,
  originMatches,
  parseAddress,
  parseOrigin,
  parseOriginPattern,
  parseRange,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';

describe('parseAddress', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0', 'the lowest'],
    ['255.255.255.255', '255.255.255.255', 'the highest'],
    ['::', '::', 'all zeros'],
    ['::1', '::1', 'loopback'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 'the first of two equal runs is shortened (RFC 5952)'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 'a single zero group is not shortened (RFC 5952)'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 'one group left out at the end'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8', 'one group left out in front'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'the highest of IPv6'],
    ['::ffff:1.2.3.4', '1.2.3.4', 'mapped, dotted'],
    ['::ffff:102:304', '1.2.3.4', 'mapped, hexadecimal'],
    ['::fffe:1.2.3.4', '::fffe:102:304', 'beside the mapped block'],
    ['2001:db8::1.2.3.4', '2001:db8::102:304', 'a dotted tail is no mapping'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304', 'translated is IPv6'],
  ])('%s is %s: %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  test.each<[unknown, string]>([
    ['', 'empty'],
    ['1.2.3', 'too short'],
    ['1.2.3.4.5', 'too long'],
    ['1.2.3.', 'an empty octet'],
    ['1.2.3.256', 'an octet too large'],
    ['01.2.3.4', 'octal'],
    ['0x1.2.3.4', 'hexadecimal'],
    ['16909060', 'one number'],
    ['1.2.3.4 ', 'white space'],
    ['+1.2.3.4', 'a sign'],
    ['1.2.3.\u0664', 'a digit of another script'],
    ['1.2.3.4/32', 'a range'],
    [':', 'one colon'],
    [':::', 'three colons'],
    ['1::2::3', 'two short runs'],
    ['1:2:3:4:5:6:7', 'seven groups'],
    ['1:2:3:4:5:6:7:8:9', 'nine groups'],
    ['1:2:3:4:5:6:7:8::', 'nothing left to shorten'],
    ['12345::', 'five digits'],
    ['g::', 'no digit'],
    ['::1%eth0', 'a zone'],
    ['[::1]', 'brackets'],
    ['::1.2.3', 'a short tail'],
    ['::01.2.3.4', 'an octal tail'],
    ['1.2.3.4::', 'a dotted head'],
    ['::1.2.3.4:5', 'a dotted middle'],
    ['1:', 'a colon behind'],
    [':1', 'a colon in front'],
    [undefined, 'absent'],
    [16909060, 'a number'],
  ])('refuses %j: %s', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('addressBucket', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::', '2001:db8:1:3::/64'],
    ['::1', '::/64'],
    ['fe80::1%eth0', 'unknown'],
    ['', 'unknown'],
  ])('%s is counted as %s', (text, bucket) => {
    expect(addressBucket(text)).toBe(bucket);
  });
});

describe('parseRange', () => {
  test.each<[unknown, string]>([
    ['1.2.3.4/33', 'a prefix too long'],
    ['::/129', 'a prefix too long for IPv6'],
    ['1.2.3.4/', 'no prefix'],
    ['1.2.3.4/08', 'a prefix with a zero in front'],
    ['1.2.3.4/-1', 'a negative prefix'],
    ['1.2.3.4/24/24', 'two prefixes'],
    ['1.2.3.4/255.255.255.0', 'a mask'],
    ['/24', 'no address'],
    ['::ffff:1.2.3.4/95', 'wider than the mapped block'],
    ['1.2.3.9-1.2.3.1', 'ends in the wrong order'],
    ['1.2.3.4-::1', 'ends of two families'],
    ['1.2.3.4-', 'no last'],
    ['1.2.3.1-1.2.3.2-1.2.3.3', 'three ends'],
    ['1.2.3.1-9', 'a short last'],
    ['1.2.*', 'an asterisk for two octets'],
    ['1.*.3.*', 'an asterisk in the middle'],
    ['*.*.*.*', 'everyone is written 0.0.0.0'],
    ['*', 'everyone is written 0.0.0.0'],
    ['1.2.3.*/24', 'an asterisk and a prefix'],
    ['2001:db8::*', 'an asterisk in IPv6'],
    ['1.2.3.1*', 'an asterisk inside an octet'],
    ['example.com', 'a name'],
    ['', 'empty'],
    [undefined, 'absent'],
  ])('refuses %j: %s', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });

  test.each([
    ['1.2.3.4', 4, 0x01020304n, 0x01020304n, 'one address'],
    ['1.2.3.4/0', 4, 0n, 0xffffffffn, 'all of IPv4'],
    ['0.0.0.0/32', 4, 0n, 0n, 'the address itself can be written as a range'],
    ['1.2.3.4-1.2.3.4', 4, 0x01020304n, 0x01020304n, 'a span of one'],
    ['1.2.3.4 - 1.2.3.9', 4, 0x01020304n, 0x01020309n, 'spaces around the dash'],
    ['10.*.*.*', 4, 0x0a000000n, 0x0affffffn, 'three asterisks'],
    ['::ffff:1.2.3.0/120', 4, 0x01020300n, 0x010203ffn, 'mapped'],
    ['::1/128', 6, 1n, 1n, 'one IPv6 address'],
  ])('%j is of family %s from %s to %s: %s', (text, family, first, last) => {
    expect(parseRange(text)).toEqual({ family, first, last });
  });
});

describe('countries', () => {
  test('are the 249 of the standard and one more, each once and in order', () => {
    expect(COUNTRIES).toHaveLength(250);
    expect([...new Set(COUNTRIES)].sort()).toEqual(COUNTRIES);
    for (const code of COUNTRIES) expect(code).toMatch(/^[A-Z]{2}$/);
  });

  test('are all known to the platform by a name', () => {
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
    expect(COUNTRIES.filter((code) => names.of(code) === undefined)).toEqual([]);
  });

  test.each(['UK', 'EU', 'ZZ', 'fr', 'FRA', '', 'AN', 'SU'])('%j is none', (code) => {
    expect(isCountry(code)).toBe(false);
  });
});

describe('origins', () => {
  test.each<[unknown, string | undefined, string]>([
    ['https://Example.COM', 'https://example.com', 'case'],
    ['https://example.com:443', 'https://example.com', 'default port'],
    ['http://example.com:80', 'http://example.com', 'default port of the other scheme'],
    ['http://example.com:443', 'http://example.com:443', 'the default port of another scheme stays'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', 'an address'],
    ['https://xn--mnchen-3ya.de', 'https://xn--mnchen-3ya.de', 'an international name in its ASCII form'],
    ['null', undefined, 'opaque'],
    ['https://example.com/', undefined, 'a path'],
    ['https://example.com?x', undefined, 'a query'],
    ['https://user@example.com', undefined, 'a user'],
    ['https://example.com.', undefined, 'a dot behind'],
    ['https://example..com', undefined, 'an empty label'],
    ['https://m\u00fcnchen.de', undefined, 'an international name in letters'],
    ['https://example.com:0', undefined, 'no port'],
    ['https://example.com:65536', undefined, 'a port too large'],
    ['https://example.com:0443', undefined, 'a port with a zero in front'],
    ['https://', undefined, 'no host'],
    ['//example.com', undefined, 'no scheme'],
    ['ftp://example.com', undefined, 'another scheme'],
    ['https://example.com https://example.org', undefined, 'a list'],
    ['https://*.example.com', undefined, 'a pattern is no origin'],
    [undefined, undefined, 'absent'],
  ])('%j is read as %s: %s', (text, origin) => {
    expect(parseOrigin(text)).toBe(origin);
  });

  test.each([
    ['*', 'everywhere is written by leaving the list out'],
    ['https://*', 'every host'],
    ['https://*.com', 'every name of a registry'],
    ['https://*.localhost', 'below one label'],
    ['https://*.127.0.0.1', 'below an address'],
    ['https://*.[::1]', 'below an IPv6 address'],
    ['https://a.*.example.com', 'an asterisk in the middle'],
    ['https://*example.com', 'an asterisk inside a label'],
    ['*.example.com', 'no scheme'],
    ['https://*.*.example.com', 'two asterisks'],
  ])('refuses the pattern %j: %s', (text) => {
    expect(parseOriginPattern(text)).toBeUndefined();
  });

  test('no pattern matches no origin', () => {
    expect(originMatches([], 'https://example.com')).toBe(false);
  });
});

describe('isPublicAddress', () => {
  test.each([
    ['1.1.1.1', true, 'an ordinary address'],
    ['0.0.0.0', false, 'this host'],
    ['0.255.255.255', false, 'the last of "this network"'],
    ['1.0.0.0', true, 'the first after it'],
    ['9.255.255.255', true, 'before 10/8'],
    ['10.0.0.0', false, 'private'],
    ['10.255.255.255', false, 'private, the last'],
    ['11.0.0.0', true, 'after 10/8'],
    ['100.63.255.255', true, 'before carrier-grade NAT'],
    ['100.64.0.0', false, 'carrier-grade NAT'],
    ['100.127.255.255', false, 'carrier-grade NAT, the last'],
    ['100.128.0.0', true, 'after it'],
    ['126.255.255.255', true, 'before loopback'],
    ['127.0.0.1', false, 'loopback'],
    ['127.255.255.255', false, 'loopback, the last'],
    ['128.0.0.0', true, 'after loopback'],
    ['169.254.169.254', false, 'the metadata service of clouds'],
    ['169.253.255.255', true, 'before link-local'],
    ['172.15.255.255', true, 'before 172.16/12'],
    ['172.16.0.1', false, 'private'],
    ['172.31.255.255', false, 'private, the last'],
    ['172.32.0.0', true, 'after 172.16/12'],
    ['192.0.0.8', false, 'protocol assignments'],
    ['192.0.2.1', false, 'documentation'],
    ['192.88.99.1', false, 'a relay to 6to4'],
    ['192.167.255.255', true, 'before 192.168/16'],
    ['192.168.0.1', false, 'private'],
    ['198.17.255.255', true, 'before benchmarks'],
    ['198.18.0.1', false, 'benchmarks'],
    ['198.19.255.255', false, 'benchmarks, the last'],
    ['198.51.100.1', false, 'documentation'],
    ['203.0.113.1', false, 'documentation'],
    ['223.255.255.255', true, 'before multicast'],
    ['224.0.0.1', false, 'multicast'],
    ['240.0.0.1', false, 'reserved'],
    ['255.255.255.255', false, 'broadcast'],
    ['2606:4700:4700::1111', true, 'an ordinary address'],
    ['::', false, 'unspecified'],
    ['::1', false, 'loopback'],
    ['::7f00:1', false, 'IPv4-compatible'],
    ['::ffff:127.0.0.1', false, 'mapped loopback'],
    ['::ffff:7f00:1', false, 'mapped loopback, hexadecimal'],
    ['::ffff:1.1.1.1', true, 'mapped, of a public one'],
    ['::ffff:0:127.0.0.1', false, 'translated by SIIT'],
    ['64:ff9b::10.0.0.1', false, 'NAT64 of a private one'],
    ['64:ff9b::1.1.1.1', true, 'NAT64 of a public one'],
    ['64:ff9b:1::1.1.1.1', false, 'NAT64 with a prefix of local use'],
    ['100::1', false, 'discard'],
    ['1fff:ffff::1', false, 'before global unicast'],
    ['2001::1', false, 'Teredo'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', false, 'Teredo'],
    ['2001:10::1', false, 'ORCHID'],
    ['2001:1ff:ffff::1', false, 'protocol assignments, the last'],
    ['2001:200::1', true, 'after them'],
    ['2001:db8::1', false, 'documentation'],
    ['2002:7f00:1::', false, '6to4 of loopback'],
    ['2002:101:101::', false, '6to4 of a public one'],
    ['2003::1', true, 'after 6to4'],
    ['3fff::1', false, 'documentation'],
    ['3fff:1000::1', true, 'after it'],
    ['4000::1', false, 'after global unicast'],
    ['5f00::1', false, 'segment routing'],
    ['fc00::1', false, 'unique-local'],
    ['fd12:3456::1', false, 'unique-local'],
    ['fe80::1', false, 'link-local'],
    ['fec0::1', false, 'site-local'],
    ['ff02::1', false, 'multicast'],
  ])('%s is %s: %s', (text, expected) => {
    const address = parseAddress(text);
    expect(address && isPublicAddress(address)).toBe(expected);
  });
});
