// Variants: renditions of a file that people have given a name.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';
import type { VariantRecord } from '../ports/variants.ts';
import { at } from './files.ts';
import { authorOf } from './people.ts';
import { parseTitle } from './sharing.ts';

type Needs = Pick<Ports, 'variants' | 'system'>;

/** Bounds of variants. */
export const VARIANTS = { perFileMax: 100, nameCharactersMax: 200, queryCharactersMax: 2000 } as const;

/** What a caller says of a variant. */
export interface VariantInput {
  readonly name?: unknown;
  /** What the delivery address is asked for, in its canonical form. */
  readonly query?: string | undefined;
}

/** All variants of a file, oldest first. */
export async function listVariants(
  ports: Needs,
  grant: Grant<'variant.list'>,
  file: FileRecord,
): Promise<readonly VariantRecord[]> {
  return ports.variants.listVariants(grant.container, file.id);
}

/** Gives a rendition of a file a name. Raises REQUEST_INVALID, FILE_NOT_FOUND, ALREADY_EXISTS, VARIANTS_EXHAUSTED. */
export async function addVariant(
  ports: Needs,
  grant: Grant<'variant.write'>,
  file: FileRecord,
  { name, query = '' }: VariantInput,
): Promise<VariantRecord> {
  const variant = { id: randomUUID(), name: parseName(name), query };
  return ports.variants.addVariant(grant.container, at(file), variant, VARIANTS.perFileMax, authorOf(ports, grant));
}

/** Changes name or rendition of a variant; what is not said stays. Raises REQUEST_INVALID, FILE_NOT_FOUND,
 *  VARIANT_NOT_FOUND, ALREADY_EXISTS. */
export async function changeVariant(
  ports: Needs,
  grant: Grant<'variant.write'>,
  file: FileRecord,
  id: string,
  { name, query }: VariantInput,
): Promise<VariantRecord> {
  const isNamed = name !== undefined && name !== null;
  const change = { query, name: isNamed ? parseName(name) : undefined };
  return ports.variants.changeVariant(grant.container, at(file), id, change, authorOf(ports, grant));
}

/** Deletes variants, all or none. Raises FILE_NOT_FOUND, VARIANT_NOT_FOUND. */
export async function deleteVariants(
  ports: Needs,
  grant: Grant<'variant.delete'>,
  file: FileRecord,
  ids: readonly string[],
): Promise<void> {
  await ports.variants.deleteVariants(grant.container, at(file), ids, authorOf(ports, grant));
}

function parseName(said: unknown): string {
  const faults: FieldFault[] = [];
  const name = parseTitle(said, VARIANTS.nameCharactersMax, 'variant_name', faults);
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'variant', { faults });
  return name;
}
