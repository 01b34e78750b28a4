// What a page does with an access key: list and upload, with the key fetched and renewed underneath.
import { LatchkeyError } from './errors.ts';
import type { KeySource } from './keys.ts';
import type { Fetch, Query, RequestOptions } from './request.ts';
import { address, browserFetch, request, requestHeaders } from './request.ts';
import type { FileObject, FolderObject, KeyInfo } from './wire.ts';

/** How to reach one container. */
export interface ClientOptions {
  /** Origin of the service, such as `https://assets.example.com`. */
  readonly endpoint: string;
  readonly container: string;
  readonly keys: KeySource;
  readonly fetch?: Fetch;
}

/** Which part of a list. `sort` is a name and a direction, such as `created_at:desc`. */
export interface ListOptions {
  readonly offset?: number;
  readonly limit?: number;
  readonly sort?: string;
  /** Words that the name contains. */
  readonly q?: string;
  /** True looks into all folders below too. */
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
}

/** A request to a path below the container and version. */
export interface ClientRequest extends RequestOptions {
  readonly query?: Query;
}

/** The service seen with one key. Every method throws LatchkeyError. */
export interface Client {
  /** Any request of the API, for what has no method here. A key refused as expired is renewed, and the request repeated, once. */
  request<T>(path: readonly string[], options?: ClientRequest): Promise<T>;
  /** One key for several requests that belong together, whatever renewals happen meanwhile. */
  hold(signal?: AbortSignal): Promise<HeldClient>;
  keyInfo(signal?: AbortSignal): Promise<KeyInfo>;
  /** One page of the files of a folder, with their number before paging. */
  listFiles(
    folder: string,
    options?: ListOptions,
  ): Promise<{ readonly files: readonly FileObject[]; readonly total: number }>;
  /** One page of the folders in a folder. */
  listFolders(folder: string, options?: ListOptions): Promise<readonly FolderObject[]>;
}

/** The service seen with a key that stays the same. */
export interface HeldClient {
  /** Below the container and version, as in `Client.request`. */
  address(path: readonly string[], query?: Query): string;
  /** Sends to a full address and answers the JSON. */
  request<T>(url: string, options?: RequestOptions): Promise<T>;
  /** Sends to a full address and answers the headers. */
  requestHeaders(url: string, options: RequestOptions): Promise<Headers>;
}

/** Refusals of the key itself, which a newer key can cure. */
const RENEWABLE: ReadonlySet<string> = new Set(['KEY_EXPIRED', 'KEY_REVOKED', 'KEY_INVALID']);
const API_VERSION = 'v5';

/** A client for one container and one source of keys; it keeps nothing else. */
export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? browserFetch;
  const { endpoint, container, keys } = options;

  const addressOf = (path: readonly string[], query?: Query) =>
    address(endpoint, [container, API_VERSION, ...path], query);
  const withKey = (key: string, init: RequestOptions = {}) => ({
    ...init,
    headers: { ...init.headers, 'x-filerobot-key': key },
  });

  async function call<T>(path: readonly string[], { query, ...init }: ClientRequest = {}): Promise<T> {
    const url = addressOf(path, query);
    const attempt = (key: string) => request<T>(send, url, withKey(key, init));
    const key = await keys.get(init.signal);
    try {
      return await attempt(key);
    } catch (error) {
      if (!(error instanceof LatchkeyError && RENEWABLE.has(error.code))) throw error;
      keys.drop(key);
      const newer = await keys.get(init.signal);
      if (newer === key) throw error;
      return attempt(newer);
    }
  }

  const listQuery = (folder: string, { offset, limit, sort, q, recursive }: ListOptions): Query => ({
    folder,
    offset,
    limit,
    sort,
    q,
    recursive: recursive === true ? 1 : undefined,
  });

  return {
    request: call,
    async hold(signal) {
      const key = await keys.get(signal);
      return {
        address: addressOf,
        request: (url, init) => request(send, url, withKey(key, init)),
        requestHeaders: (url, init) => requestHeaders(send, url, withKey(key, init)),
      };
    },
    keyInfo: (signal) => call<KeyInfo>(['key', 'info'], { signal }),
    async listFiles(folder, list = {}) {
      const answer = await call<{ files: readonly FileObject[]; info: { total_files_count: number } }>(['files'], {
        query: listQuery(folder, list),
        signal: list.signal,
      });
      return { files: answer.files, total: answer.info.total_files_count };
    },
    async listFolders(folder, list = {}) {
      const answer = await call<{ folders: readonly FolderObject[] }>(['folders'], {
        query: listQuery(folder, list),
        signal: list.signal,
      });
      return answer.folders;
    },
  };
}
