// The records of a backup in a folder: one compressed file of JSON lines for each table, and a manifest that makes them a set.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, type Gzip } from 'node:zlib';
import {
  BackupFault,
  type Batch,
  type Label,
  type Row,
  type SetWriter,
  type Shelf,
  type StoredSet,
} from '../../ports/backup.ts';

const MANIFEST = 'manifest.json';
const RECORDS = 'records';
/** Raised when a reader of today could misread what is written. */
const FORMAT = 1;
const TABLE = /^[a-z_]+$/;
const SET = /^[0-9TZ]+-[0-9a-f]+$/;
const ROWS_AT_ONCE = 500;

interface Manifest extends Label {
  readonly format: typeof FORMAT;
  /** The folder below `records`. */
  readonly set: string;
  /** In the order in which they are to be put back. */
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly sha256: string }[];
}

/** Opens the folder, which is made when it is missing. Raises BackupFault when it cannot be used. */
export async function openShelf(folder: string): Promise<Shelf> {
  try {
    await mkdir(join(folder, RECORDS), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new BackupFault(`The folder ${folder} cannot be used`, { cause });
  }
  return {
    begin: async () => {
      const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
      const set = `${stamp}-${randomBytes(4).toString('hex')}`;
      await mkdir(join(folder, RECORDS, set), { mode: 0o700 });
      return new FolderSet(folder, set);
    },
    open: () => openSet(folder),
  };
}

/** One file on its way. */
interface Table {
  readonly name: string;
  readonly gzip: Gzip;
  readonly written: Promise<{ readonly sha256: string }>;
  rows: number;
}

class FolderSet implements SetWriter {
  readonly #folder: string;
  readonly #set: string;
  readonly #tables = new Map<string, Table>();
  #isEnded = false;

  constructor(folder: string, set: string) {
    this.#folder = folder;
    this.#set = set;
  }

  async add({ table, rows }: Batch): Promise<void> {
    if (this.#isEnded) throw new TypeError('The set has ended.');
    const { gzip } = this.#tables.get(table) ?? (await this.#begin(table));
    const entry = this.#tables.get(table);
    if (entry !== undefined) entry.rows += rows.length;
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    if (!gzip.write(text)) await new Promise<void>((resume) => gzip.once('drain', resume));
  }

  async *batches(table?: string): AsyncGenerator<Batch> {
    await this.#end();
    for (const { name } of this.#tables.values()) {
      if (table === undefined || table === name) yield* readTable(fileOf(this.#folder, this.#set, name), name);
    }
  }

  async commit(label: Label): Promise<void> {
    const tables = await this.#end();
    const manifest: Manifest = { format: FORMAT, ...label, set: this.#set, tables };
    await flushFolder(join(this.#folder, RECORDS, this.#set));
    await flushFolder(join(this.#folder, RECORDS));
    const aside = join(this.#folder, `${MANIFEST}.new`);
    await writeFlushed(aside, `${JSON.stringify(manifest, undefined, 2)}\n`);
    await rename(aside, join(this.#folder, MANIFEST));
    await flushFolder(this.#folder);
    // Sets of before, and of backups that were interrupted.
    for (const name of await readdir(join(this.#folder, RECORDS))) {
      if (SET.test(name) && name !== this.#set) await rm(join(this.#folder, RECORDS, name), { recursive: true });
    }
  }

  async discard(): Promise<void> {
    await this.#end().catch(() => undefined); // It goes, whole or not.
    await rm(join(this.#folder, RECORDS, this.#set), { recursive: true, force: true });
  }

  async #begin(name: string): Promise<Table> {
    if (!TABLE.test(name)) throw new TypeError(`${name} is no name of a table`);
    const handle = await open(fileOf(this.#folder, this.#set, name), 'wx', 0o600);
    const gzip = createGzip({ level: 4 });
    const written = pour(gzip, handle);
    written.catch(() => undefined); // Whoever ends the set is told.
    const table: Table = { name, gzip, written, rows: 0 };
    this.#tables.set(name, table);
    return table;
  }

  async #end(): Promise<Manifest['tables']> {
    this.#isEnded = true;
    const ended: Manifest['tables'][number][] = [];
    for (const { name, gzip, written, rows } of this.#tables.values()) {
      gzip.end();
      ended.push({ name, rows, ...(await written) });
    }
    return ended;
  }
}

/** Writes a stream to its end and onto the device, and answers what was written. */
async function pour(gzip: Gzip, handle: FileHandle): Promise<{ sha256: string }> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of gzip as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } catch (error) {
    gzip.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex') };
}

async function openSet(folder: string): Promise<StoredSet> {
  const manifest = await readManifest(folder);
  const { set, tables, format: _, ...label } = manifest;
  for (const { name, sha256 } of tables) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(fileOf(folder, set, name)), hash);
    } catch (cause) {
      throw new BackupFault(`The backup is not whole: the records of ${name} cannot be read.`, { cause });
    }
    if (hash.digest('hex') !== sha256)
      throw new BackupFault(`The backup is damaged: the records of ${name} have changed.`);
  }
  return {
    label,
    async *batches(table?: string) {
      for (const { name } of tables) {
        if (table === undefined || table === name) yield* readTable(fileOf(folder, set, name), name);
      }
    },
  };
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    await stat(path);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new BackupFault(`There is no backup in ${folder}: ${MANIFEST} is missing.`, { cause });
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new BackupFault(`The backup is damaged: ${MANIFEST} cannot be read.`, { cause });
  }
  if (!isManifest(manifest)) {
    throw new BackupFault(`The backup in ${folder} is damaged, or was made by a newer version of Latchkey.`);
  }
  return manifest;
}

/** The names become paths, and the rest is ours unless somebody changed it. */
function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { format, set, tables, schema, lost } = value as Partial<Record<keyof Manifest, unknown>>;
  return (
    format === FORMAT &&
    typeof set === 'string' &&
    SET.test(set) &&
    Array.isArray(schema) &&
    Array.isArray(lost) &&
    Array.isArray(tables) &&
    tables.every(({ name, sha256 }) => TABLE.test(String(name)) && typeof sha256 === 'string')
  );
}

function fileOf(folder: string, set: string, table: string): string {
  return join(folder, RECORDS, set, `${table}.jsonl.gz`);
}

async function* readTable(path: string, table: string): AsyncGenerator<Batch> {
  let rows: Row[] = [];
  for await (const line of linesOf(path)) {
    rows.push(JSON.parse(line) as Row); // What we have written, by its checksum.
    if (rows.length === ROWS_AT_ONCE) {
      yield { table, rows };
      rows = [];
    }
  }
  if (rows.length > 0) yield { table, rows };
}

/** By newlines only: texts may hold other characters that some readers take for the end of a line. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const gunzip = createGunzip();
  const reading = pipeline(createReadStream(path), gunzip);
  reading.catch(() => undefined); // The iteration below fails with the same error.
  gunzip.setEncoding('utf8');
  let rest = '';
  for await (const chunk of gunzip as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') throw new BackupFault('The backup is damaged: a file ends in the middle of a record.');
}

async function writeFlushed(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function flushFolder(path: string): Promise<void> {
  // Windows cannot open a directory; its file system journals the entry with the rename.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
