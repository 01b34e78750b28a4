// How many access keys are verified and described by key/info in a second, beside bare node:http answering the same bytes?
import { alternateLoads, LOAD_HEAD, load, loadRows } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { report } from './support/report.ts';

await withPair(async ({ ours, server, bare }) => {
  const holder = await ours.holder({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'] });
  const path = `/${ours.container}/v4/key/info`;
  const url = `${path}?key=${holder.key}`;
  await bare.answer(path, (await ours.call('GET', url)).bytes);
  const result = await alternateLoads({
    ours: () => load({ url: ours.baseUrl + url }, server.pid),
    bare: () => load({ url: bare.baseUrl + url }, bare.pid),
  });
  await report(import.meta.url, {
    head: LOAD_HEAD,
    rows: loadRows([['key/info', result.ours, 'bare node:http', result.bare]]),
  });
});
