// The HTTP application without a socket: parses, asks the guard, calls one handler per row of the route table, answers.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AppError, ERRORS } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Credential } from '../guard/authenticate.ts';
import { createGuard, type Decided, type Entrant, type GuardOptions } from '../guard/guard.ts';
import type { Ports } from '../ports/index.ts';
import { registerConsole, type StaticFolders } from './console.ts';
import { corsHeaders, registerPreflight } from './cors.ts';
import { type Phase, refuseWhenClosing } from './drain.ts';
import {
  addressOr,
  clientIp,
  credential,
  forwardedOrigin,
  refuseForeignPage,
  requestOrigin,
  SESSION_HEADER,
} from './facts.ts';
import { registerHealth } from './health.ts';
import { acceptAnyJson, leaveBodies } from './json.ts';
import { registerMetrics } from './metrics.ts';
import { wantsPage } from './page.ts';
import { trusting } from './proxies.ts';
import { Query } from './query.ts';
import { DecisionRecords, registerRecords } from './records.ts';
import { sendError, success } from './respond.ts';
import type { Call, HttpSettings, Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { registerSession } from './session.ts';
import { takeMethodMeant } from './tus.ts';
import { refuseUnreadable } from './unreadable.ts';
import { registerWidgetServices } from './widget.ts';

/** How the application is set up. */
export interface AppOptions extends HttpSettings, Omit<GuardOptions, 'isEnding'> {
  /** CIDRs of proxies whose forwarded headers are believed; none by default. */
  readonly trustedProxies: readonly string[];
  readonly staticFolders: StaticFolders;
  /** The container of the demo page and of the console's first view. */
  readonly defaultContainer: string;
  /** Opens `/metrics` to whoever sends it; without one it stays closed. */
  readonly metricsToken: string | undefined;
  /** How far the end of the process is. */
  readonly phase: () => Phase;
}

/** Versions under which every `{v}` path is mounted (wire contract 1.2). */
const VERSIONS = ['v3', 'v4', 'v5'] as const;

/** Values of metadata are part of addresses (wire contract 5.7): as long as Node takes a whole head of a request. */
const PARAMETER_CHARACTERS_MAX = 16 * 1024;

/** The raw body of a refused upload is read to its end for this long, so that the client gets to see the answer. */
const REST_MS = 30_000;

interface RequestState {
  readonly row: Route;
  readonly query: Query;
  readonly decisions: DecisionRecords;
  entrant?: Entrant;
}

/** Builds the application on the given ports. It does not listen; `close` it to let plugins go. */
export async function createApp(ports: Ports, options: AppOptions): Promise<FastifyInstance> {
  const rendering = { showTrace: options.showTrace, log: ports.system.log };
  const isTrusted = trusting(options.trustedProxies);
  const app = fastify({
    logger: false,
    trustProxy: options.trustedProxies.length === 0 ? false : isTrusted,
    genReqId: () => randomUUID(),
    bodyLimit: options.jsonBytesMax,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX, querystringParser: () => ({}) },
    rewriteUrl(request) {
      takeMethodMeant(request);
      return withoutTrailingSlash(throughAirbox(request, withoutShareHost(request.url ?? '/')));
    },
    // A stalled connection is given up; a long upload that flows is not.
    connectionTimeout: 75_000,
    requestTimeout: 0,
    keepAliveTimeout: 72_000,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, request, reply) => {
      corsHeaders(request, reply as FastifyReply, undefined);
      sendError(error, request, reply as FastifyReply, rendering);
    },
  });
  const guard = createGuard(ports, { ...options, isEnding: () => options.phase() === 'ending' });
  const states = new WeakMap<FastifyRequest, RequestState>();
  /** Each mounted URL -> its row, by the row's first path: aliases and versions are one thing to whoever watches. */
  const rows = new Map<string, string>();

  await app.register(cookie);
  app.addHook('onRequest', (request, _reply, done) => {
    takeFirstContentType(request);
    done();
  });
  // Nothing is read of a body that no route takes: an address that does not exist says so, whatever was sent to it.
  leaveBodies(app);
  registerRecords(
    app,
    ports.system,
    ({ routeOptions: { url } }) => (url === undefined ? 'none' : (rows.get(url) ?? url)),
    (request) => states.get(request)?.decisions,
  );
  letConnectionsGo(app);
  app.setErrorHandler((error, request, reply) => {
    const state = states.get(request);
    const isAdmin = state?.entrant?.bearer.kind === 'admin';
    const asPage = state?.row.page === true && wantsPage(request);
    return sendError(error, request, reply, { ...rendering, showTrace: rendering.showTrace || isAdmin, asPage });
  });
  app.setNotFoundHandler((request, reply) => {
    corsHeaders(request, reply, undefined);
    return sendError(nothingThere(request), request, reply, rendering);
  });
  registerPreflight(app);
  registerHealth(app, ports, options.phase);
  registerMetrics(app, ports.system.meter, options.metricsToken);
  registerWidgetServices(app, ports, options);
  await registerConsole(app, {
    staticFolders: options.staticFolders,
    linkOrigin: options.downloads === 'store' ? ports.blobs.linkOrigin : undefined,
  });

  await app.register(async (scope) => {
    acceptAnyJson(scope, options.jsonBytesMax, options.jsonMsMax);
    registerSession(scope, ports, options);
    for (const row of ROUTES) if (row.body !== 'stream') mount(scope, row);
  });
  await app.register(async (scope) => {
    // Every body of an upload path stays a stream: nothing is parsed before the guard has spoken.
    await scope.register(multipart, { throwFileSizeLimit: false });
    for (const row of ROUTES) if (row.body === 'stream') mount(scope, row);
  });

  function mount(scope: FastifyInstance, row: Route): void {
    for (const { url, version } of expandPaths(row)) {
      rows.set(url, `/{container}${row.paths[0]}`);
      scope.route({
        method: row.method === 'GET' ? ['GET', 'HEAD'] : row.method,
        url,
        onRequest: (request, reply) => enter(row, request, reply),
        handler: (request, reply) => run(row, version, request, reply),
      });
    }
  }

  async function enter(row: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const decisions = new DecisionRecords(request.id);
    const state: RequestState = { row, query: Query.parse(request.raw.url ?? ''), decisions };
    states.set(request, state);
    if (row.headers !== undefined) reply.headers({ ...row.headers });
    drainWhenRefused(request, reply);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const params = request.params as Record<string, string>;
    const presented: Credential =
      row.credential === 'template'
        ? { kind: 'template', text: params['id'] ?? '' }
        : row.credential === 'optional'
          ? addressOr(credential(request, state.query), state.query)
          : credential(request, state.query);
    if (presented.kind === 'session' && !isRead) refuseForeignPage(request, options.publicUrl);
    const asked = {
      container: params['container'] ?? '',
      credential: presented,
      clientIp: clientIp(request),
      origin: requestOrigin(request, () => new URL(baseUrlOf(request)).origin) ?? forwardedOrigin(request, isTrusted),
      decided: (decision: Decided) => decisions.add(decision),
      ...(row.continues === undefined ? {} : { uploadId: params[row.continues] ?? '' }),
    };
    // Until the template's own origins are known, the refusal itself must be readable by the page.
    corsHeaders(request, reply, undefined);
    refuseWhenClosing(options.phase(), row.body === 'stream' && !isRead);
    if (row.credential === 'optional' && presented.kind === 'none') {
      state.entrant = await guard.enterPublic(asked);
    } else {
      state.entrant = await guard.enter(asked, row.operations).catch((error: unknown) => {
        // Nobody needs a signature for what is public by now, so whether one was needed is known with the file only.
        if (presented.kind === 'address' && error instanceof AppError && ERRORS[error.code].status < 500)
          return guard.enterPublic(asked, error);
        throw error;
      });
    }
    corsHeaders(request, reply, state.entrant.bearer.template);
  }

  function baseUrlOf(request: FastifyRequest): string {
    return options.publicUrl ?? `${request.protocol}://${request.host}`;
  }

  async function run(row: Route, version: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const state = states.get(request);
    const entrant = state?.entrant;
    if (state === undefined || entrant === undefined) throw new TypeError('a request reached its handler unguarded');
    const grants: Grant[] = [];
    const admitAs: Call['admitAs'] = async (as, demands, upload) => {
      const grant = await guard.admit(as, { demands, ...(upload === undefined ? {} : { upload }) });
      grants.push(grant);
      return grant;
    };
    const call: Call = {
      ports,
      settings: options,
      guard,
      entrant,
      container: entrant.asked.container,
      version,
      params: request.params as Record<string, string>,
      query: state.query,
      body: request.body ?? undefined,
      get baseUrl() {
        return baseUrlOf(request);
      },
      nowMs: ports.system.now(),
      request,
      reply,
      signature: (file) => guard.signAddress(entrant, file),
      admit: (demands, upload) => admitAs(entrant, demands, upload),
      admitAs,
    };
    try {
      const answer = await row.handle(call);
      for (const grant of grants) await grant.settle();
      return answer === undefined ? reply : success(answer);
    } catch (error) {
      await Promise.allSettled(grants.map((grant) => grant.release()));
      throw error;
    }
  }

  return app;
}

