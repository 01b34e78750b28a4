// Addresses that a store honours by themselves: AWS Signature Version 4 in the query, for reading one object.
import { createHash, createHmac } from 'node:crypto';

/** What an address is signed with and for. */
export interface Presigning {
  /** The object, with a path in which each segment is percent-encoded once. */
  readonly object: URL;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string | undefined;
  };
  /** More parameters, such as `response-content-type`; they are signed, too. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly nowMs: number;
  /** How long the store honours the address, 1 to 604,800. */
  readonly seconds: number;
}

/** The address. The store answers a read of it, whole or in ranges, and nothing else; changing any part of it makes it worthless. */
export function presignGet({ object, region, credentials, parameters, nowMs, seconds }: Presigning): string {
  const time = new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const query = Object.entries({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    ...parameters,
  })
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const request = ['GET', object.pathname, query, `host:${object.host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return `${object.origin}${object.pathname}?${query}&X-Amz-Signature=${signature}`;
}

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
