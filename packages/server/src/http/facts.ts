// From a request to facts: the client's address, the page's origin and the one credential.
import { isIP } from 'node:net';
import { parseOrigin } from '@latchkey/policy';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { Credential } from '../guard/authenticate.ts';
import type { Query } from './query.ts';

/** Headers that may carry a key, in the order in which clients of different ages send them (wire contract 1.3). */
const KEY_HEADERS = ['x-filerobot-key', 'x-airstore-key', 'x-airstore-secret-key'] as const;

/** Sent by the console with its cookie: a header that no foreign page can send without a preflight we refuse. */
export const SESSION_HEADER = 'x-latchkey-session';
export const SESSION_COOKIE = 'latchkey_session';

/** The client's address behind trusted proxies. Raises REQUEST_INVALID when a trusted proxy hands on what is no address. */
export function clientIp(request: FastifyRequest): string {
  const { ip } = request;
  const text = isIP(ip) === 0 ? stripPort(ip) : ip;
  if (isIP(text) === 0) {
    throw new AppError('REQUEST_INVALID', 'forwarded address is unreadable', {
      faults: [{ field: 'X-Forwarded-For', code: 'ADDRESS_INVALID', message: 'The forwarded address cannot be read.' }],
    });
  }
  return text;
}

/** Some proxies write `1.2.3.4:5678` or `[2001:db8::1]:5678`. */
function stripPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
  return withPort?.[1] ?? text;
}

/**
 * The origin of the page that sent the request. Browsers leave `Origin` out of same-origin reads; Fetch Metadata
 * (`Sec-Fetch-Site: same-origin`, which scripts cannot set) then proves that the page is ours.
 */
export function requestOrigin(request: FastifyRequest, ownOrigin: () => string): string | undefined {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined) return parseOrigin(origin) ?? 'null';
  return site === 'same-origin' ? ownOrigin() : undefined;
}

/**
 * The origin of the page that a server asks for, such as a companion that sends files on from cloud drives and may not send
 * `Origin` itself. It is believed from trusted proxies only, and never beside what a browser says.
 */
export function forwardedOrigin(request: FastifyRequest, isTrusted: (address: string) => boolean): string | undefined {
  const { origin, 'sec-fetch-site': site, 'x-forwarded-origin': forwarded } = request.headers;
  if (origin !== undefined || site !== undefined || forwarded === undefined) return undefined;
  return isTrusted(request.socket.remoteAddress ?? '') ? (parseOrigin(forwarded) ?? 'null') : undefined;
}

/**
 * Refuses what another site's page sends along with our cookie (threat 19). A browser that knows Fetch Metadata says
 * itself where a request comes from; of others, the origin must be ours. Raises ORIGIN_DENIED.
 */
export function refuseForeignPage(request: FastifyRequest, publicUrl: string | undefined): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const own = [`${request.protocol}://${request.host}`, ...(publicUrl === undefined ? [] : [publicUrl])];
  const isOwn =
    site === undefined
      ? origin !== undefined && own.some((url) => new URL(url).origin === parseOrigin(origin))
      : site === 'same-origin';
  if (isOwn) return;
  throw new AppError('ORIGIN_DENIED', 'console session used by a foreign page', {
    hint: 'A console session works only on the pages of this service.',
  });
}

/**
 * The key of a request for bytes, else the signature in its address. Widgets send their key along to addresses that are signed as
 * well: the key, which is asked everything, then stands alone, and the signature is not looked at. They also hang a query of their
 * own behind the address they hand to a service, and the address has one already: its `?` is in no signature.
 */
export function addressOr(presented: Credential, query: Query): Credential {
  const text = query.one('sig')?.split('?', 1)[0];
  return presented.kind === 'none' && text !== undefined ? { kind: 'address', text } : presented;
}

/** Whether the request carries a credential in a header: whoever follows a redirection to another host would hand it over there. */
export function hasCredentialHeader(request: FastifyRequest): boolean {
  return [...KEY_HEADERS, 'authorization', SESSION_HEADER].some((name) => request.headers[name] !== undefined);
}

/** The single credential of the request. Raises CREDENTIALS_AMBIGUOUS when there are two (threat 26). */
export function credential(request: FastifyRequest, query: Query): Credential {
  const found: Credential[] = [];
  for (const name of KEY_HEADERS) {
    const value = request.headers[name];
    if (typeof value === 'string' && value.trim() !== '') found.push({ kind: 'key', text: value.trim() });
  }
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
  if (bearer?.[1] !== undefined) found.push({ kind: 'key', text: bearer[1] });
  if (request.method === 'GET' || request.method === 'HEAD') {
    for (const name of ['key', 'secret_key']) {
      const value = query.one(name);
      // A form-style encoder may have turned a plus into a space on its way here (wire contract 1.3).
      if (value !== undefined) found.push({ kind: 'key', text: value.replaceAll(' ', '+') });
    }
  }
  const session = request.cookies[SESSION_COOKIE];
  if (request.headers[SESSION_HEADER] !== undefined && session !== undefined)
    found.push({ kind: 'session', text: session });
  if (found.length > 1) throw new AppError('CREDENTIALS_AMBIGUOUS');
  return found[0] ?? { kind: 'none' };
}
