// Every setting, once: name, meaning, default and how it is read. The only reader of the environment.
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** The whole configuration, frozen. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly databaseConnections: number;
  readonly databaseStatementMs: number;
  readonly databaseLockMs: number;
  readonly countersUrl: string | undefined;
  readonly blobsUrl: string;
  readonly blobsStallMs: number;
  readonly downloads: 'node' | 'store';
  readonly geoDb: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly publicUrl: string | undefined;
  readonly container: string;
  readonly adminKey: string | undefined;
  readonly signingSecrets: string | undefined;
  readonly limitsWhenCountersFail: 'deny' | 'allow';
  readonly demo: 'on' | 'off';
  readonly decisionTrace: 'admins' | 'everybody';
  readonly keyFailuresPerMinute: number;
  readonly fetchAllow: readonly string[];
  readonly imageWorkers: number | undefined;
  readonly drawingsPerMinute: number;
  readonly renderCacheBytes: number;
  readonly autotagUrl: string | undefined;
  readonly autotagKey: string | undefined;
  readonly logLevel: 'info' | 'warn' | 'error' | 'silent';
  readonly metricsListen: { readonly host: string; readonly port: number } | undefined;
  readonly metricsToken: string | undefined;
  readonly drainDelaySeconds: number;
  readonly drainSeconds: number;
  /** Undefined unless a collector is named. Where it is, the library reads by itself from the standard OTEL_ variables. */
  readonly traces: Traces | undefined;
}

/** How traces are sent, in the words of the OpenTelemetry specification. */
export interface Traces {
  readonly protocol: (typeof TRACE_PROTOCOLS)[number];
  readonly sampler: (typeof TRACE_SAMPLERS)[number];
  /** Share of the traces that is kept, from 0 to 1, by the samplers that ask for it. */
  readonly samplerRatio: number;
}

const TRACE_PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const TRACE_SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** One setting as people see it. */
export interface Setting {
  /** Name in the environment and in the configuration file. */
  readonly name: string;
  /** The default in words. */
  readonly default: string;
  readonly description: string;
  /** The value is masked wherever settings are shown. */
  readonly secret?: true;
}

interface Row extends Setting {
  readonly schema: z.ZodType<unknown, string>;
}

/** Container names must not be taken for one of our own top-level paths. */
const RESERVED = ['admin', 'cdn', 'console', 'demo', 'docs', 'health', 'i18n', 'metrics', 'share', 'videos'];

const cidr = z.string().refine(isCidr, 'must be an address or a CIDR such as 10.0.0.0/8');

const word = <const T extends readonly [string, ...string[]]>(...words: T) => z.enum(words);

const milliseconds = (least: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'must be a number of milliseconds below 1000000')
    .transform(Number)
    .refine((ms) => ms >= least, `must be at least ${least}`);

