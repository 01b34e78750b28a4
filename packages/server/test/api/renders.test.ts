// Files drawn on their way out: what an address may ask for, what is answered, and what is never drawn twice.
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostilePictures, pdf, png, pngOf, svg } from '../../contract/pictures.ts';
import { AppError } from '../../src/errors.ts';
import { COLOUR_NAMES } from '../../src/http/colour-names.ts';
import type { Ports } from '../../src/ports/index.ts';
import { type Harness, type HarnessOptions, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
let drawn = 0;
beforeAll(async () => {
  harness = await openHarness({
    // Each node keeps what it has drawn.
    oneNode: true,
    wrap: (ports: Ports) => ({
      ...ports,
      images: {
        ...ports.images,
        render: (subject, rendition, asker) => {
          drawn += 1;
          return ports.images.render(subject, rendition, asker);
        },
      },
    }),
  });
  key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
});
afterAll(() => harness.close());

async function stored(
  name: string,
  content: Buffer | string,
  folder = '/pictures',
): Promise<{ uuid: string; url: string }> {
  const answer = await harness.upload(key, folder, { name, content });
  expect(answer.status, answer.text).toBe(200);
  const url =
    answer
      .textAt('file.url.cdn')
      .replace(/^https?:\/\/[^/]+\/demo/, '')
      .split('?')[0] ?? '';
  return { uuid: answer.textAt('file.uuid'), url };
}

/** Type and sides of an answered picture, as its header says. */
function look(bytes: Buffer): string {
  if (bytes[0] === 0x89) return `png ${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
  if (bytes[0] === 0x52) return 'webp';
  return bytes[0] === 0xff ? 'jpeg' : bytes.subarray(0, 5).toString('latin1');
}

describe('what an address asks for', () => {
  test.each([
    ['w=100', 'png 100x50'],
    ['h=20', 'png 40x20'],
    ['width=100', 'png 100x50'],
    ['w=100&h=100', 'png 100x100'],
    ['w=100&h=100&func=crop', 'png 100x100'],
    ['w=100&h=100&func=cover', 'png 100x100'],
    ['w=100&h=100&func=bound', 'png 100x50'],
    ['w=100&h=100&func=fit', 'png 100x50'],
    ['w=100&h=100&func=fit&bg_colour=ff0000', 'png 100x100'],
    ['w=100&h=100&func=unheard', 'png 100x100'],
    ['w=99999', 'png 200x100'],
    ['w=100&margin=30p&ci_fast_preview=1&bypass_process_proxy=1&vh=0&bg_colour=nonsense', 'png 100x50'],
    ['w=100px', 'png 100x50'],
    ['w=0', 'png 200x100'],
    ['w=-5', 'png 200x100'],
    ['w=many&h=NaN&doc_page=x&q=high', 'png 200x100'],
    ['force_format=jpeg', 'jpeg'],
    ['w=50&force_format=webp', 'webp'],
    ['w=50&force_format=tiff,exe', 'png 50x25'],
    ['w=50&q=1000', 'png 50x25'],
    ['w=100&w=50', 'png 100x50'],
    ['w=&w=50&vh=1&vh=2&download=&download=1', 'png 50x25'],
    ['bg_colour=ff0000', 'png 200x100'],
    ['w=100&h=100&func=fit&bg_colour=rebeccapurple', 'png 100x100'],
  ])('%s answers %s', async (query, expected) => {
    const { url } = await stored('wide.png', png(200, 100, [200, 30, 30]));
    const answer = await harness.call({ url: `${url}?${query}` });
    expect([answer.status, look(answer.bytes)], answer.text.slice(0, 200)).toEqual([200, expected]);
    expect(answer.headers['content-type']).toBe(`image/${expected.split(' ')[0]}`);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['content-security-policy']).toContain('sandbox');
  });

  test('func=proxy and addresses that ask for nothing answer the bytes themselves', async () => {
    const content = png(200, 100, [200, 30, 30]);
    const { url } = await stored('same.png', content);
    for (const query of ['', '?bg_colour=nonsense', '?func=proxy&w=100', '?vh=000000', '?bypass_process_proxy=1']) {
      expect((await harness.call({ url: url + query })).bytes, query).toEqual(content);
    }
  });

  test('of several formats the first that the client takes', async () => {
    const { url } = await stored('choice.png', png(20, 10, [1, 2, 3]));
    const ask = async (accept: string) =>
      harness.call({ url: `${url}?w=10&force_format=webp,jpeg`, headers: { accept } });
    const modern = await ask('image/avif,image/webp,*/*');
    const old = await ask('*/*');
    expect([look(modern.bytes), look(old.bytes)]).toEqual(['webp', 'jpeg']);
    for (const [accept, format] of [
      ['image/webp;q=0, */*', 'jpeg'],
      ['image/webp; Q=0.000, */*', 'jpeg'],
      ['image/webp;q=0.1, image/jpeg', 'webp'],
      ['IMAGE/WEBP', 'webp'],
      ['image/webp2', 'jpeg'],
    ] as const) {
      expect(look((await ask(accept)).bytes), accept).toBe(format);
    }
    expect([modern.headers['vary'], old.headers['vary']].map((vary) => vary?.includes('Accept'))).toEqual([true, true]);
    expect(modern.headers['etag']).not.toBe(old.headers['etag']);
  });

  test('the page of a document that is asked for, as the widget asks', async () => {
    const { url } = await stored(
      'two.pdf',
      pdf([
        [220, 30, 30],
        [30, 70, 220],
      ]),
    );
    const first = await harness.call({
      url: `${url}?w=200&force_format=webp,jpeg&doc_page=1&bypass_process_proxy=1`,
      headers: { accept: 'image/webp' },
    });
    const second = await harness.call({
      url: `${url}?w=200&force_format=webp,jpeg&doc_page=2`,
      headers: { accept: 'image/webp' },
    });
    expect([look(first.bytes), look(second.bytes)]).toEqual(['webp', 'webp']);
    expect(first.bytes).not.toEqual(second.bytes);
    expect(first.headers['content-disposition']).toContain('filename="two.webp"');
  });

  test('a drawing becomes pixels, its scripts do not leave', async () => {
    const { url } = await stored(
      'active.svg',
      svg('<script>alert(1)</script><rect width="40" height="20" fill="red"/>'),
    );
    const answer = await harness.call({ url: `${url}?w=80` });
    expect([answer.headers['content-type'], look(answer.bytes)]).toEqual(['image/png', 'png 80x40']);
  });

  test.each([
    ['width="210mm" height="297mm" viewBox="0 0 210 297"', 'png 4096x4096', 'png 100x142'],
    ['width="21cm" height="29.7cm" viewBox="0 0 210 297"', 'png 4096x4096', 'png 100x142'],
    ['width="8in" height="4in" viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
    ['width="400pt" height="200pt" viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
    ['width="400px" height="200px" viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
    ['width="400" height="200" viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
    ['viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
    ['width="100000mm" height="50000mm" viewBox="0 0 80 40"', 'png 4096x4096', 'png 100x50'],
  ])('a drawing with %s is drawn as large as asked', async (attributes, large, small) => {
    const { url } = await stored('drawing.svg', svg('<path d="M0 0h1000v1000h-1000z" fill="#dc1e1e"/>', attributes));
    const ask = async (query: string) => (await harness.call({ url: `${url}?${query}` })).bytes;
    expect([look(await ask('w=4096&h=4096')), look(await ask('w=100'))]).toEqual([large, small]);
    const { channels } = await sharp(await ask('w=4096')).stats();
    expect(channels.map(({ mean }) => Math.round(mean))).toEqual([220, 30, 30, 255]);
    // Beside what is padded there is ground, and the drawing fills the rest.
    const padded = await sharp(await ask('w=900&h=900&func=fit&bg_colour=ffffff'))
      .trim()
      .toBuffer({ resolveWithObject: true });
    expect(Math.max(padded.info.width, padded.info.height)).toBeGreaterThan(895);
  });

  test('what nobody could draw as large as asked spoils no other size', async () => {
    const frames = Array.from({ length: 100 }, (_, n) => png(30, 20, [n * 2, 30, 30]));
    const { url } = await stored(
      'moving.gif',
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
    );
    const large = await harness.call({ url: `${url}?w=4096&h=4096&func=fit&bg_colour=white` });
    expect(look(large.bytes)).toBe('png 4096x4096');
    const small = await harness.call({ url: `${url}?w=15` });
    expect([look(small.bytes), Number((await sharp(small.bytes).metadata()).pages) > 9]).toEqual(['GIF89', true]);
    const strip = await stored('strip.svg', svg('', 'width="4000" height="1"'));
    for (const query of ['w=4096&h=4096', 'w=50&h=40']) {
      expect(look((await harness.call({ url: `${strip.url}?${query}` })).bytes), query).toMatch(/^png/);
    }
  });

  test('a sequence of AVIF is its still picture', async () => {
    const content = await sharp(png(40, 20, [220, 30, 30]))
      .avif()
      .toBuffer();
    // What its first four letters promise is all that tells one from the other here.
    content.write('avis', 8, 'latin1');
    const { url } = await stored('sequence.avif', content);
    const answer = await harness.call({ url: `${url}?w=20` });
    const { width, height, mediaType } = await sharp(answer.bytes).metadata();
    expect([width, height, mediaType]).toEqual([20, 10, 'image/avif']);
  });

  test('download of a rendition is a download under a fitting name', async () => {
    const { url } = await stored('photo.png', png(20, 10, [1, 2, 3]));
    const answer = await harness.call({ url: `${url}?w=10&force_format=jpg&download=1` });
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="photo.jpeg"; filename*=UTF-8''photo.jpeg`,
    );
  });

  test('HEAD answers the headers of the picture', async () => {
    const { url } = await stored('head.png', png(20, 10, [1, 2, 3]));
    const answer = await harness.call({ method: 'HEAD', url: `${url}?w=10` });
    expect([answer.status, answer.headers['content-type'], answer.bytes.length]).toEqual([200, 'image/png', 0]);
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(20);
  });
});

