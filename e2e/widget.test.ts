// The published widget, unmodified, does everything a person does with it, on a machine without internet.
import { describe, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder, type Template } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { filesOfManyFormats, picture, textFile } from './support/corpus.ts';
import { type DemoOptions, type PickedFile, Widget } from './support/widget.ts';

const FORMATS_MIN = 40;
/** The widget's own decorations have fixed addresses (wire contract 11.7). */
const ICONS = ['image assets.filerobot.com', 'image cdn.scaleflex.com'];
const EDITOR = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_UPLOAD',
  'FILE_RENAME',
  'FILE_MOVE',
  'FILE_DELETE',
  'FILE_SET_VISIBILITY',
  'FILE_IMAGE_EDITOR',
  'DIR_CREATE',
  'DIR_RENAME',
  'DIR_MOVE',
  'DIR_DELETE',
];

const target = useTarget();
const pages = usePages();

/** The widget with an editor's rights, in a folder of its own that holds these files. */
async function openEditor(
  files: readonly PickedFile[] = [],
  more: DemoOptions = {},
): Promise<{ readonly widget: Widget; readonly folder: string; readonly template: Template }> {
  const folder = freshFolder();
  const made = await target.admin('POST', 'v5/folders', { json: { name: folder } });
  expect(made.outcome).toBe('200');
  for (const { name, buffer } of files) await target.seed(folder, name, buffer);
  const template = await target.template({ name: 'Editor', permissions: EDITOR });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder, ...more });
  return { widget, folder, template };
}

