// Product information: which product a file shows, and in which place among the product's files.
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { ProductRecord } from '../ports/descriptions.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';
import type { TextMatch } from '../ports/search.ts';
import { at } from './files.ts';
import { authorOf } from './people.ts';

type Needs = Pick<Ports, 'descriptions' | 'system'>;

/** Bounds of product information. */
export const PRODUCT = { refCharactersMax: 255, positionMax: 1_000_000 } as const;

/** The most files that a change of a whole product may touch at once. */
const FILES_MAX = 5000;

/** What a file is said to show. */
export interface ProductPlace {
  readonly ref: string | undefined;
  readonly position: number | undefined;
}

/** A page of a list. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** A product reference as a caller writes it. Raises REQUEST_INVALID when it is empty, too long or no plain text. */
export function parseProductRef(text: string, field: string): string {
  const fault = refFault(text);
  if (fault !== undefined) throw new AppError('REQUEST_INVALID', 'product', { faults: [{ ...fault, field }] });
  return text;
}

/** A file's place as a caller writes it: a position may be a number or its digits. Raises REQUEST_INVALID by field. */
export function parsePlace(
  said: { readonly ref?: string | null | undefined; readonly position?: number | string | null | undefined },
  field: string,
): ProductPlace {
  const { ref: text = '' } = said;
  // Forms send an empty reference when nobody fills it in.
  const ref = text === null || text === '' ? undefined : parseProductRef(text, `${field}.ref`);
  return { ref, position: parsePosition(said.position, `${field}.position`) };
}

/** A whole number from 0; undefined when none is said. Raises REQUEST_INVALID. */
export function parsePosition(said: number | string | null | undefined, field: string): number | undefined {
  if (said === null || said === undefined || said === '') return undefined;
  const position = typeof said === 'string' && !/^\s*\d+(?:\.0*)?\s*$/.test(said) ? Number.NaN : Number(said);
  if (Number.isInteger(position) && position >= 0 && position <= PRODUCT.positionMax) return position;
  const message = `A position is a whole number from 0 to ${PRODUCT.positionMax}.`;
  throw new AppError('REQUEST_INVALID', 'product', { faults: [{ field, code: 'POSITION_INVALID', message }] });
}

/** Says which product a file shows; without a reference it shows none any more. Raises FILE_NOT_FOUND. */
export async function setProduct(
  ports: Needs,
  grant: Grant<'file.setProduct'>,
  file: FileRecord,
  place: ProductPlace,
): Promise<FileRecord> {
  const { ref, position } = place;
  return describeOne(ports, grant, file, (stored) => ({
    productRef: ref,
    // A file that stays with its product keeps its place unless it is given another.
    productPosition:
      ref === undefined ? undefined : (position ?? (stored.productRef === ref ? stored.productPosition : undefined)),
  }));
}

/** Gives a file another place among the files of its product. Raises FILE_NOT_FOUND, REQUEST_INVALID without a product. */
export async function setProductPosition(
  ports: Needs,
  grant: Grant<'file.setProduct'>,
  file: FileRecord,
  position: number | undefined,
): Promise<FileRecord> {
  return describeOne(ports, grant, file, (stored) => {
    if (stored.productRef === undefined) {
      const message = 'The file shows no product; set one first.';
      throw new AppError('REQUEST_INVALID', 'product', {
        faults: [{ field: 'uuid', code: 'PRODUCT_MISSING', message }],
      });
    }
    return { productPosition: position };
  });
}

/** Lets all files show one product, in the order given behind those it has; a file that does already keeps its place.
 *  Raises FILE_NOT_FOUND. */
