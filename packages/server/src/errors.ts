// The one table of refusals and failures: code -> HTTP status and the words a person reads.
import type { DenyCode, LimitCode, TraceStep } from '@latchkey/policy';

/** Every reason the service may give for not doing something. Codes are never renamed or reused. */
export type ErrorCode =
  | DenyCode
  | LimitCode
  | 'REQUEST_INVALID'
  | 'PATH_INVALID'
  | 'CREDENTIALS_AMBIGUOUS'
  | 'UNAUTHORIZED'
  | 'ADMIN_UNAUTHENTICATED'
  | 'CONTAINER_NOT_FOUND'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'FILE_NOT_FOUND'
  | 'FOLDER_NOT_FOUND'
  | 'UPLOAD_NOT_FOUND'
  | 'SECRET_KEY_NOT_FOUND'
  | 'PRODUCT_NOT_FOUND'
  | 'FIELD_NOT_FOUND'
  | 'BULK_NOT_FOUND'
  | 'COMMENT_NOT_FOUND'
  | 'COMMENT_FOREIGN'
  | 'COMMENTS_EXHAUSTED'
  | 'FAVORITES_EXHAUSTED'
  | 'VARIANT_NOT_FOUND'
  | 'VARIANTS_EXHAUSTED'
  | 'DESCRIPTION_FOREIGN'
  | 'ACCESS_NOT_FOUND'
  | 'LABEL_NOT_FOUND'
  | 'COLLECTION_NOT_FOUND'
  | 'PIN_NOT_FOUND'
  | 'TASK_NOT_FOUND'
  | 'SHARE_NOT_FOUND'
  | 'SHARE_PASSWORD_NEEDED'
  | 'SHARE_VIEW_ONLY'
  | 'AIRBOX_NOT_FOUND'
  | 'AIRBOX_PASSWORD_NEEDED'
  | 'AIRBOX_FULL'
  | 'APPROVAL_NOT_FOUND'
  | 'APPROVAL_EXISTS'
  | 'APPROVAL_ENDED'
  | 'APPROVAL_ALREADY_VOTED'
  | 'APPROVAL_NOT_APPROVER'
  | 'APPROVAL_BY_APPROVER'
  | 'ALREADY_EXISTS'
  | 'FOLDER_NOT_EMPTY'
  | 'UPLOAD_OFFSET_MISMATCH'
  | 'VERSION_MISMATCH'
  | 'PRECONDITION_FAILED'
  | 'RANGE_UNSATISFIABLE'
  | 'UPLOAD_LOCKED'
  | 'UPLOAD_CHECKSUM_MISMATCH'
  | 'TUS_VERSION_REFUSED'
  | 'UPLOAD_TIMEOUT'
  | 'SAME_ASSET_EXISTS_SKIP_UPLOAD'
  | 'ERROR_SHA1_CONFLICT'
  | 'CHECKSUM_MISMATCH'
  | 'BODY_TIMEOUT'
  | 'URL_TOO_LONG'
  | 'HEADERS_TOO_LARGE'
  | 'URL_UPLOADS_OFF'
  | 'URL_REFUSED'
  | 'URL_FAILED'
  | 'FETCHES_BUSY'
  | 'IMAGE_UNREADABLE'
  | 'RENDITION_FAILED'
  | 'IMAGES_BUSY'
  | 'TAGGER_FAILED'
  | 'INTERNAL'
  | 'NOT_SUPPORTED'
  | 'COUNTERS_UNAVAILABLE'
  | 'STORE_UNAVAILABLE'
  | 'SHUTTING_DOWN';

/** One row of the table: HTTP status, the message, and the hint that says what would make the request pass. */
export interface ErrorRow {
  readonly status: number;
  readonly msg: string;
  readonly hint: string;
  /** The answer carries `Retry-After` (RFC 9110 section 10.2.3): the same request can pass later. */
  readonly retry?: true;
  /** The answer carries `WWW-Authenticate` (RFC 9110 section 11.6.1). */
  readonly challenge?: true;
}

