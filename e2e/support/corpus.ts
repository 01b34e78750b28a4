// Real files of many formats to upload: the corpus when it is there, else small ones made here.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, crc32, deflateSync, gzipSync } from 'node:zlib';
import type { PickedFile } from './widget.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SIZE_BYTES_MAX = 2 * 1024 * 1024;

/** Red, green and blue. */
type Colour = readonly [number, number, number];

/** The widget asks the browser for a file's type; the server judges the bytes. Only these must be told right. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  '.gif': 'image/gif',
  '.jpg': 'image/jpeg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
};

const DRAWING =
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path fill="red" d="M0 0h9v9H0z"/></svg>\n';

/** Made with `ffmpeg -f lavfi -i color=red:size=16x16:rate=2:duration=3 -c:v libvpx -b:v 1k clip.webm`. */
const CLIP =
  'GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQJChYECGFOAZwEAAAAAAAJxEU2bdLpNu4tTq4QVSalmU6yBoU27i1OrhBZUrmtTrIHYTbuMU6uEEl' +
  'TDZ1OsggEeTbuMU6uEHFO7a1OsggJb7AEAAAAAAABZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVSalmsirXsYMPQkBNgI1MYXZmNTkuMjcuMTAwV0GNTGF2ZjU5LjI3LjEwMESJiECncAAAAAAAFl' +
  'Sua8GuAQAAAAAAADjXgQFzxYgr+J4z9EX1mJyBACK1nIN1bmSIgQCGhVZfVlA4g4EBI+ODhB3NZQDgibCBELqBEJqBAhJUw2f9c3OgY8CAZ8iaRaOHRU5D' +
  'T0RFUkSHjUxhdmY1OS4yNy4xMDBzc9djwItjxYgr+J4z9EX1mGfIoUWjh0VOQ09ERVJEh5RMYXZjNTkuMzcuMTAwIGxpYnZweGfIokWjiERVUkFUSU9ORI' +
  'eUMDA6MDA6MDMuMDAwMDAwMDAwAAAfQ7Z1QLXngQCjvYEAAIDwAgCdASoQABAAAEcIhYWIhYSIAgICdaoD+AP6Ag1NGAD+/W7z/+OZNzDE/45t//FhPA4o' +
  'yP/xUQCjlYEB9ACxAQABEBAAGAAYWC/0AAgAAKOVgQPoALEBAAEQEAAYABhYL/QACAAAo5WBBdwAsQEAARAQABgAGFgv9AAIAACjlYEH0ACxAQABEBAAGA' +
  'AYWC/0AAgAAKOVgQnEALEBAAEQEAAYABhYL/QACAAAHFO7a5G7j7OBALeK94EB8YIBoPCBAw==';

/** Up to `count` files, each of another format, in a stable order. Says in one line when the corpus is absent. */
export function filesOfManyFormats(count: number): readonly PickedFile[] {
  const corpora = process.env['CORPORA_DIR'];
  if (corpora !== undefined && corpora !== '') return fromCorpus(resolve(ROOT, corpora, 'files')).slice(0, count);
  console.log('CORPORA_DIR is not set: the formats are tried with files made for the test.');
  return Object.entries(made())
    .map(([name, buffer]) => picked(name, buffer))
    .slice(0, count);
}

/** A picture that a browser can decode and an editor can change. */
export function picture(name: string): PickedFile {
  return picked(name, png(96, 64));
}

/** A picture whose upper half has the one colour and whose lower half the other, as red, green and blue. */
export function twoColours(name: string, upper: Colour, lower: Colour, width = 96): PickedFile {
  const height = Math.round((width * 2) / 3);
  return picked(
    name,
    png(width, height, (_x, y) => (y < height / 2 ? upper : lower)),
  );
}

/** A document of one red page. */
export function pdf(name: string): PickedFile {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Count 1/Kids[3 0 R]>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R>>',
    '<</Length 25>>stream\n1 0 0 rg 0 0 200 100 re f\nendstream',
  ];
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = body.length;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const rows = `0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${body.length}\n%%EOF\n`;
  return picked(name, Buffer.from(`${body}xref\n${rows}${trailer}`));
}

/** A picture of one red pixel that every browser shows and the server does not draw. */
export function bitmap(name: string): PickedFile {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(58, 2);
  for (const [at, value] of [
    [10, 54],
    [14, 40],
    [18, 1],
    [22, 1],
    [34, 4],
  ] as const)
    header.writeUInt32LE(value, at);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return picked(name, Buffer.concat([header, Buffer.from([0, 0, 255, 0])]));
}

/** A drawing. */
export function drawing(name: string): PickedFile {
  return picked(name, Buffer.from(DRAWING));
}

