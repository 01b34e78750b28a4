// What is under way when its key dies: uploads in every form and downloads by every way end at once, and leave nothing.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TemplateRecord } from '../../src/ports/templates.ts';
import { CONTAINER, type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let origin: string;
const tasks = new Set<() => void>();
let fetching: 'nothing' | 'headers' | 'body';
let opened: Readable | undefined;

/** Half a second passes for everything that is under way. */
function tick(): void {
  for (const task of [...tasks]) task();
}

/** Lets half seconds pass, as long ones as they are, until what is awaited has come: while a question of before is under way, none is asked. */
async function ticking<T>(awaited: Promise<T>): Promise<T> {
  tick();
  const on = setInterval(tick, 500);
  try {
    return await awaited;
  } finally {
    clearInterval(on);
  }
}

/** A stream that begins and never ends. */
function endless(): Readable {
  const source = new Readable({ read() {} });
  source.push('begin');
  opened = source;
  return source;
}

beforeAll(async () => {
  harness = await openHarness({
    wrap: (ports) => ({
      ...ports,
      system: {
        ...ports.system,
        every: (_everyMs, task) => {
          tasks.add(task);
          return () => tasks.delete(task);
        },
      },
      fetcher: {
        open: async (url, signal) => {
          if (url.endsWith('/slow')) {
            fetching = 'headers';
            await once(signal, 'abort');
            throw signal.reason;
          }
          fetching = 'body';
          return { body: endless(), sizeBytes: undefined, claimedType: undefined };
        },
      },
    }),
  });
  const body = { uploads: { from_urls: 'on' } };
  expect((await harness.call({ method: 'PATCH', url: '/v5/settings', key: await harness.key(), body })).status).toBe(
    200,
  );
  origin = await harness.app.listen({ host: '127.0.0.1', port: 0 });
});
beforeEach(() => {
  tasks.clear();
  fetching = 'nothing';
  opened = undefined;
});
afterAll(() => harness.close());

interface Form {
  readonly form: string;
  readonly method?: 'PUT' | 'PATCH';
  url(key: string): string | Promise<string>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What has arrived; the rest never does. */
  readonly begun: string;
  /** The body is all there: something else is waited for. */
  readonly whole?: true;
  isUnderWay?(): boolean;
}

const MULTIPART = { 'content-type': 'multipart/form-data; boundary=b' };
const FILE = '--b\r\ncontent-disposition: form-data; name="files[]"; filename="a.bin"\r\n\r\nbytes';
const FIELD = '--b\r\ncontent-disposition: form-data; name="meta"\r\n\r\n{"a":';
const TUS = { 'tus-resumable': '1.0.0' };

const FORMS: readonly Form[] = [
  { form: 'raw bytes', method: 'PUT', url: () => '/v5/upload?folder=/in&filename=a.bin', begun: 'bytes' },
  { form: 'the file of a form', url: () => '/v5/files?folder=/in', headers: MULTIPART, begun: FILE },
  { form: 'a form before its file', url: () => '/v5/files?folder=/in', headers: MULTIPART, begun: FIELD },
  {
    form: 'a form after its file',
    url: () => '/v5/files?folder=/in',
    headers: MULTIPART,
    begun: `${FILE}\r\n${FIELD}`,
  },
  { form: 'base64 in JSON', url: () => '/v5/files?folder=/in', begun: '{"name":"a.bin","data":"AAAA' },
  {
    form: 'a URL that does not answer',
    url: () => '/v5/files/upload_url?folder=/in',
    begun: '{"files_urls":[{"url":"http://files.test/slow","name":"a.bin"}]}',
    whole: true,
    isUnderWay: () => fetching === 'headers',
  },
  {
    form: 'a URL that drips',
    url: () => '/v5/files/upload_url?folder=/in',
    begun: '{"files_urls":[{"url":"http://files.test/a.bin","name":"a.bin"}]}',
    whole: true,
    isUnderWay: () => fetching === 'body',
  },
  {
    form: 'a part of a resumable upload',
    method: 'PATCH',
    url: async (key) => {
      const name = Buffer.from('a.bin').toString('base64');
      const folder = Buffer.from('/in').toString('base64');
      const headers = { ...TUS, 'upload-length': '100', 'upload-metadata': `filename ${name},folder ${folder}` };
      const answer = await harness.call({ method: 'POST', url: '/v5/tus', key, headers });
      return (answer.headers['location'] ?? '').replace(/^.*\/demo/, '');
    },
    headers: { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    begun: 'bytes',
  },
];

/** Sends the beginning and answers the outcome; rejects when the connection is lost without one. */
async function begin(
  form: Form,
  key: string | undefined,
): Promise<{ readonly answered: Promise<string>; end(): void }> {
  const url = `${origin}/${CONTAINER}${await form.url(key ?? '')}`;
  const headers = { ...form.headers, ...(key === undefined ? {} : { 'x-filerobot-key': key }) };
  const outgoing = request(url, { method: form.method ?? 'POST', headers, agent: false });
  const answered = once(outgoing, 'response').then(async ([response]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response as IncomingMessage) chunks.push(chunk as Buffer);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return `${response.statusCode} ${Reflect.get(Object(body), 'code')}`;
  });
  answered.catch(() => undefined); // A test that fails before it looks must not end the run.
  outgoing.write(form.begun);
  if (form.whole === true) outgoing.end();
  await expect.poll(() => tasks.size > 0 && form.isUnderWay?.() !== false, { timeout: 10_000 }).toBe(true);
  return { answered, end: () => outgoing.destroy() };
}

/** How many files there are under the name that the uploads have. */
async function stored(): Promise<number> {
  const answer = await harness.call({ url: '/v5/files?folder=/&recursive=true', key: await harness.key() });
  const files = answer.body['files'] as readonly { readonly name: string }[];
  return files.filter(({ name }) => name === 'a.bin').length;
}

/** Ids of all blobs, finished ones that nothing points to among them. */
async function blobs(): Promise<readonly string[]> {
  return (await harness.ports.blobs.list(Number.MAX_SAFE_INTEGER)).blobIds;
}

const off = (record: TemplateRecord, active = false) =>
  harness.ports.templates.setTemplatesActive(CONTAINER, [record.uid], active, harness.clock.nowMs);

describe.each(FORMS)('an upload as $form', (form) => {
  test('goes on while its key is good', async () => {
    const { answered, end } = await begin(form, await harness.key());
    tick();
    const outcome = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 50, 'under way'))]);
    expect(outcome).toBe('under way');
    end();
  });

  test('ends when its key is revoked, and leaves no file and no bytes', async () => {
    const keyId = randomBytes(16).toString('hex');
    const before = await blobs();
    const key = await harness.key({}, { claims: { keyId } });
    const { answered } = await begin(form, key);
    await harness.revoke(keyId);
    expect(await ticking(answered)).toBe('401 KEY_REVOKED');
    expect(await stored()).toBe(0);
    expect(before, 'nothing more than before').toEqual(expect.arrayContaining([...(await blobs())]));
  });

  test('ends when its template is switched off, and gives back what it had reserved', async () => {
    const record = await harness.template({ upload: { max: 1 } });
    const key = harness.keyOf(record);
    const { answered } = await begin(form, key);
    await off(record);
    expect(await ticking(answered)).toBe('401 KEY_REVOKED');
    await off(record, true);
    // A resumable upload holds its place until it is given up: it may be gone on with.
    const again = await harness.upload(key, '/in', { name: 'b.txt' });
    expect(again.status).toBe(form.method === 'PATCH' ? 403 : 200);
  });
});

