// Backup and restore between every pair of databases: what comes back is what was there, to the last column, and damage is noticed before
// anything is written.
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newFile } from '../../contract/new-file.ts';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { openShelf } from '../../src/adapters/shelf/shelf.ts';
import { openDatabase } from '../../src/adapters/sql/database.ts';
import { openSql } from '../../src/adapters/sql/index.ts';
import { openRecords } from '../../src/adapters/sql/records.ts';
import { backUp, restore } from '../../src/operations/backup.ts';
import { BackupFault, type Batch, type Records } from '../../src/ports/backup.ts';
import type { Blobs } from '../../src/ports/blobs.ts';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';

const SYSTEM = { random: (size: number) => randomBytes(size) };
const NOW_MS = Date.UTC(2026, 0, 15, 12);
const now = () => NOW_MS;
const AUTHOR = { by: { id: 'p1', name: 'Ann\u2028 Line', email: undefined }, nowMs: NOW_MS } as const;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folderOf(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `latchkey-${name}-`));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function blobsIn(folder: string) {
  const blobs = await openDiskBlobs(folder, SYSTEM);
  closers.push(() => blobs.close());
  return blobs;
}

function recordsOf(url: string): Records {
  const records = openRecords(url);
  closers.push(() => records.close());
  return records;
}

/** Puts a file of this content in place, with something in most of the tables beside it. */
async function seed(url: string, blobs: Blobs, names: readonly string[]): Promise<Map<string, string>> {
  const sql = await openSql(url);
  const hashes = new Map<string, string>();
  try {
    await sql.templates.ensureContainer('demo', NOW_MS);
    for (const [index, name] of names.entries()) {
      const content = randomBytes(1000 * (index % 5) + 1);
      const blob = await blobs.write(Readable.from([content]), { sizeMaxBytes: 1e9 });
      hashes.set(name, blob.sha256);
      await sql.metadata.commitFiles(
        'demo',
        [newFile(`/files/${name}`, { ...blob, meta: { title: `Title of ${name} \u2028 "quoted"` } })],
        AUTHOR,
      );
    }
    const charge = {
      rule: 'upload.max',
      unit: 'files',
      counter: 'key:a:upload',
      limit: 10,
      windowMs: 'lifetime',
      cost: 7,
      code: 'UPLOAD_QUOTA_EXHAUSTED',
      expiresAtMs: NOW_MS * 2,
    } as const;
    const admission = await sql.counters.reserve([charge], NOW_MS, 60_000);
    if (admission.admitted) await sql.counters.settle(admission.id, []);
  } finally {
    await sql.close();
  }
  return hashes;
}

/** Everything that a backup is about, as text that can be compared. */
async function everything(records: Records): Promise<Map<string, readonly string[]>> {
  const all = new Map<string, string[]>();
  await records.exportAll(async ({ table, rows }: Batch) => {
    const lines = all.get(table) ?? [];
    all.set(table, lines);
    for (const row of rows) lines.push(JSON.stringify(Object.fromEntries(Object.entries(row).sort())));
  });
  return all;
}

const pairs = databaseAdapters.flatMap((from) => databaseAdapters.map((to) => [from.name, to.name, from, to] as const));

