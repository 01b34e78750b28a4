// Tags of files: short labels by language, each with an id that is the same wherever the label is used.
import { createHash } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { TagUse } from '../ports/descriptions.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, JsonObject } from '../ports/metadata.ts';
import { at } from './files.ts';
import { authorOf } from './people.ts';

type Needs = Pick<Ports, 'descriptions' | 'system'>;

/** One tag, as files and answers carry it. */
export type Tag = { readonly sid: string; readonly label: string };

/** Bounds of the tags of one file. */
export const TAGS = { perLanguageMax: 200, languagesMax: 50, labelCharactersMax: 255 } as const;

/** The language of tags of which nobody said one. */
export const TAG_LANGUAGE = 'en';

const SID = /^#tg[0-9a-f]{10}$/;

/** What shall be the tags of one language: ids that are known already, and labels (or ids) that are added. */
export interface TagsChange {
  readonly lang: string;
  readonly existing: readonly string[];
  readonly added: readonly string[];
}

/** The short id of a tag: the same label has the same id everywhere, however it is composed, cased or padded (wire
 *  contract 5.1). */
export function tagSid(label: string): string {
  const name = label.normalize('NFC').trim().toLowerCase();
  return `#tg${createHash('sha256').update(name).digest('hex').slice(0, 10)}`;
}

/** Labels as tags, each once. */
export function tagsOf(labels: readonly string[]): readonly Tag[] {
  return once(labels.map((label) => ({ sid: tagSid(label), label })));
}

/** Refuses what cannot be tags of a language. Raises REQUEST_INVALID with every fault by field. */
export function checkTags(tags: { readonly lang: string; readonly labels: readonly string[] }, field: string): void {
  const faults: FieldFault[] = [];
  if (!/^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}$/.test(tags.lang)) {
    faults.push({ field: 'lang', code: 'FORMAT_WRONG', message: 'A language is written like en or pt-BR.' });
  }
  if (tags.labels.length > TAGS.perLanguageMax) {
    const message = `A language may have ${TAGS.perLanguageMax} tags.`;
    faults.push({ field, code: 'TOO_MANY', message });
  }
  tags.labels.forEach((label, i) => {
    const fault = tagFault(label);
    if (fault !== undefined) faults.push({ ...fault, field: `${field}[${i}]` });
  });
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'tags', { faults });
}

/**
 * Replaces the tags of one language; other languages stay. An id must be that of a tag the file has or that is in use
 * where the caller may look. Raises FILE_NOT_FOUND, REQUEST_INVALID.
 */
export async function replaceTags(
  ports: Needs,
  grant: Grant<'file.setTags'>,
  file: FileRecord,
  change: TagsChange,
): Promise<FileRecord> {
  checkTags({ lang: change.lang, labels: change.added }, 'new_tags');
  const sids = [...change.existing, ...change.added].filter((text) => SID.test(text));
  const inUse = await findTags(ports, grant, sids);
  const describe = (stored: FileRecord) => ({ tags: changedTags(stored.tags, change, inUse) });
  const [changed] = await ports.descriptions.describeFiles(
    grant.container,
    [at(file)],
    describe,
    authorOf(ports, grant),
  );
  if (changed === undefined) throw new TypeError('One file in, one file out.');
  return changed;
}

/** The tags with these ids that are in use where the grant may look. */
export async function findTags(
  ports: Pick<Ports, 'descriptions'>,
  grant: Grant,
  sids: readonly string[],
): Promise<ReadonlyMap<string, Tag>> {
  const uses = await ports.descriptions.listTags({
    container: grant.container,
    within: grant.layers('listing'),
    sids: [...new Set(sids)],
    limit: sids.length * TAGS.languagesMax,
  });
  return new Map(uses.map(({ sid, label }) => [sid, { sid, label }]));
}

/** The tags in use where the grant may look, by label; with `search` those that contain the text. */
export async function listTags(
  ports: Pick<Ports, 'descriptions'>,
  grant: Grant<'facet.list'>,
  query: { readonly search: string | undefined; readonly limit: number },
): Promise<readonly TagUse[]> {
  return ports.descriptions.listTags({
    container: grant.container,
    within: grant.layers('listing'),
    ...(query.search === undefined ? {} : { search: query.search }),
    limit: query.limit,
  });
}

/** A file's tags with one language replaced. Raises REQUEST_INVALID for an unknown id and when there are too many. */
function changedTags(stored: JsonObject, change: TagsChange, inUse: ReadonlyMap<string, Tag>): JsonObject {
  const tags = stored as Readonly<Record<string, readonly Tag[]>>; // Only tags are stored there.
  const own = new Map([...Object.values(tags).flat(), ...(tags[change.lang] ?? [])].map((tag) => [tag.sid, tag]));
  const faults: FieldFault[] = [];
  const kept = change.existing.flatMap((sid, i) => {
    const tag = own.get(sid) ?? inUse.get(sid);
    if (tag === undefined) {
      faults.push({ field: `existing_tags[${i}]`, code: 'TAG_UNKNOWN', message: 'No tag in use has this id.' });
    }
    return tag === undefined ? [] : [tag];
  });
  const list = once([
    ...kept,
    ...change.added.map((label) => own.get(label) ?? inUse.get(label) ?? { sid: tagSid(label), label }),
  ]);
  const changed = withLanguage(tags, change.lang, list);
  faults.push(...boundFaults(changed, 'new_tags'));
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'tags', { faults });
  return changed;
}

/** What is too much about the tags of one file. */
export function boundFaults(tags: JsonObject, field: string): readonly FieldFault[] {
  const lists = Object.values(tags as Readonly<Record<string, readonly Tag[]>>); // Only tags are stored there.
  const faults: FieldFault[] = [];
  if (lists.some((list) => list.length > TAGS.perLanguageMax)) {
    faults.push({ field, code: 'TOO_MANY', message: `A language may have ${TAGS.perLanguageMax} tags.` });
  }
  if (lists.length > TAGS.languagesMax) {
    faults.push({ field: 'lang', code: 'TOO_MANY', message: `Tags may be in ${TAGS.languagesMax} languages.` });
  }
  return faults;
}

/** The tags with those of one language replaced; a language without tags is left out. */
export function withLanguage(tags: JsonObject, lang: string, list: readonly Tag[]): JsonObject {
  const { [lang]: _replaced, ...others } = tags;
  return list.length === 0 ? others : { ...others, [lang]: list };
}

function once(tags: readonly Tag[]): readonly Tag[] {
  const first = new Map<string, Tag>();
  for (const tag of tags) if (!first.has(tag.sid)) first.set(tag.sid, tag);
  return [...first.values()];
}

/** What is wrong with the label of a tag, if anything. */
export function tagFault(label: string): Omit<FieldFault, 'field'> | undefined {
  if (label.trim() === '') return { code: 'LABEL_EMPTY', message: 'A tag needs a label.' };
  if (label.length > TAGS.labelCharactersMax) {
    return { code: 'LABEL_TOO_LONG', message: `A tag may have ${TAGS.labelCharactersMax} characters.` };
  }
  // Control characters and halves of characters cannot be stored, searched or shown everywhere.
  if (/[\p{Cc}\p{Cs}]/u.test(label)) {
    return { code: 'LABEL_INVALID', message: 'A tag is plain text without control characters.' };
  }
  return undefined;
}