describe('the ground', () => {
  /** The first pixel, which lies beside the picture, and the one in its middle, as one text of numbers each. */
  async function pixelsOf(bytes: Buffer): Promise<readonly [beside: string, middle: string]> {
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => {
      const start = (y * info.width + x) * info.channels;
      return [...data.subarray(start, start + info.channels)].join(' ');
    };
    return [at(0, 0), at(Math.floor(info.width / 2), Math.floor(info.height / 2))];
  }

  const plain = (background: string, channels: 3 | 4 = 3) =>
    sharp({ create: { width: 50, height: 100, channels, background } });
  const SOURCES = {
    gray: () => plain('#808080').toColourspace('b-w').png(),
    'gray of 16 bits': () => plain('#808080').toColourspace('grey16').png(),
    'gray with alpha': () => plain('#80808080', 4).toColourspace('b-w').png(),
    'of 16 bits': () => plain('#ff000080', 4).toColourspace('rgb16').png(),
    'with alpha': () => plain('#ff000080', 4).png(),
    transparent: () => plain('#00000000', 4).png(),
    'in P3': () => plain('#3366cc').withIccProfile('p3').png(),
    'in CMYK': () => plain('#3366cc').toColourspace('cmyk').jpeg(),
  } as const;
  const PADDED = 'w=100&h=100&func=fit&bg_colour=';

  test.each([
    ['gray', `${PADDED}ff0000`, '255 0 0', '128 128 128'],
    ['gray of 16 bits', `${PADDED}ff0000`, '255 0 0', '128 128 128'],
    ['gray with alpha', `${PADDED}ff0000`, '255 0 0', '191 64 64'],
    ['gray with alpha', 'force_format=png&bg_colour=ff0000', '191 64 64', '191 64 64'],
    ['of 16 bits', `${PADDED}0000ff`, '0 0 255', '128 0 127'],
    ['in P3', `${PADDED}00ff00`, '0 255 0', '52 102 204'],
    ['in CMYK', `${PADDED}00ff00&force_format=png`, '0 255 0', '44 106 171'],
    ['transparent', 'w=50&bg_colour=transparent', '0 0 0 0', '0 0 0 0'],
    ['transparent', 'w=50&bg_colour=00ff0000', '0 0 0 0', '0 0 0 0'],
    ['transparent', 'w=50&bg_colour=00ff0080', '0 255 0 128', '0 255 0 128'],
    ['transparent', 'w=50&bg_colour=00ff00ff', '0 255 0', '0 255 0'],
    ['with alpha', `${PADDED}transparent`, '0 0 0 0', '255 0 0 128'],
    ['with alpha', `${PADDED}0000ff80`, '0 0 255 128', '170 0 85 192'],
    ['gray', `${PADDED}0000ff80`, '0 0 255 128', '128 128 128 255'],
    ['gray with alpha', 'w=50&bg_colour=0000ff80&force_format=webp&q=95', '85 85 170 191', '85 85 170 191'],
  ] as const)('behind a picture that is %s, asked with %s', async (source, query, beside, middle) => {
    const content = await SOURCES[source]().toBuffer();
    const { url } = await stored(`${source.replaceAll(' ', '-')}.${content[0] === 0xff ? 'jpg' : 'png'}`, content);
    const answer = await harness.call({ url: `${url}?${query}` });
    const seen = await pixelsOf(answer.bytes);
    for (const [index, expected] of [beside, middle].entries()) {
      const [found, wanted] = [seen[index] ?? '', expected].map((text) => text.split(' ').map(Number));
      expect(found?.length, `${seen}`).toBe(wanted?.length);
      for (const [at, value] of (wanted ?? []).entries()) {
        expect(Math.abs((found?.[at] ?? 0) - value), `${seen}`).toBeLessThanOrEqual(3);
      }
    }
  });

  test('of a JPEG is the colour over white', async () => {
    const ask = async (source: keyof typeof SOURCES, query: string) => {
      const { url } = await stored(`${source.replaceAll(' ', '-')}.png`, await SOURCES[source]().toBuffer());
      const { data } = await sharp((await harness.call({ url: `${url}?${query}&force_format=jpeg` })).bytes)
        .raw()
        .toBuffer({ resolveWithObject: true });
      // In sixteenths of a channel: the format keeps no colour exactly.
      return [...data.subarray(0, 3)].map((value) => Math.round(value / 16)).join(' ');
    };
    expect(await ask('gray with alpha', 'bg_colour=ff0000')).toBe('12 4 4');
    expect(await ask('transparent', 'bg_colour=0000ff80')).toBe('8 8 16');
    expect(await ask('transparent', 'bg_colour=transparent')).toBe('16 16 16');
    expect(await ask('gray', `${PADDED}transparent`)).toBe('16 16 16');
  });

  test('of a moving picture is behind all its frames', async () => {
    const colours = ['#ff0000', '#0000ff', '#ffff00'];
    const frames = await Promise.all(colours.map((colour) => plain(colour).png().toBuffer()));
    const content = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    const { url } = await stored('moving.webp', content);
    const { bytes } = await harness.call({ url: `${url}?${PADDED}00ff0080` });
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 100, height: 100, pages: 3 });
    for (const page of [0, 2]) {
      const { data } = await sharp(bytes, { page }).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
      expect([(data[1] ?? 0) > 250, Math.abs((data[3] ?? 0) - 128) < 4]).toEqual([true, true]);
    }
  });
});

