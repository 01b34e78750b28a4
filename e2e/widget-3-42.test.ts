// The widget of an earlier year, unmodified, does with the store what the newest one does.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { buildExample } from '../tools/setup.mjs';
import { usePages } from './support/browser.ts';
import { textFile } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const EDITOR = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_RENAME', 'FILE_DELETE'];

const target = useTarget();
const pages = usePages();
beforeAll(() => buildExample('widget-3.42'), 300_000);

/** Puts the page with the older widget in the place of the demo page; its settings still come from the server. */
async function instead(page: Page): Promise<void> {
  for (const [address, file, contentType] of [
    ['/demo/', 'index.html', 'text/html; charset=utf-8'],
    ['/demo/main.js', 'main.js', 'text/javascript; charset=utf-8'],
    ['/demo/main.css', 'main.css', 'text/css; charset=utf-8'],
  ] as const) {
    const body = await readFile(fileURLToPath(new URL(`../examples/widget-3.42/dist/${file}`, import.meta.url)));
    await page.route(
      ({ pathname }) => pathname === address,
      (route) => route.fulfill({ body, contentType }),
    );
  }
}

/** Chooses from the menu of a file: the older menu has other marks for tests than the newest one, so by its text. */
async function fromMenu(widget: Widget, name: string, option: string): Promise<void> {
  await widget.file(name).click({ button: 'right' });
  await widget.page.getByText(option, { exact: true }).click();
}

test('the widget of version 3.42 starts, lists, uploads, renames and deletes without a message of failure', {
  timeout: 120_000,
}, async () => {
  const folder = freshFolder();
  for (const name of ['stays.txt', 'old.txt', 'goes.txt']) await target.seed(folder, name);
  const template = await target.template({ name: 'Editor', permissions: EDITOR });
  const where = { from: freshAddress(), template: template.id, folder };
  const widget = await Widget.open(pages, target, { ...where, prepare: instead });
  await widget.file('stays.txt').waitFor();

  await widget.upload([textFile('fresh.txt', 'fresh')]);
  await widget.file('fresh.txt').waitFor();

  await fromMenu(widget, 'old.txt', 'Rename');
  await widget.typeNewName('new.txt');
  await widget.file('new.txt').waitFor();

  await fromMenu(widget, 'goes.txt', 'Delete');
  await widget.confirm();
  await widget.file('goes.txt').waitFor({ state: 'detached' });

  const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
  const names = answer.list('files').map((file) => member(file, 'name'));
  expect(names.sort()).toEqual(['fresh.txt', 'new.txt', 'stays.txt']);
  expect((await widget.toasts()).filter(({ type }) => type !== 'success')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
});
