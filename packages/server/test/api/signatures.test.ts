// Signed addresses of private files: they open one file, as far and as long as the key they were given to.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Harness, openHarness } from '../support/harness.ts';
import { spellingsOf } from '../support/spellings.ts';

let harness: Harness;
let key: string;
beforeAll(async () => {
  harness = await openHarness();
});
beforeEach(async () => {
  key = await harness.key({ key_validity: { expiration_duration: 86_400 } });
});
afterAll(() => harness.close());

type Urls = Readonly<Record<'public' | 'cdn' | 'permalink' | 'download', string>>;

const local = (url: string) => url.replace(/^https?:\/\/[^/]+\/demo/, '');

async function hidden(name: string, folder = '/hidden'): Promise<string> {
  const answer = await harness.upload(key, folder, { name, content: `content of ${name}` });
  const uuid = answer.textAt('file.uuid');
  const body = { files_uuids: [uuid], visibility: 'not_public' };
  await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body });
  return uuid;
}

async function urlsOf(uuid: string, holder: string, headers: Record<string, string> = {}): Promise<Urls> {
  const answer = await harness.call({ url: `/v5/files/${uuid}`, key: holder, headers });
  return (answer.body['file'] as { readonly url: Urls }).url;
}

const code = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await harness.call({ url: local(url), headers });
  return answer.status === 200 ? 'OK' : answer.body['code'];
};

describe('a signed address', () => {
  test('opens its file without a header, by every link of the answer, and by lists', async () => {
    const uuid = await hidden('a.txt');
    for (const url of Object.entries(await urlsOf(uuid, key))) {
      if (url[0] === 'path') continue;
      const answer = await harness.call({ url: local(url[1]) });
      expect([answer.status, answer.text], url[0]).toEqual([200, 'content of a.txt']);
      expect(answer.headers['cache-control']).toBe('private, no-cache');
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
    }
    const list = await harness.call({ url: '/v5/files?folder=/hidden', key });
    const [file] = list.body['files'] as readonly { readonly url: Urls }[];
    expect(await code(file?.url.cdn ?? '')).toBe('OK');
  });

  test('opens that version of its file that it was written for, as far and as long as its key', async () => {
    await hidden('versions.txt', '/versions');
    const second = await harness.upload(key, '/versions', { name: 'versions.txt', content: 'the second' });
    const { body } = await harness.call({ url: `/v5/file/${second.textAt('file.uuid')}/versions`, key });
    const [newer, older] = body['versions'] as readonly { readonly url: Urls }[];
    const read = async (urls: Urls | undefined) => {
      const links = [urls?.cdn, urls?.public, urls?.permalink, urls?.download];
      const answers = await Promise.all(links.map((url) => harness.call({ url: local(url ?? '') })));
      return answers.map((answer) => (answer.status === 200 ? answer.text : answer.body['code']));
    };
    expect(await read(newer?.url)).toEqual(Array(4).fill('the second'));
    expect(await read(older?.url)).toEqual(Array(4).fill('content of versions.txt'));
    const unsigned = older?.url.cdn.replace(/&sig=[^&]*/, '') ?? '';
    expect(await code(unsigned)).toBe('KEY_MISSING');
    harness.clock.pass(86_400_000);
    expect(await read(older?.url)).toEqual(Array(4).fill('KEY_EXPIRED'));
  });

  test('opens its file also with the query that the widget hangs behind it for a service', async () => {
    const { cdn } = await urlsOf(await hidden('cut-out.png'), key);
    const asked = `${cdn}?method=sfx_own&mode=async&cache=0`;
    const answer = await harness.call({ url: local(asked) });
    expect([answer.status, answer.text]).toEqual([200, 'content of cut-out.png']);
    const forged = asked.replace(/.{4}(?=\?method)/, (last) => (last === 'AAAA' ? 'BBBB' : 'AAAA'));
    expect(await code(forged)).toBe('KEY_INVALID');
  });

  test('holds no key, and is the same each time', async () => {
    const uuid = await hidden('b.txt');
    const { cdn } = await urlsOf(uuid, key);
    expect(cdn).toContain('&sig=');
    expect(cdn).not.toContain('SASS__');
    expect(cdn).not.toContain(key.split('.').at(-1) ?? key);
    expect((await urlsOf(uuid, key)).cdn).toBe(cdn);
    const sig = new URL(cdn).searchParams.get('sig') ?? '';
    expect(
      await code('/v5/files?folder=/', { 'x-filerobot-key': `SASS__v2__${sig.split('~')[0]}.${sig.split('~')[3]}` }),
    ).toBe('KEY_INVALID');
  });

  test('is not in the links of public files, nor in answers to keys that may not fetch', async () => {
    const uuid = await hidden('c.txt');
    const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
    const list = await harness.call({ url: '/v5/files?folder=/hidden', key: lister });
    expect(list.text).toContain('c.txt');
    expect(list.text).not.toContain('sig=');
    const open = await harness.upload(key, '/open', { name: 'open.txt' });
    expect(open.text).not.toContain('sig=');
    expect((await urlsOf(uuid, key)).cdn).toContain('sig=');
  });

  test('opens nothing but its own file, and no other part of the API', async () => {
    const [one, other] = [await hidden('one.txt'), await hidden('other.txt')];
    const { cdn } = await urlsOf(one, key);
    const sig = cdn.split('sig=')[1] ?? '';
    expect(await code(`/v5/get/${other}?sig=${sig}`)).toBe('FILE_NOT_FOUND');
    expect(await code(`/cdn/hidden/other.txt?sig=${sig}`)).toBe('FILE_NOT_FOUND');
    expect(await code(`/v5/files/${one}?sig=${sig}`)).toBe('KEY_MISSING');
    expect(await code(`/v5/files?folder=/hidden&sig=${sig}`)).toBe('KEY_MISSING');
  });

  test('is good for the file wherever it is moved within the scope, not for what takes its place', async () => {
    const uuid = await hidden('moved.txt');
    const { cdn, permalink } = await urlsOf(uuid, key);
    await harness.call({ method: 'PUT', url: `/v5/file/${uuid}/name`, key, body: { name: 'elsewhere.txt' } });
    await hidden('moved.txt');
    expect([await code(permalink), await code(cdn)]).toEqual(['OK', 'FILE_NOT_FOUND']);
  });

  test.each([
    ['cut', (sig: string) => sig.slice(0, -1)],
    ['another tag', (sig: string) => `${sig.slice(0, -43)}${'A'.repeat(43)}`],
    ['another file', (sig: string) => sig.replace(/~[0-9a-f-]{32}~/, `~${'0'.repeat(32)}~`)],
    ['another page', (sig: string) => sig.replace(/~[^~]*~([^~]*)$/, '~aHR0cHM6Ly94~$1')],
    ['other claims', (sig: string) => `x${sig.slice(1)}`],
    ['nonsense', () => 'nonsense'],
    ['very long', (sig: string) => sig.repeat(40)],
  ])('with %s is refused', async (_, change) => {
    const uuid = await hidden('forged.txt');
    const sig = (await urlsOf(uuid, key)).cdn.split('sig=')[1] ?? '';
    expect(change(sig)).not.toBe(sig);
    expect(await code(`/v5/get/${uuid}?sig=${change(sig)}`)).toBe('KEY_INVALID');
  });

  test('with another spelling of the same bytes is refused', async () => {
    const uuid = await hidden('spelt.txt');
    const sig = (await urlsOf(uuid, key)).cdn.split('sig=')[1] ?? '';
    const spellings = spellingsOf(sig);
    expect(spellings).toHaveLength(4);
    const codes = spellings.map((spelling) => code(`/v5/get/${uuid}?sig=${spelling}`));
    expect(await Promise.all(codes)).toEqual(spellings.map((spelling) => (spelling === sig ? 'OK' : 'KEY_INVALID')));
  });

  test('next to a key the key decides alone: widgets send it along', async () => {
    const uuid = await hidden('both.txt');
    const { download } = await urlsOf(uuid, key);
    expect(await code(download, { 'x-filerobot-key': key })).toBe('OK');
    const lister = await harness.key({ permissions: ['OBJECTS_LIST'] });
    expect(await code(download, { 'x-filerobot-key': lister })).toBe('PERMISSION_DENIED');
  });
});

