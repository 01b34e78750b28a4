// Small pictures and documents, well made and hostile, built from their formats' own words.
import { crc32, deflateSync } from 'node:zlib';

type Rgb = readonly [number, number, number];

/** A PNG of one colour. */
export function png(width: number, height: number, colour: Rgb): Buffer {
  const row = Buffer.concat([Buffer.of(0), Buffer.from(Array.from({ length: width }, () => [...colour]).flat())]);
  return pngOf(width, height, 8, 2, deflateSync(Buffer.concat(Array.from({ length: height }, () => row))));
}

/** A PNG with an alpha channel that is transparent everywhere. */
export function clearPng(width: number, height: number): Buffer {
  return pngOf(width, height, 8, 6, deflateSync(Buffer.alloc(height * (1 + width * 4))));
}

/** A PNG whose header claims the sides and whose data is what is given. */
export function pngOf(width: number, height: number, bits: number, colourType: number, data: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  header[9] = colourType;
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(8 + body.length);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), 4 + body.length);
  return framed;
}

/** A drawing. */
export function svg(inside: string, attributes = 'width="40" height="20"'): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${inside}</svg>`,
  );
}

/** A document of so many pages in landscape, each filled with a colour. */
export function pdf(colours: readonly Rgb[], content?: Buffer): Buffer {
  const objects: Buffer[] = [
    text('<< /Type /Catalog /Pages 2 0 R >>'),
    text(
      `<< /Type /Pages /Count ${colours.length} /Kids [${colours.map((_, index) => `${3 + index * 2} 0 R`).join(' ')}] >>`,
    ),
  ];
  for (const [index, [r, g, b]] of colours.entries()) {
    objects.push(text(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents ${4 + index * 2} 0 R >>`));
    const stream = content ?? text(`${r / 255} ${g / 255} ${b / 255} rg 0 0 200 100 re f`);
    const filter = content === undefined ? '' : ' /Filter /FlateDecode';
    objects.push(
      Buffer.concat([text(`<< /Length ${stream.length}${filter} >>\nstream\n`), stream, text('\nendstream')]),
    );
  }
  const parts: Buffer[] = [text('%PDF-1.4\n')];
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    offsets.push(Buffer.concat(parts).length);
    parts.push(text(`${index + 1} 0 obj\n`), object, text('\nendobj\n'));
  }
  const start = Buffer.concat(parts).length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(
    text(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`),
    text(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`),
  );
  return Buffer.concat(parts);
}

/** A GIF with so many frames of one dot, in two colours by turns, on a screen of the sides. */
export function gif(width: number, height: number, frames: number): Buffer {
  const screen = Buffer.from('47494638396100000000800000dc1e1effffff', 'hex');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  const frame = (index: number) =>
    Buffer.from(`21f904010a0000002c000000000100010000020${index % 2 === 0 ? '244' : '24c'}0100`, 'hex');
  const loop = Buffer.concat([Buffer.from('21ff0b', 'hex'), text('NETSCAPE2.0'), Buffer.from('0301000000', 'hex')]);
  return Buffer.concat([screen, loop, ...Array.from({ length: frames }, (_, index) => frame(index)), Buffer.of(0x3b)]);
}

/** A TIFF whose header claims the sides, with one strip of a few bytes. */
export function tiff(width: number, height: number): Buffer {
  const entries: readonly (readonly [tag: number, value: number])[] = [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, height],
    [279, 8],
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [index, [tag, value]] of entries.entries()) {
    directory.writeUInt16LE(tag, 2 + index * 12);
    directory.writeUInt16LE(4, 4 + index * 12);
    directory.writeUInt32LE(1, 6 + index * 12);
    directory.writeUInt32LE(value, 10 + index * 12);
  }
  return Buffer.concat([Buffer.from('49492a0010000000', 'hex'), Buffer.alloc(8), directory]);
}

/** A lossless WebP of the sides without any data behind its header. */
export function webp(width: number, height: number): Buffer {
  const bits = Buffer.alloc(5);
  bits[0] = 0x2f;
  bits.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 1);
  const body = Buffer.concat([text('WEBPVP8L'), uint32(bits.length + 1), bits, Buffer.of(0)]);
  return Buffer.concat([text('RIFF'), uint32(body.length), body]);
}

