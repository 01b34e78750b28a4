// The one function that decides for every entry point: an ordered list of rules over the live template, the key's claims and the facts.
import type { Claims } from './claims.ts';
import { typeIsAllowed } from './media-type.ts';
import { addressBucket, inRanges, parseAddress } from './network.ts';
import { originMatches } from './origin.ts';
import type { CanonicalPath } from './path.ts';
import {
  type BearerKind,
  isOperationName,
  OPERATIONS,
  type Operation,
  type OperationName,
  PERMISSIONS,
  type Permission,
} from './permission.ts';
import { mergeQuotas, QUOTA_WINDOWS, quotaCode, quotaCounter } from './quota.ts';
import { type AccessRule, accessScopes, lowestRole, type RoleId } from './role.ts';
import type { Rules } from './rules.ts';
import {
  covers,
  coversAll,
  coversTreeAll,
  type FolderScope,
  formatScope,
  intersectScopes,
  leadsToAll,
} from './scope.ts';
import type { Template } from './template.ts';
import type { Charge } from './window.ts';

/** One operation asked for. A request may ask for several at once; all must be allowed. */
export interface Demand {
  readonly operation: OperationName;
  /**
   * The folders it touches: of a file the folder it lies in, of a folder the folder itself, and of everything new or moved the
   * new place as well. Empty while they are not known yet; the caller then decides again once they are.
   */
  readonly targets: readonly CanonicalPath[];
  /** Of the targets, those in which something itself is touched, such as a file: that a folder is on the way to a scope does not do there. */
  readonly contents?: readonly CanonicalPath[];
  /** True when everything below the targets is touched too; operations on whole folders imply it. */
  readonly tree?: boolean;
}

/** What is true of a request. Everything is a value: the clock, the network and the key's check have been read before. */
export interface Facts {
  readonly nowMs: number;
  /** When a long upload began; at its end it is judged by the time to finish (product definition section 3). */
  readonly startedAtMs?: number;
  /** The container named by the request. */
  readonly container: string;
  /** What became of the credential: shown and proven, not shown, shown and wrong, or withdrawn. */
  readonly credential: 'verified' | 'missing' | 'invalid' | 'revoked';
  readonly bearer: BearerKind;
  /** The template identifier that a visitor names; exchanges are counted under it unless claims say the source. */
  readonly identifier?: string;
  readonly clientIp: string;
  /** ISO 3166-1 alpha-2, when the address could be found. */
  readonly country?: string;
  /** The `Origin` header as it came. */
  readonly origin?: string;
  readonly demands: readonly Demand[];
  /** What access entries make of whoever asks, for bearers whom they bind. They only ever take away. */
  readonly access?: readonly AccessRule[];
  readonly upload?: {
    /** How many files the request brings. */
    readonly files: number;
    /** The declared bytes of all of them together, without the envelope around them; a wish, not a measure. */
    readonly bytes?: number;
    /** What the bytes were found to be; absent until that is known. */
    readonly mediaType?: string;
    /** The extension that belongs to the bytes, or of the name where the format has no signature. */
    readonly extension?: string;
  };
}

/** Why a request is refused, apart from limits: those are known only when they are reserved. */
export type DenyCode =
  | 'KEY_MISSING'
  | 'KEY_INVALID'
  | 'KEY_EXPIRED'
  | 'KEY_REVOKED'
  | 'TEMPLATE_NOT_FOUND'
  | 'ORIGIN_DENIED'
  | 'IP_DENIED'
  | 'COUNTRY_DENIED'
  | 'PERMISSION_DENIED'
  | 'SCOPE_DENIED'
  | 'ACCESS_DENIED'
  | 'MEDIA_TYPE_REFUSED'
  | 'PAYLOAD_TOO_LARGE';

/** One rule of the order and what it said. */
export interface TraceStep {
  readonly rule: RuleName;
  readonly outcome: 'pass' | 'deny' | 'skip';
  readonly detail?: string;
}

