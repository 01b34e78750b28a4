// Finding the files that have the same content, without reading every file.
import type { Migration } from 'kysely';

/** Makes the index of contents. The folder stands in it because the same folder is what is mostly asked about. */
export const contents: Migration = {
  async up(db) {
    await db.schema.createIndex('files_by_content').on('files').columns(['container', 'sha256', 'folder_id']).execute();
  },
};
