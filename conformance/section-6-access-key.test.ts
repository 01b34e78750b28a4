// Product definition section 6, sentence by sentence: what an access key is, and that its rights are live.
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { useTarget } from './support/suite.ts';
import {
  BROWSE,
  below,
  COUNTRY_ADDRESS,
  eventually,
  freshAddress,
  freshFolder,
  names,
  stalledBody,
  untilUnderWay,
} from './support/target.ts';

const target = useTarget();

/** Takes rights from a key as anybody can who holds it: with its tag as the secret, and nothing else. */
function narrowed(key: string, narrowing: object): string {
  const parts = key.split('.');
  const tag = Buffer.from(parts.pop() ?? '', 'base64url');
  const segment = Buffer.from(JSON.stringify(narrowing)).toString('base64url');
  return [...parts, segment, createHmac('sha256', tag).update(segment).digest('base64url')].join('.');
}

describe('6 The access key: its form', () => {
  test('6.1 a key is SASS__v2__ and text that is safe in addresses, at most one kilobyte long', async () => {
    const holder = await target.holder({ permissions: BROWSE, restrictions: { whitelist_ip_ranges: ['0.0.0.0'] } });
    expect(holder.key).toMatch(/^SASS__v2__[A-Za-z0-9._~-]+$/);
    expect(holder.key.length).toBeLessThanOrEqual(1024);
    const asQuery = await target.call('GET', `v5/files?key=${holder.key}`, { from: freshAddress() });
    expect(asQuery.outcome).toBe('200');
  });

  test('6.2 every exchange gives another key, with counters of its own', async () => {
    const stored = await target.template({ permissions: BROWSE, listing: { max: 1 } });
    const [one, other] = [await target.holderOf(stored), await target.holderOf(stored)];
    expect(one.key).not.toBe(other.key);
    expect((await one.list('/')).outcome).toBe('200');
    expect((await one.list('/')).outcome).toBe('403 REQUEST_QUOTA_EXHAUSTED');
    expect((await other.list('/')).outcome).toBe('200');
  });

  test('6.3 a key does not copy its template: its length does not grow with the rights', async () => {
    const small = await target.holder();
    const large = await target.holder({
      permissions: BROWSE,
      listing: { dir_scope: Array.from({ length: 100 }, (_, n) => `/folder-number-${n}/*`) },
    });
    expect(large.key.length).toBe(small.key.length);
  });
});

describe('6 The access key: live rights', () => {
  test('6.4 a right added to the template reaches live keys within one second', async () => {
    const holder = await target.holder({ permissions: ['OBJECTS_FETCH'] });
    expect((await holder.list('/')).outcome).toBe('403 PERMISSION_DENIED');
    await target.patch(holder.template, { permissions: BROWSE });
    expect((await eventually(() => holder.list('/'), '200', 1000)).tookMs).toBeLessThan(1000);
  });

  test('6.5 a right, a folder or an address taken from the template is gone from live keys within one second', async () => {
    const folder = freshFolder();
    await target.seed(folder, 'a.txt');
    const holder = await target.holder({ permissions: BROWSE });
    const list = () => holder.list(folder);
    expect((await list()).outcome).toBe('200');
    for (const [fields, outcome] of [
      [{ listing: { dir_scope: ['/elsewhere'] } }, '403 SCOPE_DENIED'],
      [{ permissions: ['OBJECTS_FETCH'] }, '403 PERMISSION_DENIED'],
      [{ restrictions: { whitelist_countries: ['GB'] } }, '403 COUNTRY_DENIED'],
      [{ restrictions: { blocked_ip_ranges: ['10.0.0.0/8'] } }, '403 IP_DENIED'],
    ] as const) {
      await target.patch(holder.template, fields);
      expect((await eventually(list, outcome, 1000)).tookMs).toBeLessThan(1000);
    }
  });

  test('6.6 deleting the template ends its live keys within one second, and for good', async () => {
    const holder = await target.holder({ permissions: BROWSE });
    await target.admin('DELETE', `v5/security-templates/${holder.template.id}`);
    const { tookMs } = await eventually(() => holder.list('/'), '401 KEY_REVOKED', 1000);
    expect(tookMs).toBeLessThan(1000);
    expect((await target.exchange(holder.template)).outcome).toBe('404 TEMPLATE_NOT_FOUND');
  });

  test('6.7 revoking one key ends it within one second, with every key narrowed from it and no other', async () => {
    const [one, other] = [await target.holder({ permissions: BROWSE }), await target.holder({ permissions: BROWSE })];
    const narrower = one.with({ key: narrowed(one.key, { listing: { max: 100 } }) });
    expect((await narrower.list('/')).outcome).toBe('200');
    expect((await target.admin('POST', 'v5/key/revoke', { json: { key: one.key } })).status).toBe(200);
    expect((await eventually(() => one.list('/'), '401 KEY_REVOKED', 1000)).tookMs).toBeLessThan(1000);
    expect((await narrower.list('/')).outcome).toBe('401 KEY_REVOKED');
    expect((await other.list('/')).outcome).toBe('200');
  });

  test('6.8 an edit stops uploads in flight within one second, and nothing of them is kept', async () => {
    for (const [fields, outcome] of [
      [{ active: false }, '401 KEY_REVOKED'],
      [{ permissions: ['OBJECTS_LIST'] }, '403 PERMISSION_DENIED'],
      [{ upload: { dir_scope: ['/elsewhere'] } }, '403 SCOPE_DENIED'],
    ] as const) {
      const folder = freshFolder();
      const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE] });
      const { body, goOn } = stalledBody('never finished ');
      const upload = holder.put(folder, 'in-flight.txt', body);
      await untilUnderWay(upload, () => holder.list('/'));
      await target.patch(holder.template, fields);
      const began = performance.now();
      expect((await upload).outcome).toBe(outcome);
      expect(performance.now() - began, outcome).toBeLessThan(1000);
      goOn();
      const seen = await target.admin('GET', `v5/files?folder=${encodeURIComponent(folder)}`);
      expect(seen.status === 404 ? [] : names(seen)).toEqual([]);
    }
  });
});

