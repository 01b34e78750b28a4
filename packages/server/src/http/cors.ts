// Cross-origin rules of the widgets (wire contract 1.7): keys travel in headers, so there are no credentials to allow.
import type { Template } from '@latchkey/policy';
import { originMatches, parseOriginPattern } from '@latchkey/policy';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TUS_ABILITIES, TUS_REQUEST_HEADERS, TUS_RESPONSE_HEADERS } from './tus.ts';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'range',
  'x-filerobot-key',
  'x-session-token',
  'x-company-token',
  'x-project-token',
  'x-filerobot-session',
  'x-filerobot-airbox-puid',
  'x-filerobot-token',
  'x-airstore-key',
  'x-airstore-secret-key',
  'filerobot-token',
  'filerobot-uuid',
  'filerobot-folder',
  ...TUS_REQUEST_HEADERS,
].join(', ');
const EXPOSED = [
  'accept-ranges',
  'content-disposition',
  'content-length',
  'content-range',
  'etag',
  'last-modified',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'x-request-id',
  ...TUS_RESPONSE_HEADERS,
].join(', ');
/** Where a tus client may ask what is spoken (its section "OPTIONS"). */
const TUS_PATH = /^\/[^/]+\/v[345]\/tus(?:[/?]|$)/;

/** Answers every preflight. It cannot know the key, so it promises nothing: the request itself is judged. */
export function registerPreflight(app: FastifyInstance): void {
  app.options('/*', (request, reply) => {
    corsHeaders(request, reply, undefined);
    if (TUS_PATH.test(request.raw.url ?? '')) reply.headers({ ...TUS_ABILITIES });
    return reply
      .header('access-control-allow-methods', METHODS)
      .header('access-control-allow-headers', HEADERS)
      .header('access-control-max-age', '600')
      .code(204)
      .send();
  });
}

/** Lets the page's script read the answer, unless the template names other origins. */
export function corsHeaders(request: FastifyRequest, reply: FastifyReply, template: Template | undefined): void {
  const { origin } = request.headers;
  reply.header('vary', 'Origin');
  if (origin === undefined) return;
  const allowed = template?.document.restrictions.allowed_origins;
  if (allowed === undefined || allowed.length === 0 || matches(allowed, origin)) {
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', EXPOSED);
  } else {
    reply.removeHeader('access-control-allow-origin');
  }
}

function matches(allowed: readonly string[], origin: string): boolean {
  const patterns = allowed.map(parseOriginPattern).filter((pattern) => pattern !== undefined);
  return originMatches(patterns, origin);
}