describe.each(pairs)('a backup of %s restored into %s', (_, __, fromAdapter, toAdapter) => {
  let from: TestDatabase;
  let to: TestDatabase;
  beforeAll(async () => {
    [from, to] = [await fromAdapter.create(), await toAdapter.create()];
  });
  afterAll(async () => {
    await from.drop();
    await to.drop();
  });

  test('is the same store: every record, every byte, findable and countable, and it goes on from there', async () => {
    const [storeFolder, backup, target] = [await folderOf('store'), await folderOf('backup'), await folderOf('target')];
    const blobs = await blobsIn(storeFolder);
    const names = Array.from({ length: 25 }, (_n, n) => `picture-${n}.png`);
    const hashes = await seed(from.url, blobs, names);
    const copy = { records: await openShelf(backup), blobs: await blobsIn(join(backup, 'blobs')) };
    const source = recordsOf(from.url);
    const first = await backUp({ records: source, blobs }, copy, now);
    expect(first).toMatchObject({ contents: 25, copied: 25, lost: [], madeAt: '2026-01-15T12:00:00.000Z' });
    // What is there already is not copied again.
    expect(await backUp({ records: source, blobs }, copy, now)).toMatchObject({ contents: 25, copied: 0 });

    const targetBlobs = await blobsIn(target);
    const records = recordsOf(to.url);
    expect(await restore(copy, { records, blobs: targetBlobs })).toMatchObject({ contents: 25, copied: 25 });
    const [before, after] = [await everything(source), await everything(records)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect(after).toEqual(before);
    expect(before.get('files')).toHaveLength(25);
    expect(before.get('changes')?.length).toBeGreaterThan(0);
    expect(before.has('sessions')).toBe(false);

    const sql = await openSql(to.url);
    closers.push(() => sql.close());
    // A number that is taken must not be given again.
    await seed(to.url, targetBlobs, ['one-more.png']);
    const more = await everything(records);
    expect(more.get('files')).toHaveLength(26);
    expect(more.get('changes')?.length).toBeGreaterThan(before.get('changes')?.length ?? 0);
    for (const line of more.get('files') ?? []) {
      const { name, blob_id, title_key } = JSON.parse(line);
      expect(title_key, 'waits to be found').not.toBeNull();
      const hash = createHash('sha256');
      for await (const chunk of await targetBlobs.read(blob_id)) hash.update(chunk);
      const sum = hash.digest('hex');
      if (name !== 'one-more.png') expect(sum, name).toBe(hashes.get(name));
    }
    const refused = { rule: 'upload.max', unit: 'files', counter: 'key:a:upload', limit: 10, cost: 4 } as const;
    const admission = await sql.counters.reserve(
      [{ ...refused, windowMs: 'lifetime', code: 'UPLOAD_QUOTA_EXHAUSTED', expiresAtMs: NOW_MS * 2 }],
      NOW_MS,
      1000,
    );
    expect(admission).toMatchObject({ admitted: false });
    await expect(restore(copy, { records, blobs: targetBlobs })).rejects.toThrow(/database is not empty/);
  });
});

describe('a backup', () => {
  /** A small store with its backup. */
  async function backedUp() {
    const [storeFolder, backup, target] = [await folderOf('store'), await folderOf('backup'), await folderOf('target')];
    const url = `sqlite:${join(storeFolder, 'store.db')}`;
    const blobs = await blobsIn(join(storeFolder, 'blobs'));
    await seed(url, blobs, ['a.png', 'b.png', 'c.png']);
    const copy = { records: await openShelf(backup), blobs: await blobsIn(join(backup, 'blobs')) };
    const store = { records: recordsOf(url), blobs };
    await backUp(store, copy, now);
    const empty = async (name: string) => ({
      records: recordsOf(`sqlite:${join(target, `${name}.db`)}`),
      blobs: await blobsIn(join(target, name)),
    });
    const setFolder = async () => join(backup, 'records', (await readdir(join(backup, 'records')))[0] ?? '');
    return { url, store, copy, backup, empty, setFolder };
  }

  const isUntouched = async (store: { records: Records; blobs: Blobs }) =>
    (await store.records.isEmpty()) && (await store.blobs.list(Number.MAX_SAFE_INTEGER)).blobIds.length === 0;

  test.each([
    ['a table that has changed', 'files.jsonl.gz', (path: string) => writeFile(path, 'other')],
    ['a table that is gone', 'file_versions.jsonl.gz', (path: string) => rm(path)],
    ['a table that was cut off', 'folders.jsonl.gz', (path: string) => truncate(path, 20)],
  ])('with %s is refused before anything is written', async (_, file, damage) => {
    const { copy, empty, setFolder } = await backedUp();
    await damage(join(await setFolder(), file));
    const target = await empty('target');
    await expect(restore(copy, target)).rejects.toThrow(BackupFault);
    expect(await isUntouched(target)).toBe(true);
  });

  test('whose manifest is gone, cut off, of another format or leads elsewhere is refused', async () => {
    const { copy, backup, empty } = await backedUp();
    const path = join(backup, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    const target = await empty('target');
    for (const text of [
      '{',
      '{}',
      JSON.stringify({ ...manifest, format: 2 }),
      JSON.stringify({ ...manifest, set: '../../etc' }),
      JSON.stringify({ ...manifest, tables: [{ name: '../x', rows: 1, sha256: '' }] }),
    ]) {
      await writeFile(path, text);
      await expect(restore(copy, target), text).rejects.toThrow(BackupFault);
    }
    await rm(path);
    await expect(restore(copy, target)).rejects.toThrow(/There is no backup/);
    expect(await isUntouched(target)).toBe(true);
  });

  test('with bytes missing is refused before anything is written, with bytes changed before any record is', async () => {
    const { copy, backup, empty } = await backedUp();
    const [blobId = ''] = (await copy.blobs.list(Number.MAX_SAFE_INTEGER)).blobIds;
    const path = join(backup, 'blobs', 'objects', blobId.slice(0, 2), blobId.slice(2, 4), blobId);
    const bytes = await readFile(path);
    await writeFile(path, Buffer.alloc(bytes.length, 'x'));
    const changed = await empty('changed');
    await expect(restore(copy, changed)).rejects.toThrow(/damaged/);
    expect(await changed.records.isEmpty()).toBe(true);
    await rm(path);
    const missing = await empty('missing');
    await expect(restore(copy, missing)).rejects.toThrow(/not whole/);
    expect(await isUntouched(missing)).toBe(true);
    // Repaired, the interrupted restore is repeated.
    await writeFile(path, bytes);
    expect(await restore(copy, changed)).toMatchObject({ contents: 3 });
    expect(await everything(changed.records)).toEqual(await everything((await backedUpAgain(copy, empty)).records));
  });

  /** The same backup once more, somewhere else. */
  async function backedUpAgain(
    copy: Parameters<typeof restore>[0],
    empty: (name: string) => Promise<Parameters<typeof restore>[1]>,
  ) {
    const target = await empty('again');
    await restore(copy, target);
    return target;
  }

  test('is not restored where bytes of others lie', async () => {
    const { copy, empty } = await backedUp();
    const target = await empty('target');
    await target.blobs.write(Readable.from(['somebody’s']), { sizeMaxBytes: 100 });
    await expect(restore(copy, target)).rejects.toThrow(/bytes is not empty/);
    expect(await target.records.isEmpty()).toBe(true);
  });

  test('follows the store: what was deleted goes, and the set before stays good until the new one is', async () => {
    const { url, store, copy, backup, empty } = await backedUp();
    const [gone = ''] = (await store.blobs.list(Number.MAX_SAFE_INTEGER)).blobIds;
    await deleteFileOf(url, gone);
    await store.blobs.remove([gone]);
    const failing = new Proxy(store.records, {
      get: (records, member) =>
        member === 'exportAll' ? () => Promise.reject(new Error('power')) : Reflect.get(records, member),
    });
    await expect(backUp({ ...store, records: failing }, copy, now)).rejects.toThrow('power');
    expect(await restore(copy, await empty('before'))).toMatchObject({ contents: 3 });
    expect(await backUp(store, copy, now)).toMatchObject({ contents: 2, copied: 0, lost: [] });
    expect(await copy.blobs.find(gone)).toBeUndefined();
    expect(await readdir(join(backup, 'records'))).toHaveLength(1);
    expect(await restore(copy, await empty('after'))).toMatchObject({ contents: 2 });
  });

  test('says which bytes the store itself had lost, and restores the rest', async () => {
    const { store, copy, empty } = await backedUp();
    const fresh = await folderOf('fresh');
    const [blobId = ''] = (await store.blobs.list(Number.MAX_SAFE_INTEGER)).blobIds;
    await store.blobs.remove([blobId]);
    const other = { records: await openShelf(fresh), blobs: await blobsIn(join(fresh, 'blobs')) };
    expect(await backUp(store, other, now)).toMatchObject({ contents: 3, copied: 2, lost: [blobId] });
    const target = await empty('target');
    expect(await restore(other, target)).toMatchObject({ copied: 2, lost: [blobId] });
    expect(await copy.blobs.find(blobId)).toBeDefined();
  });

  test('takes the records again when files are deleted while their bytes are copied', async () => {
    const { url, store } = await backedUp();
    const fresh = await folderOf('fresh');
    const copy = { records: await openShelf(fresh), blobs: await blobsIn(join(fresh, 'blobs')) };
    let deleted = '';
    const blobs: Blobs = new Proxy(store.blobs, {
      get(target, member) {
        if (member !== 'read') {
          const value: unknown = Reflect.get(target, member, target);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async (blobId: string) => {
          if (deleted === '') {
            deleted = blobId;
            await deleteFileOf(url, blobId);
            await target.remove([blobId]);
          }
          return target.read(blobId);
        };
      },
    });
    expect(await backUp({ ...store, blobs }, copy, now)).toMatchObject({ contents: 2, lost: [] });
    expect(await copy.blobs.find(deleted)).toBeUndefined();
  });

  async function deleteFileOf(url: string, blobId: string): Promise<void> {
    const database = openDatabase(url);
    await database.write('STORE_UNAVAILABLE', (db) => db.deleteFrom('files').where('blob_id', '=', blobId).execute());
    await database.close();
  }

  test('of an older version is brought up to date, of a newer one refused', async () => {
    const folder = await folderOf('old');
    const oldUrl = `sqlite:${join(folder, 'old.db')}`;
    const database = openDatabase(oldUrl);
    const upTo = database.steps.filter((step) => step <= '0017-collections');
    await database.migrate(upTo.at(-1));
    await database.query('STORE_UNAVAILABLE', (db) =>
      db.insertInto('containers').values({ id: 'c', token: 'old', created_at: NOW_MS }).execute(),
    );
    await database.close();
    const rows = [{ table: 'containers', rows: [{ id: 'c', token: 'old', created_at: NOW_MS }] }];
    const batches = async function* (): AsyncGenerator<Batch> {
      yield* rows;
    };
    const old = recordsOf(`sqlite:${join(folder, 'restored.db')}`);
    await old.importAll(upTo, batches);
    expect(await old.schema()).toEqual(old.knownSchema);
    expect((await everything(old)).get('containers')).toHaveLength(1);
    const newer = recordsOf(`sqlite:${join(folder, 'newer.db')}`);
    await expect(newer.importAll([...newer.knownSchema, '9999-future'], batches)).rejects.toThrow(/newer version/);
    const behind = { records: recordsOf(oldUrl), blobs: await blobsIn(join(folder, 'blobs')) };
    const shelf = { records: await openShelf(join(folder, 'b')), blobs: await blobsIn(join(folder, 'b', 'blobs')) };
    await expect(backUp(behind, shelf, now)).rejects.toThrow(/another version/);
  });

  test('can be moved, as a folder', async () => {
    const { backup, empty } = await backedUp();
    const elsewhere = join(await folderOf('moved'), 'copy');
    await cp(backup, elsewhere, { recursive: true });
    const moved = { records: await openShelf(elsewhere), blobs: await blobsIn(join(elsewhere, 'blobs')) };
    expect(await restore(moved, await empty('target'))).toMatchObject({ contents: 3, copied: 3 });
  });
});
