// Tests the import fences themselves: plants forbidden imports in a temporary copy and expects every one to be reported by
// its rule, allowed ones to pass, and the copy to be clean otherwise. A fence that has gone blind looks like clean code.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A file with one fault (or, without a rule, with none), and the rule that must report it. */
interface Plant {
  readonly folder: string;
  readonly code: string;
  readonly rule?: string;
  /** For a fence around a single file, which the plant then stands in for. */
  readonly name?: string;
}

const IMPORTS = 'lint/style/noRestrictedImports';
const UNDECLARED = 'lint/correctness/noUndeclaredDependencies';
const BUILTIN = 'lint/correctness/noNodejsModules';
const GLOBALS = 'lint/style/noRestrictedGlobals';
const CYCLES = 'lint/suspicious/noImportCycles';
const ENVIRONMENT = 'lint/style/noProcessEnv';
const FENCES = new Set([IMPORTS, UNDECLARED, BUILTIN, GLOBALS, CYCLES, ENVIRONMENT]);

const uses = (specifier: string) => `import * as x from '${specifier}';\nexport const y = x;\n`;
const usesType = (specifier: string) => `import type { X } from '${specifier}';\nexport type Y = X;\n`;
const policy = 'packages/policy/src';
const sdk = 'packages/sdk/src';
const server = 'packages/server/src';

const PLANTS: readonly Plant[] = [
  { folder: policy, code: uses('zod'), rule: IMPORTS },
  { folder: policy, code: uses('zod'), rule: UNDECLARED },
  { folder: policy, code: uses('node:crypto'), rule: BUILTIN },
  { folder: policy, code: uses('../../server/src/errors.ts'), rule: IMPORTS },
  { folder: policy, code: "export const y = () => import('../../sdk/src/keys.ts');\n", rule: IMPORTS },
  { folder: policy, code: "export { y } from '../../sdk/src/keys.ts';\n", rule: IMPORTS },
  { folder: policy, code: 'export const y = () => Date.now();\n', rule: GLOBALS },
  { folder: policy, code: 'export const y = () => new Date(0);\n', rule: GLOBALS },
  { folder: policy, code: "export const y = () => fetch('https://example.com');\n", rule: GLOBALS },
  { folder: policy, code: 'export const y = () => globalThis.crypto;\n', rule: GLOBALS },
  { folder: policy, code: 'export const y = () => process.pid;\n', rule: GLOBALS },
  { folder: policy, code: usesType('./path.ts') },

  { folder: sdk, code: uses('node:fs'), rule: BUILTIN },
  { folder: sdk, code: uses('@latchkey/policy'), rule: UNDECLARED },
  { folder: sdk, code: uses('tus-js-client'), rule: IMPORTS },
  { folder: sdk, code: usesType('../../server/src/errors.ts'), rule: IMPORTS },
  { folder: sdk, code: usesType('@latchkey/policy') },

  { folder: server, name: 'errors', code: usesType('./http/facts.ts'), rule: IMPORTS },
  { folder: server, name: 'grant', code: usesType('./guard/guard.ts'), rule: IMPORTS },
  { folder: server, name: 'config', code: usesType('./http/app.ts'), rule: IMPORTS },

  { folder: `${server}/ports`, code: usesType('../adapters/sql/database.ts'), rule: IMPORTS },
  { folder: `${server}/ports`, code: usesType('../guard/guard.ts'), rule: IMPORTS },
  { folder: `${server}/ports`, code: usesType('fastify'), rule: IMPORTS },
  { folder: `${server}/ports`, code: usesType('@latchkey/policy') },

  { folder: `${server}/guard`, code: uses('../http/facts.ts'), rule: IMPORTS },
  { folder: `${server}/guard`, code: uses('../operations/files.ts'), rule: IMPORTS },
  { folder: `${server}/guard`, code: uses('../adapters/memory/counters.ts'), rule: IMPORTS },
  { folder: `${server}/guard`, code: uses('node:fs'), rule: IMPORTS },
  { folder: `${server}/guard`, code: uses('../grant.ts') },

  { folder: `${server}/operations`, code: uses('../adapters/sql/metadata.ts'), rule: IMPORTS },
  { folder: `${server}/operations`, code: uses('../guard/guard.ts'), rule: IMPORTS },
  { folder: `${server}/operations`, code: usesType('fastify'), rule: IMPORTS },
  { folder: `${server}/operations`, code: uses('zod'), rule: IMPORTS },
  { folder: `${server}/operations`, code: 'export const y = () => process.env.HOME;\n', rule: ENVIRONMENT },
  { folder: `${server}/operations`, code: usesType('../ports/index.ts') },

  { folder: `${server}/http`, code: uses('../adapters/disk/blobs.ts'), rule: IMPORTS },
  { folder: `${server}/http`, code: uses('../compose.ts'), rule: IMPORTS },
  { folder: `${server}/http`, code: uses('kysely'), rule: IMPORTS },
  { folder: `${server}/http`, code: uses('left-pad'), rule: UNDECLARED },
  { folder: `${server}/http`, code: uses('../operations/files.ts') },

  { folder: `${server}/adapters/disk`, code: uses('../sql/database.ts'), rule: IMPORTS },
  { folder: `${server}/adapters/disk`, code: uses('../../guard/guard.ts'), rule: IMPORTS },
  { folder: `${server}/adapters/disk`, code: uses('../../config.ts'), rule: IMPORTS },
  { folder: `${server}/adapters/disk`, code: uses('@fastify/multipart'), rule: IMPORTS },
  { folder: `${server}/adapters/disk`, code: uses('../../errors.ts') },
  { folder: `${server}/adapters/disk`, code: usesType('../../ports/blobs.ts') },

  { folder: 'packages/server/contract', code: uses('vitest'), rule: IMPORTS },
  { folder: 'packages/server/contract', code: uses('../src/adapters/memory/counters.ts'), rule: IMPORTS },
  { folder: 'packages/server/contract', code: uses('node:assert/strict') },

  { folder: 'packages/console/src', code: uses('@latchkey/server'), rule: IMPORTS },
  { folder: 'packages/console/src', code: uses('../../server/src/errors.ts'), rule: IMPORTS },
  { folder: 'packages/console/src', code: uses('@latchkey/sdk') },

  { folder: 'conformance', code: uses('../packages/server/src/http/app.ts'), rule: IMPORTS },
  { folder: 'conformance', code: uses('@latchkey/policy'), rule: IMPORTS },
  { folder: 'e2e', code: uses('../packages/sdk/src/index.ts'), rule: IMPORTS },
  { folder: 'examples/widget', code: uses('../../packages/sdk/src/index.ts'), rule: IMPORTS },
];

