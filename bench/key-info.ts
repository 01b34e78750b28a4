// How many access keys are verified and described by key/info in a second, beside bare node:http answering the same bytes?
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

await withPair(async ({ ours, bare }) => {
  const holder = await ours.holder({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'] });
  const path = `/${ours.container}/v4/key/info`;
  const url = `${path}?key=${holder.key}`;
  await bare.answer(path, (await ours.call('GET', url)).bytes);
  const result = await alternate({
    ours: () => requestsPerSecond({ url: ours.baseUrl + url }),
    bare: () => requestsPerSecond({ url: bare.baseUrl + url }),
  });
  await report(import.meta.url, {
    head: ['', 'requests/s', 'of bare'],
    rows: [
      ['key/info', figure(result.ours), ratio(result.ours, result.bare)],
      ['bare node:http', figure(result.bare), ''],
    ],
  });
});
