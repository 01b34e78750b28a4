// What files can be searched by, as one tree of conditions, and how texts are compared: the same on every database.
import type { CanonicalPath } from '@latchkey/policy';
import type { ApprovalStatus } from './approval-states.ts';
import type { Look } from './look.ts';
import type { FileQuery, FileRecord, Json, Paging, ScopeLayers } from './metadata.ts';

/** A range of numbers; an absent end is open, an `exclusive` one does not belong to it. */
export interface Range {
  readonly from?: number;
  readonly to?: number;
  readonly exclusive?: true;
}

/** A comparison with a text. Letter case, accents and runs of spaces make no difference in any of them.
 *  `words`: the text's words stand there side by side, the last one may go on. */
export interface TextMatch {
  readonly is: 'equal' | 'words' | 'contains' | 'begins';
  readonly text: string;
}

/** A comparison with the values of one field, of which a file may have several. `only`: these texts and no others. */
export type ValueMatch =
  | TextMatch
  | { readonly is: 'present' }
  | { readonly is: 'only'; readonly texts: readonly string[] }
  | ({ readonly is: 'between' } & Range);

/** What is told of every file beside its metadata. Sizes of pictures are in pixels; colours are the names of `COLOURS`. */
export type Fact =
  | 'name'
  | 'tag'
  | 'product'
  | 'width'
  | 'height'
  | 'longest_side'
  | 'orientation'
  | 'faces'
  | 'main_color'
  | 'color';

/** Metadata is searched by its key, in all its variants. */
export type SearchField = Fact | `meta.${string}`;

/** Which files. `any` of nothing holds for none, `all` of nothing for every file. */
export type Condition =
  | { readonly of: 'all' | 'any'; readonly conditions: readonly Condition[] }
  | { readonly of: 'not'; readonly condition: Condition }
  /** The words stand side by side in the name, in a tag or in the metadata; the last one may go on. */
  | { readonly of: 'text'; readonly text: string }
  | { readonly of: 'value'; readonly field: SearchField; readonly match: ValueMatch }
  | { readonly of: 'tag' | 'label'; readonly sid: string }
  /** It has a label at all, or an approval of its current version. */
  | { readonly of: 'present'; readonly what: 'label' | 'approval' }
  /** How the latest approval stands at the moment. */
  | { readonly of: 'approval'; readonly status: ApprovalStatus; readonly nowMs: number }
  /** The latest approval of its current version asks this person. */
  | { readonly of: 'approver'; readonly personId: string }
  /** A MIME type, or a prefix that ends in `/`. */
  | { readonly of: 'mime'; readonly mime: string }
  | { readonly of: 'size' | 'created' | 'modified'; readonly range: Range }
  /** In the folder or below it. */
  | { readonly of: 'folder'; readonly path: CanonicalPath };

/** Holds for every file. */
export const EVERY_FILE: Condition = { of: 'all', conditions: [] };

/** A file that is like what was searched for; `relevance` is below 1, which an exact match would have, except of pictures: what looks the
 *  same has 1. */
export interface SimilarFile {
  readonly file: FileRecord;
  readonly relevance: number;
}

/**
 * Searching beyond the listing of files, for which the Metadata port takes conditions. Nothing is revealed of files in
 * folders that a layer does not cover. Raises STORE_UNAVAILABLE.
 */
