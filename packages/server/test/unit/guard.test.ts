// The guard by itself: what it refuses before and after the targets are known, what it reserves, and what a second look finds.
import { type CanonicalPath, type OperationName, parsePath, type TemplateDocument } from '@latchkey/policy';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { Credential } from '../../src/guard/authenticate.ts';
import { type Asked, createGuard, type Guard } from '../../src/guard/guard.ts';
import type { Ports } from '../../src/ports/index.ts';
import { CONTAINER, openHarness } from '../support/harness.ts';

const world = await openHarness();
afterAll(() => world.close());

const OPTIONS = { whenCountersFail: 'deny', keyFailuresPerMinute: 1000, isEnding: () => false } as const;
let guard: Guard;
beforeEach(() => {
  guard = createGuard(world.ports, OPTIONS);
});

const asked = (credential: Credential, difference: Partial<Asked> = {}): Asked => ({
  container: CONTAINER,
  credential,
  clientIp: '127.0.0.1',
  origin: undefined,
  ...difference,
});
const withKey = (text: string, difference?: Partial<Asked>) => asked({ kind: 'key', text }, difference);

function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new TypeError(parsed.reason);
  return parsed.path;
}

/** The code that a promise is refused with, or `passed`. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'passed',
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );

/** The counters of this world with another way to do some of it. */
function countersWith(difference: Partial<Ports['counters']>): Ports['counters'] {
  const { counters } = world.ports;
  return {
    reserve: (charges, nowMs, holdMs) => counters.reserve(charges, nowMs, holdMs),
    settle: (id, actual) => counters.settle(id, actual),
    release: (id) => counters.release(id),
    sweep: (nowMs) => counters.sweep(nowMs),
    check: () => counters.check(),
    close: () => counters.close(),
    ...difference,
  };
}

async function admit(key: string, operation: OperationName, folder = '/', upload?: { files: number; bytes?: number }) {
  const entrant = await guard.enter(withKey(key), [operation]);
  return guard.admit(entrant, {
    demands: [{ operation, targets: [path(folder)] }],
    ...(upload === undefined ? {} : { upload }),
  });
}

describe('entering', () => {
  test('needs one of the operations of the route, and names what the first of them misses', async () => {
    const key = await world.key({ permissions: ['FILE_DELETE'] });
    expect(await codeOf(guard.enter(withKey(key), ['file.delete', 'folder.delete']))).toBe('passed');
    expect(await codeOf(guard.enter(withKey(key), ['folder.delete', 'file.delete']))).toBe('passed');
    await expect(guard.enter(withKey(key), ['file.move', 'folder.move'])).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      facts: { hint: expect.stringContaining('FILE_MOVE') },
    });
  });

  test('costs nothing', async () => {
    const key = await world.key({ listing: { max: 1 } });
    for (let i = 0; i < 3; i += 1) await guard.enter(withKey(key), ['file.list']);
    expect(await codeOf(admit(key, 'file.list'))).toBe('passed');
    expect(await codeOf(admit(key, 'file.list'))).toBe('REQUEST_QUOTA_EXHAUSTED');
  });

  test('knows an admin only in containers that exist', async () => {
    const { cookie = '' } = await world.admin();
    const session = { kind: 'session', text: cookie.split('=')[1] ?? '' } as const;
    expect(await codeOf(guard.enter(asked(session), ['template.list']))).toBe('passed');
    expect(await codeOf(guard.enter(asked(session, { container: 'nowhere' }), ['template.list']))).toBe(
      'CONTAINER_NOT_FOUND',
    );
    expect(await codeOf(guard.enter(asked({ ...session, text: 'guess' }), ['template.list']))).toBe(
      'ADMIN_UNAUTHENTICATED',
    );
  });

  test('without a credential opens nothing that is guarded', async () => {
    const entrant = await guard.enterPublic(asked({ kind: 'none' }));
    const demanded = { demands: [{ operation: 'file.download', targets: [path('/')] }] } as const;
    expect(await codeOf(guard.admit(entrant, demanded))).toBe('KEY_MISSING');
  });

  test('with a template identifier opens the exchange and nothing else', async () => {
    const { identifier } = await world.template();
    const visitor = asked({ kind: 'template', text: identifier });
    expect(await codeOf(guard.enter(visitor, ['key.issue']))).toBe('passed');
    expect(await codeOf(guard.enter(visitor, ['file.list']))).toBe('KEY_MISSING');
  });
});

