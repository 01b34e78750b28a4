// One request of the "Try this key" panel, kept with everything there is to see: what was sent and what came back.

/** A request as a page would send it. */
export interface ProbeRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly json?: string;
  readonly file?: File;
}

/** What came back. */
export interface ProbeAnswer {
  readonly status: number;
  readonly durationMs: number;
  /** The members every answer of the service has. */
  readonly outcome: string | undefined;
  readonly code: string | undefined;
  readonly msg: string | undefined;
  readonly hint: string | undefined;
  readonly body: unknown;
  /** Readable text of the body. */
  readonly text: string;
}

/**
 * Sends the request as a stranger's page would: without the console's cookie, so that only the key counts. Rejects with
 * TypeError when no answer arrives.
 */
export async function probe(request: ProbeRequest): Promise<ProbeAnswer> {
  const startedAtMs = performance.now();
  const response = await fetch(request.url, {
    method: request.method,
    headers: { ...request.headers, ...(request.json === undefined ? {} : { 'content-type': 'application/json' }) },
    credentials: 'omit',
    cache: 'no-store',
    ...bodyOf(request),
  });
  const raw = await response.text();
  const durationMs = performance.now() - startedAtMs;
  const body = parseJson(raw);
  const member = (name: string): string | undefined => {
    const value = isRecord(body) ? body[name] : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    status: response.status,
    durationMs,
    outcome: member('status'),
    code: member('code'),
    msg: member('msg'),
    hint: member('hint'),
    body,
    text: body === undefined ? raw : JSON.stringify(body, null, 2),
  };
}

function bodyOf({ json, file }: ProbeRequest): { readonly body?: BodyInit } {
  if (json !== undefined) return { body: json };
  if (file === undefined) return {};
  const form = new FormData();
  form.append('file', file, file.name);
  return { body: form };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same request for a shell, every argument quoted so that nothing in it can run. */
export function curlCommand(request: ProbeRequest): string {
  const parts = ['curl'];
  if (request.method !== 'GET') parts.push(`-X ${request.method}`);
  for (const [name, value] of Object.entries(request.headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (request.json !== undefined) parts.push(`-H 'content-type: application/json'`, `--data ${quote(request.json)}`);
  if (request.file !== undefined) parts.push(`-F ${quote(`file=@${request.file.name}`)}`);
  parts.push(quote(request.url));
  return parts.join(' \\\n  ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
