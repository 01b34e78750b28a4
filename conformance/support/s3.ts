// Buckets for servers under test, on the S3 server that LATCHKEY_TEST_S3_URL names or on one that a test has started.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { S3 } from '../../tools/services.mjs';

/** The address of the server, with `BUCKET` where a bucket is to be named; undefined when the machine has none. */
export const S3_URL = process.env['LATCHKEY_TEST_S3_URL'];

/** True when tests can start servers of their own and kill them. */
export const CAN_START_S3 = S3_URL !== undefined && S3.find() !== undefined;

/** What is used of the client, which is the server's own: the suite has no dependencies. */
interface Client {
  send(command: object): Promise<{
    readonly Contents?: readonly { readonly Key?: string }[];
    readonly Uploads?: readonly { readonly Key?: string }[];
    readonly IsTruncated?: boolean;
    readonly NextContinuationToken?: string;
    readonly Body?: { transformToByteArray(): Promise<Uint8Array> };
  }>;
  destroy(): void;
}
interface Sdk {
  readonly S3Client: new (config: object) => Client;
  readonly CreateBucketCommand: new (input: { Bucket: string }) => object;
  readonly PutBucketCorsCommand: new (input: { Bucket: string; CORSConfiguration: object }) => object;
  readonly GetObjectCommand: new (input: { Bucket: string; Key: string }) => object;
  readonly PutObjectCommand: new (input: { Bucket: string; Key: string; Body: Uint8Array }) => object;
  readonly DeleteObjectCommand: new (input: { Bucket: string; Key: string }) => object;
  readonly ListObjectsV2Command: new (input: { Bucket: string; ContinuationToken: string | undefined }) => object;
  readonly ListMultipartUploadsCommand: new (input: { Bucket: string }) => object;
}
const library = createRequire(new URL('../../packages/server/package.json', import.meta.url));

/** Does something with a client for the bucket of a URL. */
async function withBucket<T>(url: string, work: (client: Client, bucket: string, sdk: Sdk) => Promise<T>): Promise<T> {
  const match = /^s3:\/\/([^:]+):([^@]+)@([^?]+)\?endpoint=([^&]+)/.exec(url);
  if (match === null)
    throw new TypeError('LATCHKEY_TEST_S3_URL looks like s3://key:secret@BUCKET?endpoint=http://host');
  const [, accessKeyId, secretAccessKey, bucket = '', endpoint] = match;
  const sdk = library('@aws-sdk/client-s3') as Sdk; // The package's own shape.
  const credentials = { accessKeyId, secretAccessKey };
  const client = new sdk.S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials });
  try {
    return await work(client, bucket, sdk);
  } finally {
    client.destroy();
  }
}

/** Makes a bucket and answers its URL. */
export async function createBucket(template: string): Promise<string> {
  const url = template.replace('BUCKET', `latchkey-conformance-${randomBytes(6).toString('hex')}`);
  await withBucket(url, (client, bucket, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: bucket })));
  return url;
}

/** Gives the bucket rules for pages of other origins. */
export function allowPages(url: string, rules: object): Promise<unknown> {
  return withBucket(url, (client, bucket, sdk) =>
    client.send(new sdk.PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: rules })),
  );
}

/** The keys of all objects of a bucket, and those of its multipart uploads that have not ended (a thousand at most). */
export function contentsOf(
  url: string,
): Promise<{ readonly objects: readonly string[]; readonly uploads: readonly string[] }> {
  return withBucket(url, async (client, bucket, sdk) => {
    const objects: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
      for (const { Key = '' } of page.Contents ?? []) objects.push(Key);
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }));
    return { objects, uploads: Uploads.map(({ Key = '' }) => Key) };
  });
}

/** How long a body is of which a part lies in the store before it has ended. */
export const LONGER_THAN_A_PART_BYTES = 9 * 1024 * 1024;

/** What files have left in the bucket of a URL: objects, and the keys of uploads that have not ended. Empty without a bucket. */
export async function filesIn(
  url: string | undefined,
): Promise<{ readonly objects: readonly string[]; readonly uploads: readonly string[] }> {
  if (url === undefined) return { objects: [], uploads: [] };
  const { objects, uploads } = await contentsOf(url);
  // Readiness writes and removes objects of its own.
  return { objects: objects.filter((key) => !key.startsWith('objects/check-')), uploads };
}

/** Takes an object out of the bucket and answers its bytes. */
export function takeObject(url: string, key: string): Promise<Uint8Array> {
  return withBucket(url, async (client, bucket, sdk) => {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
    await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }));
    if (Body === undefined) throw new Error(`no bytes at ${key}`);
    return Body.transformToByteArray();
  });
}

/** Puts an object into the bucket. */
export function putObject(url: string, key: string, bytes: Uint8Array): Promise<unknown> {
  return withBucket(url, (client, bucket, sdk) =>
    client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })),
  );
}
