// How fast is a file of 256 MiB taken in, raw and as a form, beside bare node:http writing the same bytes to disk and hashing them as we do?
import { MIB, sendForm, sendRaw } from './support/bulk.ts';
import { alternate } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

const SIZE = 256 * MIB;

const RIVALS = {
  hashed: 'bare node:http, file written and hashed (SHA-1 and SHA-256)',
  durable: 'bare node:http with fsync and rename',
  bare: 'bare node:http, file written only',
} as const;

/** MiB per second of one upload. */
async function speed(upload: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await upload();
  return SIZE / MIB / ((performance.now() - began) / 1000);
}

await withPair(async ({ ours, bare }) => {
  const holder = await ours.holder({
    permissions: ['FILE_UPLOAD'],
    upload: { max: 1000, max_total_size: 1000 * SIZE },
  });
  const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
  const base = `${ours.baseUrl}/${ours.container}/v4`;
  const result = await alternate({
    raw: () =>
      speed(() =>
        sendRaw(`${base}/upload?folder=%2Fbench&filename=large.bin&obfuscate=KEEP_ORIGINAL_NAME`, SIZE, headers),
      ),
    form: () => speed(() => sendForm(`${base}/files?folder=%2Fbench&obfuscate=KEEP_ORIGINAL_NAME`, SIZE, headers)),
    hashed: () => speed(() => sendRaw(`${bare.baseUrl}/upload?hash`, SIZE, headers)),
    durable: () => speed(() => sendRaw(`${bare.baseUrl}/upload?durable`, SIZE, headers)),
    bare: () => speed(() => sendRaw(`${bare.baseUrl}/upload`, SIZE, headers)),
  });
  await report(import.meta.url, {
    head: ['', 'MiB/s', 'raw to it', 'form to it'],
    rows: [
      ['raw body', figure(result.raw), '', ''],
      ['multipart form', figure(result.form), '', ''],
      ...(['hashed', 'durable', 'bare'] as const).map((rival) => [
        RIVALS[rival],
        figure(result[rival]),
        ratio(result.raw, result[rival]),
        ratio(result.form, result[rival]),
      ]),
    ],
  });
});
