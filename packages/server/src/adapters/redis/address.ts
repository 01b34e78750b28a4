// What a URL of Valkey or Redis says. Pure, so that the settings can be checked before anything is opened.

/** Where a server listens unless the URL says otherwise. */
export const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;

/** What a URL of the store says. */
export interface RedisAddress {
  readonly kind: 'server' | 'sentinel';
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** The name under which sentinels know the master. */
  readonly master: string | undefined;
}

/** What is wrong with the URL, as words that follow a name; undefined when nothing. */
export function redisUrlFault(url: string): string | undefined {
  return parseRedisUrl(url) === undefined
    ? 'must look like redis://user:password@host:6379/0, redis://host,host for a cluster, or redis-sentinel://host,host/name'
    : undefined;
}

/** Reads `redis://`, `rediss://`, `redis-sentinel://` and `rediss-sentinel://`; undefined for every other text. */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  const match = /^(rediss?)(-sentinel)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([^?#]*))?$/.exec(url);
  if (match === null || !isEncoded(url)) return undefined;
  const [, scheme, sentinel, username, password, hostList = '', path = ''] = match;
  const hosts = hostList.split(',').map((text) => parseHost(text, sentinel === undefined));
  if (hosts.some((host) => host === undefined)) return undefined;
  const [first = '', second] = path.split('/');
  const db = sentinel === undefined ? first : (second ?? '');
  if (!/^\d{0,4}$/.test(db) || (sentinel !== undefined && first === '')) return undefined;
  return {
    kind: sentinel === undefined ? 'server' : 'sentinel',
    hosts: hosts.flatMap((host) => host ?? []),
    tls: scheme === 'rediss',
    username: textOf(username),
    password: textOf(password),
    db: db === '' ? 0 : Number(db),
    master: sentinel === undefined ? undefined : decodeURIComponent(first),
  };
}

function textOf(part: string | undefined): string | undefined {
  return part === undefined || part === '' ? undefined : decodeURIComponent(part);
}

function parseHost(text: string, isServer: boolean): RedisAddress['hosts'][number] | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return undefined;
  const port = Number(match?.[3] ?? (isServer ? DEFAULT_PORT : DEFAULT_SENTINEL_PORT));
  return port > 0 && port < 65_536 ? { host, port } : undefined;
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
