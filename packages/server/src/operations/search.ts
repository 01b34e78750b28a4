// What a search means: its terms as conditions on names, tags, metadata and facts of files (wire contract 5.3).
import { parsePath } from '@latchkey/policy';
import { APPROVAL_STATUSES } from '../ports/approval-states.ts';
import {
  type Condition,
  colourName,
  EVERY_FILE,
  fold,
  type Range,
  type SearchField,
  wordsIn,
} from '../ports/search.ts';
import type { Field } from './model.ts';
import { type Moment, parseMoment } from './moment.ts';
import {
  parseSearch,
  type SearchOperator,
  type SearchTerm,
  type SearchValue,
  type SearchWord,
} from './search-query.ts';

/** A search that has been understood: all texts and all filters must hold, but similar files say the texts only almost. Texts of which one is
 *  enough are a filter. */
export interface UnderstoodSearch {
  readonly texts: readonly string[];
  readonly filters: readonly Condition[];
  readonly warnings: readonly string[];
}

/** What a search is read against. */
export interface SearchContext {
  /** The metadata fields of files. */
  readonly fields: readonly Field[];
  readonly nowMs: number;
  /** Absent for a reader who gets to know of no approval whom it asks. */
  readonly approvers?: {
    /** The id of the person whom a text names. */
    idOf(text: string): string;
    /** Holds for the files of which the reader may know it. */
    readonly told: Condition;
  };
}

type FieldTerm = Extract<SearchTerm, { readonly kind: 'field' }>;
type TextValue = Extract<SearchValue, { readonly kind: 'text' }>;
/** A value that says what it is compared with. */
type SaidValue = Extract<SearchValue, { readonly kind: 'text' | 'range' }>;

/** Reads a search text. Total: what means nothing is left out with a warning. */
export function understandSearch(text: string, context: SearchContext): UnderstoodSearch {
  const { terms, warnings: left } = parseSearch(text);
  const warnings = [...left];
  const filters: Condition[] = [];
  const texts: string[] = [];
  for (const term of terms) {
    if (term.kind === 'text' && !term.isNegated) {
      texts.push(term.text);
      continue;
    }
    const condition = conditionOf(term, context);
    if (condition === undefined) warnings.push(`This part means nothing and was left out: ${termName(term)}`);
    else filters.push(term.isNegated ? not(condition) : condition);
  }
  return { texts, filters, warnings };
}

/** Words anywhere; signs that are no letters, such as a plus, must stand exactly so in the name or in a tag. */
export function textCondition(text: string): Condition {
  const literally = value('name', { is: 'contains', text });
  if (wordsIn(text).length === 0) return literally;
  const words: Condition = { of: 'text', text };
  return /\p{S}/u.test(text) ? allOf([words, any([literally, value('tag', { is: 'contains', text })])]) : words;
}

/** A term as warnings name it. */
export function termName(term: SearchTerm): string {
  switch (term.kind) {
    case 'field':
      return `${term.key}${term.operator}`.slice(0, 100);
    case 'any':
      return term.words
        .map(({ text }) => text)
        .join(',')
        .slice(0, 100);
    default:
      return term.text.slice(0, 100);
  }
}

function conditionOf(term: SearchTerm, context: SearchContext): Condition | undefined {
  switch (term.kind) {
    case 'text':
    case 'tag':
      return wordCondition(term);
    case 'any':
      return any(term.words.map(wordCondition));
    case 'field': {
      const key = term.key.toLowerCase();
      const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
      return known === undefined ? metaCondition(term, context) : known(term, context);
    }
  }
}

function wordCondition({ kind, text }: SearchWord): Condition {
  return kind === 'tag' ? tagCondition(text) : textCondition(text);
}

type Reading = (term: FieldTerm, context: SearchContext) => Condition | undefined;

const byName: Reading = (term) => textTerm(term, 'name', 'words');
const byProduct: Reading = (term) => textTerm(term, 'product', 'equal');
const byCreation: Reading = (term, { nowMs }) =>
  rangeTerm(term, moments(nowMs), (range) => ({ of: 'created', range }), EVERY_FILE);
