// Tags in SQL: what files carry is also kept by tag, so that the tags in use are found without reading files.
import { type RawBuilder, sql } from 'kysely';
import type { TagQuery, TagUse } from '../../ports/descriptions.ts';
import type { JsonObject } from '../../ports/metadata.ts';
import { fold } from '../../ports/search.ts';
import type { Executor } from './database.ts';
import { coveredBy, mergeLayers } from './scopes.ts';
import { contains, searchKey } from './text.ts';

/** What a file's `tags` hold: per language a list of tags. */
type StoredTags = Readonly<Record<string, readonly { readonly sid: string; readonly label: string }[]>>;

/** Brings the rows of a file's tags in line with its record, within the transaction that changes the record. */
export async function storeTags(db: Executor, container: string, fileId: string, tags: JsonObject): Promise<void> {
  await db.deleteFrom('file_tags').where('file_id', '=', fileId).execute();
  const uses = Object.entries(tags as StoredTags) // Only tags are stored there.
    .flatMap(([lang, list]) => list.map(({ sid, label }) => ({ lang, sid, label })))
    // One order for everybody, so that nobody waits in a circle.
    .sort((a, b) => (a.sid + a.lang < b.sid + b.lang ? -1 : 1));
  if (uses.length === 0) return;
  await db
    .insertInto('tags')
    .values(
      uses.map(({ lang, sid, label }) => ({ container, sid, lang, label_key: searchKey(label), folded: fold(label) })),
    )
    .onConflict((conflict) => conflict.columns(['container', 'sid', 'lang']).doNothing())
    .execute();
  await db
    .insertInto('file_tags')
    .values(uses.map((use) => ({ ...use, file_id: fileId, container })))
    .execute();
}

/** Folds the labels of up to `limit` tags that nobody has folded yet; answers how many there were. */
export async function foldTags(db: Executor, limit: number): Promise<number> {
  const waiting = await unfoldedTags(db, limit).execute();
  for (const { container, sid, lang, label_key } of waiting) {
    await db
      .updateTable('tags')
      .set({ folded: fold(label_key) })
      .where('container', '=', container)
      .where('sid', '=', sid)
      .where('lang', '=', lang)
      .execute();
  }
  return waiting.length;
}

/** Tags that wait to be folded, in one order for everybody. */
export function unfoldedTags(db: Executor, limit: number) {
  return db
    .selectFrom('tags')
    .selectAll()
    .where('folded', 'is', null)
    .orderBy('container')
    .orderBy('sid')
    .orderBy('lang')
    .limit(limit);
}

function hasLabelLike(text: string): RawBuilder<boolean> {
  return sql<boolean>`(${contains('tags.folded', fold(text))}
    or (tags.folded is null and ${contains('tags.label_key', text)}))`;
}

/** The tags that files in scope carry; see `Descriptions.listTags`. */
export async function listTagRows(db: Executor, query: TagQuery): Promise<readonly TagUse[]> {
  const scopes = mergeLayers(query.within);
  const { search, sids } = query;
  if (sids?.length === 0) return [];
  const rows = await db
    .selectFrom((known) =>
      known
        .selectFrom('tags')
        .select(['tags.sid', 'tags.lang', 'tags.label_key'])
        .select((eb) =>
          // The label of one file that may be seen: a tag without one is none that the caller may know of.
          eb
            .selectFrom('file_tags')
            .innerJoin('files', 'files.id', 'file_tags.file_id')
            .innerJoin('folders', 'folders.id', 'files.folder_id')
            .select('file_tags.label')
            .whereRef('file_tags.container', '=', 'tags.container')
            .whereRef('file_tags.sid', '=', 'tags.sid')
            .whereRef('file_tags.lang', '=', 'tags.lang')
            .where(coveredBy('folders', scopes))
            .orderBy('file_tags.file_id')
            .limit(1)
            .as('label'),
        )
        .where('tags.container', '=', query.container)
        .$if(search !== undefined, (q) => q.where(hasLabelLike(search ?? '')))
        .$if(sids !== undefined, (q) => q.where('tags.sid', 'in', sids ?? []))
        .as('known'),
    )
    .select(['sid', 'lang', 'label'])
    .where('label', 'is not', null)
    .orderBy('label_key')
    .orderBy('sid')
    .orderBy('lang')
    .limit(query.limit)
    .execute();
  return rows.flatMap(({ sid, lang, label }) => (label === null ? [] : [{ sid, lang, label }]));
}
