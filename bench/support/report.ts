// Where numbers go: to the terminal, and with BENCH_WRITE=1 into RESULTS.md, one section for each question.
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../RESULTS.md', import.meta.url));

/** A table: column heads and rows. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Reports the answer to the question that a file asks in its first line. */
export async function report(moduleUrl: string, table: Table): Promise<void> {
  const file = fileURLToPath(moduleUrl);
  const question = (await readFile(file, 'utf8')).split('\n', 1)[0]?.replace(/^\/\/ */, '') ?? '';
  const name = basename(file, '.ts');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [line(table.head), line(table.head.map((_, n) => (n === 0 ? '---' : '---:'))), ...table.rows.map(line)];
  console.log(`${question}\n\n${lines.join('\n')}`);
  if (process.env['BENCH_WRITE'] !== '1') return;
  const body = `## ${name}\n\n${question}\n\n${circumstances(name)}\n\n${lines.join('\n')}\n`;
  const text = await readFile(RESULTS, 'utf8');
  const [preamble = '', ...sections] = text.split(/^(?=## )/m).map((section) => section.trimEnd());
  const others = sections.filter((section) => !section.startsWith(`## ${name}\n`));
  await writeFile(RESULTS, `${[preamble, ...[...others, body.trimEnd()].sort()].join('\n\n')}\n`);
}

/** Machine, commit and command: without them a number means nothing. */
function circumstances(name: string): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} x ${cpu?.model.trim() || process.arch}, ${memory} GiB, Node ${process.versions.node}`;
  const day = new Date().toISOString().slice(0, 10);
  return `\`npm run bench ${name}\`, commit ${commit}, ${day}, ${machine}.`;
}

/** A number as people read it: 12,345 or 1.23. */
export function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** Two rivals as a ratio of the first to the second. */
export function ratio(ours: number, bare: number): string {
  return `${figure(ours / bare)}x`;
}
