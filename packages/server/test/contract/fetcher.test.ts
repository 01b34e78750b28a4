// Fetching from a real server on loopback: which addresses are asked, what is sent, and every way in which an answer goes wrong.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type AddressRange, parseRange } from '@latchkey/policy';
import { afterEach, describe, expect, test } from 'vitest';
import { type FetcherOptions, openFetcher } from '../../src/adapters/web/fetcher.ts';
import { AppError } from '../../src/errors.ts';
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Only this loopback address may be asked: the others stand for the inside. */
const OUTSIDE = rangesOf('127.0.0.1');

function rangesOf(...texts: readonly string[]): readonly AddressRange[] {
  return texts.map(parseRange).filter((range) => range !== undefined);
}

async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port; // A TCP server has an address and a port.
}

const serve = (listener: RequestListener, host?: string, port?: number) =>
  listening(createServer({ keepAliveTimeout: 100 }, listener), host, port);

/** A server that speaks no HTTP but what the test writes. */
async function speak(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => onConnection(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port; // A TCP server has an address and a port.
}

const names: Readonly<Record<string, readonly string[]>> = {
  'files.test': ['127.0.0.1'],
  'inside.test': ['127.0.0.2'],
  'both.test': ['127.0.0.1', '10.0.0.1'],
  'public.test': ['127.0.0.1'],
  'mapped.test': ['::ffff:127.0.0.2'],
  'nonsense.test': ['no address'],
};

function fetcher(options: FetcherOptions = {}) {
  return openFetcher({ allow: OUTSIDE, resolve: async (host) => names[host] ?? [], ...options });
}

async function fetched(url: string, options: FetcherOptions = {}, signal = new AbortController().signal) {
  const { body, ...rest } = await fetcher(options).open(url, signal);
  const pieces: Buffer[] = [];
  for await (const piece of body as AsyncIterable<Buffer>) pieces.push(piece);
  return { text: Buffer.concat(pieces).toString(), ...rest };
}

/** The code and the reason of what a fetch raises. */
async function outcome(url: string, options?: FetcherOptions): Promise<string> {
  try {
    return `answered ${(await fetched(url, options)).text}`;
  } catch (error) {
    return error instanceof AppError ? `${error.code} ${error.facts.rule}` : String(error);
  }
}

describe('what is fetched', () => {
  test('is the content, with what the server says of it', async () => {
    const port = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '5' }).end('hello');
    });
    expect(await fetched(`http://files.test:${port}/a?b=c#d`)).toEqual({
      text: 'hello',
      sizeBytes: 5,
      claimedType: 'text/plain',
    });
  });

  test('is at most so much at the same time, and a place comes back however a fetch ends', async () => {
    const port = await serve(({ url }, response) => {
      if (url === '/none') response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': '5' }).end('hello');
    });
    const { open } = fetcher({ atOnce: 2 });
    const one = (path = '/') => open(`http://files.test:${port}${path}`, new AbortController().signal);
    const read = await one();
    const destroyed = await one();
    await expect(one()).rejects.toMatchObject({ code: 'FETCHES_BUSY' });
    for await (const piece of read.body) expect(String(piece)).toBe('hello');
    await expect(one('/none')).rejects.toMatchObject({ code: 'URL_FAILED' });
    await expect(open('ftp://files.test/', new AbortController().signal)).rejects.toMatchObject({
      code: 'URL_REFUSED',
    });
    await one();
    await expect(one()).rejects.toMatchObject({ code: 'FETCHES_BUSY' });
    destroyed.body.destroy();
    await once(destroyed.body, 'close');
    await one();
  });

  test('is asked for by the name and without anything that says who asks', async () => {
    let seen: unknown;
    const port = await serve((request, response) => {
      seen = [request.method, request.url, request.headers];
      response.end();
    });
    await fetched(`http://files.test:${port}/a%20b?c=d%26#e`);
    expect(seen).toEqual([
      'GET',
      '/a%20b?c=d%26',
      {
        host: `files.test:${port}`,
        accept: '*/*',
        'accept-encoding': 'identity',
        connection: 'close',
        'user-agent': 'Latchkey',
      },
    ]);
  });

  test('comes over TLS when the certificate names the host, and not otherwise', async () => {
    let serverName: unknown;
    const server = createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (request, response) => {
      serverName = Reflect.get(request.socket, 'servername');
      response.end(request.headers.host);
    });
    const port = await listening(server as unknown as Server); // Both kinds of server listen and close alike.
    const certificateAuthorities = CERTIFICATE;
    const { text } = await fetched(`https://files.test:${port}/`, { certificateAuthorities });
    expect([text, serverName]).toEqual([`files.test:${port}`, 'files.test']);
    expect((await fetched(`https://127.0.0.1:${port}/`, { certificateAuthorities })).text).toBe(`127.0.0.1:${port}`);
    expect(serverName).toBe(false);
    expect(await outcome(`https://public.test:${port}/`, { certificateAuthorities })).toBe('URL_FAILED NO_CONNECTION');
    expect(await outcome(`https://files.test:${port}/`)).toBe('URL_FAILED NO_CONNECTION');
  });

  test('comes past a proxy that the environment names', async () => {
    const port = await serve((_, response) => void response.end('direct'));
    const saved = { ...process.env };
    Object.assign(process.env, { http_proxy: 'http://127.0.0.9:1', HTTP_PROXY: 'http://127.0.0.9:1', all_proxy: 'x' });
    try {
      expect((await fetched(`http://files.test:${port}/`)).text).toBe('direct');
    } finally {
      process.env = saved;
    }
  });

  test('may be of any size', async () => {
    const port = await serve((_, response) => void response.end('x'.repeat(3_000_000)));
    expect((await fetched(`http://files.test:${port}/`)).text.length).toBe(3_000_000);
  });

  test('comes from the next address when the first takes no connection', async () => {
    const port = await serve((_, response) => void response.end('second'));
    const options = { allow: rangesOf('127.0.0.1', '127.0.0.3'), resolve: async () => ['127.0.0.3', '127.0.0.1'] };
    expect((await fetched(`http://files.test:${port}/`, options)).text).toBe('second');
  });
});

