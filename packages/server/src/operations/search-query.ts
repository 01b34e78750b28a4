// The search language as text: `q` into terms and back. Every text has an answer; what cannot be read is a plain word.

/** How a key is compared with its values (wire contract 5.3). */
export const SEARCH_OPERATORS = [':=', '~~~', '~~', '~^', '~=', '!=', '>=', '<=', ':', '=', '>', '<', '~'] as const;
export type SearchOperator = (typeof SEARCH_OPERATORS)[number];

/** One of the values of a key, between commas. A minus before it negates it; whether it is rather the sign of a number, the key decides. */
export type SearchValue =
  | { readonly kind: 'text'; readonly text: string; readonly isNegated: boolean }
  | { readonly kind: 'range'; readonly from: string; readonly to: string; readonly isNegated: boolean }
  | { readonly kind: 'empty' }
  | { readonly kind: 'non-empty' };

/** What is looked for without a key. */
export interface SearchWord {
  readonly kind: 'text' | 'tag';
  readonly text: string;
}

/** One condition of a search; all of a search's terms must hold. */
export type SearchTerm =
  | (SearchWord & { readonly isNegated: boolean })
  /** One of the words is enough; negated, none of them may be there. */
  | { readonly kind: 'any'; readonly words: readonly SearchWord[]; readonly isNegated: boolean }
  | {
      readonly kind: 'field';
      readonly key: string;
      readonly operator: SearchOperator;
      readonly values: readonly SearchValue[];
      readonly isNegated: boolean;
    };

/** What a text was read as; warnings tell what was left out. */
export interface SearchQuery {
  readonly terms: readonly SearchTerm[];
  readonly warnings: readonly string[];
}

/** Bounds of a search; what is beyond them is left out with a warning. */
export const SEARCH = { lengthMax: 4000, termsMax: 50, valuesMax: 200 } as const;

type FieldTerm = Omit<Extract<SearchTerm, { readonly kind: 'field' }>, 'isNegated'>;

const KEY = /^[\p{L}_][\p{L}\p{M}\p{N}_.-]{0,254}$/u;
const OPERATOR = /:=|~~~|~~|~\^|~=|!=|>=|<=|[:=><~]/;
const WORD = /^[\p{L}\p{M}\p{N}]+$/u;

/** Reads a search. */
export function parseSearch(text: string): SearchQuery {
  const warnings: string[] = [];
  // Halves of characters can be neither stored nor found.
  const whole = text.replace(/\p{Cs}/gu, '\ufffd');
  if (whole.length > SEARCH.lengthMax)
    warnings.push(`Only the first ${SEARCH.lengthMax} characters were searched for.`);
  const chunks = splitChunks(whole.slice(0, SEARCH.lengthMax).replace(/\p{Cs}/gu, ''));
  const terms: SearchTerm[] = [];
  let room: number = SEARCH.valuesMax;
  for (const term of chunks.flatMap(parseTerm)) {
    if (terms.length === SEARCH.termsMax) {
      warnings.push(`Only the first ${SEARCH.termsMax} terms were searched for.`);
      break;
    }
    const count = term.kind === 'field' ? term.values.length : term.kind === 'any' ? term.words.length : 0;
    if (count > room) warnings.push(`Only the first ${SEARCH.valuesMax} values were searched for.`);
    terms.push(...shortened(term, room));
    room = Math.max(0, room - count);
  }
  return { terms, warnings: [...new Set(warnings)] };
}

/** The term with as many of its values as there is room for; none without any. */
function shortened(term: SearchTerm, room: number): readonly SearchTerm[] {
  switch (term.kind) {
    case 'text':
    case 'tag':
      return [term];
    case 'any':
      return anyOf(term.words.slice(0, room), term.isNegated);
    case 'field':
      return room === 0 ? [] : [{ ...term, values: term.values.slice(0, room) }];
  }
}

/** A term that one of the words meets; none without any. */
function anyOf(words: readonly SearchWord[], isNegated: boolean): readonly SearchTerm[] {
  const [only] = words;
  if (only === undefined) return [];
  return [words.length === 1 ? { ...only, isNegated } : { kind: 'any', words, isNegated }];
}

/** Writes terms so that reading them gives them back. */
export function renderSearch(terms: readonly SearchTerm[]): string {
  return terms.map(renderTerm).join(' ');
}

/** The text between spaces outside quotes; behind a comma a list goes on. A quote that is not closed reaches to the end. */
function splitChunks(text: string): readonly string[] {
  const chunks: string[] = [];
  let end = 0;
  for (const found of text.matchAll(/(?:"(?:\\.|[^"\\])*(?:"|$)|[^\s"])+/gsu)) {
    const [chunk] = found;
    const last = chunks.at(-1) ?? '';
    // What has a key or a minus of its own is no part of a list, nor is what stands on the next line.
    const goesOn = last.endsWith(',') && /^ +$/.test(text.slice(end, found.index)) && !/^-./.test(chunk);
    if (goesOn && fieldOf(chunk) === undefined) chunks[chunks.length - 1] = last + chunk;
    else chunks.push(chunk);
    end = found.index + chunk.length;
  }
  return chunks;
}