describe('being admitted', () => {
  test('is decided on the targets', async () => {
    const key = await world.key({ listing: { dir_scope: ['/in/*'] } });
    expect(await codeOf(admit(key, 'file.delete', '/in/deeper'))).toBe('passed');
    expect(await codeOf(admit(key, 'file.delete', '/inside'))).toBe('SCOPE_DENIED');
  });

  test('costs nothing when it is refused', async () => {
    const key = await world.key({ listing: { dir_scope: ['/in/*'], max: 1 } });
    for (let i = 0; i < 3; i += 1) expect(await codeOf(admit(key, 'file.delete', '/out'))).toBe('SCOPE_DENIED');
    expect(await codeOf(admit(key, 'file.delete', '/in'))).toBe('passed');
  });

  test('gives back what is released, once', async () => {
    const key = await world.key({ upload: { max: 1 } });
    for (let i = 0; i < 3; i += 1) {
      const grant = await admit(key, 'file.upload', '/', { files: 1 });
      expect(await codeOf(admit(key, 'file.upload', '/', { files: 1 }))).toBe('UPLOAD_QUOTA_EXHAUSTED');
      await grant.release();
      await grant.release();
    }
  });

  test('gives back later what the counters do not take back now, once they answer again', async () => {
    let isDown = true;
    const counters = countersWith({
      release: async (id) => {
        if (isDown) throw new AppError('COUNTERS_UNAVAILABLE', 'no connection');
        await world.ports.counters.release(id);
      },
    });
    const turns = new Set<() => void>();
    const every = (_: number, turn: () => void) => {
      turns.add(turn);
      return () => turns.delete(turn);
    };
    const waitTurn = async () => {
      for (const turn of turns) turn();
      await new Promise((resume) => setImmediate(resume));
    };
    guard = createGuard({ ...world.ports, counters, system: { ...world.ports.system, every } }, OPTIONS);
    const key = await world.key({ upload: { max: 2 } });
    const upload = () => admit(key, 'file.upload', '/', { files: 1 });
    const [one, other] = [await upload(), await upload()];
    await one.settle({ bytes: 5 });
    await Promise.all([one.release(), other.release()]);
    await waitTurn();
    expect(await codeOf(upload())).toBe('UPLOAD_QUOTA_EXHAUSTED');
    isDown = false;
    await waitTurn();
    await expect.poll(() => turns.size).toBe(0);
    expect([await codeOf(upload()), await codeOf(upload()), await codeOf(upload())]).toEqual([
      'passed',
      'passed',
      'UPLOAD_QUOTA_EXHAUSTED',
    ]);
  });

  test('gives back even what was settled, unless the work is kept', async () => {
    const key = await world.key({ upload: { max: 1 } });
    const failed = await admit(key, 'file.upload', '/', { files: 1 });
    await failed.settle({ bytes: 5 });
    await failed.release();
    const done = await admit(key, 'file.upload', '/', { files: 1 });
    await done.settle({ bytes: 5 });
    done.keep();
    await done.release();
    expect(await codeOf(admit(key, 'file.upload', '/', { files: 1 }))).toBe('UPLOAD_QUOTA_EXHAUSTED');
  });

  test('lets an upload store the smaller of the size limit and what the byte quota holds', async () => {
    const key = await world.key({ upload: { max_file_size: 100, max_total_size: 150 } });
    const first = await admit(key, 'file.upload', '/', { files: 1 });
    expect(first).toMatchObject({ uploadBytesMax: 100, uploadBytesRule: 'upload.max_file_size' });
    const second = await admit(key, 'file.upload', '/', { files: 1 });
    expect(second).toMatchObject({ uploadBytesMax: 50, uploadBytesRule: 'upload.max_total_size' });
    expect(await codeOf(admit(key, 'file.upload', '/', { files: 1 }))).toBe('UPLOAD_QUOTA_EXHAUSTED');
    await first.settle({ bytes: 30 });
    const third = await admit(key, 'file.upload', '/', { files: 1 });
    expect(third.uploadBytesMax).toBe(70);
  });

  test('asks the country of the address', async () => {
    const key = await world.key({ restrictions: { whitelist_countries: ['US'] } });
    const from = (clientIp: string) => codeOf(guard.enter(withKey(key, { clientIp }), ['file.list']));
    expect(await from('198.51.100.7')).toBe('passed');
    expect(await from('203.0.113.7')).toBe('COUNTRY_DENIED');
    expect(await from('192.0.2.1')).toBe('COUNTRY_DENIED');
  });
});

