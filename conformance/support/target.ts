// The deployment under test as its callers see it: an admin, the holders of keys, and the bodies they send.
import { randomBytes } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { type Answer, type Init, member, open, send } from './http.ts';
import type { Server } from './server.ts';

/** Client addresses with a country that both the shipped database and MaxMind's test database know. */
export const COUNTRY_ADDRESS = {
  GB: '81.2.69.160',
  SE: '89.160.20.112',
  US: '216.160.83.56',
  CN: '111.235.160.1',
} as const;

/** A template document as the suite writes it: only what the test is about. */
export type Fields = Readonly<Record<string, unknown>>;

/** A request of the suite. */
export interface Ask extends Init {
  /** The bearer of the request; the header of the published widgets. */
  readonly key?: string;
  /** The client's address, told by the trusted proxy that the suite plays. */
  readonly from?: string;
  readonly origin?: string;
  /** A JSON body. */
  readonly json?: unknown;
}

/** A stored template. */
export interface Template {
  readonly id: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** The deployment under test, and short words for what most tests do with it. */
export class Target {
  baseUrl = '';
  container = '';
  adminKey = '';
  /** Secrets that the server handed out in this file: none of them may turn up in its output. */
  readonly secrets: string[] = [];

  /** Points at a running server. */
  use(server: Pick<Server, 'baseUrl' | 'container' | 'adminKey'>): void {
    this.baseUrl = server.baseUrl;
    this.container = server.container;
    this.adminKey = server.adminKey;
  }

  /** Sends a request. A path that does not begin with a slash is below the container. */
  async call(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const answer = await send(method, this.#url(path), this.#init(ask));
    this.#remember(answer);
    return answer;
  }

  /** Sends a request whose answer the caller reads by itself. */
  open(method: string, path: string, ask: Ask = {}): ReturnType<typeof open> {
    return open(method, this.#url(path), this.#init(ask));
  }

  /** Sends a request as the admin. */
  admin(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return this.call(method, path, { key: this.adminKey, ...ask });
  }

  /** Stores a template; by default it permits nothing. */
  async template(fields: Fields = {}): Promise<Template> {
    const answer = await this.admin('POST', 'v5/security-templates', { json: { name: 'Conformance', ...fields } });
    requireSuccess(answer);
    const document = answer.at('security_template');
    return { id: answer.text('security_template.id'), document: Object.fromEntries(Object.entries(document ?? {})) };
  }

  /** Changes some members of a stored template. */
  async patch(template: Template, fields: Fields): Promise<void> {
    const answer = await this.admin('PATCH', `v5/security-templates/${template.id}`, { json: fields });
    requireSuccess(answer);
  }

  /** Exchanges a template's identifier for an access key and returns the answer, whatever it is. */
  exchange(template: Template | string, ask: Ask = {}): Promise<Answer> {
    const id = typeof template === 'string' ? template : template.id;
    return this.call('GET', `key/${id}`, { from: freshAddress(), ...ask });
  }

  /** Stores a template, exchanges it, and answers with the holder of the key. */
  async holder(fields: Fields = {}, ask: Ask = {}): Promise<Holder> {
    return this.holderOf(await this.template(fields), ask);
  }

  /** Exchanges a stored template and answers with the holder of a new key. */
  async holderOf(template: Template, ask: Ask = {}): Promise<Holder> {
    const from = ask.from ?? freshAddress();
    const answer = await this.exchange(template, { ...ask, from });
    requireSuccess(answer);
    return new Holder(this, template, answer.text('key'), { ...ask, from });
  }

  /** Makes a secret key; by default it permits nothing. Answers with its secret and its identifier. */
  async secretKey(fields: Fields = {}): Promise<{ readonly secret: string; readonly id: string }> {
    const answer = await this.admin('POST', 'v5/secret-keys', { json: { name: 'Conformance', ...fields } });
    requireSuccess(answer);
    return { secret: answer.text('secret_key.secret'), id: answer.text('secret_key.id') };
  }

  /** Puts a file in place as the admin and answers with its record. */
  async seed(folder: string, name: string, bytes: string | Uint8Array = name): Promise<Record<string, unknown>> {
    const answer = await this.admin('POST', `v4/files?folder=${encodeURIComponent(folder)}`, multipart(name, bytes));
    requireSuccess(answer);
    return Object.fromEntries(Object.entries(answer.at('file') ?? {}));
  }

  #url(path: string): string {
    return this.baseUrl + (path.startsWith('/') ? path : `/${this.container}/${path}`);
  }

  #init(ask: Ask): Init {
    const { key, from, origin, json, headers, ...rest } = ask;
    return {
      ...rest,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      headers: {
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'x-filerobot-key': key }),
        ...(from === undefined ? {} : { 'x-forwarded-for': from }),
        ...(origin === undefined ? {} : { origin }),
        ...headers,
      },
    };
  }

  #remember(answer: Answer): void {
    if (!(answer.headers['content-type'] ?? '').startsWith('application/json')) return;
    for (const path of ['key', 'secret_key.secret']) {
      const secret = member(answer.json, path);
      if (typeof secret === 'string' && secret.length > 0) this.secrets.push(secret);
    }
  }
}

