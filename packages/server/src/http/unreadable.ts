// What cannot be read as a request of HTTP: answered on the bare connection, in the form of every refusal.
import { randomUUID } from 'node:crypto';
import { type OutgoingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, ERRORS } from '../errors.ts';
import { envelope } from './respond.ts';

/** What a client still sends after the answer is thrown away for this long: unread bytes would take the answer with them. */
const REST_MS = 5_000;

/** Connections that have their answer and only end now. */
const ending = new WeakSet<Socket>();

/**
 * Answers what the parser of HTTP gave up on, and ends the connection. Nothing is written into an answer that has begun: there
 * the connection breaks off.
 */
export function refuseUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (ending.has(socket) || socket.destroyed) return;
  if (!socket.writable || hasBegunToAnswer(socket)) {
    socket.destroy(error);
    return;
  }
  const known = asAppError(error.code);
  const { status } = ERRORS[known.code];
  const requestId = randomUUID();
  const body = JSON.stringify(envelope(known, requestId));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    // Which page asked was not read; there is nothing in it that only some may know.
    'access-control-allow-origin: *',
    'access-control-expose-headers: x-request-id',
    `x-request-id: ${requestId}`,
  ];
  ending.add(socket);
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), REST_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Node keeps the answer whose turn it is at the socket, and asks there itself where nobody else answers such errors. */
function hasBegunToAnswer(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as Socket & { readonly _httpMessage?: OutgoingMessage | null };
  return answer?.headersSent === true;
}

function asAppError(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('HEADERS_TOO_LARGE', code);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('BODY_TIMEOUT', code, { hint: 'Send it again.' });
    default:
      return new AppError('REQUEST_INVALID', code, {
        faults: [{ field: 'request', code: 'HTTP_INVALID', message: 'It is not a request of HTTP/1.1.' }],
      });
  }
}
