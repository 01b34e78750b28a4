// Finding the files that have the same content, without reading every file.
import { type OnlineMigration, withIndexes } from './online-index.ts';

/** Makes the index of contents. The folder stands in it because the same folder is what is mostly asked about. */
export function contents(dialect: 'sqlite' | 'postgres'): OnlineMigration {
  return withIndexes(dialect, [{ name: 'files_by_content', on: 'files (container, sha256, folder_id)' }]);
}
