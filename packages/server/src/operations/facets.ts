// What a search can be narrowed by: the types, tags and values that the files in scope have.
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import { typeName } from './search.ts';
import { fileFields } from './settings.ts';

/** A type of files with how many there are. */
export interface TypeUse {
  /** As filters show and ask for it: `img › png`. */
  readonly name: string;
  readonly files: number;
}

/** The types of the files that the grant lets be seen, the most frequent first. */
export async function listTypes(
  ports: Pick<Ports, 'search'>,
  grant: Grant<'facet.list'>,
  limit: number,
): Promise<readonly TypeUse[]> {
  const types = await ports.search.countTypes(grant.container, grant.layers('listing'), limit);
  return types.map(({ mime, files }) => ({ name: typeName(mime), files }));
}

/** The values of a metadata field that contain the text, as far as the grant lets their files be seen. */
export async function completeValues(
  ports: Pick<Ports, 'search' | 'settings'>,
  grant: Grant<'facet.list'>,
  key: string,
  text: string,
  limit: number,
): Promise<readonly string[]> {
  // Clients write the key with an underscore before it.
  const names = [key, key.replace(/^_/, '')];
  const fields = await fileFields(ports, grant);
  const field = fields.find(({ ckey, key: other }) => names.includes(ckey) || names.includes(other));
  const name = field?.ckey ?? names[1] ?? key;
  const values = await ports.search.listValues(grant.container, grant.layers('listing'), `meta.${name}`, text, limit);
  const labels = new Map(field?.possible_values.map((option) => [option.internal_unique_value, option.label]));
  return values.map((value) => labels.get(value) ?? value);
}
