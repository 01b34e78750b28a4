// Files that look alike are found on every database: within the scope alone, as the files change, and among very many.
import { type CanonicalPath, type FolderScope, parsePath, ROOT } from '@latchkey/policy';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import type { Database, Executor } from '../../src/adapters/sql/database.ts';
import { looksNear } from '../../src/adapters/sql/looks.ts';
import { gramsOf } from '../../src/adapters/sql/search-index.ts';
import { type Look, lookKey, lookOf } from '../../src/ports/look.ts';
import type { JsonObject } from '../../src/ports/metadata.ts';
import { type Condition, LOOKED_THROUGH_MAX } from '../../src/ports/search.ts';
import { databaseAdapters, useStore } from '../support/adapters.ts';
import { halves } from '../support/looks.ts';
import { fill } from '../support/many-files.ts';

const NOW = 1_700_000_000_000;

function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.path;
}

function known(info: JsonObject): Look {
  const look = lookOf(info);
  if (look === undefined) throw new TypeError('a picture without a look');
  return look;
}

const SKY = [90, 160, 235] as const;
const GRASS = [70, 140, 60] as const;
const meadow = halves(SKY, GRASS);
const greener = halves(SKY, [80, 155, 60]);
const upsideDown = halves(GRASS, SKY);
const night = halves([10, 10, 30], [5, 5, 8]);

