// The published widget has files of other places uploaded by Uppy's companion, unmodified: it fetches them and sends them on, from
// server to server, with the key of the page.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, member, send } from '../conformance/support/http.ts';
import { expectNoSecretIn, useTarget } from '../conformance/support/suite.ts';
import { type Fields, freshAddress, freshFolder } from '../conformance/support/target.ts';
import { installExample } from '../tools/setup.mjs';
import { usePages } from './support/browser.ts';
import { picture } from './support/corpus.ts';
import { letScriptsReach, Widget } from './support/widget.ts';

const UPLOADER = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'LABELS_LIST', 'COLLECTIONS_LIST'];
const NOTES = 'name,size\nred,1\n';
const { buffer: PICTURE } = picture('remote.png');

const target = useTarget();
const pages = usePages();
let drive: Server;
let companion: Companion;

beforeAll(async () => {
  drive = createServer(({ url }, response) => {
    if (url === '/large.bin') response.end(Buffer.alloc(20 * 1024 * 1024, 1));
    else if (url === '/notes.csv') response.end(NOTES);
    else response.end(PICTURE);
  });
  await new Promise<void>((done) => drive.listen(0, '127.0.0.1', done));
  companion = await startCompanion(await installExample('companion'));
}, 300_000);
afterAll(async () => {
  drive.close();
  const output = await companion.stop();
  expectNoSecretIn(output, [...target.secrets, target.adminKey]);
});

interface Companion {
  readonly url: string;
  /** Ends it and answers everything it wrote. */
  stop(): Promise<string>;
}

/** Starts the companion of the examples for the page of this deployment. */
async function startCompanion(folder: string): Promise<Companion> {
  const child: ChildProcess = spawn(process.execPath, [join(folder, 'serve.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: '0',
      LATCHKEY_URL: target.baseUrl,
      PAGE_ORIGINS: new URL(target.baseUrl).origin,
      ALLOW_LOCAL_URLS: 'on',
      TRUSTED_PROXIES: '127.0.0.1',
    },
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      const [, told] = /companion of \S+ on (\S+)\n/.exec(output) ?? [];
      if (told !== undefined) resolve(told);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('close', () => reject(new Error(`The companion did not start.\n${output}`)));
  });
  return {
    url,
    async stop() {
      const ended = new Promise((done) => child.once('close', done));
      child.kill();
      await ended;
      return output;
    },
  };
}

/** What a page has to allow that uses a companion: it is asked by `fetch` and tells by a web socket. */
const letCompanionIn = (page: Page) => letScriptsReach(page, companion.url, companion.url.replace(/^http/, 'ws'));

async function open(fields: Fields) {
  const folder = freshFolder();
  await target.seed(folder, 'first.txt');
  const from = freshAddress();
  const restrictions = { allowed_origins: [new URL(target.baseUrl).origin], whitelist_ip_ranges: [from] };
  const template = await target.template({ name: 'Drives', permissions: UPLOADER, restrictions, ...fields });
  const widget = await Widget.open(pages, target, { from, template: template.id, folder, prepare: letCompanionIn });
  await widget.file('first.txt').waitFor();
  return { widget, folder, template };
}

/** A file of another place. */
function elsewhere(name: string): string {
  return `http://127.0.0.1:${(drive.address() as AddressInfo).port}/${name}`; // It listens on a port.
}

/** What the store says of the files that were uploaded to a folder. */
async function stored(folder: string): Promise<readonly unknown[]> {
  const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
  const files = answer.list('files').filter((file) => member(file, 'name') !== 'first.txt');
  return files.map((file) => ['name', 'type', 'size.bytes', 'folder.name'].map((path) => member(file, path))).sort();
}