test('every colour that CSS names is known', async () => {
  const clear = sharp({ create: { width: 2, height: 2, channels: 4, background: '#00000000' } });
  const { url } = await stored('names.png', await clear.png().toBuffer());
  for (const name of COLOUR_NAMES.keys()) {
    const answer = await harness.call({ url: `${url}?bg_colour=${name.toUpperCase()}` });
    const meant = sharp({ create: { width: 1, height: 1, channels: 3, background: name } });
    const [found, expected] = [await sharp(answer.bytes).raw().toBuffer(), await meant.raw().toBuffer()];
    expect([...found.subarray(0, 3)], name).toEqual([...expected]);
  }
  expect(COLOUR_NAMES.size).toBe(148);
});

describe('what cannot be drawn', () => {
  test('and is an image that browsers show, is sent as it is', async () => {
    const bitmap = Buffer.from(
      '424d3a0000000000000036000000280000000100000001000000010018000000000004000000130b0000130b000000000000000000001e1edc00',
      'hex',
    );
    const icon = Buffer.from('00000100010001010000010018003000000016000000', 'hex');
    for (const [name, content] of [
      ['a.bmp', bitmap],
      ['a.ico', Buffer.concat([icon, Buffer.alloc(48)])],
    ] as const) {
      const { url } = await stored(name, content);
      const answer = await harness.call({ url: `${url}?w=50&force_format=webp,jpeg` });
      expect([answer.headers['content-type'], answer.bytes.equals(content)], name).toEqual([
        name === 'a.bmp' ? 'image/bmp' : 'image/x-icon',
        true,
      ]);
    }
  });

  test('is an icon that is soon asked for again, at once the second time', async () => {
    const { url } = await stored('broken.png', pngOf(50_000, 50_000, 8, 6, Buffer.alloc(0)));
    const before = drawn;
    for (const query of ['?w=100', '?w=100', '?w=101&h=5']) {
      const answer = await harness.call({ url: url + query });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/svg+xml']);
      expect(answer.headers['cache-control']).toBe('private, max-age=60');
    }
    expect(drawn - before).toBe(1);
    harness.clock.pass(11 * 60_000);
    await harness.call({ url: `${url}?w=100` });
    expect(drawn - before).toBe(2);
  });

  test('hostile pictures are answered, while the service answers others', async () => {
    const hostile = hostilePictures().filter(({ why }) =>
      /50,000|ends early|page behind|entities|noise|nothing/.test(why),
    );
    expect(hostile.length).toBeGreaterThan(5);
    for (const { why, bytes, mime } of hostile) {
      const name = `${why.replaceAll(/[^a-z]/g, '')}.${mime.split('/')[1]?.split('+')[0]}`;
      const { url } = await stored(name, bytes, '/hostile');
      const drawing = harness.call({ url: `${url}?w=250` });
      const startMs = performance.now();
      const other = await harness.call({ url: '/v5/files?folder=/', key });
      expect([other.status, performance.now() - startMs < 2000], why).toEqual([200, true]);
      const answer = await drawing;
      expect(answer.status, why).toBe(200);
      expect(answer.headers['content-type'], why).toMatch(/^image\/(png|jpeg|svg\+xml)$/);
      expect(answer.text, why).not.toContain('<script');
    }
  }, 60_000);

  test('a service that is busy drawing says when to come back', async () => {
    const busy = await openHarness({
      wrap: (ports) => ({
        ...ports,
        images: { ...ports.images, render: () => Promise.reject(new AppError('IMAGES_BUSY')) },
      }),
    });
    const holder = await busy.key();
    await busy.upload(holder, '/', { name: 'a.png', content: png(2, 2, [1, 2, 3]) });
    const answer = await busy.call({ url: '/cdn/a.png?w=1' });
    expect([answer.status, answer.body['code'], Number(answer.headers['retry-after']) > 0]).toEqual([
      503,
      'IMAGES_BUSY',
      true,
    ]);
    await busy.close();
  });
});

