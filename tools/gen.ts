// Writes what is derived from the tables in the code: the reference pages and the error codes of the browser library.
// With --check it writes nothing and fails when a file differs from what it would write.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OperationName } from '../packages/policy/src/permission.ts';
import {
  OPERATIONS,
  PERMISSION_ALIASES,
  PERMISSIONS,
  PRESETS,
  SEED_PERMISSIONS,
} from '../packages/policy/src/permission.ts';
import { SETTINGS } from '../packages/server/src/config.ts';
import type { ErrorRow } from '../packages/server/src/errors.ts';
import { ERRORS } from '../packages/server/src/errors.ts';
import { ROUTES } from '../packages/server/src/http/routes.ts';
import { METRICS } from '../packages/server/src/ports/meter.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A generated file: its path from the root, the source to name in its first line, and its content. */
interface Generated {
  readonly path: string;
  readonly source: string;
  render(): string;
}

const GENERATED: readonly Generated[] = [
  { path: 'docs/reference/errors.md', source: 'packages/server/src/errors.ts', render: errorsPage },
  { path: 'docs/reference/permissions.md', source: 'packages/policy/src/permission.ts', render: permissionsPage },
  { path: 'docs/reference/config.md', source: 'packages/server/src/config.ts', render: configPage },
  { path: 'docs/reference/metrics.md', source: 'packages/server/src/ports/meter.ts', render: metricsPage },
  { path: 'docs/reference/api.md', source: 'packages/server/src/http/routes.ts', render: apiPage },
  { path: 'packages/sdk/src/codes.ts', source: 'packages/server/src/errors.ts', render: sdkCodes },
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text: string) => `\`${text}\``;
const codes = (texts: readonly string[]) => texts.map(code).join(', ');

function errorsPage(): string {
  const rows = Object.entries<ErrorRow>(ERRORS)
    .sort(([, a], [, b]) => a.status - b.status)
    .map(([name, row]) => {
      const headers = [row.challenge && 'WWW-Authenticate', row.retry && 'Retry-After'].filter((h) => h !== undefined);
      return [code(name), String(row.status), row.msg, row.hint, codes(headers)];
    });
  return `# Errors

Every refusal and failure is JSON with the same members. \`code\` is stable: one code has one cause, and codes are never
renamed or used again. The words of \`msg\` and \`hint\` are for people and may improve.

\`\`\`json
{
  "status": "error",
  "code": "SCOPE_DENIED",
  "msg": "${ERRORS.SCOPE_DENIED.msg}",
  "hint": "${ERRORS.SCOPE_DENIED.hint}",
  "rule": "scope",
  "request_id": "4f1c…"
}
\`\`\`

\`rule\`, \`limit\` and \`actual\` are present where the caller may know them, \`faults\` (\`field\`, \`code\`, \`message\`)
where a document was refused, and \`decision\` with the trace of all rules for admins. 401 means "we do not know you",
403 "we know you, and no", 404 "you may not even know whether it is there", 429 "later will work", 503 "ours, and
temporary".

${table(['code', 'HTTP', 'message', 'hint', 'headers'], rows)}
`;
}

function permissionsPage(): string {
  const operations = Object.entries(OPERATIONS);
  const opens = (permission: string) =>
    operations
      .filter(([, row]) => Array.isArray(row.permissions) && row.permissions.includes(permission))
      .map(([name]) => name);
  const seed = new Set<string>(SEED_PERMISSIONS);
  const needs = (permissions: (typeof OPERATIONS)[OperationName]['permissions']) => {
    if (permissions === 'none') return 'none';
    return permissions === 'any' ? 'any one' : permissions.map(code).join(' or ');
  };
  return `# Permissions and operations

A security template lists permissions; nothing is implied, and a permission that a later release adds is never granted to
a stored template. Any one of the permissions in its row opens an operation to a key; where, how often and until when is for the
folder scopes, the limits and the other [rules](../explanation/decision.md) to say. In a folder with [access entries](../how-to/access-entries.md)
the person behind the key needs a role that has the permission too.

## Permissions

${table(
  ['permission', 'opens', 'first generation'],
  PERMISSIONS.map((permission) => [code(permission), codes(opens(permission)), seed.has(permission) ? 'yes' : '']),
)}

These misspellings of published documentation are accepted when a template is saved and written correctly:
${Object.entries(PERMISSION_ALIASES)
  .map(([alias, name]) => `${code(alias)} as ${code(name)}`)
  .join(', ')}.

## Presets

${table(
  ['preset', 'what it is for', 'permissions'],
  PRESETS.map((preset) => [preset.title, preset.description, codes(preset.permissions)]),
)}

## Operations

"Counted" names the limits that count the operation, "scope" the folder scope its targets must lie in; operations on a
tree need every folder below the target in scope too.

${table(
  ['operation', 'what it does', 'needs', 'scope', 'counted', 'open to'],
  operations.map(([name, row]) => [
    code(name),
    row.summary,
    needs(row.permissions),
    row.scope === 'none' ? '' : row.scope + (row.tree ? ', whole tree' : ''),
    row.limit === 'none' ? '' : row.limit,
    row.bearers.join(', '),
  ]),
)}
`;
}

