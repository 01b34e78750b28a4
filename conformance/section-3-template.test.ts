// Product definition section 3, sentence by sentence: what an admin writes into a security template is what holds.
import { describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { useTarget } from './support/suite.ts';
import {
  BROWSE,
  below,
  COUNTRY_ADDRESS,
  eventually,
  freshAddress,
  freshFolder,
  GIF,
  names,
  PDF,
  PNG,
  stalledBody,
  untilUnderWay,
} from './support/target.ts';

const target = useTarget();

const UPLOAD = { permissions: ['FILE_UPLOAD'] };
const ALL_SEEING = { permissions: ['FILE_UPLOAD', ...BROWSE] };

describe('3 The security template: its members', () => {
  test('3.1 aliases of wire names are accepted on input, and the first name is what is written', async () => {
    const stored = await target.template({
      upload: { limit_per_source_ip: 7 },
      key_validity: { expire_duration: 900 },
    });
    expect(stored.document).toMatchObject({
      upload: { limit_per_ip_source: 7 },
      key_validity: { expiration_duration: 900 },
    });
    expect(JSON.stringify(stored.document)).not.toMatch(/limit_per_source_ip|expire_duration/);
  });

  test('3.2 the identifier is SECU_ and 32 upper-case hexadecimal digits, and it is what a page exchanges', async () => {
    const stored = await target.template();
    expect(stored.id).toMatch(/^SECU_[0-9A-F]{32}$/);
    expect((await target.exchange(stored)).status).toBe(200);
  });

  test('3.3 a rotated identifier is a new one, and the old one lives on for exactly the chosen overlap', async () => {
    const stored = await target.template();
    const kept = await target.admin('POST', `v5/security-templates/${stored.id}/rotate`, {
      json: { overlap_seconds: 3600 },
    });
    const second = kept.text('security_template.id');
    expect(second).toMatch(/^SECU_[0-9A-F]{32}$/);
    expect(second).not.toBe(stored.id);
    expect((await target.exchange(stored.id)).outcome).toBe('200');
    expect((await target.exchange(second)).outcome).toBe('200');
    const cut = await target.admin('POST', `v5/security-templates/${second}/rotate`, { json: { overlap_seconds: 0 } });
    expect((await target.exchange(second)).outcome).toBe('404 TEMPLATE_NOT_FOUND');
    expect((await target.exchange(cut.text('security_template.id'))).outcome).toBe('200');
    // An overlap belongs to the rotation that granted it: a later one does not end it early.
    expect((await target.exchange(stored.id)).outcome).toBe('200');
  });

  test('3.4 name and description are texts of the admin, and a template is active unless it says otherwise', async () => {
    const stored = await target.template({ name: 'Gallery ☂', description: 'For the front page' });
    expect(stored.document).toMatchObject({ name: 'Gallery ☂', description: 'For the front page', active: true });
  });

  test('3.5 an inactive template issues no key', async () => {
    const stored = await target.template({ active: false });
    expect((await target.exchange(stored)).outcome).toBe('404 TEMPLATE_NOT_FOUND');
  });

  test('3.6 deactivating a template kills its live keys at once', async () => {
    const holder = await target.holder({ permissions: BROWSE });
    expect((await holder.list('/')).outcome).toBe('200');
    await target.patch(holder.template, { active: false });
    const { tookMs } = await eventually(() => holder.list('/'), '401 KEY_REVOKED', 1000);
    expect(tookMs).toBeLessThan(1000);
  });

  test('3.7 a template permits nothing unless it says so', async () => {
    const stored = await target.template();
    expect(stored.document['permissions']).toEqual([]);
    const holder = await target.holderOf(stored);
    expect((await holder.list('/')).outcome).toBe('403 PERMISSION_DENIED');
    expect((await holder.upload('/', 'a.txt')).outcome).toBe('403 PERMISSION_DENIED');
  });

  test('3.8 a permission that does not exist is refused when saving', async () => {
    const answer = await target.admin('POST', 'v5/security-templates', {
      json: { name: 'x', permissions: ['OBJECTS_LIST', 'FILE_UPLOADS'] },
    });
    expect(answer.outcome).toBe('400 REQUEST_INVALID');
    expect(answer.list('faults').map((it) => member(it, 'field'))).toEqual(['permissions[1]']);
  });

  test('3.9 no stored template can gain a permission by itself: wildcards and patterns are refused', async () => {
    for (const word of ['*', 'ALL', 'FILE_*', 'OBJECTS_', '']) {
      const answer = await target.admin('POST', 'v5/security-templates', { json: { name: 'x', permissions: [word] } });
      expect(answer.outcome, word).toBe('400 REQUEST_INVALID');
    }
  });

  test('3.10 upload.limit_per_min bounds the uploads of one key in any minute, and of that key only', async () => {
    const folder = freshFolder();
    const stored = await target.template({ ...UPLOAD, upload: { limit_per_min: 3 } });
    const [one, other] = [await target.holderOf(stored), await target.holderOf(stored)];
    for (let n = 1; n <= 3; n += 1) expect((await one.upload(folder, `${n}.txt`)).outcome).toBe('200');
    const refused = await one.upload(folder, '4.txt');
    expect(refused.outcome).toBe('429 UPLOAD_RATE_LIMITED');
    expect(refused.at('rule')).toBe('upload.limit_per_min');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await other.upload(folder, '5.txt')).outcome).toBe('200');
  });

  test('3.11 upload.limit_per_ip_source bounds the uploads of one key from one address over its life', async () => {
    const folder = freshFolder();
    const here = await target.holder({ ...UPLOAD, upload: { limit_per_ip_source: 2 } });
    const there = here.with({ from: freshAddress() });
    expect((await here.upload(folder, '1.txt')).outcome).toBe('200');
    expect((await here.upload(folder, '2.txt')).outcome).toBe('200');
    expect((await here.upload(folder, '3.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect((await there.upload(folder, '4.txt')).outcome).toBe('200');
  });

  test('3.12 upload.max bounds the uploads of one key over its life, from wherever they come', async () => {
    const folder = freshFolder();
    const stored = await target.template({ ...UPLOAD, upload: { max: 2 } });
    const one = await target.holderOf(stored);
    expect((await one.upload(folder, '1.txt')).outcome).toBe('200');
    expect((await one.with({ from: freshAddress() }).upload(folder, '2.txt')).outcome).toBe('200');
    const refused = await one.with({ from: freshAddress() }).upload(folder, '3.txt');
    expect(refused.outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(refused.headers['retry-after']).toBeUndefined();
    expect((await (await target.holderOf(stored)).upload(folder, '4.txt')).outcome).toBe('200');
  });

  test('3.13 limits that are not written do not hold: uploads are unlimited by default', async () => {
    const stored = await target.template(UPLOAD);
    expect(Object.keys(Object(stored.document['upload'])).sort()).toEqual(['dir_scope', 'max_file_size']);
    const folder = freshFolder();
    const holder = await target.holderOf(stored);
    for (let n = 0; n < 12; n += 1) expect((await holder.upload(folder, `${n}.txt`)).outcome).toBe('200');
  });

  test('3.14 upload.max_file_size bounds each file to the byte, and is 500 MB unless written', async () => {
    const stored = await target.template({ ...UPLOAD, upload: { max_file_size: 1000 } });
    const folder = freshFolder();
    const holder = await target.holderOf(stored);
    expect((await holder.put(folder, 'fits.bin', Buffer.alloc(1000))).outcome).toBe('200');
    expect((await holder.put(folder, 'over.bin', Buffer.alloc(1001))).outcome).toBe('413 PAYLOAD_TOO_LARGE');
    expect((await holder.upload(folder, 'fits.txt', 'x'.repeat(1000))).outcome).toBe('200');
    expect((await holder.upload(folder, 'over.txt', 'x'.repeat(1001))).outcome).toBe('413 PAYLOAD_TOO_LARGE');
    expect((await target.template()).document).toMatchObject({ upload: { max_file_size: 500_000_000 } });
  });

  test('3.15 bytes are counted while they flow: a size that was not declared is no way around the bound', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ ...UPLOAD, upload: { max_file_size: 100_000 } });
    async function* endless() {
      // More than the bound, in small pieces and without a declared length.
      for (let n = 0; n < 2000; n += 1) yield Buffer.alloc(1000, n);
    }
    expect((await holder.put(folder, 'endless.bin', endless())).outcome).toBe('413 PAYLOAD_TOO_LARGE');
    // A proxy that wants the connection closed must get to read the refusal as well.
    const closing = await holder.put(folder, 'endless.bin', endless(), { connection: 'close' });
    expect(closing.outcome).toBe('413 PAYLOAD_TOO_LARGE');
    const seen = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    expect(seen.status === 404 ? [] : names(seen)).toEqual([]);
  });

  test('3.16 upload.max_total_size bounds the bytes of one key over its life, to the byte', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ ...UPLOAD, upload: { max_total_size: 2500 } });
    expect((await holder.put(folder, 'a.bin', Buffer.alloc(1000))).outcome).toBe('200');
    expect((await holder.put(folder, 'b.bin', Buffer.alloc(1000))).outcome).toBe('200');
    expect((await holder.put(folder, 'c.bin', Buffer.alloc(501))).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect((await holder.put(folder, 'd.bin', Buffer.alloc(500))).outcome).toBe('200');
    expect((await holder.put(folder, 'e.bin', Buffer.alloc(1))).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
  });

  test('3.17 upload.allowed_types takes media types, groups of them and extensions', async () => {
    const folder = freshFolder();
    for (const [allowed, png, gif, pdf] of [
      [['image/png'], '200', '415 MEDIA_TYPE_REFUSED', '415 MEDIA_TYPE_REFUSED'],
      [['image/*'], '200', '200', '415 MEDIA_TYPE_REFUSED'],
      [['.pdf'], '415 MEDIA_TYPE_REFUSED', '415 MEDIA_TYPE_REFUSED', '200'],
      [['gif', 'application/pdf'], '415 MEDIA_TYPE_REFUSED', '200', '200'],
    ] as const) {
      const holder = await target.holder({ ...UPLOAD, upload: { allowed_types: allowed } });
      expect((await holder.upload(folder, 'a.png', PNG, 'image/png')).outcome, `${allowed} png`).toBe(png);
      expect((await holder.upload(folder, 'a.gif', GIF, 'image/gif')).outcome, `${allowed} gif`).toBe(gif);
      expect((await holder.upload(folder, 'a.pdf', PDF, 'application/pdf')).outcome, `${allowed} pdf`).toBe(pdf);
    }
  });

  test('3.18 the type is judged by what the bytes are, not by what name and header claim', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ ...UPLOAD, upload: { allowed_types: ['image/png', 'png'] } });
    const script = '<!doctype html><script>alert(1)</script>';
    expect((await holder.upload(folder, 'page.png', script, 'image/png')).outcome).toBe('415 MEDIA_TYPE_REFUSED');
    expect((await holder.upload(folder, 'paper.png', PDF, 'image/png')).outcome).toBe('415 MEDIA_TYPE_REFUSED');
    expect((await holder.upload(folder, 'real.png', PNG, 'application/octet-stream')).outcome).toBe('200');
  });

  test('3.19 upload.dir_scope holds for uploads only, and is everything unless written', async () => {
    const [mine, other] = [freshFolder(), freshFolder()];
    await target.seed(other, 'seen.txt');
    const holder = await target.holder({ ...ALL_SEEING, upload: { dir_scope: [below(mine)] } });
    expect((await holder.upload(other, 'a.txt')).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.upload(mine, 'a.txt')).outcome).toBe('200');
    expect(names(await holder.list(other))).toEqual(['seen.txt']);
    expect((await target.template()).document).toMatchObject({ upload: { dir_scope: ['/*'] } });
  });

  test('3.20 listing.dir_scope holds for every operation except upload, and is everything unless written', async () => {
    const [mine, other] = [freshFolder(), freshFolder()];
    const hidden = await target.seed(other, 'hidden.txt');
    const everything = ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_RENAME', 'FILE_DELETE', 'DIR_CREATE'];
    const holder = await target.holder({ permissions: everything, listing: { dir_scope: [below(mine)] } });
    expect((await holder.upload(other, 'new.txt')).outcome).toBe('200');
    expect((await holder.list(other)).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.folders(other)).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.call('POST', 'v5/folders', { json: { name: `${other}/x` } })).outcome).toBe(
      '403 SCOPE_DENIED',
    );
    for (const [method, path, json] of [
      ['GET', `v5/files/${hidden['uuid']}`, undefined],
      ['PUT', `v5/file/${hidden['uuid']}/name`, { name: 'mine.txt' }],
      ['DELETE', `v5/files/${hidden['uuid']}`, undefined],
    ] as const) {
      // Outside the scope a file is not there at all.
      expect((await holder.call(method, path, { json })).outcome, `${method} ${path}`).toBe('404 FILE_NOT_FOUND');
    }
    expect((await target.template()).document).toMatchObject({ listing: { dir_scope: ['/*'] } });
  });

  test('3.21 listing.max bounds the calls other than upload of one key over its life', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ ...ALL_SEEING, listing: { max: 2 } });
    expect((await holder.list('/')).outcome).toBe('200');
    expect((await holder.upload(folder, 'a.txt')).outcome).toBe('200');
    expect((await holder.folders('/')).outcome).toBe('200');
    expect((await holder.list('/')).outcome).toBe('403 REQUEST_QUOTA_EXHAUSTED');
    expect((await holder.upload(folder, 'b.txt')).outcome).toBe('200');
  });
});

