// Downloads that a real S3 store sends itself, in a browser: the published widget, the page of a share, and a page of another origin.
import { readFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { allowPages, createBucket, S3_URL } from '../conformance/support/s3.ts';
import { type Server, startServer } from '../conformance/support/server.ts';
import { expectNoSecretIn, REMOTE } from '../conformance/support/suite.ts';
import { freshFolder, Target } from '../conformance/support/target.ts';
import { policyViolations } from './support/access.ts';
import { usePages } from './support/browser.ts';
import { bitmap, clip, drawing, picture, textFile } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const RIGHTS = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_IMAGE_EDITOR'];

/** The rules for a bucket, exactly as the page for operators shows them. */
async function documentedRules(): Promise<object> {
  const text = await readFile(new URL('../docs/how-to/s3.md', import.meta.url), 'utf8');
  const [, json] = /```json\n(\{\s*"CORSRules"[\s\S]*?)```/.exec(text) ?? [];
  if (json === undefined) throw new Error('docs/how-to/s3.md shows no rules for a bucket');
  return JSON.parse(json) as object;
}

describe.runIf(S3_URL !== undefined && !REMOTE)('downloads from the store', () => {
  const target = new Target();
  const pages = usePages();
  let server: Server | undefined;
  let elsewhere: HttpServer | undefined;
  /** A page with nothing on it, of an origin that is neither ours nor the store's. */
  let elsewhereUrl = '';
  let storeOrigin = '';

  beforeAll(async () => {
    const bucket = await createBucket(S3_URL ?? '');
    await allowPages(bucket, await documentedRules());
    storeOrigin = new URL(/endpoint=([^&]+)/.exec(bucket)?.[1] ?? '').origin;
    const settings = {
      LATCHKEY_BLOBS_URL: bucket,
      LATCHKEY_DOWNLOADS: 'store',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    server = await startServer({ settings });
    target.use(server);
    elsewhere = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Elsewhere</title>');
    });
    elsewhereUrl = await listening(elsewhere);
  });
  afterAll(async () => {
    elsewhere?.close();
    await server?.stop();
    expectNoSecretIn(server?.output() ?? '', [...target.secrets, target.adminKey]);
  });

  /** A folder of its own with these files, and what the API tells of each. */
  async function seeded(...files: readonly { readonly name: string; readonly buffer: Buffer }[]) {
    const folder = freshFolder();
    const told: unknown[] = [];
    for (const { name, buffer } of files) told.push(await target.seed(folder, name, buffer));
    return { folder, told };
  }

  async function hide(file: unknown): Promise<void> {
    const json = { files_uuids: [member(file, 'uuid')], visibility: 'not_public' };
    expect((await target.admin('PUT', 'v5/objects/visibility/cdn', { json })).outcome).toBe('200');
  }

  /** The widget in a folder, and what its page was refused and sent to the store for. */
  async function openWidget(folder: string) {
    const template = await target.template({ name: 'Editor', permissions: RIGHTS });
    let watched: Watched | undefined;
    const widget = await Widget.open(pages, target, {
      // Without an address of its own: the header that tells it would go on to the store, which no page could make it do.
      template: template.id,
      folder,
      prepare: async (page) => {
        watched = watch(page);
      },
    });
    if (watched === undefined) throw new TypeError('it was prepared');
    return { widget, page: widget.page, watched };
  }

  interface Watched {
    readonly violations: readonly string[];
    /** Names of files whose bytes the store has sent to the page. */
    readonly fromStore: ReadonlySet<string>;
  }

  function watch(page: Page): Watched {
    const fromStore = new Set<string>();
    page.on('response', (response) => {
      const before = response.request().redirectedFrom();
      if (before === null || new URL(response.url()).origin !== storeOrigin || !response.ok()) return;
      fromStore.add(decodeURIComponent(new URL(before.url()).pathname.split('/').at(-1) ?? ''));
    });
    return { violations: policyViolations(page), fromStore };
  }

  async function expectNoFailure(widget: Widget, { violations }: Watched): Promise<void> {
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
    // The widgets ask their maker for decorations and words, which no page of ours lets them have.
    expect(violations.filter((text) => text.includes(storeOrigin) && !/'https:\/\//.test(text))).toEqual([]);
    expect(widget.visit.errors).toEqual([]);
  }

  /** How wide the browser has drawn our picture of this name; 0 while it has not. */
  const drawnWidth = (page: Page, name: string) =>
    page.evaluate(
      ([origin, wanted]) =>
        Math.max(
          0,
          ...[...document.images]
            .filter(({ src }) => src.startsWith(origin) && new URL(src).pathname.endsWith(`/${wanted}`))
            .map(({ naturalWidth }) => naturalWidth),
        ),
      [target.baseUrl, name] as const,
    );
  const seeDrawn = (page: Page, name: string) => expect.poll(() => drawnWidth(page, name)).toBeGreaterThan(0);

  describe('in the widget on the demo page', () => {
    test.each(['public', 'not_public'])(
      'pictures are seen in the list and in their details: %s',
      async (visibility) => {
        const { folder, told } = await seeded(picture('photo.png'), drawing('drawing.svg'), bitmap('plain.bmp'));
        if (visibility === 'not_public') for (const file of told) await hide(file);
        const { widget, page, watched } = await openWidget(folder);
        for (const name of ['photo.png', 'drawing.svg', 'plain.bmp']) await seeDrawn(page, name);
        // Nobody draws these for the page: it gets the file itself.
        expect([...watched.fromStore]).toContain('plain.bmp');
        await widget.openDetails('plain.bmp');
        await page.getByText('Resolution', { exact: true }).waitFor();
        await seeDrawn(page, 'plain.bmp');
        await expectNoFailure(widget, watched);
      },
    );

    test.each(['public', 'not_public'])('a recording plays in its details, from here: %s', async (visibility) => {
      const { folder, told } = await seeded(clip('clip.webm'));
      if (visibility === 'not_public') await hide(told[0]);
      const { widget, page, watched } = await openWidget(folder);
      await widget.openDetails('clip.webm');
      await page.waitForFunction((origin) => {
        const video = document.querySelector('video');
        return video?.currentSrc.startsWith(origin) === true && video.currentTime > 0 && video.videoWidth === 16;
      }, target.baseUrl);
      // The player would go on asking the store for parts when the address that it was given is over.
      expect([...watched.fromStore]).toEqual([]);
      await expectNoFailure(widget, watched);
    });

    test('a file that is downloaded has every byte', async () => {
      const sent = picture('download.png');
      const { folder } = await seeded(sent);
      const { widget, watched } = await openWidget(folder);
      const got = await widget.download(() =>
        widget.fromMenu(widget.file(sent.name), 'download_items', 'download_as_original'),
      );
      expect(got.name).toBe(sent.name);
      expect(got.bytes.equals(sent.buffer)).toBe(true);
      await expectNoFailure(widget, watched);
    });

    test('the image editor opens a picture and saves it as its next version', async () => {
      const sent = picture('edited.png');
      const { folder, told } = await seeded(sent);
      const { widget, page, watched } = await openWidget(folder);
      await widget.fromMenu(widget.file(sent.name), 'edit_img');
      await page.getByText('Filters', { exact: true }).click();
      await page.getByText('Invert', { exact: true }).first().click();
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByText('Save as new version', { exact: true }).first().click();
      const now = async () =>
        (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files')[0];
      await expect.poll(async () => member(await now(), 'uuid')).not.toBe(member(told[0], 'uuid'));
      expect(member(await now(), 'hash.sha1')).not.toBe(member(told[0], 'hash.sha1'));
      expect([...watched.fromStore]).toContain(sent.name);
      await expectNoFailure(widget, watched);
    });
  });

  test('the page of a share shows and hands out files, which stay between it and this service', async () => {
    const [shown, plain] = [picture('shown.png'), bitmap('plain.bmp')];
    const { told } = await seeded(shown, plain);
    const items = [{ type: 'file_uuid', identifiers: told.map((file) => member(file, 'uuid')) }];
    const made = await target.admin('POST', 'v5/shares', { json: { title: 'Shown', items } });
    const { page, errors } = await pages.visit();
    const watched = watch(page);
    await page.goto(made.text('share.url'));
    await page.getByRole('heading', { level: 1, name: 'Shown' }).waitFor();
    const pictures = page.locator('img.picture');
    for (let n = 0; n < 2; n += 1) {
      const width = () => pictures.nth(n).evaluate((image) => (image as HTMLImageElement).naturalWidth);
      await expect.poll(width).toBeGreaterThan(0);
    }
    for (const { name, buffer } of [shown, plain]) {
      const link = page.getByRole('link', { name: `Download ${name}` });
      const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
      expect((await readFile(await download.path())).equals(buffer)).toBe(true);
    }
    expect([watched.violations, [...watched.fromStore], errors]).toEqual([[], [], []]);
  });

  test('the console, which shows no files, lets in nobody but this service', async () => {
    const { page, errors } = await pages.visit();
    const watched = watch(page);
    const answer = await page.goto(`${target.baseUrl}/console/`);
    await page.getByLabel('Admin key').fill(target.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Security templates' }).waitFor();
    expect(answer?.headers()['content-security-policy']).not.toContain(storeOrigin);
    expect([watched.violations, errors]).toEqual([[], []]);
  });

  describe('in a page of another origin', () => {
    async function openElsewhere() {
      const { page } = await pages.visit();
      const watched = watch(page);
      await page.goto(elsewhereUrl);
      return { page, watched };
    }

    /** The addresses of a file as a key is told them, with their signature if it is private. */
    async function addressesOf(file: unknown) {
      const holder = await target.holder({ permissions: RIGHTS });
      const told = await holder.call('GET', `v5/files/${member(file, 'uuid')}`);
      return { address: told.text('file.url.cdn'), key: holder.key };
    }

    test.each(['public', 'not_public'])('scripts read links, whole and in parts: %s', async (visibility) => {
      const sent = textFile('read.txt', '0123456789');
      const { told } = await seeded(sent);
      if (visibility === 'not_public') await hide(told[0]);
      const { address } = await addressesOf(told[0]);
      const { page, watched } = await openElsewhere();
      const read = await page.evaluate(async (url) => {
        const whole = await fetch(url);
        const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
        return {
          whole: await whole.text(),
          part: [part.status, await part.text()],
          told: ['content-disposition', 'content-length', 'content-range', 'etag'].map((name) =>
            part.headers.has(name),
          ),
        };
      }, address);
      expect(read).toEqual({ whole: '0123456789', part: [206, '234'], told: [true, true, true, true] });
      expect([...watched.fromStore]).toEqual(['read.txt']);
    });

    test.each(['public', 'not_public'])('a picture is shown, and read in the same moment: %s', async (visibility) => {
      const sent = bitmap('shown.bmp');
      const { told } = await seeded(sent);
      if (visibility === 'not_public') await hide(told[0]);
      const { address } = await addressesOf(told[0]);
      const { page, watched } = await openElsewhere();
      // Many times: the address at the store is the same within a second, and what the browser has kept of it must do no harm.
      const seen = await page.evaluate(async (url) => {
        const outcomes: unknown[] = [];
        for (let turn = 0; turn < 10; turn += 1) {
          const image = new Image();
          image.src = url;
          await image.decode();
          const open = new Image();
          open.crossOrigin = 'anonymous';
          open.src = url;
          await open.decode();
          const bytes = await (await fetch(url)).arrayBuffer();
          outcomes.push([image.naturalWidth, open.naturalWidth, bytes.byteLength]);
        }
        return outcomes;
      }, address);
      expect(seen).toEqual(Array(10).fill([1, 1, sent.buffer.length]));
      expect([...watched.fromStore]).toEqual(['shown.bmp']);
    });

    test('what a script asks for with its key in a header comes from this service', async () => {
      const { told } = await seeded(textFile('keyed.txt', 'keyed'));
      await hide(told[0]);
      const { key } = await addressesOf(told[0]);
      const { page, watched } = await openElsewhere();
      const address = `${target.baseUrl}/${target.container}/v4/get/${member(told[0], 'uuid')}`;
      const read = await page.evaluate(
        async ([url, given]) => {
          const answer = await fetch(url, { headers: { 'X-Filerobot-Key': given } });
          return [answer.redirected, await answer.text()];
        },
        [address, key] as const,
      );
      expect(read).toEqual([false, 'keyed']);
      expect([...watched.fromStore]).toEqual([]);
    });
  });
});

function listening(server: HttpServer): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('a listener has a port');
      resolve(`http://127.0.0.1:${address.port}/`);
    });
  });
}
