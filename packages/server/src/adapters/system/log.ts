// Events as JSON lines, with a safety net under the rule that no key and no secret is ever logged.
import { pino } from 'pino';
import type { Log } from '../../ports/system.ts';

/** Where the lines go; a stream is one. */
export interface LogDestination {
  write(line: string): void;
  /** Lets go of what it has kept back; absent when it keeps nothing. */
  flush?(): void;
}

/** Replaces what must not be read in a log. */
const REDACTED = '[redacted]';

/**
 * Access keys and secret keys. The complete forms are found even where something stands directly before them, as in the
 * percent-encoded `key%3DSASS__...`; the last alternative catches what is cut off.
 */
const CREDENTIAL = /SASS__[\w.~%+/=-]*|lk_[a-z0-9_-]{0,64}_[0-9A-Za-z]{32}_[0-9A-Za-z]*|\blk_[\w.~%+/=-]*/g;

/** Every match of `CREDENTIAL` holds one of these. */
const MARKS = ['SASS__', 'lk_'];

/** Fields and headers that hold credentials in whatever form, compared without case, `-` and `_`. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(
  [
    'authorization',
    'proxyAuthorization',
    'cookie',
    'setCookie',
    'xFilerobotKey',
    'xLatchkeyKey',
    'accessKey',
    'secretKey',
    'apiKey',
    'adminKey',
    'credential',
    'secret',
    'secrets',
    'signingSecrets',
    'password',
    'token',
  ].map(plain),
);

/** Foreign objects are followed this deep and this wide; what lies beyond is not written. */
const DEPTH_MAX = 6;
const ENTRIES_MAX = 200;

/**
 * Opens the log. Each call writes one line `{ level, time, event, ...fields }`. Errors are written with message, stack, code and
 * causes. Text that looks like an access key or a secret key, the given secrets, whose form is their owner's choice, and fields
 * named after credentials are written as `[redacted]`. Lines of one turn of the event loop leave together; an error leaves at once,
 * with those before it.
 */
export function openLog(
  level: 'info' | 'warn' | 'error' | 'silent',
  destination: LogDestination = linesTogether(pino.destination({ fd: 1, sync: true })),
  secrets: readonly string[] = [],
): Log {
  const hide = hiding(secrets);
  const usual = new Set<string>();
  const least = SEVERITIES.indexOf(level);
  const write = (severity: 'info' | 'warn' | 'error') => {
    if (SEVERITIES.indexOf(severity) < least) return () => {};
    return (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      const safe = isHarmless(fields, 0, hide, usual)
        ? fields
        : redactEntries(Object.entries(fields), 0, new Set(), hide);
      const rest = JSON.stringify(safe).slice(1);
      const head = `{"level":"${severity}","time":"${isoTime()}","event":${JSON.stringify(hide(event))}`;
      destination.write(rest === '}' ? `${head}}\n` : `${head},${rest}\n`);
      if (severity === 'error') destination.flush?.();
    };
  };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

const SEVERITIES = ['info', 'warn', 'error', 'silent'];

let shown = { atMs: 0, text: '' };

/** The time, written anew only when it has changed. */
function isoTime(): string {
  const atMs = Date.now();
  if (shown.atMs !== atMs) shown = { atMs, text: new Date(atMs).toISOString() };
  return shown.text;
}

/** Keeps lines until the turn of the event loop is over: a busy service writes many in one, and each write is a call of the system.
 *  They leave when the process ends, too. */
export function linesTogether(to: LogDestination): LogDestination {
  let waiting = '';
  const flush = () => {
    const lines = waiting;
    waiting = '';
    if (lines !== '') to.write(lines);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (waiting === '') setImmediate(flush);
      waiting += line;
    },
    flush,
  };
}

/** Whether a value is plain data in which nothing would be hidden or shortened: nearly every line, so it is not copied. */
function isHarmless(value: unknown, depth: number, hide: Hide, usual: Set<string>): boolean {
  if (typeof value === 'string') return hide(value) === value;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null;
  }
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    return value.length <= ENTRIES_MAX && value.every((entry) => isHarmless(entry, depth + 1, hide, usual));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false;
  const names = Object.keys(value);
  return (
    names.length <= ENTRIES_MAX &&
    names.every(
      (name) =>
        isUsual(name, hide, usual) && isHarmless((value as Record<string, unknown>)[name], depth + 1, hide, usual), // Its own keys.
    )
  );
}

/** So many names of fields are known to stand as they are: the program's own events have a few dozen. */
const USUAL_MAX = 500;

function isUsual(name: string, hide: Hide, usual: Set<string>): boolean {
  if (usual.has(name)) return true;
  if (SECRET_FIELDS.has(plain(name)) || hide(name) !== name) return false;
  if (usual.size < USUAL_MAX && name.length <= 40) usual.add(name);
  return true;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

type Hide = (text: string) => string;

/** Takes credentials out of a text; the secrets as they are and as they stand in an address. */
function hiding(secrets: readonly string[]): Hide {
  const literal = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))].filter(Boolean);
  const lengthMin = Math.min(...literal.map(({ length }) => length));
  return (text) => {
    // Most texts are short and hold nothing that begins like a credential: two quick looks tell.
    const safe = MARKS.some((mark) => text.includes(mark)) ? text.replace(CREDENTIAL, REDACTED) : text;
    return safe.length < lengthMin ? safe : literal.reduce((left, secret) => left.replaceAll(secret, REDACTED), safe);
  };
}

function redactEntries(
  entries: ReadonlyArray<readonly [string, unknown]>,
  depth: number,
  seen: Set<object>,
  hide: Hide,
): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of entries.slice(0, ENTRIES_MAX)) {
    safe[hide(name)] = SECRET_FIELDS.has(plain(name)) ? REDACTED : redact(value, depth + 1, seen, hide);
  }
  return safe;
}

function redact(value: unknown, depth: number, seen: Set<object>, hide: Hide): unknown {
  if (typeof value === 'string') return hide(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  // Bytes in an event are content or secrets; neither belongs here.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > DEPTH_MAX || seen.has(value)) return '[...]';
  seen.add(value);
  try {
    if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((entry) => redact(entry, depth + 1, seen, hide));
    if (value instanceof Error) {
      const { name, message, stack, cause } = value;
      const own = Object.entries(value).filter(([field]) => !['name', 'message', 'stack', 'cause'].includes(field));
      const known: [string, unknown][] = [
        ['name', name],
        ['message', message],
        ['stack', stack],
      ];
      if (cause !== undefined) known.push(['cause', cause]);
      return redactEntries([...known, ...own], depth, seen, hide);
    }
    return redactEntries(Object.entries(value), depth, seen, hide);
  } finally {
    seen.delete(value);
  }
}
