// The composition root: the only file that sees both ports and adapters.
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRange } from '@latchkey/policy';
import type { FastifyInstance } from 'fastify';
import { openPasswords } from './adapters/argon2/passwords.ts';
import { openDiskBlobs } from './adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from './adapters/disk/partial-blobs.ts';
import { openDiskRenders } from './adapters/disk/renders.ts';
import { openImages } from './adapters/images/images.ts';
import { openMedia } from './adapters/media/media.ts';
import { openMemoryCounters } from './adapters/memory/counters.ts';
import { openGeo } from './adapters/mmdb/geo.ts';
import { openRedisCounters } from './adapters/redis/counters.ts';
import { openS3Blobs } from './adapters/s3/blobs.ts';
import { openS3PartialBlobs } from './adapters/s3/partial-blobs.ts';
import { openSql } from './adapters/sql/index.ts';
import { openKeyring } from './adapters/system/keyring.ts';
import { openSystem } from './adapters/system/system.ts';
import { openFetcher } from './adapters/web/fetcher.ts';
import { openWebTagger } from './adapters/web/tagger.ts';
import type { Config } from './config.ts';
import { createApp } from './http/app.ts';
import { ensureDemoTemplate } from './operations/demo.ts';
import { examineDue } from './operations/examinations.ts';
import { sweepUploads } from './operations/resumable.ts';
import { ensureAdminKey } from './operations/secret-keys.ts';
import { createLoginLink } from './operations/session.ts';
import { sweep } from './operations/sweep.ts';
import type { Blobs, LocalBlobs } from './ports/blobs.ts';
import type { Counters } from './ports/counters.ts';
import type { Ports } from './ports/index.ts';
import type { PartialBlobs } from './ports/partial-blobs.ts';
import type { Log } from './ports/system.ts';

/** A running service without its socket. */
export interface Service {
  readonly app: FastifyInstance;
  readonly ports: Ports;
  /** The admin key made on this very first start; it is nowhere else. */
  readonly generatedAdminKey: string | undefined;
  /** A one-time sign-in token for the console. */
  loginToken(): Promise<string>;
  /** Stops background work, then closes the application and every adapter. Idempotent. */
  close(): Promise<void>;
}

/** Unless a setting says otherwise: drawing needs much memory. */
const IMAGE_WORKERS_MAX = 4;
const EXAMINE_EVERY_MS = 1000;
const SWEEP_EVERY_MS = 10 * 60_000;
/** Uploads that were given up hold other people's limits, so they go sooner. */
const SWEEP_UPLOADS_EVERY_MS = 10_000;
/** JSON bodies, base64 uploads among them. */
const JSON_BYTES_MAX = 32 * 1024 * 1024;
/** The largest of them needs a line of two megabits a second for it. */
const JSON_MS_MAX = 2 * 60_000;

