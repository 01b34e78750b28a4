// Which secret key opened a console session: the session ends with it.
import { type Migration, sql } from 'kysely';

/** Adds the columns. Sessions that are open name no key and could outlive theirs, so they end: whoever had one signs in again. */
export function sessionKeys(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await db.schema.alterTable('sessions').addColumn('secret_key_container', text).execute();
      await db.schema.alterTable('sessions').addColumn('secret_key_uid', text).execute();
      await sql`delete from sessions`.execute(db);
    },
  };
}
