// How an operator sees a running process, and how it ends: metrics on an address of their own, a log without secrets, and a drain that cuts
// nobody off.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../tools/services.mjs';
import { type Server, startServer } from './support/server.ts';
import { expectNoSecretIn, REMOTE } from './support/suite.ts';
import { eventually, freshFolder, Target } from './support/target.ts';

const TUS = { 'tus-resumable': '1.0.0' };

describe.runIf(!REMOTE)('A process that is told to end', () => {
  let dataDir = '';
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-operating-'));
  });
  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(settings: Readonly<Record<string, string>>): Promise<{ server: Server; target: Target }> {
    const server = await startServer({ dataDir, adminKey, settings });
    const target = new Target();
    target.use(server);
    return { server, target };
  }

  /** A request that has sent the first part of its body. */
  function begun(url: string, method: string, headers: Readonly<Record<string, string | number>>, first: Buffer) {
    const sending = request(url, { method, headers });
    const answer = new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
      sending.once('error', reject);
      sending.once('response', async (response) =>
        resolve({ status: response.statusCode, body: (await buffer(response)).toString() }),
      );
    });
    sending.write(first);
    return { sending, answer };
  }

  /** Resolves when a file of at least so many bytes lies there: what was sent has arrived and is being stored. */
  async function untilStored(folder: string, bytes: number): Promise<void> {
    for (;;) {
      const entries = await readdir(join(dataDir, folder), { withFileTypes: true, recursive: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const sizes = await Promise.all(files.map((file) => stat(file).then(({ size }) => size)));
      if (sizes.some((size) => size >= bytes)) return;
      await new Promise((resume) => setTimeout(resume, 10));
    }
  }

  test('is not ready any more, finishes what is under way, and ends with 0', async () => {
    const { server, target } = await start({ LATCHKEY_DRAIN_DELAY_SECONDS: '3' });
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'] });
    const folder = freshFolder();
    const url = `${target.baseUrl}/${target.container}/v4/upload?folder=${encodeURIComponent(folder)}&filename=slow.bin`;
    const headers = { 'x-filerobot-key': holder.key, 'content-type': 'application/octet-stream', 'content-length': 10 };
    const { sending, answer } = begun(url, 'PUT', headers, Buffer.from('12345'));
    await untilStored('blobs/incoming', 0);
    const stopped = server.stop();
    await eventually(() => target.call('GET', '/health/ready'), '503 SHUTTING_DOWN', 10_000);
    sending.end('67890');
    expect(await answer).toMatchObject({ status: 200, body: expect.stringContaining('"bytes":10') });
    expect(await stopped).toBe(0);
    expect(server.output()).toContain('drain.done');
  });

  test('tells resumable uploads to go on elsewhere, where they do', async () => {
    const { server, target } = await start({ LATCHKEY_DRAIN_SECONDS: '0' });
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_LIST', 'OBJECTS_FETCH'] });
    const folder = freshFolder();
    const content = randomBytes(300_000);
    const named = [
      `filename ${Buffer.from('large.bin').toString('base64')}`,
      `folder ${Buffer.from(folder).toString('base64')}`,
    ].join(',');
    const made = await holder.call('POST', 'v5/tus', {
      headers: { ...TUS, 'upload-length': content.length, 'upload-metadata': named },
    });
    expect(made.status).toBe(201);
    const path = new URL(made.headers['location'] ?? '', target.baseUrl).pathname;
    const { answer } = begun(
      target.baseUrl + path,
      'PATCH',
      {
        ...TUS,
        'x-filerobot-key': holder.key,
        'content-type': 'application/offset+octet-stream',
        'content-length': content.length,
        'upload-offset': 0,
      },
      content.subarray(0, 200_000),
    );
    answer.catch(() => undefined);
    await untilStored('blobs', 100_000);
    const ended = await Promise.all([answer, server.stop()]);
    expect(ended).toMatchObject([{ status: 503, body: expect.stringContaining('SHUTTING_DOWN') }, 0]);

    const next = await start({});
    try {
      const goOn = holder.at(next.target);
      const asked = await goOn.call('HEAD', path, { headers: TUS });
      const offset = Number(asked.headers['upload-offset']);
      expect(offset).toBeGreaterThan(0);
      const last = await goOn.call('PATCH', path, {
        headers: { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': offset },
        body: content.subarray(offset),
      });
      expect(last.status).toBe(204);
      const listed = await goOn.list(folder);
      const delivered = await goOn.call('GET', `v4/get/${listed.text('files.0.uuid')}`);
      expect(delivered.bytes.equals(content)).toBe(true);
    } finally {
      await next.server.stop();
    }
  });
});

describe.runIf(!REMOTE)('A running process', () => {
  test('shows metrics on their own address only, and writes each decision into a log without secrets', async () => {
    const metricsPort = await freePort();
    const token = `metrics-${randomBytes(16).toString('hex')}`;
    const server = await startServer({
      settings: { LATCHKEY_METRICS_LISTEN: `127.0.0.1:${metricsPort}`, LATCHKEY_METRICS_TOKEN: token },
    });
    const target = new Target();
    try {
      target.use(server);
      const holder = await target.holder({ permissions: ['OBJECTS_LIST'] });
      const folder = freshFolder();
      expect((await holder.upload(folder, 'no.txt')).outcome).toBe('403 PERMISSION_DENIED');
      for (const path of [`v4/files?folder=/&key=${holder.key}x`, `key/${holder.key}`, `v4/get/${holder.key}`]) {
        await target.call('GET', path);
      }
      expect((await target.call('GET', '/metrics')).outcome).toBe('401 UNAUTHORIZED');
      const url = `http://127.0.0.1:${metricsPort}/metrics`;
      expect((await fetch(url)).status).toBe(401);
      const text = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
      expect(text).toMatch(/^latchkey_decisions_total\{operation="file.upload",code="PERMISSION_DENIED"\} 1$/m);
      expect(text).toMatch(/^latchkey_database_connections\{state="idle"\} \d+$/m);
      expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
      expect(text).not.toContain(folder);
    } finally {
      await server.stop();
    }
    const refused = server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .find(({ code }) => code === 'PERMISSION_DENIED');
    expect(refused).toMatchObject({
      event: 'http.request',
      status: 403,
      decisions: [{ id: `${refused?.requestId}.1`, code: 'PERMISSION_DENIED', rule: 'permission' }],
    });
    expectNoSecretIn(server.output(), [...target.secrets, target.adminKey, token]);
  });
});
