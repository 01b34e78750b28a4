// How long an S3 store may be silent: connections on which nothing moves are given up, and bytes that are read come in time or not at all.
import { IncomingMessage, Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { AppError } from '../../errors.ts';

/** Nothing has moved for too long. Its name is none that the client library tries again after. */
export class StalledError extends Error {
  override readonly name = 'StalledError';
}

/** Agents for both protocols whose connections are given up when nothing moves on them for `stallMs`, from the attempt to connect on. */
export function impatientAgents(
  stallMs: number,
  connectionsMax: number,
): { readonly httpAgent: PlainAgent; readonly httpsAgent: TlsAgent } {
  const options = { keepAlive: true, maxSockets: connectionsMax, timeout: stallMs };
  return { httpAgent: watched(new PlainAgent(options), stallMs), httpsAgent: watched(new TlsAgent(options), stallMs) };
}

function watched<A extends PlainAgent>(agent: A, stallMs: number): A {
  const [connect, reuse] = [agent.createConnection.bind(agent), agent.reuseSocket.bind(agent)];
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    // It comes when neither end has moved a byte: a slow store is not a silent one.
    socket?.on('timeout', () => socket.destroy(new StalledError('nothing moved on a connection to the store')));
    return socket;
  };
  agent.reuseSocket = (socket, request) => {
    reuse(socket, request);
    if (socket instanceof Socket) socket.setTimeout(stallMs);
  };
  return agent;
}

/**
 * The bytes of an answer: the store has `stallMs` for each next piece of them, whoever reads them takes as long as it likes. Fails with
 * STORE_UNAVAILABLE; closing it ends the answer.
 */
export class PacedBody extends Readable {
  readonly #body: Readable;
  readonly #stallMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(body: Readable, stallMs: number) {
    super();
    this.#body = body;
    this.#stallMs = stallMs;
    // From now on silence may be the reader's.
    if (body instanceof IncomingMessage) body.socket.setTimeout(0);
    body.on('data', (chunk: Buffer) => {
      this.#rest();
      if (this.push(chunk)) this.#expect();
      else body.pause();
    });
    body.once('end', () => {
      this.#rest();
      this.push(null);
    });
    body.once('error', (error) => this.#fail(error));
    body.once('close', () => {
      if (!body.readableEnded) this.#fail(new Error('the answer was cut off'));
    });
    body.pause();
  }

  override _read(): void {
    this.#expect();
    this.#body.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#rest();
    this.#body.destroy();
    callback(error);
  }

  #expect(): void {
    this.#rest();
    this.#timer = setTimeout(() => this.#fail(new StalledError('no more bytes came')), this.#stallMs);
  }

  #rest(): void {
    clearTimeout(this.#timer);
  }

  #fail(cause: Error): void {
    this.destroy(new AppError('STORE_UNAVAILABLE', 'could not read an object to its end', { cause }));
  }
}
