// Clients of all ages: the requests of the old uploader as it writes them, and every address in all its spellings.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { expandPaths } from '../../src/http/app.ts';
import type { Route } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

const UUID = '00000000-0000-4000-8000-000000000000';

let harness: Harness;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
});
afterAll(() => harness.close());

/** A file as the old uploader reads it: a size may be a number or an object, links may be flat. */
interface OldFile {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  readonly sha1: string;
  readonly bytes: number;
  readonly url: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * The requests of filerobot-uploader 2 (wire contract 12.1): values go into the query as they are, the browser escapes
 * only what no address may hold, and a folder that nobody configured is sent as the word "undefined".
 */
class OldUploader {
  readonly #key: string;
  readonly #platform: string;
  readonly #dir: string | undefined;

  constructor(
    key: string,
    { platform = 'filerobot', dir }: { readonly platform?: string; readonly dir?: string } = {},
  ) {
    this.#key = key;
    this.#platform = platform;
    this.#dir = dir;
  }

  async list(offset = 0, limit = 50) {
    const dir = this.#dir === undefined ? '' : `dir=${this.#dir}`;
    return this.#listed(await this.#send('GET', `/list?${dir}&offset=${offset}&limit=${limit}&sort=name:asc`));
  }

  async search(text: string) {
    return this.#listed(await this.#send('GET', `/search?q=${text}&offset=0`));
  }

  async upload(name: string, content: string) {
    const { headers, body } = multipart([{ name, content }]);
    const answer = await this.#send('POST', `/upload?dir=${this.#dir}`, body, headers);
    if (answer.status >= 300) return { refused: [answer.body['msg'], answer.body['hint']].flat() };
    const { file, files, upload } = answer.body as Readonly<Record<string, unknown>>;
    const state = (upload as { readonly state?: string } | undefined)?.state;
    return { files: (Array.isArray(files) ? files : [file]).map(readOldFile), state };
  }

