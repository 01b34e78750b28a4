// @ts-check
// What Node costs by itself: node:http and node:fs moving the same bytes with no rule, no record and no check.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { URL } from 'node:url';

const folder = process.argv[2] ?? '';
/** Answers that the driver has put here: path -> body. @type {Map<string, Buffer>} */
const answers = new Map();
let uploads = 0;

/** @param {import('node:http').IncomingMessage} request */
async function readAll(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://bare');
  if (pathname.startsWith('/answers/')) {
    answers.set(pathname.slice('/answers'.length), await readAll(request));
    response.writeHead(204).end();
    return;
  }
  if (pathname === '/upload') {
    uploads += 1;
    const path = join(folder, `${uploads}.part`);
    // Records of files hold two digests; whoever compares large uploads lets this side compute them as well.
    const digests = searchParams.has('hash') ? ['sha1', 'sha256'].map((name) => createHash(name)) : [];
    await pipeline(
      request,
      async function* (/** @type {AsyncIterable<Buffer>} */ source) {
        for await (const chunk of source) {
          for (const digest of digests) digest.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path),
    );
    if (searchParams.has('durable')) {
      const file = await open(path);
      await file.sync();
      await file.close();
      await rename(path, join(folder, `${uploads}`));
    }
    const body = answers.get('/upload') ?? Buffer.alloc(0);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    await rm(searchParams.has('durable') ? join(folder, `${uploads}`) : path, { force: true });
    return;
  }
  if (pathname === '/file') {
    const size = answers.get('/file')?.length ?? 0;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
    await pipeline(createReadStream(join(folder, 'file')), response);
    return;
  }
  const body = answers.get(pathname) ?? Buffer.alloc(0);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

// A round ends in the middle of answers: a client that has gone is no fault.
const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
