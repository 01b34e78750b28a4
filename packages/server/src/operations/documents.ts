// How the documents of administration are checked and changed: all faults at once, merge patches, conditional updates.
import type { Fault, Parsed, Template, TemplateDocument, Warning } from '@latchkey/policy';
import { AppError } from '../errors.ts';

/** A stored record and what an admin should look at again. */
export interface Saved<T> {
  readonly record: T;
  readonly warnings: readonly Warning[];
}

/** A document to save; with `revision`, only when that is still the stored one. */
export interface Change {
  readonly input: unknown;
  readonly revision: number | undefined;
}

/** The parsed document. Raises REQUEST_INVALID with every fault by field path. */
export function accept(parsed: Parsed<Template>): {
  readonly document: TemplateDocument;
  readonly warnings: readonly Warning[];
} {
  if (!parsed.ok) throw new AppError('REQUEST_INVALID', 'document', { faults: faultsOf(parsed.faults) });
  return { document: parsed.value.document, warnings: parsed.warnings };
}

function faultsOf(faults: readonly Fault[]): readonly Fault[] {
  return faults.map(({ field, code, message }) => ({ field, code, message }));
}

/** Raises VERSION_MISMATCH, with the stored revision as ETag, when the change was made for another revision. */
export function requireRevision(record: { readonly revision: number }, expected: number | undefined): void {
  if (expected === undefined || expected === record.revision) return;
  throw new AppError('VERSION_MISMATCH', `stored revision ${record.revision}`, {
    limit: record.revision,
    actual: expected,
    headers: { etag: `"${record.revision}"` },
  });
}

type JsonMembers = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is JsonMembers =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The document with a patch laid over it (RFC 7396): members merge deeply, lists are replaced, `null` takes a member
 * back to its default. A patch that is no object is answered as it is, for the parser to refuse.
 */
export function patched(document: object, patch: unknown): unknown {
  return isMembers(patch) ? merge(withoutReplaced({ ...document }, patch), patch) : patch;
}

function merge(base: JsonMembers, patch: JsonMembers): JsonMembers {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const known = merged[name];
    if (value === null) delete merged[name];
    else merged[name] = isMembers(known) && isMembers(value) ? merge(known, value) : value;
  }
  return merged;
}

/** Members with two accepted names: the written one, and the one that a patch may use instead (wire contract 2.4). */
const ALIASES = [
  { part: 'upload', name: 'limit_per_ip_source', alias: 'limit_per_source_ip' },
  { part: 'key_validity', name: 'expiration_duration', alias: 'expire_duration' },
] as const;

/** The stored members that the patch gives under another name, or that only followed a member it changes, left out. */
function withoutReplaced(base: JsonMembers, patch: JsonMembers): JsonMembers {
  let kept = base;
  for (const { part, name, alias } of ALIASES) {
    const given = patch[part];
    if (isMembers(given) && Object.hasOwn(given, alias)) kept = without(kept, part, name);
  }
  const validity = base['key_validity'];
  const follows = isMembers(validity) && validity['finish_duration'] === validity['expiration_duration'];
  return follows && isMembers(patch['key_validity']) ? without(kept, 'key_validity', 'finish_duration') : kept;
}

function without(base: JsonMembers, part: string, name: string): JsonMembers {
  const members = base[part];
  if (!isMembers(members)) return base;
  const { [name]: _dropped, ...rest } = members;
  return { ...base, [part]: rest };
}
