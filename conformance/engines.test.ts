// PostgreSQL, Valkey or Redis and S3 under two nodes: killed while files are uploaded, gone for a while, and emptied one by one.
import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startS3 } from '../tools/s3-server.mjs';
import { freePort, startPostgresql, startRedis } from '../tools/services.mjs';
import { type Answer, member } from './support/http.ts';
import { POSTGRES_PROGRAMS, run } from './support/postgres.ts';
import { endHolds, forgetAll, heldReservations, REDIS_PROGRAM } from './support/redis.ts';
import { CAN_START_S3, contentsOf, createBucket, putObject, takeObject } from './support/s3.ts';
import { type Server, type ServerOptions, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE } from './support/suite.ts';
import { eventually, freshFolder, type Holder, names, stalledBody, Target, untilUnderWay } from './support/target.ts';

const UPLOADS = 1000;
/** What `orphans` answers when nothing is left behind. */
const NO_ORPHANS = { objectsWithoutRecord: [], recordsWithoutObject: [], uploads: [], reservations: [] };
const AT_ONCE = 16;
/** Every so many uploads is one of several parts. */
const LARGE_EVERY = 250;
const LARGE_BYTES = 9 * 1024 * 1024;
/** What clients may be told while something is away; a connection may be lost, too. */
const TEMPORARY = /^(503 (STORE|COUNTERS)_UNAVAILABLE|503 SHUTTING_DOWN|429 \w+)$/;
/** What an upload that has ended can leave until the sweep comes: it spares what is younger than a day. */
const TWO_DAYS_MS = 2 * 24 * 3_600_000;
const LATE_CLOCK = `data:text/javascript,${encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${TWO_DAYS_MS};`)}`;
/** No request waits longer for an engine that is dead, on a busy machine too. */
const REFUSED_WITHIN_SECONDS = 30;
/** How long a store may be silent (`LATCHKEY_BLOBS_STALL_MS`). */
const STALL_SECONDS = 10;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A node, and the processes that have been it. */
class Node {
  readonly target = new Target();
  readonly #options: ServerOptions;
  #server: Server | undefined;
  /** What all of its processes have written. */
  output = '';

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#server = await startServer(this.#options);
    this.target.use(this.#server);
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
    this.output += this.#server?.output() ?? '';
    this.#server = undefined;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.output += this.#server?.output() ?? '';
    this.#server = undefined;
  }
}

const hasAll = POSTGRES_PROGRAMS !== undefined && REDIS_PROGRAM !== undefined && CAN_START_S3;

describe.runIf(!REMOTE && hasAll)('PostgreSQL, Valkey or Redis and S3 under two nodes', () => {
  let postgres: Awaited<ReturnType<typeof startPostgresql>>;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let s3: Awaited<ReturnType<typeof startS3>>;
  let bucket = '';
  let folder = '';
  let settings: Readonly<Record<string, string>>;
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  const nodes: Node[] = [];
  /** Everything whose upload was acknowledged: path -> checksum. */
  const acknowledged = new Map<string, string>();
  let holder: Holder;
  const outcomes: Record<string, number> = {};

  const node = (n: number): Node => {
    const found = nodes[n % nodes.length];
    if (found === undefined) throw new RangeError('there are nodes');
    return found;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-engines-'));
    [postgres, redis, s3] = await Promise.all([
      startPostgresql(POSTGRES_PROGRAMS ?? '', { durable: true }),
      startRedis(REDIS_PROGRAM ?? ''),
      startS3(freePort),
    ]);
    bucket = await createBucket(s3.url);
    settings = {
      LATCHKEY_DATABASE_URL: postgres.url,
      LATCHKEY_COUNTERS_URL: redis.url,
      LATCHKEY_BLOBS_URL: bucket,
      LATCHKEY_SIGNING_SECRETS: `s1:${randomBytes(32).toString('hex')}`,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    for (const name of ['a', 'b', 'late']) await mkdir(join(folder, name));
    for (const name of ['a', 'b']) {
      nodes.push(new Node({ settings, adminKey, dataDir: join(folder, name), port: await freePort() }));
    }
    for (const each of nodes) await each.start();
    holder = await node(0).target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'], upload: { max: 100_000 } });
  }, 180_000);
  afterAll(async () => {
    for (const each of nodes) await each.stop();
    await Promise.all([postgres?.stop(), redis?.stop(), s3?.stop()]);
    if (folder !== '') await rm(folder, { recursive: true, force: true });
    const secrets = nodes.flatMap(({ target }) => [...target.secrets, adminKey]);
    for (const { output } of nodes) expectNoSecretIn(output, secrets);
  });

  /** Sends it to one node after the other until one has acknowledged it, as patient clients do. */
  async function deliver(n: number, path: string, name: string, bytes: Buffer): Promise<void> {
    for (let attempt = n; ; attempt += 1) {
      const client = holder.at(node(attempt).target);
      const sending = bytes.length < LARGE_BYTES ? client.upload(path, name, bytes) : client.put(path, name, bytes);
      const outcome = await sending.then(
        (answer) => answer.outcome,
        () => 'connection lost',
      );
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome === '200') break;
      await after(50);
    }
    acknowledged.set(`${path}/${name}`, sha256(bytes));
  }

  /** Every file the store shows: path -> checksum of what it delivers. */
  async function downloadAll(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let offset = 0, total = 1; offset < total; ) {
      const page = await node(0).target.admin('GET', `v5/files?folder=%2F&recursive=1&limit=500&offset=${offset}`);
      const files = page.list('files').values();
      total = Number(page.at('info.total_files_count'));
      const read = async () => {
        for (const file of files) {
          const answer = await node(offset).target.admin('GET', `v4/get/${member(file, 'uuid')}`);
          expect(answer.status).toBe(200);
          found.set(String(member(file, 'url.path')), sha256(answer.bytes));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, read));
      offset += page.list('files').length;
    }
    return found;
  }

  /** What the bucket holds and no record names, the other way round, and uploads that have not ended. */
  async function orphans() {
    const { objects, uploads } = await contentsOf(bucket);
    const rows = await run(postgres.url, 'SELECT DISTINCT blob_id FROM file_versions');
    const named = new Set(rows.map((row) => `objects/${row['blob_id']}`));
    const objectsWithoutRecord = objects.filter((key) => !named.has(key));
    const there = new Set(objects);
    const recordsWithoutObject = [...named].filter((key) => !there.has(key));
    return { objectsWithoutRecord, recordsWithoutObject, uploads, reservations: await heldReservations(redis.url) };
  }

  /** A node that believes that two days have passed: it sweeps at its start, as every node does. */
  async function sweepLater(): Promise<void> {
    await endHolds(redis.url);
    const late = await startServer({
      settings: { ...settings, NODE_OPTIONS: `--import=${LATE_CLOCK}` },
      adminKey,
      dataDir: join(folder, 'late'),
    });
    await expect.poll(() => late.output(), { timeout: 30_000 }).toMatch(/sweep\.(done|failed)/);
    expect(late.output()).not.toContain('sweep.failed');
    await late.stop();
  }

  test(`killed during ${UPLOADS} uploads, nothing acknowledged is lost or damaged, and clients are told to come again`, async () => {
    const path = freshFolder();
    let next = 0;
    const upload = async () => {
      while (next < UPLOADS) {
        const n = next++;
        const size = n % LARGE_EVERY === LARGE_EVERY - 1 ? LARGE_BYTES + randomInt(1_000_000) : randomInt(1, 20_000);
        await deliver(n, path, `${n}.bin`, randomBytes(size));
      }
    };
    // What a node that is killed has under way leaves a part in the bucket and a reservation, for certain.
    const single = await node(0).target.holder({ permissions: ['FILE_UPLOAD'], upload: { max: 1 } });
    const stalled = stalledBody('x'.repeat(LARGE_BYTES));
    const underWay = single.put(path, 'never.bin', stalled.body);
    underWay.catch(() => undefined);
    // Only then does it hold the one place: asked for earlier, the other node could take that.
    await expect.poll(async () => (await contentsOf(bucket)).uploads.length, { timeout: 20_000 }).toBe(1);
    const again = () => single.at(node(1).target).upload(path, 'second.bin');
    await untilUnderWay(underWay, again);
    expect((await again()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');

    const reached = async (count: number) => {
      while (acknowledged.size < count) await after(10);
    };
    const restartNode = async (n: number) => {
      await node(n).kill();
      await node(n).start();
    };
    const kills: readonly (() => Promise<void>)[] = [
      () => restartNode(0),
      async () => {
        await postgres.kill();
        await postgres.restart();
      },
      async () => {
        await s3.kill();
        await s3.restart();
      },
      () => restartNode(1),
      async () => {
        await Promise.all([postgres.kill(), s3.kill(), node(0).kill()]);
        await Promise.all([postgres.restart(), s3.restart()]);
        await node(0).start();
      },
    ];
    const killing = async () => {
      for (const [index, kill] of kills.entries()) {
        await reached(Math.floor(((index + 1) * UPLOADS) / (kills.length + 1)));
        await kill();
      }
    };
    await Promise.all([killing(), ...Array.from({ length: AT_ONCE }, upload)]);
    stalled.goOn();

    console.log(`  answers while engines and nodes were killed: ${JSON.stringify(outcomes)}`);
    expect(acknowledged.size).toBe(UPLOADS);
    expect(outcomes['connection lost']).toBeGreaterThan(0);
    for (const outcome of Object.keys(outcomes)) {
      if (outcome !== '200' && outcome !== 'connection lost') expect(outcome).toMatch(TEMPORARY);
    }

    // Before the sweep there is something to sweep; after it there is nothing, and what was reserved is free again.
    const before = await orphans();
    expect(before.recordsWithoutObject).toEqual([]);
    expect(before.uploads.length).toBeGreaterThan(0);
    expect(before.reservations.length).toBeGreaterThan(0);
    console.log(
      `  left behind: ${before.objectsWithoutRecord.length} objects, ${before.uploads.length} uploads, ${before.reservations.length} reservations`,
    );
    await sweepLater();
    expect(await orphans()).toEqual(NO_ORPHANS);
    expect(await downloadAll()).toEqual(acknowledged);
    expect((await again()).outcome).toBe('200');
    expect((await again()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
  }, 600_000);

  /** Sends requests while an engine is dead: they are refused in bounded time, all of them. */
  async function refused(ask: (n: number) => Promise<Answer>, outcome: RegExp): Promise<number> {
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n)));
    const seconds = (performance.now() - began) / 1000;
    for (const answer of answers) {
      expect(answer.outcome).toMatch(outcome);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(seconds).toBeLessThan(REFUSED_WITHIN_SECONDS);
    return seconds;
  }

  /** Readiness is looked into at most once a second, and told from memory in between. */
  const isReady = (target: Target, ready: boolean) =>
    expect
      .poll(async () => (await target.call('GET', '/health/ready')).status, { timeout: 30_000 })
      .toBe(ready ? 200 : 503);

  test('without PostgreSQL everything is answered 503 in bounded time, and works again, without a restart, when it is back', async () => {
    const path = freshFolder();
    await postgres.kill();
    await refused((n) => holder.at(node(n).target).upload(path, `${n}.txt`), /^503 STORE_UNAVAILABLE$/);
    await refused((n) => holder.at(node(n).target).list(path), /^503 STORE_UNAVAILABLE$/);
    for (const { target } of nodes) await isReady(target, false);
    await postgres.restart();
    for (const [n, { target }] of nodes.entries()) {
      await eventually(() => holder.at(target).upload(path, `after-${n}.txt`), '200', 30_000);
      await isReady(target, true);
    }
    expect(names(await holder.list(path))).toEqual(['after-0.txt', 'after-1.txt']);
  });

  test('without S3 bytes are answered 503 in bounded time and lists go on, and bytes come again when it is back', async () => {
    const path = freshFolder();
    const { uuid } = await node(0).target.seed(path, 'before.txt', 'before');
    await s3.kill();
    await refused((n) => holder.at(node(n).target).upload(path, `${n}.txt`), /^503 STORE_UNAVAILABLE$/);
    await refused((n) => node(n).target.admin('GET', `v4/get/${uuid}`), /^503 STORE_UNAVAILABLE$/);
    expect(names(await holder.list(path))).toEqual(['before.txt']);
    await s3.restart();
    const { answer } = await eventually(() => node(1).target.admin('GET', `v4/get/${uuid}`), '200', 30_000);
    expect(answer.bytes.toString()).toBe('before');
    await eventually(() => holder.upload(path, 'after.txt'), '200', 30_000);
  });

  test('while S3 is frozen bytes are answered 503 in bounded time and lists go on; nothing half-done stays, and all works again when it thaws', async () => {
    const path = freshFolder();
    const { uuid } = await node(0).target.seed(path, 'before.txt', 'before');
    const single = await node(0).target.holder({ permissions: ['FILE_UPLOAD'], upload: { max: 1 } });
    const half = stalledBody('x'.repeat(LARGE_BYTES), 'x');
    const underWay = single.put(path, 'half.bin', half.body);
    await untilUnderWay(underWay, () => holder.list(path));
    await expect.poll(async () => (await contentsOf(bucket)).uploads.length).toBe(1);

    await s3.freeze();
    const seconds: Record<string, number> = {};
    try {
      const begun = performance.now();
      half.goOn();
      const given = underWay.then(({ outcome }) => {
        seconds['an upload that was under way'] = (performance.now() - begun) / 1000;
        return outcome;
      });
      const ready = Promise.all(nodes.map(({ target }) => isReady(target, false))).then(() => {
        seconds['readiness'] = (performance.now() - begun) / 1000;
      });
      seconds['uploads'] = await refused(
        (n) => holder.at(node(n).target).upload(path, `${n}.txt`),
        /^503 STORE_UNAVAILABLE$/,
      );
      seconds['downloads'] = await refused(
        (n) => node(n).target.admin('GET', `v4/get/${uuid}`),
        /^503 STORE_UNAVAILABLE$/,
      );
      seconds['large uploads'] = await refused(
        (n) => holder.at(node(n).target).put(path, `${n}.bin`, randomBytes(LARGE_BYTES)),
        /^503 STORE_UNAVAILABLE$/,
      );
      expect(await given).toBe('503 STORE_UNAVAILABLE');
      await ready;
      // Its part may have been in the middle of its way: what the system takes in of that is a movement, too, after which silence begins anew.
      expect(seconds['an upload that was under way']).toBeLessThan(REFUSED_WITHIN_SECONDS + STALL_SECONDS);
      expect(names(await holder.list(path))).toEqual(['before.txt']);
      // What it took is free again by now.
      expect((await single.upload(path, 'second.txt')).outcome).toBe('503 STORE_UNAVAILABLE');
    } finally {
      await s3.thaw();
    }
    const told = Object.entries(seconds).map(([what, each]) => `${what} ${each.toFixed(1)} s`);
    console.log(`  until 503 while S3 was frozen: ${told.join(', ')}`);

    const { answer } = await eventually(() => node(1).target.admin('GET', `v4/get/${uuid}`), '200', 30_000);
    expect(answer.bytes.toString()).toBe('before');
    for (const { target } of nodes) await isReady(target, true);
    await eventually(() => single.at(node(1).target).upload(path, 'after.txt'), '200', 30_000);
    expect((await single.upload(path, 'third.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(names(await holder.list(path))).toEqual(['after.txt', 'before.txt']);
    await sweepLater();
    expect(await orphans()).toEqual(NO_ORPHANS);
  }, 240_000);

  // What docs/explanation/engines.md says of each loss.

  test('an object that is lost is one file that cannot be read, and is there again when it is put back', async () => {
    const path = freshFolder();
    const { uuid } = await node(0).target.seed(path, 'lost.txt', 'lost and found');
    await node(0).target.seed(path, 'other.txt', 'other');
    const [row] = await run(postgres.url, `SELECT blob_id FROM files WHERE name = 'lost.txt'`);
    const key = `objects/${row?.['blob_id']}`;
    const bytes = await takeObject(bucket, key);
    expect((await node(1).target.admin('GET', `v4/get/${uuid}`)).outcome).toBe('404 FILE_NOT_FOUND');
    expect(names(await holder.list(path))).toEqual(['lost.txt', 'other.txt']);
    await putObject(bucket, key, bytes);
    expect((await node(1).target.admin('GET', `v4/get/${uuid}`)).bytes.toString()).toBe('lost and found');
  });

  test('a store of counters that has lost everything starts limits anew, and nothing else changes', async () => {
    const path = freshFolder();
    const limited = await node(0).target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'], upload: { max: 1 } });
    expect((await limited.upload(path, 'first.txt')).outcome).toBe('200');
    expect((await limited.upload(path, 'second.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    await forgetAll(redis.url);
    expect(names(await limited.list(path))).toEqual(['first.txt']);
    expect((await limited.at(node(1).target).upload(path, 'second.txt')).outcome).toBe('200');
    expect((await limited.upload(path, 'third.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
  });

  test('a node that has lost its data folder goes on with an empty one', async () => {
    await node(1).kill();
    await rm(join(folder, 'b'), { recursive: true });
    await mkdir(join(folder, 'b'));
    await node(1).start();
    expect((await holder.at(node(1).target).upload(freshFolder(), 'after.txt')).outcome).toBe('200');
  });

  test('a database that is restored from a copy has every file of then, whole, and what came later goes with the sweep', async () => {
    const path = freshFolder();
    const { uuid } = await node(0).target.seed(path, 'then.txt', 'then');
    const program = (name: string) => join(POSTGRES_PROGRAMS ?? '', name);
    const copy = join(folder, 'copy.dump');
    await promisify(execFile)(program('pg_dump'), ['--format=custom', `--file=${copy}`, postgres.url]);
    await node(0).target.seed(path, 'later.txt', 'later');
    for (const each of nodes) await each.stop();
    await promisify(execFile)(program('pg_restore'), ['--clean', '--if-exists', `--dbname=${postgres.url}`, copy]);
    for (const each of nodes) await each.start();
    expect(names(await holder.list(path))).toEqual(['then.txt']);
    expect((await node(1).target.admin('GET', `v4/get/${uuid}`)).bytes.toString()).toBe('then');
    expect((await orphans()).objectsWithoutRecord).toHaveLength(1);
    await sweepLater();
    expect(await orphans()).toMatchObject({ objectsWithoutRecord: [], recordsWithoutObject: [] });
  }, 180_000);
});
