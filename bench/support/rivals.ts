// Other people's servers, each in a process of its own, for comparisons in the same run.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/services.mjs';

/** Another server for as long as `work` runs, in a folder of its own. */
export async function withRival(
  start: (folder: string) => Promise<{ readonly child: ChildProcess; readonly baseUrl: string }>,
  work: (baseUrl: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-rival-'));
  try {
    const { child, baseUrl } = await start(folder);
    const ended = once(child, 'exit');
    try {
      await work(baseUrl);
    } finally {
      // All of its group: npx starts the server as a child of its own, and ends without it.
      if (child.pid !== undefined) process.kill(-child.pid);
      await ended;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `@tus/server` with `@tus/file-store`: the reference implementation of the protocol. */
export async function startTusServer(folder: string) {
  const script = fileURLToPath(new URL('tus-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, folder], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, baseUrl: `http://127.0.0.1:${Number(String(line).trim())}` };
}

const S3RVER = 's3rver@3.7.1';
const READY_WITHIN_MS = 120_000;

/** s3rver, an S3 server for Node, with the bucket `bench`. It is no dependency of ours: npx fetches this very version. */
export async function startS3rver(folder: string) {
  const port = await freePort();
  const at = ['--directory', folder, '--address', '127.0.0.1', '--port', String(port)];
  const child = spawn('npx', ['--yes', S3RVER, ...at, '--configure-bucket', 'bench', '--silent'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (
    !(await fetch(baseUrl).then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`${S3RVER} did not start`);
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return { child, baseUrl };
}