/** Opens the adapters that the configuration names and builds the application on them. Raises what an adapter cannot open. */
export async function compose(config: Config): Promise<Service> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const keyring = await openKeyring({ dataDir: config.dataDir, configured: config.signingSecrets });
  const secrets = [config.adminKey, config.autotagKey].filter((secret) => secret !== undefined);
  const system = openSystem({ keyring, logLevel: config.logLevel, secrets });
  const closers: (() => Promise<void>)[] = [];
  const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T> | T): Promise<T> => {
    const adapter = await opening;
    closers.unshift(() => adapter.close());
    return adapter;
  };
  try {
    const geo = await opened(openGeo(config.geoDb, system));
    const blobs = await opened(openBlobs(config.blobsUrl, system));
    const images = await opened(
      openImages({
        blobs,
        folder: join(config.dataDir, 'renders', 'work'),
        workers:
          config.imageWorkers ?? Math.min(Math.max(Math.floor(availableParallelism() / 2), 1), IMAGE_WORKERS_MAX),
      }),
    );
    const renders = await openDiskRenders({
      folder: join(config.dataDir, 'renders', 'kept'),
      sizeMaxBytes: config.renderCacheBytes,
      now: system.now,
    });
    system.log.info('images.ready', { ...images.describe() });
    const partials = await opened(openPartialBlobs(config.blobsUrl, system));
    const sql = await opened(openSql(config.databaseUrl, { log: system.log }));
    const counters = await openCounters(config.countersUrl, sql.counters, system.log).then((port) =>
      port === sql.counters ? port : opened(port),
    );
    const ports: Ports = {
      templates: sql.templates,
      bus: sql.bus,
      metadata: sql.metadata,
      descriptions: sql.descriptions,
      search: sql.search,
      changes: sql.changes,
      comments: sql.comments,
      settings: sql.settings,
      bulks: sql.bulks,
      labels: sql.labels,
      examinations: sql.examinations,
      collections: sql.collections,
      pins: sql.pins,
      favorites: sql.favorites,
      tasks: sql.tasks,
      shares: sql.shares,
      passwords: openPasswords(),
      approvals: sql.approvals,
      counters,
      blobs,
      partials,
      resumables: sql.resumables,
      media: openMedia(),
      fetcher: openFetcher({ allow: config.fetchAllow.map(parseRange).filter((range) => range !== undefined) }),
      images,
      renders,
      geo,
      system,
      tagger:
        config.autotagUrl === undefined ? undefined : openWebTagger({ url: config.autotagUrl, key: config.autotagKey }),
    };

    await ports.templates.ensureContainer(config.container, system.now());
    const { generated } = await ensureAdminKey(ports, config.container, config.adminKey);
    if (config.demo === 'on') await ensureDemoTemplate(ports, config.container);

    const app = await createApp(ports, {
      publicUrl: config.publicUrl,
      showTrace: config.decisionTrace === 'everybody',
      jsonBytesMax: JSON_BYTES_MAX,
      jsonMsMax: JSON_MS_MAX,
      whenCountersFail: config.limitsWhenCountersFail,
      keyFailuresPerMinute: config.keyFailuresPerMinute,
      trustedProxies: config.trustedProxies,
      staticFolders: staticFolders(),
      defaultContainer: config.container,
    });
    closers.unshift(() => app.close());
    closers.unshift(startExamining(ports));
    closers.unshift(repeat(ports, SWEEP_EVERY_MS, () => sweep(ports)));
    closers.unshift(repeat(ports, SWEEP_UPLOADS_EVERY_MS, () => sweepUploads(ports)));
    return {
      app,
      ports,
      generatedAdminKey: generated,
      loginToken: () => createLoginLink(ports),
      close: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** The blob store that the URL names. */
function openBlobs(url: string, system: Pick<Ports['system'], 'random'>): Promise<Blobs & Partial<LocalBlobs>> {
  return url.startsWith('s3:') ? openS3Blobs(url, system) : openDiskBlobs(url.slice('file:'.length), system);
}

/** Growing blobs in the same store. */
function openPartialBlobs(url: string, system: Pick<Ports['system'], 'random'>): Promise<PartialBlobs> {
  return url.startsWith('s3:')
    ? openS3PartialBlobs(url, system)
    : openDiskPartialBlobs(url.slice('file:'.length), system);
}

/** The counters that the URL names; without one those of the database. */
async function openCounters(url: string | undefined, fallback: Counters, log: Log): Promise<Counters> {
  if (url === undefined) return fallback;
  return url === 'memory:' ? openMemoryCounters() : openRedisCounters(url, { log });
}

/** Looks at what was uploaded, soon after it was; what is under way is waited for when the service closes. */
function startExamining(ports: Ports): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  let closed = false;
  const run = async () => {
    try {
      while (!closed && (await examineDue(ports)) > 0);
    } catch (error) {
      ports.system.log.error('examination.failed', { error: String(error) });
    }
  };
  const stop = ports.system.every(EXAMINE_EVERY_MS, () => {
    running ??= run().finally(() => {
      running = undefined;
    });
  });
  return async () => {
    closed = true;
    stop();
    await running;
  };
}

/** Sweeps now and then, one sweep at a time; one that still runs is waited for when the service closes. */
function repeat(ports: Ports, everyMs: number, sweeping: () => Promise<unknown>): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  const run = () => {
    running ??= sweeping()
      .catch((error: unknown) => ports.system.log.error('sweep.failed', { error: String(error) }))
      .finally(() => {
        running = undefined;
      });
  };
  run();
  const stop = ports.system.every(everyMs, run);
  return async () => {
    stop();
    await running;
  };
}

/** Closes in order, each exactly once, all of them even if one fails. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (let close = closers.shift(); close !== undefined; close = closers.shift()) {
    await close().catch(() => undefined); // The process is ending; the other adapters must still be closed.
  }
}

/** Built pages lie beside this package in the repository. */
function staticFolders() {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
  return {
    console: join(root, 'packages', 'console', 'dist'),
    demo: join(root, 'examples', 'widget', 'dist'),
    plainDemo: join(root, 'examples', 'plain-fetch'),
  };
}
