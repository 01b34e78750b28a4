// How many records and how many private files of 100 KiB are read in a second, beside bare node:http sending the same bytes?
import { randomBytes } from 'node:crypto';
import { alternateLoads, LOAD_HEAD, load, loadRows } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { report } from './support/report.ts';

await withPair(async ({ ours, server, bare }) => {
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
  const result = await alternateLoads({
    record: () => load({ url: ours.baseUrl + record, headers }, server.pid),
    bareRecord: () => load({ url: bare.baseUrl + record, headers }, bare.pid),
    bytes: () => load({ url: ours.baseUrl + permalink, headers }, server.pid),
    bareBytes: () => load({ url: `${bare.baseUrl}/file`, headers }, bare.pid),
  });
  await report(import.meta.url, {
    head: LOAD_HEAD,
    rows: loadRows([
      ['record of a file', result.record, 'bare node:http, same bytes', result.bareRecord],
      ['private file of 100 KiB', result.bytes, 'bare node:http from disk', result.bareBytes],
    ]),
  });
});
