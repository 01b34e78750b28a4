// The whole application on stores of its own with a held clock, so that a test says only what is different about it.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Claims,
  encodeKey,
  narrow,
  PERMISSIONS,
  parseNarrowing,
  parseSecretKeyRights,
  parseTemplate,
} from '@latchkey/policy';
import type { FastifyInstance } from 'fastify';
import { openPasswords } from '../../src/adapters/argon2/passwords.ts';
import { openDiskRenders } from '../../src/adapters/disk/renders.ts';
import { findFfmpeg } from '../../src/adapters/images/ffmpeg.ts';
import { type ImagesOptions, openImages } from '../../src/adapters/images/images.ts';
import { openMedia } from '../../src/adapters/media/media.ts';
import { openMeter } from '../../src/adapters/prometheus/meter.ts';
import { openFetcher } from '../../src/adapters/web/fetcher.ts';
import { hashSecret, mac } from '../../src/digest.ts';
import { type AppOptions, createApp } from '../../src/http/app.ts';
import { createLoginLink } from '../../src/operations/session.ts';
import type { Ports } from '../../src/ports/index.ts';
import type { System } from '../../src/ports/system.ts';
import type { SecretKeyRecord, TemplateRecord } from '../../src/ports/templates.ts';
import { UNTRACED } from '../../src/ports/tracer.ts';
import { type NodeStores, openStores } from './stores.ts';

/** Noon of a day with nothing special about it. */
export const NOON_MS = Date.UTC(2026, 0, 15, 12);

/** The container every harness has. */
export const CONTAINER = 'demo';

/** What the test's geo database knows; every other address is from nowhere. */
export const COUNTRIES: Readonly<Record<string, string>> = {
  '127.0.0.1': 'FR',
  '203.0.113.7': 'FR',
  '198.51.100.7': 'US',
  '2001:db8:1::7': 'DE',
};

/** Asked for once: to start them takes longer than most tests. */
const PROGRAMS = findFfmpeg();

/** One line of the log. */
export interface LoggedEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One request. `url` begins with a slash; what does not begin with the container is put below it. */
export interface TestRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly url: string;
  /** Sent as `X-Filerobot-Key`. */
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object is sent as JSON; a text or bytes as they are. */
  readonly body?: object | string | Buffer;
  /** The address of the peer; loopback by default. */
  readonly ip?: string;
}

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The JSON body; an empty object when there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly bytes: Buffer;
  /** The text at a path such as `security_template.id`. Throws when there is none. */
  textAt(path: string): string;
}

/** A file of a multipart upload. */
export interface TestFile {
  readonly name?: string;
  readonly content?: string | Buffer;
  readonly type?: string;
}

/** How a harness differs from the usual one. */
export interface HarnessOptions extends Partial<AppOptions> {
  /** Replaces ports, for example by ones that fail. */
  readonly wrap?: (ports: Ports) => Ports;
  /** Asks one node only, in every layout: for what a process counts or remembers by itself. */
  readonly oneNode?: true;
  /** How drawing differs from the usual one. */
  readonly drawing?: Partial<ImagesOptions>;
  /** In place of a database of its own. */
  readonly databaseUrl?: string;
}

/** An application under test. */
export interface Harness {
  readonly app: FastifyInstance;
  readonly ports: Ports;
  /** Held still; set it or let time pass. */
  readonly clock: { nowMs: number; pass(ms: number): void };
  readonly log: readonly LoggedEvent[];
  /** A stored template with every permission, plus the difference (merged member by member, one level deep). */
  template(difference?: object): Promise<TemplateRecord>;
  /** A stored secret key with every permission, plus the difference. */
  secretKey(difference?: object): Promise<{ readonly record: SecretKeyRecord; readonly secret: string }>;
  /** An access key of a new template with this difference; `claims` and `narrowing` change the key itself. */
  key(
    difference?: object,
    options?: { readonly claims?: Partial<Claims>; readonly narrowing?: object },
  ): Promise<string>;
  /** An access key of a stored template. */
  keyOf(template: TemplateRecord, options?: { readonly claims?: Partial<Claims>; readonly narrowing?: object }): string;
  /** Headers of a signed-in admin in a page of the service. */
  admin(): Promise<Readonly<Record<string, string>>>;
  /** Revokes one access key of the container. */
  revoke(keyId: string): Promise<void>;
  call(request: TestRequest): Promise<Answer>;
  /** Uploads one small file by multipart into `folder`. */
  upload(key: string, folder: string, file?: TestFile): Promise<Answer>;
  /** Closes everything, and throws when a key or secret stood in the log (threat 25). */
  close(): Promise<void>;
}

