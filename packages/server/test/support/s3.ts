// The S3 server that suites run on, where LATCHKEY_TEST_S3_URL names one. A missing one is said, and in CI it is a failure.
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3';
import { parseS3Url } from '../../src/adapters/s3/address.ts';

/** The address of the server, with `BUCKET` where the name of a bucket is to stand; undefined when this machine has none. */
export const s3Url: string | undefined = process.env['LATCHKEY_TEST_S3_URL'];

if (s3Url === undefined) {
  const missing = 'No S3 server is available: set LATCHKEY_TEST_S3_URL';
  if (process.env['CI'] === 'true') throw new Error(missing);
  console.warn(missing);
}

/** Makes a bucket and answers its URL. */
export async function createBucket(url: string): Promise<string> {
  const named = url.replace('BUCKET', `latchkey-test-${randomBytes(6).toString('hex')}`);
  await onBucket(named, (client, Bucket) => client.send(new CreateBucketCommand({ Bucket })));
  return named;
}

/** Gives the bucket the rules for pages that docs/how-to/s3.md shows. */
export async function allowPages(url: string): Promise<void> {
  const rule = {
    AllowedOrigins: ['*'],
    AllowedMethods: ['GET', 'HEAD'],
    AllowedHeaders: ['Range'],
    ExposeHeaders: ['Content-Disposition', 'Content-Length', 'Content-Range', 'ETag'],
    MaxAgeSeconds: 3600,
  };
  await onBucket(url, (client, Bucket) =>
    client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } })),
  );
}

async function onBucket(url: string, work: (client: S3Client, bucket: string) => Promise<unknown>): Promise<void> {
  const address = parseS3Url(url);
  if (typeof address === 'string') throw new TypeError(address);
  const { bucket, endpoint, region, credentials } = address;
  const client = new S3Client({
    region,
    forcePathStyle: true,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  await work(client, bucket);
  client.destroy();
}
