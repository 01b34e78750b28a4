// Runs the bus contract on every database, and cuts, silences and restores the connection of PostgreSQL's.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CutProxy, openProxy } from '../../../../tools/proxy.ts';
import { busContract } from '../../contract/bus.ts';
import { openSql, type SqlPorts } from '../../src/adapters/sql/index.ts';
import type { RuleChange } from '../../src/ports/bus.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the bus contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(busContract.map((contractCase) => [contractCase.name, contractCase] as const))('%s', async (_, { run }) => {
    await run(() => opener.open());
  });
});

const postgres = databaseAdapters.filter(({ name }) => name === 'postgres');

describe.each(postgres)('a bus on $name whose connection fails', ({ create }) => {
  const database = useDatabase(create);
  let proxy: CutProxy;
  let ports: SqlPorts;
  const told: RuleChange[] = [];
  const isCurrent = () => ports.bus.isCurrent();
  beforeEach(async () => {
    const url = new URL(database.url);
    proxy = await openProxy(Number(url.port), url.hostname);
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    ports = await openSql(url.href);
    told.length = 0;
    ports.bus.listen((change) => told.push(change));
    await expect.poll(isCurrent, { timeout: 20_000 }).toBe(true);
  });
  afterEach(async () => {
    await ports.close();
    await proxy.close();
  });

  test('is not current for longer than it may lag after the network goes silent', async () => {
    proxy.silence();
    const silencedMs = performance.now();
    await expect.poll(isCurrent, { timeout: 20_000, interval: 10 }).toBe(false);
    expect(performance.now() - silencedMs).toBeLessThan(5000);
  });

  test('tells that anything may have changed before it is current again', async () => {
    proxy.cut();
    await expect.poll(isCurrent, { timeout: 20_000, interval: 10 }).toBe(false);
    told.length = 0;
    proxy.restore();
    await expect.poll(isCurrent, { timeout: 20_000, interval: 10 }).toBe(true);
    expect(told).toContainEqual({ kind: 'everything' });
  });

  test('takes what it cannot understand for a change of anything', async () => {
    const other = await openSql(database.url);
    try {
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      for (const payload of ['', 'null', '{"kind":"rules"}', '{"kind":"more","container":"demo"}']) {
        told.length = 0;
        await client.query('select pg_notify($1, $2)', ['latchkey_rules', payload]);
        await expect.poll(() => told, { timeout: 20_000 }).toContainEqual({ kind: 'everything' });
      }
      await client.end();
    } finally {
      await other.close();
    }
  });
});
