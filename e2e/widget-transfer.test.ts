// The published widget hands many files out and their descriptions in: a zip, a table, the table changed and taken back, and changes of many at once.
import { expect, test } from 'vitest';
import yauzl from 'yauzl';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { picture, textFile } from './support/corpus.ts';
import { readCsv, writeCsv } from './support/csv.ts';
import { Widget } from './support/widget.ts';

const CHOSEN = [picture('one.png'), textFile('two é.txt', 'second')] as const;
const OTHER = textFile('three.txt', 'third');
const DESCRIBER = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_META_CHANGE', 'FILE_PRODUCT_CHANGE'];

const target = useTarget();
const pages = usePages();

/** The widget in a folder of its own with three files, two of them selected. */
async function openSelected(
  tagsOf: (name: string) => readonly string[] = () => [],
): Promise<{ readonly widget: Widget; readonly folder: string }> {
  const folder = freshFolder();
  for (const { name, buffer } of [...CHOSEN, OTHER]) {
    const { uuid } = await target.seed(folder, name, buffer);
    const json = { lang: 'en', existing_tags: [], new_tags: tagsOf(name) };
    if (json.new_tags.length > 0) await target.admin('PUT', `v5/file/${uuid}/tags`, { json });
  }
  const template = await target.template({ name: 'Describer', permissions: DESCRIBER });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
  await widget.file(CHOSEN[0].name).click();
  // A click takes a moment to be none of two, and then selects this file alone.
  await widget.page.getByText('1 Selected', { exact: true }).waitFor();
  await widget.file(CHOSEN[1].name).click({ modifiers: ['Control'] });
  await widget.page.getByText('2 Selected', { exact: true }).waitFor();
  return { widget, folder };
}

/** Chooses how the selected files are downloaded. */
async function downloadAs(widget: Widget, how: string): Promise<void> {
  await widget.page.getByTestId('action-bar-download-btn').click();
  await widget.page.getByText(how, { exact: true }).click();
}

/** Names and bytes of an archive, as a strict reader finds them. */
async function unzip(bytes: Buffer): Promise<Readonly<Record<string, Buffer>>> {
  const files: Record<string, Buffer> = {};
  const zip = await yauzl.fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true });
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files[entry.fileName] = Buffer.concat(chunks);
  }
  return files;
}

async function expectNoError(widget: Widget): Promise<void> {
  expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
}

test('downloads exactly the selected files as one zip', async () => {
  const { widget } = await openSelected();
  const got = await widget.download(() => downloadAs(widget, 'As original'));
  expect(got.name).toMatch(/\.zip$/);
  expect(await unzip(got.bytes)).toEqual(Object.fromEntries(CHOSEN.map(({ name, buffer }) => [name, buffer])));
  await expectNoError(widget);
});

test('exports the selected files as CSV', async () => {
  const { widget, folder } = await openSelected();
  const got = await widget.download(() => downloadAs(widget, 'List of assets (CSV)'));
  expect(got.name).toMatch(/\.csv$/);
  const rows = readCsv(got.bytes);
  expect(rows.map((row) => row['name']).sort()).toEqual(CHOSEN.map(({ name }) => name).sort());
  expect(rows.map((row) => row['folder'])).toEqual([folder, folder]);
  await expectNoError(widget);
});

