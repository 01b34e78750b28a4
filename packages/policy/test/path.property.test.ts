// No spelling of a path reaches what its plain form does not, and scopes mean whole segments.
import {
  covers,
  coversTree,
  decide,
  formatScope,
  intersectScopes,
  isWithin,
  joinPath,
  leadsTo,
  nameOf,
  parentOf,
  parseName,
  parsePath,
  parseScope,
  parseTemplate,
  segmentsOf,
} from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPath, must, type path, scopeList, scopeText } from './arbitraries.ts';
import { configureProperties, expectMet, FEWER } from './property.ts';

configureProperties('path.property.test.ts');

/** What an HTTP server makes of a path in a request: one decoding, or nothing. */
function decodeOnce(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The most forgiving reader imaginable behind us: decodes as often as it can, folds, unifies separators, resolves dots. */
function readForgivingly(text: string): string[] {
  let current = text;
  for (let round = 0; round < 6; round++) current = decodeOnce(current) ?? current;
  const resolved: string[] = [];
  const [untilNul = ''] = current.normalize('NFC').split('\0');
  const visible = untilNul.replace(/[\p{Cc}\u200b\ufeff\u202e]/gu, '');
  for (const part of visible.split(/[/\\\uff0f\uff3c\ufe68]/)) {
    const folded = part.normalize('NFKC');
    if (folded === '' || folded === '.') continue;
    if (folded === '..') resolved.pop();
    else resolved.push(part);
  }
  return resolved;
}

/** True when whole segments of `outer` begin `inner`: what a deep scope means, written without the package. */
function isPrefix(outer: readonly string[], inner: readonly string[]): boolean {
  return outer.length <= inner.length && outer.every((segment, index) => segment === inner[index]);
}

/** True when one of the scope texts covers the folder with these segments, read without the package. */
function coversByWords(scopes: readonly string[], folder: readonly string[]): boolean {
  return scopes.some((text) => {
    const words = text.split('/').filter((word) => word !== '');
    if (words.at(-1) === '*') return isPrefix(words.slice(0, -1), folder);
    return isPrefix(words, folder) && words.length === folder.length;
  });
}

const encodeAll = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
/** Pieces from which attackers build paths, between the plain names of the scopes. */
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'ab', 'b', 'a b', 'caf\u00e9', 'cafe\u0301') },
  { weight: 3, arbitrary: fc.constant('/') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '.',
      '..',
      '\\',
      '\0',
      '%',
      '%2f',
      '%2F',
      '%5c',
      '%5C',
      '%00',
      '%2e',
      '%2E',
      '%252f',
      '%252e',
      '%25252f',
      '%255c',
      '\uff0f',
      '\uff3c',
      '\uff0e',
      '\u2024',
      '\u2025',
      '\ufe52',
      '\u2100',
      '\u202e',
      '\u200b',
      '\u200d',
      '\ufeff',
      '\n',
      '//',
      '/./',
      '/../',
      '..;',
      ' ',
      '%20',
      '*',
      '%c0%af',
      '%u002f',
      '\u2215',
      '\u2044',
    ),
  },
);
const spelling = fc.array(fc.tuple(piece, fc.nat({ max: 2 })), { minLength: 1, maxLength: 9 }).map((pieces) => {
  let text = '/';
  for (const [part, rounds] of pieces) {
    let encoded: string = part;
    for (let round = 0; round < rounds; round++) encoded = encodeAll(encoded);
    text += encoded;
  }
  return text;
});

describe('a spelling', () => {
  test('is never allowed where the place that any reader could take it for is not', () => {
    let met = 0;
    fc.assert(
      fc.property(spelling, scopeList, (text, scopes) => {
        const decoded = decodeOnce(text);
        const parsed = parsePath(decoded);
        if (!parsed.ok) return;
        const live = must(parseTemplate({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: scopes } }));
        if (!decide(live, KEY, upload(parsed.path)).allow) return;
        met += 1;
        expect(coversByWords(scopes, readForgivingly(text))).toBe(true);
      }),
    );
    expectMet(met, 2);
  });

  test('of one path in another composition, with a slash behind, or percent-encoded once decides alike', () => {
    fc.assert(
      fc.property(canonicalPath, scopeList, (folder, scopes) => {
        const live = must(parseTemplate({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: scopes } }));
        const plain = decide(live, KEY, upload(folder));
        const spellings = [folder.normalize('NFD'), folder === '/' ? '/' : `${folder}/`, decodeOnce(encodeAll(folder))];
        for (const text of spellings) {
          const parsed = parsePath(text);
          expect(parsed).toEqual({ ok: true, path: folder });
          if (parsed.ok) expect(decide(live, KEY, upload(parsed.path))).toEqual(plain);
        }
      }),
      FEWER,
    );
  });
});

