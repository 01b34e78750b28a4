// Writes small databases in the MaxMind DB format, whole ones and deliberately broken ones, for tests.

/** How the written database differs from a good one of our own. */
export interface MmdbOptions {
  readonly recordSize?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  /** `nested` is GeoLite2's shape, `flat` that of the shipped database. */
  readonly shape?: 'nested' | 'flat';
  readonly metadata?: Readonly<Record<string, Uint8Array>>;
  /** Replaces the record of every network. */
  readonly record?: Uint8Array;
}

type Node = [left: Node | string | undefined, right: Node | string | undefined];

/** A database of `records` (network -> country), built at 2026-01-01. IPv4 networks lie at `::/96` of an IPv6 tree. */
export function writeMmdb(records: Readonly<Record<string, string>>, options: MmdbOptions = {}): Buffer {
  const { recordSize = 24, ipVersion = 6, shape = 'nested' } = options;
  const root: Node = [undefined, undefined];
  // Wide networks first, so that a narrow one divides what a wide one has filled.
  const networks = Object.entries(records).map(([network, country]) => ({ bits: bitsOf(network, ipVersion), country }));
  for (const { bits, country } of networks.toSorted((a, b) => a.bits.length - b.bits.length))
    insert(root, bits, country);

  const nodes: Node[] = [];
  const number = new Map<Node, number>();
  const visit = (node: Node) => {
    number.set(node, nodes.length);
    nodes.push(node);
    for (const side of node) if (Array.isArray(side)) visit(side);
  };
  visit(root);

  const data: Uint8Array[] = [];
  const placeOf = new Map<string, number>();
  let dataBytes = 0;
  for (const country of new Set(Object.values(records))) {
    placeOf.set(country, dataBytes);
    const value =
      options.record ??
      (shape === 'flat' ? map({ country_code: text(country) }) : map({ country: map({ iso_code: text(country) }) }));
    data.push(value);
    dataBytes += value.length;
  }

  const recordOf = (side: Node | string | undefined): number => {
    if (side === undefined) return nodes.length;
    if (typeof side === 'string') return nodes.length + 16 + (placeOf.get(side) ?? 0);
    return number.get(side) ?? 0;
  };
  const tree = nodes.map(([left, right]) => nodeBytes(recordOf(left), recordOf(right), recordSize));
  const metadata = map({
    binary_format_major_version: uint(5, 2),
    binary_format_minor_version: uint(5, 0),
    build_epoch: uint(9, 1_767_225_600),
    database_type: text('Test-Country'),
    ip_version: uint(5, ipVersion),
    node_count: uint(6, nodes.length),
    record_size: uint(5, recordSize),
    ...options.metadata,
  });
  return Buffer.concat([
    ...tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ]);
}

/** A text value. */
export function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([control(2, bytes.length), bytes]);
}

/** An unsigned number of the given type: 5, 6, 9 or 10. */
export function uint(type: number, value: number | bigint): Uint8Array {
  const hex = BigInt(value).toString(16);
  const bytes = value === 0 ? Buffer.alloc(0) : Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([control(type, bytes.length), bytes]);
}

/** A map value. */
export function map(fields: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries = Object.entries(fields);
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, value]) => [text(key), value])]);
}

/** A pointer to a place below 2048 in the data section. */
export function pointer(to: number): Uint8Array {
  return Uint8Array.of(0x20 | (to >> 8), to & 0xff);
}

/** The control byte, or bytes, of a value. */
export function control(type: number, size: number): Uint8Array {
  const length = size < 29 ? size : size < 285 ? 29 : 30;
  const head = type < 8 ? [(type << 5) | length] : [length, type - 7];
  if (length === 29) head.push(size - 29);
  if (length === 30) head.push((size - 285) >> 8, (size - 285) & 0xff);
  return Uint8Array.from(head);
}

function nodeBytes(left: number, right: number, recordSize: 24 | 28 | 32): Uint8Array {
  const bytes = Buffer.alloc(recordSize / 4);
  if (recordSize === 32) {
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
    return bytes;
  }
  bytes.writeUIntBE(left & 0xffffff, 0, 3);
  bytes.writeUIntBE(right & 0xffffff, bytes.length - 3, 3);
  if (recordSize === 28) bytes.writeUInt8(((left >>> 24) << 4) | (right >>> 24), 3);
  return bytes;
}

function insert(root: Node, bits: string, country: string): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const side = bit === '0' ? 0 : 1;
    const below = node[side];
    const next: Node = Array.isArray(below) ? below : [below, below];
    node[side] = next;
    node = next;
  }
  node[bits.endsWith('0') ? 0 : 1] = country;
}

function bitsOf(network: string, ipVersion: 4 | 6): string {
  const [address = '', length = ''] = network.split('/');
  if (!address.includes(':')) {
    const bits = address.split('.').map((part) => Number(part).toString(2).padStart(8, '0'));
    return (ipVersion === 6 ? '0'.repeat(96) : '') + bits.join('').slice(0, Number(length));
  }
  const [left = '', right = ''] = address.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [
    ...groups(left),
    ...Array.from({ length: address.includes('::') ? missing : 0 }, () => '0'),
    ...groups(right),
  ];
  return all
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('')
    .slice(0, Number(length));
}
