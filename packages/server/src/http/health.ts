// Whether the process lives, whether it can serve, and numbers about it.
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Ports } from '../ports/index.ts';

/** A dependency that does not answer in this time is not ready. */
const CHECK_TIMEOUT_MS = 2_000;

/** Mounts `/health/live`, `/health/ready` and `/metrics`. */
export function registerHealth(app: FastifyInstance, ports: Ports): void {
  app.get('/health/live', async () => ({ status: 'success' }));

  app.get('/health/ready', async (_request, reply) => {
    const checks = {
      database: () => ports.metadata.check(),
      blobs: () => ports.blobs.check(),
      geo: async () => void ports.geo.describe(),
    };
    const outcomes = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) => [name, (await answers(check)) ? 'ok' : 'unavailable'] as const,
      ),
    );
    const ready = outcomes.every(([, outcome]) => outcome === 'ok');
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'success' : 'error', checks: Object.fromEntries(outcomes) });
  });

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'latchkey_http_requests_total',
    help: 'Requests by method and status.',
    labelNames: ['method', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer.',
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    requests.inc({ method: request.method, status: String(reply.statusCode) });
    durations.observe(reply.elapsedTime / 1000);
  });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}

async function answers(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  });
  const asked = check().then(
    () => true,
    () => false,
  );
  const outcome = await Promise.race([asked, timeout]);
  clearTimeout(timer);
  return outcome;
}
