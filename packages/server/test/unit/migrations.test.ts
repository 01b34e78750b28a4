// Migrations of a database that holds something already.
import { Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { initial } from '../../src/adapters/sql/migrations/0001-initial.ts';
import { tags } from '../../src/adapters/sql/migrations/0002-tags.ts';
import { resumableUploads } from '../../src/adapters/sql/migrations/0010-resumable-uploads.ts';
import { revocations } from '../../src/adapters/sql/migrations/0022-revocations.ts';
import type { Schema } from '../../src/adapters/sql/schema.ts';
import { sqliteDialect } from '../../src/adapters/sql/sqlite-dialect.ts';

test('0002 finds the tags of files that were stored before it', async () => {
  const db = new Kysely<Schema>({ dialect: sqliteDialect(':memory:') });
  await initial('sqlite').up(db);
  const folder = {
    id: 'root',
    container: 'demo',
    parent_id: '',
    path: '/',
    path_head: '/',
    name: '/',
    name_key: '/',
    visibility: 'inherited',
    is_public: 1,
    meta: '{}',
    files_count: 0,
    files_bytes: 0,
    created_at: 1,
    updated_at: 1,
  };
  await db.insertInto('folders').values(folder).execute();
  const stored = {
    a: { en: [{ sid: '#tg1', label: 'Summer' }], fr: [{ sid: '#tg1', label: 'Summer' }] },
    b: {
      en: [
        { sid: '#tg1', label: 'summer' },
        { sid: '#tg2', label: 'not\u0000storable' },
      ],
    },
    c: {},
  };
  for (const [id, said] of Object.entries(stored)) {
    const content = { mime: 'image/png', size: 1, sha1: '', sha256: '', blob_id: id, info: '{}', uploaded_by: 'x' };
    const described = { visibility: 'inherited', meta: '{}', tags: JSON.stringify(said), version: 0 };
    const place = { id, container: 'demo', folder_id: 'root', name: id, name_key: id, created_at: 1, modified_at: 1 };
    await db
      .insertInto('files')
      .values({ ...content, ...described, ...place, product_ref: null, product_position: null })
      .execute();
  }
  await tags('sqlite').up(db);
  const known = await db.selectFrom('tags').select(['sid', 'lang', 'label_key']).orderBy('lang').execute();
  expect(known).toEqual([
    { sid: '#tg1', lang: 'en', label_key: 'summer' },
    { sid: '#tg1', lang: 'fr', label_key: 'summer' },
  ]);
  const uses = await db
    .selectFrom('file_tags')
    .select(['file_id', 'lang', 'label'])
    .orderBy('file_id')
    .orderBy('lang')
    .execute();
  expect(uses).toEqual([
    { file_id: 'a', lang: 'en', label: 'Summer' },
    { file_id: 'a', lang: 'fr', label: 'Summer' },
    { file_id: 'b', lang: 'en', label: 'summer' },
  ]);
  await db.destroy();
});

test('0022 keeps what was revoked before it, for as long as it was to be kept', async () => {
  const db = new Kysely<Schema>({ dialect: sqliteDialect(':memory:') });
  await initial('sqlite').up(db);
  await resumableUploads('sqlite').up(db);
  await sql`insert into revoked_keys (container, key_id, expires_at) values ('demo', 'leaked', 5000)`.execute(db);
  await revocations('sqlite').up(db);
  expect(await db.selectFrom('revocations').selectAll().execute()).toEqual([
    {
      container: 'demo',
      kind: 'key',
      matched: 'leaked',
      named: 'leaked',
      issued_until: Number.MAX_SAFE_INTEGER,
      revoked_at: 0,
      revoked_by: '',
      expires_at: 5000,
    },
  ]);
  await db.destroy();
});
