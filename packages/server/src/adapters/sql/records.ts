// Every record of a database as plain rows, out of one moment and into one transaction: the Records port of backups.
import { sql } from 'kysely';
import { AppError } from '../../errors.ts';
import { BackupFault, type Batch, type Records, type Row } from '../../ports/backup.ts';
import { type Database, type Executor, openDatabase } from './database.ts';
import type { Schema } from './schema.ts';
import { sqlSearch } from './search.ts';

/**
 * What becomes of each table, in the order in which they are put back: kept, by the columns that tell its rows apart; computed again from
 * others; or of the moment only.
 */
const TABLES: Readonly<Record<keyof Schema, readonly string[] | 'computed' | 'momentary'>> = {
  containers: ['id'],
  container_settings: ['container'],
  templates: ['uid'],
  template_identifiers: ['identifier'],
  secret_keys: ['uid'],
  revocations: ['container', 'kind', 'matched'],
  login_links: 'momentary',
  sessions: 'momentary',
  folders: ['id'],
  folder_access: ['folder_id'],
  container_sums: 'computed',
  files: ['id'],
  file_versions: ['file_id', 'version'],
  file_search: 'computed',
  file_values: 'computed',
  variants: ['id'],
  changes: ['id'],
  comments: ['id'],
  comment_marks: ['comment_id', 'mark', 'person_id'],
  bulks: ['id'],
  approvals: ['id'],
  approval_approvers: ['approval_id', 'person_id'],
  resumable_uploads: 'momentary',
  tasks: ['id'],
  shares: ['puid'],
  airboxes: ['puid'],
  tags: ['container', 'sid', 'lang'],
  file_tags: ['file_id', 'sid', 'lang'],
  examinations: ['file_id', 'version'],
  labels: ['sid'],
  file_labels: ['file_id', 'label_sid'],
  collections: ['id'],
  pins: ['id'],
  favorites: ['container', 'person_id', 'file_id'],
  counter_entries: ['reservation_id', 'position'],
  counter_totals: ['counter'],
};

const KEPT = Object.entries(TABLES).flatMap(([table, keys]) => (typeof keys === 'string' ? [] : [{ table, keys }]));

/** Tables that number their rows, and must go on behind the highest number. */
const NUMBERED = [{ table: 'changes', column: 'id' }];

const READ_AT_ONCE = 1000;
const INSERT_AT_ONCE = 100;
const SEARCHABLE_AT_ONCE = 200;

/** Opens the records of a database without changing anything in it. Raises TypeError for a URL of no database. */
export function openRecords(url: string): Records {
  const database = openDatabase(url);
  return {
    knownSchema: database.steps,
    schema: () => database.stepsTaken(),
    exportAll: (take) => database.snapshot((db) => exportAll(db, take)),
    isEmpty: () => isEmpty(database),
    importAll: (schema, batches) => importAll(database, schema, batches),
    close: () => database.close(),
  };
}

async function exportAll(db: Executor, take: (batch: Batch) => Promise<void>): Promise<void> {
  for (const { table, keys } of KEPT) {
    const key = sql.join(keys.map((name) => sql.ref(name)));
    let after: Row | undefined;
    do {
      const last = after;
      const isBehind =
        last === undefined ? sql`true` : sql`(${key}) > (${sql.join(keys.map((name) => sql.val(last[name])))})`;
      const { rows } = await sql<Row>`select * from ${sql.table(table)} where ${isBehind}
        order by ${key} limit ${sql.lit(READ_AT_ONCE)}`.execute(db);
      if (rows.length > 0) await take({ table, rows });
      after = rows.length < READ_AT_ONCE ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
}

async function isEmpty(database: Database): Promise<boolean> {
  if ((await database.stepsTaken()).length === 0) return true;
  return database.query('STORE_UNAVAILABLE', async (db) => {
    for (const { table } of KEPT) {
      const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db);
      if (rows.length > 0) return false;
    }
    return true;
  });
}

async function importAll(
  database: Database,
  schema: readonly string[],
  batches: () => AsyncIterable<Batch>,
): Promise<void> {
  await makeTables(database, schema);
  try {
    await database.write('STORE_UNAVAILABLE', async (db) => {
      for await (const batch of batches()) await insert(db, batch);
      if (database.dialect !== 'postgres') return;
      for (const { table, column } of NUMBERED) {
        await sql`select setval(pg_get_serial_sequence(${table}, ${column}), coalesce(max(${sql.ref(column)}), 0) + 1, false)
          from ${sql.table(table)}`.execute(db);
      }
    });
  } catch (error) {
    if (error instanceof AppError && error.code === 'ALREADY_EXISTS') {
      throw new BackupFault(
        'The database is being used by somebody else. Stop the service and restore into a new one.',
      );
    }
    throw error;
  }
  await database.migrate();
  const search = sqlSearch(database);
  while ((await search.catchUp(SEARCHABLE_AT_ONCE)) > 0);
}

/** Makes the tables as they were when the backup was made. */
async function makeTables(database: Database, schema: readonly string[]): Promise<void> {
  const foreign = schema.filter((step) => !database.steps.includes(step));
  if (foreign.length > 0)
    throw new BackupFault('The backup was made by a newer version of Latchkey. Restore it with that one.');
  const last = schema.at(-1);
  if (last === undefined) throw new BackupFault('The backup is damaged: it does not say what its tables are.');
  const taken = await database.stepsTaken();
  if (taken.every((step) => schema.includes(step))) await database.migrate(last);
  const now = await database.stepsTaken();
  if (now.length === schema.length && now.every((step, index) => step === schema[index])) return;
  throw new BackupFault(
    'The backup was made by an older version of Latchkey. Restore it into a new database with that version, and start this one on it.',
  );
}

async function insert(db: Executor, { table, rows }: Batch): Promise<void> {
  if (!KEPT.some((kept) => kept.table === table))
    throw new BackupFault(`The backup is damaged: it has a table ${table}.`);
  for (let start = 0; start < rows.length; start += INSERT_AT_ONCE) {
    const some = rows.slice(start, start + INSERT_AT_ONCE);
    // The mark of a file that waits to be made searchable.
    const values: readonly Row[] = table === 'files' ? some.map((row) => ({ ...row, title_key: null })) : some;
    const columns = Object.keys(values[0] ?? {});
    await sql`insert into ${sql.table(table)} (${sql.join(columns.map((name) => sql.ref(name)))}) values
      ${sql.join(values.map((row) => sql`(${sql.join(columns.map((name) => sql.val(row[name] ?? null)))})`))}`.execute(
      db,
    );
  }
}
