// Limits are exact: a thousand requests at once admit as many as the limit says, on every store that counts.
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from './support/http.ts';
import { createDatabase, POSTGRES_URL } from './support/postgres.ts';
import { REDIS_URL } from './support/redis.ts';
import { type Server, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE, useRemote } from './support/suite.ts';
import {
  type Fields,
  freshAddress,
  freshFolder,
  type Holder,
  stalledBody,
  Target,
  untilUnderWay,
} from './support/target.ts';

const CROWD = 1000;

/** How often each outcome occurred. */
function tally(answers: readonly Turn[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** A store that is too busy says so and admits nothing: its clients ask again, as Retry-After tells them. */
const BUSY = /^503 (COUNTERS|STORE)_UNAVAILABLE$/;

/** What a request came to, and when it was sent and answered. */
interface Turn {
  readonly outcome: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Sends `CROWD` requests at once, and answers the last answer to each: what found the store busy is sent again, and so is what was
 * refused while those held room that a busy store could not take back yet. `isComplete` tells when there is none of that room left.
 */
async function crowd(
  ask: (n: number) => Promise<Answer>,
  isComplete: (answers: readonly Turn[]) => boolean,
): Promise<Crowd> {
  const timed = async (n: number): Promise<Turn> => {
    const fromMs = performance.now();
    const { outcome } = await ask(n);
    return { outcome, fromMs, toMs: performance.now() };
  };
  const numbers = Array.from({ length: CROWD }, (_, n) => n);
  const answers = await Promise.all(numbers.map(timed));
  const again = async (chosen: (outcome: string) => boolean) => {
    const ones = [...answers.entries()].filter(([, { outcome }]) => chosen(outcome));
    const turns = await Promise.all(ones.map(async ([n]) => [n, await timed(n)] as const));
    for (const [n, turn] of turns) answers[n] = turn;
  };
  const told: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const now = answers.map(({ outcome }) => outcome).filter((outcome) => BUSY.test(outcome));
    if (now.length === 0) break;
    told.push(...now);
    await again((outcome) => BUSY.test(outcome));
  }
  for (let round = 0; told.length > 0 && round < 5 && !isComplete(answers); round += 1) {
    await after(1500);
    await again((outcome) => outcome !== '200');
  }
  const brokenOff = told.filter((outcome) => outcome === '503 STORE_UNAVAILABLE').length;
  // Said aloud: an upload among these may leave one fewer than the limit.
  if (told.length > 0)
    console.log(`exactness: ${told.length} answers of a busy store, ${brokenOff} of them of the one with the records`);
  return { answers, brokenOff };
}

/** A crowd's last answers, and how many answers of the store with the records were that it could not be reached. */
interface Crowd {
  readonly answers: readonly Turn[];
  readonly brokenOff: number;
}

const admitted = (answers: readonly Turn[]) => answers.filter(({ outcome }) => outcome === '200');
/** Whether so many were admitted, or more. */
const reaches = (limit: number) => (answers: readonly Turn[]) => admitted(answers).length >= limit;

/** The most of those that were admitted within any one minute for certain: asked for and answered in it. */
function mostInMinute(answers: readonly Turn[]): number {
  const turns = admitted(answers);
  const within = ({ fromMs }: Turn) => turns.filter((one) => one.fromMs >= fromMs && one.toMs < fromMs + 60_000);
  return Math.max(...turns.map((first) => within(first).length));
}

/** Expects exactly `limit` of the answers, and one refusal for all others. */
function expectExactly(limit: number, answers: readonly Turn[], refusal: string): void {
  expect(tally(answers)).toEqual({ '200': limit, [refusal]: answers.length - limit });
}

/**
 * The same of uploads. One that the store broke off at its end may be stored and keeps its room, so that each of those may leave one fewer,
 * and never one more.
 */
function expectUploads(limit: number, { answers, brokenOff }: Crowd, refusal: string): void {
  if (brokenOff === 0) expectExactly(limit, answers, refusal);
  expect(admitted(answers).length).toBeLessThanOrEqual(limit);
  expectAtLeast(limit - brokenOff, answers, refusal);
}

function expectAtLeast(least: number, answers: readonly Turn[], refusal: string): void {
  expect(Object.keys(tally(answers)).sort()).toEqual(['200', refusal]);
  expect(admitted(answers).length).toBeGreaterThanOrEqual(least);
}

/** Whether a crowd was through within the minute of its limit: a machine that needs longer admits more in all, though in no minute. */
function isWithinMinute(answers: readonly Turn[]): boolean {
  return Math.max(...answers.map(({ toMs }) => toMs)) - Math.min(...answers.map(({ fromMs }) => fromMs)) < 60_000;
}

/** Expects the folder to hold what was admitted, and at most what was broken off besides. */
async function expectStored(nodes: readonly Target[], folder: string, { answers, brokenOff }: Crowd): Promise<void> {
  const files = await filesIn(nodes, folder);
  expect(files).toBeGreaterThanOrEqual(admitted(answers).length);
  expect(files).toBeLessThanOrEqual(admitted(answers).length + brokenOff);
}

/** How many files a folder has according to the store. */
async function filesIn(nodes: readonly Target[], folder: string): Promise<number> {
  const answer = await turn(nodes, 0).admin('GET', `v5/files/stats?folder=${encodeURIComponent(folder)}`);
  return Number(answer.at('stats.approx_files_count'));
}

/** Starts `nodes` servers over one store before the tests of a group, and stops them after it. */
function useNodes(
  nodes: number,
  database?: () => Promise<{ readonly url: string; drop(): Promise<void> }>,
  settings: Readonly<Record<string, string>> = {},
): Target[] {
  const targets = Array.from({ length: nodes }, () => new Target());
  const servers: Server[] = [];
  let drop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    if (REMOTE && database === undefined) {
      for (const target of targets) useRemote(target);
      return;
    }
    const made = await database?.();
    drop = made?.drop;
    for (const target of targets) {
      const first = servers[0];
      const server = await startServer({
        settings: { ...(made === undefined ? {} : { LATCHKEY_DATABASE_URL: made.url }), ...settings },
        // Nodes share the first one's data folder: blobs and signing secrets.
        ...(first === undefined ? {} : { dataDir: first.dataDir, adminKey: first.adminKey }),
      });
      servers.push(server);
      target.use(server);
    }
  });
  afterAll(async () => {
    for (const server of servers.toReversed()) await server.stop();
    await drop?.();
    const secrets = targets.flatMap((target) => [...target.secrets, target.adminKey]);
    for (const server of servers) expectNoSecretIn(server.output(), secrets);
  });
  return targets;
}

