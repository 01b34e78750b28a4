// Flushes directory entries to the device, once for all who wait at the same time.
import { open } from 'node:fs/promises';

/** Resolves when every change made in that directory before the call is on the device. Rejects with the system's error. */
export type DirectoryFlush = (path: string) => Promise<void>;

/**
 * Creates a flush that is shared: while one runs, all later callers of the same directory wait for a single next one, because
 * only a flush that starts after their change is sure to cover it.
 */
export function createDirectoryFlush(flush: DirectoryFlush = flushDirectory): DirectoryFlush {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  const start = (path: string): Promise<void> => {
    waiting.delete(path);
    const flushing = flush(path).finally(() => {
      if (running.get(path) === flushing) running.delete(path);
    });
    running.set(path, flushing);
    return flushing;
  };

  return (path) => {
    const current = running.get(path);
    if (current === undefined) return start(path);
    const next =
      waiting.get(path) ??
      current.then(
        () => start(path),
        () => start(path),
      );
    waiting.set(path, next);
    return next;
  };
}

async function flushDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; its file system journals the entry with the rename.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