describe('6 The access key: narrowing', () => {
  test('6.9 whoever holds a key can narrow it without a secret and without the server', async () => {
    const [mine, other] = [freshFolder(), freshFolder()];
    for (const folder of [mine, other]) await target.seed(folder, 'a.txt');
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE] });
    const once = holder.with({ key: narrowed(holder.key, { listing: { dir_scope: [below(mine)] } }) });
    expect((await once.list(mine)).outcome).toBe('200');
    expect((await once.list(other)).outcome).toBe('403 SCOPE_DENIED');
    expect((await once.upload(other, 'b.txt')).outcome).toBe('200');
    const twice = once.with({ key: narrowed(once.key, { permissions: ['OBJECTS_LIST'] }) });
    expect((await twice.list(mine)).outcome).toBe('200');
    expect((await twice.list(other)).outcome).toBe('403 SCOPE_DENIED');
    expect((await twice.upload(mine, 'c.txt')).outcome).toBe('403 PERMISSION_DENIED');
  });

  test('6.10 a narrowing can only remove rights: what the template does not give, it does not give either', async () => {
    const [inside, outside] = [freshFolder(), freshFolder()];
    await target.seed(outside, 'a.txt');
    const holder = await target.holder({
      permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'],
      upload: { max: 1, dir_scope: [inside] },
      listing: { dir_scope: [inside] },
      restrictions: { blocked_ip_ranges: ['198.51.100.0/24'] },
    });
    expect((await holder.upload(inside, 'first.txt')).outcome).toBe('200');
    const wider = holder.with({
      key: narrowed(holder.key, {
        permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD'],
        upload: { max: 100, dir_scope: ['/*'] },
        listing: { dir_scope: ['/*'] },
        restrictions: { whitelist_ip_ranges: ['0.0.0.0'] },
        expires_at: 4_000_000_000,
      }),
    });
    expect((await wider.list(inside)).outcome).toBe('200');
    expect((await wider.list(outside)).outcome).toBe('403 SCOPE_DENIED');
    expect((await wider.upload(outside, 'b.txt')).outcome).toBe('403 SCOPE_DENIED');
    expect((await wider.upload(inside, 'second.txt')).outcome).toBe('403 UPLOAD_QUOTA_EXHAUSTED');
    expect((await wider.with({ from: '198.51.100.9' }).list(inside)).outcome).toBe('403 IP_DENIED');
    const info = await target.call('GET', `v4/key/info?key=${wider.key}`, { from: freshAddress() });
    expect(info.list('permissions')).not.toContain('OBJECTS_FETCH');
  });

  test('6.11 a narrowing cannot be taken off, exchanged or put in another order', async () => {
    const holder = await target.holder({ permissions: BROWSE });
    const first = narrowed(holder.key, { permissions: ['OBJECTS_LIST'] });
    const second = narrowed(first, { listing: { max: 5 } });
    const parts = second.split('.');
    const [body, one, two, tag] = parts;
    expect(parts).toHaveLength(4);
    expect((await holder.with({ key: second }).list('/')).outcome).toBe('200');
    for (const key of [
      [body, tag],
      [body, one, tag],
      [body, two, tag],
      [body, two, one, tag],
      [body, one, one, tag],
    ]) {
      const from = freshAddress();
      expect((await holder.with({ key: key.join('.'), from }).list('/')).outcome).toBe('401 KEY_INVALID');
    }
  });

  test('6.12 a secret key makes access keys with overrides, which can only remove rights of the secret key', async () => {
    const [inside, outside] = [freshFolder(), freshFolder()];
    for (const folder of [inside, outside]) await target.seed(folder, 'a.txt');
    const { secret, id } = await target.secretKey({ permissions: ['CONFIG_CHANGE', 'OBJECTS_LIST'] });
    const make = async (json: object, path = 'v5/key') => {
      const made = await target.call('POST', path, { key: secret, from: freshAddress(), json });
      expect(made.outcome).toBe('200');
      return made.text('key');
    };
    const from = freshAddress();
    const data = {
      permissions: ['OBJECTS_LIST'],
      listing: { dir_scope: [below(inside)] },
      key_validity: { expire_duration: 600 },
    };
    for (const key of [await make({ data }), await make(data, 'key')]) {
      expect(key).toMatch(/^SASS__v2__/);
      const ask = { key, from };
      expect((await target.call('GET', `v5/files?folder=${inside}`, ask)).outcome).toBe('200');
      expect((await target.call('GET', `v5/files?folder=${outside}`, ask)).outcome).toBe('403 SCOPE_DENIED');
    }
    const more = { permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'] };
    const refused = await target.call('POST', 'v5/key', { key: secret, from: freshAddress(), json: more });
    expect(refused.outcome).toBe('400 REQUEST_INVALID');
    const short = await make({ permissions: ['OBJECTS_LIST'], key_validity: { expire_duration: 1 } });
    const list = (key: string) => target.call('GET', 'v5/files', { key, from });
    await eventually(() => list(short), '401 KEY_EXPIRED', 4000);
    const doomed = await make({ permissions: ['OBJECTS_LIST'] });
    expect((await list(doomed)).outcome).toBe('200');
    await target.admin('POST', 'v5/secret-keys/deactivate', { json: { ids: [id] } });
    await eventually(() => list(doomed), '401 KEY_REVOKED', 1000);
  });
});

