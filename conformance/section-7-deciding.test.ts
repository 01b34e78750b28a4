// Product definition section 7, sentence by sentence: one decision for every entry point, in one order, that says why.
import { describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { useTarget } from './support/suite.ts';
import {
  BROWSE,
  COUNTRY_ADDRESS,
  eventually,
  freshAddress,
  freshFolder,
  names,
  PNG,
  stalledBody,
  untilUnderWay,
} from './support/target.ts';

const target = useTarget();

describe('7 Deciding: one decision, one order', () => {
  test('7.1 the same key is refused for the same reason at every entry point', async () => {
    const folder = freshFolder();
    const file = await target.seed(folder, 'private.png', PNG);
    const hidden = await target.admin('PUT', 'v5/objects/visibility/cdn', {
      json: { files_uuids: [file['uuid']], visibility: 'not_public' },
    });
    const delivery = new URL(hidden.text('files.0.url.cdn'));
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', 'DIR_CREATE', 'FILE_DELETE', ...BROWSE],
      restrictions: { blocked_countries: ['GB'] },
    });
    const fromThere = holder.with({ from: COUNTRY_ADDRESS.GB });
    const json = { name: 'a.txt', data: 'aGVsbG8=', postactions: 'decode_base64' };
    const attempts = [
      fromThere.list(folder),
      fromThere.folders(folder),
      fromThere.call('GET', `v5/files/${file['uuid']}`),
      fromThere.call('GET', `v4/get/${file['uuid']}`),
      fromThere.call('GET', `${delivery.pathname}${delivery.search}&w=250`),
      fromThere.upload(folder, 'a.txt'),
      fromThere.put(folder, 'a.txt', 'raw'),
      fromThere.call('POST', `v4/files?folder=${folder}`, { json }),
      fromThere.call('POST', 'v5/folders', { json: { name: `${folder}/x` } }),
      fromThere.call('DELETE', `v5/files/${file['uuid']}`),
      fromThere.call('GET', 'v5/settings'),
    ];
    for (const answer of await Promise.all(attempts)) expect(answer.outcome).toBe('403 COUNTRY_DENIED');
  });

  test('7.2 a dry run gives the same decision as the real thing, with the trace of rules, and costs nothing', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
      upload: { max: 1, max_file_size: 100, dir_scope: [folder] },
      listing: { max: 1 },
    });
    const check = async (json: object) => {
      const answer = await holder.call('POST', 'v5/check', { json });
      expect(answer.outcome).toBe('200');
      expect(answer.list('decision.trace').length).toBeGreaterThan(5);
      return answer.at('decision.allow') === true ? 'allow' : answer.text('decision.code');
    };
    for (let n = 0; n < 3; n += 1) {
      expect(await check({ operation: 'file.upload', folder, size: 100 })).toBe('allow');
      expect(await check({ operation: 'file.upload', folder, size: 101 })).toBe('PAYLOAD_TOO_LARGE');
      expect(await check({ operation: 'file.upload', folder: '/elsewhere' })).toBe('SCOPE_DENIED');
      expect(await check({ operation: 'folder.create', folder })).toBe('PERMISSION_DENIED');
    }
    expect((await holder.put(folder, 'a', 'x'.repeat(101))).outcome).toBe('413 PAYLOAD_TOO_LARGE');
    expect((await holder.put('/elsewhere', 'a', 'x')).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.put(folder, 'a', 'x'.repeat(100))).outcome).toBe('200');
    expect((await holder.list('/')).outcome).toBe('200');
  });

  test('7.3 rules are asked in one order: the first that refuses is the reason', async () => {
    const folder = freshFolder();
    const from = COUNTRY_ADDRESS.GB;
    const good = {
      active: true,
      permissions: ['FILE_UPLOAD'],
      upload: { max: 1, max_file_size: 100, dir_scope: [folder] },
      restrictions: {},
    };
    const holder = await target.holder(good, { from });
    expect((await holder.put(folder, 'uses-up-the-quota', 'x')).outcome).toBe('200');
    const attempt = () => holder.put(folder, 'too-large', 'x'.repeat(101));
    // Everything is wrong at first; each step puts one thing right, in the order of the rules.
    let fields: Record<string, unknown> = {
      active: false,
      permissions: ['OBJECTS_LIST'],
      upload: { max: 1, max_file_size: 100, dir_scope: ['/elsewhere'] },
      restrictions: {
        allowed_origins: ['https://app.example.com'],
        blocked_ip_ranges: [from],
        blocked_countries: ['GB'],
      },
    };
    for (const [repair, code] of [
      [{}, '401 KEY_REVOKED'],
      [{ active: true }, '403 ORIGIN_DENIED'],
      [{ restrictions: { blocked_ip_ranges: [from], blocked_countries: ['GB'] } }, '403 IP_DENIED'],
      [{ restrictions: { blocked_countries: ['GB'] } }, '403 COUNTRY_DENIED'],
      [{ restrictions: {} }, '403 PERMISSION_DENIED'],
      [{ permissions: ['FILE_UPLOAD'] }, '403 SCOPE_DENIED'],
      [{ upload: { max: 1, max_file_size: 100, dir_scope: [folder] } }, '413 PAYLOAD_TOO_LARGE'],
      [{ upload: { max: 1, max_file_size: 1000, dir_scope: [folder] } }, '403 UPLOAD_QUOTA_EXHAUSTED'],
      [{ upload: { max: 2, max_file_size: 1000, dir_scope: [folder] } }, '200'],
    ] as const) {
      fields = { ...fields, ...repair };
      const replaced = await target.admin('PUT', `v5/security-templates/${holder.template.id}`, {
        json: { name: 'Order', ...fields },
      });
      expect(replaced.status).toBe(200);
      await eventually(attempt, code, 1000);
    }
  });

  test('7.4 a forged key is refused as such, before anything about its template is looked at', async () => {
    const holder = await target.holder({ permissions: BROWSE, key_validity: { expiration_duration: 1 } });
    await target.patch(holder.template, { active: false });
    const forged = holder.key.slice(0, -4) + (holder.key.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    const answer = await holder.with({ key: forged, from: freshAddress() }).list('/');
    expect(answer.outcome).toBe('401 KEY_INVALID');
  });

  test('7.5 a dead template outranks an expired key, and an expired key outranks where it comes from', async () => {
    const holder = await target.holder({
      permissions: BROWSE,
      restrictions: { blocked_ip_ranges: ['10.0.0.0/8'] },
      key_validity: { expiration_duration: 1 },
    });
    const list = () => holder.list('/');
    await eventually(list, '401 KEY_EXPIRED', 4000);
    await target.patch(holder.template, { active: false });
    await eventually(list, '401 KEY_REVOKED', 1000);
  });
});

