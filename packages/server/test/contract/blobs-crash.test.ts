// Kills a writing process without warning, again and again, and looks at what is left.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';

const CHILD = fileURLToPath(new URL('blobs-crash.child.ts', import.meta.url));
const KILLS = 5;
const ACKNOWLEDGED_BEFORE_KILL = 60;

async function writeUntilKilled(folder: string): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', CHILD, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === ACKNOWLEDGED_BEFORE_KILL) child.kill('SIGKILL');
  }
  expect((await exited)[1]).toBe('SIGKILL');
  // A last line without its end was cut by the kill and acknowledged nothing.
  return lines.filter((line) => /^[0-9a-f]{32} \d+ [0-9a-f]{64}$/.test(line));
}

it('keeps every acknowledged blob whole and shows nothing half-done after kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-crash-'));
  try {
    const acknowledged = new Map<string, { sizeBytes: number; sha256: string }>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      for (const line of await writeUntilKilled(folder)) {
        const [blobId = '', size = '', sha256 = ''] = line.split(' ');
        acknowledged.set(blobId, { sizeBytes: Number(size), sha256 });
      }
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_BEFORE_KILL);

    const blobs = await openDiskBlobs(folder, { random: randomBytes });
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await blobs.list(Date.now() + 60_000, cursor);
      listed.push(...page.blobIds);
      cursor = page.cursor;
    } while (cursor !== undefined);

    for (const [blobId, { sizeBytes, sha256 }] of acknowledged) {
      expect(await blobs.find(blobId), blobId).toEqual({ sizeBytes });
      const hash = createHash('sha256');
      for await (const chunk of await blobs.read(blobId)) hash.update(chunk);
      expect(hash.digest('hex'), blobId).toBe(sha256);
    }
    expect(listed).toEqual(expect.arrayContaining([...acknowledged.keys()]));
    // Finished but killed before the line was out: at most one for each writer of each process.
    expect(listed.length - acknowledged.size).toBeLessThanOrEqual(KILLS * 16);

    const leavings = await blobs.sweep(Date.now() + 60_000);
    expect(leavings).toBeGreaterThan(0);
    expect(await blobs.sweep(Date.now() + 60_000)).toBe(0);
    await blobs.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