/** Every concrete URL of a row. */
export function expandPaths(row: Pick<Route, 'paths'>): readonly { readonly url: string; readonly version: string }[] {
  return row.paths.flatMap((path) => {
    const url = `/:container${path}`;
    if (path.startsWith('/{v?}')) {
      return [
        { url: url.replace('/{v?}', ''), version: '' },
        ...VERSIONS.map((v) => ({ url: url.replace('{v?}', v), version: v })),
      ];
    }
    return path.startsWith('/{v}')
      ? VERSIONS.map((v) => ({ url: url.replace('{v}', v), version: v }))
      : [{ url, version: '' }];
  });
}

/**
 * Widgets know a host of shares (`shareApiEndpoint`); `/share` of this one plays it, for the same addresses below, and for the address
 * that their dialog shows people: company, container, share.
 */
function withoutShareHost(target: string): string {
  if (!target.startsWith('/share/')) return target;
  return target
    .replace(/^\/share(?=\/[^/?]+\/v[345]\/share\/)/, '')
    .replace(/^\/share\/(?!v[345]\/|cdn\/)[^/?]+\/([^/?]+)\/([\w-]{22})(?=$|\?)/, '/$1/share/$2');
}

/** Who carries a key or a session of their own is judged by that alone. */
const CREDENTIAL_HEADERS = [
  'x-filerobot-key',
  'x-airstore-key',
  'x-airstore-secret-key',
  'authorization',
  SESSION_HEADER,
];

