// The demo without a widget: a file input and fetch are enough, and refusals are readable there too.
import { describe, expect, test } from 'vitest';
import { member } from '../conformance/support/http.ts';
import { useTarget } from '../conformance/support/suite.ts';
import { type Fields, freshAddress, names } from '../conformance/support/target.ts';
import { usePages } from './support/browser.ts';
import { textFile } from './support/corpus.ts';

const target = useTarget();
const pages = usePages();

async function openPlain(fields: Fields) {
  const template = await target.template({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'], ...fields });
  const visit = await pages.visit({ from: freshAddress() });
  const keys: string[] = [];
  visit.page.on('response', async (response) => {
    if (response.url().includes('/key/SECU_')) keys.push(String(member(await response.json(), 'key')));
  });
  await visit.page.goto(`${target.baseUrl}/demo/plain.html?template=${template.id}`);
  return { ...visit, keys };
}

describe('the demo without a widget', () => {
  test('lists what is there and uploads what is chosen', async () => {
    await target.seed('/', 'there.txt');
    const { page, outside, errors } = await openPlain({});
    await page.getByText('there.txt, ').waitFor();
    await page.locator('#picker').setInputFiles([{ ...textFile('one.txt', '1') }, { ...textFile('two.txt', '22') }]);
    await page.getByText('one.txt, 1 B').waitFor();
    await page.getByText('two.txt, 2 B').waitFor();
    expect(names(await target.admin('GET', 'v5/files?folder=/'))).toEqual(['one.txt', 'there.txt', 'two.txt']);
    expect(errors).toEqual([]);
    expect(outside).toEqual([]);
  });

  test('gets another key when its own has expired', async () => {
    const { page, keys } = await openPlain({ key_validity: { expiration_duration: 1 } });
    await expect.poll(() => keys.length, { timeout: 30_000 }).toBe(1);
    await expect
      .poll(async () => (await target.call('GET', 'v5/files', { key: keys[0] ?? '' })).outcome, { timeout: 30_000 })
      .toBe('401 KEY_EXPIRED');
    await page.locator('#picker').setInputFiles([{ ...textFile('later.txt', 'late') }]);
    await page.getByText('later.txt, 4 B').waitFor();
  });

  test('says why a file was refused and what would make it pass', async () => {
    const { page } = await openPlain({ upload: { max_file_size: 3 } });
    await page.locator('#picker').setInputFiles([{ ...textFile('large.txt', 'large') }]);
    const problem = page.getByRole('alert');
    await problem.getByText('The file is too large').waitFor();
    expect(await problem.innerText()).toContain('max_file_size');
  });
});
