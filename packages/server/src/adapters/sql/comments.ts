// Comments in SQL: the Comments port as rows of a file that is locked while they change.
import type { Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import { type Author, CHANGE_CHARACTERS_MAX, type ChangeAction, shortened } from '../../ports/changes.ts';
import type { CommentMark, CommentRecord, Comments, JudgeComment } from '../../ports/comments.ts';
import type { At } from '../../ports/metadata.ts';
import { recordChanges } from './changes.ts';
import type { Database, Executor } from './database.ts';
import { changeFileAt, type FileRow } from './files.ts';
import type { CommentTable } from './schema.ts';

/** The Comments port on a database. */
export function sqlComments(database: Database): Comments {
  return new SqlComments(database);
}

class SqlComments implements Comments {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  listComments(container: string, fileId: string): Promise<readonly CommentRecord[]> {
    return this.#database.query('STORE_UNAVAILABLE', async (db) => {
      const rows = await db
        .selectFrom('comments')
        .innerJoin('files', 'files.id', 'comments.file_id')
        .selectAll('comments')
        .where('files.container', '=', container)
        .where('comments.file_id', '=', fileId)
        .orderBy('comments.position', 'desc')
        .execute();
      return withMarks(db, rows);
    });
  }

  addComment(
    container: string,
    at: At,
    { id, text }: { readonly id: string; readonly text: string },
    max: number,
    author: Author,
  ): Promise<CommentRecord> {
    return changeFileAt(this.#database, container, at, async (db, file) => {
      const { count, last } = await db
        .selectFrom('comments')
        .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.max('position').as('last')])
        .where('file_id', '=', file.id)
        .executeTakeFirstOrThrow();
      if (count >= max) throw new AppError('COMMENTS_EXHAUSTED', undefined, { limit: max });
      const row = {
        id,
        file_id: file.id,
        person_id: author.by.id,
        person_name: author.by.name,
        person_email: author.by.email ?? null,
        text,
        position: (last ?? 0) + 1,
        added_at: author.nowMs,
      };
      await db.insertInto('comments').values(row).execute();
      await log(db, author, file, 'H_COMMENT_CREATE', undefined, text);
      return toRecord(row, []);
    });
  }

  changeComment(
    container: string,
    at: At,
    { id, text }: { readonly id: string; readonly text: string },
    judge: JudgeComment,
    author: Author,
  ): Promise<CommentRecord> {
    return changeFileAt(this.#database, container, at, async (db, file) => {
      const comment = await getComment(db, file, id);
      judge(comment);
      if (comment.text === text) return comment;
      await db.updateTable('comments').set({ text }).where('id', '=', id).execute();
      await log(db, author, file, 'H_COMMENT_CHANGE', comment.text, text);
      return { ...comment, text };
    });
  }

  markComment(
    container: string,
    at: At,
    id: string,
    mark: CommentMark,
    isSet: boolean,
    author: Author,
  ): Promise<CommentRecord> {
    return changeFileAt(this.#database, container, at, async (db, file) => {
      await getComment(db, file, id);
      const row = { comment_id: id, mark, person_id: author.by.id };
      if (isSet) {
        await db
          .insertInto('comment_marks')
          .values(row)
          .onConflict((conflict) => conflict.columns(['comment_id', 'mark', 'person_id']).doNothing())
          .execute();
      } else {
        await db
          .deleteFrom('comment_marks')
          .where('comment_id', '=', id)
          .where('mark', '=', mark)
          .where('person_id', '=', author.by.id)
          .execute();
      }
      return getComment(db, file, id);
    });
  }

  deleteComments(
    container: string,
    at: At,
    ids: readonly string[],
    judge: JudgeComment,
    author: Author,
  ): Promise<void> {
    return changeFileAt(this.#database, container, at, async (db, file) => {
      for (const id of new Set(ids)) {
        const comment = await getComment(db, file, id);
        judge(comment);
        await db.deleteFrom('comments').where('id', '=', id).execute();
        await log(db, author, file, 'H_COMMENT_DELETE', comment.text, undefined);
      }
    });
  }
}

async function getComment(db: Executor, file: FileRow, id: string): Promise<CommentRecord> {
  const rows = await db
    .selectFrom('comments')
    .selectAll()
    .where('id', '=', id)
    .where('file_id', '=', file.id)
    .execute();
  const [comment] = await withMarks(db, rows);
  if (comment === undefined) throw new AppError('COMMENT_NOT_FOUND');
  return comment;
}

type Mark = { readonly mark: string; readonly person_id: string };

// One statement holds so many ids: SQLite has 32,766 parameters.
const IDS_MAX = 5000;

async function withMarks(db: Executor, rows: readonly Selectable<CommentTable>[]): Promise<readonly CommentRecord[]> {
  const marks = new Map<string, Mark[]>(rows.map(({ id }) => [id, []]));
  const ids = [...marks.keys()];
  for (let start = 0; start < ids.length; start += IDS_MAX) {
    const found = await db
      .selectFrom('comment_marks')
      .selectAll()
      .where('comment_id', 'in', ids.slice(start, start + IDS_MAX))
      .orderBy('person_id')
      .execute();
    for (const mark of found) marks.get(mark.comment_id)?.push(mark);
  }
  return rows.map((row) => toRecord(row, marks.get(row.id) ?? []));
}

function toRecord(row: Selectable<CommentTable>, marks: readonly Mark[]): CommentRecord {
  const of = (kind: CommentMark) => marks.filter(({ mark }) => mark === kind).map(({ person_id }) => person_id);
  return {
    id: row.id,
    by: { id: row.person_id, name: row.person_name, email: row.person_email ?? undefined },
    text: row.text,
    addedAtMs: row.added_at,
    likes: of('like'),
    subscribes: of('subscribe'),
  };
}

async function log(
  db: Executor,
  author: Author,
  file: FileRow,
  action: ChangeAction,
  before: string | undefined,
  after: string | undefined,
): Promise<void> {
  // Widgets parse both sides, and show a name in place of them.
  const props = { old: logged(before), new: logged(after), name: null };
  await recordChanges(db, author, [{ fileId: file.id, version: file.version, action, props }]);
}

/** What was said, in the form that widgets parse (wire contract 5.9): of a comment that is not there, nothing. */
function logged(text: string | undefined): string {
  if (text === undefined) return '{}';
  const { body, text: older }: { readonly body?: unknown; readonly text?: unknown } = JSON.parse(text);
  const said = typeof body === 'string' ? body : typeof older === 'string' ? older : '';
  // Every character may take six in JSON.
  return JSON.stringify({ comment_text: shortened(said, Math.floor(CHANGE_CHARACTERS_MAX / 6) - 10) });
}
