// What every judge of content must keep, as runnable cases.
import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';
import type { Media, MediaType } from '../src/ports/media.ts';
import type { ContractCase } from './case.ts';

interface Judgement {
  readonly why: string;
  readonly content: string | Uint8Array;
  readonly name: string;
  readonly claimed?: string;
  readonly expected: MediaType;
}

const proven = (mime: string, extension: string): MediaType => ({ mime, extension, proven: true });
const named = (mime: string, extension: string): MediaType => ({ mime, extension, proven: false });
const UNKNOWN: MediaType = { mime: 'application/octet-stream', extension: undefined, proven: false };

const PNG = bytes(
  '89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082',
);
const GIF = bytes('47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b');
const JPEG = bytes('ffd8ffe000104a46494600010100000100010000ffdb004300');
const WEBP = bytes('524946461a000000574542505650384c0d0000002f00000010071011118888fe0700');
const MP4 = bytes('0000001866747970697364660000020069736f6d69736f32');
const BINARY = Uint8Array.from({ length: 300 }, (_, index) => (index * 37) & 0xff);

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const SVG_TYPE = proven('image/svg+xml', 'svg');
const HTML = '<!DOCTYPE html><html><body onload="alert(1)">';
const HTML_TYPE = proven('text/html', 'html');
const XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>';
const XHTML_TYPE = proven('application/xhtml+xml', 'xhtml');
const XML_TYPE = proven('application/xml', 'xml');
const TEXT = proven('text/plain', 'txt');

