// What a URL of an S3 store says. Pure, so that the settings can be checked before anything is opened.

/** Where a bucket is and how it is asked. */
export interface S3Address {
  readonly bucket: string;
  /** Begins every key; empty, or ends with a slash. */
  readonly prefix: string;
  /** Undefined is the endpoint of AWS in the region. */
  readonly endpoint: string | undefined;
  /** Where browsers reach it; undefined is the same place. */
  readonly publicEndpoint: string | undefined;
  readonly region: string;
  /** Undefined takes what the surroundings of the process offer, as the AWS tools do: environment, profile, role. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** The bucket in the path and not in the host name, as most servers other than AWS want it. */
  readonly pathStyle: boolean;
}

const KNOWN = ['endpoint', 'public_endpoint', 'region', 'path_style'];

/** Reads `s3://[key:secret@]bucket[/prefix][?endpoint=http://host:port&region=..&path_style=yes|no&public_endpoint=..]`; a sentence when it means nothing. */
export function parseS3Url(text: string): S3Address | string {
  const match = /^s3:\/\/(?:([^:@/?]+):([^@/?]+)@)?([^/?#@]+)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text);
  if (match === null) return 'must look like s3://bucket?endpoint=https://host';
  const [, key, secret, bucket = '', path = '', query = ''] = match;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    return 'names a bucket of lower-case letters, digits, dots and hyphens';
  if (!isEncoded(text)) return 'has a % that encodes nothing';
  const options = new URLSearchParams(query);
  const unknown = [...options.keys()].find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) return `has an option ${unknown}, which is not one of ${KNOWN.join(', ')}`;
  const [endpoint, publicEndpoint] = ['endpoint', 'public_endpoint'].map((name) => options.get(name) ?? undefined);
  for (const place of [endpoint, publicEndpoint]) {
    if (place !== undefined && (!/^https?:\/\/[^/?#]+\/?$/.test(place) || !URL.canParse(place)))
      return 'has an endpoint that is no http or https URL without a path';
  }
  const style = options.get('path_style') ?? (endpoint === undefined ? 'no' : 'yes');
  if (style !== 'yes' && style !== 'no') return 'has a path_style that is neither yes nor no';
  const prefix = path.replace(/^\/+|\/+$/g, '');
  return {
    bucket,
    prefix: prefix === '' ? '' : `${decodeURIComponent(prefix)}/`,
    endpoint,
    publicEndpoint,
    region: options.get('region') ?? 'us-east-1',
    credentials:
      key === undefined || secret === undefined
        ? undefined
        : { accessKeyId: decodeURIComponent(key), secretAccessKey: decodeURIComponent(secret) },
    pathStyle: style === 'yes',
  };
}

/** Whether what is percent-encoded in it can be read. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
