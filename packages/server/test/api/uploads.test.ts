// Uploads through the front door: every form of body, every limit on the bytes, and nothing left behind by a refusal.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await openHarness();
});
afterAll(() => harness.close());

/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

type WireFile = {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  readonly size: { readonly bytes: number };
  readonly hash: { readonly sha1: string; readonly sha256: string };
  readonly folder: { readonly name: string };
  readonly meta: unknown;
  readonly tags: Readonly<Record<string, readonly { readonly label: string }[]>>;
  readonly product: { readonly ref: string | null; readonly position: number | null };
};

function fileOf(answer: Answer): WireFile {
  expect(answer.body, answer.text).toMatchObject({ status: 'success' });
  return answer.body['file'] as WireFile; // The members are compared one by one below.
}

async function blobsLeft(): Promise<number> {
  const { blobIds } = await harness.ports.blobs.list(Date.now() + 60_000);
  return (await harness.ports.metadata.findOrphans(blobIds)).length;
}

async function filesIn(key: string, folder: string): Promise<number> {
  const answer = await harness.call({ url: `/v5/files?folder=${encodeURIComponent(folder)}`, key });
  return (answer.body['info'] as { readonly total_files_count: number } | undefined)?.total_files_count ?? 0;
}

/** Sends a form as a browser writes it. */
async function send(form: FormData): Promise<Answer> {
  const key = await harness.key();
  const written = new Response(form);
  const headers = { 'content-type': written.headers.get('content-type') ?? '' };
  const body = Buffer.from(await written.arrayBuffer());
  return harness.call({ method: 'POST', url: '/v5/files?folder=%2Fforms', key, headers, body });
}