/** Opens an application with its own empty database and blob folder. */
export async function openHarness(options: HarnessOptions = {}): Promise<Harness> {
  const { wrap = (ports: Ports) => ports, databaseUrl, oneNode, drawing, ...appOptions } = options;
  const clock = {
    nowMs: NOON_MS,
    pass(ms: number) {
      clock.nowMs += ms;
    },
  };
  const log: LoggedEvent[] = [];
  const system = heldSystem(() => clock.nowMs, log);
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  const stores = await openStores(system, folder, databaseUrl);
  const open = async ({ sql, ...others }: NodeStores) => {
    const images = await openImages({
      blobs: others.blobs,
      folder: join(folder, 'work'),
      workers: 1,
      programs: await PROGRAMS,
      now: system.now,
      ...drawing,
    });
    const ports = wrap({
      ...sql,
      ...others,
      tagger: undefined,
      passwords: openPasswords(),
      media: openMedia(),
      fetcher: openFetcher({ resolve: () => Promise.reject(new Error('tests look no names up')) }),
      images,
      renders: await openDiskRenders({ folder: join(folder, 'renders'), sizeMaxBytes: 1e8, now: system.now }),
      geo: tableGeo(),
      system,
    });
    await ports.templates.ensureContainer(CONTAINER, NOON_MS);
    const app = await createApp(ports, { ...APP_OPTIONS, ...appOptions });
    await app.ready();
    return { app, ports, images };
  };
  const [first, ...others] = stores.nodes;
  const node = await open(first);
  const nodes = [node];
  for (const other of oneNode === true ? [] : others) nodes.push(await open(other));
  let turn = 0;
  const { app, ports } = node;
  const { templates } = first.sql;

  const given: string[] = [];
  const remember = (text: string) => {
    given.push(text);
    return text;
  };

  async function template(difference: object = {}): Promise<TemplateRecord> {
    const parsed = parseTemplate(merged({ name: 'Test', permissions: PERMISSIONS }, difference));
    if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
    const record: TemplateRecord = {
      uid: randomBytes(16).toString('hex'),
      container: CONTAINER,
      identifier: `SECU_${randomBytes(16).toString('hex').toUpperCase()}`,
      document: parsed.value.document,
      revision: 1,
      createdAtMs: clock.nowMs,
      updatedAtMs: clock.nowMs,
    };
    await templates.createTemplate(record);
    return record;
  }

  async function secretKey(difference: object = {}) {
    const parsed = parseSecretKeyRights(merged({ name: 'Test', permissions: PERMISSIONS }, difference));
    if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
    const secret = remember(`test-secret-${randomBytes(16).toString('hex')}`);
    const record: SecretKeyRecord = {
      uid: randomBytes(16).toString('hex'),
      container: CONTAINER,
      secretHash: hashSecret(secret),
      prefix: secret.slice(0, 4),
      document: parsed.value.document,
      revision: 1,
      createdAtMs: clock.nowMs,
      updatedAtMs: clock.nowMs,
      lastUsedAtMs: undefined,
    };
    await templates.createSecretKey(record);
    return { record, secret };
  }

  function keyOf(record: TemplateRecord, { claims = {}, narrowing }: KeyDifference = {}): string {
    const { kid, secret } = system.keyring.signing();
    const ttlMs = record.document.key_validity.expiration_duration * 1000;
    const plain: Claims = {
      kid,
      keyId: randomBytes(16).toString('base64url'),
      container: CONTAINER,
      source: { kind: 'template', id: record.uid },
      issuedAtMs: clock.nowMs,
      expiresAtMs: clock.nowMs + ttlMs,
      narrowings: [],
      ...claims,
    };
    const parsed = narrowing === undefined ? undefined : parseNarrowing(narrowing);
    if (parsed?.ok === false) throw new TypeError(JSON.stringify(parsed.faults));
    return remember(encodeKey(parsed === undefined ? plain : narrow(plain, parsed.value), secret, mac));
  }

  async function call(request: TestRequest): Promise<Answer> {
    const { method = 'GET', url, key, headers = {}, body, ip = '127.0.0.1' } = request;
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
    // Each request meets the next node.
    const { app: next } = nodes[turn++ % nodes.length] ?? node;
    const response = await next.inject({
      method,
      url: isOutside(url) ? url : `/${CONTAINER}${url}`,
      remoteAddress: ip,
      headers: {
        ...(isJson ? { 'content-type': 'application/json' } : {}),
        ...(key === undefined ? {} : { 'x-filerobot-key': key }),
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asHeader(value)])),
      },
      ...(body === undefined ? {} : { payload: isJson ? JSON.stringify(body) : body }),
    });
    for (const { value } of response.cookies) if (value !== '') remember(value);
    return answerOf(response.statusCode, response.headers, response.rawPayload);
  }

  return {
    app,
    ports,
    clock,
    log,
    template,
    secretKey,
    key: async (difference, keyDifference) => keyOf(await template(difference), keyDifference),
    keyOf,
    revoke: (keyId) =>
      templates.revokeKeys(CONTAINER, {
        keys: { kind: 'key', keyId },
        issuedUntilMs: Number.MAX_SAFE_INTEGER,
        revokedAtMs: clock.nowMs,
        revokedBy: 'test',
        expiresAtMs: clock.nowMs + 1e9,
      }),
    admin: async () => {
      const token = remember(await createLoginLink(ports));
      const answer = await call({ method: 'POST', url: '/console/session', body: { token } });
      const cookie = answer.headers['set-cookie']?.split(';')[0] ?? '';
      return { cookie, 'x-latchkey-session': '1', 'sec-fetch-site': 'same-origin' };
    },
    call,
    upload: (key, folder, file = {}) => {
      const { headers, body } = multipart([file]);
      return call({ method: 'POST', url: `/v4/files?folder=${encodeURIComponent(folder)}`, key, headers, body });
    },
    close: async () => {
      for (const each of nodes) {
        await each.app.close();
        await each.images.close();
      }
      await stores.close();
      await rm(folder, { recursive: true, force: true });
      refuseLeaks(log, given);
    },
  };
}

