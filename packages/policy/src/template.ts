// The security template: the admin's document, read with all faults at once, and compiled into rules when it is saved.
import { type Fault, Members, type Parsed, type Warning, withoutAbsent } from './fields.ts';
import type { Permission } from './permission.ts';
import { compileQuotas, type QuotaDocument } from './quota.ts';
import {
  compileRules,
  RESTRICTING_MEMBERS,
  type RestrictionsDocument,
  type Rules,
  readRestricting,
  VALIDITY_ALIASES,
} from './rules.ts';

/** A security template as it is stored and sent (product definition section 3). Identifier and times belong to its record. */
export interface TemplateDocument {
  readonly name: string;
  readonly description: string;
  readonly active: boolean;
  readonly permissions: readonly Permission[];
  readonly upload: {
    readonly limit_per_min?: number;
    readonly limit_per_ip_source?: number;
    readonly max?: number;
    readonly max_file_size: number;
    readonly max_total_size?: number;
    readonly allowed_types?: readonly string[];
    readonly dir_scope: readonly string[];
  };
  readonly listing: { readonly dir_scope: readonly string[]; readonly max?: number };
  readonly restrictions: RestrictionsDocument;
  readonly quotas?: readonly QuotaDocument[];
  readonly key_validity: { readonly expiration_duration: number; readonly finish_duration: number };
  readonly issue: { readonly limit_per_ip_per_min: number };
}

/** The rights of a secret key as they are stored and sent: a template without what only issued keys have. */
export type SecretKeyDocument = Omit<TemplateDocument, 'key_validity' | 'issue'>;

/** A document with its compiled rules. Made by `parseTemplate` and `parseSecretKeyRights` only. */
export interface Template {
  readonly document: TemplateDocument;
  readonly rules: Rules;
}

/** The longest validity of a key and the longest time to finish an upload: 30 days. Longer is not a short-lived key any more. */
export const DURATION_SECONDS_MAX = 30 * 24 * 60 * 60;
const DAY_SECONDS = 24 * 60 * 60;
const NAME_LENGTH_MAX = 200;
const DESCRIPTION_LENGTH_MAX = 2000;
const EXCHANGES_PER_MINUTE_MAX = 1_000_000;

/** What a template says where its admin said nothing (product definition section 3; a megabyte is 1,000,000 bytes). */
export const TEMPLATE_DEFAULTS: TemplateDocument = {
  name: '',
  description: '',
  active: true,
  permissions: [],
  upload: { max_file_size: 500_000_000, dir_scope: ['/*'] },
  listing: { dir_scope: ['/*'] },
  restrictions: {},
  key_validity: { expiration_duration: 1200, finish_duration: 1200 },
  issue: { limit_per_ip_per_min: 5 },
};

const COMMON_MEMBERS = ['name', 'description', 'active', ...RESTRICTING_MEMBERS];
// Documents come back as they were sent out, with the members of the record around them.
const RECORD_MEMBERS = ['id', 'created_at', 'updated_at'];

/**
 * The template that a document means, or every fault of it at once by field path. Unknown members are faults, aliases and null
 * for "absent" are accepted, and parsing the resulting document again gives an equal one.
 */
export function parseTemplate(input: unknown): Parsed<Template> {
  const faults: Fault[] = [];
  const members = new Members(input ?? null, '', faults, [
    ...COMMON_MEMBERS,
    ...RECORD_MEMBERS,
    'key_validity',
    'issue',
  ]);
  const common = readCommon(members);
  const validity = members.object('key_validity', ['expiration_duration', 'finish_duration'], VALIDITY_ALIASES);
  const expiration = validity.integer('expiration_duration', 1, DURATION_SECONDS_MAX);
  const finish = validity.integer('finish_duration', 0, DURATION_SECONDS_MAX);
  const issue = members.object('issue', ['limit_per_ip_per_min']);
  const exchanges = issue.integer('limit_per_ip_per_min', 1, EXCHANGES_PER_MINUTE_MAX);
  const seconds = expiration ?? TEMPLATE_DEFAULTS.key_validity.expiration_duration;
  return finishParsing(faults, {
    ...common,
    key_validity: { expiration_duration: seconds, finish_duration: finish ?? seconds },
    issue: { limit_per_ip_per_min: exchanges ?? TEMPLATE_DEFAULTS.issue.limit_per_ip_per_min },
  });
}

