// Bodies: JSON as clients really send it, or nothing read at all.
import { isUtf8 } from 'node:buffer';
import { finished, PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

/**
 * JSON whatever the content type says, and nothing when the body is empty: widgets send `application/json` without a
 * body, lists of content types, and JSON as `text/plain` (wire contract 1.6).
 */
export function acceptAnyJson(scope: FastifyInstance, bytesMax: number, msMax: number): void {
  scope.removeAllContentTypeParsers();
  // Without a body there is nothing to wait for.
  scope.addHook('preParsing', ({ headers }, _reply, payload, done) => {
    const isEmpty = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
    done(null, isEmpty ? payload : arrivingWithin(payload, msMax));
  });
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bytesMax }, (_request, bytes, done) => {
    try {
      done(null, parseJson(textOf(bytes as Buffer)));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/**
 * The same bytes, for a bounded time: a body that drips keeps its connection, and what was reserved for it, no longer than
 * that (threat 24). The stream fails with BODY_TIMEOUT then, and with the reason of the signal; the connection itself stays for the
 * answer.
 */
export function arrivingWithin(source: Readable, msMax: number, signal?: AbortSignal): Readable {
  const through = new PassThrough();
  // Nobody reads the body of a question or of a refused request. That it never ended must not be the end of the process.
  through.on('error', () => {});
  const abort = () => through.destroy(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => through.destroy(new AppError('BODY_TIMEOUT')), msMax);
  const stop = finished(source, { writable: false }, (error) => {
    if (error) through.destroy(new AppError('REQUEST_INVALID', 'the body broke off', { cause: error }));
  });
  through.once('close', () => {
    clearTimeout(timer);
    stop();
    signal?.removeEventListener('abort', abort);
    source.unpipe(through);
  });
  return source.pipe(through);
}

/** Bodies stay streams, whatever their type: nothing is parsed before somebody asks for it. */
export function leaveBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

/** The text of a body. What is not UTF-8 would be kept with its broken characters replaced. Raises REQUEST_INVALID. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new AppError('REQUEST_INVALID', 'body is not UTF-8', {
    faults: [{ field: 'body', code: 'UTF8_INVALID', message: 'The body is not valid UTF-8.' }],
  });
}

/** Parses a JSON body; empty is undefined. Raises REQUEST_INVALID. */
export function parseJson(text: string, field = 'body'): unknown {
  if (text.trim() === '') return undefined;
  if (isTooDeep(text)) {
    throw new AppError('REQUEST_INVALID', 'JSON depth', {
      faults: [{ field, code: 'JSON_TOO_DEEP', message: `JSON nests at most ${DEPTH_MAX} levels here.` }],
    });
  }
  try {
    return JSON.parse(text, dropPrototypeNames);
  } catch (cause) {
    throw new AppError('REQUEST_INVALID', 'body is not JSON', {
      faults: [{ field, code: 'JSON_INVALID', message: 'This is not valid JSON.' }],
      cause,
    });
  }
}

/** Deeper than anything anybody writes, and far from where walking through a value runs out of stack. */
const DEPTH_MAX = 200;

function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inText = false;
    } else if (code === QUOTE) inText = true;
    else if (code === BRACE || code === BRACKET) {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (code === BRACE_END || code === BRACKET_END) depth -= 1;
  }
  return false;
}

const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** A `__proto__` member would become the prototype of whatever the body is copied into. */
function dropPrototypeNames(name: string, value: unknown): unknown {
  return name === '__proto__' ? undefined : value;
}