function parseTerm(chunk: string): readonly SearchTerm[] {
  const isNegated = chunk.startsWith('-') && chunk.length > 1;
  const said = isNegated ? chunk.slice(1) : chunk;
  const field = fieldOf(said);
  return field === undefined ? parseWords(said, isNegated) : [{ ...field, isNegated }];
}

/** Words between commas: one of them, and none of those with a minus. */
function parseWords(said: string, isNegated: boolean): readonly SearchTerm[] {
  const wanted: SearchWord[] = [];
  const unwanted: SearchWord[] = [];
  for (const [i, value] of splitValues(said).entries()) {
    const hasMinus = i > 0 && /^-./s.test(value);
    const word = parseWord(hasMinus ? value.slice(1) : value);
    if (word !== undefined) (hasMinus && !isNegated ? unwanted : wanted).push(word);
  }
  const terms = [...anyOf(wanted, isNegated), ...anyOf(unwanted, true)];
  if (terms.length > 0) return terms;
  // Nothing but commas is looked for as it is.
  const signs = parseWord(said);
  return signs === undefined ? [] : anyOf([signs], isNegated);
}

function parseWord(said: string): SearchWord | undefined {
  const text = unquote(said).trim();
  const label = /^"?#/.test(said) ? text.slice(1).trim() : '';
  if (label !== '') return { kind: 'tag', text: label };
  return text === '' ? undefined : { kind: 'text', text };
}

/** The term of a key and its values; dates come with the whole term in quotes. */
function fieldOf(said: string): FieldTerm | undefined {
  return parseField(quotedWhole(said) ?? said);
}

function parseField(said: string): FieldTerm | undefined {
  const found = OPERATOR.exec(said);
  if (found === null) return undefined;
  const key = said.slice(0, found.index);
  const operator = found[0] as SearchOperator; // The expression lists them.
  const rest = said.slice(found.index + operator.length);
  // `http://...` is an address, `Re: hello` a phrase; a key without a value says nothing that could be meant.
  if (!KEY.test(key) || rest === '' || rest.startsWith('//') || /^\s/.test(rest)) return undefined;
  const values = splitValues(rest).flatMap((value) => parseValue(value, operator));
  return values.length === 0 ? undefined : { kind: 'field', key, operator, values };
}

function splitValues(text: string): readonly string[] {
  return text.match(/(?:"(?:\\.|[^"\\])*(?:"|$)|[^,"])+/gsu) ?? [];
}

function parseValue(said: string, operator: SearchOperator): readonly SearchValue[] {
  const asks = operator === ':' || operator === '=' || operator === ':=';
  if (asks && (said === 'empty' || said === 'non-empty')) return [{ kind: said }];
  const isNegated = operator === ':' && said.startsWith('-') && said.length > 1;
  const text = unquote(isNegated ? said.slice(1) : said).trim();
  if (text === '') return [];
  const [, from = '', to = ''] = (asks && !said.includes('\\.') && RANGE.exec(text)) || [];
  return [from === '' && to === '' ? { kind: 'text', text, isNegated } : { kind: 'range', from, to, isNegated }];
}

/** Two dots with an end on at least one side, neither of which goes on with a dot. */
const RANGE = /^(|[^.](?:.*?[^.])?)\.\.(|[^.](?:.*[^.])?)$/s;

/** What a single pair of quotes around everything holds, still with its escapes. */
function quotedWhole(said: string): string | undefined {
  return /^"((?:\\.|[^"\\])*)"?$/su.exec(said)?.[1];
}

/** The text without quotes; a backslash makes the sign after it an ordinary one. */
function unquote(said: string): string {
  let text = '';
  let isQuoted = false;
  for (let i = 0; i < said.length; i += 1) {
    const sign = said[i] ?? '';
    const next = said[i + 1];
    if (sign === '"') isQuoted = !isQuoted;
    else if (sign === '\\' && isQuoted && next !== undefined && ESCAPED.includes(next)) {
      text += next;
      i += 1;
    } else text += sign;
  }
  return text;
}

const ESCAPED = '"\\:=><~!#.';

function renderTerm(term: SearchTerm): string {
  const sign = term.isNegated ? '-' : '';
  switch (term.kind) {
    case 'text':
    case 'tag':
      return sign + renderWord(term);
    case 'any':
      return sign + term.words.map(renderWord).join(',');
    case 'field':
      return `${sign}${term.key}${term.operator}${term.values.map(renderValue).join(',')}`;
  }
}

function renderWord({ kind, text }: SearchWord): string {
  if (kind === 'text') return WORD.test(text) ? text : quote(text);
  return WORD.test(text) ? `#${text}` : `"#${quote(text).slice(1)}`;
}

function renderValue(value: SearchValue): string {
  switch (value.kind) {
    case 'empty':
    case 'non-empty':
      return value.kind;
    case 'range':
      return `${value.isNegated ? '-' : ''}"${escapeSigns(value.from, '"\\')}..${escapeSigns(value.to, '"\\')}"`;
    case 'text':
      return (value.isNegated ? '-' : '') + quote(value.text);
  }
}

function quote(text: string): string {
  return `"${escapeSigns(text, ESCAPED)}"`;
}

function escapeSigns(text: string, signs: string): string {
  return [...text].map((sign) => (signs.includes(sign) ? `\\${sign}` : sign)).join('');
}