function configPage(): string {
  return `# Settings

Nothing needs to be set. What is set comes, later ones winning, from a JSON file named by \`--config\` or
\`LATCHKEY_CONFIG\`, from the environment, and from flags: \`LATCHKEY_DATA_DIR\` is \`--data-dir\`, \`PORT\` is \`--port\`.
Any name of the environment may end in \`_FILE\` to read the value from a file, for secrets. Unknown \`LATCHKEY_\` names and
all other faults are listed together before the process gives up. [Traces](../how-to/operate.md#traces) are set up by the standard
\`OTEL_\` variables.

${table(
  ['setting', 'default', 'meaning'],
  SETTINGS.map((setting) => [code(setting.name), setting.default, setting.description]),
)}
`;
}

function metricsPage(): string {
  return `# Metrics

In the Prometheus text format at \`/metrics\`; [who may read them](../how-to/operate.md#metrics) is a setting. Every label has few
values that are known beforehand. Beside these there are the usual numbers about the process: \`process_*\` and \`nodejs_*\`.

${table(
  ['metric', 'kind', 'labels', 'meaning'],
  Object.values(METRICS).map(({ name, kind, labels, help }) => [code(name), kind, codes(labels), help]),
)}
`;
}

function apiPage(): string {
  const groups = new Map<string, (readonly string[])[]>();
  for (const route of ROUTES) {
    const noun = route.operations[0]?.split('.')[0] ?? 'other';
    const rows = groups.get(noun) ?? [];
    rows.push([code(route.method), route.paths.map(code).join('<br>'), route.summary, codes(route.operations)]);
    groups.set(noun, rows);
  }
  const sections = [...groups].map(
    ([noun, rows]) => `## ${noun}\n\n${table(['method', 'paths', 'what it does', 'operations'], rows)}`,
  );
  return `# HTTP API

Paths stand below \`/{container}\`; \`{v}\` is \`v3\`, \`v4\` or \`v5\`, and \`{v?}\` also works without a version. Several paths in a
row are aliases. The operations say what a key needs: see [permissions](permissions.md). Refusals are listed in
[errors](errors.md).

${sections.join('\n\n')}

## Outside a container

${table(
  ['method', 'path', 'what it does'],
  [
    ['`GET`', '`/health/live`', 'The process runs.'],
    [
      '`GET`',
      '`/health/ready`',
      'Every part that it needs answers; 503 names the one that does not, or that the process ends.',
    ],
    [
      '`GET`',
      '`/metrics`',
      'Numbers in the Prometheus text format, for whoever has the token: see [metrics](metrics.md).',
    ],
    ['`GET`', '`/console/`', 'The console.'],
    [
      '`POST`, `GET`, `DELETE`',
      '`/console/session`',
      'Sign in with `{token}` or `{admin_key}`, ask who is signed in, sign out.',
    ],
    ['`GET`', '`/demo/`, `/demo/plain.html`', 'The demo pages.'],
  ],
)}
`;
}

function sdkCodes(): string {
  const union = Object.keys(ERRORS)
    .sort()
    .map((name) => `  | '${name}'`);
  return `/** Every code that the service may answer with. */\nexport type ErrorCode =\n${union.join('\n')};\n`;
}

const check = process.argv.includes('--check');
const stale: string[] = [];
for (const { path, source, render } of GENERATED) {
  const note = `Generated by tools/gen.ts from ${source}; do not edit.`;
  const content = `${path.endsWith('.md') ? `<!-- ${note} -->` : `// ${note}`}\n${render()}`;
  const file = join(root, path);
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present === content) continue;
  stale.push(path);
  if (!check) await writeFile(file, content);
}
if (check && stale.length > 0) {
  console.error(
    `Generated files differ from their source; run npm run gen:\n${stale.map((path) => `  ${path}`).join('\n')}`,
  );
  process.exit(1);
}
console.log(check ? `${GENERATED.length} generated files are current` : `${stale.length} files written`);
