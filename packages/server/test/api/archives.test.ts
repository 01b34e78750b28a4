// Many files as one zip through the front door: what it holds, for whom, and when it breaks off.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import yauzl from 'yauzl';
import { ARCHIVE } from '../../src/operations/archives.ts';
import { type Answer, CONTAINER, type Harness, type HarnessOptions, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
const open = async (options: HarnessOptions = {}) => {
  await harness?.close();
  harness = await openHarness(options);
  key = await harness.key();
};
beforeEach(() => open());
afterAll(() => harness.close());

const call = (method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object, as = key) =>
  harness.call({ method, url, key: as, ...(body === undefined ? {} : { body }) });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];

const put = async (folder: string, name: string, content: string | Buffer = name) =>
  (await harness.upload(key, folder, { name, content })).textAt('file.uuid');
const folderId = async (path: string) =>
  (await call('GET', `/v5/folders?folder=${encodeURIComponent(path)}`)).textAt('base.uuid');

async function ask(body: object, as = key): Promise<string> {
  const answer = await call('POST', '/v5/file-archive', body, as);
  expect(answer.status, answer.text).toBe(200);
  return answer.textAt('task_id');
}
const fetchZip = (id: string, as = key) =>
  harness.call({
    url: `/v5/file-archive/${id}`,
    key: as,
    headers: { 'content-type': 'application/json, application/zip' },
  });

/** Names and contents, as a strict reader finds them. */
async function unzip(bytes: Buffer): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) => {
    yauzl.fromBuffer(bytes, { lazyEntries: true, strictFileNames: true }, (error, opened) =>
      error === null ? resolve(opened) : reject(error),
    );
  });
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve(files));
    zip.on('entry', (entry: yauzl.Entry) => {
      zip.openReadStream(entry, async (error, stream) => {
        if (error !== null) return reject(error);
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        files[entry.fileName] = Buffer.concat(chunks).toString();
        zip.readEntry();
      });
    });
    zip.readEntry();
  });
}

const zipOf = async (body: object, as = key) => {
  const answer = await fetchZip(await ask(body, as), as);
  expect(answer.status, answer.text).toBe(200);
  return unzip(answer.bytes);
};

