// The upload examples as the documentation shows them, run as their reader would run them.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createProxy } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseRange } from '@latchkey/policy';
import { expect, test } from 'vitest';
import { openFetcher } from '../../src/adapters/web/fetcher.ts';
import { CONTAINER, openHarness } from '../support/harness.ts';

const program = (name: string) => fileURLToPath(new URL(`../../../../examples/upload/${name}`, import.meta.url));
const run = promisify(execFile);

test('the upload example uploads in each of its ways', async () => {
  const loopback = parseRange('127.0.0.1');
  const allow = loopback === undefined ? [] : [loopback];
  const harness = await openHarness({ wrap: (ports) => ({ ...ports, fetcher: openFetcher({ allow }) }) });
  const server = createServer((_, response) => void response.end('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>'));
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = await harness.app.listen({ port: 0, host: '127.0.0.1' });
    const key = await harness.key();
    const body = { uploads: { from_urls: 'on' } };
    expect((await harness.call({ method: 'PATCH', url: '/v5/settings', key, body })).status).toBe(200);
    const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.svg`; // A TCP server has a port.
    const { stdout } = await run(process.execPath, [program('upload.mjs'), `${address}/${CONTAINER}`, key, source]);
    expect(stdout.trim().split('\n')).toEqual([
      'form: 200 success form.svg',
      'raw: 200 success raw.svg',
      'base64: 200 success base64.svg',
      expect.stringMatching(/^again: 200 error base64\.svg Use the file that is there\./),
      'URL: 200 success fetched.svg',
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
    await harness.close();
  }
});

const MIB = 1024 * 1024;

/** A line to `port` that breaks twice, each time after a mebibyte and a half. */
async function badLine(port: number) {
  let breaks = 0;
  const proxy = createProxy((client) => {
    const server = connect(port, '127.0.0.1');
    let bytes = 0;
    client.on('data', (chunk) => {
      bytes += chunk.length;
      if (breaks === 2 || bytes < 1.5 * MIB) return;
      breaks += 1;
      client.destroy();
      server.destroy();
    });
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    client.pipe(server).pipe(client);
    client.on('close', () => server.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address() as AddressInfo; // A TCP server has a port.
  return { url: `http://127.0.0.1:${address.port}`, breaks: () => breaks, close: () => proxy.close() };
}

test('the resumable example goes on after its line broke', async () => {
  const harness = await openHarness();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-example-'));
  const content = randomBytes(4 * MIB + 7);
  const path = join(folder, 'film.bin');
  await writeFile(path, content);
  const address = new URL(await harness.app.listen({ port: 0, host: '127.0.0.1' }));
  const line = await badLine(Number(address.port));
  try {
    const key = await harness.key();
    const { stdout } = await run(process.execPath, [program('resume.mjs'), line.url, CONTAINER, key, path]);
    expect(line.breaks()).toBe(2);
    expect(stdout).toMatch(/^film\.bin is there: 4194311 bytes$/m);
    const { body } = await harness.call({ url: '/v5/files?folder=/uploads', key });
    expect(body['files']).toHaveLength(1);
    const [file] = body['files'] as readonly { readonly uuid: string }[];
    const got = await harness.call({ url: `/v5/get/${file?.uuid}`, key });
    expect(got.bytes.equals(content)).toBe(true);
  } finally {
    line.close();
    await harness.close();
    await rm(folder, { recursive: true, force: true });
  }
});
