// A search finds on every database exactly the files that meet its condition when each is looked at by itself.

import { type CanonicalPath, parsePath, ROOT } from '@latchkey/policy';
import fc from 'fast-check';
import { CompiledQuery, type RawBuilder, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import { findCandidates, meets } from '../../src/adapters/sql/conditions.ts';
import type { Executor } from '../../src/adapters/sql/database.ts';
import { countFileRows, findPlacedFiles, pageFrom } from '../../src/adapters/sql/files.ts';
import { findFolderRow } from '../../src/adapters/sql/folders.ts';
import { countTypes, findSimilar, findValues, waitingForGrams } from '../../src/adapters/sql/search.ts';
import { gramsOf } from '../../src/adapters/sql/search-index.ts';
import { unfoldedTags } from '../../src/adapters/sql/tags.ts';
import type { FileQuery, Paging } from '../../src/ports/metadata.ts';
import { type Condition, EVERY_FILE } from '../../src/ports/search.ts';
import { databaseAdapters, useStore } from '../support/adapters.ts';
import { fill } from '../support/many-files.ts';
import { condition, meetsAlone, said } from '../support/searching.ts';

const NOW = 1_700_000_000_000;
const BY_NAME: Paging = { sort: 'name', descending: false, offset: 0, limit: 1000 };
const RUNS = Number(process.env['LATCHKEY_PROPERTY_RUNS'] ?? 150);
const SEED = Number(process.env['LATCHKEY_PROPERTY_SEED'] ?? Date.now() % 0x7fffffff);
console.log(`search.test.ts: LATCHKEY_PROPERTY_RUNS=${RUNS} LATCHKEY_PROPERTY_SEED=${SEED}`);

function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.path;
}

function query(where: Condition, different: Partial<FileQuery> = {}): FileQuery {
  return { container: 'demo', folderPath: ROOT, recursive: true, within: [], where, ...different };
}