test('uploads by a companion, by the rules that hold for the page: its origin and its address', async () => {
  const { widget, folder } = await open({ upload: { allowed_types: ['image/*', 'csv'] } });
  await widget.uploadThrough(companion.url, elsewhere('remote.png'), 'remote.png', 'image/png');
  await widget.file('remote.png').waitFor();
  await widget.uploadThrough(companion.url, elsewhere('notes.csv'), 'notes of \u00e9t\u00e9 2026.csv', 'text/csv');
  await widget.file('notes of \u00e9t\u00e9 2026.csv').waitFor();
  expect(await stored(folder)).toEqual([
    ['notes of \u00e9t\u00e9 2026.csv', 'text/csv', NOTES.length, folder],
    ['remote.png', 'image/png', PICTURE.length, folder],
  ]);
  expect((await widget.toasts()).filter(({ type }) => type !== 'success')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
});

/** Uploads a file of elsewhere and expects the panel to call it failed and the page to say why. */
async function expectRefusal(widget: Widget, folder: string, file: string, why: RegExp): Promise<void> {
  const storedBefore = await stored(folder);
  const name = `refused-${file}`;
  await widget.uploadThrough(companion.url, elsewhere(file), name, 'image/png');
  await widget.seeToast(`Failed to upload ${name}`);
  await widget.seeDetails(why);
  await widget.panelLine(name).getByText('Uploading failed').waitFor();
  expect(await stored(folder)).toEqual(storedBefore);
}

describe('a refusal reaches the person through the companion', () => {
  test('when the type is not allowed', async () => {
    const { widget, folder } = await open({ upload: { allowed_types: ['application/pdf'] } });
    await expectRefusal(widget, folder, 'remote.png', /^Files of this type are not accepted\. \w/);
  });

  test('when a large file grows too large on its way', async () => {
    const { widget, folder } = await open({ upload: { max_file_size: 1024 * 1024 } });
    await expectRefusal(widget, folder, 'large.bin', /^The file is too large\. \w/);
  });

  test('when the folder of a large file is taken out of the scope while the page is open', async () => {
    const { widget, folder, template } = await open({});
    await target.patch(template, { upload: { dir_scope: ['/elsewhere/*'] } });
    await expectRefusal(widget, folder, 'large.bin', /^This folder is outside the folders the key may use\. \w/);
  });

  test('when the quota is used up', async () => {
    const { widget, folder } = await open({ upload: { max: 1 } });
    await widget.uploadThrough(companion.url, elsewhere('remote.png'), 'remote.png', 'image/png');
    await widget.file('remote.png').waitFor();
    await expectRefusal(widget, folder, 'notes.csv', /^The upload quota of this key is used up\. \w/);
  });

  test('when the web site is no longer allowed', async () => {
    const { widget, folder, template } = await open({});
    await target.patch(template, { restrictions: { allowed_origins: ['https://elsewhere.example'] } });
    await expectRefusal(widget, folder, 'remote.png', /^The key may not be used by this web site\. \w/);
  });

  test('when the page claims to be somewhere else', async () => {
    const { widget, folder, template } = await open({});
    const allowed = freshAddress();
    await target.patch(template, { restrictions: { whitelist_ip_ranges: [allowed] } });
    const headers = { 'X-Filerobot-Key': (await widget.keys()).at(-1), 'X-Forwarded-For': allowed };
    await widget.setPluginOptions('XhrUpload', { headers });
    await expectRefusal(widget, folder, 'remote.png', /^The key may not be used from this address\. \w/);
  });
});

describe('the companion itself', () => {
  const origin = () => new URL(target.baseUrl).origin;
  const files = () => `${target.baseUrl}/${target.container}/v5/files`;

  /** Asks the companion for an upload as a page does. */
  function ask(body: Fields): Promise<Answer> {
    const headers = { 'content-type': 'application/json', origin: origin() };
    return send('POST', `${companion.url}/url/get`, {
      headers,
      body: JSON.stringify({ url: elsewhere('notes.csv'), ...body }),
    });
  }

  function expectSentence(answer: Answer, sentence: RegExp): void {
    expect(answer.status, answer.bytes.toString()).toBe(400);
    expect(answer.text('message')).toMatch(sentence);
    expect(answer.headers['access-control-allow-origin']).toBe(origin());
  }

  test('goes on with no upload of others, to which it would hand the headers that the page wishes for', async () => {
    const uploadUrl = `${target.baseUrl}/${target.container}/v5/tus/abc`;
    const headers = { 'X-Forwarded-For': freshAddress(), 'X-Forwarded-Origin': 'https://elsewhere.example' };
    for (const body of [{ uploadUrl }, { uploadUrl, endpoint: files() }, { uploadUrl: [uploadUrl] }]) {
      expectSentence(await ask({ ...body, protocol: 'tus', headers }), /^Leave uploadUrl out: \w/);
    }
  });

  test.each([
    ['leads elsewhere', (address: string) => `${address}/../../other/path`],
    ['leads elsewhere in other letters', (address: string) => `${address}/%2e%2E/..\\other/path?folder=/`],
    ['is written with a tab', (address: string) => `${address}/.\t./other`],
    ['is no address', () => '/demo/v5/files'],
    ['is a list', (address: string) => [address]],
    ['is nothing', () => null],
  ] as const)('sends to no endpoint that %s', async (_what, endpointOf) => {
    expectSentence(await ask({ endpoint: endpointOf(files()) }), /^Write the endpoint as it is sent: \w/);
  });

  test('takes every folder that the widget asks for, and starts no session for that', async () => {
    const folder = encodeURIComponent("/it's (here) ~ \u00e9t\u00e9/../*!");
    const answer = await ask({ endpoint: `${files()}?folder=${folder}` });
    expect(answer.text('token')).toMatch(/^[\w-]+$/);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});
