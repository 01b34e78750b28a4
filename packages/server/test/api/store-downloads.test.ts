// Downloads that the store sends itself: who is sent there, for how long, and who is not.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LinkedAnswer } from '../../src/ports/blobs.ts';
import { type Harness, openHarness } from '../support/harness.ts';

const LINK = 'https://store.example/signed';

/** The store is asked for addresses; what it is asked stands here. */
interface Asked extends LinkedAnswer {
  readonly blobId: string;
  readonly seconds: number;
}

let harness: Harness;
let key: string;
let asked: Asked[] = [];
/** Pages as the builds make them: only that they are there counts here. */
let built = '';

const open = (downloads: 'node' | 'store') =>
  openHarness({
    downloads,
    staticFolders: { console: join(built, 'console'), demo: join(built, 'demo'), plainDemo: join(built, 'plain') },
    wrap: (ports) => ({
      ...ports,
      // Own properties stand in front of those of a store that can do it by itself.
      blobs: Object.defineProperties(ports.blobs, {
        linkOrigin: { value: new URL(LINK).origin },
        linkTo: {
          value: async (blobId: string, answer: LinkedAnswer, seconds: number) => {
            asked.push({ blobId, ...answer, seconds });
            return LINK;
          },
        },
      }),
    }),
  });

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), 'latchkey-pages-'));
  for (const folder of ['console/assets', 'demo', 'plain']) {
    await mkdir(join(built, folder), { recursive: true });
    await writeFile(join(built, folder.split('/')[0] ?? '', 'index.html'), '<!doctype html>');
  }
  harness = await open('store');
  key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
});
afterAll(async () => {
  await harness.close();
  await rm(built, { recursive: true });
});

async function stored(name: string, content = '0123456789', of: Harness = harness, by = key) {
  const answer = await of.upload(by, '/downloads', { name, content });
  asked = [];
  return {
    uuid: answer.textAt('file.uuid'),
    url: new URL(answer.textAt('file.url.cdn')).pathname.replace('/demo/', '/'),
  };
}

/** What the page may load, by directive. */
async function policyOf(of: Harness, url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const { status, headers } = await of.call({ url });
  expect(status).toBe(200);
  const directives = (headers['content-security-policy'] ?? '').split(';').map((text) => text.trim().split(' '));
  return Object.fromEntries(directives.map(([name = '', ...sources]) => [name, sources]));
}

async function hide(uuid: string): Promise<void> {
  const body = { files_uuids: [uuid], visibility: 'not_public' };
  expect((await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body })).status).toBe(200);
}

/** The address of a private file that a listing gives a key, with its signature. */
async function signedUrl(uuid: string, by: string): Promise<string> {
  const { pathname, search } = new URL(
    (await harness.call({ url: `/v5/files/${uuid}`, key: by })).textAt('file.url.cdn'),
  );
  expect(search).toContain('sig=');
  return pathname.replace('/demo/', '/') + search;
}

