// Collections and pins in SQL: one row each.
import type { Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import type { CollectionDocument, CollectionRecord, Collections, PinRecord, Pins } from '../../ports/collections.ts';
import type { Database, Executor } from './database.ts';
import type { CollectionTable, PinTable } from './schema.ts';
import { forUpdate, searchKey } from './text.ts';

/** The Collections port on a database. */
export function sqlCollections(database: Database): Collections {
  return {
    createCollection: ({ id, container, ownerId, createdAtMs, updatedAtMs, document }) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const times = { created_at: createdAtMs, updated_at: updatedAtMs };
        const row = { id, container, owner_id: ownerId, ...times, ...columnsOf(document) };
        await db.insertInto('collections').values(row).execute();
      }),
    listCollections: (container) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await collectionsOf(db, container).orderBy('title_key').orderBy('id').execute();
        return rows.map(toCollection);
      }),
    findCollection: (container, id) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const row = await collectionsOf(db, container).where('id', '=', id).executeTakeFirst();
        return row && toCollection(row);
      }),
    changeCollection: (container, id, change, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const found = collectionsOf(db, container).where('id', '=', id);
        const row = await forUpdate(database.dialect, found).executeTakeFirst();
        if (row === undefined) throw new AppError('COLLECTION_NOT_FOUND');
        const columns = { ...columnsOf(change(toCollection(row))), updated_at: nowMs };
        await db.updateTable('collections').set(columns).where('id', '=', id).execute();
        return toCollection({ ...row, ...columns });
      }),
    deleteCollections: (container, ids) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        // One order for everybody, so that nobody waits in a circle.
        for (const id of [...new Set(ids)].sort()) {
          const { numDeletedRows } = await db
            .deleteFrom('collections')
            .where('id', '=', id)
            .where('container', '=', container)
            .executeTakeFirstOrThrow();
          if (Number(numDeletedRows) === 0) throw new AppError('COLLECTION_NOT_FOUND');
        }
      }),
  };
}

/** The Pins port on a database. */
export function sqlPins(database: Database): Pins {
  return {
    createPin: ({ id, container, personId, name, query, createdAtMs }) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const row = { id, container, person_id: personId, name, query, created_at: createdAtMs };
        await db.insertInto('pins').values(row).execute();
      }),
    listPins: (container, personId) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await pinsOf(db, container, personId).orderBy('created_at', 'desc').orderBy('id').execute();
        return rows.map(toPin);
      }),
    renamePin: (container, personId, id, name) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const found = pinsOf(db, container, personId).where('id', '=', id);
        const row = await forUpdate(database.dialect, found).executeTakeFirst();
        if (row === undefined) throw new AppError('PIN_NOT_FOUND');
        await db.updateTable('pins').set({ name }).where('id', '=', id).execute();
        return toPin({ ...row, name });
      }),
    deletePin: (container, personId, id) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('pins')
          .where('id', '=', id)
          .where('container', '=', container)
          .where('person_id', '=', personId)
          .executeTakeFirstOrThrow();
        if (Number(numDeletedRows) === 0) throw new AppError('PIN_NOT_FOUND');
      }),
  };
}

function collectionsOf(db: Executor, container: string) {
  return db.selectFrom('collections').selectAll().where('container', '=', container);
}

function pinsOf(db: Executor, container: string, personId: string) {
  return db.selectFrom('pins').selectAll().where('container', '=', container).where('person_id', '=', personId);
}

function columnsOf(document: CollectionDocument) {
  return { title_key: searchKey(document.title), document: JSON.stringify(document) };
}

function toCollection(row: Selectable<CollectionTable>): CollectionRecord {
  return {
    id: row.id,
    container: row.container,
    document: JSON.parse(row.document),
    ownerId: row.owner_id,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}

function toPin({ id, container, person_id, name, query, created_at }: Selectable<PinTable>): PinRecord {
  return { id, container, personId: person_id, name, query, createdAtMs: created_at };
}
