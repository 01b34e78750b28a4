// How fast are resumable uploads taken in, beside @tus/server with @tus/file-store and the same client?
import { send } from '../conformance/support/http.ts';
import { MIB, sendBlocks } from './support/bulk.ts';
import { alternate } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';
import { startTusServer, withRival } from './support/rivals.ts';

const LARGE = 128 * MIB;
const PART = 8 * MIB;
const SMALL = 64 * 1024;
const SMALL_FILES = 60;

type Headers = Readonly<Record<string, string>>;

/** One upload: created, then sent in parts one after the other. */
async function upload(endpoint: string, size: number, headers: Headers): Promise<void> {
  const tus = { ...headers, 'tus-resumable': '1.0.0' };
  const name = Buffer.from('bench.bin').toString('base64');
  const created = await send('POST', endpoint, {
    headers: { ...tus, 'upload-length': String(size), 'upload-metadata': `filename ${name}`, 'content-length': '0' },
  });
  if (created.status !== 201) throw new Error(`${endpoint}: ${created.outcome}`);
  const place = new URL(created.headers.location ?? '', endpoint).href;
  for (let offset = 0; offset < size; offset += PART) {
    const length = Math.min(PART, size - offset);
    await sendBlocks('PATCH', place, length, 204, {
      ...tus,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    });
  }
}

/** MiB per second of one large upload. */
async function speed(endpoint: string, headers: Headers): Promise<number> {
  const began = performance.now();
  await upload(endpoint, LARGE, headers);
  return LARGE / MIB / ((performance.now() - began) / 1000);
}

/** Small uploads per second, one after the other. */
async function rate(endpoint: string, headers: Headers): Promise<number> {
  const began = performance.now();
  for (let count = 0; count < SMALL_FILES; count += 1) await upload(endpoint, SMALL, headers);
  return SMALL_FILES / ((performance.now() - began) / 1000);
}

await withRival(startTusServer, (rival) =>
  withPair(async ({ ours }) => {
    const holder = await ours.holder({ permissions: ['FILE_UPLOAD'] });
    const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
    const here = `${ours.baseUrl}/${ours.container}/v5/tus`;
    const there = `${rival}/files`;
    const result = await alternate({
      large: () => speed(here, headers),
      rivalLarge: () => speed(there, {}),
      small: () => rate(here, headers),
      rivalSmall: () => rate(there, {}),
    });
    await report(import.meta.url, {
      head: ['', 'Latchkey', '@tus/server', 'ours to it'],
      rows: [
        [
          '128 MiB in parts of 8 MiB, MiB/s',
          figure(result.large),
          figure(result.rivalLarge),
          ratio(result.large, result.rivalLarge),
        ],
        [
          '64 KiB in one part, uploads/s',
          figure(result.small),
          figure(result.rivalSmall),
          ratio(result.small, result.rivalSmall),
        ],
      ],
    });
  }),
);
