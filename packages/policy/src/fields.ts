// Reading unknown JSON member by member: every fault is collected by field path, nothing unknown slips through, nothing is guessed.

/** What is wrong with a member: stable words for programs. */
export type FaultCode =
  | 'MEMBER_UNKNOWN'
  | 'MEMBER_MISSING'
  | 'MEMBERS_CONFLICT'
  | 'TYPE_WRONG'
  | 'VALUE_OUT_OF_RANGE'
  | 'VALUE_UNKNOWN'
  | 'FORMAT_WRONG'
  | 'LIST_EMPTY'
  | 'LIST_TOO_LONG';

/** One fault of an input, at the place where the caller wrote it: `upload.dir_scope[2]`; the whole input is the empty path. */
export interface Fault {
  readonly field: string;
  readonly code: FaultCode;
  readonly message: string;
}

/** The value, or all faults at once. `warnings` are for people: they never refuse. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A dangerous combination that was accepted (product definition section 3). */
export interface Warning {
  readonly field: string;
  readonly code: WarningCode;
  readonly message: string;
}

/** Which combination a warning is about. */
export type WarningCode = 'DELETE_EVERYWHERE' | 'UPLOAD_WITHOUT_LIMITS' | 'VALIDITY_OVER_A_DAY' | 'LIMIT_IS_ZERO';

/** How the text of one list entry is read: its value, or the reason why it has none. */
export type EntryReader<T> = (
  text: string,
) =>
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: FaultCode; readonly message: string };

interface Member {
  readonly field: string;
  readonly value: unknown;
}

/** The members of one JSON object, read by name; what was wrong with them gathers in the `faults` list they share. */
export class Members {
  readonly #members = new Map<string, Member>();
  readonly #faults: Fault[];
  readonly #field: string;
  readonly #isObject: boolean;

  /**
   * Opens `input`. A member that is absent or null counts as not there. A member that is neither in `known` nor in `aliases`
   * is a fault, and so is a member and its alias with two different values.
   */
  constructor(
    input: unknown,
    field: string,
    faults: Fault[],
    known: readonly string[],
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.#faults = faults;
    this.#field = field;
    this.#isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      if (input !== undefined) this.#fault(field, 'TYPE_WRONG', 'An object is needed here.');
      return;
    }
    for (const [written, value] of Object.entries(input)) {
      const path = field === '' ? written : `${field}.${written}`;
      const name = Object.hasOwn(aliases, written) ? aliases[written] : known.includes(written) ? written : undefined;
      if (name === undefined) {
        this.#fault(path, 'MEMBER_UNKNOWN', 'There is no such member.');
      } else if (value !== null && value !== undefined) {
        const before = this.#members.get(name);
        if (before !== undefined && JSON.stringify(before.value) !== JSON.stringify(value)) {
          this.#fault(path, 'MEMBERS_CONFLICT', `This is another name of ${before.field}, which says something else.`);
        }
        this.#members.set(name, { field: path, value });
      }
    }
  }

  #fault(field: string, code: FaultCode, message: string): undefined {
    this.#faults.push({ field, code, message });
    return undefined;
  }

  /** The members of a nested object; none when it is absent. */
  object(name: string, known: readonly string[], aliases: Readonly<Record<string, string>> = {}): Members {
    const member = this.#members.get(name);
    return new Members(member?.value, member?.field ?? name, this.#faults, known, aliases);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const { field, value } = member;
    // "5" is refused and not read as 5: a limit is never a matter of interpretation.
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      return this.#fault(field, 'TYPE_WRONG', 'A whole number is needed here.');
    }
    if (value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
      return this.#fault(field, 'VALUE_OUT_OF_RANGE', `A number ${range} is needed here.`);
    }
    return value === 0 ? 0 : value; // Minus zero has a JSON text of its own.
  }

  boolean(name: string): boolean | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    if (typeof member.value === 'boolean') return member.value;
    return this.#fault(member.field, 'TYPE_WRONG', 'true or false is needed here.');
  }

  text(name: string, lengthMax: number): string | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const { field, value } = member;
    if (typeof value !== 'string') return this.#fault(field, 'TYPE_WRONG', 'A text is needed here.');
    if (value.length > lengthMax) {
      return this.#fault(field, 'VALUE_OUT_OF_RANGE', `A text has at most ${lengthMax} characters here.`);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose.
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(value)) {
      return this.#fault(field, 'FORMAT_WRONG', 'A text has no control characters.');
    }
    return value;
  }

  /** One of the given words. */
  word<T extends string>(name: string, words: readonly T[]): T | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const found = words.find((word) => word === member.value);
    return found ?? this.#fault(member.field, 'VALUE_UNKNOWN', `One of ${words.join(', ')} is needed here.`);
  }

  /** The members of each object of a list, in the order written. */
  objects(name: string, most: number, known: readonly string[]): readonly Members[] | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const { field, value } = member;
    if (!Array.isArray(value)) return this.#fault(field, 'TYPE_WRONG', 'A list is needed here.');
    if (value.length > most) {
      return this.#fault(field, 'LIST_TOO_LONG', `A list has at most ${most} entries here.`);
    }
    return value.map((entry: unknown, index) => new Members(entry ?? null, `${field}[${index}]`, this.#faults, known));
  }

  /** True when something is written there, whatever it is. */
  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** Says that a member is needed and not there; nothing when it is there, whatever is wrong with it, or there is no object. */
  missing(name: string, message: string): undefined {
    if (this.#isObject && !this.#members.has(name)) this.#fault(this.#fieldOf(name), 'MEMBER_MISSING', message);
    return undefined;
  }

  /** Adds a fault of a member that is wrong together with others. */
  fault(name: string, code: FaultCode, message: string): void {
    this.#fault(this.#members.get(name)?.field ?? this.#fieldOf(name), code, message);
  }

  #fieldOf(name: string): string {
    return this.#field === '' ? name : `${this.#field}.${name}`;
  }

  /** The entries of a list of texts, each read by `read`, in the order written. `least` is 1 where an empty list would be ambiguous. */
  list<T>(name: string, least: 0 | 1, most: number, read: EntryReader<T>): readonly T[] | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const { field, value } = member;
    if (!Array.isArray(value)) return this.#fault(field, 'TYPE_WRONG', 'A list is needed here.');
    if (value.length < least) {
      return this.#fault(
        field,
        'LIST_EMPTY',
        'An empty list would allow nothing: name an entry, or leave the list out.',
      );
    }
    if (value.length > most) {
      return this.#fault(field, 'LIST_TOO_LONG', `A list has at most ${most} entries here.`);
    }
    const found: T[] = [];
    for (const [index, entry] of value.entries()) {
      const place = `${field}[${index}]`;
      if (typeof entry !== 'string') {
        this.#fault(place, 'TYPE_WRONG', 'A text is needed here.');
        continue;
      }
      const parsed = read(entry);
      if (parsed.ok) found.push(parsed.value);
      else this.#fault(place, parsed.code, parsed.message);
    }
    return found;
  }
}

/** The object without its undefined members, so that "absent" has one form in documents. */
export function withoutAbsent<T extends object>(members: { readonly [Name in keyof T]: T[Name] | undefined }): T {
  // Every member that T requires is given by the type of the parameter; only optional ones can be undefined and fall away.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