/** The node whose turn it is. */
function turn(nodes: readonly Target[], n: number): Target {
  const node = nodes[n % nodes.length];
  if (node === undefined) throw new TypeError('there is always a node');
  return node;
}

/** One key, as its holder uses it at the node whose turn it is. */
async function everywhere(nodes: readonly Target[], fields: Fields): Promise<(n: number) => Holder> {
  const holder = await turn(nodes, 0).holder(fields);
  return (n) => holder.at(turn(nodes, n));
}

/** The limits on uploads, in files and time, and what gives room back. */
function uploadCases(nodes: readonly Target[]): void {
  test('upload.max 100 admits exactly 100 of 1,000 uploads at once', async () => {
    const folder = freshFolder();
    const holder = await everywhere(nodes, { permissions: ['FILE_UPLOAD'], upload: { max: 100 } });
    const crowded = await crowd((n) => holder(n).upload(folder, `${n}.txt`), reaches(100));
    expectUploads(100, crowded, '403 UPLOAD_QUOTA_EXHAUSTED');
    await expectStored(nodes, folder, crowded);
    expect(await filesIn(nodes, folder)).toBeLessThanOrEqual(100);
  });

  test('upload.limit_per_min 100 admits exactly 100 of 1,000 uploads at once', async () => {
    const folder = freshFolder();
    const holder = await everywhere(nodes, { permissions: ['FILE_UPLOAD'], upload: { limit_per_min: 100 } });
    const crowded = await crowd((n) => holder(n).upload(folder, `${n}.txt`), reaches(100));
    const { answers, brokenOff } = crowded;
    expect(mostInMinute(answers)).toBeLessThanOrEqual(100);
    if (isWithinMinute(answers)) expectUploads(100, crowded, '429 UPLOAD_RATE_LIMITED');
    else expectAtLeast(100 - brokenOff, answers, '429 UPLOAD_RATE_LIMITED');
    await expectStored(nodes, folder, crowded);
  });

  test('refused and failed uploads cost nothing: after 300 of them exactly 100 of 1,000 good ones are admitted', async () => {
    const folder = freshFolder();
    const holder = await everywhere(nodes, {
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
      upload: {
        max: 100,
        limit_per_min: 100,
        max_total_size: 100 * 64,
        max_file_size: 1000,
        allowed_types: ['text/plain'],
      },
    });
    const faulty = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        n % 2 === 0
          ? holder(n).put(folder, `large-${n}.txt`, 'x'.repeat(1001))
          : holder(n).put(folder, `typed-${n}.txt`, '%PDF-1.4 is not plain text'),
      ),
    );
    // While a faulty one is under way it holds its share, so that some are refused for want of room; none is taken.
    for (const { outcome } of faulty) {
      expect(outcome).toMatch(/^(413 PAYLOAD_TOO_LARGE|415 MEDIA_TYPE_REFUSED|403 UPLOAD_QUOTA|429 UPLOAD_RATE|503)/);
    }
    const stop = new AbortController();
    const broken = Array.from({ length: 100 }, (_, n) => {
      const headers = { 'content-length': 64 };
      const path = `v4/upload?folder=${folder}&filename=broken-${n}.txt`;
      return holder(n).call('PUT', path, { body: stalledBody('half').body, headers, signal: stop.signal });
    });
    const settled = Promise.allSettled(broken);
    await untilUnderWay(broken[0] ?? Promise.reject(), () => holder(0).folders('/'));
    stop.abort();
    await settled;
    let stored = 0;
    let brokenOffInAll = 0;
    const outcomes: Record<string, number> = {};
    // What a broken connection held comes back when the server has noticed it: crowds are sent until nothing more fits.
    for (let wave = 0; stored < 100 && wave < 20; wave += 1) {
      const good = (n: number) => holder(n).put(folder, `good-${wave}-${n}.txt`, `${n}`.padEnd(64));
      const { answers, brokenOff } = await crowd(good, reaches(100 - stored));
      const counts = tally(answers);
      stored += counts['200'] ?? 0;
      brokenOffInAll += brokenOff;
      for (const [outcome, count] of Object.entries(counts)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
    }
    const { '200': _, ...refused } = outcomes;
    expect(stored).toBeLessThanOrEqual(100);
    expect(stored).toBeGreaterThanOrEqual(100 - brokenOffInAll);
    for (const outcome of Object.keys(refused)) expect(outcome).toMatch(/UPLOAD_QUOTA_EXHAUSTED|UPLOAD_RATE_LIMITED/);
    const more = await crowd((n) => holder(n).put(folder, `more-${n}.txt`, 'x'.repeat(64)), reaches(0));
    // What was stored is all that ever fits: nothing more is, and the folder holds no more.
    stored += admitted(more.answers).length;
    expect(stored).toBeLessThanOrEqual(100);
    expect(await filesIn(nodes, folder)).toBeLessThanOrEqual(100);
    expect(await filesIn(nodes, folder)).toBeGreaterThanOrEqual(stored);
  });
}

