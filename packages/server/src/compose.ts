// The composition root: the only file that sees both ports and adapters.
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRange } from '@latchkey/policy';
import type { FastifyInstance } from 'fastify';
import { openPasswords } from './adapters/argon2/passwords.ts';
import { openDiskBlobs } from './adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from './adapters/disk/partial-blobs.ts';
import { openDiskRenders } from './adapters/disk/renders.ts';
import { findFfmpeg } from './adapters/images/ffmpeg.ts';
import { openImages } from './adapters/images/images.ts';
import { openMedia } from './adapters/media/media.ts';
import { openMemoryCounters } from './adapters/memory/counters.ts';
import { openGeo } from './adapters/mmdb/geo.ts';
import { observedCounters } from './adapters/observed/counters.ts';
import { traced } from './adapters/observed/traced.ts';
import { openMeter } from './adapters/prometheus/meter.ts';
import { redisUrlFault } from './adapters/redis/address.ts';
import { openRedisCounters } from './adapters/redis/counters.ts';
import { parseS3Url } from './adapters/s3/address.ts';
import { openS3Blobs } from './adapters/s3/blobs.ts';
import { openS3PartialBlobs } from './adapters/s3/partial-blobs.ts';
import { openSql, type SqlPorts } from './adapters/sql/index.ts';
import { openKeyring } from './adapters/system/keyring.ts';
import { openSystem } from './adapters/system/system.ts';
import { openFetcher } from './adapters/web/fetcher.ts';
import { openWebTagger } from './adapters/web/tagger.ts';
import type { Config, UrlFaults } from './config.ts';
import { createApp } from './http/app.ts';
import { drain, type Phase } from './http/drain.ts';
import { createMetricsServer } from './http/metrics.ts';
import { ensureDemoTemplate } from './operations/demo.ts';
import { examineDue } from './operations/examinations.ts';
import { sweepUploads } from './operations/resumable.ts';
import { ensureAdminKey } from './operations/secret-keys.ts';
import { createLoginLink } from './operations/session.ts';
import { sweep } from './operations/sweep.ts';
import type { Blobs, LinkedBlobs, LocalBlobs } from './ports/blobs.ts';
import type { Counters } from './ports/counters.ts';
import type { Images } from './ports/images.ts';
import type { Ports } from './ports/index.ts';
import type { Meter } from './ports/meter.ts';
import type { PartialBlobs } from './ports/partial-blobs.ts';
import type { Log } from './ports/system.ts';
import { type Tracer, UNTRACED } from './ports/tracer.ts';

