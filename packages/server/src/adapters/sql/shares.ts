// Shares in SQL: the Shares port as one row each.
import type { Selectable } from 'kysely';
import type { ShareRecord, Shares } from '../../ports/shares.ts';
import type { Database } from './database.ts';
import type { ShareTable } from './schema.ts';

/** The Shares port on a database. */
export function sqlShares(database: Database): Shares {
  return {
    createShare: ({ puid, container, owner, lent, document, createdAtMs, updatedAtMs }) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const documents = { lent: JSON.stringify(lent), document: JSON.stringify(document) };
        const times = { created_at: createdAtMs, updated_at: updatedAtMs };
        await db
          .insertInto('shares')
          .values({ puid, container, owner, ...documents, ...times })
          .execute();
      }),
    findShare: (container, puid) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const found = db.selectFrom('shares').selectAll().where('puid', '=', puid).where('container', '=', container);
        const row = await found.executeTakeFirst();
        return row && toRecord(row);
      }),
    listShares: (container, { owner, offset, limit }) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        let found = db.selectFrom('shares').where('container', '=', container);
        if (owner !== undefined) found = found.where('owner', '=', owner);
        const rows = await found
          .selectAll()
          .orderBy('created_at', 'desc')
          .orderBy('puid')
          .limit(limit)
          .offset(offset)
          .execute();
        const { total } = await found
          .select((eb) => eb.fn.countAll<number | string>().as('total'))
          .executeTakeFirstOrThrow();
        return { items: rows.map(toRecord), total: Number(total) };
      }),
    updateShare: (container, puid, document, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('shares')
          .set({ document: JSON.stringify(document), updated_at: nowMs })
          .where('puid', '=', puid)
          .where('container', '=', container)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    deleteShare: (container, puid) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('shares')
          .where('puid', '=', puid)
          .where('container', '=', container)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}

function toRecord(row: Selectable<ShareTable>): ShareRecord {
  const { puid, container, owner, lent, document, created_at, updated_at } = row;
  return {
    puid,
    container,
    owner,
    // An absent subject is not written into JSON.
    lent: { subject: undefined, ...JSON.parse(lent) },
    document: JSON.parse(document),
    createdAtMs: created_at,
    updatedAtMs: updated_at,
  };
}
