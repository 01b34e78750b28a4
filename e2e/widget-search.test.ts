// A person searches in the published widget, narrows what is found with its filter panel and sorts it.
import { expect, test } from 'vitest';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { picture, textFile } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const target = useTarget();
const pages = usePages();

test('the widget finds files by a word, by their format and tag, and sorts them by size', {
  timeout: 120_000,
}, async () => {
  const folder = freshFolder();
  const tag = `tag${folder.slice(3)}`;
  const seed = async (name: string, bytes: Buffer, tags: readonly string[] = []) => {
    const { uuid } = await target.seed(folder, name, bytes);
    const tagged = { lang: 'en', existing_tags: [], new_tags: tags };
    expect((await target.admin('PUT', `v5/file/${uuid}/tags`, { json: tagged })).outcome).toBe('200');
  };
  const long = textFile('harbour long.txt', 'long '.repeat(600));
  const short = textFile('harbour short.txt', 'short');
  const shot = picture('harbour.png');
  const other = textFile('mountain.txt', 'other');
  await seed(long.name, long.buffer);
  await seed(shot.name, shot.buffer);
  await seed(short.name, short.buffer, [tag]);
  await seed(other.name, other.buffer, [tag]);
  expect(shot.buffer.length).toBeGreaterThan(long.buffer.length);

  const template = await target.template({ name: 'Reader', permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
  const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
  expect(await widget.files()).toEqual([long.name, short.name, shot.name, other.name]);

  await widget.search('harbour');
  await expect.poll(() => widget.files()).toEqual([long.name, short.name, shot.name]);

  await widget.sortBy('Size');
  await expect.poll(() => widget.files()).toEqual([shot.name, long.name, short.name]);

  await widget.filter('Format', 'Image');
  await expect.poll(() => widget.files()).toEqual([shot.name]);
  await widget.clearFilter();
  await expect.poll(() => widget.files()).toEqual([shot.name, long.name, short.name]);

  await widget.filter('Tags', tag);
  await expect.poll(() => widget.files()).toEqual([short.name]);

  expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  expect(widget.visit.errors).toEqual([]);
});