describe('7 Deciding: limits', () => {
  test('7.6 a refused request costs nothing from a limit', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
      upload: { max: 2, limit_per_min: 2, max_file_size: 100, allowed_types: ['image/*'], dir_scope: [folder] },
      listing: { max: 1, dir_scope: [folder] },
    });
    expect((await holder.upload('/elsewhere', 'a.png', PNG)).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.put(folder, 'a.png', 'x'.repeat(101))).outcome).toBe('413 PAYLOAD_TOO_LARGE');
    expect((await holder.upload(folder, 'a.png', 'no image')).outcome).toBe('415 MEDIA_TYPE_REFUSED');
    expect((await holder.with({ key: `${holder.key}x`, from: freshAddress() }).upload(folder, 'a')).status).toBe(401);
    expect((await holder.list('/elsewhere')).outcome).toBe('403 SCOPE_DENIED');
    expect((await holder.call('GET', 'v5/files/no-such-file')).outcome).toBe('403 PERMISSION_DENIED');
    expect((await holder.upload(folder, 'a.png', PNG)).outcome).toBe('200');
    expect((await holder.upload(folder, 'b.png', PNG)).outcome).toBe('200');
    expect((await holder.list(folder)).outcome).toBe('200');
    expect((await holder.list(folder)).outcome).toBe('403 REQUEST_QUOTA_EXHAUSTED');
  });

  test('7.7 an upload that is broken off gives back what it had reserved', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE], upload: { max: 1 } });
    const stop = new AbortController();
    const { body } = stalledBody('half of it');
    const path = `v4/upload?folder=${folder}&filename=half.txt`;
    const upload = holder.call('PUT', path, { body, signal: stop.signal });
    await untilUnderWay(upload, () => holder.list('/'));
    expect((await holder.upload(folder, 'b.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    stop.abort();
    await expect(upload).rejects.toThrow();
    await eventually(() => holder.upload(folder, 'b.txt'), '200', 5000);
    expect((await holder.upload(folder, 'c.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect(names(await holder.list(folder))).toEqual(['b.txt']);
  });

  test('7.8 a long upload is asked again when it ends, even if it never stopped sending', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE] });
    const { body, goOn } = stalledBody('first ', 'last');
    const upload = holder.put(folder, 'long.txt', body);
    await untilUnderWay(upload, () => holder.list('/'));
    const edited = target.patch(holder.template, { permissions: BROWSE });
    await edited;
    goOn();
    expect((await upload).outcome).toBe('403 PERMISSION_DENIED');
    const seen = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    expect(seen.status === 404 ? [] : names(seen)).toEqual([]);
  });
});

