// Three nodes, one limit: never one over, whatever is killed meanwhile, and what was reserved comes back.
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../tools/services.mjs';
import { type Answer, member } from './support/http.ts';
import { type Nodes, startNodes } from './support/nodes.ts';
import { POSTGRES_URL } from './support/postgres.ts';
import { endHolds, REDIS_PROGRAM } from './support/redis.ts';
import { filesIn, LONGER_THAN_A_PART_BYTES } from './support/s3.ts';
import { REMOTE } from './support/suite.ts';
import {
  eventually,
  freshFolder,
  type Holder,
  names,
  stalledBody,
  type Target,
  untilUnderWay,
} from './support/target.ts';

/** How many requests each test makes. `CLUSTER_ADMISSIONS=100000` is the whole of what is promised and takes minutes. */
const ADMISSIONS = Number(process.env['CLUSTER_ADMISSIONS'] ?? 3000);
const AT_ONCE = 48;
const PATIENCE_MS = ADMISSIONS * 40;

const hasAll = POSTGRES_URL !== undefined && REDIS_PROGRAM !== undefined && !REMOTE;

/** What became of a crowd. `broken` are requests that a killed node did not answer. */
interface Tally {
  readonly counts: Readonly<Record<string, number>>;
  readonly broken: number;
}

/** A call that costs one of the quota and little else. */
function call(holder: Holder): Promise<Answer> {
  return holder.call('GET', 'v5/settings');
}

