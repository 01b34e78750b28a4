// A person asks the published widget for pictures like one, and for pictures by a sentence: what it shows is what the server answers.
import { expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { textFile, twoColours } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const target = useTarget();
const pages = usePages();

const SKY = [90, 160, 235] as const;
const GRASS = [70, 140, 60] as const;
const NIGHT = [10, 10, 40] as const;

const MEADOW = 'meadow at noon.png';
const SMALLER = 'holiday.png';
const HAZY = 'another meadow.png';
const DARK = 'harbour by night.png';

/** Pictures of which two show the same, one nearly that and one something else, a text, and a template that sees no others. */
async function seeded() {
  const folder = freshFolder();
  const uuids = new Map<string, string>();
  for (const { name, buffer } of [
    twoColours(MEADOW, SKY, GRASS),
    twoColours(SMALLER, SKY, GRASS, 48),
    twoColours(HAZY, [110, 170, 230], [90, 150, 80]),
    twoColours(DARK, NIGHT, [0, 0, 0]),
    textFile('meadow.txt', 'no picture'),
  ]) {
    uuids.set(name, String((await target.seed(folder, name, buffer))['uuid']));
  }
  // What they look like is found out after the upload.
  for (const [name, uuid] of uuids) {
    if (!name.endsWith('.png')) continue;
    const look = async () => member((await target.admin('GET', `v5/file/${uuid}`)).json, 'file.hash.blurhash');
    await expect.poll(look).toEqual(expect.any(String));
  }
  const permissions = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'LABELS_LIST', 'COLLECTIONS_LIST'];
  const template = await target.template({ name: 'Finder', permissions, listing: { dir_scope: [`${folder}/*`] } });
  const holder = await target.holderOf(template);
  const ask = async (what: 'image' | 'text', body: object) => {
    const json = { ref_key: 'uuid', ...body };
    const answer = await target.call('POST', `v5/ml/images/embedding/${what}`, { ...holder.ask, json });
    expect(answer.outcome).toBe('200');
    return answer.list('files').map((file) => member(file, 'name'));
  };
  const uuidOf = (name: string) => uuids.get(name) ?? expect.fail(name);
  const open = () => Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
  return { ask, uuidOf, open };
}

async function expectNoFailure(widget: Widget): Promise<void> {
  expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
}

/** Goes to the view of all files, as a person does by the list in front of the search field. The widget offers both searches there. */
async function showAll(widget: Widget): Promise<void> {
  await widget.setOptions({ view: 'ASSETS' });
  await widget.page.locator('.SfxSwitcher-Input').waitFor();
}

test('finds the pictures that look like one, from its menu, and shows it in front of them', async () => {
  const { ask, uuidOf, open } = await seeded();
  const alike = await ask('image', { ref: uuidOf(MEADOW) });
  expect(alike).toEqual([SMALLER, HAZY]);
  const widget = await open();
  await showAll(widget);
  await expect.poll(() => widget.files()).toHaveLength(5);
  await widget.fromMenu(widget.file(MEADOW), 'more_actions', 'find_similar');
  await expect.poll(() => widget.files()).toEqual([MEADOW, ...alike]);
  await expect.poll(() => widget.page.url()).toContain('fmaw_s_similar=');
  // Who comes back to this address finds them again.
  await widget.page.reload();
  await expect.poll(async () => [...(await widget.files())].sort()).toEqual([MEADOW, ...alike].sort());
  await expectNoFailure(widget);
});

test('shows a picture that nothing is like by itself', async () => {
  const { ask, uuidOf, open } = await seeded();
  expect(await ask('image', { ref: uuidOf(DARK) })).toEqual([]);
  const widget = await open();
  await showAll(widget);
  await widget.fromMenu(widget.file(DARK), 'more_actions', 'find_similar');
  await expect.poll(() => widget.files()).toEqual([DARK]);
  await expectNoFailure(widget);
});

test('shows the pictures that look like one when the page asks for them', async () => {
  const { uuidOf, open } = await seeded();
  const widget = await open();
  await showAll(widget);
  await widget.setOptions({ search: { similar: [Buffer.from(uuidOf(SMALLER)).toString('base64')] } });
  await expect.poll(async () => [...(await widget.files())].sort()).toEqual([HAZY, SMALLER, MEADOW].sort());
  await expectNoFailure(widget);
});

test('offers neither in a folder, from where the widget would take itself off the page', async () => {
  const { open } = await seeded();
  const widget = await open();
  expect(await widget.page.locator('.SfxSwitcher-Input').count()).toBe(0);
  await widget.pointAt(widget.file(MEADOW));
  await widget.file(MEADOW).click({ button: 'right' });
  await widget.page.getByTestId('fmaw-explorer-context_menu_option_download_items').waitFor();
  expect(await widget.page.getByTestId('fmaw-explorer-context_menu_option_more_actions').count()).toBe(0);
  await expectNoFailure(widget);
});

test('finds pictures by a sentence once the switch for it is on', async () => {
  const { ask, open } = await seeded();
  const [sentence, colour] = ['a picture of the meadow at noon', 'black'];
  expect(await ask('text', { text: sentence })).toEqual([MEADOW, HAZY]);
  expect(await ask('text', { text: colour })).toEqual([DARK]);
  const widget = await open();
  const { page } = widget;
  await showAll(widget);
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/ml/images/embedding/text')) asked.push(`${request.url()} ${request.postData()}`);
  });
  await page.locator('.SfxSwitcher-Input').click();
  await widget.search(sentence);
  await expect.poll(() => widget.files()).toEqual([MEADOW, HAZY]);
  await widget.search(colour);
  await expect.poll(() => widget.files()).toEqual([DARK]);
  expect(asked).toHaveLength(2);
  expect(asked[0]).toContain(`?source_lang=en {"text":"${sentence}","ref_key":"uuid"}`);
  // Nothing is no reason to complain.
  await page.getByTestId('fmaw-common_search_group_input').fill('');
  await page.waitForLoadState('networkidle');
  await expectNoFailure(widget);
});