/** While fields or JSON arrive nothing has a place yet: they are judged by their folder when they are there. */
const PLACED = FORMS.filter(({ form }) => !/^(a form (before|after) its file|base64 in JSON)$/.test(form));

describe.each(PLACED)('an upload into a folder as $form', (form) => {
  test('ends when its person loses the folder, and leaves nothing', async () => {
    const before = await blobs();
    const keyId = randomBytes(16).toString('hex');
    const subject = `person ${keyId}`;
    const headers = await harness.admin();
    await harness.call({ method: 'POST', url: '/v5/folders', headers, body: { name: '/in' } });
    const listed = await harness.call({ url: '/v5/folders?folder=/', headers });
    const folders = listed.body['folders'] as readonly { readonly uuid: string; readonly path: string }[];
    const url = `/v5/folder/${folders.find(({ path }) => path === '/in')?.uuid}/access`;
    const { answered } = await begin(form, await harness.key({}, { claims: { keyId, subject } }));
    const body = { access: { role: 2, who: { users: [subject] } } };
    expect((await harness.call({ method: 'POST', url, headers, body })).status).toBe(200);
    expect(await ticking(answered)).toBe('403 ACCESS_DENIED');
    expect(await stored()).toBe(0);
    expect(before, 'nothing more than before').toEqual(expect.arrayContaining([...(await blobs())]));
  });
});

describe('what is handed in to an airbox', () => {
  const kinds = [FORMS[1], FORMS[2]].flatMap((form) => form ?? []);

  test.each(
    kinds.flatMap((form) =>
      (['is deleted', 'is over', 'loses its key', 'loses its template'] as const).map((end) => ({ form, end })),
    ),
  )('as $form.form ends when the airbox $end, and leaves nothing', async ({ form, end }) => {
    const record = await harness.template();
    const keyId = randomBytes(16).toString('hex');
    const maker = harness.keyOf(record, { claims: { keyId } });
    await harness.call({ method: 'POST', url: '/v5/folders', key: maker, body: { name: '/box' } });
    const expires_at = new Date(harness.clock.nowMs + 60_000).toISOString();
    const body = { folder: '/box', expires_at };
    const made = await harness.call({ method: 'POST', url: '/v5/airboxes', key: maker, body });
    const puid = made.textAt('airbox.puid');
    const before = await blobs();
    const { answered } = await begin({ ...form, url: () => `/a/${puid}` }, undefined);
    tick();
    if (end === 'is deleted') await harness.ports.airboxes.deleteDoor(CONTAINER, puid);
    else if (end === 'is over') harness.clock.pass(60_000);
    else if (end === 'loses its template') await off(record);
    else await harness.revoke(keyId);
    expect(await ticking(answered)).toBe('404 AIRBOX_NOT_FOUND');
    expect([await stored(), await blobs()]).toEqual([0, before]);
  });
});

