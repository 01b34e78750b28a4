// The pages for people without a key, as they use them: with scripts and without, wide and narrow, light and dark.
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { accessFaults, policyViolations } from './support/access.ts';
import { usePages, type VisitOptions } from './support/browser.ts';
import { picture } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const LOOKS = (['light', 'dark'] as const).flatMap((scheme) =>
  [
    { scheme, width: 'wide' },
    { scheme, width: 'narrow' },
  ].map((look) => look as { readonly scheme: 'light' | 'dark'; readonly width: 'wide' | 'narrow' }),
);
const VIEWPORTS = { wide: { width: 1400, height: 1000 }, narrow: { width: 360, height: 780 } } as const;
/** Looking at pages with every rule takes long on a machine that is busy with something else. */
const LOOK_TIMEOUT_MS = 240_000;

const target = useTarget();
const pages = usePages();

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

/** A share of a picture, and of a folder with two files and a folder below it. */
async function share(more: object = {}): Promise<{ readonly url: string; readonly bytes: Buffer }> {
  const folder = freshFolder();
  const { buffer } = picture('red.png');
  const red = await target.seed(folder, 'red.png', buffer);
  await target.seed(`${folder}/press/old`, 'deep & <b>.txt', 'deep');
  await target.seed(`${folder}/press`, 'note.txt', 'a note');
  const press = await target.admin('GET', `v5/folders?folder=${encodeURIComponent(`${folder}/press`)}`);
  const items = [
    { type: 'file_uuid', identifiers: [red['uuid']] },
    { type: 'folder_uuid', identifiers: [press.text('base.uuid')] },
  ];
  const made = await target.admin('POST', 'v5/shares', { json: { title: 'Press pictures', items, ...more } });
  expect(made.outcome).toBe('200');
  return { url: made.text('share.url'), bytes: buffer };
}

async function visit(options: VisitOptions = {}) {
  const seen = await pages.visit({ from: freshAddress(), ...options });
  return { ...seen, violations: policyViolations(seen.page) };
}

