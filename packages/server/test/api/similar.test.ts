// Pictures like one, and pictures that a sentence speaks of, over HTTP: real pictures, looked at as uploads are.
import { ROOT } from '@latchkey/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examineDue } from '../../src/operations/examinations.ts';
import { type Answer, CONTAINER, type Harness, type HarnessOptions, openHarness } from '../support/harness.ts';
import { type Saved, type Scene, scene } from '../support/scenes.ts';

const IMAGE = '/v5/ml/images/embedding/image';
const TEXT = '/v5/ml/images/embedding/text?source_lang=en';

let harness: Harness;
let key: string;
const uuids = new Map<string, string>();

/** Gives the tests of a block a store of their own. */
function useStore(options: HarnessOptions = {}) {
  beforeAll(async () => {
    harness = await openHarness(options);
    key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
  });
  afterAll(() => harness.close());
}

/** Gives the tests of a block a store of their own with pictures in it. */
function usePictures() {
  useStore();
  beforeAll(putPictures);
}

async function putPictures() {
  await put('/a', 'evening.jpg', 'sunset');
  await put('/a', 'evening small.webp', 'sunset', { format: 'webp', width: 200 });
  await put('/b', 'later.jpg', 'sunset a minute later');
  await put('/b', 'IMG_0001.jpg', 'beach');
  await put('/b', 'wood.jpg', 'forest');
  await put('/secret', 'evening copy.png', 'sunset', { format: 'png' });
  await put('/secret', 'harbour at dusk.jpg', 'night');
  await harness.upload(key, '/a', { name: 'harbour.txt', content: 'no picture' });
  await say('IMG_0001.jpg', 'tags', { lang: 'en', existing_tags: [], new_tags: ['harbour'] });
  await say('wood.jpg', 'meta', { meta: { title: 'A walk behind the harbour', description: 'fir trees' } });
}

async function put(folder: string, name: string, what: Scene, saved: Saved = {}) {
  const answer = await harness.upload(key, folder, { name, content: await scene(what, saved) });
  uuids.set(name, answer.textAt('file.uuid'));
  while ((await examineDue(harness.ports)) > 0);
}

const uuidOf = (name: string) => uuids.get(name) ?? expect.fail(name);

async function say(name: string, what: 'tags' | 'meta', body: object) {
  const answer = await harness.call({ method: 'PUT', url: `/v5/file/${uuidOf(name)}/${what}`, key, body });
  expect(answer.status, answer.text).toBe(200);
}

const post = (url: string, body: object, as = key) => harness.call({ method: 'POST', url, key: as, body });
const like = (name: string, as = key) => post(IMAGE, { ref_key: 'uuid', ref: uuidOf(name) }, as);
const about = (text: string, as = key) => post(TEXT, { ref_key: 'uuid', text }, as);
const files = (answer: Answer) => {
  expect(answer.status, answer.text).toBe(200);
  return answer.body['files'] as readonly { readonly name: string; readonly relevance: number }[];
};
const names = (answer: Answer) => files(answer).map(({ name }) => name);
const within = (...scope: readonly string[]) =>
  harness.key({ permissions: ['OBJECTS_LIST'], listing: { dir_scope: scope } });

describe('pictures like one', () => {
  usePictures();

  test('are whole file records, the nearest first, without the one that was asked with', async () => {
    const answer = await like('evening.jpg');
    expect(names(answer)).toEqual(['evening copy.png', 'evening small.webp', 'later.jpg']);
    const [first, , third] = files(answer);
    expect(first?.relevance).toBeGreaterThan(0.85);
    expect(third?.relevance).toBeLessThan(first?.relevance ?? 0);
    // As a list has them.
    const list = await harness.call({ url: '/v5/files?folder=/b&q=later', key });
    const [listed] = files(list);
    expect(third).toEqual({ ...listed, relevance: third?.relevance });
    expect(answer.body).toMatchObject({ status: 'success', warnings: [] });
  });

  test('never lie outside the listing scope, and a reference there is not found', async () => {
    expect(names(await like('evening.jpg', await within('/a/*')))).toEqual(['evening small.webp']);
    expect(names(await like('evening.jpg', await within('/a', '/b')))).toEqual(['evening small.webp', 'later.jpg']);
    const outside = await like('evening copy.png', await within('/a/*', '/b/*'));
    const absent = await post(IMAGE, { ref_key: 'uuid', ref: '00000000-0000-4000-8000-000000000000' });
    expect(outside).toMatchObject({ status: 404, body: { code: 'FILE_NOT_FOUND' } });
    expect(absent).toMatchObject({ status: 404, body: { code: 'FILE_NOT_FOUND' } });
    // Below the scope is not in it.
    expect((await like('evening.jpg', await within('/'))).status).toBe(404);
  });

  test.each<readonly [string, object, string]>([
    ['nothing', {}, 'ref_key,ref'],
    ['another way to name it', { ref_key: 'name', ref: 'evening.jpg' }, 'ref_key'],
    ['no file', { ref_key: 'uuid' }, 'ref'],
    ['a number', { ref_key: 'uuid', ref: 7 }, 'ref'],
    ['an empty text', { ref_key: 'uuid', ref: '' }, 'ref'],
    ['too long a text', { ref_key: 'uuid', ref: 'x'.repeat(65) }, 'ref'],
    ['a list', { ref_key: 'uuid', ref: ['x'] }, 'ref'],
  ])('are refused by field for %s', async (_what, body, fields) => {
    expect(faultsOf(await post(IMAGE, body))).toBe(fields);
  });
});

