// A number for the mean colour of each picture, so that those that look alike are found side by side.
import { type OnlineMigration, withIndexes } from './online-index.ts';

/** How the facts of a file that has a blurred preview name it. */
export const PREVIEW = '"blurhash":"';

/**
 * Adds the number, which is null at first: files that have a preview and no number wait for it, those of nodes of an older version among them,
 * and get it afterwards, a few at a time. Files without a preview are never written to.
 */
export function looks(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  const indexes = [
    { name: 'files_by_look', on: 'files (container, look_key, id) where look_key is not null' },
    { name: 'files_without_look', on: `files (id) where ${waitsForLook(dialect)}` },
  ];
  return withIndexes(dialect, indexes, async (db) => {
    await db.schema.alterTable('files').addColumn('look_key', 'integer').execute();
  });
}

/** True for files that wait for their number; a question has to say it in the words of the index. */
export function waitsForLook(dialect: 'sqlite' | 'postgres'): string {
  return `look_key is null and ${dialect === 'postgres' ? 'strpos' : 'instr'}(info, '${PREVIEW}') > 0`;
}
