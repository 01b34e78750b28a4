// From faults by field path to messages beside fields, and to the sections that hold them.
import {
  DURATION_SECONDS_MAX,
  type Fault,
  type Parsed,
  parseSecretKeyRights,
  parseTemplate,
  type Template,
} from '@latchkey/policy';
import { type Draft, type DraftKind, toDocument } from './draft.ts';
import { formatDuration } from './quantity.ts';

/** The groups of the editor, in order, with what each holds. */
export const SECTIONS = [
  { id: 'general', title: 'General', fields: ['name', 'description', 'active'], kinds: ['template', 'secret-key'] },
  { id: 'permissions', title: 'API permissions', fields: ['permissions'], kinds: ['template', 'secret-key'] },
  { id: 'upload', title: 'Upload limits', fields: ['upload'], kinds: ['template', 'secret-key'] },
  { id: 'restrictions', title: 'Restrict IP limitation', fields: ['restrictions'], kinds: ['template', 'secret-key'] },
  { id: 'validity', title: 'Key validity', fields: ['key_validity'], kinds: ['template'] },
  { id: 'listing', title: 'Listing limits', fields: ['listing'], kinds: ['template', 'secret-key'] },
  { id: 'quotas', title: 'Quotas', fields: ['quotas'], kinds: ['template', 'secret-key'] },
  { id: 'exchange', title: 'Key exchange limit', fields: ['issue'], kinds: ['template'] },
] as const;

/** One of `SECTIONS`. */
export type SectionId = (typeof SECTIONS)[number]['id'];

/** Where a message stands: the form's path of the field, such as `upload.dir_scope.2`; the empty path is the whole document. */
export type FieldMessages = Readonly<Record<string, string>>;

/** The template or the rights that a draft means, or all that is wrong with it: judged by the same code that the service runs. */
export function judge(draft: Draft, kind: DraftKind): Parsed<Template> {
  const document = toDocument(draft, kind);
  return kind === 'template' ? parseTemplate(document) : parseSecretKeyRights(document);
}

/** What is wrong with a draft; nothing when it can be saved. */
export function faultsOf(draft: Draft, kind: DraftKind): readonly Fault[] {
  const judged = judge(draft, kind);
  return judged.ok ? [] : judged.faults;
}

/** Words for what somebody typed where a quantity belongs: a program's fault would talk about numbers of bytes. */
const QUANTITY_HINTS: Readonly<Record<string, string>> = {
  'upload.max_file_size': 'Write a size such as 500 MB or 1.5 GiB.',
  'upload.max_total_size': 'Write a size such as 500 MB or 1.5 GiB.',
  'quotas.bytes': 'Write a size such as 500 MB or 1.5 GiB.',
  'key_validity.expiration_duration': 'Write a time such as 20 min, 1 h 30 min or 1200.',
  'key_validity.finish_duration': 'Write a time such as 20 min, 1 h 30 min or 1200.',
};

/** Faults as the form shows them. Several at one place are read one after the other. */
export function fieldMessages(
  faults: readonly { readonly field: string; readonly code: string; readonly message: string }[],
): FieldMessages {
  const messages: Record<string, string> = {};
  for (const { field, code, message } of faults) {
    const path = field.replaceAll(/\[(\d+)\]/g, '.$1');
    const words =
      code === 'TYPE_WRONG'
        ? (QUANTITY_HINTS[path.replace(/^quotas\.\d+/, 'quotas')] ?? message)
        : code === 'VALUE_OUT_OF_RANGE' && path.startsWith('key_validity.')
          ? `At least one second, and at most ${formatDuration(DURATION_SECONDS_MAX)}.`
          : message;
    messages[path] = messages[path] === undefined ? words : `${messages[path]} ${words}`;
  }
  return messages;
}

/** True when `path` is `field` or lies inside it. */
function isInside(field: string, path: string): boolean {
  return path === field || path.startsWith(`${field}.`);
}

/** Number of faulty places in a section. */
export function faultsIn(section: (typeof SECTIONS)[number], messages: FieldMessages): number {
  return Object.keys(messages).filter((path) => section.fields.some((field) => isInside(field, path))).length;
}

/** Messages that belong to no field of the form: shown above it. */
export function homeless(messages: FieldMessages): readonly string[] {
  return Object.entries(messages)
    .filter(([path]) => !SECTIONS.some((section) => section.fields.some((field) => isInside(field, path))))
    .map(([path, message]) => (path === '' ? message : `${path}: ${message}`));
}

/** Messages of the entries of a list field, by index. */
export function entryMessages(field: string, messages: Readonly<Record<string, unknown>>): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const [path, message] of Object.entries(messages)) {
    if (!path.startsWith(`${field}.`) || typeof message !== 'string') continue;
    const index = Number(path.slice(field.length + 1));
    if (Number.isInteger(index)) found.set(index, message);
  }
  return found;
}