describe('7 Deciding: saying why', () => {
  test('7.9 every refusal is JSON with a code, words for people, a hint and a request id', async () => {
    const holder = await target.holder({ permissions: ['OBJECTS_LIST'], listing: { dir_scope: ['/inside'] } });
    const refusals = await Promise.all([
      target.call('GET', 'v5/files'),
      target.call('GET', 'v5/files', { key: 'SASS__v2__x', from: freshAddress() }),
      target.call('GET', `key/SECU_${'0'.repeat(32)}`, { from: freshAddress() }),
      holder.list('/outside'),
      holder.call('GET', 'v5/files/00000000-0000-0000-0000-000000000000'),
      holder.upload('/inside', 'a.txt'),
      holder.list('/a/../b'),
      target.call('GET', 'v5/nothing-here', { from: freshAddress() }),
      target.admin('POST', 'v5/security-templates', { json: { upload: 1 } }),
      target.admin('POST', 'v5/security-templates', {
        body: '{"broken',
        headers: { 'content-type': 'application/json' },
      }),
      target.admin('GET', 'v5/files/00000000-0000-0000-0000-000000000000'),
    ]);
    const ids = new Set<unknown>();
    for (const answer of refusals) {
      expect(answer.status, answer.bytes.toString()).toBeGreaterThanOrEqual(400);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.json).toMatchObject({
        status: 'error',
        code: expect.stringMatching(/^[A-Z]+(_[A-Z]+)*$/),
        msg: expect.stringMatching(/.{5,}/),
        hint: expect.stringMatching(/.{5,}/),
        request_id: expect.stringMatching(/.{8,}/),
      });
      ids.add(answer.at('request_id'));
    }
    expect(ids.size).toBe(refusals.length);
  });

  test('7.10 a refusal names the rule, the limit and the actual value where the caller may know them', async () => {
    const folder = freshFolder();
    const holder = await target.holder({
      permissions: ['FILE_UPLOAD', 'OBJECTS_LIST'],
      upload: { max: 1, max_file_size: 10 },
      listing: { max: 1 },
    });
    const large = await holder.put(folder, 'large.txt', 'x'.repeat(11));
    expect(large.json).toMatchObject({ rule: expect.stringMatching(/size/), limit: 10 });
    expect(String(large.at('actual'))).toMatch(/1[01]/);
    expect((await holder.upload(folder, 'a.txt', 'x')).outcome).toBe('200');
    expect((await holder.upload(folder, 'b.txt', 'x')).json).toMatchObject({ rule: 'upload.max', limit: 1, actual: 1 });
    await holder.list('/');
    expect((await holder.list('/')).json).toMatchObject({ rule: 'listing.max', limit: 1, actual: 1 });
    const blocked = await target.holder({
      permissions: BROWSE,
      restrictions: { whitelist_ip_ranges: ['203.0.113.77'], whitelist_countries: ['GB'] },
    });
    // Lists of addresses are the admin's business.
    expect((await blocked.list('/')).bytes.toString()).not.toContain('203.0.113.77');
  });

  test('7.11 429 carries Retry-After: the seconds until the oldest counted upload leaves the window', async () => {
    const holder = await target.holder({ permissions: ['FILE_UPLOAD'], upload: { limit_per_min: 1 } });
    const folder = freshFolder();
    const began = performance.now();
    expect((await holder.upload(folder, 'a.txt')).outcome).toBe('200');
    const refused = await holder.upload(folder, 'b.txt');
    expect(refused.outcome).toBe('429 UPLOAD_RATE_LIMITED');
    const seconds = Number(refused.headers['retry-after']);
    const passed = (performance.now() - began) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(60 - Math.ceil(passed));
    expect(seconds).toBeLessThanOrEqual(60);
  });

  test('7.12 who is not known is answered 401 with a challenge, who is known and may not 403', async () => {
    const missing = await target.call('GET', 'v5/files', { from: freshAddress() });
    expect(missing.outcome).toBe('401 KEY_MISSING');
    expect(missing.headers['www-authenticate']).toMatch(/^Bearer/);
    const invalid = await target.call('GET', 'v5/files', { key: 'SASS__v2__AAAA.BBBB', from: freshAddress() });
    expect(invalid.outcome).toBe('401 KEY_INVALID');
    expect(invalid.headers['www-authenticate']).toMatch(/^Bearer/);
    const known = await (await target.holder()).list('/');
    expect(known.outcome).toBe('403 PERMISSION_DENIED');
  });

  test('7.13 a bad credential that is not in the form of an access key is UNAUTHORIZED', async () => {
    for (const key of ['0123456789abcdef0123456789abcdef', 'lk_not_a_real_secret_key', 'x', `SECU_${'A'.repeat(32)}`]) {
      const answer = await target.call('GET', 'v4/files/', { key, from: freshAddress() });
      expect(answer.outcome, key).toBe('401 UNAUTHORIZED');
    }
  });

  test('7.14 two credentials in one request are refused, for no one must choose between them', async () => {
    const holder = await target.holder({ permissions: BROWSE });
    for (const ask of [
      { headers: { authorization: `Bearer ${target.adminKey}` } },
      { headers: { 'x-airstore-key': target.adminKey } },
    ]) {
      expect((await holder.call('GET', 'v5/files', ask)).outcome).toBe('400 CREDENTIALS_AMBIGUOUS');
    }
    expect((await holder.call('GET', `v5/files?key=${holder.key}`)).outcome).toBe('400 CREDENTIALS_AMBIGUOUS');
  });

  test('7.15 unknown, foreign and inactive templates look alike', async () => {
    const inactive = await target.template({ active: false });
    const deleted = await target.template();
    await target.admin('DELETE', `v5/security-templates/${deleted.id}`);
    const existing = await target.template();
    const bodies = [];
    for (const path of [
      `key/${inactive.id}`,
      `key/${deleted.id}`,
      `key/SECU_${'0'.repeat(32)}`,
      'key/nonsense',
      `/no-such-container/key/${existing.id}`,
    ]) {
      const answer = await target.call('GET', path, { from: freshAddress() });
      expect(answer.outcome, path).toBe('404 TEMPLATE_NOT_FOUND');
      const { request_id, ...body } = Object(answer.json);
      bodies.push(body);
    }
    for (const body of bodies) expect(body).toEqual(bodies[0]);
  });

  test('7.16 failed requests leave nothing: several files in one body are taken all or none', async () => {
    const folder = freshFolder();
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE], upload: { max: 3 } });
    const form = (count: number) => {
      const boundary = 'one-boundary-for-all';
      const head = (n: number) => `Content-Disposition: form-data; name="files[]"; filename="${n}.txt"`;
      const parts = Array.from({ length: count }, (_, n) => `--${boundary}\r\n${head(n)}\r\n\r\nfile ${n}\r\n`);
      const body = `${parts.join('')}--${boundary}--\r\n`;
      return { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
    };
    const path = `v4/files?folder=${encodeURIComponent(folder)}`;
    expect((await holder.call('POST', path, form(4))).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    const after = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
    expect(after.status === 404 ? [] : names(after)).toEqual([]);
    const taken = await holder.call('POST', path, form(3));
    expect(taken.outcome).toBe('200');
    expect(taken.list('files').map((it) => member(it, 'name'))).toEqual(['0.txt', '1.txt', '2.txt']);
  });
});
