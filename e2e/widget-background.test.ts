// Removing the background of a picture, for which the widget asks a fixed host of its maker: what that host gets, what it can do with it,
// and what the store has in the end.
import type { Page, Request, Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { send } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder, multipart, names } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { picture } from './support/corpus.ts';
import { type DemoOptions, letScriptsReach, Widget } from './support/widget.ts';

const HOST = 'https://ask.filerobot.com';
const ASKED = `${HOST}/images/remove-background/`;
const QUERY = '?method=sfx_own&mode=async&cache=0';
const EDITOR = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'LABELS_LIST', 'COLLECTIONS_LIST'];

/** The options of a page that wants it in the menu. */
const OFFERED = { showRemoveBackgroundOption: true, contextMenuSubTabs: { fileMore: ['REMOVE_BACKGROUND'] } };

const target = useTarget();
const pages = usePages();

/** What a page has to allow that wants the maker's service to be asked. */
const letServiceIn = (page: Page) => letScriptsReach(page, HOST);

/** Answers for the service: takes the order, which `work` carries out, and says at once that it is done. */
async function serve(page: Page, work: (order: Request) => Promise<unknown>): Promise<void> {
  let result: unknown;
  const answer = (route: Route, json: unknown) =>
    route.fulfill({ json, headers: { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' } });
  await page.route(
    ({ origin }) => origin === HOST,
    async (route, request) => {
      if (request.method() === 'OPTIONS') return answer(route, {});
      if (!request.url().startsWith(ASKED)) return answer(route, { status: 'success', result });
      result = { filerobot_info: { file: await work(request) } };
      return answer(route, { status: `${HOST}/status/1` });
    },
  );
}

async function seedPrivate(folder: string): Promise<Buffer> {
  const { buffer } = picture('red.png');
  const { uuid } = await target.seed(folder, 'red.png', buffer);
  await target.admin('PUT', 'v5/objects/visibility/cdn', { json: { files_uuids: [uuid], visibility: 'not_public' } });
  return buffer;
}

async function open(folder: string, more: Partial<DemoOptions> = { prepare: letServiceIn }): Promise<Widget> {
  const template = await target.template({ name: 'Cutter', permissions: EDITOR });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder, ...more });
  await widget.file('red.png').waitFor();
  return widget;
}

/** The demo page as it is, with the pointer on the picture. */
async function openAsIs(folder: string) {
  const widget = await open(folder, {});
  const file = widget.file('red.png');
  await widget.pointAt(file);
  return { widget, page: widget.page, file };
}

const filesOf = async (folder: string) =>
  names(await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`));

test('a service that is asked gets an address that opens a private picture to outsiders, and a key to hand the result in', async () => {
  const folder = freshFolder();
  const bytes = await seedPrivate(folder);
  const cut = picture('cut.png').buffer;
  const widget = await open(folder);
  await widget.setOptions(OFFERED);
  await serve(widget.page, async (order) => {
    const address = order.url().slice(ASKED.length);
    expect(address.endsWith(QUERY)).toBe(true);
    // Whether the service takes the whole of what is behind its own path or leaves its own query out.
    for (const url of [address, address.slice(0, -QUERY.length)]) {
      const { bytes: seen } = await send('GET', url, { headers: { 'x-forwarded-for': freshAddress() } });
      expect(seen.equals(bytes)).toBe(true);
    }
    const {
      'x-filerobot-key': key = '',
      'filerobot-token': container,
      'filerobot-folder': into = '',
    } = order.headers();
    expect([container, into]).toEqual([target.container, folder]);
    const handedIn = await target.call('POST', `v4/files?folder=${encodeURIComponent(into)}`, {
      key,
      from: freshAddress(),
      ...multipart('red-cut.png', cut),
    });
    return handedIn.at('file');
  });
  await widget.fromMenu(widget.file('red.png'), 'more_actions', 'remove_background');
  await widget.seeToast(`File \`red.png\` background was removed and placed in \`${folder}\` folder`);
  await widget.file('red-cut.png').waitFor();
  expect(await filesOf(folder)).toEqual(['red-cut.png', 'red.png']);
  expect((await widget.toasts()).filter(({ type }) => type !== 'success')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
});

test('the widget itself saves nothing: what a service only tells of is shown, and is not in the store', async () => {
  const folder = freshFolder();
  await seedPrivate(folder);
  const widget = await open(folder);
  await widget.setOptions(OFFERED);
  const told = { uuid: 'elsewhere', name: 'elsewhere.png', type: 'image/png', folder: { name: folder } };
  await serve(widget.page, async () => ({ ...told, size: { bytes: 1 }, url: { public: `${HOST}/elsewhere.png` } }));
  await widget.fromMenu(widget.file('red.png'), 'more_actions', 'remove_background');
  await widget.file('elsewhere.png').waitFor();
  expect(await filesOf(folder)).toEqual(['red.png']);
});

test('the demo page does not offer it', async () => {
  const folder = freshFolder();
  await seedPrivate(folder);
  const { widget, page, file } = await openAsIs(folder);
  const option = (name: string) => page.getByTestId(`fmaw-explorer-context_menu_option_${name}`);
  await file.click({ button: 'right' });
  await option('download_items').waitFor();
  expect(await option('more_actions').count()).toBe(0);
  // Where the menu "More" has something else to offer, it has that alone.
  await page.keyboard.press('Escape');
  await widget.setOptions({ view: 'ASSETS' });
  await widget.pointAt(file);
  await file.click({ button: 'right' });
  await option('more_actions').hover();
  await option('find_similar').waitFor();
  expect(await option('remove_background').count()).toBe(0);
});

test('the policy of the demo page keeps the key in, wherever the widget offers it', async () => {
  const folder = freshFolder();
  await seedPrivate(folder);
  const { widget, page, file } = await openAsIs(folder);
  let asked = 0;
  await serve(page, async () => {
    asked += 1;
  });
  await widget.setOptions(OFFERED);
  await Promise.all([
    page.waitForEvent('console', (message) => /ask\.filerobot\.com.*connect-src/s.test(message.text())),
    widget.fromMenu(file, 'more_actions', 'remove_background'),
  ]);
  expect(asked).toBe(0);
});
