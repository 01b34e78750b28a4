// Entries of `allowed_types`: media types, `image/*` groups and extensions, compared with what the bytes of a file were found to be.

/** Compiled `allowed_types`; a file passes when any one of the three sets knows it. */
export interface AllowedTypes {
  readonly types: ReadonlySet<string>;
  /** The part before the slash of entries like `image/*`. */
  readonly groups: ReadonlySet<string>;
  /** Without a dot, lower case, one spelling for each format. */
  readonly extensions: ReadonlySet<string>;
}

/** Spellings that people write for a registered media type. */
const TYPE_SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['application/x-zip-compressed', 'application/zip'],
  ['text/xml', 'application/xml'],
]);

/**
 * Names under which the bytes of one format are known, to systems and to whoever looks at them: each with one that stands for all. They are
 * compared by it and stay as they are written, because pages compare what a template says with what a browser calls a file.
 */
const TYPE_ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'application/gzip': ['application/x-gzip'],
    'application/javascript': ['text/javascript', 'application/x-javascript'],
    'application/pdf': ['application/x-pdf'],
    'application/postscript': ['application/eps', 'application/x-eps', 'image/x-eps'],
    'application/rtf': ['text/rtf'],
    'application/vnd.rar': ['application/x-rar-compressed', 'application/x-rar'],
    'audio/aac': ['audio/x-aac', 'audio/aacp'],
    'audio/aiff': ['audio/x-aiff'],
    'audio/flac': ['audio/x-flac'],
    'audio/midi': ['audio/x-midi'],
    'audio/mp4': ['audio/x-m4a', 'audio/m4a'],
    'audio/wav': ['audio/wave', 'audio/vnd.wave'],
    'font/otf': ['application/x-font-otf', 'application/vnd.ms-opentype'],
    'font/ttf': ['application/x-font-ttf'],
    'font/woff': ['application/font-woff'],
    'image/bmp': ['image/x-ms-bmp', 'image/x-bmp'],
    'image/heic': ['image/heif'],
    'image/heic-sequence': ['image/heif-sequence'],
    'image/png': ['image/apng', 'image/x-png'],
    'image/vnd.adobe.photoshop': ['image/x-photoshop', 'application/x-photoshop', 'image/psd'],
    'image/vnd.microsoft.icon': ['image/x-icon', 'image/ico'],
    'video/matroska': ['video/x-matroska'],
    'video/mp4': ['video/x-m4v'],
    'video/mpeg': ['video/mp1s', 'video/mp2p'],
    'video/vnd.avi': ['video/avi', 'video/x-msvideo', 'video/msvideo'],
  }).flatMap(([type, aliases]) => aliases.map((alias) => [alias, type] as const)),
);

/** Types whose files have the type of their container; what tells them apart is the extension that belongs to their bytes. */
const TYPES_BY_EXTENSION: ReadonlyMap<string, string> = new Map([['audio/opus', 'opus']]);

/** Extensions of one and the same format. */
const EXTENSION_SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['jpeg', 'jpg'],
  ['jpe', 'jpg'],
  ['tiff', 'tif'],
  ['htm', 'html'],
  ['mpeg', 'mpg'],
  ['yml', 'yaml'],
  ['apng', 'png'],
  ['heif', 'heic'],
]);

const TOKEN = '[a-z0-9][a-z0-9!#$&^_.+-]{0,126}';
const TYPE = new RegExp(`^(${TOKEN})/(${TOKEN}|\\*)$`);
const EXTENSION = /^\.?([a-z0-9][a-z0-9_+-]{0,19})$/;

/** The one text of an `allowed_types` entry: a media type, a group, or an extension without its dot. Undefined for anything else. */
export function parseAllowedType(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 255) return undefined;
  const lower = text.toLowerCase();
  if (TYPE.test(lower)) return TYPE_SYNONYMS.get(lower) ?? lower;
  const extension = EXTENSION.exec(lower)?.[1];
  return extension === undefined ? undefined : canonicalExtension(extension);
}

/** The sets of entries as `parseAllowedType` writes them. */
export function compileAllowedTypes(entries: readonly string[]): AllowedTypes {
  const types = entries.filter((entry) => entry.includes('/') && !entry.endsWith('/*'));
  const extensions = entries.flatMap((entry) => (entry.includes('/') ? (TYPES_BY_EXTENSION.get(entry) ?? []) : entry));
  return {
    types: new Set(types.map(canonicalType)),
    groups: new Set(entries.filter((entry) => entry.endsWith('/*')).map((entry) => entry.slice(0, -2))),
    extensions: new Set(extensions.map(canonicalExtension)),
  };
}

/**
 * True when a file may be taken. `mediaType` is what the bytes were found to be, parameters are ignored; `extension` is the one
 * that belongs to those bytes, or of the file's name where the format has no signature.
 */
export function typeIsAllowed(allowed: AllowedTypes, mediaType: string, extension: string | undefined): boolean {
  const bare = (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  const group = TYPE.test(bare) ? bare.slice(0, bare.indexOf('/')) : undefined;
  return (
    allowed.types.has(canonicalType(bare)) ||
    (group !== undefined && allowed.groups.has(group)) ||
    (extension !== undefined && allowed.extensions.has(canonicalExtension(extension.toLowerCase().replace(/^\./, ''))))
  );
}

function canonicalType(type: string): string {
  const spelled = TYPE_SYNONYMS.get(type) ?? type;
  return TYPE_ALIASES.get(spelled) ?? spelled;
}

function canonicalExtension(extension: string): string {
  return EXTENSION_SYNONYMS.get(extension) ?? extension;
}
