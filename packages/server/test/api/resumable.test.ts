// Resumable uploads through the front door: the protocol, whose upload it is, what stops it, and what it holds of the limits.
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { PERMISSIONS, parseTemplate } from '@latchkey/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepUploads } from '../../src/operations/resumable.ts';
import { type Answer, CONTAINER, type Harness, openHarness, type TestRequest } from '../support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await openHarness();
});
afterAll(() => api.close());

const TUS = { 'tus-resumable': '1.0.0' };
const PART = { ...TUS, 'content-type': 'application/offset+octet-stream' };
/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function metadata(said: Readonly<Record<string, string>>): string {
  return Object.entries(said)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');
}

type Headers = NonNullable<TestRequest['headers']>;

/** Begins an upload of `a.bin` into `/t`, unless the metadata says otherwise. */
function begin(key: string, length: number, said: Readonly<Record<string, string>> = {}, headers: Headers = {}) {
  return api.call({
    method: 'POST',
    url: '/v5/tus',
    key,
    headers: {
      ...TUS,
      'upload-length': String(length),
      'upload-metadata': metadata({ filename: 'a.bin', folder: '/t', ...said }),
      ...headers,
    },
  });
}

/** Begins an upload and answers its address below the container. */
async function begun(key: string, length: number, said: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await begin(key, length, said);
  expect(answer.status, answer.text).toBe(201);
  return addressOf(answer);
}

function addressOf(answer: Answer): string {
  const location = answer.headers['location'] ?? '';
  expect(location).toMatch(/^http:\/\/localhost(:80)?\/demo\/v5\/tus\/[0-9a-f]{32}$/);
  return location.slice(location.indexOf('/v5/'));
}

const patch = (key: string, url: string, offset: number, body: Buffer | string, headers: Headers = {}) =>
  api.call({ method: 'PATCH', url, key, headers: { ...PART, 'upload-offset': String(offset), ...headers }, body });
const head = (key: string, url: string) => api.call({ method: 'HEAD', url, key, headers: TUS });
const remove = (key: string, url: string) => api.call({ method: 'DELETE', url, key, headers: TUS });

/** The file that the answer names, as it is delivered. */
async function delivered(answer: Answer): Promise<Buffer> {
  const uuid = answer.headers['latchkey-file-uuid'];
  const got = await api.call({ url: `/v4/get/${uuid}`, key: await api.key() });
  expect(got.status).toBe(200);
  return got.bytes;
}

/** Nothing of it is left: no bytes, no record. */
async function expectGone(key: string, url: string): Promise<void> {
  expect((await head(key, url)).status).toBe(404);
  expect((await api.call({ url, key })).body['code']).toBe('UPLOAD_NOT_FOUND');
}

