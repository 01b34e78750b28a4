// Runs the media contract on the adapter, and the adapter on real files of every format at hand.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { mediaContract } from '../../contract/media.ts';
import { openMedia } from '../../src/adapters/media/media.ts';

describe('the media contract', () => {
  test.each(mediaContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(async () => openMedia());
    },
  );
});

/** Files whose extension is not what they are found to be, with what is found and why that is right or the best there is. */
const EXCEPTIONS: Readonly<Record<string, { readonly found: string | undefined; readonly why: string }>> = {
  '.gitattributes': { found: 'txt', why: 'a text without an extension' },
  'fixture-2.doc.cfb': { found: 'doc', why: 'named after its container; the stream in it is a Word document' },
  'fixture.xls.cfb': { found: 'xls', why: 'named after its container; the stream in it is a workbook' },
  'fixture-password-protected.xls': { found: 'cfb', why: 'encrypted: the bytes do not say what is inside' },
  'fixture-bad-offset-10.mp3': { found: undefined, why: 'a damaged fragment with a tag and without a frame' },
  'fixture-id3v2.aac': { found: 'mp3', why: 'the tag of MP3 stands before it, longer than the head' },
  'fixture-id3v2.flac': { found: 'mp3', why: 'the tag of MP3 stands before it, longer than the head' },
  'fixture-json.webp': { found: 'json', why: 'JSON that was named WebP' },
};

const corpora = process.env['CORPORA_DIR'];

describe.runIf(corpora !== undefined)('real files', () => {
  const folder = join(corpora ?? '', 'files');
  const names = corpora === undefined ? [] : readdirSync(folder);

  it('are found to be what they are, without their names and with them', async () => {
    expect(names.length).toBeGreaterThan(200);
    const media = openMedia();
    const wrong: string[] = [];
    for (const name of names) {
      const head = readFileSync(join(folder, name)).subarray(0, 64 * 1024);
      const anonymous = await media.detect(head, 'upload', undefined);
      const withName = await media.detect(head, name, undefined);
      const exception = EXCEPTIONS[name];
      const expected = exception === undefined ? name.split('.').at(-1)?.toLowerCase() : exception.found;
      if (anonymous.extension !== expected) wrong.push(`${name}: ${anonymous.extension} (${anonymous.mime})`);
      if (withName.extension !== expected) wrong.push(`${name} by name: ${withName.extension} (${withName.mime})`);
    }
    expect(wrong).toEqual([]);
    expect(Object.keys(EXCEPTIONS).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('are never found to be anything that their bytes are not, when named after every other format', async () => {
    const media = openMedia();
    const extensions = ['svg', 'html', 'jpg', 'pdf', 'txt', 'js', 'docx', 'bin'];
    for (const name of names) {
      const head = readFileSync(join(folder, name)).subarray(0, 64 * 1024);
      const { mime, proven } = await media.detect(head, 'upload', undefined);
      // A text may be many things at once; there the name decides.
      if (!proven || mime.startsWith('text/') || mime === 'application/json') continue;
      for (const extension of extensions) {
        expect(await media.detect(head, `upload.${extension}`, 'text/html'), `${name} as .${extension}`).toMatchObject({
          mime,
        });
      }
    }
  });
});

if (corpora === undefined) console.info('CORPORA_DIR is not set: real files were not judged.');
