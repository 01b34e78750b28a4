// What people say about files.
import type { Author, Person } from './changes.ts';
import type { At } from './metadata.ts';

/** A comment with the ids of those who like it and of those who want to hear of answers. */
export interface CommentRecord {
  readonly id: string;
  readonly by: Person;
  /** A JSON object, as the writer's client made it. */
  readonly text: string;
  readonly addedAtMs: number;
  readonly likes: readonly string[];
  readonly subscribes: readonly string[];
}

/** What a person may leave on a comment, once each. */
export type CommentMark = 'like' | 'subscribe';

/** Asked inside the transaction with every comment that is to be changed. An AppError that it raises refuses all. */
export type JudgeComment = (comment: CommentRecord) => void;

/**
 * Comments on files. Each method is one transaction: all or nothing, durable when it resolves, and logged among the
 * changes of the file. Comments go with their file. A file that is no longer where `At` says is FILE_NOT_FOUND. Raises
 * STORE_UNAVAILABLE, and what is named.
 */
export interface Comments {
  /** All comments of a file, newest first. */
  listComments(container: string, fileId: string): Promise<readonly CommentRecord[]>;
  /** Raises COMMENTS_EXHAUSTED when the file has `max` already. */
  addComment(
    container: string,
    file: At,
    comment: { readonly id: string; readonly text: string },
    max: number,
    author: Author,
  ): Promise<CommentRecord>;
  /** Raises COMMENT_NOT_FOUND, and what `judge` raises. */
  changeComment(
    container: string,
    file: At,
    comment: { readonly id: string; readonly text: string },
    judge: JudgeComment,
    author: Author,
  ): Promise<CommentRecord>;
  /** Leaves or takes away a mark of the author; what is so already stays so. Raises COMMENT_NOT_FOUND. */
  markComment(
    container: string,
    file: At,
    id: string,
    mark: CommentMark,
    isSet: boolean,
    author: Author,
  ): Promise<CommentRecord>;
  /** Deletes all of them or none. Raises COMMENT_NOT_FOUND, and what `judge` raises. */
  deleteComments(
    container: string,
    file: At,
    ids: readonly string[],
    judge: JudgeComment,
    author: Author,
  ): Promise<void>;
}