/** Three seconds of red, 16 pixels wide: VP8, which every Chromium plays. */
export function clip(name: string): PickedFile {
  return picked(name, Buffer.from(CLIP, 'base64'));
}

/** A file with this text in it. */
export function textFile(name: string, text: string): PickedFile {
  return picked(name, Buffer.from(text));
}

function picked(name: string, buffer: Buffer): PickedFile {
  return { name, mimeType: MIME_TYPES[extname(name)] ?? 'application/octet-stream', buffer };
}

function fromCorpus(folder: string): PickedFile[] {
  const seen = new Set<string>();
  return readdirSync(folder)
    .sort()
    .filter((name) => {
      const extension = extname(name).toLowerCase();
      const size = statSync(join(folder, name)).size;
      if (seen.has(extension) || size === 0 || size > SIZE_BYTES_MAX) return false;
      seen.add(extension);
      return true;
    })
    .map((name) => picked(name, readFileSync(join(folder, name))));
}

/** Small but true examples of formats, by file name. */
function made(): Readonly<Record<string, Buffer>> {
  const text: Readonly<Record<string, string>> = {
    'note.txt': 'A note.\n',
    'table.csv': 'name,size\nred,1\n',
    'table.tsv': 'name\tsize\nred\t1\n',
    'data.json': '{"red":1}\n',
    'lines.ndjson': '{"red":1}\n{"blue":2}\n',
    'place.geojson': '{"type":"Point","coordinates":[2.35,48.85]}\n',
    'data.xml': '<?xml version="1.0"?><colours><red/></colours>\n',
    'page.html': '<!doctype html><title>Red</title><p>Red</p>\n',
    'style.css': 'p { color: red }\n',
    'code.js': 'export const red = 1;\n',
    'code.ts': 'export const red: number = 1;\n',
    'code.py': 'red = 1\n',
    'code.sh': '#!/bin/sh\necho red\n',
    'code.c': 'int red(void) { return 1; }\n',
    'query.sql': 'SELECT 1 AS red;\n',
    'text.md': '# Red\n',
    'text.rst': 'Red\n===\n',
    'text.tex': '\\documentclass{article}\\begin{document}Red\\end{document}\n',
    'text.rtf': '{\\rtf1\\ansi Red}\n',
    'book.bib': '@misc{red, title={Red}}\n',
    'drawing.svg': DRAWING,
    'settings.yaml': 'red: 1\n',
    'settings.toml': 'red = 1\n',
    'settings.ini': '[colours]\nred=1\n',
    'track.gpx': '<?xml version="1.0"?><gpx version="1.1" creator="test"></gpx>\n',
    'place.kml': '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"></kml>\n',
    'captions.vtt': 'WEBVTT\n\n00:00.000 --> 00:01.000\nRed\n',
    'captions.srt': '1\n00:00:00,000 --> 00:00:01,000\nRed\n',
    'card.vcf': 'BEGIN:VCARD\nVERSION:3.0\nFN:Red\nEND:VCARD\n',
    'day.ics': 'BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\nEND:VCALENDAR\n',
    'letter.eml': 'Subject: Red\n\nRed\n',
    'change.diff': '--- a\n+++ b\n@@ -1 +1 @@\n-red\n+blue\n',
    'list.m3u': '#EXTM3U\nred.mp3\n',
    'grey.pgm': 'P2 2 1 255 0 255\n',
    'colour.ppm': 'P3 1 1 255 255 0 0\n',
    'shape.obj': 'v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n',
    'paper.pdf': '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
    'print.ps': '%!PS-Adobe-3.0\nshowpage\n',
  };
  return {
    ...Object.fromEntries(Object.entries(text).map(([name, content]) => [name, Buffer.from(content)])),
    'picture.png': png(96, 64),
    'picture.gif': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
    'sound.wav': wav(8000),
    'tune.mid': Buffer.from('4d546864000000060000000100604d54726b0000000400ff2f00', 'hex'),
    'packed.gz': gzipSync('red'),
    'packed.br': brotliCompressSync('red'),
    'empty.zip': Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)]),
    'module.wasm': Buffer.from('0061736d01000000', 'hex'),
  };
}

const gradient = (x: number, y: number): Colour => [x % 256, y % 256, (x * y) % 256];

/** A picture, with a gradient unless told otherwise. */
function png(width: number, height: number, colourAt: (x: number, y: number) => Colour = gradient): Buffer {
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width }, (_, x) => colourAt(x, y)).flat()]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    framed.set(body, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A second of silence at one byte a sample. */
function wav(samplesPerSecond: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samplesPerSecond, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(samplesPerSecond, 24);
  header.writeUInt32LE(samplesPerSecond, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samplesPerSecond, 40);
  return Buffer.concat([header, Buffer.alloc(samplesPerSecond, 128)]);
}