describe('a resumable upload', () => {
  test('comes in parts, says where to go on, and becomes the file', async () => {
    const key = await api.key();
    const content = randomBytes(300_000);
    const url = await begun(key, content.length, {
      filename: 'photo.bin',
      filetype: 'application/octet-stream',
      meta: '{"title":{"en":"Red"}}',
      tags: '["summer"]',
      product: '{"ref":"R1","position":2}',
    });
    const { headers: said } = await head(key, url);
    expect(said['upload-metadata']).toMatch(/^filename cGhvdG8uYmlu,folder L3Q=,filetype /);
    expect(said).toMatchObject({
      'upload-offset': '0',
      'upload-length': '300000',
      'cache-control': 'no-store',
      'tus-resumable': '1.0.0',
      'upload-expires': expect.stringMatching(/GMT$/),
    });
    const first = await patch(key, url, 0, content.subarray(0, 100_000));
    expect(first).toMatchObject({ status: 204, headers: { 'upload-offset': '100000' } });
    expect(first.headers['latchkey-file-uuid']).toBeUndefined();
    expect((await head(key, url)).headers['upload-offset']).toBe('100000');
    const last = await patch(key, url, 100_000, content.subarray(100_000));
    expect(last).toMatchObject({ status: 204, headers: { 'upload-offset': '300000' } });
    expect(await delivered(last)).toEqual(content);
    const shown = await api.call({ url, key });
    expect(shown.body).toMatchObject({
      status: 'success',
      upload: { offset: 300_000, length: 300_000 },
      file: {
        uuid: last.headers['latchkey-file-uuid'],
        name: 'photo.bin',
        folder: { name: '/t' },
        size: { bytes: 300_000 },
        hash: {
          sha1: createHash('sha1').update(content).digest('hex'),
          sha256: createHash('sha256').update(content).digest('hex'),
        },
        meta: { title: { en: 'Red' } },
        tags: { en: [{ label: 'summer' }] },
        product: { ref: 'R1', position: 2 },
      },
    });
    const id = url.split('/').at(-1);
    expect((await api.call({ url: `/json/${id}`, key })).body['file']).toEqual(shown.body['file']);
  });

  test('tells a key that may not read nothing of what others said of the file, before or after', async () => {
    const whole = await api.key();
    const blind = await api.key({ permissions: ['FILE_UPLOAD'] });
    const said = { filename: 'told.bin', meta: '{"title":"old"}' };
    await patch(whole, await begun(whole, 1, said), 0, 'a');
    const over = await begun(blind, 2, { filename: 'told.bin' });
    expect((await patch(blind, over, 0, 'bb')).status).toBe(204);
    expect((await api.call({ url: over, key: blind })).body['file']).toMatchObject({ name: 'told.bin', meta: {} });
    const own = await begun(blind, 3, { filename: 'own.bin' });
    const uuid = (await patch(blind, own, 0, 'ccc')).headers['latchkey-file-uuid'];
    const words = { meta: { title: 'later' } };
    await api.call({ method: 'PATCH', url: `/v5/file/${uuid}/meta`, key: whole, body: words });
    expect((await api.call({ url: own, key: blind })).body['file']).toMatchObject({ name: 'own.bin', meta: {} });
    const foreign = await begun(blind, 4, said);
    expect((await patch(blind, foreign, 0, 'dddd')).body['code']).toBe('DESCRIPTION_FOREIGN');
    expect((await api.call({ url: `/v5/file/${uuid}`, key: whole })).body['file']).toMatchObject(words);
  });

  test('may bring its first part, or everything, with the request that begins it', async () => {
    const key = await api.key();
    const post = (body: string, length: number) =>
      api.call({
        method: 'POST',
        url: '/v5/tus?folder=%2Ft',
        key,
        headers: { ...PART, 'upload-length': String(length), 'upload-metadata': metadata({ name: 'b.txt' }) },
        body,
      });
    const part = await post('hello ', 11);
    expect(part).toMatchObject({ status: 201, headers: { 'upload-offset': '6' } });
    const last = await patch(key, addressOf(part), 6, 'world');
    expect((await delivered(last)).toString()).toBe('hello world');
    const whole = await post('all at once', 11);
    expect(whole).toMatchObject({ status: 201, headers: { 'upload-offset': '11' } });
    expect((await delivered(whole)).toString()).toBe('all at once');
  });

  test('of nothing is a file at once', async () => {
    const answer = await begin(await api.key(), 0);
    expect(answer).toMatchObject({ status: 201, headers: { 'upload-offset': '0' } });
    expect(await delivered(answer)).toEqual(Buffer.alloc(0));
  });

  test.each(['/v3/tus', '/v4/tus', '/v5/tus'])('begins at %s', async (url) => {
    const answer = await api.call({
      method: 'POST',
      url,
      key: await api.key(),
      headers: { ...TUS, 'upload-length': '4', 'upload-metadata': metadata({ name: 'a', 'filerobot-folder': '/t' }) },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['location']).toContain(url);
  });

  test('tells what is spoken without a key, and lets pages read its headers', async () => {
    const answer = await api.call({ method: 'OPTIONS', url: '/v5/tus', headers: { origin: 'https://a.example' } });
    expect(answer).toMatchObject({
      status: 204,
      headers: {
        'tus-version': '1.0.0',
        'tus-extension': 'creation,creation-with-upload,termination,expiration,checksum',
        'tus-checksum-algorithm': 'md5,sha1,sha256',
        'access-control-allow-headers': expect.stringContaining('upload-metadata'),
        'access-control-allow-methods': expect.stringContaining('PATCH'),
      },
    });
    const begunThere = await begin(await api.key(), 5, {}, { origin: 'https://a.example' });
    const exposed = begunThere.headers['access-control-expose-headers'];
    for (const name of ['location', 'upload-offset', 'upload-expires', 'latchkey-file-uuid', 'tus-resumable']) {
      expect(exposed).toContain(name);
    }
    const elsewhere = await api.call({ method: 'OPTIONS', url: '/v5/files' });
    expect(elsewhere.headers['tus-version']).toBeUndefined();
  });

  test('is one file, however often its end is sent (threat 31)', async () => {
    const key = await api.key();
    const url = await begun(key, 5, { folder: '/once' });
    const last = await patch(key, url, 0, 'hello');
    expect(await patch(key, url, 0, 'hello')).toMatchObject({
      status: 409,
      headers: { 'upload-offset': '5', 'tus-resumable': '1.0.0' },
      body: { code: 'UPLOAD_OFFSET_MISMATCH' },
    });
    const again = await patch(key, url, 5, '');
    expect(again).toMatchObject({ status: 204, headers: { 'upload-offset': '5' } });
    expect(again.headers['latchkey-file-uuid']).toBe(last.headers['latchkey-file-uuid']);
    const listed = await api.call({ url: '/v5/files?folder=%2Fonce', key });
    expect(listed.body['info']).toMatchObject({ total_files_count: 1 });
    expect((await api.call({ url, key })).textAt('file.uuid')).toMatch(/0000$/);
  });

  test('whose last request was cut off before the commit is made a file when it is asked for', async () => {
    const key = await api.key({ upload: { max: 1 } });
    const url = await begun(key, 5);
    const id = url.split('/').at(-1) ?? '';
    const upload = await api.ports.resumables.findUpload(CONTAINER, id);
    await api.ports.partials.append(upload?.partialId ?? '', 0, Readable.from([Buffer.from('hello')]), {
      sizeMaxBytes: 5,
    });
    const asked = await head(key, url);
    expect(asked).toMatchObject({ status: 200, headers: { 'upload-offset': '5' } });
    expect((await delivered(asked)).toString()).toBe('hello');
  });
});

describe('where only GET and POST get through', () => {
  const post = (key: string, url: string, method: string, headers: Headers = {}, body: Buffer | string = '') =>
    api.call({ method: 'POST', url, key, headers: { ...TUS, 'x-http-method-override': method, ...headers }, body });

  test('parts are added and uploads are given up by POST', async () => {
    const key = await api.key();
    const url = await begun(key, 5);
    const added = await post(key, url, 'PATCH', { ...PART, 'upload-offset': '0' }, 'hello');
    expect(added).toMatchObject({ status: 204, headers: { 'upload-offset': '5' } });
    expect((await delivered(added)).toString()).toBe('hello');
    const other = await begun(key, 5);
    expect((await post(key, other, 'DELETE')).status).toBe(204);
    await expectGone(key, other);
  });

  test('nothing else becomes another method', async () => {
    const key = await api.key();
    const url = await begun(key, 5);
    expect((await post(key, url, 'GET')).status).toBe(405);
    const file = (await api.upload(key, '/t', { name: 'stays.txt' })).textAt('file.uuid');
    expect((await post(key, `/v5/files/${file}`, 'DELETE')).status).toBe(405);
    expect((await api.call({ url: `/v5/files/${file}`, key })).status).toBe(200);
  });
});

describe('the protocol is refused', () => {
  test.each([
    ['no version', { 'tus-resumable': '' }, 412, 'TUS_VERSION_REFUSED'],
    ['another version', { 'tus-resumable': '0.2.2' }, 412, 'TUS_VERSION_REFUSED'],
    ['no length', { 'upload-length': '' }, 400, 'REQUEST_INVALID'],
    ['a negative length', { 'upload-length': '-1' }, 400, 'REQUEST_INVALID'],
    ['a length in another notation', { 'upload-length': '0x10' }, 400, 'REQUEST_INVALID'],
    ['a length said later', { 'upload-defer-length': '1' }, 400, 'REQUEST_INVALID'],
    ['a concatenation', { 'upload-concat': 'partial' }, 400, 'REQUEST_INVALID'],
    ['no name', { 'upload-metadata': '' }, 400, 'PATH_INVALID'],
    ['a name that is a path', { 'upload-metadata': metadata({ name: '../../etc/passwd' }) }, 400, 'PATH_INVALID'],
    ['a broken folder', { 'upload-metadata': metadata({ name: 'a', folder: '/a/../b' }) }, 400, 'PATH_INVALID'],
    ['metadata that is no base64', { 'upload-metadata': 'name ä' }, 400, 'REQUEST_INVALID'],
    ['metadata said twice', { 'upload-metadata': 'name YQ==,name Yg==' }, 400, 'REQUEST_INVALID'],
    ['metadata that is no JSON', { 'upload-metadata': metadata({ name: 'a', meta: '{' }) }, 400, 'REQUEST_INVALID'],
    ['a name that is no UTF-8', { 'upload-metadata': 'filename //5B' }, 400, 'REQUEST_INVALID'],
    ['endless metadata', { 'upload-metadata': metadata({ name: 'a'.repeat(7000) }) }, 400, 'REQUEST_INVALID'],
  ])('when it begins with %s', async (_what, headers, status, code) => {
    const answer = await begin(await api.key(), 5, {}, headers);
    expect(answer).toMatchObject({ status, headers: { 'tus-resumable': '1.0.0' }, body: { status: 'error', code } });
    if (status === 412) expect(answer.headers['tus-version']).toBe('1.0.0');
  });

  test.each([
    ['another version', { 'tus-resumable': '2.0.0' }, 412, 'TUS_VERSION_REFUSED'],
    ['another content type', { 'content-type': 'application/octet-stream' }, 415, 'MEDIA_TYPE_REFUSED'],
    ['no offset', { 'upload-offset': '' }, 400, 'REQUEST_INVALID'],
    ['an offset that is no number', { 'upload-offset': 'NaN' }, 400, 'REQUEST_INVALID'],
    ['an offset ahead', { 'upload-offset': '3' }, 409, 'UPLOAD_OFFSET_MISMATCH'],
    ['more bytes than announced', {}, 413, 'PAYLOAD_TOO_LARGE'],
    ['an unknown checksum', { 'upload-checksum': 'crc32 YQ==' }, 400, 'REQUEST_INVALID'],
    ['a checksum of another length', { 'upload-checksum': 'sha1 YQ==' }, 400, 'REQUEST_INVALID'],
  ])('when a part comes with %s, and nothing is added', async (_what, headers, status, code) => {
    const key = await api.key();
    const url = await begun(key, 5);
    const body = status === 413 ? 'hello!' : 'hel';
    expect(await patch(key, url, 0, body, headers)).toMatchObject({ status, body: { code } });
    expect((await head(key, url)).headers['upload-offset']).toBe('0');
  });

  test('when pictures are to be made smaller, and what is no JSON is named', async () => {
    const key = await api.key();
    const headers = { ...TUS, 'upload-length': '5', 'upload-metadata': metadata({ filename: 'a.png' }) };
    const smaller = await api.call({ method: 'POST', url: '/v5/tus?resize=50,50', key, headers });
    expect(smaller).toMatchObject({ status: 400, body: { faults: [{ field: 'resize', code: 'UNSUPPORTED' }] } });
    const broken = await begin(key, 5, { tags: '[' });
    expect(broken.body['faults']).toMatchObject([{ field: 'Upload-Metadata.tags', code: 'JSON_INVALID' }]);
  });

  test('when a part does not have its checksum; with the right one it is taken', async () => {
    const key = await api.key();
    const url = await begun(key, 10);
    const sum = (algorithm: string, text: string) =>
      `${algorithm} ${createHash(algorithm).update(text).digest('base64')}`;
    expect(await patch(key, url, 0, 'hello', { 'upload-checksum': sum('sha1', 'hallo') })).toMatchObject({
      status: 460,
      body: { code: 'UPLOAD_CHECKSUM_MISMATCH' },
    });
    expect((await head(key, url)).headers['upload-offset']).toBe('0');
    expect((await patch(key, url, 0, 'hello', { 'upload-checksum': sum('sha256', 'hello') })).status).toBe(204);
    const last = await patch(key, url, 5, 'world', { 'upload-checksum': sum('md5', 'world') });
    expect((await delivered(last)).toString()).toBe('helloworld');
  });
});

describe('another key', () => {
  test('finds no such upload, whatever it tries (threat 12)', async () => {
    const template = await api.template();
    const [own, other] = [api.keyOf(template), api.keyOf(template)];
    const { secret } = await api.secretKey();
    const url = await begun(own, 5);
    await patch(own, url, 0, 'he');
    for (const key of [other, secret, await api.key()]) {
      for (const answer of [
        await api.call({ url, key }),
        await patch(key, url, 2, 'llo'),
        await remove(key, url),
        await api.call({ url: url.replace('/v5/tus', '/json'), key }),
      ]) {
        expect(answer).toMatchObject({ status: 404, body: { code: 'UPLOAD_NOT_FOUND' } });
      }
      expect((await head(key, url)).status).toBe(404);
    }
    const unknown = await api.call({ url: `/v5/tus/${'0'.repeat(32)}`, key: other });
    const foreign = await api.call({ url, key: other });
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
    expect((await head(own, url)).headers['upload-offset']).toBe('2');
  });

  test('of the same person goes on, until the one that began it is revoked', async () => {
    const template = await api.template();
    const claims = { keyId: 'first-key', subject: 'ann@example.com' };
    const first = api.keyOf(template, { claims });
    const renewed = api.keyOf(template, { claims: { subject: 'ann@example.com' } });
    const url = await begun(first, 5);
    expect((await patch(renewed, url, 0, 'he')).status).toBe(204);
    const bob = api.keyOf(template, { claims: { subject: 'bob@example.com' } });
    const elsewhere = await api.key({}, { claims: { subject: 'ann@example.com' } });
    for (const key of [bob, elsewhere]) expect((await head(key, url)).status).toBe(404);
    await api.revoke('first-key');
    expect(await patch(renewed, url, 2, 'llo')).toMatchObject({ status: 401, body: { code: 'KEY_REVOKED' } });
  });

  test('of the same person does not go on when the keys that were issued until then are revoked, the first among them', async () => {
    const template = await api.template();
    const subject = 'carol@example.com';
    const first = api.keyOf(template, { claims: { subject } });
    api.clock.pass(1000);
    const url = await begun(first, 5);
    const { secret } = await api.secretKey();
    const until = new Date(api.clock.nowMs - 500).toISOString();
    const renewed = api.keyOf(template, { claims: { subject } });
    const body = { subject, issued_before: until };
    expect((await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body })).status).toBe(200);
    expect(await patch(renewed, url, 0, 'he')).toMatchObject({ status: 401, body: { code: 'KEY_REVOKED' } });
    const own = await begun(renewed, 5);
    expect((await patch(renewed, own, 0, 'hello')).status).toBe(204);
  });

  test('or none at all is asked for a key before anything is looked up', async () => {
    const url = await begun(await api.key(), 5);
    const none = await api.call({ method: 'PATCH', url, headers: { ...PART, 'upload-offset': '0' }, body: 'hello' });
    expect(none).toMatchObject({ status: 401, body: { code: 'KEY_MISSING' } });
  });

  test('narrowed from the first goes on as far as it may', async () => {
    const template = await api.template();
    const claims = { keyId: 'narrowed-key' };
    const url = await begun(api.keyOf(template, { claims }), 5);
    const readOnly = api.keyOf(template, { claims, narrowing: { permissions: ['OBJECTS_LIST'] } });
    expect(await patch(readOnly, url, 0, 'he')).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
    const elsewhere = api.keyOf(template, { claims, narrowing: { upload: { dir_scope: ['/other'] } } });
    expect(await patch(elsewhere, url, 0, 'he')).toMatchObject({ status: 403, body: { code: 'SCOPE_DENIED' } });
    const fine = api.keyOf(template, { claims, narrowing: { upload: { dir_scope: ['/t'] } } });
    expect((await patch(fine, url, 0, 'hello')).status).toBe(204);
  });
});

