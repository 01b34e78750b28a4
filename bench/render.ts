// How many resized pictures are delivered in a second, drawn anew and from the cache, beside sharp drawing the same?
import sharp from 'sharp';
import { alternate, requestsPerSecond } from './support/measure.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

const SECONDS = 3;
const AT_ONCE = 2;
const WIDTH = 400;

/** A photo-like picture: noise compresses badly, as photos do. */
function picture(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width: 2400, height: 1600, channels: 3, background: '#777', noise } })
    .blur(3)
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Pictures per second that `draw` makes, `AT_ONCE` at a time. */
async function perSecond(draw: (number: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  const untilMs = began + SECONDS * 1000;
  let count = 0;
  const loop = async () => {
    while (performance.now() < untilMs) {
      count += 1;
      await draw(count);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
  return count / ((performance.now() - began) / 1000);
}

await withPair(async ({ ours }) => {
  const bytes = await picture();
  const file = await ours.seed('/bench', 'photo.jpg', bytes);
  const holder = await ours.holder({ permissions: ['OBJECTS_FETCH'] });
  const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
  const address = `${ours.baseUrl}/${ours.container}/v4/get/${file['uuid']}`;
  let drawn = 0;
  const result = await alternate({
    // Every one another size or quality, so that none is in the cache.
    cold: () =>
      perSecond(async () => {
        drawn += 1;
        const [width, quality] = [WIDTH - 30 + (drawn % 61), 95 - 5 * (Math.floor(drawn / 61) % 10)];
        const answer = await fetch(`${address}?w=${width}&q=${quality}`, { headers });
        if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
        await answer.arrayBuffer();
      }),
    plain: () => perSecond(() => sharp(bytes).resize(WIDTH, 267).jpeg().toBuffer()),
    cached: () => requestsPerSecond({ url: `${address}?w=${WIDTH}`, headers }),
  });
  await report(import.meta.url, {
    head: ['2400 x 1600 to a width of 400', 'pictures/s', 'to sharp'],
    rows: [
      ['delivered, drawn for the first time', figure(result.cold), ratio(result.cold, result.plain)],
      ['delivered from the cache', figure(result.cached), ratio(result.cached, result.plain)],
      ['sharp by itself', figure(result.plain), ''],
    ],
  });
});