/** Allow with the charges to reserve, or deny with the reason; always with the rules in the order they were asked. */
export type Decision =
  | { readonly allow: true; readonly charges: readonly Charge[]; readonly trace: readonly TraceStep[] }
  | {
      readonly allow: false;
      readonly code: DenyCode;
      readonly rule: RuleName;
      /** For PAYLOAD_TOO_LARGE: the bytes that would have passed and those that came. For KEY_EXPIRED: the last moment and now. */
      readonly limit?: number;
      readonly actual?: number;
      /** For PERMISSION_DENIED: any one of these would have opened the operation. Empty when no permission would. */
      readonly missing?: readonly Permission[];
      readonly trace: readonly TraceStep[];
    };

/** The names of the rules that can deny, in their order; `limits` asks for charges and never denies. */
export const RULE_NAMES = [
  'container',
  'credential',
  'revocation',
  'template',
  'expiry',
  'origin',
  'address',
  'country',
  'permission',
  'scope',
  'access',
  'type',
  'size',
  'limits',
] as const;

/** The name of one rule. */
export type RuleName = (typeof RULE_NAMES)[number];

interface Denial {
  readonly outcome: 'deny';
  readonly code: DenyCode;
  readonly detail?: string;
  readonly limit?: number;
  readonly actual?: number;
  readonly missing?: readonly Permission[];
}

/** What the last rule passes with: the charges of the request. */
interface Admittance {
  readonly outcome: 'pass';
  readonly charges: readonly Charge[];
}

type Verdict = 'pass' | 'skip' | Admittance | Denial;

interface Case {
  readonly template: Template | undefined;
  readonly claims: Claims | undefined;
  readonly facts: Facts;
  /** The live template and every narrowing: all must agree. */
  readonly layers: readonly Rules[];
}

/** The rules in the order of the product definition, section 7; the first denial is the answer. */
export const RULES: readonly { readonly name: RuleName; readonly check: (given: Case) => Verdict }[] = [
  { name: 'container', check: checkContainer },
  { name: 'credential', check: checkCredential },
  { name: 'revocation', check: checkRevocation },
  { name: 'template', check: checkTemplate },
  { name: 'expiry', check: checkExpiry },
  { name: 'origin', check: checkOrigin },
  { name: 'address', check: checkAddress },
  { name: 'country', check: checkCountry },
  { name: 'permission', check: checkPermission },
  { name: 'scope', check: checkScope },
  { name: 'access', check: checkAccess },
  { name: 'type', check: checkType },
  { name: 'size', check: checkSize },
  { name: 'limits', check: checkLimits },
];

/**
 * Decides. Total and deterministic: every input has an answer, equal inputs have equal answers, nothing is thrown. What is
 * unknown is refused. An admin is bound by the container and a valid credential only; a visitor may do what `OPERATIONS` opens to
 * visitors; keys and secret keys are judged by every rule.
 */
export function decide(template: Template | undefined, claims: Claims | undefined, facts: Facts): Decision {
  const given: Case = { template, claims, facts, layers: layersOf(template, claims) };
  const trace: TraceStep[] = [];
  let charges: readonly Charge[] = [];
  for (const { name, check } of RULES) {
    const verdict = check(given);
    const outcome = typeof verdict === 'string' ? verdict : verdict.outcome;
    if (typeof verdict === 'string' || verdict.outcome === 'pass') {
      trace.push({ rule: name, outcome });
      if (typeof verdict !== 'string') charges = verdict.charges;
      continue;
    }
    const { code, detail, limit, actual, missing } = verdict;
    trace.push({ rule: name, outcome, ...(detail === undefined ? {} : { detail }) });
    return {
      allow: false,
      code,
      rule: name,
      ...(limit === undefined ? {} : { limit }),
      ...(actual === undefined ? {} : { actual }),
      ...(missing === undefined ? {} : { missing }),
      trace,
    };
  }
  return { allow: true, charges, trace };
}

function deny(code: DenyCode, detail?: string): Denial {
  return detail === undefined ? { outcome: 'deny', code } : { outcome: 'deny', code, detail };
}

function layersOf(template: Template | undefined, claims: Claims | undefined): readonly Rules[] {
  const narrowings = claims?.narrowings.map((narrowing) => narrowing.rules) ?? [];
  return template === undefined ? narrowings : [template.rules, ...narrowings];
}

/** The row of an operation, also when the name came from outside and is none. */
function rowOf(demand: Demand): Operation | undefined {
  return isOperationName(demand.operation) ? OPERATIONS[demand.operation] : undefined;
}