/** Clients of the published widgets upload through an airbox that they name in a header: its own address takes what they send. */
function throughAirbox({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>, target: string): string {
  const puid = headers['x-filerobot-airbox-puid'];
  if (method !== 'POST' || typeof puid !== 'string' || !/^[\w-]{22}$/.test(puid)) return target;
  if (CREDENTIAL_HEADERS.some((name) => headers[name] !== undefined)) return target;
  return target.replace(/^\/([^/?]+)\/(?:v[345]\/)?(?:files|upload)\/?(?=$|\?)/, `/$1/a/${puid}`);
}

/** Some clients end API paths with a slash; pages and delivery URLs keep theirs. */
function withoutTrailingSlash(target: string): string {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  if (!path.endsWith('/')) return target;
  if (!/^\/[^/]+\/(?:v[345]|key|upload)\//.test(path)) return target;
  // Cut by hand: an expression for "slashes before the end" tries every run of slashes from each of its slashes.
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end) + target.slice(path.length);
}

/** Every path of the route table with the methods it takes, for those that come with another one. */
const TAKEN = ROUTES.flatMap((row) =>
  expandPaths(row).map(({ url }) => ({
    method: row.method,
    pattern: new RegExp(`^${url.replace(/:[a-z]+/g, '[^/]+').replace('*', '.*')}$`),
  })),
);

/** An address that does not exist, or one that does for other methods only (RFC 9110 section 15.5.6). */
function nothingThere(request: FastifyRequest): AppError {
  const path = (request.raw.url ?? '').split('?', 1)[0] ?? '';
  const methods = new Set(TAKEN.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method as string));
  if (methods.size === 0) return new AppError('ROUTE_NOT_FOUND');
  if (methods.has('GET')) methods.add('HEAD');
  return new AppError('METHOD_NOT_ALLOWED', request.method, {
    headers: { allow: [...methods, 'OPTIONS'].sort().join(', ') },
  });
}

/**
 * Widgets append to a header that is already set, which makes a list of content types (wire contract 1.6); the first is
 * the one that was meant.
 */
function takeFirstContentType(request: FastifyRequest): void {
  const { headers } = request.raw;
  const list = headers['content-type'];
  const end = list?.indexOf(',') ?? -1;
  if (list !== undefined && end >= 0) headers['content-type'] = list.slice(0, end).trim();
}

/**
 * Lets a client that is still sending read the refusal: the rest of its body is thrown away, for a bounded time. Node
 * would end the connection of a client that asked for its end (`Connection: close`, HTTP/1.0 proxies) right after the
 * answer, and unread bytes turn that end into a reset that takes the answer with it: here it ends after the body.
 */
function drainWhenRefused(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  if (length === undefined && encoding === undefined) return;
  const endsAfterwards = !reply.raw.shouldKeepAlive && !raw.complete;
  if (endsAfterwards) reply.raw.shouldKeepAlive = true;
  const end = () => {
    if (endsAfterwards) raw.socket.end();
  };
  reply.raw.once('finish', () => {
    if (raw.complete || raw.destroyed) {
      end();
      return;
    }
    raw.unpipe();
    raw.once('end', end);
    raw.resume();
    const timer = setTimeout(() => raw.destroy(), REST_MS);
    timer.unref();
    raw.once('close', () => clearTimeout(timer));
  });
}

/**
 * Ends each connection with its last answer once the application closes: a client that keeps its connection for later
 * would hold up the end until its patience or ours runs out.
 */
function letConnectionsGo(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    // An answer whose headers had left before that could not say so.
    if (closing) request.raw.socket.end();
    done();
  });
}
