// Pictures that look alike, found by the mean colour that an index holds of each (ADR 0033).
import { ROOT } from '@latchkey/policy';
import { type RawBuilder, sql } from 'kysely';
import { distanceBetween, FAR, keyDistance, keysAround, type Look, lookKey, lookOf } from '../../ports/look.ts';
import type { JsonObject, ScopeLayers } from '../../ports/metadata.ts';
import { LOOKED_THROUGH_MAX, type SimilarFile } from '../../ports/search.ts';
import type { Executor } from './database.ts';
import { recordsById } from './files.ts';
import { findFolderRow, sumFolders } from './folders.ts';
import { coveredBy, coveredFolders, mergeLayers } from './scopes.ts';
import { isAmong } from './text.ts';

interface Wanted {
  readonly container: string;
  readonly within: ScopeLayers;
  readonly look: Look;
  readonly besides: string;
}

/** Of so many files, those of the nearest mean colours, the whole looks are compared. */
const COMPARED = 1000;
/** So many neighbours on each side of each key are read from the index. */
const NEIGHBOURS = 500;

/** Two steps: the mean colours of many files, each one number of an index, and of the nearest the blurred pictures. */
export async function findAlike(db: Executor, wanted: Wanted, limit: number): Promise<readonly SimilarFile[]> {
  const { container, within, look, besides } = wanted;
  const scopes = mergeLayers(within);
  const root = await findFolderRow(db, container, ROOT);
  if (root === undefined) return [];
  const { files: seen } = await sumFolders(db, root, true, scopes);
  if (seen === 0) return [];
  const key = lookKey(look);
  const candidates = await (seen > LOOKED_THROUGH_MAX
    ? neighbours(db, container, scopes, key)
    : everyLook(db, container, scopes));
  const nearest = candidates
    .filter(({ id }) => id !== besides)
    .map(({ id, look_key }) => ({ id, distance: keyDistance(key, look_key) }))
    .sort(nearestFirst)
    .slice(0, COMPARED);
  const { rows } = await sql<{ id: string; info: string }>`select files.id, files.info from files
    where ${isAmong(
      db,
      'files.id',
      nearest.map(({ id }) => id),
    )}`.execute(db);
  const alike = rows
    .flatMap(({ id, info }) => {
      const other = lookOf(JSON.parse(info) as JsonObject); // Only objects are stored.
      const distance = other === undefined ? FAR : distanceBetween(look, other);
      return distance < FAR ? [{ id, distance }] : [];
    })
    .sort(nearestFirst)
    .slice(0, limit);
  const records = await recordsById(
    db,
    alike.map(({ id }) => id),
  );
  return alike.flatMap(({ id, distance }): readonly SimilarFile[] => {
    const file = records.get(id);
    return file === undefined ? [] : [{ file, relevance: relevanceAt(distance) }];
  });
}

function nearestFirst(a: { readonly id: string; readonly distance: number }, b: typeof a): number {
  return a.distance - b.distance || (a.id < b.id ? -1 : 1);
}

/** From 1 for the same look to just above 0. */
function relevanceAt(distance: number): number {
  return Math.max(1, Math.round((1 - distance / FAR) * 1000)) / 1000;
}

type Scopes = ReturnType<typeof mergeLayers>;
interface Keyed {
  readonly id: string;
  readonly look_key: number;
}

/** The numbers of all files that may be seen, which are few. */
async function everyLook(db: Executor, container: string, scopes: Scopes): Promise<readonly Keyed[]> {
  const from =
    scopes === undefined
      ? sql`files.container = ${container}`
      : sql`files.folder_id in (${coveredFolders(container, ROOT, scopes, sql`covered.id`)})`;
  const { rows } = await sql<Keyed>`select files.id, files.look_key from files
    where ${from} and files.look_key >= 0 limit ${sql.lit(LOOKED_THROUGH_MAX)}`.execute(db);
  return rows;
}

/** The numbers around the key, of which as many are read whatever the scopes are, without those of files that may not be seen. */
async function neighbours(db: Executor, container: string, scopes: Scopes, key: number): Promise<readonly Keyed[]> {
  const { rows: near } = await sql<Keyed>`${looksNear(container, key)}`.execute(db);
  if (scopes === undefined) return near;
  // A question of its own: in one, a planner may begin with the files of the folders, which are many.
  const ids = near.map(({ id }) => id);
  const { rows } = await sql<{
    id: string;
  }>`select files.id from files inner join folders on folders.id = files.folder_id
    where ${isAmong(db, 'files.id', ids)} and ${coveredBy('folders', scopes)}`.execute(db);
  const seen = new Set(rows.map(({ id }) => id));
  return near.filter(({ id }) => seen.has(id));
}

/** The statement that reads the index on both sides of every key to start from. */
export function looksNear(container: string, key: number): RawBuilder<unknown> {
  const from = sql`from files where container = ${container}`;
  const parts = keysAround(key).flatMap((near) => [
    // With a second bound below, SQLite might take that one to the index and read everything up to the key.
    sql`select id, look_key from (select id, look_key ${from} and look_key >= ${near}
      order by look_key, id limit ${sql.lit(NEIGHBOURS)}) as after`,
    sql`select id, look_key from (select id, look_key ${from} and look_key >= 0 and look_key < ${near}
      order by look_key desc, id desc limit ${sql.lit(NEIGHBOURS)}) as before`,
  ]);
  return sql`select distinct id, look_key from (${sql.join(parts, sql` union all `)}) as near`;
}
