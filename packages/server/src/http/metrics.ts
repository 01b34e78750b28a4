// Numbers for Prometheus: on the main address for whoever has the token, and on an address of its own when there is one.
import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { equalBytes, hashSecret } from '../digest.ts';
import { AppError } from '../errors.ts';
import type { Meter } from '../ports/meter.ts';

/** Mounts `/metrics`. Without a token it is closed: numbers tell who does how much. */
export function registerMetrics(app: FastifyInstance, meter: Meter, token: string | undefined): void {
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request.headers.authorization, token)) {
      throw new AppError('UNAUTHORIZED', 'metrics', {
        hint:
          token === undefined
            ? 'Set LATCHKEY_METRICS_TOKEN to read metrics here, or LATCHKEY_METRICS_LISTEN for an address of their own.'
            : 'Send Authorization: Bearer with the token of LATCHKEY_METRICS_TOKEN.',
      });
    }
    const { contentType, text } = await meter.expose();
    return reply.type(contentType).header('cache-control', 'no-store').send(text);
  });
}

/** A server of nothing but `/metrics`, for an address that only the collector reaches. With a token it asks for that, too. */
export function createMetricsServer(meter: Meter, token: string | undefined): Server {
  return createServer({ requestTimeout: 10_000, maxHeaderSize: 8192 }, (request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    request.resume();
    if (path !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    if (token !== undefined && !mayRead(request.headers.authorization, token)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return;
    }
    meter.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
}

function mayRead(authorization: string | undefined, token: string | undefined): boolean {
  const [, sent] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  return sent !== undefined && token !== undefined && equalBytes(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return Buffer.from(hashSecret(text), 'hex');
}
