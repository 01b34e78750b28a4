// What a search means for folders: of all that it can ask for, they have a name.
import { type NameCondition, NO_NAME } from '../ports/metadata.ts';
import { termName } from './search.ts';
import { parseSearch, type SearchTerm, type SearchValue } from './search-query.ts';

/** A search of folders that has been understood. */
export interface FolderSearch {
  readonly names: NameCondition;
  readonly warnings: readonly string[];
}

/**
 * Reads a search text for folders. Total. Widgets search files and folders with one text: what only a file can meet finds no folder. What only
 * a file could fail at, such as a tag that must not be there, finds those that the rest of the search finds, and none when there is no rest.
 */
export function understandFolderSearch(text: string): FolderSearch {
  const { terms, warnings } = parseSearch(text);
  const names: NameCondition[] = [];
  const ofFiles: SearchTerm[] = [];
  for (const term of terms) {
    const condition = nameCondition(term);
    if (condition === undefined) ofFiles.push(term);
    else names.push(term.isNegated ? not(condition) : condition);
  }
  const decisive = ofFiles.filter((term) => names.length === 0 || !excludes(term));
  if (decisive.length === 0) return { names: allOf(names), warnings };
  const reasons = decisive.map(
    (term) => `Only files can meet this part, so no folder was searched for: ${termName(term)}`,
  );
  return { names: NO_NAME, warnings: [...warnings, ...new Set(reasons)] };
}

function nameCondition(term: SearchTerm): NameCondition | undefined {
  switch (term.kind) {
    case 'text':
      return named('contains', term.text);
    case 'tag':
      return undefined;
    case 'any': {
      const texts = term.words.flatMap(({ kind, text }) => (kind === 'text' ? [text] : []));
      return texts.length === 0 ? undefined : anyOf(texts.map((text) => named('contains', text)));
    }
    case 'field':
      return ['name', 'filename'].includes(term.key.toLowerCase()) ? byName(term) : undefined;
  }
}

function byName({ operator, values }: Extract<SearchTerm, { readonly kind: 'field' }>): NameCondition | undefined {
  const test = TESTS[operator];
  if (test === undefined) return undefined;
  const isMinus = (value: SearchValue) => 'isNegated' in value && value.isNegated;
  const meets = (value: SearchValue): NameCondition => {
    switch (value.kind) {
      case 'empty':
        return NO_NAME;
      case 'non-empty':
        return not(NO_NAME);
      case 'range':
        return test(`${value.from}..${value.to}`);
      case 'text':
        return test(value.text);
    }
  };
  const wanted = values.filter((value) => !isMinus(value)).map(meets);
  const unwanted = values.filter(isMinus).map((value) => not(meets(value)));
  if (operator === '!=') return not(anyOf(wanted));
  return allOf([...(wanted.length > 0 ? [anyOf(wanted)] : []), ...unwanted]);
}

const contains = (text: string) => named('contains', text);
const isWhole = (text: string) => named('equal', text);
const partsOf = (text: string) => text.split(/\s+/u).map(contains);

/** Operators that mean something for a name. Of names of folders any part is a word. */
const TESTS: Readonly<Record<string, (text: string) => NameCondition>> = {
  ':': contains,
  '~': contains,
  '~=': contains,
  '~^': (text) => named('begins', text),
  '~~': (text) => allOf(partsOf(text)),
  '~~~': (text) => anyOf(partsOf(text)),
  '=': isWhole,
  ':=': isWhole,
  '!=': isWhole,
};

/** Whether the term takes files away for what they have: what has nothing of it meets it. */
function excludes(term: SearchTerm): boolean {
  if (term.kind !== 'field') return term.isNegated;
  const isWithout = (value: SearchValue) => value.kind === 'empty' || ('isNegated' in value && value.isNegated);
  return (term.operator === '!=' || term.values.every(isWithout)) !== term.isNegated;
}

function named(is: 'equal' | 'begins' | 'contains', text: string): NameCondition {
  return { of: 'name', is, text };
}

function not(condition: NameCondition): NameCondition {
  return { of: 'not', condition };
}

function allOf(conditions: readonly NameCondition[]): NameCondition {
  return { of: 'all', conditions };
}

function anyOf(conditions: readonly NameCondition[]): NameCondition {
  return { of: 'any', conditions };
}
