// Bytes on their way out: who may read them, in which parts, under which conditions, and with what a browser may do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
});
afterAll(() => harness.close());

const CONTENT = '0123456789';

type Urls = { readonly cdn: string; readonly permalink: string; readonly download: string; readonly public: string };

async function stored(name: string, content: string | Buffer = CONTENT, folder = '/delivery') {
  const answer = await harness.upload(key, folder, { name, content });
  const file = answer.body['file'] as { readonly uuid: string; readonly type: string; readonly url: Urls };
  const path = (url: string) => url.replace(/^https?:\/\/[^/]+\/demo/, '');
  return {
    uuid: file.uuid,
    type: file.type,
    cdn: path(file.url.cdn),
    permalink: path(file.url.permalink),
    download: path(file.url.download),
  };
}

async function hide(uuid: string): Promise<void> {
  const body = { files_uuids: [uuid], visibility: 'not_public' };
  const answer = await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body });
  expect(answer.status, answer.text).toBe(200);
}

describe('who may read', () => {
  test('everybody reads a public file by its delivery URL and its permalink', async () => {
    const file = await stored('public.txt');
    for (const url of [file.cdn, file.permalink, file.permalink.replace('/v4/', '/v5/')]) {
      const answer = await harness.call({ url });
      expect([answer.status, answer.text]).toEqual([200, CONTENT]);
    }
  });

  test('only a key with OBJECTS_FETCH reads a private file', async () => {
    const file = await stored('private.txt');
    await hide(file.uuid);
    for (const url of [file.cdn, file.permalink]) {
      expect((await harness.call({ url })).body['code']).toBe('KEY_MISSING');
      expect((await harness.call({ url, key })).text).toBe(CONTENT);
      const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
      expect((await harness.call({ url, key: lister })).body['code']).toBe('PERMISSION_DENIED');
    }
  });

  test('without a key, a private file looks like one that does not exist', async () => {
    const file = await stored('hidden.txt');
    await hide(file.uuid);
    const seen = async (url: string) => {
      const { status, body } = await harness.call({ url });
      return { status, body: { ...body, request_id: undefined } };
    };
    expect(await seen(file.cdn)).toEqual(await seen(file.cdn.replace('hidden', 'nothing')));
    expect(await seen(file.permalink)).toEqual(
      await seen(file.permalink.replace(/[0-9a-f-]{36}/, '00000000-0000-4000-8000-000000000000')),
    );
  });

  test('a file outside the listing scope is not there for the key', async () => {
    const file = await stored('elsewhere.txt');
    await hide(file.uuid);
    const other = await harness.key({ listing: { dir_scope: ['/other/*'] } });
    expect((await harness.call({ url: file.cdn, key: other })).body['code']).toBe('FILE_NOT_FOUND');
    expect((await harness.call({ url: file.permalink, key: other })).body['code']).toBe('FILE_NOT_FOUND');
  });

  test.each([
    '/cdn/nothing.txt',
    '/cdn/no/where.txt',
    '/v4/get/nothing',
    '/v4/get/00000000-0000-0000-0000-000000000000',
  ])('%s is not found', async (url) => {
    expect((await harness.call({ url, key })).body['code']).toMatch(/^(FILE_NOT_FOUND|PATH_INVALID)$/);
  });

  test.each(['/cdn/a%2Fb.txt', '/cdn/a%5Cb', '/cdn/a%00b', '/cdn//x'])('%s is refused as a path', async (url) => {
    const answer = await harness.call({ url });
    expect([answer.status, answer.body['code']]).toEqual([400, 'PATH_INVALID']);
  });

  test('names of every script and sign come back through their URLs', async () => {
    for (const name of ['ä ö.txt', '日本語.txt', 'a#b?c&d=e+f.txt', '100%.txt', 'quote\'".txt', '(1).txt', '😀.txt']) {
      const answer = await harness.call({
        method: 'PUT',
        url: `/v4/upload?dir=%2Fnames&filename=${encodeURIComponent(name)}`,
        key,
        body: Buffer.from(name),
      });
      const { url } = answer.body['file'] as { readonly url: Urls };
      const path = url.cdn.replace(/^https?:\/\/[^/]+\/demo/, '');
      expect((await harness.call({ url: path })).text, name).toBe(name);
    }
  });
});