/**
 * The rights of a secret key: the same document without `key_validity` and `issue`, which are faults here. In the result those
 * two hold their defaults and mean nothing; `secretKeyDocument` is what to store and send.
 */
export function parseSecretKeyRights(input: unknown): Parsed<Template> {
  const faults: Fault[] = [];
  const members = new Members(input ?? null, '', faults, [...COMMON_MEMBERS, ...RECORD_MEMBERS]);
  const { key_validity, issue } = TEMPLATE_DEFAULTS;
  return finishParsing(faults, { ...readCommon(members), key_validity, issue });
}

/** The document of a secret key's rights, without the members that only templates have. */
export function secretKeyDocument(template: Template): SecretKeyDocument {
  const { key_validity, issue, ...document } = template.document;
  return document;
}

function readCommon(members: Members): SecretKeyDocument {
  const rights = readRestricting(members);
  return {
    name: members.text('name', NAME_LENGTH_MAX) ?? TEMPLATE_DEFAULTS.name,
    description: members.text('description', DESCRIPTION_LENGTH_MAX) ?? TEMPLATE_DEFAULTS.description,
    active: members.boolean('active') ?? TEMPLATE_DEFAULTS.active,
    permissions: rights.permissions ?? TEMPLATE_DEFAULTS.permissions,
    upload: { ...TEMPLATE_DEFAULTS.upload, ...rights.upload },
    listing: { ...TEMPLATE_DEFAULTS.listing, ...rights.listing },
    restrictions: rights.restrictions ?? {},
    ...(rights.quotas === undefined ? {} : { quotas: rights.quotas }),
  };
}

function finishParsing(faults: readonly Fault[], document: TemplateDocument): Parsed<Template> {
  if (faults.length > 0) return { ok: false, faults };
  const template = { document, rules: compileRules(document) };
  return { ok: true, value: template, warnings: lintTemplate(template) };
}

/** Combinations an admin should look at twice. They are allowed (product definition section 3). */
export function lintTemplate(template: Template): readonly Warning[] {
  const { permissions, upload, listing, key_validity, quotas = [] } = template.document;
  const warnings: Warning[] = [];
  const deletes = permissions.includes('FILE_DELETE') || permissions.includes('DIR_DELETE');
  if (deletes && listing.dir_scope.includes('/*')) {
    warnings.push({
      field: 'listing.dir_scope',
      code: 'DELETE_EVERYWHERE',
      message: 'Keys of this template can delete in every folder. Name the folders they need.',
    });
  }
  const limitsUploads = template.rules.quotas.some(({ unit }) => unit !== 'calls');
  if (permissions.includes('FILE_UPLOAD') && !limitsUploads) {
    warnings.push({
      field: 'upload',
      code: 'UPLOAD_WITHOUT_LIMITS',
      message: 'Keys of this template can upload without end. Set a limit per minute, a number of files or of bytes.',
    });
  }
  for (const [name, seconds] of Object.entries(key_validity)) {
    if (seconds > DAY_SECONDS) {
      warnings.push({
        field: `key_validity.${name}`,
        code: 'VALIDITY_OVER_A_DAY',
        message:
          'A key that leaks stays usable for more than a day. Pages can exchange the identifier again at any time.',
      });
    }
  }
  const counted = withoutAbsent<Record<string, number>>({
    'upload.limit_per_min': upload.limit_per_min,
    'upload.limit_per_ip_source': upload.limit_per_ip_source,
    'upload.max': upload.max,
    'upload.max_total_size': upload.max_total_size,
    'listing.max': listing.max,
    ...Object.fromEntries(compileQuotas(quotas).map(({ rule, limit }) => [rule, limit])),
  });
  for (const [field, limit] of Object.entries(counted)) {
    if (limit === 0)
      warnings.push({ field, code: 'LIMIT_IS_ZERO', message: 'Zero allows none. Leave it out for no limit.' });
  }
  return warnings;
}
