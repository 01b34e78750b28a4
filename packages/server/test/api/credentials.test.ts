// What is no credential, what are two, and whose address counts (threats 3, 4, 16, 17, 26, 29 and 38).
import { createHmac } from 'node:crypto';
import { encodeKey, narrowKey, parseNarrowing } from '@latchkey/policy';
import { afterAll, describe, expect, test } from 'vitest';
import { mac } from '../../src/digest.ts';
import { type Answer, openHarness } from '../support/harness.ts';

const api = await openHarness();
afterAll(() => api.close());

const record = await api.template();
const good = api.keyOf(record);
const { secret } = await api.secretKey();

const list = (key: string) => api.call({ url: '/v5/folders', key });

/** All that a caller sees of an answer, apart from what is different each time. */
const seen = ({ status, headers, body }: Answer) => {
  const { request_id: _id, ...rest } = body;
  const { 'x-request-id': _header, date: _date, 'content-length': _length, ...others } = headers;
  return { status, headers: others, body: rest };
};

/** Changes one character to its neighbour in the alphabet of keys: the smallest change that is one. */
function altered(key: string, at: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const index = alphabet.indexOf(key.charAt(at));
  const other = index < 0 ? 'A' : alphabet.charAt(index ^ 1);
  return key.slice(0, at) + other + key.slice(at + 1);
}

const narrowingOf = (input: object) => {
  const parsed = parseNarrowing(input);
  if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
  return parsed.value;
};

describe('a text that is not an access key we made', () => {
  const expected = {
    status: 401,
    body: { status: 'error', code: 'KEY_INVALID', msg: expect.any(String), hint: expect.any(String) },
    headers: { 'www-authenticate': 'Bearer' },
  };

  test('is answered alike, whatever is wrong with it', async () => {
    const [, body = '', tag = ''] = /^SASS__v2__([^.]*)\.(.*)$/.exec(good) ?? [];
    const otherSecret = (text: string) => createHmac('sha256', 'other').update(text).digest('base64url');
    const narrowed = narrowKey(good, narrowingOf({ permissions: ['OBJECTS_LIST'] }), mac) ?? '';
    const twice = narrowKey(narrowed, narrowingOf({ listing: { dir_scope: ['/a'] } }), mac) ?? '';
    const [head = '', first = '', second = '', lastTag = ''] = twice.split('.');
    const bad: Readonly<Record<string, string>> = {
      'no body': 'SASS__v2__',
      'no tag': `SASS__v2__${body}`,
      'empty tag': `SASS__v2__${body}.`,
      'short tag': `SASS__v2__${body}.${tag.slice(0, 10)}`,
      'longer tag': `SASS__v2__${body}.${tag}A`,
      'padded tag': `SASS__v2__${body}.${tag}=`,
      'tag of another secret': `SASS__v2__${body}.${otherSecret(`SASS__v2__${body}`)}`,
      'older version': `SASS__v1__${body}.${tag}`,
      'later version': `SASS__v3__${body}.${tag}`,
      'published sample form': 'SASS__v1.05__QABCBAhMYeb5CMxE3byBnc__7777777777',
      'white space inside': good.replace('.', ' .'),
      'other base64 alphabet': `SASS__v2__${body}+.${tag}`,
      'body that is no JSON': `SASS__v2__${Buffer.from('{').toString('base64url')}.${tag}`,
      'body of nothing': `SASS__v2__${Buffer.from('[]').toString('base64url')}.${tag}`,
      'very long': `SASS__v2__${'A'.repeat(9000)}.${tag}`,
      'foreign container': api.keyOf(record, { claims: { container: 'other' } }),
      'signed by an unknown secret': api.keyOf(record, { claims: { kid: 'k0' } }),
      'narrowing taken away': [head, second, lastTag].join('.'),
      'last narrowing taken away': [head, first, lastTag].join('.'),
      'narrowings in another order': [head, second, first, lastTag].join('.'),
      'narrowing put in twice': [head, first, first, second, lastTag].join('.'),
      'narrowings all taken away': [head, lastTag].join('.'),
    };
    expect((await list(twice)).status).toBe(200);
    expect((await list(narrowed)).status).toBe(200);
    const reference = seen(await list('SASS__'));
    expect(reference).toMatchObject(expected);
    for (const [why, text] of Object.entries(bad)) expect(seen(await list(text)), why).toEqual(reference);
  });

  test('is every key with one character changed', async () => {
    expect((await list(good)).status).toBe(200);
    const reference = seen(await list('SASS__'));
    for (let at = 'SASS__'.length; at < good.length; at += 1) {
      expect(seen(await list(altered(good, at))), `character ${at}`).toEqual(reference);
    }
  });

  test('is every key cut off', async () => {
    const reference = seen(await list('SASS__'));
    for (let length = 'SASS__'.length; length < good.length; length += 1) {
      expect(seen(await list(good.slice(0, length))), `length ${length}`).toEqual(reference);
    }
  });

  test('is no key even when all but the container is right', async () => {
    await api.ports.templates.ensureContainer('other', api.clock.nowMs);
    for (const container of ['other', 'nowhere']) {
      const response = await api.app.inject({ url: `/${container}/v5/folders`, headers: { 'x-filerobot-key': good } });
      expect(JSON.parse(response.body)).toMatchObject({ code: 'KEY_INVALID' });
    }
  });

  test('stays a key after the signing secret was rotated, for as long as that is kept', async () => {
    const { kid, secret: signing } = api.ports.system.keyring.signing();
    expect(kid).toBe('k1');
    const claims = {
      kid,
      keyId: 'x',
      container: 'demo',
      source: { kind: 'template', id: record.uid },
      issuedAtMs: api.clock.nowMs,
      expiresAtMs: api.clock.nowMs + 1000,
      narrowings: [],
    } as const;
    expect((await list(encodeKey(claims, signing, mac))).status).toBe(200);
    expect((await list(encodeKey(claims, Buffer.alloc(32, 1), mac))).body['code']).toBe('KEY_INVALID');
  });
});

