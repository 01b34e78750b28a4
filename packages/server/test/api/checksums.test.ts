// Checksums that come along with a file: each spelling holds the content to it, and what does not match leaves nothing.
import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Harness, multipart, openHarness } from '../support/harness.ts';

let harness: Harness;
let key: string;
beforeEach(async () => {
  await harness?.close();
  harness = await openHarness();
  key = await harness.key();
});
afterAll(() => harness.close());

const CONTENT = Buffer.from('what was sent');
const hex = (algorithm: 'sha1' | 'sha256', content: string | Buffer = CONTENT) =>
  createHash(algorithm).update(content).digest('hex');
const base64 = (algorithm: 'sha1' | 'sha256', content: string | Buffer = CONTENT) =>
  createHash(algorithm).update(content).digest('base64');

const outcome = ({ status, body }: Answer) => `${status} ${body['code'] ?? body['status']}`;

async function kept(): Promise<number> {
  const { blobIds } = await harness.ports.blobs.list(Date.now() + 60_000);
  return blobIds.length;
}

const raw = (headers: Readonly<Record<string, string>>) =>
  harness.call({ method: 'PUT', url: '/v4/upload?dir=%2Fc&filename=a.txt', key, headers, body: CONTENT });

const form = (fields: Readonly<Record<string, string>>) =>
  harness.call({
    method: 'POST',
    url: '/v4/files?folder=%2Fc',
    key,
    ...multipart([{ name: 'a.txt', content: CONTENT }], fields),
  });

const json = (hash: unknown) =>
  harness.call({
    method: 'POST',
    url: '/v4/files?folder=%2Fc',
    key,
    body: { name: 'a.txt', data: CONTENT.toString('base64'), hash },
  });

const OTHER = 'what was not sent';

describe('a checksum of a raw body', () => {
  test.each([
    ['repr-digest', (value: string) => `sha-256=:${value}:`, 'sha256'],
    ['content-digest', (value: string) => `sha-256=:${value}:`, 'sha256'],
    ['content-digest', (value: string) => `md5=:AAAA:, sha-256=:${value}:`, 'sha256'],
    ['digest', (value: string) => `SHA-256=${value}`, 'sha256'],
    ['digest', (value: string) => `unixsum=7,sha=${value}`, 'sha1'],
  ] as const)('in %s is kept to', async (name, write, algorithm) => {
    const wrong = await raw({ [name]: write(base64(algorithm, OTHER)) });
    expect(outcome(wrong)).toBe('400 CHECKSUM_MISMATCH');
    expect(wrong.body).toMatchObject({ rule: algorithm, limit: hex(algorithm, OTHER), actual: hex(algorithm) });
    expect(await kept()).toBe(0);
    expect(outcome(await raw({ [name]: write(base64(algorithm)) }))).toBe('200 success');
  });

  test.each([
    [{ 'repr-digest': 'sha-256=:AAAA:' }, 'too short'],
    [{ 'repr-digest': `sha-256=${'A'.repeat(43)}=` }, 'without its colons'],
    [{ 'repr-digest': 'sha-256=' }, 'empty'],
    [{ digest: 'sha-256=?' }, 'no base64'],
    [{ 'repr-digest': `sha-256=:${base64('sha256')}:`, digest: `sha-256=${base64('sha256', OTHER)}` }, 'two'],
  ])('%j is refused: %s', async (headers, _why) => {
    const answer = await raw(headers);
    expect([outcome(answer), answer.body['faults']]).toMatchObject([
      '400 REQUEST_INVALID',
      [{ code: 'CHECKSUM_INVALID' }],
    ]);
    expect(await kept()).toBe(0);
  });

  test('by an algorithm that is not known is left alone', async () => {
    expect(outcome(await raw({ 'repr-digest': 'sha-512=:AAAA:', digest: 'md5=AAAA' }))).toBe('200 success');
  });
});

describe('a checksum in a form or in JSON', () => {
  test.each([
    ['hash[files[]]', (content?: string) => JSON.stringify({ sha1: hex('sha1', content) })],
    ['hash[files[]]', (content?: string) => JSON.stringify({ sha256: hex('sha256', content) })],
    ['hash[file_0]', (content?: string) => hex('sha1', content)],
    ['hash', (content?: string) => hex('sha256', content).toUpperCase()],
    ['hash', (content?: string) => JSON.stringify(hex('sha256', content))],
  ])('as %s is kept to', async (name, write) => {
    expect(outcome(await form({ [name]: write(OTHER) }))).toBe('400 CHECKSUM_MISMATCH');
    expect(await kept()).toBe(0);
    expect(outcome(await form({ [name]: write() }))).toBe('200 success');
  });

  test('as a member of JSON is kept to', async () => {
    expect(outcome(await json({ sha1: hex('sha1', OTHER) }))).toBe('400 CHECKSUM_MISMATCH');
    expect(outcome(await json(hex('sha256', OTHER)))).toBe('400 CHECKSUM_MISMATCH');
    expect(await kept()).toBe(0);
    expect(outcome(await json({ sha1: hex('sha1'), sha256: hex('sha256') }))).toBe('200 success');
    expect(outcome(await json(null))).toBe('200 SAME_ASSET_EXISTS_SKIP_UPLOAD');
  });

  test.each([7, 'xyz', { sha1: 'xyz' }, { sha256: hex('sha1') }, { sha1: 7 }])('%j is refused', async (hash) => {
    expect(outcome(await json(hash))).toBe('400 REQUEST_INVALID');
    expect(await kept()).toBe(0);
  });

  test('of one file of a form refuses them all', async () => {
    const two = multipart(
      [
        { name: 'a.txt', content: CONTENT },
        { name: 'b.txt', content: 'b' },
      ],
      {
        'hash[file_1]': hex('sha1', OTHER),
      },
    );
    const answer = await harness.call({ method: 'POST', url: '/v4/files?folder=%2Fc', key, ...two });
    expect(outcome(answer)).toBe('400 CHECKSUM_MISMATCH');
    expect(await kept()).toBe(0);
  });
});
