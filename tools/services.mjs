// @ts-check
// The machine parts that some tests need: servers of their own - PostgreSQL, Valkey or Redis -, a browser, and ffmpeg.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './setup.mjs';

/**
 * A part of the machine: how to find it, and which package brings it.
 * @typedef {object} Part
 * @property {string} name
 * @property {string} apt
 * @property {string | undefined} brew undefined where Homebrew has none
 * @property {() => string | undefined} find the path of the program, or of the folder with the programs
 */

/** @type {Part} */
export const POSTGRESQL = { name: 'PostgreSQL', apt: 'postgresql', brew: 'postgresql@17', find: findPostgresql };
/** @type {Part} */
export const CHROMIUM = { name: 'Chromium', apt: 'chromium', brew: '--cask chromium', find: findChromium };
/** @type {Part} */
export const REDIS = {
  name: 'Valkey or Redis',
  apt: 'redis-server',
  brew: 'valkey',
  find: () => findOnPath(['valkey-server', 'redis-server']),
};
/** The object gateway of Ceph, a real S3 server. @type {Part} */
export const S3 = {
  name: 'an S3 server (the object gateway of Ceph)',
  apt: 'radosgw ceph-mon ceph-osd ceph-common',
  brew: undefined,
  find: () =>
    findOnPath(['ceph-mon']) && findOnPath(['ceph-osd']) && findOnPath(['ceph']) ? findOnPath(['radosgw']) : undefined,
};

/** @type {Part} */
export const FFMPEG = { name: 'ffmpeg', apt: 'ffmpeg', brew: 'ffmpeg', find: () => findOnPath(['ffmpeg']) };

/**
 * @param {readonly string[]} names
 * @returns {string | undefined} the first program of these names on the PATH
 */
function findOnPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** @param {string} folder */
function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Debian and Homebrew keep the server's programs in a folder per version, outside the PATH. */
function findPostgresql() {
  const newestFirst = (/** @type {string} */ a, /** @type {string} */ b) => b.localeCompare(a, 'en', { numeric: true });
  const debian = '/usr/lib/postgresql';
  const brews = ['/opt/homebrew/opt', '/usr/local/opt'];
  const folders = [
    ...list(debian)
      .sort(newestFirst)
      .map((version) => join(debian, version, 'bin')),
    ...brews.flatMap((brew) =>
      list(brew)
        .filter((name) => name.startsWith('postgresql'))
        .sort(newestFirst)
        .map((name) => join(brew, name, 'bin')),
    ),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find(
    (folder) => folder !== '' && existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl')),
  );
}

function findChromium() {
  const asked = process.env.LATCHKEY_TEST_CHROMIUM;
  if (asked !== undefined && asked !== '') return asked;
  const apps = ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  return findOnPath(['chromium', 'chromium-browser', 'google-chrome']) ?? apps.find((path) => existsSync(path));
}

/**
 * The command that installs a part on this machine.
 * @param {Part} part
 */
export function installCommand(part) {
  if (process.platform !== 'darwin') return `sudo apt-get install ${part.apt}`;
  return part.brew === undefined ? 'a Debian machine: there is no package for this one' : `brew install ${part.brew}`;
}

/**
 * Installs parts with the machine's package manager and without questions. Answers what it printed when it failed.
 * @param {readonly Part[]} parts
 * @returns {Promise<string | undefined>}
 */
export async function installParts(parts) {
  if (process.platform === 'darwin') {
    for (const part of parts) {
      if (part.brew === undefined) continue;
      const { code, output } = await run('brew', ['install', ...part.brew.split(' ')]);
      if (code !== 0) return output;
    }
    return undefined;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const isRoot = process.getuid?.() === 0;
  /** @param {readonly string[]} args */
  const apt = (args) =>
    isRoot ? run('apt-get', args, { env }) : run('sudo', ['-n', '-E', 'apt-get', ...args], { env });
  const packages = parts.flatMap((part) => part.apt.split(' '));
  let output = '';
  // Mirrors fail for moments; a list fetched again cures an index that changed under way.
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await apt(['update', '-q']);
    const installed = await apt(['install', '-y', '-q', '--no-install-recommends', ...packages]);
    if (installed.code === 0) return undefined;
    output = installed.output;
  }
  return output;
}

/** Below the ports that systems give to outgoing connections, so that none of those can take it before a server does. */
const PORT_FIRST = 20_000;
const PORT_LAST = 31_999;

/** A port that nobody listens on at this moment, by chance: whoever asks next gets another one. @returns {Promise<number>} */
export async function freePort() {
  for (;;) {
    const port = randomInt(PORT_FIRST, PORT_LAST + 1);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/**
 * Starts a PostgreSQL server of our own in a temporary folder, reachable from this machine only. Unless it is to be durable it
 * gives that up for speed: nothing in it outlives the tests. `kill` ends all of its processes at once (SIGKILL), as a power
 * cut does; `restart` starts it again on the same data and port.
 * @param {string} bin the folder with initdb and pg_ctl
 * @param {{ durable?: boolean }} [options]
 * @returns {Promise<{ url: string, stop: () => Promise<void>, kill: () => Promise<void>, restart: () => Promise<void> }>}
 */
export async function startPostgresql(bin, { durable = false } = {}) {
  // The server refuses to run as root; Debian's package brings the user it wants.
  const asRoot = process.getuid?.() === 0;
  /** @param {string} name @param {readonly string[]} args */
  const pg = async (name, args) => {
    const path = join(bin, name);
    const { code, output } = await (asRoot
      ? run('runuser', ['-u', 'postgres', '--', path, ...args], { cwd: tmpdir() })
      : run(path, args, { cwd: tmpdir() }));
    if (code !== 0) throw new Error(`${name}: ${output}`);
  };
  // Short, because the path of a socket may not be longer than about a hundred characters.
  const folder = await mkdtemp(join(process.platform === 'darwin' ? '/tmp' : tmpdir(), 'latchkey-pg-'));
  if (asRoot) {
    const { code, output } = await run('chown', ['postgres', folder]);
    if (code !== 0) throw new Error(output);
  }
  await chmod(folder, 0o700);
  const data = join(folder, 'data');
  const port = await freePort();
  await pg('initdb', ['-D', data, '-U', 'latchkey', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    port: String(port),
    fsync: durable ? 'on' : 'off',
    max_connections: '200',
  };
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
  const restart = () => pg('pg_ctl', ['-D', data, '-w', '-t', '60', '-l', join(folder, 'log'), '-o', options, 'start']);
  await restart();
  const stop = async () => {
    await pg('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']).catch((error) => console.error(String(error)));
    await rm(folder, { recursive: true, force: true });
  };
  const kill = async () => {
    const first = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    // Each of its processes is in a group of its own: they are found by their parent.
    const { output } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
    const pairs = output.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    const children = pairs.flatMap(([pid, parent]) => (parent === first && pid !== undefined ? [pid] : []));
    for (const pid of [first, ...children]) end(pid);
    for (let attempt = 0; attempt < 200 && [first, ...children].some(isAlive); attempt += 1) {
      await new Promise((resume) => setTimeout(resume, 25));
    }
  };
  try {
    await pg('createdb', ['-h', '127.0.0.1', '-p', String(port), '-U', 'latchkey', 'latchkey']);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres://latchkey@127.0.0.1:${port}/latchkey`, stop, kill, restart };
}

/** Ends a process as a power cut does; one that has ended already is no fault. @param {number} pid */
function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a Valkey or Redis server of our own on a port of this machine. Unless it is to be durable it writes nothing to disk. `kill`
 * ends it as a power cut does; `restart` starts it again on the same data and port.
 * @param {string} program
 * @param {{ port?: number, durable?: boolean, settings?: readonly string[], sentinel?: string }} [options] a free port unless one is
 *   given; more settings of its command line; with the configuration of a sentinel it is one
 * @returns {Promise<{ url: string, port: number, readonly pid: number, stop: () => Promise<void>, kill: () => Promise<void>,
 *   restart: () => Promise<void> }>}
 */
export async function startRedis(program, { port, durable = false, settings = [], sentinel } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-redis-'));
  const chosen = port ?? (await freePort());
  const append = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const args = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', ...append, '--dir', folder, ...settings];
  if (sentinel !== undefined) {
    // It keeps what it learns in this file.
    await writeFile(join(folder, 'sentinel.conf'), sentinel);
    args.unshift(join(folder, 'sentinel.conf'), '--sentinel');
  }
  let pid = 0;
  let kill = async () => {};
  const start = async () => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    /** @type {Buffer[]} */
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    const ended = new Promise((resolve) => {
      child.once('close', resolve);
      child.once('error', (error) => {
        output.push(Buffer.from(error.message));
        resolve(undefined);
      });
    });
    pid = child.pid ?? 0;
    kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
      if (await answers(chosen)) return;
      await new Promise((resume) => setTimeout(resume, 50));
    }
    await kill();
    throw new Error(Buffer.concat(output).toString());
  };
  const stop = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    get pid() {
      return pid;
    },
    stop,
    kill: () => kill(),
    restart: start,
  };
}

/** Whether somebody listens on the port. @param {number} port @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
