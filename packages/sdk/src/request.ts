// One HTTP request to the service: a parsed answer, or a LatchkeyError that says why not.
import type { FieldFault, LatchkeyErrorCode } from './errors.ts';
import { LatchkeyError } from './errors.ts';

/** The part of `fetch` that is used; pass your own to add headers, retries or tests. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** An answer that is not complete after this time has failed, unless the request says otherwise. */
export const TIMEOUT_MS = 30_000;

/** One request. A JSON body is given as `json`, anything else as `body`. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the request fails; `'none'` for transfers whose length is not known. */
  readonly timeoutMs?: number | 'none';
  readonly credentials?: RequestCredentials;
}

/** The browser's own `fetch`, called as a plain function. */
export const browserFetch: Fetch = (url, init) => fetch(url, init);

/**
 * Sends one request and answers its JSON. Throws LatchkeyError for every refusal and failure, and the signal's own
 * reason when `signal` was aborted by the caller.
 */
export async function request<T>(send: Fetch, url: string, options: RequestOptions = {}): Promise<T> {
  const { response, text } = await respond(send, url, options);
  const answer = parse(response, text);
  if (answer['status'] !== 'success') throw refusal(response, answer);
  // The server's conformance suite holds the shape of each answer; checking it again here would only add bytes.
  return answer as T;
}

/** Like `request`, for answers that say what they say in their headers. */
export async function requestHeaders(send: Fetch, url: string, options: RequestOptions): Promise<Headers> {
  return (await respond(send, url, options)).response.headers;
}

async function respond(
  send: Fetch,
  url: string,
  options: RequestOptions,
): Promise<{ readonly response: Response; readonly text: string }> {
  const { json, signal, timeoutMs = TIMEOUT_MS } = options;
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (json !== undefined) headers['content-type'] = 'application/json';
  const body = json === undefined ? options.body : JSON.stringify(json);
  const limits = [signal, timeoutMs === 'none' ? undefined : AbortSignal.timeout(timeoutMs)];
  const init: RequestInit = {
    method: options.method ?? 'GET',
    headers,
    signal: AbortSignal.any(limits.filter((limit) => limit !== undefined)),
    ...(body === undefined ? {} : { body }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };

  let response: Response;
  let text: string;
  try {
    response = await send(url, init);
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new LatchkeyError('NETWORK_FAILED', 'The service could not be reached', {
      hint: 'Check the connection and try again.',
      cause,
    });
  }
  if (!response.ok) throw refusal(response, parse(response, text));
  return { response, text };
}

/** Throws ANSWER_UNREADABLE for what is not a JSON object. */
function parse({ status }: Response, text: string): Record<string, unknown> {
  const answer = parseObject(text);
  if (answer !== undefined) return answer;
  throw new LatchkeyError('ANSWER_UNREADABLE', `The answer (HTTP ${status}) is not from the service`, {
    status,
    hint: 'Check the endpoint and any proxy in front of it.',
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(response: Response, answer: Record<string, unknown>): LatchkeyError {
  const text = (field: string) => (typeof answer[field] === 'string' ? answer[field] : undefined);
  const scalar = (field: string) => (typeof answer[field] === 'number' ? answer[field] : text(field));
  return new LatchkeyError(
    // A newer server may send a code that this release has no name for; callers fall back on the status.
    (text('code') ?? 'INTERNAL') as LatchkeyErrorCode,
    text('msg') ?? `The request failed (HTTP ${response.status})`,
    {
      status: response.status,
      hint: text('hint'),
      requestId: text('request_id'),
      retryAfterMs: parseRetryAfter(response.headers.get('retry-after')),
      rule: text('rule'),
      limit: scalar('limit'),
      actual: scalar('actual'),
      faults: Array.isArray(answer['faults']) ? answer['faults'].filter(isFault) : [],
    },
  );
}

function isFault(value: unknown): value is FieldFault {
  return isObject(value) && ['field', 'code', 'message'].every((name) => typeof value[name] === 'string');
}

/** Only the seconds form: a date (RFC 9110 section 10.2.3) would compare two clocks, and the service never sends one. */
function parseRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** Joins an endpoint, such as `https://assets.example.com`, with path segments; each segment is escaped. */
export function address(endpoint: string, segments: readonly string[], query: Query = {}): string {
  const path = segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return endpoint.replace(/\/+$/, '') + path + (pairs.length === 0 ? '' : `?${pairs.join('&')}`);
}

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