describe('what is kept', () => {
  test('one drawing for however many ask, and for equal bytes under every name', async () => {
    const content = png(300, 200, [10, 200, 10]);
    const { url } = await stored('first.png', content);
    const other = await stored('second.png', content);
    const before = drawn;
    const answers = await Promise.all(Array.from({ length: 20 }, () => harness.call({ url: `${url}?w=77` })));
    answers.push(await harness.call({ url: `${other.url}?w=77` }));
    expect(new Set(answers.map(({ bytes }) => bytes.toString('base64'))).size).toBe(1);
    expect(drawn - before).toBe(1);
  });

  test('what the client has already is not sent again, nor drawn', async () => {
    const { url } = await stored('etag.png', png(30, 20, [1, 2, 30]));
    const { etag = '' } = (await harness.call({ url: `${url}?w=10` })).headers;
    const before = drawn;
    const again = await harness.call({ url: `${url}?w=10`, headers: { 'if-none-match': etag } });
    const larger = await harness.call({ url: `${url}?w=20`, headers: { 'if-none-match': etag } });
    expect([again.status, larger.status, drawn - before]).toEqual([304, 200, 1]);
  });

  test('a kept picture of a private file is still for those who may fetch it', async () => {
    const { url, uuid } = await stored('secret.png', png(30, 20, [1, 20, 30]));
    expect((await harness.call({ url: `${url}?w=10` })).status).toBe(200);
    const body = { files_uuids: [uuid], visibility: 'not_public' };
    await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body });
    const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
    for (const path of [url, `/v4/get/${uuid}`, `/v5/get/${uuid}`]) {
      expect((await harness.call({ url: `${path}?w=10` })).body['code']).toBe('KEY_MISSING');
      expect((await harness.call({ url: `${path}?w=10`, key: lister })).body['code']).toBe('PERMISSION_DENIED');
      const answer = await harness.call({ url: `${path}?w=10`, key });
      expect([look(answer.bytes), answer.headers['cache-control']]).toEqual(['png 10x7', 'private, no-cache']);
    }
  });
});

