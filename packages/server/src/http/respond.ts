// The envelope of every answer: success bodies, refusals with status and headers from the one table.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, ERRORS, type ErrorCode, type ErrorRow } from '../errors.ts';
import type { Log } from '../ports/system.ts';
import { refusalPage, sendPage } from './page.ts';

/** A body that succeeded; payload members stand beside `status` (wire contract 1.4). */
export function success<T extends object>(payload: T): { readonly status: 'success' } & T {
  return { status: 'success', ...payload };
}

const answered = new WeakMap<FastifyRequest, ErrorCode>();

/** The code that a request was answered with, if it failed. */
export function answeredCode(request: FastifyRequest): ErrorCode | undefined {
  return answered.get(request);
}

/** Renders any thrown value. What is no AppError is our fault: INTERNAL, with the cause in the log only. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly showTrace: boolean; readonly log: Log; readonly asPage?: boolean },
): FastifyReply {
  const known = asAppError(error);
  const row: ErrorRow = ERRORS[known.code];
  answered.set(request, known.code);
  if (row.status >= 500) {
    options.log.error('request.failed', {
      requestId: request.id,
      code: known.code,
      detail: known.detail,
      cause: describeCause(known.cause ?? error),
    });
  }
  const { facts } = known;
  // An address that the router cannot read never reaches the hook that sets it.
  reply.header('x-request-id', request.id);
  if (row.challenge === true) reply.header('www-authenticate', 'Bearer');
  if (row.retry === true) {
    const seconds = Math.max(1, Math.ceil((facts.retryAfterMs ?? 5000) / 1000));
    reply.header('retry-after', String(seconds));
    if (typeof facts.limit === 'number') {
      reply.header('ratelimit-limit', String(facts.limit));
      reply.header('ratelimit-remaining', '0');
      reply.header('ratelimit-reset', String(seconds));
    }
  }
  for (const [name, value] of Object.entries(facts.headers ?? {})) reply.header(name, value);
  if (options.asPage === true) {
    return sendPage(reply, row.status, refusalPage({ msg: row.msg, hint: facts.hint ?? row.hint }));
  }
  return reply
    .code(row.status)
    .type('application/json; charset=utf-8')
    .send(envelope(known, request.id, options.showTrace));
}

/** The body of a refusal (wire contract 1.4). */
export function envelope({ code, facts }: AppError, requestId: string, showTrace = false): object {
  const row: ErrorRow = ERRORS[code];
  return {
    status: 'error',
    code,
    msg: row.msg,
    hint: facts.hint ?? row.hint,
    ...(facts.rule === undefined ? {} : { rule: facts.rule }),
    ...(facts.limit === undefined ? {} : { limit: facts.limit }),
    ...(facts.actual === undefined ? {} : { actual: facts.actual }),
    ...(facts.faults === undefined ? {} : { faults: facts.faults }),
    ...(showTrace && facts.trace !== undefined ? { decision: { trace: facts.trace } } : {}),
    request_id: requestId,
  };
}

/** Faults that the HTTP framework finds before any route runs, in our words. */
function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('PAYLOAD_TOO_LARGE', 'body limit', {
        hint: 'A JSON body may have 32 MB. Send larger files as multipart/form-data or as a raw body.',
        cause: error,
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('MEDIA_TYPE_REFUSED', 'body type', {
        hint: 'Send application/json, multipart/form-data or, to the upload paths, a raw body.',
        cause: error,
      });
    case 'FST_ERR_BAD_URL':
      return new AppError('REQUEST_INVALID', 'router', {
        faults: [{ field: 'url', code: 'ESCAPE_INVALID', message: 'A percent escape is not valid UTF-8.' }],
        cause: error,
      });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new AppError('URL_TOO_LONG', 'router', { cause: error });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('REQUEST_INVALID', String(code), { cause: error });
    default:
      return new AppError('INTERNAL', undefined, { cause: error });
  }
}

/** The chain of causes with the innermost stack, for the log. */
function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause === undefined ? '' : ` <- ${describeCause(cause.cause)}`;
  return `${cause.stack ?? cause.message}${inner}`;
}
