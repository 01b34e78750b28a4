// How much more do two nodes on one PostgreSQL answer than one?
import { createDatabase, POSTGRES_URL } from '../conformance/support/postgres.ts';
import { type Server, startServer } from '../conformance/support/server.ts';
import { Target } from '../conformance/support/target.ts';
import { alternateLoads, type Load, load } from './support/measure.ts';
import { figure, ratio, report } from './support/report.ts';

async function compare(one: Server, two: Server): Promise<void> {
  const ours = new Target();
  ours.use(one);
  const file = await ours.seed('/bench', 'file.bin', Buffer.alloc(1024));
  const holder = await ours.holder({ permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH'] });
  const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
  const path = `/${ours.container}/v5/files/${file['uuid']}`;
  const ask = (servers: readonly Server[]) => async (): Promise<Load> => {
    const loads = await Promise.all(servers.map(({ baseUrl, pid }) => load({ url: baseUrl + path, headers }, pid)));
    const perSecond = loads.reduce((sum, node) => sum + node.perSecond, 0);
    return { perSecond, cpuMicros: loads.reduce((sum, node) => sum + node.cpuMicros * node.perSecond, 0) / perSecond };
  };
  const result = await alternateLoads({ one: ask([one]), two: ask([one, two]) });
  await report(import.meta.url, {
    head: ['record of a file', 'requests/s', 'to one', 'CPU of a node for one, microseconds'],
    rows: [
      ['one node', figure(result.one.perSecond), '', figure(result.one.cpuMicros)],
      [
        'two nodes',
        figure(result.two.perSecond),
        ratio(result.two.perSecond, result.one.perSecond),
        figure(result.two.cpuMicros),
      ],
    ],
  });
}

if (POSTGRES_URL === undefined) {
  console.log('LATCHKEY_TEST_POSTGRES_URL names no PostgreSQL, and two nodes need one: nothing was measured.');
} else {
  const database = await createDatabase(POSTGRES_URL);
  const settings = { LATCHKEY_DATABASE_URL: database.url, LATCHKEY_SIGNING_SECRETS: `k1:${'5a'.repeat(32)}` };
  const one = await startServer({ settings });
  const two = await startServer({ settings, adminKey: one.adminKey });
  try {
    await compare(one, two);
  } finally {
    await two.stop();
    await one.stop();
    await database.drop();
  }
}