describe('an address that is not asked', () => {
  test.each([
    ['ftp://files.test/', 'SCHEME', 'another scheme'],
    ['file:///etc/passwd', 'SCHEME', 'a file'],
    ['gopher://files.test/', 'SCHEME', 'an old scheme'],
    ['data:text/plain,a', 'SCHEME', 'no address at all'],
    ['//files.test/', 'URL_INVALID', 'no scheme'],
    ['http://', 'URL_INVALID', 'no host'],
    [`http://files.test/${'x'.repeat(5000)}`, 'URL_INVALID', 'too long'],
    ['http://user@files.test/', 'CREDENTIALS', 'a user'],
    ['http://:word@files.test/', 'CREDENTIALS', 'a password'],
    ['http://127.0.0.2/', 'NOT_PUBLIC', 'loopback'],
    ['http://2130706434/', 'NOT_PUBLIC', 'loopback as one decimal number'],
    ['http://017700000002/', 'NOT_PUBLIC', 'loopback in octal'],
    ['http://0x7f000002/', 'NOT_PUBLIC', 'loopback in hexadecimal'],
    ['http://127.2/', 'NOT_PUBLIC', 'loopback in short'],
    ['http://0177.0.0.2/', 'NOT_PUBLIC', 'loopback with an octal part'],
    ['http://①②⑦.0.0.2/', 'NOT_PUBLIC', 'loopback in circled digits'],
    ['http://127.0.0.2./', 'NOT_PUBLIC', 'loopback with a dot behind'],
    ['http://0/', 'NOT_PUBLIC', 'this host'],
    ['http://[::1]/', 'NOT_PUBLIC', 'loopback of IPv6'],
    ['http://[::]/', 'NOT_PUBLIC', 'unspecified'],
    ['http://[::ffff:127.0.0.2]/', 'NOT_PUBLIC', 'mapped loopback'],
    ['http://[::ffff:7f00:2]/', 'NOT_PUBLIC', 'mapped loopback in hexadecimal'],
    ['http://[64:ff9b::7f00:2]/', 'NOT_PUBLIC', 'translated loopback'],
    ['http://[2002:7f00:2::]/', 'NOT_PUBLIC', 'loopback in a tunnel'],
    ['http://[fe80::1]/', 'NOT_PUBLIC', 'link-local'],
    ['http://[fd00::1]/', 'NOT_PUBLIC', 'unique-local'],
    ['http://[fe80::1%25eth0]/', 'URL_INVALID', 'a zone'],
    ['http://169.254.169.254/latest/meta-data/', 'NOT_PUBLIC', 'the metadata service of a cloud'],
    ['http://10.1.2.3/', 'NOT_PUBLIC', 'private'],
    ['http://100.64.0.1/', 'NOT_PUBLIC', 'carrier-grade NAT'],
    ['http://inside.test/', 'NOT_PUBLIC', 'a name of the inside'],
    ['http://INSIDE.test/', 'NOT_PUBLIC', 'the same in capitals'],
    ['http://both.test/', 'NOT_PUBLIC', 'a name that leads outside and inside'],
    ['http://mapped.test/', 'NOT_PUBLIC', 'a name with a mapped address'],
    ['http://nonsense.test/', 'NOT_PUBLIC', 'a name server that answers nonsense'],
    ['http://nowhere.test/', 'NOT_PUBLIC', 'a name that does not exist: the same answer as one of the inside'],
    ['http://1.1.1.1:22/', 'NOT_PUBLIC', 'another port of a public address'],
    ['https://1.1.1.1:80/', 'NOT_PUBLIC', 'the port of the other scheme'],
  ])('%s: %s, %s', async (url, reason) => {
    expect(await outcome(url)).toBe(`URL_REFUSED ${reason}`);
  });

  test('is not asked by default when it is loopback, whatever listens there', async () => {
    let asked = false;
    const port = await serve((_, response) => {
      asked = true;
      response.end();
    });
    const bare = { allow: [], resolve: async () => ['127.0.0.1'] };
    for (const host of ['127.0.0.1', 'localhost', 'files.test', '[::ffff:127.0.0.1]']) {
      expect(await outcome(`http://${host}:${port}/`, bare)).toBe('URL_REFUSED NOT_PUBLIC');
    }
    expect(asked).toBe(false);
  });
});

