// The vocabulary of rights is complete, closed, and every word of it is used as documented.
import {
  isOperationName,
  isPermission,
  OPERATIONS,
  PERMISSION_ALIASES,
  PERMISSIONS,
  PRESETS,
  parsePermission,
  SEED_PERMISSIONS,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';

describe('permissions', () => {
  test('are 31 different words that are safe inside a regular expression', () => {
    expect(new Set(PERMISSIONS).size).toBe(31);
    // Widgets join them into a pattern (wire contract 2.5).
    for (const permission of PERMISSIONS) expect(permission).toMatch(/^[A-Z_]+$/);
  });

  test('contain the sixteen of the seed', () => {
    expect(SEED_PERMISSIONS).toHaveLength(16);
    expect(PERMISSIONS).toEqual(expect.arrayContaining([...SEED_PERMISSIONS]));
  });

  test.each<[string, string | undefined, string]>([
    ['FILE_UPLOAD', 'FILE_UPLOAD', 'a permission is itself'],
    ['DIR_MOV', 'DIR_MOVE', 'a published misspelling'],
    ['FOLDER_CREATE', 'DIR_CREATE', 'a published misspelling'],
    ['OBJECT_FETCH', 'OBJECTS_FETCH', 'a published misspelling'],
    ['file_upload', undefined, 'permissions have case'],
    ['FILE_UPLOAD ', undefined, 'white space is not repaired'],
    ['FILE', undefined, 'a beginning of permissions is none'],
    ['', undefined, 'nothing is no permission'],
    ['constructor', undefined, 'a name of the language is no permission'],
    ['__proto__', undefined, 'a name of the language is no permission'],
  ])('%j is read as %s: %s', (text, permission) => {
    expect(parsePermission(text)).toBe(permission);
  });

  test('aliases are no permissions themselves', () => {
    for (const alias of Object.keys(PERMISSION_ALIASES)) expect(isPermission(alias)).toBe(false);
  });
});

describe('presets', () => {
  test('grow from browsing to everything', () => {
    const lists = PRESETS.slice(1).map(({ permissions }) => permissions);
    for (const [index, list] of lists.slice(1).entries())
      expect(list).toEqual(expect.arrayContaining([...(lists[index] ?? [])]));
    expect(lists.at(-1)).toEqual(PERMISSIONS);
  });

  test('are upload only, browse, browse and upload, editor and everything', () => {
    expect(PRESETS.map(({ id }) => id)).toEqual(['upload-only', 'browse', 'browse-and-upload', 'editor', 'everything']);
    expect(PRESETS[0]?.permissions).toEqual(['FILE_UPLOAD']);
  });

  test('give no configuration or access rights to pages, except everything', () => {
    const names = PRESETS.slice(0, -1).flatMap(({ permissions }) => permissions);
    expect(names.filter((name) => /^(CONFIG|ACCESS)_/.test(name))).toEqual([]);
  });

  test('let the widget start without a refusal when they browse', () => {
    const start = [
      'settings.read',
      'label.list',
      'collection.list',
      'facet.list',
      'folder.list',
      'file.list',
      'file.stats',
    ] as const;
    for (const { id, permissions } of PRESETS.slice(1)) {
      for (const operation of start) {
        const needed = OPERATIONS[operation].permissions;
        const opens =
          needed === 'any' || needed === 'none' || needed.some((permission) => permissions.includes(permission));
        expect(opens, `${operation} with ${id}`).toBe(true);
      }
    }
  });
});

describe('operations', () => {
  test('are named noun.verb and say what they do', () => {
    for (const [name, { summary }] of Object.entries(OPERATIONS)) {
      expect(name).toMatch(/^[a-z]+[A-Za-z]*\.[a-z]+[A-Za-z]*$/);
      expect(summary).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('are open to visitors only for the exchange and the question what a key can do', () => {
    const open = Object.entries(OPERATIONS).filter(([, { bearers }]) => bearers.includes('visitor'));
    expect(open.map(([name]) => name)).toEqual(['key.issue', 'key.inspect']);
  });

  test('on templates and secret keys, and making and withdrawing keys, are never open to an access key', () => {
    for (const [name, { bearers }] of Object.entries(OPERATIONS)) {
      if (/^(template|secretKey)\.|^key\.(create|revoke)$/.test(name))
        expect(bearers, name).toEqual(['secret', 'admin']);
    }
  });

  test('count as calls unless they upload, exchange, or only ask', () => {
    const others = Object.entries(OPERATIONS).filter(([, { limit }]) => limit !== 'listing');
    expect(others.map(([name, { limit }]) => `${name} ${limit}`)).toEqual([
      'key.issue issue',
      'key.inspect none',
      'decision.check none',
      'file.upload upload',
      'file.edit none',
    ]);
  });

  test('need a permission, except the two that are public by nature', () => {
    const free = Object.entries(OPERATIONS).filter(([, { permissions }]) => permissions === 'none');
    expect(free.map(([name]) => name)).toEqual(['key.issue', 'key.inspect']);
  });

  test('only those that show folders may name a folder on the way to a scope', () => {
    const walking = Object.entries(OPERATIONS).filter(([, { walk }]) => walk === true);
    expect(walking.map(([name]) => name)).toEqual([
      'facet.list',
      'folder.list',
      'folder.stats',
      'folder.preview',
      'folder.get',
      'folder.permissions',
      'file.list',
      'file.stats',
      'file.archive',
      'file.export',
      'product.list',
      'product.get',
      'share.create',
      'share.update',
    ]);
  });

  test.each(['toString', 'constructor', '__proto__', 'file', 'file.', '', 'FILE.LIST'])('%j is none', (name) => {
    expect(isOperationName(name)).toBe(false);
  });
});
