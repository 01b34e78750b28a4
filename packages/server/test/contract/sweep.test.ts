// Every node sweeps, all at once: what is dead goes, each thing once, and nothing that lives is touched.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Charge, ROOT } from '@latchkey/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from '../../src/adapters/disk/partial-blobs.ts';
import { openRedisCounters } from '../../src/adapters/redis/counters.ts';
import { openS3Blobs } from '../../src/adapters/s3/blobs.ts';
import { openS3PartialBlobs } from '../../src/adapters/s3/partial-blobs.ts';
import { openSql, type SqlPorts } from '../../src/adapters/sql/index.ts';
import type { Blobs } from '../../src/ports/blobs.ts';
import type { Counters } from '../../src/ports/counters.ts';
import type { PartialBlobs } from '../../src/ports/partial-blobs.ts';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';
import { redisUrl } from '../support/redis.ts';
import { createBucket, s3Url } from '../support/s3.ts';

const CHILD = fileURLToPath(new URL('./sweep.child.ts', import.meta.url));
const NODES = 3;
const [LIVE, ORPHANS, ABANDONED, LAPSED] = [60, 40, 20, 15];
const HOUR_MS = 60 * 60_000;
/** Longer than it takes to make them all. */
const HOLD_MS = 5_000;
const SYSTEM = { now: Date.now, random: (size: number) => randomBytes(size) };

/** What the operation answers. */
interface Swept {
  readonly reservations: number;
  readonly blobs: number;
  readonly uploads: number;
}

const stores = databaseAdapters.flatMap((database) => [
  { name: `${database.name} and a folder`, database, onS3: false, onRedis: false },
  ...(database.name === 'postgres' && s3Url !== undefined && redisUrl !== undefined
    ? [{ name: 'postgres, Valkey or Redis, and S3', database, onS3: true, onRedis: true }]
    : []),
]);

