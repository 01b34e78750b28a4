// A Valkey or Redis for servers under test: the one that is named, or one of a test's own that can be frozen and killed.
import { createRequire } from 'node:module';
import { REDIS } from '../../tools/services.mjs';

/** The server on which limits may be counted; undefined when the machine has none. */
export const REDIS_URL = process.env['LATCHKEY_TEST_REDIS_URL'];

/** The program for servers that a test ends by itself; undefined when the machine has none. */
export const REDIS_PROGRAM = REDIS_URL === undefined ? undefined : REDIS.find();

/** What is used of the client, which is the server's own: the suite has no dependencies. */
interface Client {
  call(command: string, ...args: readonly string[]): Promise<unknown>;
  disconnect(): void;
}
const library = createRequire(new URL('../../packages/server/package.json', import.meta.url));

/** Does something with a connection to the server of a URL. */
async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const { Redis } = library('ioredis') as { Redis: new (url: string) => Client }; // The package's own shape.
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

const texts = (answer: unknown): readonly string[] => (Array.isArray(answer) ? answer.map(String) : []);

/** Reservations that nobody has settled or released. */
export function heldReservations(url: string): Promise<readonly string[]> {
  return withClient(url, async (client) => {
    const held: string[] = [];
    for (const key of texts(await client.call('KEYS', 'latchkey:*:h'))) {
      held.push(...texts(await client.call('ZRANGE', key, '0', '-1')));
    }
    return held;
  });
}

/** Lets the time of every reservation that is held be over, as the clock of the store does. */
export function endHolds(url: string): Promise<void> {
  return withClient(url, async (client) => {
    for (const key of texts(await client.call('KEYS', 'latchkey:*:h'))) {
      for (const id of texts(await client.call('ZRANGE', key, '0', '-1'))) await client.call('ZADD', key, '1', id);
    }
  });
}

/** Forgets everything, as a store does that kept nothing on disk. */
export function forgetAll(url: string): Promise<unknown> {
  return withClient(url, (client) => client.call('FLUSHALL'));
}
