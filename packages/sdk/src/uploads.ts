// Sends one file into a folder.
import type { Client } from './client.ts';
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
  const name = options.name ?? ('name' in file && typeof file.name === 'string' ? file.name : undefined);
  if (name === undefined) throw new TypeError('uploadFile: a Blob has no name of its own; give one as options.name');
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
