// Variants through the front door: named renditions, what they are made of, and who may make and delete them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VARIANTS } from '../../src/operations/variants.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

let api: Harness;
let key: string;
let uuid: string;
let nr = 0;
beforeAll(async () => {
  api = await openHarness();
  key = await api.key({}, { claims: { subject: 'ann' } });
});
afterAll(() => api.close());
beforeEach(async () => {
  nr += 1;
  uuid = (await api.upload(key, `/t${nr}`, { name: 'red.png', content: PNG })).textAt('file.uuid');
});

/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const at = () => `/v5/file/${uuid}/variants`;
const send = (method: 'POST' | 'PUT' | 'DELETE', body: object, as = key, url = at()) =>
  api.call({ method, url, key: as, body });
const add = (variant_name: unknown, variant_query = 'w=1', as = key) =>
  send('POST', { variant_name, variant_query }, as);
const outcome = ({ status, body }: Answer) => [status, body['code']];
const faults = ({ body }: Answer) =>
  (body['faults'] as readonly { readonly field: string; readonly code: string }[]).map((f) => `${f.field} ${f.code}`);

interface WireVariant {
  readonly uuid: string;
  readonly name: string;
  readonly url: string;
  readonly query: string;
}
async function list(as = key, url = at()): Promise<readonly WireVariant[]> {
  const answer = await api.call({ url, key: as });
  expect(answer.status, answer.text).toBe(200);
  return answer.body['variants'] as readonly WireVariant[];
}
const queries = async () => (await list()).map(({ query }) => query);

