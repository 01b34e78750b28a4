// Texts that break careless programs: a short list of our own, and the large one of CORPORA_DIR where there is one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const OWN: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  'line\nbreak',
  'tab\tstop',
  '\u202Etxt.exe',
  'e\u0301 and \u00e9',
  '\uFEFFmark',
  'ẞß ıİ ﬁ',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  '𝒜𝓃𝒸𝒾𝑒𝓃𝓉',
  '表ポあA鷗ŒéＢ逍Üßªąñ丂㐀𠀀',
  '\uD800',
  'half \uDC00 pair',
  "'; drop table files; --",
  '%_\\%',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '{{7*7}}#{7*7}',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  '#tg0123456789',
  '"quoted"',
  'x'.repeat(300),
];

/** Naughty strings, each once. The large list is used when CORPORA_DIR names the folder that holds it. */
export function naughtyStrings(): readonly string[] {
  const folder = process.env['CORPORA_DIR'];
  const more: unknown =
    folder === undefined ? [] : JSON.parse(readFileSync(join(folder, 'strings', 'blns.json'), 'utf8'));
  if (!Array.isArray(more) || !more.every((text) => typeof text === 'string')) throw new TypeError('blns.json');
  return [...new Set([...OWN, ...more])];
}
