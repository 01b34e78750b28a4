// Origins of pages: exact comparison of scheme, host and port, because substring tests of URLs have opened many doors.

/** One entry of `allowed_origins`: exactly one origin, or every host below one when `subdomains` is set. */
export interface OriginPattern {
  readonly scheme: string;
  readonly host: string;
  /** The port in decimal; the default port of the scheme is the empty text. */
  readonly port: string;
  /** True for `https://*.example.com`: every host below `example.com`, at any depth, without `example.com` itself. */
  readonly subdomains: boolean;
}

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const ORIGIN = new RegExp(
  `^(https?)://(\\*\\.)?(${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:.]{2,45}\\])(?::([1-9][0-9]{0,4}))?$`,
);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const ORIGIN_TEXT_MAX = 300;

function read(text: unknown): OriginPattern | undefined {
  if (typeof text !== 'string' || text.length > ORIGIN_TEXT_MAX) return undefined;
  const [, scheme, wildcard, host, port = ''] = ORIGIN.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined || host.length > 253 || Number(port) > 65535) return undefined;
  return { scheme, host, port: port === DEFAULT_PORTS[scheme] ? '' : port, subdomains: wildcard !== undefined };
}

/**
 * The one text of an `Origin` header: lower case, without a default port. Undefined for `null`, for anything with user name,
 * path, query or wildcard, and for hosts that are not in their ASCII form: such an origin is not anybody's.
 */
export function parseOrigin(text: unknown): string | undefined {
  const origin = read(text);
  return origin === undefined || origin.subdomains ? undefined : formatOriginPattern(origin);
}

/**
 * The entry of `allowed_origins` that a text stands for: an origin, or `https://*.example.com`. Undefined for everything else,
 * a bare `*` and `https://*.com` included: "from everywhere" is written by leaving the list out.
 */
export function parseOriginPattern(text: unknown): OriginPattern | undefined {
  const pattern = read(text);
  if (pattern === undefined) return undefined;
  // Below one label stand strangers' names, below an address or a lone number nothing.
  const mayHaveSubdomains = /\.(?=[^.]*[a-z])[^.]+$/.test(pattern.host) && !pattern.host.startsWith('[');
  return pattern.subdomains && !mayHaveSubdomains ? undefined : pattern;
}

/** The one text of an entry; parsing it gives the same entry. */
export function formatOriginPattern(pattern: OriginPattern): string {
  const port = pattern.port === '' ? '' : `:${pattern.port}`;
  return `${pattern.scheme}://${pattern.subdomains ? '*.' : ''}${pattern.host}${port}`;
}

/** True when the origin of a request, in any spelling that `parseOrigin` reads, is allowed by at least one entry. */
export function originMatches(patterns: readonly OriginPattern[], origin: string): boolean {
  const given = read(origin);
  if (given === undefined || given.subdomains) return false;
  return patterns.some((pattern) => {
    if (pattern.scheme !== given.scheme || pattern.port !== given.port) return false;
    if (!pattern.subdomains) return pattern.host === given.host;
    // By labels, as paths by segments: "evil-example.com" ends with "example.com" and is not below it.
    const below = given.host.split('.');
    const above = pattern.host.split('.');
    return (
      below.length > above.length && above.every((label, index) => label === below[below.length - above.length + index])
    );
  });
}
