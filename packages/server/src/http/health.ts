// Whether the process lives, and whether it can serve.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import type { Phase } from './drain.ts';

/** A part that does not answer in this time is not ready. */
const CHECK_MS_MAX = 2_000;
/** Anybody may ask, and a check writes to the store: within this time all get the same answer. */
const ANSWER_MS = 1_000;

/** Parts by name: `ok` or `unavailable`. */
type Checks = Readonly<Record<string, 'ok' | 'unavailable'>>;

/** Mounts `/health/live` and `/health/ready`. */
export function registerHealth(app: FastifyInstance, ports: Ports, phase: () => Phase): void {
  const check = checking(ports);

  app.get('/health/live', async () => ({ status: 'success' }));

  app.get('/health/ready', async (_request, reply) => {
    if (phase() !== 'serving') throw new AppError('SHUTTING_DOWN', 'not ready any more');
    const checks = await check();
    const ready = Object.values(checks).every((outcome) => outcome === 'ok');
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'success' : 'error', checks });
  });
}

/** Asks every part at once; callers that come together share one asking. */
function checking(ports: Ports): () => Promise<Checks> {
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    database: () => ports.metadata.check(),
    counters: () => ports.counters.check(),
    blobs: () => ports.blobs.check(),
    geo: async () => void ports.geo.describe(),
  };
  let asked: { readonly atMs: number; readonly checks: Promise<Checks> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (asked === undefined || nowMs - asked.atMs > ANSWER_MS) asked = { atMs: nowMs, checks: askAll(parts) };
    return asked.checks;
  };
}

async function askAll(parts: Readonly<Record<string, () => Promise<void>>>): Promise<Checks> {
  const outcomes = Object.entries(parts).map(
    async ([name, check]) => [name, (await answers(check)) ? 'ok' : 'unavailable'] as const,
  );
  return Object.fromEntries(await Promise.all(outcomes));
}

async function answers(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_MS_MAX);
  });
  const asked = check().then(
    () => true,
    () => false,
  );
  const outcome = await Promise.race([asked, late]);
  clearTimeout(timer);
  return outcome;
}