/** Names and other members of the files in a folder, as the API tells them. */
async function filesIn(folder: string): Promise<ReadonlyMap<string, unknown>> {
  const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}&limit=1000`);
  return new Map(answer.list('files').map((file) => [String(member(file, 'name')), file]));
}

describe('the widget on the demo page', () => {
  test('starts without a message, asking other hosts for nothing but icons that may fail', async () => {
    const { widget } = await openEditor([picture('red.png')]);
    await widget.file('red.png').waitFor();
    expect(await widget.toasts()).toEqual([]);
    expect(widget.visit.errors).toEqual([]);
    expect(widget.visit.outside.filter((asked) => !ICONS.includes(asked))).toEqual([]);
  });

  test('starts on the template that comes with the server', async () => {
    const widget = await Widget.open(pages, target, { from: freshAddress() });
    await widget.page.getByTestId('topbar-upload-btn').waitFor();
    expect(await widget.toasts()).toEqual([]);
    expect(widget.visit.errors).toEqual([]);
  });

  test(`uploads files of at least ${FORMATS_MIN} formats through the file dialog and shows each at once`, {
    timeout: 300_000,
  }, async () => {
    const files = filesOfManyFormats(48);
    expect(files.length).toBeGreaterThanOrEqual(FORMATS_MIN);
    const { widget, folder } = await openEditor([], { viewport: { width: 1600, height: 4200 } });
    for (let from = 0; from < files.length; from += 12) {
      const batch = files.slice(from, from + 12);
      await widget.upload(batch);
      for (const { name } of batch) await widget.file(name).waitFor();
    }
    const stored = await filesIn(folder);
    expect(Object.fromEntries([...stored].map(([name, file]) => [name, member(file, 'size.bytes')]))).toEqual(
      Object.fromEntries(files.map(({ name, buffer }) => [name, buffer.length])),
    );
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('keeps every byte of an upload', async () => {
    const { widget, folder } = await openEditor();
    const sent = picture('every-byte.png');
    await widget.upload([sent]);
    await widget.file(sent.name).waitFor();
    const uuid = member((await filesIn(folder)).get(sent.name), 'uuid');
    const got = await target.admin('GET', `v4/get/${uuid}`);
    expect(got.bytes.equals(sent.buffer)).toBe(true);
  });

  test('opens a folder', async () => {
    const { widget, folder } = await openEditor([textFile('outside.txt', 'out')]);
    await target.seed(`${folder}/inner`, 'inside.txt');
    await widget.page.reload();
    await widget.folder('inner').dblclick();
    await widget.file('inside.txt').waitFor();
    await widget.file('outside.txt').waitFor({ state: 'detached' });
  });

  test('shows the rest of a long list when it is scrolled to its end', async () => {
    // Two and a half pages of the widget's fifty.
    const names = Array.from({ length: 125 }, (_, n) => `f${String(n).padStart(3, '0')}.txt`);
    const { widget } = await openEditor(names.map((name) => textFile(name, name)));
    await widget.file('f000.txt').hover();
    expect(await widget.file('f124.txt').count()).toBe(0);
    await expect
      .poll(async () => {
        await widget.page.mouse.wheel(0, 3000);
        return widget.file('f124.txt').count();
      })
      .toBe(1);
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('makes a folder', async () => {
    const { widget, folder } = await openEditor();
    await widget.page.getByRole('button', { name: 'New Folder' }).click();
    await widget.page.getByPlaceholder('Enter new folder name').fill('fresh');
    await widget.confirm();
    await widget.folder('fresh').waitFor();
    const folders = await target.admin('GET', `v5/folders?folder=${encodeURIComponent(folder)}`);
    expect(folders.list('folders').map((it) => member(it, 'path'))).toEqual([`${folder}/fresh`]);
  });

  test('renames a file', async () => {
    const { widget, folder } = await openEditor([textFile('old.txt', 'same')]);
    await widget.fromMenu(widget.file('old.txt'), 'rename_item');
    await widget.typeNewName('new.txt');
    await widget.file('new.txt').waitFor();
    await widget.file('old.txt').waitFor({ state: 'detached' });
    expect([...(await filesIn(folder)).keys()]).toEqual(['new.txt']);
  });

  test('moves a file', async () => {
    const { widget, folder } = await openEditor([textFile('mover.txt', 'same')]);
    const destination = `destination-${folder.slice(3)}`;
    await target.seed(`${folder}/${destination}`, 'stayer.txt');
    await widget.page.reload();
    await widget.fromMenu(widget.file('mover.txt'), 'move_item');
    await widget.page.getByPlaceholder('Search folders').last().fill(destination);
    await widget.page.getByText(`${folder}/${destination}`, { exact: true }).click();
    await widget.confirm();
    await widget.file('mover.txt').waitFor({ state: 'detached' });
    expect([...(await filesIn(folder)).keys()]).toEqual([]);
    expect([...(await filesIn(`${folder}/${destination}`)).keys()].sort()).toEqual(['mover.txt', 'stayer.txt']);
  });

  test('deletes a file', async () => {
    const { widget, folder } = await openEditor([textFile('goes.txt', '1'), textFile('stays.txt', '2')]);
    await widget.fromMenu(widget.file('goes.txt'), 'delete_item');
    await widget.confirm();
    await widget.file('goes.txt').waitFor({ state: 'detached' });
    expect([...(await filesIn(folder)).keys()]).toEqual(['stays.txt']);
  });

  test('moves files and folders that are selected together, and deletes them', async () => {
    const { widget, folder } = await openEditor([textFile('one.txt', 'one')]);
    const goal = `goal-${folder.slice(3)}`;
    await target.seed(`${folder}/inner`, 'two.txt');
    await target.seed(`${folder}/${goal}`, 'three.txt');
    await widget.page.reload();
    const selectBoth = async () => {
      await widget.pointAt(widget.file('one.txt'));
      await widget.file('one.txt').click();
      // A click takes a moment to be none of two, and then selects this file alone.
      await widget.page.getByText('1 Selected', { exact: true }).waitFor();
      await widget.folder('inner').hover();
      await widget.folder('inner').getByRole('checkbox').click({ force: true });
      await widget.page.getByText('2 Selected', { exact: true }).waitFor();
    };
    const everything = async () => {
      const answer = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}&recursive=1`);
      return answer.list('files').map((file) => `${member(file, 'folder.name')}/${member(file, 'name')}`);
    };

    await selectBoth();
    await widget.fromMenu(widget.file('one.txt'), 'move_item');
    await widget.page.getByPlaceholder('Search folders').last().fill(goal);
    await widget.page.getByText(`${folder}/${goal}`, { exact: true }).click();
    await widget.confirm();
    await widget.file('one.txt').waitFor({ state: 'detached' });
    const moved = ['one.txt', 'three.txt', 'inner/two.txt'].map((path) => `${folder}/${goal}/${path}`);
    await expect.poll(async () => (await everything()).sort()).toEqual(moved.sort());

    await widget.folder(goal).dblclick();
    await selectBoth();
    await widget.fromMenu(widget.file('one.txt'), 'delete_item');
    await widget.confirm();
    await widget.file('one.txt').waitFor({ state: 'detached' });
    await expect.poll(everything).toEqual([`${folder}/${goal}/three.txt`]);
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('renames, moves and deletes folders', async () => {
    // At the root: the widget looks for the parent of a renamed folder in its tree, which lacks the folder it was opened at.
    const suffix = freshFolder().slice(3);
    const [old, next, mover, goner] = [`old-${suffix}`, `next-${suffix}`, `mover-${suffix}`, `goner-${suffix}`];
    for (const name of [old, mover, goner]) await target.seed(`/${name}`, 'inside.txt');
    const template = await target.template({ name: 'Editor', permissions: EDITOR });
    const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id });

    await widget.fromMenu(widget.folder(goner), 'delete_item');
    await widget.confirm();
    await widget.folder(goner).waitFor({ state: 'detached' });
    await widget.fromMenu(widget.folder(mover), 'move_item');
    await widget.page.getByPlaceholder('Search folders').last().fill(old);
    await widget.page.getByText(`/${old}`, { exact: true }).click();
    await widget.confirm();
    await widget.folder(mover).waitFor({ state: 'detached' });
    await widget.fromMenu(widget.folder(old), 'rename_item');
    await widget.typeNewName(next);
    await widget.folder(next).waitFor();

    const answer = await target.admin('GET', 'v5/folders?folder=/&recursive=1&limit=4000');
    const paths = answer.list('folders').map((it) => String(member(it, 'path')));
    expect(paths.filter((path) => path.includes(suffix)).sort()).toEqual([`/${next}`, `/${next}/${mover}`]);
    expect([...(await filesIn(`/${next}/${mover}`)).keys()]).toEqual(['inside.txt']);
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('changes the visibility of a file for a key that names a person', async () => {
    const folder = freshFolder();
    await target.seed(folder, 'shown.txt');
    const made = await target.admin('POST', 'key', {
      json: { subject: 'ann', permissions: [...EDITOR, 'OBJECTS_SHARE_MANAGE'] },
    });
    const { widget } = await openEditor([], { folder, accessKey: made.text('key') });
    const seen = async () => member((await filesIn(folder)).get('shown.txt'), 'visibility.in_cdn.set');

    await widget.fromMenu(widget.file('shown.txt'), 'share_item', 'publish');
    await widget.confirm();
    await widget.seeToast('CDN link was successfully');
    const first = await seen();
    await widget.confirm();
    await widget.fromMenu(widget.file('shown.txt'), 'share_item', 'publish');
    await widget.confirm();
    await expect.poll(seen).not.toBe(first);
    expect([first, await seen()].sort()).toEqual(['not_public', 'public']);
  });

  test('searches by name', async () => {
    const { widget } = await openEditor([textFile('harbour.txt', '1'), textFile('meadow.txt', '2')]);
    await widget.page.getByTestId('fmaw-common_search_group_input').fill('harb');
    await widget.page.keyboard.press('Enter');
    await widget.file('meadow.txt').waitFor({ state: 'detached' });
    await widget.file('harbour.txt').waitFor();
  });

  test('downloads a file', async () => {
    const sent = picture('download.png');
    const { widget } = await openEditor([sent]);
    const got = await widget.download(() =>
      widget.fromMenu(widget.file(sent.name), 'download_items', 'download_as_original'),
    );
    expect(got.name).toBe(sent.name);
    expect(got.bytes.equals(sent.buffer)).toBe(true);
  });

  test('saves an edited picture as the next version of the same file', async () => {
    const sent = picture('edited.png');
    const { widget, folder } = await openEditor([sent]);
    const before = (await filesIn(folder)).get(sent.name);
    await widget.fromMenu(widget.file(sent.name), 'edit_img');
    await widget.page.getByText('Filters', { exact: true }).click();
    await widget.page.getByText('Invert', { exact: true }).first().click();
    await widget.page.getByRole('button', { name: 'Save', exact: true }).click();
    await widget.page.getByText('Save as new version', { exact: true }).first().click();

    const uuidOf = (file: unknown) => String(member(file, 'uuid'));
    await expect.poll(async () => uuidOf((await filesIn(folder)).get(sent.name))).not.toBe(uuidOf(before));
    const after = await filesIn(folder);
    expect([...after.keys()]).toEqual([sent.name]);
    expect(uuidOf(after.get(sent.name)).slice(0, -4)).toBe(uuidOf(before).slice(0, -4));
    expect(member(after.get(sent.name), 'hash.sha1')).not.toBe(member(before, 'hash.sha1'));
    expect(member(after.get(sent.name), 'type')).toBe('image/png');
  });

  test('renews its key before it expires and goes on working with the next', async () => {
    const folder = freshFolder();
    const template = await target.template({
      name: 'Short',
      permissions: EDITOR,
      key_validity: { expiration_duration: 10 },
      issue: { limit_per_ip_per_min: 60 },
    });
    await target.seed(folder, 'first.txt');
    const { widget } = await openEditor([], { folder, template: template.id });
    const [first = ''] = await widget.keys();
    await expect
      .poll(async () => (await target.call('GET', 'v5/files', { key: first })).outcome)
      .toBe('401 KEY_EXPIRED');
    await widget.upload([textFile('after-expiry.txt', 'late')]);
    await widget.file('after-expiry.txt').waitFor();
    expect((await widget.keys()).length).toBeGreaterThan(1);
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });
});
