// Keys that are not ours: forged, damaged, foreign or of another version, all are answered alike, and none is ever logged.
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from './support/http.ts';
import { type Deployment, startDeployment } from './support/layout.ts';
import { expectNoSecretIn, REMOTE, useRemote } from './support/suite.ts';
import { BROWSE, freshAddress, type Holder, Target } from './support/target.ts';

const target = new Target();
let server: Deployment | undefined;

beforeAll(async () => {
  if (REMOTE) return useRemote(target);
  server = await startDeployment();
  target.use(server);
});
afterAll(() => server?.stop());

/** The body without what differs from request to request. */
function lasting(answer: Answer): unknown {
  const { request_id, ...body } = Object(answer.json);
  return body;
}

/** Presents a key for listing, each time from another address: a budget of failures per address is none of this matter. */
function present(key: string, path = 'v5/files'): Promise<Answer> {
  return target.call('GET', path, { key, from: freshAddress() });
}

/** Every one of the keys is refused with 401 KEY_INVALID and the very same body. */
async function expectAlike(keys: readonly string[], path?: string): Promise<void> {
  const constant = lasting(await present('SASS__v2__'));
  expect(constant).toMatchObject({ status: 'error', code: 'KEY_INVALID' });
  for (const key of keys) {
    const answer = await present(key, path);
    expect(answer.outcome, key).toBe('401 KEY_INVALID');
    expect(lasting(answer), key).toEqual(constant);
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The text with one bit of the digit at a place flipped: another digit of the same alphabet. */
function flipped(key: string, place: number, bit: number): string {
  const digit = ALPHABET.indexOf(key.charAt(place));
  if (digit < 0) return `${key.slice(0, place)}A${key.slice(place + 1)}`;
  return key.slice(0, place) + ALPHABET.charAt(digit ^ (1 << bit)) + key.slice(place + 1);
}

describe('A key that the server did not make', () => {
  let holder: Holder;

  beforeAll(async () => {
    holder = await target.holder({ permissions: BROWSE });
    expect((await present(holder.key)).outcome).toBe('200');
  });

  test('is refused when it is cut off anywhere', async () => {
    const { key } = holder;
    await expectAlike(Array.from({ length: key.length - 6 }, (_, n) => key.slice(0, 6 + n)));
  });

  test('is refused when one bit of any digit is flipped', async () => {
    const { key } = holder;
    const places = Array.from({ length: key.length - 'SASS__v2__'.length }, (_, n) => n + 'SASS__v2__'.length);
    await expectAlike(places.map((place) => flipped(key, place, place % 6)));
    // The last digit of a 32-byte tag holds two bits that mean nothing: they must be zero all the same.
    await expectAlike([0, 1, 2, 3, 4, 5].map((bit) => flipped(key, key.length - 1, bit)));
  });

  test('is refused when anything is added to it', async () => {
    const { key } = holder;
    await expectAlike(['=', '==', 'A', '.', '..', '.e30', '%00', '.AAAA.BBBB', '__', '+'].map((it) => key + it));
  });

  test('is refused when it is signed with another secret, an empty one or none', async () => {
    const [body = ''] = holder.key.split('.');
    const sign = (secret: string | Buffer, algorithm = 'sha256') =>
      `${body}.${createHmac(algorithm, secret).update(body).digest('base64url')}`;
    const tagOfZeros = Buffer.alloc(32).toString('base64url');
    await expectAlike([
      sign(randomBytes(32)),
      sign(''),
      sign('secret'),
      sign(holder.template.id),
      sign(target.adminKey),
      sign(randomBytes(32), 'sha1'),
      sign(randomBytes(32), 'sha512'),
      `${body}.${tagOfZeros}`,
      `${body}.`,
      body,
    ]);
  });

  test('is refused when its claims were changed under the old tag', async () => {
    const [body = '', tag = ''] = holder.key.slice('SASS__v2__'.length).split('.');
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    expect(Array.isArray(claims)).toBe(true);
    const changed = (Array.isArray(claims) ? claims : []).map((_, at, all) =>
      all.map((it, n) => (n !== at ? it : typeof it === 'number' ? it + 1_000_000 : `${it}x`)),
    );
    await expectAlike(changed.map((it) => `SASS__v2__${Buffer.from(JSON.stringify(it)).toString('base64url')}.${tag}`));
  });

  test('is refused in every other version, the published sample form with its 40-bit tag included', async () => {
    const rest = holder.key.slice('SASS__v2__'.length);
    const payload = Buffer.from('st:1619091028\tudir:\x1b\twip:\x1b\tage:1200\tldir:\x1b/*\tp:1').toString('base64');
    await expectAlike([
      `SASS__v1__${rest}`,
      `SASS__v3__${rest}`,
      `SASS__v2.0__${rest}`,
      `SASS__V2__${rest}`,
      `SASS__${rest}`,
      `SASS__v1.05__${[...payload.replace(/=+$/, '')].reverse().join('')}__0123456789`,
    ]);
  });

  test('is refused by a container that it was not made for, there or not, with the same body', async () => {
    await expectAlike([holder.key], '/another-container/v5/files');
    await expectAlike([holder.key], `/${target.container}x/v5/files`);
  });

  test.runIf(!REMOTE)('is refused when another deployment made it, for a container of the same name', async () => {
    const foreign = await startDeployment();
    try {
      const there = new Target();
      there.use(foreign);
      const visitor = await there.holder({ permissions: BROWSE });
      expect((await visitor.list('/')).outcome).toBe('200');
      await expectAlike([visitor.key]);
    } finally {
      await foreign.stop();
    }
  });

  test('is refused in query and other headers too, and by key/info', async () => {
    const forged = flipped(holder.key, holder.key.length - 5, 2);
    for (const answer of [
      await target.call('GET', `v5/files?key=${forged}`, { from: freshAddress() }),
      await target.call('GET', 'v5/files', { headers: { authorization: `Bearer ${forged}` }, from: freshAddress() }),
      await target.call('GET', 'v5/files', { headers: { 'x-airstore-key': forged }, from: freshAddress() }),
      await target.call('GET', `v4/key/info?key=${forged}`, { from: freshAddress() }),
    ]) {
      expect(answer.outcome).toBe('401 KEY_INVALID');
    }
  });

  test('costs its address a budget, after which guessing has to wait and others are served', async () => {
    const from = freshAddress();
    const guess = (n: number) => target.call('GET', 'v5/files', { key: `SASS__v2__guess${n}`, from });
    // Each node has a budget of its own, so this goes on until those of three would be used up.
    const outcomes = new Set<string>();
    for (let n = 0; n < 3000 && !outcomes.has('429 REQUEST_RATE_LIMITED'); n += 100) {
      for (const answer of await Promise.all(Array.from({ length: 100 }, (_, m) => guess(n + m))))
        outcomes.add(answer.outcome);
    }
    expect([...outcomes].sort()).toEqual(['401 KEY_INVALID', '429 REQUEST_RATE_LIMITED']);
    expect((await holder.list('/')).outcome).toBe('200');
  });
});

describe.runIf(!REMOTE)('The log', () => {
  test('holds no key, no secret and no admin key, wherever in a request they stood', async () => {
    const holder = await target.holder({ permissions: ['FILE_UPLOAD', ...BROWSE] });
    const { secret } = await target.secretKey({ permissions: ['OBJECTS_LIST', 'CONFIG_CHANGE'] });
    const from = freshAddress();
    for (const key of [holder.key, secret, target.adminKey]) {
      for (const path of ['v5/files', 'v4/key/info', 'v5/nothing-here', 'v5/files/nope', `v5/files/${key}`]) {
        await target.call('GET', path, { key, from });
        await target.call('GET', `${path}?key=${key}`, { from });
        await target.call('GET', `${path}?secret_key=${key}`, { from });
        await target.call('GET', path, { headers: { authorization: `Bearer ${key}` }, from });
        await target.call('POST', path, { headers: { 'x-airstore-secret-key': key }, json: { key }, from });
      }
      await target.call('GET', `key/${key}`, { from });
      await target.call('GET', 'v5/files', { headers: { referer: `https://a.example/?key=${key}` }, from });
    }
    await server?.stop();
    expect(server?.output().length).toBeGreaterThan(0);
    expectNoSecretIn(server?.output() ?? '', [...target.secrets, target.adminKey, holder.key, secret]);
  });
});
