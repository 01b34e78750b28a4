// Resumable uploads, as their clients know them: killed at random on both sides again and again, every file that was finished
// equals its source, and every upload that was given up is gone after its time, with what it had reserved.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../tools/services.mjs';
import { member, send } from './support/http.ts';
import { type Server, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE } from './support/suite.ts';
import { type Holder, Target } from './support/target.ts';

const KILLS = Number(process.env['RESUMABLE_KILLS'] ?? 100);
const FILES = Number(process.env['RESUMABLE_FILES'] ?? 50);
/** Every so many kills it is the server that dies. */
const SERVER_EVERY = 6;
const AT_ONCE = 8;
const CHUNK_BYTES = 32 * 1024;
/** Every so many uploads one is given up half-way. */
const ABANDON_EVERY = 10;
const ABANDONED_LIVE_SECONDS = 20;
/** A client tries again for as long as a server may take to start on a busy machine; the test itself has a limit. */
const RETRY_DELAYS = Array.from({ length: 1000 }, () => 250);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** One file on its way, by one client after another. */
interface Transfer {
  readonly name: string;
  readonly content: Buffer;
  /** The client of the moment. */
  client: Upload | undefined;
  address: string | undefined;
  /** Breaks the present client off, as the end of its process would. */
  kill(): Promise<void>;
}

