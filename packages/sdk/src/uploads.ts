// Sends one file into a folder: in one request, or in parts that go on after a broken connection.
import type { Client, HeldClient } from './client.ts';
import { LatchkeyError } from './errors.ts';
import type { FileObject } from './wire.ts';

/** Where the file goes and how it is called there. */
export interface UploadOptions {
  /** Full path such as `/photos/2024`; made when it is missing and inside the key's upload scope. Default `/`. */
  readonly folder?: string;
  /** Default: the name of the `File`. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/**
 * Uploads a file and answers its record. A taken name becomes the file's next version. Throws LatchkeyError; nothing of
 * the file is kept then, and nothing is charged.
 */
export async function uploadFile(client: Client, file: Blob, options: UploadOptions = {}): Promise<FileObject> {
  const name = nameOf(file, options);
  const body = new FormData();
  body.append('files[]', file, name);
  const answer = await client.request<{ readonly file: FileObject }>(['files'], {
    method: 'POST',
    // The promise above holds for the same content as well.
    query: { folder: options.folder ?? '/', obfuscate: 'KEEP_ORIGINAL_NAME' },
    body,
    signal: options.signal,
    timeoutMs: 'none',
  });
  return answer.file;
}

/** How a file is sent in parts. */
export interface ResumableUploadOptions extends UploadOptions {
  /** Bytes of one part, and so the most that a broken connection costs. Default 8 MiB. */
  readonly partBytes?: number;
  /** The address of an upload that was begun before, by the same key or for the same subject. Folder and name are its own. */
  readonly resume?: string | undefined;
  /** Told once the upload has an address; keep it to resume in another page. */
  readonly onBegin?: (address: string) => void;
  /** Told after each part how much the service has. */
  readonly onProgress?: (storedBytes: number) => void;
  /** Resolves after `ms`. */
  readonly wait?: (ms: number) => Promise<void>;
}

const PART_BYTES = 8 * 1024 * 1024;
/** Pauses after failures without any progress in between; when they are used up, the upload fails. */
const PAUSES_MS: readonly number[] = [500, 1000, 2000, 4000, 8000, 16_000];
const TUS = { 'tus-resumable': '1.0.0' };
/** Longer waits are the caller's decision: the error carries `retryAfterMs`. */
const WAIT_MAX_MS = 60_000;

/** What the service says of an upload. */
interface Progress {
  readonly upload: { readonly offset: number };
  /** Once all has arrived. */
  readonly file?: FileObject;
}

/**
 * Uploads a file in parts by tus 1.0 and answers its record. After a lost connection, an answer from a proxy or a refusal that
 * asks to wait, it asks how much arrived and goes on there, up to six times in a row without progress. One key carries the
 * whole upload, and the template says how long that may take. Throws LatchkeyError; what was begun can then be resumed
 * until it expires.
 */
export async function uploadResumable(
  client: Client,
  file: Blob,
  options: ResumableUploadOptions = {},
): Promise<FileObject> {
  const { signal, partBytes = PART_BYTES, onProgress } = options;
  const wait = options.wait ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  if (!(partBytes > 0)) throw new TypeError('uploadResumable: options.partBytes is a positive number of bytes');
  const held = await client.hold(signal);
  let url = options.resume;
  /** How much the service has; undefined until it has said so, and after every doubt. */
  let offset: number | undefined;
  let failures = 0;

  async function step(): Promise<FileObject | undefined> {
    if (url === undefined) {
      url = await begin(held, file, options);
      offset = 0;
    }
    if (offset === undefined || offset >= file.size) {
      const progress: Progress = await held.request(url, { signal });
      if (progress.file !== undefined) return progress.file;
      offset = progress.upload.offset;
    }
    const headers = { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': `${offset}` };
    const body = file.slice(offset, offset + partBytes);
    offset = offsetIn(await held.requestHeaders(url, { method: 'PATCH', headers, body, signal, timeoutMs: 'none' }));
    failures = 0;
    onProgress?.(offset);
    return undefined;
  }

  for (;;) {
    try {
      const stored = await step();
      if (stored !== undefined) return stored;
    } catch (error) {
      if (!(error instanceof LatchkeyError)) throw error;
      const pauseMs = PAUSES_MS[failures];
      if (!isPassing(error) || pauseMs === undefined) throw error;
      failures += 1;
      offset = undefined;
      await wait(error.retryAfterMs ?? pauseMs);
      signal?.throwIfAborted();
    }
  }
}

/** Whether another attempt at the right place can cure it. */
function isPassing({ code, status, retryAfterMs }: LatchkeyError): boolean {
  if (retryAfterMs !== undefined) return retryAfterMs <= WAIT_MAX_MS;
  if (code === 'ANSWER_UNREADABLE') return status >= 500;
  return code === 'NETWORK_FAILED' || code === 'UPLOAD_OFFSET_MISMATCH';
}

async function begin(held: HeldClient, file: Blob, options: ResumableUploadOptions): Promise<string> {
  const said = { filename: nameOf(file, options), filetype: file.type, folder: options.folder ?? '/' };
  const pairs = Object.entries(said).flatMap(([name, value]) => (value === '' ? [] : [`${name} ${base64(value)}`]));
  const headers = { ...TUS, 'upload-length': `${file.size}`, 'upload-metadata': pairs.join(',') };
  const url = held.address(['tus']);
  const { signal } = options;
  const location = (await held.requestHeaders(url, { method: 'POST', headers, signal })).get('location');
  if (location === null) throw unreadable('Location');
  const begun = new URL(location, url).href;
  options.onBegin?.(begun);
  return begun;
}

function offsetIn(headers: Headers): number {
  const text = headers.get('upload-offset');
  if (text === null || !/^\d+$/.test(text)) throw unreadable('Upload-Offset');
  return Number(text);
}

function unreadable(header: string): LatchkeyError {
  return new LatchkeyError('ANSWER_UNREADABLE', `The answer has no ${header} that this page may read`, {
    hint: 'A proxy in between must hand on the headers of tus, and those that expose them to pages.',
  });
}

function nameOf(file: Blob, { name }: UploadOptions): string {
  if (name !== undefined) return name;
  if ('name' in file && typeof file.name === 'string') return file.name;
  throw new TypeError('A Blob has no name of its own; give one as options.name');
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
