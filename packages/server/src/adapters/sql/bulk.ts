// Prepared changes in SQL: the Bulks port as one row each.
import type { Bulks } from '../../ports/bulk.ts';
import type { Database } from './database.ts';

/** The Bulks port on a database. */
export function sqlBulks(database: Database): Bulks {
  return {
    createBulk: ({ id, container, document, expiresAtMs }, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await db.deleteFrom('bulks').where('expires_at', '<=', nowMs).execute();
        await db
          .insertInto('bulks')
          .values({ id, container, document: JSON.stringify(document), expires_at: expiresAtMs })
          .execute();
      }),
    findBulk: (container, id, nowMs) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const row = await db
          .selectFrom('bulks')
          .selectAll()
          .where('id', '=', id)
          .where('container', '=', container)
          .where('expires_at', '>', nowMs)
          .executeTakeFirst();
        return row && { id, container, document: JSON.parse(row.document), expiresAtMs: row.expires_at };
      }),
    removeBulk: (container, id) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await db.deleteFrom('bulks').where('id', '=', id).where('container', '=', container).execute();
      }),
  };
}
