// Query strings and paths as the wire contract writes them: percent-decoding once, and a plus is a plus (1.6).
import { AppError } from '../errors.ts';

/** Decoded query parameters. */
export class Query {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  private constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Parses what follows the `?` of a request target. Raises REQUEST_INVALID for a broken escape. */
  static parse(target: string): Query {
    const at = target.indexOf('?');
    const values = new Map<string, string[]>();
    for (const pair of at < 0 ? [] : target.slice(at + 1).split('&')) {
      if (pair === '') continue;
      const equals = pair.indexOf('=');
      const name = decode(equals < 0 ? pair : pair.slice(0, equals));
      const value = decode(equals < 0 ? '' : pair.slice(equals + 1));
      const list = values.get(name);
      if (list === undefined) values.set(name, [value]);
      else list.push(value);
    }
    return new Query(values);
  }

  /**
   * The value of the first of the names that is present and not empty. Raises REQUEST_INVALID when a name stands more
   * than once with different values: two readings of one request are how checks are bypassed.
   */
  one(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const values = this.#values.get(name);
      if (values === undefined) continue;
      const [value] = values;
      if (values.length > 1 && values.some((other) => other !== value)) {
        throw new AppError('REQUEST_INVALID', undefined, {
          faults: [{ field: name, code: 'REPEATED', message: 'Give this parameter once.' }],
        });
      }
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  }

  /** The first value that is not empty, of the first of the names that has one: for what is only a wish, and decides on no right. */
  first(...names: readonly string[]): string | undefined {
    return names.flatMap((name) => this.#values.get(name) ?? []).find((value) => value !== '');
  }

  /** All parameters in their order, decoded; those of one name stand together. */
  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#values].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  }

  /** Whether the parameter is present and reads as yes. */
  flag(name: string): boolean {
    const value = this.one(name);
    return value === '1' || value === 'true';
  }

  /** A whole number clamped into the bounds; the fallback when absent or unreadable (clients send odd values, 5.2). */
  int(name: string, fallback: number, min: number, max: number): number {
    const value = this.one(name);
    if (value === undefined || !/^\d{1,15}$/.test(value)) return fallback;
    return Math.min(Math.max(Number(value), min), max);
  }
}

/** Decodes one percent-encoded text once. Raises REQUEST_INVALID for a broken escape. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError('REQUEST_INVALID', 'broken percent escape', {
      faults: [{ field: 'url', code: 'ESCAPE_INVALID', message: 'A percent escape is not valid UTF-8.' }],
    });
  }
}
