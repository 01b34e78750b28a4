// What hostile clients send: requests made to stop the service, to use more than they pay for, or to learn what they may not know.
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONTAINER, type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
let sockets: Socket[] = [];

beforeEach(async () => {
  harness = await openHarness({ jsonBytesMax: 64 * 1024 });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await harness.close();
});

describe('an address', () => {
  test('of nothing but slashes is read in no time', async () => {
    const began = performance.now();
    const answer = await harness.call({ url: `/v3${'/'.repeat(60_000)}x` });
    expect(answer.status).toBe(404);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test.each(['q=%s', 'mime=%s'])(
    'with thousands of words to look for looks for the first of them: %s',
    async (query) => {
      const key = await harness.key();
      const separator = query.startsWith('q') ? '%20' : ',';
      const list = Array.from({ length: 2000 }, (_, index) => index).join(separator);
      const answer = await harness.call({ url: `/v5/files?${query.replace('%s', list)}`, key });
      expect(answer.status).toBe(200);
    },
  );
});

describe('what is no request', () => {
  /** All that comes back until the connection ends; `then` is sent when something has come back. */
  const exchange = async (first: string, then?: string) => {
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const ended = new Promise<void>((resolve, reject) => socket.once('end', resolve).once('error', reject));
    if (then !== undefined) socket.once('data', () => socket.write(then));
    socket.write(first);
    await ended;
    return text;
  };

  test.each([
    [
      'an address beyond all bounds',
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['headers beyond all bounds', `GET / HTTP/1.1\r\nX: ${'a'.repeat(2_000_000)}`, 431, 'HEADERS_TOO_LARGE'],
    ['another protocol', 'EHLO example.com\r\n', 400, 'REQUEST_INVALID'],
    ['a header that is none', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400, 'REQUEST_INVALID'],
  ])('because of %s is refused in the form of every refusal', async (_why, request, status, code) => {
    const [head = '', body = ''] = (await exchange(request)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(head).toMatch(/\r\nconnection: close\r\ncontent-type: application\/json; charset=utf-8\r\n/);
    expect(head).toContain('access-control-allow-origin: *');
    const answer = JSON.parse(body) as object;
    expect(answer).toMatchObject({ status: 'error', code, msg: expect.any(String), hint: expect.any(String) });
    expect(head).toContain(`x-request-id: ${(answer as { readonly request_id: string }).request_id}`);
  });

  test('behind an answered one is refused, and the answer before it stays', async () => {
    const text = await exchange('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n', 'nonsense\r\n\r\n');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  test('is not answered in the middle of an answer: the connection breaks off', async () => {
    const key = await harness.key();
    const content = Buffer.alloc(20_000_000, 'x');
    const uuid = (await harness.upload(key, '/', { name: 'a.bin', content })).textAt('file.uuid');
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(`GET /${CONTAINER}/v5/get/${uuid} HTTP/1.1\r\nHost: x\r\nX-Filerobot-Key: ${key}\r\n\r\n`);
    let text = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (bytes) => {
        if (text === '') socket.write('nonsense\r\n\r\n');
        text += bytes.toString('latin1');
      });
      socket.once('close', () => resolve());
    });
    expect(text.length).toBeLessThan(content.length);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  });
});

describe('a body', () => {
  test('for signing in is small, because nobody is known yet', async () => {
    const body = { token: 'x', padding: 'x'.repeat(20_000) };
    const answer = await harness.call({ method: 'POST', url: '/console/session', body });
    expect([answer.status, answer.body['code']]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  test('of thousands of nested members is refused, not our fault', async () => {
    const key = await harness.key();
    const body = `{"name":"a","data":"","meta":${'{"a":'.repeat(3000)}1${'}'.repeat(3001)}`;
    const answer = await harness.call({ method: 'POST', url: '/v5/files', key, body });
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });
});

describe('a form', () => {
  const post = async (form: { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }) => {
    const key = await harness.key();
    return harness.call({ method: 'POST', url: '/v5/files?folder=/f', key, ...form });
  };

  test('may say no more beside its files than a JSON body may', async () => {
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, 'x'.repeat(10_000)]));
    const answer = await post(multipart([{}], fields));
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });

  test('of ten thousand parts is refused', async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, '']));
    const answer = await post(multipart([{}], fields));
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });

  test('whose part has a header of hundreds of kilobytes is refused', async () => {
    const answer = await post(multipart([{ name: 'x'.repeat(200_000) }]));
    expect(answer.status).toBe(400);
  });

  test.each(['__proto__', 'constructor', 'toString'])('with a field called %s is refused', async (name) => {
    const answer = await post(multipart([{}], { [name]: '{}' }));
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });

  test('may mark its side parts as the JSON they are', async () => {
    const boundary = 'x';
    const body = Buffer.from(
      [
        `--${boundary}`,
        'Content-Disposition: form-data; name="meta"',
        'Content-Type: application/json',
        '',
        '{"title":"A"}',
        `--${boundary}`,
        'Content-Disposition: form-data; name="files[]"; filename="a.txt"',
        '',
        'a',
        `--${boundary}--`,
        '',
      ].join('\r\n'),
    );
    const answer = await post({ headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body['file']).toMatchObject({ meta: { title: 'A' } });
  });

  test('with several files is no larger than each of them', async () => {
    const key = await harness.key({ upload: { max_file_size: 3_000_000 } });
    const content = Buffer.alloc(2_500_000);
    const form = multipart(['a', 'b', 'c', 'd'].map((name) => ({ name: `${name}.bin`, content })));
    const answer = await harness.call({ method: 'POST', url: '/v5/files?folder=/f', key, ...form });
    expect(answer.status, answer.text).toBe(200);
  });
});