describe('pictures like one of which nothing is known', () => {
  useStore();

  test('are none, with a word why: it is no picture, or was not looked at yet', async () => {
    const text = (await harness.upload(key, '/c', { name: 'letter.txt', content: 'hello' })).textAt('file.uuid');
    const fresh = await harness.upload(key, '/c', { name: 'fresh.jpg', content: await scene('snow') });
    for (const ref of [text, fresh.textAt('file.uuid')]) {
      const answer = await post(IMAGE, { ref_key: 'uuid', ref });
      expect(answer).toMatchObject({ status: 200, body: { status: 'success', files: [] } });
      expect(answer.body['warnings']).toEqual([expect.stringMatching(/Nothing is known of how this file looks/)]);
    }
    while ((await examineDue(harness.ports)) > 0);
    expect((await post(IMAGE, { ref_key: 'uuid', ref: fresh.textAt('file.uuid') })).body['warnings']).toEqual([]);
  });
});

describe('pictures by words', () => {
  usePictures();

  test('have them in names, tags and metadata, in this order; what is no picture is left out', async () => {
    const answer = await about('Harbour');
    expect(files(answer).map(({ name, relevance }) => [name, relevance])).toEqual([
      ['harbour at dusk.jpg', 1],
      ['IMG_0001.jpg', 0.9],
      ['wood.jpg', 0.8],
    ]);
  });

  test('have all of the words before they have some; what tells nothing is left out of a sentence', async () => {
    expect(names(await about('a photo of the harbour at dusk'))).toEqual([
      'harbour at dusk.jpg',
      'IMG_0001.jpg',
      'wood.jpg',
    ]);
    expect(names(await about('trees behind the harbour'))[0]).toBe('wood.jpg');
    // Nothing but words that tell nothing is looked for as it is.
    expect(names(await about('a'))).toEqual(['harbour at dusk.jpg', 'wood.jpg']);
  });

  test('are found by their colours, under every name that a colour has here', async () => {
    const info = async (name: string) => {
      const { body } = await harness.call({ url: `/v5/files/${uuidOf(name)}`, key });
      return (body['file'] as { readonly info: { readonly main_colors: readonly string[] } }).info.main_colors;
    };
    for (const name of ['IMG_0001.jpg', 'wood.jpg', 'harbour at dusk.jpg']) {
      for (const colour of await info(name)) expect(names(await about(colour)), colour).toContain(name);
    }
    expect(await info('IMG_0001.jpg')).toContain('teal');
    expect(names(await about('teal'))).toContain('IMG_0001.jpg');
    expect(names(await about('teal'))).not.toContain('harbour at dusk.jpg');
    // Its colour and its tag.
    expect(names(await about('teal harbour'))[0]).toBe('IMG_0001.jpg');
    // Hexadecimal digits make a word, not a colour.
    expect(names(await about('fee'))).toEqual([]);
  });

  test('are those that are almost written so where there are no others', async () => {
    expect(names(await about('harbuor'))).toEqual(['harbour at dusk.jpg', 'IMG_0001.jpg', 'wood.jpg']);
    expect(files(await about('harbuor'))[0]?.relevance).toBeLessThan(1);
  });

  test('never lie outside the listing scope', async () => {
    expect(names(await about('harbour', await within('/a/*', '/b/*')))).toEqual(['IMG_0001.jpg', 'wood.jpg']);
    expect(names(await about('dusk', await within('/a/*', '/b/*')))).toEqual([]);
    expect(names(await about('harbuor', await within('/b')))).toEqual(['IMG_0001.jpg', 'wood.jpg']);
    expect(names(await about('harbour', await within('/nowhere/*')))).toEqual([]);
  });

  test('are none of nothing, which the widget asks for when its field is empty', async () => {
    for (const text of ['', '  ', '?!', '\u0000', '\ud800']) {
      expect(await about(text)).toMatchObject({ status: 200, body: { status: 'success', files: [] } });
    }
  });

  test('are searched for by ten words at most, which a warning says', async () => {
    const words = Array.from({ length: 12 }, (_, i) => `word${i}`);
    const answer = await about([...words, 'harbour'].join(' '));
    expect(answer.body).toMatchObject({ files: [], warnings: ['Only the first 10 words were searched for.'] });
    expect((await about(words.slice(0, 10).join(' '))).body['warnings']).toEqual([]);
    expect((await about('%_\\"\' * - (harbour) OR NOT; drop')).status).toBe(200);
  });

  test.each<readonly [string, object, string]>([
    ['nothing', {}, 'ref_key,text'],
    ['no text', { ref_key: 'uuid' }, 'text'],
    ['another way to name files', { ref_key: 'id', text: 'harbour' }, 'ref_key'],
    ['a number', { ref_key: 'uuid', text: 7 }, 'text'],
    ['null', { ref_key: 'uuid', text: null }, 'text'],
    ['too long a text', { ref_key: 'uuid', text: 'x'.repeat(1001) }, 'text'],
  ])('are refused by field for %s', async (_what, body, fields) => {
    expect(faultsOf(await post(TEXT, body))).toBe(fields);
  });
});