describe('a name that changes its address', () => {
  test('is looked up once, and what was checked is what is asked', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const port = await serve((_, response) => void response.end('outside'));
    await serve((_, response) => void response.end('INSIDE'), '127.0.0.2', port);
    let lookUps = 0;
    const resolve = async () => answers[lookUps++] ?? [];
    expect((await fetched(`http://rebinding.test:${port}/`, { resolve })).text).toBe('outside');
    expect(lookUps).toBe(1);
  });

  test('is checked again when a redirect leads back to it', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let inside = 0;
    const port = await serve((_, response) => void response.writeHead(302, { location: '/again' }).end());
    await serve((_, response) => void response.end(String(++inside)), '127.0.0.2', port);
    const resolve = async () => answers.shift() ?? [];
    expect(await outcome(`http://rebinding.test:${port}/`, { resolve })).toBe('URL_REFUSED NOT_PUBLIC');
    expect(inside).toBe(0);
  });
});

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('by %i is followed, relative to where it came from', async (status) => {
    const port = await serve((request, response) => {
      if (request.url === '/a/b') response.writeHead(status, { location: '../c' }).end();
      else response.end(request.url);
    });
    expect((await fetched(`http://files.test:${port}/a/b`)).text).toBe('/c');
  });

  test.each([
    ['http://127.0.0.2/', 'URL_REFUSED NOT_PUBLIC'],
    ['http://inside.test/', 'URL_REFUSED NOT_PUBLIC'],
    ['//169.254.169.254/latest', 'URL_REFUSED NOT_PUBLIC'],
    ['http://user:word@files.test/', 'URL_REFUSED CREDENTIALS'],
    ['file:///etc/passwd', 'URL_REFUSED SCHEME'],
    ['http://[', 'URL_REFUSED URL_INVALID'],
  ])('to %s is judged like any URL', async (location, expected) => {
    const port = await serve((_, response) => void response.writeHead(302, { location }).end());
    expect(await outcome(`http://files.test:${port}/`)).toBe(expected);
  });

  test('to nowhere, or without end, fails', async () => {
    const nowhere = await serve((_, response) => void response.writeHead(302).end());
    expect(await outcome(`http://files.test:${nowhere}/`)).toBe('URL_FAILED BROKEN');
    let asked = 0;
    const round = await serve((_, response) => {
      asked += 1;
      response.writeHead(302, { location: `/${asked}` }).end('x'.repeat(100_000));
    });
    expect(await outcome(`http://files.test:${round}/`)).toBe('URL_FAILED TOO_MANY_REDIRECTS');
    expect(asked).toBe(6);
  });

  test('from https to http is not followed', async () => {
    const plain = await serve((_, response) => void response.end('plain'));
    const server = createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (_, response) => {
      response.writeHead(302, { location: `http://files.test:${plain}/` }).end();
    });
    const port = await listening(server as unknown as Server); // Both kinds of server listen and close alike.
    const options = { certificateAuthorities: CERTIFICATE };
    expect(await outcome(`https://files.test:${port}/`, options)).toBe('URL_REFUSED DOWNGRADE');
  });
});

