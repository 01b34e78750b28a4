// Labels in SQL: the Labels port, and the labels of files - in the file's row to be shown, in a table of their own to be found.
import { type Selectable, sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { LabelDocument, LabelRecord, Labels } from '../../ports/labels.ts';
import type { Database, Executor } from './database.ts';
import { lockTree } from './locks.ts';
import type { LabelTable } from './schema.ts';
import { coveredBy, mergeLayers } from './scopes.ts';
import { forUpdate, searchKey } from './text.ts';

/** The Labels port on a database. */
export function sqlLabels(database: Database): Labels {
  return {
    createLabel: (record) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const { id, container, sid, ownerId, createdAtMs, updatedAtMs } = record;
        await db
          .insertInto('labels')
          .values({
            id,
            container,
            sid,
            owner_id: ownerId,
            created_at: createdAtMs,
            updated_at: updatedAtMs,
            ...columnsOf(record.document),
          })
          .execute();
      }),
    listLabels: (container) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await db
          .selectFrom('labels')
          .selectAll()
          .where('container', '=', container)
          .orderBy('name_key')
          .orderBy('sid')
          .execute();
        return rows.map(toRecord);
      }),
    countLabelUses: (container, within) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const scopes = mergeLayers(within);
        const rows = await db
          .selectFrom('file_labels')
          .select(['file_labels.label_sid as sid', sql<number>`cast(count(*) as bigint)`.as('files')])
          .where('file_labels.container', '=', container)
          // Whoever may see everything needs no look at the files.
          .$if(scopes !== undefined, (q) =>
            q.where(({ exists, selectFrom }) =>
              exists(
                selectFrom('files')
                  .innerJoin('folders', 'folders.id', 'files.folder_id')
                  .select('files.id')
                  .whereRef('files.id', '=', 'file_labels.file_id')
                  .where(coveredBy('folders', scopes)),
              ),
            ),
          )
          .groupBy('file_labels.label_sid')
          .execute();
        return new Map(rows.map(({ sid, files }) => [sid, files]));
      }),
    changeLabel: (container, id, change, nowMs) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        const row = await forUpdate(
          database.dialect,
          db.selectFrom('labels').selectAll().where('id', '=', id).where('container', '=', container),
        ).executeTakeFirst();
        if (row === undefined) throw new AppError('LABEL_NOT_FOUND');
        const columns = { ...columnsOf(change(toRecord(row))), updated_at: nowMs };
        await db.updateTable('labels').set(columns).where('sid', '=', row.sid).execute();
        return toRecord({ ...row, ...columns });
      }),
    deleteLabels: (container, ids) =>
      database.write('STORE_UNAVAILABLE', async (db) => {
        // Nobody attaches one meanwhile.
        await lockTree(db, database.dialect, container, 'exclusive');
        for (const id of new Set(ids)) {
          const row = await db
            .selectFrom('labels')
            .select('sid')
            .where('id', '=', id)
            .where('container', '=', container)
            .executeTakeFirst();
          if (row === undefined) throw new AppError('LABEL_NOT_FOUND');
          const carriers = db.selectFrom('file_labels').select('file_id').where('label_sid', '=', row.sid);
          await db
            .updateTable('files')
            // Short ids are of one length and begin with a sign that is nowhere else in them: none is part of another.
            .set({ labels: sql<string>`replace(labels, ${row.sid}, '')` })
            .where('id', 'in', carriers)
            .execute();
          await db.deleteFrom('file_labels').where('label_sid', '=', row.sid).execute();
          await db.deleteFrom('labels').where('sid', '=', row.sid).execute();
        }
      }),
  };
}

/** The labels in a file's row, in the order in which they were attached. */
export function labelsOf(stored: string): readonly string[] {
  return stored === ''
    ? []
    : stored
        .slice(1)
        .split('#')
        .map((rest) => `#${rest}`);
}

/** Brings the rows of a file's labels in line with its record, within the transaction that changes the record, and answers
 *  the column. The tree is locked. Raises LABEL_NOT_FOUND when one does not exist (any more). */
export async function storeLabels(
  db: Executor,
  container: string,
  fileId: string,
  sids: readonly string[],
): Promise<string> {
  await db.deleteFrom('file_labels').where('file_id', '=', fileId).execute();
  if (sids.length === 0) return '';
  const known = await db
    .selectFrom('labels')
    .select('sid')
    .where('container', '=', container)
    .where('sid', 'in', sids)
    .execute();
  if (known.length !== new Set(sids).size) throw new AppError('LABEL_NOT_FOUND', 'gone meanwhile');
  await db
    .insertInto('file_labels')
    .values(known.map(({ sid }) => ({ file_id: fileId, label_sid: sid, container })))
    .execute();
  return sids.join('');
}

function columnsOf(document: LabelDocument) {
  return { name_key: searchKey(document.name), document: JSON.stringify(document) };
}

function toRecord(row: Selectable<LabelTable>): LabelRecord {
  return {
    id: row.id,
    container: row.container,
    sid: row.sid,
    document: JSON.parse(row.document),
    ownerId: row.owner_id,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
