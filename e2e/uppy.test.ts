// Uppy, bundled into a page of another origin, goes on with an upload after the server was killed, and after its page was left.
// Its dashboard uploads from the page of the example.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server as PageServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member, send } from '../conformance/support/http.ts';
import { type Server, startServer } from '../conformance/support/server.ts';
import { expectNoSecretIn, REMOTE } from '../conformance/support/suite.ts';
import { freshFolder, Target } from '../conformance/support/target.ts';
import { freePort } from '../tools/services.mjs';
import { usePages } from './support/browser.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 12 * MIB;
const PAUSE_AT_BYTES = 4 * MIB;

const PROGRAM = `
import Uppy from '@uppy/core';
import Tus from '@uppy/tus';
const say = (text) => { document.querySelector('output').textContent = text; };
let uppy;
globalThis.answers = [];
globalThis.prepare = ({ endpoint, key, folder, pauseAtBytes }) => {
  let uuid = '';
  uppy = new Uppy({ autoProceed: true, meta: { folder } }).use(Tus, {
    endpoint,
    headers: { 'X-Filerobot-Key': key },
    chunkSize: ${MIB},
    retryDelays: Array.from({ length: 60 }, () => 500),
    onAfterResponse: (request, response) => {
      const offset = Number(response.getHeader('Upload-Offset'));
      answers.push({ method: request.getMethod(), url: request.getURL(), status: response.getStatus(), offset });
      uuid = response.getHeader('Latchkey-File-Uuid') ?? uuid;
      if (offset !== pauseAtBytes || request.getMethod() !== 'PATCH') return;
      uppy.pauseAll();
      say('Paused');
    },
  });
  uppy.on('upload-error', (file, error) => say('Failed: ' + error.message));
  uppy.on('upload-success', () => say('Finished: ' + uuid));
};
globalThis.renew = (key) => uppy.getPlugin('Tus').setOptions({ headers: { 'X-Filerobot-Key': key } });
document.querySelector('input').addEventListener('change', ({ target }) => {
  say('Sending');
  for (const file of target.files) uppy.addFile(file);
});
document.querySelector('button').addEventListener('click', () => {
  say('Sending');
  uppy.resumeAll();
});
`;

/** What the server answered to Uppy, in order. */
interface Answered {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly offset: number;
}

interface Preparation {
  readonly endpoint: string;
  readonly key: string;
  readonly folder: string;
  readonly pauseAtBytes: number | undefined;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
  });
  return outputFiles[0]?.text ?? '';
}

