// A backup made while the service is busy, the service killed, and the backup restored somewhere else - into the same kind of store and
// into PostgreSQL and S3: every file that was acknowledged before is there, byte for byte.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { createDatabase, POSTGRES_URL } from './support/postgres.ts';
import { createBucket, S3_URL } from './support/s3.ts';
import { runCommand, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE } from './support/suite.ts';
import { freshFolder, type Holder, multipart, Target, type Template } from './support/target.ts';

const WRITERS = 8;
/** Acknowledged before the backup begins. */
const BEFORE = 60;
/** Every so many uploads one of all files is deleted. */
const DELETE_EVERY = 5;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.runIf(!REMOTE)('A backup that was made under load', () => {
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  const folder = freshFolder();
  let root = '';
  let holder: Holder;
  let limited: Template;
  let outputs = '';
  /** Every name that was ever sent -> checksum of its bytes. */
  const sent = new Map<string, string>();
  /** Acknowledged before the backup began, and never asked to be deleted. */
  let kept: ReadonlySet<string> = new Set();

  const backup = () => join(root, 'backup');

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'latchkey-backup-'));
    const dataDir = join(root, 'store');
    await mkdir(dataDir);
    const server = await startServer({ dataDir, adminKey });
    const target = new Target();
    target.use(server);
    holder = await target.holder({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
    limited = await target.template({ permissions: ['FILE_UPLOAD'], upload: { max: 3 } });
    const uploader = await target.holderOf(limited);
    for (const name of ['one', 'two']) expect((await uploader.upload('/limited', name)).outcome).toBe('200');

    const acknowledged = new Map<string, string>();
    const deleted = new Set<string>();
    let isOver = false;
    let number = 0;
    const write = async () => {
      while (!isOver) {
        number += 1;
        const name = `${number}.bin`;
        const bytes = randomBytes(randomInt(1, 200_000));
        sent.set(name, sha256(bytes));
        const path = `v4/files?folder=${encodeURIComponent(folder)}`;
        const answer = await target.admin('POST', path, multipart(name, bytes)).catch(() => undefined);
        // The kill.
        if (answer === undefined) return;
        expect(answer.outcome).toBe('200');
        acknowledged.set(name, answer.text('file.uuid'));
        if (number % DELETE_EVERY > 0) continue;
        const living = [...acknowledged].filter(([other]) => !deleted.has(other));
        const victim = living[randomInt(living.length)];
        if (victim === undefined) continue;
        deleted.add(victim[0]);
        await target.admin('DELETE', `v4/files/${victim[1]}`).catch(() => undefined);
      }
    };
    const writers = Array.from({ length: WRITERS }, write);
    while (acknowledged.size < BEFORE) await new Promise((resume) => setTimeout(resume, 20));
    const before = [...acknowledged.keys()];
    outputs += await runCommand(['backup', backup()], { LATCHKEY_DATA_DIR: dataDir });
    const grown = acknowledged.size;
    await server.kill();
    isOver = true;
    await Promise.all(writers);
    kept = new Set(before.filter((name) => !deleted.has(name)));
    outputs += server.output();
    expect(grown, 'the service must have been busy meanwhile').toBeGreaterThan(before.length);
    expect(deleted.size).toBeGreaterThan(0);
    expect(kept.size).toBeGreaterThan(0);
    await rm(dataDir, { recursive: true });
  }, 180_000);
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  test('says what it did, keeps the secrets from others, and has no key in it', async () => {
    expect(outputs).toMatch(/Backed up to .*: \d+ contents of \d+ bytes, \d+ of them new\./);
    expect((await stat(join(backup(), 'signing-secrets.json'))).mode & 0o077).toBe(0);
    const manifest = await readFile(join(backup(), 'manifest.json'), 'utf8');
    expectNoSecretIn(outputs + manifest, [adminKey, holder.key]);
  });

  /** Restores into the store of the settings, and looks at every file through a server on it. */
  async function restoredIs(dataDir: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const all = { LATCHKEY_DATA_DIR: dataDir, ...settings };
    const said = await runCommand(['restore', backup()], all);
    expect(said).toMatch(/Restored the backup of 20.*contents of .*\nKeys that were in use go on working/);
    await expect(runCommand(['restore', backup()], all)).rejects.toThrow(/not empty/);
    const server = await startServer({ dataDir, adminKey, settings });
    try {
      const target = new Target();
      target.use(server);
      // The key of before still opens: its secret and its template came along.
      const reader = holder.at(target);
      const found = new Map<string, string>();
      for (let offset = 0; ; ) {
        const page = await reader.list(folder, `&limit=200&offset=${offset}`);
        expect(page.outcome).toBe('200');
        const files = page.list('files');
        for (const file of files) {
          const bytes = await reader.call('GET', `v4/get/${member(file, 'uuid')}`);
          expect(bytes.outcome, String(member(file, 'name'))).toBe('200');
          found.set(String(member(file, 'name')), sha256(bytes.bytes));
        }
        offset += files.length;
        if (files.length === 0) break;
      }
      for (const name of kept) expect(found.get(name), name).toBe(sent.get(name));
      for (const [name, checksum] of found) expect(checksum, name).toBe(sent.get(name));
      // What was counted still counts.
      const uploader = await target.holderOf(limited);
      const search = await reader.list(folder, `&q=${[...kept][0]}`);
      expect(search.list('files').length).toBeGreaterThan(0);
      expect((await uploader.upload('/limited', 'three')).outcome).toBe('200');
      expect((await target.seed(folder, 'after.bin', 'after'))['uuid']).toEqual(expect.any(String));
    } finally {
      await server.stop();
      expectNoSecretIn(server.output(), [adminKey, holder.key]);
    }
  }

  test('is the store again, in another folder', async () => {
    await restoredIs(join(root, 'elsewhere'), {});
  });

  test.runIf(POSTGRES_URL !== undefined && S3_URL !== undefined)(
    'is the store again on PostgreSQL and S3',
    async () => {
      const database = await createDatabase(POSTGRES_URL ?? '');
      try {
        await restoredIs(join(root, 'scaled'), {
          LATCHKEY_DATABASE_URL: database.url,
          LATCHKEY_BLOBS_URL: await createBucket(S3_URL ?? ''),
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        });
      } finally {
        await database.drop();
      }
    },
  );

  test('cannot be made of a store that does not exist, nor restored from nothing', async () => {
    const nowhere = { LATCHKEY_DATA_DIR: join(root, 'nowhere') };
    await expect(runCommand(['backup', join(root, 'b')], nowhere)).rejects.toThrow(/nothing to back up/);
    await expect(runCommand(['restore', join(root, 'b2')], nowhere)).rejects.toThrow(/There is no backup/);
    await expect(runCommand(['backup'], nowhere)).rejects.toThrow(/name the folder/);
    await expect(runCommand(['back-up', 'x'], nowhere)).rejects.toThrow(/is no command/);
  });
});