describe('ranges (RFC 9110 section 14)', () => {
  test.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=-50', 206, CONTENT, 'bytes 0-9/10'],
    ['bytes=5-500', 206, '56789', 'bytes 5-9/10'],
    ['bytes=0-1,3-4', 200, CONTENT, undefined],
    ['bytes=4-2', 200, CONTENT, undefined],
    ['lines=0-3', 200, CONTENT, undefined],
    ['bytes=-', 200, CONTENT, undefined],
  ])('%s answers %i', async (range, status, text, contentRange) => {
    const file = await stored('range.txt');
    const answer = await harness.call({ url: file.cdn, headers: { range } });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([status, text, contentRange]);
    expect(answer.headers['content-length']).toBe(String(text.length));
  });

  test.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('%s cannot be satisfied', async (range) => {
    const file = await stored('range.txt');
    const answer = await harness.call({ url: file.cdn, headers: { range } });
    expect([answer.status, answer.body['code'], answer.headers['content-range']]).toEqual([
      416,
      'RANGE_UNSATISFIABLE',
      'bytes */10',
    ]);
  });

  test('a range of something that has changed is answered whole', async () => {
    const file = await stored('if-range.txt');
    const { etag = '' } = (await harness.call({ url: file.cdn })).headers;
    const same = await harness.call({ url: file.cdn, headers: { range: 'bytes=0-1', 'if-range': etag } });
    const other = await harness.call({ url: file.cdn, headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
    expect([same.status, other.status]).toEqual([206, 200]);
  });

  test('HEAD answers the headers without the bytes', async () => {
    const file = await stored('head.txt');
    const answer = await harness.call({ method: 'HEAD', url: file.cdn });
    expect([answer.status, answer.headers['content-length'], answer.bytes.length]).toEqual([200, '10', 0]);
  });
});