function demandsOf(facts: Facts, has: (row: Operation) => boolean): readonly Demand[] {
  return facts.demands.filter((demand) => {
    const row = rowOf(demand);
    return row !== undefined && has(row);
  });
}

function asksForKey(facts: Facts): boolean {
  return demandsOf(facts, (row) => row.limit === 'issue').length > 0;
}

function checkContainer({ claims, facts }: Case): Verdict {
  if (claims === undefined) return 'skip';
  if (claims.container === facts.container) return 'pass';
  // A foreign key looks like a forged one and a foreign template like an unknown one: neither may learn what exists elsewhere.
  return deny(facts.bearer === 'visitor' ? 'TEMPLATE_NOT_FOUND' : 'KEY_INVALID', 'made for another container');
}

function checkCredential({ claims, facts }: Case): Verdict {
  if (facts.bearer === 'visitor') {
    const isOpen = demandsOf(facts, (row) => row.bearers.includes('visitor')).length === facts.demands.length;
    return isOpen && facts.demands.length > 0 ? 'skip' : deny('KEY_MISSING', 'not open to visitors');
  }
  if (facts.credential === 'missing') return deny('KEY_MISSING');
  if (facts.credential === 'invalid') return deny('KEY_INVALID');
  const needsClaims = facts.bearer !== 'admin';
  return needsClaims && claims === undefined ? deny('KEY_INVALID', 'no claims') : 'pass';
}

function checkRevocation({ facts }: Case): Verdict {
  if (facts.bearer === 'visitor') return 'skip';
  return facts.credential === 'revoked' ? deny('KEY_REVOKED') : 'pass';
}

function checkTemplate({ template, facts }: Case): Verdict {
  if (facts.bearer === 'admin' || (facts.bearer === 'visitor' && !asksForKey(facts))) return 'skip';
  if (template?.document.active === true) return 'pass';
  return deny(facts.bearer === 'visitor' ? 'TEMPLATE_NOT_FOUND' : 'KEY_REVOKED', template ? 'inactive' : 'not there');
}

function checkExpiry({ template, claims, facts }: Case): Verdict {
  if (facts.bearer !== 'key' || claims === undefined) return 'skip';
  const { nowMs, startedAtMs } = facts;
  if (claims.startsAtMs !== undefined && !(nowMs >= claims.startsAtMs)) return deny('KEY_INVALID', 'not valid yet');
  const expiresAtMs = expiryOf(template, claims);
  if (nowMs < expiresAtMs) return 'pass';
  const finishAtMs = (startedAtMs ?? Number.NaN) + finishMsOf(template, claims);
  // Begun in time and still inside the time to finish. Every comparison is written so that NaN refuses.
  if (startedAtMs !== undefined && startedAtMs < expiresAtMs && nowMs < finishAtMs) return 'pass';
  return { outcome: 'deny', code: 'KEY_EXPIRED', limit: expiresAtMs, actual: nowMs };
}

/** The moment from which a key starts nothing: the earliest that the key, its live template or a narrowing says. */
function expiryOf(template: Template | undefined, claims: Claims): number {
  const startMs = claims.startsAtMs ?? claims.issuedAtMs;
  const ends = [claims.expiresAtMs];
  if (template !== undefined && claims.source.kind === 'template') {
    ends.push(startMs + template.document.key_validity.expiration_duration * 1000);
  }
  for (const { document } of claims.narrowings) {
    if (document.expires_at !== undefined) ends.push(document.expires_at * 1000);
    if (document.key_validity !== undefined) ends.push(startMs + document.key_validity.expiration_duration * 1000);
  }
  return Math.min(...ends);
}

/** How long an upload may take after its beginning. Ad-hoc keys have no template to say it: theirs is their own validity. */
function finishMsOf(template: Template | undefined, claims: Claims): number {
  if (template !== undefined && claims.source.kind === 'template')
    return template.document.key_validity.finish_duration * 1000;
  return claims.expiresAtMs - (claims.startsAtMs ?? claims.issuedAtMs);
}

