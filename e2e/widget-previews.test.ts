// The published widget shows what is stored: pictures, documents and files that only a key may fetch.
import { expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { freshAddress, freshFolder } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { pdf, picture } from './support/corpus.ts';
import { Widget } from './support/widget.ts';

const target = useTarget();
const pages = usePages();

/** Addresses and widths of our pictures that the browser has decoded. */
async function drawn(widget: Widget): Promise<readonly { readonly src: string; readonly width: number }[]> {
  const base = new URL(target.baseUrl).origin;
  return widget.page.evaluate(
    (origin) =>
      [...document.images]
        .filter((image) => image.src.startsWith(origin) && image.src.includes('w='))
        .map((image) => ({ src: image.src, width: image.naturalWidth })),
    base,
  );
}

for (const visibility of ['public', 'not_public'] as const) {
  test(`shows previews of pictures and documents that are ${visibility}, and their sides`, async () => {
    const folder = freshFolder();
    for (const { name, buffer } of [picture('photo.png'), pdf('page.pdf')]) await target.seed(folder, name, buffer);
    const listed = async () =>
      (await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`)).list('files');
    const uuids = (await listed()).map((file) => String(member(file, 'uuid')));
    const set = await target.admin('PUT', 'v5/objects/visibility/cdn', { json: { files_uuids: uuids, visibility } });
    expect(set.outcome).toBe('200');
    await expect
      .poll(async () => (await listed()).map((file) => member(file, 'info.img_w') ?? member(file, 'info.page_count')))
      .toEqual(expect.arrayContaining([96, 1]));

    const permissions = ['OBJECTS_LIST', 'OBJECTS_FETCH'];
    const template = await target.template({ name: 'Viewer', permissions });
    const widget = await Widget.open(pages, target, { from: freshAddress(), template: template.id, folder });
    await widget.file('photo.png').waitFor();
    await widget.file('page.pdf').waitFor();
    for (const name of ['photo.png', 'page.pdf']) {
      await expect
        .poll(async () => (await drawn(widget)).find(({ src }) => src.includes(name))?.width ?? 0)
        .toBeGreaterThan(0);
    }
    const addresses = (await drawn(widget)).map(({ src }) => src);
    expect(addresses.every((src) => src.includes('sig=') === (visibility === 'not_public'))).toBe(true);
    expect(addresses.some((src) => src.includes('SASS'))).toBe(false);

    await widget.file('photo.png').click();
    await widget.page
      .getByText(/96 ?[x×] ?64/)
      .first()
      .waitFor();
    expect((await widget.toasts()).filter(({ type }) => type === 'error')).toEqual([]);
  });
}