describe('a reservation', () => {
  const DAY_MS = 24 * 60 * 60_000;

  /** How long the guard asks the store to hold what an upload with this credential takes. */
  async function holdMsOf(key: string): Promise<number | undefined> {
    const holds: number[] = [];
    const counters = countersWith({
      reserve: (charges, nowMs, holdMs) => {
        holds.push(holdMs);
        return world.ports.counters.reserve(charges, nowMs, holdMs);
      },
    });
    guard = createGuard({ ...world.ports, counters }, OPTIONS);
    await admit(key, 'file.upload', '/', { files: 1 });
    return holds[0];
  }

  test.each([
    { validity: { expiration_duration: 600, finish_duration: 60 }, holdMs: 660_000, why: 'until the key expires' },
    { validity: { expiration_duration: 60, finish_duration: 900 }, holdMs: 960_000, why: 'until it must be finished' },
    { validity: { expiration_duration: 2_592_000 }, holdMs: DAY_MS + 60_000, why: 'a day, since nothing takes longer' },
  ])('is held as long as the upload may commit, and a minute: $why', async ({ validity, holdMs }) => {
    const key = await world.key({ upload: { max: 1 }, key_validity: validity });
    expect(await holdMsOf(key)).toBe(holdMs);
  });

  test('of a secret key, or of an ad-hoc key made from one, goes by that key', async () => {
    const { secret, record } = await world.secretKey({ upload: { max: 1 } });
    expect(await holdMsOf(secret)).toBe(DAY_MS + 60_000);
    const adHoc = world.keyOf(await world.template(), {
      claims: { source: { kind: 'secret', id: record.uid }, expiresAtMs: world.clock.nowMs + 7_200_000 },
    });
    expect(await holdMsOf(adHoc)).toBe(7_260_000);
  });
});