describe('what lies outside the scope', () => {
  test('is not counted in the folder above a new one', async () => {
    await harness.upload(await harness.key(), '/', { name: 'secret.txt' });
    const key = await harness.key({ listing: { dir_scope: ['/a/*'] } });
    const answer = await harness.call({ method: 'POST', url: '/v5/folders', key, body: { name: '/a' } });
    expect(answer.body['base']).toMatchObject({ path: '/', count: { files_direct: 0, files_recursive: 0 } });
  });

  test('answers alike whether it is there or not, also in a folder on the way to the scope', async () => {
    const all = await harness.key();
    const uploaded = await harness.upload(all, '/', { name: 'secret.txt' });
    const fileUuid = uploaded.textAt('file.uuid');
    await harness.call({
      method: 'PUT',
      url: '/v5/objects/visibility/cdn',
      key: all,
      body: { files_uuids: [fileUuid], visibility: 'not_public' },
    });
    const key = await harness.key({ listing: { dir_scope: ['/a/*'] } });
    const shown = async (url: string) => {
      const { status, body } = await harness.call({ url, key });
      return { status, ...body, request_id: '' };
    };
    const nowhere = '00000000-0000-4000-8000-000000000000';
    expect(await shown('/cdn/secret.txt')).toEqual(await shown('/cdn/other.txt'));
    expect(await shown(`/v5/files/${fileUuid}`)).toEqual(await shown(`/v5/files/${nowhere}`));
    expect(await shown(`/v5/get/${fileUuid}`)).toEqual(await shown(`/v5/get/${nowhere}`));
  });

  test('has no previews, like what is not there', async () => {
    const uploaded = await harness.upload(await harness.key(), '/secret');
    const folder = uploaded.textAt('file.folder.uuid');
    const key = await harness.key({ listing: { dir_scope: ['/a/*'] } });
    const body = { folders: [folder, 'nowhere'] };
    const answer = await harness.call({ method: 'POST', url: '/v5/folders/previews', key, body });
    expect(answer.body['folders']).toEqual({ [folder]: [], nowhere: [] });
  });
});

describe('a limit of calls', () => {
  test('counts a download however slowly its client reads, and when it leaves before the end', async () => {
    const all = await harness.key();
    const content = Buffer.alloc(8_000_000);
    const uuid = (await harness.upload(all, '/', { name: 'a.bin', content })).textAt('file.uuid');
    const key = await harness.key({ listing: { max: 1 } });
    const again = async () => (await harness.call({ url: `/v5/get/${uuid}`, key })).body['code'];
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const ended = new Promise<void>((resolve) => {
      harness.app.server.once('request', (_request, response) => response.once('close', resolve));
    });
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    sockets.push(socket);
    socket.write(`GET /${CONTAINER}/v5/get/${uuid} HTTP/1.1\r\nHost: x\r\nX-Filerobot-Key: ${key}\r\n\r\n`);
    await new Promise<void>((resolve) => {
      socket.once('data', () => {
        socket.pause();
        resolve();
      });
    });
    // Longer than any reservation of a call lasts.
    harness.clock.pass(10 * 60_000);
    expect(await again()).toBe('REQUEST_QUOTA_EXHAUSTED');
    socket.destroy();
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(await again()).toBe('REQUEST_QUOTA_EXHAUSTED');
  });
});