describe('a text that is no secret key', () => {
  test('is answered alike, whatever is wrong with it, and with the code that plug-ins know', async () => {
    const asleep = await api.secretKey({ active: false });
    const foreign = await api.secretKey();
    await api.ports.templates.deleteSecretKey('demo', foreign.record.uid);
    await api.ports.templates.ensureContainer('other', api.clock.nowMs);
    await api.ports.templates.createSecretKey({ ...foreign.record, container: 'other' });
    const reference = seen(await list('guess'));
    expect(reference).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
    const bad = [
      asleep.secret,
      foreign.secret,
      secret.slice(0, -1),
      `${secret}x`,
      secret.toUpperCase(),
      'x'.repeat(5000),
    ];
    for (const text of [...bad, good.toLowerCase(), record.identifier, 'undefined', "' or 1=1 --", 'lk_demo_x']) {
      expect(seen(await list(text)), text.slice(0, 40)).toEqual(reference);
    }
  });
});

describe('bad credentials', () => {
  test('use up the budget of their address, and good keys pass all the same', async () => {
    const strict = await openHarness({ oneNode: true, keyFailuresPerMinute: 3 });
    const key = await strict.key();
    const { secret: backEnd } = await strict.secretKey();
    const ask = (text: string, ip = '192.0.2.1') => strict.call({ url: '/v5/folders', key: text, ip });
    for (let i = 0; i < 3; i += 1) expect((await ask(`SASS__v2__guess${i}`)).status).toBe(401);
    for (const guess of ['SASS__v2__guess', 'guess', backEnd]) {
      const waiting = await ask(guess);
      expect(waiting.body['code']).toBe('REQUEST_RATE_LIMITED');
      expect(waiting.headers['retry-after']).toBe('60');
    }
    expect((await ask(key)).status).toBe(200);
    expect((await ask(backEnd, '192.0.2.2')).status).toBe(200);
    expect((await ask('guess', '192.0.2.2')).status).toBe(401);
    strict.clock.pass(60_000);
    expect((await ask('guess')).status).toBe(401);
    expect((await ask(backEnd)).status).toBe(200);
    await strict.close();
  });

  test('are counted by the /64 of an IPv6 address', async () => {
    const strict = await openHarness({ oneNode: true, keyFailuresPerMinute: 1 });
    const code = async (ip: string) => (await strict.call({ url: '/v5/folders', key: 'guess', ip })).body['code'];
    expect(await code('2001:db8::1')).toBe('UNAUTHORIZED');
    expect(await code('2001:db8::2')).toBe('REQUEST_RATE_LIMITED');
    expect(await code('2001:db8:0:1::1')).toBe('UNAUTHORIZED');
    await strict.close();
  });

  test('are not keys that have merely expired', async () => {
    const strict = await openHarness({ oneNode: true, keyFailuresPerMinute: 1 });
    const key = await strict.key();
    strict.clock.pass(1_200_000);
    for (let i = 0; i < 3; i += 1) {
      expect((await strict.call({ url: '/v5/folders', key })).body['code']).toBe('KEY_EXPIRED');
    }
    await strict.close();
  });

  test('cost a key nothing of its limits', async () => {
    const key = await api.key({ listing: { max: 1 } });
    for (let at = 20; at < 30; at += 1) await list(altered(key, at));
    expect((await list(key)).status).toBe(200);
  });
});

