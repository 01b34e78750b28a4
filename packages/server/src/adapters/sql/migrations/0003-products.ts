// Finding the files of a product, in their order, without reading every file.
import { type Migration, sql } from 'kysely';

/** Makes the index of product references. Files without a product take no room in it. */
export const products: Migration = {
  async up(db) {
    await sql`create index files_by_product on files (container, product_ref, product_position, name_key, id)
      where product_ref is not null`.execute(db);
  },
};
