// The restricting part that templates, secret keys and narrowings share: read from a document once, compiled for deciding.
import { type EntryReader, type Members, withoutAbsent } from './fields.ts';
import { type AllowedTypes, compileAllowedTypes, parseAllowedType } from './media-type.ts';
import { type AddressRange, isCountry, parseRange } from './network.ts';
import { formatOriginPattern, type OriginPattern, parseOriginPattern } from './origin.ts';
import { PERMISSIONS, type Permission, parsePermission } from './permission.ts';
import { compileQuotas, type Quota, type QuotaDocument, readQuotas } from './quota.ts';
import { type FolderScope, formatScope, parseScope } from './scope.ts';

/** What one layer of rights demands, compiled. Undefined is "this layer does not restrict that". */
export interface Rules {
  readonly permissions: ReadonlySet<Permission> | undefined;
  readonly uploadScopes: readonly FolderScope[] | undefined;
  readonly listingScopes: readonly FolderScope[] | undefined;
  readonly allowedRanges: readonly AddressRange[] | undefined;
  readonly blockedRanges: readonly AddressRange[] | undefined;
  readonly allowedCountries: ReadonlySet<string> | undefined;
  readonly blockedCountries: ReadonlySet<string> | undefined;
  readonly allowedOrigins: readonly OriginPattern[] | undefined;
  readonly allowedTypes: AllowedTypes | undefined;
  readonly fileSizeBytesMax: number | undefined;
  /** The named limits and the entries of `quotas`; none restricts nothing. */
  readonly quotas: readonly Quota[];
}

/** The document form of the restricting part: wire names, absent means unrestricted by this layer. */
export interface RestrictingDocument {
  readonly permissions?: readonly Permission[];
  readonly upload?: {
    readonly limit_per_min?: number;
    readonly limit_per_ip_source?: number;
    readonly max?: number;
    readonly max_file_size?: number;
    readonly max_total_size?: number;
    readonly allowed_types?: readonly string[];
    readonly dir_scope?: readonly string[];
  };
  readonly listing?: { readonly dir_scope?: readonly string[]; readonly max?: number };
  readonly restrictions?: RestrictionsDocument;
  readonly quotas?: readonly QuotaDocument[];
}

/** The `restrictions` member (product definition section 3). */
export interface RestrictionsDocument {
  readonly whitelist_ip_ranges?: readonly string[];
  readonly whitelist_countries?: readonly string[];
  readonly blocked_ip_ranges?: readonly string[];
  readonly blocked_countries?: readonly string[];
  readonly allowed_origins?: readonly string[];
}

/** The greatest number of entries of each list, so that no decision loops over more than an admin could mean. */
export const LIST_MAX = {
  permissions: 100,
  scopes: 100,
  ranges: 1000,
  countries: 300,
  origins: 100,
  types: 100,
} as const;

/** Members of the restricting part, as `Members` needs them. */
export const RESTRICTING_MEMBERS: readonly string[] = ['permissions', 'upload', 'listing', 'restrictions', 'quotas'];

/** The other names of `key_validity` members (product definition section 3). */
export const VALIDITY_ALIASES: Readonly<Record<string, string>> = { expire_duration: 'expiration_duration' };

const UPLOAD_MEMBERS = [
  'limit_per_min',
  'limit_per_ip_source',
  'max',
  'max_file_size',
  'max_total_size',
  'allowed_types',
  'dir_scope',
] as const;
const UPLOAD_ALIASES = { limit_per_source_ip: 'limit_per_ip_source' };
const LISTING_MEMBERS = ['dir_scope', 'max'] as const;
const RESTRICTIONS_MEMBERS = [
  'whitelist_ip_ranges',
  'whitelist_countries',
  'blocked_ip_ranges',
  'blocked_countries',
  'allowed_origins',
] as const;

/** Reads the restricting part of a document. Faults go where `members` puts them; the result then counts for nothing. */
export function readRestricting(members: Members): RestrictingDocument {
  const upload = members.object('upload', UPLOAD_MEMBERS, UPLOAD_ALIASES);
  const listing = members.object('listing', LISTING_MEMBERS);
  const restrictions = members.object('restrictions', RESTRICTIONS_MEMBERS);
  const many = Number.MAX_SAFE_INTEGER;
  const permissions = members.list('permissions', 0, LIST_MAX.permissions, readPermission);
  return withoutAbsent<RestrictingDocument>({
    permissions: permissions && PERMISSIONS.filter((permission) => permissions.includes(permission)),
    upload: nonEmpty({
      limit_per_min: upload.integer('limit_per_min', 0, many),
      limit_per_ip_source: upload.integer('limit_per_ip_source', 0, many),
      max: upload.integer('max', 0, many),
      max_file_size: upload.integer('max_file_size', 0, many),
      max_total_size: upload.integer('max_total_size', 0, many),
      allowed_types: distinct(upload.list('allowed_types', 1, LIST_MAX.types, readAllowedType)),
      dir_scope: distinct(upload.list('dir_scope', 1, LIST_MAX.scopes, readScope)),
    }),
    listing: nonEmpty({
      dir_scope: distinct(listing.list('dir_scope', 1, LIST_MAX.scopes, readScope)),
      max: listing.integer('max', 0, many),
    }),
    restrictions: nonEmpty({
      whitelist_ip_ranges: distinct(restrictions.list('whitelist_ip_ranges', 1, LIST_MAX.ranges, readRange)),
      whitelist_countries: distinct(restrictions.list('whitelist_countries', 1, LIST_MAX.countries, readCountry)),
      blocked_ip_ranges: unlessEmpty(distinct(restrictions.list('blocked_ip_ranges', 0, LIST_MAX.ranges, readRange))),
      blocked_countries: unlessEmpty(
        distinct(restrictions.list('blocked_countries', 0, LIST_MAX.countries, readCountry)),
      ),
      allowed_origins: distinct(restrictions.list('allowed_origins', 1, LIST_MAX.origins, readOrigin)),
    }),
    quotas: readQuotas(members),
  });
}