/** Biome's JSON report; only what is read here. */
interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly message: string;
    readonly location: { readonly path: string };
  }[];
}

const copy = mkdtempSync(join(tmpdir(), 'latchkey-fences-'));
try {
  for (const path of ['biome.json', 'package.json', 'packages', 'conformance', 'e2e', 'examples']) {
    cpSync(join(root, path), join(copy, path), {
      recursive: true,
      filter: (source) => !/^(node_modules|dist.*|data|vectors|corpora)$/.test(basename(source)),
    });
  }
  const planted = new Map<string, Plant>();
  const plant = (name: string, what: Plant) => {
    const path = `${what.folder}/${name}.ts`;
    mkdirSync(join(copy, what.folder), { recursive: true });
    writeFileSync(join(copy, path), what.code);
    planted.set(path, what);
  };
  for (const [index, what] of PLANTS.entries()) plant(what.name ?? `planted-${index}`, what);
  plant('planted-cycle-a', { folder: server, code: uses('./planted-cycle-b.ts'), rule: CYCLES });
  plant('planted-cycle-b', { folder: server, code: uses('./planted-cycle-a.ts'), rule: CYCLES });

  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '--colors=off', '.'];
  const { stdout, stderr } = spawnSync(process.execPath, [biome, ...args], {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  let report: Report;
  try {
    report = JSON.parse(stdout);
  } catch {
    throw new Error(`Biome gave no report:\n${stderr}${stdout}`);
  }

  const fences = report.diagnostics.filter(({ category }) => FENCES.has(category));
  const faults: string[] = [];
  for (const [path, { code, rule }] of planted) {
    const seen = fences.filter(({ location }) => location.path === path).map(({ category }) => category);
    if (rule === undefined && seen.length > 0) faults.push(`allowed, but reported by ${seen}: ${path}\n${code}`);
    if (rule !== undefined && !seen.includes(rule)) faults.push(`not reported by ${rule}: ${path}\n${code}`);
  }
  for (const { category, message, location } of fences) {
    if (!planted.has(location.path)) faults.push(`${location.path}: ${category}: ${message}`);
  }
  if (faults.length > 0) {
    console.error(faults.join('\n'));
    process.exitCode = 1;
  } else {
    const forbidden = [...planted.values()].filter(({ rule }) => rule !== undefined).length;
    console.log(`${forbidden} forbidden imports reported, ${planted.size - forbidden} allowed ones accepted`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