describe.runIf(!REMOTE)('Uppy', () => {
  const target = new Target();
  const pages = usePages();
  const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
  const content = randomBytes(SIZE_BYTES);
  let folder = '';
  let dir = '';
  let port = 0;
  let server: Server;
  let output = '';
  let pageServer: PageServer;
  let pageUrl = '';

  async function start(): Promise<void> {
    server = await startServer({ dataDir: join(dir, 'data'), adminKey, port });
    target.use(server);
  }

  async function killAndStart(): Promise<void> {
    await server.kill();
    output += server.output();
    await start();
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'latchkey-uppy-'));
    await mkdir(join(dir, 'data'));
    await writeFile(join(dir, 'film.bin'), content);
    // Not intercepted but served, so that the browser asks our server before it sends anything across origins.
    const script = await bundle();
    const html =
      '<!doctype html><input type="file"><button>Resume</button><output></output><script src="/page.js"></script>';
    pageServer = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
      response.end(isScript ? script : html);
    });
    const pagePort = await freePort();
    await new Promise<void>((done) => pageServer.listen(pagePort, '127.0.0.1', done));
    pageUrl = `http://127.0.0.1:${pagePort}/`;
    port = await freePort();
    await start();
  });
  afterAll(async () => {
    await server?.stop();
    pageServer?.close();
    pageServer?.closeAllConnections();
    await rm(dir, { recursive: true, force: true });
    expectNoSecretIn(output + (server?.output() ?? ''), [adminKey, ...target.secrets]);
  });

  async function prepare(page: Page, key: string, pauseAtBytes?: number): Promise<void> {
    const endpoint = `${target.baseUrl}/${target.container}/v5/tus`;
    const preparation: Preparation = { endpoint, key, folder, pauseAtBytes };
    await page.evaluate((it) => Reflect.get(globalThis, 'prepare')(it), preparation);
    await page.locator('input').setInputFiles(join(dir, 'film.bin'));
  }

  const answers = (page: Page): Promise<Answered[]> => page.evaluate(() => Reflect.get(globalThis, 'answers'));

  /** Every part once, each where the one before it ended. */
  function expectEachPartOnce(all: readonly Answered[]): void {
    const parts = all.filter(({ method }) => method === 'PATCH');
    expect(parts.map(({ status }) => status)).toEqual(parts.map(() => 204));
    expect(parts.map(({ offset }) => offset)).toEqual(
      Array.from({ length: SIZE_BYTES / MIB }, (_, index) => (index + 1) * MIB),
    );
    expect(all.filter(({ method }) => method === 'POST').length).toBe(1);
  }

  async function expectStored(page: Page): Promise<void> {
    const said = page.getByRole('status').getByText(/^(Finished|Failed)/);
    await said.waitFor({ timeout: 60_000 });
    const listed = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    const [file, ...others] = listed.list('files');
    expect(others).toEqual([]);
    expect(await said.innerText()).toBe(`Finished: ${member(file, 'uuid')}`);
    const got = await target.admin('GET', `v4/get/${member(file, 'uuid')}`);
    expect(got.bytes.equals(content)).toBe(true);
  }

  test('goes on with the key that began the upload after the server was killed, and a renewed key does not see it', async () => {
    folder = freshFolder();
    const origin = new URL(pageUrl).origin;
    const template = await target.template({
      permissions: ['FILE_UPLOAD'],
      restrictions: { allowed_origins: [origin] },
    });
    const holder = await target.holderOf(template, { origin });
    const visit = await pages.visit();
    await visit.page.goto(pageUrl);
    await prepare(visit.page, holder.key, PAUSE_AT_BYTES);
    await visit.page
      .getByRole('status')
      .getByText(/^(Paused|Failed)/)
      .waitFor();

    await killAndStart();
    const renewed = await target.holderOf(template, { origin });
    const address = (await answers(visit.page)).find(({ method }) => method === 'PATCH')?.url ?? '';
    const head = { 'tus-resumable': '1.0.0', origin };
    const seen = (key: string) => send('HEAD', address, { headers: { ...head, 'x-filerobot-key': key } });
    expect((await seen(renewed.key)).status).toBe(404);
    expect((await seen(holder.key)).headers['upload-offset']).toBe(String(PAUSE_AT_BYTES));
    // What the page sends from now on has the renewed key; what is on its way keeps the headers it began with.
    await visit.page.evaluate((key) => Reflect.get(globalThis, 'renew')(key), renewed.key);
    await visit.page.getByRole('button', { name: 'Resume' }).click();

    await expectStored(visit.page);
    expectEachPartOnce(await answers(visit.page));
    expect(visit.errors).toEqual([]);
    expect(visit.outside).toEqual([]);
  });

  test('goes on in a page that was opened anew, with another key that the back end gave the same person', async () => {
    folder = freshFolder();
    const { secret } = await target.secretKey({ permissions: ['FILE_UPLOAD', 'CONFIG_CHANGE'] });
    const keyFor = async (subject: string) => {
      const json = { permissions: ['FILE_UPLOAD'], subject };
      return (await target.call('POST', 'key', { key: secret, json })).text('key');
    };
    const visit = await pages.visit();
    await visit.page.goto(pageUrl);
    await prepare(visit.page, await keyFor('ann'), PAUSE_AT_BYTES);
    await visit.page
      .getByRole('status')
      .getByText(/^(Paused|Failed)/)
      .waitFor();
    const before = await answers(visit.page);

    await killAndStart();
    await visit.page.reload();
    await prepare(visit.page, await keyFor('ann'));

    await expectStored(visit.page);
    expectEachPartOnce([...before, ...(await answers(visit.page))]);
    expect(visit.errors).toEqual([]);
  });

  describe('in the page of the example', () => {
    const example = join(import.meta.dirname, '../examples/uppy');
    let pageProcess: ChildProcess | undefined;
    let address: URL;

    beforeAll(async () => {
      // It finds Uppy among the packages of the project, of the versions that its own manifest names.
      execFileSync(process.execPath, ['build.mjs'], { cwd: example });
      const child = spawn(process.execPath, ['serve.mjs', '0'], { cwd: example, stdio: ['ignore', 'pipe', 'inherit'] });
      pageProcess = child;
      const [line] = await once(createInterface({ input: child.stdout }), 'line');
      address = new URL(String(line));
    });
    afterAll(() => pageProcess?.kill());

    async function open(difference: object): Promise<Page> {
      folder = freshFolder();
      const template = await target.template({ permissions: ['FILE_UPLOAD'], ...difference });
      const { baseUrl, container } = target;
      address.search = `${new URLSearchParams({ api: `${baseUrl}/${container}`, template: template.id, folder })}`;
      const { page } = await pages.visit();
      await page.goto(address.href);
      return page;
    }

    test('files go into the folder of the address, and the page says which', async () => {
      const page = await open({ restrictions: { allowed_origins: [address.origin] } });
      const files = ['a.txt', 'b.txt'].map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) }));
      await page.locator('input[type=file]').first().setInputFiles(files);
      await page.getByRole('button', { name: 'Upload 2 files' }).click();
      const stored = page.getByRole('list', { name: 'Stored files' }).getByRole('listitem');
      await stored.nth(1).waitFor();
      expect((await stored.allInnerTexts()).sort()).toEqual([`${folder}/a.txt`, `${folder}/b.txt`]);
      const listed = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
      expect(listed.list('files').map((file) => [member(file, 'name'), member(file, 'size')])).toEqual([
        ['a.txt', expect.objectContaining({ bytes: 5 })],
        ['b.txt', expect.objectContaining({ bytes: 5 })],
      ]);
    });

    test.each([
      ['of the key', { restrictions: { allowed_origins: ['https://elsewhere.example'] } }, 'origin'],
      ['of the upload', { upload: { dir_scope: ['/elsewhere'] } }, 'folder'],
    ])('a refusal %s is shown in the words of the server', async (_, difference, word) => {
      const page = await open(difference);
      const buffer = Buffer.from('a');
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles([{ name: 'a.txt', mimeType: 'text/plain', buffer }]);
      await page.getByRole('button', { name: 'Upload 1 file' }).click();
      await page.getByRole('alert').getByText(word).waitFor();
      const listed = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
      expect(listed.outcome).toBe('404 FOLDER_NOT_FOUND');
    });
  });
});
