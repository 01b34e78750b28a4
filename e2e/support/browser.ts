// A browser that can reach this machine and nothing else, and the record of what a page did in it.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { CHROMIUM, installCommand } from '../../tools/services.mjs';

const SCREENSHOTS = fileURLToPath(new URL('../screenshots', import.meta.url));

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Every name but this machine's fails to resolve, as on a network without internet.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** How a page is visited. */
export interface VisitOptions {
  /** The visitor's address, told by the trusted proxy that the suite plays. */
  readonly from?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Whether pages may run scripts; they may by default. */
  readonly scripts?: 'on' | 'off';
  /** What a browser that was here before has kept: its cookies and stored values. */
  readonly session?: Awaited<ReturnType<BrowserContext['storageState']>>;
}

/** One page in a browser profile of its own. */
export interface Visit {
  readonly page: Page;
  /** What the page asked other machines for, such as `image assets.example.com`. None of it was answered. */
  readonly outside: readonly string[];
  /** Uncaught errors of the page's scripts. */
  readonly errors: readonly string[];
}

/** Opens pages for the tests of one file. */
export class Pages {
  #browser: Browser | undefined;
  #open: { readonly context: BrowserContext; readonly page: Page; readonly traffic: Traffic }[] = [];

  /** Starts the browser. Rejects with the command that installs one when this machine has none. */
  async start(): Promise<void> {
    const executablePath = CHROMIUM.find();
    if (executablePath === undefined) throw new Error(`There is no Chromium. Install it: ${installCommand(CHROMIUM)}`);
    this.#browser = await chromium.launch({ executablePath, args: FLAGS });
  }

  /** Opens an empty page. It is closed when the test ends. */
  async visit({
    from,
    viewport = { width: 1400, height: 1000 },
    scripts = 'on',
    session,
  }: VisitOptions = {}): Promise<Visit> {
    if (this.#browser === undefined) throw new TypeError('the browser runs during tests only');
    const context = await this.#browser.newContext({
      viewport,
      acceptDownloads: true,
      javaScriptEnabled: scripts === 'on',
      ...(session === undefined ? {} : { storageState: session }),
      ...(from === undefined ? {} : { extraHTTPHeaders: { 'x-forwarded-for': from } }),
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    this.#open.push({ context, page, traffic: trafficOf(page) });
    const outside: string[] = [];
    const errors: string[] = [];
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1')
        outside.push(`${request.resourceType()} ${hostname}`);
    });
    page.on('pageerror', (error) => errors.push(error.message));
    return { page, outside, errors };
  }

  /** Closes what the test opened; of a failed test, a picture of each page stays in `e2e/screenshots` and its last traffic is printed. */
  async endTest(failedTest: string | undefined): Promise<void> {
    const open = this.#open;
    this.#open = [];
    for (const [index, { context, page, traffic }] of open.entries()) {
      if (failedTest !== undefined) {
        await mkdir(SCREENSHOTS, { recursive: true });
        const name = `${failedTest.replace(/[^a-z0-9]+/gi, '-')}-${index + 1}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, name) });
        console.log([name, ...traffic.tell()].join('\n'));
      }
      await context.close();
    }
  }

  /** Ends the browser. */
  async stop(): Promise<void> {
    await this.#browser?.close();
    this.#browser = undefined;
  }
}

/** What a page asked and was told, for the report of a failed test. */
interface Traffic {
  tell(): readonly string[];
}

/** Lines of a page's traffic that a report shows. */
const TOLD_LINES = 40;

function trafficOf(page: Page): Traffic {
  const startedAt = Date.now();
  const at = () => `${((Date.now() - startedAt) / 1000).toFixed(1)}s`;
  const waiting = new Map<Request, string>();
  const lines: string[] = [];
  const ended = (request: Request, how: string) => {
    lines.push(`  ${waiting.get(request) ?? request.url()} -> ${how} at ${at()}`);
    waiting.delete(request);
  };
  // Keys stand in addresses and headers: the address without its query says enough.
  page.on('request', (request) => {
    waiting.set(request, `${at()} ${request.method()} ${new URL(request.url()).pathname}`);
  });
  page.on('requestfailed', (request) => ended(request, request.failure()?.errorText ?? 'failed'));
  page.on('requestfinished', (request) => {
    void request.response().then(
      (response) => ended(request, String(response?.status())),
      () => ended(request, 'finished'),
    );
  });
  page.on('console', (message) => {
    if (message.type() === 'error') lines.push(`  ${at()} console: ${message.text()}`);
  });
  page.on('pageerror', (error) => lines.push(`  ${at()} uncaught: ${error.stack ?? error.message}`));
  return {
    tell: () => [
      ...lines.slice(-TOLD_LINES),
      ...[...waiting.values()].map((request) => `  ${request} -> not answered`),
    ],
  };
}

/** Registers start and stop of a browser with the test file and returns the way to open pages in it. */
export function usePages(): Pages {
  const pages = new Pages();
  beforeAll(() => pages.start());
  afterEach(({ task }) => pages.endTest(task.result?.state === 'fail' ? task.name : undefined));
  afterAll(() => pages.stop());
  return pages;
}
