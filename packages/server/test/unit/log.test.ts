// The log's safety net: whatever is handed to it, no key and no secret comes out; and nothing that is handed to it breaks it.
import { describe, expect, it } from 'vitest';
import { linesTogether, openLog } from '../../src/adapters/system/log.ts';

function capture(level: 'info' | 'warn' | 'error' | 'silent' = 'info') {
  const lines: string[] = [];
  return { lines, log: openLog(level, { write: (line) => void lines.push(line) }) };
}

describe('the log', () => {
  it('writes one JSON object a line, with level, time and event', () => {
    const { lines, log } = capture();
    log.info('file.uploaded', { fileId: 'f1', sizeBytes: 12, ok: true, none: null, big: 10n, at: new Date(0) });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      event: 'file.uploaded',
      fileId: 'f1',
      sizeBytes: 12,
      ok: true,
      none: null,
      big: '10',
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('writes the lines of one turn together, and an error at once with those before it', async () => {
    const written: string[] = [];
    const log = openLog('info', linesTogether({ write: (lines) => void written.push(lines) }));
    const events = () =>
      written.map((lines) =>
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).event),
      );
    log.info('a');
    log.warn('b');
    expect(written).toEqual([]);
    await new Promise(setImmediate);
    expect(events()).toEqual([['a', 'b']]);
    log.info('c');
    log.error('d');
    expect(events()).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    await new Promise(setImmediate);
    expect(written).toHaveLength(2);
  });

  it('does not take the name of a field for harmless because another log did', () => {
    const secret = 'a-name-that-is-a-secret';
    const { log } = capture();
    log.info('event', { [secret]: 1 });
    const lines: string[] = [];
    openLog('info', { write: (line) => void lines.push(line) }, [secret]).info('event', { [secret]: 1 });
    expect(lines.join()).not.toContain(secret);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = capture('warn');
    log.info('a');
    log.warn('b');
    log.error('c');
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['b', 'c']);
    const silent = capture('silent');
    silent.log.error('c');
    expect(silent.lines).toEqual([]);
  });

  const KEY = 'SASS__v2__abcDEF-123_456.789~%2B==';
  const SECRET_KEY = 'lk_demo_0123456789abcdefghijABCDEFGHIJKL_a1B2c3';

  it.each([
    ['a field', { note: KEY }],
    ['the middle of a text', { url: `/demo/files?key=${KEY}&x=1` }],
    ['a nested field', { request: { query: { key: [KEY] } } }],
    ['the name of a field', { [KEY]: 1 }],
    ['a message of an error', { error: new Error(`bad key ${KEY}`) }],
    ['the cause of an error', { error: new Error('outer', { cause: new Error(KEY) }) }],
    ['a field of an error', { error: Object.assign(new Error('x'), { key: KEY }) }],
    ['a secret key', { note: `used ${SECRET_KEY}.` }],
    ['a percent-encoded address', { url: `/login?next=%2Fa%3Fkey%3D${KEY}` }],
    ['a percent-encoded address, as a secret key', { url: `/login?next=%2Fa%3Fkey%3D${SECRET_KEY}` }],
    ['a secret key in an address', { url: `/v5?secret=${SECRET_KEY}#x` }],
  ])('never writes a key that stands in %s', (_, fields) => {
    const { lines, log } = capture();
    log.info('event', fields);
    expect(lines.join()).toContain('[redacted]');
    expect(lines.join()).not.toMatch(/SASS__v2|123_456|lk_demo|a1B2c3/);
  });

  it('never writes a key that stands in the event itself', () => {
    const { lines, log } = capture();
    log.warn(`refused ${KEY}`);
    expect(JSON.parse(lines[0] ?? '').event).toBe('refused [redacted]');
  });

  it.each([
    'Authorization',
    'cookie',
    'Set-Cookie',
    'X-Filerobot-Key',
    'x_filerobot_key',
    'secret',
    'signingSecrets',
    'password',
    'token',
    'adminKey',
  ])('never writes what a field called %s holds', (name) => {
    const { lines, log } = capture();
    log.info('event', { headers: { [name]: 'hunter2' }, [name]: { deep: 'hunter2' } });
    expect(lines.join()).not.toContain('hunter2');
  });

  it('never writes a secret of any other form that it was told of, as it is or as it stands in an address', () => {
    const secret = 'chosen by an admin: 0123456789/abcdef';
    const lines: string[] = [];
    const log = openLog('info', { write: (line) => void lines.push(line) }, [secret]);
    log.info(`event ${secret}`, { path: `/demo/v5/files/${encodeURIComponent(secret)}`, list: [secret], [secret]: 1 });
    expect(lines.join('')).not.toMatch(/chosen|0123456789/);
    expect(lines.join('')).toContain('/demo/v5/files/[redacted]');
  });

  it('keeps what only resembles a credential', () => {
    const { lines, log } = capture();
    log.info('event', { keyId: 'k1', templateId: 'SECU_AB', path: '/bulk_upload/milk_2.png', code: 'KEY_INVALID' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      keyId: 'k1',
      templateId: 'SECU_AB',
      path: '/bulk_upload/milk_2.png',
      code: 'KEY_INVALID',
    });
  });

  it('writes errors with message, stack, code and causes', () => {
    const { lines, log } = capture();
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    log.error('blob.failed', { error: new Error('could not write', { cause }) });
    expect(JSON.parse(lines[0] ?? '').error).toMatchObject({
      message: 'could not write',
      stack: expect.stringContaining('log.test'),
      cause: { message: 'no space', code: 'ENOSPC' },
    });
  });

  it('survives circles, depth, width, bytes, functions and invalid dates, and keeps the line short', () => {
    const { lines, log } = capture();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    let deep: unknown = 'bottom';
    for (let level = 0; level < 10_000; level += 1) deep = { deep };
    log.info('event', {
      circle,
      deep,
      wide: Array.from({ length: 100_000 }, (_, index) => index),
      secretBytes: new Uint8Array(32).fill(7),
      call: () => 1,
      symbol: Symbol('x'),
      date: new Date(Number.NaN),
      nothing: undefined,
    });
    const written = JSON.parse(lines[0] ?? '');
    expect(written).toMatchObject({
      secretBytes: '[32 bytes]',
      call: '[function]',
      symbol: '[symbol]',
      date: 'Invalid Date',
    });
    expect(lines[0]?.length).toBeLessThan(5000);
  });
});