describe('file.upload', () => {
  test('takes the form of a companion: bare fields before a file of no particular type', async () => {
    const key = await harness.key();
    const { headers, body } = multipart([{ name: 'cloud.png', content: PNG, type: 'application/octet-stream' }], {
      name: 'cloud.png',
      type: 'image/png',
      meta: '{"title":"From a drive"}',
      'filerobot-folder': '/drive',
    });
    const answer = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Fdrive', key, headers, body });
    expect(fileOf(answer)).toMatchObject({
      name: 'cloud.png',
      type: 'image/png',
      folder: { name: '/drive' },
      meta: { title: 'From a drive' },
    });
  });

  test.each([
    ['say "hello".txt', 'say "hello".txt'],
    ['100%22.txt', '100%22.txt'],
    ['/home/ann/photos/a b.txt', 'a b.txt'],
    ['C:\\fakepath\\a.txt', 'a.txt'],
  ])('takes the name %s of a form of a browser as it is meant', async (name, stored) => {
    const form = new FormData();
    form.append('info[files[]]', JSON.stringify({ name, type: 'text/plain' }));
    form.append('files[]', new File(['x'], name));
    expect(fileOf(await send(form)).name).toBe(stored);
  });

  test.each([['back\\slash.txt'], ['two\nlines.txt']])(
    'refuses the name %j in a form instead of changing it',
    async (name) => {
      const form = new FormData();
      form.append('info[files[]]', JSON.stringify({ name, type: 'text/plain' }));
      form.append('files[]', new File(['x'], name));
      expect((await send(form)).body['code']).toBe('PATH_INVALID');
    },
  );

  test('leaves a name alone of which nobody says that it was written for a form', async () => {
    const form = new FormData();
    form.append('files[]', new File(['x'], 'a%22b.txt'));
    expect(fileOf(await send(form)).name).toBe('a%22b.txt');
  });

  test('takes a multipart file with its side parts and answers it in both forms', async () => {
    const key = await harness.key();
    const { headers, body } = multipart([{ name: 'a b.png', content: PNG, type: 'image/png' }], {
      'meta[files[]]': '{"title":{"en":"Red"}}',
      'info[files[]]': '{"name":"a b.png","type":"image/png"}',
      'tags[files[]]': '{"lang":"en","new_tags":["summer","summer","sea"]}',
      'product[files[]]': '{"ref":"R1","position":2}',
    });
    const answer = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Fform', key, headers, body });
    const file = fileOf(answer);
    expect(answer.status).toBe(200);
    expect(answer.body['files']).toEqual([file]);
    expect(file).toMatchObject({
      name: 'a b.png',
      type: 'image/png',
      folder: { name: '/form' },
      size: { bytes: PNG.length },
      meta: { title: { en: 'Red' } },
      product: { ref: 'R1', position: 2 },
    });
    expect(file.tags['en']?.map(({ label }) => label)).toEqual(['summer', 'sea']);
    expect(file.hash.sha1).toBe(createHash('sha1').update(PNG).digest('hex'));
    expect(file.hash.sha256).toBe(createHash('sha256').update(PNG).digest('hex'));
  });

  test.each(['/v3/upload?dir=%2Fways', '/v4/upload?folder=%2Fways', '/v5/files?folder=%2Fways', '/upload?dir=%2Fways'])(
    'takes the same form at %s',
    async (url) => {
      const { headers, body } = multipart([{ content: url }]);
      const answer = await harness.call({ method: 'POST', url, key: await harness.key(), headers, body });
      expect(fileOf(answer).folder.name).toBe('/ways');
    },
  );

  test('takes a directory called undefined as the root, as an old uploader sends it', async () => {
    const { headers, body } = multipart([{ name: 'root.txt' }]);
    const key = await harness.key();
    const answer = await harness.call({ method: 'POST', url: '/v3/upload?dir=undefined', key, headers, body });
    expect(fileOf(answer).folder.name).toBe('/');
  });

  test('takes base64 in JSON, also as a data URL and as text/plain', async () => {
    const key = await harness.key();
    const data = PNG.toString('base64');
    for (const [i, body] of [
      { name: 'one.png', data, postactions: 'decode_base64', meta: { a: 1 } },
      { name: 'two.png', data: `data:image/png;base64,${data}` },
    ].entries()) {
      const answer = await harness.call({
        method: 'POST',
        url: '/v4/files?folder=%2Fb64',
        key,
        headers: { 'content-type': i === 0 ? 'application/json' : 'text/plain;charset=UTF-8' },
        body: JSON.stringify(body),
      });
      expect(fileOf(answer)).toMatchObject({ type: 'image/png', size: { bytes: PNG.length } });
    }
  });

  test('takes a raw body whatever its content type, named by the query', async () => {
    const key = await harness.key();
    for (const type of [
      'application/octet-stream',
      'application/json',
      'multipart/form-data; boundary=x',
      'a/b, c/d',
    ]) {
      const content = randomBytes(100_000);
      const answer = await harness.call({
        method: 'PUT',
        url: '/v4/upload?dir=%2Fraw&filename=r%C3%A4w%2Bbytes.bin',
        key,
        headers: { 'content-type': type },
        body: content,
      });
      expect(fileOf(answer)).toMatchObject({
        name: 'räw+bytes.bin',
        hash: { sha256: createHash('sha256').update(content).digest('hex') },
      });
    }
  });

  test('takes an empty file', async () => {
    const answer = await harness.upload(await harness.key(), '/empty', { name: 'empty.txt', content: '' });
    expect(fileOf(answer).size.bytes).toBe(0);
  });

  test('takes several files of one form together, or none of them', async () => {
    const key = await harness.key();
    const good = multipart([{ name: 'a.txt' }, { name: 'b.txt' }, { name: 'c.txt' }]);
    const answer = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Fmany', key, ...good });
    expect((answer.body['files'] as readonly WireFile[]).map(({ name }) => name)).toEqual(['a.txt', 'b.txt', 'c.txt']);

    const bad = multipart([{ name: 'd.txt' }, { name: '..' }]);
    const refused = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Fmany', key, ...bad });
    expect([refused.status, refused.body['code']]).toEqual([400, 'PATH_INVALID']);
    expect(await filesIn(key, '/many')).toBe(3);
    expect(await blobsLeft()).toBe(0);
  });

  test('makes a taken name the next version: same uuid but for its last four characters', async () => {
    const key = await harness.key();
    const first = fileOf(await harness.upload(key, '/versions', { name: 'v.txt', content: 'one' }));
    const second = fileOf(await harness.upload(key, '/versions', { name: 'v.txt', content: 'two' }));
    expect(second.uuid.slice(0, -4)).toBe(first.uuid.slice(0, -4));
    expect(Number.parseInt(second.uuid.slice(-4), 16)).toBe(Number.parseInt(first.uuid.slice(-4), 16) + 1);
    expect(await filesIn(key, '/versions')).toBe(1);
    const old = await harness.call({ url: `/v4/get/${first.uuid}`, key });
    expect(old.text).toBe('one');
  });

  test('makes folders inside the upload scope without the permission to make folders', async () => {
    const key = await harness.key({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: ['/new/*'] } });
    expect((await harness.upload(key, '/new/deep/er')).status).toBe(200);
    const outside = await harness.upload(key, '/newer');
    expect([outside.status, outside.body['code']]).toEqual([403, 'SCOPE_DENIED']);
  });
});

