// The published image editor in a page of another origin opens a picture of ours and saves it back, with a key from a template.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshFolder } from '../conformance/support/target.ts';
import { buildExample } from '../tools/setup.mjs';
import { usePages } from './support/browser.ts';
import { picture } from './support/corpus.ts';

const target = useTarget();
const pages = usePages();
let server: ChildProcess | undefined;
let pageUrl = '';

beforeAll(async () => {
  await buildExample('image-editor');
  const script = fileURLToPath(new URL('../examples/image-editor/serve.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  server = child;
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  pageUrl = String(line);
}, 300_000);
afterAll(() => server?.kill());

const inFolder = async (folder: string) =>
  (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');

/** Works in the editor as a person does. */
async function invertAndSave(page: Page): Promise<void> {
  await page.getByText('Filters', { exact: true }).first().click();
  await page.getByText('Invert', { exact: true }).first().click();
  await page.getByRole('button', { name: 'Save', exact: true }).first().click();
}

test('an edited picture becomes the next version of the picture that was opened, private or not', async () => {
  const folder = freshFolder();
  const sent = picture('holiday.png');
  const { uuid } = await target.seed(folder, sent.name, sent.buffer);
  const hidden = { files_uuids: [uuid], visibility: 'not_public' };
  expect((await target.admin('PUT', 'v5/objects/visibility/cdn', { json: hidden })).outcome).toBe('200');
  const template = await target.template({
    name: 'Image editor',
    permissions: ['OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_IMAGE_EDITOR'],
  });
  const visit = await pages.visit();
  const address = new URL(pageUrl);
  address.searchParams.set('api', `${target.baseUrl}/${target.container}`);
  address.searchParams.set('template', template.id);
  address.searchParams.set('uuid', String(uuid));
  await visit.page.goto(address.href);
  const status = visit.page.getByRole('status');
  await status.getByText('Editing holiday.png').waitFor();

  await invertAndSave(visit.page);
  await status.getByText(/^Saved /).waitFor();

  const [after, ...others] = await inFolder(folder);
  expect(others).toEqual([]);
  expect(await status.innerText()).toBe(`Saved ${member(after, 'uuid')}`);
  expect(String(member(after, 'uuid')).slice(0, -4)).toBe(String(uuid).slice(0, -4));
  expect(member(after, 'uuid')).not.toBe(uuid);
  const got = await target.admin('GET', `v4/get/${member(after, 'uuid')}`);
  expect(got.bytes.equals(sent.buffer)).toBe(false);
  expect(member(after, 'type')).toBe('image/png');
  expect(visit.errors).toEqual([]);
  expect(visit.outside).toEqual([]);
});

test('a key without the permission of the editor is told so and changes nothing', async () => {
  const folder = freshFolder();
  const sent = picture('kept.png');
  const { uuid } = await target.seed(folder, sent.name, sent.buffer);
  const template = await target.template({ permissions: ['OBJECTS_FETCH', 'FILE_UPLOAD'] });
  const visit = await pages.visit();
  const query = new URLSearchParams({
    api: `${target.baseUrl}/${target.container}`,
    template: template.id,
    uuid: String(uuid),
  });
  await visit.page.goto(`${pageUrl}?${query}`);
  const status = visit.page.getByRole('status');
  await status.getByText('Editing kept.png').waitFor();
  await invertAndSave(visit.page);
  await status.getByText('Not saved: The key does not permit this (PERMISSION_DENIED)').waitFor();
  expect((await inFolder(folder)).map((file) => member(file, 'uuid'))).toEqual([uuid]);
});
