// Addresses as numbers, so that every text form of one address decides alike; ranges, counting buckets and countries.

/** An address as its family and its number. An IPv4-mapped IPv6 address is the IPv4 address (product definition section 3). */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** All addresses from `first` to `last`, both included; family `all` is everyone, of both families. */
export interface AddressRange {
  readonly family: 4 | 6 | 'all';
  readonly first: bigint;
  readonly last: bigint;
}

const WIDTH = { 4: 32, 6: 128 } as const;
const MAPPED_PREFIX = 0xffffn;
const IPV4_LAST = 0xffffffffn;

/** The longest text that can be an address. */
const ADDRESS_TEXT_MAX = 45;

/**
 * The address that a text stands for; undefined for everything else: zone ids, ports, brackets, white space, octal, short and
 * hexadecimal IPv4 forms. What cannot be read must be treated as "no" by callers, in allow lists and in block lists.
 */
export function parseAddress(text: unknown): Address | undefined {
  if (typeof text !== 'string' || text.length > ADDRESS_TEXT_MAX) return undefined;
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & IPV4_LAST } : { family: 6, value };
}

function parseIpv4(text: string): bigint | undefined {
  const value = ipv4Number(text);
  return value === undefined ? undefined : BigInt(value);
}

/** Four decimal octets as a number, which they fit into exactly. Read by hand: every request comes from an address. */
function ipv4Number(text: string): number | undefined {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let octets = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : DOT;
    if (code === DOT) {
      if (digits === 0 || octet > 255) return undefined;
      value = value * 256 + octet;
      octets += 1;
      octet = 0;
      digits = 0;
      continue;
    }
    if (code < ZERO || code > NINE) return undefined;
    // A leading zero is octal to some readers and decimal to others: 010.0.0.1 must not be two addresses.
    if (digits === 3 || (digits === 1 && octet === 0)) return undefined;
    octet = octet * 10 + code - ZERO;
    digits += 1;
  }
  return octets === 4 ? value : undefined;
}

const [DOT, ZERO, NINE] = [0x2e, 0x30, 0x39];

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // RFC 4291 section 2.2: "::" stands for one or more groups of zeros, and only it may shorten the eight.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

function parseGroups(text: string, isEnd: boolean): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (isEnd && index === parts.length - 1 && part.includes('.')) {
      const embedded = parseIpv4(part);
      if (embedded === undefined) return undefined;
      groups.push(embedded >> 16n, embedded & 0xffffn);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(BigInt(`0x${part}`));
    }
  }
  return groups;
}

/** The one text of an address: dotted decimal, or the short lower-case form of RFC 5952. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    const value = Number(address.value);
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, index) => (address.value >> BigInt(112 - index * 16)) & 0xffffn);
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0n) to++;
    if (to - from > length) {
      start = from;
      length = to - from;
    }
  }
  const text = (part: readonly bigint[]) => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/**
 * The name under which an address is counted: an IPv4 address itself, an IPv6 address by its /64, because one client owns
 * all of that (product definition section 3). Unreadable addresses share one bucket, so that they cannot escape a limit.
 */
export function addressBucket(text: string): string {
  // An IPv4 address has one spelling, so its text is its name.
  if (ipv4Number(text) !== undefined) return text;
  const address = parseAddress(text);
  if (address === undefined) return 'unknown';
  if (address.family === 4) return formatAddress(address);
  return `${formatAddress({ family: 6, value: (address.value >> 64n) << 64n })}/64`;
}

/** Everyone, of both families: what a lone `0.0.0.0` or `::` in a list means. */
export const EVERYONE: AddressRange = { family: 'all', first: 0n, last: 0n };

/**
 * The range that a text stands for: an address, CIDR (host bits are masked), `a-b`, or `1.2.3.*` with trailing asterisks.
 * A lone `0.0.0.0` or `::` is everyone; `0.0.0.0/0` is all of IPv4, `::/0` all of IPv6. Undefined for everything else.
 */
export function parseRange(text: unknown): AddressRange | undefined {
  if (typeof text !== 'string' || text.length > ADDRESS_TEXT_MAX * 2 + 3) return undefined;
  if (text === '0.0.0.0' || text === '::') return EVERYONE;
  if (text.includes('/')) return parseCidr(text);
  if (text.includes('-')) return parseSpan(text);
  if (text.includes('*')) return parseWildcard(text);
  const address = parseAddress(text);
  return address === undefined ? undefined : { family: address.family, first: address.value, last: address.value };
}

