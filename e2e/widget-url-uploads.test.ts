// The published widget uploads from an address: its core takes one in place of a file, and the server fetches it.
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { type Deployment, startDeployment } from '../conformance/support/layout.ts';
import { expectNoSecretIn } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder, Target } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { picture } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const target = new Target();
const pages = usePages();
const { buffer: PICTURE } = picture('remote.png');
let server: Deployment;
let elsewhere: HttpServer;

beforeAll(async () => {
  elsewhere = createServer((_request, response) => response.end(PICTURE));
  await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
  // The picture is on this machine, which is no public address.
  server = await startDeployment({ settings: { LATCHKEY_FETCH_ALLOW: '127.0.0.1/32' } });
  target.use(server);
});
afterAll(async () => {
  elsewhere.close();
  await server.stop();
  expectNoSecretIn(server.output(), [...target.secrets, target.adminKey]);
});

test('uploads from an address as soon as the container allows it, and nothing before', async () => {
  const folder = freshFolder();
  const permissions = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'LABELS_LIST', 'COLLECTIONS_LIST'];
  const template = await target.template({ name: 'Fetcher', permissions });
  await target.seed(folder, 'first.txt');
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
  const { port } = elsewhere.address() as AddressInfo; // It listens on a port.
  const address = `http://127.0.0.1:${port}/picture`;
  const files = async () => (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');

  await widget.uploadFrom(address, 'refused.png', 'image/png');
  expect(await files()).toHaveLength(1);

  await target.admin('PUT', 'v5/settings', { json: { uploads: { from_urls: 'on' } } });
  await widget.uploadFrom(address, 'remote.png', 'image/png');
  await widget.file('remote.png').waitFor();
  const stored = (await files()).find((file) => member(file, 'name') === 'remote.png');
  expect([member(stored, 'size.bytes'), member(stored, 'type')]).toEqual([PICTURE.length, 'image/png']);
  expect(widget.visit.errors).toEqual([]);
});
