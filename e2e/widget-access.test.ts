// The published widget's own dialog of who has which role: opened, changed and saved as a person does it, and felt by the people it names.
import { expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder, multipart } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { Widget } from './support/widget.ts';

const RIGHTS = [
  'OBJECTS_LIST',
  'OBJECTS_FETCH',
  'FILE_UPLOAD',
  'LABELS_LIST',
  'COLLECTIONS_LIST',
  // The widget offers the dialog only to people who may share and publish.
  'OBJECTS_SHARE_MANAGE',
  'FILE_SET_VISIBILITY',
  'DIR_SET_VISIBILITY',
  'ACCESS_READ',
  'ACCESS_MANAGE',
];

const target = useTarget();
const pages = usePages();

/** The widget of a manager at a folder of its own that holds the folder `press` with a file, and people whom the dialog offers. */
async function openManager() {
  const top = freshFolder();
  const folder = `${top}/press`;
  await target.seed(folder, 'release.txt');
  const idOf = async (within: string, path: string) => {
    const listed = (await target.admin('GET', `v5/folders?folder=${encodeURIComponent(within)}&limit=1000`)).list(
      'folders',
    );
    return String(
      member(
        listed.find((it) => member(it, 'path') === path),
        'uuid',
      ),
    );
  };
  const [topId, folderId] = [await idOf('/', top), await idOf(top, folder)];
  const person = (name: string) => ({ uuid: `${name} ${top}`, name, email: `${name}@example.com` });
  const [boss, ann, ben] = [person('boss'), person('ann'), person('ben')];
  const keyOf = async ({ uuid }: { readonly uuid: string }) =>
    (await target.admin('POST', 'key', { json: { subject: uuid, permissions: RIGHTS } })).text('key');
  const from = freshAddress();
  const open = async () => {
    const widget = await Widget.open(pages, target, {
      from,
      accessKey: await keyOf(boss),
      user: boss.uuid,
      folder: top,
    });
    await widget.setOptions({ usersAndTeams: [boss, ann, ben] });
    return widget;
  };
  /** What a person's own key is answered: to a list of the folder, and to an upload into it. */
  const felt = async (who: { readonly uuid: string }) => {
    const key = await keyOf(who);
    const path = `?folder=${encodeURIComponent(folder)}`;
    const list = await target.call('GET', `v5/files${path}`, { key, from });
    const upload = await target.call('POST', `v4/files${path}`, {
      key,
      from,
      ...multipart(`${who.uuid}.txt`.slice(0, 3), 'x'),
    });
    return [list.outcome, upload.outcome];
  };
  /** What the API says of the folder: whether it stops what is inherited, the role of others, and who has an entry. */
  const said = async () => {
    const { json } = await target.admin('GET', `v5/folder/${folderId}/accesses`);
    const entries = member(json, 'accesses.per_users') as readonly unknown[];
    return {
      stops: member(json, 'folder.stop_inherit'),
      others: member(json, 'folder.default_gallery_role.actual.id'),
      own: Object.fromEntries(
        entries
          .filter((entry) => member(entry, 'relation') === 'direct')
          .map((entry) => [String(member(entry, 'user.uuid')).split(' ')[0], member(entry, 'role.id')]),
      ),
    };
  };
  const give = (id: string, role: number, ...people: readonly { readonly uuid: string }[]) =>
    target.admin('POST', `v5/folder/${id}/access`, {
      json: { access: { role, who: { users: people.map(({ uuid }) => uuid) } } },
    });
  return { topId, folderId, boss, ann, ben, open, felt, said, give };
}

/** The dialog of a file or folder. */
class Dialog {
  readonly widget: Widget;

  private constructor(widget: Widget) {
    this.widget = widget;
  }

  static async open(widget: Widget, item: ReturnType<Widget['file']>): Promise<Dialog> {
    await widget.fromMenu(item, 'share_item', 'manage_access');
    await widget.page.getByText('People with access', { exact: true }).waitFor();
    return new Dialog(widget);
  }

  /** The line of somebody, with the role and the buttons on it. */
  line(name: string) {
    return this.widget.page.getByText(name, { exact: true }).last().locator('xpath=ancestor::div[.//button][1]');
  }

  /** The role that stands on the line of somebody. */
  async roleOf(name: string): Promise<string> {
    const role = this.widget.page
      .getByText(name, { exact: true })
      .last()
      .locator('xpath=ancestor::div[.//span[@title=""]][1]//span[@title=""]');
    return role.first().innerText();
  }

  async chooseMode(from: string, to: string): Promise<void> {
    const shown = (text: string) => this.widget.page.getByText(text, { exact: true }).filter({ visible: true });
    await shown(from).click();
    await shown(to).click();
  }

  async chooseRole(name: string, role: string): Promise<void> {
    await this.line(name).getByRole('button').first().click();
    await this.#pickRole(role);
  }

