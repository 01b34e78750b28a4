// Deployments as LATCHKEY_TEST_LAYOUT names them, so that the same tests meet one embedded node or several over the engines.
import { randomBytes } from 'node:crypto';
import { layoutOf, NODES } from '../../tools/layouts.mjs';
import { createDatabase, POSTGRES_URL } from './postgres.ts';
import { startProxy } from './proxy.ts';
import { REDIS_URL } from './redis.ts';
import { createBucket, S3_URL } from './s3.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

const LAYOUT = layoutOf(process.env['LATCHKEY_TEST_LAYOUT']);

/** What the tests know of a deployment: one address, however many nodes there are behind it. */
export interface Deployment extends Pick<Server, 'baseUrl' | 'container' | 'adminKey' | 'output'> {
  /** Ends every node as an operator does, and removes what was made for them. Rejects when one had ended by itself. */
  stop(): Promise<unknown>;
}

/** Starts a deployment in the layout of this run, with stores of its own. Rejects when the layout needs an engine that is missing. */
export async function startDeployment(options: Pick<ServerOptions, 'settings'> = {}): Promise<Deployment> {
  if (LAYOUT === 'embedded') return startServer(options);
  if (POSTGRES_URL === undefined || REDIS_URL === undefined || S3_URL === undefined) {
    throw new Error(`The layout ${LAYOUT} needs PostgreSQL, Valkey or Redis and an S3 server: run it by npm test.`);
  }
  const database = await createDatabase(POSTGRES_URL);
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  // Its address is a setting of the nodes, so it is taken first and kept: a port that is only known to be free may be somebody else's by then.
  const nodes: string[] = [];
  const proxy = await startProxy(nodes);
  const baseUrl = proxy.url;
  const settings = {
    LATCHKEY_DATABASE_URL: database.url,
    LATCHKEY_COUNTERS_URL: REDIS_URL,
    LATCHKEY_BLOBS_URL: await createBucket(S3_URL),
    LATCHKEY_SIGNING_SECRETS: `s1:${randomBytes(32).toString('hex')}`,
    LATCHKEY_PUBLIC_URL: baseUrl,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...options.settings,
  };
  const servers: Server[] = [];
  const stop = async () => {
    await proxy.close();
    for (const server of servers) await server.stop();
    await database.drop();
  };
  try {
    // At the same time, as an orchestrator does: the first start makes the tables, the others find them.
    const starting = Array.from({ length: NODES[LAYOUT] }, () => startServer({ settings, adminKey }));
    for (const server of await Promise.allSettled(starting)) {
      if (server.status === 'fulfilled') servers.push(server.value);
    }
    await Promise.all(starting);
    nodes.push(...servers.map((server) => server.baseUrl));
    let stopped: Promise<unknown> | undefined;
    return {
      baseUrl,
      container: servers[0]?.container ?? '',
      adminKey,
      output: () => servers.map((server) => server.output()).join(''),
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
