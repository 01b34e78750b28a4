// Uploads in parts: where they go on after each kind of failure, and when they give up.
import { describe, expect, test } from 'vitest';
import { createClient } from '../src/client.ts';
import { fixedKey } from '../src/keys.ts';
import { type ResumableUploadOptions, uploadResumable } from '../src/uploads.ts';
import { fakeService, headerOf, json, refused, type Sent } from './fake-service.ts';

const TUS_URL = 'https://a.example/demo/v5/tus';
const UPLOAD_URL = `${TUS_URL}/up-1`;
const CONTENT = '0123456789';

/** A service that keeps what arrives; `fail` may answer in its place, or after it kept the part. */
function tusService(fail: (sent: Sent, count: number) => Response | 'lose the answer' | undefined = () => undefined) {
  let stored = '';
  const pauses: number[] = [];
  const { send, requests } = fakeService(async (sent, count) => {
    const failure = fail(sent, count);
    if (failure instanceof Response) return failure;
    const answer = await serve(sent);
    if (failure !== undefined) throw new TypeError('Failed to fetch');
    return answer;
  });
  async function serve({ url, init }: Sent): Promise<Response> {
    if (init.method === 'POST') return new Response(null, { status: 201, headers: { location: UPLOAD_URL } });
    expect(url).toBe(UPLOAD_URL);
    if (init.method === 'PATCH') {
      expect(headerOf({ url, init }, 'upload-offset')).toBe(`${stored.length}`);
      stored += init.body instanceof Blob ? await init.body.text() : '';
      return new Response(null, { status: 204, headers: { 'upload-offset': `${stored.length}` } });
    }
    const file = stored === CONTENT ? { file: { uuid: 'u', name: 'a.txt' } } : {};
    return json(200, { status: 'success', upload: { offset: stored.length }, ...file });
  }
  const client = createClient({ endpoint: 'https://a.example', container: 'demo', keys: fixedKey('K'), fetch: send });
  return {
    requests,
    pauses,
    stored: () => stored,
    methods: () => requests.map(({ init }) => init.method),
    upload: (options: ResumableUploadOptions = {}) =>
      uploadResumable(client, new File([CONTENT], 'ä.txt', { type: 'text/plain' }), {
        folder: '/in',
        partBytes: 4,
        wait: async (ms) => {
          pauses.push(ms);
        },
        ...options,
      }),
  };
}

describe('uploadResumable', () => {
  test('announces length, name, type and folder, sends the parts in order, and answers the record', async () => {
    const service = tusService();
    const told: unknown[] = [];
    const file = await service.upload({ onBegin: (url) => told.push(url), onProgress: (bytes) => told.push(bytes) });
    expect(file.uuid).toBe('u');
    expect(told).toEqual([UPLOAD_URL, 4, 8, 10]);
    expect(service.methods()).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'GET']);
    const [begin] = service.requests;
    expect(begin?.url).toBe(TUS_URL);
    expect(headerOf(begin, 'upload-length')).toBe('10');
    expect(headerOf(begin, 'x-filerobot-key')).toBe('K');
    const said = (headerOf(begin, 'upload-metadata') ?? '').split(',').map((pair) => pair.split(' '));
    expect(said.map(([name, text = '']) => [name, Buffer.from(text, 'base64').toString()])).toEqual([
      ['filename', 'ä.txt'],
      ['filetype', 'text/plain'],
      ['folder', '/in'],
    ]);
  });

  test('asks where to go on when the answer to a part was lost, and sends nothing twice', async () => {
    const service = tusService((_, count) => (count === 2 ? 'lose the answer' : undefined));
    await service.upload();
    expect(service.stored()).toBe(CONTENT);
    expect(service.methods()).toEqual(['POST', 'PATCH', 'GET', 'PATCH', 'PATCH', 'GET']);
    expect(service.pauses).toEqual([500]);
  });

  test.each([
    ['a proxy that lost the service', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 500],
    ['an upload that another request still writes', () => refused(423, 'UPLOAD_LOCKED', { 'retry-after': '2' }), 2000],
    ['a part for another place', () => refused(409, 'UPLOAD_OFFSET_MISMATCH'), 500],
    ['a service that asks to wait', () => refused(503, 'SHUTTING_DOWN', { 'retry-after': '1' }), 1000],
  ])('goes on after %s', async (_, answer, pauseMs) => {
    const service = tusService((_sent, count) => (count === 3 ? answer() : undefined));
    await service.upload();
    expect(service.stored()).toBe(CONTENT);
    expect(service.pauses).toEqual([pauseMs]);
  });

  test('resumes an earlier upload without beginning another', async () => {
    const service = tusService();
    await service.upload({ resume: UPLOAD_URL });
    expect(service.methods()).toEqual(['GET', 'PATCH', 'PATCH', 'PATCH', 'GET']);
  });

  test.each([
    ['a refusal', () => refused(403, 'SCOPE_DENIED'), 'SCOPE_DENIED', 0],
    ['a wait that is too long', () => refused(429, 'LIMIT_REACHED', { 'retry-after': '61' }), 'LIMIT_REACHED', 0],
    ['a proxy that refuses the size', () => new Response('too large', { status: 413 }), 'ANSWER_UNREADABLE', 0],
    ['the seventh failure in a row', () => new Response('', { status: 502 }), 'ANSWER_UNREADABLE', 6],
  ])('ends with %s', async (_, answer, code, pauses) => {
    const service = tusService((sent) => (sent.init.method === 'PATCH' ? answer() : undefined));
    await expect(service.upload()).rejects.toMatchObject({ code });
    expect(service.pauses).toHaveLength(pauses);
  });

  test('progress in between makes the failures count anew', async () => {
    const service = tusService(({ init }, count) =>
      init.method === 'PATCH' && count % 3 !== 0 ? new Response('', { status: 502 }) : undefined,
    );
    await service.upload();
    expect(service.stored()).toBe(CONTENT);
  });

  test('names the header that a proxy keeps from the page', async () => {
    const service = tusService(({ init }) =>
      init.method === 'POST' ? new Response(null, { status: 201 }) : undefined,
    );
    await expect(service.upload()).rejects.toMatchObject({
      code: 'ANSWER_UNREADABLE',
      message: expect.stringContaining('Location'),
    });
  });

  test('rejects with the reason of the caller who aborted', async () => {
    const leaving = new AbortController();
    const service = tusService(({ init }) => (init.method === 'PATCH' ? new Response('', { status: 502 }) : undefined));
    const upload = service.upload({
      signal: leaving.signal,
      wait: async () => leaving.abort(new Error('left the page')),
    });
    await expect(upload).rejects.toThrow('left the page');
  });
});