/** The limits by address, in bytes, on other calls and on exchanges. */
function furtherCases(nodes: readonly Target[]): void {
  test('upload.limit_per_ip_source 50 admits exactly 50 of 500 uploads at once from each of two addresses', async () => {
    const folder = freshFolder();
    const holder = await everywhere(nodes, { permissions: ['FILE_UPLOAD'], upload: { limit_per_ip_source: 50 } });
    const addresses = [freshAddress(), freshAddress()];
    const from = (n: number) => addresses[n % 4 < 2 ? 0 : 1] ?? '';
    const of = (answers: readonly Turn[], address: string) => answers.filter((_, n) => from(n) === address);
    const { answers, brokenOff } = await crowd(
      (n) =>
        holder(n)
          .with({ from: from(n) })
          .upload(folder, `${n}.txt`),
      (so) => addresses.every((address) => reaches(50)(of(so, address))),
    );
    for (const address of addresses) {
      expectUploads(50, { answers: of(answers, address), brokenOff }, '403 UPLOAD_QUOTA_EXHAUSTED');
    }
  });

  test('upload.max_total_size admits exactly its bytes of 1,000 uploads at once', async () => {
    const folder = freshFolder();
    const holder = await everywhere(nodes, { permissions: ['FILE_UPLOAD'], upload: { max_total_size: 100 * 1024 } });
    const crowded = await crowd((n) => holder(n).put(folder, `${n}.bin`, Buffer.alloc(1024)), reaches(100));
    expectUploads(100, crowded, '403 UPLOAD_QUOTA_EXHAUSTED');
  });

  test('listing.max 100 admits exactly 100 of 1,000 calls at once', async () => {
    const holder = await everywhere(nodes, { permissions: ['OBJECTS_LIST'], listing: { max: 100 } });
    const { answers } = await crowd((n) => holder(n).folders('/'), reaches(100));
    expectExactly(100, answers, '403 REQUEST_QUOTA_EXHAUSTED');
  });

  test('issue.limit_per_ip_per_min 100 admits exactly 100 of 1,000 exchanges at once', async () => {
    const stored = await turn(nodes, 0).template({ issue: { limit_per_ip_per_min: 100 } });
    const from = freshAddress();
    const { answers } = await crowd((n) => turn(nodes, n).exchange(stored, { from }), reaches(100));
    expect(mostInMinute(answers)).toBeLessThanOrEqual(100);
    if (isWithinMinute(answers)) expectExactly(100, answers, '429 KEY_RATE_LIMITED');
    else expectAtLeast(100, answers, '429 KEY_RATE_LIMITED');
  });
}

describe('Limits on SQLite are exact', () => {
  const nodes = useNodes(1);
  uploadCases(nodes);
  furtherCases(nodes);
});

describe.runIf(POSTGRES_URL !== undefined)('Limits on PostgreSQL are exact', () => {
  const nodes = useNodes(1, () => createDatabase(POSTGRES_URL ?? ''));
  uploadCases(nodes);
  furtherCases(nodes);
});

describe.runIf(POSTGRES_URL !== undefined)('Limits of two nodes over one PostgreSQL are exact', () => {
  uploadCases(useNodes(2, () => createDatabase(POSTGRES_URL ?? '')));
});

describe.runIf(POSTGRES_URL !== undefined && REDIS_URL !== undefined)(
  'Limits of three nodes over PostgreSQL and Valkey or Redis are exact',
  () => {
    const nodes = useNodes(3, () => createDatabase(POSTGRES_URL ?? ''), { LATCHKEY_COUNTERS_URL: REDIS_URL ?? '' });
    uploadCases(nodes);
    furtherCases(nodes);
  },
);
