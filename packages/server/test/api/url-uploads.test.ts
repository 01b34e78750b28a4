// Uploads by URL through the front door, from a real server on loopback: who may, what comes of it, and that all limits hold.
import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { parseRange } from '@latchkey/policy';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFetcher } from '../../src/adapters/web/fetcher.ts';
import { CONTAINER, type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let server: Server;
let source: string;
/** The paths that were asked for. */
let asked: string[];
let answerWith: RequestListener;

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

beforeEach(async () => {
  const loopback = parseRange('127.0.0.1');
  const allow = loopback === undefined ? [] : [loopback];
  harness = await openHarness({ wrap: (ports) => ({ ...ports, fetcher: openFetcher({ allow }) }) });
  asked = [];
  answerWith = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(PNG);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answerWith(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  source = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // A TCP server has an address and a port.
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await harness.close();
});

async function switchOn(): Promise<void> {
  const body = { uploads: { from_urls: 'on' } };
  const answer = await harness.call({ method: 'PATCH', url: '/v5/settings', key: await harness.key(), body });
  expect(answer.status, answer.text).toBe(200);
}

const post = (key: string, files: readonly object[], url = '/v4/files?folder=%2Ffetched') =>
  harness.call({
    method: 'POST',
    url,
    key,
    headers: { 'content-type': 'text/plain;charset=UTF-8' },
    body: JSON.stringify({ files_urls: files }),
  });

async function stored(): Promise<number> {
  const answer = await harness.call({ url: '/v5/files?recursive=1', key: await harness.key() });
  const { blobIds } = await harness.ports.blobs.list(Date.now() + 60_000);
  expect(await harness.ports.metadata.findOrphans(blobIds)).toEqual([]);
  return (answer.body['files'] as readonly unknown[]).length;
}

describe('file.upload by URL', () => {
  test('is off until the settings of the container allow it, and says how to switch it on', async () => {
    const key = await harness.key();
    const off = await post(key, [{ url: `${source}/a.png`, name: 'a.png' }]);
    expect([off.status, off.body['code']]).toEqual([403, 'URL_UPLOADS_OFF']);
    expect(off.body['hint']).toContain('uploads.from_urls');
    expect(asked).toEqual([]);
    await switchOn();
    expect((await post(key, [{ url: `${source}/a.png`, name: 'a.png' }])).status).toBe(200);
    expect((await harness.call({ url: '/v5/settings', key })).body['uploads']).toMatchObject({ from_urls: 'on' });
  });

  test('takes the form of the widget, and judges the type on the bytes', async () => {
    await switchOn();
    const key = await harness.key();
    const answer = await post(key, [{ url: `${source}/x/picture.png?a=1`, name: 'red.png' }]);
    expect(answer.body['file'], answer.text).toMatchObject({
      name: 'red.png',
      type: 'image/png',
      folder: { name: '/fetched' },
      size: { bytes: PNG.length },
    });
    expect(answer.body['files']).toEqual([answer.body['file']]);
    expect(asked).toEqual(['/x/picture.png?a=1']);
    const back = await harness.call({ url: `/v4/get/${answer.textAt('file.uuid')}`, key });
    expect(back.bytes.equals(PNG)).toBe(true);
  });

  test('takes bare URLs, as old uploaders send them', async () => {
    await switchOn();
    const body = { files_urls: [`${source}/one.png`, `${source}/two.png`] };
    const answer = await harness.call({ method: 'POST', url: '/v3/upload?dir=/old', key: await harness.key(), body });
    expect(answer.body['files'], answer.text).toMatchObject([{ name: 'one.png' }, { name: 'two.png' }]);
    const broken = await harness.call({
      method: 'POST',
      url: '/v3/upload',
      key: await harness.key(),
      body: { files_urls: [7] },
    });
    expect([broken.status, broken.body['code']]).toEqual([400, 'REQUEST_INVALID']);
  });

  test('takes what is said about each file, and the name of the URL when none is given', async () => {
    await switchOn();
    const said = { meta: { title: 'Red' }, tags: ['summer'], product: { ref: 'R1', position: 2 }, info: { any: 1 } };
    const answer = await post(await harness.key(), [{ url: `${source}/a/r%C3%A4d%20one.png`, ...said }]);
    expect(answer.body['file'], answer.text).toMatchObject({
      name: 'räd one.png',
      meta: { title: 'Red' },
      tags: { en: [{ label: 'summer' }] },
      product: { ref: 'R1', position: 2 },
    });
    const nameless = await post(await harness.key(), [{ url: `${source}/` }]);
    expect([nameless.status, nameless.body['code']]).toEqual([400, 'PATH_INVALID']);
    expect(nameless.text).toContain('files_urls[0].name');
  });

  test('is held to the checksum that comes with the URL', async () => {
    await switchOn();
    const key = await harness.key();
    const sha1 = createHash('sha1').update(PNG).digest('hex');
    const one = (hash: unknown) => post(key, [{ url: `${source}/a.png`, name: 'a.png', hash }]);
    expect((await one({ sha1: '0'.repeat(40) })).body['code']).toBe('CHECKSUM_MISMATCH');
    expect((await one('nonsense')).body['faults']).toMatchObject([{ field: 'files_urls[0].hash' }]);
    expect(await stored()).toBe(0);
    expect((await one({ sha1 })).body['status']).toBe('success');
  });

  test.each([
    ['/v5/files/upload_url', { dir: '/other' }],
    ['/v4/files/upload_url?dir=%2Fother', {}],
    ['/v3/upload?dir=%2Fother', {}],
    ['/upload?dir=%2Fother', {}],
  ])('is taken at %s', async (url, more) => {
    await switchOn();
    const body = { ...more, files_urls: [{ url: `${source}/a.png`, name: 'a.png' }] };
    const answer = await harness.call({ method: 'POST', url, key: await harness.key(), body });
    expect(answer.body['file'], answer.text).toMatchObject({ folder: { name: '/other' } });
  });

  test('takes twenty files together or none of them, and not one more', async () => {
    await switchOn();
    const key = await harness.key();
    const list = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ url: `${source}/${index}`, name: `${index}.png` }));
    expect((await post(key, list(21))).body['code']).toBe('REQUEST_INVALID');
    expect((await post(key, [])).body['code']).toBe('REQUEST_INVALID');
    expect(asked).toEqual([]);
    answerWith = (request, response) => void response.writeHead(request.url === '/19' ? 404 : 200).end(PNG);
    const failed = await post(key, list(20));
    expect([failed.status, failed.body['code'], failed.body['faults']]).toEqual([
      422,
      'URL_FAILED',
      [
        {
          field: 'files_urls[19].url',
          code: 'STATUS_404',
          message: 'The server answered 404 instead of 200.',
        },
      ],
    ]);
    expect(await stored()).toBe(0);
    answerWith = (_, response) => void response.end(PNG);
    expect((await post(key, list(20))).body['files']).toHaveLength(20);
    expect(await stored()).toBe(20);
  });

  test.each([
    ['http://10.0.0.1/', 'NOT_PUBLIC'],
    ['http://[::1]/', 'NOT_PUBLIC'],
    ['http://2130706433:9/', 'URL_FAILED'],
    ['file:///etc/passwd', 'SCHEME'],
    ['http://a:b@example.com/', 'CREDENTIALS'],
    ['no url', 'URL_INVALID'],
  ])('%s is refused or fails, by its place in the request', async (url, code) => {
    await switchOn();
    const answer = await post(await harness.key(), [{ url, name: 'a' }]);
    const expected = code === 'URL_FAILED' ? [422, 'URL_FAILED'] : [400, 'URL_REFUSED'];
    expect([answer.status, answer.body['code']]).toEqual(expected);
    expect(answer.body['faults']).toMatchObject([
      { field: 'files_urls[0].url', code: code === 'URL_FAILED' ? 'NO_CONNECTION' : code },
    ]);
  });

  test.each([
    [{ files_urls: 'http://x' }, 'no list'],
    [{ files_urls: [{ name: 'a' }] }, 'no URL'],
    [{ files_urls: [{ url: 7, name: 'a' }] }, 'a number'],
    [{ files_urls: [{ url: 'http://example.com/', name: '../a' }] }, 'a name that climbs'],
    [{ files_urls: [{ url: 'http://example.com/', name: 'a', tags: 7 }] }, 'tags that are none'],
    [{ files_urls: [{ url: 'http://example.com/', name: 'a' }], dir: 'a' }, 'a relative folder'],
  ])('%j is refused by field: %s', async (body, _why) => {
    await switchOn();
    const answer = await harness.call({
      method: 'POST',
      url: '/v5/files/upload_url',
      key: await harness.key(),
      body,
    });
    expect(answer.status, answer.text).toBe(400);
    expect(answer.body['faults']).toHaveLength(1);
  });
});

