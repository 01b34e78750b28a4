// Bytes on their way out: ranges and conditions (RFC 9110 sections 13 and 14), and headers that keep them harmless.
import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';
import type { ByteRange } from '../ports/blobs.ts';
import type { FileRecord } from '../ports/metadata.ts';
import { ICON_TYPE, iconOf, needsIcon } from './icon.ts';
import type { Call } from './route.ts';

/** Types that a browser may show in place: they cannot run script in our origin. Everything else is a download. */
const INLINE = /^(image\/(?!svg\+xml)[\w.+-]+|video\/[\w.+-]+|audio\/[\w.+-]+|text\/plain|application\/pdf)$/;
/** Should a type above be misjudged by a browser, the page it would make can load and run nothing. */
const SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox";

/**
 * Sends a file's bytes, or the part asked for. Active content (SVG, HTML, XML, scripts) is always a download and
 * sandboxed (threat 22). Raises RANGE_UNSATISFIABLE, FILE_NOT_FOUND, STORE_UNAVAILABLE.
 */
export async function deliver(
  call: Call,
  file: FileRecord,
  read: (range?: ByteRange) => Promise<Readable>,
): Promise<undefined> {
  const { request, reply } = call;
  const etag = `"${file.sha256.slice(0, 32)}"`;
  const modifiedMs = Math.floor(file.modifiedAtMs / 1000) * 1000;
  reply
    .header('etag', etag)
    .header('last-modified', new Date(modifiedMs).toUTCString())
    .header('accept-ranges', 'bytes')
    .header('cache-control', cacheControl(call, file))
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('referrer-policy', 'no-referrer')
    .header('content-disposition', disposition(call, file));
  if (file.mime !== 'application/pdf') reply.header('content-security-policy', SANDBOX);
  if (isUnchanged(call, etag, modifiedMs)) {
    await reply.code(304).send();
    return undefined;
  }
  const range = wantedRange(call, file, etag, modifiedMs);
  reply.type(file.mime === 'text/plain' ? 'text/plain; charset=utf-8' : file.mime);
  if (range === undefined) {
    reply.header('content-length', String(file.sizeBytes));
  } else {
    reply
      .code(206)
      .header('content-range', `bytes ${range.start}-${range.end}/${file.sizeBytes}`)
      .header('content-length', String(range.end - range.start + 1));
  }
  if (request.method === 'HEAD') {
    await reply.send();
    return undefined;
  }
  await reply.send(await read(range));
  return undefined;
}

/**
 * Sends an icon in place of a preview (`w`, wire contract 11.6) that a browser could not draw; false when the file itself will
 * do.
 */
export async function deliverIcon(call: Call, file: FileRecord): Promise<boolean> {
  const { query, reply } = call;
  if (query.one('w') === undefined || query.one('download') !== undefined || !needsIcon(file)) return false;
  await reply
    .header('cache-control', cacheControl(call, file))
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('content-security-policy', SANDBOX)
    .type(ICON_TYPE)
    .send(iconOf(file));
  return true;
}

/** Public bytes under a content hash never change; private ones are never kept by anybody in between. */
function cacheControl(call: Call, file: FileRecord): string {
  if (!file.isPublic || call.entrant.bearer.credential !== 'missing') return 'private, no-cache';
  return call.query.one('vh') === file.sha1.slice(0, 6) ? 'public, max-age=31536000, immutable' : 'public, no-cache';
}

function disposition(call: Call, file: FileRecord): string {
  const kind = call.query.one('download') === undefined && INLINE.test(file.mime) ? 'inline' : 'attachment';
  // RFC 6266 section 5: a plain fallback for old clients, the exact name in RFC 8187 form for all others.
  const plain = file.name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(file.name).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/** RFC 9110 section 13.2.2: `If-None-Match` decides alone when it is there. */
function isUnchanged(call: Call, etag: string, modifiedMs: number): boolean {
  const { 'if-none-match': match, 'if-modified-since': since } = call.request.headers;
  if (match !== undefined) {
    return match.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
  }
  return since !== undefined && modifiedMs <= Date.parse(since);
}

/** The single range asked for, if it applies. Several ranges, other units and broken ones are answered whole (14.2). */
function wantedRange(call: Call, file: FileRecord, etag: string, modifiedMs: number): ByteRange | undefined {
  const { range, 'if-range': condition } = call.request.headers;
  const match = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  if (condition !== undefined && condition !== etag && Date.parse(String(condition)) !== modifiedMs) return undefined;
  const [first, last] = [match[1] ?? '', match[2] ?? ''].map((text) => (text === '' ? undefined : Number(text)));
  const size = file.sizeBytes;
  if (first !== undefined && last !== undefined && last < first) return undefined;
  const start = first ?? Math.max(size - (last ?? 0), 0);
  const end = first === undefined ? size - 1 : Math.min(last ?? size - 1, size - 1);
  if (start >= size || start > end) {
    throw new AppError('RANGE_UNSATISFIABLE', undefined, {
      headers: { 'content-range': `bytes */${size}` },
      limit: size,
    });
  }
  return { start, end };
}