describe('file.archive', () => {
  test('holds files and whole folders under their names, each once', async () => {
    const [top, inner] = [await put('/a', 'top.txt'), await put('/a/b/c', 'inner.txt')];
    await put('/a', 'other.txt');
    const files = await zipOf({
      files_uuids: [top, top],
      folders_uuids: [await folderId('/a'), await folderId('/a/b')],
    });
    expect(files).toEqual({ 'top.txt': 'top.txt', 'a/other.txt': 'other.txt', 'a/b/c/inner.txt': 'inner.txt' });
    expect(await zipOf({ folders_uuids: [await folderId('/')] })).toHaveProperty('a/b/c/inner.txt');
    expect(await zipOf({ files_uuids: [inner] })).toEqual({ 'inner.txt': 'inner.txt' });
  });

  describe('of folders in which there is nothing', () => {
    const make = async (path: string, as = key) =>
      (await call('POST', '/v5/folders', { name: path }, as)).textAt('folder.uuid');

    test('holds the folder, and those below it, beside what there is', async () => {
      const empty = await make('/empty');
      expect(await zipOf({ folders_uuids: [empty] })).toEqual({ 'empty/': '' });
      await put('/full/in', 'a.txt');
      await make('/full/none');
      await make('/full/x/y');
      const full = { folders_uuids: [await folderId('/full'), empty] };
      const tree = { 'full/in/a.txt': 'a.txt', 'full/none/': '', 'full/x/y/': '' };
      expect(await zipOf(full)).toEqual({ ...tree, 'empty/': '' });
      expect(await zipOf({ folders_uuids: [await folderId('/')] })).toEqual({ ...tree, 'empty/': '' });
      const answer = await fetchZip(await ask(full));
      expect(answer.headers['content-length']).toBe(String(answer.bytes.length));
    });

    test('is empty when the root is', async () => {
      const answer = await fetchZip(await ask({ folders_uuids: [await folderId('/')] }));
      expect([answer.status, answer.headers['content-length']]).toEqual([200, String(answer.bytes.length)]);
      expect(await unzip(answer.bytes)).toEqual({});
    });

    test('tells no folder outside the scope, and is not found when all of it has gone', async () => {
      for (const path of ['/a/open', '/a/secret', '/b']) await make(path);
      const narrow = await harness.key({ listing: { dir_scope: ['/a/open/*', '/c'] } });
      const root = { folders_uuids: [await folderId('/')] };
      // A scope that covers what lies in a folder does not cover the folder.
      await make('/a/open/in');
      expect(await zipOf(root, narrow)).toEqual({ 'a/open/in/': '' });
      const gone = await ask({ folders_uuids: [await folderId('/b')] });
      await call('DELETE', '/v5/folders', { folders_uuids: [await folderId('/b')] });
      expect(outcome(await fetchZip(gone))).toEqual([404, 'FILE_NOT_FOUND']);
    });

    test('has no more of them than it may have files', async () => {
      await open({ oneNode: true });
      const folders_uuids = [await make('/many')];
      const id = await ask({ folders_uuids });
      const { metadata } = harness.ports;
      metadata.countFolders = async () => ARCHIVE.filesMax + 1;
      metadata.listFolders = async () => ({ items: [], total: ARCHIVE.filesMax + 1 });
      const limit = { status: 400, body: { code: 'REQUEST_INVALID', limit: ARCHIVE.filesMax } };
      expect(await call('POST', '/v5/file-archive', { folders_uuids })).toMatchObject(limit);
      expect(await fetchZip(id)).toMatchObject(limit);
    });
  });

  test('is a download of known length that no one keeps, and done as soon as it is asked for', async () => {
    const id = await ask({ files_uuids: [await put('/a', 'a.txt')] });
    const status = await call('GET', `/v5/file-archive/${id}?status_only=1`);
    expect(status.body).toMatchObject({ status: 'success', task_status: 'DONE', task_percent: 100 });
    const answer = await fetchZip(id);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(answer.bytes.length),
      'content-disposition': 'attachment; filename="files.zip"',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
    const head = await call('HEAD', `/v5/file-archive/${id}`);
    expect([head.headers['content-length'], head.bytes.length]).toEqual([String(answer.bytes.length), 0]);
  });

  test('gives every file a name that unpacks everywhere and beside the others', async () => {
    const names = ['CON.txt', 'a:b?.txt', 'dot.', 'Größe 大.txt', 'x.txt'];
    const uuids = await Promise.all(names.map((name) => put('/one', name)));
    const again = [await put('/two', 'X.txt'), await put('/three', 'x.txt'), await put('/x.txt', 'inside')];
    const files = await zipOf({
      files_uuids: [...uuids, ...again.slice(0, 2)],
      folders_uuids: [await folderId('/x.txt')],
    });
    expect(Object.keys(files).sort()).toEqual(
      ['_CON.txt', 'a_b_.txt', 'dot_', 'Größe 大.txt', 'x.txt', 'X (2).txt', 'x (3).txt', 'x (4).txt/inside'].sort(),
    );
  });

  test('holds what the key that fetches may fetch at that time, and nothing else', async () => {
    await put('/a', 'in.txt');
    const outside = await put('/b', 'out.txt');
    const record = await harness.template({ listing: { dir_scope: ['/a', '/c'] } });
    const narrow = harness.keyOf(record);
    const root = { folders_uuids: [await folderId('/')] };
    expect(Object.keys(await zipOf(root, narrow))).toEqual(['a/in.txt']);
    expect(outcome(await call('POST', '/v5/file-archive', { files_uuids: [outside] }, narrow))).toEqual([
      404,
      'FILE_NOT_FOUND',
    ]);
    expect(outcome(await call('POST', '/v5/file-archive', { folders_uuids: [await folderId('/b')] }, narrow))).toEqual([
      404,
      'FOLDER_NOT_FOUND',
    ]);
    const id = await ask(root, narrow);
    const { document } = record;
    await harness.ports.templates.updateTemplate(
      CONTAINER,
      record.uid,
      { ...document, listing: { dir_scope: ['/c'] } },
      1,
    );
    expect(outcome(await fetchZip(id, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
    const silent = { ...document, permissions: ['OBJECTS_LIST'] } as const;
    await harness.ports.templates.updateTemplate(CONTAINER, record.uid, silent, 1);
    expect(outcome(await fetchZip(id, narrow))).toEqual([403, 'PERMISSION_DENIED']);
    await harness.ports.templates.setTemplatesActive(CONTAINER, [record.uid], false, 1);
    expect(outcome(await fetchZip(id, narrow))).toEqual([401, 'KEY_REVOKED']);
  });

  test('leaves out what was deleted or moved out of reach since it was asked for', async () => {
    const [stays, goes] = [await put('/a', 'stays.txt'), await put('/a', 'goes.txt')];
    const id = await ask({ files_uuids: [stays, goes] });
    await call('DELETE', `/v5/files/${goes}`);
    expect(Object.keys(await unzip((await fetchZip(id)).bytes))).toEqual(['stays.txt']);
    await call('DELETE', `/v5/files/${stays}`);
    expect(outcome(await fetchZip(id))).toEqual([404, 'FILE_NOT_FOUND']);
  });

  test('belongs to the keys of one template and subject, a renewed one among them, for an hour', async () => {
    const record = await harness.template();
    const mine = harness.keyOf(record);
    const id = await ask({ files_uuids: [await put('/a', 'a.txt')] }, mine);
    expect((await fetchZip(id, harness.keyOf(record))).status).toBe(200);
    for (const other of [key, harness.keyOf(record, { claims: { subject: 'ann' } })]) {
      expect(outcome(await fetchZip(id, other))).toEqual([404, 'TASK_NOT_FOUND']);
      expect(outcome(await call('GET', `/v5/file-archive/${id}?status_only=1`, undefined, other))).toEqual([
        404,
        'TASK_NOT_FOUND',
      ]);
      expect(outcome(await call('PATCH', `/v5/file-archive/${id}/cancel`, undefined, other))).toEqual([
        404,
        'TASK_NOT_FOUND',
      ]);
    }
    harness.clock.pass(60 * 60_000);
    expect(outcome(await fetchZip(id, harness.keyOf(record)))).toEqual([404, 'TASK_NOT_FOUND']);
  });

  test('is forgotten when it is cancelled', async () => {
    const id = await ask({ files_uuids: [await put('/a', 'a.txt')] });
    const cancelled = await harness.call({
      method: 'PATCH',
      url: `/v5/file-archive/${id}/cancel`,
      key,
      headers: { 'content-type': 'application/json' },
    });
    expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(outcome(await fetchZip(id))).toEqual([404, 'TASK_NOT_FOUND']);
  });

  test('refuses to begin what names nothing, addresses, or too much', async () => {
    for (const body of [{}, { files_uuids: [] }, { urls: ['https://example.com/'] }, { files_uuids: 'x' }]) {
      expect(outcome(await call('POST', '/v5/file-archive', body))).toEqual([400, 'REQUEST_INVALID']);
    }
    // Ports of the node are replaced while it runs.
    await open({ oneNode: true });
    await put('/a', 'a.txt');
    const folders_uuids = [await folderId('/a')];
    const stats = { files: ARCHIVE.filesMax + 1, bytes: 1 };
    for (const tooMuch of [stats, { files: 1, bytes: ARCHIVE.bytesMax + 1 }]) {
      const real = harness.ports.metadata.countFiles.bind(harness.ports.metadata);
      harness.ports.metadata.countFiles = async () => tooMuch;
      const answer = await call('POST', '/v5/file-archive', { folders_uuids });
      harness.ports.metadata.countFiles = real;
      expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID', limit: expect.any(Number) } });
    }
  });
});

describe('an archive on its way', () => {
  let tick: () => void = () => {};
  let opened: Readable[] = [];

  /** Every file of the store sends its beginning, and the rest never. */
  const stalled = (ports: Harness['ports']): Harness['ports'] => ({
    ...ports,
    system: {
      ...ports.system,
      every: (_everyMs, task) => {
        tick = task;
        return () => {
          tick = () => {};
        };
      },
    },
    blobs: {
      write: (source, options) => ports.blobs.write(source, options),
      find: (id) => ports.blobs.find(id),
      remove: (ids) => ports.blobs.remove(ids),
      list: (beforeMs, cursor) => ports.blobs.list(beforeMs, cursor),
      sweep: (beforeMs) => ports.blobs.sweep(beforeMs),
      check: () => ports.blobs.check(),
      close: () => ports.blobs.close(),
      read: async () => {
        const source = new Readable({ read() {} });
        source.push('begi');
        opened.push(source);
        return source;
      },
    },
  });

  async function begin() {
    opened = [];
    await open({ wrap: stalled });
    const record = await harness.template();
    const id = await ask(
      { files_uuids: [await put('/a', 'beginning'), await put('/a', 'second')] },
      harness.keyOf(record),
    );
    const origin = await harness.app.listen({ host: '127.0.0.1', port: 0 });
    const headers = { 'x-filerobot-key': harness.keyOf(record) };
    const request = get(`${origin}/${CONTAINER}/v5/file-archive/${id}`, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'readable');
    response.read();
    return { id, record, response };
  }

  const closed = () => new Promise<void>((resolve) => opened[0]?.once('close', () => resolve()));
  const readOn = async (response: IncomingMessage) => {
    for await (const _chunk of response);
  };

  test('breaks off when the template no longer allows it', async () => {
    const { record, response } = await begin();
    tick();
    await harness.ports.templates.setTemplatesActive(CONTAINER, [record.uid], false, 1);
    const ended = closed();
    // The first round may still wait for its answer.
    const isClosed = () => {
      tick();
      return opened[0]?.destroyed;
    };
    await expect.poll(isClosed).toBe(true);
    await expect(readOn(response)).rejects.toThrow();
    await ended;
  });

  test('breaks off when it is cancelled', async () => {
    const { id, response } = await begin();
    await harness.ports.tasks.removeTask(CONTAINER, id);
    tick();
    await expect(readOn(response)).rejects.toThrow();
  });

  test('goes on when its key merely expires, and breaks off when a file turns out shorter', async () => {
    const { response } = await begin();
    harness.clock.pass(20 * 60_000);
    tick();
    opened[0]?.push('nn');
    await once(response, 'readable');
    expect(String(response.read())).toBe('nn');
    opened[0]?.push(null);
    await expect(readOn(response)).rejects.toThrow();
  });

  test('reads no further when its client leaves', async () => {
    const { response } = await begin();
    const ended = closed();
    response.destroy();
    await ended;
    expect(opened).toHaveLength(1);
  });
});
