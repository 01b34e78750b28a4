// What only a database can get wrong: durability, several processes on one database, dead servers, plans and conflicts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ROOT } from '@latchkey/policy';
import { DatabaseSync } from '@photostructure/sqlite';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import { type Database, type Executor, openDatabase } from '../../src/adapters/sql/database.ts';
import { openSql } from '../../src/adapters/sql/index.ts';
import { coveredFolders } from '../../src/adapters/sql/scopes.ts';
import type { NewFile } from '../../src/ports/metadata.ts';
import { EVERY_FILE } from '../../src/ports/search.ts';
import { databaseAdapters, type Opener, openerOf, type TestDatabase } from '../support/adapters.ts';

const CHILD = fileURLToPath(new URL('./sql-writer.child.ts', import.meta.url));
const EVERYTHING = { container: 'demo', folderPath: ROOT, recursive: true, within: [], where: EVERY_FILE } as const;

/** So many files of one byte in the root folder, named after `name`. */
function newFiles(name: string, count: number): readonly NewFile[] {
  return Array.from({ length: count }, (_, index) => newFile(`/${name}-${index}`, { sizeBytes: 1 }));
}

/** How many transactions the log of a SQLite database holds: the frames that say how long the database is then (its file format, 4.1). */
async function commitsIn(url: string): Promise<number> {
  const log = await readFile(`${url.slice('sqlite:'.length)}-wal`);
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) {
    if (log.subarray(at + 8, at + 16).equals(log.subarray(16, 24)) && log.readUInt32BE(at + 4) > 0) commits += 1;
  }
  return commits;
}

/** The adapter that a URL is for. */
function dialect(url: string): string {
  return url.startsWith('sqlite:') ? 'sqlite' : 'postgres';
}

interface Writer {
  readonly child: ChildProcess;
  /** The names that were acknowledged. */
  readonly acknowledged: string[];
  /** Resolves when so many are; rejects when the process ends before. */
  reached(count: number): Promise<void>;
}

function startWriter(url: string, name: string): Writer {
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', CHILD, url, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => acknowledged.push(line));
  const reached = async (count: number): Promise<void> => {
    for await (const _ of onLine(lines)) if (acknowledged.length >= count) return;
    throw new Error(`the writer ended after ${acknowledged.length} uploads`);
  };
  return { child, acknowledged, reached };
}

async function* onLine(lines: ReturnType<typeof createInterface>): AsyncIterable<void> {
  const closed = once(lines, 'close').then(() => false);
  while (await Promise.race([once(lines, 'line').then(() => true), closed])) yield;
}

async function kill(writers: readonly Writer[]): Promise<void> {
  const exits = writers.map(({ child }) => (child.exitCode === null ? once(child, 'exit') : undefined));
  for (const { child } of writers) child.kill('SIGKILL');
  await Promise.all(exits);
}

function onDatabases(
  title: string,
  names: readonly string[],
  tests: (database: () => TestDatabase, opener: () => Opener) => void,
) {
  describe.each(databaseAdapters.filter(({ name }) => names.includes(name)))(`${title}: $name`, ({ create }) => {
    let database: TestDatabase;
    let opener: Opener;
    beforeAll(async () => {
      database = await create();
    });
    beforeEach(async () => {
      await database.reset();
      opener = openerOf(database.url);
    });
    afterEach(() => opener.closeAll());
    afterAll(() => database?.drop());
    tests(
      () => database,
      () => opener,
    );
  });
}

onDatabases('several processes on one database', ['sqlite', 'postgres'], (database, opener) => {
  it('make the tables once, write at the same time, and keep what they acknowledged when they are killed', async () => {
    const writers = ['a', 'b', 'c'].map((writer) => startWriter(database().url, writer));
    try {
      await Promise.all(writers.map(({ reached }) => reached(30)));
    } finally {
      await kill(writers);
    }
    const { metadata } = await opener().open();
    const paging = { sort: 'name', descending: false, offset: 0, limit: 100_000 } as const;
    const names = new Set((await metadata.listFiles(EVERYTHING, paging)).map((file) => file.name));
    const lost = writers.flatMap(({ acknowledged }) => acknowledged).filter((file) => !names.has(file));
    expect(lost).toEqual([]);
    expect(await metadata.countFiles(EVERYTHING)).toEqual({ files: names.size, bytes: names.size });
  });

  it('open the same new database at the same time', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, () => opener().open()));
    await Promise.all(opened.map(({ metadata }) => metadata.check()));
  });
});