describe('the limits of uploads by URL', () => {
  beforeEach(switchOn);
  const one = (name = 'a.png') => [{ url: `${source}/${name}`, name }];

  test('are the permission and the upload scope', async () => {
    const reader = await harness.key({ permissions: ['OBJECTS_LIST'] });
    expect((await post(reader, one())).body['code']).toBe('PERMISSION_DENIED');
    const elsewhere = await harness.key({ upload: { dir_scope: ['/else/*'] } });
    expect((await post(elsewhere, one())).body['code']).toBe('SCOPE_DENIED');
    expect(asked).toEqual([]);
  });

  test('are the accepted types, judged on what really came', async () => {
    const key = await harness.key({ upload: { allowed_types: ['image/*'] } });
    expect((await post(key, one())).status).toBe(200);
    answerWith = (_, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end('<html>');
    const page = await post(key, one('b.png'));
    expect([page.status, page.body['code']]).toEqual([415, 'MEDIA_TYPE_REFUSED']);
    expect(await stored()).toBe(1);
  });

  test('are the bytes, when the server says how many and when it never stops', async () => {
    const key = await harness.key({ upload: { max_file_size: 1000 } });
    let written = 0;
    answerWith = (request, response) => {
      if (request.url === '/said.bin') {
        response.writeHead(200, { 'content-length': '1001' }).end(Buffer.alloc(1001));
        return;
      }
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
      };
      response.on('drain', more);
      more();
    };
    for (const name of ['said.bin', 'endless.bin']) {
      const answer = await post(key, one(name));
      expect([answer.status, answer.body['code'], answer.body['limit']]).toEqual([413, 'PAYLOAD_TOO_LARGE', 1000]);
    }
    expect(written).toBeLessThan(64 * 1024 * 1024);
    expect(await stored()).toBe(0);
  });

  test('are the counts, which a failed fetch does not use up', async () => {
    const key = await harness.key({ upload: { max: 2 } });
    answerWith = (_, response) => void response.writeHead(500).end();
    for (let i = 0; i < 3; i += 1) expect((await post(key, one())).body['code']).toBe('URL_FAILED');
    answerWith = (_, response) => void response.end(PNG);
    expect((await post(key, [...one('a'), ...one('b'), ...one('c')])).body['code']).toBe('UPLOAD_QUOTA_EXHAUSTED');
    expect(await stored()).toBe(0);
    expect((await post(key, [...one('a'), ...one('b')])).status).toBe(200);
    expect((await post(key, one('c'))).body['code']).toBe('UPLOAD_QUOTA_EXHAUSTED');
  });

  test('are asked again at the end: a template switched off meanwhile stores nothing', async () => {
    const template = await harness.template();
    answerWith = (_, response) => {
      const document = { ...template.document, active: false };
      harness.ports.templates.updateTemplate(CONTAINER, template.uid, document, harness.clock.nowMs).then(
        () => response.end(PNG),
        () => response.destroy(),
      );
    };
    const answer = await post(harness.keyOf(template), one());
    expect([answer.status, answer.body['code']], answer.text).toEqual([401, 'KEY_REVOKED']);
    expect(await stored()).toBe(0);
  });

  test('end with the caller: when it leaves, the fetch ends and nothing is stored', async () => {
    const key = await harness.key({ upload: { max: 1 } });
    const address = new URL(await harness.app.listen({ port: 0, host: '127.0.0.1' }));
    const begun = new Promise<void>((begin) => {
      answerWith = (_, response) => {
        response.write(PNG);
        begin();
      };
    });
    const left = new Promise<void>((leave) => {
      server.once('connection', (socket) => socket.once('close', () => leave()));
    });
    const body = JSON.stringify({ files_urls: one() });
    const socket = connect(Number(address.port), '127.0.0.1');
    socket.write(
      `POST /${CONTAINER}/v4/files HTTP/1.1\r\nHost: x\r\nX-Filerobot-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await begun;
    socket.destroy();
    await left;
    await expect.poll(async () => (await harness.upload(key, '/later')).status).toBe(200);
    expect(await stored()).toBe(1);
  });
});
