// @ts-check
// Brings a clone to the point where it runs: installs what is missing and builds what is stale. Plain JavaScript without
// packages, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const widget = join(root, 'examples', 'widget');
const consoleFolder = join(root, 'packages', 'console');

/** A step that failed, with everything it printed. */
export class StepFailed extends Error {
  /**
   * @param {string} step
   * @param {string} output
   */
  constructor(step, output) {
    super(`${step} failed`);
    this.step = step;
    this.output = output;
  }
}

/** Ends the process with a clear message when Node is older than package.json asks for. */
export async function requireNode() {
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [major = 0, minor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  const [haveMajor = 0, haveMinor = 0] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  console.error(
    `Latchkey needs Node ${major}.${minor} or newer; this is Node ${process.versions.node}. See https://nodejs.org`,
  );
  process.exit(1);
}

/**
 * Runs a program to its end and answers its exit code and everything it printed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, { cwd = root, env = process.env, timeoutMs = 30 * 60_000 } = {}) {
  return new Promise((resolve) => {
    // What is printed later, or never, needs no colours.
    const child = spawn(command, args, { cwd, env: { ...env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
    /** @type {Buffer[]} */
    const chunks = [];
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\nstopped after ${seconds(timeoutMs)}\n`));
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() });
    });
  });
}

/**
 * A duration for people.
 * @param {number} ms
 */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * Does one step of the set-up and prints one line with its duration.
 * @param {string} step
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 */
async function doStep(step, command, args, options) {
  const startedAt = performance.now();
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new StepFailed(step, output);
  console.log(`  ${step.padEnd(34)} ${seconds(performance.now() - startedAt).padStart(8)}`);
}

/**
 * The path of an installed package's program, to be run by this Node without a shell in between.
 * @param {string} path below the root's node_modules
 */
export function program(path) {
  return join(root, 'node_modules', path);
}

export const TSC = program('typescript/bin/tsc');
export const TSX = program('tsx/dist/cli.mjs');
export const VITE = program('vite/bin/vite.js');
export const VITEST = program('vitest/vitest.mjs');
export const BIOME = program('@biomejs/biome/bin/biome');

/**
 * One hash over the contents of files and folders; what a build makes and what npm installs is left out.
 * @param {readonly string[]} paths absolute
 */
async function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  /** @param {string} path */
  const addFolder = async (path) => {
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'node_modules' || entry.name.startsWith('dist') || entry.name.endsWith('.tsbuildinfo'))
        continue;
      const inner = join(path, entry.name);
      if (entry.isDirectory()) await addFolder(inner);
      else if (entry.isFile())
        hash
          .update(inner.slice(root.length))
          .update('\0')
          .update(await readFile(inner));
    }
  };
  for (const path of paths) {
    if (path.endsWith('.json')) hash.update(await readFile(path));
    else await addFolder(path);
  }
  return hash.digest('hex');
}

/**
 * Does `work` unless it was done for the same inputs and its result is still there. The stamp lies in node_modules, so
 * installing anew forgets it.
 * @param {string} name
 * @param {string} folder whose node_modules keeps the stamp
 * @param {readonly string[]} inputs
 * @param {string} result a path that the work makes
 * @param {() => Promise<void>} work
 */
async function unlessFresh(name, folder, inputs, result, work) {
  const stamp = join(folder, 'node_modules', '.latchkey', name);
  const wanted = await fingerprint(inputs);
  const present = await readFile(stamp, 'utf8').catch(() => undefined);
  if (present === wanted && existsSync(result)) return;
  await work();
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, wanted);
}

/**
 * @param {string} step
 * @param {string} folder
 */
function install(step, folder) {
  return unlessFresh('installed', folder, [join(folder, 'package-lock.json')], join(folder, 'node_modules'), () => {
    // npm describes the running script to its children; an install in another folder must not take that for its own.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name)),
    );
    const args = ['ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'];
    const npm = process.env.npm_execpath;
    return npm?.endsWith('.js')
      ? doStep(step, process.execPath, [npm, ...args], { cwd: folder, env })
      : doStep(step, 'npm', args, { cwd: folder, env });
  });
}

/** The compiler looks for itself what is stale. */
async function buildServer() {
  const packages = ['policy', 'sdk', 'server'].map((name) => join(root, 'packages', name));
  await doStep('build policy, sdk and server', process.execPath, [TSC, '--build', ...packages]);
  const inputs = ['policy/src', 'server/src'].map((folder) => join(root, 'packages', folder));
  const joined = join(root, 'packages/server/dist/latchkey.js');
  await unlessFresh('joined', root, [...inputs, join(root, 'tools'), join(root, 'package-lock.json')], joined, () =>
    doStep('join the server', process.execPath, [join(root, 'tools/join.mjs')]),
  );
}

function buildConsole() {
  const inputs = [consoleFolder, join(root, 'packages/sdk/src'), join(root, 'packages/policy/src')];
  return unlessFresh('console', root, inputs, join(consoleFolder, 'dist/index.html'), () =>
    doStep('build console', process.execPath, [VITE, 'build', '--logLevel', 'warn'], { cwd: consoleFolder }),
  );
}

function buildWidget() {
  return unlessFresh('widget', widget, [widget], join(widget, 'dist/main.js'), () =>
    doStep('build demo page', process.execPath, ['build.mjs'], { cwd: widget }),
  );
}

/**
 * Installs an example that only its own test needs, unless it was done already, and answers its folder.
 * @param {string} name of its folder
 */
export async function installExample(name) {
  const folder = join(root, 'examples', name);
  await install(`install examples/${name}`, folder);
  return folder;
}

/**
 * Installs and builds an example that only its own test needs, unless it was done already.
 * @param {string} name of its folder
 */
export async function buildExample(name) {
  const folder = await installExample(name);
  // Examples with a widget share its page.
  await unlessFresh('built', folder, [folder, widget], join(folder, 'dist/main.js'), () =>
    doStep(`build examples/${name}`, process.execPath, ['build.mjs'], { cwd: folder }),
  );
}

/** Installs and builds whatever is missing or stale. When a step fails, the others end first; then throws StepFailed. */
export async function installAndBuild() {
  await allOf([
    install('install packages', root).then(() => allOf([buildServer(), buildConsole()])),
    install('install the widget of the demo page', widget).then(buildWidget),
  ]);
}

/** @param {readonly Promise<void>[]} steps */
async function allOf(steps) {
  const outcomes = await Promise.allSettled(steps);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const failures = reasons.filter((reason) => reason instanceof StepFailed);
  if (failures.length < reasons.length) throw reasons.find((reason) => !(reason instanceof StepFailed));
  if (failures.length === 0) return;
  throw new StepFailed(failures.map(({ step }) => step).join(', '), failures.map(({ output }) => output).join('\n'));
}

/** Installs and builds whatever is missing or stale, or ends the process with the output of the step that failed. */
export async function setUp() {
  try {
    await installAndBuild();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`\n${error.output}\n${error.message}`);
    process.exit(1);
  }
}
