// Examines one value of the MaxMind DB data format without building it, so that decoding it later is safe and bounded.
import { isUtf8 } from 'node:buffer';

/** The part of a file that values may lie in; pointers count from `base`. */
export interface Section {
  readonly bytes: Buffer;
  readonly base: number;
  readonly end: number;
}

const POINTER = 1;
const STRING = 2;
const MAP = 7;
const ARRAY = 11;

/** Smallest and largest payload of the types that have a fixed one, by type number (MaxMind DB specification 2.0). */
const SIZES: ReadonlyMap<number, readonly [min: number, max: number]> = new Map([
  [3, [8, 8]], // double
  [5, [0, 2]], // unsigned 16
  [6, [0, 4]], // unsigned 32
  [8, [0, 4]], // signed 32
  [9, [0, 8]], // unsigned 64
  [10, [0, 16]], // unsigned 128
  [14, [0, 1]], // boolean: the size is the value
  [15, [4, 4]], // float
]);
const BYTES = 4;
const BOOLEAN = 14;

const POINTER_OFFSETS = [0, 2048, 526_336, 0] as const;
const DEPTH_MAX = 32;
/** Values in one record, those behind pointers counted at each visit: pointers to pointers could otherwise multiply without end. */
const VALUES_MAX = 10_000;

/** Checks the value at `offset` and everything it contains or points to. Throws an Error that says what is wrong and where. */
export function checkValue(section: Section, offset: number): void {
  check(section, offset, 0, { left: VALUES_MAX });
}

function check(section: Section, start: number, depth: number, budget: { left: number }): number {
  if (depth > DEPTH_MAX) throw fault('is nested too deeply', start);
  budget.left -= 1;
  if (budget.left < 0) throw fault('holds too many values', start);

  const { type, size, next } = readControl(section, start);
  if (type === POINTER) {
    const target = section.base + size;
    if (readControl(section, target).type === POINTER) throw fault('points to a pointer', start);
    check(section, target, depth + 1, budget);
    return next;
  }
  if (type === MAP) {
    let offset = next;
    for (let entry = 0; entry < size; entry += 1) {
      if (!isText(section, offset)) throw fault('has a map key that is no text', offset);
      offset = check(section, check(section, offset, depth + 1, budget), depth + 1, budget);
    }
    return offset;
  }
  if (type === ARRAY) {
    let offset = next;
    // Refused at once: the decoder would set aside room for as many entries as the size claims.
    if (size > section.end - next) throw fault('holds more entries than the file has bytes', start);
    for (let entry = 0; entry < size; entry += 1) offset = check(section, offset, depth + 1, budget);
    return offset;
  }
  if (type === STRING || type === BYTES) {
    const text = take(section, next, size);
    if (type === STRING && !isUtf8(text)) throw fault('is a text that is not UTF-8', start);
    return next + size;
  }
  const sizes = SIZES.get(type);
  if (sizes === undefined) throw fault(`has the unknown type ${type}`, start);
  if (size < sizes[0] || size > sizes[1]) throw fault(`has type ${type} with an impossible size of ${size}`, start);
  if (type === BOOLEAN) return next;
  take(section, next, size);
  return next + size;
}

function isText(section: Section, offset: number): boolean {
  const { type, size } = readControl(section, offset);
  return type === STRING || (type === POINTER && readControl(section, section.base + size).type === STRING);
}

/** Type and size of the value at `offset`, and where its payload begins; for a pointer `size` is what it points to. */
function readControl(section: Section, offset: number): { type: number; size: number; next: number } {
  const control = uint(section, offset, 1);
  let next = offset + 1;
  let type = control >> 5;
  if (type === POINTER) {
    const form = (control >> 3) & 3;
    const high = form === 3 ? 0 : (control & 7) * 256 ** (form + 1);
    const size = high + uint(section, next, form + 1) + (POINTER_OFFSETS[form] ?? 0);
    return { type, size, next: next + form + 1 };
  }
  if (type === 0) {
    type = uint(section, next, 1) + 7;
    next += 1;
    if (type === 7) throw fault('has an extended type without a number', offset);
  }
  const short = control & 31;
  if (short < 29) return { type, size: short, next };
  const length = short - 28;
  const base = short === 29 ? 29 : short === 30 ? 285 : 65_821;
  return { type, size: base + uint(section, next, length), next: next + length };
}

function uint(section: Section, offset: number, length: number): number {
  return take(section, offset, length).readUIntBE(0, length);
}

function take(section: Section, offset: number, length: number): Buffer {
  if (offset < section.base || offset + length > section.end) throw fault('runs beyond its section', offset);
  return section.bytes.subarray(offset, offset + length);
}

function fault(what: string, offset: number): Error {
  return new Error(`the value at byte ${offset} ${what}`);
}
