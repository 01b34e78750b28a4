// The sums of a whole container, so that its total is told without asking each of its folders.
import { type Kysely, type Migration, sql } from 'kysely';

/**
 * Makes the table and the triggers that keep it: whoever writes to `folders`, nodes of an older version among them, keeps it exact. What a
 * container has is the sum of its parts. SQLite, which has one writer, keeps one part. On PostgreSQL each transaction adds to a part
 * that no other one holds, and makes a new one when all are held: nobody ever waits, and there are as many as transactions wrote at once.
 */
export function containerSums(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema
        .createTable('container_sums')
        .addColumn('container', text, (c) => c.notNull())
        .addColumn('part', dialect === 'postgres' ? 'bigserial' : 'integer', (c) => c.notNull())
        .addColumn('files_count', 'bigint', (c) => c.notNull())
        .addColumn('files_bytes', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('container_sums_pk', ['container', 'part'])
        .execute();
      // To make a trigger keeps those who write to `folders` out until the commit, so that no change is missed or counted twice.
      await (dialect === 'postgres' ? keepOnPostgres(db) : keepOnSqlite(db));
      const part = dialect === 'postgres' ? sql`nextval('container_sums_part_seq')` : sql`1`;
      await sql`insert into container_sums (container, part, files_count, files_bytes)
        select container, ${part}, files, bytes from (select container, cast(sum(files_count) as bigint) as files,
          cast(sum(files_bytes) as bigint) as bytes from folders group by container) as sums`.execute(db);
    },
  };
}

async function keepOnSqlite(db: Kysely<unknown>): Promise<void> {
  // It gave the sum of a container before.
  await db.schema.dropIndex('folders_sums').execute();
  const add = (files: string, bytes: string, row: 'new' | 'old') =>
    sql.raw(`insert into container_sums (container, part, files_count, files_bytes) values (${row}.container, 1, ${files}, ${bytes})
      on conflict (container, part) do update set
        files_count = files_count + excluded.files_count, files_bytes = files_bytes + excluded.files_bytes;`);
  const isFull = (row: 'new' | 'old') => sql.raw(`when ${row}.files_count <> 0 or ${row}.files_bytes <> 0`);
  await sql`create trigger folders_sums_added after insert on folders ${isFull('new')}
    begin ${add('new.files_count', 'new.files_bytes', 'new')} end`.execute(db);
  await sql`create trigger folders_sums_removed after delete on folders ${isFull('old')}
    begin ${add('-old.files_count', '-old.files_bytes', 'old')} end`.execute(db);
  await sql`create trigger folders_sums_changed after update of files_count, files_bytes on folders
    begin ${add('new.files_count - old.files_count', 'new.files_bytes - old.files_bytes', 'new')} end`.execute(db);
}

async function keepOnPostgres(db: Kysely<unknown>): Promise<void> {
  // A part that this transaction has changed already is taken before others, so that no transaction holds two.
  await sql`
    create function add_to_container_sums(owner text, files bigint, bytes bigint) returns void language plpgsql as $$
    declare free bigint;
    begin
      select part into free from container_sums where container = owner
        order by xmin = pg_current_xact_id()::xid desc, part limit 1 for update skip locked;
      if found then
        update container_sums set files_count = files_count + files, files_bytes = files_bytes + bytes
          where container = owner and part = free;
      else
        insert into container_sums (container, files_count, files_bytes) values (owner, files, bytes);
      end if;
    end $$`.execute(db);
  await sql`create function sum_changed_folder() returns trigger language plpgsql as $$
    begin
      perform add_to_container_sums(new.container, new.files_count - old.files_count, new.files_bytes - old.files_bytes);
      return null;
    end $$`.execute(db);
  // Of all folders of a statement at once: a row that one transaction changes ten thousand times is slow to find.
  await sql`create function sum_changed_folders() returns trigger language plpgsql as $$
    declare sums record; sign integer := case tg_op when 'DELETE' then -1 else 1 end;
    begin
      for sums in select container, cast(sum(files_count) as bigint) as files, cast(sum(files_bytes) as bigint) as bytes
        from changed_folders where files_count <> 0 or files_bytes <> 0 group by container
      loop
        perform add_to_container_sums(sums.container, sign * sums.files, sign * sums.bytes);
      end loop;
      return null;
    end $$`.execute(db);
  await sql`create trigger folders_sums_changed after update of files_count, files_bytes on folders
    for each row execute function sum_changed_folder()`.execute(db);
  await sql`create trigger folders_sums_added after insert on folders
    referencing new table as changed_folders for each statement execute function sum_changed_folders()`.execute(db);
  await sql`create trigger folders_sums_removed after delete on folders
    referencing old table as changed_folders for each statement execute function sum_changed_folders()`.execute(db);
}
