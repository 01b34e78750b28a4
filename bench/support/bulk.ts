// Large bodies that cost the driver nothing: one random block, sent over and over.
import { randomBytes } from 'node:crypto';
import { send } from '../../conformance/support/http.ts';

export const MIB = 1024 * 1024;
const block = randomBytes(256 * 1024);

/** `size` bytes between a head and a tail. */
async function* bytes(size: number, head = '', tail = ''): AsyncGenerator<Uint8Array> {
  if (head !== '') yield Buffer.from(head);
  for (let left = size; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
  if (tail !== '') yield Buffer.from(tail);
}

/** Sends `size` bytes as they are. Resolves when they are acknowledged; throws when they are refused. */
export async function sendRaw(url: string, size: number, headers: Readonly<Record<string, string>>): Promise<void> {
  await expectSuccess('PUT', url, bytes(size), { ...headers, 'content-length': String(size) });
}

/** Sends `size` bytes as the one file of a form. */
export async function sendForm(url: string, size: number, headers: Readonly<Record<string, string>>): Promise<void> {
  const boundary = '----bench-boundary';
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="files[]"; filename="large.bin"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n';
  const tail = `\r\n--${boundary}--\r\n`;
  await expectSuccess('POST', url, bytes(size, head, tail), {
    ...headers,
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': String(size + head.length + tail.length),
  });
}

/** Sends `size` bytes of the block by any method. Throws unless they are answered with `status`. */
export async function sendBlocks(
  method: string,
  url: string,
  size: number,
  status: number,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  await expectSuccess(method, url, bytes(size), { ...headers, 'content-length': String(size) }, status);
}

async function expectSuccess(
  method: string,
  url: string,
  body: AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>>,
  status = 200,
): Promise<void> {
  const answer = await send(method, url, { body, headers });
  if (answer.status !== status) throw new Error(`${url}: ${answer.outcome}`);
}