  async edit(uuid: string, properties: object) {
    return readOldFile((await this.#send('PUT', `/file/${uuid}/properties`, { properties })).body['file']);
  }

  setProduct(uuid: string, product: object) {
    return this.#send('PUT', `/file/${uuid}/product`, { product });
  }

  autotag(uuid: string) {
    const meta = { languages: ['en'], provider: 'google', limit: 10, confidence: 60 };
    return this.#send('POST', '/process/autotag', { file: { uuid }, meta });
  }

  async remove(uuid: string): Promise<boolean> {
    return (await this.#send('DELETE', `/file/${uuid}`)).body['status'] === 'success';
  }

  async settings() {
    const { body } = await this.#send('GET', '/settings');
    const { settings, metadata } = body as {
      readonly settings: { readonly _products_enabled: unknown };
      readonly metadata: { readonly version: unknown; readonly model: unknown };
    };
    return { products: settings._products_enabled === 1, version: metadata.version, model: metadata.model };
  }

  #listed(answer: Answer) {
    const { files, directories, info } = answer.body as {
      readonly files: readonly unknown[];
      readonly directories: readonly { readonly uuid: string; readonly name: string; readonly path: string }[];
      readonly info: { readonly total_files_count: number };
    };
    return { files: files.map(readOldFile), directories, total: info.total_files_count };
  }

  #send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object | Buffer,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { pathname, search } = new URL(`http://store/v3${path}`);
    const name = this.#platform === 'filerobot' ? 'X-Filerobot-Key' : 'X-Airstore-Secret-Key';
    const own = { [name]: this.#key, ...headers };
    return harness.call({ method, url: pathname + search, headers: own, ...(body === undefined ? {} : { body }) });
  }
}

function readOldFile(value: unknown): OldFile {
  const file = value as Readonly<Record<string, unknown>>;
  const size = file['size'] as number | { readonly bytes: number };
  const url = file['url'] as
    | { readonly public?: string; readonly permalink?: string; readonly cdn?: string }
    | undefined;
  return {
    uuid: String(file['uuid']),
    name: String(file['name']),
    type: String(file['type']),
    sha1: String(file['sha1']),
    bytes: typeof size === 'number' ? size : size.bytes,
    url: String(url?.public ?? url?.permalink ?? file['url_public'] ?? file['url_permalink']),
    properties: file['properties'] as Readonly<Record<string, unknown>>,
  };
}

describe('the old uploader', () => {
  test('lists files and folders, page by page, with the key in either header', async () => {
    const key = await harness.key();
    for (const name of ['a b.txt', 'c.txt', 'd.txt']) await harness.upload(key, '/shop', { name, content: '12345' });
    await harness.upload(key, '/shop/inner', { name: 'deep.txt' });
    for (const platform of ['filerobot', 'airstore']) {
      const uploader = new OldUploader(key, { platform, dir: '/shop' });
      const { files, directories, total } = await uploader.list();
      expect(files.map(({ name, bytes }) => [name, bytes])).toEqual([
        ['a b.txt', 5],
        ['c.txt', 5],
        ['d.txt', 5],
      ]);
      expect(files[0]).toMatchObject({ type: 'text/plain', sha1: expect.stringMatching(/^[0-9a-f]{40}$/) });
      expect(files[0]?.url).toMatch(/^http.*\/cdn\/shop\/a%20b\.txt$/);
      expect(total).toBe(3);
      expect(directories).toMatchObject([{ name: 'inner', path: '/shop/inner', uuid: expect.any(String) }]);
      expect((await uploader.list(2, 2)).files.map(({ name }) => name)).toEqual(['d.txt']);
    }
  });

  test('sees the root when no folder is configured, and only folders within its scope', async () => {
    const key = await harness.key();
    await harness.upload(key, '/in/deep', { name: 'x.txt' });
    await harness.upload(key, '/out', { name: 'y.txt' });
    expect((await new OldUploader(key).list()).directories.map(({ path }) => path)).toEqual(['/in', '/out']);
    const narrow = await harness.key({ listing: { dir_scope: ['/in/*'] } });
    expect((await new OldUploader(narrow).list()).directories.map(({ path }) => path)).toEqual(['/in']);
  });

  test('finds files of all folders by words that nobody escaped', async () => {
    const key = await harness.key();
    await harness.upload(key, '/a', { name: 'red square.txt' });
    await harness.upload(key, '/b/c', { name: 'Red SQUARES é.txt' });
    await harness.upload(key, '/b', { name: 'blue.txt' });
    const { files, total } = await new OldUploader(key).search('red square');
    expect([files.map(({ name }) => name).sort(), total]).toEqual([['Red SQUARES é.txt', 'red square.txt'], 2]);
    expect((await new OldUploader(key).search('é')).files).toHaveLength(1);
  });

  test('uploads into the root for want of a folder, and learns what became of a name that was taken', async () => {
    const uploader = new OldUploader(await harness.key());
    const first = await uploader.upload('new.txt', 'one');
    expect(first.files).toMatchObject([{ name: 'new.txt', bytes: 3 }]);
    expect(first.state).toBe('{}');
    expect((await uploader.list()).files.map(({ name }) => name)).toEqual(['new.txt']);
    const again = await uploader.upload('new.txt', 'one');
    expect(again).toMatchObject({ files: [{ uuid: first.files?.[0]?.uuid }], state: 'SHA1_CONFLICT_STOP_UPLOAD' });
    const changed = await uploader.upload('new.txt', 'longer');
    expect(changed).toMatchObject({ files: [{ name: 'new.txt', bytes: 6 }], state: 'FILE_EXISTS_REPLACING_DATA' });
    expect((await uploader.list()).total).toBe(1);
    const reader = new OldUploader(await harness.key({ permissions: ['OBJECTS_LIST'] }));
    const { refused } = await reader.upload('never.txt', 'x');
    expect(refused).toEqual(['The key does not permit this', expect.stringMatching(/\w/)]);
  });

  test('edits properties and products, tags automatically, reads settings and deletes', async () => {
    const uploader = new OldUploader(await harness.key());
    const uuid = (await uploader.upload('mine.txt', 'text')).files?.[0]?.uuid ?? '';
    const said = { description: 'A text', tags: ['one', 'two'], lang: 'en', search: 'words' };
    expect((await uploader.edit(uuid, said)).properties).toEqual(said);
    expect((await uploader.list()).files[0]?.properties).toEqual(said);
    const answer = await uploader.setProduct(uuid, { ref: 'SKU', position: 2 });
    expect(answer.body).toMatchObject({ file: { product: { ref: 'SKU', position: 2 } } });
    expect((await uploader.autotag(uuid)).body).toMatchObject({ status: 'success', file: { uuid } });
    expect(await uploader.settings()).toMatchObject({
      products: true,
      version: expect.any(String),
      model: expect.anything(),
    });
    expect([await uploader.remove(uuid), await uploader.remove(uuid)]).toEqual([true, false]);
    expect((await uploader.list()).total).toBe(0);
  });
});

const titleOf = (row: Route) => `${row.method} ${row.paths[0]}`;

/** A well-formed request to a path, which names nothing that exists. */
function addressOf(url: string): string {
  return url
    .replace('/:container', '')
    .replace(/:(uuid|folder)/g, UUID)
    .replace(/:[a-z]+/g, 'nothing')
    .replace('*', 'a.txt');
}

/** One noun has one route, however it is spelt: singular or plural before an id. */
const SPELLINGS = [
  ['file', 'files'],
  ['folder', 'folders'],
  ['label', 'labels'],
  ['collection', 'collections'],
  ['pin', 'pins'],
  ['product', 'products'],
] as const;

describe('every address', () => {
  test.each(ROUTES.map((row) => [titleOf(row), row] as const))(
    'answers alike in every spelling and generation: %s',
    async (_title, row) => {
      const key = await harness.key();
      const outcomes = new Map<string, string>();
      for (const { url } of expandPaths(row)) {
        const body = row.method === 'GET' ? {} : { body: {} };
        const answer = await harness.call({ method: row.method, url: addressOf(url), key, ...body });
        outcomes.set(url, `${answer.status} ${answer.body['code'] ?? ''}`);
      }
      expect(new Set(outcomes.values()).size, JSON.stringify([...outcomes])).toBe(1);
    },
  );

  test('with an id takes the noun in the singular and in the plural', () => {
    const missing: string[] = [];
    for (const row of ROUTES) {
      for (const path of row.paths) {
        for (const [one, many] of SPELLINGS) {
          const [, version, rest] = new RegExp(`^(/\\{v\\??\\})/(?:${one}|${many})(/:.*)$`).exec(path) ?? [];
          if (version === undefined || rest === undefined) continue;
          for (const noun of [one, many]) {
            const twin = `${version}/${noun}${rest}`;
            if (!row.paths.includes(twin)) missing.push(`${row.method} ${twin}`);
          }
        }
      }
    }
    expect([...new Set(missing)]).toEqual([]);
  });

  test('exists in every generation', () => {
    const unversioned = ROUTES.flatMap((row) => row.paths.filter((path) => !/^\/\{v\??\}\//.test(path)));
    // Delivery is no part of the API of any generation, nor is the page that a share is for people.
    expect(unversioned.filter((path) => !path.startsWith('/cdn/') && path !== '/share/:id')).toEqual([]);
  });
});

describe('one list', () => {
  test('is asked for in the words of every generation', async () => {
    const key = await harness.key();
    for (const name of ['b.txt', 'a.txt', 'c.txt']) await harness.upload(key, '/w', { name });
    const names = async (query: string, headers: Readonly<Record<string, string>> = { 'x-filerobot-key': key }) => {
      const { body } = await harness.call({ url: query, headers });
      return (body['files'] as readonly { readonly name: string }[] | undefined)?.map(({ name }) => name);
    };
    for (const version of ['v3', 'v4', 'v5']) {
      for (const noun of ['files', 'list']) {
        for (const folder of ['folder', 'dir']) {
          for (const order of ['sort=name:desc', 'order=filename,desc', 'sort=name%3Adesc', 'order=name%2Cdesc']) {
            const query = `/${version}/${noun}?${folder}=/w&${order}&q=&limit=2`;
            expect(await names(query), query).toEqual(['c.txt', 'b.txt']);
          }
        }
      }
    }
    for (const header of ['x-filerobot-key', 'x-airstore-key', 'x-airstore-secret-key', 'X-Airstore-Key']) {
      expect(await names('/v3/list?dir=/w', { [header]: key }), header).toHaveLength(3);
    }
    for (const name of ['key', 'secret_key']) {
      expect(await names(`/v3/list?dir=/w&${name}=${key}`, {}), name).toHaveLength(3);
    }
    expect(await names('/v3/list?dir=/w', { 'x-airstore-other-key': key })).toBeUndefined();
  });
});
