// Other spellings of base64url texts, which decoders that are not strict read as the same bytes (RFC 4648 section 3.5).

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** All that a lax decoder reads as the 32 bytes at the end of the text, the text itself among them. */
export function spellingsOf(text: string): readonly string[] {
  const value = LETTERS.indexOf(text.slice(-1));
  return [0, 1, 2, 3].map((spare) => `${text.slice(0, -1)}${LETTERS.charAt((value & ~3) | spare)}`);
}
