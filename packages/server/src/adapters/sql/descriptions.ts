// Metadata, tags, labels and product information in SQL: the Descriptions port as changes of rows that are locked meanwhile.
import type { Author } from '../../ports/changes.ts';
import type {
  DescribeFile,
  DescribeFolder,
  Descriptions,
  FileDescription,
  ProductQuery,
  ProductRecord,
  TagQuery,
  TagUse,
} from '../../ports/descriptions.ts';
import type { At, FileRecord, FolderRecord, ScopeLayers } from '../../ports/metadata.ts';
import { descriptionChanges, type NewChange, recordChanges } from './changes.ts';
import type { Database, Executor } from './database.ts';
import { type FileRow, getFilesAt, storeFile, toFileRecord } from './files.ts';
import { getFolderAt, toFolderRecord } from './folders.ts';
import { storeLabels } from './labels.ts';
import { lockFolders, lockTree } from './locks.ts';
import { listProductRows, productFileRecords } from './products.ts';
import { listTagRows, storeTags } from './tags.ts';

/** The Descriptions port on a database. */
export function sqlDescriptions(database: Database): Descriptions {
  return new SqlDescriptions(database);
}

class SqlDescriptions implements Descriptions {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  describeFiles(
    container: string,
    files: readonly At[],
    describe: DescribeFile,
    author: Author,
  ): Promise<readonly FileRecord[]> {
    return this.#change(container, async (db) => {
      const named = await getFilesAt(db, container, files);
      await lockFolders(
        db,
        this.#database.dialect,
        named.map(({ file }) => file.folder_id),
      );
      // Read again: only now nobody else changes them.
      const records: FileRecord[] = [];
      const changes: NewChange[] = [];
      for (const found of await getFilesAt(db, container, files)) {
        const said = describe(toFileRecord(found));
        const labels = said.labels && (await storeLabels(db, container, found.file.id, said.labels));
        const columns = {
          ...columnsOf(said),
          ...(labels === undefined ? {} : { labels }),
          modified_at: author.nowMs,
        };
        const file = await storeFile(db, found.file, columns);
        changes.push(...descriptionChanges(found.file, file));
        if (said.tags !== undefined) await storeTags(db, container, file.id, said.tags);
        records.push(toFileRecord({ file, place: found.place }));
      }
      await recordChanges(db, author, changes);
      return records;
    });
  }

  describeFolder(
    container: string,
    folder: At,
    describe: DescribeFolder,
    within: ScopeLayers,
    nowMs: number,
  ): Promise<FolderRecord> {
    return this.#change(container, async (db) => {
      await lockFolders(db, this.#database.dialect, [folder.id]);
      const row = await getFolderAt(db, container, folder);
      const change = { meta: JSON.stringify(describe(JSON.parse(row.meta))), updated_at: nowMs };
      await db.updateTable('folders').set(change).where('id', '=', row.id).execute();
      return toFolderRecord(db, { ...row, ...change }, within);
    });
  }

  listTags(query: TagQuery): Promise<readonly TagUse[]> {
    return this.#database.query('STORE_UNAVAILABLE', (db) => listTagRows(db, query));
  }

  listProductFiles(query: ProductQuery & { readonly ref: string }): Promise<readonly FileRecord[]> {
    return this.#database.query('STORE_UNAVAILABLE', (db) => productFileRecords(db, query));
  }

  listProducts(query: ProductQuery): Promise<readonly ProductRecord[]> {
    return this.#database.query('STORE_UNAVAILABLE', (db) => listProductRows(db, query));
  }

  #change<T>(container: string, work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.write('STORE_UNAVAILABLE', async (db) => {
      await lockTree(db, this.#database.dialect, container, 'shared');
      return work(db);
    });
  }
}

function columnsOf(change: FileDescription): Partial<FileRow> {
  return {
    ...(change.meta === undefined ? {} : { meta: JSON.stringify(change.meta) }),
    ...(change.tags === undefined ? {} : { tags: JSON.stringify(change.tags) }),
    ...('productRef' in change ? { product_ref: change.productRef ?? null } : {}),
    ...('productPosition' in change ? { product_position: change.productPosition ?? null } : {}),
  };
}