const byChange: Reading = (term, { nowMs }) =>
  rangeTerm(term, moments(nowMs), (range) => ({ of: 'modified', range }), EVERY_FILE);
const byMime: Reading = (term) => oneOf(term, (text) => any(splitList(text).map(mimeCondition)), EVERY_FILE);
const byFolder: Reading = (term) => oneOf(term, folderCondition, EVERY_FILE);
const byNumber =
  (field: SearchField): Reading =>
  (term) =>
    rangeTerm(term, asCount, (range) => value(field, { is: 'between', ...range }), present(field));
const byColour =
  (field: 'main_color' | 'color'): Reading =>
  (term) =>
    oneOf(
      term,
      (text) => {
        const name = colourName(text);
        return name === undefined ? undefined : value(field, { is: 'equal', text: name });
      },
      present(field),
    );
const byTag: Reading = (term) => {
  if (term.operator === '=' && term.values.every(({ kind }) => kind === 'text')) {
    return allOf(texts(term).map(({ text }) => tagCondition(text)));
  }
  if (!ASKS.has(term.operator) && term.operator !== '!=') return textTerm(term, 'tag', 'equal');
  return oneOf(term, tagCondition, present('tag'));
};
const byResolution: Reading = (term) =>
  oneOf(
    term,
    (text) => {
      const name = fold(text);
      return Object.hasOwn(RESOLUTIONS, name)
        ? value('longest_side', { is: 'between', ...RESOLUTIONS[name] })
        : undefined;
    },
    present('longest_side'),
  );
const byOrientation: Reading = (term) =>
  oneOf(term, (text) => value('orientation', { is: 'equal', text }), present('orientation'));
const byFaces: Reading = (term) =>
  texts(term).some(({ text }) => text === '*')
    ? value('faces', { is: 'between', from: 1 })
    : byNumber('faces')(term, NO_CONTEXT);
const byLabel: Reading = (term) =>
  oneOf(term, (text) => ({ of: 'label', sid: `#${text.trim().replace(/^#/, '')}` }), { of: 'present', what: 'label' });
const byStatus: Reading = (term, { nowMs }) =>
  oneOf(
    term,
    (text) => {
      // Two words of one state: the filter panel and the workflow call it differently.
      const word = text.trim().toUpperCase().replace('REFUSED', 'REJECTED');
      const status = APPROVAL_STATUSES.find((known) => known === word);
      return status === undefined ? undefined : { of: 'approval', status, nowMs };
    },
    { of: 'present', what: 'approval' },
  );
const byApprover: Reading = (term, { approvers }) =>
  oneOf(
    term,
    (text) => (approvers ? allOf([{ of: 'approver', personId: approvers.idOf(text) }, approvers.told]) : NO_FILE),
    { of: 'present', what: 'approval' },
  );
const byType: Reading = (term) => oneOf(term, typeCondition, EVERY_FILE);

const NO_FILE: Condition = { of: 'any', conditions: [] };
const NO_CONTEXT: SearchContext = { fields: [], nowMs: 0 };

/** Small below 600 pixels, large above 1800. */
const RESOLUTIONS: Readonly<Record<string, Range>> = {
  small: { to: 599 },
  medium: { from: 600, to: 1800 },
  large: { from: 1801 },
};

/** Keys that are no metadata. */
const KEYS: Readonly<Record<string, Reading>> = {
  name: byName,
  filename: byName,
  mimetype: byMime,
  mime: byMime,
  type: byType,
  size: (term) => rangeTerm(term, asBytes, (range) => ({ of: 'size', range }), EVERY_FILE),
  tags: byTag,
  tag: byTag,
  labels: byLabel,
  label: byLabel,
  status: byStatus,
  approval_status: byStatus,
  task_approver: byApprover,
  orientation: byOrientation,
  resolution: byResolution,
  width: byNumber('width'),
  height: byNumber('height'),
  faces: byFaces,
  main_color: byColour('main_color'),
  color: byColour('color'),
  product_ref: byProduct,
  product: byProduct,
  created: byCreation,
  created_at: byCreation,
  uploaded: byCreation,
  uploaded_at: byCreation,
  updated: byChange,
  updated_at: byChange,
  modified: byChange,
  modified_at: byChange,
  folder: byFolder,
  folders: byFolder,
};

