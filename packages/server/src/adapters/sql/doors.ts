// Doors for outsiders in SQL: each kind is a table of one row a door.
import type { Selectable } from 'kysely';
import type { DoorDocument, DoorRecord, Doors } from '../../ports/doors.ts';
import type { Database } from './database.ts';
import type { DoorTable } from './schema.ts';

/** The Doors port on one of the tables that are made for it. */
export function sqlDoors<Document extends DoorDocument>(
  database: Database,
  kind: 'shares' | 'airboxes',
): Doors<Document> {
  const table = kind as 'shares'; // Both have the same columns.
  return {
    createDoor: ({ puid, container, owner, lent, document, createdAtMs, updatedAtMs }) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const documents = { lent: JSON.stringify(lent), document: JSON.stringify(document) };
        const times = { created_at: createdAtMs, updated_at: updatedAtMs };
        await db
          .insertInto(table)
          .values({ puid, container, owner, lender: lent.keyId ?? null, ...documents, ...times })
          .execute();
      }),
    findDoor: (container, puid) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const found = db.selectFrom(table).selectAll().where('puid', '=', puid).where('container', '=', container);
        const row = await found.executeTakeFirst();
        return row && toRecord<Document>(row);
      }),
    listDoors: (container, { owner, offset, limit }) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        let found = db.selectFrom(table).where('container', '=', container);
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
        return { items: rows.map(toRecord<Document>), total: Number(total) };
      }),
    updateDoor: (container, puid, document, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numUpdatedRows } = await db
          .updateTable(table)
          .set({ document: JSON.stringify(document), updated_at: nowMs })
          .where('puid', '=', puid)
          .where('container', '=', container)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    deleteDoor: (container, puid) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom(table)
          .where('puid', '=', puid)
          .where('container', '=', container)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),
    deleteDoorsOf: (container, keyId) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom(table)
          .where('container', '=', container)
          .where('lender', '=', keyId)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

function toRecord<Document extends DoorDocument>(row: Selectable<DoorTable>): DoorRecord<Document> {
  const { puid, container, owner, lent, document, created_at, updated_at } = row;
  return {
    puid,
    container,
    owner,
    // What is absent is not written into JSON.
    lent: { subject: undefined, keyId: undefined, ...JSON.parse(lent) },
    document: JSON.parse(document),
    createdAtMs: created_at,
    updatedAtMs: updated_at,
  };
}
