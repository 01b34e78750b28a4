// What is found out about uploads after they were answered, and how it shows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pdf, png, pngOf } from '../../contract/pictures.ts';
import { AppError } from '../../src/errors.ts';
import { examineDue } from '../../src/operations/examinations.ts';
import { type Harness, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
});
afterAll(() => harness.close());

async function examined(name: string, content: Buffer | string) {
  const answer = await harness.upload(key, '/examined', { name, content });
  expect(answer.status, answer.text).toBe(200);
  while ((await examineDue(harness.ports)) > 0);
  const { body } = await harness.call({ url: `/v5/files/${answer.textAt('file.uuid')}`, key });
  return {
    before: answer.body['file'] as { readonly info: object; readonly modified_at: string },
    after: body['file'] as {
      readonly uuid: string;
      readonly info: Record<string, unknown>;
      readonly hash: Record<string, unknown>;
      readonly modified_at: string;
    },
  };
}

describe('after an upload', () => {
  test('a picture tells its sides, orientation, colours and blurred preview; the answer did not wait for it', async () => {
    const { before, after } = await examined('red.png', png(60, 20, [220, 30, 30]));
    expect(before.info).toEqual({});
    expect(after.info).toMatchObject({
      img_w: 60,
      img_h: 20,
      img_o: 'PA',
      img_type: 'PNG',
      img_color_space: 'sRGB',
      area: 1200,
      dominant_color: 'red',
      dominant_color_hex: '#dc1e1e',
      main_colors: ['red'],
      main_colors_hex: ['#dc1e1e'],
    });
    expect(after.hash['blurhash']).toMatch(/^[\x21-\x7e]{6,60}$/);
    expect(after.hash['blur_hash']).toBe(after.hash['blurhash']);
    expect(after.modified_at).toBe(before.modified_at);
  });

  test('a document tells its pages, a text nothing, broken and huge pictures nothing', async () => {
    expect(
      (
        await examined(
          'two.pdf',
          pdf([
            [1, 2, 3],
            [4, 5, 6],
          ]),
        )
      ).after.info,
    ).toEqual({ page_count: 2 });
    expect((await examined('a.txt', 'hello')).after.info).toEqual({});
    expect((await examined('huge.png', pngOf(50_000, 50_000, 8, 6, Buffer.alloc(0)))).after.info).toEqual({});
    expect(await examineDue(harness.ports)).toBe(0);
  });

  test('a new version has facts of its own, the old one keeps its', async () => {
    const first = await harness.upload(key, '/versions', { name: 'v.png', content: png(10, 20, [1, 2, 3]) });
    await examineDue(harness.ports);
    const second = await harness.upload(key, '/versions', { name: 'v.png', content: png(15, 10, [1, 2, 3]) });
    await examineDue(harness.ports);
    const orientation = async (uuid: string) =>
      ((await harness.call({ url: `/v5/files/${uuid}`, key })).body['file'] as { info: Record<string, unknown> }).info[
        'img_o'
      ];
    expect(await orientation(first.textAt('file.uuid'))).toBe('PO');
    expect(await orientation(second.textAt('file.uuid'))).toBe('LD');
  });

  test('where a picture was taken is not told', async () => {
    // A TIFF block with a maker, a software and a pointer to coordinates, in the EXIF segment of a JPEG.
    const jpeg = await harness.call({ url: await drawnAsJpeg() });
    const { after } = await examined('geo.jpg', withExif(jpeg.bytes));
    expect(after.info['metadata']).toEqual({ Make: 'Latchkey' });
    expect(JSON.stringify(after.info)).not.toMatch(/GPS|latitude|48/i);
  });
});

