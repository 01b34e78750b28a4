// What is written down about a request: its decisions with ids, and never a credential, however it was sent.
import { afterAll, describe, expect, test } from 'vitest';
import { openLog } from '../../src/adapters/system/log.ts';
import { openHarness } from '../support/harness.ts';

/** Every line of the real log, as it would leave the process. */
const lines: string[] = [];
const harness = await openHarness({
  wrap: (ports) => ({
    ...ports,
    system: { ...ports.system, log: openLog('info', { write: (line) => lines.push(line) }) },
  }),
});
afterAll(() => harness.close());

/** The line about one answer. */
function lineOf(requestId: string | undefined): Readonly<Record<string, unknown>> {
  const found = lines.map((line) => JSON.parse(line)).find((line) => line.requestId === requestId);
  expect(found, `no line about ${requestId}`).toBeDefined();
  return found;
}

describe('the line about a request', () => {
  test('names the decision, who asked, and under which template', async () => {
    const template = await harness.template();
    const { status, headers } = await harness.upload(harness.keyOf(template), '/records');
    expect(status).toBe(200);
    const requestId = headers['x-request-id'];
    expect(lineOf(requestId)).toMatchObject({
      event: 'http.request',
      status: 200,
      decisions: [
        {
          id: `${requestId}.1`,
          operations: ['file.upload'],
          code: 'ALLOWED',
          keyId: expect.any(String),
          templateId: template.uid,
        },
      ],
    });
  });

  test('names the refusal with its rule, under the id that the client was told', async () => {
    const key = await harness.key({ permissions: ['OBJECTS_LIST'] });
    const answer = await harness.upload(key, '/records');
    expect(answer.status).toBe(403);
    const requestId = answer.textAt('request_id');
    expect(answer.headers['x-request-id']).toBe(requestId);
    expect(lineOf(requestId)).toMatchObject({
      code: 'PERMISSION_DENIED',
      decisions: [{ id: `${requestId}.1`, code: 'PERMISSION_DENIED', rule: 'permission', keyId: expect.any(String) }],
    });
  });

  test('names a limit that was reached', async () => {
    const key = await harness.key({ upload: { max: 1 } });
    await harness.upload(key, '/records', { name: 'a.txt' });
    const answer = await harness.upload(key, '/records', { name: 'b.txt' });
    expect(lineOf(answer.headers['x-request-id'])).toMatchObject({
      status: 403,
      decisions: [{ code: 'UPLOAD_QUOTA_EXHAUSTED', rule: 'upload.max' }],
    });
  });
});

describe('no credential gets into the log', () => {
  test('in whatever spelling and place it was sent', async () => {
    const key = await harness.key();
    const { secret: creator } = await harness.secretKey();
    const created = await harness.call({
      method: 'POST',
      url: '/v5/secret-keys',
      key: creator,
      body: { name: 'Logged', permissions: ['OBJECTS_LIST'] },
    });
    const secret = created.textAt('secret_key.secret');
    const made = [key, secret, `${key}x`, key.slice(0, -3), 'SASS__forged.key.text', 'lk_demo_forged0123456789'];
    const password = 'correct horse battery staple';
    for (const text of made) {
      const once = encodeURIComponent(text);
      const twice = encodeURIComponent(once);
      const upper = text.toUpperCase();
      for (const headers of [
        { 'x-filerobot-key': text },
        { 'X-Airstore-Key': text },
        { 'x-airstore-secret-key': text },
        { authorization: `Bearer ${text}` },
        { authorization: `bearer ${text}` },
        { authorization: `Basic ${Buffer.from(`key:${text}`).toString('base64')}` },
        { cookie: `latchkey_session=${once}`, 'x-latchkey-session': '1' },
        { referer: `https://page.example/?key=${once}`, 'user-agent': text, 'x-forwarded-for': text },
        { origin: `https://${text}` },
        { 'content-type': text },
      ]) {
        await harness.call({ url: '/v4/files?folder=/', headers });
      }
      for (const url of [
        `/v4/files?folder=/&key=${once}`,
        `/v4/files?folder=/&KEY=${twice}&secret_key=${once}`,
        `/v4/files?folder=${once}&q=${once}`,
        `/v4/files/${once}`,
        `/v4/get/${text}`,
        `/v4/get/x?sig=${once}`,
        `/key/${once}`,
        `/key/info?key=${twice}`,
        `/v4/files?folder=/#${once}`,
      ]) {
        await harness.call({ url });
        await harness.call({ url: `/console/..${url}` });
      }
      for (const body of [{ token: text }, { admin_key: text }, { password: text }, { [text]: { secret: text } }]) {
        await harness.call({ method: 'POST', url: '/console/session', body });
        await harness.call({ method: 'POST', url: '/v4/check', key: text, body });
        await harness.call({ method: 'POST', url: '/v5/security-templates', key, body: { ...body, name: upper } });
      }
      await harness.call({ method: 'POST', url: '/v4/files?folder=/', key, body: `{"broken": "${text}` });
    }
    await harness.call({ method: 'POST', url: '/console/session', body: { password } });
    const written = lines.join('\n');
    expect(lines.length).toBeGreaterThan(made.length * 20);
    for (const text of [key, secret, password, 'forged.key.text', 'forged0123456789']) {
      for (const spelling of [text, encodeURIComponent(text), encodeURIComponent(encodeURIComponent(text))]) {
        expect(written.includes(spelling), `${spelling} stands in the log`).toBe(false);
      }
      expect(written.toLowerCase().includes(text.toLowerCase()), `${text} stands in the log in other letters`).toBe(
        false,
      );
      expect(written.includes(Buffer.from(`key:${text}`).toString('base64')), `${text} stands there in base64`).toBe(
        false,
      );
    }
    // The part that makes it a secret, without its neighbourhood.
    expect(written).not.toContain(key.slice(-24));
  });
});
