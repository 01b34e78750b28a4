// Who may come back for a task, and for how long.

import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { TaskKind, TaskRecord } from '../ports/tasks.ts';

/** How long a task waits for its caller. */
export const TASK_TTL_MS = 60 * 60_000;

/**
 * Whom a task belongs to: the holders of keys of one template or secret key, of one subject where a key has one. A key that
 * was renewed meanwhile finds it again; what is delivered is judged by the key that asks.
 */
export function ownerOf(grant: Pick<Grant, 'claims'>): string {
  const { claims } = grant;
  return claims === undefined ? 'admin' : `${claims.source.kind}:${claims.source.id}:${claims.subject ?? ''}`;
}

/** The task with this id, if it is the caller's. Raises TASK_NOT_FOUND, for those of others too. */
export async function getTask(
  ports: Pick<Ports, 'tasks' | 'system'>,
  grant: Pick<Grant, 'claims' | 'container'>,
  kind: TaskKind,
  id: string,
  owner = ownerOf(grant),
): Promise<TaskRecord> {
  const task = await ports.tasks.findTask(grant.container, kind, id, ports.system.now());
  if (task === undefined || task.owner !== owner) throw new AppError('TASK_NOT_FOUND');
  return task;
}

/** The share whose visitor asked for a task; its id is known to that visitor only. Raises TASK_NOT_FOUND. */
export async function shareOfTask(
  ports: Pick<Ports, 'tasks' | 'system'>,
  container: string,
  kind: TaskKind,
  id: string,
): Promise<string> {
  const task = await ports.tasks.findTask(container, kind, id, ports.system.now());
  if (task === undefined || !task.owner.startsWith(SHARE_OWNER)) throw new AppError('TASK_NOT_FOUND');
  return task.owner.slice(SHARE_OWNER.length);
}

/** Whom the tasks of a share's visitors belong to. */
export function ownerOfVisits(puid: string): string {
  return SHARE_OWNER + puid;
}

const SHARE_OWNER = 'share:';