test('takes a changed CSV back and changes the files', async () => {
  const { widget, folder } = await openSelected();
  await widget.fromMenu(widget.file(CHOSEN[1].name), 'edit_via_csv');
  const got = await widget.download(() => widget.page.getByText('Download CSV file', { exact: true }).click());
  // The widget asks for the whole folder here; what is not to be changed is taken out.
  const rows = readCsv(got.bytes);
  expect(rows.map((row) => row['name']).sort()).toEqual([...CHOSEN, OTHER].map(({ name }) => name).sort());
  const changed = rows
    .filter((row) => row['name'] !== OTHER.name)
    .map((row) => ({ ...row, product_ref: `ref of ${row['name']}`, 'tags.en': 'fresh; “quoted”' }));
  const dialog = widget.page.waitForEvent('filechooser');
  await widget.page.getByText('Upload CSV file', { exact: true }).click();
  const buffer = writeCsv(changed);
  await (await dialog).setFiles({ name: 'changed.csv', mimeType: 'text/csv', buffer });
  await widget.confirm();

  const described = async () => {
    const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    return Object.fromEntries(
      answer.list('files').map((file) => {
        const tags = member(file, 'tags.en') as readonly unknown[] | undefined;
        return [
          String(member(file, 'name')),
          { ref: member(file, 'product.ref'), tags: tags?.map((tag) => member(tag, 'label')) },
        ];
      }),
    );
  };
  await expect.poll(async () => (await described())[CHOSEN[0].name]?.tags).toEqual(['fresh', '“quoted”']);
  const now = await described();
  for (const { name } of CHOSEN) expect(now[name]).toEqual({ ref: `ref of ${name}`, tags: ['fresh', '“quoted”'] });
  expect(now[OTHER.name]?.tags ?? []).toEqual([]);
  await widget.page.getByText('Processed CSV').first().waitFor();
  await expectNoError(widget);
});

test('edits the selected files together: one title, another for one of them; the rest is left alone', async () => {
  const { widget, folder } = await openSelected();
  const { page } = widget;
  await widget.fromMenu(widget.file(CHOSEN[1].name), 'bulk_edit');
  await page.getByText('Editing 2 assets', { exact: true }).waitFor();
  const titles = async () => {
    const files = (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');
    return Object.fromEntries(files.map((file) => [String(member(file, 'name')), member(file, 'meta.title')]));
  };
  await page.getByText('Title', { exact: true }).last().click();
  await page.getByPlaceholder('Type text').fill('Summer 26');
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  const together = { [CHOSEN[0].name]: 'Summer 26', [CHOSEN[1].name]: 'Summer 26', [OTHER.name]: undefined };
  await expect.poll(titles).toEqual(together);

  const own = page.getByRole('row', { name: CHOSEN[1].name }).getByRole('textbox').last();
  await own.fill('Second');
  await own.blur();
  await expect.poll(titles).toEqual({ ...together, [CHOSEN[1].name]: 'Second' });
  await expectNoError(widget);
});

test('adds a tag to the selected files and takes one from them; tags of the other stay', async () => {
  const { widget, folder } = await openSelected((name) =>
    name === OTHER.name ? ['Harbour', 'Draft'] : ['Draft', 'Sea'],
  );
  const { page } = widget;
  // The panel offers what the page names, and takes it as the list of tags is.
  await widget.setConfig({ tagging: { suggestionList: (await target.admin('GET', 'v5/tags')).list('tags') } });
  const tags = async () => {
    const files = (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');
    return Object.fromEntries(
      files.map((file) => [
        String(member(file, 'name')),
        (member(file, 'tags.en') as readonly unknown[]).map((tag) => String(member(tag, 'label'))).sort(),
      ]),
    );
  };
  const [one, two] = [CHOSEN[0].name, CHOSEN[1].name];
  await widget.fromMenu(widget.file(two), 'bulk_edit');
  await page.getByText('Editing 2 assets', { exact: true }).waitFor();
  const field = page.getByPlaceholder('Add tags').first();
  const apply = async () => {
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  };

  await field.fill('harb');
  await page.getByText('All tags', { exact: true }).waitFor();
  await page.getByText('Harbour', { exact: true }).last().click();
  await apply();
  await expect.poll(tags).toEqual({
    [one]: ['Draft', 'Harbour', 'Sea'],
    [two]: ['Draft', 'Harbour', 'Sea'],
    [OTHER.name]: ['Draft', 'Harbour'],
  });

  await page.getByText('Add', { exact: true }).filter({ visible: true }).first().click();
  await page.getByText('Delete', { exact: true }).filter({ visible: true }).last().click();
  await field.fill('draf');
  await page.getByText('All tags', { exact: true }).waitFor();
  await page.getByText('Draft', { exact: true }).last().click();
  await apply();
  await expect
    .poll(tags)
    .toEqual({ [one]: ['Harbour', 'Sea'], [two]: ['Harbour', 'Sea'], [OTHER.name]: ['Draft', 'Harbour'] });
  await expectNoError(widget);
});
