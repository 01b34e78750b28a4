// The log of changes in SQL: rows written by the transactions that make the changes, and read a page at a time.
import type { Selectable } from 'kysely';
import {
  type Author,
  CHANGES_PER_FILE_MAX,
  type ChangeAction,
  type ChangeProps,
  type ChangeRecord,
  type Changes,
  objectDifference,
} from '../../ports/changes.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import type { Database, Executor } from './database.ts';
import { labelsOf } from './labels.ts';
import type { ChangeTable, FileTable } from './schema.ts';

/** The Changes port on a database. */
export function sqlChanges(database: Database): Changes {
  return {
    listChanges: (container, fileId, query) =>
      database.query('STORE_UNAVAILABLE', async (db) => {
        const found = db
          .selectFrom('changes')
          .innerJoin('files', 'files.id', 'changes.file_id')
          .where('files.container', '=', container)
          .where('changes.file_id', '=', fileId)
          .where('changes.version', '<=', query.versionMax);
        const rows = await found
          .selectAll('changes')
          .orderBy('changes.id', 'desc')
          .limit(query.limit)
          .offset(query.offset)
          .execute();
        const { total } = await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
        return { items: rows.map(toChangeRecord), total };
      }),
  };
}

/** An entry on its way into the log. */
export interface NewChange {
  readonly fileId: string;
  readonly version: number;
  readonly action: ChangeAction;
  readonly props: ChangeProps;
  /** What else clients show of it (wire contract 8). */
  readonly extra?: JsonObject;
}

type Changed = Pick<Selectable<FileTable>, 'id' | 'version' | 'name'>;
type Described = Changed & Pick<Selectable<FileTable>, 'meta' | 'tags' | 'labels' | 'product_ref' | 'product_position'>;

// One statement holds so many rows: SQLite has 32,766 parameters.
const ROWS_MAX = 1000;

/** Writes to the log, in the order given, within the transaction that makes the changes. */
export async function recordChanges(db: Executor, author: Author, changes: readonly NewChange[]): Promise<void> {
  const { by, nowMs } = author;
  for (let start = 0; start < changes.length; start += ROWS_MAX) {
    const rows = changes.slice(start, start + ROWS_MAX).map(({ fileId, version, action, props, extra = {} }) => ({
      file_id: fileId,
      version,
      action,
      person_id: by.id,
      person_name: by.name,
      person_email: by.email ?? null,
      props: JSON.stringify(props),
      extra: JSON.stringify(extra),
      changed_at: nowMs,
    }));
    await db.insertInto('changes').values(rows).execute();
    // What has just been made has no long history.
    await endHistories(
      db,
      rows.flatMap(({ file_id, action }) => (action === 'H_CREATED' ? [] : [file_id])),
    );
  }
}

/** Ends each history at its newest entries, within the transaction that writes the next one: no history is ever longer,
 *  whichever nodes write. How a file came to be stays known. */
async function endHistories(db: Executor, fileIds: readonly string[]): Promise<void> {
  const ids = [...new Set(fileIds)];
  if (ids.length === 0) return;
  // An index tells it, without a look at the entries.
  const ends = await db
    .selectFrom('files')
    .select([
      'files.id',
      ({ selectFrom }) =>
        selectFrom('changes')
          .select('changes.id')
          .whereRef('changes.file_id', '=', 'files.id')
          .orderBy('changes.id', 'desc')
          .limit(1)
          .offset(CHANGES_PER_FILE_MAX)
          .as('first_beyond'),
    ])
    .where('files.id', 'in', ids)
    .execute();
  for (const { id, first_beyond } of ends) {
    if (first_beyond === null) continue;
    await db
      .deleteFrom('changes')
      .where('file_id', '=', id)
      .where('id', '<=', first_beyond)
      .where('action', '!=', 'H_CREATED')
      .execute();
  }
}

/** An entry about a file as it is after the change. */
export function changeOf(
  file: Changed,
  action: ChangeAction,
  before: string | null,
  after: string | null,
  extra?: JsonObject,
): NewChange {
  const props = { old: before, new: after, name: file.name };
  return { fileId: file.id, version: file.version, action, props, ...(extra === undefined ? {} : { extra }) };
}

/** The entries that tell how metadata, tags, product and labels differ; none for what is the same. */
export function descriptionChanges(before: Described, after: Described): readonly NewChange[] {
  const changes = (['H_CHG_META', 'H_CHG_TAGS', 'H_CHG_PRODUCT'] as const).flatMap((action) => {
    const difference = objectDifference(described(before, action), described(after, action));
    return difference === undefined ? [] : [changeOf(after, action, difference.old, difference.new)];
  });
  return [...changes, ...labelChanges(before, after)];
}

/** One entry for each label: widgets show one and no more of an entry. */
function labelChanges(before: Described, after: Described): readonly NewChange[] {
  const changes: NewChange[] = [];
  const wanted = labelsOf(after.labels);
  let now = labelsOf(before.labels);
  const step = (next: readonly string[]) => {
    changes.push(changeOf(after, 'H_CHG_LABELS', JSON.stringify(now), JSON.stringify(next)));
    now = next;
  };
  for (const label of now.filter((one) => !wanted.includes(one))) step(now.filter((one) => one !== label));
  for (const label of wanted.filter((one) => !now.includes(one))) step([...now, label]);
  return changes;
}

function described(file: Described, action: 'H_CHG_META' | 'H_CHG_TAGS' | 'H_CHG_PRODUCT'): JsonObject {
  switch (action) {
    case 'H_CHG_META':
      return JSON.parse(file.meta);
    case 'H_CHG_TAGS':
      return JSON.parse(file.tags);
    case 'H_CHG_PRODUCT':
      return { ref: file.product_ref, position: file.product_position };
  }
}

function toChangeRecord(row: Selectable<ChangeTable>): ChangeRecord {
  return {
    id: row.id,
    version: row.version,
    action: row.action as ChangeAction, // Only actions are stored.
    atMs: row.changed_at,
    by: { id: row.person_id, name: row.person_name, email: row.person_email ?? undefined },
    props: JSON.parse(row.props),
    extra: JSON.parse(row.extra),
  };
}
