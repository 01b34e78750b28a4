// Bytes on their way out: ranges and conditions (RFC 9110 sections 13 and 14), and headers that keep them harmless.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';
import { isUndrawable, type Picture, variantOf } from '../operations/renders.ts';
import { extensionOf } from '../operations/uploads.ts';
import type { ByteRange, LinkedAnswer } from '../ports/blobs.ts';
import { type FileRecord, fileUuid } from '../ports/metadata.ts';
import { hasCredentialHeader } from './facts.ts';
import { ICON_TYPE, iconOf, needsIcon } from './icon.ts';
import type { Wanted } from './rendition.ts';
import type { Call } from './route.ts';

/** Types that a browser may show in place: they cannot run script in our origin. Everything else is a download. */
const INLINE = /^(image\/(?!svg\+xml)[\w.+-]+|video\/[\w.+-]+|audio\/[\w.+-]+|text\/plain|application\/pdf)$/;
/** Should a type above be misjudged by a browser, the page it would make can load and run nothing. */
const SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox";

/**
 * Sends a file's bytes, or the part asked for. Active content (SVG, HTML, XML, scripts) is always a download and
 * sandboxed (threat 22). Raises PRECONDITION_FAILED, RANGE_UNSATISFIABLE, FILE_NOT_FOUND, STORE_UNAVAILABLE.
 */
