// Tags and descriptions that nobody has to type: from what is known of a file, and from a tagger when there is one.
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, Json, JsonObject } from '../ports/metadata.ts';
import type { SuggestedTag, TaggerAnswer } from '../ports/tagger.ts';
import { at } from './files.ts';
import { authorOf } from './people.ts';
import { TAG_LANGUAGE, TAGS, type Tag, tagFault, tagSid, withLanguage } from './tags.ts';

type Needs = Pick<Ports, 'blobs' | 'descriptions' | 'system' | 'tagger'>;

/** What is wished for. */
export interface AutotagWish {
  readonly languages: readonly string[];
  /** The most tags to add in one language. */
  readonly limit: number;
  /** 0-100: what is less certain is left out. */
  readonly confidence: number;
}

/** A description, and the same by language. */
export interface Description {
  readonly response: string;
  readonly translations: Readonly<Record<string, string>>;
}

/** Bounds of what may be wished for. */
export const AUTOTAG = { limitMax: 50, languagesMax: 10 } as const;

/** Pictures with no more bytes than this are sent to the tagger. */
const CONTENT_BYTES_MAX = 4 * 1024 * 1024;

const ORIENTATIONS: Readonly<Record<string, string>> = {
  LD: 'landscape',
  PO: 'portrait',
  SQ: 'square',
  PA: 'panorama',
};

/**
 * Adds tags to a file: the tagger's where one is configured, and what the file itself says (its kind, orientation, colours
 * and the keywords that its camera or editor wrote). Tags that are there stay. Raises FILE_NOT_FOUND, TAGGER_FAILED, and
 * what `recheck` raises after the tagger has answered; then no tag is added.
 */
export async function autotag(
  ports: Needs,
  grant: Grant<'file.autotag'>,
  file: FileRecord,
  wish: AutotagWish,
): Promise<FileRecord> {
  const asked = await askTagger(ports, grant, file, 'tags', wish);
  const suggested = [...(asked?.tags ?? []), ...tagsFromFacts(file)];
  const describe = (stored: FileRecord) => ({ tags: withSuggestions(stored.tags, suggested, wish) });
  const [changed] = await ports.descriptions.describeFiles(
    grant.container,
    [at(file)],
    describe,
    authorOf(ports, grant),
  );
  if (changed === undefined) throw new TypeError('One file in, one file out.');
  return changed;
}

/** Describes a file in words, without changing it: the tagger's where one is configured, else what its facts say in English.
 *  Raises TAGGER_FAILED. */
export async function describeInWords(
  ports: Needs,
  grant: Grant<'file.describe'>,
  file: FileRecord,
  languages: readonly string[],
): Promise<Description> {
  const wish = { languages, limit: 1, confidence: 0 };
  const answer = await askTagger(ports, grant, file, 'description', wish);
  const own = textFromFacts(file);
  if (answer === undefined) return { response: own, translations: { [TAG_LANGUAGE]: own } };
  const [first = TAG_LANGUAGE] = languages;
  const translations = Object.fromEntries(
    Object.entries(answer.translations).filter(([lang]) => languages.includes(lang)),
  );
  const response = answer.description ?? translations[first];
  if (response === undefined) throw new AppError('TAGGER_FAILED', 'it answered no description');
  return { response, translations: { [first]: response, ...translations } };
}

async function askTagger(
  ports: Needs,
  grant: Grant,
  file: FileRecord,
  wanted: 'tags' | 'description',
  wish: AutotagWish,
): Promise<TaggerAnswer | undefined> {
  if (ports.tagger === undefined) return undefined;
  const { name, mime, sizeBytes, info } = file;
  const isSent = mime.startsWith('image/') && sizeBytes <= CONTENT_BYTES_MAX;
  const content = isSent ? await readAll(ports, file) : undefined;
  const answer = await ports.tagger.suggest({ wanted, name, mime, sizeBytes, info, content, ...wish });
  // The key may have been revoked while somebody else's service was thinking.
  await grant.recheck();
  return answer;
}

async function readAll(ports: Pick<Ports, 'blobs'>, file: FileRecord): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await ports.blobs.read(file.blobId)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What a file says of itself. Keywords are in whatever language somebody wrote them. */
function tagsFromFacts({ mime, info }: FileRecord): readonly SuggestedTag[] {
  const metadata = objectOf(info['metadata']);
  const keywords = listOf(metadata['Keywords'] ?? metadata['keywords']).map((label) => ({ label, lang: undefined }));
  const kind = /^(image|video|audio|text)\//.exec(mime)?.[1];
  const orientation = ORIENTATIONS[textOf(info['img_o'])];
  const words = [kind, orientation, ...listOf(info['main_colors'])].filter((word) => word !== undefined);
  return [...keywords, ...words.map((label) => ({ label, lang: TAG_LANGUAGE }))].map((tag) => ({
    ...tag,
    confidence: 100,
  }));
}

/** The facts of a file as one English sentence. */
function textFromFacts({ mime, info, name }: FileRecord): string {
  const colours = listOf(info['main_colors']).slice(0, 3);
  const [width, height] = [info['img_w'], info['img_h']];
  const hasSize = typeof width === 'number' && typeof height === 'number';
  const kind = mime.startsWith('image/') ? 'picture' : mime.startsWith('video/') ? 'video' : `${mime} file`;
  const orientation = ORIENTATIONS[textOf(info['img_o'])];
  const noun = orientation === undefined ? kind : `${orientation} ${kind}`;
  return [
    `${/^[aeiou]/.test(noun) ? 'An' : 'A'} ${noun} named ${name}`,
    ...(hasSize ? [`${width} x ${height} pixels`] : []),
    ...(colours.length > 0 ? [`mainly ${colours.join(', ')}`] : []),
  ]
    .join(', ')
    .concat('.');
}

/** A file's tags with the suggestions behind them, as many as there is room for. */
function withSuggestions(stored: JsonObject, suggested: readonly SuggestedTag[], wish: AutotagWish): JsonObject {
  const [first = TAG_LANGUAGE] = wish.languages;
  let tags = stored;
  for (const lang of wish.languages) {
    const own = (tags as Readonly<Record<string, readonly Tag[]>>)[lang] ?? []; // Only tags are stored there.
    const added = new Map<string, Tag>();
    for (const suggestion of suggested) {
      const label = suggestion.label.trim();
      const isWanted = (suggestion.lang ?? first) === lang && suggestion.confidence >= wish.confidence;
      // What cannot be a tag is left out: whoever suggested it is not there to be told.
      if (isWanted && tagFault(label) === undefined) added.set(tagSid(label), { sid: tagSid(label), label });
    }
    const fresh = [...added.values()].filter(({ sid }) => !own.some((tag) => tag.sid === sid));
    const room = Math.min(wish.limit, TAGS.perLanguageMax - own.length);
    const hasLanguage = own.length > 0 || Object.keys(tags).length < TAGS.languagesMax;
    if (hasLanguage) tags = withLanguage(tags, lang, [...own, ...fresh.slice(0, Math.max(0, room))]);
  }
  return tags;
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function listOf(value: Json | undefined): readonly string[] {
  const list: readonly Json[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[;,]/) : [];
  return list.filter((one): one is string => typeof one === 'string');
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