describe('parsePath', () => {
  test('answers every text, and its answer again with itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), spelling), (text) => {
        for (const candidate of [text, `/${text}`]) {
          const parsed = parsePath(candidate);
          if (!parsed.ok) {
            expect(parsed.reason).not.toBe('');
            continue;
          }
          expect(parsePath(parsed.path)).toEqual(parsed);
          expect(parsed.path).toBe(parsed.path.normalize('NFC'));
          for (const segment of segmentsOf(parsed.path)) {
            expect(['', '.', '..']).not.toContain(segment.normalize('NFKC'));
            expect(segment.normalize('NFKC')).not.toMatch(/[/\\\0]/);
            expect(decodeOnce(segment) ?? segment).not.toMatch(/[/\\\0]|^\.{1,2}$/);
          }
        }
      }),
      FEWER,
    );
  });

  test('takes a path apart and puts it together again', () => {
    fc.assert(
      fc.property(canonicalPath, (folder) => {
        const [parent, name] = [parentOf(folder), nameOf(folder)];
        if (parent === undefined || name === undefined) {
          expect([folder, parent, name]).toEqual(['/', undefined, undefined]);
          return;
        }
        expect(joinPath(parent, name)).toBe(folder);
        expect(parseName(name)).toEqual({ ok: true, name });
        expect(isWithin(parent, folder)).toBe(true);
        expect(isWithin(folder, parent)).toBe(false);
      }),
      FEWER,
    );
  });

  test('takes no character of Unicode but the slash for a separator, and none that others fold to one', () => {
    const separators: string[] = [];
    const folding: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point);
      const parsed = parsePath(`/a${character}b`);
      if (!parsed.ok) continue;
      if (segmentsOf(parsed.path).length !== 1) separators.push(character);
      else if (/[/\\]/.test(parsed.path.slice(1).normalize('NFKC'))) folding.push(character);
    }
    expect(separators).toEqual(['/']);
    expect(folding).toEqual([]);
  });
});

describe('scopes', () => {
  const entries = (texts: readonly string[]) =>
    texts.map((text) => {
      const parsed = parseScope(text);
      if (!parsed.ok) throw new Error(parsed.reason);
      return parsed.scope;
    });

  test('cover what their segments are a prefix of', () => {
    fc.assert(
      fc.property(scopeList, canonicalPath, (texts, folder) => {
        const scopes = entries(texts);
        const inner = segmentsOf(folder);
        const outers = scopes.map(({ path: outer, deep }) => ({ outer: segmentsOf(outer), deep }));
        const exactly = (outer: readonly string[]) => isPrefix(outer, inner) && outer.length === inner.length;
        expect(covers(scopes, folder)).toBe(
          outers.some(({ outer, deep }) => (deep ? isPrefix(outer, inner) : exactly(outer))),
        );
        expect(coversTree(scopes, folder)).toBe(outers.some(({ outer, deep }) => deep && isPrefix(outer, inner)));
        expect(leadsTo(scopes, folder)).toBe(
          outers.some(({ outer }) => isPrefix(inner, outer) && inner.length < outer.length),
        );
      }),
      FEWER,
    );
  });

  test('keep their text', () => {
    fc.assert(
      fc.property(scopeText, (text) => {
        const parsed = parseScope(text);
        expect(parsed.ok && parseScope(formatScope(parsed.scope))).toEqual(parsed);
        expect(parsed.ok && formatScope(parsed.scope)).toBe(text);
      }),
      FEWER,
    );
  });

  test('intersect to what both cover, and never to more entries than both have', () => {
    fc.assert(
      fc.property(scopeList, scopeList, canonicalPath, (left, right, folder) => {
        const both = intersectScopes(entries(left), entries(right));
        expect(covers(both, folder)).toBe(covers(entries(left), folder) && covers(entries(right), folder));
        expect(coversTree(both, folder)).toBe(coversTree(entries(left), folder) && coversTree(entries(right), folder));
        expect(both.length).toBeLessThanOrEqual(left.length + right.length);
      }),
      FEWER,
    );
  });
});

const KEY = {
  kid: 's1',
  keyId: 'k1',
  container: 'demo',
  source: { kind: 'template', id: 't1' },
  issuedAtMs: 0,
  expiresAtMs: 1000,
  narrowings: [],
} as const;

function upload(target: ReturnType<typeof path>) {
  return {
    nowMs: 1,
    container: 'demo',
    credential: 'verified',
    bearer: 'key',
    clientIp: '203.0.113.7',
    demands: [{ operation: 'file.upload', targets: [target] }],
  } as const;
}
