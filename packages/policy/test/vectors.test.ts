// The published vectors hold here, and leave no rule, refusal, limit or operation out.
import { createHmac } from 'node:crypto';
import { OPERATIONS, RULE_NAMES } from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { DECISION_VECTORS, type DecisionVector, decideVector, runVectors } from '../vectors/run.ts';

const vectors = Object.values(DECISION_VECTORS).flat();
const refusals = vectors.flatMap(({ expect: expected }) => (expected.allow ? [] : [expected]));

const mac = (key: Uint8Array, message: Uint8Array) => createHmac('sha256', key).update(message).digest();

describe('the published vectors', () => {
  test('all hold', () => {
    const report = runVectors(mac);
    expect(report.failed).toEqual([]);
    expect(report.passed).toBeGreaterThan(vectors.length);
  });

  test('hold without a MAC, as in a page that has none', () => {
    expect(runVectors().failed).toEqual([]);
  });

  test('are at least 150 decisions', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(150);
  });

  test('are named once in each file', () => {
    for (const [file, list] of Object.entries(DECISION_VECTORS)) {
      const names = list.map(({ name }) => name);
      expect(
        names.filter((name, index) => names.indexOf(name) !== index),
        file,
      ).toEqual([]);
    }
  });

  test('a wrong expectation does not pass', () => {
    const [some] = vectors.filter(({ expect: expected }) => expected.allow);
    expect(some).toBeDefined();
    const wrong: DecisionVector = {
      ...some,
      name: 'wrong',
      facts: { credential: 'invalid' },
      expect: { allow: true, charges: [] },
    };
    expect(decideVector(wrong).allow).toBe(false);
  });

  test.each([
    'KEY_MISSING',
    'KEY_INVALID',
    'KEY_EXPIRED',
    'KEY_REVOKED',
    'TEMPLATE_NOT_FOUND',
    'ORIGIN_DENIED',
    'IP_DENIED',
    'COUNTRY_DENIED',
    'PERMISSION_DENIED',
    'SCOPE_DENIED',
    'MEDIA_TYPE_REFUSED',
    'PAYLOAD_TOO_LARGE',
  ])('show a refusal with %s', (code) => {
    expect(refusals.some((refusal) => refusal.code === code)).toBe(true);
  });

  // The last rule asks for charges and denies nothing; the vectors of limits show its charges instead.
  test.each(RULE_NAMES.filter((name) => name !== 'limits'))('show the rule %s deny', (name) => {
    expect(refusals.some((refusal) => refusal.rule === name)).toBe(true);
  });

  test.each(RULE_NAMES)('show the rule %s pass', (name) => {
    const outcomes = vectors.flatMap((vector) => decideVector(vector).trace).filter(({ rule }) => rule === name);
    expect(outcomes.some(({ outcome }) => outcome === 'pass')).toBe(true);
  });

  test.each([
    'upload.limit_per_min',
    'upload.limit_per_ip_source',
    'upload.max',
    'upload.max_total_size',
    'listing.max',
    'issue.limit_per_ip_per_min',
  ])('show the limit %s charged', (rule) => {
    const charges = vectors.flatMap(({ expect: expected }) => (expected.allow ? expected.charges : []));
    expect(charges.some((charge) => charge.rule === rule)).toBe(true);
  });

  test.each(Object.keys(OPERATIONS))('show the operation %s demanded', (operation) => {
    expect(vectors.some((vector) => JSON.stringify(vector.facts ?? '').includes(`"${operation}"`))).toBe(true);
  });
});
