// How a decision explains itself, and what is told about the rights of a key; the rules themselves are in the vectors.
import {
  type Claims,
  coversAll,
  decide,
  effective,
  type Facts,
  narrow,
  parseNarrowing,
  parseSecretKeyRights,
  parseTemplate,
  RULE_NAMES,
  RULES,
  visibleScopes,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { must, path } from './arbitraries.ts';

const CLAIMS: Claims = {
  kid: 's1',
  keyId: 'k1',
  container: 'demo',
  source: { kind: 'template', id: 't1' },
  issuedAtMs: 1000,
  expiresAtMs: 1_201_000,
  narrowings: [],
};
const FACTS: Facts = {
  nowMs: 2000,
  container: 'demo',
  credential: 'verified',
  bearer: 'key',
  clientIp: '203.0.113.7',
  demands: [{ operation: 'file.get', targets: [path('/a')] }],
};
const TEMPLATE = must(parseTemplate({ permissions: ['OBJECTS_FETCH', 'FILE_UPLOAD'], listing: { max: 3 } }));

describe('the trace', () => {
  test('names every rule in the order of the product definition', () => {
    expect(RULES.map(({ name }) => name)).toEqual(RULE_NAMES);
    expect(RULE_NAMES).toEqual([
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
    ]);
  });

  test('of an allowed request says what was judged and what did not apply', () => {
    expect(decide(TEMPLATE, CLAIMS, FACTS).trace).toEqual([
      { rule: 'container', outcome: 'pass' },
      { rule: 'credential', outcome: 'pass' },
      { rule: 'revocation', outcome: 'pass' },
      { rule: 'template', outcome: 'pass' },
      { rule: 'expiry', outcome: 'pass' },
      { rule: 'origin', outcome: 'skip' },
      { rule: 'address', outcome: 'skip' },
      { rule: 'country', outcome: 'skip' },
      { rule: 'permission', outcome: 'pass' },
      { rule: 'scope', outcome: 'pass' },
      { rule: 'access', outcome: 'skip' },
      { rule: 'type', outcome: 'skip' },
      { rule: 'size', outcome: 'skip' },
      { rule: 'limits', outcome: 'pass' },
    ]);
  });

  test('of a refused request ends at the rule that refused, with the reason', () => {
    const live = must(parseTemplate({ permissions: ['OBJECTS_FETCH'], listing: { dir_scope: ['/b'] } }));
    const decision = decide(live, CLAIMS, FACTS);
    expect(decision).toMatchObject({ allow: false, code: 'SCOPE_DENIED', rule: 'scope' });
    expect(decision.trace.at(-1)).toEqual({ rule: 'scope', outcome: 'deny', detail: 'file.get in /a' });
  });

  test('of an admin shows that nothing but container and credential was asked', () => {
    const { trace } = decide(undefined, undefined, { ...FACTS, bearer: 'admin' });
    expect(trace.filter(({ outcome }) => outcome === 'pass').map(({ rule }) => rule)).toEqual([
      'credential',
      'revocation',
    ]);
  });
});

describe('effective', () => {
  test('tells what template and narrowings leave', () => {
    const live = must(
      parseTemplate({
        permissions: ['OBJECTS_LIST', 'FILE_UPLOAD', 'FILE_META_CREATE'],
        upload: { dir_scope: ['/a/*', '/b'], max_file_size: 1000 },
      }),
    );
    const taken = must(
      parseNarrowing({
        permissions: ['FILE_UPLOAD', 'FILE_META_CHANGE', 'FILE_DELETE'],
        upload: { dir_scope: ['/a/x', '/b/*'], max_file_size: 10 },
        key_validity: { expiration_duration: 60 },
      }),
    );
    expect(effective(live, CLAIMS)).toEqual({
      permissions: ['OBJECTS_LIST', 'FILE_UPLOAD', 'FILE_META_CREATE', 'FILE_META_CHANGE'],
      maxFileSizeBytes: 1000,
      expiresAtMs: 1_201_000,
      uploadScopes: ['/a/*', '/b'],
    });
    expect(effective(live, narrow(CLAIMS, taken))).toEqual({
      permissions: ['FILE_UPLOAD', 'FILE_META_CREATE', 'FILE_META_CHANGE'],
      maxFileSizeBytes: 10,
      expiresAtMs: 61_000,
      uploadScopes: ['/a/x', '/b'],
    });
  });

  test('tells an ad-hoc key its own end, whatever the defaults of templates are', () => {
    const rights = must(parseSecretKeyRights({ permissions: ['FILE_UPLOAD'] }));
    const adHoc: Claims = { ...CLAIMS, source: { kind: 'secret', id: 'sk1' }, expiresAtMs: 9_000_000 };
    expect(effective(rights, adHoc).expiresAtMs).toBe(9_000_000);
  });
});

describe('visibleScopes', () => {
  test('reaches nothing without a template', () => {
    expect(coversAll(visibleScopes(undefined, CLAIMS, 'listing'), path('/'))).toBe(false);
    expect(coversAll(visibleScopes(undefined, undefined, 'upload'), path('/'))).toBe(false);
  });

  test('tells uploading and listing apart, in one layer for each that says something', () => {
    const live = must(parseTemplate({ upload: { dir_scope: ['/in'] }, listing: { dir_scope: ['/out'] } }));
    const key = narrow(CLAIMS, must(parseNarrowing({ listing: { dir_scope: ['/*'] } })));
    expect(visibleScopes(live, key, 'upload')).toEqual([[{ path: '/in', deep: false }]]);
    expect(visibleScopes(live, key, 'listing')).toEqual([[{ path: '/out', deep: false }], [{ path: '/', deep: true }]]);
  });
});