describe('an upload over a file that was there', () => {
  let desk: string;
  const WORDS = { 'meta[files[]]': '{"title":"new"}', 'tags[files[]]': '["new"]' };
  const send = (key: string, name: string, content: string, fields: Readonly<Record<string, string>> = {}) => {
    const { headers, body } = multipart([{ name, content }], fields);
    return harness.call({ method: 'POST', url: `/v4/files?folder=${desk}`, key, headers, body });
  };
  const keyWith = (...permissions: readonly string[]) => harness.key({ permissions: ['FILE_UPLOAD', ...permissions] });
  const stored = async (name: string): Promise<WireFile | undefined> => {
    const answer = await harness.call({ url: `/v5/files?folder=${desk}`, key: await harness.key() });
    const files = answer.body['files'] as readonly WireFile[];
    return files.find((file) => file.name === name);
  };
  const said = { meta: { title: 'old' }, tags: { en: [{ label: 'old' }] }, product: { ref: 'P1', position: 2 } };

  beforeEach(async () => {
    desk = `%2Fdesk-${randomBytes(4).toString('hex')}`;
    await send(await harness.key(), 'a.txt', 'old', {
      'meta[files[]]': '{"title":"old"}',
      'tags[files[]]': '["old"]',
      'product[files[]]': '{"ref":"P1","position":2}',
    });
    harness.clock.pass(60_000);
  });

  test('tells a key that may neither list nor read nothing of what others said of it', async () => {
    const answer = await send(await keyWith(), 'a.txt', 'next');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body['file']).toMatchObject({
      name: 'a.txt',
      meta: {},
      tags: {},
      labels: [],
      product: { ref: null, position: null },
      approval: null,
      created_at: new Date(harness.clock.nowMs).toISOString().replace('.000Z', 'Z'),
    });
    expect(answer.text).not.toMatch(/"old"|P1/);
    expect(await stored('a.txt'), 'and leaves it as it was').toMatchObject(said);
    for (const key of [await keyWith('OBJECTS_LIST'), await keyWith('OBJECTS_FETCH')]) {
      expect((await send(key, 'a.txt', 'again')).body['file']).toMatchObject(said);
    }
  });

  test('tells nothing of it to a key that may read other folders only', async () => {
    const permissions = ['FILE_UPLOAD', 'OBJECTS_LIST', 'OBJECTS_FETCH'];
    const key = await harness.key({ permissions, listing: { dir_scope: ['/else/*'] } });
    const answer = await send(key, 'a.txt', 'next');
    expect(answer.body['file']).toMatchObject({ name: 'a.txt', meta: {}, tags: {} });
    expect(answer.text).not.toMatch(/"old"|P1/);
  });

  test('changes what is said of it only by a key that could do so anyway', async () => {
    const before = await stored('a.txt');
    const product = { 'product[files[]]': '{"ref":"P2"}' };
    const refused = [
      await send(await keyWith(), 'a.txt', 'next', WORDS),
      await send(await keyWith('OBJECTS_LIST'), 'a.txt', 'next', WORDS),
      await send(await keyWith('OBJECTS_FETCH', 'FILE_META_CHANGE'), 'a.txt', 'next', product),
      await send(await keyWith('OBJECTS_FETCH', 'FILE_PRODUCT_CHANGE'), 'a.txt', 'next', WORDS),
    ];
    for (const { status, body } of refused) expect([status, body['code']]).toEqual([403, 'DESCRIPTION_FOREIGN']);
    expect(await stored('a.txt'), 'a refusal changes nothing').toEqual(before);
    for (const permission of ['FILE_META_CREATE', 'FILE_META_CHANGE']) {
      const answer = await send(await keyWith('OBJECTS_FETCH', permission), 'a.txt', permission, WORDS);
      expect(answer.body['file']).toMatchObject({ meta: { title: 'new' }, product: said.product });
    }
    const assigned = await send(await keyWith('OBJECTS_FETCH', 'FILE_PRODUCT_CHANGE'), 'a.txt', 'product', product);
    expect(assigned.body['file']).toMatchObject({ product: { ref: 'P2', position: 2 } });
  });

  test('may repeat what its sender can read, as widgets do, but a sender that cannot learns nothing by guessing', async () => {
    const same = { 'meta[files[]]': '{"title":"old"}', 'product[files[]]': '{"ref":"P1","position":2}' };
    expect((await send(await keyWith('OBJECTS_FETCH'), 'a.txt', 'next', same)).status).toBe(200);
    const blind = await keyWith();
    const [right, wrong] = [await send(blind, 'a.txt', 'x', same), await send(blind, 'a.txt', 'x', WORDS)];
    expect(right.body['code']).toBe('DESCRIPTION_FOREIGN');
    expect(wrong.body['code']).toBe('DESCRIPTION_FOREIGN');
  });

  test('is another matter than a new file, which its sender describes and gets back as it is', async () => {
    const answer = await send(await keyWith(), 'mine.txt', 'mine', { ...WORDS, 'product[files[]]': '{"ref":"P9"}' });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body['file']).toMatchObject({ meta: { title: 'new' }, product: { ref: 'P9' } });
    expect(answer.text).toContain('"label":"new"');
  });

  test('gives back what a refused one had counted', async () => {
    const key = await harness.key({ permissions: ['FILE_UPLOAD'], upload: { max: 1 } });
    expect((await send(key, 'a.txt', 'x', WORDS)).body['code']).toBe('DESCRIPTION_FOREIGN');
    expect((await send(key, 'a.txt', 'x')).status).toBe(200);
    expect((await stored('a.txt'))?.uuid).toMatch(/0001$/);
  });
});

