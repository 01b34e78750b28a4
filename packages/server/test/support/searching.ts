// Random searches and files from a small world, and what a search means when nothing but the file itself is looked at.
import fc from 'fast-check';
import type { FileRecord, Json, NewFile } from '../../src/ports/metadata.ts';
import { type Condition, colourName, fold, type Range, type ValueMatch, wordsIn } from '../../src/ports/search.ts';

/** Words that meet each other often: parts of one another, with accents, in other scripts, with signs. */
export const WORDS = [
  'red',
  'reds',
  'Réd',
  'square',
  'sq',
  'sun set',
  'set',
  '10',
  '2024-05-01',
  '猫の絵',
  '猫',
  'の絵',
  'a_b',
  'ß',
  '50%',
  '🦊',
  'x',
];

const word = fc.constantFrom(...WORDS);
const texts = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));

const metaValue: fc.Arbitrary<Json> = fc.oneof(
  texts,
  fc.integer({ min: -3, max: 12 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('2024-05-01', '2024-06-30', ''),
  fc.array(word, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('en', 'fr'), texts, { maxKeys: 2 }),
);

/** What a file says, without its place. */
export const said = fc.record({
  name: texts.map((text) => `${text}.png`),
  mime: fc.constantFrom('image/png', 'image/jpeg', 'application/pdf', 'imagery/x'),
  sizeBytes: fc.integer({ min: 0, max: 20 }),
  meta: fc.dictionary(fc.constantFrom('title', 'n', 'd', 'season'), metaValue, { maxKeys: 4 }),
  tags: fc.array(word, { maxLength: 2 }).map((labels) =>
    labels.length === 0
      ? {}
      : {
          en: [...new Set(labels)].map((label) => ({
            sid: `#tg${Buffer.from(label).toString('hex').padEnd(10, '0').slice(0, 10)}`,
            label,
          })),
        },
  ),
  info: fc.oneof(
    fc.constant({}),
    fc.record({
      img_w: fc.constantFrom(100, 600, 1800, 2000),
      img_h: fc.constantFrom(100, 600, 1801),
      face_count: fc.constantFrom(0, 1, 4),
      main_colors_hex: fc.array(fc.constantFrom('#ff0000', '#26a5a9', '#ffffff'), { maxLength: 2 }),
      dominant_color_hex: fc.constantFrom('#f34638', '#0980fb'),
    }),
  ),
  productRef: fc.option(fc.constantFrom('REF1', 'ref 2', 'X'), { nil: undefined }),
}) satisfies fc.Arbitrary<Partial<NewFile>>;

const range: fc.Arbitrary<Range> = fc.record(
  {
    from: fc.integer({ min: -2, max: 2000 }),
    to: fc.integer({ min: -2, max: 2000 }),
    exclusive: fc.constant(true as const),
  },
  { requiredKeys: [] },
);
const textMatch = fc.record({
  is: fc.constantFrom('equal' as const, 'words' as const, 'contains' as const, 'begins' as const),
  text: fc.oneof(texts, fc.constantFrom('e', 'REF', 'quar', '_', '%', 'landscape', 'red', 'true')),
});
const match: fc.Arbitrary<ValueMatch> = fc
  .oneof(
    { weight: 4, arbitrary: textMatch },
    fc.constant({ is: 'present' as const }),
    fc.array(word, { maxLength: 2 }).map((list) => ({ is: 'only' as const, texts: list })),
    range.map((ends) => ({ is: 'between' as const, ...ends })),
  )
  // Without words there is nothing to look for side by side; the search asks for the signs instead.
  .map((one) => (one.is === 'words' && wordsIn(one.text).length === 0 ? { is: 'contains', text: one.text } : one));
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  texts.filter((text) => wordsIn(text).length > 0).map((text) => ({ of: 'text' as const, text })),
  fc.record({
    of: fc.constant('value' as const),
    field: fc.constantFrom(
      'name' as const,
      'tag' as const,
      'product' as const,
      'longest_side' as const,
      'orientation' as const,
      'faces' as const,
      'main_color' as const,
      'color' as const,
      'meta.title' as const,
      'meta.n' as const,
      'meta.d' as const,
      'meta.season' as const,
    ),
    match,
  }),
  fc.constantFrom('image/', 'image/png', 'image/p').map((mime) => ({ of: 'mime' as const, mime })),
  range.map((ends) => ({ of: 'size' as const, range: ends })),
);

/** Any condition that needs nothing but the file. */
export const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('node').map((one) => ({ of: 'not' as const, condition: one })),
    fc.record({
      of: fc.constantFrom('all' as const, 'any' as const),
      conditions: fc.array(tie('node'), { maxLength: 3 }),
    }),
  ),
})).node;