const ROWS = {
  host: row('HOST', '127.0.0.1', 'Address to listen on; 0.0.0.0 for all.', z.string().min(1)),
  port: row(
    'PORT',
    '7700',
    'Port to listen on; 0 picks a free one.',
    z
      .string()
      .regex(/^\d{1,5}$/, 'must be a port number')
      .transform(Number)
      .refine((port) => port <= 65535, 'must be at most 65535'),
  ),
  dataDir: row(
    'LATCHKEY_DATA_DIR',
    './data',
    'Folder of the embedded database, the files and the generated signing secret.',
    z.string().min(1),
  ),
  databaseUrl: row(
    'LATCHKEY_DATABASE_URL',
    'SQLite in the data folder',
    'Where records are kept: sqlite:path or postgres://user:password@host/database.',
    z.string().regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'must begin with sqlite: or postgres://'),
    true,
  ),
  databaseConnections: row(
    'LATCHKEY_DATABASE_CONNECTIONS',
    '10',
    'Connections to PostgreSQL that one process has open at most, besides one that listens for changes.',
    z
      .string()
      .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 999')
      .transform(Number),
  ),
  databaseStatementMs: row(
    'LATCHKEY_DATABASE_STATEMENT_MS',
    '10000',
    'Milliseconds that one statement may take on PostgreSQL; what takes longer is answered 503. Migrations are exempt.',
    milliseconds(100),
  ),
  databaseLockMs: row(
    'LATCHKEY_DATABASE_LOCK_MS',
    '8000',
    'Milliseconds that a statement may wait on PostgreSQL for a row or table that another one holds; then the request is answered 503.',
    milliseconds(10),
  ),
  countersUrl: row(
    'LATCHKEY_COUNTERS_URL',
    'the database',
    'Where limits are counted: redis://user:password@host:6379/0 for Valkey or Redis (several hosts separated by commas are nodes of a cluster; rediss:// for TLS; redis-sentinel://host,host/name behind Sentinel). memory: counts in this process only and forgets at its end.',
    z
      .string()
      .regex(
        /^(memory:$|rediss?(-sentinel)?:\/\/.)/,
        'must be memory: or begin with redis://, rediss://, redis-sentinel:// or rediss-sentinel://',
      ),
    true,
  ),
  blobsUrl: row(
    'LATCHKEY_BLOBS_URL',
    'a folder in the data folder',
    'Where the bytes of files are kept: file:path, or a bucket of any S3 store as s3://key:secret@bucket/prefix?endpoint=https://host&region=us-east-1. Without key and secret the surroundings of the process are asked, as AWS tools do.',
    z.string().refine((text) => /^(file|s3):./.test(text), 'must begin with file: or s3://'),
    true,
  ),
  blobsStallMs: row(
    'LATCHKEY_BLOBS_STALL_MS',
    '10000',
    'Milliseconds without any movement after which a request to the S3 store is given up and answered 503, and not made again; three times as long where the store joins parts. A transfer that is slow but moves goes on.',
    milliseconds(1000),
  ),
  downloads: row(
    'LATCHKEY_DOWNLOADS',
    'node',
    'Who sends the bytes of files: node, or store: then links are redirected to addresses of the S3 store that it honours for 30 seconds at most. Browsers must reach the store, at public_endpoint in its URL when that is elsewhere.',
    word('node', 'store'),
  ),
  geoDb: row(
    'LATCHKEY_GEO_DB',
    'the database shipped with Latchkey',
    'Path of a GeoLite2-format .mmdb file; read again when it is replaced.',
    z.string().min(1),
  ),
  trustedProxies: row(
    'LATCHKEY_TRUSTED_PROXIES',
    'none',
    'Comma-separated addresses and CIDRs of proxies whose X-Forwarded-For is believed, read from the right, and whose X-Forwarded-Origin where there is no Origin.',
    z.string().transform(commaSeparated).pipe(z.array(cidr)),
  ),
  publicUrl: row(
    'LATCHKEY_PUBLIC_URL',
    'taken from the request',
    'Base of the URLs in answers, such as https://assets.example.com.',
    z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform((url) => url.replace(/\/+$/, '')),
  ),
  container: row(
    'LATCHKEY_CONTAINER',
    'demo',
    'Container made on the first start: lower-case letters, digits, - and _.',
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, - or _')
      .refine((name) => !RESERVED.includes(name) || name === 'demo', 'is a reserved name'),
  ),
  adminKey: row(
    'LATCHKEY_ADMIN_KEY',
    'generated and printed once on the first start',
    'The first admin secret key, for automation: 32 characters or more.',
    z.string().min(32, 'must have 32 characters or more').max(256),
    true,
  ),
  signingSecrets: row(
    'LATCHKEY_SIGNING_SECRETS',
    'generated in the data folder',
    'Secrets that sign access keys, as id:hex pairs separated by commas; the first signs, all verify.',
    z.string().min(1),
    true,
  ),
  limitsWhenCountersFail: row(
    'LATCHKEY_LIMITS_WHEN_COUNTERS_FAIL',
    'deny',
    'What happens when limits cannot be checked: deny answers 503, allow goes on without limits.',
    word('deny', 'allow'),
  ),
  demo: row(
    'LATCHKEY_DEMO',
    'auto',
    'Whether the demo page has a template that anybody who reaches the page may use: on, off, or auto (on while listening on a loopback address).',
    word('auto', 'on', 'off'),
  ),
  decisionTrace: row(
    'LATCHKEY_DECISION_TRACE',
    'admins',
    'Who sees the ordered trace of rules in a refusal: admins, or everybody for development.',
    word('admins', 'everybody'),
  ),
  keyFailuresPerMinute: row(
    'LATCHKEY_KEY_FAILURES_PER_MINUTE',
    '600',
    'Bad credentials that one client address may present in a minute; each process counts for itself.',
    z
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'must be a whole number above 0')
      .transform(Number),
  ),
  fetchAllow: row(
    'LATCHKEY_FETCH_ALLOW',
    'none',
    'Comma-separated addresses and CIDRs that uploads by URL may fetch from although they are not public, on any port: for servers of your own network.',
    z
      .string()
      .transform(commaSeparated)
      .pipe(z.array(cidr.refine((text) => !['0.0.0.0', '::'].includes(text), 'must name a network'))),
  ),
  imageWorkers: row(
    'LATCHKEY_IMAGE_WORKERS',
    'half of the processors, at most 4',
    'Processes that draw pictures at once; each may use up to 1 GiB of memory for a moment.',
    z
      .string()
      .regex(/^[1-9]\d?$/, 'must be a whole number from 1 to 99')
      .transform(Number),
  ),
  drawingsPerMinute: row(
    'LATCHKEY_DRAWINGS_PER_MINUTE',
    '1200',
    'Pictures that may be drawn anew for one client address (IPv6: its /64) in a minute; what is kept already counts for nothing, and each process counts for itself.',
    z
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'must be a whole number above 0')
      .transform(Number),
  ),
  renderCacheBytes: row(
    'LATCHKEY_RENDER_CACHE_BYTES',
    '2147483648',
    'How much of the data folder drawn pictures may fill; what nobody asked for in the longest time goes first.',
    z
      .string()
      .regex(/^\d{1,15}$/, 'must be a number of bytes')
      .transform(Number),
  ),
  autotagUrl: row(
    'LATCHKEY_AUTOTAG_URL',
    'none: tags come from what is known of a file',
    'URL of a service that suggests tags and descriptions; files that people want tagged are sent to it.',
    z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  ),
  autotagKey: row(
    'LATCHKEY_AUTOTAG_KEY',
    'none',
    'Key of that service, sent as Authorization: Bearer.',
    z.string().regex(/^[\x21-\x7e]{1,4096}$/, 'must be plain characters without spaces'),
    true,
  ),
  logLevel: row(
    'LATCHKEY_LOG_LEVEL',
    'info',
    'Least important events to log: info, warn, error or silent.',
    word('info', 'warn', 'error', 'silent'),
  ),
  metricsListen: row(
    'LATCHKEY_METRICS_LISTEN',
    'none',
    'Address of its own for /metrics, such as 127.0.0.1:9464 or 0.0.0.0:9464: for a network that only the collector reaches.',
    z.string().transform((text, context) => {
      const [, host = '', port = ''] = /^(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
      if (host !== '' && Number(port) <= 65535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
      context.addIssue({ code: 'custom', message: 'must be an address and a port such as 127.0.0.1:9464' });
      return z.NEVER;
    }),
  ),
  metricsToken: row(
    'LATCHKEY_METRICS_TOKEN',
    'none: /metrics is closed on the main address',
    'Opens /metrics to whoever sends it as Authorization: Bearer; 16 characters or more.',
    z.string().regex(/^[\x21-\x7e]{16,4096}$/, 'must be 16 or more plain characters without spaces'),
    true,
  ),
  drainDelaySeconds: row(
    'LATCHKEY_DRAIN_DELAY_SECONDS',
    '0',
    'After SIGTERM everything goes on for this long, only not ready any more, so that balancers can look elsewhere first.',
    z
      .string()
      .regex(/^\d{1,3}$/, 'must be a whole number from 0 to 999')
      .transform(Number),
  ),
  drainSeconds: row(
    'LATCHKEY_DRAIN_SECONDS',
    '25',
    'How long requests under way may then take to end; uploads that take longer are told SHUTTING_DOWN, resumable ones go on elsewhere.',
    z
      .string()
      .regex(/^\d{1,4}$/, 'must be a whole number from 0 to 9999')
      .transform(Number),
  ),
} satisfies Record<string, Row>;

function row(
  name: string,
  fallback: string,
  description: string,
  schema: z.ZodType<unknown, string>,
  secret?: true,
): Row {
  return { name, default: fallback, description, schema, ...(secret === undefined ? {} : { secret }) };
}

function commaSeparated(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Every setting in order, for the reference page and the start-up listing. */
export const SETTINGS: readonly Setting[] = Object.values(ROWS);

/** Every setting with its default, for `--help`. */
export function helpText(): string {
  const rows = SETTINGS.map(
    ({ name, default: fallback, description }) => `  ${name}\n      ${description}\n      Default: ${fallback}.`,
  );
  return [
    'Latchkey: an asset store that browsers can use without holding a secret.',
    '',
    'latchkey                     serves',
    'latchkey backup <folder>     copies the store that the settings name, also while it is in use',
    'latchkey restore <folder>    puts such a copy into an empty store',
    '',
    'Settings, from the environment, from flags such as --port 8080, or from the JSON file that --config names:',
    '',
    ...rows,
  ].join('\n');
}

/** Where settings come from, later ones winning: configuration file, environment, flags. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command-line arguments after the program's name. */
  readonly args: readonly string[];
}

/** Where this process got its settings from. */
export function processSources(): Sources {
  return { env: process.env, args: process.argv.slice(2) };
}

/** All settings, or every fault at once as sentences. */
export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly resolved: readonly string[];
    }
  | { readonly ok: false; readonly faults: readonly string[] };

