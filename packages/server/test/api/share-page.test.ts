// The page of a share: what people see, what they never see, and that nothing in it runs or comes from elsewhere.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, CONTAINER, type Harness, openHarness } from '../support/harness.ts';
import { spellingsOf } from '../support/spellings.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const open = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  harness.call({ url, headers: { ...PAGE, ...headers } });
const put = async (folder: string, name: string, content = `in ${name}`) =>
  (await harness.upload(key, folder, { name, content })).textAt('file.uuid');
const folderId = async (path: string) =>
  (await harness.call({ url: `/v5/folders?folder=${encodeURIComponent(path)}`, key })).textAt('base.uuid');
async function share(files: readonly string[], folders: readonly string[], more: object = {}, as = key) {
  const items = [
    { type: 'file_uuid', identifiers: files },
    { type: 'folder_uuid', identifiers: folders },
  ];
  const made = await harness.call({ method: 'POST', url: '/v5/shares', key: as, body: { items, ...more } });
  expect(made.status, made.text).toBe(200);
  return { puid: made.textAt('share.puid'), address: new URL(made.textAt('share.url')).pathname };
}
/** Every address on a page, below the container. */
const links = (answer: Answer) =>
  [...answer.text.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, url = '']) =>
    url.replaceAll('&#38;', '&').replace(`/${CONTAINER}`, ''),
  );
const heading = (answer: Answer) => /<h1>(.*?)<\/h1>/.exec(answer.text)?.[1];
const sendPassword = (address: string, password: string) =>
  harness.call({
    method: 'POST',
    url: address,
    headers: { ...PAGE, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ password }).toString(),
  });

