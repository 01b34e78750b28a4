// The published widget takes a file that is there already for uploaded.
import { expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { textFile } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const target = useTarget();
const pages = usePages();

async function filesIn(folder: string): Promise<readonly unknown[]> {
  return (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');
}

test('shows a file that is there already as uploaded, without an error, and nothing new is stored', async () => {
  const folder = freshFolder();
  const made = await target.admin('POST', 'v5/folders', { json: { name: folder } });
  expect(made.outcome).toBe('200');
  const permissions = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'];
  const template = await target.template({ name: 'Uploader', permissions });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
  const note = textFile('note.txt', 'the same');
  await widget.upload([note]);
  await widget.file(note.name).waitFor();
  const [before] = await filesIn(folder);

  await widget.page.reload();
  await widget.file(note.name).waitFor();
  const answered = widget.page.waitForResponse(
    (response) => response.request().method() === 'POST' && response.url().includes('/v4/files?'),
  );
  await widget.upload([note]);
  expect(await (await answered).json()).toMatchObject({ code: 'SAME_ASSET_EXISTS_SKIP_UPLOAD' });
  await expect.poll(() => widget.panelLine(note.name).innerText()).toContain('Uploaded');
  expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);

  const after = await filesIn(folder);
  expect(after).toHaveLength(1);
  expect(member(after[0], 'uuid')).toBe(member(before, 'uuid'));
});
