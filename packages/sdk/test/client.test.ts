// The browser client: what it asks for, and what it does when its key is refused.
import { describe, expect, test } from 'vitest';
import { createClient } from '../src/client.ts';
import { createKeySource, fixedKey } from '../src/keys.ts';
import { uploadFile } from '../src/uploads.ts';
import { fakeService, headerOf, json, refused, type Sent } from './fake-service.ts';

function client(respond: (sent: Sent, count: number) => Response | Promise<Response>) {
  const { send, requests } = fakeService(respond);
  return {
    client: createClient({ endpoint: 'https://a.example', container: 'demo', keys: fixedKey('K'), fetch: send }),
    requests,
  };
}

const emptyList = () => json(200, { status: 'success', files: [], folders: [], info: { total_files_count: 12 } });

describe('client', () => {
  test('lists with the key in the header and a plus sign that stays a plus sign', async () => {
    const { client: c, requests } = client(emptyList);
    expect(await c.listFiles('/a+b/ä', { limit: 2, recursive: true })).toEqual({ files: [], total: 12 });
    expect(requests[0]?.url).toBe('https://a.example/demo/v5/files?folder=%2Fa%2Bb%2F%C3%A4&limit=2&recursive=1');
    expect(headerOf(requests[0], 'x-filerobot-key')).toBe('K');
  });

  test('turns a refusal into an error with code, status, hint, rule and request id', async () => {
    const { client: c } = client(() =>
      json(413, {
        status: 'error',
        code: 'PAYLOAD_TOO_LARGE',
        msg: 'The file is too large',
        hint: 'Send a smaller file.',
        rule: 'upload.max_file_size',
        limit: 10,
        actual: 11,
        request_id: 'r-7',
      }),
    );
    await expect(c.listFolders('/')).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: 'PAYLOAD_TOO_LARGE',
      status: 413,
      message: 'The file is too large',
      hint: 'Send a smaller file.',
      rule: 'upload.max_file_size',
      limit: 10,
      actual: 11,
      requestId: 'r-7',
      retryAfterMs: undefined,
    });
  });

  test('treats a 200 without a success status as a failure', async () => {
    const { client: c } = client(() => json(200, { status: 'error', code: 'INTERNAL', msg: 'no' }));
    await expect(c.keyInfo()).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('names an answer that is not from the service', async () => {
    const { client: c } = client(() => new Response('<h1>Bad gateway</h1>', { status: 502 }));
    await expect(c.keyInfo()).rejects.toMatchObject({ code: 'ANSWER_UNREADABLE', status: 502 });
  });

  test('names a connection that failed', async () => {
    const { client: c } = client(() => Promise.reject(new TypeError('Failed to fetch')));
    await expect(c.keyInfo()).rejects.toMatchObject({ code: 'NETWORK_FAILED', status: 0 });
  });

  test('rejects with the reason of the caller who aborted', async () => {
    const { client: c } = client(() => Promise.reject(new DOMException('aborted', 'AbortError')));
    await expect(c.keyInfo(AbortSignal.abort(new Error('left the page')))).rejects.toThrow('left the page');
  });

  test('renews a refused key and repeats the request once', async () => {
    let exchanges = 0;
    const { send, requests } = fakeService((sent) => {
      if (sent.url.includes('/key/SECU_')) {
        exchanges += 1;
        return json(200, { status: 'success', key: `key-${exchanges}` });
      }
      return headerOf(sent, 'x-filerobot-key') === 'key-1' ? refused(401, 'KEY_EXPIRED') : emptyList();
    });
    const keys = createKeySource({ endpoint: 'https://a.example', container: 'demo', template: 'SECU_1', fetch: send });
    const c = createClient({ endpoint: 'https://a.example', container: 'demo', keys, fetch: send });
    expect((await c.listFiles('/')).total).toBe(12);
    expect(requests).toHaveLength(4);
  });

  test('does not repeat a request with a key that cannot be renewed', async () => {
    const { client: c, requests } = client(() => refused(401, 'KEY_EXPIRED'));
    await expect(c.listFiles('/')).rejects.toMatchObject({ code: 'KEY_EXPIRED' });
    expect(requests).toHaveLength(1);
  });

  test('does not repeat a request that was refused for another reason', async () => {
    const { client: c, requests } = client(() => refused(403, 'SCOPE_DENIED'));
    await expect(c.listFiles('/')).rejects.toMatchObject({ code: 'SCOPE_DENIED' });
    expect(requests).toHaveLength(1);
  });
});

describe('uploadFile', () => {
  const stored = () => json(200, { status: 'success', file: { uuid: 'u', name: 'a.txt' } });

  test('sends the bytes as multipart with the name and the folder', async () => {
    const { client: c, requests } = client(stored);
    const file = await uploadFile(c, new File(['hello'], 'a.txt'), { folder: '/in' });
    expect(file.uuid).toBe('u');
    expect(requests[0]?.url).toBe('https://a.example/demo/v5/files?folder=%2Fin&obfuscate=KEEP_ORIGINAL_NAME');
    expect(requests[0]?.init.method).toBe('POST');
    const body = requests[0]?.init.body;
    const part = body instanceof FormData ? body.get('files[]') : undefined;
    expect(part instanceof File && [part.name, await part.text()]).toEqual(['a.txt', 'hello']);
    expect(headerOf(requests[0], 'content-type'), 'the browser adds the boundary').toBeNull();
  });

  test('asks for a name where a blob has none', async () => {
    const { client: c, requests } = client(stored);
    await expect(uploadFile(c, new Blob(['x']))).rejects.toBeInstanceOf(TypeError);
    expect(requests).toHaveLength(0);
    await uploadFile(c, new Blob(['x']), { name: 'x.bin' });
    expect(requests).toHaveLength(1);
  });
});
