// Quotas: how many files, bytes or calls, per what, in which time. The named limits of a template are quotas under names of their own.
import { type EntryReader, type Members, withoutAbsent } from './fields.ts';
import type { LimitCode } from './window.ts';

/** What a quota counts apart: everything of the template together, or each key, client address, subject, folder of the upload. */
export const QUOTA_DIMENSIONS = ['template', 'key', 'address', 'subject', 'folder'] as const;
export type QuotaDimension = (typeof QUOTA_DIMENSIONS)[number];

/** How long what was used counts, in milliseconds; a window slides. */
export const QUOTA_WINDOWS = {
  minute: 60_000,
  hour: 60 * 60_000,
  day: 24 * 60 * 60_000,
  lifetime: 'lifetime',
} as const;
export type QuotaWindow = keyof typeof QUOTA_WINDOWS;

/** What is counted: uploaded files, their bytes, or calls of everything that is no upload. */
export const QUOTA_UNITS = ['files', 'bytes', 'calls'] as const;
export type QuotaUnit = (typeof QUOTA_UNITS)[number];

/** One entry of `quotas` as it is stored and sent. Several units in one entry are several quotas. */
export interface QuotaDocument {
  readonly per: readonly QuotaDimension[];
  readonly window: QuotaWindow;
  readonly files?: number;
  readonly bytes?: number;
  readonly calls?: number;
}

/** One limit, compiled. */
export interface Quota {
  /** The place in the document that set it. */
  readonly rule: string;
  readonly unit: QuotaUnit;
  readonly window: QuotaWindow;
  readonly per: readonly QuotaDimension[];
  readonly limit: number;
}

/** The longest list of quotas, so that no decision takes more charges than an admin could mean. */
export const QUOTAS_MAX = 20;

/** The quotas of a document, in canonical form: dimensions in the order of `QUOTA_DIMENSIONS`, `template` alone or not at all. */
export function readQuotas(members: Members): readonly QuotaDocument[] | undefined {
  const entries = members.objects('quotas', QUOTAS_MAX, ['per', 'window', ...QUOTA_UNITS]);
  if (entries === undefined || entries.length === 0) return undefined;
  return entries.map((entry): QuotaDocument => {
    const per =
      entry.list('per', 1, QUOTA_DIMENSIONS.length, readDimension) ?? entry.missing('per', 'What is counted apart?');
    const window = entry.word('window', windowNames) ?? entry.missing('window', 'In which time?') ?? 'minute';
    const limits = {
      files: entry.integer('files', 0, Number.MAX_SAFE_INTEGER),
      bytes: entry.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
      calls: entry.integer('calls', 0, Number.MAX_SAFE_INTEGER),
    };
    if (!QUOTA_UNITS.some((unit) => entry.has(unit))) entry.missing('files', 'How many files, bytes or calls?');
    if (limits.calls !== undefined && per?.includes('folder') === true) {
      entry.fault(
        'calls',
        'VALUE_UNKNOWN',
        'Calls are not counted by folder: a folder is where files are uploaded to.',
      );
    }
    return withoutAbsent<QuotaDocument>({ per: canonicalDimensions(per ?? []), window, ...limits });
  });
}

const windowNames = Object.keys(QUOTA_WINDOWS) as readonly QuotaWindow[]; // The keys of a table typed by its names.

const readDimension: EntryReader<QuotaDimension> = (text) => {
  const value = QUOTA_DIMENSIONS.find((dimension) => dimension === text);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, code: 'VALUE_UNKNOWN', message: `One of ${QUOTA_DIMENSIONS.join(', ')} is needed here.` };
};

function canonicalDimensions(per: readonly QuotaDimension[]): readonly QuotaDimension[] {
  const narrower = QUOTA_DIMENSIONS.filter((dimension) => dimension !== 'template' && per.includes(dimension));
  return narrower.length === 0 ? ['template'] : narrower;
}

/** The entries as single limits. */
export function compileQuotas(entries: readonly QuotaDocument[]): readonly Quota[] {
  return entries.flatMap(({ per, window, ...limits }, index) =>
    QUOTA_UNITS.flatMap((unit) => {
      const limit = limits[unit];
      return limit === undefined ? [] : [{ rule: `quotas[${index}].${unit}`, unit, window, per, limit }];
    }),
  );
}

/**
 * The quotas of all layers as one list: of those that count the same, the lowest holds. Shorter windows come first, then the
 * narrower ones, so that the refusal names what passes soonest.
 */
export function mergeQuotas(layers: readonly (readonly Quota[])[]): readonly Quota[] {
  const limiting = layers.filter((quotas) => quotas.length > 0);
  const [only] = limiting;
  if (only === undefined) return [];
  // Most keys have no layer with limits but their template, and that is one list for all of them.
  if (limiting.length > 1) return merge(limiting);
  const known = merged.get(only);
  if (known !== undefined) return known;
  const quotas = merge(limiting);
  merged.set(only, quotas);
  return quotas;
}

/** The merged list of a layer alone, for as long as its rules are in use. */
const merged = new WeakMap<readonly Quota[], readonly Quota[]>();

function merge(layers: readonly (readonly Quota[])[]): readonly Quota[] {
  const lowest = new Map<string, Quota>();
  for (const quota of layers.flat()) {
    const id = quotaId(quota);
    const before = lowest.get(id);
    if (before === undefined || isNamedBefore(quota, before)) lowest.set(id, quota);
  }
  return [...lowest.values()].sort(
    (a, b) =>
      windowNames.indexOf(a.window) - windowNames.indexOf(b.window) ||
      b.per.length - a.per.length ||
      QUOTA_UNITS.indexOf(a.unit) - QUOTA_UNITS.indexOf(b.unit) ||
      (quotaId(a) < quotaId(b) ? -1 : 1),
  );
}

/**
 * Which of two quotas that count the same is the one that holds and is named: the lower one. Of equal ones a named limit goes
 * before an entry of `quotas`, so that the order of the layers decides nothing.
 */
function isNamedBefore(quota: Quota, other: Quota): boolean {
  if (quota.limit !== other.limit) return quota.limit < other.limit;
  const [isEntry, isOtherEntry] = [quota, other].map(({ rule }) => rule.startsWith('quotas['));
  return isEntry === isOtherEntry ? quota.rule < other.rule : isOtherEntry === true;
}

function quotaId({ unit, window, per }: Quota): string {
  return `${unit}/${window}/${per.join('+')}`;
}

/** What the dimensions are of one request. `subject` and `folder` are empty when there is none: all such requests are counted together. */
export type QuotaPlace = Readonly<Record<Exclude<QuotaDimension, 'template'>, string>>;

/** The counter of a quota for a request. All counters of one source of rights are one group (see `counterGroup`). */
export function quotaCounter(source: string, quota: Quota, place: QuotaPlace): string {
  const parts = quota.per.map((dimension) =>
    dimension === 'template' ? 'all' : `${dimension}:${place[dimension].replaceAll('%', '%25').replaceAll(',', '%2C')}`,
  );
  return `${source}|${quota.unit}/${quota.window}/${parts.join(',')}`;
}

/** Which refusal the quota leads to: windows pass, lifetimes do not. */
export function quotaCode({ unit, window }: Quota): LimitCode {
  if (unit === 'calls') return window === 'lifetime' ? 'REQUEST_QUOTA_EXHAUSTED' : 'REQUEST_RATE_LIMITED';
  return window === 'lifetime' ? 'UPLOAD_QUOTA_EXHAUSTED' : 'UPLOAD_RATE_LIMITED';
}
