// Events as JSON lines, with a safety net under the rule that no key and no secret is ever logged.
import { type Logger, pino } from 'pino';
import type { Log } from '../../ports/system.ts';

/** Where the lines go; a stream is one. */
export interface LogDestination {
  write(line: string): void;
}

/** Replaces what must not be read in a log. */
const REDACTED = '[redacted]';

/**
 * Access keys and secret keys. The complete forms are found even where something stands directly before them, as in the
 * percent-encoded `key%3DSASS__...`; the last alternative catches what is cut off.
 */
const CREDENTIAL = /SASS__[\w.~%+/=-]*|lk_[a-z0-9_-]{0,64}_[0-9A-Za-z]{32}_[0-9A-Za-z]*|\blk_[\w.~%+/=-]*/g;

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
 * named after credentials are written as `[redacted]`.
 */
export function openLog(
  level: 'info' | 'warn' | 'error' | 'silent',
  destination?: LogDestination,
  secrets: readonly string[] = [],
): Log {
  const hide = hiding(secrets);
  const options = {
    level,
    base: null,
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger: Logger = destination === undefined ? pino(options) : pino(options, destination);
  const write =
    (severity: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (logger.isLevelEnabled(severity))
        logger[severity](redactEntries(Object.entries(fields), 0, new Set(), hide), hide(event));
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

type Hide = (text: string) => string;

/** Takes credentials out of a text; the secrets as they are and as they stand in an address. */
function hiding(secrets: readonly string[]): Hide {
  const literal = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))].filter(Boolean);
  return (text) =>
    literal.reduce((safe, secret) => safe.replaceAll(secret, REDACTED), text.replace(CREDENTIAL, REDACTED));
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