describe('the place of a credential', () => {
  const places: Readonly<
    Record<string, (text: string) => { readonly query?: string; readonly headers?: Record<string, string> }>
  > = {
    'X-Filerobot-Key': (text) => ({ headers: { 'x-filerobot-key': text } }),
    'X-Airstore-Key': (text) => ({ headers: { 'x-airstore-key': text } }),
    'X-Airstore-Secret-Key': (text) => ({ headers: { 'x-airstore-secret-key': text } }),
    Authorization: (text) => ({ headers: { authorization: `Bearer ${text}` } }),
    'query key': (text) => ({ query: `key=${text}` }),
    'query secret_key': (text) => ({ query: `secret_key=${text}` }),
    'console session': () => ({ headers: { ...session } }),
  };
  let session: Readonly<Record<string, string>> = {};

  const send = (...parts: readonly { readonly query?: string; readonly headers?: Record<string, string> }[]) =>
    api.call({
      url: `/v5/folders?${parts.map(({ query }) => query ?? '').join('&')}`,
      headers: Object.assign({}, ...parts.map(({ headers }) => headers)),
    });

  test('may be any one of these', async () => {
    session = await api.admin();
    for (const [place, put] of Object.entries(places)) {
      for (const text of [good, secret]) expect((await send(put(text))).status, place).toBe(200);
    }
  });

  test('may not be two of them, in any pair, whether they say the same or not', async () => {
    session = await api.admin();
    const names = Object.keys(places);
    for (const [index, one] of names.entries()) {
      for (const other of names.slice(index + 1)) {
        for (const text of [good, secret, 'guess']) {
          const answer = await send(places[one]?.(good) ?? {}, places[other]?.(text) ?? {});
          expect(answer.status, `${one} and ${other}`).toBe(400);
          expect(answer.body['code']).toBe('CREDENTIALS_AMBIGUOUS');
        }
      }
    }
  });

  test('may not be the same header twice', async () => {
    const answer = await api.call({ url: '/v5/folders', headers: { 'x-filerobot-key': [good, good] } });
    expect(answer.status).toBe(401);
  });

  test('may not be the address of a request that changes something', async () => {
    const answer = await api.call({ method: 'POST', url: `/v5/folders?key=${good}`, body: { name: 'x' } });
    expect(answer.body['code']).toBe('KEY_MISSING');
  });

  test('takes a plus in the address that a form encoder turned into a space for what it was', async () => {
    const answer = await api.call({ url: '/v4/key/info?key=SASS__v2__a%20b' });
    expect(answer.body['code']).toBe('KEY_INVALID');
  });

  test('counts as empty when nothing is in it', async () => {
    const answer = await api.call({
      url: '/v5/folders?key=&secret_key=',
      headers: { 'x-airstore-key': ' ' },
      key: good,
    });
    expect(answer.status).toBe(200);
    expect((await api.call({ url: '/v5/folders', key: '' })).body['code']).toBe('KEY_MISSING');
  });
});