describe('the page of a share', () => {
  test('stands where the share’s address points, and where the widget’s dialog says', async () => {
    const { puid, address } = await share([await put('/a', 'one.txt')], [], { title: 'For you' });
    expect(address).toBe(`/${CONTAINER}/share/${puid}`);
    const page = await open(address);
    expect([page.status, page.headers['content-type'], heading(page)]).toEqual([
      200,
      'text/html; charset=utf-8',
      'For you',
    ]);
    const { statusCode, headers } = await harness.app.inject({
      url: `/share/scaleflex/${CONTAINER}/${puid}`,
      headers: PAGE,
    });
    expect([statusCode, headers['location']]).toEqual([302, address]);
  });

  test('loads and runs nothing from elsewhere, is not kept, framed or indexed, and tells no referrer', async () => {
    const { address } = await share([await put('/a', 'one.txt')], []);
    const { headers, text } = await open(address);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; img-src 'self'; style-src 'sha256-[\w+/=]{44}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(headers).toMatchObject({
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-robots-tag': 'noindex, nofollow',
    });
    expect(text).not.toMatch(/<script|style="|\son\w+=|https?:/);
  });

  test('writes every text as a text', async () => {
    const nasty = `<img src=x onerror=alert(1)>"'&`;
    const id = await put(`/a/<b> "'&`, `<script>alert('1')&amp;.txt`);
    const more = { title: nasty, description: `${nasty}\n</p><script>` };
    const { address } = await share([id], [await folderId(`/a/<b> "'&`)], more);
    const page = await open(address);
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<script|<img src=x|<b>/);
    expect(heading(page)).toBe('&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;');
    expect(page.text).toContain('&#60;script&#62;alert(&#39;1&#39;)&#38;amp;.txt');
  });

  test('leads through its folders, to each file and to everything as a zip, and to nothing else', async () => {
    const one = await put('/a', 'one.txt');
    await put('/t', 'top.txt');
    const deep = await put('/t/deep', 'deep.txt');
    await put('/other', 'other.txt');
    const { address, puid } = await share([one], [await folderId('/t')]);
    const seen = new Set<string>();
    const queue = [address.replace(`/${CONTAINER}`, '')];
    const texts: string[] = [];
    for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
      if (seen.has(url)) continue;
      seen.add(url);
      const answer = await open(url);
      expect(answer.status, url).toBe(200);
      if (answer.headers['content-type']?.startsWith('text/html')) queue.push(...links(answer));
      else texts.push(answer.text);
    }
    const all = texts.join('\n');
    for (const name of ['one.txt', 'top.txt', 'deep.txt']) expect(all).toContain(`in ${name}`);
    expect(all).not.toContain('in other.txt');
    expect([...seen]).toContain(`/share/${puid}/zip`);
    const inside = await open(`${address}?folder=${await folderId('/t/deep')}`);
    expect(inside.text).toContain('<li aria-current="page">deep</li>');
    const zip = await harness.call({ url: `/share/${puid}/zip?folder=${await folderId('/t/deep')}` });
    expect([zip.text.includes('in deep.txt'), zip.text.includes('in top.txt')]).toEqual([true, false]);
    const foreign = await open(`${address}?folder=${await folderId('/other')}`);
    expect([foreign.status, heading(foreign)]).toEqual([404, 'There is no such folder']);
    expect((await open(`${address}/file/${deep}`)).status).toBe(200);
  });

  test('shows many files page by page, each once', async () => {
    const record = await harness.template();
    const names = Array.from({ length: 130 }, (_, i) => `file ${String(i).padStart(3, '0')}.txt`);
    for (const name of names) await put('/many', name);
    const { address } = await share([], [await folderId('/many')], {}, harness.keyOf(record));
    const shown: string[] = [];
    let url: string | undefined = `${address}?folder=${await folderId('/many')}`;
    for (let page = 1; url !== undefined; page += 1) {
      const answer: Answer = await open(url);
      expect(answer.text).toContain(`Page ${page} of 3`);
      shown.push(...[...answer.text.matchAll(/class="name">(file \d+\.txt)</g)].map(([, name = '']) => name));
      url = /rel="next" href="([^"]*)"/.exec(answer.text)?.[1]?.replaceAll('&#38;', '&');
    }
    expect(shown).toEqual(names);
  });

  test('counts in its folders only what the lent rights cover', async () => {
    await put('/t', 'top.txt');
    await put('/t/hidden', 'a.txt');
    await put('/t/hidden', 'b.txt');
    const narrow = await harness.key({ listing: { dir_scope: ['/t'] } });
    const { address } = await share([], [await folderId('/t')], {}, narrow);
    const page = await open(address);
    expect(page.text.match(/>(\d+ files?)</g)).toEqual(['>1 file<', '>1 file<']);
    const hidden = await open(`${address}?folder=${await folderId('/t/hidden')}`);
    expect(hidden.status).toBe(404);
    expect((await open(`${address}?folder=${await folderId('/t')}`)).text).not.toContain('>hidden<');
  });

  test('has pictures in place of downloads when the share is for looking at', async () => {
    const { address } = await share([await put('/a', 'one.txt')], [], { permissions: 'READ' });
    const page = await open(address);
    expect(links(page).filter((url) => /download|zip/.test(url))).toEqual([]);
    for (const url of links(page).filter((one) => one.includes('/file/'))) {
      expect((await open(url)).headers['content-type'], url).toBe('image/svg+xml');
    }
    const refused = await open(`${address}/zip`);
    expect([refused.status, heading(refused)]).toEqual([403, 'The files of this share may only be looked at']);
  });

  test('asks for the password, keeps a proof of it for two hours in a cookie of this share alone', async () => {
    const one = await put('/a', 'one.txt');
    const { address, puid } = await share([one], [], { title: 'Secret', auth: { pass: 'Pass wört' } });
    const asked = await open(address);
    expect([asked.status, heading(asked), asked.text.includes('Secret')]).toEqual([401, 'Password needed', false]);
    const wrong = await sendPassword(address, 'wrong');
    expect([wrong.status, wrong.headers['set-cookie']]).toEqual([401, undefined]);
    expect(wrong.text).toMatch(/role="alert"[^>]*>That is not the password/);
    const right = await sendPassword(address, 'Pass wört');
    expect([right.status, right.headers['location'], right.headers['cache-control']]).toEqual([
      303,
      address,
      'no-store',
    ]);
    const said = right.headers['set-cookie'] ?? '';
    expect(said).toMatch(
      new RegExp(`^latchkey_door=[\\w.%-]+; Max-Age=7200; Path=${address}; HttpOnly; SameSite=Lax$`),
    );
    const cookie = said.split(';')[0] ?? '';
    expect((await open(address, { cookie })).text).toContain('Secret');
    expect((await open(`${address}/file/${one}`, { cookie })).text).toBe('in one.txt');
    expect((await open(`${address}/file/${one}`)).status).toBe(401);
    expect((await open(`/v4/share/${puid}`, { cookie })).status).toBe(200);
    const other = await share([one], [], { auth: { pass: 'Pass wört' } });
    expect((await open(other.address, { cookie })).status).toBe(401);
    const respelt = [...spellingsOf(cookie), cookie.replace('.', '.0'), `${cookie}.`];
    for (const spelling of respelt.filter((text) => text !== cookie)) {
      expect((await open(address, { cookie: spelling })).status, spelling).toBe(401);
    }
    harness.clock.pass(2 * 60 * 60_000);
    expect((await open(address, { cookie })).status).toBe(401);
  });

  test('lets an address guess ten passwords a minute', async () => {
    const { address } = await share([await put('/a', 'one.txt')], [], { auth: { pass: 'right' } });
    for (let i = 0; i < 10; i += 1) await sendPassword(address, `wrong${i}`);
    const refused = await sendPassword(address, 'right');
    expect([refused.status, refused.headers['retry-after'], refused.headers['content-type']]).toEqual([
      429,
      '60',
      'text/html; charset=utf-8',
    ]);
    harness.clock.pass(60_000);
    expect((await sendPassword(address, 'right')).status).toBe(303);
  });

  test('refuses a form that is longer than its own', async () => {
    const { address } = await share([await put('/a', 'one.txt')], [], { auth: { pass: 'right' } });
    expect((await sendPassword(address, 'x'.repeat(17_000))).status).toBe(400);
    expect((await sendPassword(address, 'x'.repeat(300))).status).toBe(401);
  });

  test('says when it opens and when it ended, to those who have the address and while its rights are good', async () => {
    const record = await harness.template();
    const dates = {
      starts_at: '2026-01-15T14:30',
      starts_tz: 'Europe/Paris',
      expires_at: '2026-01-15T14:00:00Z',
      title: 'Secret',
    };
    const { address } = await share(
      [await put('/a', 'one.txt')],
      [],
      { ...dates, expires_tz: 'Nowhere/Land' },
      harness.keyOf(record),
    );
    const early = await open(address);
    expect([early.status, heading(early)]).toEqual([404, 'Not open yet']);
    expect(early.text).toContain('15 January 2026 at 14:30 (Europe/Paris)');
    expect(early.text).not.toContain('Secret');
    harness.clock.pass(95 * 60_000);
    expect((await open(address)).text).toContain(
      'Open until <time datetime="2026-01-15T14:00:00.000Z">15 January 2026 at 14:00 (UTC)',
    );
    harness.clock.pass(30 * 60_000);
    expect(heading(await open(address))).toBe('This is over');
    // To a program, and once the rights are gone, it is as if it never was.
    const told = await harness.call({ url: address.replace('/share/', '/v4/share/') });
    expect(told.body['code']).toBe('SHARE_NOT_FOUND');
    await harness.ports.templates.setTemplatesActive(CONTAINER, [record.uid], false, 1);
    const gone = await open(address);
    const never = await open('/share/AAAAAAAAAAAAAAAAAAAAAA');
    expect([gone.status, gone.text]).toEqual([404, never.text]);
  });

  test('leaves its address in no log', async () => {
    const one = await put('/a', 'one.txt');
    const { address, puid } = await share([one], [], { auth: { pass: 'x' } });
    await open(address);
    await sendPassword(address, 'x');
    await open(`${address}/file/${one}`);
    await open(`/v4/share/${puid}?password=x`);
    const { headers } = await harness.app.inject({ url: `/share/scaleflex/${CONTAINER}/${puid}`, headers: PAGE });
    expect(headers['location']).toBe(address);
    const asked = await harness.call({ method: 'POST', url: `/v5/file-archive/sharebox/${puid}`, body: {} });
    expect(asked.status).toBe(401);
    const lines = harness.log.map((line) => JSON.stringify(line));
    expect(lines.some((line) => line.includes(`/share/[redacted]/file/${one}`))).toBe(true);
    expect(lines.filter((line) => line.includes(puid))).toEqual([]);
  });

  test('answers programs in JSON and people with a page', async () => {
    for (const url of ['/share/AAAAAAAAAAAAAAAAAAAAAA', '/share/AAAAAAAAAAAAAAAAAAAAAA/zip', '/share/nothing']) {
      expect((await harness.call({ url })).body['code'], url).toBe('SHARE_NOT_FOUND');
      const page = await open(url);
      expect([page.status, heading(page)], url).toEqual([404, 'There is no such share']);
      expect(page.headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    }
  });
});
