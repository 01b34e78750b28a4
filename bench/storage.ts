// How many small and large files go in and out, beside s3rver, a published S3 server for Node, and the same client?
import { randomBytes } from 'node:crypto';
import { send } from '../conformance/support/http.ts';
import { MIB, sendRaw } from './support/bulk.ts';
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';
import { startS3rver, withRival } from './support/rivals.ts';

const LARGE = 128 * MIB;
const SMALL_FILES = 100;

/** Files of 1 KiB per second, one after the other. */
async function rate(address: (number: number) => string, headers: Readonly<Record<string, string>>): Promise<number> {
  const bytes = randomBytes(1024);
  const began = performance.now();
  for (let number = 0; number < SMALL_FILES; number += 1) {
    const answer = await send('PUT', address(number), { body: bytes, headers });
    if (answer.status !== 200) throw new Error(`${address(number)}: ${answer.status}`);
  }
  return SMALL_FILES / ((performance.now() - began) / 1000);
}

/** MiB per second of one large file. */
async function speed(address: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const began = performance.now();
  await sendRaw(address, LARGE, headers);
  return LARGE / MIB / ((performance.now() - began) / 1000);
}

await withRival(startS3rver, (rival) =>
  withPair(async ({ ours }) => {
    const holder = await ours.holder({ permissions: ['FILE_UPLOAD', 'OBJECTS_FETCH'] });
    const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
    const store = `${ours.baseUrl}/${ours.container}/v4/upload?folder=%2Fbench&obfuscate=KEEP_ORIGINAL_NAME&filename=`;
    const bytes = randomBytes(100 * 1024);
    const file = await ours.seed('/bench', 'file.bin', bytes);
    await ours.admin('PUT', 'v5/objects/visibility/cdn', {
      json: { files_uuids: [file['uuid']], visibility: 'not_public' },
    });
    await send('PUT', `${rival}/bench/file.bin`, { body: bytes });
    const result = await alternate({
      small: () => rate((number) => `${store}${number}.bin`, headers),
      rivalSmall: () => rate((number) => `${rival}/bench/${number}.bin`, {}),
      large: () => speed(`${store}large.bin`, headers),
      rivalLarge: () => speed(`${rival}/bench/large.bin`, {}),
      read: () => requestsPerSecond({ url: `${ours.baseUrl}/${ours.container}/v4/get/${file['uuid']}`, headers }),
      rivalRead: () => requestsPerSecond({ url: `${rival}/bench/file.bin` }),
    });
    const row = (name: string, mine: number, theirs: number) => [
      name,
      figure(mine),
      figure(theirs),
      ratio(mine, theirs),
    ];
    await report(import.meta.url, {
      head: ['', 'Latchkey', 's3rver, anonymous', 'ours to it'],
      rows: [
        row('1 KiB stored, files/s', result.small, result.rivalSmall),
        row('128 MiB stored, MiB/s', result.large, result.rivalLarge),
        row('100 KiB read, requests/s', result.read, result.rivalRead),
      ],
    });
  }),
);
