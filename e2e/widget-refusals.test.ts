// Every refusal reaches the person in front of the published widget as a sentence, and nothing is stored.
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { useTarget } from '../conformance/support/suite.ts';
import { COUNTRY_ADDRESS, type Fields, freshAddress, freshFolder, names } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { textFile } from './support/corpus.ts';
import { type DemoOptions, Widget } from './support/widget.ts';

const UPLOADER = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'];

const target = useTarget();
const pages = usePages();

/** The widget with a template, in a folder of its own. */
async function openUploader(fields: Fields, more: DemoOptions = {}) {
  const folder = freshFolder();
  await target.seed(folder, 'first.txt');
  const template = await target.template({ name: 'Uploader', permissions: UPLOADER, ...fields });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder, ...more });
  return { widget, folder, template };
}

/** What is stored in the folder besides the file that was there. */
async function uploadedTo(folder: string): Promise<readonly string[]> {
  const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
  return names(answer).filter((name) => name !== 'first.txt');
}

/** Uploads one file and expects the panel to call it failed and the page to say why, and what would make it pass. */
async function expectRefusal(widget: Widget, folder: string, message: string, hint?: string): Promise<void> {
  const uploadedBefore = await uploadedTo(folder);
  await widget.upload([textFile('refused.txt', 'too much')]);
  await widget.seeToast(message);
  if (hint !== undefined) await widget.seeDetails(hint);
  await widget.panelLine('refused.txt').getByText('Uploading failed').waitFor();
  expect(await uploadedTo(folder)).toEqual(uploadedBefore);
}

describe('a refused upload is explained in the widget', () => {
  test('when the limit per minute is reached', async () => {
    const { widget, folder } = await openUploader({ upload: { limit_per_min: 1 } });
    await widget.upload([textFile('accepted.txt', 'fine')]);
    await widget.file('accepted.txt').waitFor();
    await expectRefusal(widget, folder, 'Too many uploads in one minute', 'Wait and send the file again.');
  });

  test('when the folder is taken out of the scope while the page is open', async () => {
    const { widget, folder, template } = await openUploader({});
    await target.patch(template, { upload: { dir_scope: ['/elsewhere/*'] } });
    await expectRefusal(widget, folder, 'This folder is outside the folders the key may use');
  });

  test('when the permission is taken away while the page is open', async () => {
    const { widget, folder, template } = await openUploader({});
    await target.patch(template, { permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
    await expectRefusal(widget, folder, 'The key does not permit this');
  });

  test('when the file is too large', async () => {
    const { widget, folder } = await openUploader({ upload: { max_file_size: 4 } });
    await expectRefusal(widget, folder, 'The file is too large');
  });

  test('when the key has expired and cannot be renewed', async () => {
    let exchanges = 0;
    const allowOneExchange = (page: Page) =>
      page.route('**/key/SECU_*', (route) => {
        exchanges += 1;
        return exchanges === 1 ? route.continue() : route.abort();
      });
    const { widget, folder } = await openUploader(
      { key_validity: { expiration_duration: 12 } },
      { prepare: allowOneExchange },
    );
    const [key = ''] = await widget.keys();
    await expect
      .poll(async () => (await target.call('GET', 'v5/files', { key })).outcome, { timeout: 30_000 })
      .toBe('401 KEY_EXPIRED');
    await expectRefusal(widget, folder, 'expired');
  });

  test('when the address is no longer allowed', async () => {
    const from = freshAddress();
    const { widget, folder, template } = await openUploader(
      { restrictions: { whitelist_ip_ranges: [from] } },
      { from },
    );
    await target.patch(template, { restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] } });
    await expectRefusal(widget, folder, 'The key may not be used from this address');
  });

  test('when the country is no longer allowed', async () => {
    const { widget, folder, template } = await openUploader(
      { restrictions: { whitelist_countries: ['SE'] } },
      { from: COUNTRY_ADDRESS.SE },
    );
    await target.patch(template, { restrictions: { whitelist_countries: ['GB'] } });
    await expectRefusal(widget, folder, 'The key may not be used from this country');
  });
});

describe('a widget that may not be used at all says so', () => {
  test('from a foreign address', async () => {
    const { widget } = await openUploader({ restrictions: { whitelist_ip_ranges: ['203.0.113.0/24'] } });
    expect((await widget.toasts()).map(({ message }) => message)).toContain(
      'The key may not be used from this address',
    );
    expect(await widget.file('first.txt').count()).toBe(0);
  });

  test('from a foreign country', async () => {
    const { widget } = await openUploader(
      { restrictions: { whitelist_countries: ['SE'] } },
      { from: COUNTRY_ADDRESS.GB },
    );
    expect((await widget.toasts()).map(({ message }) => message)).toContain(
      'The key may not be used from this country',
    );
    expect(await widget.file('first.txt').count()).toBe(0);
  });

  test('with an unknown template', async () => {
    const widget = await Widget.open(pages, target, { from: freshAddress(), template: `SECU_${'0'.repeat(32)}` });
    expect((await widget.toasts()).map(({ message }) => message)).toContain('There is no such security template');
  });
});
