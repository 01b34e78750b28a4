// Uploads over HTTP in four forms: multipart with side parts, base64 in JSON, URLs to fetch, and a raw stream (wire contract 5.6).
import { Readable } from 'node:stream';
import { type CanonicalPath, effective, type OperationName } from '@latchkey/policy';
import { z } from 'zod';
import { AppError, ERRORS } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Entrant } from '../guard/guard.ts';
import { mergedMeta, parseMeta } from '../operations/meta.ts';
import { parsePlace } from '../operations/products.ts';
import { checkTags, TAG_LANGUAGE, tagsOf } from '../operations/tags.ts';
import {
  type Checksums,
  type DescribedFile,
  type Description,
  discardUploads,
  type Sides,
  type StagedFile,
  type StoredUpload,
  stageRemote,
  stageUpload,
  storeUploads,
} from '../operations/uploads.ts';
import { watch } from '../operations/watch.ts';
import { RENDITION_PIXELS_MAX } from '../ports/images.ts';
import { fileUuid, type JsonObject } from '../ports/metadata.ts';
import { checksumsOf, checksumsOfHeaders } from './checksums.ts';
import { folderOf, nameOf, parseBody, pathOf } from './input.ts';
import { arrivingWithin, parseJson, textOf } from './json.ts';
import { moveFiles, moveFilesBody } from './objects.ts';
import { type Call, route } from './route.ts';
import { showUploads } from './shown.ts';

type UploadCall = Call<'file.upload' | 'file.edit'>;
type PostCall = Call<'file.upload' | 'file.edit' | 'file.move'>;

/** Bounds of one multipart body (threat 24). */
const MULTIPART = { files: 100, fields: 500, parts: 600, fieldSize: 1024 * 1024, fieldNameSize: 512, headerPairs: 64 };

const uploadPaths = ['/{v}/files', '/{v?}/upload'];
const UPLOADING = ['file.upload', 'file.edit'] as const;
const POSTING = [...UPLOADING, 'file.move'] as const;

