// Finding the files of a product, in their order, without reading every file.
import { type OnlineMigration, withIndexes } from './online-index.ts';

/** Makes the index of product references. Files without a product take no room in it. */
export function products(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  const on = 'files (container, product_ref, product_position, name_key, id) where product_ref is not null';
  return withIndexes(dialect, [{ name: 'files_by_product', on }]);
}