/** Operators that ask for a value as it is. */
const ASKS: ReadonlySet<SearchOperator> = new Set([':', '=', ':=']);

function metaCondition(term: FieldTerm, { fields, nowMs }: SearchContext): Condition | undefined {
  const key = term.key.startsWith('meta.') ? term.key.slice('meta.'.length) : term.key;
  const field = fields.find((one) => one.ckey === key || one.key === key || one['api_key'] === key);
  const name: SearchField = `meta.${field?.ckey ?? key}`;
  switch (field?.type) {
    case 'numeric':
    case 'decimal2':
    case 'integer-list':
      return rangeTerm(term, asNumber, (range) => value(name, { is: 'between', ...range }), present(name));
    case 'date':
      return rangeTerm(term, moments(nowMs), (range) => value(name, { is: 'between', ...range }), present(name));
    case 'boolean':
      return oneOf(term, (text) => value(name, { is: 'equal', text: asFlag(text) }), present(name));
    case 'select-one':
    case 'multi-select': {
      const stored = (text: string) =>
        field.possible_values.find(
          (option) =>
            option.internal_unique_value === text ||
            fold(option.api_value) === fold(text) ||
            fold(option.label) === fold(text),
        )?.internal_unique_value ?? text;
      const chosen = {
        ...term,
        values: term.values.map((one) => (one.kind === 'text' ? { ...one, text: stored(one.text) } : one)),
      };
      return listTerm(chosen, name);
    }
    case 'tags':
    case 'attachments-assets':
    case 'asset-attachments':
      return listTerm(term, name);
    case undefined:
      return freeTerm(term, name, nowMs);
    default:
      return textTerm(term, name, 'words');
  }
}

/** A field that no model describes: numbers and dates are compared as such, everything also as text. */
function freeTerm(term: FieldTerm, name: SearchField, nowMs: number): Condition | undefined {
  const read = (text: string) => asNumber(text) ?? moments(nowMs)(text);
  const ranged = rangeTerm(term, read, (range) => value(name, { is: 'between', ...range }), present(name));
  if (!ASKS.has(term.operator)) {
    if (COMPARES.has(term.operator)) return ranged;
    if (term.operator !== '!=') return textTerm(term, name, 'words');
    return not(any([textTerm({ ...term, operator: '=' }, name, 'words'), ranged && not(ranged)]));
  }
  if (term.values.some(({ kind }) => kind === 'range')) return ranged;
  const literal = textTerm(term, name, 'words');
  const negated = term.values.some((one) => one.kind === 'text' && one.isNegated);
  return negated || ranged === undefined ? literal : any([literal, ranged]);
}

const COMPARES: ReadonlySet<SearchOperator> = new Set(['>', '<', '>=', '<=']);

/** Values of which a field may have several: one of them, all and only them (`:=`), or parts of them. */
function listTerm(term: FieldTerm, field: SearchField): Condition | undefined {
  if (term.operator === ':=' && term.values.every(({ kind }) => kind === 'text')) {
    return value(field, { is: 'only', texts: texts(term).map(({ text }) => text) });
  }
  return textTerm(term, field, 'equal');
}

