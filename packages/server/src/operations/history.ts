// What was done to a file, as far as the reader may know.
import { type CanonicalPath, parsePath } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import type { ChangeRecord } from '../ports/changes.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, VersionRecord } from '../ports/metadata.ts';
import { versionAt } from './files.ts';
import { authorOf } from './people.ts';
import { checkBound, extensionOf } from './uploads.ts';

/** A page of a history. */
export interface HistoryPage {
  readonly offset: number;
  readonly limit: number;
}

/**
 * What was done to a file, newest first: all of it, or what had happened when the older version that is asked for was
 * replaced. Whoever may read the file may read its history, but of folders only the names of those in scope are told.
 */
export async function listChanges(
  ports: Pick<Ports, 'changes'>,
  grant: Grant<'file.history'>,
  file: FileRecord,
  page: HistoryPage,
): Promise<{ readonly items: readonly ChangeRecord[]; readonly total: number }> {
  const { items, total } = await ports.changes.listChanges(grant.container, file.id, {
    versionMax: file.version,
    ...page,
  });
  return { items: items.map((change) => withinScope(change, (path) => grant.within('listing', path))), total };
}

/** The versions of a file, newest first. */
export async function listVersions(
  ports: Pick<Ports, 'metadata'>,
  grant: Grant<'file.history'>,
  file: FileRecord,
  page: HistoryPage,
): Promise<readonly VersionRecord[]> {
  return ports.metadata.listVersions(grant.container, file.id, page);
}

/**
 * Makes the content of an older version the newest version. History stays a line: nothing is undone or lost, and the
 * version in between can be restored in the same way. What is restored counts as an upload of its bytes, and is judged as
 * one by the live rules. Raises FILE_NOT_FOUND, MEDIA_TYPE_REFUSED, PAYLOAD_TOO_LARGE, UPLOAD_QUOTA_EXHAUSTED,
 * ALREADY_EXISTS.
 */
export async function restoreVersion(
  ports: Pick<Ports, 'metadata' | 'system'>,
  grant: Grant<'file.upload'>,
  version: FileRecord,
): Promise<FileRecord> {
  const { mime, sizeBytes } = version;
  checkBound(grant, sizeBytes);
  const extension = extensionOf(version.name);
  await grant.recheck({ mediaType: mime, ...(extension === undefined ? {} : { extension }), sizeBytes });
  await grant.settle({ bytes: sizeBytes });
  const author = authorOf(ports, grant);
  const file = await ports.metadata.restoreVersion(grant.container, versionAt(version), grant.holder, author);
  grant.keep();
  return file;
}

/** A move tells two folders, of which the reader may know one, both or - as they were then - none. */
function withinScope(change: ChangeRecord, within: (path: CanonicalPath) => boolean): ChangeRecord {
  if (change.action !== 'H_MOVE') return change;
  const told = (text: string | null) => {
    const parsed = parsePath(text);
    return parsed.ok && within(parsed.path) ? text : null;
  };
  return { ...change, props: { ...change.props, old: told(change.props.old), new: told(change.props.new) } };
}