const readPermission: EntryReader<Permission> = (text) => {
  const value = parsePermission(text);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, code: 'VALUE_UNKNOWN', message: 'There is no such permission.' };
};

const readScope: EntryReader<string> = (text) => {
  const parsed = parseScope(text);
  if (parsed.ok) return { ok: true, value: formatScope(parsed.scope) };
  return { ok: false, code: 'FORMAT_WRONG', message: parsed.reason };
};

const readRange: EntryReader<string> = (text) => {
  const value = text.trim();
  if (parseRange(value) !== undefined) return { ok: true, value };
  return {
    ok: false,
    code: 'FORMAT_WRONG',
    message: 'An address, a CIDR range, "first-last" or "1.2.3.*" is needed here; "0.0.0.0" is everyone.',
  };
};

const readCountry: EntryReader<string> = (text) => {
  const value = text.toUpperCase();
  if (isCountry(value)) return { ok: true, value };
  return { ok: false, code: 'VALUE_UNKNOWN', message: 'A two-letter country code of ISO 3166-1 is needed here.' };
};

const readOrigin: EntryReader<string> = (text) => {
  const pattern = parseOriginPattern(text);
  if (pattern !== undefined) return { ok: true, value: formatOriginPattern(pattern) };
  return {
    ok: false,
    code: 'FORMAT_WRONG',
    message: 'An origin like "https://app.example.com" or "https://*.example.com" is needed here, without a path.',
  };
};

const readAllowedType: EntryReader<string> = (text) => {
  const value = parseAllowedType(text);
  if (value !== undefined) return { ok: true, value };
  return {
    ok: false,
    code: 'FORMAT_WRONG',
    message: 'A media type, a group like "image/*" or an extension is needed here.',
  };
};

/** Compiles a document that `readRestricting` made; what does not parse any more would fall away, so nothing else may come in. */
export function compileRules(document: RestrictingDocument): Rules {
  const { permissions, upload, listing, restrictions } = document;
  return {
    permissions: permissions && permissionSet(permissions),
    uploadScopes: upload?.dir_scope && compileScopes(upload.dir_scope),
    listingScopes: listing?.dir_scope && compileScopes(listing.dir_scope),
    allowedRanges: restrictions?.whitelist_ip_ranges?.map(parseRange).filter(isPresent),
    blockedRanges: restrictions?.blocked_ip_ranges?.map(parseRange).filter(isPresent),
    allowedCountries: restrictions?.whitelist_countries && new Set(restrictions.whitelist_countries),
    blockedCountries: restrictions?.blocked_countries && new Set(restrictions.blocked_countries),
    allowedOrigins: restrictions?.allowed_origins?.map(parseOriginPattern).filter(isPresent),
    allowedTypes: upload?.allowed_types && compileAllowedTypes(upload.allowed_types),
    fileSizeBytesMax: upload?.max_file_size,
    quotas: [...namedQuotas(document), ...compileQuotas(document.quotas ?? [])],
  };
}

/** The limits that have names of their own (product definition section 3), in the general form. */
function namedQuotas({ upload, listing }: RestrictingDocument): readonly Quota[] {
  const named = (
    rule: string,
    unit: Quota['unit'],
    window: Quota['window'],
    per: Quota['per'],
    limit: number | undefined,
  ): readonly Quota[] => (limit === undefined ? [] : [{ rule, unit, window, per, limit }]);
  return [
    ...named('upload.limit_per_min', 'files', 'minute', ['key'], upload?.limit_per_min),
    ...named('upload.limit_per_ip_source', 'files', 'lifetime', ['key', 'address'], upload?.limit_per_ip_source),
    ...named('upload.max', 'files', 'lifetime', ['key'], upload?.max),
    ...named('upload.max_total_size', 'bytes', 'lifetime', ['key'], upload?.max_total_size),
    ...named('listing.max', 'calls', 'lifetime', ['key'], listing?.max),
  ];
}

/** Two names of one right: whoever has either has both (product definition section 4). */
function permissionSet(permissions: readonly Permission[]): ReadonlySet<Permission> {
  const set = new Set(permissions);
  if (set.has('FILE_META_CREATE')) set.add('FILE_META_CHANGE');
  else if (set.has('FILE_META_CHANGE')) set.add('FILE_META_CREATE');
  return set;
}

function compileScopes(texts: readonly string[]): readonly FolderScope[] {
  return texts.flatMap((text) => {
    const parsed = parseScope(text);
    return parsed.ok ? [parsed.scope] : [];
  });
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function distinct<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list && [...new Set(list)];
}

function unlessEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}

function nonEmpty<T extends object>(members: { readonly [Name in keyof T]: T[Name] | undefined }): T | undefined {
  const present = withoutAbsent<T>(members);
  return Object.keys(present).length === 0 ? undefined : present;
}