describe.runIf(!REMOTE)('Uploads whose clients and server are killed', () => {
  const target = new Target();
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  let dataDir = '';
  let port = 0;
  let server: Server;
  let output = '';
  let kills = 0;
  let stopped: unknown;

  const active = new Set<Transfer>();
  const finished = new Map<string, { readonly sum: string; readonly address: string }>();
  const abandoned: string[] = [];

  async function start(): Promise<void> {
    server = await startServer({ dataDir, adminKey, port });
    target.use(server);
  }

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-resumable-'));
    port = await freePort();
    await start();
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const isBusy = () => kills < KILLS && stopped === undefined;
  const endpoint = () => `${target.baseUrl}/${target.container}/v5/tus`;

  function transfer(name: string): Transfer {
    return {
      name,
      content: randomBytes(randomInt(1, 30 * CHUNK_BYTES)),
      client: undefined,
      address: undefined,
      kill: async () => {},
    };
  }

  /** Sends until the file is there (true) or this client was killed (false). */
  function sendWith(holder: Holder, of: Transfer): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const client = new Upload(of.content, {
        endpoint: endpoint(),
        ...(of.address === undefined ? {} : { uploadUrl: of.address }),
        headers: { 'X-Filerobot-Key': holder.key },
        metadata: { filename: of.name, folder: '/killed' },
        chunkSize: CHUNK_BYTES,
        retryDelays: RETRY_DELAYS,
        // A bad line: while there is killing to be done, nothing goes fast.
        onBeforeRequest: async () => {
          if (isBusy()) await after(randomInt(0, 80));
        },
        onShouldRetry: (error) => [0, 409, 423, 503].includes(error.originalResponse?.getStatus() ?? 0),
        onUploadUrlAvailable: () => {
          of.address = client.url ?? undefined;
        },
        onSuccess: () => resolve(true),
        onError: reject,
      });
      of.client = client;
      of.kill = async () => {
        await client.abort(false);
        resolve(false);
      };
      client.start();
    });
  }

  async function deliver(holder: Holder, of: Transfer): Promise<void> {
    active.add(of);
    try {
      while (!(await sendWith(holder, of))) await after(randomInt(0, 100));
      finished.set(of.name, { sum: sha256(of.content), address: of.address ?? '' });
    } finally {
      active.delete(of);
    }
  }

  /** Kills a random client, or the server, until it was done often enough. */
  async function killAtRandom(): Promise<void> {
    while (isBusy()) {
      await after(randomInt(10, 150));
      if ((kills + 1) % SERVER_EVERY === 0) {
        await server.kill();
        output += server.output();
        kills += 1;
        await start();
        continue;
      }
      const transfers = [...active];
      const victim = transfers[randomInt(0, Math.max(1, transfers.length))];
      if (victim === undefined) continue;
      await victim.kill();
      kills += 1;
    }
  }

  let quitter: Holder;
  let quits = 0;

  test(`are finished whole and once each: ${KILLS} kills, ${FILES} files`, async () => {
    const upload = { limit_per_min: 1_000_000 };
    const holder = await target.holder({ permissions: ['FILE_UPLOAD'], upload });
    quits = Math.floor(FILES / ABANDON_EVERY);
    quitter = await target.holder({
      permissions: ['FILE_UPLOAD'],
      upload: { ...upload, max: quits },
      key_validity: { expiration_duration: 3600, finish_duration: ABANDONED_LIVE_SECONDS },
    });
    let begun = 0;
    const workers = Array.from({ length: AT_ONCE }, async () => {
      // More files than asked for, if that is what it takes to be killed so often.
      while ((begun < FILES || isBusy()) && stopped === undefined) {
        begun += 1;
        await deliver(holder, transfer(`${begun}.bin`));
      }
    });
    const killer = killAtRandom();
    await Promise.all([...workers, killer]).catch((error: unknown) => {
      stopped = error;
      throw error;
    });
    expect(kills).toBe(KILLS);
    expect(finished.size).toBeGreaterThanOrEqual(FILES);

    const listed = await target.admin('GET', 'v5/files?folder=%2Fkilled&limit=5000');
    const files = listed.list('files');
    expect(files.length).toBe(finished.size);
    for (const file of files) {
      const name = String(member(file, 'name'));
      // One version: no end that was sent again has made a second one.
      expect(member(file, 'uuid'), name).toMatch(/0000$/);
      const got = await target.admin('GET', `v4/get/${member(file, 'uuid')}`);
      expect(sha256(got.bytes), name).toBe(finished.get(name)?.sum);
      expect(member(file, 'hash.sha256'), name).toBe(finished.get(name)?.sum);
    }
    // Each address still tells its client which file it became.
    for (const [name, { address }] of [...finished].slice(0, 5)) {
      const told = await send('GET', address, { headers: { 'x-filerobot-key': holder.key } });
      expect(told.text('file.name')).toBe(name);
    }
  }, 600_000);

  test('are gone after their time when they are given up, and so is what they had reserved', async () => {
    const head = { 'tus-resumable': '1.0.0', 'x-filerobot-key': quitter.key };
    const begin = () =>
      send('POST', endpoint(), {
        headers: { ...head, 'upload-length': '100000', 'upload-metadata': `filename ${btoa('left.bin')}` },
      });
    const partial = join(dataDir, 'blobs', 'partial');
    // Clients that were killed before they learnt an address began uploads too; those live longer.
    const before = new Set(await readdir(partial));
    for (let n = 0; n < quits; n += 1) {
      const begun = await begin();
      expect(begun.status).toBe(201);
      const address = String(begun.headers.location);
      await send('PATCH', address, {
        headers: { ...head, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
        body: randomBytes(randomInt(1, 99_999)),
      });
      abandoned.push(address);
    }
    const begunAtMs = Date.now();
    expect((await begin()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    // Their reservations outlive the process.
    await server.kill();
    output += server.output();
    await start();
    expect((await begin()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect((await send('HEAD', abandoned[0] ?? '', { headers: head })).status).toBe(200);

    await after(begunAtMs + ABANDONED_LIVE_SECONDS * 1000 - Date.now() + 100);
    for (const address of abandoned) expect((await send('HEAD', address, { headers: head })).status).toBe(404);
    const deadline = Date.now() + 30_000;
    const left = async () => (await readdir(partial)).filter((name) => !before.has(name));
    while ((await left()).length > 0 && Date.now() < deadline) await after(200);
    expect(await left()).toEqual([]);
    for (let n = 0; n < quits; n += 1) expect((await begin()).status).toBe(201);
    expect((await begin()).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
  }, 120_000);

  test('leave no key in the log, however they ended', () => {
    expect(output.length).toBeGreaterThan(0);
    expectNoSecretIn(output, [adminKey, ...target.secrets]);
  });
});