const JUDGEMENTS: readonly Judgement[] = [
  // Signatures.
  { why: 'PNG', content: PNG, name: 'a.png', expected: proven('image/png', 'png') },
  { why: 'GIF', content: GIF, name: 'a.gif', expected: proven('image/gif', 'gif') },
  { why: 'JPEG, whatever the name', content: JPEG, name: 'a.txt', expected: proven('image/jpeg', 'jpg') },
  {
    why: 'WebP, whatever the claim',
    content: WEBP,
    name: 'a',
    claimed: 'text/html',
    expected: proven('image/webp', 'webp'),
  },
  { why: 'MP4', content: MP4, name: 'a.mp4', expected: proven('video/mp4', 'mp4') },
  { why: 'PDF', content: '%PDF-1.7\n%\xe2\xe3', name: 'a.png', expected: proven('application/pdf', 'pdf') },
  {
    why: 'PDF behind some bytes',
    content: `\n\n${'x'.repeat(500)}%PDF-1.4\n`,
    name: 'a',
    expected: proven('application/pdf', 'pdf'),
  },
  {
    why: 'gzip, not unpacked',
    content: bytes('1f8b0800000000000003'),
    name: 'a.svgz',
    expected: proven('application/gzip', 'gz'),
  },
  { why: 'a damaged PNG', content: PNG.subarray(0, 20), name: 'a', expected: proven('image/png', 'png') },
  {
    why: 'an empty ZIP archive',
    content: Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`),
    name: 'a',
    expected: proven('application/zip', 'zip'),
  },
  { why: 'a parameter is no part of a type', content: opus(), name: 'a.opus', expected: proven('audio/ogg', 'opus') },

  // Documents in containers.
  { why: 'a Word document', content: zip(['_rels/.rels', 'word/document.xml']), name: 'a', expected: docx() },
  {
    why: 'a Word document, its types first',
    content: zip(['[Content_Types].xml', 'word/document.xml']),
    name: 'a.zip',
    expected: docx(),
  },
  {
    why: 'an archive with a folder called word',
    content: zip(['word/notes.txt']),
    name: 'a.docx',
    expected: proven('application/zip', 'zip'),
  },
  { why: 'an archive', content: zip(['a.txt', 'b/c.txt']), name: 'a.xlsx', expected: proven('application/zip', 'zip') },
  { why: 'a map', content: zip(['doc.kml']), name: 'a', expected: proven('application/vnd.google-earth.kmz', 'kmz') },
  {
    why: 'an old Word document',
    content: compound('WordDocument'),
    name: 'a',
    expected: proven('application/msword', 'doc'),
  },
  {
    why: 'an old workbook',
    content: compound('Workbook'),
    name: 'a.doc',
    expected: proven('application/vnd.ms-excel', 'xls'),
  },
  {
    why: 'a compound file of no known kind',
    content: compound('Something'),
    name: 'a.doc',
    expected: proven('application/x-cfb', 'cfb'),
  },
  {
    why: 'a long compound file whose kind lies beyond the head',
    content: compound('Something', 64 * 1024),
    name: 'a.ppt',
    expected: named('application/vnd.ms-powerpoint', 'ppt'),
  },

  // Markup that a browser could run, in every dress.
  { why: 'SVG', content: SVG, name: 'a.svg', expected: SVG_TYPE },
  { why: 'SVG called PNG', content: SVG, name: 'a.png', claimed: 'image/png', expected: SVG_TYPE },
  { why: 'SVG called text', content: SVG, name: 'a.txt', claimed: 'text/plain', expected: SVG_TYPE },
  { why: 'SVG without its namespace', content: '<svg onload="alert(1)">', name: 'a', expected: SVG_TYPE },
  {
    why: 'SVG behind declaration, comments, instruction and a document type with its own brackets',
    content: `<?xml version="1.0"?>\n<!-- a > b --><?x y?>\n<!DOCTYPE svg [<!ENTITY e "<html>">]>\n${SVG}`,
    name: 'a',
    expected: SVG_TYPE,
  },
  { why: 'SVG behind a byte order mark and space', content: `\ufeff \t\r\n\f${SVG}`, name: 'a', expected: SVG_TYPE },
  {
    why: 'SVG with a prefix',
    content: '<?xml version="1.0"?><x:svg xmlns:x="http://www.w3.org/2000/svg"/>',
    name: 'a',
    expected: SVG_TYPE,
  },
  {
    why: 'a part of SVG as root',
    content: '<?xml version="1.0"?><g xmlns="http://www.w3.org/2000/svg"/>',
    name: 'a',
    expected: SVG_TYPE,
  },
  { why: 'SVG in UTF-16, marked', content: Buffer.from(`\ufeff${SVG}`, 'utf16le'), name: 'a', expected: SVG_TYPE },
  { why: 'SVG in UTF-16, not marked', content: Buffer.from(SVG, 'utf16le'), name: 'a', expected: SVG_TYPE },
  {
    why: 'SVG in big-endian UTF-16',
    content: Buffer.from(`\ufeff${SVG}`, 'utf16le').swap16(),
    name: 'a',
    expected: SVG_TYPE,
  },
  { why: 'SVG in capitals', content: SVG.toUpperCase(), name: 'a', expected: SVG_TYPE },
  {
    why: 'SVG with binary behind it',
    content: Buffer.concat([Buffer.from(SVG), BINARY]),
    name: 'a.png',
    expected: SVG_TYPE,
  },
  { why: 'HTML', content: HTML, name: 'a.html', expected: HTML_TYPE },
  { why: 'HTML called JPEG', content: HTML, name: 'a.jpg', claimed: 'image/jpeg', expected: HTML_TYPE },
  { why: 'HTML without a frame', content: '<script>alert(1)</script>', name: 'a.txt', expected: HTML_TYPE },
  {
    why: 'HTML in mixed case behind space',
    content: '\n\t <ScRiPt src=//x></sCrIpT>',
    name: 'a.css',
    expected: HTML_TYPE,
  },
  { why: 'HTML behind a comment', content: '<!-- x --><img src=x onerror=alert(1)>', name: 'a', expected: HTML_TYPE },
  { why: 'a comment that never ends', content: '<!-- <script>', name: 'a.txt', expected: HTML_TYPE },
  {
    why: 'a comment that HTML ends earlier than XML',
    content: '<!--> <script>alert(1)</script>',
    name: 'a.txt',
    expected: HTML_TYPE,
  },
  {
    why: 'HTML behind a comment longer than the head',
    content: `<!--${' '.repeat(64 * 1024 - 4)}`,
    name: 'a.txt',
    expected: HTML_TYPE,
  },
  { why: 'an SVG element in an HTML document', content: `<!DOCTYPE html>${SVG}`, name: 'a', expected: HTML_TYPE },
  {
    why: 'HTML behind an instruction of another language',
    content: '<?php echo 1 ?><html>',
    name: 'a.php',
    expected: HTML_TYPE,
  },
  { why: 'HTML in UTF-16', content: Buffer.from(`\ufeff${HTML}`, 'utf16le'), name: 'a', expected: HTML_TYPE },
  {
    why: 'HTML that is a tar archive too',
    content: tar('<script>alert(1)</script>'),
    name: 'a.tar',
    expected: HTML_TYPE,
  },
  { why: 'XHTML', content: XHTML, name: 'a.xml', expected: XHTML_TYPE },
  {
    why: 'XHTML with a prefix and another root',
    content: '<?xml version="1.0"?><h:div xmlns:h="http://www.w3.org/1999/xhtml"/>',
    name: 'a',
    expected: XHTML_TYPE,
  },
  {
    why: 'any XML, for it may hold XHTML',
    content: `<?xml version="1.0"?><a>${XHTML.slice(21)}</a>`,
    name: 'a.txt',
    expected: XML_TYPE,
  },
  { why: 'XML without a declaration', content: '<note>hello</note>\n', name: 'a', expected: XML_TYPE },
  {
    why: 'XML whose root is out of sight',
    content: `<?xml version="1.0"?><!--${'x'.repeat(64 * 1024)}`,
    name: 'a.txt',
    expected: XML_TYPE,
  },
  {
    why: 'a feed',
    content: '<?xml version="1.0"?><rss version="2.0"/>',
    name: 'a',
    expected: proven('application/rss+xml', 'rss'),
  },
  {
    why: 'an XML language by its name',
    content: '<?xml version="1.0"?><plan/>',
    name: 'a.xsl',
    expected: named('application/xslt+xml', 'xsl'),
  },
  { why: 'XML called SVG that is none', content: '<?xml version="1.0"?><plan/>', name: 'a.svg', expected: XML_TYPE },

  // Polyglots: the bytes' format, never the script that is hidden in them.
  {
    why: 'GIF and script',
    content: 'GIF89a/*\0\0\0\0*/=1;alert(1)',
    name: 'a.js',
    claimed: 'text/javascript',
    expected: proven('image/gif', 'gif'),
  },
  {
    why: 'GIF and HTML',
    content: Buffer.concat([GIF, Buffer.from(HTML)]),
    name: 'a.html',
    claimed: 'text/html',
    expected: proven('image/gif', 'gif'),
  },
  { why: 'PDF and HTML', content: `%PDF-1.4\n${HTML}`, name: 'a.html', expected: proven('application/pdf', 'pdf') },
  {
    why: 'PNG and PHP',
    content: Buffer.concat([PNG, Buffer.from('<?php phpinfo();')]),
    name: 'a.php',
    expected: proven('image/png', 'png'),
  },

  // Text, which a name may refine.
  { why: 'text', content: 'hello\nworld\n', name: 'a.txt', expected: named('text/plain', 'txt') },
  { why: 'text without a name', content: 'hello', name: '', expected: TEXT },
  { why: 'text called an image', content: 'hello', name: 'a.jpg', claimed: 'image/jpeg', expected: TEXT },
  { why: 'text called SVG', content: 'hello', name: 'a.svg', claimed: 'image/svg+xml', expected: TEXT },
  { why: 'text called a font', content: 'hello', name: 'a.woff2', expected: TEXT },
  { why: 'text called a PDF', content: 'hello', name: 'a.pdf', claimed: 'application/pdf', expected: TEXT },
  { why: 'a dot file', content: '* text=auto\n', name: '.gitattributes', expected: TEXT },
  { why: 'Markdown', content: '# hello', name: 'README.MD', expected: named('text/markdown', 'md') },
  { why: 'a style sheet', content: 'h1 { color: red }', name: 'a.css', expected: named('text/css', 'css') },
  { why: 'a script', content: 'alert(1)', name: 'a.mjs', expected: named('text/javascript', 'mjs') },
  {
    why: 'HTML by its name alone',
    content: 'hello <script>alert(1)</script>',
    name: 'a.htm',
    expected: named('text/html', 'htm'),
  },
  { why: 'source code', content: 'fn main() {}', name: 'main.rs', expected: named('text/plain', 'rs') },
  {
    why: 'a claim where the name says nothing',
    content: '# hello',
    name: 'README',
    claimed: 'text/markdown; charset=utf-8',
    expected: named('text/markdown', 'md'),
  },
  {
    why: 'a name before a claim',
    content: '# hello',
    name: 'a.txt',
    claimed: 'text/markdown',
    expected: named('text/plain', 'txt'),
  },
  { why: 'text that begins like a bitmap', content: 'BMW builds cars', name: 'a', expected: TEXT },
  { why: 'text that begins like a program', content: 'MZ is a pair of letters', name: 'a.exe', expected: TEXT },
  {
    why: 'a chat log in angle brackets',
    content: '<alice> hello there\n<bob> hi',
    name: 'a.log',
    expected: named('text/plain', 'log'),
  },
  { why: 'text in UTF-8', content: 'grüße 日本語 🎈', name: 'a', expected: TEXT },
  { why: 'text in an older encoding', content: Buffer.from('gr\xfc\xdfe', 'latin1'), name: 'a', expected: TEXT },
  { why: 'text in UTF-16', content: Buffer.from('\ufeffhello', 'utf16le'), name: 'a', expected: TEXT },
  {
    why: 'a character cut in two by the end of the head',
    content: `BM${'ü'.repeat(32 * 1024)}`,
    name: 'a',
    expected: TEXT,
  },
  { why: 'JSON', content: ' {"a": [1, 2]}\n', name: 'a', expected: proven('application/json', 'json') },
  {
    why: 'JSON of a kind',
    content: '{"type":"FeatureCollection","features":[]}',
    name: 'a.geojson',
    expected: proven('application/geo+json', 'geojson'),
  },
  { why: 'JSON that is none', content: '{"a": ', name: 'a.json', expected: TEXT },
  {
    why: 'JSON longer than the head',
    content: `[${'1,'.repeat(40_000)}`,
    name: 'a.json',
    expected: named('application/json', 'json'),
  },
  { why: 'a table', content: 'name,age\n"Doe, John",7\nx,8\n', name: 'a', expected: proven('text/csv', 'csv') },
  { why: 'a table by its name', content: 'one line, no table', name: 'a.csv', expected: named('text/csv', 'csv') },
  {
    why: 'a calendar',
    content: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\n',
    name: 'a',
    expected: proven('text/calendar', 'ics'),
  },

  // Neither.
  { why: 'nothing at all', content: '', name: 'a.png', claimed: 'image/png', expected: UNKNOWN },
  { why: 'an empty text file', content: '', name: 'a.css', expected: named('text/css', 'css') },
  { why: 'binary', content: BINARY, name: 'a', claimed: 'image/png', expected: UNKNOWN },
  { why: 'binary called an image', content: BINARY, name: 'a.png', claimed: 'image/png', expected: UNKNOWN },
  { why: 'binary called text', content: BINARY, name: 'a.txt', claimed: 'text/plain', expected: UNKNOWN },
  { why: 'binary called HTML', content: BINARY, name: 'a.html', claimed: 'text/html', expected: UNKNOWN },
  {
    why: 'binary of a kind without signature',
    content: BINARY,
    name: 'a.bin',
    expected: named('application/octet-stream', 'bin'),
  },
];

/** The guarantees of the `Media` port. */
export const mediaContract: readonly ContractCase<Media>[] = [
  ...JUDGEMENTS.map(({ why, content, name, claimed, expected }) => ({
    name: `finds ${expected.mime}${expected.proven ? '' : ' by name'} in "${name}": ${why}`,
    async run(open: () => Promise<Media>) {
      const media = await open();
      const head = (typeof content === 'string' ? Buffer.from(content) : content).subarray(0, 64 * 1024);
      assert.deepEqual(await media.detect(head, name, claimed), expected);
    },
  })),
  {
    name: 'has an answer for every beginning of a file, however short',
    async run(open) {
      const media = await open();
      for (const content of [
        PNG,
        GIF,
        JPEG,
        WEBP,
        MP4,
        zip(['word/a']),
        Buffer.from(XHTML),
        Buffer.from(`\ufeff${SVG}`, 'utf16le'),
      ]) {
        for (let length = 0; length <= content.length; length += 1) {
          const { mime } = await media.detect(content.subarray(0, length), 'a', undefined);
          assert.match(mime, /^[a-z]+\/[a-z0-9.+-]+$/);
        }
      }
    },
  },
  {
    name: 'has an answer for every name and claim, and lets none of them choose a type that runs or shows for binary content',
    async run(open) {
      const media = await open();
      const texts = [
        '',
        '.',
        '..',
        '...',
        'a.',
        '.svg',
        'a.svg/',
        'a.svg\0',
        'a.SVG',
        '__proto__',
        'a.__proto__',
        'a.constructor',
        '\ud800.png',
      ];
      for (const text of [
        ...texts,
        'x'.repeat(100_000),
        '.'.repeat(100_000),
        'image/svg+xml',
        'text/html;',
        ';',
        '/',
      ]) {
        const found = await media.detect(BINARY, text, text);
        assert.deepEqual(found, UNKNOWN, JSON.stringify(text.slice(0, 60)));
      }
    },
  },
  {
    name: 'judges a head built to be slow in a moment',
    async run(open) {
      const media = await open();
      const heads = [
        '<!--',
        '<?',
        '<!DOCTYPE [',
        '<a ',
        '<',
        '"',
        '[',
        '{"a":',
        'a,',
        ',\n',
        '<?xml ?>',
        '<!---->',
        ' ',
        '\n',
        '(',
        'PK\x03\x04',
      ];
      const startMs = Date.now();
      for (const unit of heads) {
        const head = Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length))).subarray(0, 64 * 1024);
        await media.detect(head, 'a', undefined);
        await media.detect(Buffer.concat([Buffer.from('<?xml?>'), head]).subarray(0, 65_535), 'a.json', undefined);
      }
      // Generous for a loaded machine: anything that is not linear takes minutes.
      assert.ok(Date.now() - startMs < 10_000, `${Date.now() - startMs} ms`);
    },
  },
];

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function docx(): MediaType {
  return proven('application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx');
}

/** A ZIP archive as far as its local entries, each holding a short text. */
function zip(names: readonly string[]): Uint8Array {
  const body = deflateRawSync('text');
  return Buffer.concat(
    names.flatMap((name) => {
      const header = Buffer.alloc(30);
      header.write('PK\x03\x04', 0, 'latin1');
      header.writeUInt16LE(20, 4);
      header.writeUInt16LE(8, 8);
      header.writeUInt32LE(body.length, 18);
      header.writeUInt32LE(4, 22);
      header.writeUInt16LE(name.length, 26);
      return [header, Buffer.from(name), body];
    }),
  );
}

/** The beginning of a compound file with one stream of that name. */
function compound(stream: string, lengthBytes = 2048): Uint8Array {
  const file = Buffer.alloc(lengthBytes);
  file.write('d0cf11e0a1b11ae1', 0, 'hex');
  file.write(`${stream}\0`, 1024, 'utf16le');
  return file;
}

function tar(text: string): Uint8Array {
  const file = Buffer.alloc(1024);
  file.write(text, 0);
  file.write('ustar\x0000', 257, 'latin1');
  return file;
}

function opus(): Uint8Array {
  return Buffer.concat([
    Buffer.from('OggS'),
    Buffer.alloc(23),
    Uint8Array.of(19),
    Buffer.from('OpusHead'),
    Buffer.alloc(20),
  ]);
}
