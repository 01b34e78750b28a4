// The published widget organises files: labels, collections and pins, made and used as a person does it.
import { expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { Widget } from './support/widget.ts';

const ORGANISER = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_LABEL_CHANGE',
  'LABELS_LIST',
  'LABEL_MANAGE',
  'COLLECTIONS_LIST',
  'COLLECTIONS_MANAGE',
];

const target = useTarget();
const pages = usePages();

/** The widget with an organiser's rights, in a folder of its own that holds these files, by their names. */
async function openOrganiser(names: readonly string[]) {
  const folder = freshFolder();
  const files = new Map<string, unknown>();
  for (const name of names) files.set(name, (await target.seed(folder, name))['uuid']);
  const template = await target.template({ name: 'Organiser', permissions: ORGANISER });
  const from = freshAddress();
  const widget = await Widget.open(pages, target, { from, template: template.id, folder });
  return { widget, files, from };
}

/** Opens another part of the widget from its menu. */
async function openView({ page }: Widget, name: string): Promise<void> {
  await page.getByTestId('view-menu-toggle-btn').click();
  await page.getByText(name, { exact: true }).first().click();
}

async function expectNoFailure(widget: Widget): Promise<void> {
  expect((await widget.toasts()).filter(({ type }) => type !== 'success')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
}

test('a label is made for a file, attached to it, and shows the files that carry it', async () => {
  const { widget, files } = await openOrganiser(['labelled.txt', 'plain.txt']);
  const { page } = widget;
  await widget.fromMenu(widget.file('labelled.txt'), 'manage', 'labels');
  await page.getByPlaceholder('Search labels').last().fill('Best of');
  await page.getByText('Add the label').click();
  await widget.confirm();
  await widget.seeToast('Label attached');

  const [label] = (await target.admin('GET', 'v5/labels')).list('labels');
  expect(label).toMatchObject({ name: 'Best of', assets_count: 1 });
  const { json } = await target.admin('GET', `v5/files/${files.get('labelled.txt')}`);
  expect(member(json, 'file.labels')).toEqual([member(label, 'sid')]);

  await page.getByText('None', { exact: true }).first().click();
  await openView(widget, 'Labels');
  await page.getByText('Best of', { exact: true }).first().click();
  await widget.file('labelled.txt').waitFor();
  await widget.file('plain.txt').waitFor({ state: 'detached' });
  await expectNoFailure(widget);
});

test('a collection is made, opened, and shows its files in virtual folders', async () => {
  const { widget } = await openOrganiser(['grouped.txt']);
  const { page } = widget;
  await openView(widget, 'Collections');
  await page.getByTestId('folder-tree-add-collection-button').click();
  await page.getByText('Select metadata field').click();
  await page.getByText('Type', { exact: true }).last().click();
  await page.getByText('Add', { exact: true }).last().click();
  await widget.seeToast('Collection created');

  const [collection] = (await target.admin('GET', 'v5/collections')).list('collections');
  expect(collection).toMatchObject({ title: 'My new collection', visibility: 'company' });
  expect(member(collection, 'data.groupby')).toMatchObject([{ attribute_sys_key: 'type' }]);

  await page.getByText('My new collection', { exact: true }).first().click();
  await page.getByText('text', { exact: true }).first().click();
  await widget.file('grouped.txt').waitFor();
  await page.getByText('image', { exact: true }).first().click();
  await widget.file('grouped.txt').waitFor({ state: 'detached' });
  await expectNoFailure(widget);
});

test('a search is pinned and kept for the next time', async () => {
  const { widget, from } = await openOrganiser(['pinned.txt', 'loose.txt']);
  const { page } = widget;
  // The widget shows pins only in its floating form.
  await widget.setOptions({ floaty: true });
  await page.getByPlaceholder('Search', { exact: true }).first().fill('pinned');
  await page.keyboard.press('Enter');
  await widget.file('loose.txt').waitFor({ state: 'detached' });
  const pins = page.locator('.filerobot-Explorer-TopBar-PrependedOptions button').first();
  await pins.click();
  await page.getByRole('button', { name: 'Pin search' }).click();
  await page.locator('#filerobotNewPinModalInput').fill('Only this');
  await widget.confirm();
  await widget.seeToast('Your pin Only this saved successfully.');

  const kept = await target.call('GET', 'v5/pins', { key: String((await widget.keys()).at(-1)), from });
  expect(kept.list('pins')).toMatchObject([{ name: 'Only this', query: JSON.stringify({ q: 'pinned' }) }]);
  await pins.click();
  await page.locator('.filerobot-Explorer-TopBar-PinsOverlay-pin').getByText('Only this').waitFor();
  await expectNoFailure(widget);
});
