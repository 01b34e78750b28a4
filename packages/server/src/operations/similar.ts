// Pictures that look like one, and pictures that a sentence speaks of: from what is kept of each file, without any model.
import { ROOT } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import { PICTURE_COLOURS } from '../ports/images.ts';
import type { Ports } from '../ports/index.ts';
import { lookOf } from '../ports/look.ts';
import type { FileRecord, JsonObject } from '../ports/metadata.ts';
import { type Condition, colourName, isUnspaced, textsIn, wordsIn } from '../ports/search.ts';
import type { ListedFile } from './files.ts';
import { allOf, textCondition } from './search.ts';
import type { Tag } from './tags.ts';

/** Bounds of both searches. */
export const SIMILAR = { filesMax: 100, textLengthMax: 1000, wordsMax: 10 } as const;

/** What was found, the best first, and what could not be done. */
export interface Found {
  readonly files: readonly ListedFile[];
  readonly warnings: readonly string[];
}

/** Files in scope that look like this one, without it; none, and a warning, while nothing is known of its look. */
export async function findLookAlikes(
  ports: Pick<Ports, 'search'>,
  grant: Grant<'file.list'>,
  { id, info }: FileRecord,
): Promise<Found> {
  const look = lookOf(info);
  if (look === undefined) {
    return {
      files: [],
      warnings: ['Nothing is known of how this file looks: it is no picture, or was not looked at yet.'],
    };
  }
  const within = grant.layers('listing');
  return {
    files: await ports.search.findLookAlikes(grant.container, within, look, id, SIMILAR.filesMax),
    warnings: [],
  };
}

/**
 * Pictures in scope that the words speak of: in their names, tags and metadata, or by naming one of their main colours. The more of the words, the
 * earlier; where there are none, what is almost written so.
 */
export async function findPictures(
  ports: Pick<Ports, 'metadata' | 'search'>,
  grant: Grant<'file.list'>,
  text: string,
): Promise<Found> {
  const { words, warnings } = wordsSought(text);
  if (words.length === 0) return { files: [], warnings: ['There is no word to search for.'] };
  const paging = { sort: 'relevance', descending: true, offset: 0, limit: SIMILAR.filesMax } as const;
  const query = (conditions: readonly Condition[]) => ({
    container: grant.container,
    folderPath: ROOT,
    recursive: true,
    within: grant.layers('listing'),
    where: allOf(conditions),
  });
  const found = new Map<string, FileRecord>();
  const find = async (some: readonly string[]) => {
    for (const file of await ports.metadata.listFiles(query([PICTURES, ...some.map(wordCondition)]), paging)) {
      found.set(file.id, file);
    }
  };
  // All words at once, with the colours where few files have the others: to look among very many for those of a colour may be to look at all.
  const plain = words.filter((word) => coloursNamed(word).length === 0);
  let together: readonly string[] = [];
  if (plain.length > 0) {
    const { files } = await ports.metadata.countFiles(query(plain.map(textCondition)));
    together = files <= FEW ? words : plain;
    await find(together);
  }
  // One after the other: a search must not take every connection there is.
  for (const word of words) {
    if (found.size >= SIMILAR.filesMax) break;
    if (together.length !== 1 || together[0] !== word) await find([word]);
  }
  if (found.size === 0) {
    const { files } = await ports.search.findSimilarFiles(query([PICTURES]), words, paging);
    return { files, warnings };
  }
  const rated = [...found.values()].map((file): ListedFile => ({ file, relevance: relevanceOf(words, file) }));
  return { files: rated.sort(bestFirst).slice(0, SIMILAR.filesMax), warnings };
}

/** So many files can be looked at one by one. */
const FEW = 1000;

const PICTURES: Condition = { of: 'mime', mime: 'image/' };

/** Words of English sentences that tell nothing of a picture. */
const FILLERS = new Set([
  'the',
  'and',
  'with',
  'for',
  'from',
  'picture',
  'pictures',
  'photo',
  'photos',
  'image',
  'images',
]);
const WORD_LENGTH_MIN = 3;

/** The words that tell something, each once; all of them when none does. */
function wordsSought(text: string) {
  const all = [...new Set(wordsIn(text))];
  const telling = all.filter(
    (word) => isUnspaced(word) || (!FILLERS.has(word) && (word.length >= WORD_LENGTH_MIN || /\p{N}/u.test(word))),
  );
  const words = telling.length > 0 ? telling : all;
  const warnings =
    words.length > SIMILAR.wordsMax ? [`Only the first ${SIMILAR.wordsMax} words were searched for.`] : [];
  return { words: words.slice(0, SIMILAR.wordsMax), warnings };
}

function wordCondition(word: string): Condition {
  const named = coloursNamed(word).map(
    (text): Condition => ({ of: 'value', field: 'main_color', match: { is: 'equal', text } }),
  );
  return named.length === 0 ? textCondition(word) : { of: 'any', conditions: [textCondition(word), ...named] };
}

/** The names, of those that colours of pictures have, that a word stands for. */
function coloursNamed(word: string): readonly string[] {
  // "Bee" and "facade" are no colours, though they could be numbers of one.
  const chosen = /^(?:[0-9a-f]{3}|[0-9a-f]{6})$/.test(word) ? undefined : colourName(word);
  return [
    ...new Set([...(Object.hasOwn(PICTURE_COLOURS, word) ? [word] : []), ...(chosen === undefined ? [] : [chosen])]),
  ];
}

/** How much a file says of the words, from 0 to 1, which is all of them in its name. */
function relevanceOf(words: readonly string[], { name, tags, meta, info }: FileRecord): number {
  // From what is worth most, and no further than is needed: descriptions may be long.
  const places = [
    { worth: 1, said: once(() => wordsIn(name)) },
    { worth: 0.9, said: once(() => labelsIn(tags).flatMap(wordsIn)) },
    { worth: 0.8, said: once(() => wordsIn(textsIn(meta).join(' ').slice(0, TEXT_LENGTH_MAX))) },
  ];
  const names = once(() => {
    const colours = [...textsIn(info['main_colors'] ?? null), ...textsIn(info['main_colors_hex'] ?? null)];
    return new Set(colours.flatMap((colour) => [colour, colourName(colour) ?? colour]));
  });
  const worthOf = (word: string) =>
    places.find(({ said }) => said().some((one) => (isUnspaced(word) ? one.includes(word) : one.startsWith(word))))
      ?.worth ?? (coloursNamed(word).some((colour) => names().has(colour)) ? COLOUR_WORTH : 0);
  const sum = words.reduce((total, word) => total + worthOf(word), 0);
  return Math.round((sum / words.length) * 100) / 100;
}

/** What `find` finds, looked for when it is asked for first. */
function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}

/** So much of the metadata is looked at. */
const TEXT_LENGTH_MAX = 4000;
const COLOUR_WORTH = 0.7;

function bestFirst(a: ListedFile, b: ListedFile): number {
  const byName = a.file.name < b.file.name ? -1 : a.file.name > b.file.name ? 1 : 0;
  return (b.relevance ?? 0) - (a.relevance ?? 0) || byName || (a.file.id < b.file.id ? -1 : 1);
}

function labelsIn(tags: JsonObject): readonly string[] {
  const byLanguage = tags as Readonly<Record<string, readonly Tag[]>>; // Only tags are stored there.
  return Object.values(byLanguage).flatMap((list) => list.map(({ label }) => label));
}
