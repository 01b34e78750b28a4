// What makes files findable: their words, and every value they can be searched by, kept in the transaction of each change.
import { type Insertable, type Selectable, sql } from 'kysely';
import { PICTURE_COLOURS } from '../../ports/images.ts';
import { lookKey, lookOf } from '../../ports/look.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import { colourName, fold, isUnspaced, type SearchField, textsIn, wordsIn } from '../../ports/search.ts';
import type { Executor } from './database.ts';
import { PREVIEW } from './migrations/0028-looks.ts';
import { HAS_GRAMS } from './migrations/0029-likenesses.ts';
import type { FileTable, FileValueTable } from './schema.ts';

/** What of a file it is found by. */
export type Searchable = Pick<
  Selectable<FileTable>,
  'id' | 'container' | 'name' | 'meta' | 'tags' | 'info' | 'product_ref' | 'size'
>;

/** The columns whose change changes what a file is found by. */
export const SEARCHED_COLUMNS = ['name', 'meta', 'tags', 'info', 'product_ref'] as const;

// PostgreSQL takes a document of less than a megabyte.
const ENTRIES_LENGTH_MAX = 200_000;
const VALUES_MAX = 20_000;
const TOKEN_LENGTH_MAX = 64;
const HEAD_LENGTH = 200;

/** Brings what a file is found by in line with its row. `isNew` spares the removal of what cannot be there. */
export async function indexFile(db: Executor, file: Searchable, isNew = false): Promise<void> {
  const values = valuesOf(file).slice(0, VALUES_MAX);
  const words = wordsOf(file);
  // Later sizes are kept by a trigger.
  const row = { file_id: file.id, container: file.container, size: file.size, ...words };
  if (isNew) {
    await db.insertInto('file_search').values(row).execute();
  } else {
    await db.deleteFrom('file_values').where('file_id', '=', file.id).execute();
    await db
      .insertInto('file_search')
      .values(row)
      .onConflict((conflict) => conflict.column('file_id').doUpdateSet(words))
      .execute();
  }
  for (let start = 0; start < values.length; start += VALUES_AT_ONCE) {
    await db
      .insertInto('file_values')
      .values(values.slice(start, start + VALUES_AT_ONCE))
      .execute();
  }
}

const VALUES_AT_ONCE = 100;

/** Brings the words of a file in line with its row, where only they are behind. */
export async function indexWords(db: Executor, file: Searchable): Promise<void> {
  await db.updateTable('file_search').set(wordsOf(file)).where('file_id', '=', file.id).execute();
}

/** Adds the names of colours that the file could not be found by when its row was written. */
export async function addColours(db: Executor, file: Searchable): Promise<void> {
  const field = 'main_color';
  const rows = await db
    .selectFrom('file_values')
    .select('text')
    .where('file_id', '=', file.id)
    .where('field', '=', field)
    .execute();
  const known = new Set(rows.map(({ text }) => text));
  const values = valuesOf(file).filter((value) => value.field === field && !known.has(value.text));
  if (values.length > 0) await db.insertInto('file_values').values(values).execute();
}

/** The text that sorting by title goes by: the metadata's title, or the name where there is none. */
export function titleKey(file: { readonly name: string; readonly meta: string }): string {
  const title = textsIn((JSON.parse(file.meta) as JsonObject)['title'] ?? null)[0];
  return headOf(fold(title ?? file.name)) || headOf(fold(file.name));
}

/** The number by which files that look alike are found; null for one without a blurred preview, below 0 when its preview is none. */
export function storedLookKey({ info }: { readonly info: string }): number | null {
  if (!info.includes(PREVIEW)) return null;
  const look = lookOf(JSON.parse(info) as JsonObject);
  return look === undefined ? NO_LOOK : lookKey(look);
}

const NO_LOOK = -1;

/** A text as patterns look for words in it: words with one space around each. */
export function wordLine(text: string): string {
  return ` ${wordsIn(text).join(' ')} `;
}

