// The one canonical form of a path: parsed once, compared by segments, and everything ambiguous refused with a reason.
import { isWellFormed, utf8Length } from './utf8.ts';

declare const canonicalPath: unique symbol;

/** `/` or `/a/b`: NFC, no empty or dot segments, nothing that another reader could take for a separator. Made by `parsePath` only. */
export type CanonicalPath = string & { readonly [canonicalPath]: true };
/** One segment of a canonical path, as `parseName` makes it. Not branded, because every stored record carries one as plain text. */
export type CanonicalName = string;

/** The longest name in UTF-8 bytes, as on every common file system. */
export const NAME_BYTES_MAX = 255;
/** The longest path in UTF-8 bytes. */
export const PATH_BYTES_MAX = 4096;
/** The deepest path in segments. */
export const PATH_SEGMENTS_MAX = 64;

export type PathResult =
  | { readonly ok: true; readonly path: CanonicalPath }
  | { readonly ok: false; readonly reason: string };
export type NameResult =
  | { readonly ok: true; readonly name: CanonicalName }
  | { readonly ok: false; readonly reason: string };

/** The path of the root folder. */
export const ROOT = '/' as CanonicalPath; // The brand is made here: a lone slash is canonical by definition.

/**
 * The canonical form of a path that has been percent-decoded exactly once, or the reason why it has none
 * (product definition section 5). One trailing slash is dropped, composed characters are unified (NFC); nothing else is repaired.
 */
export function parsePath(text: unknown): PathResult {
  if (typeof text !== 'string') return refuse('A path is a text.');
  if (text === '') return refuse('A path is not empty; the root folder is written "/".');
  if (text.length > PATH_BYTES_MAX * DECOMPOSITION_MAX) return refuse(`A path has at most ${PATH_BYTES_MAX} bytes.`);
  if (!text.startsWith('/')) return refuse('A path begins with a slash.');
  if (text === '/') return { ok: true, path: ROOT };
  const segments = text.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  if (segments.length > PATH_SEGMENTS_MAX) return refuse(`A path has at most ${PATH_SEGMENTS_MAX} segments.`);
  let canonical = '';
  for (const segment of segments) {
    const parsed = parseName(segment);
    if (!parsed.ok) return parsed;
    canonical += `/${parsed.name}`;
  }
  if (utf8Length(canonical) > PATH_BYTES_MAX) return refuse(`A path has at most ${PATH_BYTES_MAX} bytes.`);
  return { ok: true, path: canonical as CanonicalPath }; // The brand is made here: every segment has just been checked.
}

/** The canonical form of one file or folder name, or the reason why it has none; the same rules as for a path's segments. */
export function parseName(text: unknown): NameResult {
  if (typeof text !== 'string') return refuse('A name is a text.');
  if (text.length > NAME_BYTES_MAX * DECOMPOSITION_MAX) return refuse(`A name has at most ${NAME_BYTES_MAX} bytes.`);
  if (!isWellFormed(text)) return refuse('A name is valid Unicode, without lone surrogates.');
  const name = text.normalize('NFC');
  const fault = faultOf(name) ?? compatibilityFaultOf(name);
  if (fault !== undefined) return refuse(fault);
  if (utf8Length(name) > NAME_BYTES_MAX) return refuse(`A name has at most ${NAME_BYTES_MAX} bytes.`);
  return { ok: true, name };
}

/** The folder that holds a path; undefined for the root. */
export function parentOf(path: CanonicalPath): CanonicalPath | undefined {
  if (path === '/') return undefined;
  const end = path.lastIndexOf('/');
  return end === 0 ? ROOT : (path.slice(0, end) as CanonicalPath); // A prefix of whole segments stays canonical.
}

/** The last segment of a path; undefined for the root, which has no name. */
export function nameOf(path: CanonicalPath): CanonicalName | undefined {
  if (path === '/') return undefined;
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The path of a name inside a folder. The name must come from `parseName` or a stored record. Depth and length are not
 * checked: the text of a path that is to be new goes through `parsePath` once more.
 */
export function joinPath(path: CanonicalPath, name: CanonicalName): CanonicalPath {
  return `${path === '/' ? '' : path}/${name}` as CanonicalPath; // A canonical path and a canonical name.
}

/** The segments of a path, outermost first; none for the root. */
export function segmentsOf(path: CanonicalPath): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

/** True when `path` is `ancestor` itself or lies anywhere below it, by whole segments: `/folder2` is not within `/folder`. */
export function isWithin(ancestor: CanonicalPath, path: CanonicalPath): boolean {
  const outer = segmentsOf(ancestor);
  const inner = segmentsOf(path);
  return outer.length <= inner.length && outer.every((segment, index) => segment === inner[index]);
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

// A decomposed spelling is longer than the composed one it is judged by; this only bounds the work on absurd input.
const DECOMPOSITION_MAX = 4;
// Line and paragraph separators are no controls by category but end lines in logs and headers all the same.
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}\ufff9-\ufffb]/u;
// Joiners shape Persian, Indic scripts and emoji, the selector picks emoji style. Beside ASCII they only make twins of plain names.
const JOINERS_IN_PLACE =
  /(?<=[^\0-\x7f])[\u200c\u200d](?=[^\0-\x7f])|(?<=[^\0-\x7f])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)/gu;
// What a second decoding, by anyone behind us, would turn into a separator, a dot, the end of the text or yet another escape.
const SECOND_ENCODING = /%(?:2f|5c|00|2e|25[0-9a-f]{2})/i;

function faultOf(name: string): string | undefined {
  if (name === '') return 'A name is not empty, and a path has no empty segments.';
  if (name === '.' || name === '..') return 'A path has no dot segments.';
  if (name.includes('/')) return 'A name has no slash.';
  if (name.includes('\\')) return 'A name has no backslash.';
  if (CONTROL.test(name)) return 'A name has no control characters.';
  if (INVISIBLE.test(name.replace(JOINERS_IN_PLACE, '')))
    return 'A name has no invisible or direction-changing characters.';
  if (name.trim() === '') return 'A name is not only white space.';
  if (SECOND_ENCODING.test(name))
    return 'A name has no percent-encoded separators, dots or percent signs left after decoding.';
  return undefined;
}

/**
 * What readers would see that fold look-alikes (NFKC), decode what looks percent-encoded once more, pass over what cannot be seen, or do
 * all of it: neither a full-width slash nor an encoded two-dot leader must become a separator or a dot segment behind our back.
 */
function compatibilityFaultOf(name: string): string | undefined {
  if (PLAIN.test(name)) return undefined;
  for (let text = name; ; ) {
    const folded = text.normalize('NFKC');
    const visible = folded.replace(UNSEEN, '');
    const dangerous = /^\.{1,2}$/.test(visible) || /[/\\]/.test(visible) || SECOND_ENCODING.test(visible);
    if (dangerous) return 'A name has nothing that stands for a separator or a dot segment.';
    const decoded = folded.replace(ESCAPES, decodedOrAsIs);
    // Every round leaves a shorter text.
    if (decoded === folded) return undefined;
    text = decoded;
  }
}

/** Nothing in it is folded, decoded or unseen. */
const PLAIN = /^[ -$&-~]*$/;
const ESCAPES = /(?:%[0-9a-f]{2})+/gi;
const UNSEEN = new RegExp(`${CONTROL.source}|${INVISIBLE.source}`, 'gu');

/** What is no UTF-8 stays as it is written. */
function decodedOrAsIs(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
}
