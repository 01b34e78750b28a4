// What holds for every template, key and request: narrowing and tightening never add a right, and every question has one answer.
import {
  type Claims,
  coversAll,
  type Decision,
  decide,
  effective,
  type Facts,
  leadsToAll,
  narrow,
  parseTemplate,
  RULE_NAMES,
  type Template,
  visibleScopes,
} from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalPath,
  claims,
  facts,
  must,
  narrowing,
  plain,
  RESTRICTING_NAMES,
  type Restriction,
  restriction,
  scopeList,
  template,
  templateDocument,
} from './arbitraries.ts';
import { configureProperties, expectMet, FEWER } from './property.ts';

configureProperties('decide.property.test.ts');

/** Throws when the first decision allows anything that the second does not: an answer, a counter left out, a higher limit. */
function expectNoWider(narrower: Decision, wider: Decision): void {
  if (!narrower.allow) return;
  expect(wider.allow).toBe(true);
  if (!wider.allow) return;
  for (const charge of wider.charges) {
    const same = narrower.charges.find(({ counter }) => counter === charge.counter);
    expect(same?.limit).toBeLessThanOrEqual(charge.limit);
    expect(same?.windowMs).toBe(charge.windowMs);
  }
}

describe('narrowing', () => {
  test('never allows what the key without it does not, and never raises or drops a limit', () => {
    let met = 0;
    fc.assert(
      fc.property(template, claims, narrowing, facts, (live, key, taken, request) => {
        const narrowed = decide(live, narrow(key, taken), request);
        if (narrowed.allow) met += 1;
        expectNoWider(narrowed, decide(live, key, request));
      }),
    );
    expectMet(met, 10);
  });

  test('never brings a folder into reach, shows a way to one, or reports a right that was not there', () => {
    fc.assert(
      fc.property(template, claims, narrowing, canonicalPath, (live, key, taken, folder) => {
        const child = narrow(key, taken);
        for (const kind of ['upload', 'listing'] as const) {
          const [less, more] = [visibleScopes(live, child, kind), visibleScopes(live, key, kind)];
          if (coversAll(less, folder)) expect(coversAll(more, folder)).toBe(true);
          if (leadsToAll(less, folder)) expect(coversAll(more, folder) || leadsToAll(more, folder)).toBe(true);
        }
        const [less, more] = [effective(live, child), effective(live, key)];
        expect(more.permissions).toEqual(expect.arrayContaining([...less.permissions]));
        expect(less.maxFileSizeBytes).toBeLessThanOrEqual(more.maxFileSizeBytes);
        expect(less.expiresAtMs).toBeLessThanOrEqual(more.expiresAtMs);
      }),
    );
  });

  test('gives the same rights in either order', () => {
    fc.assert(
      fc.property(template, claims, narrowing, narrowing, facts, (live, key, first, second, request) => {
        const one = decide(live, narrow(narrow(key, first), second), request);
        const other = decide(live, narrow(narrow(key, second), first), request);
        expect(one.allow).toBe(other.allow);
        if (one.allow && other.allow) expect(one.charges).toEqual(other.charges);
      }),
      FEWER,
    );
  });

  test('by the same words twice takes nothing more', () => {
    fc.assert(
      fc.property(template, claims, narrowing, facts, (live, key, taken, request) => {
        const once = narrow(key, taken);
        expect(decide(live, narrow(once, taken), request)).toEqual(decide(live, once, request));
      }),
      FEWER,
    );
  });
});

type Document = Record<string, Record<string, unknown>>;

/** The template of a document in which one member has this value, or is not there. */
function withMember(document: object, { group, member }: Restriction, value: unknown): Template {
  const copy = plain(document) as unknown as Document;
  copy[group] = { ...copy[group], [member]: value };
  // The time to finish follows the validity unless it is given: given, the two documents differ in one member only.
  copy['key_validity'] = { finish_duration: 600, ...copy['key_validity'] };
  return must(parseTemplate(copy));
}

/** The template of a document with every number lower, every list stricter, and some permissions gone. */
function tighten(document: object, choice: number): Template {
  const copy = plain(document) as unknown as Document & { permissions?: string[] };
  for (const name of RESTRICTING_NAMES) {
    const [group = '', member = ''] = name.split('.');
    const members = copy[group];
    const value = members?.[member];
    if (members === undefined) continue;
    if (typeof value === 'number') members[member] = Math.max(Math.min(1, value), value - choice);
    if (!Array.isArray(value)) continue;
    if (member === 'blocked_countries') members[member] = [...value, 'FR'];
    else if (member === 'blocked_ip_ranges') members[member] = [...value, '198.51.100.0/24'];
    else if (value.length > 1) members[member] = value.filter((_, index) => index !== choice % value.length);
  }
  copy.permissions = (copy.permissions ?? []).filter((_, index) => index % 7 !== choice);
  return must(parseTemplate(copy));
}