/** A running service without its socket. */
export interface Service {
  readonly app: FastifyInstance;
  readonly ports: Ports;
  /** Serves `/metrics` alone, when it has an address of its own. */
  readonly metrics: Server | undefined;
  /** The admin key made on this very first start; it is nowhere else. */
  readonly generatedAdminKey: string | undefined;
  /** A one-time sign-in token for the console. */
  loginToken(): Promise<string>;
  /** Lets requests under way finish, within the configured times; `close` is for afterwards. */
  drain(): Promise<void>;
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

/** What the adapters find wrong with the URLs of their stores, so that a start reports it with every other fault. */
export const URL_FAULTS: UrlFaults = {
  databaseUrl: (url) =>
    url.startsWith('sqlite:') || URL.canParse(url)
      ? undefined
      : 'must look like postgres://user:password@host/database',
  countersUrl: (url) => (url === 'memory:' ? undefined : redisUrlFault(url)),
  blobsUrl: (url) => {
    const address = url.startsWith('s3:') ? parseS3Url(url) : undefined;
    return typeof address === 'string' ? address : undefined;
  },
};

/** Opens the adapters that the configuration names and builds the application on them. Raises what an adapter cannot open. */
export async function compose(config: Config): Promise<Service> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const keyring = await openKeyring({ dataDir: config.dataDir, configured: config.signingSecrets });
  const secrets = secretsOf(config);
  const closers: (() => Promise<void>)[] = [];
  const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T> | T): Promise<T> => {
    const adapter = await opening;
    closers.unshift(() => adapter.close());
    return adapter;
  };
  const meter = openMeter({ ofProcess: true });
  const tracer = await opened(openTracer(config.traces));
  const system = openSystem({ keyring, meter, tracer, logLevel: config.logLevel, secrets });
  try {
    const geo = await opened(openGeo(config.geoDb, system));
    const blobs = await opened(openBlobs(config, system));
    // A program is asked for its version while the stores are opened.
    const programs = findFfmpeg();
    const partials = await opened(openPartialBlobs(config, system));
    const sql = await opened(
      openSql(config.databaseUrl, {
        log: system.log,
        limits: {
          connectionsMax: config.databaseConnections,
          statementMsMax: config.databaseStatementMs,
          lockMsMax: config.databaseLockMs,
        },
      }),
    );
    const counters = await openCounters(config.countersUrl, sql.counters, system.log).then((port) =>
      port === sql.counters ? port : opened(port),
    );
    const images = await opened(
      openImages({
        blobs,
        folder: join(config.dataDir, 'renders', 'work'),
        programs: await programs,
        perMinuteMax: config.drawingsPerMinute,
        now: system.now,
        programsUrl: new URL('./adapters/images/', import.meta.url).href,
        workers:
          config.imageWorkers ?? Math.min(Math.max(Math.floor(availableParallelism() / 2), 1), IMAGE_WORKERS_MAX),
      }),
    );
    system.log.info('images.ready', { ...images.describe() });
    const renders = await openDiskRenders({
      folder: join(config.dataDir, 'renders', 'kept'),
      sizeMaxBytes: config.renderCacheBytes,
      now: system.now,
    });
    watchDepths(meter, sql, images);
    const ports: Ports = {
      templates: traced('templates', sql.templates, tracer),
      bus: sql.bus,
      accesses: traced('accesses', sql.accesses, tracer),
      metadata: traced('metadata', sql.metadata, tracer),
      descriptions: traced('descriptions', sql.descriptions, tracer),
      search: traced('search', sql.search, tracer),
      changes: traced('changes', sql.changes, tracer),
      comments: traced('comments', sql.comments, tracer),
      settings: traced('settings', sql.settings, tracer),
      bulks: traced('bulks', sql.bulks, tracer),
      labels: traced('labels', sql.labels, tracer),
      examinations: sql.examinations,
      collections: traced('collections', sql.collections, tracer),
      pins: traced('pins', sql.pins, tracer),
      favorites: traced('favorites', sql.favorites, tracer),
      variants: traced('variants', sql.variants, tracer),
      tasks: traced('tasks', sql.tasks, tracer),
      shares: traced('shares', sql.shares, tracer),
      airboxes: traced('airboxes', sql.airboxes, tracer),
      passwords: openPasswords(),
      approvals: traced('approvals', sql.approvals, tracer),
      counters: observedCounters(traced('counters', counters, tracer), meter),
      blobs: traced<Blobs>('blobs', blobs, tracer),
      partials: traced('partials', partials, tracer),
      resumables: traced('resumables', sql.resumables, tracer),
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

    let phase: Phase = 'serving';
    const app = await createApp(ports, {
      phase: () => phase,
      metricsToken: config.metricsToken,
      publicUrl: config.publicUrl,
      showTrace: config.decisionTrace === 'everybody',
      jsonBytesMax: JSON_BYTES_MAX,
      downloads: config.downloads,
      jsonMsMax: JSON_MS_MAX,
      whenCountersFail: config.limitsWhenCountersFail,
      keyFailuresPerMinute: config.keyFailuresPerMinute,
      trustedProxies: config.trustedProxies,
      staticFolders: staticFolders(),
      defaultContainer: config.container,
    });
    closers.unshift(() => app.close());
    const metrics = config.metricsListen === undefined ? undefined : createMetricsServer(meter, config.metricsToken);
    if (metrics !== undefined) closers.push(async () => closeServer(metrics));
    closers.unshift(startExamining(ports));
    closers.unshift(repeat(ports, SWEEP_EVERY_MS, () => sweep(ports)));
    closers.unshift(repeat(ports, SWEEP_UPLOADS_EVERY_MS, () => sweepUploads(ports)));
    return {
      app,
      ports,
      metrics,
      generatedAdminKey: generated,
      loginToken: () => createLoginLink(ports),
      drain: () => {
        const times = { leavingMs: config.drainDelaySeconds * 1000, closingMs: config.drainSeconds * 1000 };
        return drain(app, times, system.log, (next) => {
          phase = next;
        });
      },
      close: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** Passwords shorter than this are too common in other words to be taken out of them. */
const SECRET_LENGTH_MIN = 8;

/** Texts of the configuration that must never stand in the log, whatever quotes them. */
function secretsOf(config: Config): readonly string[] {
  const { adminKey, autotagKey, metricsToken, signingSecrets, databaseUrl, countersUrl, blobsUrl } = config;
  const inUrls = [databaseUrl, countersUrl, blobsUrl].flatMap((url) => {
    const [, secret] = /^[a-z0-9-]+:\/\/[^/?#@]*?:([^@/?#]+)@/i.exec(url ?? '') ?? [];
    return secret === undefined ? [] : [secret, decodedOr(secret)];
  });
  const signing = signingSecrets?.split(',').flatMap((pair) => pair.trim().split(':').slice(1)) ?? [];
  const all = [adminKey, autotagKey, metricsToken, ...signing, ...inUrls];
  return all.flatMap((secret) => (secret !== undefined && secret.length >= SECRET_LENGTH_MIN ? [secret] : []));
}

function decodedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The blob store that the URL names. */
export function openBlobs(
  { blobsUrl: url, blobsStallMs: stallMs }: Pick<Config, 'blobsUrl' | 'blobsStallMs'>,
  system: Pick<Ports['system'], 'now' | 'random'>,
): Promise<Blobs & Partial<LocalBlobs> & Partial<LinkedBlobs>> {
  return url.startsWith('s3:')
    ? openS3Blobs(url, system, { stallMs })
    : openDiskBlobs(url.slice('file:'.length), system);
}

/** Growing blobs in the same store. */
function openPartialBlobs(
  { blobsUrl: url, blobsStallMs: stallMs }: Pick<Config, 'blobsUrl' | 'blobsStallMs'>,
  system: Pick<Ports['system'], 'random'>,
): Promise<PartialBlobs> {
  return url.startsWith('s3:')
    ? openS3PartialBlobs(url, system, { stallMs })
    : openDiskPartialBlobs(url.slice('file:'.length), system);
}

/** The library that sends traces costs time and memory, so only who wants traces loads it. */
async function openTracer(options: Config['traces']): Promise<Tracer> {
  if (options === undefined) return UNTRACED;
  const { openOtelTracer } = await import('./adapters/otel/tracer.ts');
  return openOtelTracer(options);
}

/** Shows what waits where. */
function watchDepths(meter: Meter, sql: SqlPorts, images: Images): void {
  meter.watch('databaseConnections', () => {
    const { idle, busy } = sql.load();
    return [
      { labels: { state: 'idle' }, value: idle },
      { labels: { state: 'busy' }, value: busy },
    ];
  });
  meter.watch('databaseWaiting', () => [{ labels: {}, value: sql.load().waiting }]);
  meter.watch('imageWorkers', () => {
    const { workers, busy } = images.load();
    return [
      { labels: { state: 'idle' }, value: workers - busy },
      { labels: { state: 'busy' }, value: busy },
    ];
  });
  meter.watch('imagesWaiting', () => {
    const { now, later } = images.load().waiting;
    return [
      { labels: { urgency: 'now' }, value: now },
      { labels: { urgency: 'later' }, value: later },
    ];
  });
  meter.watch('examinationsWaiting', async () => [{ labels: {}, value: await sql.examinations.countWaiting() }]);
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
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