describe.each(databaseAdapters)('pictures that look alike on $name', ({ create }) => {
  const store = useStore(create, 'demo', NOW);

  async function commit(place: string, info: JsonObject, container = 'demo') {
    const [file] = await store.ports.metadata.commitFiles(container, [newFile(place, { info })], by(NOW));
    if (file === undefined) throw new TypeError('one in, one out');
    return file;
  }

  const scope = (text: string): readonly FolderScope[] => [{ path: path(text), deep: true }];
  const alike = async (info: JsonObject, besides = '', within: readonly (readonly FolderScope[])[] = [], limit = 100) =>
    (await store.ports.search.findLookAlikes('demo', within, known(info), besides, limit)).map(
      ({ file, relevance }) => ({
        at: `${file.folderPath}/${file.name}`,
        relevance,
      }),
    );
  const places = async (...asked: Parameters<typeof alike>) => (await alike(...asked)).map(({ at }) => at);

  async function raw<T>(work: (db: Executor, opened: Database) => Promise<T>): Promise<T> {
    const opened = store.raw();
    return await opened.write('STORE_UNAVAILABLE', (db) => work(db, opened));
  }

  test('come with the nearest first, without the one that was asked with and without what looks different', async () => {
    const asked = await commit('/a/asked.png', meadow);
    await commit('/b/greener.png', greener);
    await commit('/b/same.png', meadow);
    await commit('/b/upside-down.png', upsideDown);
    await commit('/b/night.png', night);
    await commit('/b/letter.txt', {});
    const found = await alike(meadow, asked.id);
    // The colours are the same the other way round, and so far it is like them.
    expect(found.map(({ at }) => at)).toEqual(['/b/same.png', '/b/greener.png', '/b/upside-down.png']);
    const [same, near, far] = found.map(({ relevance }) => relevance);
    expect(same).toBe(1);
    expect(near).toBeGreaterThan(0.7);
    expect(near).toBeLessThan(1);
    expect(far).toBeGreaterThan(0);
    expect(far).toBeLessThan(0.5);
    expect(await places(meadow, asked.id, [], 1)).toEqual(['/b/same.png']);
  });

  test('lie within every layer of the scope, and in the container', async () => {
    await store.ports.templates.ensureContainer('other', NOW);
    await commit('/in/one.png', meadow);
    await commit('/in/deep/two.png', meadow);
    await commit('/out/three.png', meadow);
    await commit('/in/four.png', meadow, 'other');
    expect(await places(meadow, '', [scope('/in')])).toHaveLength(2);
    expect(await places(meadow, '', [[{ path: path('/in'), deep: false }]])).toEqual(['/in/one.png']);
    expect(await places(meadow, '', [scope('/in'), scope('/in/deep')])).toEqual(['/in/deep/two.png']);
    expect(await places(meadow, '', [scope('/nowhere')])).toEqual([]);
    expect(await places(meadow, '', [[]])).toEqual([]);
  });

  test('are those of the current version', async () => {
    const file = await commit('/a/changed.png', night);
    expect(await places(meadow)).toEqual([]);
    expect(await places(night)).toEqual(['/a/changed.png']);
    await commit('/a/changed.png', {});
    expect(await places(night)).toEqual([]);
    // Facts come after the upload.
    await store.ports.examinations.finish(
      { container: 'demo', fileId: file.id, version: 1, blobId: 'blob-/a/changed.png', mime: file.mime, sizeBytes: 10 },
      meadow,
    );
    expect(await places(meadow)).toEqual(['/a/changed.png']);
    await store.ports.metadata.deleteObjects(
      'demo',
      { files: [{ id: file.id, folderPath: file.folderPath }], folders: [] },
      { within: () => true },
    );
    expect(await places(meadow)).toEqual([]);
  });

  test('are found once they were caught up with when they were stored before, and nothing else is touched', async () => {
    await commit('/old/one.png', { ...meadow, main_colors: ['green', 'navy'] });
    await commit('/old/two.png', meadow);
    await commit('/old/broken.png', { blurhash: 'none' });
    await commit('/old/text.txt', { page_count: 2 });
    await raw(async (db) => {
      await db.updateTable('files').set({ look_key: null }).execute();
      await db.deleteFrom('file_values').where('text', '=', 'navy').execute();
    });
    const navy: Condition = { of: 'value', field: 'main_color', match: { is: 'equal', text: 'navy' } };
    const inNavy = () =>
      store.ports.metadata.countFiles({
        container: 'demo',
        folderPath: ROOT,
        recursive: true,
        within: [],
        where: navy,
      });
    expect(await places(meadow)).toEqual([]);
    expect(await inNavy()).toMatchObject({ files: 0 });
    expect([
      await store.ports.search.catchUp(2),
      await store.ports.search.catchUp(2),
      await store.ports.search.catchUp(2),
    ]).toEqual([2, 1, 0]);
    expect((await places(meadow)).sort()).toEqual(['/old/one.png', '/old/two.png']);
    expect(await inNavy()).toMatchObject({ files: 1 });
    const keys = await raw((db) => db.selectFrom('files').select(['name', 'look_key']).orderBy('name').execute());
    expect(keys).toEqual([
      { name: 'broken.png', look_key: -1 },
      { name: 'one.png', look_key: lookKey(known(meadow)) },
      { name: 'text.txt', look_key: null },
      { name: 'two.png', look_key: lookKey(known(meadow)) },
    ]);
  });

  test('are found among more than can be looked through, on both sides of a high bit, and within a scope', async () => {
    await fill(store.raw(), { files: LOOKED_THROUGH_MAX + 5000, folders: 50, gramsOf });
    // Mean colours everywhere, and more of them near than are read: the same picture has to be nearer than those.
    await raw((db) => sql`update files set look_key = (size * 1009 + created_at) % 1073741824`.execute(db));
    const asked = await commit('/kept/asked.png', meadow);
    await commit('/kept/same.png', meadow);
    await commit('/kept/greener.png', halves(SKY, [70, 141, 61]));
    await commit('/f1/elsewhere.png', meadow);
    await commit('/kept/night.png', night);
    expect(await places(meadow, asked.id)).toEqual(
      expect.arrayContaining(['/kept/same.png', '/kept/greener.png', '/f1/elsewhere.png']),
    );
    // More folders than can be looked through, and not all.
    const many = Array.from({ length: 45 }, (_, i) => ({ path: path(`/f${i + 2}`), deep: true }));
    const within = [[...many, { path: path('/kept'), deep: true }]];
    expect(await places(meadow, asked.id, within)).toEqual(['/kept/same.png', '/kept/greener.png']);
    // Of mean colours that differ least but in a high bit.
    const half = known(halves([98, 98, 98], [98, 98, 98]));
    await commit('/kept/just-above.png', halves([100, 100, 100], [100, 100, 100]));
    await commit('/kept/just-below.png', halves([98, 98, 98], [98, 98, 98]));
    const grays = await store.ports.search.findLookAlikes('demo', [], half, '', 100);
    expect(grays.map(({ file }) => file.name)).toEqual(['just-below.png', 'just-above.png']);
  }, 120_000);

  test('are read from an index: no table is read through, nothing of it is sorted', async () => {
    await commit('/a/one.png', meadow);
    const plan = await raw(async (db, { dialect }) => {
      // The table is small: only when it is told to avoid both does the planner show whether it can.
      const off = ['seqscan', 'sort', 'incremental_sort', 'bitmapscan'];
      if (dialect === 'postgres')
        for (const how of off) await sql`set local ${sql.raw(`enable_${how}`)} = off`.execute(db);
      const statement = looksNear('demo', lookKey(known(meadow))).compile(db);
      const how = dialect === 'postgres' ? 'explain' : 'explain query plan';
      const { rows } = await db.executeQuery({ ...statement, sql: `${how} ${statement.sql}` });
      return rows.map((row) => JSON.stringify(row)).join(' ');
    });
    expect(plan).toMatch(/files_by_look/);
    expect(plan).not.toMatch(/SCAN files|Seq Scan on files|TEMP B-TREE FOR ORDER|Sort Key: files.look_key/);
  });
});