/** The pattern that finds a text's words side by side, the last one going on, in the lines of `wordLine`. */
export function wordPattern(text: string): string {
  const words = wordsIn(text);
  return isUnspaced(words[0] ?? '') ? `%${words.join(' ')}%` : `% ${words.join(' ')}%`;
}

/** A field's name as it is stored. */
export function fieldName(field: SearchField): string {
  return field.replace(/[\0\p{Cs}]/gu, '\ufffd');
}

/** The beginning of a text that is short enough to be indexed by every database. */
export function headOf(text: string): string {
  return text.length <= HEAD_LENGTH ? text : [...text].slice(0, HEAD_LENGTH).join('');
}

/** The entries of the index that hold a text's words. */
export function tokensOf(text: string): readonly string[] {
  return wordsIn(text).flatMap((word) => (isUnspaced(word) ? pairsOf(word) : [shortened(word)]));
}

/** What the index must hold for a text to be there: whole entries, and the beginning of one. */
export function tokensWanted(text: string): { readonly whole: readonly string[]; readonly beginning?: string } {
  const words = wordsIn(text);
  const last = words.at(-1);
  const whole = words.slice(0, -1).flatMap((word) => (isUnspaced(word) ? widestPairs(word) : [shortened(word)]));
  if (last === undefined) return { whole };
  return isUnspaced(last) ? { whole: [...whole, ...widestPairs(last)] } : { whole, beginning: shortened(last) };
}

/** Three letters each, the word's edges among them: what words that are alike have in common. */
export function gramsOf(word: string): readonly string[] {
  return triplesOf([EDGE_START, ...word, EDGE_END]);
}

/** The triples of a part of a word, which may be its beginning or its end. */
export function gramsOfPart(part: string, place: 'start' | 'inside' | 'end'): readonly string[] {
  return triplesOf([...(place === 'start' ? [EDGE_START] : []), ...part, ...(place === 'end' ? [EDGE_END] : [])]);
}

const EDGE_START = '\u2039';
const EDGE_END = '\u203a';

function triplesOf(letters: readonly string[]): readonly string[] {
  return letters.slice(2).map((_, i) => letters.slice(i, i + 3).join(''));
}

function pairsOf(run: string): readonly string[] {
  const letters = [...run];
  return [...letters, ...letters.slice(1).map((letter, i) => `${letters[i]}${letter}`)];
}

function widestPairs(run: string): readonly string[] {
  const letters = [...run];
  return letters.length === 1 ? letters : letters.slice(1).map((letter, i) => `${letters[i]}${letter}`);
}

function shortened(word: string): string {
  return word.length <= TOKEN_LENGTH_MAX ? word : [...word].slice(0, TOKEN_LENGTH_MAX).join('');
}

function wordsOf(file: Searchable) {
  const labels = labelsOf(file);
  const meta = Object.values(JSON.parse(file.meta) as JsonObject)
    .flatMap(textsIn)
    // Ids of selected values are nothing that anybody would look for.
    .filter((text) => !/^@[^@\s]+@$/.test(text));
  const tokens = new Set([file.name, ...labels, ...meta].flatMap(tokensOf));
  for (const symbol of symbolsIn(file.name)) tokens.add(symbol);
  const words = new Set([file.name, ...labels, ...meta].flatMap(wordsIn).filter((word) => !isUnspaced(word)));
  const grams = new Set([...words].flatMap(gramsOf));
  return {
    name_words: wordLine(file.name),
    tag_words: labels.map(wordLine).join('|'),
    meta_words: meta.map((text) => `${HAS_GRAMS}${wordLine(text)}`).join(''),
    tokens: entries(tokens),
    grams: entries(grams),
  };
}

/** As many of the entries as a document can have. */
function entries(found: Iterable<string>): string {
  const line = [...found].join(' ');
  return line.length <= ENTRIES_LENGTH_MAX ? line : line.slice(0, line.lastIndexOf(' ', ENTRIES_LENGTH_MAX));
}

