// How many template identifiers are exchanged for access keys in a second, beside bare node:http answering the same bytes?
import { freshAddress } from '../conformance/support/target.ts';
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

await withPair(async ({ ours, bare }) => {
  const template = await ours.template({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'] });
  const path = `/${ours.container}/key/${template.id}`;
  await bare.answer(path, (await ours.exchange(template)).bytes);
  // Every visitor has an address of its own, as in life; the same headers go to both.
  const requests = [
    {
      setupRequest: (request: object) => ({
        ...request,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': freshAddress() },
      }),
    },
  ];
  const result = await alternate({
    ours: () => requestsPerSecond({ url: ours.baseUrl + path, requests }),
    bare: () => requestsPerSecond({ url: bare.baseUrl + path, requests }),
  });
  await report(import.meta.url, {
    head: ['', 'requests/s', 'of bare'],
    rows: [
      ['exchange', figure(result.ours), ratio(result.ours, result.bare)],
      ['bare node:http', figure(result.bare), ''],
    ],
  });
});
