// Files as one zip (PKWARE APPNOTE 6.3), with the 64-bit extensions where sizes need them.
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Pack } from '../operations/archives.ts';

/**
 * Packs files as they are: nearly all that is large is compressed already, and only so the length is known beforehand, by
 * which a client shows progress and notices an end that came too early.
 */
export const packZip: Pack = async (files) => {
  const zip = new ZipFile();
  const bytes = zip.outputStream as Readable; // A PassThrough, of which yazl's types say less.
  let current: Readable | undefined;
  const fail = (error: unknown) => {
    bytes.destroy(error instanceof Error ? error : new Error(String(error)));
  };
  zip.on('error', fail);
  bytes.once('close', () => current?.destroy());
  for (const { place, sizeBytes, modifiedAtMs, open } of files) {
    const mtime = new Date(modifiedAtMs);
    if (open === undefined) {
      zip.addEmptyDirectory(place, { mtime, mode: 0o040755 });
      continue;
    }
    const options = { size: sizeBytes, mtime, mode: 0o100644, compress: false };
    zip.addReadStreamLazy(place, options, (done) => {
      if (bytes.destroyed) return;
      open().then((source) => {
        current = source;
        source.once('error', fail);
        // The reader may have left while the file was being opened.
        if (bytes.destroyed) source.destroy();
        else done(undefined, source);
      }, fail);
    });
  }
  const sizeBytes = await new Promise<number>((resolve) => {
    // The types leave out what the callback is given.
    zip.end(undefined, resolve as unknown as () => void);
  });
  return { sizeBytes, bytes };
};
