// The built pages: the admin console and the demos, as static files that run nothing from elsewhere.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Folders with built pages; one that does not exist is not served. */
export interface StaticFolders {
  readonly console: string;
  readonly demo: string;
  readonly plainDemo: string;
}

/** The console's pages load from us alone and show no files; Mantine sets colours and sizes in style attributes. */
const CONSOLE_CSP =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/**
 * The widgets put style elements into the page (styled-components) and try fonts and icons elsewhere, which may fail. Where files are
 * redirected to their store, pictures may come from its origin: a policy counts after redirections, too. Recordings are played from here,
 * and the widgets' scripts read no file.
 */
function demoCsp(linkOrigin: string | undefined): string {
  const pictures = linkOrigin === undefined ? "'self'" : `'self' ${linkOrigin}`;
  return `default-src 'self'; script-src 'self'; img-src ${pictures} data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self' blob: data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'`;
}
/** The small demo is one file that people read; its script stands in it. */
const PLAIN_DEMO_CSP =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** What the pages are made of, and where else the files come from that they show. */
interface ConsoleOptions {
  readonly staticFolders: StaticFolders;
  /** The origin of the store that sends files itself; undefined when this service sends them. */
  readonly linkOrigin: string | undefined;
}

/** Mounts `/console/`, `/demo/` and `/demo/plain.html`; `/` leads to the console. */
export async function registerConsole(
  app: FastifyInstance,
  { staticFolders, linkOrigin }: ConsoleOptions,
): Promise<void> {
  const { console: consoleFolder, demo, plainDemo } = staticFolders;
  const policyOfDemo = demoCsp(linkOrigin);
  app.get('/', (_request, reply) => reply.redirect('/console/'));
  app.get('/console', (_request, reply) => reply.redirect('/console/'));
  app.get('/demo', (_request, reply) => reply.redirect('/demo/'));
  if (existsSync(plainDemo)) {
    await app.register(fastifyStatic, { root: plainDemo, serve: false, decorateReply: true });
    app.get('/demo/plain.html', (_request, reply) =>
      page(reply, PLAIN_DEMO_CSP).sendFile('index.html', plainDemo, { cacheControl: false }),
    );
  }
  if (existsSync(demo)) {
    await app.register(fastifyStatic, {
      root: demo,
      prefix: '/demo/',
      // One route a file: a wildcard would hide the API of a container that is called `demo` too.
      wildcard: false,
      decorateReply: false,
      cacheControl: false,
      setHeaders: (response) => {
        response.header('content-security-policy', policyOfDemo);
        response.header('x-content-type-options', 'nosniff');
        response.header('cache-control', 'no-cache');
      },
    });
  }
  if (existsSync(consoleFolder)) await registerPages(app, consoleFolder);
}

/** Hashed assets are kept for ever; every other path below `/console/` is the page, which routes by itself. */
async function registerPages(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/console/assets/',
      decorateReply: true,
      immutable: true,
      maxAge: '365d',
    });
    scope.get('/console/*', (_request, reply) =>
      page(reply, CONSOLE_CSP).sendFile('index.html', folder, { cacheControl: false }),
    );
  });
}

function page(reply: FastifyReply, csp: string): FastifyReply {
  return reply
    .header('content-security-policy', csp)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('x-frame-options', 'DENY')
    .header('cache-control', 'no-cache');
}