function checkOrigin({ layers, facts }: Case): Verdict {
  const lists = layers.flatMap(({ allowedOrigins }) => (allowedOrigins === undefined ? [] : [allowedOrigins]));
  if (facts.bearer === 'admin' || lists.length === 0) return 'skip';
  const { origin } = facts;
  if (origin === undefined) return deny('ORIGIN_DENIED', 'no origin');
  return lists.every((patterns) => originMatches(patterns, origin)) ? 'pass' : deny('ORIGIN_DENIED');
}

function checkAddress({ layers, facts }: Case): Verdict {
  // A visitor elsewhere may still take a key for later use; the hint of the exchange tells (product definition section 6).
  if (facts.bearer === 'admin' || facts.bearer === 'visitor') return 'skip';
  const restricting = layers.filter((rules) => rules.allowedRanges !== undefined || rules.blockedRanges !== undefined);
  if (restricting.length === 0) return 'skip';
  const address = parseAddress(facts.clientIp);
  if (address === undefined) return deny('IP_DENIED', 'unreadable address');
  for (const { allowedRanges, blockedRanges } of restricting) {
    if (blockedRanges !== undefined && inRanges(blockedRanges, address)) return deny('IP_DENIED', 'blocked');
    if (allowedRanges !== undefined && !inRanges(allowedRanges, address)) return deny('IP_DENIED', 'not in the list');
  }
  return 'pass';
}

function checkCountry({ layers, facts }: Case): Verdict {
  if (facts.bearer === 'admin' || facts.bearer === 'visitor') return 'skip';
  const restricting = layers.filter(
    (rules) => rules.allowedCountries !== undefined || rules.blockedCountries !== undefined,
  );
  if (restricting.length === 0) return 'skip';
  const country = facts.country?.toUpperCase();
  // A country that cannot be found is in no allow list, and could be any of a block list: unknown means no.
  if (country === undefined) return deny('COUNTRY_DENIED', 'unknown country');
  for (const { allowedCountries, blockedCountries } of restricting) {
    if (blockedCountries?.has(country)) return deny('COUNTRY_DENIED', 'blocked');
    if (allowedCountries !== undefined && !allowedCountries.has(country))
      return deny('COUNTRY_DENIED', 'not in the list');
  }
  return 'pass';
}

function checkPermission({ layers, facts }: Case): Verdict {
  if (facts.bearer === 'admin') return 'skip';
  // Nobody asks for nothing: a request without a demand is one whose route forgot to declare it.
  if (facts.demands.length === 0) return { ...deny('PERMISSION_DENIED', 'nothing demanded'), missing: [] };
  for (const demand of facts.demands) {
    const row = rowOf(demand);
    if (row === undefined || !row.bearers.includes(facts.bearer)) {
      return { ...deny('PERMISSION_DENIED', `not open to this kind of credential: ${demand.operation}`), missing: [] };
    }
    if (row.permissions === 'none') continue;
    const openers = row.permissions === 'any' ? PERMISSIONS : row.permissions;
    if (openers.some((permission) => isGiven(layers, permission))) continue;
    return { ...deny('PERMISSION_DENIED', demand.operation), missing: row.permissions === 'any' ? [] : openers };
  }
  return 'pass';
}

function isGiven(layers: readonly Rules[], permission: Permission): boolean {
  let given = false;
  for (const { permissions } of layers) {
    if (permissions === undefined) continue;
    if (!permissions.has(permission)) return false;
    given = true;
  }
  return given; // With no layer that gives anything there is nothing to be had.
}

function checkScope({ template, claims, facts }: Case): Verdict {
  const scoped = demandsOf(facts, (row) => row.scope !== 'none');
  if (facts.bearer === 'admin' || scoped.length === 0) return 'skip';
  for (const demand of scoped) {
    const row = OPERATIONS[demand.operation];
    const inScope = reachOf(demand, visibleScopes(template, claims, row.scope === 'upload' ? 'upload' : 'listing'));
    const outside = demand.targets.find((path) => !inScope(path));
    if (outside !== undefined) return deny('SCOPE_DENIED', `${demand.operation} in ${outside}`);
  }
  return 'pass';
}

