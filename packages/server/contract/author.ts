// Who makes the changes of the cases.
import type { Author } from '../src/ports/changes.ts';

/** Somebody, at this moment. */
export function by(nowMs: number): Author {
  return { by: { id: 'ann@example.org', name: 'Ann', email: 'ann@example.org' }, nowMs };
}
