// Keeps the documentation true where a machine can tell: links resolve, every page can be reached, and a snippet marked with
// the file it shows equals that file, which other tests run.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Markdown files of the project, as paths from the root. */
function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist.*|\..*|data)$/.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const FENCE = /^```.*?^```$/gms;
const COMMENT = /<!--.*?-->/gs;

/** Anchors of a page: its headings, in the way that code hosts make them. */
function anchors(path: string): Set<string> {
  const text = readFileSync(join(root, path), 'utf8').replace(FENCE, '');
  const headings = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(headings);
}

const faults: string[] = [];
const files = markdownFiles('.');
const linked = new Set<string>();
let links = 0;
let snippets = 0;

for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');

  const prose = text.replace(FENCE, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(([, a, b]) => a ?? b ?? '');
  for (const target of targets) {
    if (/^[a-z]+:/.test(target)) continue;
    links += 1;
    const [path = '', anchor] = target.split('#');
    const to = path === '' ? file : normalize(join(dirname(file), decodeURIComponent(path)));
    if (to.startsWith('..') || !existsSync(join(root, to))) {
      faults.push(`${file}: ${target} leads nowhere`);
      continue;
    }
    linked.add(statSync(join(root, to)).isDirectory() ? join(to, 'README.md') : to);
    if (anchor !== undefined && to.endsWith('.md') && !anchors(to).has(anchor)) {
      faults.push(`${file}: ${target} names no heading of ${to}`);
    }
  }

  for (const [, shown = '', snippet = ''] of text.matchAll(/<!-- file: (\S+) -->\n+```\w*\n(.*?)^```$/gms)) {
    snippets += 1;
    const source = existsSync(join(root, shown)) ? readFileSync(join(root, shown), 'utf8') : undefined;
    if (source === undefined) faults.push(`${file}: shows ${shown}, which does not exist`);
    else if (source.trimEnd() !== snippet.trimEnd()) faults.push(`${file}: its copy of ${shown} differs from the file`);
  }
  const marked = [...text.matchAll(COMMENT)].filter(([comment]) => comment.startsWith('<!-- file:')).length;
  const paired = [...text.matchAll(/<!-- file: \S+ -->\n+```/g)].length;
  if (marked !== paired) faults.push(`${file}: a "file:" comment has no snippet after it`);
}

for (const file of files) {
  if (file.startsWith('docs/') && file !== 'docs/README.md' && !linked.has(file)) {
    faults.push(`${file}: no page links to it`);
  }
}

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
} else {
  console.log(`${files.length} pages, ${links} links, ${snippets} snippets`);
}
