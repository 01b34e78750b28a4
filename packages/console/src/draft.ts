// What the editor holds while somebody types: the template document with every member present, and the way back to a document.
import type { TemplateDocument } from '@latchkey/policy';

/** A number that may be left out (`''`), or text that is not a number yet. */
export type NumberDraft = number | string;

/** One quota under edit; it is kept when at least one of its amounts is given. */
export interface QuotaDraft {
  per: string[];
  window: string;
  files: NumberDraft;
  /** Bytes. */
  bytes: NumberDraft;
  calls: NumberDraft;
}

/** The editor's values. Paths into it are the wire names, so faults find their fields. */
export interface Draft {
  name: string;
  description: string;
  active: boolean;
  permissions: string[];
  upload: {
    limit_per_min: NumberDraft;
    limit_per_ip_source: NumberDraft;
    max: NumberDraft;
    /** Bytes. */
    max_file_size: NumberDraft;
    /** Bytes. */
    max_total_size: NumberDraft;
    allowed_types: string[];
    dir_scope: string[];
  };
  listing: { dir_scope: string[]; max: NumberDraft };
  quotas: QuotaDraft[];
  restrictions: {
    whitelist_ip_ranges: string[];
    whitelist_countries: string[];
    blocked_ip_ranges: string[];
    blocked_countries: string[];
    allowed_origins: string[];
  };
  key_validity: {
    /** Seconds. */
    expiration_duration: NumberDraft;
    /** Seconds. */
    finish_duration: NumberDraft;
  };
  issue: { limit_per_ip_per_min: NumberDraft };
}

/** Which kind of record is edited: a secret key has the same rights, but neither a validity nor an exchange. */
export type DraftKind = 'template' | 'secret-key';

/** The parts of a template document that every record carries; a secret key lacks the last two. */
export type EditableDocument = Omit<TemplateDocument, 'key_validity' | 'issue'> &
  Partial<Pick<TemplateDocument, 'key_validity' | 'issue'>>;

/** An empty template with the defaults of product definition section 3. */
export function emptyDraft(): Draft {
  return {
    name: '',
    description: '',
    active: true,
    permissions: [],
    upload: {
      limit_per_min: '',
      limit_per_ip_source: '',
      max: '',
      max_file_size: '',
      max_total_size: '',
      allowed_types: [],
      dir_scope: ['/*'],
    },
    listing: { dir_scope: ['/*'], max: '' },
    quotas: [],
    restrictions: {
      whitelist_ip_ranges: [],
      whitelist_countries: [],
      blocked_ip_ranges: [],
      blocked_countries: [],
      allowed_origins: [],
    },
    key_validity: { expiration_duration: 1200, finish_duration: '' },
    issue: { limit_per_ip_per_min: 5 },
  };
}

/** A quota that nobody has filled in yet. */
export function emptyQuota(): QuotaDraft {
  return { per: ['template'], window: 'day', files: '', bytes: '', calls: '' };
}

/** The values to edit for a stored document. */
export function toDraft(document: EditableDocument): Draft {
  const { upload, listing, restrictions } = document;
  const empty = emptyDraft();
  const validity = document.key_validity;
  return {
    name: document.name,
    description: document.description,
    active: document.active,
    permissions: [...document.permissions],
    upload: {
      limit_per_min: upload.limit_per_min ?? '',
      limit_per_ip_source: upload.limit_per_ip_source ?? '',
      max: upload.max ?? '',
      max_file_size: upload.max_file_size,
      max_total_size: upload.max_total_size ?? '',
      allowed_types: [...(upload.allowed_types ?? [])],
      dir_scope: [...upload.dir_scope],
    },
    listing: { dir_scope: [...listing.dir_scope], max: listing.max ?? '' },
    quotas: (document.quotas ?? []).map(({ per, window, files, bytes, calls }) => ({
      per: [...per],
      window,
      files: files ?? '',
      bytes: bytes ?? '',
      calls: calls ?? '',
    })),
    restrictions: {
      whitelist_ip_ranges: [...(restrictions.whitelist_ip_ranges ?? [])],
      whitelist_countries: [...(restrictions.whitelist_countries ?? [])],
      blocked_ip_ranges: [...(restrictions.blocked_ip_ranges ?? [])],
      blocked_countries: [...(restrictions.blocked_countries ?? [])],
      allowed_origins: [...(restrictions.allowed_origins ?? [])],
    },
    key_validity:
      validity === undefined
        ? empty.key_validity
        : {
            expiration_duration: validity.expiration_duration,
            finish_duration: validity.finish_duration === validity.expiration_duration ? '' : validity.finish_duration,
          },
    issue: { limit_per_ip_per_min: document.issue?.limit_per_ip_per_min ?? empty.issue.limit_per_ip_per_min },
  };
}

/** The document to judge and send. What is not readable yet stays as it was typed, so that its fault is found. */
export function toDocument(draft: Draft, kind: DraftKind): Record<string, unknown> {
  const { upload, listing, restrictions } = draft;
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    active: draft.active,
    permissions: draft.permissions,
    upload: given({ ...upload, allowed_types: listed(upload.allowed_types) }),
    listing: given({ ...listing }),
    ...(draft.quotas.length === 0 ? {} : { quotas: draft.quotas.map((quota) => given({ ...quota })) }),
    restrictions: given({
      whitelist_ip_ranges: listed(restrictions.whitelist_ip_ranges),
      whitelist_countries: listed(restrictions.whitelist_countries),
      blocked_ip_ranges: listed(restrictions.blocked_ip_ranges),
      blocked_countries: listed(restrictions.blocked_countries),
      allowed_origins: listed(restrictions.allowed_origins),
    }),
    ...(kind === 'template'
      ? { key_validity: given({ ...draft.key_validity }), issue: given({ ...draft.issue }) }
      : {}),
  };
}

/** An empty list of these would allow nothing; a list nobody wrote is "no restriction". */
function listed(entries: readonly string[]): readonly string[] | undefined {
  return entries.length === 0 ? undefined : entries;
}

function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== '' && value !== undefined));
}
