// Keywords in XMP (ISO 16684-1): the texts of the list `dc:subject`, in which today's editors keep them.
import { SaxesParser } from 'saxes';

const DUBLIN_CORE = 'http://purl.org/dc/elements/1.1/';
const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
/** Histories that editors leave behind are long, and their lists deep; a hostile packet must not cost more. */
const BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 50;
const CLOSING = 0x3e; // >

/** The keywords in the order in which they stand. Throws when the packet is no XML, too long or too deep. */
export function keywordsInXmp(packet: Uint8Array): readonly string[] {
  if (packet.length > BYTES_MAX) throw new RangeError(`${packet.length} bytes of XMP are too many`);
  const parser = new SaxesParser({ xmlns: true, position: false });
  const keywords: string[] = [];
  let depth = 0;
  let isInSubject = false;
  let text: string | undefined;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ uri, local }) => {
    depth += 1;
    if (depth > DEPTH_MAX) throw new RangeError(`XMP of more than ${DEPTH_MAX} levels`);
    if (uri === DUBLIN_CORE && local === 'subject') isInSubject = true;
    if (isInSubject && uri === RDF && local === 'li') text = '';
  });
  const add = (part: string) => {
    if (text !== undefined) text += part;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', ({ uri, local }) => {
    depth -= 1;
    if (uri === DUBLIN_CORE && local === 'subject') isInSubject = false;
    if (uri !== RDF || local !== 'li' || text === undefined) return;
    keywords.push(text);
    text = undefined;
  });
  // What stands behind the last tag is padding.
  const end = packet.lastIndexOf(CLOSING) + 1;
  parser.write(Buffer.from(packet.subarray(0, end)).toString('utf8')).close();
  return keywords;
}
