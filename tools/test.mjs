// @ts-check
// `npm test`: sets up the clone and the machine, runs every check and every kind of test, and ends with one line that
// counts. With CI=true a missing part of the machine is installed, and one that stays missing is a failure.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { runChecks } from './check.mjs';
import { layoutOf } from './layouts.mjs';
import { startS3 } from './s3-server.mjs';
import {
  CHROMIUM,
  FFMPEG,
  freePort,
  installCommand,
  installParts,
  POSTGRESQL,
  REDIS,
  S3,
  startPostgresql,
  startRedis,
} from './services.mjs';
import { installAndBuild, requireNode, run, StepFailed, seconds, VITEST } from './setup.mjs';

const isCi = process.env.CI === 'true';
const isFast = process.argv.includes('--fast');
const layout = layoutOf(process.argv.find((argument) => argument.startsWith('--layout='))?.slice('--layout='.length));
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const tally = { passed: 0, failed: 0 };
/** Files that take longer are named: they decide how long a run takes. */
const SLOW_FILE_MS = 45_000;

/**
 * What Vitest's JSON report says of one project; only what is counted and shown.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {{ name: string, status: string, message: string, startTime: number, endTime: number, assertionResults: { fullName: string, status: string, failureMessages: string[] }[] }[]} testResults
 */

/** @param {string} text */
function fail(text) {
  tally.failed += 1;
  console.log(text);
}

/**
 * Answers the parts that are there. What is missing is installed in CI and named elsewhere.
 * @param {readonly import('./services.mjs').Part[]} wanted
 */
async function provide(wanted) {
  const missing = wanted.filter((part) => part.find() === undefined);
  if (missing.length > 0 && isCi) {
    const startedAt = performance.now();
    const failure = await installParts(missing);
    if (failure !== undefined) console.log(failure);
    console.log(`  ${'install parts of the machine'.padEnd(34)} ${seconds(performance.now() - startedAt).padStart(8)}`);
  }
  return wanted.filter((part) => {
    if (part.find() !== undefined) return true;
    const text = `${part.name} is missing. Install it with: ${installCommand(part)}`;
    if (isCi) fail(text);
    else console.log(`${text} (tests that need it are left out)`);
    return false;
  });
}

/**
 * Runs one Vitest project, or the files of it whose paths begin as given, and counts its tests. A file that does not load, a
 * run that ends badly without a failed test, and a project without any test count as one failure each.
 * @param {string} project
 * @param {Record<string, string | undefined>} env
 * @param {readonly string[]} [files]
 */
