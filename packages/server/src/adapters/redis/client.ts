// Connects to Valkey or Redis - one server, a cluster, or behind Sentinel - with every wait bounded; the library is loaded when first needed.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { AppError } from '../../errors.ts';
import type { Log } from '../../ports/system.ts';
import { DEFAULT_PORT, parseRedisUrl, redisUrlFault } from './address.ts';

const CONNECT_MS_MAX = 5000;
const RECONNECT_MS_MAX = 1000;

/**
 * A connected client. Whether a server is a node of a cluster is asked of it. While the connection is lost, commands fail at once
 * instead of waiting in a queue, and it is made again in the background. Raises COUNTERS_UNAVAILABLE, TypeError for a bad URL.
 */
export async function openClient(url: string, log: Log | undefined): Promise<Redis | Cluster> {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new TypeError(`A counters URL ${redisUrlFault(url)}.`);
  const { Cluster, Redis } = await import('ioredis');
  const options: RedisOptions = {
    db: address.db,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
    connectTimeout: CONNECT_MS_MAX,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectionName: 'latchkey',
    lazyConnect: true,
    retryStrategy: reconnectAfter,
  };
  const [first] = address.hosts;
  if (address.kind === 'sentinel' || address.hosts.length === 1) {
    const server =
      address.kind === 'sentinel'
        ? new Redis({
            ...options,
            sentinels: [...address.hosts],
            name: address.master ?? '',
            sentinelRetryStrategy: reconnectAfter,
          })
        : new Redis({ ...options, host: first?.host ?? '', port: first?.port ?? DEFAULT_PORT });
    watch(server, log);
    await connected(server);
    if (address.kind === 'sentinel') return server;
    const info = await server.info('cluster').catch(() => '');
    if (!/cluster_enabled:1/.test(info)) return server;
    server.disconnect();
  }
  const clusterOptions: ClusterOptions = {
    redisOptions: options,
    enableOfflineQueue: false,
    lazyConnect: true,
    slotsRefreshTimeout: CONNECT_MS_MAX,
    clusterRetryStrategy: reconnectAfter,
  };
  const cluster = new Cluster([...address.hosts], clusterOptions);
  watch(cluster, log);
  await connected(cluster);
  return cluster;
}

function reconnectAfter(times: number): number {
  return Math.min(50 * times, RECONNECT_MS_MAX);
}

/** Without a listener a lost connection would end the process; whoever asks next is told. */
function watch(client: Redis | Cluster, log: Log | undefined): void {
  let isLost = false;
  client.on('error', (error: Error) => {
    if (!isLost) log?.warn('counters.connection_lost', { message: error.message });
    isLost = true;
  });
  client.on('ready', () => {
    if (isLost) log?.info('counters.connection_restored');
    isLost = false;
  });
}

async function connected(client: Redis | Cluster): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not connected within ${CONNECT_MS_MAX} ms`)), CONNECT_MS_MAX);
  });
  try {
    await Promise.race([client.connect(), late]);
  } catch (error) {
    client.disconnect();
    throw new AppError('COUNTERS_UNAVAILABLE', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
