// The published widget keeps favourites, and shows and changes what belongs to one file: comments, versions, variations, approvals.
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { type Answer, member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { picture } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const RIGHTS = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_UPLOAD',
  'FILE_META_CHANGE',
  'FILE_DELETE',
  'FILE_IMAGE_EDITOR',
  'FILE_PRODUCT_CHANGE',
  'FILE_PROCESS_AUTOTAGGING',
  'OBJECTS_APPROVAL_MANAGE',
  'OBJECTS_APPROVAL_VOTE',
  'LABELS_LIST',
  'COLLECTIONS_LIST',
];

const target = useTarget();
const pages = usePages();

/** An access key for one person: the widget shows most of this to no others. */
async function keyFor(subject: string): Promise<string> {
  return (await target.admin('POST', 'key', { json: { subject, permissions: RIGHTS } })).text('key');
}

/** The widget in a folder of its own with these files, for a person of its own; and a way to ask the server with the same key. */
async function openWith(...names: readonly string[]) {
  const folder = freshFolder();
  const uuids: string[] = [];
  for (const name of names) {
    const bytes = name.endsWith('.png') ? picture(name).buffer : name;
    uuids.push(String((await target.seed(folder, name, bytes))['uuid']));
  }
  const subject = `ann ${folder}`;
  const key = await keyFor(subject);
  const from = freshAddress();
  const ask = (method: string, path: string, json?: unknown): Promise<Answer> =>
    target.call(method, path, { key, from, ...(json === undefined ? {} : { json }) });
  const open = () => Widget.open(pages, target, { from, accessKey: key, user: subject, folder });
  return { folder, uuids, subject, ask, open };
}

// The widget shows many a change before it is answered: what the store has is polled for.

/** Opens the details of a file on one of its tabs. */
async function openTab(widget: Widget, name: string, tab: string): Promise<void> {
  await widget.openDetails(name);
  // The list behind has words like those of the tabs: the tabs have to be there.
  await widget.page.getByText('General', { exact: true }).last().waitFor();
  await widget.page.getByText(tab, { exact: true }).last().click();
}