describe('refusals of file.upload', () => {
  test.each([
    ['folder=%2Fa%2F..%2Fb', 'PATH_INVALID', 'a dot segment'],
    ['folder=%2Fa%252Fb', 'PATH_INVALID', 'a slash encoded twice'],
    ['folder=%2Fa%5Cb', 'PATH_INVALID', 'a backslash'],
    ['folder=%2Fa%00', 'PATH_INVALID', 'a NUL'],
    ['folder=a', 'PATH_INVALID', 'a relative path'],
    ['folder=%2Fa&folder=%2Fb', 'REQUEST_INVALID', 'two folders'],
    ['folder=%ff', 'REQUEST_INVALID', 'a broken escape'],
  ])('%s answers %s: %s', async (query, code) => {
    const { headers, body } = multipart([{}]);
    const answer = await harness.call({
      method: 'POST',
      url: `/v4/files?${query}`,
      key: await harness.key(),
      headers,
      body,
    });
    expect([answer.status, answer.body['code']]).toEqual([400, code]);
  });

  test('judges the type on the bytes, not on the name or the claim', async () => {
    const key = await harness.key({ upload: { allowed_types: ['image/*'] } });
    const claimed = await harness.upload(key, '/typed', { name: 'x.png', content: '<html>', type: 'image/png' });
    expect([claimed.status, claimed.body['code']]).toEqual([415, 'MEDIA_TYPE_REFUSED']);
    expect(claimed.body['hint']).toBe('Send one of the accepted types: image/*.');
    const real = await harness.upload(key, '/typed', { name: 'x.txt', content: PNG, type: 'text/plain' });
    expect(fileOf(real).type).toBe('image/png');
    const byExtension = await harness.key({ upload: { allowed_types: ['png'] } });
    const disguised = await harness.upload(byExtension, '/typed', { name: 'y.png', content: 'just text' });
    expect([disguised.status, disguised.body['code']]).toEqual([415, 'MEDIA_TYPE_REFUSED']);
    expect(await blobsLeft()).toBe(0);
  });

  test('counts the bytes: a file of exactly the limit passes, one byte more does not', async () => {
    const key = await harness.key({ upload: { max_file_size: 1000 } });
    expect((await harness.upload(key, '/sized', { name: 'fits', content: 'x'.repeat(1000) })).status).toBe(200);
    const over = await harness.upload(key, '/sized', { name: 'over', content: 'x'.repeat(1001) });
    expect([over.status, over.body['code'], over.body['rule'], over.body['limit']]).toEqual([
      413,
      'PAYLOAD_TOO_LARGE',
      'upload.max_file_size',
      1000,
    ]);
    expect(await filesIn(key, '/sized')).toBe(1);
    expect(await blobsLeft()).toBe(0);
  });

  test('keeps the quota of bytes exactly, and a refused or failed file costs nothing of it', async () => {
    const key = await harness.key({ upload: { max_total_size: 2500, max_file_size: 1000 } });
    for (const name of ['1', '2']) {
      expect((await harness.upload(key, '/quota', { name, content: 'x'.repeat(1000) })).status).toBe(200);
    }
    const over = await harness.upload(key, '/quota', { name: '3', content: 'x'.repeat(501) });
    expect([over.status, over.body['code']]).toEqual([403, 'UPLOAD_QUOTA_EXHAUSTED']);
    expect((await harness.upload(key, '/quota', { name: '..', content: 'x' })).status).toBe(400);
    expect((await harness.upload(key, '/quota', { name: '3', content: 'x'.repeat(500) })).status).toBe(200);
    const full = await harness.upload(key, '/quota', { name: '4', content: 'x' });
    expect([full.status, full.body['code']]).toEqual([403, 'UPLOAD_QUOTA_EXHAUSTED']);
  });

  test('counts uploads per minute in any sixty seconds and says when the next one may come', async () => {
    const key = await harness.key({ upload: { limit_per_min: 2 } });
    expect((await harness.upload(key, '/rate', { name: '1' })).status).toBe(200);
    harness.clock.pass(30_000);
    expect((await harness.upload(key, '/rate', { name: '2' })).status).toBe(200);
    const over = await harness.upload(key, '/rate', { name: '3' });
    expect([over.status, over.body['code'], over.headers['retry-after']]).toEqual([429, 'UPLOAD_RATE_LIMITED', '30']);
    harness.clock.pass(29_999);
    expect((await harness.upload(key, '/rate', { name: '3' })).status).toBe(429);
    harness.clock.pass(1);
    expect((await harness.upload(key, '/rate', { name: '3' })).status).toBe(200);
  });

  test('counts uploads per address over the life of the key, an IPv6 network of 64 bits as one', async () => {
    const key = await harness.key({ upload: { limit_per_ip_source: 1 } });
    const upload = (ip: string, name: string) => {
      const { headers, body } = multipart([{ name }]);
      return harness.call({ method: 'POST', url: '/v4/files?folder=%2Fip', key, ip, headers, body });
    };
    expect((await upload('203.0.113.7', 'a')).status).toBe(200);
    expect((await upload('::ffff:203.0.113.7', 'b')).body['code']).toBe('UPLOAD_QUOTA_EXHAUSTED');
    expect((await upload('203.0.113.8', 'c')).status).toBe(200);
    expect((await upload('2001:db8:1::7', 'd')).status).toBe(200);
    expect((await upload('2001:db8:1::8', 'e')).body['code']).toBe('UPLOAD_QUOTA_EXHAUSTED');
  });

  test('the image editor needs its own permission beside uploading', async () => {
    const url = '/v4/files?folder=%2Fedit&image_editor=edited';
    const save = async (permissions: readonly string[]) => {
      const { headers, body } = multipart([{ name: 'e.png', content: PNG, type: 'image/png' }]);
      return harness.call({ method: 'POST', url, key: await harness.key({ permissions }), headers, body });
    };
    expect((await save(['FILE_UPLOAD'])).body['code']).toBe('PERMISSION_DENIED');
    expect((await save(['FILE_IMAGE_EDITOR'])).body['code']).toBe('PERMISSION_DENIED');
    expect((await save(['FILE_UPLOAD', 'FILE_IMAGE_EDITOR'])).status).toBe(200);
  });

  test('a template that is switched off while the bytes flow stops the upload before it is recorded', async () => {
    let uid = '';
    const world = await openHarness({
      wrap: (ports) => {
        const write = ports.blobs.write.bind(ports.blobs);
        ports.blobs.write = async (source, options) => {
          const written = await write(source, options);
          await ports.templates.setTemplatesActive('demo', [uid], false, world.clock.nowMs);
          return written;
        };
        return ports;
      },
    });
    const template = await world.template();
    uid = template.uid;
    const answer = await world.upload(world.keyOf(template), '/stopped', { name: 'late.txt' });
    expect([answer.status, answer.body['code']]).toEqual([401, 'KEY_REVOKED']);
    const list = await world.call({ url: '/v5/files?folder=/&recursive=1', key: await world.key() });
    expect(list.body['info']).toMatchObject({ total_files_count: 0 });
    const { blobIds } = await world.ports.blobs.list(Date.now() + 60_000);
    expect(blobIds).toEqual([]);
    await world.close();
  });

  test.each([
    ['not json', '{', 'application/json'],
    ['no data', '{"name":"a"}', 'application/json'],
    ['broken base64', '{"name":"a","data":"*"}', 'application/json'],
    ['a form without files', multipart([], { meta: '{}' }).body, multipart([]).headers['content-type'] ?? ''],
    [
      'a form that breaks off',
      '--x\r\nContent-Disposition: form-data; name="files[]"; filename="a"\r\n\r\nabc',
      'multipart/form-data; boundary=x',
    ],
    ['a form without a boundary', 'abc', 'multipart/form-data'],
  ])('%s answers 400 and leaves nothing', async (_name, body, type) => {
    const key = await harness.key();
    const answer = await harness.call({
      method: 'POST',
      url: '/v4/files?folder=%2Fbroken',
      key,
      headers: { 'content-type': type },
      body,
    });
    expect([answer.status, answer.body['code']], answer.text).toEqual([400, 'REQUEST_INVALID']);
    expect(await filesIn(key, '/')).toBeGreaterThanOrEqual(0);
    expect(await blobsLeft()).toBe(0);
  });

  test('a body is not read when the key may not upload', async () => {
    const answer = await harness.call({
      method: 'POST',
      url: '/v4/files',
      key: await harness.key({ permissions: ['OBJECTS_LIST'] }),
      headers: { 'content-type': 'application/json' },
      body: '{ this is not even JSON',
    });
    expect([answer.status, answer.body['code']]).toEqual([403, 'PERMISSION_DENIED']);
    expect(answer.body['hint']).toContain('FILE_UPLOAD');
  });

  test('limits that cannot be counted refuse with 503 and nothing is stored', async () => {
    const dead = await openHarness({
      wrap: (ports) => ({
        ...ports,
        counters: { ...ports.counters, reserve: () => Promise.reject(new Error('down')) },
      }),
    });
    try {
      const answer = await dead.upload(await dead.key({ upload: { max: 5 } }), '/', {});
      expect([answer.status, answer.body['code']]).toEqual([503, 'COUNTERS_UNAVAILABLE']);
      expect(answer.headers['retry-after']).toBeDefined();
    } finally {
      await dead.close();
    }
  });
});