describe('conditions (RFC 9110 section 13)', () => {
  test('what the client has already is not sent again', async () => {
    const file = await stored('conditional.txt');
    const { etag = '', 'last-modified': modified = '' } = (await harness.call({ url: file.cdn })).headers;
    for (const headers of [
      { 'if-none-match': etag },
      { 'if-none-match': `"x", W/${etag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': modified },
    ]) {
      expect((await harness.call({ url: file.cdn, headers })).status, JSON.stringify(headers)).toBe(304);
    }
    const headers = { 'if-none-match': '"other"', 'if-modified-since': modified };
    expect((await harness.call({ url: file.cdn, headers })).status).toBe(200);
  });

  test('what is not the content that was meant is refused, before anything else is asked', async () => {
    const file = await stored('meant.txt');
    const { etag = '', 'last-modified': modified = '' } = (await harness.call({ url: file.cdn })).headers;
    const before = new Date(Date.parse(modified) - 1000).toUTCString();
    for (const [headers, status] of [
      [{ 'if-match': '"nope"' }, 412],
      [{ 'if-match': `W/${etag}` }, 412],
      [{ 'if-match': '"nope"', 'if-none-match': etag }, 412],
      [{ 'if-match': '"nope"', range: 'bytes=99-' }, 412],
      [{ 'if-unmodified-since': before }, 412],
      [{ 'if-unmodified-since': before, 'if-none-match': etag }, 412],
      [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
      [{ 'if-match': `"nope", ${etag}` }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': etag, range: 'bytes=0-1' }, 206],
      [{ 'if-match': etag, 'if-none-match': etag }, 304],
      [{ 'if-unmodified-since': modified }, 200],
      [{ 'if-unmodified-since': 'some day' }, 200],
    ] as const) {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await harness.call({ method, url: file.cdn, headers });
        expect(answer.status, `${method} ${JSON.stringify(headers)}`).toBe(status);
        if (status !== 412) continue;
        expect([answer.headers['etag'], answer.headers['content-range']]).toEqual([undefined, undefined]);
        if (method === 'GET') expect(answer.body['code']).toBe('PRECONDITION_FAILED');
      }
    }
    // Who may not know of it is told nothing of it.
    await hide(file.uuid);
    expect((await harness.call({ url: file.cdn, headers: { 'if-match': '"nope"' } })).body['code']).toBe('KEY_MISSING');
  });

  test('of a picture that is drawn the tag is meant, since it has no date', async () => {
    const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const url = `${(await stored('meant.png', Buffer.from(dot, 'base64'))).cdn}&w=1`;
    const { etag = '' } = (await harness.call({ url })).headers;
    const ask = async (headers: Readonly<Record<string, string>>) => (await harness.call({ url, headers })).status;
    expect(await ask({ 'if-match': '"nope"' })).toBe(412);
    expect(await ask({ 'if-match': etag })).toBe(200);
    expect(await ask({ 'if-unmodified-since': new Date(0).toUTCString() })).toBe(200);
    // An icon stands for no content that anybody could have meant.
    const icon = `${(await stored('meant.txt')).cdn}&w=1`;
    expect((await harness.call({ url: icon, headers: { 'if-match': etag } })).status).toBe(412);
    expect((await harness.call({ url: icon })).headers['content-type']).toBe('image/svg+xml');
  });

  test('new bytes have a new tag', async () => {
    const first = (await harness.call({ url: (await stored('tag.txt', 'one')).cdn })).headers['etag'];
    const second = (await harness.call({ url: (await stored('tag.txt', 'two')).cdn })).headers['etag'];
    expect(second).not.toBe(first);
  });

  test('public bytes under their hash may be kept for ever, private ones by nobody in between', async () => {
    const file = await stored('cached.txt');
    expect((await harness.call({ url: file.cdn })).headers['cache-control']).toBe(
      'public, max-age=31536000, immutable',
    );
    const bare = file.cdn.split('?')[0] ?? '';
    expect((await harness.call({ url: bare })).headers['cache-control']).toBe('public, no-cache');
    expect((await harness.call({ url: `${bare}?vh=000000` })).headers['cache-control']).toBe('public, no-cache');
    await hide(file.uuid);
    expect((await harness.call({ url: file.cdn, key })).headers['cache-control']).toBe('private, no-cache');
  });
});

describe('what a browser may do with it (threat 22)', () => {
  test.each([
    ['x.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['x.html', '<!doctype html><script>alert(1)</script>'],
    ['x.png', '<html><body><script>alert(1)</script>'],
    ['x.xhtml', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'],
    ['x.js', 'alert(1)'],
  ])('%s is a sandboxed download, never a page', async (name, content) => {
    const file = await stored(name, content, '/active');
    const { headers } = await harness.call({ url: file.cdn });
    expect(headers['content-disposition']).toMatch(/^attachment;/);
    expect(headers['content-security-policy']).toContain('sandbox');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('text is shown in place, and is a download when asked for', async () => {
    const file = await stored('näme (x).txt');
    expect((await harness.call({ url: file.cdn })).headers['content-disposition']).toBe(
      `inline; filename="n_me (x).txt"; filename*=UTF-8''n%C3%A4me%20%28x%29.txt`,
    );
    expect((await harness.call({ url: file.download })).headers['content-disposition']).toMatch(/^attachment;/);
  });

  test('a preview of what is no picture is an icon with the extension, of a picture a picture', async () => {
    const text = await stored('notes.<b>.md', '# Notes');
    const icon = await harness.call({ url: `${text.cdn}&w=250` });
    expect([icon.status, icon.headers['content-type']]).toEqual([200, 'image/svg+xml']);
    expect(icon.text).toContain('>MD<');
    expect(icon.headers['content-security-policy']).toContain('sandbox');
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    const picture = await stored('dot.gif', gif);
    expect((await harness.call({ url: `${picture.cdn}&w=250` })).headers['content-type']).toBe('image/png');
  });

  test('pages elsewhere may read the pixels of public files', async () => {
    const file = await stored('cors.txt');
    const { headers } = await harness.call({ url: file.cdn, headers: { origin: 'https://app.example.com' } });
    expect(headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
  });
});