function checkAccess({ template, claims, facts }: Case): Verdict {
  const { access } = facts;
  const scoped = demandsOf(facts, (row) => row.scope !== 'none');
  if (facts.bearer === 'admin' || access === undefined || access.length === 0 || scoped.length === 0) return 'skip';
  for (const demand of scoped) {
    const row = OPERATIONS[demand.operation];
    const kind = row.scope === 'upload' ? 'upload' : 'listing';
    const inReach = reachOf(
      demand,
      visibleScopes(template, claims, kind, { rules: access, operations: [demand.operation] }),
    );
    const outside = demand.targets.find((path) => !inReach(path));
    if (outside === undefined) continue;
    // Whoever may not even see names there is told what is told of places that are out of scope.
    const seen = covers(accessScopes(access, lowestRole(['OBJECTS_LIST'])), outside);
    return deny(seen ? 'ACCESS_DENIED' : 'SCOPE_DENIED', `${demand.operation} in ${outside}`);
  }
  return 'pass';
}

/** Whether a target of the demand lies within scopes that all must cover it. */
function reachOf(demand: Demand, scopes: readonly (readonly FolderScope[])[]): (path: CanonicalPath) => boolean {
  const row = OPERATIONS[demand.operation];
  return (path) =>
    row.tree === true || demand.tree === true
      ? coversTreeAll(scopes, path)
      : coversAll(scopes, path) ||
        (row.walk === true && demand.contents?.includes(path) !== true && leadsToAll(scopes, path));
}

function checkType({ layers, facts }: Case): Verdict {
  const { upload } = facts;
  const mediaType = upload?.mediaType;
  if (facts.bearer === 'admin' || mediaType === undefined) return 'skip';
  const lists = layers.flatMap(({ allowedTypes }) => (allowedTypes === undefined ? [] : [allowedTypes]));
  if (lists.length === 0) return 'skip';
  const passes = lists.every((allowed) => typeIsAllowed(allowed, mediaType, upload?.extension));
  return passes ? 'pass' : deny('MEDIA_TYPE_REFUSED', mediaType);
}

function checkSize({ layers, facts }: Case): Verdict {
  const { upload } = facts;
  const fileMax = lowestFileSize(layers);
  if (facts.bearer === 'admin' || upload?.bytes === undefined || fileMax === undefined) return 'skip';
  const limit = fileMax * upload.files;
  return upload.bytes <= limit ? 'pass' : { outcome: 'deny', code: 'PAYLOAD_TOO_LARGE', limit, actual: upload.bytes };
}

function checkLimits(given: Case): Verdict {
  const charges = chargesOf(given);
  return charges.length > 0 ? { outcome: 'pass', charges } : 'skip';
}

const MINUTE_MS = 60_000;

/** What an allowed request takes from which counters; the lowest limit of all layers holds on each. */
function chargesOf({ template, claims, facts, layers }: Case): readonly Charge[] {
  if (facts.bearer === 'admin') return [];
  const { nowMs } = facts;
  const charges: Charge[] = [];
  if (asksForKey(facts) && template !== undefined) {
    charges.push({
      rule: 'issue.limit_per_ip_per_min',
      unit: 'calls',
      counter: `${claims?.source.id ?? facts.identifier ?? 'unnamed'}|issue:${addressBucket(facts.clientIp)}`,
      limit: template.document.issue.limit_per_ip_per_min,
      windowMs: MINUTE_MS,
      cost: 1,
      code: 'KEY_RATE_LIMITED',
      expiresAtMs: nowMs + MINUTE_MS,
    });
  }
  const quotas = claims === undefined ? [] : mergeQuotas(layers.map((rules) => rules.quotas));
  if (claims === undefined || quotas.length === 0) return charges;
  const source = claims.source.id;
  // Settling comes as late as an upload may end, so the entries must live until then. Secret keys do not end.
  const keyEndMs =
    facts.bearer === 'secret' ? Number.MAX_SAFE_INTEGER : claims.expiresAtMs + finishMsOf(template, claims);
  const uploads = demandsOf(facts, (row) => row.limit === 'upload');
  const isCall = demandsOf(facts, (row) => row.limit === 'listing').length > 0;
  const place = {
    key: claims.keyId,
    address: addressBucket(facts.clientIp),
    subject: claims.subject ?? '',
    folder: uploads[0]?.targets[0] ?? '',
  };
  const files = facts.upload?.files ?? 1;
  // Nobody knows the true size before the bytes have flowed, so as much as could come is held and the stream is cut there.
  const bytes = facts.upload?.bytes ?? (lowestFileSize(layers) ?? Number.MAX_SAFE_INTEGER) * files;
  for (const quota of quotas) {
    const { rule, unit, limit, per } = quota;
    if (unit === 'calls' ? !isCall : uploads.length === 0) continue;
    const windowMs = QUOTA_WINDOWS[quota.window];
    // What is counted over the lives of many keys is counted for ever.
    const lifeEndMs = per.includes('key') ? keyEndMs : Number.MAX_SAFE_INTEGER;
    charges.push({
      rule,
      unit,
      counter: quotaCounter(source, quota, place),
      limit,
      windowMs,
      cost: unit === 'bytes' ? bytes : unit === 'files' ? files : 1,
      ...(unit === 'bytes' ? { costMin: Math.min(1, bytes) } : {}),
      code: quotaCode(quota),
      expiresAtMs: windowMs === 'lifetime' ? lifeEndMs : nowMs + windowMs,
    });
  }
  return charges;
}

