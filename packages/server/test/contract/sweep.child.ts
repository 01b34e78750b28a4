// A node that sweeps for every line it reads, on a clock that is ahead by so many milliseconds, and says what it did; sweep.test.ts
// starts three of them on one store.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { openDiskPartialBlobs } from '../../src/adapters/disk/partial-blobs.ts';
import { openDiskRenders } from '../../src/adapters/disk/renders.ts';
import { openMeter } from '../../src/adapters/prometheus/meter.ts';
import { openRedisCounters } from '../../src/adapters/redis/counters.ts';
import { openS3Blobs } from '../../src/adapters/s3/blobs.ts';
import { openS3PartialBlobs } from '../../src/adapters/s3/partial-blobs.ts';
import { openSql } from '../../src/adapters/sql/index.ts';
import { sweep } from '../../src/operations/sweep.ts';
import type { System } from '../../src/ports/system.ts';
import { UNTRACED } from '../../src/ports/tracer.ts';

const [databaseUrl = '', blobsUrl = '', countersUrl = '', rendersFolder = ''] = process.argv.slice(2);
let aheadMs = 0;
const now = () => Date.now() + aheadMs;
const random = (size: number) => randomBytes(size);
const quiet = () => {};
const system: System = {
  now,
  random,
  keyring: { signing: () => ({ kid: 'k', secret: random(32) }), find: () => undefined },
  log: { info: quiet, warn: quiet, error: quiet },
  meter: openMeter({ ofProcess: false }),
  tracer: UNTRACED,
  every: () => quiet,
};
const sql = await openSql(databaseUrl);
const isS3 = blobsUrl.startsWith('s3:');
const folder = blobsUrl.slice('file:'.length);
const blobs = await (isS3 ? openS3Blobs(blobsUrl, system) : openDiskBlobs(folder, system));
const partials = await (isS3 ? openS3PartialBlobs(blobsUrl, system) : openDiskPartialBlobs(folder, system));
const [prefix = '', url = ''] = countersUrl.split(' ');
const counters = url === '' ? sql.counters : await openRedisCounters(url, { prefix });
const renders = await openDiskRenders({ folder: rendersFolder, sizeMaxBytes: 1e6, now });

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  aheadMs = Number(line);
  const done = await sweep({ ...sql, blobs, partials, counters, renders, system });
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
process.exit(0);
