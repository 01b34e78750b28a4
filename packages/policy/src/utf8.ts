// UTF-8 by hand, because this package may rely on nothing but the language: no TextEncoder, no Buffer.

/** True when the text has no lone surrogate, that is when it has exactly one UTF-8 form. */
export function isWellFormed(text: string): boolean {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) return false;
  }
  return true;
}

/** The length of a well-formed text in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The UTF-8 bytes of a well-formed text (RFC 3629). */
export function encodeUtf8(text: string): Uint8Array {
  return encodeAscii(text) ?? encodeAny(text);
}

/** Nearly every text here is ASCII, where a character is a byte; undefined when this one is not. */
function encodeAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

function encodeAny(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  let at = 0;
  const tail = (point: number, shift: number) => {
    bytes[at++] = 0x80 | ((point >> shift) & 0x3f);
  };
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x80) {
      bytes[at++] = point;
    } else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
      tail(point, 0);
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12);
      tail(point, 6);
      tail(point, 0);
    } else {
      bytes[at++] = 0xf0 | (point >> 18);
      tail(point, 12);
      tail(point, 6);
      tail(point, 0);
    }
  }
  return bytes;
}

/** The text of UTF-8 bytes; undefined for anything that is not the one valid form (overlong, surrogate, cut off). */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return decodeAscii(bytes) ?? decodeAny(bytes);
}

/** So many bytes at once become arguments of one call. */
const CHUNK = 4096;

/** The text of bytes that are all ASCII; undefined when one is not. */
function decodeAscii(bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] ?? 0) >= 0x80) return undefined;
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

function decodeAny(bytes: Uint8Array): string | undefined {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at++] ?? 0;
    const tails =
      lead < 0x80
        ? 0
        : lead >= 0xc2 && lead < 0xe0
          ? 1
          : lead >= 0xe0 && lead < 0xf0
            ? 2
            : lead >= 0xf0 && lead < 0xf5
              ? 3
              : -1;
    if (tails < 0) return undefined;
    let point = tails === 0 ? lead : lead & (0x3f >> tails);
    for (let i = 0; i < tails; i++) {
      const next = bytes[at++];
      if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    const least = [0, 0x80, 0x800, 0x10000][tails] ?? 0;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
