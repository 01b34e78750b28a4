// Fetches by URL over HTTP: decides which addresses may be asked, connects to exactly those, and gives up in time.
import { Resolver } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { type AddressRange, inRanges, isPublicAddress, parseAddress } from '@latchkey/policy';
import { AppError } from '../../errors.ts';
import type { FetchedContent, Fetcher } from '../../ports/fetcher.ts';

/** Every address of a host name; empty when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** The bounds of one fetch. */
export interface FetchLimits {
  /** From the name to the connection, for each hop. */
  readonly connectMs: number;
  /** From the attempt to connect to the headers of the answer, for each address. */
  readonly answerMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
  /** All of it, redirects and body together. */
  readonly totalMs: number;
  readonly redirects: number;
}

/** How the fetcher is set up. */
export interface FetcherOptions {
  /** Addresses that may be asked although they are not public, and on any port. None by default. */
  readonly allow?: readonly AddressRange[];
  readonly resolve?: Resolve;
  readonly limits?: Partial<FetchLimits>;
  /** Most fetches that are under way at the same time, in this process; one more is refused. */
  readonly atOnce?: number;
  /** Certificates of authorities in place of the well-known ones. */
  readonly certificateAuthorities?: string;
}

const LIMITS: FetchLimits = { connectMs: 10_000, answerMs: 20_000, idleMs: 20_000, totalMs: 300_000, redirects: 5 };
/** Each holds a connection and a file that grows; uploads of other kinds have to find both as well. */
const AT_ONCE = 64;
const HEADER_BYTES_MAX = 16 * 1024;
const URL_LENGTH_MAX = 4096;
/** Of a host with many addresses, so many are tried. */
const ADDRESSES_TRIED = 3;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Opens the fetcher. Between two fetches it holds nothing but their number, and it takes no proxy from its surroundings. */
export function openFetcher(options: FetcherOptions = {}): Fetcher {
  const limits = { ...LIMITS, ...options.limits };
  const resolve = options.resolve ?? resolveAll;
  const allowed = options.allow ?? [];
  const atOnce = options.atOnce ?? AT_ONCE;
  const underWay = new Set<AbortController>();

  async function open(text: string, signal: AbortSignal): Promise<FetchedContent> {
    if (underWay.size >= atOnce) throw new AppError('FETCHES_BUSY');
    const total = new AbortController();
    underWay.add(total);
    const timer = setTimeout(() => total.abort(failed('TIMEOUT', TOO_SLOW)), limits.totalMs);
    const ended = () => {
      clearTimeout(timer);
      underWay.delete(total);
    };
    const stop = AbortSignal.any([signal, total.signal]);
    try {
      const answer = await follow(text, stop);
      const length = Number(answer.headers['content-length']);
      return {
        body: bodyOf(answer, stop, ended),
        sizeBytes: Number.isSafeInteger(length) ? length : undefined,
        claimedType: answer.headers['content-type'],
      };
    } catch (error) {
      ended();
      throw signal.aborted ? signal.reason : error;
    }
  }

  async function follow(text: string, stop: AbortSignal): Promise<IncomingMessage> {
    let url = parseUrl(text);
    for (let hop = 0; hop <= limits.redirects; hop += 1) {
      const answer = await ask(url, stop);
      const { statusCode = 0, headers } = answer;
      if (statusCode === 200) {
        const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
        if (encoding === 'identity' || encoding === '') return answer;
        answer.destroy();
        throw failed('ENCODED', 'The answer is compressed although it was asked not to be.');
      }
      // Nothing of any other answer is wanted.
      answer.destroy();
      if (![301, 302, 303, 307, 308].includes(statusCode)) {
        throw failed(`STATUS_${statusCode}`, `The server answered ${statusCode} instead of 200.`);
      }
      url = redirected(url, headers.location);
    }
    throw failed('TOO_MANY_REDIRECTS', `It was redirected more than ${limits.redirects} times.`);
  }

  /** One request to one checked address; the next address is tried only when no connection came about. */
  async function ask(url: URL, stop: AbortSignal): Promise<IncomingMessage> {
    const connectBy = deadline(limits.connectMs, stop);
    try {
      const addresses = await checkedAddresses(url, connectBy.signal);
      let failure: unknown;
      for (const address of addresses.slice(0, ADDRESSES_TRIED)) {
        try {
          return await askAddress(url, address, connectBy.signal, stop);
        } catch (error) {
          if (!(error instanceof NotConnected)) throw error;
          failure = error.cause;
        }
      }
      throw failed('NO_CONNECTION', 'The server cannot be reached, or its certificate is not good.', failure);
    } finally {
      connectBy.clear();
    }
  }

  /**
   * The addresses of the host, all of them checked. One that may not be asked refuses them all: a name that leads inside
   * as well as outside is not there by accident. What does not exist gets the same answer, so that nobody can find out
   * which names the inside has.
   */
  async function checkedAddresses(url: URL, stop: AbortSignal): Promise<readonly string[]> {
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    const found = isIP(literal) === 0 ? await unlessStopped(resolve(literal), stop) : [literal];
    const isDefaultPort = url.port === '';
    const mayBeAsked = found.every((text) => {
      const address = parseAddress(text);
      if (address === undefined) return false;
      return inRanges(allowed, address) || (isDefaultPort && isPublicAddress(address));
    });
    if (found.length > 0 && mayBeAsked) return found;
    throw refused(
      'NOT_PUBLIC',
      'The host has no address, or one that is not public, or the port is not the usual one.',
    );
  }

  function askAddress(url: URL, address: string, connectBy: AbortSignal, stop: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolveAnswer, reject) => {
      let isConnected = false;
      let isAnswered = false;
      const isTls = url.protocol === 'https:';
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const settings: RequestOptions = {
        method: 'GET',
        // The checked address itself: no second look-up can lead elsewhere. The name stays in Host and in TLS.
        host: address,
        port: url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          accept: '*/*',
          'accept-encoding': 'identity',
          connection: 'close',
          'user-agent': 'Latchkey',
        },
        maxHeaderSize: HEADER_BYTES_MAX,
      };
      const request = isTls
        ? httpsRequest({
            ...settings,
            agent: new HttpsAgent({ keepAlive: false }),
            // A name in TLS is never an address (RFC 6066 section 3); the certificate then has to name the address.
            servername: isIP(host) === 0 ? host : '',
            ...(options.certificateAuthorities === undefined ? {} : { ca: options.certificateAuthorities }),
          })
        : httpRequest({ ...settings, agent: new HttpAgent({ keepAlive: false }) });
      const answerBy = deadline(limits.answerMs, stop);
      const end = (error: unknown) => {
        connectBy.removeEventListener('abort', onConnectBy);
        answerBy.signal.removeEventListener('abort', onAnswerBy);
        answerBy.clear();
        if (error === undefined) return;
        request.destroy();
        reject(error);
      };
      const onConnectBy = () => {
        if (!isConnected) end(connectBy.reason);
      };
      const onAnswerBy = () => end(answerBy.signal.reason);
      connectBy.addEventListener('abort', onConnectBy);
      answerBy.signal.addEventListener('abort', onAnswerBy);
      request.on('error', (cause) => {
        // From then on the answer tells of its own end; destroying the request would silently empty it.
        if (isAnswered) return;
        end(isConnected ? failed('BROKEN', 'The server did not answer as HTTP asks.', cause) : new NotConnected(cause));
      });
      request.on('socket', (socket) => {
        socket.once(isTls ? 'secureConnect' : 'connect', () => {
          isConnected = true;
        });
      });
      request.once('response', (answer) => {
        isAnswered = true;
        end(undefined);
        resolveAnswer(answer);
      });
      // A protocol that we never asked for is no answer.
      request.once('upgrade', (_answer, socket) => {
        socket.destroy();
        end(failed('BROKEN', 'The server changed the protocol.'));
      });
      request.end();
      if (stop.aborted) onAnswerBy();
    });
  }

  /** The body as a stream of its own, which ends in our words. Its end, however it comes, calls `ended`. */
  function bodyOf(answer: IncomingMessage, stop: AbortSignal, ended: () => void): Readable {
    // A socket closed by force makes the answer fail, and with it the loop below.
    const onStop = () => answer.destroy(stop.reason);
    stop.addEventListener('abort', onStop);
    answer.socket.setTimeout(limits.idleMs, () => answer.destroy(failed('TIMEOUT', TOO_SLOW)));
    const declared = answer.headers['content-length'];
    async function* pieces() {
      let sizeBytes = 0;
      try {
        for await (const piece of answer as AsyncIterable<Buffer>) {
          sizeBytes += piece.length;
          yield piece;
        }
        const isWhole = answer.complete && (declared === undefined || Number(declared) === sizeBytes);
        if (!isWhole) throw failed('BROKEN_OFF', 'The answer ended before it was complete.');
      } catch (error) {
        if (stop.aborted) throw stop.reason;
        throw error instanceof AppError ? error : failed('BROKEN_OFF', 'The answer broke off.', error);
      } finally {
        stop.removeEventListener('abort', onStop);
        ended();
        answer.destroy();
      }
    }
    const body = Readable.from(pieces(), { objectMode: false });
    // Destroyed unread, a generator never reaches its own end.
    body.once('close', () => {
      stop.removeEventListener('abort', onStop);
      ended();
      answer.destroy();
    });
    return body;
  }

  return { open };
}

