// Favourites in SQL: the Favorites port as one row for each mark of a person on a file.
import { AppError } from '../../errors.ts';
import type { Favorites } from '../../ports/favorites.ts';
import type { Database, Executor } from './database.ts';
import { findPlacedFiles, getFilesAt, toFileRecord } from './files.ts';
import { lockPerson, lockTree } from './locks.ts';
import { prepared } from './prepared.ts';
import { coveredBy, mergeLayers } from './scopes.ts';

// One statement holds so many rows and ids: SQLite has 32,766 parameters.
const ROWS_MAX = 5000;

/** The Favorites port on a database. */
export function sqlFavorites(database: Database): Favorites {
  const { dialect } = database;
  return {
    addFavorites: (container, personId, ats, max, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await lockTree(db, dialect, container, 'shared');
        const files = await getFilesAt(db, container, ats);
        await lockPerson(db, dialect, container, personId);
        const rows = files.map(({ file }) => ({ container, person_id: personId, file_id: file.id, added_at: nowMs }));
        for (let start = 0; start < rows.length; start += ROWS_MAX) {
          await db
            .insertInto('favorites')
            .values(rows.slice(start, start + ROWS_MAX))
            .onConflict((conflict) => conflict.columns(['container', 'person_id', 'file_id']).doNothing())
            .execute();
        }
        const { count } = await marksOf(db, container, personId)
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        if (count > max) throw new AppError('FAVORITES_EXHAUSTED', undefined, { limit: max });
        return files.map(toFileRecord);
      }),
    removeFavorites: (container, personId, fileIds) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await lockPerson(db, dialect, container, personId);
        for (let start = 0; start < fileIds.length; start += ROWS_MAX) {
          await db
            .deleteFrom('favorites')
            .where('container', '=', container)
            .where('person_id', '=', personId)
            .where('file_id', 'in', fileIds.slice(start, start + ROWS_MAX))
            .execute();
        }
      }),
    listFavorites: (container, personId, within, { offset, limit }) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const found = marksOf(db, container, personId)
          .innerJoin('files', 'files.id', 'favorites.file_id')
          .innerJoin('folders', 'folders.id', 'files.folder_id')
          .where(coveredBy('folders', mergeLayers(within)));
        const marks = await found
          .select('favorites.file_id')
          .orderBy('favorites.added_at', 'desc')
          .orderBy('favorites.file_id')
          .offset(offset)
          .limit(limit)
          .execute();
        const { total } = await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
        const ids = marks.map(({ file_id }) => file_id);
        const files = new Map((await findPlacedFiles(db, container, ids)).map((one) => [one.file.id, one]));
        // One that was deleted since is not there any more.
        const records = ids.flatMap((id) => files.get(id) ?? []).map(toFileRecord);
        return { files: records, total };
      }),
    findFavorites: (container, personId) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await markedFiles(db, container, personId);
        return new Set(rows.map(({ file_id }) => file_id));
      }),
  };
}

/** Asked for whenever a file is shown. */
const markedFiles = prepared(2, (db, container = '', personId = '') =>
  marksOf(db, container, personId).select('file_id'),
);

function marksOf(db: Executor, container: string, personId: string) {
  return db.selectFrom('favorites').where('favorites.container', '=', container).where('person_id', '=', personId);
}
