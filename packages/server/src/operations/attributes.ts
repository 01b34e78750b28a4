// What files have that a search can ask for by value and a collection can be split by: tags, labels, products, types, fields.
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FieldType } from './model.ts';
import { fileFields } from './settings.ts';
import { isFor } from './sharing.ts';

type Needs = Pick<Ports, 'descriptions' | 'labels' | 'settings'>;

/** Something that a search can name before a colon. */
export interface Attribute {
  readonly key: string;
  readonly title: string;
  readonly type: FieldType;
  /** Its values are few enough to be folders. */
  readonly groupable: boolean;
  /** Those to choose from; none when anything may be asked for. */
  readonly values: readonly AttributeValue[];
}

/** One value of an attribute. */
export interface AttributeValue {
  /** As people read it. */
  readonly label: string;
  /** As a search asks for it: without quotation marks. */
  readonly text: string;
}

/** So many values one attribute shows. */
const VALUES_MAX = 200;

const KINDS = ['image', 'video', 'audio', 'text', 'application'];

/** What every container has, whatever its metadata model. */
const BUILT_IN = [
  { key: 'tags', title: 'Tags', type: 'tags' },
  { key: 'labels', title: 'Labels', type: 'multi-select' },
  { key: 'product_ref', title: 'Product', type: 'text' },
  { key: 'type', title: 'Type', type: 'select-one' },
] as const;

/** The built-in attributes and the fields of files, with the values that {@link attributeValues} tells. */
export async function listAttributes(ports: Needs, grant: Grant<'facet.list'>): Promise<readonly Attribute[]> {
  const builtIn = BUILT_IN.map(async (attribute) => {
    const values = await attributeValues(ports, grant, attribute.key);
    return { ...attribute, groupable: true, values };
  });
  // A search for the key of a built-in attribute never means a field.
  const fields = (await fileFields(ports, grant)).filter(({ ckey }) => BUILT_IN.every(({ key }) => key !== ckey));
  return [
    ...(await Promise.all(builtIn)),
    ...fields.map(({ ckey, title, type, possible_values }) => ({
      key: ckey,
      title: typeof title === 'string' ? title : ckey,
      type,
      groupable: type === 'select-one' || type === 'multi-select',
      values: optionValues(possible_values),
    })),
  ];
}

/**
 * The values of an attribute: those in use within the caller's listing scope (`tags`, `labels`, `product_ref`), the kinds
 * of files (`type`), or the possible values of a field of the metadata model; none for anything else. Values that a search
 * cannot be written for are left out.
 */
export async function attributeValues(
  ports: Needs,
  grant: Grant<'facet.list' | 'collection.list'>,
  key: string,
): Promise<readonly AttributeValue[]> {
  const { container } = grant;
  const within = grant.layers('listing');
  switch (key) {
    case 'type':
    case 'mimetype':
      return KINDS.map(same);
    case 'tags': {
      const uses = await ports.descriptions.listTags({ container, within, limit: VALUES_MAX });
      return [...new Set(uses.map(({ label }) => label))].filter(isQuotable).map(same);
    }
    case 'product_ref': {
      const products = await ports.descriptions.listProducts({ container, within, limit: VALUES_MAX, offset: 0 });
      return products
        .map(({ ref }) => ref)
        .filter(isQuotable)
        .map(same);
    }
    case 'labels': {
      const [labels, uses] = await Promise.all([
        ports.labels.listLabels(container),
        ports.labels.countLabelUses(container, within),
      ]);
      return labels
        .filter(({ sid, ownerId, document }) => uses.has(sid) && isFor(document.viewing, ownerId, grant))
        .slice(0, VALUES_MAX)
        .map(({ sid, document }) => ({ label: document.name, text: sid.slice(1) }));
    }
    default: {
      const field = (await fileFields(ports, grant)).find(({ ckey }) => ckey === key);
      return optionValues(field?.possible_values ?? []);
    }
  }
}

function optionValues(options: readonly { readonly api_value: string }[]): readonly AttributeValue[] {
  return options
    .map(({ api_value }) => api_value)
    .filter(isQuotable)
    .slice(0, VALUES_MAX)
    .map(same);
}

const same = (text: string): AttributeValue => ({ label: text, text });

/** The search language has no way to write a quotation mark inside a value. */
const isQuotable = (text: string) => !/["\\]/.test(text);
