// Buckets for servers under test, on the S3 server that LATCHKEY_TEST_S3_URL names.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

/** The address of the server, with `BUCKET` where a bucket is to be named; undefined when the machine has none. */
export const S3_URL = process.env['LATCHKEY_TEST_S3_URL'];

/** What is used of the client, which is the server's own: the suite has no dependencies. */
interface Sdk {
  readonly S3Client: new (config: object) => { send(command: object): Promise<unknown>; destroy(): void };
  readonly CreateBucketCommand: new (input: { Bucket: string }) => object;
}
const client = createRequire(new URL('../../packages/server/package.json', import.meta.url));

/** Makes a bucket and answers its URL. */
export async function createBucket(template: string): Promise<string> {
  const bucket = `latchkey-conformance-${randomBytes(6).toString('hex')}`;
  const match = /^s3:\/\/([^:]+):([^@]+)@BUCKET\?endpoint=(.+)$/.exec(template);
  if (match === null)
    throw new TypeError('LATCHKEY_TEST_S3_URL looks like s3://key:secret@BUCKET?endpoint=http://host');
  const [, accessKeyId, secretAccessKey, endpoint] = match;
  const { S3Client, CreateBucketCommand } = client('@aws-sdk/client-s3') as Sdk; // The package's own shape.
  const s3 = new S3Client({
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  s3.destroy();
  return template.replace('BUCKET', bucket);
}
