// Resumable uploads over HTTP: the tus 1.0 protocol, each request under the guard and answered in the errors of this service.
import type { CanonicalPath } from '@latchkey/policy';
import type { Grant } from '../grant.ts';
import {
  abandonUpload,
  beginUpload,
  continueUpload,
  fileOfUpload,
  type Part,
  type Progress,
  readProgress,
  resumeUpload,
} from '../operations/resumable.ts';
import { fileUuid } from '../ports/metadata.ts';
import type { ResumableUpload } from '../ports/resumable.ts';
import { folderOf, nameOf, pathOf } from './input.ts';
import { parseJson } from './json.ts';
import { type Call, route } from './route.ts';
import { showStored } from './shown.ts';
import {
  checkPart,
  checkVersion,
  FILE_HEADER,
  fault,
  isPart,
  TUS_HEADERS,
  uploadChecksum,
  uploadLength,
  uploadMetadata,
  uploadOffset,
} from './tus.ts';
import { contentLength, description, duplicateWarnings } from './uploads.ts';
import { isoTime } from './wire.ts';

type UploadCall = Call<'file.upload'>;

const UPLOAD = { operations: ['file.upload'], body: 'stream', headers: TUS_HEADERS } as const;
/** One upload; whose it is, the guard looks up before anything else. */
const ONE = { ...UPLOAD, paths: ['/{v}/tus/:upload'], continues: 'upload' } as const;

export const resumableRoutes = [
  route({
    ...UPLOAD,
    method: 'POST',
    paths: ['/{v}/tus'],
    summary: 'Begins a resumable upload (tus 1.0); Location is its address, and a body its first part.',
    async handle(call) {
      const { request, ports } = call;
      checkVersion(request);
      const lengthBytes = uploadLength(request);
      const { said, text } = uploadMetadata(request);
      refuseResize(call);
      const folderPath = folderIn(said) ?? folderOf(call.query);
      const name = nameOf(said.get('filename') ?? said.get('name'), 'Upload-Metadata.filename');
      const plan = {
        folderPath,
        name,
        claimedType: said.get('filetype') ?? said.get('type'),
        lengthBytes,
        metadata: text,
        description: description({
          meta: jsonIn(said, 'meta'),
          tags: jsonIn(said, 'tags'),
          product: jsonIn(said, 'product'),
        }),
      };
      const first = isPart(request) ? partOf(call, 0) : undefined;
      const grant = await call.admit([{ operation: 'file.upload', targets: [folderPath] }], {
        files: 1,
        bytes: lengthBytes,
      });
      const upload = await beginUpload(ports, grant, plan);
      call.reply.header('location', `${call.baseUrl}/${call.container}/${call.version}/tus/${upload.id}`);
      if (first === undefined && lengthBytes > 0)
        return replyProgress(call, 201, { upload, offset: 0, file: undefined });
      const begun = await call.guard.admit<'file.upload'>({ ...call.entrant, begun: upload }, demandOf(upload));
      const progress =
        first === undefined
          ? await resumeUpload(ports, begun, upload)
          : await continueUpload(ports, begun, upload, first);
      return replyProgress(call, 201, progress);
    },
  }),
  route({
    ...ONE,
    method: 'GET',
    paths: [...ONE.paths, '/{v?}/json/:upload'],
    summary: 'Says how far a resumable upload is, and shows its file once it is finished; HEAD says where to go on.',
    async handle(call) {
      const { upload, grant } = await admitted(call);
      if (call.request.method === 'HEAD') {
        checkVersion(call.request);
        return replyProgress(call, 200, await resumeUpload(call.ports, grant, upload));
      }
      const progress = await readProgress(call.ports, grant, upload);
      setHeaders(call, progress);
      const stored = progress.file && (await fileOfUpload(call.ports, grant, progress));
      const warnings = stored === undefined ? [] : duplicateWarnings([stored]);
      return {
        upload: {
          id: upload.id,
          offset: progress.offset,
          length: upload.lengthBytes,
          expires_at: isoTime(upload.expiresAtMs),
        },
        ...(stored === undefined ? {} : { file: await showStored(call, stored.file) }),
        ...(warnings.length === 0 ? {} : { warnings }),
      };
    },
  }),
  route({
    ...ONE,
    method: 'PATCH',
    summary: 'Adds a part to a resumable upload; the last one makes it a file.',
    async handle(call) {
      checkVersion(call.request);
      checkPart(call.request);
      const part = partOf(call, uploadOffset(call.request));
      const { upload, grant } = await admitted(call);
      return replyProgress(call, 204, await continueUpload(call.ports, grant, upload, part));
    },
  }),
  route({
    ...ONE,
    method: 'DELETE',
    summary: 'Gives a resumable upload up: its bytes and what it reserved. A file that it became stays.',
    async handle(call) {
      checkVersion(call.request);
      const { upload, grant } = await admitted(call);
      await abandonUpload(call.ports, grant, upload);
      call.reply.code(204).send();
      return undefined;
    },
  }),
];

/** The upload of the address with a grant to go on with it. */
async function admitted(call: UploadCall): Promise<{ upload: ResumableUpload; grant: Grant<'file.upload'> }> {
  const upload = call.entrant.begun;
  if (upload === undefined) throw new TypeError('The route says that it goes on with an upload.');
  const { demands, upload: facts } = demandOf(upload);
  return { upload, grant: await call.admit(demands, facts) };
}

function demandOf(upload: ResumableUpload) {
  return {
    demands: [{ operation: 'file.upload', targets: [upload.folderPath] }],
    upload: { files: 1, bytes: upload.lengthBytes },
  } as const;
}

function partOf(call: UploadCall, offset: number): Part {
  const { request } = call;
  return { offset, source: request.raw, declaredBytes: contentLength(call), digest: uploadChecksum(request) };
}

/** The folder under the names that clients give it; undefined when none is said. */
function folderIn(said: ReadonlyMap<string, string>): CanonicalPath | undefined {
  const text = said.get('folder') ?? said.get('filerobot-folder');
  return text === undefined || text === '' ? undefined : pathOf(text, 'Upload-Metadata.folder');
}

/** A JSON value; a page's uploader writes the text of what is not there. */
function jsonIn(said: ReadonlyMap<string, string>, name: string): unknown {
  const text = said.get(name);
  const isNone = text === undefined || text === 'undefined' || text === 'null';
  return isNone ? undefined : parseJson(text, `Upload-Metadata.${name}`);
}

/** Raises REQUEST_INVALID: pictures are not made smaller on this way, and nobody should find out afterwards. */
function refuseResize({ query }: UploadCall): void {
  if (query.one('resize') === undefined) return;
  throw fault(
    'resize',
    'UNSUPPORTED',
    'Resumable uploads are stored as they are. Send pictures to be made smaller as a form or raw.',
  );
}

function setHeaders({ reply }: UploadCall, { upload, offset, file }: Progress): void {
  reply.header('upload-offset', String(offset)).header('upload-length', String(upload.lengthBytes));
  if (file === undefined) reply.header('upload-expires', new Date(upload.expiresAtMs).toUTCString());
  else reply.header(FILE_HEADER, fileUuid(file));
  if (upload.metadata !== undefined && upload.metadata !== '') reply.header('upload-metadata', upload.metadata);
}

function replyProgress(call: UploadCall, status: number, progress: Progress): undefined {
  setHeaders(call, progress);
  call.reply.code(status).send();
}
