// Signed addresses of an S3 store, against the example that AWS publishes, and the origin that pages are told of them.
import { expect, test } from 'vitest';
import { openBucket } from '../../src/adapters/s3/bucket.ts';
import { presignGet } from '../../src/adapters/s3/presign.ts';

/** "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", the example of a presigned URL. */
const PUBLISHED = {
  object: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
  region: 'us-east-1',
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  parameters: {},
  nowMs: Date.UTC(2013, 4, 24),
  seconds: 86_400,
};

test('the published example is signed as published', () => {
  expect(presignGet(PUBLISHED)).toBe(
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

test('no secret stands in the address, and whatever is said in it is signed', () => {
  const { credentials } = PUBLISHED;
  const signed = new Set(
    [
      {},
      { seconds: 60 },
      { nowMs: PUBLISHED.nowMs + 1000 },
      { parameters: { 'response-content-type': 'text/html' } },
      { object: new URL('https://examplebucket.s3.amazonaws.com/test2.txt') },
      { object: new URL('https://other.s3.amazonaws.com/test.txt') },
      { credentials: { ...credentials, sessionToken: 'a token/+=' } },
    ].map((difference) => {
      const address = presignGet({ ...PUBLISHED, ...difference });
      expect(address).not.toContain(credentials.secretAccessKey);
      expect(address).not.toContain(encodeURIComponent(credentials.secretAccessKey));
      return new URL(address).searchParams.get('X-Amz-Signature');
    }),
  );
  expect(signed.size).toBe(7);
});

test.each([
  ['?endpoint=http://s3.example:9000', 'http://s3.example:9000'],
  ['?endpoint=http://10.0.0.1&public_endpoint=https://files.example', 'https://files.example'],
  ['?endpoint=https://s3.example&path_style=no', 'https://bucket.s3.example'],
  ['?endpoint=http://10.0.0.1&public_endpoint=https://files.example&path_style=no', 'https://bucket.files.example'],
  ['?region=eu-west-3', 'https://bucket.s3.eu-west-3.amazonaws.com'],
  ['/prefix?region=eu-west-3&path_style=yes', 'https://s3.eu-west-3.amazonaws.com'],
])('addresses of a bucket at %s have the origin that pages are told: %s', async (rest, origin) => {
  const bucket = await openBucket(`s3://key:secret@bucket${rest}`);
  try {
    expect(bucket.linkBase().origin).toBe(origin);
    expect(new URL(await bucket.link('objects/1', {}, 0, 30)).origin).toBe(origin);
  } finally {
    bucket.close();
  }
});