describe('an answer that goes wrong', () => {
  test.each([201, 204, 206, 304, 401, 404, 500])('status %i fails by its number', async (status) => {
    const port = await serve((_, response) => void response.writeHead(status).end());
    expect(await outcome(`http://files.test:${port}/`)).toBe(`URL_FAILED STATUS_${status}`);
  });

  test('is never unpacked, and refused when it is packed all the same', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const port = await serve((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    expect(await outcome(`http://files.test:${port}/`)).toBe('URL_FAILED ENCODED');
  });

  test.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'URL_FAILED BROKEN_OFF', 'it is shorter than it says'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'URL_FAILED BROKEN_OFF', 'no last piece'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello', 'URL_FAILED BROKEN_OFF', 'no number'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more', 'answered hello', 'it is longer than it says'],
    ['HTTP/1.1 200 OK\r\n\r\nhello', 'answered hello', 'it ends with the connection'],
    ['SSH-2.0-OpenSSH\r\n', 'URL_FAILED BROKEN', 'it is no HTTP'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'URL_FAILED BROKEN', 'its headers are too large'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nhello', 'URL_FAILED BROKEN', 'two lengths'],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'URL_FAILED BROKEN', 'a change'],
    ['', 'URL_FAILED BROKEN', 'nothing at all'],
  ])('%j is %s: %s', async (answer, expected) => {
    const port = await speak((socket) => socket.end(answer));
    expect(await outcome(`http://files.test:${port}/`)).toBe(expected);
  });
});

describe('a server that takes its time', () => {
  const hold = (head: string, piece: string, everyMs: number) =>
    speak((socket) => {
      socket.write(head);
      const timer = setInterval(() => socket.write(piece), everyMs);
      socket.once('close', () => clearInterval(timer));
    });

  test('is given up when its name servers do not answer', async () => {
    const resolve = () => new Promise<never>(() => {});
    expect(await outcome('http://files.test/', { resolve, limits: { connectMs: 50 } })).toBe('URL_FAILED TIMEOUT');
  });

  test('is given up when it sends its headers letter by letter', async () => {
    const port = await hold('HTTP/1.1 200 OK\r\nX: ', 'x', 5);
    expect(await outcome(`http://files.test:${port}/`, { limits: { answerMs: 100 } })).toBe('URL_FAILED TIMEOUT');
  });

  test('is given up when it sends early hints for ever', async () => {
    const port = await hold('', 'HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n', 5);
    expect(await outcome(`http://files.test:${port}/`, { limits: { answerMs: 100 } })).toBe('URL_FAILED TIMEOUT');
  });

  test('is given up when nothing more comes', async () => {
    const port = await hold('HTTP/1.1 200 OK\r\n\r\nhello', '', 1000);
    expect(await outcome(`http://files.test:${port}/`, { limits: { idleMs: 100 } })).toBe('URL_FAILED TIMEOUT');
  });

  test('is given up when it never ends, however steadily it sends', async () => {
    const port = await hold('HTTP/1.1 200 OK\r\n\r\n', 'x', 5);
    expect(await outcome(`http://files.test:${port}/`, { limits: { totalMs: 200 } })).toBe('URL_FAILED TIMEOUT');
  });

  test('is left at once when nobody waits any more', async () => {
    const port = await hold('HTTP/1.1 200 OK\r\n\r\n', 'x', 5);
    const stop = new AbortController();
    const reason = new AppError('KEY_REVOKED');
    setTimeout(() => stop.abort(reason), 50);
    await expect(fetched(`http://files.test:${port}/`, {}, stop.signal)).rejects.toBe(reason);
    await expect(fetched(`http://files.test:${port}/`, {}, stop.signal)).rejects.toBe(reason);
  });

  test('loses its connection when the content is not wanted any more', async () => {
    let closed = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const port = await speak((socket) => {
      socket.once('close', closed);
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
    });
    const { body } = await fetcher().open(`http://files.test:${port}/`, new AbortController().signal);
    body.destroy();
    await gone;
  });
});
