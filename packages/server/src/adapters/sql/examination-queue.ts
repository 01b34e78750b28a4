// Which versions of files are entered to be looked at, with the commit that makes them.
import type { Executor } from './database.ts';

/** Whether content of this type is worth a look. */
export function isExaminable(mime: string): boolean {
  return /^(?:image|video|audio)\//.test(mime) || mime === 'application/pdf';
}

/** Enters a version. */
export async function queueExamination(db: Executor, fileId: string, version: number, nowMs: number): Promise<void> {
  await db
    .insertInto('examinations')
    .values({ file_id: fileId, version, attempts: 0, due_at: nowMs })
    .onConflict((conflict) => conflict.columns(['file_id', 'version']).doNothing())
    .execute();
}