export interface Search {
  /** Files that meet the query's condition and almost, but not exactly, say all of the texts: each word stands inside a
   *  longer one, or differs by one edit. Best first. When more than `SIMILAR_MAX` files may be like each word, the first `COUNT_MAX` that
   *  folder, scopes and condition leave are looked at; at most `SIMILAR_MAX` are weighed. */
  findSimilarFiles(
    query: FileQuery,
    texts: readonly string[],
    paging: Paging,
  ): Promise<{ readonly files: readonly SimilarFile[]; readonly total: number; readonly bytes: number }>;
  /** Files that look like this, the nearest first; without the file `besides`. Of up to `LOOKED_THROUGH_MAX` files that may be seen the colours of
   *  all are compared; of more those of some thousands that an index finds near: the same picture is nearly
   *  always among them, others that are alike as far as they are of nearly the same mean colour. Their blurred pictures decide. */
  findLookAlikes(
    container: string,
    within: ScopeLayers,
    look: Look,
    besides: string,
    limit: number,
  ): Promise<readonly SimilarFile[]>;
  /** The MIME types of files that may be seen, each with the number of its files, at most `COUNT_MAX`; the most frequent first. */
  countTypes(
    container: string,
    within: ScopeLayers,
    limit: number,
  ): Promise<readonly { readonly mime: string; readonly files: number }[]>;
  /** The values of a field that files in scope have and that contain the text in their first 200 characters, each once, as a file has it, in their
   *  order. Those that begin with it come before others when there are more than `limit`. Of a field with thousands of values the first 2,000
   *  are looked at, and the first 2,000 of those that begin with the text; in a wide scope a value is found when one of its first 300 files is in it. */
  listValues(
    container: string,
    within: ScopeLayers,
    field: SearchField,
    contains: string,
    limit: number,
  ): Promise<readonly string[]>;
  /** Makes up to `limit` files and tags as searchable as new ones that were stored before there was a search, or one by looks, by what is like
   *  their metadata, or whatever the accents. Answers how many it found, once everybody else in the process has had a turn: it is asked over and
   *  over. */
  catchUp(limit: number): Promise<number>;
}

/** So many files are weighed for one search for similar ones. */
export const SIMILAR_MAX = 4000;

/** Of so many files all are compared when some that look alike are searched for. */
export const LOOKED_THROUGH_MAX = 20_000;

/** Counting stops here when nothing but looking at each file would tell the number. */
export const COUNT_MAX = 10_000;

/** A text without what makes no difference: letter case, accents, compatibility forms, runs of spaces. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll('\0', '\ufffd')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Scripts that are written without spaces between words. */
const UNSPACED = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}';
const SEGMENT = new RegExp(`[${UNSPACED}ー]+|(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}])+`, 'gu');
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}ー]`, 'u');

/** Every text, number and flag of a value, with its variants and lists. */
export function textsIn(value: Json): readonly string[] {
  if (value === null || value === '') return [];
  if (typeof value === 'object') return Object.values(value).flatMap(textsIn);
  return [String(value)];
}

/** The words of a text, folded, in their order. A run of a script without spaces is one of them. */
export function wordsIn(text: string): readonly string[] {
  return fold(text).match(SEGMENT) ?? [];
}

/** Whether the word belongs to a script without spaces: then it is found inside longer runs. */
export function isUnspaced(word: string): boolean {
  return STARTS_UNSPACED.test(word);
}

/** The named colours and the middle of each, as red, green and blue: those that widgets offer, and the neutral ones. */
export const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [0xf3, 0x46, 0x38],
  orange: [0xff, 0x63, 0x18],
  pink: [0xee, 0x68, 0x93],
  'grass green': [0x2f, 0xb1, 0x4b],
  yellow: [0xff, 0xda, 0x27],
  azure: [0x09, 0x80, 0xfb],
  chartreuse: [0xd1, 0xd9, 0x51],
  teal: [0x26, 0xa5, 0xa9],
  purple: [0xa8, 0x26, 0xb2],
  brown: [0x78, 0x46, 0x1e],
  black: [0, 0, 0],
  gray: [0x80, 0x80, 0x80],
  white: [0xff, 0xff, 0xff],
};

/** Other names of the same colours. */
const COLOUR_ALIASES: Readonly<Record<string, string>> = {
  green: 'grass green',
  blue: 'azure',
  grey: 'gray',
  violet: 'purple',
};

/** The named colour that is nearest to `#rrggbb` or `#rgb`; a name stays itself. Undefined for what is neither. */
export function colourName(text: string): string | undefined {
  const said = fold(text);
  const name = Object.hasOwn(COLOUR_ALIASES, said) ? COLOUR_ALIASES[said] : said;
  if (name !== undefined && Object.hasOwn(COLOURS, name)) return name;
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/.exec(said)?.[1];
  if (digits === undefined) return undefined;
  const step = digits.length / 3;
  const [r = 0, g = 0, b = 0] = [0, 1, 2].map((n) =>
    Number.parseInt(digits.slice(n * step, (n + 1) * step).repeat(3 - step), 16),
  );
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const [colour, [cr, cg, cb]] of Object.entries(COLOURS)) {
    const distance = 2 * (r - cr) ** 2 + 4 * (g - cg) ** 2 + 3 * (b - cb) ** 2;
    if (nearest === undefined || distance < nearest.distance) nearest = { name: colour, distance };
  }
  return nearest?.name;
}
