// How many template identifiers are exchanged for access keys in a second, beside bare node:http answering the same bytes?
import { freshAddress } from '../conformance/support/target.ts';
import { alternateLoads, LOAD_HEAD, load, loadRows } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { report } from './support/report.ts';

await withPair(async ({ ours, server, bare }) => {
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
  const result = await alternateLoads({
    ours: () => load({ url: ours.baseUrl + path, requests }, server.pid),
    bare: () => load({ url: bare.baseUrl + path, requests }, bare.pid),
  });
  await report(import.meta.url, {
    head: LOAD_HEAD,
    rows: loadRows([['exchange', result.ours, 'bare node:http', result.bare]]),
  });
});
