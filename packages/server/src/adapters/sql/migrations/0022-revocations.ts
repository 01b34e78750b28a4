// Revocations of many keys at once beside those of single ones, and when the key was issued that began an upload.
import { type Kysely, type Migration, sql } from 'kysely';

/** Takes over what is revoked already: until it is dead anyway, whoever revoked it. */
export function revocations(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return { up: (db) => replaceTable(db, text) };
}

async function replaceTable(db: Kysely<unknown>, text: ReturnType<typeof sql>): Promise<void> {
  await db.schema
    .createTable('revocations')
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('matched', text, (c) => c.notNull())
    .addColumn('named', text, (c) => c.notNull())
    .addColumn('issued_until', 'bigint', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint', (c) => c.notNull())
    .addColumn('revoked_by', text, (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('revocations_pk', ['container', 'kind', 'matched'])
    .execute();
  await db.schema.createIndex('revocations_expiry').on('revocations').column('expires_at').execute();
  await db.schema
    .createIndex('revocations_newest')
    .on('revocations')
    .columns(['container', 'revoked_at', 'kind', 'matched'])
    .execute();
  await sql`
    insert into revocations (container, kind, matched, named, issued_until, revoked_at, revoked_by, expires_at)
    select container, 'key', key_id, key_id, ${sql.lit(Number.MAX_SAFE_INTEGER)}, 0, '', expires_at from revoked_keys`.execute(
    db,
  );
  await db.schema.dropTable('revoked_keys').execute();
  // Of uploads that were begun before nobody knows: any revocation of many keys ends them for other keys.
  await db.schema
    .alterTable('resumable_uploads')
    .addColumn('key_issued_at', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
}
