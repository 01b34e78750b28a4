// Servers of Valkey or Redis that work together - a cluster, or a primary with a replica behind a sentinel - for suites of their own.
import { Redis } from 'ioredis';
import { freePort, REDIS, startRedis } from '../../../../tools/services.mjs';
import { redisUrl } from './redis.ts';

/** The program of the server; undefined when this machine has none. */
export const redisProgram: string | undefined = redisUrl === undefined ? undefined : REDIS.find();

/** Servers that are started and stopped together. */
export interface RedisGroup {
  /** The address that a node of ours is given. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A primary that can die. */
export interface Guarded extends RedisGroup {
  /** Resolves when the replica has everything that was written. */
  replicated(): Promise<void>;
  /** Ends the primary (SIGKILL); the sentinel makes the replica the new one. */
  killPrimary(): Promise<void>;
}

const SLOTS = 16_384;

/** A cluster of three primaries without replicas; its address names two of them, of which the first is not there. */
export async function startCluster(program: string): Promise<RedisGroup> {
  const servers: Awaited<ReturnType<typeof startRedis>>[] = [];
  const clients: Redis[] = [];
  const stop = async () => {
    for (const client of clients) client.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    const buses: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      const bus = await freePort();
      // Without a port of its own the bus takes the server's plus 10,000, which may not exist.
      const settings = [
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(bus),
        '--cluster-announce-ip',
        '127.0.0.1',
      ];
      const server = await startRedis(program, { settings });
      servers.push(server);
      buses.push(bus);
      clients.push(new Redis(server.url));
    }
    for (const [index, client] of clients.entries()) {
      const [from, to] = [index, index + 1].map((third) => Math.floor((SLOTS * third) / clients.length));
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? 0) - 1));
      await client.call('CLUSTER', 'MEET', '127.0.0.1', String(servers[0]?.port), String(buses[0]));
    }
    for (const client of clients) {
      await until(async () => {
        const state = String(await client.call('CLUSTER', 'INFO'));
        return state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3');
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${await freePort()},127.0.0.1:${servers[1]?.port}`, stop };
}

/** A primary with one replica, and a sentinel that watches them and is quick to act; `url` names the sentinel. */
export async function startGuarded(program: string): Promise<Guarded> {
  const servers: Awaited<ReturnType<typeof startRedis>>[] = [];
  const clients: Redis[] = [];
  const stop = async () => {
    for (const client of clients) client.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    const primary = await startRedis(program);
    servers.push(primary);
    const settings = ['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0'];
    const replica = await startRedis(program, { settings });
    servers.push(replica);
    const [first, second] = [new Redis(primary.url), new Redis(replica.url)];
    clients.push(first, second);
    // It is killed on purpose.
    first.on('error', () => undefined);
    await until(async () => String(await second.info('replication')).includes('master_link_status:up'));
    const sentinel = await startRedis(program, {
      sentinel: [
        `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
        'sentinel down-after-milliseconds main 500',
        'sentinel failover-timeout main 3000',
      ].join('\n'),
    });
    servers.push(sentinel);
    const watcher = new Redis(sentinel.url);
    clients.push(watcher);
    await until(async () => String(await watcher.call('SENTINEL', 'REPLICAS', 'main')).includes(String(replica.port)));
    return {
      url: `redis-sentinel://127.0.0.1:${sentinel.port}/main`,
      stop,
      replicated: () => until(async () => Number(await first.wait(1, 1000)) === 1),
      killPrimary: () => primary.stop(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (await isSo()) return;
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new Error('the servers did not find together within 15 seconds');
}
