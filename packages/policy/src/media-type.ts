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

/** Extensions of one and the same format. */
const EXTENSION_SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['jpeg', 'jpg'],
  ['jpe', 'jpg'],
  ['tiff', 'tif'],
  ['htm', 'html'],
  ['mpeg', 'mpg'],
  ['yml', 'yaml'],
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
  return {
    types: new Set(entries.filter((entry) => entry.includes('/') && !entry.endsWith('/*'))),
    groups: new Set(entries.filter((entry) => entry.endsWith('/*')).map((entry) => entry.slice(0, -2))),
    extensions: new Set(entries.filter((entry) => !entry.includes('/'))),
  };
}

/**
 * True when a file may be taken. `mediaType` is what the bytes were found to be, parameters are ignored; `extension` is the one
 * that belongs to those bytes, or of the file's name where the format has no signature.
 */
export function typeIsAllowed(allowed: AllowedTypes, mediaType: string, extension: string | undefined): boolean {
  const bare = (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  const type = TYPE_SYNONYMS.get(bare) ?? bare;
  const group = TYPE.test(type) ? type.slice(0, type.indexOf('/')) : undefined;
  return (
    allowed.types.has(type) ||
    (group !== undefined && allowed.groups.has(group)) ||
    (extension !== undefined && allowed.extensions.has(canonicalExtension(extension.toLowerCase().replace(/^\./, ''))))
  );
}

function canonicalExtension(extension: string): string {
  return EXTENSION_SYNONYMS.get(extension) ?? extension;
}
