// Tags that are found whatever the accents of what was typed.
import { sql } from 'kysely';
import { type OnlineMigration, withIndexes } from './online-index.ts';

/**
 * Adds the form in which labels are compared with what somebody types. It is null at first, also where a node of an older version adds a tag; those
 * get theirs afterwards, a few at a time, and are found as before until then.
 */
export function foldedTags(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  const unfolded = { name: 'tags_unfolded', on: 'tags (container, sid, lang) where folded is null' };
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`;
  return withIndexes(dialect, [unfolded], async (db) => {
    await db.schema.alterTable('tags').addColumn('folded', text).execute();
  });
}
