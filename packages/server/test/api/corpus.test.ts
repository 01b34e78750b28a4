// Real files of every format at hand: taken in, recognised, and given back byte by byte, whole and in parts.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomOf } from '../../contract/random.ts';
import { openMedia } from '../../src/adapters/media/media.ts';
import { CONTAINER, type Harness, openHarness } from '../support/harness.ts';
import { inParallel } from '../support/parallel.ts';

const corpora = process.env['CORPORA_DIR'];

/** Small files of our own, for machines without the corpus. */
const OWN: Readonly<Record<string, Buffer>> = {
  'pixel.png': Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
  'dot.gif': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
  'note.txt': Buffer.from('A note.\n'),
  'one-byte': Buffer.from('x'),
  'empty.bin': Buffer.alloc(0),
  'data.json': Buffer.from('{"red":1}\n'),
  'drawing.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
  'page.html': Buffer.from('<!doctype html><p>Red</p>'),
  'paper.pdf': Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'),
  'packed.gz': gzipSync('red'),
  'zeros.dat': Buffer.alloc(200_000),
};

const folder = join(corpora ?? '', 'files');
const names = corpora === undefined ? Object.keys(OWN) : readdirSync(folder);
const contentOf = (name: string) =>
  corpora === undefined ? (OWN[name] ?? Buffer.alloc(0)) : readFileSync(join(folder, name));
if (corpora === undefined) console.info('CORPORA_DIR is not set: a few small files stand for the real ones.');

let harness: Harness;
let key: string;
beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

interface WireFile {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  readonly size: { readonly bytes: number };
  readonly hash: { readonly sha1: string; readonly sha256: string };
  readonly url: { readonly cdn: string };
}

async function uploaded(name: string, content: Buffer): Promise<WireFile> {
  const url = `/v4/upload?dir=%2Fcorpus&filename=${encodeURIComponent(name)}`;
  const answer = await harness.call({ method: 'PUT', url, key, body: content });
  expect([answer.status, answer.body['status']], `${name}: ${answer.text}`).toEqual([200, 'success']);
  return answer.body['file'] as WireFile; // Its members are compared one by one.
}

/** A download as bytes: what looks like JSON is none in parts. */
async function download(url: string, range?: string) {
  const headers = { 'x-filerobot-key': key, ...(range === undefined ? {} : { range: `bytes=${range}` }) };
  const {
    statusCode,
    headers: answered,
    rawPayload,
  } = await harness.app.inject({ url: `/${CONTAINER}${url}`, headers });
  return { status: statusCode, headers: answered, bytes: rawPayload };
}

const parts = ({ status, headers, bytes }: Awaited<ReturnType<typeof download>>) => [
  status,
  headers['content-range'],
  bytes.length,
];

describe(`each of ${names.length} files`, () => {
  test('is as many as there should be', () => {
    expect(names.length).toBeGreaterThan(corpora === undefined ? 5 : 200);
  });

  test('is recognised by its bytes, and comes back equal, whole and in any part', async () => {
    const media = openMedia();
    await inParallel([...names.entries()], async ([index, name]) => {
      const random = randomOf(20_260_115 + index);
      const content = contentOf(name);
      const file = await uploaded(name, content);
      const found = await media.detect(content.subarray(0, 64 * 1024), name, undefined);
      expect([file.name, file.type, file.size.bytes], name).toEqual([
        name.normalize('NFC'),
        found.mime,
        content.length,
      ]);
      const sha256 = createHash('sha256').update(content);
      expect([file.hash.sha1, file.hash.sha256], name).toEqual([
        createHash('sha1').update(content).digest('hex'),
        sha256.copy().digest('hex'),
      ]);
      const url = `/v4/get/${file.uuid}`;
      const whole = await download(url);
      expect(whole.status, name).toBe(200);
      expect(whole.bytes.equals(content), name).toBe(true);
      expect(whole.headers['repr-digest'], name).toBe(`sha-256=:${sha256.digest('base64')}:`);

      const size = content.length;
      const ask = (range: string) => download(url, range);
      for (let round = 0; round < 3 && size > 0; round += 1) {
        const start = random.below(size);
        const end = start + random.below(size - start);
        const part = await ask(`${start}-${end}`);
        expect(parts(part), `${name} ${start}-${end}`).toEqual([206, `bytes ${start}-${end}/${size}`, end - start + 1]);
        expect(part.bytes.equals(content.subarray(start, end + 1)), `${name} ${start}-${end}`).toBe(true);
      }
      if (size > 0) {
        const count = 1 + random.below(size);
        const suffix = await ask(`-${count}`);
        expect(suffix.bytes.equals(content.subarray(size - count)), `${name} -${count}`).toBe(true);
        const open = await ask(`${size - 1}-`);
        expect(parts(open), name).toEqual([206, `bytes ${size - 1}-${size - 1}/${size}`, 1]);
      }
      const beyond = await ask(`${size}-`);
      expect(parts(beyond).slice(0, 2), name).toEqual([416, `bytes */${size}`]);
    });
  }, 240_000);

  test('has a preview, or something that stands for it, and never one that a browser would run', async () => {
    const { body } = await harness.call({ url: '/v5/files?folder=%2Fcorpus&limit=1000', key });
    const files = body['files'] as readonly WireFile[];
    expect(files).toHaveLength(names.length);
    const wrong: string[] = [];
    for (const { name, url } of files) {
      const { pathname, search } = new URL(url.cdn);
      const shown = await download(`${pathname.replace(`/${CONTAINER}`, '')}${search}&w=200`);
      const type = String(shown.headers['content-type'] ?? '');
      const isDrawn = type.startsWith('image/') && (!type.includes('svg') || shown.headers['content-security-policy']);
      const isHarmless = shown.headers['x-content-type-options'] === 'nosniff';
      const isDownload = String(shown.headers['content-disposition']).startsWith('attachment');
      if (shown.status !== 200 || !isHarmless || !(isDrawn || isDownload || INERT.test(type))) {
        wrong.push(`${name}: ${shown.status} ${type}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 240_000);
});

/** What a browser may show in place of a picture without running anything. */
const INERT = /^(?:video\/|audio\/|text\/plain|application\/pdf)/;