export const uploadRoutes = [
  route({
    method: 'POST',
    paths: uploadPaths,
    operations: POSTING,
    body: 'stream',
    summary: 'Uploads files as multipart/form-data or one as base64 in JSON; with files_uuids it moves files instead.',
    async handle(call) {
      if (call.request.isMultipart()) return uploadMultipart(call);
      return uploadJson(call);
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/files/upload_url'],
    operations: UPLOADING,
    body: 'stream',
    summary:
      'Fetches files from URLs and stores them; at most 20, all or none. Off until the container settings allow it.',
    async handle(call) {
      return uploadFromUrls(call, parseJson(await readText(call, UPLOADING)));
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v?}/upload', '/{v}/files'],
    operations: UPLOADING,
    body: 'stream',
    summary: 'Uploads one file as a raw body; its name is in filename.',
    async handle(call) {
      const folder = folderOf(call.query);
      const name = nameOf(call.query.one('filename', 'name'), 'filename');
      const checksums = checksumsOfHeaders(call.request.headers);
      const grant = await admitFile(call, folder, contentLength(call));
      const claimedType = call.request.headers['content-type'];
      const staged = await stageUpload(call.ports, grant, { name, source: call.request.raw, claimedType });
      return answer(call, await store(call, folder, [{ ...staged, description: NOTHING_SAID, checksums }]));
    },
  }),
];

const NOTHING_SAID: Description = { meta: {}, tags: {}, info: {}, productRef: undefined, productPosition: undefined };

/** A grant for one file. Saving from the image editor demands the permission for editing as well (wire contract 5.6). */
async function admitFile(
  call: UploadCall,
  folder: CanonicalPath,
  bytes: number | undefined,
): Promise<Grant<'file.upload'>> {
  if (call.query.one('image_editor') !== undefined) {
    await call.admit([{ operation: 'file.edit', targets: [folder] }]);
  }
  return call.admit([{ operation: 'file.upload', targets: [folder] }], {
    files: 1,
    ...(bytes === undefined ? {} : { bytes }),
  });
}

/** What the request says of its body's length. */
export function contentLength(call: Call): number | undefined {
  const text = call.request.headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A staged file with the name of the form field it came in, which names its side parts. */
export type Part = StagedFile & { readonly field: string; readonly index: number };

/** By whose rights the files of a form come in. */
interface Reception {
  /** Asked for as long as the form is on its way; what it raises ends that. */
  ask(): Promise<void>;
  /** The grant of the next file; how large it may be is known of the first one only. */
  admit(bytes: number | undefined): Promise<Grant<'file.upload'>>;
  /** A browser sends a nameless part for a field in which nobody chose a file. */
  readonly nameless: 'refuse' | 'skip';
}

/**
 * Streams every file of a form as it comes, into `parts`, which are the caller's to discard when this raises. Answers the other fields.
 */
export async function stageForm(
  call: Call,
  parts: Part[],
  { ask, admit, nameless }: Reception,
): Promise<ReadonlyMap<string, string>> {
  const fields = new Map<string, string>();
  let fieldsLength = 0;
  const arrival = arrivalOf(call, ask);
  try {
    // The parser would cut a name at its last backslash, which is none of its business.
    const form = call.request.parts({
      preservePath: true,
      limits: { ...MULTIPART, fileSize: Number.POSITIVE_INFINITY },
    });
    for await (const part of arrival.of(form)) {
      if (part.type === 'field') {
        // The form parser hands a part that calls itself JSON on as a value.
        const text = typeof part.value === 'string' ? part.value : JSON.stringify(part.value);
        fieldsLength += text.length;
        if (part.valueTruncated || fieldsLength > call.settings.jsonBytesMax) throw tooManyParts();
        fields.set(part.fieldname, text);
        continue;
      }
      if (part.filename === '' && nameless === 'skip') {
        part.file.resume();
        continue;
      }
      const index = parts.length;
      const name = nameOf(sideText(fields, 'name', part.fieldname, index) ?? sentName(fields, part, index), 'name');
      const grant = await admit(index === 0 ? contentLength(call) : undefined);
      const staged = await stageUpload(call.ports, grant, { name, source: part.file, claimedType: part.mimetype });
      parts.push({ ...staged, field: part.fieldname, index });
    }
  } finally {
    arrival.end();
  }
  if (parts.length > 0) return fields;
  throw new AppError('REQUEST_INVALID', 'no file part', {
    faults: [{ field: 'files[]', code: 'MISSING', message: 'The form holds no file.' }],
  });
}

/**
 * The name that a part of a form has. Programs send the folders of their machine along, of which only the last part is meant (RFC 7578,
 * 4.2). Browsers write `%22` for a quotation mark (HTML, "escape a multipart form data name"): whether they did is told by the name in `info`.
 */
function sentName(
  fields: ReadonlyMap<string, string>,
  { fieldname, filename }: { readonly fieldname: string; readonly filename: string },
  index: number,
): string {
  const last = filename.slice(filename.lastIndexOf('/') + 1);
  const sent = /^[a-z]:\\/i.test(last) ? last.slice(last.lastIndexOf('\\') + 1) : last;
  const info = sideText(fields, 'info', fieldname, index);
  if (info === undefined || !/%(22|0A|0D)/.test(sent)) return sent;
  const { name } = Object(parseJson(info)) as { readonly name?: unknown };
  return typeof name === 'string' && escaped(name) === sent ? name : sent;
}

/** A file's name as browsers write it into a form. */
function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\n', '%0A').replaceAll('\r', '%0D');
}

/** Takes the files of a form; side parts may stand before or behind. All files are committed together at the end. */
async function uploadMultipart(call: UploadCall): Promise<object> {
  const folder = folderOf(call.query);
  return withParts(call, async (parts) => {
    const fields = await stageForm(call, parts, {
      ask: () => call.guard.reenter(call.entrant, UPLOADING),
      admit: (bytes) => admitFile(call, folder, formBytes(bytes, call.entrant)),
      nameless: 'refuse',
    });
    const described = parts.map((part) => ({
      ...part,
      description: describe(fields, part),
      checksums: checksumsOfPart(fields, part),
    }));
    return answer(call, await store(call, folder, described, fields.get('resize')));
  });
}

/** Runs work on the files of a form; when it fails, they are discarded, unless they may be committed. */
export async function withParts<T>({ ports }: Pick<Call, 'ports'>, work: (parts: Part[]) => Promise<T>): Promise<T> {
  const parts: Part[] = [];
  try {
    return await work(parts);
  } catch (error) {
    // Storing cleans up after itself; removing again what is gone is no fault.
    if (!(error instanceof AppError && error.code === 'STORE_UNAVAILABLE')) await discardUploads(ports, parts);
    throw multipartFault(error);
  }
}

/**
 * What the length of a form tells of its first file: an upper bound. It must not refuse files that each fit, so a form
 * longer than the limit counts as a file of the limit; the bytes themselves are counted while they flow.
 */
export function formBytes(length: number | undefined, { bearer: { template, claims } }: Entrant): number | undefined {
  if (length === undefined || template === undefined || claims === undefined) return length;
  return Math.min(length, effective(template, claims).maxFileSizeBytes);
}

/** Faults of the form itself, in our words. */
export function multipartFault(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (code.startsWith('FST_') && code.endsWith('_LIMIT')) {
    return tooManyParts(error);
  }
  if (code === 'FST_PROTO_VIOLATION' || code === 'FST_INVALID_JSON_FIELD_ERROR') {
    return new AppError('REQUEST_INVALID', code, {
      faults: [{ field: 'body', code: 'FIELD_INVALID', message: 'A field of the form has a bad name or bad JSON.' }],
      cause: error,
    });
  }
  if (error instanceof Error && /multipart|boundary|unexpected end|malformed|premature/i.test(error.message)) {
    return new AppError('REQUEST_INVALID', 'broken multipart body', {
      faults: [{ field: 'body', code: 'MULTIPART_INVALID', message: 'The multipart body is broken or incomplete.' }],
      cause: error,
    });
  }
  return error;
}

function tooManyParts(cause?: unknown): AppError {
  return new AppError('REQUEST_INVALID', 'form limits', {
    faults: [{ field: 'body', code: 'TOO_MANY_PARTS', message: 'The form has too many or too large parts.' }],
    cause,
  });
}

/** The text of a side part: `info[files[]]`, `info[file_0]` for the n-th file, or bare (wire contract 5.6). */
function sideText(fields: ReadonlyMap<string, string>, name: string, field: string, index: number): string | undefined {
  return (
    fields.get(`${name}[${field}]`) ??
    fields.get(`${name}[file_${index}]`) ??
    fields.get(`${name}[${index}]`) ??
    fields.get(name)
  );
}

function sideJson(fields: ReadonlyMap<string, string>, name: string, part: Part): unknown {
  const text = sideText(fields, name, part.field, part.index);
  return text === undefined ? undefined : parseJson(text, `${name}[${part.field}]`);
}

/** A checksum alone need not be JSON. */
function checksumsOfPart(fields: ReadonlyMap<string, string>, part: Part): Checksums {
  const text = sideText(fields, 'hash', part.field, part.index)?.trim() ?? '';
  return checksumsOf(text.startsWith('{') || text.startsWith('"') ? parseJson(text) : text, `hash[${part.field}]`);
}

const tagsPart = z
  .union([
    z.array(z.string().max(255)).max(200),
    z.object({ lang: z.string().max(35).optional(), new_tags: z.array(z.string().max(255)).max(200).optional() }),
  ])
  .optional();
const productPart = z
  .object({ ref: z.string().max(255).nullish(), position: z.union([z.number(), z.string()]).nullish() })
  .nullish();

function describe(fields: ReadonlyMap<string, string>, part: Part): Description {
  return description({
    meta: sideJson(fields, 'meta', part),
    tags: sideJson(fields, 'tags', part),
    product: sideJson(fields, 'product', part),
  });
}

/** What clients say about a file, in the shape it is stored in. Raises REQUEST_INVALID by field. */
export function description(said: {
  readonly meta?: unknown;
  readonly tags?: unknown;
  readonly product?: unknown;
}): Description {
  const parsed = parseBody(z.object({ meta: z.unknown().optional(), tags: tagsPart, product: productPart }), said);
  const place = parsePlace(parsed.product ?? {}, 'product');
  return {
    meta: mergedMeta({}, parseMeta(parsed.meta ?? {})),
    tags: storedTags(parsed.tags),
    info: {},
    productRef: place.ref,
    productPosition: place.position,
  };
}

function storedTags(said: z.infer<typeof tagsPart>): JsonObject {
  const list = Array.isArray(said) ? said : (said?.new_tags ?? []);
  const lang = Array.isArray(said) ? TAG_LANGUAGE : (said?.lang ?? TAG_LANGUAGE);
  checkTags({ lang, labels: list }, 'tags');
  return list.length === 0 ? {} : { [lang]: tagsOf(list) };
}

const base64Body = z.object({
  name: z.string(),
  data: z.string(),
  postactions: z.string().optional(),
  type: z.string().optional(),
  meta: z.unknown().optional(),
  tags: z.unknown().optional(),
  product: z.unknown().optional(),
  hash: z.unknown().optional(),
});

/** One file as base64, or the older form of moving files. */
async function uploadJson(call: PostCall): Promise<object> {
  const body = parseJson(await readText(call, POSTING));
  if (typeof body === 'object' && body !== null && 'files_uuids' in body) {
    return moveFiles(call, parseBody(moveFilesBody, body));
  }
  if (typeof body === 'object' && body !== null && 'files_urls' in body) return uploadFromUrls(call, body);
  const said = parseBody(base64Body, body);
  const folder = folderOf(call.query);
  const name = nameOf(said.name, 'name');
  const bytes = base64Bytes(said.data);
  const checksums = checksumsOf(said.hash, 'hash');
  const grant = await admitFile(call, folder, bytes.length);
  const staged = await stageUpload(call.ports, grant, { name, source: Readable.from([bytes]), claimedType: said.type });
  return answer(call, await store(call, folder, [{ ...staged, description: description(said), checksums }]));
}

/** So many URLs one request may name (wire contract 5.6). */
const URLS_MAX = 20;
/** All files of one request are fetched within this time. */
const FETCH_MS = 10 * 60_000;

const urlsBody = z.object({
  dir: z.string().optional(),
  files_urls: z
    .array(
      // Old uploaders name each by its URL alone.
      z.preprocess(
        (said) => (typeof said === 'string' ? { url: said } : said),
        z.object({
          url: z.string().max(4096),
          name: z.string().nullish(),
          meta: z.unknown().optional(),
          tags: z.unknown().optional(),
          product: z.unknown().optional(),
          hash: z.unknown().optional(),
        }),
      ),
    )
    .min(1)
    .max(URLS_MAX),
});

/** Fetches every file, one after the other, and commits them together: when one cannot be had, none is kept. */
async function uploadFromUrls(call: UploadCall, body: unknown): Promise<object> {
  const { dir, files_urls } = parseBody(urlsBody, body);
  const folder =
    call.query.one('folder', 'dir') === undefined && dir !== undefined ? pathOf(dir, 'dir') : folderOf(call.query);
  const wanted = files_urls.map((said, index) => ({
    url: said.url,
    name: nameOf(said.name ?? lastSegment(said.url), `files_urls[${index}].name`),
    description: description(said),
    checksums: checksumsOf(said.hash, `files_urls[${index}].hash`),
  }));
  const patience = patienceOf(call);
  const staged: DescribedFile[] = [];
  try {
    for (const [index, file] of wanted.entries()) {
      const grant = await admitFile(call, folder, undefined);
      try {
        staged.push({
          ...(await stageRemote(call.ports, grant, file, patience.signal)),
          description: file.description,
          checksums: file.checksums,
        });
      } catch (error) {
        throw atUrl(error, index);
      }
    }
    return answer(call, await store(call, folder, staged));
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'STORE_UNAVAILABLE')) await discardUploads(call.ports, staged);
    throw error;
  } finally {
    patience.end();
  }
}

