// The search language: every text has one reading, and what is written from terms is read as those terms.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FEWER } from '../../../policy/test/property.ts';
import { understandSearch } from '../../src/operations/search.ts';
import {
  parseSearch,
  renderSearch,
  SEARCH,
  SEARCH_OPERATORS,
  type SearchTerm,
  type SearchValue,
} from '../../src/operations/search-query.ts';
import { naughtyStrings } from '../support/naughty.ts';

const CONTEXT = { fields: [], nowMs: 1_700_000_000_000 };

const syntax = fc
  .array(
    fc.oneof(
      fc.constantFrom('"', '\\', ' ', ':', ',', '..', '-', '#', '~', '>', '=', 'key', 'empty', '+', '*'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
  )
  .map((parts) => parts.join(''));

test('every text is read, always alike, and within bounds', () => {
  fc.assert(
    fc.property(fc.oneof(syntax, fc.string({ unit: 'binary', maxLength: 300 })), (text) => {
      const read = parseSearch(text);
      expect(parseSearch(text)).toEqual(read);
      expect(read.terms.length).toBeLessThanOrEqual(SEARCH.termsMax);
      // What was read means something on its own: written and read again it is the same.
      expect(parseSearch(renderSearch(read.terms)).terms).toEqual(read.terms);
      understandSearch(text, CONTEXT);
    }),
    FEWER,
  );
});

const plain = fc
  .oneof(
    syntax,
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.constantFrom('red', 'a b', 'd:x', '#t', '-x', 'a..b', '"', '\\'),
  )
  .map((text) => text.replace(/\p{Cs}/gu, '').trim())
  .filter((text) => text !== '' && text.length < 40);
const end = fc.constantFrom('', '1', '-5', '2024-01-01', 'a b', '1.5', 'x"y', 'c\\d');
const value: fc.Arbitrary<SearchValue> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: plain, isNegated: fc.constant(false) }),
);
const field: fc.Arbitrary<SearchTerm> = fc
  .record({
    kind: fc.constant('field' as const),
    key: fc.constantFrom('title', 'main_color', 'ключ', 'a.b-c'),
    operator: fc.constantFrom(...SEARCH_OPERATORS),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
    isNegated: fc.boolean(),
  })
  .chain((term): fc.Arbitrary<SearchTerm> => {
    const asks = term.operator === ':' || term.operator === '=' || term.operator === ':=';
    if (!asks) return fc.constant(term);
    const more: fc.Arbitrary<SearchValue> = fc.oneof(
      fc.constantFrom({ kind: 'empty' as const }, { kind: 'non-empty' as const }),
      fc
        .record({
          kind: fc.constant('range' as const),
          from: end,
          to: end,
          isNegated: term.operator === ':' ? fc.boolean() : fc.constant(false),
        })
        .filter(({ from, to }) => from !== '' || to !== ''),
      ...(term.operator === ':'
        ? [fc.record({ kind: fc.constant('text' as const), text: plain, isNegated: fc.boolean() })]
        : []),
    );
    return fc.array(more, { maxLength: 2 }).map((others) => ({ ...term, values: [...term.values, ...others] }));
  });
const words = fc.array(fc.record({ kind: fc.constantFrom('text' as const, 'tag' as const), text: plain }), {
  minLength: 2,
  maxLength: 4,
});
const term: fc.Arbitrary<SearchTerm> = fc.oneof(
  field,
  fc.record({ kind: fc.constant('any' as const), words, isNegated: fc.boolean() }),
  fc.record({ kind: fc.constant('text' as const), text: plain, isNegated: fc.boolean() }),
  fc.record({ kind: fc.constant('tag' as const), text: plain, isNegated: fc.boolean() }),
);

test('terms that are written are read as they were', () => {
  fc.assert(
    fc.property(fc.array(term, { maxLength: 6 }), (terms) => {
      expect(parseSearch(renderSearch(terms))).toEqual({ terms, warnings: [] });
    }),
    FEWER,
  );
});

test('naughty strings are searched for without harm, in quotes and without', () => {
  for (const text of naughtyStrings()) {
    for (const said of [text, `"${text}"`, `title:${text}`, `-${text}`, `${text}..${text}`]) {
      expect(understandSearch(said, CONTEXT).warnings.length).toBeLessThan(60);
    }
  }
});