async function runProject(project, env, files = []) {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  const file = join(folder, 'report.json');
  const { code, output } = await run(
    process.execPath,
    [VITEST, 'run', '--project', project, ...files, '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`],
    { env },
  );
  /** @type {Report} */
  const report = await readFile(file, 'utf8').then(JSON.parse, () => ({
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    testResults: [],
  }));
  await rm(folder, { recursive: true, force: true });

  const { numPassedTests: passed, numPendingTests: skipped } = report;
  const unloaded = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  let failed = report.numFailedTests + unloaded.length;
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  tally.passed += passed;
  tally.failed += failed;

  const duration = seconds(performance.now() - startedAt).padStart(8);
  const counts = [`${passed} passed`, failed > 0 && `${failed} FAILED`, skipped > 0 && `${skipped} skipped`];
  const on = env.LATCHKEY_TEST_LAYOUT === undefined ? '' : ` on ${env.LATCHKEY_TEST_LAYOUT}`;
  console.log(`  ${`test: ${project}${on}`.padEnd(34)} ${duration}  ${counts.filter(Boolean).join(', ')}`);
  const slowest = report.testResults
    .map(({ name, startTime, endTime }) => ({ name: basename(name), ms: endTime - startTime }))
    .filter(({ ms }) => ms > SLOW_FILE_MS)
    .sort((a, b) => b.ms - a.ms);
  for (const { name, ms } of slowest) console.log(`    ${name.padEnd(32)} ${seconds(ms).padStart(8)}`);
  if (failed > 0) console.log(output.trimEnd());
}

/**
 * @param {readonly string[]} projects
 * @param {Record<string, string | undefined>} env
 */
async function runProjects(projects, env) {
  for (const project of projects) {
    if (asked.length === 0 || asked.includes(project)) await runProject(project, env);
  }
}

/**
 * The files that run in any layout. The other conformance tests, `uppy.test.ts` and `store-downloads.test.ts` choose their own stores and nodes, `policy.test.ts`
 * needs none; they run once, without a layout.
 */
const ANYWHERE = {
  api: [],
  conformance: ['conformance/section-', 'conformance/keys'],
  e2e: ['console', 'image-editor', 'outsiders', 'plain-fetch', 'widget'].map((name) => `e2e/${name}`),
};

/**
 * What every run tries on three nodes besides: the documented behaviour, and the published widget's uploads. All that runs in
 * a layout is run by `npm test -- --layout=nodes3`.
 */
const ALWAYS = { conformance: ANYWHERE.conformance, e2e: ['e2e/plain-fetch', 'e2e/widget-uploads'] };

async function check() {
  if (asked.length > 0 && !asked.includes('check')) return;
  const { passed, failed } = await runChecks();
  tally.passed += passed;
  tally.failed += failed;
}

/**
 * Runs files in a layout.
 * @param {import('./layouts.mjs').Layout} name
 * @param {Partial<typeof ANYWHERE>} files
 * @param {boolean} hasBrowser
 */
async function runLayout(name, files, hasBrowser) {
  const projects = Object.entries(files).filter(
    ([project]) => (project !== 'e2e' || hasBrowser) && (asked.length === 0 || asked.includes(project)),
  );
  for (const [project, some] of projects) {
    await runProject(project, { ...env, LATCHKEY_TEST_LAYOUT: name }, some);
  }
}

const startedAt = performance.now();
await requireNode();
await installAndBuild().catch((error) => {
  // What does not need the failed step still tells more than nothing would.
  if (error instanceof StepFailed) fail(`${error.output}\n${error.message}`);
  else throw error;
});

/** @type {Record<string, string | undefined>} */
const env = { ...process.env };
/** The servers that were started for this run. @type {{ stop: () => Promise<void> }[]} */
const servers = [];
const stop = async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
};
/**
 * Starts a server when its program is there and hands its address to the tests.
 * @param {import('./services.mjs').Part} part
 * @param {string} variable
 * @param {(program: string) => Promise<{ url: string, stop: () => Promise<void> }>} start
 */
async function serve(part, variable, start) {
  const program = part.find();
  if (program === undefined) return;
  try {
    const server = await start(program);
    servers.push(server);
    env[variable] = server.url;
  } catch (error) {
    fail(`${part.name} did not start: ${error instanceof Error ? error.message : error}`);
  }
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => void stop().finally(() => process.exit(130)));
}

try {
  const parts = isFast ? [] : await provide([POSTGRESQL, REDIS, S3, CHROMIUM, FFMPEG]);
  if (parts.includes(POSTGRESQL)) await serve(POSTGRESQL, 'LATCHKEY_TEST_POSTGRES_URL', startPostgresql);
  if (parts.includes(REDIS)) await serve(REDIS, 'LATCHKEY_TEST_REDIS_URL', startRedis);
  if (parts.includes(S3)) await serve(S3, 'LATCHKEY_TEST_S3_URL', () => startS3(freePort));
  const chromium = parts.includes(CHROMIUM) ? CHROMIUM.find() : undefined;
  if (chromium !== undefined) env.LATCHKEY_TEST_CHROMIUM = chromium;

  if (layout !== 'embedded') {
    await runLayout(layout, ANYWHERE, chromium !== undefined);
  } else {
    // Checks share the cores with quick tests, and tests that kill servers with those that wait for pages.
    await Promise.all([check(), runProjects(['unit', 'property', ...(isFast ? ['api'] : [])], env)]);
    if (!isFast) {
      await runProjects(['contract', 'api'], env);
      const hasEngines = [POSTGRESQL, REDIS, S3].every((part) => parts.includes(part));
      const pages = async () => {
        if (chromium !== undefined) await runProjects(['e2e'], env);
        if (asked.length === 0 && hasEngines) await runLayout('nodes3', ALWAYS, chromium !== undefined);
      };
      await Promise.all([runProjects(['conformance'], env), pages()]);
    }
  }
} finally {
  await stop();
}

console.log(`  ${'in all'.padEnd(34)} ${seconds(performance.now() - startedAt).padStart(8)}`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