/** The lowest limit of a file's size among the layers; undefined when none has one. */
function lowestFileSize(layers: readonly Rules[]): number | undefined {
  return layers.reduce<number | undefined>((lowest, { fileSizeBytesMax: limit }) => {
    return limit === undefined ? lowest : Math.min(limit, lowest ?? limit);
  }, undefined);
}

/** What access entries make of somebody, and what is to be done: of several operations the most demanding decides. */
export interface Access {
  readonly rules: readonly AccessRule[];
  readonly operations: readonly OperationName[];
}

/**
 * The scopes of every layer for uploading or for everything else: a folder is in reach when all layers cover it (`coversAll`,
 * `coversTreeAll`, `leadsToAll`). Access entries are one layer more. A missing template reaches nothing.
 */
export function visibleScopes(
  template: Template | undefined,
  claims: Claims | undefined,
  kind: 'upload' | 'listing',
  access?: Access,
): readonly (readonly FolderScope[])[] {
  if (template === undefined) return [[]];
  const layers = layersOf(template, claims);
  const scopes = layers.flatMap((rules) => {
    const own = kind === 'upload' ? rules.uploadScopes : rules.listingScopes;
    return own === undefined ? [] : [own];
  });
  if (access === undefined || access.rules.length === 0) return scopes;
  const needed = access.operations.map((operation) => roleNeeded(layers, OPERATIONS[operation]));
  return [
    ...scopes,
    accessScopes(
      access.rules,
      needed.reduce((highest, role) => (role > highest ? role : highest), 1),
    ),
  ];
}

/** The lowest role that has one of the permissions by which the layers open the operation. */
function roleNeeded(layers: readonly Rules[], { permissions }: Operation): RoleId {
  if (permissions === 'any' || permissions === 'none') return 1;
  const given = permissions.filter((permission) => isGiven(layers, permission));
  return lowestRole(given.length > 0 ? given : permissions);
}

/** The most bytes a file may have by template and narrowings; MAX_SAFE_INTEGER when nothing limits it. */
export function fileSizeBytesMax(template: Template, claims: Claims): number {
  return lowestFileSize(layersOf(template, claims)) ?? Number.MAX_SAFE_INTEGER;
}

/** What is left of a template after a key's narrowings, for telling people (wire contract 2.5); `decide` does not need it. */
export interface EffectiveRights {
  /** In the order of `PERMISSIONS`. */
  readonly permissions: readonly Permission[];
  readonly maxFileSizeBytes: number;
  /** The moment from which the key starts nothing; as the claims say it for secret keys. */
  readonly expiresAtMs: number;
  /** Folder scopes for uploading, as texts; empty when nothing is in reach. */
  readonly uploadScopes: readonly string[];
}

/** The rights that live template and narrowings agree on. */
export function effective(template: Template, claims: Claims): EffectiveRights {
  const layers = layersOf(template, claims);
  const [first = [], ...others] = visibleScopes(template, claims, 'upload');
  return {
    permissions: PERMISSIONS.filter((permission) => isGiven(layers, permission)),
    maxFileSizeBytes: lowestFileSize(layers) ?? Number.MAX_SAFE_INTEGER,
    expiresAtMs: expiryOf(template, claims),
    uploadScopes: others.reduce(intersectScopes, first).map(formatScope),
  };
}