describe('3 The security template: where from, and how long', () => {
  test('3.22 address lists take addresses, CIDR, ranges and wildcards in IPv4 and IPv6', async () => {
    for (const [range, inside, outside] of [
      ['198.51.100.7', '198.51.100.7', '198.51.100.8'],
      ['198.51.100.0/25', '198.51.100.127', '198.51.100.128'],
      ['198.51.100.10-198.51.100.12', '198.51.100.12', '198.51.100.13'],
      ['198.51.100.*', '198.51.100.255', '198.51.101.0'],
      ['2001:db8::5', '2001:db8:0::5', '2001:db8::6'],
      ['2001:db8:1::/48', '2001:db8:1:ffff::1', '2001:db8:2::1'],
      ['2001:db8::10-2001:db8::12', '2001:db8::11', '2001:db8::13'],
    ] as const) {
      const holder = await target.holder({ permissions: BROWSE, restrictions: { whitelist_ip_ranges: [range] } });
      expect((await holder.with({ from: inside }).list('/')).outcome, `${range} ${inside}`).toBe('200');
      expect((await holder.with({ from: outside }).list('/')).outcome, `${range} ${outside}`).toBe('403 IP_DENIED');
    }
  });

  test('3.23 0.0.0.0 and :: mean everyone, in both families', async () => {
    for (const everyone of ['0.0.0.0', '::']) {
      const holder = await target.holder({ permissions: BROWSE, restrictions: { whitelist_ip_ranges: [everyone] } });
      for (const from of [freshAddress(), '2001:db8::77']) {
        expect((await holder.with({ from }).list('/')).outcome, `${everyone} ${from}`).toBe('200');
      }
    }
  });

  test('3.24 whitelist_countries admits by the country of the client address', async () => {
    const holder = await target.holder({ permissions: BROWSE, restrictions: { whitelist_countries: ['GB', 'SE'] } });
    for (const [country, outcome] of [
      ['GB', '200'],
      ['SE', '200'],
      ['US', '403 COUNTRY_DENIED'],
      ['CN', '403 COUNTRY_DENIED'],
    ] as const) {
      expect((await holder.with({ from: COUNTRY_ADDRESS[country] }).list('/')).outcome, country).toBe(outcome);
    }
  });

  test('3.25 a blocked address or country is refused although a whitelist names it', async () => {
    const address = COUNTRY_ADDRESS.GB;
    const byAddress = await target.holder({
      permissions: BROWSE,
      restrictions: { whitelist_ip_ranges: ['81.2.0.0/16'], blocked_ip_ranges: [address] },
    });
    expect((await byAddress.with({ from: address }).list('/')).outcome).toBe('403 IP_DENIED');
    expect((await byAddress.with({ from: '81.2.69.161' }).list('/')).outcome).toBe('200');
    const byCountry = await target.holder({
      permissions: BROWSE,
      restrictions: { whitelist_countries: ['GB', 'SE'], blocked_countries: ['GB'] },
    });
    expect((await byCountry.with({ from: address }).list('/')).outcome).toBe('403 COUNTRY_DENIED');
    expect((await byCountry.with({ from: COUNTRY_ADDRESS.SE }).list('/')).outcome).toBe('200');
    const blockedOnly = await target.holder({ permissions: BROWSE, restrictions: { blocked_countries: ['US'] } });
    expect((await blockedOnly.with({ from: COUNTRY_ADDRESS.US }).list('/')).outcome).toBe('403 COUNTRY_DENIED');
    expect((await blockedOnly.with({ from: COUNTRY_ADDRESS.SE }).list('/')).outcome).toBe('200');
    // Unknown could be any country: what might be blocked is.
    expect((await blockedOnly.with({ from: freshAddress() }).list('/')).outcome).toBe('403 COUNTRY_DENIED');
  });

  test('3.26 allowed_origins takes exact origins and all hosts below one, compared by labels', async () => {
    const stored = await target.template({
      permissions: BROWSE,
      restrictions: { allowed_origins: ['https://app.example.com', 'https://*.example.org'] },
    });
    const holder = await target.holderOf(stored, { origin: 'https://app.example.com' });
    for (const [origin, outcome] of [
      ['https://app.example.com', '200'],
      ['https://app.example.com:443', '200'],
      ['https://a.example.org', '200'],
      ['https://a.b.example.org', '200'],
      ['https://example.org', '403 ORIGIN_DENIED'],
      ['https://evil-example.org', '403 ORIGIN_DENIED'],
      ['https://app.example.com.evil.test', '403 ORIGIN_DENIED'],
      ['https://app.example.com:8443', '403 ORIGIN_DENIED'],
      ['http://app.example.com', '403 ORIGIN_DENIED'],
      ['null', '403 ORIGIN_DENIED'],
    ] as const) {
      expect((await holder.with({ origin }).list('/')).outcome, origin).toBe(outcome);
    }
    const { origin: _, ...without } = holder.ask;
    expect((await target.call('GET', 'v5/files', without)).outcome).toBe('403 ORIGIN_DENIED');
  });

  test("3.27 allowed_origins is the template's CORS: other pages get refusals, and an answer names the one page that may read it", async () => {
    const named = await target.holder(
      { permissions: BROWSE, restrictions: { allowed_origins: ['https://app.example.com'] } },
      { origin: 'https://app.example.com' },
    );
    const answer = await named.list('/');
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect(answer.headers['vary']).toMatch(/origin/i);
    const foreign = await named.with({ origin: 'https://evil.example' }).list('/');
    expect(foreign.outcome).toBe('403 ORIGIN_DENIED');
    expect(foreign.bytes.toString()).not.toContain('app.example.com');
    const open = await target.holder({ permissions: BROWSE }, { origin: 'https://anywhere.example' });
    expect((await open.list('/')).headers['access-control-allow-origin']).toBe('https://anywhere.example');
    const preflight = await target.call('OPTIONS', 'v5/files', {
      origin: 'https://anywhere.example',
      headers: { 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-filerobot-key' },
    });
    expect(preflight.status).toBeLessThan(300);
    expect(preflight.headers['access-control-allow-headers']).toContain('x-filerobot-key');
  });

  test('3.28 a key may start requests for expiration_duration seconds, which is 1200 unless written', async () => {
    const stored = await target.template({ permissions: BROWSE, key_validity: { expiration_duration: 2 } });
    const began = performance.now();
    const holder = await target.holderOf(stored);
    expect((await holder.list('/')).outcome).toBe('200');
    await eventually(() => holder.list('/'), '401 KEY_EXPIRED', 6000);
    expect(performance.now() - began).toBeGreaterThan(1000);
    expect((await target.template()).document).toMatchObject({ key_validity: { expiration_duration: 1200 } });
  });

  test('3.29 an upload begun in time may finish within finish_duration, although the key expired meanwhile', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', ...BROWSE],
      key_validity: { expiration_duration: 2, finish_duration: 60 },
    });
    const { body, goOn } = stalledBody('first half, ', 'second half');
    const upload = holder.put(folder, 'slow.txt', body);
    await untilUnderWay(upload, () => holder.list('/'));
    await eventually(() => holder.list('/'), '401 KEY_EXPIRED', 6000);
    expect((await holder.upload(folder, 'late.txt')).outcome).toBe('401 KEY_EXPIRED');
    goOn();
    expect((await upload).outcome).toBe('200');
  });

  test('3.30 an upload that outlives finish_duration is refused, and finish_duration is expiration_duration unless written', async () => {
    const folder = freshFolder();
    const stored = await target.template({ ...UPLOAD, key_validity: { expiration_duration: 1 } });
    expect(stored.document).toMatchObject({ key_validity: { expiration_duration: 1, finish_duration: 1 } });
    const holder = await target.holderOf(stored);
    const { body, goOn } = stalledBody('never ');
    const upload = holder.put(folder, 'endless.txt', body);
    expect((await upload).outcome).toBe('401 KEY_EXPIRED');
    goOn();
    const seen = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    expect(seen.status === 404 ? [] : names(seen)).toEqual([]);
  });

  test('3.31 issue.limit_per_ip_per_min bounds exchanges per address and identifier, and is 5 unless written', async () => {
    const [one, other] = [await target.template(), await target.template()];
    const from = freshAddress();
    for (let n = 0; n < 5; n += 1) expect((await target.exchange(one, { from })).outcome).toBe('200');
    const refused = await target.exchange(one, { from });
    expect(refused.outcome).toBe('429 KEY_RATE_LIMITED');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await target.exchange(other, { from })).outcome).toBe('200');
    expect((await target.exchange(one)).outcome).toBe('200');
    const wide = await target.template({ issue: { limit_per_ip_per_min: 7 } });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => target.exchange(wide, { from })));
    expect(outcomes.filter((it) => it.status === 200)).toHaveLength(7);
  });

  test('3.32 with an address list and a country list both must hold', async () => {
    const holder = await target.holder({
      permissions: BROWSE,
      restrictions: { whitelist_ip_ranges: ['81.2.69.0/24', '216.160.83.56'], whitelist_countries: ['GB', 'SE'] },
    });
    expect((await holder.with({ from: COUNTRY_ADDRESS.GB }).list('/')).outcome).toBe('200');
    expect((await holder.with({ from: COUNTRY_ADDRESS.US }).list('/')).outcome).toBe('403 COUNTRY_DENIED');
    expect((await holder.with({ from: COUNTRY_ADDRESS.SE }).list('/')).outcome).toBe('403 IP_DENIED');
  });

  test('3.33 an address whose country cannot be found is in no whitelist', async () => {
    const holder = await target.holder({ permissions: BROWSE, restrictions: { whitelist_countries: ['GB', 'US'] } });
    for (const from of [freshAddress(), '127.0.0.1', 'fd00::1']) {
      expect((await holder.with({ from }).list('/')).outcome, from).toBe('403 COUNTRY_DENIED');
    }
  });

  test('3.34 IPv6 clients are counted per /64 and IPv4 clients per address', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ ...UPLOAD, upload: { limit_per_ip_source: 1 } });
    const upload = async (from: string, name: string) => (await holder.with({ from }).upload(folder, name)).outcome;
    expect(await upload('2001:db8:7:7::1', 'a')).toBe('200');
    expect(await upload('2001:db8:7:7:ffff:1:2:3', 'b')).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(await upload('2001:db8:7:8::1', 'c')).toBe('200');
    const [first, second] = [freshAddress(), freshAddress()];
    expect(await upload(first, 'd')).toBe('200');
    expect(await upload(second, 'e')).toBe('200');
    expect(await upload(second, 'f')).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
  });

  test('3.35 an IPv4 address written as IPv6 is the IPv4 address, for lists, countries and counting', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', ...BROWSE],
      upload: { limit_per_ip_source: 1 },
      restrictions: { whitelist_ip_ranges: ['81.2.69.0/24'], whitelist_countries: ['GB'] },
    });
    const upload = async (from: string, name: string) => (await holder.with({ from }).upload(folder, name)).outcome;
    expect(await upload('::ffff:81.2.69.160', 'a')).toBe('200');
    expect(await upload('81.2.69.160', 'b')).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(await upload('::FFFF:5102:45a0', 'c')).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(await upload('::ffff:81.2.70.1', 'd')).toBe('403 IP_DENIED');
  });
});

