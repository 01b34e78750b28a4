// Uploads of what is there already: what counts as the same, what is answered, what it costs, and that it tells no secrets.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const SAME = { name: 'a.txt', content: 'the same' };

const reach = async (duplicates: string) =>
  harness.call({ method: 'PATCH', url: '/v5/settings', key, body: { uploads: { duplicates } } });

const outcome = ({ status, body }: Answer) => `${status} ${body['status']} ${body['code'] ?? ''}`.trim();

async function blobs(): Promise<number> {
  const { blobIds } = await harness.ports.blobs.list(Date.now() + 60_000);
  expect(await harness.ports.metadata.findOrphans(blobIds)).toEqual([]);
  return blobIds.length;
}

describe('the same content under the same name in the same folder', () => {
  test('is not stored again, and is answered with the file that is there', async () => {
    const first = await harness.upload(key, '/f', SAME);
    const again = await harness.upload(key, '/f', SAME);
    expect(outcome(again)).toBe('200 error SAME_ASSET_EXISTS_SKIP_UPLOAD');
    expect(again.body).toMatchObject({
      existing_file_uuid: first.textAt('file.uuid'),
      similar_file_path: '/f/a.txt',
      info: {},
      file: { uuid: first.textAt('file.uuid'), folder: { name: '/f' } },
    });
    expect(again.body['hint']).not.toBe('');
    expect(await blobs()).toBe(1);
  });

  test.each(['raw', 'base64'])('sent as %s as well', async (way) => {
    await harness.upload(key, '/f', SAME);
    const again = await (way === 'raw'
      ? harness.call({ method: 'PUT', url: '/v4/upload?dir=%2Ff&filename=a.txt', key, body: Buffer.from(SAME.content) })
      : harness.call({
          method: 'POST',
          url: '/v4/files?folder=%2Ff',
          key,
          body: { name: SAME.name, data: Buffer.from(SAME.content).toString('base64') },
        }));
    expect(outcome(again)).toBe('200 error SAME_ASSET_EXISTS_SKIP_UPLOAD');
    expect(await blobs()).toBe(1);
  });

  test('is told to the first generation of clients in its own words, and so is a new version', async () => {
    const { headers, body } = multipart([SAME]);
    const post = (content = body) =>
      harness.call({ method: 'POST', url: '/v3/upload?dir=%2Ff', key, headers, body: content });
    expect((await post()).body['upload']).toMatchObject({ state: '{}' });
    const again = await post();
    expect([outcome(again), again.body['upload']]).toEqual([
      '200 success',
      { _i: 1, state: 'SHA1_CONFLICT_STOP_UPLOAD' },
    ]);
    expect(again.textAt('file.name')).toBe('a.txt');
    const other = multipart([{ ...SAME, content: 'another' }]);
    const replaced = await harness.call({ method: 'POST', url: '/v3/upload?dir=%2Ff', key, ...other });
    expect(replaced.body['upload']).toMatchObject({ state: 'FILE_EXISTS_REPLACING_DATA' });
  });

  test('is compared with the current version only: what was there before is a new version again', async () => {
    await harness.upload(key, '/f', SAME);
    await harness.upload(key, '/f', { ...SAME, content: 'another' });
    const back = await harness.upload(key, '/f', SAME);
    expect([outcome(back), back.textAt('file.uuid').slice(-4)]).toEqual(['200 success', '0002']);
  });

  test('is stored all the same when the request says that it is to overwrite', async () => {
    await harness.upload(key, '/f', SAME);
    const url = '/v4/files?folder=%2Ff&obfuscate=KEEP_ORIGINAL_NAME';
    const again = await harness.call({ method: 'POST', url, key, ...multipart([SAME]) });
    expect([outcome(again), again.textAt('file.uuid').slice(-4)]).toEqual(['200 success', '0001']);
  });

  test('among other files is a warning, and the others are stored', async () => {
    const first = await harness.upload(key, '/f', SAME);
    const form = multipart([{ name: 'b.txt', content: 'b' }, SAME, { name: 'c.txt', content: 'c' }]);
    const answer = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Ff', key, ...form });
    expect(outcome(answer)).toBe('200 success');
    expect(answer.body['files']).toMatchObject([
      { name: 'b.txt' },
      { uuid: first.textAt('file.uuid') },
      { name: 'c.txt' },
    ]);
    expect(answer.body['warnings']).toMatchObject([
      { code: 'SAME_ASSET_EXISTS_SKIP_UPLOAD', existing_file_uuid: first.textAt('file.uuid') },
    ]);
    const all = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Ff', key, ...form });
    expect(outcome(all)).toBe('200 error SAME_ASSET_EXISTS_SKIP_UPLOAD');
    expect(all.body['warnings']).toHaveLength(3);
    expect(await blobs()).toBe(3);
  });

  test('counts as an upload, but takes nothing of the quota of bytes', async () => {
    const limited = await harness.key({ upload: { max: 3, max_total_size: 10 } });
    await harness.upload(limited, '/f', SAME);
    expect(outcome(await harness.upload(limited, '/f', { ...SAME, name: 'too-much.txt' }))).toBe(
      '403 error UPLOAD_QUOTA_EXHAUSTED',
    );
    // Two bytes are left, and the bytes must fit before anybody knows what they are.
    const free = await harness.key({ upload: { max: 2, max_total_size: 16 } });
    expect(outcome(await harness.upload(free, '/f', SAME))).toBe('200 error SAME_ASSET_EXISTS_SKIP_UPLOAD');
    expect(outcome(await harness.upload(free, '/f', { name: 'b', content: 'x'.repeat(16) }))).toBe('200 success');
    expect(outcome(await harness.upload(free, '/f', SAME))).toBe('403 error UPLOAD_QUOTA_EXHAUSTED');
  });
});