onDatabases('the sums of a container', ['sqlite', 'postgres'], (database, opener) => {
  const folder = (id: string, files: number, container = 'demo') => ({
    id,
    container,
    parent_id: 'root',
    path: `/${id}`,
    path_head: `/${id}`,
    name: id,
    name_key: id,
    visibility: 'inherited',
    is_public: 1,
    meta: '{}',
    files_count: files,
    files_bytes: 10 * files,
    created_at: 0,
    updated_at: 0,
  });
  const sums = (opened: Database) =>
    opened.query('STORE_UNAVAILABLE', async (db) => {
      const { rows } = await sql<{ container: string; files: number; bytes: number }>`select container,
        cast(sum(files_count) as bigint) as files, cast(sum(files_bytes) as bigint) as bytes
        from container_sums group by container order by container`.execute(db);
      return rows.map(({ container, files, bytes }) => [container, files, bytes]);
    });

  it('are those of its folders before and after they are kept, whoever writes, and nothing of what is rolled back', async () => {
    const made = await databaseAdapters.find(({ name }) => name === dialect(database().url))?.create();
    if (made === undefined) throw new TypeError('the database has an adapter');
    const raw = openDatabase(made.url);
    const write = (work: (db: Executor) => Promise<unknown>) => raw.write('STORE_UNAVAILABLE', work);
    try {
      await raw.migrate('0025-session-keys');
      await write((db) =>
        db
          .insertInto('folders')
          .values([folder('a', 3), folder('b', 4)])
          .execute(),
      );
      await raw.migrate();
      expect(await sums(raw)).toEqual([['demo', 7, 70]]);
      await write((db) =>
        db
          .insertInto('folders')
          .values([folder('c', 5), folder('d', 0), folder('e', 1, 'other')])
          .execute(),
      );
      await write((db) =>
        db.updateTable('folders').set({ files_count: 1, files_bytes: 2 }).where('id', 'in', ['a', 'b']).execute(),
      );
      expect(await sums(raw)).toEqual([
        ['demo', 7, 54],
        ['other', 1, 10],
      ]);
      const failing = write(async (db) => {
        await db.updateTable('folders').set({ files_count: 99 }).execute();
        await db.deleteFrom('folders').where('id', '=', 'c').execute();
        throw new Error('given up');
      });
      await expect(failing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(await sums(raw)).toEqual([
        ['demo', 7, 54],
        ['other', 1, 10],
      ]);
      await write((db) => db.deleteFrom('folders').where('id', 'in', ['a', 'c', 'd', 'e']).execute());
      expect(await sums(raw)).toEqual([
        ['demo', 1, 2],
        ['other', 0, 0],
      ]);
    } finally {
      await raw.close();
      await made.drop();
    }
  });

  it('tell a total without a look at the folders', async () => {
    const { templates, metadata } = await opener().open();
    await templates.ensureContainer('demo', 0);
    await metadata.commitFiles('demo', newFiles('a', 3), by(1));
    const raw = openDatabase(database().url);
    await raw.query('STORE_UNAVAILABLE', (db) => db.updateTable('container_sums').set({ files_count: 12 }).execute());
    await raw.close();
    expect(await metadata.countFiles(EVERYTHING)).toEqual({ files: 12, bytes: 3 });
  });
});

onDatabases('the sums of a container', ['postgres'], (database, opener) => {
  it('keep no upload waiting for the transaction of another, and grow no parts but for those that write at once', async () => {
    const { templates, metadata } = await opener().open();
    await templates.ensureContainer('demo', 0);
    const upload = (name: string, folderPath = '/a') =>
      metadata.commitFiles('demo', [newFile(`${folderPath}/${name}`, { sizeBytes: 1 })], by(1));
    await upload('first');
    const slow = new pg.Client({ connectionString: database().url });
    await slow.connect();
    const parts = async () => (await slow.query('select part from container_sums')).rowCount;
    try {
      await slow.query(`begin; set local lock_timeout = 1000;
        update folders set files_count = files_count + 5 where path = '/'`);
      // It holds the only part. Whoever waited for it would wait until the limit of locks.
      for (const name of ['second', 'third', 'fourth']) await upload(name);
      await slow.query(`update folders set files_count = files_count + 5 where path = '/'; rollback`);
      expect(await metadata.countFiles(EVERYTHING)).toEqual({ files: 4, bytes: 4 });
      expect(await parts()).toBe(2);
      await Promise.all(Array.from({ length: 8 }, (_, i) => upload(`again-${i}`, `/f${i % 4}`)));
      expect(await metadata.countFiles(EVERYTHING)).toEqual({ files: 12, bytes: 12 });
      expect(await parts()).toBeLessThanOrEqual(10);
    } finally {
      await slow.end();
    }
  }, 8000);

  it('are held in one part by a transaction, however often it changes them', async () => {
    const { templates, metadata } = await opener().open();
    await templates.ensureContainer('demo', 0);
    for (const name of ['a', 'b']) await metadata.createFolder('demo', `/${name}` as typeof ROOT, 0);
    const clients = [1, 2].map(() => new pg.Client({ connectionString: database().url }));
    const [first, second] = clients;
    if (first === undefined || second === undefined) throw new TypeError('two were made');
    const add = (path: string) => `update folders set files_count = files_count + 1 where path = '${path}'`;
    try {
      await Promise.all(clients.map((client) => client.connect()));
      await first.query(add('/a'));
      await first.query(`begin; ${add('/a')}`);
      await second.query(`begin; ${add('/b')}`);
      await first.query('commit');
      // The part of the other is free again, and comes first.
      await second.query(add('/b'));
      await first.query(add('/a'));
      await second.query('commit');
      const { rows } = await first.query(
        'select cast(files_count as integer) as files from container_sums order by part',
      );
      expect(rows).toEqual([{ files: 3 }, { files: 2 }]);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  });
});

describe('a URL', () => {
  test.each([
    ['mysql://localhost/x', 'a database that there is no adapter for'],
    ['data/latchkey.db', 'a path without a scheme'],
    ['', 'nothing'],
  ])('is refused as a mistake for %o, %s', async (url) => {
    await expect(openSql(url)).rejects.toThrow(TypeError);
  });
});

onDatabases('a database', ['sqlite'], (database) => {
  it('flushes every commit but those of counters, and waits for other writers instead of failing', async () => {
    const opened = openDatabase(database().url);
    const pragma = async (name: string) =>
      opened.query('STORE_UNAVAILABLE', async (db) => {
        const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db);
        return Object.values(rows[0] ?? {})[0];
      });
    try {
      await opened.migrate();
      expect(await pragma('journal_mode')).toBe('wal');
      expect(await pragma('foreign_keys')).toBe(1);
      expect(await pragma('synchronous')).toBe(2);
      for (let round = 0; round < 2; round += 1) {
        const inside = await opened.write(
          'COUNTERS_UNAVAILABLE',
          async (db) => (await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows[0]?.synchronous,
          { durable: 'process' },
        );
        expect(inside).toBe(1);
        expect(await pragma('synchronous')).toBe(2);
        // What shares its commit with others is flushed all the same.
        const joined = () =>
          opened.write(
            'STORE_UNAVAILABLE',
            async (db) => (await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows[0]?.synchronous,
            { joined: true },
          );
        expect(await Promise.all([joined(), joined()])).toEqual([2, 2]);
      }
      const failing = opened.write('COUNTERS_UNAVAILABLE', () => Promise.reject(new Error('x')), {
        durable: 'process',
      });
      await expect(failing).rejects.toMatchObject({ code: 'COUNTERS_UNAVAILABLE' });
      expect(await pragma('synchronous')).toBe(2);
    } finally {
      await opened.close();
    }
  });

  it('has what was not flushed before any later record in its log, wherever a loss of power cuts that', async () => {
    const path = database().url.slice('sqlite:'.length);
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-log-'));
    const opened = openDatabase(database().url);
    const add = (counter: string, durable: 'process' | 'device') =>
      opened.write(
        'COUNTERS_UNAVAILABLE',
        (db) => db.insertInto('counter_totals').values({ counter, settled: 1 }).execute(),
        { durable },
      );
    const cuts: string[] = [];
    try {
      await opened.migrate();
      // From here on the log holds these commits alone.
      await opened.query('STORE_UNAVAILABLE', (db) => sql`pragma wal_checkpoint(truncate)`.execute(db));
      await add('a', 'process');
      await add('b', 'process');
      await add('c', 'device');
      await add('d', 'process');
      await add('e', 'device');
      const [pages, log] = [await readFile(path), await readFile(`${path}-wal`)];
      // At the ends of its frames and in the middle of each (its file format, 4.1).
      for (let length = 32; length <= log.length; length += (24 + log.readUInt32BE(8)) / 2) {
        const cut = join(folder, `${length}.db`);
        await writeFile(cut, pages);
        await writeFile(`${cut}-wal`, log.subarray(0, length));
        const left = new DatabaseSync(cut);
        const rows = left.prepare('select counter from counter_totals order by counter').all();
        cuts.push(rows.map(({ counter }) => counter).join(''));
        left.close();
      }
    } finally {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    }
    expect([...new Set(cuts)]).toEqual(['', 'a', 'ab', 'abc', 'abcd', 'abcde']);
  });

  it.each([
    ['counters', { durable: 'process' }],
    ['uploads', { joined: true }],
  ] as const)(
    'commits %s of one turn together, and one that fails takes nothing from the others',
    async (_, options) => {
      const opened = openDatabase(database().url);
      const add = (counter: string, settled: number) =>
        opened.write(
          'COUNTERS_UNAVAILABLE',
          async (db) => {
            const { rows } = await sql<{ rows: number }>`select count(*) as rows from counter_totals`.execute(db);
            await db.insertInto('counter_totals').values({ counter, settled }).execute();
            return rows[0]?.rows;
          },
          options,
        );
      const stored = () =>
        opened.query('STORE_UNAVAILABLE', (db) =>
          db.selectFrom('counter_totals').selectAll().orderBy('counter').execute(),
        );
      try {
        await opened.migrate();
        const before = await commitsIn(database().url);
        // Each sees what those before it in the transaction did.
        expect(await Promise.all([add('a', 1), add('b', 2), add('c', 3)])).toEqual([0, 1, 2]);
        expect(await commitsIn(database().url)).toBe(before + 1);
        const [first, taken, last] = await Promise.allSettled([add('d', 4), add('a', 5), add('e', 6)]);
        expect([first, last]).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
        expect(taken).toMatchObject({ status: 'rejected', reason: { code: 'ALREADY_EXISTS' } });
        expect((await stored()).map(({ counter, settled }) => `${counter}${settled}`)).toEqual([
          'a1',
          'b2',
          'c3',
          'd4',
          'e6',
        ]);
      } finally {
        await opened.close();
      }
    },
  );

  it('flushes uploads that come together as one, but many files for themselves', async () => {
    const { templates, metadata, close } = await openSql(database().url);
    const upload = (name: string, count: number) => metadata.commitFiles('demo', newFiles(name, count), by(1));
    const commits = async (work: () => Promise<unknown>[]) => {
      const before = await commitsIn(database().url);
      await Promise.all(work());
      return (await commitsIn(database().url)) - before;
    };
    try {
      await templates.ensureContainer('demo', 0);
      expect(await commits(() => [upload('a', 1), upload('b', 2), upload('c', 1)])).toBe(1);
      expect(await commits(() => [upload('d', 11), upload('e', 11)])).toBe(2);
      expect(await metadata.countFiles(EVERYTHING)).toEqual({ files: 26, bytes: 26 });
    } finally {
      await close();
    }
  });

  it('is refused with its cause when the file is none, and the file is left alone', async () => {
    const file = database().url.slice('sqlite:'.length);
    await writeFile(file, 'this is no database, but somebody may still need it'.repeat(100));
    await expect(openSql(database().url)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: { errcode: 26 },
    });
    expect(await readFile(file, 'utf8')).toContain('somebody may still need it');
  });

  test.each(['name_key', 'created_at', 'modified_at', 'size', 'mime'])(
    'pages a folder by %s without sorting it',
    async (key) => {
      const { close } = await openSql(database().url);
      const direct = new DatabaseSync(database().url.slice('sqlite:'.length));
      const order = key === 'name_key' ? 'name_key desc, id desc' : `${key} desc, name_key desc, id desc`;
      const plan = direct
        .prepare(`explain query plan select * from files where folder_id = ? order by ${order} limit 50`)
        .all('x')
        .map((step: { detail: string }) => step.detail);
      direct.close();
      await close();
      expect(plan).toEqual([expect.stringMatching(/^SEARCH files USING INDEX files_by_/)]);
    },
  );

  it('finds the folders of each scope by their paths instead of reading all of the container', async () => {
    const opened = openDatabase(database().url);
    const scopes = [
      { path: '/a' as typeof ROOT, deep: true },
      { path: '/b' as typeof ROOT, deep: false },
    ];
    try {
      await opened.migrate();
      const plan = await opened.query('STORE_UNAVAILABLE', async (db) => {
        const folders = coveredFolders('demo', ROOT, scopes, sql`covered.id`);
        const { rows } = await sql<{ detail: string }>`explain query plan select * from files
          where folder_id in (${folders}) order by name_key`.execute(db);
        return rows.map(({ detail }) => detail).filter((detail) => detail.includes(' covered '));
      });
      const byPath = (ends: string) => `SEARCH covered USING INDEX folders_path (container=? AND path_head${ends})`;
      expect(plan).toEqual([byPath('=?'), byPath('>? AND path_head<?')]);
    } finally {
      await opened.close();
    }
  });

  it('rolls a failed transaction back and goes on with the next', async () => {
    const opened = openDatabase(database().url);
    try {
      await opened.migrate();
      const failing = opened.write('STORE_UNAVAILABLE', async (db) => {
        await db.insertInto('containers').values({ id: 'x', token: 'x', created_at: 0 }).execute();
        await sql`no such statement`.execute(db);
      });
      await expect(failing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      const left = await opened.query('STORE_UNAVAILABLE', (db) => db.selectFrom('containers').selectAll().execute());
      expect(left).toEqual([]);
    } finally {
      await opened.close();
    }
  });

  it('never runs the statements of one transaction inside another', async () => {
    const opened = openDatabase(database().url);
    const insert = (id: string, fails: boolean) =>
      opened.write('STORE_UNAVAILABLE', async (db) => {
        await db.insertInto('containers').values({ id, token: id, created_at: 0 }).execute();
        await new Promise((resume) => setImmediate(resume));
        if (fails) throw new Error('given up');
      });
    try {
      await opened.migrate();
      await Promise.allSettled(Array.from({ length: 20 }, (_, index) => insert(`${index}`, index % 2 === 0)));
      const left = await opened.query('STORE_UNAVAILABLE', (db) => db.selectFrom('containers').select('id').execute());
      expect(left).toHaveLength(10);
    } finally {
      await opened.close();
    }
  });
});

onDatabases('a database', ['postgres'], (database, opener) => {
  it('is unavailable, soon, when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await new Promise((done) => server.close(done));
    await expect(openSql(`postgres://x@127.0.0.1:${port}/x`)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('comes back by itself after the server has cut every connection', async () => {
    const { metadata, counters, templates } = await opener().open();
    await templates.ensureContainer('demo', 0);
    const admin = new pg.Client({ connectionString: database().url });
    await admin.connect();
    const cutAll = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
    try {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(Array.from({ length: 8 }, () => metadata.check()));
        const during = Promise.allSettled(Array.from({ length: 8 }, () => metadata.findFolder('demo', ROOT)));
        await admin.query(cutAll);
        for (const result of await during) {
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        }
        await expect.poll(() => metadata.check().then(() => 'up', String)).toBe('up');
        await counters.sweep(0);
      }
    } finally {
      await admin.end();
    }
  });

  it('repeats a transaction that another one had to be preferred to', async () => {
    const opened = openDatabase(database().url);
    try {
      await opened.migrate();
      await opened.write('STORE_UNAVAILABLE', async (db) => {
        for (const id of ['x', 'y'])
          await db.insertInto('containers').values({ id, token: id, created_at: 0 }).execute();
      });
      let attempts = 0;
      let held = 0;
      let bothHoldOne = (): void => {};
      const both = new Promise<void>((resolve) => {
        bothHoldOne = resolve;
      });
      const raise = (order: readonly string[]) =>
        opened.write('STORE_UNAVAILABLE', async (db) => {
          attempts += 1;
          for (const id of order) {
            await db
              .updateTable('containers')
              .set((eb) => ({ created_at: eb('created_at', '+', 1) }))
              .where('id', '=', id)
              .execute();
            held += 1;
            if (held === 2) bothHoldOne();
            await both;
          }
        });
      await Promise.all([raise(['x', 'y']), raise(['y', 'x'])]);
      expect(attempts).toBe(3);
      const rows = await opened.query('STORE_UNAVAILABLE', (db) => db.selectFrom('containers').selectAll().execute());
      expect(rows.map((row) => row.created_at)).toEqual([2, 2]);
    } finally {
      await opened.close();
    }
  });
});
