// Acknowledged means durable: a server killed in the middle of uploads has kept what it acknowledged, and nothing else shows.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { type Server, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE } from './support/suite.ts';
import { freshFolder, multipart, Target } from './support/target.ts';

const UPLOADS = 200;
/** The kill comes after this many acknowledgements: near the start, in the middle and near the end. */
const KILL_AFTER = [5, 80, 170];

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.runIf(!REMOTE)('A server killed while 200 uploads run', () => {
  let dataDir = '';
  let output = '';
  const target = new Target();
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  /** What was acknowledged in all rounds: path of the file -> checksum of its bytes. */
  const acknowledged = new Map<string, string>();
  /** Checksums of everything that was ever sent. */
  const sent = new Set<string>();

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-crash-'));
  });
  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(): Promise<Server> {
    const server = await startServer({ dataDir, adminKey });
    target.use(server);
    return server;
  }

  /** Uploads many files at once and kills the server after some acknowledgements; remembers what was acknowledged. */
  async function killedRound(killAfter: number): Promise<number> {
    const server = await start();
    const folder = freshFolder();
    let acknowledgements = 0;
    let killed: Promise<void> | undefined;
    await Promise.allSettled(
      Array.from({ length: UPLOADS }, async (_, n) => {
        const bytes = randomBytes(randomInt(1, 512 * 1024));
        sent.add(sha256(bytes));
        const name = `${n}.bin`;
        const path = `v4/files?folder=${encodeURIComponent(folder)}`;
        const answer = await target.admin('POST', path, multipart(name, bytes));
        if (answer.status !== 200) return;
        acknowledged.set(`${folder}/${name}`, sha256(bytes));
        acknowledgements += 1;
        if (acknowledgements === killAfter) killed = server.kill();
      }),
    );
    expect(killed, 'the kill must have come').toBeDefined();
    await killed;
    output += server.output();
    return acknowledgements;
  }

  /** Every file the store shows: path -> checksum of the bytes it delivers, which must be the ones it names. */
  async function downloadAll(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let offset = 0; ; ) {
      const page = await target.admin('GET', `v5/files?folder=%2F&recursive=1&limit=500&offset=${offset}`);
      const files = page.list('files');
      for (const file of files) {
        const bytes = await target.admin('GET', `v4/get/${member(file, 'uuid')}`);
        expect(bytes.status).toBe(200);
        expect(bytes.bytes.length).toBe(member(file, 'size.bytes'));
        expect(createHash('sha1').update(bytes.bytes).digest('hex')).toBe(member(file, 'hash.sha1'));
        found.set(String(member(file, 'url.path')), sha256(bytes.bytes));
      }
      offset += files.length;
      if (files.length === 0 || offset >= Number(page.at('info.total_files_count'))) return found;
    }
  }

  for (const killAfter of KILL_AFTER) {
    test(`has kept every acknowledged file whole, shows nothing half-done and goes on (killed after ${killAfter})`, async () => {
      const acknowledgements = await killedRound(killAfter);
      expect(acknowledgements).toBeGreaterThanOrEqual(killAfter);
      const server = await start();
      try {
        const found = await downloadAll();
        for (const [path, checksum] of acknowledged) expect(found.get(path), path).toBe(checksum);
        // An upload that was committed but whose answer was lost may show, whole; nothing else may.
        for (const [path, checksum] of found) expect(sent.has(checksum), path).toBe(true);
        const folder = freshFolder();
        const bytes = randomBytes(100_000);
        sent.add(sha256(bytes));
        const file = await target.seed(folder, 'after.bin', bytes);
        acknowledged.set(`${folder}/after.bin`, sha256(bytes));
        const delivered = await target.admin('GET', `v4/get/${file['uuid']}`);
        expect(sha256(delivered.bytes)).toBe(sha256(bytes));
      } finally {
        await server.stop();
        output += server.output();
      }
    });
  }

  test('has written no key into its log, however it ended', () => {
    expect(output.length).toBeGreaterThan(0);
    expectNoSecretIn(output, [adminKey]);
  });
});
