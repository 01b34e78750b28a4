// Recognises markup that a browser could run, however it is dressed: byte order marks, comments, declarations, prefixes.
import type { MediaType } from '../../ports/media.ts';
import { XML_TYPES } from './types.ts';

/**
 * Elements that make a text HTML when it begins with one of them. Those of the MIME Sniffing Standard (section 7.1), and the
 * others that can carry script, a frame or a form.
 */
const HTML_ELEMENTS: ReadonlySet<string> = new Set(
  (
    'html head body script iframe h1 h2 h3 h4 h5 h6 div font table a style title b br p ' +
    'base link meta noscript template slot frameset frame noframes object embed applet param img picture source video audio ' +
    'track canvas map area form input button select option textarea label fieldset details summary dialog marquee center ' +
    'span section article header footer main nav aside ul ol li dl dt dd pre blockquote hr i u s em strong small tt code ' +
    'math isindex plaintext xmp listing image portal'
  ).split(' '),
);

const XHTML_NAMESPACE = 'http://www.w3.org/1999/xhtml';
const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

/** XML languages that their root element tells. */
const XML_ROOTS: ReadonlyMap<string, MediaType> = new Map([
  ['rss', { mime: 'application/rss+xml', extension: 'rss', proven: true }],
  ['feed', { mime: 'application/atom+xml', extension: 'atom', proven: true }],
  ['kml', { mime: 'application/vnd.google-earth.kml+xml', extension: 'kml', proven: true }],
  ['gpx', { mime: 'application/gpx+xml', extension: 'gpx', proven: true }],
  ['stylesheet', { mime: 'application/xslt+xml', extension: 'xslt', proven: true }],
  ['math', { mime: 'application/mathml+xml', extension: 'mathml', proven: true }],
]);

const SVG: MediaType = { mime: 'image/svg+xml', extension: 'svg', proven: true };
const HTML: MediaType = { mime: 'text/html', extension: 'html', proven: true };
const XHTML: MediaType = { mime: 'application/xhtml+xml', extension: 'xhtml', proven: true };
const XML: MediaType = { mime: 'application/xml', extension: 'xml', proven: true };

/** What stands before the root element. */
interface Prolog {
  /** Where the root element begins, or the text ends. */
  readonly end: number;
  readonly hasDeclaration: boolean;
  readonly hasComment: boolean;
  /** The name in the document type, lower case. */
  readonly doctype: string | undefined;
}

/** What the markup at the beginning of `text` is, or undefined when the text begins with something else. Linear in its length. */
export function recogniseMarkup(text: string, hint: { readonly extension: string | undefined }): MediaType | undefined {
  const prolog = readProlog(text);
  const root = readRoot(text, prolog.end);
  if (prolog.doctype === 'html' && !prolog.hasDeclaration) return HTML;
  if (root !== undefined) {
    if (root.local === 'svg' || root.namespace === SVG_NAMESPACE) return SVG;
    if (root.local === 'html' || root.namespace === XHTML_NAMESPACE) return prolog.hasDeclaration ? XHTML : HTML;
  }
  if (prolog.doctype === 'svg') return SVG;
  if (prolog.hasDeclaration) return xmlBy(root?.local, hint.extension);
  if (root !== undefined && HTML_ELEMENTS.has(root.local)) return HTML;
  const looksLikeXml =
    root !== undefined && (prolog.doctype !== undefined || root.namespace !== undefined || root.isClosed);
  if (looksLikeXml) return xmlBy(root.local, hint.extension);
  // A browser takes a text that begins with a comment for HTML.
  return prolog.hasComment || prolog.doctype !== undefined ? HTML : undefined;
}

function xmlBy(root: string | undefined, extension: string | undefined): MediaType {
  const known = root === undefined ? undefined : XML_ROOTS.get(root);
  if (known !== undefined) return known;
  const mime = extension === undefined ? undefined : XML_TYPES.get(extension);
  return mime === undefined ? XML : { mime, extension, proven: mime === XML.mime };
}

function readProlog(text: string): Prolog {
  let at = 0;
  let hasDeclaration = false;
  let hasComment = false;
  let doctype: string | undefined;
  for (;;) {
    at = skipSpace(text, at);
    let next: number;
    if (text.startsWith('<?', at)) {
      hasDeclaration ||= /^<\?xml[\s-]/i.test(text.slice(at, at + 6));
      // Outside of XML a browser reads an instruction as a comment that ends at the first bracket.
      next = after(text, hasDeclaration ? '?>' : '>', at + 2);
    } else if (text.startsWith('<!--', at)) {
      hasComment = true;
      next = after(text, '-->', at + 4);
    } else if (/^<!doctype\s/i.test(text.slice(at, at + 10))) {
      doctype = /^\s*([^\s>[]*)/.exec(text.slice(at + 9, at + 300))?.[1]?.toLowerCase() ?? '';
      next = afterDoctype(text, at + 9);
    } else {
      return { end: at, hasDeclaration, hasComment, doctype };
    }
    at = next;
  }
}

/** The first character that is neither white space nor a byte order mark. */
function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n\f\ufeff'.includes(text.charAt(at))) at += 1;
  return at;
}

function after(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  return found < 0 ? text.length : found + end.length;
}

/** Past the document type; an internal subset in brackets may itself hold `>`. */
function afterDoctype(text: string, from: number): number {
  const close = text.indexOf('>', from);
  const open = text.indexOf('[', from);
  if (open < 0 || (close >= 0 && close < open)) return after(text, '>', from);
  return after(text, '>', after(text, ']', open));
}

interface Root {
  /** Without prefix, lower case. */
  readonly local: string;
  readonly namespace: string | undefined;
  /** The tag is closed in itself, or the text ends with its end tag. */
  readonly isClosed: boolean;
}

const TAG_TEXT_MAX = 16 * 1024;

function readRoot(text: string, at: number): Root | undefined {
  const name = /^<(?:([A-Za-z_][\w.-]{0,99}):)?([A-Za-z_][\w.-]{0,99})(?=[\s/>]|$)/.exec(text.slice(at, at + 256));
  const local = name?.[2];
  if (name === null || local === undefined) return undefined;
  const tag = text.slice(at, Math.min(after(text, '>', at), at + TAG_TEXT_MAX));
  const prefix = name[1];
  const declaration = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`;
  const namespace = attributeOf(tag, declaration);
  const qualified = prefix === undefined ? local : `${prefix}:${local}`;
  const isClosed = tag.endsWith('/>') || text.slice(-300).trimEnd().endsWith(`</${qualified}>`);
  return { local: local.toLowerCase(), namespace, isClosed };
}

function attributeOf(tag: string, name: string): string | undefined {
  const at = tag.search(new RegExp(`\\s${name.replaceAll('.', '\\.')}\\s*=`));
  return at < 0 ? undefined : /=\s*["']?([^"'>]*)/.exec(tag.slice(at, at + 500))?.[1]?.trim();
}
