// Pictures that are made smaller while they come in: which, how, and what is left alone.
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeAll(async () => {
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const drawn = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#3366cc' } });

async function upload(name: string, content: Buffer, resize: string, fields: Readonly<Record<string, string>> = {}) {
  const url = `/v4/files?folder=%2Fresized&resize=${encodeURIComponent(resize)}`;
  const answer = await harness.call({ method: 'POST', url, key, ...multipart([{ name, content }], fields) });
  if (answer.status !== 200) return { answer, bytes: Buffer.alloc(0) };
  const { bytes } = await harness.call({ url: `/v4/get/${answer.textAt('file.uuid')}`, key });
  return { answer, bytes };
}

test.each([
  ['40,40', [40, 30]],
  ['40,15', [20, 15]],
  ['40', [40, 30]],
  [',15', [20, 15]],
  ['4096,4096', [80, 60]],
])('resize=%s makes 80 x 60 %j', async (resize, [width, height]) => {
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const { answer, bytes } = await upload(
      `${resize}.${format}`,
      await drawn(80, 60).toFormat(format).toBuffer(),
      resize,
    );
    expect(await sharp(bytes).metadata(), answer.text).toMatchObject({ width, height, format });
    expect(answer.body['file']).toMatchObject({ type: `image/${format}`, size: { bytes: bytes.length } });
  }
  const { blobIds } = await harness.ports.blobs.list(Date.now() + 60_000);
  expect(await harness.ports.metadata.findOrphans(blobIds)).toEqual([]);
});

test('what is no picture, or is a broken one, is kept as it is', async () => {
  const broken = (await drawn(80, 60).png().toBuffer()).subarray(0, 60);
  // Grain, so that much is missing where the rest of the bytes is.
  const noise = sharp({
    create: {
      width: 80,
      height: 60,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  });
  const cut = async (format: 'png' | 'jpeg' | 'webp') => {
    const whole = await noise.clone().toFormat(format).toBuffer();
    return whole.subarray(0, Math.floor(whole.length / 2));
  };
  for (const [name, content] of [
    ['text.txt', Buffer.from('text')],
    ['drawing.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"/>')],
    ['broken.png', broken],
    ['cut.png', await cut('png')],
    ['cut.jpg', await cut('jpeg')],
    ['cut.webp', await cut('webp')],
  ] as const) {
    const { bytes } = await upload(name, content, '10,10');
    expect(bytes.equals(content), name).toBe(true);
  }
});

test('the checksum that comes along is the one of what was sent', async () => {
  const content = await drawn(80, 60).png().toBuffer();
  const { answer } = await upload('wrong.png', content, '10,10', { hash: '0'.repeat(64) });
  expect(answer.body['code']).toBe('CHECKSUM_MISMATCH');
});

test.each(['0,5', 'a', ',', '5,5,5', '4097', '-1,2'])('resize=%s is refused', async (resize) => {
  const { answer } = await upload('a.txt', Buffer.from('a'), resize);
  expect([answer.status, answer.body['faults']]).toMatchObject([400, [{ field: 'resize' }]]);
});

test('a companion, which cannot change the address, says it in the form', async () => {
  const content = await drawn(80, 60).png().toBuffer();
  const send = (url: string) =>
    harness.call({ method: 'POST', url, key, ...multipart([{ name: 'form.png', content }], { resize: '40,40' }) });
  const answer = await send('/v4/files?folder=%2Fform-alone');
  const { bytes } = await harness.call({ url: `/v4/get/${answer.textAt('file.uuid')}`, key });
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 40, height: 30 });
  const both = await send('/v4/files?folder=%2Fform-and-address&resize=20,20');
  const { bytes: small } = await harness.call({ url: `/v4/get/${both.textAt('file.uuid')}`, key });
  expect(await sharp(small).metadata()).toMatchObject({ width: 20, height: 15 });
  const wrong = { resize: 'undefined,undefined' };
  const refused = await harness.call({
    method: 'POST',
    url: '/v4/files?folder=%2Frefused',
    key,
    ...multipart([{ name: 'form.png', content }], wrong),
  });
  expect([refused.status, refused.body['faults']]).toMatchObject([400, [{ field: 'resize' }]]);
});