/** Comparisons of texts by every operator that has a meaning for them. */
function textTerm(term: FieldTerm, field: SearchField, usual: 'equal' | 'words'): Condition | undefined {
  const matching = (is: 'equal' | 'words' | 'contains' | 'begins') => (text: string) =>
    is === 'words' && wordsIn(text).length === 0 ? value(field, { is: 'contains', text }) : value(field, { is, text });
  const inside = matching('contains');
  switch (term.operator) {
    case ':':
      return oneOf(term, matching(usual), present(field));
    case '=':
    case ':=':
    case '!=':
      return oneOf(term, matching('equal'), present(field));
    case '~':
    case '~=':
      return oneOf(term, inside, present(field));
    case '~^':
      return oneOf(term, matching('begins'), present(field));
    case '~~':
      return oneOf(term, (text) => allOf(partsOf(text).map(inside)), present(field));
    case '~~~':
      return oneOf(term, (text) => any(partsOf(text).map(inside)), present(field));
    default:
      return undefined;
  }
}

function partsOf(text: string): readonly string[] {
  const words = wordsIn(text);
  return words.length === 0 ? [text] : words;
}

/** Comparisons of single values, each by its text; `present` tells whether there is a value at all. */
function oneOf(
  term: FieldTerm,
  holds: (text: string) => Condition | undefined,
  present: Condition,
): Condition | undefined {
  return judged(term, present, (one) => {
    const condition = holds(one.kind === 'range' ? `${one.from}..${one.to}` : one.text);
    return condition && { condition, isNegated: one.isNegated };
  });
}

/** One of the values holds and none of the negated ones. */
function judged(
  term: FieldTerm,
  present: Condition,
  judge: (value: SaidValue) => { readonly condition: Condition; readonly isNegated: boolean } | undefined,
): Condition | undefined {
  const wanted: Condition[] = [];
  const unwanted: Condition[] = [];
  for (const one of term.values) {
    if (one.kind === 'empty') wanted.push(not(present));
    else if (one.kind === 'non-empty') wanted.push(present);
    else {
      const found = judge(one);
      if (found !== undefined) (found.isNegated ? unwanted : wanted).push(found.condition);
    }
  }
  if (wanted.length + unwanted.length === 0) return undefined;
  if (term.operator === '!=') return not(any([...wanted, ...unwanted]));
  return allOf([...(wanted.length > 0 ? [any(wanted)] : []), ...unwanted.map(not)]);
}

/** Comparisons of numbers and times. A value may stand for a span, such as a day. */
function rangeTerm(
  term: FieldTerm,
  read: (text: string) => Moment | undefined,
  within: (range: Range) => Condition,
  present: Condition,
): Condition | undefined {
  const rangeOf = (said: SaidValue) =>
    said.kind === 'range' ? between(read(said.from), read(said.to), said) : compared(term, said.text, read);
  return judged(term, present, (one) => {
    const { isNegated } = one;
    // A minus is the sign of a number where there can be one, and otherwise means what it means everywhere.
    const signed = isNegated ? rangeOf(withSign(one)) : undefined;
    const range = signed ?? rangeOf(one);
    return range && { condition: within(range), isNegated: isNegated && signed === undefined };
  });
}

function withSign(said: SaidValue): SaidValue {
  return said.kind === 'range' ? { ...said, from: `-${said.from}` } : { ...said, text: `-${said.text}` };
}

function between(
  from: Moment | undefined,
  to: Moment | undefined,
  said: { readonly from: string; readonly to: string },
): Range | undefined {
  // An end that is there but unreadable makes the whole range unreadable, not open.
  if ((said.from.trim() !== '' && from === undefined) || (said.to.trim() !== '' && to === undefined)) return undefined;
  return { ...(from && { from: from.from }), ...(to && { to: to.to }) };
}

function compared(term: FieldTerm, text: string, read: (text: string) => Moment | undefined): Range | undefined {
  const span = read(text);
  if (span === undefined) return undefined;
  switch (term.operator) {
    case ':':
    case '=':
    case ':=':
    case '!=':
      return { from: span.from, to: span.to };
    case '>':
      return { from: span.to, exclusive: true };
    case '>=':
      return { from: span.from };
    case '<':
      return { to: span.from, exclusive: true };
    case '<=':
      return { to: span.to };
    default:
      return undefined;
  }
}

