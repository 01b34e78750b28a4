// A plain HTTP client on node:http: any header, any body, any number of requests at once, and answers read as data.
import { Agent, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A request as the suite writes it. */
export interface Init {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Breaks the connection off when aborted. */
  readonly signal?: AbortSignal;
}

/** An answer with its whole body. */
export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, bytes: Buffer) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  /** The body as JSON. Throws, with the body, when it is none. */
  get json(): unknown {
    try {
      return JSON.parse(this.bytes.toString('utf8'));
    } catch (cause) {
      throw new Error(`Not JSON (${this.status}): ${this.bytes.toString('utf8').slice(0, 400)}`, { cause });
    }
  }

  /** The member at a dotted path such as `files.0.folder.name`; undefined when there is none. */
  at(path: string): unknown {
    return member(this.json, path);
  }

  /** The text at a dotted path. Throws, with the body, when there is none. */
  text(path: string): string {
    const value = this.at(path);
    if (typeof value === 'string') return value;
    throw new Error(`No text at "${path}" (${this.status}): ${this.bytes.toString('utf8').slice(0, 800)}`);
  }

  /** The list at a dotted path. Throws, with the body, when there is none. */
  list(path: string): readonly unknown[] {
    const value = this.at(path);
    if (Array.isArray(value)) return value;
    throw new Error(`No list at "${path}" (${this.status}): ${this.bytes.toString('utf8').slice(0, 800)}`);
  }

  /** One line for assertions: the status, and the code of a refusal. */
  get outcome(): string {
    if (this.status < 400) return String(this.status);
    const code = this.at('code');
    return `${this.status} ${typeof code === 'string' ? code : '(no code)'}`;
  }
}

/** The member of a JSON value at a dotted path; undefined when there is none. */
export function member(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}

// Sockets enough for a thousand requests in flight, which is what the limits are tried with.
const agent = new Agent({ keepAlive: true, maxSockets: 2000 });

/** Sends one request and reads the whole answer. Rejects when the connection breaks before the answer is complete. */
export async function send(method: string, url: string, init: Init = {}): Promise<Answer> {
  const message = await open(method, url, init);
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return new Answer(message.statusCode ?? 0, message.headers, Buffer.concat(chunks));
}

/** Sends one request and resolves when the answer's headers are there; the caller reads the body. */
export async function open(method: string, url: string, init: Init = {}): Promise<IncomingMessage> {
  const { body, headers = {}, signal } = init;
  const outgoing = request(url, {
    method,
    headers: typeof body === 'string' ? { 'content-length': Buffer.byteLength(body), ...headers } : headers,
    agent: headers['connection'] === 'close' ? false : agent,
    ...(signal === undefined ? {} : { signal }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
  });
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.end(body);
    return answered;
  }
  // The server may refuse before the body is through: then the answer counts, not the broken pipe.
  pipeline(Readable.from(body), outgoing).catch(() => undefined);
  const message = await answered;
  message.once('end', () => {
    if (!outgoing.writableFinished) outgoing.destroy();
  });
  return message;
}