async function deliver(
  call: Call,
  file: FileRecord,
  { read, link }: Pick<Source, 'read' | 'link'>,
): Promise<undefined> {
  const { request, reply } = call;
  const etag = `"${file.sha256.slice(0, 32)}"`;
  const modifiedMs = Math.floor(file.modifiedAtMs / 1000) * 1000;
  refuseUnmet(call, etag, modifiedMs);
  harmless(call, cacheControl(call, file))
    .header('etag', etag)
    // RFC 9530: of the whole file, also beside a part of it.
    .header('repr-digest', `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`)
    .header('last-modified', new Date(modifiedMs).toUTCString())
    .header('accept-ranges', 'bytes')
    .header('content-disposition', disposition(call, file));
  if (file.mime !== 'application/pdf') reply.header('content-security-policy', SANDBOX);
  if (isUnchanged(call, etag, modifiedMs)) {
    await reply.code(304).send();
    return undefined;
  }
  const range = wantedRange(call, file, etag, modifiedMs);
  const contentType = file.mime === 'text/plain' ? 'text/plain; charset=utf-8' : file.mime;
  const seconds = linkSeconds(call, file);
  if (link !== undefined && seconds > 0) {
    const answer = { contentType, disposition: disposition(call, file), cacheControl: LINKED_CACHING };
    await reply
      .code(307)
      // It is good for moments only, and for whoever was let through.
      .header('cache-control', 'private, no-store')
      .removeHeader('etag')
      .removeHeader('last-modified')
      .removeHeader('content-disposition')
      .header('location', await link(answer, seconds))
      .send();
    return undefined;
  }
  reply.type(contentType);
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

/** Where the bytes of an answer come from, already guarded. */
export interface Source {
  read(range?: ByteRange): Promise<Readable>;
  /** An address at which the store sends the bytes itself; where there is none, `read` is what there is. */
  link?(answer: LinkedAnswer, seconds: number): Promise<string>;
  render(wanted: Wanted): Promise<Picture>;
}

/**
 * Sends the file as the address asks: a drawn picture when it can be one (wire contract 11.6), an icon in place of a picture that
 * cannot be drawn and that no browser could draw, else the file itself. Raises what `deliver` raises, IMAGES_BUSY and REQUEST_RATE_LIMITED.
 */
export async function deliverAs(
  call: Call,
  file: FileRecord,
  source: Source,
  wanted: Wanted | undefined,
): Promise<undefined> {
  if (wanted === undefined) return deliver(call, file, source);
  if (call.ports.images.draws(file.mime)) return deliverPicture(call, file, source, wanted);
  if (call.query.first('download') === undefined && needsIcon(file)) return deliverIcon(call, file, false);
  return deliver(call, file, source);
}

async function deliverPicture(call: Call, file: FileRecord, source: Source, wanted: Wanted): Promise<undefined> {
  const { request, reply } = call;
  const variant = createHash('sha256').update(variantOf(file, wanted.rendition)).digest('hex').slice(0, 8);
  const etag = `"${file.sha256.slice(0, 32)}-${variant}"`;
  refuseUnmet(call, etag, undefined);
  if (wanted.negotiated) reply.header('vary', 'Accept');
  if (isUnchanged(call, etag, Number.POSITIVE_INFINITY)) {
    await reply.header('etag', etag).header('cache-control', cacheControl(call, file)).code(304).send();
    return undefined;
  }
  let picture: Picture;
  try {
    picture = await source.render(wanted);
  } catch (error) {
    if (!isUndrawable(error)) throw error;
    call.ports.system.log.info('image.unreadable', { file: fileUuid(file), mime: file.mime, detail: error.detail });
    return deliverIcon(call, file, true);
  }
  harmless(call, cacheControl(call, file))
    .header('etag', etag)
    .header('content-security-policy', SANDBOX)
    .header('content-disposition', disposition(call, asPicture(file, picture)))
    .header('content-length', String(picture.bytes.length))
    .type(picture.mime);
  await reply.send(request.method === 'HEAD' ? undefined : Buffer.from(picture.bytes));
  return undefined;
}

/** An icon that stands for a failed drawing may be a picture soon; one that stands for its type stays. */
async function deliverIcon(call: Call, file: FileRecord, failed: boolean): Promise<undefined> {
  refuseUnmet(call, undefined, undefined);
  await harmless(call, failed ? 'private, max-age=60' : cacheControl(call, file))
    .header('content-security-policy', SANDBOX)
    .type(ICON_TYPE)
    .send(iconOf(file));
  return undefined;
}

/**
 * Nobody asks for the same address again after its second is over. Within it a browser would show a script what it kept of an answer to
 * a picture, in which the store has said nothing of scripts, and refuse it.
 */
const LINKED_CACHING = 'private, no-store';

/** No address of the store is good for longer: whom it was given to keeps it, whatever becomes of the right to it. */
const LINK_SECONDS_MAX = 30;

/**
 * How long an address of the store may live: not beyond the key, and not at all when this service sends the bytes itself. That it does
 * for credentials in headers, which a browser would hand on to the store, for HEAD, which a signed address does not cover, and for parts of
 * recordings: a player follows the redirection once and asks the store for every later part, long after the address is over.
 */
function linkSeconds(call: Call, file: FileRecord): number {
  const { method, headers } = call.request;
  if (call.settings.downloads !== 'store' || method !== 'GET' || hasCredentialHeader(call.request)) return 0;
  if (headers.range !== undefined && /^(audio|video)\//.test(file.mime)) return 0;
  const lifeMs = (call.entrant.bearer.claims?.expiresAtMs ?? Number.POSITIVE_INFINITY) - call.nowMs;
  return Math.min(LINK_SECONDS_MAX, Math.floor(lifeMs / 1000));
}

/** What every answer with foreign content says about itself. */
function harmless(call: Call, caching: string) {
  return call.reply
    .header('cache-control', caching)
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('referrer-policy', 'no-referrer');
}

/** The file under the name that fits what was drawn of it. */
function asPicture(file: FileRecord, picture: Picture): FileRecord {
  const extension = picture.mime.slice('image/'.length);
  const isNamed = extensionOf(file.name) === extension || (extension === 'jpeg' && extensionOf(file.name) === 'jpg');
  const stem = file.name.replace(/\.[^.]{1,20}$/, '');
  return { ...file, mime: picture.mime, name: isNamed ? file.name : `${stem}.${extension}` };
}

/** Public bytes under a content hash never change; private ones are never kept by anybody in between. */
function cacheControl(call: Call, file: FileRecord): string {
  if (!file.isPublic || call.entrant.bearer.credential !== 'missing') return 'private, no-cache';
  return call.query.first('vh') === file.sha1.slice(0, 6) ? 'public, max-age=31536000, immutable' : 'public, no-cache';
}

function disposition(call: Call, file: FileRecord): string {
  const kind = call.query.first('download') === undefined && INLINE.test(file.mime) ? 'inline' : 'attachment';
  // RFC 6266 section 5: a plain fallback for old clients, the exact name in RFC 8187 form for all others.
  const plain = file.name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(file.name).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/**
 * What has to be so for the content to be wanted at all; asked first (RFC 9110 section 13.2.2). `If-Match` decides alone when it is
 * there, and tags that are weak match nothing (13.1.1). What has no date, or a date that cannot be read, has no condition of time
 * (13.1.4). Raises PRECONDITION_FAILED.
 */
function refuseUnmet(call: Call, etag: string | undefined, modifiedMs: number | undefined): void {
  const { 'if-match': match, 'if-unmodified-since': since } = call.request.headers;
  const isUnmet =
    match === undefined
      ? since !== undefined && modifiedMs !== undefined && modifiedMs > Date.parse(since)
      : !match.split(',').some((tag) => tag.trim() === '*' || tag.trim() === etag);
  if (isUnmet) throw new AppError('PRECONDITION_FAILED');
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