describe('6 The access key: exchange', () => {
  test('6.13 the exchange answers status, key, hint and debug on every path that clients use', async () => {
    const stored = await target.template({ permissions: BROWSE });
    for (const path of ['key', 'v3/key', 'v4/key', 'v5/key']) {
      const answer = await target.call('GET', `${path}/${stored.id}`, { from: freshAddress() });
      expect(answer.status, path).toBe(200);
      expect(answer.json, path).toMatchObject({
        status: 'success',
        key: expect.stringMatching(/^SASS__v2__/),
        hint: expect.any(String),
        debug: null,
      });
    }
  });

  test('6.14 the hint says so when the address that asks could not use the key', async () => {
    const stored = await target.template({
      permissions: BROWSE,
      restrictions: { whitelist_countries: ['GB'], blocked_ip_ranges: ['81.2.69.161'] },
    });
    const good = await target.exchange(stored, { from: COUNTRY_ADDRESS.GB });
    const foreign = await target.exchange(stored, { from: COUNTRY_ADDRESS.US });
    const blocked = await target.exchange(stored, { from: '81.2.69.161' });
    for (const answer of [good, foreign, blocked]) expect(answer.outcome).toBe('200');
    expect(foreign.text('hint')).toMatch(/country/i);
    expect(blocked.text('hint')).toMatch(/address|network/i);
    expect(good.text('hint')).not.toMatch(/country|not be used/i);
  });

  test('6.15 the exchange never tells the validity in seconds: milliseconds below twenty minutes, else nothing', async () => {
    const usual = await target.exchange(await target.template());
    expect(usual.at('key_validity')).toBeUndefined();
    const short = await target.exchange(await target.template({ key_validity: { expiration_duration: 600 } }));
    expect(short.at('key_validity.expire_duration')).toBe((600 - 30) * 1000);
    const brief = await target.exchange(await target.template({ key_validity: { expiration_duration: 10 } }));
    // Zero or less would make a widget ask in a loop.
    expect(Number(brief.at('key_validity.expire_duration') ?? 1)).toBeGreaterThan(0);
  });

  test('6.16 key/info says what the key may do, and never with an empty list, which a widget reads as everything', async () => {
    const info = (key: string) => target.call('GET', `v4/key/info?key=${key}`, { from: freshAddress() });
    const some = await info((await target.holder({ permissions: BROWSE })).key);
    expect(some.json).toMatchObject({ status: 'success', is_validate: true, is_user_info_included: false });
    expect([...some.list('permissions')].sort()).toEqual(['OBJECTS_FETCH', 'OBJECTS_LIST']);
    const none = await info((await target.holder()).key);
    expect(none.list('permissions').length).toBeGreaterThan(0);
    for (const word of none.list('permissions')) {
      expect('FILE_UPLOAD OBJECTS_LIST DIR_CREATE ACCESS_READ'.toLowerCase()).not.toMatch(
        new RegExp(String(word), 'i'),
      );
    }
  });
});