/** Somebody with an access key, at one address. */
export class Holder {
  readonly target: Target;
  readonly template: Template;
  readonly key: string;
  readonly ask: Ask;

  constructor(target: Target, template: Template, key: string, ask: Ask) {
    this.target = target;
    this.template = template;
    this.key = key;
    this.ask = { ...ask, key };
  }

  /** The same key somewhere else, or with another header. */
  with(ask: Ask): Holder {
    return new Holder(this.target, this.template, ask.key ?? this.key, { ...this.ask, ...ask });
  }

  /** The same key at another node of the same deployment. */
  at(node: Target): Holder {
    return new Holder(node, this.template, this.key, this.ask);
  }

  call(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return this.target.call(method, path, { ...this.ask, ...ask });
  }

  /** Lists files of a folder; `query` is appended. */
  list(folder: string, query = ''): Promise<Answer> {
    return this.call('GET', `v5/files?folder=${encodeURIComponent(folder)}${query}`);
  }

  /** Lists folders of a folder; `query` is appended. */
  folders(folder: string, query = ''): Promise<Answer> {
    return this.call('GET', `v5/folders?folder=${encodeURIComponent(folder)}${query}`);
  }

  /** Uploads as the widgets do: multipart, one file. */
  upload(folder: string, name: string, bytes: string | Uint8Array = name, type?: string): Promise<Answer> {
    return this.call('POST', `v4/files?folder=${encodeURIComponent(folder)}`, multipart(name, bytes, type));
  }

  /** Uploads the body as it is. */
  put(folder: string, name: string, body: NonNullable<Init['body']>, headers: Ask['headers'] = {}): Promise<Answer> {
    const path = `v4/upload?folder=${encodeURIComponent(folder)}&filename=${encodeURIComponent(name)}`;
    return this.call('PUT', path, { body, headers: { 'content-type': 'application/octet-stream', ...headers } });
  }
}

/** The suite cannot go on without this answer. Throws, with the body, when it is a refusal. */
function requireSuccess(answer: Answer): void {
  if (answer.status >= 300) throw new Error(`Refused (${answer.status}): ${answer.bytes.toString()}`);
}

let addresses = randomBytes(3).readUIntBE(0, 3);

/** A client address that no other test uses, in no country. */
export function freshAddress(): string {
  addresses = (addresses + 1) % 0x1000000;
  return `10.${addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

/** A folder at the root that no other test uses. */
export function freshFolder(): string {
  return `/t-${randomBytes(6).toString('hex')}`;
}

/** The folder and everything below it, as a scope. */
export function below(folder: string): string {
  return `${folder}/*`;
}

/** A multipart body with one file in `files[]`. */
export function multipart(name: string, bytes: string | Uint8Array, type = 'application/octet-stream'): Ask {
  const boundary = `----conformance${randomBytes(8).toString('hex')}`;
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="files[]"; filename="${name}"\r\n` +
    `Content-Type: ${type}\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return {
    body,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': body.length },
  };
}

/** Asks again until the answer is as wanted; fails with the last answer when that takes longer than `withinMs`. */
export async function eventually(
  ask: () => Promise<Answer>,
  wanted: string,
  withinMs: number,
): Promise<{ readonly answer: Answer; readonly tookMs: number }> {
  const began = performance.now();
  for (;;) {
    const answer = await ask();
    const tookMs = performance.now() - began;
    if (answer.outcome === wanted) return { answer, tookMs };
    if (tookMs > withinMs) {
      throw new Error(
        `Wanted ${wanted} within ${withinMs} ms; still ${answer.outcome}: ${answer.bytes.toString().slice(0, 400)}`,
      );
    }
    await after(20);
  }
}

/** A body that stops after its first part until it is told to go on: an upload that is under way. */
export function stalledBody(first: string, rest = ''): { readonly body: AsyncIterable<Uint8Array>; goOn(): void } {
  let goOn = () => {};
  const gate = new Promise<void>((open) => {
    goOn = open;
  });
  async function* body() {
    yield Buffer.from(first);
    await gate;
    yield Buffer.from(rest);
  }
  return { body: body(), goOn };
}

/** Resolves when the server has had every chance to answer the upload and has not: later requests have been answered. */
export async function untilUnderWay(upload: Promise<Answer>, probe: () => Promise<Answer>): Promise<void> {
  let answered: Answer | undefined;
  upload.then(
    (answer) => {
      answered = answer;
    },
    () => undefined, // A broken upload is the business of whoever awaits it.
  );
  for (let round = 0; round < 5; round += 1) await probe();
  if (answered !== undefined) throw new Error(`The upload should still be under way: ${answered.outcome}`);
}

/** The smallest PNG: real content for rules that look into files. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** A GIF of one pixel. */
export const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** A minimal PDF, enough for its signature. */
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');

/** The permissions a browsing page has. */
export const BROWSE = ['OBJECTS_LIST', 'OBJECTS_FETCH'] as const;

/** The names of the files of a listing answer, sorted. */
export function names(answer: Answer, list = 'files'): string[] {
  return answer
    .list(list)
    .map((it) => String(member(it, 'name')))
    .sort();
}
