// Several servers with nothing in common but their stores, as an operator starts them.
import { randomBytes } from 'node:crypto';
import { createDatabase } from './postgres.ts';
import { createBucket, S3_URL } from './s3.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';
import { expectNoSecretIn } from './suite.ts';
import { Target } from './target.ts';

/** Running nodes of one deployment. */
export interface Nodes {
  readonly targets: readonly Target[];
  /** The database as it is reached without anything in between. */
  readonly databaseUrl: string;
  /** The bucket that all keep their files in; undefined when the machine has no S3 server, and each has a folder. */
  readonly bucketUrl: string | undefined;
  /** Ends a node as a power cut does. */
  kill(n: number): Promise<void>;
  /** Starts a node that was killed, at the same address. */
  restart(n: number): Promise<void>;
  /** Ends all, removes the database, and looks for credentials in everything that was written. */
  stop(): Promise<void>;
}

/** Starts nodes on a new database of the PostgreSQL server, and on a new bucket where there is an S3 server; `settingsOf` says what each has besides. */
export async function startNodes(
  count: number,
  postgresUrl: string,
  settingsOf: (n: number, databaseUrl: string) => Readonly<Record<string, string>>,
): Promise<Nodes> {
  const database = await createDatabase(postgresUrl);
  const bucketUrl = S3_URL === undefined ? undefined : await createBucket(S3_URL);
  const common = {
    LATCHKEY_SIGNING_SECRETS: `s1:${randomBytes(32).toString('hex')}`,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...(bucketUrl === undefined ? {} : { LATCHKEY_BLOBS_URL: bucketUrl }),
  };
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  const targets = Array.from({ length: count }, () => new Target());
  const servers: Server[] = [];
  const gone: Server[] = [];
  const start = async (n: number, more: Partial<ServerOptions> = {}) => {
    const settings = { LATCHKEY_DATABASE_URL: database.url, ...common, ...settingsOf(n, database.url) };
    const server = await startServer({ settings, adminKey, ...more });
    servers[n] = server;
    targets[n]?.use(server);
  };
  const stop = async () => {
    for (const server of servers) await server.stop();
    await database.drop();
    const secrets = targets.flatMap((target) => [...target.secrets, adminKey]);
    for (const server of [...servers, ...gone]) expectNoSecretIn(server.output(), secrets);
  };
  try {
    for (let n = 0; n < count; n += 1) await start(n);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  return {
    targets,
    databaseUrl: database.url,
    bucketUrl,
    async kill(n) {
      await servers[n]?.kill();
    },
    async restart(n) {
      const former = servers[n];
      if (former === undefined) throw new TypeError('there is no such node');
      gone.push(former);
      await start(n, { dataDir: former.dataDir, port: Number(new URL(former.baseUrl).port) });
    },
    stop,
  };
}
