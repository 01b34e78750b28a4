// A TCP proxy in front of a store, to cut the network, or to let it swallow everything, while both ends live.
import { connect, createServer, type Socket } from 'node:net';

/** A proxy on loopback. */
export interface CutProxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Lets nothing through any more in either direction, and tells neither end; with a text only on connections that began with it. */
  silence(text?: string): void;
  /** Takes connections and whatever they bring, and reads none of it until `restore`, which passes it all on: as a process that is stopped. */
  freeze(): void;
  /** Lets so many bytes a second through on each connection, in each direction. */
  slow(bytesPerSecond: number): void;
  /** Takes connections again, and lets everything through at once. */
  restore(): void;
  /** How many bytes have gone to the store. */
  sentBytes(): number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and passes everything on. */
export async function openProxy(port: number, host: string): Promise<CutProxy> {
  let state: 'open' | 'cut' | 'silent' | 'frozen' = 'open';
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  let silenced = '';
  let sentBytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    let beginning: string | undefined;
    client.once('data', (chunk) => {
      beginning = chunk.toString('latin1');
    });
    const isSilent = () => state === 'silent' && beginning?.includes(silenced) !== false;
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (from === client) sentBytes += chunk.length;
        if (!isSilent()) to.write(chunk);
        if (bytesPerSecond === Number.POSITIVE_INFINITY) return;
        from.pause();
        setTimeout(() => state !== 'frozen' && from.resume(), (chunk.length / bytesPerSecond) * 1000).unref();
      });
      if (state === 'frozen') from.pause();
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP listener has a port');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut() {
      state = 'cut';
      breakAll();
    },
    silence(text = '') {
      state = 'silent';
      silenced = text;
    },
    freeze() {
      state = 'frozen';
      for (const socket of sockets) socket.pause();
    },
    slow(rate) {
      bytesPerSecond = rate;
    },
    restore() {
      state = 'open';
      bytesPerSecond = Number.POSITIVE_INFINITY;
      for (const socket of sockets) socket.resume();
    },
    sentBytes: () => sentBytes,
    async close() {
      const closed = new Promise((done) => server.close(done));
      breakAll();
      await closed;
    },
  };
}