/** Whether the file meets the condition: read off the record, without any index. */
export function meetsAlone(file: FileRecord, wanted: Condition): boolean {
  switch (wanted.of) {
    case 'all':
      return wanted.conditions.every((one) => meetsAlone(file, one));
    case 'any':
      return wanted.conditions.some((one) => meetsAlone(file, one));
    case 'not':
      return !meetsAlone(file, wanted.condition);
    case 'text':
      return [file.name, ...labelsOf(file), ...Object.values(file.meta).flatMap(textsIn)].some((text) =>
        says(text, wanted.text),
      );
    case 'value':
      return matches(valuesOf(file, wanted.field), wanted.match);
    case 'mime':
      return wanted.mime.endsWith('/') ? file.mime.startsWith(wanted.mime) : file.mime === wanted.mime;
    case 'size':
      return isIn(file.sizeBytes, wanted.range);
    case 'tag':
    case 'label':
    case 'present':
    case 'approval':
    case 'approver':
    case 'created':
    case 'modified':
    case 'folder':
      throw new TypeError('not in the small world');
  }
}

/** Whether the words of one text stand side by side in the other; the last one may go on. */
function says(text: string, wanted: string): boolean {
  const [line, part] = [wordsIn(text), wordsIn(wanted)];
  const [first = '', ...rest] = part;
  const isRun = /^[\p{sc=Han}\p{sc=Hiragana}]/u.test(first);
  return line.some((_, at) =>
    part.every((one, i) => {
      const there = line[at + i] ?? '';
      const isFirst = i === 0;
      const isLast = i === rest.length;
      if (isFirst && isRun) return isLast ? there.includes(one) : there.endsWith(one);
      return isLast ? there.startsWith(one) : there === one;
    }),
  );
}

function matches(values: readonly string[], wanted: ValueMatch): boolean {
  const folded = values.map(fold);
  switch (wanted.is) {
    case 'present':
      return values.length > 0;
    case 'equal':
      return folded.includes(fold(wanted.text));
    case 'begins':
      return folded.some((value) => value.startsWith(fold(wanted.text)));
    case 'contains':
      return folded.some((value) => value.includes(fold(wanted.text)));
    case 'words':
      return values.some((value) => says(value, wanted.text));
    case 'only': {
      const texts = wanted.texts.map(fold);
      return texts.every((text) => folded.includes(text)) && folded.every((value) => texts.includes(value));
    }
    case 'between':
      return values.some((value) => {
        const number = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number(value.trim() || Number.NaN);
        return !Number.isNaN(number) && isIn(number, wanted);
      });
  }
}

function isIn(number: number, { from, to, exclusive }: Range): boolean {
  if (from !== undefined && (exclusive ? number <= from : number < from)) return false;
  return !(to !== undefined && (exclusive ? number >= to : number > to));
}

function valuesOf(file: FileRecord, field: string): readonly string[] {
  const { img_w, img_h, face_count, main_colors_hex, dominant_color_hex } = file.info;
  const [width, height] = [Number(img_w), Number(img_h)];
  if (field.startsWith('meta.')) return textsIn(file.meta[field.slice(5)] ?? null);
  switch (field) {
    case 'name':
      return [file.name];
    case 'tag':
      return labelsOf(file);
    case 'product':
      return file.productRef === undefined ? [] : [file.productRef];
    case 'longest_side':
      return img_w === undefined ? [] : [String(Math.max(width, height))];
    case 'orientation':
      if (img_w === undefined) return [];
      return [
        width === height ? 'square' : width >= height * 2 ? 'panorama' : width > height ? 'landscape' : 'portrait',
      ];
    case 'faces':
      return face_count === undefined ? [] : [String(face_count)];
    case 'main_color':
      return textsIn(main_colors_hex ?? null).flatMap((hex) => colourName(hex) ?? []);
    case 'color':
      return textsIn(dominant_color_hex ?? null).flatMap((hex) => colourName(hex) ?? []);
    default:
      throw new TypeError(field);
  }
}

function labelsOf(file: FileRecord): readonly string[] {
  const tags = file.tags as Readonly<Record<string, readonly { readonly label: string }[]>>;
  return Object.values(tags).flatMap((list) => list.map(({ label }) => label));
}

function textsIn(value: Json): readonly string[] {
  if (value === null || value === '') return [];
  if (typeof value === 'object') return Object.values(value).flatMap(textsIn);
  return [String(value)];
}