describe('begun in time', () => {
  test('it may be finished after the key has expired, but not after the time to finish', async () => {
    const key = await api.key({ key_validity: { expiration_duration: 60, finish_duration: 600 } });
    const [first, second] = [await begun(key, 5), await begun(key, 5)];
    api.clock.pass(300_000);
    expect(await begin(key, 5)).toMatchObject({ status: 401, body: { code: 'KEY_EXPIRED' } });
    expect((await head(key, first)).status).toBe(200);
    expect((await patch(key, first, 0, 'hello')).status).toBe(204);
    api.clock.pass(300_000);
    expect(await patch(key, second, 0, 'hello')).toMatchObject({ status: 401, body: { code: 'KEY_EXPIRED' } });
  });

  test('it may be finished only as long as the template now says', async () => {
    const template = await api.template({ key_validity: { expiration_duration: 60, finish_duration: 600 } });
    const key = api.keyOf(template);
    const url = await begun(key, 5);
    await edit(template.uid, { key_validity: { expiration_duration: 60, finish_duration: 100 } });
    api.clock.pass(200_000);
    expect(await patch(key, url, 0, 'hello')).toMatchObject({ status: 401, body: { code: 'KEY_EXPIRED' } });
  });

  test.each([
    ['a deactivation', { active: false }, 401, 'KEY_REVOKED'],
    ['a withdrawn permission', { permissions: [] }, 403, 'PERMISSION_DENIED'],
    ['another scope', { upload: { dir_scope: ['/other'] } }, 403, 'SCOPE_DENIED'],
    ['a smaller limit', { upload: { max_file_size: 4 } }, 413, 'PAYLOAD_TOO_LARGE'],
    ['other networks', { restrictions: { whitelist_ip_ranges: ['192.0.2.1'] } }, 403, 'IP_DENIED'],
  ])('it is stopped by %s of the template', async (_what, difference, status, code) => {
    const template = await api.template();
    const key = api.keyOf(template);
    const url = await begun(key, 5);
    await patch(key, url, 0, 'he');
    await edit(template.uid, difference);
    expect(await patch(key, url, 2, 'llo')).toMatchObject({ status, body: { code } });
    expect((await head(key, url)).status).toBe(status);
    await edit(template.uid, {});
    expect((await patch(key, url, 2, 'llo')).status).toBe(204);
  });

  async function edit(uid: string, difference: object): Promise<void> {
    const parsed = parseTemplate({ name: 'Test', permissions: PERMISSIONS, ...difference });
    if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
    await api.ports.templates.updateTemplate(CONTAINER, uid, parsed.value.document, api.clock.nowMs);
  }
});