describe('with downloads from the store', () => {
  test('a public file is redirected for half a minute, and the redirection is kept by nobody', async () => {
    const { url } = await stored('public.txt');
    const answer = await harness.call({ url, headers: { range: 'bytes=2-3' } });
    expect([answer.status, answer.headers['location'], answer.text]).toEqual([307, LINK, '']);
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.headers['etag']).toBeUndefined();
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
    expect(asked).toMatchObject([
      {
        seconds: 30,
        contentType: 'text/plain; charset=utf-8',
        // The address is another one a second later; and a browser that has kept what a picture got, which was allowed no script, would
        // refuse it to a script.
        cacheControl: 'private, no-store',
        disposition: expect.stringMatching(/^inline; .*public\.txt/),
      },
    ]);
  });

  test.each([
    ['page.html', '<!doctype html><script>alert(1)</script>'],
    ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['data.xml', '<?xml version="1.0"?><a/>'],
  ])('what could run script is a download there as well: %s', async (name, content) => {
    const { url } = await stored(name, content);
    expect((await harness.call({ url })).status).toBe(307);
    expect(asked[0]?.disposition).toMatch(/^attachment; /);
  });

  test('a signed address is redirected as long as its key lives, and not for longer', async () => {
    const { uuid, url } = await stored('private.txt');
    await hide(uuid);
    expect((await harness.call({ url })).body['code']).toBe('KEY_MISSING');
    const brief = await harness.key({ key_validity: { expiration_duration: 10 } });
    const signed = await signedUrl(uuid, brief);
    expect((await harness.call({ url: signed })).status).toBe(307);
    harness.clock.pass(7500);
    expect((await harness.call({ url: signed })).status).toBe(307);
    expect(asked.map(({ seconds }) => seconds)).toEqual([10, 2]);
    harness.clock.pass(1800);
    // Less than a second is left: no address is good for so short a time.
    expect([(await harness.call({ url: signed })).status, asked.length]).toEqual([200, 2]);
    harness.clock.pass(1000);
    expect([(await harness.call({ url: signed })).status, asked.length]).toEqual([401, 2]);
  });

  test('a refusal stays one, and nothing is signed for it', async () => {
    const { uuid, url } = await stored('refused.txt');
    await hide(uuid);
    const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
    for (const address of [url, `${url}?key=${lister}`, `${url}?sig=forged`, `${url}?key=SASS__v2__forged`]) {
      const { status, headers } = await harness.call({ url: address });
      expect([401, 403, 404]).toContain(status);
      expect(headers['location']).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });

  test('a download is charged before the address is given out', async () => {
    const { uuid } = await stored('charged.txt');
    await hide(uuid);
    const once = await harness.key({ listing: { max: 1 } });
    const address = `/v4/get/${uuid}?key=${once}`;
    expect((await harness.call({ url: address })).status).toBe(307);
    expect((await harness.call({ url: address })).body['code']).toBe('REQUEST_QUOTA_EXHAUSTED');
    expect(asked).toHaveLength(1);
  });

  test('a key in a header goes no further than here: this service sends the bytes', async () => {
    const { uuid, url } = await stored('header.txt');
    await hide(uuid);
    const admin = await harness.admin();
    for (const headers of [{ 'x-filerobot-key': key }, { authorization: `Bearer ${key}` }, admin]) {
      const answer = await harness.call({ url, headers });
      expect([answer.status, answer.text]).toEqual([200, '0123456789']);
    }
    expect(asked).toEqual([]);
  });

  test('a recording that is played, part by part, comes from here, for as long as it plays; one that is saved does not', async () => {
    const wav = Buffer.concat([
      Buffer.from(
        'RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0',
        'latin1',
      ),
    ]);
    const { textAt } = await harness.upload(key, '/downloads', { name: 'sound.wav', content: wav, type: 'audio/wav' });
    const url = new URL(textAt('file.url.cdn')).pathname.replace('/demo/', '/');
    asked = [];
    // Players begin so: with all of it, or with two bytes.
    for (const range of ['bytes=0-', 'bytes=0-1']) {
      const part = await harness.call({ url, headers: { range } });
      expect([part.status, part.headers['content-type'], asked]).toEqual([206, 'audio/wav', []]);
    }
    expect((await harness.call({ url })).status).toBe(307);
  });

  test('what is unchanged, asked for with HEAD, or drawn for the asker comes from here', async () => {
    const { url } = await stored('known.txt');
    const head = await harness.call({ method: 'HEAD', url });
    expect([head.status, head.headers['content-length']]).toEqual([200, '10']);
    const etag = head.headers['etag'] ?? '';
    expect((await harness.call({ url, headers: { 'if-none-match': etag } })).status).toBe(304);
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    const { textAt } = await harness.upload(key, '/downloads', { name: 'dot.gif', content: gif, type: 'image/gif' });
    const picture = new URL(textAt('file.url.cdn')).pathname.replace('/demo/', '/');
    expect((await harness.call({ url: `${picture}?w=1&force_format=png` })).headers['content-type']).toBe('image/png');
    expect(asked).toEqual([]);
  });
});

describe('what pages may load', () => {
  const PAGES = ['/demo/', '/demo/plain.html', '/console/', '/console/templates'];

  test('with downloads from the store it is let into the page that shows files, for pictures, and into no other', async () => {
    const off = await open('node');
    try {
      const store = new URL(LINK).origin;
      const before = await policyOf(off, '/demo/');
      expect(before['img-src']).toEqual(["'self'", 'data:', 'blob:']);
      expect(await policyOf(harness, '/demo/')).toEqual({ ...before, 'img-src': ["'self'", store, 'data:', 'blob:'] });
      for (const url of PAGES.slice(1)) expect(await policyOf(harness, url)).toEqual(await policyOf(off, url));
    } finally {
      await off.close();
    }
  });
});

test('unless it is switched on, this service sends everything', async () => {
  const off = await open('node');
  try {
    const by = await off.key();
    const { url } = await stored('public.txt', 'content', off, by);
    const answer = await off.call({ url });
    expect([answer.status, answer.text, asked]).toEqual([200, 'content', []]);
  } finally {
    await off.close();
  }
});