function moments(nowMs: number): (text: string) => Moment | undefined {
  return (text) => parseMoment(text, nowMs);
}

function asNumber(text: string): Moment | undefined {
  if (!/^\s*[+-]?\d{1,15}(?:\.\d{1,10})?\s*$/.test(text)) return undefined;
  return { from: Number(text), to: Number(text) };
}

/** A number of what there cannot be less than none of. */
function asCount(text: string): Moment | undefined {
  return /^\s*-/.test(text) ? undefined : asNumber(text);
}

function asBytes(text: string): Moment | undefined {
  const found = /^\s*(\d{1,15}(?:\.\d{1,10})?)\s*([kmgt]?)i?b?\s*$/i.exec(text);
  if (found === null) return undefined;
  const bytes = Math.round(Number(found[1]) * 1024 ** ' kmgt'.indexOf((found[2] || ' ').toLowerCase()));
  return { from: bytes, to: bytes };
}

function asFlag(text: string): string {
  const word = fold(text);
  return word === '1' || word === 'yes' ? 'true' : word === '0' || word === 'no' ? 'false' : word;
}

function tagCondition(text: string): Condition {
  const sid = /^#?(tg[0-9a-f]{10})$/.exec(text)?.[1];
  const label = value('tag', { is: 'equal', text: text.replace(/^#/, '') });
  return sid === undefined ? label : any([{ of: 'tag', sid: `#${sid}` }, label]);
}

/** A MIME type, or everything of a kind such as `image`. */
export function mimeCondition(text: string): Condition {
  const mime = text.trim().toLowerCase().replace(/\*$/, '');
  return { of: 'mime', mime: mime.includes('/') ? mime : `${mime}/` };
}

function splitList(text: string): readonly string[] {
  return text.split(',').filter((part) => part.trim() !== '');
}

function folderCondition(text: string): Condition | undefined {
  for (const said of [text, decoded(text)]) {
    const parsed = parsePath(said);
    if (parsed.ok) return { of: 'folder', path: parsed.path };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // It was not encoded.
  }
}

/** The kinds of MIME types by their short names. */
const KINDS: Readonly<Record<string, string>> = {
  img: 'image',
  vid: 'video',
  aud: 'audio',
  txt: 'text',
  doc: 'application',
  font: 'font',
  model: 'model',
};

/** A MIME type as filters show it: `img › png`. */
export function typeName(mime: string): string {
  const [top = '', subtype = ''] = mime.split('/', 2);
  const [kind = top] = Object.entries(KINDS).find(([, whole]) => whole === top) ?? [];
  return `${kind} › ${subtype}`;
}

function typeCondition(text: string): Condition | undefined {
  const [kind = '', subtype] = decoded(text)
    .split(/[›|>]/, 2)
    .map((part) => part.trim().toLowerCase());
  if (subtype === undefined) {
    if (kind === '') return undefined;
    const name = kind === 'jpg' ? 'jpeg' : kind;
    return any([
      mimeCondition(KINDS[kind] ?? kind),
      ...Object.values(KINDS).map((top) => mimeCondition(`${top}/${name}`)),
    ]);
  }
  return { of: 'mime', mime: `${Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind}/${subtype}` };
}

function texts(term: FieldTerm): readonly TextValue[] {
  return term.values.flatMap((one) => (one.kind === 'text' ? [one] : []));
}

function value(field: SearchField, match: Extract<Condition, { readonly of: 'value' }>['match']): Condition {
  return { of: 'value', field, match };
}

function present(field: SearchField): Condition {
  return value(field, { is: 'present' });
}

function not(condition: Condition): Condition {
  return { of: 'not', condition };
}

/** All of them, which is simply the one when there is one. */
export function allOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  return conditions.length === 1 && only !== undefined ? only : { of: 'all', conditions };
}

function any(conditions: readonly (Condition | undefined)[]): Condition {
  const known = conditions.filter((condition) => condition !== undefined);
  const [only] = known;
  return known.length === 1 && only !== undefined ? only : { of: 'any', conditions: known };
}
