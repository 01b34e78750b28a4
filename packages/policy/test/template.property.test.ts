// Documents are read completely or not at all: twice the same, in any order of members, and never with a throw.
import { parseNarrowing, parseSecretKeyRights, parseTemplate, secretKeyDocument } from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must, narrowingDocument, plain, templateDocument } from './arbitraries.ts';
import { configureProperties, FEWER } from './property.ts';

configureProperties('template.property.test.ts');

const PARSERS = [parseTemplate, parseSecretKeyRights, parseNarrowing] as const;

describe('documents', () => {
  test('parse to a document that parses to itself, also as JSON', () => {
    fc.assert(
      fc.property(templateDocument, narrowingDocument, (document, narrowing) => {
        const template = must(parseTemplate(document));
        expect(must(parseTemplate(plain(template.document)))).toEqual(template);
        const { key_validity, issue, ...rights } = plain(document) as Record<string, unknown>;
        const secret = must(parseSecretKeyRights(rights));
        expect(must(parseSecretKeyRights(plain(secretKeyDocument(secret))))).toEqual(secret);
        const taken = must(parseNarrowing(narrowing));
        expect(must(parseNarrowing(plain(taken.document)))).toEqual(taken);
      }),
      FEWER,
    );
  });

  test('mean the same whatever the order of their members', () => {
    fc.assert(
      fc.property(templateDocument, (document) => {
        const reversed = JSON.parse(JSON.stringify(document), (_, value) =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).reverse())
            : value,
        );
        expect(JSON.stringify(must(parseTemplate(reversed)).document)).toBe(
          JSON.stringify(must(parseTemplate(document)).document),
        );
      }),
      FEWER,
    );
  });

  test('of any JSON are read or refused with faults, without a throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const parse of PARSERS) {
          const parsed = parse(value);
          if (!parsed.ok) expect(parsed.faults.length).toBeGreaterThan(0);
        }
      }),
      FEWER,
    );
  });

  test('with a member that nobody knows are refused at that member, wherever it stands', () => {
    const group = fc.constantFrom('', 'upload', 'listing', 'restrictions', 'key_validity', 'issue');
    const name = fc.string({ minLength: 1 }).filter((text) => !/^[a-z_]+$/.test(text) || text === '__proto__');
    fc.assert(
      fc.property(
        templateDocument,
        group,
        fc.oneof(name, fc.constantFrom('__proto__', 'constructor', 'Max', 'max ')),
        (document, at, extra) => {
          const copy: Record<string, object> = JSON.parse(JSON.stringify(document));
          const target = at === '' ? copy : { ...copy[at] };
          Object.defineProperty(target, extra, { value: 1, enumerable: true, configurable: true });
          const parsed = parseTemplate(at === '' ? copy : { ...copy, [at]: target });
          const field = at === '' ? extra : `${at}.${extra}`;
          expect(parsed).toMatchObject({ ok: false, faults: [{ field, code: 'MEMBER_UNKNOWN' }] });
        },
      ),
      FEWER,
    );
  });
});