describe('an upload that breaks off', () => {
  const file = '--x\r\nContent-Disposition: form-data; name="files[]"; filename="a.txt"\r\n\r\nhello';

  test.each([
    ['in the middle of a file', 'POST', '/v5/files', 'multipart/form-data; boundary=x', file],
    ['between two files', 'POST', '/v5/files', 'multipart/form-data; boundary=x', `${file}\r\n--x\r\n`],
    ['in a raw body', 'PUT', '/v5/files?filename=a.txt', 'text/plain', 'hello'],
    ['in a JSON body', 'POST', '/v5/files', 'application/json', '{"name":"a.txt","data":"aGVs'],
  ])('%s gives back what it had reserved and leaves nothing', async (_where, method, url, type, body) => {
    const key = await harness.key({ upload: { max: 1 } });
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const begun = new Promise<ServerResponse>((resolve) => {
      harness.app.server.once('request', (_request, response) => resolve(response));
    });
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    sockets.push(socket);
    const head = `${method} /${CONTAINER}${url} HTTP/1.1\r\nHost: x\r\nX-Filerobot-Key: ${key}\r\nContent-Type: ${type}`;
    socket.write(`${head}\r\nContent-Length: 1000\r\n\r\n${body}`);
    const response = await begun;
    // In the time of another request the service has read what there is to read.
    await harness.call({ url: '/key/info', key });
    const ended = new Promise((resolve) => response.once('close', resolve));
    socket.destroy();
    await ended;
    await expect.poll(async () => (await harness.upload(key, '/later')).status).toBe(200);
    const list = await harness.call({ url: '/v5/files?recursive=1', key });
    expect(list.body['info']).toMatchObject({ total_files_count: 1 });
  });
});

describe('a client that takes its time', () => {
  const dripping = async (head: string, key: string) => {
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(`${head}\r\nHost: x\r\nX-Filerobot-Key: ${key}\r\nContent-Length: 1000\r\n\r\n`);
    const timer = setInterval(() => socket.write(' '), 10);
    socket.once('close', () => clearInterval(timer));
    const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
    clearInterval(timer);
    return answer;
  };

  test.each([
    ['POST', '/v5/folders'],
    ['POST', '/v5/files'],
  ])('with the JSON of %s %s is answered 408 after a while, and what was reserved comes back', async (method, path) => {
    await harness.close();
    harness = await openHarness({ jsonMsMax: 200 });
    const key = await harness.key({ upload: { max: 1 } });
    const answer = await dripping(`${method} /${CONTAINER}${path} HTTP/1.1`, key);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('BODY_TIMEOUT');
    expect((await harness.upload(key, '/later')).status).toBe(200);
  });

  test('with a body that nobody reads does not end the process', async () => {
    await harness.close();
    harness = await openHarness({ jsonMsMax: 50 });
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    try {
      const answer = await dripping(`GET /${CONTAINER}/v5/files HTTP/1.1`, await harness.key());
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      await new Promise((resume) => setTimeout(resume, 200));
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', note);
    }
  });

  test('with a file is answered 408 when next to nothing has come in a minute', async () => {
    await harness.close();
    const tasks: (() => void)[] = [];
    const every = (_everyMs: number, task: () => void) => {
      tasks.push(task);
      return () => {};
    };
    harness = await openHarness({ wrap: (ports) => ({ ...ports, system: { ...ports.system, every } }) });
    const key = await harness.key({ upload: { max: 1 } });
    const answered = dripping(`PUT /${CONTAINER}/v5/upload?filename=a.txt HTTP/1.1`, key);
    await expect.poll(() => tasks.length).toBeGreaterThan(0);
    for (const task of tasks) task();
    harness.clock.pass(60_000);
    for (const task of tasks) task();
    expect(await answered).toMatch(/^HTTP\/1\.1 408 [\s\S]*UPLOAD_TIMEOUT/);
    expect((await harness.upload(key, '/later')).status).toBe(200);
  });
});
