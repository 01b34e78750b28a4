// How many records and how many private files of 100 KiB are read in a second, beside bare node:http sending the same bytes?
import { randomBytes } from 'node:crypto';
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

await withPair(async ({ ours, bare }) => {
  const bytes = randomBytes(100 * 1024);
  const file = await ours.seed('/bench', 'file.bin', bytes);
  await ours.admin('PUT', 'v5/objects/visibility/cdn', {
    json: { files_uuids: [file['uuid']], visibility: 'not_public' },
  });
  const holder = await ours.holder({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
  const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
  const record = `/${ours.container}/v5/files/${file['uuid']}`;
  const permalink = `/${ours.container}/v4/get/${file['uuid']}`;
  await bare.answer(record, (await holder.call('GET', record)).bytes);
  await bare.file(bytes);
  const result = await alternate({
    record: () => requestsPerSecond({ url: ours.baseUrl + record, headers }),
    bareRecord: () => requestsPerSecond({ url: bare.baseUrl + record, headers }),
    bytes: () => requestsPerSecond({ url: ours.baseUrl + permalink, headers }),
    bareBytes: () => requestsPerSecond({ url: `${bare.baseUrl}/file`, headers }),
  });
  await report(import.meta.url, {
    head: ['', 'requests/s', 'of bare'],
    rows: [
      ['record of a file', figure(result.record), ratio(result.record, result.bareRecord)],
      ['bare node:http, same bytes', figure(result.bareRecord), ''],
      ['private file of 100 KiB', figure(result.bytes), ratio(result.bytes, result.bareBytes)],
      ['bare node:http from disk', figure(result.bareBytes), ''],
    ],
  });
});