describe('the reach of uploads.duplicates', () => {
  const elsewhere = async () => {
    await harness.upload(key, '/f', SAME);
    return [
      outcome(await harness.upload(key, '/f', SAME)),
      outcome(await harness.upload(key, '/f', { ...SAME, name: 'b.txt' })),
      outcome(await harness.upload(key, '/g', SAME)),
    ];
  };
  const stored = '200 success';
  const here = '200 error SAME_ASSET_EXISTS_SKIP_UPLOAD';
  const away = '200 error ERROR_SHA1_CONFLICT';

  test.each([
    ['off', [stored, stored, stored]],
    ['name', [here, stored, stored]],
    ['folder', [here, here, stored]],
    ['container', [here, here, away]],
  ])('%s', async (word, expected) => {
    expect((await reach(word)).status).toBe(200);
    expect(await elsewhere()).toEqual(expected);
  });

  test('is a word of the settings and nothing else', async () => {
    const answer = await reach('everywhere');
    expect([answer.status, answer.body['faults']]).toMatchObject([400, [{ field: 'uploads.duplicates' }]]);
  });
});

describe('a resumable upload of what is there already', () => {
  const tus = { 'tus-resumable': '1.0.0' };
  /** Sends the content in two parts and answers the last answer, and what the upload says of itself afterwards. */
  async function resume(by: string, folder: string, { name, content } = SAME) {
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    const metadata = `filename ${encoded(name)},folder ${encoded(folder)}`;
    const headers = { ...tus, 'upload-length': String(content.length), 'upload-metadata': metadata };
    const begun = await harness.call({ method: 'POST', url: '/v5/tus', key: by, headers });
    if (begun.status !== 201) return { url: '', last: begun, shown: begun };
    const location = begun.headers['location'] ?? '';
    const url = location.slice(location.indexOf('/v5/'));
    const part = (offset: number, body: string) => {
      const type = 'application/offset+octet-stream';
      const all = { ...tus, 'content-type': type, 'upload-offset': String(offset) };
      return harness.call({ method: 'PATCH', url, key: by, headers: all, body });
    };
    expect((await part(0, content.slice(0, 3))).status).toBe(204);
    const last = await part(3, content.slice(3));
    return { url, last, shown: await harness.call({ url, key: by }) };
  }

  test('ends with the file that is there, says so, and keeps no bytes', async () => {
    const first = await harness.upload(key, '/f', SAME);
    const { url, last, shown } = await resume(key, '/f');
    expect(last).toMatchObject({ status: 204, headers: { 'latchkey-file-uuid': first.textAt('file.uuid') } });
    expect(outcome(shown)).toBe('200 success');
    expect(shown.body).toMatchObject({
      upload: { offset: SAME.content.length },
      file: { uuid: first.textAt('file.uuid'), name: 'a.txt' },
      warnings: [
        {
          code: 'SAME_ASSET_EXISTS_SKIP_UPLOAD',
          existing_file_uuid: first.textAt('file.uuid'),
          similar_file_path: '/f/a.txt',
        },
      ],
    });
    expect(await blobs()).toBe(1);
    // Asked again, and given up, it changes nothing.
    expect((await harness.call({ method: 'HEAD', url, key, headers: tus })).headers).toMatchObject({
      'upload-offset': String(SAME.content.length),
      'latchkey-file-uuid': first.textAt('file.uuid'),
    });
    expect((await harness.call({ method: 'DELETE', url, key, headers: tus })).status).toBe(204);
    const got = await harness.call({ url: `/v4/get/${first.textAt('file.uuid')}`, key });
    expect(got.text).toBe(SAME.content);
  });

  test('is a file without a warning when its content is new, or its name has other content', async () => {
    for (const [content, version] of [
      ['of nobody', '0000'],
      ['another', '0001'],
    ] as const) {
      const { last, shown } = await resume(key, '/f', { ...SAME, content });
      expect(last.headers['latchkey-file-uuid']?.slice(-4)).toBe(version);
      expect(shown.body['warnings']).toBeUndefined();
    }
    expect(await blobs()).toBe(2);
  });

  test.each([
    ['name', [true, false, false]],
    ['folder', [true, true, false]],
    ['container', [true, true, true]],
    ['off', [false, false, false]],
  ])('within the reach %s', async (word, expected) => {
    await reach(word);
    const first = await harness.upload(key, '/f', SAME);
    const known: boolean[] = [];
    for (const [folder, name] of [
      ['/f', 'a.txt'],
      ['/f', 'b.txt'],
      ['/g', 'a.txt'],
    ] as const) {
      const { last, shown } = await resume(key, folder, { ...SAME, name });
      const isKnown = last.headers['latchkey-file-uuid'] === first.textAt('file.uuid');
      known.push(isKnown);
      const code = folder === '/f' ? 'SAME_ASSET_EXISTS_SKIP_UPLOAD' : 'ERROR_SHA1_CONFLICT';
      expect(shown.body['warnings']).toEqual(isKnown ? [expect.objectContaining({ code })] : undefined);
      expect(shown.textAt('file.uuid')).toBe(last.headers['latchkey-file-uuid']);
    }
    expect(known).toEqual(expected);
  });

  test('counts as an upload, but takes nothing of the quota of bytes', async () => {
    await harness.upload(key, '/f', SAME);
    const limited = await harness.key({ upload: { max: 2, max_total_size: 16 } });
    expect((await resume(limited, '/f')).last.status).toBe(204);
    const { last } = await resume(limited, '/f', { name: 'b.txt', content: 'x'.repeat(16) });
    expect(last.headers['latchkey-file-uuid']).toMatch(/0000$/);
    expect(outcome((await resume(limited, '/f')).last)).toBe('403 error UPLOAD_QUOTA_EXHAUSTED');
  });

  test('is stored as if nothing was there for those who may not list it, and is shown to none of them', async () => {
    await reach('container');
    const first = await harness.upload(key, '/secret', SAME);
    const scoped = await harness.key({ listing: { dir_scope: ['/open/*'] } });
    const blind = await harness.key({ permissions: ['FILE_UPLOAD'] });
    for (const [by, folder] of [
      [scoped, '/open'],
      [blind, '/secret'],
    ] as const) {
      const { last, shown } = await resume(by, folder);
      expect(last).toMatchObject({ status: 204 });
      expect(last.headers['latchkey-file-uuid']).not.toBe(first.textAt('file.uuid'));
      expect(shown.body['warnings']).toBeUndefined();
      expect(shown.body['file']).toMatchObject({ folder: { name: folder } });
    }
  });

  test('elsewhere is shown only as long as its file may be listed', async () => {
    await reach('container');
    const first = await harness.upload(key, '/open', SAME);
    const template = await harness.template({ listing: { dir_scope: ['/open/*', '/g'] } });
    const scoped = harness.keyOf(template);
    const { url, shown } = await resume(scoped, '/g');
    expect(shown.textAt('file.uuid')).toBe(first.textAt('file.uuid'));
    const files_uuids = [first.textAt('file.uuid')];
    await harness.call({
      method: 'POST',
      url: '/v5/files/move',
      key,
      body: { files_uuids, new_folder_name: '/secret' },
    });
    expect(outcome(await harness.call({ url, key: scoped }))).toBe('404 error FILE_NOT_FOUND');
  });
});

describe('what the caller may not see', () => {
  test('is no duplicate: without the permission to list it is stored as if nothing was there', async () => {
    await reach('container');
    await harness.upload(key, '/f', SAME);
    const blind = await harness.key({ permissions: ['FILE_UPLOAD'] });
    for (const folder of ['/f', '/g']) {
      const answer = await harness.upload(blind, folder, SAME);
      expect(outcome(answer)).toBe('200 success');
      expect(answer.text).not.toContain('existing_file_uuid');
    }
  });

  test('is no duplicate: outside the listing scope it answers like content that nobody has', async () => {
    await reach('container');
    await harness.upload(key, '/secret', SAME);
    const scoped = await harness.key({ listing: { dir_scope: ['/open/*'] } });
    const shapeOf = (answer: Answer) => [outcome(answer), Object.keys(answer.body).sort(), answer.body['upload']];
    const known = await harness.upload(scoped, '/open', SAME);
    const unknown = await harness.upload(scoped, '/open', { name: 'b.txt', content: 'of nobody' });
    expect(shapeOf(known)).toEqual(shapeOf(unknown));
    expect(known.text).not.toContain('secret');
  });
});
