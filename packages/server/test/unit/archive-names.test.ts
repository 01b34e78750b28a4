// Names inside archives: each row a name that some system would not unpack.
import { describe, expect, test } from 'vitest';
import { ArchiveNames, safeName } from '../../src/operations/archive-names.ts';

describe('safeName', () => {
  test.each([
    ['plain.txt', 'plain.txt', 'leaves what is harmless alone'],
    ['nul', '_nul', 'a device of Windows'],
    ['Com1.tar.gz', '_Com1.tar.gz', 'a device with an extension'],
    ['LPT9', '_LPT9', 'another device'],
    ['com10.txt', 'com10.txt', 'no device'],
    ['console.txt', 'console.txt', 'only begins like one'],
    ['end. .', 'end___', 'dots and spaces at the end are cut by Windows'],
    ['a<b>c:d"e|f?g*h', 'a_b_c_d_e_f_g_h', 'refused by Windows'],
    ['..', '__', 'the folder above'],
    ['../../etc/passwd', '.._.._etc_passwd', 'a way out'],
    ['', '_', 'nothing'],
    ['a\u0000b', 'a_b', 'a control character'],
    ['é大🎉.txt', 'é大🎉.txt', 'other scripts'],
  ])('%j becomes %j: %s', (name, safe) => {
    expect(safeName(name)).toBe(safe);
  });

  test('cuts long names in whole characters and keeps their extension', () => {
    const safe = safeName(`${'🎉'.repeat(200)}.jpeg`);
    expect(safe).toMatch(/^(?:🎉)+\.jpeg$/u);
    expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(240);
  });
});

describe('ArchiveNames', () => {
  test('gives no place twice, whatever the case or the composition', () => {
    const names = new ArchiveNames();
    expect(['a.txt', 'A.TXT', 'a.txt', 'a (2).txt'].map((name) => names.file('', name))).toEqual([
      'a.txt',
      'A (2).TXT',
      'a (3).txt',
      'a (2) (2).txt',
    ]);
    expect([names.file('', 'caf\u00e9'), names.file('', 'cafe\u0301')]).toEqual(['caf\u00e9', 'cafe\u0301 (2)']);
    expect([names.folder('/x/a.txt', '', 'a.txt'), names.folder('/x/a.txt', '', 'a.txt')]).toEqual([
      'a (4).txt/',
      'a (4).txt/',
    ]);
  });
});
