// PostgreSQL under nodes that come, go and are upgraded: migrations at the same time and without keeping others waiting, limits, conflicts.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/adapters/sql/database.ts';
import { databaseAdapters, type TestDatabase } from '../support/adapters.ts';

const CHILD = fileURLToPath(new URL('./sql-opener.child.ts', import.meta.url));
const FILES = 20_000;
const [postgres] = databaseAdapters.filter(({ name }) => name === 'postgres');

describe.runIf(postgres !== undefined)('PostgreSQL', () => {
  let made: TestDatabase;
  let opened: Database[] = [];
  let clients: pg.Client[] = [];

  beforeEach(async () => {
    if (postgres === undefined) throw new TypeError('there is a PostgreSQL');
    made = await postgres.create();
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await Promise.all(opened.map((database) => database.close()));
    [clients, opened] = [[], []];
    await made.drop();
  });

  function open(options?: DatabaseOptions): Database {
    const database = openDatabase(made.url, options);
    opened.push(database);
    return database;
  }

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: made.url });
    await client.connect();
    clients.push(client);
    return client;
  }

  /** A database as a program left it whose last step was this one. */
  async function old(last: string): Promise<pg.Client> {
    await open().migrate(last);
    const client = await connect();
    await client.query(`insert into folders (id, container, parent_id, path, path_head, name, name_key, visibility, is_public, meta,
        created_at, updated_at) values ('root', 'demo', '', '/', '/', '/', '/', 'inherited', 1, '{}', 1, 1)`);
    await client.query(insertOf(`generate_series(1, ${FILES}) n`));
    return client;
  }

  const insertOf = (
    series: string,
  ) => `insert into files (id, container, folder_id, name, name_key, version, mime, size, sha1,
      sha256, blob_id, visibility, meta, tags, info, uploaded_by, created_at, modified_at)
    select 'f' || n, 'demo', 'root', n::text, n::text, 0, 'text/plain', n, '', md5(n::text), 'b' || n, 'inherited', '{}', '{}', '{}',
      'key', n, n from ${series}`;

  /** Names of the indexes, those that serve no query marked. */
  async function indexes(client: pg.Client): Promise<readonly string[]> {
    const { rows } =
      await client.query(`select c.relname || case when i.indisvalid then '' else ' (invalid)' end as name
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace s on s.oid = c.relnamespace
      where s.nspname = 'public' order by 1`);
    return rows.map(({ name }: { name: string }) => name);
  }

  const columns = (client: pg.Client) =>
    client
      .query(
        `select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' order by 1, 2`,
      )
      .then(({ rows }) => rows);

  const startNode = () =>
    promisify(execFile)(process.execPath, ['--conditions=source', '--import', 'tsx', CHILD, made.url]);

  describe('migrations', () => {
    test.each([undefined, '0002-tags'])(
      'of a database that ends with %s are done once by five processes that start together, with nothing missing',
      async (last) => {
        const client = last === undefined ? await connect() : await old(last);
        const nodes = await Promise.all(Array.from({ length: 5 }, startNode));
        expect(nodes.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 5 }, () => 'opened\n'));
        const [left, shape] = [await indexes(client), await columns(client)];
        expect(left.filter((name) => name.endsWith('(invalid)'))).toEqual([]);
        expect(left).toContain('files_by_content');
        const done = await client.query('select name, timestamp from kysely_migration order by name');
        // Once more changes nothing.
        await open().migrate();
        expect((await client.query('select name, timestamp from kysely_migration order by name')).rows).toEqual(
          done.rows,
        );
        expect([await indexes(client), await columns(client)]).toEqual([left, shape]);
      },
      120_000,
    );

    it('build indexes of a full table while others write to it', async () => {
      const client = await old('0013-shares');
      const busy = await connect();
      await busy.query('begin');
      await busy.query(`update files set size = 0 where id = 'f1'`);
      const migrating = open().migrate('0015-contents');
      // It waits for the transaction that was there before it; nobody waits for it.
      await expect.poll(() => indexes(client), { timeout: 20_000 }).toContain('files_by_content (invalid)');
      await client.query(`set statement_timeout = 5000`);
      await client.query(insertOf(`generate_series(${FILES + 1}, ${FILES + 10}) n`));
      await busy.query('commit');
      await migrating;
      expect(await indexes(client)).toContain('files_by_content');
    }, 60_000);

    it('let others read and write while a table that they change is in use for long', async () => {
      const client = await old('0006-history');
      const busy = await connect();
      await busy.query('begin');
      await busy.query(`select count(*) from files`);
      const migrating = open().migrate('0007-approvals');
      const waits = () =>
        client
          .query(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)
          .then(({ rowCount }) => rowCount);
      await expect.poll(waits, { timeout: 20_000, interval: 20 }).toBe(1);
      // Whoever comes now stands behind the change of the table; without an end to its wait this would last until "commit".
      await client.query(`set statement_timeout = 20000`);
      await client.query(insertOf(`generate_series(${FILES + 1}, ${FILES + 10}) n`));
      await busy.query('commit');
      await migrating;
      const { rows } = await client.query(
        'select count(*)::int as files, count(approval_status)::int as asked from files',
      );
      expect(rows).toEqual([{ files: FILES + 10, asked: 0 }]);
    }, 90_000);

    it('build an index again whose building was cut off', async () => {
      await open().migrate();
      const client = await connect();
      await client.query(`update pg_index set indisvalid = false where indexrelid = 'files_by_content'::regclass`);
      await client.query(`drop index files_by_title_key`);
      await open().migrate();
      expect(await indexes(client)).toEqual(expect.arrayContaining(['files_by_content', 'files_by_title_key']));
    }, 60_000);
  });

  describe('a transaction', () => {
    const failing = (database: Database, code: string, failures: number) => {
      let attempts = 0;
      const writing = database.write('STORE_UNAVAILABLE', async (db) => {
        attempts += 1;
        if (attempts > failures) return 'written';
        await sql`do ${sql.lit(`begin raise exception 'on purpose' using errcode = '${code}'; end`)}`.execute(db);
        return 'not written';
      });
      return { writing, attempts: () => attempts };
    };

    test.each(['40001', '40P01'])('that loses against another (%s) is repeated, a few times', async (code) => {
      const database = open();
      const lucky = failing(database, code, 4);
      expect(await lucky.writing).toBe('written');
      const unlucky = failing(database, code, 100);
      await expect(unlucky.writing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code } });
      expect([lucky.attempts(), unlucky.attempts()]).toEqual([5, 5]);
    });

    test('that fails for a reason that stays is not repeated', async () => {
      const wrong = failing(open(), '22012', 1);
      await expect(wrong.writing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: '22012' } });
      expect(wrong.attempts()).toBe(1);
    });

    test('at once with another that read the same is repeated on what the other wrote', async () => {
      const [one, other] = [open(), open()];
      await one.migrate();
      const container = { id: 'x', token: 'x', created_at: 0 };
      await one.write('STORE_UNAVAILABLE', (db) => db.insertInto('containers').values(container).execute());
      let bothRead = (): void => {};
      let reads = 0;
      const both = new Promise<void>((resolve) => {
        bothRead = resolve;
      });
      const increment = (database: Database) =>
        database.write('STORE_UNAVAILABLE', async (db) => {
          await sql`set transaction isolation level repeatable read`.execute(db);
          const { created_at } = await db.selectFrom('containers').select('created_at').executeTakeFirstOrThrow();
          reads += 1;
          if (reads === 2) bothRead();
          await both;
          await db
            .updateTable('containers')
            .set({ created_at: created_at + 1 })
            .execute();
        });
      await Promise.all([increment(one), increment(other)]);
      const rows = await one.query('STORE_UNAVAILABLE', (db) => db.selectFrom('containers').selectAll().execute());
      expect([rows[0]?.created_at, reads]).toEqual([2, 3]);
    });
  });

  describe('the limits of a node', () => {
    const sleep = (database: Database, seconds: number) =>
      database.query('STORE_UNAVAILABLE', (db) => sql`select pg_sleep(${seconds})`.execute(db));

    it('end statements that run too long, and the connection is used again', async () => {
      const database = open({ limits: { statementMsMax: 200, connectionsMax: 1 } });
      await expect(sleep(database, 30)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: '57014' } });
      await sleep(database, 0);
    });

    it('end waiting for the lock of another', async () => {
      const database = open({ limits: { lockMsMax: 200 } });
      await database.migrate();
      const holder = await connect();
      await holder.query('begin; lock table containers');
      const blocked = database.query('STORE_UNAVAILABLE', (db) => db.selectFrom('containers').selectAll().execute());
      await expect(blocked).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: '55P03' } });
    });

    it('keep it to its number of connections', async () => {
      const database = open({ limits: { connectionsMax: 3 } });
      const client = await connect();
      const sleeping = Promise.all(Array.from({ length: 12 }, () => sleep(database, 0.3)));
      const count = async () =>
        (
          await client.query(
            `select 1 from pg_stat_activity where datname = current_database() and application_name = 'latchkey'`,
          )
        ).rowCount;
      await expect.poll(count).toBe(3);
      await sleeping;
      expect(await count()).toBe(3);
    });
  });
});
