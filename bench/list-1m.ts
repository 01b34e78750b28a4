// Does a page of 100 files, a search or a suggestion take longer with a million files than with ten thousand?
import type { CanonicalPath } from '../packages/policy/src/index.ts';
import type * as Ports from '../packages/server/src/adapters/sql/index.ts';
import type * as Index from '../packages/server/src/adapters/sql/search-index.ts';
import type { FileQuery, Paging, SortKey } from '../packages/server/src/ports/metadata.ts';
import { fill, needles } from '../packages/server/test/support/many-files.ts';
import { onDatabases, openDatabase } from './support/databases.ts';
import { figure, ratio, report } from './support/report.ts';

const adapter = (file: string) => import(new URL(`../packages/server/dist/adapters/sql/${file}`, import.meta.url).href);
const { openSql }: typeof Ports = await adapter('index.js');
const { gramsOf }: typeof Index = await adapter('search-index.js');

const FILES_PER_FOLDER = 100;
const LARGE = Number(process.env['BENCH_FILES'] ?? 1_000_000);
const SMALL = Math.min(10_000, LARGE);
const CALLS = 40;
/** To write many rows at once, or to sort them into an index, takes as long as it takes. */
const FILL_STATEMENT_MS = 1_800_000;

/** What the widget asks for of files that are only like what was searched for. */
const SIMILAR: Paging = { sort: 'relevance', descending: true, offset: 0, limit: 2000 };
const SORTS: readonly SortKey[] = ['name', 'title', 'created_at', 'modified_at', 'size', 'type'];
const everything = { of: 'all', conditions: [] } as const;
const at = (path: string) => path as CanonicalPath; // Each is written in its canonical form.
const query = (different: Partial<FileQuery>): FileQuery => ({
  container: 'demo',
  folderPath: at('/'),
  recursive: true,
  within: [],
  where: everything,
  ...different,
});

type Ask = (ports: Ports.SqlPorts) => Promise<readonly unknown[]>;

/** A page of 100 with its total. */
const page =
  (asked: FileQuery, paging: Partial<Paging>): Ask =>
  async ({ metadata }) => {
    const files = await metadata.listFiles(asked, {
      sort: 'name',
      descending: false,
      offset: 0,
      limit: 100,
      ...paging,
    });
    await metadata.countFiles(asked);
    return files;
  };
const like =
  (text: string): Ask =>
  async ({ search }) =>
    (await search.findSimilarFiles(query({}), [text], SIMILAR)).files;
const text = (words: string) =>
  page(query({ where: { of: 'text', text: words } }), { sort: 'relevance', descending: true });

/** What is asked, with as many answers in both databases. */
const questions: readonly (readonly [string, Ask])[] = [
  ...SORTS.map(
    (sort) => [`a folder by ${sort}`, page(query({ folderPath: at('/f7'), recursive: false }), { sort })] as const,
  ),
  ...SORTS.map((sort) => [`everything by ${sort}`, page(query({}), { sort, descending: sort === 'size' })] as const),
  ['one scope of many', page(query({ within: [[{ path: at('/f7'), deep: true }]] }), {})],
  [`a word in ${needles} files`, text('needle')],
  [
    `a value of ${needles} files`,
    page(query({ where: { of: 'value', field: 'meta.rare', match: { is: 'equal', text: 'x' } } }), {}),
  ],
  ['a word in all files', page(query({ where: { of: 'text', text: 'photo' } }), {})],
  [`a word with a slip, of ${needles} files`, like('needel')],
  ['a part of a word of all files', like('hot')],
  ['the types of all files', ({ search }) => search.countTypes('demo', [], 100)],
  ['names to suggest', ({ search }) => search.listValues('demo', [], 'name', 'photo', 10)],
];

async function filled(url: string, files: number): Promise<Ports.SqlPorts> {
  const ports = await openSql(url);
  await ports.templates.ensureContainer('demo', 1);
  const database = openDatabase(url, { limits: { statementMsMax: FILL_STATEMENT_MS } });
  await fill(database, { files, folders: files / FILES_PER_FOLDER, gramsOf });
  await database.close();
  return ports;
}

/** Milliseconds of one answer. */
async function time(ask: Ask, ports: Ports.SqlPorts): Promise<number> {
  const began = performance.now();
  const answer = await ask(ports);
  const took = performance.now() - began;
  if (answer.length === 0) throw new Error('nothing was found');
  return took;
}

/** A busy moment makes calls slower, never faster: the first quarter of the sorted times is what the work itself takes. */
function typical(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN;
}

/** Asks both sizes in turn. */
async function compare(name: string, small: string, large: string): Promise<string[][]> {
  const [few, many] = [await filled(small, SMALL), await filled(large, LARGE)];
  const rows: string[][] = [];
  for (const [question, ask] of questions) {
    const [a, b]: [number[], number[]] = [[], []];
    for (let call = 0; call <= CALLS; call += 1) {
      const [first, second] = [await time(ask, few), await time(ask, many)];
      if (call === 0) continue;
      a.push(first);
      b.push(second);
    }
    rows.push([`${name}: ${question}`, figure(typical(a)), figure(typical(b)), ratio(typical(b), typical(a))]);
  }
  await few.close();
  await many.close();
  return rows;
}

const rows = await onDatabases(compare);
await report(import.meta.url, {
  head: ['page of 100 and its total, or another answer', `ms of ${figure(SMALL)}`, `ms of ${figure(LARGE)}`, 'ratio'],
  rows,
});