/** Signs that are no letters, such as emoji, by which names can be found too. */
export function symbolsIn(text: string): readonly string[] {
  return (fold(text).match(/\p{S}/gu) ?? []).filter((symbol) => symbol > '\u007f');
}

function labelsOf(file: Searchable): readonly string[] {
  const tags = JSON.parse(file.tags) as Readonly<Record<string, readonly { readonly label: string }[]>>; // Only tags are there.
  return [...new Set(Object.values(tags).flatMap((list) => list.map(({ label }) => label)))];
}

/** The values of one field as they were written. */
export function writtenValues(file: Searchable, field: SearchField): readonly string[] {
  return writtenIn(file).flatMap(([name, text]) => (name === field ? [text] : []));
}

function valuesOf(file: Searchable): readonly Insertable<FileValueTable>[] {
  const { id: file_id, container } = file;
  const row = (field: SearchField, text: string): Insertable<FileValueTable> => {
    const folded = fold(text);
    return {
      file_id,
      container,
      field: fieldName(field),
      text: folded,
      head: headOf(folded),
      words: wordLine(text),
      number: numberOf(text),
    };
  };
  return writtenIn(file).map(([field, text]) => row(field, text));
}

function writtenIn(file: Searchable): readonly (readonly [SearchField, string])[] {
  const facts = factsOf(JSON.parse(file.info) as JsonObject);
  const metadata = Object.entries(JSON.parse(file.meta) as JsonObject);
  return [
    ['name', file.name],
    ...labelsOf(file).map((label) => ['tag', label] as const),
    ...(file.product_ref === null ? [] : [['product', file.product_ref] as const]),
    ...facts.map(([field, said]) => [field, String(said)] as const),
    ...metadata.flatMap(([key, said]) => textsIn(said).map((text) => [`meta.${key}`, text] as const)),
  ];
}

const ORIENTATIONS: Readonly<Record<string, string>> = {
  LD: 'landscape',
  PO: 'portrait',
  SQ: 'square',
  PA: 'panorama',
};

function factsOf(info: JsonObject): readonly (readonly [SearchField, string | number])[] {
  const [width, height, faces] = [info['img_w'], info['img_h'], info['face_count']];
  const facts: (readonly [SearchField, string | number])[] = [];
  if (typeof width === 'number' && typeof height === 'number') {
    facts.push(['width', width], ['height', height], ['longest_side', Math.max(width, height)]);
    const said = typeof info['img_o'] === 'string' ? ORIENTATIONS[info['img_o']] : undefined;
    facts.push(['orientation', said ?? orientationOf(width, height)]);
  }
  if (typeof faces === 'number') facts.push(['faces', faces]);
  const colours = (names: readonly string[]) =>
    new Set(names.flatMap((name) => textsIn(info[name] ?? null)).flatMap((text) => colourName(text) ?? []));
  // Of both sets of names, the one that people choose from and the one that tags are made of.
  const told = textsIn(info['main_colors'] ?? null).filter((name) => Object.hasOwn(PICTURE_COLOURS, name));
  for (const name of new Set([...colours(['main_colors_hex', 'main_colors']), ...told]))
    facts.push(['main_color', name]);
  const [dominant] = colours(['dominant_color_hex', 'dominant_color']);
  if (dominant !== undefined) facts.push(['color', dominant]);
  return facts;
}

function orientationOf(width: number, height: number): string {
  if (width === height) return 'square';
  if (width >= 2 * height) return 'panorama';
  return width > height ? 'landscape' : 'portrait';
}

/** Numbers, and dates as epoch milliseconds: what can be compared by size. */
function numberOf(text: string): number | null {
  if (/^[+-]?\d{1,15}(?:\.\d{1,10})?$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}(?:T[\d:.]{5,18}(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The document of words for PostgreSQL's index, which must be written the same in index and query. */
export const pgVector = (column: 'tokens' | 'grams') =>
  sql`array_to_tsvector(string_to_array(file_search.${sql.raw(column)}, ' '))`;
