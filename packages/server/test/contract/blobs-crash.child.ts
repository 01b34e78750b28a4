// A process that writes blobs without end and says which are acknowledged; blobs-crash.test.ts kills it.
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';

const [folder = ''] = process.argv.slice(2);
const blobs = await openDiskBlobs(folder, { random: randomBytes });
const WRITERS = 16;

await Promise.all(
  Array.from({ length: WRITERS }, async (_, writer) => {
    for (let round = 0; ; round += 1) {
      const length = (writer * 40_000 + round * 7919) % 600_000;
      const written = await blobs.write(Readable.from([randomBytes(length)]), { sizeMaxBytes: length });
      // Synchronous, so that a line that was begun is out before the kill can come between it and the acknowledgement.
      writeSync(1, `${written.blobId} ${written.sizeBytes} ${written.sha256}\n`);
    }
  }),
);
