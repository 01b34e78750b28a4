// How the values of files are shown to those who read them: selections by other names, one variant of many, tags and labels in full.
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, Json, JsonObject } from '../ports/metadata.ts';
import { labelsBySid } from './labels.ts';
import type { Field } from './model.ts';
import { type MetadataFields, metadataFields } from './settings.ts';

/** What a reader wishes to see; what is absent is shown as it is stored. */
export interface View {
  /** The name by which the values of selections go. */
  readonly selections?: SelectionName;
  /** Of a regional field only the value of the first of these variants that there is. */
  readonly variants?: readonly string[];
  /** Tags by their labels, without ids. */
  readonly plainTags?: boolean;
  /** Labels with name and colour: `known` for a reader who may list labels, `unknown` for one who gets to know of none. */
  readonly labels?: 'known' | 'unknown';
}

/** What the value of a selection is called: as it is stored, as programs write it, or as people read it. */
export type SelectionName = 'internal_unique_value' | 'api_value' | 'label';

/** Members of a file that a view shows in another way. */
export type Shown = { readonly meta?: JsonObject; readonly tags?: JsonObject; readonly labels?: readonly JsonObject[] };

/** Shows files in the wished way. What the reader may not see of labels is left out. */
export async function viewFiles(
  ports: Pick<Ports, 'settings' | 'labels'>,
  grant: Grant<'file.list' | 'file.get'>,
  view: View,
): Promise<(file: FileRecord) => Shown> {
  const isOfMeta = view.selections !== undefined || view.variants !== undefined;
  const fields = isOfMeta ? await metadataFields(ports, grant) : undefined;
  const labels = view.labels === 'known' ? await labelsBySid(ports, grant) : undefined;
  const labelOf = (sid: string): JsonObject => {
    const known = labels?.get(sid)?.document;
    return known === undefined ? { sid } : { sid, name: known.name, color: known.color };
  };
  return (file) => ({
    ...(fields === undefined ? {} : { meta: shownMeta(file.meta, fields, view) }),
    ...(view.plainTags === true ? { tags: plainTags(file.tags) } : {}),
    ...(view.labels === undefined ? {} : { labels: file.labels.map(labelOf) }),
  });
}

/** Metadata in the wished way. */
export function shownMeta(
  meta: JsonObject,
  fields: MetadataFields,
  view: Pick<View, 'selections' | 'variants'>,
): JsonObject {
  const shown = Object.entries(meta).map(([key, value]): [string, Json] => {
    const field = fields.byKey(key);
    if (field === undefined) return [key, value];
    const variants = fields.variantsOf(key);
    if (variants === undefined || !isObject(value)) return [key, named(field, value, view)];
    const wished = view.variants?.filter((variant) => variants.includes(variant)) ?? [];
    if (wished.length > 0) return [key, named(field, firstOf(value, wished), view)];
    return [key, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, named(field, one, view)]))];
  });
  return Object.fromEntries(shown);
}

function firstOf(value: JsonObject, variants: readonly string[]): Json {
  const found = variants.find((variant) => Object.hasOwn(value, variant) && value[variant] !== null);
  return found === undefined ? null : (value[found] ?? null);
}

/** A value that the field no longer offers stays what it is. */
function named(field: Field, value: Json, { selections }: View): Json {
  if (selections === undefined) return value;
  if (Array.isArray(value)) return value.map((entry: Json) => named(field, entry, { selections }));
  return field.possible_values.find((option) => option.internal_unique_value === value)?.[selections] ?? value;
}

function plainTags(tags: JsonObject): JsonObject {
  const label = (tag: Json) => (isObject(tag) ? (tag['label'] ?? '') : tag);
  return Object.fromEntries(
    Object.entries(tags).map(([language, list]) => [language, Array.isArray(list) ? list.map(label) : []]),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