describe('the second look', () => {
  const upload = { files: 1 };

  test('passes when nothing has changed', async () => {
    const grant = await admit(await world.key(), 'file.upload', '/', upload);
    expect(await codeOf(grant.recheck({ mediaType: 'image/png', extension: 'png', sizeBytes: 5 }))).toBe('passed');
  });

  test('takes no new charges', async () => {
    const key = await world.key({ upload: { max: 2 } });
    const grant = await admit(key, 'file.upload', '/', upload);
    for (let i = 0; i < 3; i += 1) await grant.recheck();
    expect(await codeOf(admit(key, 'file.upload', '/', upload))).toBe('passed');
  });

  test('finds what was learnt of the bytes', async () => {
    const key = await world.key({ upload: { max_file_size: 10, allowed_types: ['image/*'] } });
    const grant = await admit(key, 'file.upload', '/', upload);
    expect(await codeOf(grant.recheck({ mediaType: 'text/html', extension: 'html' }))).toBe('MEDIA_TYPE_REFUSED');
    expect(await codeOf(grant.recheck({ mediaType: 'image/png', extension: 'png', sizeBytes: 11 }))).toBe(
      'PAYLOAD_TOO_LARGE',
    );
    expect(await codeOf(grant.recheck({ mediaType: 'image/png', extension: 'png', sizeBytes: 10 }))).toBe('passed');
  });

  test.each([
    {
      why: 'the key was revoked',
      code: 'KEY_REVOKED',
      change: (uid: string) => world.revoke(`key-of-${uid.slice(0, 8)}`),
    },
    {
      why: 'the template was switched off',
      code: 'KEY_REVOKED',
      change: (uid: string) => world.ports.templates.setTemplatesActive(CONTAINER, [uid], false, world.clock.nowMs),
    },
    {
      why: 'the template was deleted',
      code: 'KEY_REVOKED',
      change: (uid: string) => world.ports.templates.deleteTemplate(CONTAINER, uid),
    },
    {
      why: 'the permission was taken away',
      code: 'PERMISSION_DENIED',
      change: (uid: string, document: TemplateDocument) =>
        world.ports.templates.updateTemplate(CONTAINER, uid, { ...document, permissions: [] }, 0),
    },
  ])('refuses to finish when $why meanwhile', async ({ code, change }) => {
    const record = await world.template();
    const key = world.keyOf(record, { claims: { keyId: `key-of-${record.uid.slice(0, 8)}` } });
    const grant = await admit(key, 'file.upload', '/', upload);
    expect(await codeOf(grant.recheck())).toBe('passed');
    await change(record.uid, record.document);
    expect(await codeOf(grant.recheck())).toBe(code);
  });

  test('lets an upload finish that began in time, to the millisecond', async () => {
    const key = await world.key({ key_validity: { expiration_duration: 60, finish_duration: 120 } });
    world.clock.pass(59_999);
    const grant = await admit(key, 'file.upload', '/', upload);
    world.clock.pass(119_999);
    expect(await codeOf(admit(key, 'file.upload', '/', upload))).toBe('KEY_EXPIRED');
    expect(await codeOf(grant.recheck())).toBe('passed');
    world.clock.pass(1);
    expect(await codeOf(grant.recheck())).toBe('KEY_EXPIRED');
  });

  test('ends an upload that outlives every reservation', async () => {
    const { secret } = await world.secretKey();
    const grant = await admit(secret, 'file.upload', '/', upload);
    world.clock.pass(24 * 60 * 60_000);
    expect(await codeOf(grant.recheck())).toBe('passed');
    world.clock.pass(1);
    expect(await codeOf(grant.recheck())).toBe('UPLOAD_TIMEOUT');
  });
});

describe('when limits cannot be checked', () => {
  const down = countersWith({
    reserve: async () => {
      throw new Error('connection refused');
    },
  });
  const ports = { ...world.ports, counters: down };

  const attempt = async (whenCountersFail: 'deny' | 'allow', difference: object) => {
    guard = createGuard(ports, { ...OPTIONS, whenCountersFail });
    return codeOf(admit(await world.key(difference), 'file.list'));
  };

  test('refuses what has a limit, and serves what has none', async () => {
    expect(await attempt('deny', { listing: { max: 5 } })).toBe('COUNTERS_UNAVAILABLE');
    expect(await attempt('deny', {})).toBe('passed');
  });

  test('goes on only when that was chosen, and says so in the log', async () => {
    expect(await attempt('allow', { listing: { max: 5 } })).toBe('passed');
    expect(world.log.at(-1)).toMatchObject({ level: 'error', event: 'limits.unchecked' });
  });
});

describe('explaining', () => {
  test('decides like the real thing and charges nothing', async () => {
    const key = await world.key({ listing: { max: 1, dir_scope: ['/in'] } });
    const entrant = await guard.enter(withKey(key), ['decision.check']);
    const ask = (folder: string) =>
      guard.explain(entrant, { demands: [{ operation: 'file.delete', targets: [path(folder)] }] });
    for (let i = 0; i < 3; i += 1)
      expect(ask('/in')).toMatchObject({ allow: true, charges: [{ rule: 'listing.max' }] });
    expect(ask('/out')).toMatchObject({ allow: false, code: 'SCOPE_DENIED' });
    expect(await codeOf(admit(key, 'file.delete', '/in'))).toBe('passed');
  });
});