export async function assignProduct(
  ports: Needs,
  grant: Grant<'file.setProduct'>,
  files: readonly FileRecord[],
  ref: string,
): Promise<readonly FileRecord[]> {
  const present = await filesOfProduct(ports, grant, ref, { limit: FILES_MAX, offset: 0 });
  const last = present.reduce((most, { productPosition = 0 }) => Math.max(most, productPosition), 0);
  const newcomers = files.filter((file) => file.productRef !== ref);
  const positions = new Map(newcomers.map(({ id }, i) => [id, Math.min(last + 1 + i, PRODUCT.positionMax)]));
  return ports.descriptions.describeFiles(
    grant.container,
    files.map(at),
    (stored) => (stored.productRef === ref ? {} : { productRef: ref, productPosition: positions.get(stored.id) }),
    authorOf(ports, grant),
  );
}

/** Gives a product another reference on every file in scope; files elsewhere keep the old one. Raises
 *  PRODUCT_NOT_FOUND when no file in scope shows it, REQUEST_INVALID when there are too many at once. */
export async function renameProduct(
  ports: Needs,
  grant: Grant<'product.rename'>,
  ref: string,
  to: string,
): Promise<readonly FileRecord[]> {
  const files = await filesOfProduct(ports, grant, ref, { limit: FILES_MAX + 1, offset: 0 });
  if (files.length === 0) throw new AppError('PRODUCT_NOT_FOUND');
  if (files.length > FILES_MAX) {
    const message = `A product of more than ${FILES_MAX} files cannot be renamed at once.`;
    throw new AppError('REQUEST_INVALID', 'product', { faults: [{ field: 'ref', code: 'TOO_MANY', message }] });
  }
  return ports.descriptions.describeFiles(
    grant.container,
    files.map(at),
    // Who left the product meanwhile is left alone.
    (stored) => (stored.productRef === ref ? { productRef: to } : {}),
    authorOf(ports, grant),
  );
}

/** The files in scope that show a product, in their order. */
export async function listProductFiles(
  ports: Pick<Ports, 'descriptions'>,
  grant: Grant<'product.get'>,
  ref: string,
  page: Page & { readonly imagesOnly: boolean },
): Promise<readonly FileRecord[]> {
  return filesOfProduct(ports, grant, ref, page);
}

/** The products that files in scope show, by reference: all, those named, or those that are like a text. */
export async function listProducts(
  ports: Pick<Ports, 'descriptions'>,
  grant: Grant<'product.list'>,
  wanted: { readonly refs?: readonly string[]; readonly matching?: TextMatch },
  page: Page,
): Promise<readonly ProductRecord[]> {
  const within = grant.layers('listing');
  return ports.descriptions.listProducts({ container: grant.container, within, ...wanted, ...page });
}

function filesOfProduct(
  ports: Pick<Ports, 'descriptions'>,
  grant: Grant,
  ref: string,
  page: Page & { readonly imagesOnly?: boolean },
): Promise<readonly FileRecord[]> {
  const within = grant.layers('listing');
  return ports.descriptions.listProductFiles({ container: grant.container, within, ref, ...page });
}

async function describeOne(
  ports: Needs,
  grant: Grant<'file.setProduct'>,
  file: FileRecord,
  describe: (stored: FileRecord) => {
    readonly productRef?: string | undefined;
    readonly productPosition: number | undefined;
  },
): Promise<FileRecord> {
  const [changed] = await ports.descriptions.describeFiles(
    grant.container,
    [at(file)],
    describe,
    authorOf(ports, grant),
  );
  if (changed === undefined) throw new TypeError('One file in, one file out.');
  return changed;
}

function refFault(text: string): Omit<FieldFault, 'field'> | undefined {
  if (text.trim() === '') return { code: 'REF_EMPTY', message: 'A product needs a reference.' };
  if (text.length > PRODUCT.refCharactersMax) {
    return { code: 'REF_TOO_LONG', message: `A product reference may have ${PRODUCT.refCharactersMax} characters.` };
  }
  // Control characters and halves of characters cannot be stored, searched or written into an address everywhere.
  if (/[\p{Cc}\p{Cs}]/u.test(text)) {
    return { code: 'REF_INVALID', message: 'A product reference is plain text without control characters.' };
  }
  return undefined;
}
