// Files whose metadata had no part in the search for what is only like a word get one.
import { type OnlineMigration, withIndexes } from './online-index.ts';

/** Before the words of metadata in a row whose `grams` hold parts of them, too. */
export const HAS_GRAMS = '|';

/**
 * Nothing but an index of the rows that wait. Nodes of an older version write such rows as well, whether the row is new or was caught up with
 * already: it is what they write that tells, and no mark that they would leave behind.
 */
export function likenesses(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  return withIndexes(dialect, [
    { name: 'file_search_without_likenesses', on: `file_search (file_id) where ${WAITS_FOR_GRAMS}` },
  ]);
}

/** True for rows of `file_search` with words of metadata that their `grams` do not know; a question has to say it in the words of the index. */
export const WAITS_FOR_GRAMS = `substr(meta_words, 1, 1) = ' '`;
