// JSON bodies as clients really send them.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

/**
 * JSON whatever the content type says, and nothing when the body is empty: widgets send `application/json` without a
 * body, lists of content types, and JSON as `text/plain` (wire contract 1.6).
 */
export function acceptAnyJson(scope: FastifyInstance, bytesMax: number): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: bytesMax }, (_request, text, done) => {
    try {
      done(null, parseJson(String(text)));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Parses a JSON body; empty is undefined. Raises REQUEST_INVALID. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text, dropPrototypeNames);
  } catch (cause) {
    throw new AppError('REQUEST_INVALID', 'body is not JSON', {
      faults: [{ field: 'body', code: 'JSON_INVALID', message: 'The body is not valid JSON.' }],
      cause,
    });
  }
}

/** A `__proto__` member would become the prototype of whatever the body is copied into. */
function dropPrototypeNames(name: string, value: unknown): unknown {
  return name === '__proto__' ? undefined : value;
}
