// Properties: how clients of the first generation see metadata and tags - a description, search words, tags of one language.
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, Json } from '../ports/metadata.ts';
import { at } from './files.ts';
import { metaMerge, parseMeta } from './meta.ts';
import { authorOf } from './people.ts';
import { checkTags, TAG_LANGUAGE, type Tag, tagsOf, withLanguage } from './tags.ts';

/** What is said of a file; absent members stay as they are, null removes (wire contract 12.1). */
export interface PropertiesChange {
  readonly description?: string | null | undefined;
  readonly search?: string | null | undefined;
  /** Labels; they replace the tags of the language. */
  readonly tags?: readonly string[] | undefined;
  readonly lang?: string | undefined;
}

/** Properties as they are answered. */
export interface Properties {
  readonly description: string;
  readonly search: string;
  readonly tags: readonly string[];
  readonly lang: string;
}

/** Writes properties as the metadata keys `description` and `search` and as tags. Raises FILE_NOT_FOUND, REQUEST_INVALID. */
export async function setProperties(
  ports: Pick<Ports, 'descriptions' | 'settings' | 'system'>,
  grant: Grant<'file.setMeta'>,
  file: FileRecord,
  change: PropertiesChange,
): Promise<FileRecord> {
  const { description, search, tags, lang = TAG_LANGUAGE } = change;
  checkTags({ lang, labels: tags ?? [] }, 'properties.tags');
  const meta = parseMeta({
    ...(description === undefined ? {} : { description }),
    ...(search === undefined ? {} : { search }),
  });
  const merge = await metaMerge(ports, grant, 'FILES');
  const describe = (stored: FileRecord) => ({
    meta: merge(stored.meta, meta),
    ...(tags === undefined ? {} : { tags: withLanguage(stored.tags, lang, tagsOf(tags)) }),
  });
  const [changed] = await ports.descriptions.describeFiles(
    grant.container,
    [at(file)],
    describe,
    authorOf(ports, grant),
  );
  if (changed === undefined) throw new AppError('FILE_NOT_FOUND');
  return changed;
}

/** The properties of a file, in the language asked for or else the first that has tags. */
export function propertiesOf(file: FileRecord, lang?: string): Properties {
  const tags = file.tags as Readonly<Record<string, readonly Tag[]>>; // Only tags are stored there.
  const chosen = lang ?? (TAG_LANGUAGE in tags ? TAG_LANGUAGE : (Object.keys(tags)[0] ?? TAG_LANGUAGE));
  return {
    description: textOf(file.meta['description']),
    search: textOf(file.meta['search']),
    tags: (tags[chosen] ?? []).map(({ label }) => label),
    lang: chosen,
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
