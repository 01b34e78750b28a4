// How many files of 1 KiB are uploaded in a second under limits, beside bare node:http writing the same bytes to disk?
import { randomBytes } from 'node:crypto';
import { multipart } from '../conformance/support/target.ts';
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

await withPair(async ({ ours, bare }) => {
  // The limits are checked and charged each time and never reached.
  const holder = await ours.holder({
    permissions: ['FILE_UPLOAD'],
    upload: { max: 1_000_000_000, max_total_size: 1_000_000_000_000, allowed_types: ['application/octet-stream'] },
  });
  const bytes = randomBytes(1024);
  await bare.answer('/upload', (await holder.upload('/bench', 'first.bin', bytes)).bytes);
  let count = 0;
  const requests = [
    {
      setupRequest: (request: object) => {
        count += 1;
        const { body, headers } = multipart(`${count}.bin`, bytes);
        const contentType = String(Object(headers)['content-type']);
        const all = {
          'content-type': contentType,
          'x-filerobot-key': holder.key,
          'x-forwarded-for': holder.ask.from ?? '',
        };
        return { ...request, method: 'POST', headers: all, body: Buffer.from(body instanceof Uint8Array ? body : '') };
      },
    },
  ];
  const url = `/${ours.container}/v4/files?folder=%2Fbench&obfuscate=KEEP_ORIGINAL_NAME`;
  const result = await alternate({
    ours: () => requestsPerSecond({ url: ours.baseUrl + url, requests }),
    durable: () => requestsPerSecond({ url: `${bare.baseUrl}/upload?durable`, requests }),
    bare: () => requestsPerSecond({ url: `${bare.baseUrl}/upload`, requests }),
  });
  await report(import.meta.url, {
    head: ['', 'uploads/s', 'ours to it'],
    rows: [
      ['guarded upload, durable when acknowledged', figure(result.ours), ''],
      ['bare node:http with fsync and rename', figure(result.durable), ratio(result.ours, result.durable)],
      ['bare node:http, file written only', figure(result.bare), ratio(result.ours, result.bare)],
    ],
  });
});
