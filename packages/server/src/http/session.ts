// Console sign-in over HTTP: a one-time link or the admin key becomes a cookie that no foreign page can use.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { authenticate, getSession, opensConsole } from '../guard/authenticate.ts';
import { authorize } from '../guard/authorize.ts';
import { type FailureBudget, failureBudget } from '../guard/failures.ts';
import type { LiveRecords } from '../guard/live.ts';
import { type OpenedSession, SESSION_TTL_MS, signInWithKey, signInWithLink, signOut } from '../operations/session.ts';
import type { Ports } from '../ports/index.ts';
import type { SessionRecord } from '../ports/templates.ts';
import { clientIp, refuseForeignPage, requestOrigin, SESSION_COOKIE, SESSION_HEADER } from './facts.ts';
import { parseBody } from './input.ts';
import { success } from './respond.ts';

/** What the sign-in needs of the application's options. */
export interface SessionOptions {
  readonly defaultContainer: string;
  readonly publicUrl: string | undefined;
  /** Wrong sign-ins a client address may try in a minute before it must wait. */
  readonly keyFailuresPerMinute: number;
}

const PATH = '/console/session';
const TEXT_MAX = 512;
/** Nobody is known yet when this body is read, so it is as small as it can be. */
const BODY_BYTES_MAX = 4096;

const SIGN_IN = z
  .object({ token: z.string().min(1).max(TEXT_MAX), admin_key: z.string().min(1).max(TEXT_MAX) })
  .partial()
  .refine(
    ({ token, admin_key }) => (token === undefined) !== (admin_key === undefined),
    'Send either token or admin_key.',
  );

/** Adds sign-in, the present session, and sign-out. The scope must parse JSON bodies. */
export function registerSession(app: FastifyInstance, ports: Ports, options: SessionOptions): void {
  const failures = failureBudget(options.keyFailuresPerMinute);

  app.post(PATH, { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    // Programs that are no browsers say nothing of a page; a foreign page must not sign a visitor in behind their back.
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (origin !== undefined || site !== undefined) refuseForeignPage(request, options.publicUrl);
    const { token, admin_key } = parseBody(SIGN_IN, request.body);
    const opened = await withinBudget(failures, ports, clientIp(request), () =>
      token === undefined
        ? signInByKey(ports, options.defaultContainer, request, admin_key ?? '')
        : signInWithLink(ports, token),
    );
    setCookie(request, reply, opened);
    return answer(ports, options, reply, opened.record);
  });

  app.get(PATH, async (request, reply) =>
    answer(ports, options, reply, await getSession({ ...ports, live: ports.templates }, sessionToken(request))),
  );

  app.delete(PATH, async (request, reply) => {
    refuseForeignPage(request, options.publicUrl);
    await signOut(ports, sessionToken(request));
    reply.clearCookie(SESSION_COOKIE, { path: '/' }).header('cache-control', 'no-store');
    return success({});
  });
}

/** Rules straight from the store: a sign-in is rare, and must not miss a change. */
function unremembered({ templates, accesses }: Ports): LiveRecords {
  return {
    findTemplate: (...asked) => templates.findTemplate(...asked),
    findTemplateByIdentifier: (...asked) => templates.findTemplateByIdentifier(...asked),
    findSecretKey: (...asked) => templates.findSecretKey(...asked),
    findSecretKeyByHash: (...asked) => templates.findSecretKeyByHash(...asked),
    isKeyRevoked: (...asked) => templates.isKeyRevoked(...asked),
    listAccess: (...asked) => accesses.listAccess(...asked),
  };
}

/** Signs in with a secret key, from where the key itself may be used. */
async function signInByKey(
  ports: Ports,
  container: string,
  request: FastifyRequest,
  text: string,
): Promise<OpenedSession> {
  const bearer = await authenticate({ ...ports, live: unremembered(ports) }, container, { kind: 'key', text });
  if (bearer.kind !== 'secret' || bearer.credential !== 'verified' || bearer.secretKeyRecord === undefined) {
    throw new AppError('ADMIN_UNAUTHENTICATED', 'no such secret key', { hint: 'The admin key is not valid.' });
  }
  const address = clientIp(request);
  const country = ports.geo.country(address);
  const origin = requestOrigin(request, () => `${request.protocol}://${request.host}`);
  authorize(bearer, {
    nowMs: ports.system.now(),
    container,
    credential: bearer.credential,
    bearer: bearer.kind,
    clientIp: address,
    ...(country === undefined ? {} : { country }),
    ...(origin === undefined ? {} : { origin }),
    demands: [{ operation: 'key.inspect', targets: [] }],
  });
  if (!opensConsole(bearer.secretKeyRecord)) {
    throw new AppError('ADMIN_UNAUTHENTICATED', 'not every permission', {
      hint: 'Only a secret key with every permission signs in to the console.',
    });
  }
  return signInWithKey(ports, bearer.secretKeyRecord);
}

/** Runs a sign-in and remembers against the address when it was refused. Raises REQUEST_RATE_LIMITED after too many. */
async function withinBudget(
  failures: FailureBudget,
  ports: Ports,
  address: string,
  signIn: () => Promise<OpenedSession>,
): Promise<OpenedSession> {
  const nowMs = ports.system.now();
  const waitMs = failures.waitMs(address, nowMs);
  if (waitMs > 0) throw new AppError('REQUEST_RATE_LIMITED', 'sign-ins', { retryAfterMs: waitMs, rule: 'sign-in' });
  try {
    return await signIn();
  } catch (error) {
    if (error instanceof AppError && error.code === 'ADMIN_UNAUTHENTICATED') failures.charge(address, nowMs);
    throw error;
  }
}

function sessionToken(request: FastifyRequest): string {
  const token = request.cookies[SESSION_COOKIE];
  if (token === undefined || request.headers[SESSION_HEADER] === undefined) throw new AppError('ADMIN_UNAUTHENTICATED');
  return token;
}

function setCookie(request: FastifyRequest, reply: FastifyReply, opened: OpenedSession): void {
  reply.setCookie(SESSION_COOKIE, opened.token, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    // Behind a proxy that ends TLS only the page's own origin tells that the browser speaks https.
    secure: request.protocol === 'https' || request.headers.origin?.startsWith('https://') === true,
    maxAge: SESSION_TTL_MS / 1000,
  });
}

async function answer(ports: Ports, options: SessionOptions, reply: FastifyReply, record: SessionRecord) {
  const containers = await ports.templates.listContainers();
  reply.header('cache-control', 'no-store');
  return success({
    session: {
      container: options.defaultContainer,
      containers: containers.map(({ token }) => token),
      expires_at: new Date(record.expiresAtMs).toISOString(),
    },
  });
}