/** `ADMISSIONS` requests in turn to every node, each sent again - to the next node - while a store or a node is away. */
async function crowd(nodes: readonly Target[], holder: Holder, meanwhile?: (done: number) => void): Promise<Tally> {
  const counts: Record<string, number> = {};
  let broken = 0;
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < ADMISSIONS) {
      next += 1;
      for (let turn = next; ; turn += 1) {
        const node = nodes[turn % nodes.length];
        if (node === undefined) throw new TypeError('there is always a node');
        const answer = await call(holder.at(node)).catch(() => undefined);
        const outcome = answer === undefined ? 'broken' : answer.outcome;
        if (answer === undefined) broken += 1;
        else counts[outcome] = (counts[outcome] ?? 0) + 1;
        if (answer !== undefined && answer.status !== 503) break;
        await after(50);
      }
      done += 1;
      meanwhile?.(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { counts, broken };
}

/** The holder of a key whose template admits `limit` calls a day, whoever makes them. */
function limited(node: Target, limit: number): Promise<Holder> {
  return node.holder({
    permissions: ['OBJECTS_LIST'],
    key_validity: { expiration_duration: 86_400 },
    quotas: [{ per: ['template'], window: 'day', calls: limit }],
  });
}

describe.runIf(hasAll)('three nodes over PostgreSQL, Valkey or Redis and S3', () => {
  const limit = Math.floor(ADMISSIONS / 2);
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let nodes: Nodes;
  let first: Target;
  /** Uploads that a killed node held, and the key that must find their places free again. */
  let left: { readonly template: Holder['template']; readonly folder: string } | undefined;
  beforeAll(async () => {
    redis = await startRedis(REDIS_PROGRAM ?? '', { durable: true });
    nodes = await startNodes(3, POSTGRES_URL ?? '', () => ({ LATCHKEY_COUNTERS_URL: redis.url }));
    const [node] = nodes.targets;
    if (node === undefined) throw new TypeError('three nodes were started');
    first = node;
  });
  afterAll(async () => {
    await nodes?.stop();
    await redis?.stop();
  });

  test(
    'of a crowd at a node that is killed none is admitted too many, and clients see success, 429, 503 or a broken connection',
    async () => {
      const folder = freshFolder();
      const template = await first.template({
        permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
        key_validity: { expiration_duration: 1800 },
        quotas: [{ per: ['template'], window: 'lifetime', files: 2 }],
      });
      const victim = nodes.targets[2] ?? first;
      const uploader = (await first.holderOf(template)).at(victim);
      const half = 'x'.repeat(LONGER_THAN_A_PART_BYTES);
      const uploads = ['one', 'two'].map((name) => uploader.put(folder, name, stalledBody(half).body));
      const lost = Promise.allSettled(uploads);
      const inStore = async () => (await filesIn(nodes.bucketUrl)).uploads.length;
      if (nodes.bucketUrl !== undefined) await expect.poll(inStore).toBe(2);
      await untilUnderWay(uploads[1] ?? Promise.reject(), () => uploader.folders('/'));
      // Both places are taken.
      const refused = await (await first.holderOf(template)).upload(folder, 'three');
      expect(refused.outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');

      const holder = await limited(first, limit);
      let restarted: Promise<void> | undefined;
      const { counts, broken } = await crowd(nodes.targets, holder, (done) => {
        if (done < ADMISSIONS / 4 || restarted !== undefined) return;
        left = { template, folder };
        restarted = nodes.kill(2).then(() => nodes.restart(2));
      });
      await restarted;
      await lost;
      // What the node had begun in the store is no file, and stays until the sweep comes.
      if (nodes.bucketUrl !== undefined) expect(await inStore()).toBe(2);
      expect((await filesIn(nodes.bucketUrl)).objects).toEqual([]);
      const { '200': admitted = 0, '429 REQUEST_RATE_LIMITED': full = 0, ...others } = counts;
      console.log(
        `cluster: a node killed: ${admitted} of ${limit} admitted, ${full} refused, ${broken} broken`,
        others,
      );
      for (const outcome of Object.keys(others)) expect(outcome).toMatch(/^503 /);
      expect(admitted).toBeLessThanOrEqual(limit);
      // Only what was under way when the node died can have been taken without an answer.
      expect(admitted).toBeGreaterThanOrEqual(limit - AT_ONCE);
    },
    PATIENCE_MS,
  );

  test(
    'a crowd is admitted exactly as often as the limit says',
    async () => {
      const { counts } = await crowd(nodes.targets, await limited(first, limit));
      expect(counts).toEqual({ '200': limit, '429 REQUEST_RATE_LIMITED': ADMISSIONS - limit });
      console.log(`cluster: ${ADMISSIONS} at 3 nodes: ${limit} of ${limit} admitted`);
    },
    PATIENCE_MS,
  );

  test(
    'of a crowd whose counter store is killed and started again none is admitted too many, and clients see success, 429 or 503',
    async () => {
      const holder = await limited(first, limit);
      let restarted: Promise<void> | undefined;
      const { counts, broken } = await crowd(nodes.targets, holder, (done) => {
        if (done < ADMISSIONS / 4 || restarted !== undefined) return;
        restarted = redis.kill().then(() => redis.restart());
      });
      await restarted;
      const { '200': admitted = 0, '429 REQUEST_RATE_LIMITED': full = 0, ...others } = counts;
      console.log(`cluster: counters killed: ${admitted} of ${limit} admitted, ${full} refused`, others);
      for (const outcome of Object.keys(others)) expect(outcome).toMatch(/^503 /);
      expect(broken).toBe(0);
      expect(admitted).toBeLessThanOrEqual(limit);
      expect(admitted).toBeGreaterThanOrEqual(limit - AT_ONCE);
      // The crowd may have been served by one node while the others still waited before they connected again: each is back soon.
      for (const node of nodes.targets)
        await eventually(() => call(holder.at(node)), '429 REQUEST_RATE_LIMITED', 10_000);
    },
    PATIENCE_MS,
  );

  test('what the killed node had reserved for uploads is held until its time is over, and comes back by itself then', async () => {
    const { template, folder } = left ?? expect.fail('the first test has left something');
    const upload = async () => (await first.holderOf(template)).upload(folder, 'later');
    expect((await upload()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    await endHolds(redis.url);
    await eventually(upload, '200', 30_000);
    const seen = await first.admin('GET', `v5/files?folder=${folder}`);
    expect(names(seen)).toEqual(['later']);
    const uuid = member(seen.list('files')[0], 'uuid');
    // Where there is a bucket, every node has the bytes.
    for (const node of nodes.bucketUrl === undefined ? [] : nodes.targets) {
      expect((await node.admin('GET', `v4/get/${uuid}`)).bytes.toString()).toBe('later');
    }
  });
});
