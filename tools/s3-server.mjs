// @ts-check
// An S3 server of the tests' own: the object gateway of Ceph over a storage daemon that keeps everything in memory, on loopback only.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './setup.mjs';

const ACCESS = 'TESTKEY';
const SECRET = 'TESTSECRET';

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
async function must(program, args) {
  const { code, output } = await run(program, args, { cwd: tmpdir(), timeoutMs: 60_000 });
  if (code !== 0) throw new Error(`${program}: ${output}`);
  return output;
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} isSo
 */
async function until(what, isSo) {
  for (let attempt = 0; attempt < 240; attempt += 1) {
    if (await isSo()) return;
    await new Promise((resume) => setTimeout(resume, 250));
  }
  throw new Error(`${what} did not happen within a minute`);
}

/** One monitor, one storage daemon in memory, one gateway; nothing is replicated. @param {string} folder @param {{ mon: readonly [number, number], gateway: number }} ports */
function configuration(folder, ports) {
  return `[global]
fsid = ${randomUUID()}
mon host = [v2:127.0.0.1:${ports.mon[0]},v1:127.0.0.1:${ports.mon[1]}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${folder}/keyring
run dir = ${folder}
pid file = ${folder}/$name.pid
admin socket = ${folder}/$name.asok
log file = ${folder}/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 2
mon data avail crit = 1
[mon.a]
mon data = ${folder}/mon
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd crush update on start = false
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${ports.gateway}
`;
}

/**
 * Starts the server and makes a bucket address of it: an \`s3://\` URL in which only the bucket is to be filled in. `kill` ends the gateway,
 * which is the server that clients talk to (SIGKILL), and `restart` starts it again; `freeze` stops it, so that it takes connections and says
 * nothing (SIGSTOP), and `thaw` lets it go on; the daemon behind it, which holds the objects in memory, goes on.
 * @param {() => Promise<number>} freePort
 * @returns {Promise<{ url: string, pid: number, stop: () => Promise<void>, kill: () => Promise<void>, restart: () => Promise<void>,
 *   freeze: () => Promise<void>, thaw: () => Promise<void> }>}
 */
export async function startS3(freePort) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-s3-'));
  const stop = async () => {
    for (const name of ['client.rgw', 'osd.0', 'mon.a']) {
      const file = join(folder, `${name}.pid`);
      if (!existsSync(file)) continue;
      try {
        process.kill(Number(await readFile(file, 'utf8')), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const ports = { mon: /** @type {const} */ ([await freePort(), await freePort()]), gateway: await freePort() };
    const file = join(folder, 'ceph.conf');
    const map = join(folder, 'monmap');
    const keyring = join(folder, 'keyring');
    const configured = ['-c', file];
    for (const part of ['mon', 'osd', 'rgw']) await mkdir(join(folder, part));
    const text = configuration(folder, ports);
    await writeFile(file, text);
    const fsid = /^fsid = (.*)$/m.exec(text)?.[1] ?? '';

    await must('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
    /** @type {readonly (readonly [string, readonly string[]])[]} */
    const users = [
      ['client.admin', ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *']],
      ['osd.0', ['--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *']],
      ['client.rgw', ['--cap', 'mon', 'allow rw', '--cap', 'osd', 'allow rwx']],
    ];
    for (const [name, rights] of users) await must('ceph-authtool', [keyring, '--gen-key', '-n', name, ...rights]);
    const monitors = `[v2:127.0.0.1:${ports.mon[0]},v1:127.0.0.1:${ports.mon[1]}]`;
    await must('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', monitors, map]);
    await must('ceph-mon', [...configured, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring]);
    await must('ceph-mon', [...configured, '-i', 'a']);
    await must('ceph', [...configured, 'auth', 'import', '-i', keyring]);
    // The daemon boots only when it was announced under the very uuid that it is made with.
    const osd = randomUUID();
    await must('ceph', [...configured, 'osd', 'new', osd]);
    await must('ceph', [...configured, 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=localhost']);
    await must('ceph-osd', [...configured, '-i', '0', '--mkfs', '--osd-uuid', osd, '--no-mon-config']);
    await must('ceph-osd', [...configured, '-i', '0']);
    await until('the start of the storage daemon', async () =>
      /\b1 up/.test((await run('ceph', [...configured, 'osd', 'stat'], { timeoutMs: 20_000 })).output),
    );
    const restart = async () => {
      await must('radosgw', [...configured, '-n', 'client.rgw']);
      await until('the start of the gateway', () => listens(ports.gateway));
    };
    const gateway = async () => Number(await readFile(join(folder, 'client.rgw.pid'), 'utf8'));
    const kill = async () => {
      process.kill(await gateway(), 'SIGKILL');
      await until('the end of the gateway', async () => !(await listens(ports.gateway)));
    };
    /** @param {NodeJS.Signals} signal */
    const send = async (signal) => void process.kill(await gateway(), signal);
    await restart();
    const user = ['user', 'create', '--uid=test', '--display-name=test'];
    const keys = [`--access-key=${ACCESS}`, `--secret-key=${SECRET}`];
    await must('radosgw-admin', [...configured, '-n', 'client.rgw', ...user, ...keys]);
    const endpoint = `http://127.0.0.1:${ports.gateway}`;
    const pid = await gateway();
    const [freeze, thaw] = [() => send('SIGSTOP'), () => send('SIGCONT')];
    return { url: `s3://${ACCESS}:${SECRET}@BUCKET?endpoint=${endpoint}`, pid, stop, kill, restart, freeze, thaw };
  } catch (error) {
    await stop();
    throw error;
  }
}