const TOO_SLOW = 'The server was too slow.';

/** No connection came about; another address may do better. */
class NotConnected extends Error {
  constructor(cause: unknown) {
    super('not connected', { cause });
  }
}

/** The URL, parsed once: what is checked and what is asked are the same. Raises URL_REFUSED. */
function parseUrl(text: string, base?: URL): URL {
  const url = text.length <= URL_LENGTH_MAX && URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url === undefined) throw refused('URL_INVALID', 'It is not a URL.');
  if (DEFAULT_PORTS[url.protocol] === undefined) throw refused('SCHEME', 'Only http and https can be asked.');
  if (url.username !== '' || url.password !== '') throw refused('CREDENTIALS', 'A URL with credentials is not asked.');
  return url;
}

function redirected(from: URL, location: string | undefined): URL {
  if (location === undefined) throw failed('BROKEN', 'The server redirected to nowhere.');
  const to = parseUrl(location, from);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw refused('DOWNGRADE', 'It was redirected from https to http.');
  }
  return to;
}

function refused(code: string, message: string): AppError {
  return new AppError('URL_REFUSED', code, { hint: message, rule: code });
}

function failed(code: string, message: string, cause?: unknown): AppError {
  return new AppError('URL_FAILED', code, { hint: message, rule: code, cause });
}

/** A signal that also aborts by itself after a while. */
function deadline(ms: number, stop: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(failed('TIMEOUT', TOO_SLOW)), ms);
  return { signal: AbortSignal.any([stop, own.signal]), clear: () => clearTimeout(timer) };
}

async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  let onStop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    onStop = () => reject(stop.reason);
    stop.addEventListener('abort', onStop);
    if (stop.aborted) onStop();
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/**
 * Asks the configured name servers for both families. Not `getaddrinfo`: it occupies one of the few threads that also serve
 * the disk, for as long as a hostile name server likes, and it reads the hosts file, which is about the inside.
 */
async function resolveAll(host: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const lists = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
}
