// The words of the tus resumable upload protocol, version 1.0.0: its headers, read strictly and bounded.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { AppendOptions, DigestAlgorithm } from '../ports/partial-blobs.ts';

const TUS_VERSION = '1.0.0';
/** The content type of every part. */
const PART_TYPE = 'application/offset+octet-stream';
/** In which header a finished upload names its file. */
export const FILE_HEADER = 'latchkey-file-uuid';

/** Stands in every answer of an address of resumable uploads, refusals included. Nothing there may be cached. */
export const TUS_HEADERS: Readonly<Record<string, string>> = {
  'tus-resumable': TUS_VERSION,
  'cache-control': 'no-store',
};

const DIGEST_BYTES: Readonly<Record<DigestAlgorithm, number>> = { md5: 16, sha1: 20, sha256: 32 };

/** What is spoken here, for the answer to OPTIONS. */
export const TUS_ABILITIES: Readonly<Record<string, string>> = {
  ...TUS_HEADERS,
  'tus-version': TUS_VERSION,
  'tus-extension': 'creation,creation-with-upload,termination,expiration,checksum',
  'tus-checksum-algorithm': Object.keys(DIGEST_BYTES).join(','),
};

/** Headers that pages of other origins may send. */
export const TUS_REQUEST_HEADERS = [
  'tus-resumable',
  'upload-length',
  'upload-metadata',
  'upload-offset',
  'upload-checksum',
  'upload-defer-length',
  'upload-concat',
  'x-requested-with',
  'x-http-method-override',
];

/** Headers that pages of other origins may read. */
export const TUS_RESPONSE_HEADERS = [
  'location',
  'tus-resumable',
  'tus-version',
  'tus-extension',
  'tus-checksum-algorithm',
  'upload-length',
  'upload-offset',
  'upload-expires',
  'upload-metadata',
  FILE_HEADER,
];

/** More than a name, a folder and a description need; a header line cannot be much longer anyway. */
const METADATA_LENGTH_MAX = 8 * 1024;

/** Raises TUS_VERSION_REFUSED unless the request speaks our version. */
export function checkVersion(request: FastifyRequest): void {
  if (request.headers['tus-resumable'] === TUS_VERSION) return;
  throw new AppError('TUS_VERSION_REFUSED', 'Tus-Resumable', { headers: { 'tus-version': TUS_VERSION } });
}

/** The length that a new upload announces. Raises REQUEST_INVALID; a length that is not known yet is not taken, because
 *  nothing could be reserved for it, and neither are uploads made of others. */
export function uploadLength(request: FastifyRequest): number {
  if (request.headers['upload-defer-length'] !== undefined) {
    throw fault('Upload-Defer-Length', 'UNSUPPORTED', 'Say the length at the beginning, in Upload-Length.');
  }
  if (request.headers['upload-concat'] !== undefined) {
    throw fault('Upload-Concat', 'UNSUPPORTED', 'Uploads cannot be put together here; send one file in one upload.');
  }
  return wholeNumber(request, 'upload-length', 'Upload-Length');
}

/** Where a part belongs. Raises REQUEST_INVALID. */
export function uploadOffset(request: FastifyRequest): number {
  return wholeNumber(request, 'upload-offset', 'Upload-Offset');
}

function wholeNumber(request: FastifyRequest, name: string, field: string): number {
  const text = request.headers[name];
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    throw fault(field, 'NUMBER_INVALID', 'A whole number of bytes in decimal digits is needed here.');
  }
  return Number(text);
}

/** Whether the body is a part of an upload. */
export function isPart(request: FastifyRequest): boolean {
  const type = request.headers['content-type'] ?? '';
  return type.split(';', 1)[0]?.trim().toLowerCase() === PART_TYPE;
}

/** Raises MEDIA_TYPE_REFUSED unless the body is a part of an upload. */
export function checkPart(request: FastifyRequest): void {
  if (isPart(request)) return;
  const hint = `Send the bytes as ${PART_TYPE}.`;
  const faults = [{ field: 'Content-Type', code: 'TYPE_INVALID', message: hint }];
  throw new AppError('MEDIA_TYPE_REFUSED', 'Content-Type of a part', { hint, faults });
}

/** An upload's address, in every spelling. */
const UPLOAD_PATH = /^\/[^/]+\/v[345]\/tus\/[^/?]+/;

/** Gives a request for an upload the method that it means: where only GET and POST get through, clients say another one in a header (tus
 *  1.0, "X-HTTP-Method-Override"). */
export function takeMethodMeant(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): void {
  const said = request.headers['x-http-method-override'];
  if (request.method !== 'POST' || (said !== 'PATCH' && said !== 'DELETE')) return;
  if (UPLOAD_PATH.test(request.url ?? '')) request.method = said;
}

/** The digest of the part, when it comes with one. Raises REQUEST_INVALID. */
export function uploadChecksum(request: FastifyRequest): AppendOptions['digest'] {
  const text = request.headers['upload-checksum'];
  if (text === undefined) return undefined;
  const [name = '', encoded = '', ...rest] = String(text).split(' ');
  const algorithm = isAlgorithm(name) ? name : undefined;
  const value = base64(encoded);
  if (algorithm === undefined || rest.length > 0 || value?.length !== DIGEST_BYTES[algorithm]) {
    const known = Object.keys(DIGEST_BYTES).join(', ');
    throw fault('Upload-Checksum', 'CHECKSUM_INVALID', `An algorithm (${known}), a space and the digest in base64.`);
  }
  return { algorithm, value };
}

function isAlgorithm(name: string): name is DigestAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, name);
}

/** The pairs of Upload-Metadata, decoded once, and their text as it came. Raises REQUEST_INVALID. */
export function uploadMetadata(request: FastifyRequest): {
  readonly said: ReadonlyMap<string, string>;
  readonly text: string;
} {
  const text = String(request.headers['upload-metadata'] ?? '');
  const field = 'Upload-Metadata';
  if (text.length > METADATA_LENGTH_MAX) {
    throw fault(field, 'TOO_LONG', `At most ${METADATA_LENGTH_MAX} characters; say more about the file afterwards.`);
  }
  const pairs = new Map<string, string>();
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const [name = '', encoded = '', ...rest] = pair.trim().split(' ');
    const value = base64(encoded);
    if (value === undefined || !isUtf8(value) || rest.length > 0 || pairs.has(name)) {
      const message = 'Pairs of a name and a text in UTF-8 and base64, each name once, with commas between.';
      throw fault(field, 'METADATA_INVALID', message);
    }
    pairs.set(name, value.toString('utf8'));
  }
  return { said: pairs, text };
}

/** Bytes of base64 (RFC 4648 section 4); undefined when it is none. */
function base64(text: string): Buffer | undefined {
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.replaceAll('=', '').length % 4 !== 1;
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

/** A refusal of one part of a request. */
export function fault(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}
