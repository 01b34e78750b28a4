// Strict base64url (RFC 4648 section 5, no padding): one byte string has one text, so one key has one spelling.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LETTERS: readonly string[] = [...ALPHABET];
/** Character code to value; what is no letter of the alphabet has FOREIGN. */
const FOREIGN = 0xff;
const VALUES = new Uint8Array(128).fill(FOREIGN);
for (const [value, letter] of LETTERS.entries()) VALUES[letter.charCodeAt(0)] = value;

/** The base64url text of bytes, without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (let at = 0; at < bytes.length; at++) {
    held = ((held << 8) | (bytes[at] ?? 0)) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += LETTERS[(held >> bits) & 0x3f];
    }
  }
  if (bits > 0) text += LETTERS[(held << (6 - bits)) & 0x3f];
  return text;
}

/** The bytes of a base64url text; undefined for padding, foreign letters, impossible lengths and non-zero spare bits. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? FOREIGN;
    if (value === FOREIGN) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  // RFC 4648 section 3.5: spare bits other than zero would give one value several spellings.
  if ((held & ((1 << bits) - 1)) !== 0) return undefined;
  return bytes;
}
