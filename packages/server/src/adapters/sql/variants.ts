// Variants in SQL: the Variants port as rows of a file that is locked while they change.
import type { Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import { type Author, type ChangeAction, objectDifference } from '../../ports/changes.ts';
import type { VariantRecord, Variants } from '../../ports/variants.ts';
import { recordChanges } from './changes.ts';
import type { Database, Executor } from './database.ts';
import { changeFileAt, type FileRow } from './files.ts';
import type { VariantTable } from './schema.ts';

/** The Variants port on a database. */
export function sqlVariants(database: Database): Variants {
  return {
    listVariants: (container, fileId) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const rows = await db
          .selectFrom('variants')
          .innerJoin('files', 'files.id', 'variants.file_id')
          .selectAll('variants')
          .where('files.container', '=', container)
          .where('variants.file_id', '=', fileId)
          .orderBy('variants.position')
          .execute();
        return rows.map(toRecord);
      }),
    addVariant: (container, at, { id, name, query }, max, author) =>
      changeFileAt(database, container, at, async (db, file) => {
        const { count, last } = await db
          .selectFrom('variants')
          .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.max('position').as('last')])
          .where('file_id', '=', file.id)
          .executeTakeFirstOrThrow();
        if (count >= max) throw new AppError('VARIANTS_EXHAUSTED', undefined, { limit: max });
        const times = { created_at: author.nowMs, updated_at: author.nowMs };
        const row = { id, file_id: file.id, name, query, position: (last ?? 0) + 1, ...times };
        await db.insertInto('variants').values(row).execute();
        await log(db, author, file, 'H_VARIANT_CREATE', undefined, row);
        return toRecord(row);
      }),
    changeVariant: (container, at, id, { name, query }, author) =>
      changeFileAt(database, container, at, async (db, file) => {
        const row = await getVariant(db, file, id);
        const next = { ...row, name: name ?? row.name, query: query ?? row.query };
        if (next.name === row.name && next.query === row.query) return toRecord(row);
        const columns = { name: next.name, query: next.query, updated_at: author.nowMs };
        await db.updateTable('variants').set(columns).where('id', '=', id).execute();
        await log(db, author, file, 'H_VARIANT_CHANGE', row, next);
        return toRecord({ ...next, ...columns });
      }),
    deleteVariants: (container, at, ids, author) =>
      changeFileAt(database, container, at, async (db, file) => {
        for (const id of new Set(ids)) {
          const row = await getVariant(db, file, id);
          await db.deleteFrom('variants').where('id', '=', id).execute();
          await log(db, author, file, 'H_VARIANT_DELETE', row, undefined);
        }
      }),
  };
}

type Row = Selectable<VariantTable>;

async function getVariant(db: Executor, file: FileRow, id: string): Promise<Row> {
  const row = await db
    .selectFrom('variants')
    .selectAll()
    .where('id', '=', id)
    .where('file_id', '=', file.id)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('VARIANT_NOT_FOUND');
  return row;
}

function toRecord({ id, name, query, created_at, updated_at }: Row): VariantRecord {
  return { id, name, query, createdAtMs: created_at, updatedAtMs: updated_at };
}

async function log(
  db: Executor,
  author: Author,
  file: FileRow,
  action: ChangeAction,
  before: Row | undefined,
  after: Row | undefined,
): Promise<void> {
  const said = (row: Row | undefined) => (row === undefined ? {} : { name: row.name, query: row.query });
  const difference = objectDifference(said(before), said(after));
  if (difference === undefined) return;
  const props = { ...difference, name: file.name };
  await recordChanges(db, author, [{ fileId: file.id, version: file.version, action, props }]);
}
