// Where work that a caller comes back for is remembered: archives that wait to be fetched, tables whose outcome is asked for.
import type { JsonObject } from './metadata.ts';

/** What a task is about. */
export type TaskKind = 'archive' | 'table';

/** A task. What it names is only a wish: rights are judged by whoever comes back for it. */
export interface TaskRecord {
  readonly id: string;
  readonly container: string;
  readonly kind: TaskKind;
  /** Who may come back: see `ownerOf`. */
  readonly owner: string;
  readonly document: JsonObject;
  readonly expiresAtMs: number;
}

/** Tasks. Durable when a method resolves, and known to every node. Raises STORE_UNAVAILABLE. */
export interface Tasks {
  /** Keeps a task, and forgets those that have expired. */
  createTask(record: TaskRecord, nowMs: number): Promise<void>;
  /** Undefined when it never was, has expired, was removed, or is another kind's. */
  findTask(container: string, kind: TaskKind, id: string, nowMs: number): Promise<TaskRecord | undefined>;
  /** Idempotent. */
  removeTask(container: string, id: string): Promise<void>;
}