/** What the adapter that would open the URL of a store finds wrong with it, as words that follow its name; undefined when nothing. */
export type UrlFaults = Partial<Readonly<Record<keyof Config, (url: string) => string | undefined>>>;

/**
 * Reads settings from flags (`--port 8080`), the environment (any name may end in `_FILE` to be read from a file) and
 * the JSON file that `--config` or LATCHKEY_CONFIG names. `urlFaults` looks into the URLs of stores. Unknown names are faults, with the nearest known one.
 */
export function loadConfig(sources: Sources, urlFaults: UrlFaults = {}): Loaded {
  const faults: string[] = [];
  const given = new Map<string, string>();
  const flags = readFlags(sources.args, faults);
  const file = flags.get('CONFIG') ?? sources.env['LATCHKEY_CONFIG'];
  if (file !== undefined) readFile(file, given, faults);
  readEnv(sources.env, given, faults);
  for (const [name, value] of flags) if (name !== 'CONFIG') given.set(name, value);

  const values: Record<string, unknown> = {};
  for (const [key, { name, schema }] of Object.entries(ROWS)) {
    const text = given.get(name);
    if (text === undefined || text === '') continue;
    const parsed = schema.safeParse(text);
    const fault = parsed.success ? urlFaults[key as keyof Config]?.(text) : undefined;
    if (fault !== undefined) faults.push(`${name} ${fault}`);
    else if (parsed.success) values[key] = parsed.data;
    else faults.push(`${name} ${parsed.error.issues.map((issue) => issue.message).join(', ')}`);
  }
  const traces = readTraces(sources.env, faults);
  if (faults.length > 0) return { ok: false, faults };
  const config = { ...withDefaults(values), traces };
  return { ok: true, config: Object.freeze(config), warnings: warningsOf(config), resolved: describe(config, given) };
}

