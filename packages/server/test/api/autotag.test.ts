// Automatic tags and descriptions through the front door: from facts, and from a tagging service that may be dead, slow or wrong.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWebTagger } from '../../src/adapters/web/tagger.ts';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

// The smallest PNG there is: one transparent pixel.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let harness: Harness;
let key: string;
const servers: Server[] = [];
afterEach(async () => {
  await harness.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

type Handler = (body: Record<string, unknown>, request: IncomingMessage, response: ServerResponse) => void;

/** A tagging service of our own, and an application that asks it. */
async function withTagger(handle: Handler, options: { readonly key?: string; readonly timeoutMs?: number } = {}) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(JSON.parse(Buffer.concat(chunks).toString()), request, response));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tags`;
  await harness.close();
  const tagger = openWebTagger({ url, key: options.key, timeoutMs: options.timeoutMs ?? 2000 });
  harness = await openHarness({ wrap: (ports) => ({ ...ports, tagger }) });
  key = await harness.key();
}

beforeEach(async () => {
  harness = await openHarness();
  key = await harness.key();
});

const post = (url: string, body: object, as = key) => harness.call({ method: 'POST', url: `/v5${url}`, key: as, body });
const outcome = (answer: Answer) => [answer.status, answer.body['code']];
const picture = async (folder = '/t') =>
  (await harness.upload(key, folder, { name: 'p.png', content: PNG, type: 'image/png' })).textAt('file.uuid');
type Tags = Readonly<Record<string, readonly { readonly label: string }[]>>;
const labels = (answer: Answer, lang = 'en') => {
  const { tags } = answer.body['file'] as { readonly tags: Tags };
  return (tags[lang] ?? []).map(({ label }) => label);
};
const reply = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('without a tagging service', () => {
  test('a file is tagged by what it says of itself, and keeps the tags it has', async () => {
    const uuid = await picture();
    await harness.call({ method: 'PUT', url: `/v5/file/${uuid}/tags`, key, body: { lang: 'en', new_tags: ['mine'] } });
    const { folderPath, id } = await stored(uuid);
    expect(folderPath).toBe('/t');
    const answer = await post('/process/autotag', { file: { uuid }, meta: { languages: ['en'], provider: 'google' } });
    expect(answer.body).toMatchObject({ action: 'file_autotagged', file: { uuid } });
    expect(labels(answer).slice(0, 2)).toEqual(['mine', 'image']);
    const again = await post('/process/autotag', { file: { uuid } });
    expect(labels(again)).toEqual(labels(answer));
    expect((await harness.ports.metadata.findFile('demo', id))?.tags).toMatchObject({ en: [{ label: 'mine' }, {}] });
  });

  test('a file is described by its facts', async () => {
    const uuid = await picture();
    const { body } = await post('/process/describe', { file: { uuid }, meta: { languages: ['en'] } });
    expect(body['response']).toMatch(/^An? (?:\w+ )?picture named p\.png/);
    expect(body['translations']).toEqual({ en: body['response'] });
  });

  test('the permission and the scope are needed, and wishes are bounded', async () => {
    const uuid = await picture('/out');
    const narrow = await harness.key({
      permissions: ['FILE_PROCESS_AUTOTAGGING'],
      listing: { dir_scope: ['/in/*'] },
    });
    const describer = await harness.key({ permissions: ['FILE_META_CHANGE', 'OBJECTS_FETCH'] });
    for (const url of ['/process/autotag', '/process/describe']) {
      expect(outcome(await post(url, { file: { uuid } }, narrow))).toEqual([404, 'FILE_NOT_FOUND']);
      expect(outcome(await post(url, { file: { uuid } }, describer))).toEqual([403, 'PERMISSION_DENIED']);
      for (const wrong of [
        {},
        { file: { uuid }, meta: { limit: 51 } },
        { file: { uuid }, meta: { languages: ['no!'] } },
      ]) {
        expect((await post(url, wrong)).status).toBe(400);
      }
    }
  });
});

describe('with a tagging service', () => {
  test('it is told of the file and nothing of who asks, and its certain tags are added by language', async () => {
    let asked: Record<string, unknown> = {};
    let headers: IncomingMessage['headers'] = {};
    await withTagger(
      (body, request, response) => {
        [asked, headers] = [body, request.headers];
        reply(response, {
          tags: [
            { label: 'sea', confidence: 91 },
            { label: 'mer', lang: 'fr', confidence: 80 },
            { label: 'doubtful', confidence: 12 },
            { label: 'unasked', lang: 'de', confidence: 99 },
            'plain',
            { label: 'not\u0000storable' },
          ],
        });
      },
      { key: 'a-key-of-the-service' },
    );
    const uuid = await picture();
    const wish = { languages: ['en', 'fr'], limit: 2, confidence: 60 };
    const answer = await post('/process/autotag', { file: { uuid }, meta: wish });
    expect([labels(answer), labels(answer, 'fr'), labels(answer, 'de')]).toEqual([['sea', 'plain'], ['mer'], []]);
    expect(asked).toMatchObject({ wanted: 'tags', ...wish });
    expect(asked['file']).toMatchObject({ name: 'p.png', type: 'image/png', content_base64: PNG.toString('base64') });
    expect(headers['authorization']).toBe('Bearer a-key-of-the-service');
    expect(JSON.stringify([asked, headers])).not.toContain(key);
  });

  test('its description and translations are answered, those that were asked for', async () => {
    await withTagger((_body, _request, response) =>
      reply(response, { description: 'A sea', translations: { fr: 'Une mer', de: 'Ein Meer' } }),
    );
    const uuid = await picture();
    const { body } = await post('/process/describe', { file: { uuid }, meta: { languages: ['en', 'fr'] } });
    expect(body).toMatchObject({ response: 'A sea', translations: { en: 'A sea', fr: 'Une mer' } });
    expect(Object.keys(body['translations'] as object)).toEqual(['en', 'fr']);
  });

  test.each<[string, Handler]>([
    ['an error', (_b, _q, response) => reply(response, { tags: ['x'] }, 500)],
    ['no JSON', (_b, _q, response) => response.end('<html>')],
    ['another form', (_b, _q, response) => reply(response, { tags: [{ name: 'x' }] })],
    ['a redirect', (_b, _q, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['too much', (_b, _q, response) => reply(response, { description: 'x'.repeat(300_000) })],
    ['half an answer', (_b, _q, response) => response.writeHead(200, { 'content-length': '99' }).end('{')],
    ['nothing in time', () => undefined],
    ['a broken connection', (_b, request) => request.socket.destroy()],
  ])('that answers %s is a clean failure, and no tag is added', async (_name, handle) => {
    await withTagger(handle, { timeoutMs: 500 });
    const uuid = await picture();
    for (const url of ['/process/autotag', '/process/describe']) {
      expect(outcome(await post(url, { file: { uuid } }))).toEqual([502, 'TAGGER_FAILED']);
    }
    expect((await stored(uuid)).tags).toEqual({});
  });

  test('adds nothing when the key is revoked while it thinks', async () => {
    const template = await harness.template();
    await withTagger(async (_body, _request, response) => {
      await harness.ports.templates.deleteTemplate('demo', revoked.uid);
      reply(response, { tags: ['late'] });
    });
    const revoked = await harness.template();
    expect(revoked.uid).not.toBe(template.uid);
    const uuid = await picture();
    const answer = await post('/process/autotag', { file: { uuid } }, harness.keyOf(revoked));
    expect(outcome(answer)).toEqual([401, 'KEY_REVOKED']);
    expect((await stored(uuid)).tags).toEqual({});
  });
});

async function stored(uuid: string) {
  const file = await harness.ports.metadata.findFile('demo', uuid.slice(0, -4));
  if (file === undefined) throw new TypeError('the file is there');
  return file;
}