describe.each(stores)('three nodes that sweep at once on $name', ({ database, onS3, onRedis }) => {
  let made: TestDatabase;
  let folder = '';
  let blobsUrl = '';
  let countersUrl = '';
  let sql: SqlPorts;
  let blobs: Blobs;
  let partials: PartialBlobs;
  let counters: Counters;
  const nodes: { readonly child: ChildProcess; readonly lines: AsyncIterator<string> }[] = [];

  beforeAll(async () => {
    made = await database.create();
    folder = await mkdtemp(join(tmpdir(), 'latchkey-sweep-'));
    blobsUrl = onS3 ? await createBucket(s3Url ?? '') : `file:${join(folder, 'blobs')}`;
    const prefix = `sweep-${randomBytes(4).toString('hex')}`;
    countersUrl = onRedis ? `${prefix} ${redisUrl}` : '';
    sql = await openSql(made.url);
    const path = blobsUrl.slice('file:'.length);
    blobs = await (onS3 ? openS3Blobs(blobsUrl, SYSTEM) : openDiskBlobs(path, SYSTEM));
    partials = await (onS3 ? openS3PartialBlobs(blobsUrl, SYSTEM) : openDiskPartialBlobs(path, SYSTEM));
    counters = onRedis ? await openRedisCounters(redisUrl ?? '', { prefix }) : sql.counters;
    await sql.templates.ensureContainer('demo', 0);
    for (let n = 0; n < NODES; n += 1) {
      const args = [made.url, blobsUrl, countersUrl, join(folder, `renders-${n}`)];
      const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', CHILD, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      nodes.push({ child, lines: linesOf(child) });
    }
    for (const { lines } of nodes) expect((await lines.next()).value).toBe('ready');
  });
  afterAll(async () => {
    for (const { child } of nodes) child.kill('SIGKILL');
    await counters.close();
    await partials.close();
    await blobs.close();
    await sql.close();
    await made.drop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Three nodes sweep in the same moment, not before the given one, on clocks that are ahead by so much. */
  async function sweepAtOnce(aheadMs: number, fromMs = 0): Promise<readonly Swept[]> {
    while (Date.now() <= fromMs) await new Promise((resume) => setTimeout(resume, 50));
    for (const { child } of nodes) child.stdin?.write(`${aheadMs}\n`);
    return Promise.all(nodes.map(async ({ lines }) => JSON.parse(String((await lines.next()).value))));
  }

  function linesOf(child: ChildProcess): AsyncIterator<string> {
    if (child.stdout === null) throw new TypeError('its output is piped');
    return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  const sum = (swept: readonly Swept[], kind: keyof Swept) => swept.reduce((all, one) => all + one[kind], 0);

  const charge = (counter: string): Charge => ({
    rule: 'upload.max',
    unit: 'files',
    counter,
    limit: ABANDONED,
    windowMs: 'lifetime',
    cost: 1,
    code: 'UPLOAD_QUOTA_EXHAUSTED',
    expiresAtMs: Date.now() + 1000 * HOUR_MS,
  });
  const counter = `key:${randomBytes(4).toString('hex')}:upload`;

  async function reserve(holdMs: number, name = counter): Promise<string> {
    const admission = await counters.reserve([charge(name)], Date.now(), holdMs);
    if (!admission.admitted) throw new Error('there is room');
    return admission.id;
  }

  async function beginUpload(expiresAtMs: number, reservationId: string | undefined): Promise<string> {
    const partialId = await partials.create();
    await partials.append(partialId, 0, Readable.from([randomBytes(1000)]), { sizeMaxBytes: 1000 });
    await sql.resumables.createUpload({
      id: randomBytes(16).toString('hex'),
      container: 'demo',
      holder: 'key',
      source: undefined,
      keyIssuedAtMs: Date.now(),
      subject: undefined,
      folderPath: ROOT,
      name: partialId,
      metadata: undefined,
      claimedType: undefined,
      lengthBytes: 2000,
      description: { meta: {}, tags: {}, info: {}, productRef: undefined, productPosition: undefined },
      partialId,
      reservationId,
      createdAtMs: Date.now(),
      expiresAtMs,
      file: undefined,
    });
    return partialId;
  }

  test('remove everything dead, each once, and nothing alive', async () => {
    const write = async () => {
      const content = randomBytes(500);
      return { content, blob: await blobs.write(Readable.from([content]), { sizeMaxBytes: 1000 }) };
    };
    const live = await Promise.all(Array.from({ length: LIVE }, write));
    await sql.metadata.commitFiles(
      'demo',
      live.map(({ blob }) => newFile(`/${blob.blobId}`, { mime: 'application/octet-stream', ...blob })),
      by(Date.now()),
    );
    const orphans = await Promise.all(Array.from({ length: ORPHANS }, write));
    const abandoned: string[] = [];
    for (let n = 0; n < ABANDONED; n += 1) abandoned.push(await beginUpload(Date.now() - 1, await reserve(HOUR_MS)));
    const goingOn = await beginUpload(Date.now() + HOUR_MS, undefined);

    // Last, and together: a later reservation would give back what has lapsed by then.
    await Promise.all(Array.from({ length: LAPSED }, (_, n) => reserve(HOLD_MS, `${counter}-${n}`)));
    const lapsedMs = Date.now() + HOLD_MS;

    const now = await sweepAtOnce(0, lapsedMs);
    expect(sum(now, 'uploads')).toBe(ABANDONED);
    expect(sum(now, 'reservations')).toBe(LAPSED);
    expect(sum(now, 'blobs'), 'young bytes may belong to an upload that has yet to commit').toBe(0);
    for (const partialId of abandoned) expect(await partials.size(partialId)).toBeUndefined();
    expect(await partials.size(goingOn)).toBe(1000);
    // Everything that was held has come back, exactly once: there is room for all of it, and not for one more.
    for (let n = 0; n < ABANDONED; n += 1) await reserve(HOUR_MS);
    await expect(reserve(HOUR_MS)).rejects.toThrow('there is room');

    // An upload lives for a day, and its commit may take a moment more.
    await sweepAtOnce(24.5 * HOUR_MS);
    for (const { blob } of orphans) expect(await blobs.find(blob.blobId)).toBeDefined();
    const later = await sweepAtOnce(26 * HOUR_MS);
    expect(sum(later, 'blobs')).toBeGreaterThanOrEqual(ORPHANS);
    for (const { blob } of orphans) expect(await blobs.find(blob.blobId)).toBeUndefined();
    for (const { content, blob } of live) {
      expect(content.equals(await buffer(await blobs.read(blob.blobId)))).toBe(true);
    }
  });
});