function withDefaults(values: Partial<Record<keyof Config, unknown>>): Omit<Config, 'traces'> {
  // Each value went through its row's schema, which yields the type of its field.
  const given = values as { -readonly [K in keyof Config]?: Config[K] } & { demo?: 'auto' | 'on' | 'off' };
  const dataDir = resolve(given.dataDir ?? './data');
  const host = given.host ?? '127.0.0.1';
  const demo = given.demo ?? 'auto';
  return {
    host,
    port: given.port ?? 7700,
    dataDir,
    databaseUrl: given.databaseUrl ?? `sqlite:${join(dataDir, 'latchkey.db')}`,
    databaseConnections: given.databaseConnections ?? 10,
    databaseStatementMs: given.databaseStatementMs ?? 10_000,
    databaseLockMs: given.databaseLockMs ?? 8000,
    countersUrl: given.countersUrl,
    blobsUrl: given.blobsUrl ?? `file:${join(dataDir, 'blobs')}`,
    blobsStallMs: given.blobsStallMs ?? 10_000,
    downloads: given.downloads ?? 'node',
    geoDb: given.geoDb,
    trustedProxies: given.trustedProxies ?? [],
    publicUrl: given.publicUrl,
    container: given.container ?? 'demo',
    adminKey: given.adminKey,
    signingSecrets: given.signingSecrets,
    limitsWhenCountersFail: given.limitsWhenCountersFail ?? 'deny',
    demo: demo === 'auto' ? (isLoopback(host) ? 'on' : 'off') : demo,
    decisionTrace: given.decisionTrace ?? 'admins',
    keyFailuresPerMinute: given.keyFailuresPerMinute ?? 600,
    fetchAllow: given.fetchAllow ?? [],
    imageWorkers: given.imageWorkers,
    drawingsPerMinute: given.drawingsPerMinute ?? 1200,
    renderCacheBytes: given.renderCacheBytes ?? 2 * 1024 * 1024 * 1024,
    autotagUrl: given.autotagUrl,
    autotagKey: given.autotagKey,
    logLevel: given.logLevel ?? 'info',
    metricsListen: given.metricsListen,
    metricsToken: given.metricsToken,
    drainDelaySeconds: given.drainDelaySeconds ?? 0,
    drainSeconds: given.drainSeconds ?? 25,
  };
}