async function expectNoFailure(widget: Widget): Promise<void> {
  expect((await widget.toasts()).filter(({ type }) => type !== 'success' && type !== 'info')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
}

test('keeps a file as a favourite, lists it among the favourites, and lets go of it', async () => {
  const { uuids, ask, open } = await openWith('kept.txt', 'other.txt');
  const widget = await open();
  const favorites = async () =>
    (await ask('GET', 'v5/users/favorites?recursive=1')).list('files').map((file) => member(file, 'uuid'));

  await widget.fromMenu(widget.file('kept.txt'), 'add_to', 'add_to_favorites');
  await widget.seeToast('Successfully added to favorites');
  await expect.poll(favorites).toEqual([uuids[0]]);

  await widget.page.getByText('None', { exact: true }).first().click();
  await widget.page.getByTestId('view-menu-toggle-btn').click();
  await widget.page.getByText('My favorites', { exact: true }).first().click();
  await widget.file('other.txt').waitFor({ state: 'detached' });
  await widget.fromMenu(widget.file('kept.txt'), 'remove_from_favorites');
  await widget.seeToast('Successfully removed from favorites');
  await widget.file('kept.txt').waitFor({ state: 'detached' });
  await expect.poll(favorites).toEqual([]);
  await expectNoFailure(widget);
});

test('describes a file: title, description and tags, and the tags that are there stay', async () => {
  const { uuids, ask, open } = await openWith('told.txt');
  await ask('PUT', `v5/file/${uuids[0]}/tags`, { lang: 'en', existing_tags: [], new_tags: ['sea'] });
  const widget = await open();
  const { page } = widget;
  await widget.openDetails('told.txt');
  await page.getByText('Resolution', { exact: true }).waitFor();
  // The pen beside the facts.
  await page.getByRole('rowgroup').first().locator('xpath=following::button').first().click();
  await page.getByPlaceholder('Title...').fill('Harbour at dusk');
  await page.getByPlaceholder('Description...').fill('Taken from the pier');
  const tags = page.getByPlaceholder('Tags...');
  await tags.pressSequentially('harbour');
  await tags.press('Enter');
  await page.getByRole('button', { name: 'Save', exact: true }).last().click();

  const told = async () => (await ask('GET', `v5/file/${uuids[0]}`)).json;
  await expect
    .poll(async () => member(await told(), 'file.meta'))
    .toEqual({ title: 'Harbour at dusk', description: 'Taken from the pier' });
  await expect
    .poll(async () => member(await told(), 'file.tags'))
    .toMatchObject({ en: [{ label: 'sea' }, { label: 'harbour' }] });
  await page.getByPlaceholder('Title...').waitFor({ state: 'detached' });
  await expectNoFailure(widget);
});

test('shows a sheet in place of an icon that cannot be had, and does not ask for that again and again', async () => {
  const { open } = await openWith('plain.txt');
  const widget = await open();
  const widthOf = (icon: Locator) => icon.evaluate((image) => (image as HTMLImageElement).naturalWidth);
  // In the list the server draws one.
  await expect.poll(() => widthOf(widget.page.getByRole('listbox').locator('img').first())).toBe(224);
  await openTab(widget, 'plain.txt', 'History');
  await expect.poll(() => widthOf(widget.page.getByAltText('plain.txt'))).toBe(160);
  await widget.page
    .getByText(/Asset\s*was\s*created/)
    .last()
    .waitFor();
  expect(widget.visit.outside.filter((asked) => asked === 'image assets.filerobot.com').length).toBeLessThan(10);
});

test('has tags made for a file from what is known of it', async () => {
  const { uuids, ask, open } = await openWith('wide.png');
  const tags = async () => {
    const found = member((await ask('GET', `v5/file/${uuids[0]}`)).json, 'file.tags.en') as
      | readonly unknown[]
      | undefined;
    return found?.map((tag) => member(tag, 'label')) ?? [];
  };
  // The orientation is a fact that is found out after the upload.
  await expect.poll(async () => member((await ask('GET', `v5/file/${uuids[0]}`)).json, 'file.info.img_w')).toBe(96);
  const widget = await open();
  await widget.setConfig({ tagging: { autoTagging: true } });
  const { page } = widget;
  await widget.openDetails('wide.png');
  await page.getByText('Resolution', { exact: true }).waitFor();
  await page.getByRole('rowgroup').first().locator('xpath=following::button').first().click();
  await page.getByText('Generate Tags', { exact: true }).click();
  await widget.seeToast('Tags generated and added successfully');
  expect(await tags()).toEqual(expect.arrayContaining(['image', 'landscape']));
  await expectNoFailure(widget);
});

test('puts a file at its place of a product, and takes it away from there', async () => {
  const { uuids, ask, open } = await openWith('shoe.png');
  const widget = await open();
  const { page } = widget;
  await widget.setOptions({ showFileProduct: true });
  await openTab(widget, 'shoe.png', 'Metadata');
  const edit = page.getByText('Product', { exact: true }).last().locator('xpath=following::button').first();
  const field = (label: string) => page.getByText(label, { exact: true }).last().locator('xpath=following::input[1]');
  const [ref, position] = [field('Reference'), field('Position')];
  const product = async () => member((await ask('GET', `v5/file/${uuids[0]}`)).json, 'file.product');
  const save = () => page.getByRole('button', { name: 'Save', exact: true }).last().click();

  await edit.click();
  await ref.fill('SKU-7');
  await position.fill('2');
  await save();
  await expect.poll(product).toEqual({ ref: 'SKU-7', position: 2 });
  expect((await ask('GET', 'v5/product/SKU-7/files')).list('files').map((file) => member(file, 'uuid'))).toEqual(uuids);

  await edit.click();
  await ref.fill('SKU-8');
  await save();
  await expect.poll(product).toEqual({ ref: 'SKU-8', position: 2 });
  await expectNoFailure(widget);
});

test('duplicates a picture under another name, changed, and leaves the picture alone', async () => {
  const { folder, uuids, ask, open } = await openWith('first.png');
  const widget = await open();
  const { page } = widget;
  await widget.fromMenu(widget.file('first.png'), 'edit_img');
  await page.getByText('Filters', { exact: true }).click();
  await page.getByText('Invert', { exact: true }).first().click();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Duplicate the image', { exact: true }).click();
  await page.getByText('Save as', { exact: true }).waitFor();
  await page.locator('input[value="first"]').fill('second');
  await page.getByRole('button', { name: 'Save', exact: true }).last().click();
  await page.getByText('Choose folder path', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await widget.file('second.png').waitFor();

  const files = (await ask('GET', `v5/files?folder=${encodeURIComponent(folder)}&sort=name:asc`)).list('files');
  expect(files.map((file) => member(file, 'name'))).toEqual(['first.png', 'second.png']);
  expect(member(files[0], 'uuid')).toBe(uuids[0]);
  expect(member(files[1], 'type')).toBe('image/png');
  expect(member(files[1], 'hash.sha1')).not.toBe(member(files[0], 'hash.sha1'));
  await expectNoFailure(widget);
});

test('adds, likes, changes and deletes a comment, and shows those of others', async () => {
  const { uuids, subject, ask, open } = await openWith('said.txt');
  // The widget writes comments into the page as markup: what keeps script from running is the policy of the page.
  const text = JSON.stringify({ body: 'By somebody else<img src="/nothing" onerror="document.title = \'taken\'">' });
  const theirs = { key: await keyFor('ben'), json: { comment: { text } } };
  await target.call('POST', `v5/file/${uuids[0]}/comments`, theirs);
  const comments = async () => (await ask('GET', `v5/file/${uuids[0]}/comments`)).list('comments');
  const own = async () => {
    const mine = (await comments()).filter((one) => member(one, 'user.uuid') === subject);
    return mine.map((one) => member(JSON.parse(String(member(one, 'text'))), 'body'));
  };
  const widget = await open();
  const { page } = widget;
  const fields = page.locator('[contenteditable="true"]');
  const send = page.getByRole('button', { name: 'Send', exact: true });

  await openTab(widget, 'said.txt', 'Comments');
  await page.getByText('By somebody else', { exact: true }).waitFor();
  await page.locator('img[src="/nothing"]').waitFor({ state: 'attached' });
  await fields.first().click();
  await page.keyboard.type('Looks good');
  await send.first().click();
  await page.getByText('Looks good', { exact: true }).waitFor();
  await expect.poll(own).toEqual(['Looks good']);

  // What may be done with a comment: subscribe, like, reply and, with one's own, more.
  const actions = page
    .locator('div')
    .filter({ has: page.getByText('Looks good', { exact: true }) })
    .filter({ has: page.getByRole('button', { name: 'Reply' }) })
    .last()
    .getByRole('button');
  await actions.nth(2).click();
  await expect.poll(async () => member((await comments())[0], 'meta.likes')).toEqual([subject]);
  await actions.last().click();
  await page.getByText('Edit', { exact: true }).last().click();
  await fields.last().click();
  await page.keyboard.press('End');
  await page.keyboard.type(' to me');
  await send.last().click();
  await expect.poll(own).toEqual(['Looks good to me']);

  await page.getByText('Looks good to me', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Reply' }).first().locator('xpath=following-sibling::button').click();
  await page.getByText('Delete', { exact: true }).last().click();
  await page.getByText('Looks good to me', { exact: true }).waitFor({ state: 'detached' });
  await expect.poll(own).toEqual([]);
  expect(await comments()).toHaveLength(1);
  expect(await page.title()).not.toBe('taken');
  await expectNoFailure(widget);
});

test('tells the history of a file, downloads an older version, restores one and deletes another', async () => {
  const { folder, uuids, ask, open } = await openWith('v.txt');
  await target.seed(folder, 'v.txt', 'second');
  await target.seed(folder, 'v.txt', 'third and last');
  const uuidOf = (version: string) => uuids[0]?.replace(/....$/, version) ?? '';
  const widget = await open();
  const { page } = widget;
  /** The menu of one version. */
  const more = (version: string): Locator =>
    page
      .getByText(`ID: ${uuidOf(version)}`)
      .locator('xpath=ancestor::*[.//button][1]')
      .getByRole('button')
      .first();
  const option = (name: string) => page.getByTestId(`fmaw-explorer-context_menu_option_${name}_option`);

  await openTab(widget, 'v.txt', 'History');
  await page
    .getByText(/Asset\s*was\s*created/)
    .last()
    .waitFor();
  const older = await widget.download(async () => {
    await more('0001').click();
    await option('download').click();
  });
  expect(older.bytes.toString()).toBe('second');
  await more('0000').click();
  await option('restore').click();
  // The widget shows the details of what is current now.
  await page.getByRole('rowgroup').getByText('5 B', { exact: true }).waitFor();
  await page.getByText('History', { exact: true }).last().click();
  await page.getByText(`ID: ${uuidOf('0003')}`).waitFor();
  await more('0001').click();
  await option('remove').click();
  await widget.confirm();
  await page.getByText(`ID: ${uuidOf('0001')}`).waitFor({ state: 'detached' });

  const versions = async () => {
    const list = (await ask('GET', `v5/file/${uuids[0]}/versions`)).list('versions');
    return list.map((one) => [member(one, 'uuid'), member(one, 'size.bytes')]);
  };
  await expect.poll(versions).toEqual([
    [uuidOf('0003'), 5],
    [uuidOf('0002'), 14],
    [uuidOf('0000'), 5],
  ]);
  await expectNoFailure(widget);
});

test('makes, renames and deletes a variation', async () => {
  const { uuids, ask, open } = await openWith('drawn.png');
  const variants = async () => {
    const list = (await ask('GET', `v5/file/${uuids[0]}/variants`)).list('variants');
    return list.map((one) => [member(one, 'name'), member(one, 'query')]);
  };
  const widget = await open();
  const { page } = widget;
  /** Under the pointer an item shows its actions: copy, download, draw, rename, delete. */
  const act = async (name: string, action: number) => {
    const options = page.locator('.filerobot-common-ItemHoverTopOptions');
    const item = page.locator('div:has(> .filerobot-common-ItemHoverTopOptions)');
    const named = item.filter({ has: page.getByText(name, { exact: true }) });
    await named.hover();
    await named.locator(options).getByRole('button').nth(action).click();
  };

  await openTab(widget, 'drawn.png', 'Variations');
  await page.getByTestId('add-variant-button').click();
  await page.locator('input[type=number]').last().click({ clickCount: 3 });
  await page.keyboard.type('50');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Save', exact: true }).first().click();
  await page.locator('input[value^="drawn ("]').fill('Teaser');
  await widget.confirm();
  await widget.seeToast('Variation is added!');
  await expect.poll(variants).toEqual([['Teaser', 'q=50']]);

  await act('Teaser', 3);
  await page.locator('input[value="Teaser"]').fill('Banner');
  await widget.confirm();
  await page.getByText('Banner', { exact: true }).last().waitFor();
  await expect.poll(variants).toEqual([['Banner', 'q=50']]);

  await act('Banner', 4);
  await widget.confirm();
  await page.getByText('Banner', { exact: true }).waitFor({ state: 'detached' });
  await expect.poll(variants).toEqual([]);
  await expectNoFailure(widget);
});

// Asking and voting is a plugin of the widget that was never published: its own requests are made here, and the widget shows them.
test('shows how a request for approval stands, in the list and in the history', async () => {
  const { uuids, subject, ask, open } = await openWith('asked.txt');
  const wish = { approvers: [subject], message: 'Please look' };
  const asked = await ask('POST', `v5/files/${uuids[0]}/approvals`, { approval: wish });
  const before = await open();
  await before.page.getByText('Pending', { exact: true }).first().waitFor();
  await expectNoFailure(before);

  const vote = { vote: 'APPROVE', comment: 'Fine by me' };
  expect((await ask('POST', `v5/approvals/${asked.text('approval.uuid')}/vote`, vote)).status).toBe(200);
  const after = await open();
  await after.page.getByText('Approved', { exact: true }).first().waitFor();
  await openTab(after, 'asked.txt', 'History');
  await after.page.getByText('Please look').first().waitFor();
  await after.page.getByText('Fine by me').first().waitFor();
  await expectNoFailure(after);
});

test('has a picture described, in a field that has one value for each language', async () => {
  const variants = [{ api_value: 'en', label: 'English' }];
  const languages = { uuid: 'languages', label: 'Languages', type: 'FTYPE_LANGUAGES', variants };
  const field = { key: 'description', type: 'textarea', regional_variants_group_uuid: 'languages' };
  const model = [{ applies_to: 'FILES', groups: [{ name: 'Root fields', fields: [field] }] }];
  const before = (await target.admin('GET', 'v5/settings')).json;
  const changed = { metadata: { model, store: { regional_variants_groups: [languages] } } };
  expect((await target.admin('PATCH', 'v5/settings', { json: changed })).outcome).toBe('200');
  try {
    const { uuids, ask, open } = await openWith('seen.png');
    await expect.poll(async () => member((await ask('GET', `v5/file/${uuids[0]}`)).json, 'file.info.img_w')).toBe(96);
    const widget = await open();
    await widget.setOptions({ enableAIDescription: true });
    const { page } = widget;
    await widget.openDetails('seen.png');
    await page.getByText('Resolution', { exact: true }).waitFor();
    await page.getByRole('rowgroup').first().locator('xpath=following::button').first().click();
    await page.getByText('Describe with AI').click();
    await widget.seeToast('Description is generated and added successfully');
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await expect
      .poll(async () => member((await ask('GET', `v5/file/${uuids[0]}`)).json, 'file.meta'))
      .toEqual({ description: { en: expect.stringContaining('landscape') } });
    await expectNoFailure(widget);
  } finally {
    const restored = await target.admin('PATCH', 'v5/settings', { json: { metadata: member(before, 'metadata') } });
    expect(restored.outcome).toBe('200');
  }
});