describe('what an editor wrote', () => {
  test('is told in whatever letters it was written, and its keywords become tags', async () => {
    const { bytes } = await harness.call({ url: await drawnAsJpeg() });
    const content = withIptc(withExif(bytes), [
      [25, 'harbour'],
      [25, 'Brücke'],
      [25, '\u6e2f'],
      [25, Buffer.from('Größe', 'latin1')],
      [105, 'Boats at dusk'],
      [90, 'where it was taken'],
    ]);
    const { after } = await examined('written.jpg', content);
    const Keywords = ['harbour', 'Brücke', '\u6e2f', 'Größe'];
    expect(after.info['metadata']).toEqual({ Make: 'Latchkey', Keywords, Headline: 'Boats at dusk' });
    const body = { file: { uuid: after.uuid }, meta: { languages: ['en'] } };
    const tagged = await harness.call({ method: 'POST', url: '/v5/process/autotag', key, body });
    const tags = (tagged.body['file'] as { readonly tags: Readonly<Record<string, readonly { label: string }[]>> })
      .tags;
    expect((tags['en'] ?? []).map(({ label }) => label)).toEqual(expect.arrayContaining(Keywords));
    const found = await harness.call({ url: `/v5/files?recursive=1&q=${encodeURIComponent('#brücke')}`, key });
    expect(found.textAt('files.0.name')).toBe('written.jpg');
  });

  test.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)(
    'is read in a picture of the format %s',
    async (format) => {
      const list = ['Fish &amp; chips', '\u6e2f', 'harbour'].map((word) => `<r:li>${word}</r:li>`).join('');
      const packet = xmp(
        `<d:subject><r:Bag>${list}</r:Bag></d:subject><d:title><r:Alt><r:li>No keyword</r:li></r:Alt></d:title>`,
      );
      const picture = sharp({ create: { width: 9, height: 6, channels: 3, background: '#dc1e1e' } }).withXmp(packet);
      const written =
        format === 'tiff' ? picture : picture.withExif({ IFD0: { Make: 'Latchkey', XPKeywords: 'harbour;Größe' } });
      const { after } = await examined(`written.${format}`, await written[format]().toBuffer());
      const Keywords = ['Fish & chips', '\u6e2f', 'harbour'];
      expect(after.info['metadata']).toEqual(
        format === 'tiff' ? { Keywords } : { Make: 'Latchkey', Keywords: [...Keywords, 'Größe'] },
      );
    },
  );

  test.each([
    ['2024:05:01 10:00:00', '+02:00', '2024-05-01T08:00:00.000Z'],
    ['2024:05:01 01:30:00', '+05:45', '2024-04-30T19:45:00.000Z'],
    ['2024:05:01 10:00:00', undefined, '2024-05-01T10:00:00'],
    ['2024:05:01 10:00:00', 'noon', '2024-05-01T10:00:00'],
    // Where clocks go forward in that night there is no such time; the picture was taken somewhere else.
    ['2024:03:31 02:30:00', undefined, '2024-03-31T02:30:00'],
    ['0000:00:00 00:00:00', undefined, undefined],
    ['2023:02:29 10:00:00', '+02:00', undefined],
    ['yesterday', undefined, undefined],
  ])('tells when a picture was taken: %s at %s', async (DateTimeOriginal, OffsetTimeOriginal, expected) => {
    const IFD2 = { DateTimeOriginal, ...(OffsetTimeOriginal === undefined ? {} : { OffsetTimeOriginal }) };
    const picture = sharp({ create: { width: 9, height: 6, channels: 3, background: '#dc1e1e' } });
    const written = picture.withExif({ IFD0: { Make: 'Latchkey' }, IFD2 });
    for (const format of ['jpeg', 'webp'] as const) {
      const { after } = await examined(`taken.${format}`, await written.clone()[format]().toBuffer());
      expect(after.info['metadata'], format).toEqual({
        Make: 'Latchkey',
        ...(expected === undefined ? {} : { DateTimeOriginal: expected }),
      });
    }
  });

  test('is left out where it cannot be read, and nothing else with it', async () => {
    const { bytes } = await harness.call({ url: await drawnAsJpeg() });
    const cut = withIptc(bytes, [[25, 'harbour']]);
    cut.writeUInt16BE(0xffff, cut.indexOf('harbour') - 2);
    const { after } = await examined('cut.jpg', cut);
    expect(after.info).toMatchObject({ img_type: 'JPEG', img_w: 9 });
  });
});