/** The name that a URL itself gives its content; empty when it gives none. */
function lastSegment(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  const segment = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // The escapes are not UTF-8; as they stand they are a name that is refused in clear words.
  }
}

/** Aborts when the caller has gone or has waited long enough. Meanwhile its silent connection is kept. */
function patienceOf(call: Call): { readonly signal: AbortSignal; end(): void } {
  const stop = new AbortController();
  const timer = setTimeout(() => {
    const hint = 'All files together took too long. Name fewer URLs at a time.';
    stop.abort(new AppError('URL_FAILED', 'all files', { hint, rule: 'TIMEOUT' }));
  }, FETCH_MS);
  const onClose = () => stop.abort(new AppError('REQUEST_INVALID', 'nobody waits any more'));
  call.reply.raw.once('close', onClose);
  call.reply.raw.setTimeout(FETCH_MS * 2, onClose);
  return {
    signal: stop.signal,
    end() {
      clearTimeout(timer);
      call.reply.raw.off('close', onClose);
    },
  };
}

/** A refusal or failure of one URL, with the place of that URL in the request. */
function atUrl(error: unknown, index: number): unknown {
  if (!(error instanceof AppError) || (error.code !== 'URL_REFUSED' && error.code !== 'URL_FAILED')) return error;
  const { facts, code, detail } = error;
  const fault = { field: `files_urls[${index}].url`, code: facts.rule ?? code, message: facts.hint ?? '' };
  return new AppError(code, detail, { ...facts, faults: [fault], cause: error.cause });
}

