// How soon after its start does the service hand out the first access key?
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../conformance/support/server.ts';
import { Target } from '../conformance/support/target.ts';
import { freePort } from '../tools/services.mjs';
import { alternate } from './support/measure.ts';
import { figure, ratio, report } from './support/report.ts';

const MAIN = fileURLToPath(new URL('../packages/server/dist/latchkey.js', import.meta.url));
const BARE = fileURLToPath(new URL('support/bare-server.mjs', import.meta.url));
const KEY_SOON_MS = 60_000;

/** Milliseconds from the start of the process until `url` answers with success. */
async function untilAnswer(child: ChildProcess, url: string): Promise<number> {
  const began = performance.now();
  try {
    for (;;) {
      const answer = await fetch(url).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok === true) return performance.now() - began;
      if (child.exitCode !== null || performance.now() - began > KEY_SOON_MS) throw new Error(`${url} never answered`);
      await new Promise((wake) => setTimeout(wake, 5));
    }
  } finally {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}

// A template on a data folder that has been used before: what a restart finds.
const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-start-'));
try {
  const first = await startServer({ dataDir });
  const ours = new Target();
  ours.use(first);
  const { id } = await ours.template({ permissions: ['OBJECTS_LIST'], issue: { limit_per_ip_per_min: 1_000_000 } });
  await first.stop();
  const result = await alternate({
    ours: async () => {
      const port = await freePort();
      const env = {
        PATH: process.env['PATH'] ?? '',
        HOST: '127.0.0.1',
        PORT: String(port),
        LATCHKEY_DATA_DIR: dataDir,
        LATCHKEY_ADMIN_KEY: first.adminKey,
        LATCHKEY_CONTAINER: first.container,
      };
      const child = spawn(process.execPath, [MAIN], { cwd: dataDir, stdio: 'ignore', env });
      return untilAnswer(child, `http://127.0.0.1:${port}/${first.container}/key/${id}`);
    },
    node: async () => {
      const began = performance.now();
      const child = spawn(process.execPath, [BARE, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = await once(child.stdout, 'data');
      const startMs = performance.now() - began;
      return startMs + (await untilAnswer(child, `http://127.0.0.1:${Number(String(line).trim())}/`));
    },
  });
  await report(import.meta.url, {
    head: ['', 'milliseconds', 'to bare'],
    rows: [
      ['the first access key', figure(result.ours), ratio(result.ours, result.node)],
      ['the first answer of bare node:http', figure(result.node), ''],
    ],
  });
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