/** By the words of the OpenTelemetry specification, except that nothing is sent unless an endpoint is named. */
function readTraces(env: Sources['env'], faults: string[]): Traces | undefined {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (!endpoint || isOff) return undefined;
  const oneOf = <const T extends string>(name: string, text: string, words: readonly T[]): T | undefined => {
    const found = words.find((known) => known === text);
    if (found === undefined) faults.push(`${name} must be one of ${words.join(', ')}`);
    return found;
  };
  const protocolText = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  const protocol = oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', protocolText || 'http/protobuf', TRACE_PROTOCOLS);
  const sampler = oneOf('OTEL_TRACES_SAMPLER', env['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on', TRACE_SAMPLERS);
  const samplerRatio = Number(env['OTEL_TRACES_SAMPLER_ARG'] || '1');
  if (!(samplerRatio >= 0 && samplerRatio <= 1)) faults.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  if (!URL.canParse(endpoint)) faults.push('OTEL_EXPORTER_OTLP_ENDPOINT must be a URL');
  return protocol === undefined || sampler === undefined ? undefined : { protocol, sampler, samplerRatio };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Combinations that work but should be meant. */
function warningsOf(config: Config): readonly string[] {
  const warnings: string[] = [];
  if (config.trustedProxies.some((proxy) => /\/0$/.test(proxy))) {
    warnings.push('LATCHKEY_TRUSTED_PROXIES trusts everybody: any client can claim any address.');
  }
  if (config.fetchAllow.length > 0) {
    warnings.push(
      'LATCHKEY_FETCH_ALLOW is set: whoever may upload from URLs can reach those addresses through this service.',
    );
  }
  if (config.downloads === 'store' && !config.blobsUrl.startsWith('s3:')) {
    warnings.push('LATCHKEY_DOWNLOADS is store, but the files lie in a folder: this service sends them itself.');
  }
  if (config.limitsWhenCountersFail === 'allow') warnings.push('Limits are not kept while they cannot be counted.');
  if (config.demo === 'on' && !isLoopback(config.host)) {
    warnings.push('The demo template is on: everybody who reaches this address may upload to it.');
  }
  if (config.countersUrl === 'memory:')
    warnings.push('Limits are counted in memory: they start anew with each start, and per node.');
  return warnings;
}

/** The settings in force, one line each, secrets masked. */
function describe(config: Config, given: ReadonlyMap<string, string>): readonly string[] {
  return Object.entries(ROWS).map(([key, { name, secret }]) => {
    const value = config[key as keyof Config];
    const shown =
      secret === true && given.has(name)
        ? '(set)'
        : value === undefined
          ? '(default)'
          : (given.get(name) ?? String(value));
    return `${name}=${shown}`;
  });
}

function readFlags(args: readonly string[], faults: string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const match = /^--([a-z-]+)(?:=(.*))?$/.exec(args[i] ?? '');
    if (match?.[1] === undefined) {
      faults.push(`${args[i]} is not a setting`);
      continue;
    }
    const upper = match[1].replaceAll('-', '_').toUpperCase();
    const name = ['HOST', 'PORT', 'CONFIG'].includes(upper) ? upper : `LATCHKEY_${upper}`;
    const value = match[2] ?? args[++i];
    if (value === undefined) faults.push(`--${match[1]} needs a value`);
    else if (name !== 'CONFIG' && !isKnown(name)) faults.push(unknown(`--${match[1]}`, name));
    else flags.set(name, value);
  }
  return flags;
}

function readFile(path: string, given: Map<string, string>, faults: string[]): void {
  if (!existsSync(path)) {
    faults.push(`the configuration file ${path} does not exist`);
    return;
  }
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    faults.push(`the configuration file ${path} is not valid JSON`);
    return;
  }
  const entries = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).safeParse(content);
  if (!entries.success) {
    faults.push(`the configuration file ${path} must be one object of names and plain values`);
    return;
  }
  for (const [name, value] of Object.entries(entries.data)) {
    if (isKnown(name)) given.set(name, String(value));
    else faults.push(unknown(`${name} in ${path}`, name));
  }
}

