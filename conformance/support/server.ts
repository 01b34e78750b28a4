// Runs the built server as a process of its own, so that the suite meets exactly what an operator starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/services.mjs';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const MAIN = join(ROOT, 'packages/server/dist/latchkey.js');

/** A server takes this long to start on a slow machine that is busy with something else. */
const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;

/** What a server is started with; everything has a default that fits the suite. */
export interface ServerOptions {
  readonly container?: string;
  /** Continue with this data folder instead of a new one. The caller removes it. */
  readonly dataDir?: string;
  readonly adminKey?: string;
  /** Listen here instead of on any free port, so that addresses that were handed out stay good. */
  readonly port?: number;
  /** Another copy of the program. */
  readonly main?: string;
  /** More settings by their environment names. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface Server {
  readonly baseUrl: string;
  readonly container: string;
  readonly adminKey: string;
  readonly dataDir: string;
  readonly pid: number;
  /** Everything the process has written so far to stdout and stderr. */
  output(): string;
  /** Ends the process as an operator does (SIGTERM) and removes a data folder that was made for it. Answers its exit code. Rejects, with its
   *  output, when it had ended by itself. */
  stop(): Promise<number | null>;
  /** Ends the process as a power cut does (SIGKILL); the data folder stays. */
  kill(): Promise<void>;
}

/** Starts a server and resolves when it reports ready. Rejects with its output when it ends before that. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  if (!existsSync(MAIN)) throw new Error('The server is not built: run `npm run build` first.');
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'latchkey-conformance-')));
  const adminKey = options.adminKey ?? `conformance-admin-${randomBytes(16).toString('hex')}`;
  const container = options.container ?? 'demo';
  const port = options.port ?? (await freePort());
  const corpora = process.env['CORPORA_DIR'];
  const child = spawn(process.execPath, [options.main ?? MAIN], {
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A clean environment: settings of the shell that runs the suite must not decide what is tested.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_ADMIN_KEY: adminKey,
      LATCHKEY_CONTAINER: container,
      LATCHKEY_TRUSTED_PROXIES: '127.0.0.1/32',
      ...(corpora === undefined ? {} : { LATCHKEY_GEO_DB: resolve(ROOT, corpora, 'geo/GeoLite2-Country-Test.mmdb') }),
      ...options.settings,
    },
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString('utf8');
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  let expected = false;
  const end = async (signal: NodeJS.Signals) => {
    const byItself = !expected && (child.exitCode !== null || child.signalCode !== null);
    expected = true;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    if (byItself) throw new Error(`The server ended by itself (${child.exitCode ?? child.signalCode}).\n${output()}`);
  };
  const baseUrl = `http://127.0.0.1:${port}`;
  try {
    await untilReady(baseUrl, child);
  } catch (cause) {
    await end('SIGKILL').catch(() => undefined);
    throw new Error(`The server did not become ready.\n${output()}`, { cause });
  }
  return {
    baseUrl,
    container,
    adminKey,
    dataDir,
    pid: child.pid ?? 0,
    output,
    stop: async () => {
      try {
        await end('SIGTERM');
        return child.exitCode;
      } finally {
        if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
      }
    },
    kill: () => end('SIGKILL'),
  };
}

/** Runs a command of the program to its end, on the store that the settings name, and answers what it wrote. Rejects, with that, when it fails. */
export async function runCommand(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...settings },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((done) => child.once('close', () => done()));
  const output = Buffer.concat(chunks).toString('utf8');
  if (child.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${child.exitCode}:\n${output}`);
  return output;
}

async function untilReady(baseUrl: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    try {
      const answer = await fetch(`${baseUrl}/health/ready`);
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch {
      // Nobody listens yet: asked again below.
    }
    if (Date.now() > deadline) throw new Error('it took too long');
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}
