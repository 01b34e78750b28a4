// What is written down about each request: one line of the log, its numbers, and its span of a trace.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Decided } from '../guard/guard.ts';
import type { System } from '../ports/system.ts';
import type { RequestSpan } from '../ports/tracer.ts';
import { answeredCode } from './respond.ts';

/** Decisions that one line lists; a request with more of them changes many files, and says so by their number. */
const DECISIONS_MAX = 20;

/** The decisions about one request, in their order. */
export class DecisionRecords {
  readonly #requestId: string;
  readonly #lines: object[] = [];
  #count = 0;

  constructor(requestId: string) {
    this.#requestId = requestId;
  }

  /** Answers the id of the decision: that of the request and a number. */
  add({ operations, code, rule, keyId, templateId }: Decided): string {
    this.#count += 1;
    const id = `${this.#requestId}.${this.#count}`;
    if (this.#count <= DECISIONS_MAX) {
      this.#lines.push({
        id,
        operations: [...new Set(operations)],
        code,
        ...(rule === undefined ? {} : { rule }),
        ...(keyId === undefined ? {} : { keyId }),
        ...(templateId === undefined ? {} : { templateId }),
      });
    }
    return id;
  }

  /** For the log. */
  fields(): { readonly decisions?: readonly object[]; readonly decisionCount?: number } {
    if (this.#count === 0) return {};
    return { decisions: this.#lines, ...(this.#count > DECISIONS_MAX ? { decisionCount: this.#count } : {}) };
  }
}

/**
 * Writes down every request. `routeOf` names its row of the route table, whatever address led there; `decisionsOf` knows what was
 * decided. No credential gets into any of it: of the address only the path is logged, and metrics and spans know the row alone.
 */
export function registerRecords(
  app: FastifyInstance,
  { log, meter, tracer }: System,
  routeOf: (request: FastifyRequest) => string,
  decisionsOf: (request: FastifyRequest) => DecisionRecords | undefined,
): void {
  let underWay = 0;
  meter.watch('requestsUnderWay', () => [{ labels: {}, value: underWay }]);
  const onClose = () => {
    underWay -= 1;
  };
  app.addHook('onRequest', (request, reply, done) => {
    underWay += 1;
    reply.raw.once('close', onClose);
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const { statusCode: status, elapsedTime } = reply;
    const route = routeOf(request);
    const code = answeredCode(request);
    meter.observe('requests', { method, route, status: String(status) }, elapsedTime / 1000);
    log.info('http.request', {
      requestId: request.id,
      method,
      path: loggedPath(request.raw.url ?? ''),
      status,
      ...(code === undefined ? {} : { code }),
      durationMs: Math.round(elapsedTime * 10) / 10,
      ...decisionsOf(request)?.fields(),
    });
    done();
  });
  if (!tracer.on) return;

  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { method } = request;
    const route = routeOf(request);
    const attributes = { 'http.request.method': method, 'http.route': route, 'latchkey.request_id': request.id };
    const span = tracer.request(`${method} ${route}`, attributes, request.headers);
    spans.set(request, span);
    span.run(done);
  });
  // A body that is parsed arrives in the events of its connection, which know of no request.
  app.addHook('preValidation', (request, _reply, done) => {
    spans.get(request)?.run(done);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode } = reply;
    spans.get(request)?.end({ 'http.response.status_code': statusCode }, statusCode >= 500);
  });
}

/** A key that was put into the path by mistake must not stay in the log either (threat 25), nor the address of a door, which opens it. */
function loggedPath(target: string): string {
  const [path = ''] = target.split('?', 1);
  if (!/SASS__|lk_|share|\/a\//i.test(path)) return path;
  return path
    .replaceAll(/\/(?:SASS__|lk_)[^/]*/gi, '/[redacted]')
    .replaceAll(/(\/(?:share|sharebox|a)\/(?:[^/]+\/)*?)[\w-]{22,36}(?=\/|$)/g, '$1[redacted]');
}
