// Tells text from binary, and text formats from each other.
import { isUtf8 } from 'node:buffer';
import type { MediaType } from '../../ports/media.ts';
import type { Subject } from './media.ts';
import { TEXT_EXTENSIONS, TEXT_TYPES } from './types.ts';

const JSON_MIME = /^(?:application\/json|[\w.+/-]+\+json)$/;
const CSV_LINES_MAX = 50;

/** The bytes as text, for looking at its beginning: UTF-16 where marked or where markup shows it, otherwise one character a byte. */
export function readText(head: Uint8Array): string {
  const encoding = utf16Of(head);
  if (encoding !== undefined) return new TextDecoder(encoding).decode(head);
  // Not decoded as UTF-8: a fault in one place must not hide what stands in another.
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  return text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text;
}

/** True when the bytes can only be meant as text: UTF-8, or marked UTF-16, without a control character that no text has. */
export function isPlainlyText({ head, isWhole }: Pick<Subject, 'head' | 'isWhole'>): boolean {
  if (utf16Of(head) !== undefined) return !hasControl(readText(head));
  return !hasControl(readText(head)) && isUtf8(isWhole ? head : withoutCutCharacter(head));
}

/**
 * The type of a text. Its bytes prove JSON and CSV; otherwise the name, then the claim, chooses among the formats that any text
 * may be. Undefined when the bytes are not text.
 */
export function recogniseText(subject: Subject): MediaType | undefined {
  const { head, isWhole, extension, claimed } = subject;
  if (head.length === 0) return byName(extension);
  const text = readText(head);
  // Older encodings are text too, as long as nothing in them is a control character (MIME Sniffing Standard, section 7.2).
  if (hasControl(text)) return undefined;

  const named = byName(extension) ?? byClaim(claimed);
  if (named === undefined) {
    if (isWhole && isJson(text)) return { mime: 'application/json', extension: 'json', proven: true };
    if (isCsv(text)) return { mime: 'text/csv', extension: 'csv', proven: true };
  } else if (!JSON_MIME.test(named.mime)) {
    return named;
  } else if (isWhole ? isJson(text) : /^\s*[[{]/.test(text)) {
    return { ...named, proven: isWhole };
  }
  return { mime: 'text/plain', extension: 'txt', proven: true };
}

function byName(extension: string | undefined): MediaType | undefined {
  const mime = extension === undefined ? undefined : TEXT_TYPES.get(extension);
  return mime === undefined ? undefined : { mime, extension, proven: false };
}

function byClaim(claimed: string | undefined): MediaType | undefined {
  const extension = claimed === undefined ? undefined : TEXT_EXTENSIONS.get(claimed);
  return extension === undefined || claimed === 'text/plain' ? undefined : byName(extension);
}

function utf16Of(head: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return 'utf-16be';
  return undefined;
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Tab, line feed, form feed, carriage return and escape are in texts; the other control characters are not.
    if (code < 32 && code !== 9 && code !== 10 && code !== 12 && code !== 13 && code !== 27) return true;
  }
  return false;
}

/** Without the last, possibly incomplete character. */
function withoutCutCharacter(head: Uint8Array): Uint8Array {
  let end = head.length;
  while (end > Math.max(0, head.length - 3) && ((head[end - 1] ?? 0) & 0xc0) === 0x80) end -= 1;
  return head.subarray(0, (head[end - 1] ?? 0) >= 0xc0 ? end - 1 : head.length);
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // What cannot be parsed is simply another kind of text.
  }
}

/** Three or more lines with the same number, at least one, of the same separator outside quotes. */
function isCsv(text: string): boolean {
  const lines = text.split(/\r?\n/, CSV_LINES_MAX + 1).filter((line) => line !== '');
  const complete = lines.slice(0, lines.length > CSV_LINES_MAX ? CSV_LINES_MAX : lines.length);
  if (complete.length < 3) return false;
  return [',', ';', '\t'].some((separator) => {
    const counts = new Set(complete.map((line) => line.replaceAll(/"[^"]*"/g, '').split(separator).length));
    return counts.size === 1 && !counts.has(1);
  });
}
