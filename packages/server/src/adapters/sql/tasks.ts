// Tasks in SQL: the Tasks port as one row each.
import type { Tasks } from '../../ports/tasks.ts';
import type { Database } from './database.ts';

/** The Tasks port on a database. */
export function sqlTasks(database: Database): Tasks {
  return {
    createTask: ({ id, container, kind, owner, document, expiresAtMs }, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await db.deleteFrom('tasks').where('expires_at', '<=', nowMs).execute();
        await db
          .insertInto('tasks')
          .values({ id, container, kind, owner, document: JSON.stringify(document), expires_at: expiresAtMs })
          .execute();
      }),
    findTask: (container, kind, id, nowMs) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const row = await db
          .selectFrom('tasks')
          .selectAll()
          .where('id', '=', id)
          .where('container', '=', container)
          .where('kind', '=', kind)
          .where('expires_at', '>', nowMs)
          .executeTakeFirst();
        if (row === undefined) return undefined;
        return {
          id,
          container,
          kind,
          owner: row.owner,
          document: JSON.parse(row.document),
          expiresAtMs: row.expires_at,
        };
      }),
    removeTask: (container, id) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        await db.deleteFrom('tasks').where('id', '=', id).where('container', '=', container).execute();
      }),
  };
}