/** What bites: each with its type and why it is here. */
export function hostilePictures(): readonly { readonly why: string; readonly mime: string; readonly bytes: Buffer }[] {
  const zeros = (size: number) => deflateSync(Buffer.alloc(size));
  const laughs = `<!DOCTYPE svg [<!ENTITY a0 "ha">${Array.from({ length: 12 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]>`;
  const uses = Array.from(
    { length: 24 },
    (_, n) => `<g id="u${n + 1}">${`<use xlink:href="#u${n}"/>`.repeat(10)}</g>`,
  ).join('');
  const inner = pngOf(50_000, 50_000, 1, 0, zeros(1000)).toString('base64');
  return [
    {
      why: 'a header of 50,000 x 50,000 pixels',
      mime: 'image/png',
      bytes: pngOf(50_000, 50_000, 8, 6, Buffer.alloc(0)),
    },
    { why: '50,000 x 50,000 real pixels', mime: 'image/png', bytes: pngOf(50_000, 50_000, 1, 0, zeros(50_000 * 6251)) },
    {
      why: 'as many pixels as are taken',
      mime: 'image/png',
      bytes: pngOf(10_000, 10_000, 8, 0, zeros(10_000 * 10_001)),
    },
    { why: 'a picture that ends early', mime: 'image/png', bytes: png(300, 300, [1, 2, 3]).subarray(0, 120) },
    {
      why: 'a picture with a page behind it',
      mime: 'image/png',
      bytes: Buffer.concat([png(3, 3, [9, 9, 9]), text('<script>alert(1)</script>')]),
    },
    {
      why: 'noise behind a signature',
      mime: 'image/jpeg',
      bytes: Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(5000, 0x5a)]),
    },
    { why: 'a wide screen of a GIF', mime: 'image/gif', bytes: gif(65_535, 65_535, 1) },
    { why: 'a GIF of twenty thousand frames', mime: 'image/gif', bytes: gif(2000, 2000, 20_000) },
    { why: 'a TIFF of 60,000 x 60,000 pixels', mime: 'image/tiff', bytes: tiff(60_000, 60_000) },
    { why: 'a WebP of its widest sides', mime: 'image/webp', bytes: webp(16_383, 16_383) },
    {
      why: 'a drawing as wide as a country',
      mime: 'image/svg+xml',
      bytes: svg('<rect width="9" height="9"/>', 'width="500000" height="500000"'),
    },
    {
      why: 'entities that multiply',
      mime: 'image/svg+xml',
      bytes: Buffer.concat([text(laughs), svg('<text>&a12;</text>')]),
    },
    {
      why: 'references that multiply',
      mime: 'image/svg+xml',
      bytes: svg(`<defs><rect id="u0" width="1" height="1"/>${uses}</defs><use xlink:href="#u24"/>`),
    },
    {
      why: 'a filter over everything',
      mime: 'image/svg+xml',
      bytes: svg(
        `<filter id="f">${'<feGaussianBlur stdDeviation="900"/><feTurbulence baseFrequency="9" numOctaves="99"/>'.repeat(50)}</filter><rect width="4000" height="4000" filter="url(#f)"/>`,
        'width="4000" height="4000"',
      ),
    },
    {
      why: 'a filter that keeps thirty grounds',
      mime: 'image/svg+xml',
      bytes: svg(
        `<filter id="f" x="0" y="0" width="1" height="1">${Array.from({ length: 30 }, (_, n) => `<feFlood flood-color="red" result="r${n}"/>`).join('')}</filter><rect width="4000" height="4000" filter="url(#f)"/>`,
        'width="4000" height="4000"',
      ),
    },
    {
      why: 'a bomb within a drawing',
      mime: 'image/svg+xml',
      bytes: svg(`<image width="40" height="20" xlink:href="data:image/png;base64,${inner}"/>`),
    },
    {
      why: 'a document that unpacks to a gigabyte',
      mime: 'application/pdf',
      bytes: pdf([[0, 0, 0]], zeros(1_000_000_000)),
    },
    { why: 'a document of nothing', mime: 'application/pdf', bytes: text('%PDF-1.7\n%%EOF') },
    {
      why: 'a playlist that calls itself a video',
      mime: 'video/mp4',
      bytes: text('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
    },
  ];
}

function text(content: string): Buffer {
  return Buffer.from(content, 'latin1');
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
