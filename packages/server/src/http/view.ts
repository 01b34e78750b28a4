// In which form an address asks for files: the directives of `format`, `variant` and `lang` (wire contract 5.2).
import type { SelectionName, View } from '../operations/views.ts';
import type { Call } from './route.ts';

/** So many directives or variants are looked at; what is beyond them is ignored, as unknown ones are. */
const WORDS_MAX = 100;

/** What the address says of the form; of two directives about the same the last one counts. */
export function viewOf(call: Call): View {
  const directives = wordsIn(call.query.one('format'));
  const last = (name: string) => directives.findLast((said) => said.startsWith(`${name}:`))?.slice(name.length + 1);
  const selections = SELECTIONS.get(last('select') ?? '');
  const variants = [...wordsIn(call.query.one('variant')), ...wordsIn(call.query.one('lang'))];
  return {
    ...(selections === undefined ? {} : { selections }),
    ...(variants.length === 0 ? {} : { variants }),
    ...(last('tags') === 'json_compact' ? { plainTags: true } : {}),
    ...(last('labels') === 'json_full' ? { labels: mayListLabels(call) ? 'known' : 'unknown' } : {}),
  };
}

/** Whether a list is asked for as a table. */
export function asksForCsv({ query }: Call): boolean {
  return wordsIn(query.one('format')).includes('csv');
}

const SELECTIONS: ReadonlyMap<string, SelectionName> = new Map([
  ['internal', 'internal_unique_value'],
  ['api', 'api_value'],
  ['label', 'label'],
  ['human', 'label'],
] as const);

function mayListLabels({ guard, entrant }: Call): boolean {
  return guard.explain(entrant, { demands: [{ operation: 'label.list', targets: [] }] }).allow;
}

function wordsIn(list = ''): readonly string[] {
  const words = list.split(',', WORDS_MAX).map((word) => word.trim());
  return words.filter((word) => word !== '');
}
