// Keeps the table of the README true: which sentence of the product definition is held by which test.
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const folder = new URL('./', import.meta.url);
const MARK = '<!-- The table below is written by coverage.test.ts: run it with --update. -->\n';

/** Titles of tests that carry the number of a sentence, in the order of the files. */
async function guarantees(): Promise<readonly { number: string; title: string; file: string }[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.test.ts')).sort();
  const found = [];
  for (const file of files) {
    const text = await readFile(new URL(file, folder), 'utf8');
    for (const [, number = '', title = ''] of text.matchAll(/\btest\(\s*["'](\d+\.\d+) (.+?)["'],/g)) {
      found.push({ number, title: title.replaceAll(/\\(.)/g, '$1'), file });
    }
  }
  const order = ({ number }: { number: string }) => {
    const [section = 0, sentence = 0] = number.split('.').map(Number);
    return section * 1000 + sentence;
  };
  return found.sort((a, b) => order(a) - order(b));
}

test('every sentence has one number and one test, without a gap', async () => {
  const numbers = (await guarantees()).map(({ number }) => number);
  const expected = [3, 4, 5, 6, 7].flatMap((section) => {
    const count = numbers.filter((number) => number.startsWith(`${section}.`)).length;
    expect(count, `section ${section}`).toBeGreaterThan(0);
    return Array.from({ length: count }, (_, n) => `${section}.${n + 1}`);
  });
  expect(numbers).toEqual(expected);
});

test('the table of the README lists exactly these tests', async () => {
  const rows = (await guarantees()).map(({ number, title, file }) => `| ${number} | ${title} | \`${file}\` |`);
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  const [text = ''] = readme.split(MARK);
  const wanted = `${text}${MARK}\n| Sentence | Guarantee | Test |\n|---|---|---|\n${rows.join('\n')}\n`;
  await expect(wanted).toMatchFileSnapshot(new URL('README.md', folder).pathname);
});
