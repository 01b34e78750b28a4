// Formats that their first bytes prove.
import type { MediaType } from '../../ports/media.ts';
import type { Subject } from './media.ts';
import { isPlainlyText } from './text.ts';

/** Formats that are text and still have a signature. All others are doubted when the content is plainly a text: "BMW" is no bitmap. */
const TEXTUAL: ReadonlySet<string> = new Set([
  'application/pdf',
  'application/postscript',
  'application/eps',
  'application/rtf',
  'application/xml',
  'application/pgp-encrypted',
  'application/x-ms-regedit',
  'application/x-unix-archive',
  'application/x-deb',
  'text/calendar',
  'text/vcard',
  'text/vtt',
  'model/stl',
]);

/** Formats whose beginning is unmistakable even where the rest is damaged or lies beyond the head. */
const BEGINNINGS: ReadonlyArray<readonly [beginning: string, mime: string, extension: string]> = [
  ['\x1f\x8b', 'application/gzip', 'gz'],
  ['\x89PNG\r\n\x1a\n', 'image/png', 'png'],
  ['II*\0', 'image/tiff', 'tif'],
  ['MM\0*', 'image/tiff', 'tif'],
  ['PK\x05\x06', 'application/zip', 'zip'],
];
const EBML = '\x1a\x45\xdf\xa3';
/** Readers of PDF accept some bytes before the signature. */
const PDF_WITHIN_BYTES = 1024;

/** The format that the bytes prove, or undefined. */
export async function matchSignature(subject: Subject): Promise<MediaType | undefined> {
  const { head } = subject;
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, PDF_WITHIN_BYTES)).toString(
    'latin1',
  );
  // Not shown to the library, which would unpack it.
  const found = start.startsWith('\x1f\x8b') ? undefined : await matchLibrary(head);
  if (found !== undefined) return TEXTUAL.has(found.mime) || !isPlainlyText(subject) ? found : undefined;
  const beginning = BEGINNINGS.find(([bytes]) => start.startsWith(bytes));
  if (beginning !== undefined) return { mime: beginning[1], extension: beginning[2], proven: true };
  if (start.startsWith(EBML)) return matroska(start);
  if (start.includes('%PDF-')) return { mime: 'application/pdf', extension: 'pdf', proven: true };
  return undefined;
}

async function matchLibrary(head: Uint8Array): Promise<MediaType | undefined> {
  const { fileTypeFromBuffer } = await import('file-type');
  // What the library cannot read to the end of its thought is unknown to it, not a fault of ours.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  const mime = found?.mime.split(';', 1)[0]?.trim().toLowerCase();
  return mime === undefined ? undefined : { mime, extension: found?.ext.toLowerCase(), proven: true };
}

function matroska(start: string): MediaType | undefined {
  const opening = start.slice(0, 64);
  if (opening.includes('webm')) return { mime: 'video/webm', extension: 'webm', proven: true };
  return opening.includes('matroska') ? { mime: 'video/matroska', extension: 'mkv', proven: true } : undefined;
}
