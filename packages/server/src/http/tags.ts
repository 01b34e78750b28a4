// Tags over HTTP: those of a file, and the lists of those in use (wire contract 5.7 and 7.3).
import { z } from 'zod';
import { completeValues } from '../operations/facets.ts';
import { demandOn } from '../operations/files.ts';
import { listTags, replaceTags, TAG_LANGUAGE, TAGS } from '../operations/tags.ts';
import type { TagUse } from '../ports/descriptions.ts';
import { fileUuid } from '../ports/metadata.ts';
import { parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFile } from './shown.ts';

const tagsBody = z
  .object({
    lang: z.string().max(35).optional(),
    existing_tags: z.array(z.string()).max(TAGS.perLanguageMax).optional(),
    new_tags: z.array(z.string()).max(TAGS.perLanguageMax).optional(),
  })
  // Clients that take off the last tag send empty lists.
  .refine((said) => said.existing_tags !== undefined || said.new_tags !== undefined, {
    path: ['existing_tags'],
    message: 'A list of tags is needed here or in new_tags; an empty one takes all off.',
  });

/** The most tags a list answers; completions are for people, who read few. */
const LIST = { default: 1000, max: 5000 };
const COMPLETIONS = { default: 20, max: 100 };

export const tagRoutes = [
  route({
    method: 'PUT',
    paths: ['/{v}/file/:uuid/tags', '/{v}/files/:uuid/tags'],
    operations: ['file.setTags'],
    summary: 'Replaces the tags of a file in one language; empty lists take all off.',
    async handle(call) {
      const body = parseBody(tagsBody, call.body);
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setTags', [file])]);
      const changed = await replaceTags(call.ports, grant, file, {
        lang: body.lang ?? TAG_LANGUAGE,
        existing: body.existing_tags ?? [],
        added: body.new_tags ?? [],
      });
      return {
        action: 'file_tags_updated',
        file_uuid: fileUuid(changed),
        tags: changed.tags,
        file: await showFile(call, changed),
      };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/tags'],
    operations: ['facet.list'],
    summary: 'Lists the tags in use within the listing scope; with q those that contain it.',
    async handle(call) {
      return { tags: byId(await tagsInUse(call, LIST)).map(wireTag) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/attributes/tags'],
    operations: ['facet.list'],
    summary:
      'Lists the tags in use within the listing scope as a search box offers them: by name, with what to search for.',
    async handle(call) {
      return { attributes: byId(await tagsInUse(call, LIST)).map(wireAttribute) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/metadata/autocomplete'],
    operations: ['facet.list'],
    summary: 'Completes a tag with those in use within the listing scope.',
    async handle(call) {
      const key = call.query.one('meta_key');
      if (key === undefined) return { tags: labelsOf(await tagsInUse(call, COMPLETIONS)).map((tag) => ({ tag })) };
      const grant = await call.admit([{ operation: 'facet.list', targets: [] }]);
      const limit = call.query.int('limit', COMPLETIONS.default, 1, COMPLETIONS.max);
      const values = await completeValues(call.ports, grant, key, call.query.one('q') ?? '', limit);
      return { tags: values.map((tag) => ({ tag })) };
    },
  }),
];

async function tagsInUse(
  call: Call<'facet.list'>,
  bounds: { readonly default: number; readonly max: number },
): Promise<readonly TagUse[]> {
  const grant = await call.admit([{ operation: 'facet.list', targets: [] }]);
  const limit = call.query.int('limit', bounds.default, 1, bounds.max);
  return listTags(call.ports, grant, { search: call.query.one('q'), limit });
}

function labelsOf(uses: readonly TagUse[]): readonly string[] {
  return [...new Set(uses.map(({ label }) => label))];
}

/** The uses of each tag, its languages together. */
function byId(uses: readonly TagUse[]): readonly (readonly [TagUse, ...TagUse[]])[] {
  const found = new Map<string, [TagUse, ...TagUse[]]>();
  for (const use of uses) {
    const known = found.get(use.sid);
    if (known === undefined) found.set(use.sid, [use]);
    else known.push(use);
  }
  return [...found.values()];
}

/** A tag to choose, and what the widget then searches for: it takes the name out of that again (wire contract 5.3). */
function wireAttribute([{ sid, label }]: readonly [TagUse, ...TagUse[]]): object {
  return { sid, name: label, input: label.includes('"') ? sid : `"#${label}"` };
}

function wireTag(uses: readonly [TagUse, ...TagUse[]]): object {
  const [{ sid, label }] = uses;
  return {
    uuid: sid.slice(1),
    sid,
    slug: label.normalize('NFC').trim().toLowerCase().replaceAll(/\s+/g, '-'),
    names: Object.fromEntries(uses.map((use) => [use.lang, use.label])),
    label,
  };
}