describe('3 The security template: managing it', () => {
  test('3.36 templates are listed, made, read, replaced, changed and deleted at v5/security-templates', async () => {
    const made = await target.admin('POST', 'v5/security-templates', {
      json: { name: 'First', description: 'kept', permissions: ['OBJECTS_LIST'] },
    });
    expect(made.at('status')).toBe('success');
    const at = `v5/security-templates/${made.text('security_template.id')}`;
    const read = await target.admin('GET', at);
    expect(read.at('security_template')).toEqual(made.at('security_template'));
    const changed = await target.admin('PATCH', at, { json: { name: 'Second' } });
    expect(changed.at('security_template')).toMatchObject({
      name: 'Second',
      description: 'kept',
      permissions: ['OBJECTS_LIST'],
    });
    const replaced = await target.admin('PUT', at, { json: { name: 'Third' } });
    expect(replaced.at('security_template')).toMatchObject({ name: 'Third', description: '', permissions: [] });
    const listed = await target.admin('GET', 'v5/security-templates?limit=1000');
    expect(listed.at('info.total')).toBe(listed.list('security_templates').length);
    expect(names(listed, 'security_templates')).toContain('Third');
    expect((await target.admin('DELETE', at)).status).toBe(200);
    expect((await target.admin('GET', at)).outcome).toBe('404 TEMPLATE_NOT_FOUND');
  });

  test('3.37 many templates are activated and deactivated with one call', async () => {
    const [one, two] = [await target.template(), await target.template()];
    const ids = [one.id, two.id];
    const off = await target.admin('POST', 'v5/security-templates/deactivate', { json: { ids } });
    expect(off.list('security_templates').map((it) => member(it, 'active'))).toEqual([false, false]);
    for (const id of ids) expect((await target.exchange(id)).outcome).toBe('404 TEMPLATE_NOT_FOUND');
    const on = await target.admin('POST', 'v5/security-templates/activate', { json: { ids } });
    expect(on.list('security_templates').map((it) => member(it, 'active'))).toEqual([true, true]);
    for (const id of ids) expect((await target.exchange(id)).outcome).toBe('200');
  });

  test('3.38 secret keys are managed likewise at v5/secret-keys, and show their secret once', async () => {
    const made = await target.admin('POST', 'v5/secret-keys', { json: { name: 'CI', permissions: ['OBJECTS_LIST'] } });
    const secret = made.text('secret_key.secret');
    const id = made.text('secret_key.id');
    const use = () => target.call('GET', 'v5/files', { key: secret, from: freshAddress() });
    expect((await use()).outcome).toBe('200');
    const read = await target.admin('GET', `v5/secret-keys/${id}`);
    const listed = await target.admin('GET', 'v5/secret-keys?limit=1000');
    for (const answer of [read, listed]) expect(answer.bytes.toString()).not.toContain(secret);
    expect(listed.at('info.total')).toBe(listed.list('secret_keys').length);
    const changed = await target.admin('PATCH', `v5/secret-keys/${id}`, { json: { permissions: [] } });
    expect(changed.at('secret_key')).toMatchObject({ name: 'CI', permissions: [] });
    await eventually(use, '403 PERMISSION_DENIED', 1000);
    const replaced = await target.admin('PUT', `v5/secret-keys/${id}`, {
      json: { name: 'CI 2', permissions: ['OBJECTS_LIST'] },
    });
    expect(replaced.at('secret_key.name')).toBe('CI 2');
    await target.admin('POST', 'v5/secret-keys/deactivate', { json: { ids: [id] } });
    await eventually(use, '401 UNAUTHORIZED', 1000);
    await target.admin('POST', 'v5/secret-keys/activate', { json: { ids: [id] } });
    await eventually(use, '200', 1000);
    expect((await target.admin('DELETE', `v5/secret-keys/${id}`)).status).toBe(200);
    await eventually(use, '401 UNAUTHORIZED', 1000);
  });

  test('3.39 reading templates and secret keys needs ACCESS_READ, changing them ACCESS_MANAGE', async () => {
    const reader = await target.secretKey({ permissions: ['ACCESS_READ'] });
    const writer = await target.secretKey({ permissions: ['ACCESS_MANAGE'] });
    for (const room of ['security-templates', 'secret-keys']) {
      const list = (key: string) => target.call('GET', `v5/${room}`, { key, from: freshAddress() });
      const make = (key: string) =>
        target.call('POST', `v5/${room}`, { key, from: freshAddress(), json: { name: 'By key' } });
      expect((await list(reader.secret)).status, room).toBe(200);
      expect((await make(reader.secret)).outcome, room).toBe('403 PERMISSION_DENIED');
      expect((await list(writer.secret)).outcome, room).toBe('403 PERMISSION_DENIED');
      expect((await make(writer.secret)).status, room).toBeLessThan(300);
    }
  });

  test('3.40 saving reports every fault at once, by field path', async () => {
    const answer = await target.admin('POST', 'v5/security-templates', {
      json: {
        name: 7,
        permissions: ['NOPE'],
        upload: { max: -1, dir_scope: ['/ok', 'no-slash'], max_file_size: 'big' },
        restrictions: { whitelist_countries: ['XX'], whitelist_ip_ranges: ['300.1.1.1'], allowed_origins: ['*'] },
        key_validity: { expiration_duration: 0 },
        surprise: true,
      },
    });
    expect(answer.outcome).toBe('400 REQUEST_INVALID');
    const fields = answer.list('faults').map((it) => member(it, 'field'));
    expect(fields).toEqual(
      expect.arrayContaining([
        'name',
        'permissions[0]',
        'upload.max',
        'upload.dir_scope[1]',
        'upload.max_file_size',
        'restrictions.whitelist_countries[0]',
        'restrictions.whitelist_ip_ranges[0]',
        'restrictions.allowed_origins[0]',
        'key_validity.expiration_duration',
        'surprise',
      ]),
    );
    expect(fields).toHaveLength(10);
  });

  test('3.41 saving warns of delete everywhere, of uploads without limits and of keys that live over a day, without refusing', async () => {
    const warnings = async (json: object) => {
      const answer = await target.admin('POST', 'v5/security-templates', { json });
      expect(answer.status).toBeLessThan(300);
      return new Set(answer.list('warnings').map((it) => member(it, 'code'))).size;
    };
    expect(await warnings({ name: 'Careful', permissions: ['OBJECTS_LIST'] })).toBe(0);
    expect(await warnings({ name: 'Delete', permissions: ['FILE_DELETE'] })).toBe(1);
    expect(await warnings({ name: 'Upload', permissions: ['FILE_UPLOAD'] })).toBe(1);
    expect(await warnings({ name: 'Long', key_validity: { expiration_duration: 86_401 } })).toBe(1);
    const all = { permissions: ['FILE_DELETE', 'FILE_UPLOAD'], key_validity: { expiration_duration: 100_000 } };
    expect(await warnings({ name: 'All three', ...all })).toBe(3);
  });
});