describe('a template', () => {
  test('is never widened by a restricting member, so only deleting one can widen it', () => {
    const met = new Set<string>();
    let refused = 0;
    fc.assert(
      fc.property(templateDocument, restriction, claims, facts, (document, added, key, request) => {
        const restricted = decide(withMember(document, added, added.value), key, request);
        const open = decide(withMember(document, added, undefined), key, request);
        expectNoWider(restricted, open);
        if (restricted.allow !== open.allow) refused += 1;
        met.add(`${added.group}.${added.member}`);
      }),
    );
    expect([...met].sort()).toEqual([...RESTRICTING_NAMES].sort());
    expectMet(refused, 2);
  });

  test('is never widened by lowering numbers, shortening allow lists, lengthening block lists or taking permissions', () => {
    fc.assert(
      fc.property(templateDocument, fc.nat({ max: 6 }), claims, facts, (document, choice, key, request) => {
        const live = must(parseTemplate(document));
        expectNoWider(decide(tighten(document, choice), key, request), decide(live, key, request));
      }),
    );
  });

  test('opens nothing once it is inactive or gone', () => {
    const request = facts.filter(({ bearer }) => bearer !== 'visitor');
    fc.assert(
      fc.property(templateDocument, claims, request, (document, key, asked) => {
        expect(decide(must(parseTemplate({ ...document, active: false })), key, asked).allow).toBe(false);
        expect(decide(undefined, key, asked).allow).toBe(false);
      }),
      FEWER,
    );
  });

  test('lets an upload scope entry reach exactly what its words say', () => {
    fc.assert(
      fc.property(scopeList, canonicalPath, (scopes, folder) => {
        const live = must(parseTemplate({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: scopes } }));
        const segments = folder === '/' ? [] : folder.slice(1).split('/');
        const covered = scopes.some((text) => {
          const words = text
            .split('/')
            .slice(1)
            .filter((word) => word !== '');
          const deep = words.at(-1) === '*';
          const outer = deep ? words.slice(0, -1) : words;
          return outer.every((word, index) => word === segments[index]) && (deep || outer.length === segments.length);
        });
        const decision = decide(live, KEY, { ...REQUEST, demands: [{ operation: 'file.upload', targets: [folder] }] });
        expect(decision.allow).toBe(covered);
      }),
      FEWER,
    );
  });
});

const KEY: Claims = {
  kid: 's1',
  keyId: 'k1',
  container: 'demo',
  source: { kind: 'template', id: 't1' },
  issuedAtMs: 0,
  expiresAtMs: 1000,
  narrowings: [],
};
const REQUEST: Facts = {
  nowMs: 1,
  container: 'demo',
  credential: 'verified',
  bearer: 'key',
  clientIp: '203.0.113.7',
  demands: [],
};

describe('decide', () => {
  const anyNumber = fc.oneof(
    fc.double(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
  );
  const wildFacts = fc.record(
    {
      nowMs: anyNumber,
      startedAtMs: anyNumber,
      container: fc.string(),
      credential: fc.constantFrom('verified' as const, 'missing' as const, 'invalid' as const, 'revoked' as const),
      bearer: fc.constantFrom('visitor' as const, 'key' as const, 'secret' as const, 'admin' as const),
      identifier: fc.string(),
      clientIp: fc.string({ unit: 'binary' }),
      country: fc.string({ unit: 'binary' }),
      origin: fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()),
      demands: facts.chain(({ demands }) => fc.constantFrom(demands, [], [...demands, ...demands])),
      upload: fc.record(
        { files: anyNumber, bytes: anyNumber, mediaType: fc.string({ unit: 'binary' }), extension: fc.string() },
        { requiredKeys: ['files'] },
      ),
    },
    { requiredKeys: ['nowMs', 'container', 'credential', 'bearer', 'clientIp', 'demands'] },
  );
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 10 });

  test('answers every question, the same one each time, with the rules in their order', () => {
    fc.assert(
      fc.property(maybe(template), maybe(claims), fc.oneof(facts, wildFacts), (live, key, request) => {
        const decision = decide(live, key, request);
        expect(decide(live, key, request)).toEqual(decision);
        const asked = decision.trace.map(({ rule }) => rule);
        expect(asked).toEqual(RULE_NAMES.slice(0, asked.length));
        expect(decision.trace.findIndex(({ outcome }) => outcome === 'deny')).toBe(
          decision.allow ? -1 : asked.length - 1,
        );
        if (decision.allow) expect(asked).toHaveLength(RULE_NAMES.length);
        else expect(decision.rule).toBe(asked.at(-1));
      }),
    );
  });

  test('never allows a moment that is no number', () => {
    fc.assert(
      fc.property(template, claims, facts, (live, key, request) => {
        const judged = { ...request, bearer: 'key' as const, nowMs: Number.NaN };
        expect(decide(live, key, judged).allow).toBe(false);
      }),
      FEWER,
    );
  });

  test('never gives a visitor more than the exchange and the question what a key can do', () => {
    fc.assert(
      fc.property(template, maybe(claims), facts, (live, key, request) => {
        const decision = decide(live, key, { ...request, bearer: 'visitor', credential: 'missing' });
        const open = ['key.issue', 'key.inspect'];
        if (decision.allow) expect(request.demands.every(({ operation }) => open.includes(operation))).toBe(true);
      }),
      FEWER,
    );
  });
});
