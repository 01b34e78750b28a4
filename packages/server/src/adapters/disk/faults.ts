// The border of the file system: whatever it throws leaves as an error of the service.
import { AppError } from '../../errors.ts';

/** What every method of a closed store raises. */
export function closedFault(): AppError {
  return new AppError('STORE_UNAVAILABLE', 'the blob store is closed');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** For look-ups. ELOOP is what opening a symbolic link answers when links are not followed. */
export function undefinedWhenMissing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(codeOf(error)))) throw error;
}

/** For removals: what is gone need not be removed. */
export function ignoreMissing(error: unknown): void {
  undefinedWhenMissing(error);
}

/** For folders that somebody else may be making. */
export function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error;
}