/** The bytes that the browser saves when this is clicked. */
async function saved(page: Page, name: string | RegExp): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('the page of a share', () => {
  test('lets people in by password, through the folders and to the files, without any script', async () => {
    const { url, bytes } = await share({ auth: { pass: 'open sesame' } });
    const { page, outside } = await visit({ scripts: 'off' });
    await page.goto(url);
    await heading(page, 'Password needed').waitFor();
    await page.getByLabel('Password').fill('sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').filter({ hasText: 'not the password' }).waitFor();
    await page.getByLabel('Password').fill('open sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await heading(page, 'Press pictures').waitFor();
    expect(page.url()).toBe(url);
    expect((await saved(page, 'Download red.png')).equals(bytes)).toBe(true);
    expect((await saved(page, /^Download all/)).includes('a note')).toBe(true);
    await page.getByRole('link', { name: 'press 2 files' }).click();
    await page.getByRole('link', { name: 'old 1 file' }).click();
    await page.getByText('deep & <b>.txt').waitFor();
    expect((await saved(page, 'Download deep & <b>.txt')).toString()).toBe('deep');
    await page
      .getByRole('navigation', { name: 'Folders above' })
      .getByRole('link', { name: 'press', exact: true })
      .click();
    await page.getByText('note.txt').waitFor();
    expect(outside).toEqual([]);
  });

  test('shows what a share is for looking at, and no way to have it', async () => {
    const { url } = await share({ permissions: 'READ' });
    const { page } = await visit();
    await page.goto(url);
    await heading(page, 'Press pictures').waitFor();
    expect(await page.getByRole('link', { name: /Download/ }).count()).toBe(0);
    const drawn = page.locator('img.picture').first();
    await expect.poll(() => drawn.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  });

  test.each(LOOKS)(
    'is accessible, fits and loads nothing from elsewhere ($scheme, $width)',
    async ({ scheme, width }) => {
      const { page, outside, errors, violations } = await visit({ viewport: VIEWPORTS[width] });
      await page.emulateMedia({ colorScheme: scheme });
      const faults: Record<string, readonly string[]> = {};
      const { url } = await share({
        description: `A ${'very '.repeat(40)}long text`,
        expires_at: '2099-01-01T00:00:00Z',
        auth: { pass: 'x' },
      });
      const soon = await share({ starts_at: '2098-01-01T00:00:00Z' });
      await page.goto(url);
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByRole('alert').waitFor();
      faults['password'] = await accessFaults(page);
      await page.getByLabel('Password').fill('x');
      await page.getByRole('button', { name: 'Open' }).click();
      await heading(page, 'Press pictures').waitFor();
      faults['top'] = await accessFaults(page);
      await page.getByRole('link', { name: 'press 2 files' }).click();
      await page.getByText('note.txt').waitFor();
      faults['folder'] = await accessFaults(page);
      await page.goto(soon.url);
      await heading(page, 'Not open yet').waitFor();
      faults['early'] = await accessFaults(page);
      await page.goto(url.replace(/[^/]+$/, 'AAAAAAAAAAAAAAAAAAAAAA'));
      await heading(page, 'There is no such share').waitFor();
      faults['unknown'] = await accessFaults(page);
      expect(Object.entries(faults).filter(([, found]) => found.length > 0)).toEqual([]);
      expect({ outside, errors, violations }).toEqual({ outside: [], errors: [], violations: [] });
    },
    LOOK_TIMEOUT_MS,
  );

  test('is where the share dialog of the widget leads to', async () => {
    const folder = freshFolder();
    await target.seed(folder, 'shared.txt', 'from the dialog');
    const permissions = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'OBJECTS_SHARE_MANAGE'];
    const key = await target.admin('POST', 'key', { json: { subject: 'ann', permissions } });
    const widget = await Widget.open(pages, target, { from: freshAddress(), folder, accessKey: key.text('key') });
    await widget.fromMenu(widget.file('shared.txt'), 'share_item', 'via_sharebox');
    const dialog = widget.page.locator('.filerobot-Explorer-ShareDialog-footer');
    await dialog.getByRole('button', { name: 'Share' }).click();
    const field = widget.page.locator('.filerobot-Explorer-ShareDialog-body input');
    await field.waitFor();
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
    const address = await field.inputValue();
    const { page } = await visit();
    await page.goto(address);
    await page.getByText('shared.txt').waitFor();
    expect((await saved(page, 'Download shared.txt')).toString()).toBe('from the dialog');
    const shares = await target.call('GET', 'v5/shares', { key: key.text('key') });
    expect(shares.list('shares').map((one) => String(member(one, 'url')))).toContain(page.url());
  });
});

describe('the page of an airbox', () => {
  const txt = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

  /** An airbox for a folder of its own, and the names of what has arrived there. */
  async function airbox(more: object = {}) {
    const folder = freshFolder();
    await target.admin('POST', 'v5/folders', { json: { name: folder } });
    const made = await target.admin('POST', 'v5/airboxes', { json: { title: 'Hand in', folder, ...more } });
    expect(made.outcome).toBe('200');
    const arrived = async () => {
      const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
      return answer.list('files').map((file) => String(member(file, 'name')));
    };
    return { url: made.text('airbox.url'), arrived };
  }

  test('takes files from people without any script', async () => {
    const { url, arrived } = await airbox({ auth: { pass: 'open sesame' }, max_files: 3 });
    const { page, outside } = await visit({ scripts: 'off' });
    await page.goto(url);
    await page.getByLabel('Password').fill('open sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await heading(page, 'Hand in').waitFor();
    await page.getByLabel('Files').setInputFiles([txt('one.txt', '1'), txt('two.txt', '2')]);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('status').filter({ hasText: 'Your 2 files have arrived' }).waitFor();
    await page.getByLabel('Files').setInputFiles([txt('three.txt', '3'), txt('four.txt', '4')]);
    await page.getByRole('button', { name: 'Send' }).click();
    await heading(page, 'This airbox has no room for that any more').waitFor();
    expect(await arrived()).toEqual(['one.txt', 'two.txt']);
    expect(outside).toEqual([]);
  });

  test('shows how each file fares where scripts run, and goes on after one that is refused', async () => {
    const { url, arrived } = await airbox({ allowed_types: ['text/*'], max_file_bytes: 1000 });
    const { page, errors, violations } = await visit();
    await page.goto(url);
    await page
      .getByLabel('Files')
      .setInputFiles([
        txt('one.txt', '1'),
        { name: 'page.txt', mimeType: 'text/plain', buffer: Buffer.from('%PDF-1.7 no text') },
        txt('long.txt', 'x'.repeat(1001)),
        txt('one.txt', '2'),
      ]);
    await page.getByRole('button', { name: 'Send' }).click();
    const rows = page.locator('#sent li');
    await rows.nth(3).getByText('Arrived').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Send' }).isEnabled()).toBe(true);
    const told = await rows.allTextContents();
    expect(told.map((text) => /Arrived$/.test(text))).toEqual([true, false, false, true]);
    expect(told[1]).toContain('Send one of the accepted types');
    expect(await arrived()).toEqual(['one (2).txt', 'one.txt']);
    expect({ errors, violations }).toEqual({ errors: [], violations: [] });
  });

  test.each(LOOKS)(
    'is accessible, fits and loads nothing from elsewhere ($scheme, $width)',
    async ({ scheme, width }) => {
      const { page, outside, errors, violations } = await visit({ viewport: VIEWPORTS[width] });
      await page.emulateMedia({ colorScheme: scheme });
      const { url } = await airbox({
        message: `A ${'very '.repeat(40)}long text`,
        expires_at: '2099-01-01T00:00:00Z',
        max_files: 1,
        max_bytes: 10_000_000,
        allowed_types: ['text/*', 'application/pdf'],
      });
      await page.goto(url);
      await heading(page, 'Hand in').waitFor();
      const before = await accessFaults(page);
      await page.getByLabel('Files').setInputFiles([txt('one.txt', '1'), txt('two.txt', '2')]);
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByText('no room').waitFor();
      const after = await accessFaults(page);
      expect({ before, after, outside, errors, violations }).toEqual({
        before: [],
        after: [],
        outside: [],
        errors: [],
        violations: [],
      });
    },
    LOOK_TIMEOUT_MS,
  );
});