describe('when it cannot be done now', () => {
  test('it is done later, and content that ends its process is given up', async () => {
    let mode: 'busy' | 'down' = 'busy';
    let looks = 0;
    const troubled = await openHarness({
      wrap: (ports) => ({
        ...ports,
        images: {
          ...ports.images,
          examine: (subject) => {
            looks += 1;
            if (mode === 'busy') return Promise.reject(new AppError('IMAGES_BUSY'));
            return ports.images.examine(subject);
          },
        },
      }),
    });
    const holder = await troubled.key();
    await troubled.upload(holder, '/', { name: 'a.png', content: png(3, 3, [1, 2, 3]) });
    for (let round = 0; round < 6; round += 1) {
      await examineDue(troubled.ports);
      troubled.clock.pass(20_000);
    }
    expect(looks).toBe(6);
    mode = 'down';
    await examineDue(troubled.ports);
    const { body } = await troubled.call({ url: '/v5/files?folder=/', key: await troubled.key() });
    const [file] = body['files'] as readonly { readonly info: Record<string, unknown> }[];
    expect(file?.info['img_w']).toBe(3);
    await troubled.close();
  });
});

const corpora = process.env['CORPORA_DIR'];

describe.runIf(corpora !== undefined)('a real photograph', () => {
  test('tells what its camera wrote', async () => {
    const content = readFileSync(join(corpora ?? '', 'files', 'fixture.jpg'));
    const { after } = await examined('photo.jpg', content);
    expect(after.info).toMatchObject({
      img_w: 200,
      img_h: 133,
      img_type: 'JPEG',
      metadata: { Make: expect.any(String) },
    });
  });
});

if (corpora === undefined) console.info('CORPORA_DIR is not set: no real photograph was looked at.');

async function drawnAsJpeg(): Promise<string> {
  const answer = await harness.upload(key, '/source', { name: 'source.png', content: png(9, 9, [1, 2, 3]) });
  return `${answer.textAt('file.url.permalink').replace(/^https?:\/\/[^/]+\/demo/, '')}?force_format=jpeg`;
}

/** The JPEG with a maker and coordinates in its EXIF segment. */
function withExif(jpeg: Buffer): Buffer {
  const maker = Buffer.from('Latchkey\0');
  const entry = (tag: number, type: number, count: number, value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.writeUInt32LE(count, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  const count = (entries: number) => Buffer.from([entries, 0]);
  const makerAt = 8 + 2 + 2 * 12 + 4;
  const gpsAt = makerAt + maker.length + 1;
  const degreesAt = gpsAt + 2 + 2 * 12 + 4;
  const degrees = Buffer.alloc(24);
  for (const [index, value] of [48, 1, 51, 1, 30, 1].entries()) degrees.writeUInt32LE(value, index * 4);
  const tiff = Buffer.concat([
    Buffer.from('49492a0008000000', 'hex'),
    count(2),
    entry(0x010f, 2, maker.length, makerAt),
    entry(0x8825, 4, 1, gpsAt),
    Buffer.alloc(4),
    maker,
    Buffer.alloc(1),
    count(2),
    entry(1, 2, 2, 0x4e),
    entry(2, 5, 3, degreesAt),
    Buffer.alloc(4),
    degrees,
  ]);
  return withSegment(jpeg, 0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

/** A packet of XMP (ISO 16684-1) about its file. */
function xmp(said: string): string {
  const names = 'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://purl.org/dc/elements/1.1/"';
  const about = `<r:RDF ${names}><r:Description r:about="">${said}</r:Description></r:RDF>`;
  return `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">${about}</x:xmpmeta><?xpacket end="w"?>`;
}

/** The JPEG with these texts in the block of IPTC that editors write: data sets of its second record. */
function withIptc(jpeg: Buffer, said: readonly (readonly [number, string | Buffer])[]): Buffer {
  const sets = said.map(([dataSet, text]) => {
    const bytes = Buffer.from(text);
    const head = Buffer.from([0x1c, 2, dataSet, 0, 0]);
    head.writeUInt16BE(bytes.length, 3);
    return Buffer.concat([head, bytes]);
  });
  const data = Buffer.concat(sets);
  const resource = Buffer.from('8BIM\u0004\u0004\0\0\0\0\0\0', 'latin1');
  resource.writeUInt32BE(data.length, 8);
  const body = [Buffer.from('Photoshop 3.0\0'), resource, data, Buffer.alloc(data.length % 2)];
  return withSegment(jpeg, 0xed, Buffer.concat(body));
}

function withSegment(jpeg: Buffer, marker: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}