describe('the rights behind a signed address are live', () => {
  async function signed(difference: object = {}, headers: Record<string, string> = {}) {
    const uuid = await hidden('live.txt');
    const template = await harness.template({ key_validity: { expiration_duration: 1200 }, ...difference });
    const { cdn } = await urlsOf(uuid, harness.keyOf(template), headers);
    expect(cdn).toContain('sig=');
    expect(await code(cdn)).toBe('OK');
    return { cdn, template };
  }

  test('it dies with the key', async () => {
    const { cdn } = await signed();
    harness.clock.pass(1199_000);
    expect(await code(cdn)).toBe('OK');
    harness.clock.pass(2000);
    expect(await code(cdn)).toBe('KEY_EXPIRED');
  });

  test('what became public needs none: a dead or forged one does no harm there, and none is counted', async () => {
    const uuid = await hidden('published.txt', '/hidden/later');
    const template = await harness.template({ key_validity: { expiration_duration: 1200 }, listing: { max: 1 } });
    const { cdn } = await urlsOf(uuid, harness.keyOf(template));
    expect(cdn).toContain('sig=');
    const body = { files_uuids: [uuid], visibility: 'public' };
    await harness.call({ method: 'PUT', url: '/v5/objects/visibility/cdn', key, body });
    expect([await code(cdn), await code(cdn), await code(`${cdn}x`)]).toEqual(['OK', 'OK', 'OK']);
    harness.clock.pass(1201_000);
    expect(await code(cdn)).toBe('OK');
    await harness.call({
      method: 'PUT',
      url: '/v5/objects/visibility/cdn',
      key,
      body: { ...body, visibility: 'not_public' },
    });
    expect([await code(cdn), await code(`${cdn}x`)]).toEqual(['KEY_EXPIRED', 'KEY_INVALID']);
  });

  test('it dies when the key is revoked, the template is switched off, narrowed or deleted', async () => {
    const { cdn, template } = await signed();
    const { document, uid } = template;
    const { templates } = harness.ports;
    const set = (change: object) =>
      templates.updateTemplate('demo', uid, { ...document, ...change }, harness.clock.nowMs);
    await set({ active: false });
    expect(await code(cdn)).toMatch(/^KEY_/);
    await set({ permissions: ['OBJECTS_LIST'] });
    expect(await code(cdn)).toBe('PERMISSION_DENIED');
    await set({ listing: { ...document.listing, dir_scope: ['/elsewhere/*'] } });
    expect(await code(cdn)).toBe('FILE_NOT_FOUND');
    await set({});
    expect(await code(cdn)).toBe('OK');
    await templates.deleteTemplate('demo', uid);
    expect(await code(cdn)).toMatch(/^KEY_/);

    const revoked = await signed();
    const body = JSON.parse(Buffer.from(revoked.cdn.split('sig=')[1]?.split('~')[0] ?? '', 'base64url').toString());
    await harness.revoke(body[1]);
    expect(await code(revoked.cdn)).toBe('KEY_REVOKED');
  });

  test('it dies with all keys of its subject, whom it does not name, and with all keys of the container', async () => {
    const uuid = await hidden('whose.txt');
    const template = await harness.template();
    const address = async (subject: string) =>
      (await urlsOf(uuid, harness.keyOf(template, { claims: { subject } }))).cdn;
    const [ann, bob] = [await address('ann@example.com'), await address('bob@example.com')];
    expect(ann).not.toContain('example.com');
    expect(ann).not.toContain(Buffer.from('ann@example.com').toString('base64url'));
    const { secret } = await harness.secretKey();
    const revoke = (body: object) => harness.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body });
    await revoke({ subject: 'ann@example.com' });
    expect([await code(ann), await code(bob)]).toEqual(['KEY_REVOKED', 'OK']);
    // Nobody can put another subject, or none, in its place.
    const parts = new URL(ann).searchParams.get('sig')?.split('~') ?? [];
    const bobs = new URL(bob).searchParams.get('sig')?.split('~')[1] ?? '';
    for (const hash of ['', bobs]) {
      const url = new URL(ann);
      url.searchParams.set('sig', parts.with(1, hash).join('~'));
      expect(await code(url.href)).toBe('KEY_INVALID');
    }
    const { cdn: ofSecretKey } = await urlsOf(uuid, secret);
    harness.clock.pass(1);
    await revoke({ all: true });
    expect([await code(bob), await code(ofSecretKey)]).toEqual(['KEY_REVOKED', 'OK']);
    harness.clock.pass(1);
  });

  test('addresses and pages are asked as for the key; a page that was good when it was given is not asked again', async () => {
    const origin = 'https://app.example.com';
    const uuid = await hidden('origin.txt');
    const template = await harness.template({
      restrictions: { allowed_origins: [origin], whitelist_ip_ranges: ['127.0.0.1'] },
    });
    const { cdn } = await urlsOf(uuid, harness.keyOf(template), { origin });
    expect(await code(cdn)).toBe('OK');
    expect(await code(cdn, { origin: 'https://evil.example' })).toBe('ORIGIN_DENIED');
    expect((await harness.call({ url: local(cdn), ip: '203.0.113.7' })).body['code']).toBe('IP_DENIED');
  });

  test('narrowings of the key go along; a key too narrowed for an address signs none', async () => {
    const uuid = await hidden('narrow.txt');
    const template = await harness.template();
    const narrow = harness.keyOf(template, { narrowing: { listing: { dir_scope: ['/hidden/*'] } } });
    const { cdn } = await urlsOf(uuid, narrow);
    expect(await code(cdn)).toBe('OK');
    const many = Array.from({ length: 99 }, (_, index) => `/hidden/folder-number-${index}/*`);
    const long = harness.keyOf(template, { narrowing: { listing: { dir_scope: ['/hidden/*', ...many] } } });
    expect((await urlsOf(uuid, long)).cdn).not.toContain('sig=');
  });

  test('of a secret key it lives for two hours at most, and never says who the key was made for', async () => {
    const uuid = await hidden('secret.txt');
    const { secret } = await harness.secretKey();
    const { cdn } = await urlsOf(uuid, secret);
    expect(await code(cdn)).toBe('OK');
    harness.clock.pass(2 * 60 * 60_000);
    expect(await code(cdn)).toBe('KEY_EXPIRED');
    const personal = harness.keyOf(await harness.template(), { claims: { subject: 'ann@example.org' } });
    const own = await urlsOf(await hidden('own.txt').catch(() => uuid), personal);
    expect(Buffer.from(own.cdn.split('sig=')[1] ?? '', 'base64url').toString('latin1')).not.toContain('ann@');
  });
});