/** Status, message and hint of every code; the reference page and the SDK's error type are generated from it. */
export const ERRORS = {
  REQUEST_INVALID: {
    status: 400,
    msg: 'The request is not valid',
    hint: 'Correct the listed fields and send it again.',
  },
  PATH_INVALID: {
    status: 400,
    msg: 'The path is not valid',
    hint: 'Use an absolute path of plain names such as /photos/2024, without empty, "." or ".." parts.',
  },
  CREDENTIALS_AMBIGUOUS: {
    status: 400,
    msg: 'More than one credential was sent',
    hint: 'Send one access key or one secret key, in one place.',
  },
  KEY_MISSING: {
    status: 401,
    msg: 'No access key was sent',
    hint: 'Exchange a security template for an access key and send it in the X-Filerobot-Key header.',
    challenge: true,
  },
  KEY_INVALID: {
    status: 401,
    msg: 'The access key is not valid',
    hint: 'Request a new access key from the security template.',
    challenge: true,
  },
  UNAUTHORIZED: {
    status: 401,
    msg: 'The credential is not valid',
    hint: 'Check the secret key: it may be mistyped, deactivated or deleted.',
    challenge: true,
  },
  KEY_EXPIRED: {
    status: 401,
    msg: 'The access key has expired',
    hint: 'Request a new access key from the security template.',
    challenge: true,
  },
  KEY_REVOKED: {
    status: 401,
    msg: 'The access key was revoked',
    hint: 'Request a new access key; if that fails too, the security template is no longer active.',
    challenge: true,
  },
  ADMIN_UNAUTHENTICATED: {
    status: 401,
    msg: 'Not signed in',
    hint: 'Sign in to the console with a one-time link or an admin key.',
    challenge: true,
  },
  PERMISSION_DENIED: {
    status: 403,
    msg: 'The key does not permit this',
    hint: 'Add the missing permission to the security template or use another key.',
  },
  SCOPE_DENIED: {
    status: 403,
    msg: 'This folder is outside the folders the key may use',
    hint: 'Use a folder inside the scope, or add the folder to dir_scope of the security template.',
  },
  ACCESS_DENIED: {
    status: 403,
    msg: 'The role of this person in the folder does not allow that',
    hint: 'Ask whoever manages access to the folder for a higher role.',
  },
  APPROVAL_NOT_APPROVER: {
    status: 403,
    msg: 'The request for approval does not ask you',
    hint: 'Vote with a key whose subject is one of the approvers, or have the approvers changed.',
  },
  APPROVAL_BY_APPROVER: {
    status: 403,
    msg: 'Approvers vote; they do not change the request',
    hint: 'Leave edits and cancelling to the requester, or to somebody who is not asked.',
  },
  IP_DENIED: {
    status: 403,
    msg: 'The key may not be used from this address',
    hint: 'Use it from an allowed network, or add this address to the security template.',
  },
  COUNTRY_DENIED: {
    status: 403,
    msg: 'The key may not be used from this country',
    hint: 'Use it from an allowed country, or add the country to the security template.',
  },
  ORIGIN_DENIED: {
    status: 403,
    msg: 'The key may not be used by this web site',
    hint: 'Add the origin of the page to allowed_origins of the security template.',
  },
  UPLOAD_QUOTA_EXHAUSTED: {
    status: 403,
    msg: 'The upload quota of this key is used up',
    hint: 'Request a new access key, or raise the upload limits of the security template.',
  },
  REQUEST_QUOTA_EXHAUSTED: {
    status: 403,
    msg: 'The number of calls of this key is used up',
    hint: 'Request a new access key, or raise listing.max of the security template.',
  },
  TEMPLATE_NOT_FOUND: {
    status: 404,
    msg: 'There is no such security template',
    hint: 'Check the identifier and that the template is active.',
  },
  CONTAINER_NOT_FOUND: { status: 404, msg: 'There is no such container', hint: 'Check the container in the address.' },
  ROUTE_NOT_FOUND: {
    status: 404,
    msg: 'There is nothing at this address',
    hint: 'See the API reference for the paths that exist.',
  },
  METHOD_NOT_ALLOWED: { status: 405, msg: 'This address does not take that method', hint: 'See the Allow header.' },
  FILE_NOT_FOUND: { status: 404, msg: 'There is no such file', hint: 'It may have been moved, renamed or deleted.' },
  FOLDER_NOT_FOUND: {
    status: 404,
    msg: 'There is no such folder',
    hint: 'It may have been moved, renamed or deleted.',
  },
  UPLOAD_NOT_FOUND: { status: 404, msg: 'There is no such upload', hint: 'Start a new upload.' },
  SECRET_KEY_NOT_FOUND: { status: 404, msg: 'There is no such secret key', hint: 'It may have been deleted.' },
  BULK_NOT_FOUND: {
    status: 404,
    msg: 'There is no such prepared change',
    hint: 'It may have been applied or have expired; prepare it again.',
  },
  COLLECTION_NOT_FOUND: {
    status: 404,
    msg: 'There is no such collection',
    hint: 'It may have been deleted; list the collections.',
  },
  PIN_NOT_FOUND: { status: 404, msg: 'There is no such kept search', hint: 'It may have been deleted; list the pins.' },
  ACCESS_NOT_FOUND: {
    status: 404,
    msg: 'There is no such access entry',
    hint: 'It may have been taken away; list the accesses of the folder.',
  },
  LABEL_NOT_FOUND: { status: 404, msg: 'There is no such label', hint: 'It may have been deleted; list the labels.' },
  SHARE_NOT_FOUND: {
    status: 404,
    msg: 'There is no such share',
    hint: 'It may be over, or not have begun; ask whoever gave you the address.',
  },
  SHARE_PASSWORD_NEEDED: {
    status: 401,
    msg: 'This share needs its password',
    hint: 'Send the password that came with the address.',
  },
  AIRBOX_NOT_FOUND: {
    status: 404,
    msg: 'There is no such airbox',
    hint: 'It may be closed, or not be open yet; ask whoever gave you the address.',
  },
  AIRBOX_PASSWORD_NEEDED: {
    status: 401,
    msg: 'This airbox needs its password',
    hint: 'Send the password that came with the address.',
  },
  AIRBOX_FULL: {
    status: 403,
    msg: 'This airbox has no room for that any more',
    hint: 'Ask whoever gave you the address.',
  },
  SHARE_VIEW_ONLY: {
    status: 403,
    msg: 'The files of this share may only be looked at',
    hint: 'Pictures of them are there; ask whoever gave you the address for the files themselves.',
  },
  TASK_NOT_FOUND: {
    status: 404,
    msg: 'There is no such task',
    hint: 'It may have been cancelled or have expired; begin it again.',
  },
  COMMENT_NOT_FOUND: { status: 404, msg: 'There is no such comment', hint: 'It may have been deleted.' },
  COMMENT_FOREIGN: {
    status: 403,
    msg: 'This comment is somebody else’s',
    hint: 'Comments are changed and deleted by who wrote them, with a key that names them, or with a secret key.',
  },
  COMMENTS_EXHAUSTED: { status: 409, msg: 'The file has too many comments', hint: 'Delete some of them first.' },
  DESCRIPTION_FOREIGN: {
    status: 403,
    msg: 'A file of this name is there, and this key may not change what is said of it',
    hint: 'Upload it without metadata, tags and product, or under another name; or add FILE_META_CHANGE or FILE_PRODUCT_CHANGE to the security template.',
  },
  VARIANT_NOT_FOUND: { status: 404, msg: 'There is no such variant', hint: 'List the variants of the file.' },
  VARIANTS_EXHAUSTED: { status: 409, msg: 'The file has too many variants', hint: 'Delete some of them first.' },
  FAVORITES_EXHAUSTED: {
    status: 409,
    msg: 'There are too many favourites',
    hint: 'Take some files off the favourites first.',
  },
  APPROVAL_NOT_FOUND: {
    status: 404,
    msg: 'There is no such request for approval',
    hint: 'It may belong to a file that was moved or deleted; list the approvals of the file.',
  },
  FIELD_NOT_FOUND: { status: 404, msg: 'There is no such field', hint: 'List the fields of the metadata model.' },
  PRODUCT_NOT_FOUND: { status: 404, msg: 'There is no such product', hint: 'No file within reach shows it.' },
  ALREADY_EXISTS: { status: 409, msg: 'The name is taken', hint: 'Choose another name, or rename what is there.' },
  APPROVAL_EXISTS: {
    status: 409,
    msg: 'The file waits for approval already',
    hint: 'Edit or cancel the request that is pending, or wait for its end.',
  },
  APPROVAL_ENDED: {
    status: 409,
    msg: 'The request for approval has ended',
    hint: 'Its end stays as it is; request approval again.',
  },
  APPROVAL_ALREADY_VOTED: {
    status: 409,
    msg: 'You have voted already',
    hint: 'A vote stands. Somebody who may edit the request can take you out of it and in again.',
  },
  FOLDER_NOT_EMPTY: { status: 409, msg: 'The folder is not empty', hint: 'Delete or move what is in it first.' },
  UPLOAD_OFFSET_MISMATCH: {
    status: 409,
    msg: 'The upload is at another offset',
    hint: 'Continue at the offset given in Upload-Offset.',
  },
  VERSION_MISMATCH: {
    status: 412,
    msg: 'It was changed in the meantime',
    hint: 'Read it again and repeat the change.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    msg: 'The content is not the one that the request names',
    hint: 'Ask without If-Match and If-Unmodified-Since for what it is now; a download that was begun starts over.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    msg: 'The file is too large',
    hint: 'Send a smaller file, or raise max_file_size of the security template.',
  },
  MEDIA_TYPE_REFUSED: {
    status: 415,
    msg: 'Files of this type are not accepted',
    hint: 'Send one of the accepted types.',
  },
  RANGE_UNSATISFIABLE: {
    status: 416,
    msg: 'The requested range is outside the file',
    hint: 'See Content-Range for the size.',
  },
  UPLOAD_LOCKED: {
    status: 423,
    msg: 'Another request is writing to this upload',
    hint: 'Wait until it has ended.',
    retry: true,
  },
  UPLOAD_CHECKSUM_MISMATCH: {
    status: 460,
    msg: 'The bytes do not have the checksum that was sent with them',
    hint: 'Send them again from the offset at which they began.',
  },
  TUS_VERSION_REFUSED: {
    status: 412,
    msg: 'This version of the resumable upload protocol is not spoken here',
    hint: 'Send the header Tus-Resumable: 1.0.0.',
  },
  UPLOAD_TIMEOUT: { status: 408, msg: 'The upload stalled', hint: 'Send the file again.' },
  // The next two are told with 200, as clients of the wire contract expect (5.6): to them the upload succeeded.
  SAME_ASSET_EXISTS_SKIP_UPLOAD: {
    status: 200,
    msg: 'The folder has this content already; nothing was stored',
    hint: 'Use the file that is there. What the upload said about it was not taken over: change the file itself.',
  },
  ERROR_SHA1_CONFLICT: {
    status: 200,
    msg: 'Another folder has this content already; nothing was stored',
    hint: 'Use the file that is there, or set uploads.duplicates in the settings of the container to a nearer reach.',
  },
  BODY_TIMEOUT: {
    status: 408,
    msg: 'The request did not arrive in time',
    hint: 'Send it again; send large files as multipart/form-data or as a raw body, which may take longer.',
  },
  URL_TOO_LONG: {
    status: 414,
    msg: 'The address is too long',
    hint: 'Send what is long in a body.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    msg: 'The address and the headers are too long together',
    hint: 'They may have 16 kB. Send what is long in a body.',
  },
  CHECKSUM_MISMATCH: {
    status: 400,
    msg: 'The file that arrived is not the one that was sent',
    hint: 'Send it again; if that does not help, compute its checksum again.',
  },
  URL_UPLOADS_OFF: {
    status: 403,
    msg: 'Uploading from a URL is switched off',
    hint: 'Send the file itself, or set uploads.from_urls to "on" in the settings of the container.',
  },
  URL_REFUSED: {
    status: 400,
    msg: 'This URL may not be fetched',
    hint: 'Use an http or https URL of a public host on its usual port, without credentials.',
  },
  URL_FAILED: {
    status: 422,
    msg: 'The URL did not deliver the file',
    hint: 'Check that the URL opens without signing in, and answers 200.',
  },
  KEY_RATE_LIMITED: {
    status: 429,
    msg: 'Too many keys were requested from this address',
    hint: 'Wait, and keep an access key until it expires instead of requesting one for each page.',
    retry: true,
  },
  UPLOAD_RATE_LIMITED: {
    status: 429,
    msg: 'Too many uploads in one minute',
    hint: 'Wait and send the file again.',
    retry: true,
  },
  REQUEST_RATE_LIMITED: { status: 429, msg: 'Too many requests', hint: 'Wait and try again.', retry: true },
  TAGGER_FAILED: {
    status: 502,
    msg: 'The tagging service did not answer as it should',
    hint: 'Try again later; whoever runs the store finds the reason in its log.',
  },
  INTERNAL: { status: 500, msg: 'Something went wrong on our side', hint: 'Quote the request id when you report it.' },
  NOT_SUPPORTED: {
    status: 501,
    msg: 'This store cannot do that',
    hint: 'See the documentation of the configured store.',
  },
  IMAGE_UNREADABLE: {
    status: 415,
    msg: 'The content cannot be drawn as a picture',
    hint: 'Ask for the file itself, without sizes or formats; the picture may be broken, too large or of a type that is not drawn.',
  },
  RENDITION_FAILED: {
    status: 415,
    msg: 'The picture cannot be drawn in this way',
    hint: 'Ask for another size or format, or for the file itself.',
  },
  FETCHES_BUSY: {
    status: 503,
    msg: 'Too many files are being fetched at the moment',
    hint: 'Try again in a few seconds.',
    retry: true,
  },
  IMAGES_BUSY: {
    status: 503,
    msg: 'Too many pictures are being drawn at the moment',
    hint: 'Try again in a few seconds.',
    retry: true,
  },
  COUNTERS_UNAVAILABLE: {
    status: 503,
    msg: 'Limits cannot be checked at the moment',
    hint: 'Try again in a few seconds.',
    retry: true,
  },
  STORE_UNAVAILABLE: {
    status: 503,
    msg: 'The store cannot be reached at the moment',
    hint: 'Try again in a few seconds.',
    retry: true,
  },
  SHUTTING_DOWN: { status: 503, msg: 'The service is restarting', hint: 'Try again in a few seconds.', retry: true },
} as const satisfies Record<ErrorCode, ErrorRow>;

/** One fault of a request, by field path. */
export interface FieldFault {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** What a caller may know beyond code, message and hint. Everything here reaches the client. */
export interface ErrorFacts {
  /** Replaces the table's hint when the case allows a more helpful sentence. */
  readonly hint?: string;
  readonly rule?: string;
  readonly limit?: number | string;
  readonly actual?: number | string;
  readonly faults?: readonly FieldFault[];
  readonly retryAfterMs?: number;
  /** Extra response headers, such as `Content-Range` or `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The rules in order with their outcomes; rendered only for admins. */
  readonly trace?: readonly TraceStep[];
}

/** A refusal or failure on its way to the response. `detail` and `cause` go to the log only. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, detail?: string, options: ErrorFacts & { readonly cause?: unknown } = {}) {
    const { cause, ...facts } = options;
    super(detail === undefined ? code : `${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
    this.facts = facts;
  }
}

/** Runs work on a store of bytes; whatever it throws leaves as STORE_UNAVAILABLE with the original as its cause. */
export async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof AppError ? cause : new AppError('STORE_UNAVAILABLE', `could not ${doing}`, { cause });
  }
}
