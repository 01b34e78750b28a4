// The editor's values: a stored document survives being opened and saved, and what is wrong finds its field.
import { parseSecretKeyRights, parseTemplate, secretKeyDocument, TEMPLATE_DEFAULTS } from '@latchkey/policy';
import { describe, expect, test } from 'vitest';
import { type Draft, emptyDraft, emptyQuota, toDocument, toDraft } from '../src/draft.ts';
import { faultsIn, faultsOf, fieldMessages, homeless, judge, SECTIONS } from '../src/faults.ts';

const FULL = {
  name: 'Full',
  description: 'Every field has a value of its own.',
  active: false,
  permissions: ['OBJECTS_LIST', 'FILE_UPLOAD'],
  upload: {
    limit_per_min: 1,
    limit_per_ip_source: 2,
    max: 3,
    max_file_size: 4,
    max_total_size: 5,
    allowed_types: ['image/*', 'application/pdf'],
    dir_scope: ['/in', '/drop/*'],
  },
  listing: { dir_scope: ['/out/*'], max: 6 },
  quotas: [
    { per: ['address', 'folder'], window: 'hour', files: 8, bytes: 9 },
    { per: ['template'], window: 'lifetime', calls: 10 },
  ],
  restrictions: {
    whitelist_ip_ranges: ['203.0.113.0/24'],
    whitelist_countries: ['DE', 'FR'],
    blocked_ip_ranges: ['203.0.113.7'],
    blocked_countries: ['US'],
    allowed_origins: ['https://app.example.com'],
  },
  key_validity: { expiration_duration: 600, finish_duration: 900 },
  issue: { limit_per_ip_per_min: 7 },
};

function parsed(input: unknown) {
  const result = parseTemplate(input);
  if (!result.ok) throw new TypeError(JSON.stringify(result.faults));
  return result.value.document;
}

function changed(change: (draft: Draft) => void): Draft {
  const draft = emptyDraft();
  change(draft);
  return draft;
}

describe('opening a document and saving it unchanged', () => {
  test('keeps every field of a template', () => {
    const stored = parsed(FULL);
    expect(parsed(toDocument(toDraft(stored), 'template'))).toEqual(stored);
  });

  test('keeps the defaults of an empty template', () => {
    expect(parsed(toDocument(toDraft(TEMPLATE_DEFAULTS), 'template'))).toEqual(TEMPLATE_DEFAULTS);
  });

  test('keeps the rights of a secret key, and writes nothing that only templates have', () => {
    const { key_validity, issue, ...rights } = FULL;
    const first = parseSecretKeyRights(rights);
    if (!first.ok) throw new TypeError(JSON.stringify(first.faults));
    const stored = secretKeyDocument(first.value);
    const document = toDocument(toDraft(stored), 'secret-key');
    expect(Object.keys(document)).not.toContain('key_validity');
    expect(Object.keys(document)).not.toContain('issue');
    const again = parseSecretKeyRights(document);
    expect(again.ok && secretKeyDocument(again.value)).toEqual(stored);
  });
});

test('a new template can be saved as it is', () => {
  expect(faultsOf(emptyDraft(), 'template')).toEqual([]);
  expect(faultsOf(emptyDraft(), 'secret-key')).toEqual([]);
});

test('an empty restriction is left out, because an empty list would allow nothing', () => {
  const judged = judge(emptyDraft(), 'template');
  expect(judged.ok && judged.value.document.restrictions).toEqual({});
});

test('a cleared folder list is a fault and never "everything"', () => {
  const draft = changed(({ upload }) => {
    upload.dir_scope = [];
  });
  expect(fieldMessages(faultsOf(draft, 'template'))).toHaveProperty(['upload.dir_scope']);
});

test('all faults are found at once, each at the path of its field', () => {
  const draft = changed((it) => {
    it.upload.limit_per_min = -1;
    it.upload.max_file_size = 'huge';
    it.upload.dir_scope = ['/ok', 'relative'];
    it.restrictions.whitelist_ip_ranges = ['10.0.0.0/8', '10.0.0.999'];
    it.key_validity.expiration_duration = 'soon';
    it.quotas = [{ ...emptyQuota(), per: [], bytes: 'much' }, emptyQuota()];
  });
  const messages = fieldMessages(faultsOf(draft, 'template'));
  expect(Object.keys(messages).sort()).toEqual([
    'key_validity.expiration_duration',
    'quotas.0.bytes',
    'quotas.0.per',
    'quotas.1.files',
    'restrictions.whitelist_ip_ranges.1',
    'upload.dir_scope.1',
    'upload.limit_per_min',
    'upload.max_file_size',
  ]);
  for (const field of ['upload.max_file_size', 'quotas.0.bytes']) expect(messages[field]).toContain('500 MB');
  expect(SECTIONS.map((section) => faultsIn(section, messages))).toEqual([0, 0, 3, 1, 1, 0, 3, 0]);
  expect(homeless(messages)).toEqual([]);
});

test('a fault of no field is still shown', () => {
  const messages = fieldMessages([
    { field: '', code: 'TYPE_WRONG', message: 'An object is needed here.' },
    { field: 'uploads', code: 'MEMBER_UNKNOWN', message: 'There is no such member.' },
  ]);
  expect(homeless(messages)).toEqual(['An object is needed here.', 'uploads: There is no such member.']);
});

test('dangerous combinations warn and do not refuse', () => {
  const draft = changed((it) => {
    it.permissions = ['FILE_DELETE'];
  });
  const judged = judge(draft, 'template');
  expect(judged.ok && judged.warnings.map(({ code }) => code)).toEqual(['DELETE_EVERYWHERE']);
});