function readEnv(env: Sources['env'], given: Map<string, string>, faults: string[]): void {
  for (const [key, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const name = key.endsWith('_FILE') ? key.slice(0, -'_FILE'.length) : key;
    if (isKnown(name)) {
      if (name === key) given.set(name, value);
      else readSecretFile(name, value, given, faults);
    } else if (key.startsWith('LATCHKEY_') && key !== 'LATCHKEY_CONFIG' && !key.startsWith('LATCHKEY_TEST_')) {
      faults.push(unknown(key, name));
    }
  }
}

function readSecretFile(name: string, path: string, given: Map<string, string>, faults: string[]): void {
  if (given.has(name)) return;
  try {
    given.set(name, readFileSync(path, 'utf8').trim());
  } catch {
    faults.push(`${name}_FILE: the file ${path} cannot be read`);
  }
}

function isKnown(name: string): boolean {
  return SETTINGS.some((setting) => setting.name === name);
}

function unknown(shown: string, name: string): string {
  const [nearest] = SETTINGS.map((setting) => ({
    name: setting.name,
    distance: editDistance(bare(setting.name), bare(name)),
  })).sort((a, b) => a.distance - b.distance);
  return `${shown} is not a setting; did you mean ${nearest?.name}?`;
}

/** The prefix that most names share says nothing about which one was meant. */
function bare(name: string): string {
  return name.replace(/^LATCHKEY_/, '');
}

/** Levenshtein distance, for "did you mean". */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
