// Random templates, narrowings, claims and facts from small worlds, so that rules meet each other often instead of never.
import {
  type CanonicalPath,
  type Claims,
  type Demand,
  type Facts,
  type Narrowing,
  OPERATIONS,
  type OperationName,
  type Parsed,
  PERMISSIONS,
  parseNarrowing,
  parsePath,
  parseTemplate,
  QUOTA_DIMENSIONS,
  type Template,
} from '@latchkey/policy';
import fc from 'fast-check';

/** The moment at which the claims of this file are issued. */
export const ISSUED_AT_MS = 1_700_000_000_000;

/** The value of a parse that has to succeed. */
export function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.value;
}

/** The canonical path of a text that has to have one. */
export function path(text: string): CanonicalPath {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.reason}`);
  return parsed.path;
}

/** Few names that look alike to careless code. */
export const segment = fc.constantFrom('a', 'ab', 'b', 'A', 'a b', 'caf\u00e9', '...', 'a.');
export const segments = fc.array(segment, { maxLength: 4 });
export const pathText = segments.map((parts) => `/${parts.join('/')}`);
export const canonicalPath = pathText.map(path);
export const scopeText = fc
  .tuple(segments, fc.boolean())
  .map(([parts, deep]) => `/${parts.join('/')}${deep ? (parts.length === 0 ? '*' : '/*') : ''}`);
export const scopeList = fc.uniqueArray(scopeText, { minLength: 1, maxLength: 4 });

const ADDRESSES = ['203.0.113.7', '203.0.113.8', '198.51.100.1', '2001:db8::1', '2001:db8::2', '::ffff:203.0.113.7'];
const RANGES = [
  ...ADDRESSES,
  '203.0.113.0/24',
  '203.0.113.0-203.0.113.7',
  '203.0.113.*',
  '2001:db8::/32',
  '0.0.0.0',
  '::/0',
];
const COUNTRIES = ['FR', 'DE', 'US'];
const ORIGINS = ['https://a.example.com', 'https://b.example.com', 'http://localhost:3000'];
const PATTERNS = [...ORIGINS, 'https://*.example.com'];
const TYPES = ['image/png', 'image/*', 'png', 'application/pdf'];

const some = <T>(pool: readonly T[], minLength = 1) =>
  fc.uniqueArray(fc.constantFrom(...pool), { minLength, maxLength: 4 });
/** Absent most of the time: with every restriction present at once hardly anything would ever be allowed. */
const rarely = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
/** Most of the time everything, so that later rules are reached. */
const permissions = fc.oneof(
  { weight: 3, arbitrary: fc.constant([...PERMISSIONS]) },
  { weight: 1, arbitrary: fc.subarray([...PERMISSIONS]) },
);
const limit = fc.nat({ max: 5 });

/** A document without its undefined members, as JSON would carry it. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

const upload = {
  limit_per_min: limit,
  limit_per_ip_source: limit,
  max: limit,
  max_file_size: fc.nat({ max: 1000 }),
  max_total_size: fc.nat({ max: 2000 }),
  allowed_types: some(TYPES),
  dir_scope: scopeList,
};
const listing = { dir_scope: scopeList, max: limit };
const quota = fc.record(
  {
    per: fc.uniqueArray(fc.constantFrom(...QUOTA_DIMENSIONS.filter((dimension) => dimension !== 'folder')), {
      minLength: 1,
      maxLength: 3,
    }),
    window: fc.constantFrom('minute', 'hour', 'day', 'lifetime'),
    files: limit,
    bytes: fc.nat({ max: 2000 }),
    calls: limit,
  },
  { requiredKeys: ['per', 'window', 'files'] },
);
const quotas = fc.array(quota, { minLength: 1, maxLength: 3 });
const restrictions = {
  whitelist_ip_ranges: some(RANGES),
  whitelist_countries: some(COUNTRIES),
  blocked_ip_ranges: some(ADDRESSES),
  blocked_countries: some(COUNTRIES),
  allowed_origins: some(PATTERNS),
};
const validity = { expiration_duration: fc.integer({ min: 1, max: 1199 }) };

/** Members whose absence means "not restricted", with values that restrict. */
const RESTRICTING: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<unknown>>>>> = {
  upload,
  listing,
  restrictions,
  key_validity: validity,
};

/** One restricting member of a template document. */
export interface Restriction {
  readonly group: string;
  readonly member: string;
  readonly value: unknown;
}

/** The names of all restricting members, as `group.member`. */
export const RESTRICTING_NAMES: readonly string[] = Object.entries(RESTRICTING).flatMap(([group, members]) =>
  Object.keys(members).map((member) => `${group}.${member}`),
);

/** Any restricting member with a value. */
export const restriction: fc.Arbitrary<Restriction> = fc.oneof(
  ...Object.entries(RESTRICTING).flatMap(([group, members]) =>
    Object.entries(members).map(([member, values]) => values.map((value) => ({ group, member, value }))),
  ),
);

/** Each member present now and then: with every restriction at once hardly anything would ever be allowed. */
const occasionally = <T extends Readonly<Record<string, fc.Arbitrary<unknown>>>>(members: T) =>
  fc.record(Object.fromEntries(Object.entries(members).map(([name, value]) => [name, rarely(value)])));

/** Any template document, active or (seldom) not. */
export const templateDocument = fc
  .record({
    name: fc.constant('random'),
    active: fc.oneof({ weight: 19, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    permissions,
    upload: occasionally(upload),
    listing: occasionally(listing),
    restrictions: occasionally(restrictions),
    quotas: rarely(quotas),
    key_validity: fc.record({
      expiration_duration: rarely(fc.integer({ min: 1, max: 1200 })),
      finish_duration: rarely(fc.nat({ max: 1200 })),
    }),
    issue: fc.record({ limit_per_ip_per_min: rarely(fc.integer({ min: 1, max: 5 })) }),
  })
  .map(plain);
export const template: fc.Arbitrary<Template> = templateDocument.map((document) => must(parseTemplate(document)));

/** Any narrowing document, from one that takes nothing to one that leaves nothing. */
export const narrowingDocument = fc
  .record({
    permissions: rarely(permissions),
    upload: rarely(occasionally(upload)),
    listing: rarely(occasionally(listing)),
    restrictions: rarely(occasionally(restrictions)),
    quotas: rarely(quotas),
    key_validity: rarely(fc.record({ expiration_duration: fc.integer({ min: 1, max: 1200 }) })),
    expires_at: rarely(fc.integer({ min: ISSUED_AT_MS / 1000, max: ISSUED_AT_MS / 1000 + 1300 })),
  })
  .map(plain);
export const narrowing: fc.Arbitrary<Narrowing> = narrowingDocument.map((document) => must(parseNarrowing(document)));

/** Claims of a key that was issued at `ISSUED_AT_MS`, with up to two narrowings. */
export const claims: fc.Arbitrary<Claims> = fc
  .record({
    kid: fc.constantFrom('s1', 's2'),
    keyId: fc.constantFrom('k1', 'k2'),
    container: fc.oneof({ weight: 19, arbitrary: fc.constant('demo') }, { weight: 1, arbitrary: fc.constant('other') }),
    source: fc.record({
      kind: fc.constantFrom('template' as const, 'secret' as const),
      id: fc.constantFrom('t1', 't2'),
    }),
    issuedAtMs: fc.constant(ISSUED_AT_MS),
    lateMs: fc.constantFrom(0, 0, 0, 1000),
    validMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(1_200_000) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 1_200_000 }) },
    ),
    subject: fc.option(fc.constantFrom('user 7', 'Jos\u00e9'), { nil: undefined }),
    narrowings: fc.array(narrowing, { maxLength: 2 }),
  })
  .map(({ lateMs, validMs, subject, ...rest }) => ({
    ...rest,
    ...(lateMs === 0 ? {} : { startsAtMs: ISSUED_AT_MS + lateMs }),
    expiresAtMs: ISSUED_AT_MS + lateMs + validMs,
    ...(subject === undefined ? {} : { subject }),
  }));

const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[]; // The keys of a table typed by its names.
/** Most demands are those of pages; the others are there to be refused. */
export const demand: fc.Arbitrary<Demand> = fc.record(
  {
    operation: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<OperationName[]>('file.upload', 'file.list', 'file.get', 'folder.move') },
      { weight: 1, arbitrary: fc.constantFrom<OperationName[]>(...OPERATION_NAMES) },
    ),
    targets: fc.array(canonicalPath, { maxLength: 2 }),
    tree: fc.boolean(),
  },
  { requiredKeys: ['operation', 'targets'] },
);

/** Facts of requests that a key could make. */
export const facts: fc.Arbitrary<Facts> = fc.record(
  {
    nowMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(ISSUED_AT_MS + 1000) },
      { weight: 1, arbitrary: fc.integer({ min: ISSUED_AT_MS, max: ISSUED_AT_MS + 1_300_000 }) },
    ),
    startedAtMs: fc.integer({ min: ISSUED_AT_MS, max: ISSUED_AT_MS + 1_300_000 }),
    container: fc.constant('demo'),
    credential: fc.constant('verified' as const),
    bearer: fc.oneof(
      { weight: 8, arbitrary: fc.constant('key' as const) },
      { weight: 1, arbitrary: fc.constant('secret' as const) },
      { weight: 1, arbitrary: fc.constant('visitor' as const) },
    ),
    clientIp: fc.constantFrom(...ADDRESSES),
    country: fc.constantFrom(...COUNTRIES),
    origin: fc.constantFrom(...ORIGINS),
    demands: fc.array(demand, { minLength: 1, maxLength: 2 }),
    upload: fc.record(
      {
        files: fc.integer({ min: 1, max: 3 }),
        bytes: fc.nat({ max: 1500 }),
        mediaType: fc.constantFrom('image/png', 'image/gif', 'application/pdf'),
        extension: fc.constantFrom('png', 'gif', 'pdf'),
      },
      { requiredKeys: ['files'] },
    ),
  },
  { requiredKeys: ['nowMs', 'container', 'credential', 'bearer', 'clientIp', 'demands'] },
);