describe('types and sizes', () => {
  test('are judged by what the bytes are, as soon as there are enough of them', async () => {
    const key = await api.key({ upload: { allowed_types: ['image/*'] } });
    const text = Buffer.alloc(200_000, 'plain text ');
    const url = await begun(key, text.length, { filename: 'a.png', filetype: 'image/png' });
    expect(await patch(key, url, 0, text.subarray(0, 100_000))).toMatchObject({
      status: 415,
      body: { code: 'MEDIA_TYPE_REFUSED' },
    });
    await expectGone(key, url);
  });

  test('are judged at the end when the beginning came in crumbs', async () => {
    const key = await api.key({ upload: { allowed_types: ['image/*'], max: 2 } });
    const good = await begun(key, PNG.length, { filename: 'a.png' });
    expect((await patch(key, good, 0, PNG.subarray(0, 1))).status).toBe(204);
    expect(await delivered(await patch(key, good, 1, PNG.subarray(1)))).toEqual(PNG);
    const bad = await begun(key, 10, { filename: 'b.png', filetype: 'image/png' });
    await patch(key, bad, 0, '<html');
    expect(await patch(key, bad, 5, '>evil')).toMatchObject({ status: 415 });
    await expectGone(key, bad);
    // What the refused one held came back.
    expect((await begin(key, 5)).status).toBe(201);
  });

  test('of more than the limit, or more than is left, are refused before a byte is sent', async () => {
    const key = await api.key({ upload: { max_file_size: 100, max_total_size: 150 } });
    expect(await begin(key, 101)).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE', limit: 100 } });
    await begun(key, 100);
    expect(await begin(key, 51)).toMatchObject({ status: 403, body: { code: 'UPLOAD_QUOTA_EXHAUSTED', limit: 50 } });
    expect((await begin(key, 50)).status).toBe(201);
  });
});