describe('variants', () => {
  test('are made, listed oldest first, renamed, drawn differently and deleted', async () => {
    expect(await list()).toEqual([]);
    const made = await add(' Small ', 'w=300&h=200&func=crop');
    expect(made.body).toMatchObject({
      action: 'variant_created',
      variant: {
        name: 'Small',
        query: 'w=300&h=200&func=crop',
        url: expect.stringMatching(/\/cdn\/t\d+\/red\.png\?vh=[0-9a-f]{6}&w=300&h=200&func=crop$/),
        info: {},
        created_at: '2026-01-15T12:00:00Z',
      },
    });
    expect(made.body['variant']).toMatchObject({ preview: made.textAt('variant.url') });
    const id = made.textAt('variant.uuid');
    await add('Large', 'w=1000');
    const renamed = await send('PUT', { variant_uuid: id, variant_name: 'Tiny' });
    expect(renamed.body).toMatchObject({
      action: 'variant_updated',
      variant: { uuid: id, name: 'Tiny', query: 'w=300&h=200&func=crop' },
    });
    // As the widget changes only what is drawn.
    const url = 'http://localhost/demo/cdn/red.png?vh=1&w=50';
    const drawn = await send('PUT', { variant_uuid: id, variant_url: url, variant_query: 'vh=1&w=50' });
    expect(drawn.body['variant']).toMatchObject({ name: 'Tiny', query: 'w=50' });
    expect((await list(key, at().replace('file', 'files'))).map(({ name, query }) => [name, query])).toEqual([
      ['Tiny', 'w=50'],
      ['Large', 'w=1000'],
    ]);
    const removed = await send('DELETE', { variants_list: [id, id] });
    expect(removed.body).toMatchObject({ action: 'variants_deleted', variants_list: [id] });
    expect((await list()).map(({ name }) => name)).toEqual(['Large']);
  });

  test('are drawn from the newest content, whichever version is asked for', async () => {
    await add('Wide', 'w=1&force_format=webp');
    const [before] = await list();
    const path = (url = '') => url.slice(url.indexOf('/demo/'));
    const drawn = await api.call({ url: path(before?.url) });
    expect([drawn.status, drawn.headers['content-type']]).toEqual([200, 'image/webp']);
    await api.upload(key, `/t${nr}`, { name: 'red.png', content: Buffer.concat([PNG, Buffer.from('more')]) });
    const [after] = await list();
    expect(after?.uuid).toBe(before?.uuid);
    expect(after?.url).not.toBe(before?.url);
  });

  test('of a private file are signed for those who may read it', async () => {
    const shut = { files_uuids: [uuid], visibility: 'not_public' };
    await api.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body: shut });
    await add('Wide', 'w=1');
    const [variant] = await list();
    const url = variant?.url ?? '';
    expect(url).toMatch(/\?vh=[0-9a-f]{6}&sig=[^&]+&w=1$/);
    const path = url.slice(url.indexOf('/demo/'));
    expect((await api.call({ url: path })).status).toBe(200);
    expect((await api.call({ url: path.replace(/&sig=[^&]+/, '') })).status).toBe(401);
  });

  test('take of an address what is asked for and nothing that leads elsewhere or belongs to a moment', async () => {
    await send('POST', { variant_name: 'a', variant_url: 'https://evil.example/x.png?w=2&sig=stolen&download=1#w=9' });
    // The widget sends the whole address as the query when nothing is asked of it.
    await add('b', 'http://localhost/demo/cdn/red.png');
    await add('c', 'https://evil.example/x.png?h=3&vh=123&force_download=x&ci_url_encoded=1');
    await add('d', 'w=2&bg_colour=%23ff0000&new%20one=1+2&&=&flag');
    await send('POST', { variant_name: 'e', variant_query: null, variant_url: null });
    expect(await queries()).toEqual(['w=2', '', 'h=3', 'w=2&bg_colour=%23ff0000&new%20one=1%2B2&=&flag=', '']);
    expect((await list()).every(({ url }) => url.startsWith(`http://localhost:80/demo/cdn/t${nr}/red.png?vh=`))).toBe(
      true,
    );
  });

  test('are refused with a fault for what cannot be kept, and then nothing is kept', async () => {
    expect(faults(await add(undefined))).toEqual(['variant_name NAME_EMPTY']);
    expect(faults(await add(' '))).toEqual(['variant_name NAME_EMPTY']);
    expect(faults(await add('x'.repeat(VARIANTS.nameCharactersMax + 1)))).toEqual(['variant_name NAME_TOO_LONG']);
    expect(faults(await add('a\u0000b'))).toEqual(['variant_name NAME_INVALID']);
    expect(faults(await add('a', 'w=1\u0000'))).toEqual(['variant_query FORMAT_WRONG']);
    expect(faults(await add('a', 'w=\ud800'))).toEqual(['variant_query FORMAT_WRONG']);
    expect(faults(await add('a', 'w=%ff'))).toEqual(['url ESCAPE_INVALID']);
    expect(faults(await add('a', `x=${'y'.repeat(VARIANTS.queryCharactersMax)}`))).toEqual(['variant_query TOO_LARGE']);
    expect(outcome(await send('POST', { variant_name: 'a', variant_query: 7 }))).toEqual([400, 'REQUEST_INVALID']);
    expect(outcome(await send('PUT', { variant_name: 'a' }))).toEqual([400, 'REQUEST_INVALID']);
    expect(outcome(await send('DELETE', { variants_list: [] }))).toEqual([400, 'REQUEST_INVALID']);
    expect(await list()).toEqual([]);
    await add('taken');
    expect(outcome(await add('taken'))).toEqual([409, 'ALREADY_EXISTS']);
    const unknown = '00000000-0000-4000-8000-000000000000';
    for (const answer of [
      await send('PUT', { variant_uuid: unknown, variant_name: 'x' }),
      await send('DELETE', { variants_list: [(await list())[0]?.uuid, unknown] }),
    ]) {
      expect(outcome(answer)).toEqual([404, 'VARIANT_NOT_FOUND']);
    }
    expect((await list()).map(({ name }) => name)).toEqual(['taken']);
  });

  test('have a bound for each file', async () => {
    const id = uuid.slice(0, -4);
    const author = { by: { id: 'ann', name: 'ann', email: undefined }, nowMs: api.clock.nowMs };
    const file = await api.ports.metadata.findFile('demo', id);
    if (file === undefined) throw new TypeError('the file is there');
    for (let n = 0; n < VARIANTS.perFileMax; n += 1) {
      const variant = { id: `${id}${n}`, name: `n${n}`, query: '' };
      await api.ports.variants.addVariant('demo', file, variant, VARIANTS.perFileMax, author);
    }
    expect(outcome(await add('one more'))).toEqual([409, 'VARIANTS_EXHAUSTED']);
  });

  test('are read with OBJECTS_FETCH, made with FILE_UPLOAD and deleted with FILE_DELETE, within the listing scope', async () => {
    const id = (await add('a')).textAt('variant.uuid');
    const only = (permission: string, scope = '/*') =>
      api.key({ permissions: [permission], listing: { dir_scope: [scope] }, upload: { max: 0, dir_scope: ['/none'] } });
    const cases = [
      ['OBJECTS_FETCH', async (as: string) => api.call({ url: at(), key: as })],
      ['FILE_UPLOAD', async (as: string) => add(`by ${as.slice(-9)}`, 'w=1', as)],
      ['FILE_UPLOAD', async (as: string) => send('PUT', { variant_uuid: id, variant_name: as.slice(-9) }, as)],
      ['FILE_DELETE', async (as: string) => send('DELETE', { variants_list: [id] }, as)],
    ] as const;
    for (const [permission, act] of cases) {
      for (const other of ['OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_DELETE'].filter((one) => one !== permission)) {
        expect(outcome(await act(await only(other)))).toEqual([403, 'PERMISSION_DENIED']);
      }
      expect(outcome(await act(await only(permission, '/elsewhere/*')))).toEqual([404, 'FILE_NOT_FOUND']);
      // No bytes are stored, so neither scope nor limits of uploads are asked.
      expect(outcome(await act(await only(permission)))).toEqual([200, undefined]);
    }
  });

  test('are in the history of the file, under words that published widgets pass over', async () => {
    const id = (await add('a', 'w=1')).textAt('variant.uuid');
    await send('DELETE', { variants_list: [id] });
    const { body } = await api.call({ url: `/v5/files/${uuid}/changes`, key });
    expect(body['changes']).toMatchObject([
      {
        action: 'H_VARIANT_DELETE',
        user: { name: 'ann' },
        props: { old: '{"name":"a","query":"w=1"}', name: 'red.png' },
      },
      { action: 'H_VARIANT_CREATE', props: { new: '{"name":"a","query":"w=1"}' } },
      { action: 'H_CREATED' },
    ]);
  });
});
