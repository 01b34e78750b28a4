// Container settings in SQL: the Settings port as one row a container.
import type { Selectable } from 'kysely';
import type { ChangeSettings, Settings, SettingsRecord } from '../../ports/settings.ts';
import type { Database } from './database.ts';
import type { ContainerSettingsTable } from './schema.ts';
import { forUpdate } from './text.ts';

/** The Settings port on a database. */
export function sqlSettings(database: Database): Settings {
  return {
    findSettings: (container) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const row = await db
          .selectFrom('container_settings')
          .selectAll()
          .where('container', '=', container)
          .where('revision', '>', 0)
          .executeTakeFirst();
        return row && toRecord(row);
      }),
    changeSettings: (container, change, nowMs) => changeRow(database, container, change, nowMs),
  };
}

function changeRow(
  database: Database,
  container: string,
  change: ChangeSettings,
  nowMs: number,
): Promise<SettingsRecord> {
  return database.write('STORE_UNAVAILABLE', async (db) => {
    // A row without a revision is there to be locked; it counts as none until it is changed.
    await db
      .insertInto('container_settings')
      .values({ container, document: '{}', revision: 0, updated_at: nowMs })
      .onConflict((conflict) => conflict.column('container').doNothing())
      .execute();
    const query = db.selectFrom('container_settings').selectAll().where('container', '=', container);
    const row = await forUpdate(database.dialect, query).executeTakeFirstOrThrow();
    const document = change(row.revision === 0 ? undefined : JSON.parse(row.document));
    const changed = { document: JSON.stringify(document), revision: row.revision + 1, updated_at: nowMs };
    await db.updateTable('container_settings').set(changed).where('container', '=', container).execute();
    return toRecord({ ...row, ...changed });
  });
}

function toRecord(row: Selectable<ContainerSettingsTable>): SettingsRecord {
  return { document: JSON.parse(row.document), revision: row.revision, updatedAtMs: row.updated_at };
}
