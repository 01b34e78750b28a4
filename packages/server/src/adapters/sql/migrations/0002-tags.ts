// Which tags are in use, and on which files: found without reading every file.
import { type Kysely, type Migration, sql } from 'kysely';

/** Makes the tables of tags and fills them from the files that have some. */
export function tags(dialect: 'sqlite' | 'postgres'): Migration {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    async up(db) {
      await createTables(db, text);
      await fill(db);
    },
  };
}

async function createTables(db: Kysely<unknown>, text: ReturnType<typeof sql>): Promise<void> {
  await db.schema
    .createTable('tags')
    .addColumn('container', text, (c) => c.notNull())
    .addColumn('sid', text, (c) => c.notNull())
    .addColumn('lang', text, (c) => c.notNull())
    .addColumn('label_key', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('tags_pk', ['container', 'sid', 'lang'])
    .execute();
  await db.schema.createIndex('tags_by_label').on('tags').columns(['container', 'label_key', 'sid', 'lang']).execute();
  await db.schema
    .createTable('file_tags')
    .addColumn('file_id', text, (c) => c.notNull().references('files.id').onDelete('cascade'))
    .addColumn('sid', text, (c) => c.notNull())
    .addColumn('lang', text, (c) => c.notNull())
    .addColumn('label', text, (c) => c.notNull())
    .addColumn('container', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('file_tags_pk', ['file_id', 'sid', 'lang'])
    .execute();
  await db.schema
    .createIndex('file_tags_uses')
    .on('file_tags')
    .columns(['container', 'sid', 'lang', 'file_id'])
    .execute();
}

/** The tables as they are at this point, whatever becomes of them later. */
interface Then {
  files: { id: string; container: string; tags: string };
  tags: { container: string; sid: string; lang: string; label_key: string };
  file_tags: { file_id: string; sid: string; lang: string; label: string; container: string };
}

const FILES_AT_ONCE = 500;

async function fill(untyped: Kysely<unknown>): Promise<void> {
  const db = untyped as Kysely<Then>; // Migrations see the database as it was then.
  for (let after = ''; ; ) {
    const files = await db
      .selectFrom('files')
      .select(['id', 'container', 'tags'])
      .where('tags', '<>', '{}')
      .where('id', '>', after)
      .orderBy('id')
      .limit(FILES_AT_ONCE)
      .execute();
    for (const file of files) await fillOne(db, file);
    const last = files.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

async function fillOne(db: Kysely<Then>, file: Then['files']): Promise<void> {
  const { id: file_id, container } = file;
  const languages: Record<string, readonly { readonly sid: string; readonly label: string }[]> = JSON.parse(file.tags);
  for (const [lang, list] of Object.entries(languages)) {
    for (const { sid, label } of list) {
      // What a text column of PostgreSQL cannot hold stays in the file's own record.
      if (/[\0\p{Cs}]/u.test(label + lang)) continue;
      const label_key = label.normalize('NFC').toLowerCase().normalize('NFC');
      await db
        .insertInto('tags')
        .values({ container, sid, lang, label_key })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await db
        .insertInto('file_tags')
        .values({ file_id, sid, lang, label, container })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }
}