describe('what it reserved', () => {
  test('is held from the beginning, and comes back when it is given up', async () => {
    const key = await api.key({ upload: { max: 1 } });
    const url = await begun(key, 5);
    await patch(key, url, 0, 'he');
    expect(await begin(key, 5)).toMatchObject({ status: 403, body: { code: 'UPLOAD_QUOTA_EXHAUSTED' } });
    expect(await remove(key, url)).toMatchObject({ status: 204, headers: { 'tus-resumable': '1.0.0' } });
    await expectGone(key, url);
    expect((await begin(key, 5)).status).toBe(201);
  });

  test('is settled once, and giving a finished upload up gives nothing back and takes no file away', async () => {
    const key = await api.key({ upload: { max: 1, max_total_size: 10 } });
    const url = await begun(key, 5, { filename: 'kept.bin' });
    const last = await patch(key, url, 0, 'hello');
    await patch(key, url, 5, '');
    expect((await remove(key, url)).status).toBe(204);
    expect((await delivered(last)).toString()).toBe('hello');
    expect(await begin(key, 5)).toMatchObject({ status: 403, body: { code: 'UPLOAD_QUOTA_EXHAUSTED' } });
  });

  test('comes back when it expires, with its bytes and its record', async () => {
    const key = await api.key({
      upload: { max: 1 },
      key_validity: { expiration_duration: 3600, finish_duration: 60 },
    });
    const url = await begun(key, 5);
    const id = url.split('/').at(-1) ?? '';
    const partialId = (await api.ports.resumables.findUpload(CONTAINER, id))?.partialId ?? '';
    await patch(key, url, 0, 'he');
    api.clock.pass(60_000);
    await expectGone(key, url);
    expect(await begin(key, 5)).toMatchObject({ status: 403 });
    expect(await sweepUploads(api.ports)).toBeGreaterThanOrEqual(1);
    expect(await api.ports.resumables.findUpload(CONTAINER, id)).toBeUndefined();
    expect(await api.ports.partials.size(partialId)).toBeUndefined();
    expect((await begin(key, 5)).status).toBe(201);
  });

  test('is not taken by a request that is refused', async () => {
    const key = await api.key({ upload: { max: 1, dir_scope: ['/t'] } });
    expect(await begin(key, 5, { folder: '/elsewhere' })).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_DENIED' },
    });
    expect(await begin(key, 5, { meta: '[]' })).toMatchObject({ status: 400 });
    expect((await begin(key, 5)).status).toBe(201);
  });
});

describe('an upload that is being written', () => {
  test('is locked for others, who are told when to come back', async () => {
    const key = await api.key();
    const url = await begun(key, 5);
    const lock = { uploadId: url.split('/').at(-1) ?? '', token: 'another-writer' };
    expect(await api.ports.resumables.lockUpload(lock, api.clock.nowMs + 5000, api.clock.nowMs)).toBe(true);
    expect(await patch(key, url, 0, 'hello')).toMatchObject({
      status: 423,
      headers: { 'retry-after': '1', 'tus-resumable': '1.0.0' },
      body: { code: 'UPLOAD_LOCKED' },
    });
    expect(await api.ports.resumables.renewLock(lock, api.clock.nowMs + 5000)).toBe('wanted');
    // To look is not to want.
    expect((await api.call({ url, key })).body['upload']).toMatchObject({ offset: 0 });
    // A writer that died is not waited for.
    api.clock.pass(5001);
    expect((await patch(key, url, 0, 'hello')).status).toBe(204);
  });
});