describe.each(databaseAdapters)('searching on $name', ({ name, create }) => {
  const store = useStore(create, 'demo', NOW);

  let written = 0;
  async function commit(folder: string, ...files: readonly object[]) {
    const complete = files.map((file) => {
      written += 1;
      return newFile(`${folder}/${written}.png`, { sizeBytes: 1, blobId: `b${written}`, ...file });
    });
    return store.ports.metadata.commitFiles('demo', complete, by(NOW));
  }

  test('finds exactly what meets the condition, however it is stored and changed', async () => {
    const files = fc.sample(said, { numRuns: 60, seed: SEED });
    await Promise.all(files.map((file, i) => commit(`/f${i % 4}`, { ...file, name: `${i} ${file.name}` })));
    // Some are described anew, renamed and moved: what they are found by follows.
    const stored = await store.ports.metadata.listFiles(query(EVERY_FILE), BY_NAME);
    const changes = fc.sample(said, { numRuns: 20, seed: SEED + 1 });
    for (const [i, { meta, tags, productRef }] of changes.entries()) {
      const file = stored[i];
      if (file === undefined) continue;
      const at = { id: file.id, folderPath: file.folderPath };
      await store.ports.descriptions.describeFiles('demo', [at], () => ({ meta, tags, productRef }), by(NOW + 1));
      if (i % 3 === 0) await store.ports.metadata.renameFile('demo', at, `renamed ${i} sun.png`, by(NOW + 2));
    }
    const all = await store.ports.metadata.listFiles(query(EVERY_FILE), BY_NAME);
    let met = 0;
    await fc.assert(
      fc.asyncProperty(condition, fc.boolean(), async (where, recursive) => {
        const asked = query(where, recursive ? {} : { recursive, folderPath: path('/f1') });
        const expected = all.filter((file) => (recursive || file.folderPath === '/f1') && meetsAlone(file, where));
        const found = await store.ports.metadata.listFiles(asked, BY_NAME);
        expect(found.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
        const bytes = expected.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect(await store.ports.metadata.countFiles(asked)).toEqual({ files: expected.length, bytes });
        if (expected.length > 0 && expected.length < all.length) met += 1;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(met).toBeGreaterThan(RUNS / 10);
  });

  test('finds files that were stored before there was a search once they have been caught up with', async () => {
    await commit('/old', { name: 'old one.png' }, { name: 'old two.png' }, { name: 'old three.png' });
    const raw = store.raw();
    await raw.query('STORE_UNAVAILABLE', async (db) => {
      await db.deleteFrom('file_search').execute();
      await db.deleteFrom('file_values').execute();
      await db.updateTable('files').set({ title_key: null }).execute();
    });
    const old = query({ of: 'text', text: 'old' });
    expect(await store.ports.metadata.countFiles(old)).toEqual({ files: 0, bytes: 0 });
    expect([
      await store.ports.search.catchUp(2),
      await store.ports.search.catchUp(2),
      await store.ports.search.catchUp(2),
    ]).toEqual([2, 1, 0]);
    expect((await store.ports.metadata.listFiles(old, { ...BY_NAME, sort: 'title' })).map(({ name }) => name)).toEqual([
      'old one.png',
      'old three.png',
      'old two.png',
    ]);
  });

  test('finds what is like a word of the metadata, behind what is so in names and tags', async () => {
    const tags = { en: [{ sid: '#tg0000000001', label: 'bonjour' }] };
    const long = Array.from({ length: 3000 }, (_, i) => `word${i}`).join(' ');
    await commit(
      '/like',
      { name: 'meta.png', meta: { title: { fr: 'Bonjour le monde' } } },
      { name: 'long.png', meta: { title: 'Bonjour', description: long } },
      { name: 'tag.png', tags },
      { name: 'bonjour.png' },
      { name: 'other.png', meta: { title: 'Good day' } },
    );
    const like = async (text: string) => {
      const paging: Paging = { ...BY_NAME, sort: 'relevance', descending: true };
      const { files } = await store.ports.search.findSimilarFiles(query(EVERY_FILE), [text], paging);
      return files.map(({ file, relevance }) => [file.name, relevance]);
    };
    const named = (near: number, further: number) => [
      ['bonjour.png', near],
      ['tag.png', near],
      ['long.png', further],
      ['meta.png', further],
    ];
    expect(await like('bonjuor')).toEqual(named(0.54, 0.49));
    expect(await like('bonjours')).toEqual(named(0.54, 0.49));
    expect(await like('onjour')).toEqual(named(0.72, 0.68));
    // The search itself finds what goes on.
    expect(await like('bonjou')).toEqual([]);
    expect(await like('monfe')).toEqual([['meta.png', 0.49]]);
    expect(await like('ord29')).toEqual([['long.png', 0.68]]);
    expect(await like('bonjuor monfe')).toEqual([['meta.png', 0.49]]);
  });

  test('finds so what was stored before metadata had a part in it, or by an older node, once it is caught up with', async () => {
    const files = Array.from({ length: 3 }, (_, i) => ({
      name: `old ${i}.png`,
      meta: { title: ['Bonjour', 'Monde'] },
    }));
    await commit('/old', { name: 'without.png' }, ...files);
    const raw = store.raw();
    const forget = () =>
      raw.query('STORE_UNAVAILABLE', async (db) => {
        const grams = ['old', '0', 'png'].flatMap(gramsOf).join(' ');
        const meta_words = ' bonjour | monde ';
        await db.updateTable('file_search').set({ grams, meta_words }).where('meta_words', '<>', '').execute();
      });
    const like = async () =>
      (await store.ports.search.findSimilarFiles(query(EVERY_FILE), ['bonjuor'], BY_NAME)).files.length;
    // An older node writes all of it anew, also where it was caught up with already.
    for (const _ of ['before', 'meanwhile']) {
      await forget();
      expect(await store.ports.metadata.countFiles(query({ of: 'text', text: 'bonj' }))).toMatchObject({ files: 3 });
      expect([
        await store.ports.search.catchUp(2),
        await store.ports.search.catchUp(2),
        await store.ports.search.catchUp(2),
      ]).toEqual([2, 1, 0]);
      expect(await like()).toBe(3);
    }
    const plan = await raw.write('STORE_UNAVAILABLE', async (db) => {
      if (raw.dialect === 'postgres') await sql`set local enable_seqscan = off`.execute(db);
      const { sql: statement, parameters } = waitingForGrams(db, 2).compile();
      const how = raw.dialect === 'postgres' ? 'explain' : 'explain query plan';
      const { rows } = await db.executeQuery(CompiledQuery.raw(`${how} ${statement}`, [...parameters]));
      return JSON.stringify(rows);
    });
    expect(plan).toContain('file_search_without_likenesses');
    expect(plan).not.toMatch(/SCAN files\b|Seq Scan/);
  });

  test('finds tags whatever their accents once they are caught up with, and as before until then', async () => {
    const tag = (label: string, i: number) => ({ sid: `#tg000000000${i}`, label });
    await commit('/tags', { tags: { fr: ['Été', 'forêt', 'mer'].map(tag) } });
    const raw = store.raw();
    const found = async (search: string) => {
      const uses = await store.ports.descriptions.listTags({ container: 'demo', within: [], search, limit: 10 });
      return uses.map(({ label }) => label);
    };
    expect([await found('ete'), await found('ÉTÉ'), await found('foret')]).toEqual([['Été'], ['Été'], ['forêt']]);
    // As a node of an older version adds them.
    await raw.query('STORE_UNAVAILABLE', (db) => db.updateTable('tags').set({ folded: null }).execute());
    expect([await found('ete'), await found('été'), await found('E')]).toEqual([[], ['Été'], ['mer']]);
    const caughtUp = async () => store.ports.search.catchUp(2);
    expect([await caughtUp(), await caughtUp(), await caughtUp()]).toEqual([2, 1, 0]);
    expect([await found('ete'), await found('été'), await found('E')]).toEqual([
      ['Été'],
      ['Été'],
      ['forêt', 'mer', 'Été'],
    ]);
    const plan = await raw.write('STORE_UNAVAILABLE', async (db) => {
      if (raw.dialect === 'postgres') await sql`set local enable_seqscan = off`.execute(db);
      const { sql: statement, parameters } = unfoldedTags(db, 2).compile();
      const how = raw.dialect === 'postgres' ? 'explain' : 'explain query plan';
      const { rows } = await db.executeQuery(CompiledQuery.raw(`${how} ${statement}`, [...parameters]));
      return JSON.stringify(rows);
    });
    expect(plan).toContain('tags_unfolded');
  });

  test('lets everybody else have a turn after each part of what it catches up with', async () => {
    let turns = 0;
    setImmediate(() => {
      turns += 1;
    });
    await store.ports.search.catchUp(1);
    expect(turns).toBe(1);
  });

  test('forgets files that are deleted, and their words', async () => {
    const [file] = await commit('/gone', { name: 'vanishing.png', meta: { title: 'gone soon' } });
    if (file === undefined) throw new TypeError('one in, one out');
    const at = { id: file.id, folderPath: file.folderPath };
    await store.ports.metadata.deleteObjects('demo', { files: [at], folders: [] }, { within: () => true });
    const raw = store.raw();
    const left = await raw.query('STORE_UNAVAILABLE', async (db) => [
      ...(await db.selectFrom('file_search').select('file_id').execute()),
      ...(await db.selectFrom('file_values').select('file_id').execute()),
    ]);
    expect(left).toEqual([]);
    expect(await store.ports.metadata.listFiles(query({ of: 'text', text: 'vanishing' }), BY_NAME)).toEqual([]);
  });

  test('gathers no index entries of a word that very many files have, and still tells few from many exactly', async () => {
    const raw = store.raw();
    const asked: string[] = [];
    const watched = (db: Executor) =>
      db.withPlugin({
        transformQuery({ node, queryId }) {
          asked.push(db.getExecutor().compileQuery(node, queryId).sql);
          return node;
        },
        transformResult: async ({ result }) => result,
      });
    const candidates = (text: string) =>
      raw.query('STORE_UNAVAILABLE', async (db) => {
        asked.length = 0;
        const found = await findCandidates(watched(db), 'demo', { of: 'text', text }, 2000);
        return [found?.length, asked.some((statement) => /file_words match|@@/.test(statement))];
      });
    const set = (change: RawBuilder<unknown>) => raw.query('STORE_UNAVAILABLE', (db) => change.execute(db));
    await fill(raw, { files: 3000, folders: 30, gramsOf });
    expect(await candidates('photo')).toEqual([undefined, false]);
    expect(await candidates('ph')).toEqual([undefined, false]);
    expect(await candidates('needle')).toEqual([50, true]);
    expect(await candidates('absent')).toEqual([0, true]);
    // Two thousand are few, one more is many.
    const often = (count: number) =>
      set(sql`update file_search set tokens = tokens || ' often', name_words = name_words || 'often '
      where tokens not like '% often' and seq in (select seq from file_search order by seq limit ${sql.lit(count)})`);
    await often(2000);
    expect(await candidates('often')).toEqual([2000, true]);
    await often(2001);
    expect(await candidates('often')).toEqual([undefined, false]);

    const photos = query({ of: 'text', text: 'photo' });
    const byName = await store.ports.metadata.listFiles(photos, { ...BY_NAME, limit: 10_000 });
    const bytes = byName.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(await store.ports.metadata.countFiles(photos)).toEqual({ files: 3000, bytes });
    // As a node of an older version leaves them.
    await set(sql`update file_search set size = null where seq % 3 = 0`);
    expect(await store.ports.metadata.countFiles(photos)).toEqual({ files: 3000, bytes });
    // Another content of a file, also when an older node writes it.
    await set(sql`update files set size = size + 7 where folder_id = 'f1'`);
    expect(await store.ports.metadata.countFiles(photos)).toEqual({ files: 3000, bytes: bytes + 700 });
    const within = [[{ path: path('/f1'), deep: true }]];
    expect(await store.ports.metadata.countFiles({ ...photos, within })).toMatchObject({ files: 100 });
  }, 30_000);

  test('looks neither for similar files nor for types, values and totals in every row', async () => {
    const raw = store.raw();
    const within = [[{ path: path('/'), deep: true, except: [path('/f3')] }]];
    const byRelevance: Paging = { ...BY_NAME, sort: 'relevance', descending: true };
    const ids = Array.from({ length: 100 }, (_, i) => `file ${i}`);
    type Ask = (db: Executor) => Promise<unknown>;
    const questions: readonly Ask[] = [
      ...['needel', 'needle', 'hot', 'photo'].map(
        (text): Ask =>
          (db) =>
            findSimilar(db, query(EVERY_FILE), [text], byRelevance),
      ),
      (db) => countTypes(db, 'demo', [], 10),
      (db) => countTypes(db, 'demo', within, 10),
      ...['needle', 'photo'].map(
        (text): Ask =>
          (db) =>
            countFileRows(db, query({ of: 'text', text })),
      ),
      (db) => findPlacedFiles(db, 'demo', ids),
      (db) => findValues(db, 'demo', [], 'meta.rare', 'x', 10),
      (db) => findValues(db, 'demo', within, 'meta.rare', 'x', 10),
    ];
    await fill(raw, { files: 3000, folders: 30, gramsOf });
    // So many that the scope is not looked through folder by folder.
    await raw.query('STORE_UNAVAILABLE', (db) =>
      sql`update folders set files_count = 30000 where path = '/f5'`.execute(db),
    );
    const plans = await raw.write('STORE_UNAVAILABLE', async (db) => {
      if (raw.dialect === 'postgres') await sql`set local enable_seqscan = off`.execute(db);
      const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
      const watched = db.withPlugin({
        transformQuery({ node, queryId }) {
          asked.push(db.getExecutor().compileQuery(node, queryId));
          return node;
        },
        transformResult: async ({ result }) => result,
      });
      for (const ask of questions) await ask(watched);
      const how = raw.dialect === 'postgres' ? 'explain' : 'explain query plan';
      const found: string[] = [];
      for (const { sql: statement, parameters } of asked) {
        const { rows } = await db.executeQuery(CompiledQuery.raw(`${how} ${statement}`, [...parameters]));
        found.push(rows.map((row) => JSON.stringify(row)).join(' '));
      }
      return found;
    });
    expect(plans.length).toBeGreaterThan(questions.length);
    for (const plan of plans) {
      expect(plan).not.toMatch(/SCAN (?:files|file_values)\b(?! USING)|Seq Scan on (?:files|file_search|file_values)/);
      expect(plan).not.toMatch(/SEARCH files USING INDEX \w+ \(container=\?\)/);
      if (!plan.includes('CO-ROUTINE file_search')) expect(plan).not.toMatch(/SCAN file_search\b(?! USING)/);
    }
  }, 30_000);

  test('finds what is like a rare word in all files, and what is like a common one in the first of them', async () => {
    const raw = store.raw();
    await fill(raw, { files: 12_000, folders: 12, gramsOf });
    const likes = async (text: string, different: Partial<FileQuery> = {}) => {
      const paging: Paging = { ...BY_NAME, sort: 'relevance', descending: true, limit: 1 };
      const found = await store.ports.search.findSimilarFiles(query(EVERY_FILE, different), [text], paging);
      return [found.files[0]?.relevance, found.total];
    };
    expect(await likes('needel')).toEqual([0.54, 50]);
    expect(await likes('needle')).toEqual([undefined, 0]);
    expect(await likes('hot')).toEqual([0.72, 4000]);
    expect(await likes('needel', { folderPath: path('/f0'), recursive: false })).toEqual([0.54, 50]);
    expect(await likes('hot', { folderPath: path('/f0'), recursive: false })).toEqual([0.72, 1000]);
    const change = (made: RawBuilder<unknown>) => raw.query('STORE_UNAVAILABLE', (db) => made.execute(db));
    // The one word that is alike stands beyond the files that are looked at, beside one that is everywhere.
    await change(sql`update file_search set name_words = name_words || 'lonely ', tokens = tokens || ' lonely'
      where seq = (select max(seq) from file_search)`);
    await change(sql`update file_search set grams = grams || ' ' || ${gramsOf('lonely').join(' ')}
      where seq = (select max(seq) from file_search)`);
    expect(await likes('hot lonley')).toEqual([0.63, 1]);
    // Of what is not looked for nothing takes the place of what is.
    const png = { of: 'mime', mime: 'image/png' } as const;
    expect(await likes('hot', { where: png })).toEqual([0.72, 4000]);
    await change(sql`update folders set files_count = 30000 where id in ('f9', 'f10')`);
    const two = [['/f9', '/f10'].map((place) => ({ path: path(place), deep: true }))];
    expect(await likes('hot', { within: two })).toEqual([0.72, 2000]);
    expect(await likes('hot', { folderPath: path('/f10'), recursive: true })).toEqual([0.72, 1000]);
    expect(await likes('hot', { within: two, where: png })).toEqual([0.72, 1000]);
    // Each of three thousand is named twice: by the letters in a row, and by those at the end.
    await change(sql`update file_search set name_words = name_words || 'sunflower ', tokens = tokens || ' sunflower',
      grams = grams || ' ' || ${gramsOf('sunflower').join(' ')}
      where seq in (select seq from file_search order by seq desc limit 3000)`);
    expect(await likes('unflower')).toEqual([0.72, 3000]);
    // All in one folder: it has more files than are looked at.
    await change(sql`update files set folder_id = 'f0'`);
    await change(sql`update folders set files_count = 12000 where id = 'f0'`);
    expect(await likes('needel', { folderPath: path('/f0'), recursive: false })).toEqual([0.54, 50]);
    expect(await likes('hot', { folderPath: path('/f0'), recursive: false })).toEqual([0.72, 4000]);
  }, 60_000);

  test('counts the files of a type as far as totals are counted, everywhere and in scope', async () => {
    const raw = store.raw();
    await fill(raw, { files: 18_000, folders: 18, gramsOf });
    const within = [[{ path: path('/'), deep: true, except: [path('/f3')] }]];
    expect(await store.ports.search.countTypes('demo', [], 10)).toEqual([
      { mime: 'image/jpeg', files: 10_000 },
      { mime: 'image/png', files: 6000 },
    ]);
    expect(await store.ports.search.countTypes('demo', within, 10)).toEqual([
      { mime: 'image/jpeg', files: 10_000 },
      { mime: 'image/png', files: 5000 },
    ]);
    expect(await store.ports.search.countTypes('demo', [], 1)).toHaveLength(1);
    expect(await store.ports.search.countTypes('elsewhere', [], 10)).toEqual([]);
  }, 60_000);

  test('suggests values of a field whether few or many files have them, those that begin with the text first', async () => {
    const raw = store.raw();
    const change = (made: RawBuilder<unknown>) => raw.query('STORE_UNAVAILABLE', (db) => made.execute(db));
    const add = (field: string, text: RawBuilder<unknown>, where: RawBuilder<unknown>) =>
      change(sql`insert into file_values (file_id, container, field, text, head, words, number)
        select files.id, 'demo', ${field}, ${text}, ${text}, ' ', cast(null as double precision) from files where ${where}`);
    const values = (
      field: 'meta.brand' | 'meta.code' | 'meta.rare',
      text: string,
      within: FileQuery['within'] = [],
      limit = 10,
    ) => store.ports.search.listValues('demo', within, field, text, limit);
    await fill(raw, { files: 24_000, folders: 24, gramsOf });
    await add('meta.brand', sql`case when id like '%0' then 'zenith' else 'acme' end`, sql`folder_id <> 'f1'`);
    await add('meta.brand', sql`'hidden'`, sql`folder_id = 'f1'`);
    await add('meta.code', sql`'code ' || id`, sql`1 = 1`);
    await add('meta.code', sql`'late code'`, sql`folder_id = 'f2'`);
    const open = [[{ path: path('/'), deep: true, except: [path('/f1')] }]];
    const narrow = [[{ path: path('/f1'), deep: true }]];
    expect(await values('meta.brand', '')).toEqual(['acme', 'hidden', 'zenith']);
    expect(await values('meta.brand', 'E')).toEqual(['acme', 'hidden', 'zenith']);
    expect(await values('meta.brand', 'e', open)).toEqual(['acme', 'zenith']);
    expect(await values('meta.brand', 'e', narrow)).toEqual(['hidden']);
    expect(await values('meta.brand', 'e', [], 2)).toEqual(['acme', 'hidden']);
    expect(await values('meta.brand', 'z', [], 1)).toEqual(['zenith']);
    expect(await values('meta.brand', '%')).toEqual([]);
    // More values than are looked at: what begins with the text is found wherever it is.
    expect(await values('meta.code', 'late')).toEqual(['late code']);
    expect(await values('meta.code', 'late', open)).toEqual(['late code']);
    expect(await values('meta.code', 'code 0', [], 3)).toHaveLength(3);
    // Both have an "e" in them, but only so many are shown: the one that begins with it is.
    await add('meta.rare', sql`'a yes'`, sql`folder_id = 'f5'`);
    await add('meta.rare', sql`'yes'`, sql`folder_id = 'f5'`);
    for (const within of [[], [[{ path: path('/f5'), deep: true }]]]) {
      expect(await values('meta.rare', 'yes', within, 1)).toEqual(['yes']);
      expect(await values('meta.rare', 'yes', within)).toEqual(['a yes', 'yes']);
    }
  }, 60_000);

  test('asks one question about all words, so that no planner looks for an order among them', async () => {
    const conditions = Array.from({ length: 40 }, (_, index) => ({ of: 'text', text: `word ${index}` }) as const);
    const raw = store.raw();
    for (const of of ['all', 'any'] as const) {
      const asked = await raw.query(
        'STORE_UNAVAILABLE',
        async (db) => sql`${meets({ of, conditions })}`.compile(db).sql,
      );
      expect(asked.match(/from file_search/g)).toHaveLength(1);
      expect(asked.match(/meta_words/g)).toHaveLength(40);
    }
  });

  test('finds files with any of many words, and puts the nearest first', async () => {
    const conditions = Array.from({ length: 200 }, (_, index) => ({ of: 'text', text: `word ${index}` }) as const);
    await commit(
      '/list',
      { name: 'a.png', meta: { title: 'word 7' } },
      { name: 'b.png', tags: { en: [{ sid: '#tg0000000001', label: 'word 8' }] } },
      { name: 'c word 9.png', meta: { title: 'word 10' } },
      { name: 'word.png', meta: { title: '11' } },
    );
    const byRelevance: Paging = { ...BY_NAME, sort: 'relevance', descending: true };
    const names = async (where: Condition) =>
      (await store.ports.metadata.listFiles(query(where), byRelevance)).map(({ name }) => name);
    expect(await names({ of: 'any', conditions })).toEqual(['a.png', 'b.png', 'c word 9.png']);
    expect(await names({ of: 'any', conditions: conditions.slice(0, 12) })).toEqual(['c word 9.png', 'b.png', 'a.png']);
    expect(await names({ of: 'not', condition: { of: 'any', conditions } })).toEqual(['word.png']);
  });

  test('weighs similar files within the scope alone', async () => {
    await commit('/in', { name: 'sunflower field.png' });
    await commit('/out', ...Array.from({ length: 30 }, (_, i) => ({ name: `sunflower ${i}.png` })));
    const within = [[{ path: path('/in'), deep: true }]];
    const asked = query(EVERY_FILE, { within });
    const found = await store.ports.search.findSimilarFiles(asked, ['sunflwoer'], {
      ...BY_NAME,
      sort: 'relevance',
      descending: true,
    });
    expect(found).toMatchObject({
      total: 1,
      bytes: 1,
      files: [{ relevance: 0.54, file: { name: 'sunflower field.png' } }],
    });
    const whole = await store.ports.search.findSimilarFiles(query(EVERY_FILE), ['flower', 'sunflower'], {
      ...BY_NAME,
      offset: 30,
    });
    expect([whole.total, whole.files.length]).toEqual([31, 1]);
    expect(await store.ports.search.findSimilarFiles(asked, [], BY_NAME)).toEqual({ files: [], total: 0, bytes: 0 });
    const types = await store.ports.search.countTypes('demo', within, 10);
    expect(types).toEqual([{ mime: 'image/png', files: 1 }]);
    expect(await store.ports.search.listValues('demo', within, 'name', 'SUN', 10)).toEqual(['sunflower field.png']);
  });

  test.runIf(name === 'sqlite')(
    'reads files that lie in an order until a page is full, whatever else an index could find them by',
    async () => {
      const raw = store.raw();
      const where: Condition = {
        of: 'all',
        conditions: [
          { of: 'mime', mime: 'image/' },
          { of: 'size', range: { from: 1 } },
          { of: 'modified', range: { from: 1 } },
          { of: 'created', range: { from: 1 } },
        ],
      };
      for (const sort of ['name', 'title', 'created_at', 'modified_at', 'size', 'type'] as const) {
        const plan = await raw.query('STORE_UNAVAILABLE', async (db) => {
          const paging = { sort, descending: false, offset: 0, limit: 100 };
          const statement = pageFrom(db, query(where), { kind: 'container' }, paging).compile();
          const { rows } = await db.executeQuery({ ...statement, sql: `explain query plan ${statement.sql}` });
          return rows.map((row) => JSON.stringify(row)).join(' ');
        });
        expect(plan).not.toMatch(/TEMP B-TREE|SCAN files\b(?! USING)/);
      }
    },
  );

  test.each(['name', 'title', 'created_at', 'modified_at', 'size', 'type'] as const)(
    'pages by %s in the order of an index: no table of files is read through, nothing is sorted',
    async (sort) => {
      await commit('/a', ...Array.from({ length: 20 }, () => ({})));
      const raw = store.raw();
      const plans = await raw.write('STORE_UNAVAILABLE', async (db) => {
        if (raw.dialect === 'postgres') {
          // The tables are small: only when it is told to avoid both does the planner show whether it can.
          await sql`set local enable_seqscan = off`.execute(db);
          await sql`set local enable_sort = off`.execute(db);
          await sql`set local enable_incremental_sort = off`.execute(db);
          await sql`set local enable_bitmapscan = off`.execute(db);
        }
        const folder = await findFolderRow(db, 'demo', path('/a'));
        if (folder === undefined) throw new TypeError('/a was made');
        const explained: string[] = [];
        for (const source of [{ kind: 'container' }, { kind: 'folder', folder }] as const) {
          const paging = { sort, descending: true, offset: 0, limit: 100 };
          const statement = pageFrom(db, query(EVERY_FILE), source, paging).compile();
          const how = raw.dialect === 'postgres' ? 'explain' : 'explain query plan';
          const { rows } = await db.executeQuery({ ...statement, sql: `${how} ${statement.sql}` });
          explained.push(rows.map((row) => JSON.stringify(row)).join(' '));
        }
        return explained;
      });
      for (const plan of plans) {
        expect(plan).toMatch(/files_(?:of_container|by)/);
        expect(plan).not.toMatch(/SCAN files|Seq Scan on files|TEMP B-TREE|Sort/);
      }
    },
  );
});