interface KeyDifference {
  readonly claims?: Partial<Claims>;
  readonly narrowing?: object;
}

const APP_OPTIONS: AppOptions = {
  publicUrl: undefined,
  showTrace: false,
  downloads: 'node',
  jsonBytesMax: 32 * 1024 * 1024,
  jsonMsMax: 120_000,
  whenCountersFail: 'deny',
  keyFailuresPerMinute: 1_000_000,
  trustedProxies: [],
  staticFolders: { console: '/nonexistent', demo: '/nonexistent', plainDemo: '/nonexistent' },
  defaultContainer: CONTAINER,
  metricsToken: undefined,
  phase: () => 'serving',
};

function heldSystem(now: () => number, log: LoggedEvent[]): System {
  const secrets = new Map([['k1', randomBytes(32)]]);
  const logger =
    (level: LoggedEvent['level']) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      log.push({ level, event, fields });
    };
  return {
    now,
    random: (size) => randomBytes(size),
    keyring: {
      signing: () => ({ kid: 'k1', secret: secrets.get('k1') ?? Buffer.alloc(32) }),
      find: (kid) => secrets.get(kid),
    },
    log: { info: logger('info'), warn: logger('warn'), error: logger('error') },
    meter: openMeter({ ofProcess: false }),
    tracer: UNTRACED,
    every: () => () => {},
  };
}

function tableGeo(): Ports['geo'] {
  return {
    country: (address) => COUNTRIES[address.replace(/^::ffff:/i, '')],
    describe: () => ({ source: 'table', builtAtMs: NOON_MS }),
    close: async () => {},
  };
}

/** Paths of the service itself, which are not below a container. */
function isOutside(url: string): boolean {
  return /^\/(?:console|health|metrics|demo)(?:[/?]|$)/.test(url);
}

function asHeader(value: string | readonly string[]): string | string[] {
  return typeof value === 'string' ? value : [...value];
}

function merged(base: Readonly<Record<string, unknown>>, difference: object): object {
  return { ...base, ...difference };
}

function answerOf(status: number, headers: Readonly<Record<string, unknown>>, bytes: Buffer): Answer {
  const text = bytes.toString('utf8');
  const isJson = String(headers['content-type'] ?? '').includes('application/json');
  // The tests look members up by name and compare them; nothing relies on this type.
  const body = (isJson && text !== '' ? JSON.parse(text) : {}) as Readonly<Record<string, unknown>>;
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
    ),
    body,
    text,
    bytes,
    textAt(path) {
      const found = path
        .split('.')
        .reduce<unknown>((value, name) => (isMembers(value) ? value[name] : undefined), body);
      if (typeof found !== 'string') throw new TypeError(`no text at ${path} in ${text}`);
      return found;
    },
  };
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A multipart body of files and fields, as a browser's form sends it. */
export function multipart(
  files: readonly TestFile[],
  fields: Readonly<Record<string, string>> = {},
): { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } {
  const boundary = `----test${randomBytes(8).toString('hex')}`;
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`));
  }
  for (const { name = 'hello.txt', content = 'hello', type = 'text/plain' } of files) {
    const disposition = `Content-Disposition: form-data; name="files[]"; filename="${name}"`;
    parts.push(Buffer.from(`--${boundary}\r\n${disposition}\r\nContent-Type: ${type}\r\n\r\n`));
    parts.push(Buffer.from(content), Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body: Buffer.concat(parts) };
}

/** Access keys and secret keys by their looks, for those that the harness has not handed out itself. */
const CREDENTIAL = /SASS__v\d|\blk_[a-z0-9_-]+_[0-9A-Za-z]{32}/;

/** The adapter's redaction is a safety net; here the bare events are looked at, before it. */
function refuseLeaks(log: readonly LoggedEvent[], given: readonly string[]): void {
  for (const line of log.map((entry) => JSON.stringify(entry))) {
    if (CREDENTIAL.test(line) || given.some((text) => line.includes(text))) {
      throw new Error(`a credential stands in the log: ${line}`);
    }
  }
}
