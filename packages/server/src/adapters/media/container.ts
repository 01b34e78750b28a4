// Office documents inside the two general containers, as far as the head shows what is in them.
import type { MediaType } from '../../ports/media.ts';
import type { Subject } from './media.ts';

const OPEN_XML = 'application/vnd.openxmlformats-officedocument';

/** What an entry's name in a ZIP archive tells; the first that fits decides. */
const ZIP_ENTRIES: ReadonlyArray<readonly [entry: RegExp, mime: string, extension: string]> = [
  [/^word\//, `${OPEN_XML}.wordprocessingml.document`, 'docx'],
  [/^xl\//, `${OPEN_XML}.spreadsheetml.sheet`, 'xlsx'],
  [/^ppt\//, `${OPEN_XML}.presentationml.presentation`, 'pptx'],
  [/^Index\/(MasterSlide|Slide)/, 'application/vnd.apple.keynote', 'key'],
  [/^Index\/Tables\//, 'application/vnd.apple.numbers', 'numbers'],
  [/^Index\/Document\.iwa$/, 'application/vnd.apple.pages', 'pages'],
  [/^doc\.kml$/, 'application/vnd.google-earth.kmz', 'kmz'],
];

/** Names of streams in a compound file, and the extensions that stand for the same kind of document. */
const COMPOUND_STREAMS: ReadonlyArray<readonly [stream: string, mime: string, extensions: readonly string[]]> = [
  ['WordDocument', 'application/msword', ['doc', 'dot']],
  ['Workbook', 'application/vnd.ms-excel', ['xls', 'xlt']],
  ['PowerPoint Document', 'application/vnd.ms-powerpoint', ['ppt', 'pps', 'pot']],
  ['__properties_version1.0', 'application/vnd.ms-outlook', ['msg']],
  ['VisioDocument', 'application/vnd.visio', ['vsd']],
];

const LOCAL_HEADER = Buffer.from('PK\x03\x04', 'latin1');
const ENTRIES_MAX = 1024;

/** A closer type than "archive" where the head shows one; otherwise what was found. */
export function refineContainer(found: MediaType, subject: Subject): MediaType {
  if (found.mime === 'application/zip') return inZip(subject) ?? found;
  if (found.mime === 'application/x-cfb') return inCompound(subject) ?? found;
  return found;
}

function inZip({ head }: Subject): MediaType | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const entries: string[] = [];
  let at = bytes.indexOf(LOCAL_HEADER);
  while (at >= 0 && at + 30 <= bytes.length && entries.length < ENTRIES_MAX) {
    entries.push(bytes.toString('latin1', at + 30, at + 30 + bytes.readUInt16LE(at + 26)));
    at = bytes.indexOf(LOCAL_HEADER, at + 30);
  }
  // A folder called `word` alone is no document: Open XML always has its relations or content types beside it.
  const isOpenXml = entries.some((name) => name === '_rels/.rels' || name === '[Content_Types].xml');
  const row = ZIP_ENTRIES.find(
    ([entry, mime]) => (isOpenXml || !mime.startsWith(OPEN_XML)) && entries.some((name) => entry.test(name)),
  );
  return row === undefined ? undefined : { mime: row[1], extension: row[2], proven: true };
}

function inCompound({ head, isWhole, extension }: Subject): MediaType | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const shown = COMPOUND_STREAMS.find(([stream]) => bytes.includes(Buffer.from(`${stream}\0`, 'utf16le')));
  if (shown !== undefined) return { mime: shown[1], extension: shown[2][0], proven: true };
  // The directory of a long file lies beyond the head: the bytes say "compound file", the name which kind.
  const named = isWhole
    ? undefined
    : COMPOUND_STREAMS.find(([, , names]) => extension !== undefined && names.includes(extension));
  return named === undefined ? undefined : { mime: named[1], extension: named[2][0], proven: false };
}
