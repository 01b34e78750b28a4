// Quotas of a template: files, bytes and calls, counted by template, key, address, subject and folder, over a time or for ever.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { type Answer, type Harness, openHarness } from '../support/harness.ts';

const api: Harness = await openHarness();
afterAll(() => api.close());

const outcome = ({ status, body }: Answer) => (status === 200 ? '200' : `${status} ${body['code']} ${body['rule']}`);
const upload = async (key: string, folder: string, name: string, content = 'hello') =>
  outcome(await api.upload(key, folder, { name, content }));
/** A raw upload from an address. */
const put = async (key: string, name: string, ip: string) =>
  outcome(await api.call({ method: 'PUT', url: `/v5/files?folder=/from&filename=${name}`, key, body: 'hello', ip }));

describe('a quota', () => {
  test('of the template counts the uploads of all its keys together, in any window', async () => {
    const template = await api.template({ quotas: [{ per: ['template'], window: 'hour', files: 2 }] });
    const [first, second] = [api.keyOf(template), api.keyOf(template)];
    expect(await upload(first, '/q1', 'a')).toBe('200');
    expect(await upload(second, '/q1', 'b')).toBe('200');
    const over = await api.upload(first, '/q1', { name: 'c' });
    expect(outcome(over)).toBe('429 UPLOAD_RATE_LIMITED quotas[0].files');
    expect(over.headers['retry-after']).toBe('3600');
    expect(over.body).toMatchObject({ limit: 2, actual: 2 });
    const other = await api.key({ quotas: [{ per: ['template'], window: 'hour', files: 2 }] });
    expect(await upload(other, '/q1', 'd'), 'another template counts for itself').toBe('200');
    api.clock.pass(60 * 60_000 - 1);
    const late = api.keyOf(template, { claims: { expiresAtMs: api.clock.nowMs + 60_000 } });
    expect(await upload(late, '/q1', 'e')).toMatch(/^429/);
    api.clock.pass(1);
    expect(await upload(late, '/q1', 'e')).toBe('200');
  });

  test('of bytes counts those of all its keys to the byte, cuts the stream and gives back what was not used', async () => {
    const template = await api.template({ quotas: [{ per: ['template'], window: 'lifetime', bytes: 1000 }] });
    const [first, second] = [api.keyOf(template), api.keyOf(template)];
    expect(await upload(first, '/q2', 'a', 'x'.repeat(600))).toBe('200');
    expect(await upload(second, '/q2', 'b', 'x'.repeat(401))).toBe('403 UPLOAD_QUOTA_EXHAUSTED quotas[0].bytes');
    expect(await upload(second, '/q2', 'b', 'x'.repeat(400))).toBe('200');
    expect(await upload(first, '/q2', 'c', 'x')).toBe('403 UPLOAD_QUOTA_EXHAUSTED quotas[0].bytes');
  });

  test('of bytes in a window is refused with the time after which it passes, also when the stream is cut', async () => {
    const key = await api.key({ quotas: [{ per: ['key'], window: 'minute', bytes: 1000 }] });
    expect(await upload(key, '/q3', 'a', 'x'.repeat(700))).toBe('200');
    expect(await upload(key, '/q3', 'b', 'x'.repeat(301))).toBe('429 UPLOAD_RATE_LIMITED quotas[0].bytes');
    api.clock.pass(60_000);
    expect(await upload(key, '/q3', 'b', 'x'.repeat(301))).toBe('200');
  });

  test('of an address follows the address over all keys', async () => {
    const template = await api.template({ quotas: [{ per: ['address'], window: 'day', files: 1 }] });
    const [first, second] = [api.keyOf(template), api.keyOf(template)];
    expect(await put(first, 'a', '203.0.113.7')).toBe('200');
    expect(await put(second, 'b', '203.0.113.7')).toMatch(/^429/);
    expect(await put(second, 'c', '198.51.100.7')).toBe('200');
  });

  test('of a subject follows the person over all keys, and keys without one share one count', async () => {
    const template = await api.template({ quotas: [{ per: ['subject'], window: 'day', files: 1 }] });
    const of = (subject?: string) => api.keyOf(template, subject === undefined ? {} : { claims: { subject } });
    expect(await upload(of('ann'), '/q5', 'a')).toBe('200');
    expect(await upload(of('ann'), '/q5', 'b')).toMatch(/^429/);
    expect(await upload(of('bob'), '/q5', 'c')).toBe('200');
    expect(await upload(of(), '/q5', 'd')).toBe('200');
    expect(await upload(of(), '/q5', 'e')).toMatch(/^429/);
  });

  test('of a folder counts each folder for itself', async () => {
    const key = await api.key({ quotas: [{ per: ['folder'], window: 'lifetime', files: 1 }] });
    expect(await upload(key, '/q6', 'a')).toBe('200');
    expect(await upload(key, '/q6', 'b')).toBe('403 UPLOAD_QUOTA_EXHAUSTED quotas[0].files');
    expect(await upload(key, '/q6/below', 'c')).toBe('200');
  });

  test('of calls counts what is no upload', async () => {
    const key = await api.key({ quotas: [{ per: ['key'], window: 'minute', calls: 2 }] });
    const list = async () => outcome(await api.call({ url: '/v5/folders', key }));
    expect([await list(), await list()]).toEqual(['200', '200']);
    expect(await list()).toBe('429 REQUEST_RATE_LIMITED quotas[0].calls');
    expect(await upload(key, '/q7', 'a')).toBe('200');
    api.clock.pass(60_000);
    expect(await list()).toBe('200');
  });

  test('refused by one of several takes nothing of the others', async () => {
    const key = await api.key({
      quotas: [
        { per: ['key'], window: 'lifetime', files: 2 },
        { per: ['folder'], window: 'lifetime', files: 1 },
      ],
    });
    expect(await upload(key, '/q8', 'a')).toBe('200');
    for (const name of ['b', 'c', 'd']) expect(await upload(key, '/q8', name)).toMatch(/quotas\[1\]/);
    expect(await upload(key, '/q9', 'e')).toBe('200');
    expect(await upload(key, '/q10', 'f')).toMatch(/quotas\[0\]/);
  });

  test('is kept as it was written, and its faults are told by place', async () => {
    const headers = await api.admin();
    const quotas = [{ per: ['address', 'subject'], window: 'day', files: 10, bytes: 1_000_000 }];
    const saved = await api.call({
      method: 'POST',
      url: '/v5/security-templates',
      headers,
      body: { name: 'Q', quotas },
    });
    expect(saved.body).toMatchObject({ status: 'success', security_template: { quotas } });
    const example = JSON.parse(readFileSync(new URL('../../../../docs/examples/quotas.json', import.meta.url), 'utf8'));
    const documented = await api.call({ method: 'POST', url: '/v5/security-templates', headers, body: example });
    expect(documented.body).toMatchObject({ status: 'success', security_template: example });
    const wrong = await api.call({
      method: 'POST',
      url: '/v5/security-templates',
      headers,
      body: { name: 'Q', quotas: [{ per: ['moon'], window: 'week' }] },
    });
    expect(wrong.status).toBe(400);
    expect(wrong.body['faults']).toMatchObject([
      { field: 'quotas[0].per[0]' },
      { field: 'quotas[0].window' },
      { field: 'quotas[0].files' },
    ]);
  });
});