function parseCidr(text: string): AddressRange | undefined {
  const [host, bits, ...rest] = text.split('/');
  const address = parseAddress(host);
  if (address === undefined || bits === undefined || rest.length > 0 || !/^(?:0|[1-9][0-9]{0,2})$/.test(bits))
    return undefined;
  // A mapped address carries its prefix length in IPv6 terms; one that reaches beyond the mapped block has no single meaning.
  const isMapped = address.family === 4 && text.includes(':');
  const prefix = Number(bits) - (isMapped ? 96 : 0);
  const width = WIDTH[address.family];
  if (prefix < 0 || prefix > width) return undefined;
  const size = 1n << BigInt(width - prefix);
  const first = address.value - (address.value % size);
  return { family: address.family, first, last: first + size - 1n };
}

function parseSpan(text: string): AddressRange | undefined {
  const ends = text.split('-').map((end) => parseAddress(end.trim()));
  const [first, last] = ends;
  if (ends.length !== 2 || first === undefined || last === undefined) return undefined;
  if (first.family !== last.family || first.value > last.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}

function parseWildcard(text: string): AddressRange | undefined {
  const octets = text.split('.');
  const fixed = octets.indexOf('*');
  if (fixed < 1 || !octets.slice(fixed).every((octet) => octet === '*')) return undefined;
  const bound = (filler: string) => parseIpv4(octets.map((octet) => (octet === '*' ? filler : octet)).join('.'));
  const first = bound('0');
  const last = bound('255');
  return first === undefined || last === undefined ? undefined : { family: 4, first, last };
}

/** True when the address is in at least one of the ranges. */
export function inRanges(ranges: readonly AddressRange[], address: Address): boolean {
  return ranges.some(
    (range) =>
      range.family === 'all' ||
      (range.family === address.family && range.first <= address.value && address.value <= range.last),
  );
}

/** Ranges of IPv4 that are not the public internet: the special-purpose registry of RFC 6890, multicast and the future. */
const NOT_PUBLIC_IPV4 = rangesOf([
  '0.0.0.0/8', // "this network"
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, the metadata services of clouds among it
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays to 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]);

/** The part of IPv6 that is handed out as global unicast addresses. */
const GLOBAL_IPV6 = rangesOf(['2000::/3']);

/** What of it is not the public internet: tunnels among it, because they lead to an IPv4 address inside the IPv6 one. */
const NOT_PUBLIC_IPV6 = rangesOf([
  '2001::/23', // protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '3fff::/20', // documentation
]);

/** The prefix under which hosts without IPv4 reach it (RFC 6052 section 2.1). */
const NAT64 = rangesOf(['64:ff9b::/96']);

function rangesOf(texts: readonly string[]): readonly AddressRange[] {
  return texts.map(parseRange).filter((range) => range !== undefined);
}

/**
 * True for addresses of the public internet only: not for private, shared, loopback, link-local, multicast, documentation,
 * reserved and tunnelled ones, nor for any that is not assigned to global unicast. A translated address (NAT64) is judged
 * by the IPv4 address inside it.
 */
export function isPublicAddress(address: Address): boolean {
  if (address.family === 4) return !inRanges(NOT_PUBLIC_IPV4, address);
  if (inRanges(NAT64, address)) return isPublicAddress({ family: 4, value: address.value & IPV4_LAST });
  return inRanges(GLOBAL_IPV6, address) && !inRanges(NOT_PUBLIC_IPV6, address);
}

/**
 * The country codes of ISO 3166-1 alpha-2, and XK: a user-assigned code of that standard which every address database
 * uses for Kosovo, so that its people can be allowed at all.
 */
export const COUNTRIES: readonly string[] = (
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
  'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
  'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
  'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU ' +
  'MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
  'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
  'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW'
).split(' ');

const COUNTRY_SET: ReadonlySet<string> = new Set(COUNTRIES);

/** True for exactly the upper-case codes of `COUNTRIES`. */
export function isCountry(text: string): boolean {
  return COUNTRY_SET.has(text);
}
