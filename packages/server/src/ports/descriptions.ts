// What is said of files and folders beside their bytes, changed where it is stored: read, decided and written in one transaction.
import type { Author } from './changes.ts';
import type { At, FileRecord, FolderRecord, JsonObject, ScopeLayers } from './metadata.ts';
import type { TextMatch } from './search.ts';

/** What a change may say anew of a file; a member that is absent stays as it is. */
export interface FileDescription {
  readonly meta?: JsonObject;
  readonly tags?: JsonObject;
  /** Short ids of labels, each once. */
  readonly labels?: readonly string[];
  readonly productRef?: string | undefined;
  readonly productPosition?: number | undefined;
}

/** Asked inside the transaction with the file as it is stored then, possibly more than once: it must have no effects. An
 *  AppError that it raises refuses the whole change. */
export type DescribeFile = (file: FileRecord) => FileDescription;

/** The same for the metadata of a folder: from what is stored to what is to be stored. */
export type DescribeFolder = (meta: JsonObject) => JsonObject;

/** A tag in one language, as a file carries it. */
export interface TagUse {
  readonly sid: string;
  readonly lang: string;
  readonly label: string;
}

/** Which tags. */
export interface TagQuery {
  readonly container: string;
  /** Only tags of files in folders covered by every layer. */
  readonly within: ScopeLayers;
  /** Only tags whose label contains the text, whatever its case and accents. */
  readonly search?: string;
  /** Only tags with these ids. */
  readonly sids?: readonly string[];
  readonly limit: number;
}

/** Which products, or which files of one. */
export interface ProductQuery {
  readonly container: string;
  /** Only files in folders covered by every layer. */
  readonly within: ScopeLayers;
  readonly limit: number;
  readonly offset: number;
  /** Only these references. */
  readonly refs?: readonly string[];
  /** Only references that are like the text. */
  readonly matching?: TextMatch;
  readonly imagesOnly?: boolean;
}

/** A product: what it is called, how many files show it, and how many of those are images. */
export interface ProductRecord {
  readonly ref: string;
  readonly files: number;
  readonly images: number;
}

/**
 * Changes of metadata, tags and product information. Each method is one transaction: all or nothing, durable when it
 * resolves, and no concurrent change is lost. Raises STORE_UNAVAILABLE, what the change raises, and what is named. An
 * object that is no longer where `At` says is "not found".
 */
export interface Descriptions {
  /** Changes every file, each once, logs what became different, and answers them in the order given, in their current
   *  versions. Raises FILE_NOT_FOUND, LABEL_NOT_FOUND when a label to be carried does not exist. */
  describeFiles(
    container: string,
    files: readonly At[],
    describe: DescribeFile,
    author: Author,
  ): Promise<readonly FileRecord[]>;
  /** Changes one folder; `within` bounds what the sums of the answer count. Raises FOLDER_NOT_FOUND. */
  describeFolder(
    container: string,
    folder: At,
    describe: DescribeFolder,
    within: ScopeLayers,
    nowMs: number,
  ): Promise<FolderRecord>;
  /** The tags in use, by label, each once for each of its languages. */
  listTags(query: TagQuery): Promise<readonly TagUse[]>;
  /** The files that show one product, by position; those without one come last. */
  listProductFiles(query: ProductQuery & { readonly ref: string }): Promise<readonly FileRecord[]>;
  /** The products that files show, by reference. */
  listProducts(query: ProductQuery): Promise<readonly ProductRecord[]>;
}