/** A body on its way, for as long as the live rules allow one of the operations: no longer is it read to its end. */
interface Arrival {
  /** Aborts with the refusal. */
  readonly signal: AbortSignal;
  /** The same items; fails with the refusal instead of waiting for the next one. */
  of<T>(items: AsyncIterable<T>): AsyncIterable<T>;
  end(): void;
}

function arrivalOf({ ports }: Pick<Call, 'ports'>, ask: () => Promise<void>): Arrival {
  const stop = new AbortController();
  const refused = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
  });
  refused.catch(() => undefined); // It may come while nobody waits for the next item.
  const end = watch(ports.system, ask, (reason) => stop.abort(reason));
  return {
    signal: stop.signal,
    async *of(items) {
      const iterator = items[Symbol.asyncIterator]();
      for (;;) {
        const next = await Promise.race([iterator.next(), refused]);
        if (next.done === true) return;
        yield next.value;
      }
    },
    end,
  };
}

/** A body this many times too long is not even read to its end. */
const PATIENCE = 8;

/** The body as text, within the bound of JSON bodies. Raises PAYLOAD_TOO_LARGE, having read what was sent. */
async function readText(call: Call, operations: readonly OperationName[]): Promise<string> {
  const { jsonBytesMax, jsonMsMax } = call.settings;
  const chunks: Buffer[] = [];
  let size = 0;
  const arrival = arrivalOf(call, () => call.guard.reenter(call.entrant, operations));
  try {
    const body: AsyncIterable<Buffer> = arrivingWithin(call.request.raw, jsonMsMax, arrival.signal);
    for await (const chunk of body) {
      size += chunk.length;
      if (size <= jsonBytesMax) chunks.push(chunk);
      else if (size > jsonBytesMax * PATIENCE) break;
    }
  } finally {
    arrival.end();
  }
  if (size > jsonBytesMax) {
    throw new AppError('PAYLOAD_TOO_LARGE', 'JSON body', {
      limit: jsonBytesMax,
      hint: 'Send larger files as multipart/form-data or as a raw body.',
    });
  }
  return textOf(Buffer.concat(chunks));
}