describe('one address', () => {
  /** An application of its own that draws with these bounds, with one public picture. */
  async function openBounded(drawing: HarnessOptions['drawing']) {
    const api = await openHarness({ oneNode: true, ...(drawing === undefined ? {} : { drawing }) });
    const holder = await api.key();
    await api.upload(holder, '/', { name: 'a.png', content: png(400, 300, [10, 20, 200]) });
    const ask = async (ip: string, width: number) => {
      const { status, headers, body } = await api.call({ url: `/cdn/a.png?w=${width}`, ip });
      return { status, headers, body, outcome: status === 200 ? '200' : `${status} ${body['code']}` };
    };
    return { api, ask };
  }

  test('has a page of two hundred new pictures at once, all of them', async () => {
    const { api, ask } = await openBounded(undefined);
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => ask('192.0.2.7', n + 1)));
    expect(new Set(all.map(({ outcome }) => outcome))).toEqual(new Set(['200']));
    await api.close();
  }, 120_000);

  test('does not keep others waiting: theirs come between its own', async () => {
    const { api, ask } = await openBounded(undefined);
    let left = 60;
    const flood = Array.from({ length: left }, async (_, n) => {
      await ask('192.0.2.7', n + 1);
      left -= 1;
    });
    expect((await ask('198.51.100.9', 300)).outcome).toBe('200');
    expect(left).toBeGreaterThan(40);
    await Promise.all(flood);
    await api.close();
  }, 120_000);

  test('has so many new ones in a minute; kept ones cost nothing, and other addresses have their own', async () => {
    const { api, ask } = await openBounded({ perMinuteMax: 3 });
    for (const width of [1, 2, 3]) expect((await ask('2001:db8:5::1', width)).outcome).toBe('200');
    api.clock.pass(20_000);
    // The same network of a subscriber.
    const refused = await ask('2001:db8:5::2', 4);
    expect([refused.outcome, refused.headers['retry-after'], refused.headers['ratelimit-limit']]).toEqual([
      '429 REQUEST_RATE_LIMITED',
      '40',
      '3',
    ]);
    expect(refused.body).toMatchObject({ rule: 'drawings', hint: expect.stringContaining('drawn before') });
    for (const width of [1, 2, 3]) expect((await ask('2001:db8:5::1', width)).outcome).toBe('200');
    expect((await ask('2001:db8:5:1::1', 4)).outcome).toBe('200');
    // Kept by now for everybody.
    expect((await ask('2001:db8:5::1', 4)).outcome).toBe('200');
    api.clock.pass(40_000);
    expect((await ask('2001:db8:5::1', 5)).outcome).toBe('200');
    await api.close();
  });

  test('is refused for itself alone', async () => {
    const { api, ask } = await openBounded({ askerMax: 1 });
    // One is drawn, one waits, and what is more is too much; somebody else is drawn all the same.
    const flood = await Promise.all(Array.from({ length: 12 }, (_, n) => ask('192.0.2.7', 301 + n)));
    expect(new Set(flood.map(({ outcome }) => outcome))).toEqual(new Set(['200', '429 REQUEST_RATE_LIMITED']));
    const refused = flood.findIndex(({ outcome }) => outcome !== '200');
    expect((await ask('198.51.100.9', 301 + refused)).outcome).toBe('200');
    await api.close();
  });
});
