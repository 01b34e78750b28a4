// The renditions of files that people have given a name.
import type { Author } from './changes.ts';
import type { At } from './metadata.ts';

/** A named way to draw a file. It has no bytes of its own: it is drawn from the newest version when it is asked for. */
export interface VariantRecord {
  readonly id: string;
  /** No two of a file have the same. */
  readonly name: string;
  /** What the delivery address of the file is asked for, percent-encoded, such as `w=300&func=crop`. */
  readonly query: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/**
 * Variants of files. Each method is one transaction: all or nothing, durable when it resolves, and logged among the
 * changes of the file. Variants go with their file. A file that is no longer where `At` says is FILE_NOT_FOUND. Raises
 * STORE_UNAVAILABLE, and what is named.
 */
export interface Variants {
  /** All variants of a file, oldest first. */
  listVariants(container: string, fileId: string): Promise<readonly VariantRecord[]>;
  /** Raises VARIANTS_EXHAUSTED when the file has `max` already, ALREADY_EXISTS for a name that it has. */
  addVariant(
    container: string,
    file: At,
    variant: { readonly id: string; readonly name: string; readonly query: string },
    max: number,
    author: Author,
  ): Promise<VariantRecord>;
  /** Changes what is given. Raises VARIANT_NOT_FOUND, ALREADY_EXISTS. */
  changeVariant(
    container: string,
    file: At,
    id: string,
    change: { readonly name?: string | undefined; readonly query?: string | undefined },
    author: Author,
  ): Promise<VariantRecord>;
  /** Deletes all of them or none. Raises VARIANT_NOT_FOUND. */
  deleteVariants(container: string, file: At, ids: readonly string[], author: Author): Promise<void>;
}
