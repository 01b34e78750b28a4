// Products in SQL: the references that files carry, as far as the files may be seen.
import { sql } from 'kysely';
import type { ProductQuery, ProductRecord } from '../../ports/descriptions.ts';
import type { FileRecord } from '../../ports/metadata.ts';
import { candidatesByValue, meets } from './conditions.ts';
import type { Executor } from './database.ts';
import { toFileRecord, toPlacedFile } from './files.ts';
import { coveredBy, mergeLayers } from './scopes.ts';
import { ALWAYS } from './text.ts';

/** The files of one product in their order; those without a position come last. */
export async function productFileRecords(
  db: Executor,
  query: ProductQuery & { readonly ref: string },
): Promise<readonly FileRecord[]> {
  const rows = await filesOfProducts(db, query)
    .selectAll('files')
    .select(['folders.path as folder_path', 'folders.is_public as folder_is_public'])
    .where('files.product_ref', '=', query.ref)
    .orderBy(sql`case when files.product_position is null then 1 else 0 end`)
    .orderBy('files.product_position')
    .orderBy('files.name_key')
    .orderBy('files.id')
    .limit(query.limit)
    .offset(query.offset)
    .execute();
  return rows.map((row) => toFileRecord(toPlacedFile(row)));
}

/** Products by reference, each with the number of its files and of those that are images. */
export async function listProductRows(db: Executor, query: ProductQuery): Promise<readonly ProductRecord[]> {
  const { refs, matching } = query;
  if (refs?.length === 0) return [];
  // Without letter case and accents they are found where the search finds them; for a part of one there is no index.
  const [way] = matching === undefined ? [] : candidatesByValue(db, query.container, 'product', matching);
  const rows = await filesOfProducts(db, query)
    .select([
      'files.product_ref as ref',
      sql<number>`cast(count(*) as bigint)`.as('files'),
      sql<number>`cast(sum(case when ${isImage} then 1 else 0 end) as bigint)`.as('images'),
    ])
    .$if(refs !== undefined, (q) => q.where('files.product_ref', 'in', refs ?? []))
    .where(matching === undefined ? ALWAYS : meets({ of: 'value', field: 'product', match: matching }))
    .where(way === undefined ? ALWAYS : sql<boolean>`(files.id in (select file_id from (${way.files}) as likely))`)
    .groupBy('files.product_ref')
    .orderBy('files.product_ref')
    .limit(query.limit)
    .offset(query.offset)
    .execute();
  return rows.flatMap(({ ref, files, images }) => (ref === null ? [] : [{ ref, files, images }]));
}

// `image/` sorts directly before `image0`: every type with the prefix lies between.
const isImage = sql<boolean>`(files.mime >= 'image/' and files.mime < 'image0')`;

function filesOfProducts(db: Executor, query: ProductQuery) {
  return db
    .selectFrom('files')
    .innerJoin('folders', 'folders.id', 'files.folder_id')
    .where('files.container', '=', query.container)
    .where('files.product_ref', 'is not', null)
    .$if(query.imagesOnly === true, (q) => q.where(isImage))
    .where(coveredBy('folders', mergeLayers(query.within)));
}