test('a JSON body that arrived slowly is judged by the rules of its end', async () => {
  const record = await harness.template();
  const body = JSON.stringify({ name: 'made', parent: '/' });
  const headers = { 'x-filerobot-key': harness.keyOf(record), 'content-type': 'application/json' };
  const outgoing = request(`${origin}/${CONTAINER}/v5/folders`, { method: 'POST', headers, agent: false });
  const seen = once(harness.app.server, 'request');
  outgoing.write(body.slice(0, 5));
  await seen;
  // The guard has let it in when this later request has been answered.
  await harness.call({ url: '/v5/folders?folder=/', key: await harness.key() });
  await off(record);
  harness.clock.pass(1000);
  outgoing.end(body.slice(5));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(401);
});

describe('a download', () => {
  let record: TemplateRecord;
  let key: string;
  let keyId: string;
  let uuid: string;
  const read = () => harness.ports.blobs.read;
  let readReally: ReturnType<typeof read>;
  beforeEach(async () => {
    record = await harness.template();
    keyId = randomBytes(16).toString('hex');
    key = harness.keyOf(record, { claims: { keyId } });
    uuid = (await harness.upload(key, '/out', { content: 'twenty bytes of text' })).textAt('file.uuid');
    const body = { files_uuids: [uuid], visibility: 'not_public' };
    await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body });
    readReally = read();
    harness.ports.blobs.read = async () => endless();
  });
  afterEach(() => {
    harness.ports.blobs.read = readReally;
  });

  async function begin(address: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
    const outgoing = get(origin + address.replace(/^https?:\/\/[^/]+/, ''), { headers, agent: false });
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    await once(response, 'readable');
    expect(String(response.read())).toBe('begin');
    return response;
  }

  const readOn = async (response: IncomingMessage) => {
    for await (const _chunk of response);
  };

  const addresses: readonly { readonly way: string; open(): Promise<IncomingMessage> }[] = [
    { way: 'by its key', open: () => begin(`/${CONTAINER}/v4/get/${uuid}`, { 'x-filerobot-key': key }) },
    {
      way: 'by a signed address',
      open: async () => {
        const answer = await harness.call({ url: `/v5/files/${uuid}`, key });
        return begin(answer.textAt('file.url.cdn'));
      },
    },
    {
      way: 'by a share',
      open: async () => {
        const items = [
          { type: 'file_uuid', identifiers: [uuid] },
          { type: 'folder_uuid', identifiers: [] },
        ];
        const made = await harness.call({ method: 'POST', url: '/v5/shares', key, body: { title: 'S', items } });
        return begin(`/${CONTAINER}/v4/share/${made.textAt('share.puid')}/file/${uuid}`);
      },
    },
  ];

  test.each(addresses)('$way breaks off when the template is switched off, and closes what it read', async (it) => {
    const response = await it.open();
    tick();
    await off(record);
    const closed = new Promise((resolve) => opened?.once('close', resolve));
    await expect(ticking(readOn(response))).rejects.toThrow();
    await closed;
    expect(tasks.size).toBe(0);
  });

  test.each(addresses)('$way breaks off when the key is revoked', async (it) => {
    const response = await it.open();
    await harness.revoke(keyId);
    await expect(ticking(readOn(response))).rejects.toThrow();
  });

  test.each([
    ['is deleted', (puid: string) => harness.ports.shares.deleteDoor(CONTAINER, puid)],
    ['is over', async () => harness.clock.pass(60_000)],
  ])('by a share breaks off when the share %s', async (_, end) => {
    const items = [{ type: 'file_uuid', identifiers: [uuid] }];
    const expires_at = new Date(harness.clock.nowMs + 60_000).toISOString();
    const made = await harness.call({ method: 'POST', url: '/v5/shares', key, body: { items, expires_at } });
    const puid = made.textAt('share.puid');
    const response = await begin(`/${CONTAINER}/share/${puid}/file/${uuid}`);
    tick();
    await end(puid);
    await expect(ticking(readOn(response))).rejects.toThrow();
  });

  test('goes on when its key merely expires, and to its end', async () => {
    const response = await addresses[0]?.open();
    harness.clock.pass(60 * 60_000);
    tick();
    opened?.push(' and so on text');
    opened?.push(null);
    await readOn(response ?? expect.fail('it was opened'));
    expect(tasks.size).toBe(0);
  });
});