  async add(email: string, role: string): Promise<void> {
    const { page } = this.widget;
    await page.getByRole('button', { name: 'Add users' }).click();
    const field = page.getByPlaceholder('Search for user by name or email');
    await field.fill(email);
    await field.press('Enter');
    await this.#pickRole(role);
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
  }

  /** The names of roles stand beside their dots as the style sheet writes them, which no locator finds. */
  async #pickRole(role: string): Promise<void> {
    const dot = await this.widget.page.waitForFunction(
      (label) =>
        [...document.querySelectorAll('div')].find((it) => getComputedStyle(it, '::before').content === `"${label}"`),
      role,
    );
    await dot.asElement()?.click();
  }

  async remove(name: string): Promise<void> {
    await this.line(name).getByRole('button').nth(1).click();
  }

  async save(): Promise<void> {
    await this.widget.confirm();
    await this.widget.page.getByTestId('modal-primary-button').waitFor({ state: 'detached' });
  }
}

async function expectNoFailure(widget: Widget): Promise<void> {
  expect((await widget.toasts()).filter(({ type }) => type !== 'success' && type !== 'info')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
}

const OPEN = ['200', '200'];
const NONE = ['403 SCOPE_DENIED', '403 SCOPE_DENIED'];

test('a folder is closed, somebody is let in, given another role and put out, and the folder is opened again', async () => {
  const { boss, ann, ben, open, felt, said } = await openManager();
  const widget = await open();
  const press = widget.folder('press');
  expect([await felt(ann), await felt(ben)]).toEqual([OPEN, OPEN]);

  let dialog = await Dialog.open(widget, press);
  expect(await dialog.roleOf('All organization')).toBe('Manager');
  await dialog.chooseMode('Inherits from parent Folder', 'Override');
  await dialog.chooseRole('All organization', 'No permission');
  await dialog.add('ann@example.com', 'Viewer');
  await dialog.save();
  // Whoever closes a folder stays inside.
  expect(await said()).toEqual({ stops: true, others: 0, own: { ann: 2, boss: 6 } });
  expect([await felt(ann), await felt(ben), await felt(boss)]).toEqual([['200', '403 ACCESS_DENIED'], NONE, OPEN]);

  dialog = await Dialog.open(widget, press);
  expect(await dialog.roleOf('All organization')).toBe('No permission');
  expect([await dialog.roleOf('ann'), await dialog.roleOf('boss')]).toEqual(['Viewer', 'Manager']);
  await dialog.chooseRole('ann', 'Editor');
  await dialog.save();
  expect(await said()).toEqual({ stops: true, others: 0, own: { ann: 4, boss: 6 } });
  expect([await felt(ann), await felt(ben)]).toEqual([OPEN, NONE]);

  dialog = await Dialog.open(widget, press);
  await dialog.chooseRole('All organization', 'List only');
  await dialog.remove('ann');
  await dialog.save();
  expect(await said()).toEqual({ stops: true, others: 1, own: { boss: 6 } });
  expect([await felt(ann), await felt(ben)]).toEqual([
    ['200', '403 ACCESS_DENIED'],
    ['200', '403 ACCESS_DENIED'],
  ]);

  dialog = await Dialog.open(widget, press);
  await dialog.chooseMode('Override', 'Inherits from parent Folder');
  await dialog.save();
  expect(await said()).toEqual({ stops: false, others: 6, own: {} });
  expect([await felt(ann), await felt(ben), await felt(boss)]).toEqual([OPEN, OPEN, OPEN]);
  await expectNoFailure(widget);
});

test('who has which role is shown for a folder that inherits, its own entries included, and for a file, which takes none', async () => {
  const { topId, folderId, boss, ann, ben, open, felt, said, give } = await openManager();
  await give(topId, 3, ann, ben);
  await give(folderId, 2, ann);
  const widget = await open();

  const ofFolder = await Dialog.open(widget, widget.folder('press'));
  expect([await ofFolder.roleOf('ann'), await ofFolder.roleOf('ben')]).toEqual(['Viewer', 'Collaborator']);
  await widget.page.getByRole('button', { name: 'Cancel', exact: true }).click();

  await widget.folder('press').dblclick();
  await widget.file('release.txt').waitFor();
  const ofFile = await Dialog.open(widget, widget.file('release.txt'));
  expect([await ofFile.roleOf('ann'), await ofFile.roleOf('ben')]).toEqual(['Viewer', 'Collaborator']);
  await expectNoFailure(widget);
  await ofFile.chooseMode('Inherits from parent Folder', 'Override');
  await ofFile.chooseRole('All organization', 'No permission');
  await widget.confirm();
  await widget.page
    .getByText('Say it of the folder of the file, or give the file a folder of its own')
    .first()
    .waitFor();
  expect(await said()).toEqual({ stops: false, others: 6, own: { ann: 2 } });
  expect([await felt(ann), await felt(ben), await felt(boss)]).toEqual([['200', '403 ACCESS_DENIED'], OPEN, OPEN]);
  expect(widget.visit.errors).toEqual([]);
});
