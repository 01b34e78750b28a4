// How the cases of the suites write places and look at refusals.
import assert from 'node:assert/strict';
import { type CanonicalPath, type FolderScope, parsePath, parseScope } from '@latchkey/policy';
import { AppError } from '../src/errors.ts';
import type { At, FileRecord } from '../src/ports/metadata.ts';

/** A path that has to be canonical. */
export function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  assert.ok(parsed.ok, `${text} is not a path`);
  return parsed.path;
}

/** One layer of folder scopes. */
export function layer(...texts: readonly string[]): readonly FolderScope[] {
  return texts.map((text) => {
    const parsed = parseScope(text);
    assert.ok(parsed.ok, `${text} is not a scope`);
    return parsed.scope;
  });
}

/** Where a file was when it was looked at. */
export const at = ({ id, folderPath }: FileRecord): At => ({ id, folderPath });

/** Recognises a refusal by its code. */
export const isCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
