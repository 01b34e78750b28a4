// A service in one function: answers what the test lined up and remembers what it was asked.
import type { Fetch } from '../src/request.ts';

/** One request as it was sent. */
export interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** A refusal in the service's envelope. */
export function refused(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json(
    status,
    { status: 'error', code, msg: `msg of ${code}`, hint: `hint of ${code}`, request_id: 'r-1' },
    headers,
  );
}

/** A `fetch` that answers by `respond`, and the requests it saw. */
export function fakeService(respond: (sent: Sent, count: number) => Response | Promise<Response>) {
  const requests: Sent[] = [];
  const send: Fetch = async (url, init) => {
    const sent = { url, init };
    requests.push(sent);
    return respond(sent, requests.length);
  };
  return { send, requests };
}

/** A header of a request made by this library, which always passes a plain object. */
export function headerOf(sent: Sent | undefined, name: string): string | null {
  return new Headers(sent?.init.headers).get(name);
}
