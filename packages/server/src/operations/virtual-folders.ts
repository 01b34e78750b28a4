// Virtual folders: what a collection is split by, level by level, each as a search that narrows the collection.
import { effective } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import { findCollection, writeVirtualFolder } from './collections.ts';
import { listFields, readSettings } from './settings.ts';
import { isFor } from './sharing.ts';

type Needs = Pick<Ports, 'collections' | 'descriptions' | 'labels' | 'settings'>;

/** A folder that exists only as a search. */
export interface VirtualFolder {
  readonly name: string;
  /** The names on the way to it. */
  readonly path: string;
  /** What lists its files: the `f64` of a list. */
  readonly filters: string;
  readonly children: readonly VirtualFolder[];
}

/** One value of an attribute, and the search that finds its files. */
interface Value {
  readonly name: string;
  readonly search: string;
}

/** So many values one level shows, and so many folders one collection shows in all. */
const VALUES_MAX = 200;
const FOLDERS_MAX = 2000;

const KINDS = ['image', 'video', 'audio', 'text', 'application'];

/**
 * The virtual folders of a collection: for each level the values of its attribute that are in use within the caller's
 * listing scope (`tags`, `labels`, `product_ref`), the kinds of files (`type`), or the possible values of a field of the
 * metadata model. A folder may be empty: values are those of the scope, not only those of the collection. Who may not
 * list files sees none. Raises COLLECTION_NOT_FOUND.
 */
export async function listVirtualFolders(
  ports: Needs,
  grant: Grant<'collection.list'>,
  id: string,
): Promise<readonly VirtualFolder[]> {
  const { document } = await findCollection(ports, grant, id);
  if (!mayList(grant)) return [];
  const levels: (readonly Value[])[] = [];
  for (const group of document.groupBy) levels.push(await valuesOf(ports, grant, String(group['attribute_sys_key'])));
  let left = FOLDERS_MAX;
  const build = ([values, ...deeper]: readonly (readonly Value[])[], path: string, search: string): VirtualFolder[] => {
    const folders: VirtualFolder[] = [];
    for (const value of values ?? []) {
      if (left === 0) break;
      left -= 1;
      const [inner, narrowed] = [`${path}/${value.name}`, search === '' ? value.search : `${search} ${value.search}`];
      const children = build(deeper, inner, narrowed);
      folders.push({ name: value.name, path: inner, filters: writeVirtualFolder(narrowed), children });
    }
    return folders;
  };
  return build(levels, '', '');
}

async function valuesOf(ports: Needs, grant: Grant<'collection.list'>, attribute: string): Promise<readonly Value[]> {
  const { container } = grant;
  const within = grant.layers('listing');
  switch (attribute) {
    case 'type':
    case 'mimetype':
      return KINDS.map((kind) => ({ name: kind, search: `mimetype:"${kind}"` }));
    case 'tags': {
      const uses = await ports.descriptions.listTags({ container, within, limit: VALUES_MAX });
      const labels = [...new Set(uses.map(({ label }) => label))];
      return quotable(labels).map((label) => ({ name: label, search: `tags:"${label}"` }));
    }
    case 'product_ref': {
      const products = await ports.descriptions.listProducts({ container, within, limit: VALUES_MAX, offset: 0 });
      return quotable(products.map(({ ref }) => ref)).map((ref) => ({ name: ref, search: `product_ref:"${ref}"` }));
    }
    case 'labels': {
      const [labels, uses] = await Promise.all([
        ports.labels.listLabels(container),
        ports.labels.countLabelUses(container, within),
      ]);
      return labels
        .filter(({ sid, ownerId, document }) => uses.has(sid) && isFor(document.viewing, ownerId, grant))
        .slice(0, VALUES_MAX)
        .map(({ sid, document }) => ({ name: document.name, search: `labels:"${sid.slice(1)}"` }));
    }
    default: {
      const fields = listFields((await readSettings(ports, grant)).document);
      const field = fields.find(({ ckey, applies_to }) => applies_to === 'FILES' && ckey === attribute);
      const values = field?.possible_values.map(({ api_value }) => api_value) ?? [];
      return quotable(values)
        .slice(0, VALUES_MAX)
        .map((value) => ({ name: value, search: `${attribute}:"${value}"` }));
    }
  }
}

/** The search language has no way to write a quotation mark inside a value. */
function quotable(values: readonly string[]): readonly string[] {
  return values.filter((value) => !/["\\]/.test(value));
}

function mayList({ template, claims }: Grant): boolean {
  if (template === undefined || claims === undefined) return true;
  return effective(template, claims).permissions.includes('OBJECTS_LIST');
}
