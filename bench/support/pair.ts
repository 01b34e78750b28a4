// The two servers of a comparison: ours as it is installed, and a bare node:http, each in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Server, startServer } from '../../conformance/support/server.ts';
import { Target } from '../../conformance/support/target.ts';

/** The bare server: paths answer what was put there before. */
export interface Bare {
  readonly baseUrl: string;
  readonly pid: number;
  /** Lets the path answer with these bytes as JSON. */
  answer(path: string, body: Uint8Array): Promise<void>;
  /** Lets `/file` deliver these bytes from the disk. */
  file(bytes: Uint8Array): Promise<void>;
}

/** Both servers of a comparison. */
export interface Pair {
  readonly ours: Target;
  readonly server: Server;
  readonly bare: Bare;
}

/** Starts both servers, runs the comparison and stops them. */
export async function withPair(compare: (pair: Pair) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  const server = await startServer();
  const ours = new Target();
  ours.use(server);
  const child = spawn(process.execPath, [fileURLToPath(new URL('bare-server.mjs', import.meta.url)), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const baseUrl = `http://127.0.0.1:${await portOf(child)}`;
    const answer = async (path: string, body: Uint8Array) => {
      await fetch(`${baseUrl}/answers${path}`, { method: 'PUT', body: Uint8Array.from(body) });
    };
    const file = async (bytes: Uint8Array) => {
      await writeFile(join(folder, 'file'), bytes);
      await answer('/file', bytes);
    };
    await compare({ ours, server, bare: { baseUrl, pid: child.pid ?? 0, answer, file } });
  } finally {
    child.kill();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new TypeError('the bare server tells its port on stdout');
  const [line] = await once(child.stdout, 'data');
  return Number(String(line).trim());
}
