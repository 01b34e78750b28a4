// What an operator runs beside the service: a backup of its store, and a restore into an empty one.
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openDiskBlobs } from './adapters/disk/blobs.ts';
import { openShelf } from './adapters/shelf/shelf.ts';
import { openRecords } from './adapters/sql/records.ts';
import { KEYRING_FILE } from './adapters/system/keyring.ts';
import { openBlobs } from './compose.ts';
import type { Config } from './config.ts';
import { backUp, type Report, restore } from './operations/backup.ts';
import { BackupFault } from './ports/backup.ts';

const COMMANDS = ['backup', 'restore'] as const;

/** A command with the folder of the backup. */
export interface Command {
  readonly name: (typeof COMMANDS)[number];
  readonly folder: string;
}

/** Splits what a person typed into a command, if there is one, and settings. A command without its folder is a fault in words. */
export function parseCommand(
  args: readonly string[],
): { readonly command: Command | undefined; readonly rest: readonly string[] } | { readonly fault: string } {
  const [first, folder, ...rest] = args;
  if (first === undefined || first.startsWith('-')) return { command: undefined, rest: args };
  const name = COMMANDS.find((known) => known === first);
  if (name === undefined) return { fault: `${first} is no command; there are ${COMMANDS.join(' and ')}` };
  if (folder === undefined || folder.startsWith('-')) return { fault: `name the folder: ${name} <folder>` };
  return { command: { name, folder: resolve(folder) }, rest };
}

const SURROUNDINGS = { now: Date.now, random: (size: number) => randomBytes(size) };

/** Runs the command on the store that the settings name, and answers what was done in words. Raises BackupFault and what stores raise. */
export async function runCommand({ name, folder }: Command, config: Config): Promise<string> {
  const closers: (() => Promise<void>)[] = [];
  const opened = <T extends { close(): Promise<void> }>(adapter: T): T => {
    closers.unshift(() => adapter.close());
    return adapter;
  };
  try {
    const [, file] = /^sqlite:(.*)$/.exec(config.databaseUrl) ?? [];
    if (name === 'backup' && file !== undefined && !existsSync(file)) {
      throw new BackupFault(`There is nothing to back up: ${file} does not exist.`);
    }
    if (name === 'restore') await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    const copy = {
      records: await openShelf(folder),
      blobs: opened(await openDiskBlobs(join(folder, 'blobs'), SURROUNDINGS)),
    };
    const store = {
      records: opened(openRecords(config.databaseUrl)),
      blobs: opened(await openBlobs(config, SURROUNDINGS)),
    };
    const secrets = {
      own: config.signingSecrets === undefined ? join(config.dataDir, KEYRING_FILE) : undefined,
      copied: join(folder, KEYRING_FILE),
    };
    return name === 'backup'
      ? backedUp(await backUp(store, copy, Date.now), folder, await copySecrets(secrets.own, secrets.copied))
      : await restored(copy, store, secrets);
  } finally {
    for (const close of closers) await close();
  }
}

async function restored(
  copy: Parameters<typeof restore>[0],
  store: Parameters<typeof restore>[1],
  secrets: { readonly own: string | undefined; readonly copied: string },
): Promise<string> {
  const { own, copied } = secrets;
  const hasOthers =
    own !== undefined && existsSync(own) && existsSync(copied) && !(await readFile(own)).equals(await readFile(copied));
  if (hasOthers)
    throw new BackupFault(`${own} holds other signing secrets than the backup. Restore into a new data folder.`);
  const report = await restore(copy, store);
  const withSecrets = own !== undefined && (await copySecrets(copied, own));
  return [
    `Restored the backup of ${report.madeAt}: ${contents(report)}.`,
    withSecrets
      ? 'Keys that were in use go on working.'
      : 'Signing secrets come from the settings, or are made at the start.',
    ...lostLines(report),
  ].join('\n');
}

function backedUp(report: Report, folder: string, withSecrets: boolean): string {
  return [
    `Backed up to ${folder}: ${contents(report)}, ${report.copied} of them new.`,
    withSecrets
      ? `${KEYRING_FILE} is part of it: whoever has the backup can make keys.`
      : 'Signing secrets come from the settings and are not part of it.',
    ...lostLines(report),
  ].join('\n');
}

function contents({ contents: count, bytes }: Report): string {
  return `${count} contents of ${bytes} bytes`;
}

function lostLines({ lost }: Report): readonly string[] {
  return lost.length === 0 ? [] : [`The store had lost the bytes of ${lost.length}: ${lost.join(', ')}.`];
}

/** False when there are none. They are for nobody but their owner. */
async function copySecrets(from: string | undefined, to: string): Promise<boolean> {
  if (from === undefined || !existsSync(from)) return false;
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o600);
  return true;
}
