// The upload example as the documentation shows it, run as its reader would run it.
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseRange } from '@latchkey/policy';
import { expect, test } from 'vitest';
import { openFetcher } from '../../src/adapters/web/fetcher.ts';
import { CONTAINER, openHarness } from '../support/harness.ts';

const PROGRAM = fileURLToPath(new URL('../../../../examples/upload/upload.mjs', import.meta.url));

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
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, `${address}/${CONTAINER}`, key, source]);
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
