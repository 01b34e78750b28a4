// Boundaries of paths and scopes that JSON vectors cannot carry or do not name.
import {
  isWithin,
  joinPath,
  leadsTo,
  leadsToAll,
  nameOf,
  parentOf,
  parseName,
  parsePath,
  parseScope,
  ROOT,
  segmentsOf,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { path } from './arbitraries.ts';

describe('parsePath', () => {
  test.each<[unknown, string]>([
    [undefined, 'absent'],
    [null, 'null'],
    [7, 'a number'],
    [['/a'], 'a list that would read as a path'],
    [{ toString: () => '/a' }, 'an object that would read as a path'],
    ['/a\ud800', 'a lone high surrogate'],
    ['/\udc00a', 'a lone low surrogate'],
    ['/\udc00\ud800', 'surrogates in the wrong order'],
    [`/${'a'.repeat(100_000)}`, 'absurdly long'],
    ['/'.repeat(100_000), 'absurdly many segments'],
  ])('refuses %j: %s', (text) => {
    expect(parsePath(text)).toMatchObject({ ok: false, reason: expect.stringMatching(/^A .*\.$/) });
  });

  test('refuses one byte more than the longest path, and takes the longest', () => {
    const longest = `/${['a'.repeat(255), ...Array.from({ length: 15 }, () => 'b'.repeat(255))].join('/')}`;
    expect(longest.length).toBe(4096);
    expect(parsePath(longest)).toEqual({ ok: true, path: longest });
    expect(parsePath(`${longest.slice(0, -1)}\u00e9`)).toMatchObject({ ok: false });
  });
});

describe('parseName', () => {
  test.each<[unknown, boolean, string]>([
    ['a', true, 'a name'],
    ['a b.png', true, 'a space and a dot'],
    ['..a', true, 'dots in front'],
    ['a/b', false, 'a slash'],
    ['a/', false, 'no slash is dropped from a name'],
    ['', false, 'empty'],
    ['.', false, 'a dot'],
    ['..', false, 'two dots'],
    [undefined, false, 'absent'],
    ['a'.repeat(255), true, '255 bytes'],
    ['a'.repeat(256), false, '256 bytes'],
  ])('%j: %s (%s)', (text, ok) => {
    expect(parseName(text).ok).toBe(ok);
  });

  test('composes', () => {
    expect(parseName('cafe\u0301')).toEqual({ ok: true, name: 'caf\u00e9' });
  });
});

describe('parts of paths', () => {
  test.each([
    ['/', undefined, undefined, []],
    ['/a', '/', 'a', ['a']],
    ['/a/b', '/a', 'b', ['a', 'b']],
  ])('%s', (text, parent, name, segments) => {
    expect([parentOf(path(text)), nameOf(path(text)), segmentsOf(path(text))]).toEqual([parent, name, segments]);
  });

  test('join under the root and under a folder', () => {
    expect([joinPath(ROOT, 'a'), joinPath(path('/a'), 'b')]).toEqual(['/a', '/a/b']);
  });

  test.each([
    ['/', '/', true],
    ['/', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/', false],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
  ])('%s holds %s: %s', (outer, inner, within) => {
    expect(isWithin(path(outer), path(inner))).toBe(within);
  });
});

describe('parseScope', () => {
  test.each([
    ['/*', '/', true, 'everything'],
    ['/', '/', false, 'the root alone'],
    ['/a', '/a', false, 'one folder'],
    ['/a/', '/a', false, 'a slash behind changes nothing'],
    ['/a/*', '/a', true, 'a folder and all below'],
    ['/cafe\u0301/*', '/caf\u00e9', true, 'composed like paths'],
  ])('%j is %s, deep: %s (%s)', (text, folder, deep) => {
    expect(parseScope(text)).toEqual({ ok: true, scope: { path: folder, deep } });
  });

  test.each<[unknown, string]>([
    ['', 'empty'],
    ['*', 'everything is written /*'],
    ['a', 'relative'],
    ['a/*', 'relative and deep'],
    ['//*', 'an empty segment'],
    ['/a//*', 'an empty segment before the asterisk'],
    ['/a*', 'an asterisk inside a name'],
    ['/a/*/b', 'an asterisk in the middle'],
    ['/**', 'two asterisks'],
    ['/a/**', 'two asterisks behind'],
    ['/*/*', 'two levels of asterisks'],
    ['/a/../*', 'a parent segment'],
    ['/a%2f*', 'an escape'],
    ['/a\\*', 'a backslash'],
    [7, 'no text'],
  ])('refuses %j: %s', (text) => {
    expect(parseScope(text)).toMatchObject({ ok: false, reason: expect.any(String) });
  });
});

describe('leadsTo', () => {
  test.each([
    ['/a/b', '/', true, 'the root above'],
    ['/a/b', '/a', true, 'the folder above'],
    ['/a/b', '/a/b', false, 'the scope itself is covered and needs no way'],
    ['/a/b/*', '/a/b', false, 'a deep scope itself'],
    ['/a/b/*', '/a/b/c', false, 'below'],
    ['/a/b', '/a2', false, 'a longer name'],
    ['/', '/', false, 'nothing is above the root'],
  ])('%s from %s: %s (%s)', (text, from, leads) => {
    const parsed = parseScope(text);
    expect(parsed.ok && leadsTo([parsed.scope], path(from))).toBe(leads);
  });
});

describe('leadsToAll', () => {
  test('leads nowhere without a layer', () => {
    expect(leadsToAll([], ROOT)).toBe(false);
  });
});