describe('the address of a client', () => {
  const ONLY = '203.0.113.7';

  /** What a request is answered through the given proxy settings, by a template for one address alone. */
  async function through(
    trustedProxies: readonly string[],
    peer: string,
    headers: Readonly<Record<string, string | readonly string[]>>,
    allowed = ONLY,
  ): Promise<unknown> {
    const proxied = await openHarness({ trustedProxies });
    const key = await proxied.key({ restrictions: { whitelist_ip_ranges: [allowed] } });
    const answer = await proxied.call({ url: '/v5/folders', key, ip: peer, headers });
    await proxied.close();
    return answer.status === 200 ? 'served' : answer.body['code'];
  }

  test.each([
    { why: 'nobody is trusted by default', trusted: [], peer: '10.0.0.1', forwarded: ONLY, outcome: 'IP_DENIED' },
    { why: 'the peer itself is the client', trusted: [], peer: ONLY, forwarded: '198.51.100.1', outcome: 'served' },
    { why: 'a trusted proxy tells', trusted: ['10.0.0.0/8'], peer: '10.0.0.1', forwarded: ONLY, outcome: 'served' },
    { why: 'a stranger tells', trusted: ['10.0.0.0/8'], peer: '11.0.0.1', forwarded: ONLY, outcome: 'IP_DENIED' },
    {
      why: 'the client has put an entry before the proxy',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: `${ONLY}, 198.51.100.1`,
      outcome: 'IP_DENIED',
    },
    {
      why: 'the client has put many entries before the proxy',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: `${ONLY}, 10.0.0.9, ${ONLY}, 198.51.100.1, 10.0.0.2`,
      outcome: 'IP_DENIED',
    },
    {
      why: 'two trusted proxies stand in a row',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: `198.51.100.1, ${ONLY}, 10.0.0.2`,
      outcome: 'served',
    },
    {
      why: 'the proxy writes ports',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: `${ONLY}:4711`,
      outcome: 'served',
    },
    {
      why: 'the proxy does not know',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: 'unknown',
      outcome: 'REQUEST_INVALID',
    },
    {
      why: 'the proxy hands on nonsense',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: `${ONLY}<script>`,
      outcome: 'REQUEST_INVALID',
    },
    {
      why: 'the entry is octal to some readers',
      trusted: ['10.0.0.0/8'],
      peer: '10.0.0.1',
      forwarded: '0313.0.0161.07',
      outcome: 'REQUEST_INVALID',
    },
    {
      why: 'the proxy is mapped into IPv6',
      trusted: ['10.0.0.0/8'],
      peer: '::ffff:10.0.0.1',
      forwarded: ONLY,
      outcome: 'served',
    },
  ])('is believed as far as it is proven: $why', async ({ trusted, peer, forwarded, outcome }) => {
    expect(await through(trusted, peer, { 'x-forwarded-for': forwarded })).toBe(outcome);
  });

  test('is not taken from any other header', async () => {
    for (const name of ['forwarded', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'true-client-ip', 'x-forwarded']) {
      const value = name === 'forwarded' ? `for=${ONLY}` : ONLY;
      expect(await through(['10.0.0.0/8'], '10.0.0.1', { [name]: value }), name).toBe('IP_DENIED');
    }
  });

  test('is read from the right when the header comes twice', async () => {
    const headers = { 'X-FORWARDED-FOR': [ONLY, '198.51.100.1'] };
    expect(await through(['10.0.0.0/8'], '10.0.0.1', headers)).toBe('IP_DENIED');
  });

  test.each([
    { allowed: '203.0.113.7', peer: '::ffff:203.0.113.7', outcome: 'served' },
    { allowed: '203.0.113.7', peer: '::ffff:cb00:7107', outcome: 'served' },
    { allowed: '::ffff:203.0.113.7', peer: '203.0.113.7', outcome: 'served' },
    { allowed: '203.0.113.7', peer: '2001:db8::203.0.113.7', outcome: 'IP_DENIED' },
    { allowed: '203.0.113.7', peer: '64:ff9b::203.0.113.7', outcome: 'IP_DENIED' },
    { allowed: '2001:db8::/32', peer: '2001:0DB8:0000::1', outcome: 'served' },
    { allowed: '2001:db8::/32', peer: '2001:db9::1', outcome: 'IP_DENIED' },
    { allowed: '2001:db8::1', peer: '2001:db8:0:0:0:0:0:1', outcome: 'served' },
  ])('is one address in all its spellings: $peer for $allowed', async ({ allowed, peer, outcome }) => {
    expect(await through([], peer, {}, allowed)).toBe(outcome);
    expect(await through(['10.0.0.0/8'], '10.0.0.1', { 'x-forwarded-for': peer }, allowed)).toBe(outcome);
    expect(await through(['10.0.0.0/8'], '10.0.0.1', { 'x-forwarded-for': `[${peer}]:4711` }, allowed)).toBe(outcome);
  });

  test('with a zone is never in a list, and never makes anything fall over', async () => {
    expect(await through([], 'fe80::1%eth0', {}, 'fe80::/10')).toBe('IP_DENIED');
  });

  test('is looked up as a country, in every spelling', async () => {
    const key = await api.key({ restrictions: { whitelist_countries: ['FR'] } });
    const code = async (ip: string) => (await api.call({ url: '/v5/folders', key, ip })).body['code'];
    expect(await code('203.0.113.7')).toBeUndefined();
    expect(await code('::ffff:203.0.113.7')).toBeUndefined();
    expect(await code('198.51.100.7')).toBe('COUNTRY_DENIED');
    expect(await code('192.0.2.200')).toBe('COUNTRY_DENIED');
  });
});

describe('the log', () => {
  test('holds no credential, wherever in a request it stood', async () => {
    for (const text of [good, secret]) {
      for (const url of ['/v5/folders', '/v4/key/info', '/nothing']) {
        await api.call({ url, key: text });
        await api.call({ url: `${url}?key=${text}` });
        await api.call({ url: `${url}?secret_key=${text}&x=1` });
        await api.call({ url, headers: { authorization: `Bearer ${text}`, cookie: `latchkey_session=${text}` } });
        await api.call({ method: 'POST', url: '/v5/key/revoke', key: secret, body: { key: text } });
      }
    }
    await api.call({ url: `/key/${good}` });
    await api.call({ url: `/v5/files/${good}/x` });
    expect(api.log.some(({ event }) => event === 'http.request')).toBe(true);
    const lines = api.log.map((entry) => JSON.stringify(entry)).join('\n');
    expect(lines).not.toContain('SASS__v2__');
    expect(lines).not.toContain(secret);
  });
});
