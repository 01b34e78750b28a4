// Virtual folders: what a collection is split by, level by level, each as a search that narrows the collection.
import { effective } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import { attributeValues } from './attributes.ts';
import { findCollection, writeVirtualFolder } from './collections.ts';

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

/** One value of a level, and the search that finds its files. */
interface Value {
  readonly name: string;
  readonly search: string;
}

/** So many folders one collection shows in all. */
const FOLDERS_MAX = 2000;

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
  for (const group of document.groupBy) {
    const key = String(group['attribute_sys_key']);
    const values = await attributeValues(ports, grant, key);
    levels.push(values.map(({ label, text }) => ({ name: label, search: `${key}:"${text}"` })));
  }
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

function mayList({ template, claims }: Grant): boolean {
  if (template === undefined || claims === undefined) return true;
  return effective(template, claims).permissions.includes('OBJECTS_LIST');
}