function faultsOf(answer: Answer): string {
  expect(answer).toMatchObject({ status: 400, body: { status: 'error', code: 'REQUEST_INVALID' } });
  return (answer.body['faults'] as readonly { readonly field: string }[]).map(({ field }) => field).join(',');
}

describe.each([
  ['pictures like one', IMAGE],
  ['pictures by words', TEXT],
] as const)('%s', (_what, url) => {
  usePictures();

  const by = (as: string) => (url === IMAGE ? like('evening.jpg', as) : about('harbour', as));

  test('need the right to list and nothing else', async () => {
    expect((await by(await harness.key({ permissions: ['OBJECTS_LIST'] }))).status).toBe(200);
    const others = await harness.key({ permissions: ['OBJECTS_FETCH', 'FILE_PROCESS_AUTOTAGGING'] });
    expect(await by(others)).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
  });

  test('count as calls of listing.max, and cost nothing when they are refused', async () => {
    const two = await harness.key({ permissions: ['OBJECTS_LIST'], listing: { max: 2 } });
    expect((await post(IMAGE, { ref_key: 'name' }, two)).status).toBe(400);
    expect((await post(TEXT, {}, two)).status).toBe(400);
    expect((await by(two)).status).toBe(200);
    expect((await by(two)).status).toBe(200);
    expect((await by(two)).body['code']).toBe('REQUEST_QUOTA_EXHAUSTED');
  });

  test('carry signed addresses of private files for those who may fetch them only', async () => {
    const shut = { files_uuids: [...uuids.values()], visibility: 'not_public' };
    expect((await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body: shut })).status).toBe(
      200,
    );
    const address = async (as: string) =>
      ((await by(as)).body['files'] as readonly { readonly url: { readonly cdn: string } }[])[0]?.url.cdn ?? '';
    const [signed, bare] = [await address(key), await address(await harness.key({ permissions: ['OBJECTS_LIST'] }))];
    expect((await harness.call({ url: new URL(signed).pathname + new URL(signed).search })).status).toBe(200);
    expect(bare).not.toContain('sig=');
  });
});

describe('what a sentence asks the store for', () => {
  // What a node asks is listened to there.
  useStore({ oneNode: true });
  beforeAll(() => harness.upload(key, '/a', { name: 'one.txt' }));

  /** The words and colours of each question that is asked, when so many files have the words, and each answers so many. */
  async function questions(text: string, having: number, answering = 0): Promise<readonly (readonly string[])[]> {
    const { metadata } = harness.ports;
    const [list, count] = [metadata.listFiles, metadata.countFiles];
    const [model] = await list.call(metadata, everything, { sort: 'name', descending: false, offset: 0, limit: 1 });
    if (model === undefined) throw new TypeError('there is one');
    const asked: (readonly string[])[] = [];
    metadata.countFiles = async () => ({ files: having, bytes: 0 });
    metadata.listFiles = async ({ where }) => {
      asked.push(JSON.stringify(where).match(/(?<="text":")[a-z]+/g) ?? []);
      return Array.from({ length: answering }, (_, i) => ({ ...model, id: `${asked.length} ${i}` }));
    };
    try {
      expect((await about(text)).status).toBe(200);
    } finally {
      metadata.listFiles = list;
      metadata.countFiles = count;
    }
    return asked.map((words) => [...new Set(words)]);
  }

  const everything = {
    container: CONTAINER,
    folderPath: ROOT,
    recursive: true,
    within: [],
    where: { of: 'all', conditions: [] },
  } as const;

  test('is everything at once where few files have the words, and then each word', async () => {
    expect(await questions('boat teal harbour', 1000)).toEqual([
      ['boat', 'teal', 'harbour'],
      ['boat'],
      ['teal'],
      ['harbour'],
    ]);
  });

  test('leaves a colour to its own turn where many files have the words, and asks nothing twice', async () => {
    expect(await questions('boat teal harbour', 1001)).toEqual([['boat', 'harbour'], ['boat'], ['teal'], ['harbour']]);
    expect(await questions('boat teal', 1001)).toEqual([['boat'], ['teal']]);
    expect(await questions('boat', 1001)).toEqual([['boat']]);
    expect(await questions('teal', 1001)).toEqual([['teal']]);
  });

  test('is no more when there are as many pictures as are answered', async () => {
    expect(await questions('boat teal harbour', 0, 60)).toEqual([['boat', 'teal', 'harbour'], ['boat']]);
  });
});
