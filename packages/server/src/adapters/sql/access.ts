// Access to folders in SQL: the Accesses port as one row for each folder of which something is said.
import type { RoleId } from '@latchkey/policy';
import { AppError } from '../../errors.ts';
import type { AccessDocument, AccessEntry, Accesses, FolderAccess } from '../../ports/access.ts';
import { type SqlBus, writeAnnounced } from './bus.ts';
import type { Database, Executor } from './database.ts';
import { type FolderRow, getFolderAt } from './folders.ts';
import { lockTree } from './locks.ts';

/** The Accesses port on a database. */
export function sqlAccesses(database: Database, bus: SqlBus): Accesses {
  const { dialect } = database;
  return {
    listAccess: (container) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await db
          .selectFrom('folder_access')
          .innerJoin('folders', 'folders.id', 'folder_access.folder_id')
          .select(['folders.id', 'folders.path', 'folder_access.others', 'folder_access.entries'])
          .where('folder_access.container', '=', container)
          .orderBy('folders.path')
          .execute();
        return rows.map((row) => toFolderAccess(row as Said)); // The paths come from the store.
      }),
    changeAccess: (container, at, max, change) =>
      writeAnnounced(database, bus, { kind: 'rules', container }, async (db) => {
        // Nobody moves the folder meanwhile, and of two who change access in the container one waits for the other.
        await lockTree(db, dialect, container, 'exclusive');
        const folder = await getFolderAt(db, container, at);
        const { others, entries } = change(await saidOf(db, folder));
        await db.deleteFrom('folder_access').where('folder_id', '=', folder.id).execute();
        if (others !== undefined || entries.length > 0) {
          const values = { folder_id: folder.id, container, others: others ?? null, entries: JSON.stringify(entries) };
          await db.insertInto('folder_access').values(values).execute();
          await refuseTooMany(db, container, max);
        }
        return { folderId: folder.id, folderPath: folder.path, others, entries };
      }),
  };
}

/** Whether anything is said of access in the container. */
export async function saysAccess(db: Executor, container: string): Promise<boolean> {
  const row = await db
    .selectFrom('folder_access')
    .select('folder_id')
    .where('container', '=', container)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

interface Said extends Pick<FolderRow, 'id' | 'path'> {
  readonly others: number | null;
  readonly entries: string;
}

async function saidOf(db: Executor, folder: FolderRow): Promise<AccessDocument> {
  const row = await db
    .selectFrom('folder_access')
    .select(['others', 'entries'])
    .where('folder_id', '=', folder.id)
    .executeTakeFirst();
  return row === undefined ? { others: undefined, entries: [] } : toFolderAccess({ ...folder, ...row });
}

function toFolderAccess({ id, path, others, entries }: Said): FolderAccess {
  // Only roles and entries are stored there.
  const said = JSON.parse(entries) as readonly AccessEntry[];
  return { folderId: id, folderPath: path, others: (others ?? undefined) as RoleId | undefined, entries: said };
}

async function refuseTooMany(db: Executor, container: string, max: number): Promise<void> {
  const { count } = await db
    .selectFrom('folder_access')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('container', '=', container)
    .executeTakeFirstOrThrow();
  if (count <= max) return;
  const message = `Access may be said of ${max} folders of a container. Take it back where it is not needed, or say it of a folder above.`;
  throw new AppError('REQUEST_INVALID', 'access', {
    faults: [{ field: 'access', code: 'TOO_MANY', message }],
    limit: max,
  });
}
