// Cleaning up what crashes and time leave behind. Safe to run on every node at once.
import type { Ports } from '../ports/index.ts';
import { sweepUploads } from './resumable.ts';

/**
 * A blob younger than this may belong to an upload that has yet to commit. Uploads live for a day at most, and the bytes of one that comes in
 * several requests may all be there from the start; the hour is for its commit, and for clocks that differ.
 */
const ORPHAN_AGE_MS = 25 * 60 * 60_000;

// A database in the process answers nobody else meanwhile.
const APPROVALS_AT_ONCE = 100;
const SEARCHABLE_AT_ONCE = 100;

/** Makes old files searchable; removes expired records, returned reservations, leavings of broken writes, and blobs that no file points to. */
export async function sweep(
  ports: Pick<
    Ports,
    | 'blobs'
    | 'partials'
    | 'resumables'
    | 'metadata'
    | 'approvals'
    | 'search'
    | 'counters'
    | 'templates'
    | 'renders'
    | 'system'
  >,
): Promise<{
  readonly reservations: number;
  readonly approvals: number;
  readonly blobs: number;
  readonly leavings: number;
  readonly uploads: number;
}> {
  const nowMs = ports.system.now();
  const uploads = await sweepUploads(ports);
  const reservations = await ports.counters.sweep(nowMs);
  await ports.templates.sweep(nowMs);
  const approvals = await expireApprovals(ports, nowMs);
  // Each part is a short transaction, so that uploads do not wait for all of them.
  while ((await ports.search.catchUp(SEARCHABLE_AT_ONCE)) === SEARCHABLE_AT_ONCE);
  const leavings = await ports.blobs.sweep(nowMs - ORPHAN_AGE_MS);
  await ports.renders.sweep(nowMs);
  let blobs = 0;
  let cursor: string | undefined;
  do {
    const page = await ports.blobs.list(nowMs - ORPHAN_AGE_MS, cursor);
    const orphans = await ports.metadata.findOrphans(page.blobIds);
    await ports.blobs.remove(orphans);
    blobs += orphans.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (const [kind, number] of Object.entries({ uploads, approvals, blobs, leavings })) {
    ports.system.meter.count('swept', { kind }, number);
  }
  ports.system.log.info('sweep.done', { reservations, approvals, blobs, leavings, uploads });
  return { reservations, approvals, blobs, leavings, uploads };
}

/** Makes permanent what due dates have decided already. */
async function expireApprovals(ports: Pick<Ports, 'approvals'>, nowMs: number): Promise<number> {
  let all = 0;
  for (;;) {
    const ended = await ports.approvals.expireApprovals(nowMs, APPROVALS_AT_ONCE);
    all += ended;
    if (ended === 0) return all;
  }
}