/** Bytes of base64 (RFC 4648 section 4) or of a data URL (RFC 2397). Raises REQUEST_INVALID. */
function base64Bytes(text: string): Buffer {
  const encoded = text.replace(/^data:[^,]*;base64,/i, '').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded) || encoded.replaceAll('=', '').length % 4 === 1) {
    throw new AppError('REQUEST_INVALID', 'base64', {
      faults: [{ field: 'data', code: 'BASE64_INVALID', message: 'The data is not valid base64.' }],
    });
  }
  return Buffer.from(encoded, 'base64');
}

/**
 * Stores what was staged. `obfuscate=KEEP_ORIGINAL_NAME` says that what is there is to be overwritten, even by the same. A companion
 * says in the form how large pictures may be, everybody else in the address.
 */
function store(
  call: UploadCall,
  folder: CanonicalPath,
  staged: readonly DescribedFile[],
  resizeOfForm?: string,
): Promise<readonly StoredUpload[]> {
  const keepDuplicates = call.query.one('obfuscate') === 'KEEP_ORIGINAL_NAME';
  const resize = sidesOf(call.query.one('resize') ?? resizeOfForm);
  return storeUploads(call.ports, folder, staged, { keepDuplicates, ...(resize === undefined ? {} : { resize }) });
}

