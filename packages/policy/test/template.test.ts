// Documents of templates, secret keys and narrowings: defaults, aliases, every fault at its place, warnings.
import {
  lintTemplate,
  parseNarrowing,
  parseSecretKeyRights,
  parseTemplate,
  secretKeyDocument,
  TEMPLATE_DEFAULTS,
} from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { must } from './arbitraries.ts';

function faultsOf(input: unknown, parse: (input: unknown) => unknown = parseTemplate): string[] {
  const parsed = parse(input) as ReturnType<typeof parseTemplate>; // All parsers answer in the same form.
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
}

describe('a template document', () => {
  test('that says nothing has the documented defaults', () => {
    expect(must(parseTemplate({})).document).toEqual(TEMPLATE_DEFAULTS);
    expect(TEMPLATE_DEFAULTS).toEqual({
      name: '',
      description: '',
      active: true,
      permissions: [],
      upload: { max_file_size: 500_000_000, dir_scope: ['/*'] },
      listing: { dir_scope: ['/*'] },
      restrictions: {},
      key_validity: { expiration_duration: 1200, finish_duration: 1200 },
      issue: { limit_per_ip_per_min: 5 },
    });
  });

  test('may say null for everything it leaves out', () => {
    const nothing = {
      name: null,
      description: null,
      active: null,
      permissions: null,
      upload: {
        limit_per_min: null,
        limit_per_ip_source: null,
        max: null,
        max_file_size: null,
        max_total_size: null,
        allowed_types: null,
        dir_scope: null,
      },
      listing: { dir_scope: null, max: null },
      restrictions: {
        whitelist_ip_ranges: null,
        whitelist_countries: null,
        blocked_ip_ranges: null,
        blocked_countries: null,
        allowed_origins: null,
      },
      key_validity: null,
      issue: null,
    };
    expect(must(parseTemplate(nothing)).document).toEqual(TEMPLATE_DEFAULTS);
  });

  test('keeps every member it may have', () => {
    const full = {
      name: 'Full',
      description: 'Two\nlines',
      active: false,
      permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'],
      upload: {
        limit_per_min: 1,
        limit_per_ip_source: 2,
        max: 3,
        max_file_size: 4,
        max_total_size: 5,
        allowed_types: ['image/*', 'pdf'],
        dir_scope: ['/in/*'],
      },
      listing: { dir_scope: ['/out'], max: 6 },
      restrictions: {
        whitelist_ip_ranges: ['203.0.113.0/24'],
        whitelist_countries: ['FR'],
        blocked_ip_ranges: ['203.0.113.7'],
        blocked_countries: ['US'],
        allowed_origins: ['https://*.example.com'],
      },
      key_validity: { expiration_duration: 60, finish_duration: 0 },
      issue: { limit_per_ip_per_min: 7 },
    };
    expect(must(parseTemplate(full)).document).toEqual(full);
  });

  test('may carry the members of its record, which are not part of it', () => {
    const record = { id: 'SECU_1', created_at: 'yesterday', updated_at: 7, name: 'x' };
    expect(must(parseTemplate(record)).document).toEqual({ ...TEMPLATE_DEFAULTS, name: 'x' });
  });

  test.each<[unknown, unknown, string]>([
    [{ upload: { limit_per_source_ip: 3 } }, { upload: { limit_per_ip_source: 3 } }, 'limit_per_source_ip'],
    [{ key_validity: { expire_duration: 60 } }, { key_validity: { expiration_duration: 60 } }, 'expire_duration'],
    [{ permissions: ['DIR_MOV'] }, { permissions: ['DIR_MOVE'] }, 'a misspelt permission'],
    [
      { restrictions: { whitelist_countries: ['fr'] } },
      { restrictions: { whitelist_countries: ['FR'] } },
      'case of countries',
    ],
    [
      { upload: { allowed_types: ['.JPEG', 'Image/JPG'] } },
      { upload: { allowed_types: ['jpg', 'image/jpeg'] } },
      'spellings of types',
    ],
    [
      { restrictions: { allowed_origins: ['HTTPS://A.example.com:443'] } },
      { restrictions: { allowed_origins: ['https://a.example.com'] } },
      'spellings of origins',
    ],
    [{ listing: { dir_scope: ['/a/', '/a'] } }, { listing: { dir_scope: ['/a'] } }, 'entries that are the same'],
    [
      { permissions: ['FILE_UPLOAD', 'OBJECTS_LIST', 'FILE_UPLOAD'] },
      { permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'] },
      'the order of permissions',
    ],
    [{ restrictions: { blocked_countries: [], blocked_ip_ranges: [] } }, {}, 'empty block lists block nobody'],
    [
      { restrictions: { whitelist_ip_ranges: [' 1.2.3.4 '] } },
      { restrictions: { whitelist_ip_ranges: ['1.2.3.4'] } },
      'white space around ranges',
    ],
  ])('%j is written as %j: %s', (input, canonical) => {
    expect(must(parseTemplate(input)).document).toEqual(must(parseTemplate(canonical)).document);
  });

  test('may name a member and its alias when both say the same', () => {
    expect(faultsOf({ upload: { limit_per_ip_source: 3, limit_per_source_ip: 3 } })).toEqual([]);
    expect(faultsOf({ upload: { limit_per_ip_source: 3, limit_per_source_ip: 4 } })).toEqual([
      'upload.limit_per_source_ip MEMBERS_CONFLICT',
    ]);
  });

  test('finishes as long as it starts unless it says otherwise', () => {
    const { key_validity } = must(parseTemplate({ key_validity: { expiration_duration: 60 } })).document;
    expect(key_validity).toEqual({ expiration_duration: 60, finish_duration: 60 });
  });

  test('reports all its faults at once, each at its place', () => {
    expect(
      faultsOf({
        name: 7,
        active: 'yes',
        permissions: ['FILE_UPLOAD', 'FILE_CONJURE', 7],
        colour: 'red',
        upload: { max: -1, max_file_size: '5', limit_per_min: 1.5, dir_scope: ['in', '/ok', '/a/../b'], speed: 1 },
        listing: { dir_scope: [], max: Number.NaN },
        restrictions: {
          whitelist_ip_ranges: ['1.2.3.4', 'everyone'],
          whitelist_countries: ['UK'],
          allowed_origins: ['*'],
          blocked_ip_ranges: '1.2.3.4',
        },
        key_validity: { expiration_duration: 0, expire: 5 },
        issue: [],
      }),
    ).toEqual([
      'colour MEMBER_UNKNOWN',
      'upload.speed MEMBER_UNKNOWN',
      'permissions[1] VALUE_UNKNOWN',
      'permissions[2] TYPE_WRONG',
      'upload.limit_per_min TYPE_WRONG',
      'upload.max VALUE_OUT_OF_RANGE',
      'upload.max_file_size TYPE_WRONG',
      'upload.dir_scope[0] FORMAT_WRONG',
      'upload.dir_scope[2] FORMAT_WRONG',
      'listing.dir_scope LIST_EMPTY',
      'listing.max TYPE_WRONG',
      'restrictions.whitelist_ip_ranges[1] FORMAT_WRONG',
      'restrictions.whitelist_countries[0] VALUE_UNKNOWN',
      'restrictions.blocked_ip_ranges TYPE_WRONG',
      'restrictions.allowed_origins[0] FORMAT_WRONG',
      'name TYPE_WRONG',
      'active TYPE_WRONG',
      'key_validity.expire MEMBER_UNKNOWN',
      'key_validity.expiration_duration VALUE_OUT_OF_RANGE',
      'issue TYPE_WRONG',
    ]);
  });

  test('says in a sentence what each fault is', () => {
    const parsed = parseTemplate({ upload: { dir_scope: ['in'], max: -1 }, x: 1, permissions: ['X'] });
    for (const { message } of parsed.ok ? [] : parsed.faults) expect(message).toMatch(/^[A-Z].*\.$/);
    expect(parsed.ok).toBe(false);
  });

  test.each([
    [undefined, ' TYPE_WRONG', 'nothing'],
    [null, ' TYPE_WRONG', 'null'],
    ['{}', ' TYPE_WRONG', 'a text'],
    [[], ' TYPE_WRONG', 'a list'],
    [{ name: 'x'.repeat(201) }, 'name VALUE_OUT_OF_RANGE', 'a name too long'],
    [{ description: 'x'.repeat(2001) }, 'description VALUE_OUT_OF_RANGE', 'a description too long'],
    [{ name: 'a\u0000' }, 'name FORMAT_WRONG', 'a control character'],
    [
      { upload: { dir_scope: Array.from({ length: 101 }, (_, i) => `/${i}`) } },
      'upload.dir_scope LIST_TOO_LONG',
      'too many scopes',
    ],
    [{ quotas: {} }, 'quotas TYPE_WRONG', 'quotas that are no list'],
    [{ quotas: ['x'] }, 'quotas[0] TYPE_WRONG', 'a quota that is no object'],
    [{ quotas: [null] }, 'quotas[0] TYPE_WRONG', 'a quota that is null'],
    [
      { quotas: Array.from({ length: 21 }, () => ({ per: ['key'], window: 'day', files: 1 })) },
      'quotas LIST_TOO_LONG',
      'too many quotas',
    ],
    [{ quotas: [{ window: 'day', files: 1 }] }, 'quotas[0].per MEMBER_MISSING', 'a quota per nothing'],
    [{ quotas: [{ per: [], window: 'day', files: 1 }] }, 'quotas[0].per LIST_EMPTY', 'an empty list of dimensions'],
    [{ quotas: [{ per: ['moon'], window: 'day', files: 1 }] }, 'quotas[0].per[0] VALUE_UNKNOWN', 'no dimension'],
    [{ quotas: [{ per: ['key'], files: 1 }] }, 'quotas[0].window MEMBER_MISSING', 'a quota without a time'],
    [{ quotas: [{ per: ['key'], window: 'week', files: 1 }] }, 'quotas[0].window VALUE_UNKNOWN', 'no window'],
    [{ quotas: [{ per: ['key'], window: 'day' }] }, 'quotas[0].files MEMBER_MISSING', 'a quota of nothing'],
    [{ quotas: [{ per: ['key'], window: 'day', files: -1 }] }, 'quotas[0].files VALUE_OUT_OF_RANGE', 'less than none'],
    [{ quotas: [{ per: ['key'], window: 'day', files: 1, size: 1 }] }, 'quotas[0].size MEMBER_UNKNOWN', 'no unit'],
    [
      { quotas: [{ per: ['folder'], window: 'day', calls: 1 }] },
      'quotas[0].calls VALUE_UNKNOWN',
      'calls, which have no folder',
    ],
    [
      { restrictions: { whitelist_ip_ranges: [] } },
      'restrictions.whitelist_ip_ranges LIST_EMPTY',
      'an empty address list',
    ],
    [
      { restrictions: { whitelist_countries: [] } },
      'restrictions.whitelist_countries LIST_EMPTY',
      'an empty country list',
    ],
    [{ restrictions: { allowed_origins: [] } }, 'restrictions.allowed_origins LIST_EMPTY', 'an empty origin list'],
    [{ upload: { allowed_types: [] } }, 'upload.allowed_types LIST_EMPTY', 'an empty type list'],
    [
      { upload: { allowed_types: ['*/*'] } },
      'upload.allowed_types[0] FORMAT_WRONG',
      'all types are written by leaving the list out',
    ],
    [
      { upload: { allowed_types: ['image/*png'] } },
      'upload.allowed_types[0] FORMAT_WRONG',
      'an asterisk inside a type',
    ],
    [
      { key_validity: { expiration_duration: 2_592_001 } },
      'key_validity.expiration_duration VALUE_OUT_OF_RANGE',
      'more than 30 days',
    ],
    [{ key_validity: { finish_duration: -1 } }, 'key_validity.finish_duration VALUE_OUT_OF_RANGE', 'a negative time'],
    [{ issue: { limit_per_ip_per_min: 0 } }, 'issue.limit_per_ip_per_min VALUE_OUT_OF_RANGE', 'no exchange at all'],
    [{ upload: { max: 2 ** 53 } }, 'upload.max TYPE_WRONG', 'a number that is not exact'],
    [{ upload: { max: true } }, 'upload.max TYPE_WRONG', 'a truth value for a number'],
    [JSON.parse('{"__proto__": {"active": false}}'), '__proto__ MEMBER_UNKNOWN', 'a name of the language'],
    [{ permission: ['FILE_UPLOAD'] }, 'permission MEMBER_UNKNOWN', 'a member misspelt'],
  ])('%j has the fault %s: %s', (input, fault) => {
    expect(faultsOf(input)).toEqual([fault]);
  });

  test.each<[unknown, string]>([
    [{ key_validity: { expiration_duration: 2_592_000 } }, '30 days'],
    [{ key_validity: { expiration_duration: 1 } }, 'one second'],
    [{ name: 'x'.repeat(200) }, 'the longest name'],
    [{ upload: { max: Number.MAX_SAFE_INTEGER } }, 'the largest limit'],
    [{ upload: { dir_scope: Array.from({ length: 100 }, (_, i) => `/${i}`) } }, 'the most scopes'],
  ])('takes %j: %s', (input) => {
    expect(faultsOf(input)).toEqual([]);
  });
});

describe('warnings', () => {
  const codes = (input: unknown) =>
    must(parseTemplate(input)) && lintTemplate(must(parseTemplate(input))).map(({ code }) => code);

  test.each<[unknown, string[], string]>([
    [{ permissions: ['FILE_DELETE'] }, ['DELETE_EVERYWHERE'], 'deleting files everywhere'],
    [{ permissions: ['DIR_DELETE'] }, ['DELETE_EVERYWHERE'], 'deleting folders everywhere'],
    [{ permissions: ['FILE_DELETE'], listing: { dir_scope: ['/a/*'] } }, [], 'deleting in one folder'],
    [{ permissions: ['FILE_UPLOAD'] }, ['UPLOAD_WITHOUT_LIMITS'], 'uploading without limits'],
    [{ permissions: ['FILE_UPLOAD'], upload: { max: 5 } }, [], 'one limit is enough'],
    [{ permissions: ['FILE_UPLOAD'], upload: { max_total_size: 5 } }, [], 'a limit of bytes is one'],
    [{ permissions: ['FILE_UPLOAD'], quotas: [{ per: ['template'], window: 'day', bytes: 5 }] }, [], 'a quota is one'],
    [
      { permissions: ['FILE_UPLOAD'], quotas: [{ per: ['key'], window: 'day', calls: 5 }] },
      ['UPLOAD_WITHOUT_LIMITS'],
      'a quota of calls limits no upload',
    ],
    [{ quotas: [{ per: ['key'], window: 'day', files: 0 }] }, ['LIMIT_IS_ZERO'], 'a quota of zero'],
    [{ upload: {} }, [], 'no upload needs no limits'],
    [{ key_validity: { expiration_duration: 86_400 } }, [], 'exactly a day'],
    [
      { key_validity: { expiration_duration: 86_401, finish_duration: 60 } },
      ['VALIDITY_OVER_A_DAY'],
      'more than a day',
    ],
    [{ key_validity: { finish_duration: 86_401 } }, ['VALIDITY_OVER_A_DAY'], 'more than a day to finish'],
    [{ upload: { max: 0 } }, ['LIMIT_IS_ZERO'], 'a limit that allows none'],
  ])('%j warns %j: %s', (input, expected) => {
    expect(codes(input)).toEqual(expected);
  });

  test('come with the parsed template, at their fields', () => {
    const parsed = parseTemplate({ permissions: ['FILE_UPLOAD', 'FILE_DELETE'] });
    expect(parsed.ok && parsed.warnings.map(({ field }) => field)).toEqual(['listing.dir_scope', 'upload']);
  });
});

describe('rights of a secret key', () => {
  test('are a template without validity and exchange', () => {
    const rights = must(parseSecretKeyRights({ name: 'ci', permissions: ['ACCESS_READ'] }));
    const { key_validity, issue, ...rest } = TEMPLATE_DEFAULTS;
    expect(secretKeyDocument(rights)).toEqual({ ...rest, name: 'ci', permissions: ['ACCESS_READ'] });
  });

  test('have no validity and no exchange', () => {
    expect(faultsOf({ key_validity: {}, issue: {} }, parseSecretKeyRights)).toEqual([
      'key_validity MEMBER_UNKNOWN',
      'issue MEMBER_UNKNOWN',
    ]);
  });
});

describe('a narrowing document', () => {
  test('says only what it takes away', () => {
    expect(must(parseNarrowing({})).document).toEqual({});
    expect(
      must(parseNarrowing({ upload: { max: 1, dir_scope: null }, listing: {}, key_validity: null })).document,
    ).toEqual({
      upload: { max: 1 },
    });
  });

  test('accepts the aliases of templates', () => {
    const input = {
      upload: { limit_per_source_ip: 2 },
      key_validity: { expire_duration: 60 },
      permissions: ['DIR_MOV'],
    };
    expect(must(parseNarrowing(input)).document).toEqual({
      permissions: ['DIR_MOVE'],
      upload: { limit_per_ip_source: 2 },
      key_validity: { expiration_duration: 60 },
    });
  });

  test.each<[unknown, string, string]>([
    [{ active: false }, 'active MEMBER_UNKNOWN', 'a narrowing cannot switch a template'],
    [{ name: 'x' }, 'name MEMBER_UNKNOWN', 'a narrowing has no name'],
    [{ issue: {} }, 'issue MEMBER_UNKNOWN', 'the exchange is over'],
    [
      { key_validity: { finish_duration: 5 } },
      'key_validity.finish_duration MEMBER_UNKNOWN',
      'finishing is the template\u2019s',
    ],
    [{ expires_at: 1.5 }, 'expires_at TYPE_WRONG', 'whole seconds'],
    [{ expires_at: 1_700_000_000_000_000 }, 'expires_at VALUE_OUT_OF_RANGE', 'not microseconds'],
    [{ upload: { dir_scope: [] } }, 'upload.dir_scope LIST_EMPTY', 'an empty scope list'],
    [null, ' TYPE_WRONG', 'null'],
  ])('%j has the fault %s: %s', (input, fault) => {
    expect(faultsOf(input, parseNarrowing)).toEqual([fault]);
  });

  test('may take every permission', () => {
    expect(must(parseNarrowing({ permissions: [] })).document).toEqual({ permissions: [] });
  });
});