/** `resize=w,h` (wire contract 5.6); one of the two may be left out. Raises REQUEST_INVALID. */
function sidesOf(text: string | undefined): Sides | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{0,4})(?:,(\d{0,4}))?$/.exec(text);
  const [width, height] = [match?.[1] ?? '', match?.[2] ?? ''].map((side) => (side === '' ? undefined : Number(side)));
  const isSide = (side: number | undefined) => side === undefined || (side >= 1 && side <= RENDITION_PIXELS_MAX);
  if ((width === undefined && height === undefined) || !isSide(width) || !isSide(height)) {
    const message = `Width and height of 1 to ${RENDITION_PIXELS_MAX} pixels are needed here, such as 800,600.`;
    throw new AppError('REQUEST_INVALID', 'resize', { faults: [{ field: 'resize', code: 'INVALID_VALUE', message }] });
  }
  return { width, height };
}

const DUPLICATES = {
  'duplicate here': 'SAME_ASSET_EXISTS_SKIP_UPLOAD',
  'duplicate elsewhere': 'ERROR_SHA1_CONFLICT',
} as const;

/** What is said of each upload whose content was there already. */
export function duplicateWarnings(stored: readonly StoredUpload[]) {
  return stored.flatMap(({ file, outcome }) => {
    if (outcome !== 'duplicate here' && outcome !== 'duplicate elsewhere') return [];
    const { folderPath, name, info } = file;
    const similar_file_path = folderPath === '/' ? `/${name}` : `${folderPath}/${name}`;
    const existing_file_uuid = fileUuid(file);
    const code = DUPLICATES[outcome];
    return [{ code, msg: ERRORS[code].msg, hint: ERRORS[code].hint, existing_file_uuid, similar_file_path, info }];
  });
}

/**
 * Both forms that clients read: `file` for one, `files` always. When nothing was stored because all of it is there already,
 * the answer says so in the way of its generation (wire contract 5.6 and 12.1); among others, duplicates are warnings.
 */
async function answer(call: Call, stored: readonly StoredUpload[]): Promise<object> {
  const wire = await showUploads(call, stored);
  const warnings = duplicateWarnings(stored);
  const [first] = warnings.length === stored.length ? warnings : [];
  const isFirstGeneration = call.version === 'v3';
  const state =
    first !== undefined
      ? 'SHA1_CONFLICT_STOP_UPLOAD'
      : stored.some(({ outcome }) => outcome === 'new version')
        ? 'FILE_EXISTS_REPLACING_DATA'
        : '{}';
  return {
    msg: '',
    hint: '',
    ...(first === undefined || isFirstGeneration ? {} : { status: 'error', ...first }),
    ...(wire.length === 1 ? { file: wire[0] } : {}),
    files: wire,
    upload: { _i: wire.length, state: isFirstGeneration ? state : '{}' },
    ...(warnings.length === 0 || (first !== undefined && wire.length === 1) ? {} : { warnings }),
  };
}
