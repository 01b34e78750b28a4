// The secrets that sign access keys: given by configuration, or made on first start and kept in the data folder.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Keyring } from '../../ports/system.ts';

/** The file in the data folder; readable and writable by its owner only. */
export const KEYRING_FILE = 'signing-secrets.json';

const SECRET_BYTES_MIN = 32;
const KID = /^[A-Za-z0-9_-]{1,32}$/;
const HEX = /^(?:[0-9a-fA-F]{2})+$/;

interface SigningSecret {
  readonly kid: string;
  readonly secret: Uint8Array;
}

/** One entry of the file. */
interface StoredSecret {
  readonly kid: string;
  /** Lower-case hex. */
  readonly secret: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Everything that is wrong with a set of signing secrets, one sentence each; no sentence holds a secret. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/**
 * Opens the signing secrets. `configured` (`kid:hex,kid:hex`, the first signs, all verify) wins over the file in `dataDir`, which
 * is made with one random secret when it is missing; of several processes that start at once on one folder all get the same.
 * In the file the last entry signs. Rejects with KeyringError, naming every fault.
 */
export async function openKeyring(options: {
  readonly dataDir: string;
  readonly configured?: string | undefined;
}): Promise<Keyring> {
  const secrets =
    options.configured === undefined
      ? (await readOrCreate(options.dataDir))
          .map(({ kid, secret }) => ({ kid, secret: Buffer.from(secret, 'hex') }))
          .reverse()
      : parseSigningSecrets(options.configured);
  const [signing] = secrets;
  if (signing === undefined) throw new KeyringError(['there is no signing secret']);
  const byKid = new Map(secrets.map(({ kid, secret }) => [kid, secret]));
  return { signing: () => signing, find: (kid) => byKid.get(kid) };
}

/** Parses `kid:hex,kid:hex`; each secret has at least 32 bytes. Throws KeyringError with all faults. */
function parseSigningSecrets(text: string): readonly SigningSecret[] {
  const parts = text.split(',').map((part) => part.trim());
  const secrets: SigningSecret[] = [];
  const faults: string[] = [];
  for (const [index, part] of parts.entries()) {
    const colon = part.indexOf(':');
    const where = `signing secret ${index + 1}`;
    if (colon < 0) {
      faults.push(`${where}: write it as kid:hex`);
      continue;
    }
    const [kid, hex] = [part.slice(0, colon).trim(), part.slice(colon + 1).trim()];
    faults.push(...faultsOf(where, kid, hex));
    if (secrets.some((other) => other.kid === kid)) faults.push(`${where}: the kid is used twice`);
    secrets.push({ kid, secret: Buffer.from(hex, 'hex') });
  }
  if (faults.length > 0) throw new KeyringError(faults);
  return secrets;
}

async function readOrCreate(dataDir: string): Promise<readonly StoredSecret[]> {
  const path = join(dataDir, KEYRING_FILE);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const found = await readStored(path);
  if (found !== undefined) return found;
  const temporary = await writeAside(path, [createSecret()]);
  try {
    // Unlike a rename, a link never replaces: whoever is second reads what the first one made.
    await link(temporary, path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await flushFolder(dataDir);
  } finally {
    await unlink(temporary);
  }
  const created = await readStored(path);
  if (created === undefined) throw new KeyringError([`${path} vanished while it was made`]);
  return created;
}

async function readStored(path: string): Promise<readonly StoredSecret[] | undefined> {
  const text = await readWhole(path);
  return text === undefined ? undefined : parseStored(path, text);
}

async function readWhole(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new KeyringError([`${path} cannot be read (${String(codeOf(error))})`]);
  });
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new KeyringError([`${path} can be read by others than its owner; set its mode to 0600`]);
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function parseStored(path: string, text: string): readonly StoredSecret[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds secrets.
    throw new KeyringError([`${path} is not JSON`]);
  }
  if (!Array.isArray(parsed) || parsed.length === 0)
    throw new KeyringError([`${path} holds no list of signing secrets`]);
  const stored: StoredSecret[] = [];
  const faults: string[] = [];
  for (const [index, entry] of parsed.entries()) {
    const where = `${path}: signing secret ${index + 1}`;
    const { kid, secret, createdAt } = fieldsOf(entry);
    if (typeof kid !== 'string' || typeof secret !== 'string' || typeof createdAt !== 'string') {
      faults.push(`${where}: kid, secret and createdAt must be texts`);
      continue;
    }
    faults.push(...faultsOf(where, kid, secret));
    if (stored.some((other) => other.kid === kid)) faults.push(`${where}: the kid is used twice`);
    stored.push({ kid, secret, createdAt });
  }
  if (faults.length > 0) throw new KeyringError(faults);
  return stored;
}

function fieldsOf(entry: unknown): Partial<Record<keyof StoredSecret, unknown>> {
  return typeof entry === 'object' && entry !== null ? entry : {};
}

function faultsOf(where: string, kid: string, hex: string): string[] {
  const faults: string[] = [];
  if (!KID.test(kid)) faults.push(`${where}: the kid must be 1 to 32 letters, digits, "-" or "_"`);
  if (!HEX.test(hex)) faults.push(`${where}: the secret must be hexadecimal`);
  else if (hex.length < SECRET_BYTES_MIN * 2)
    faults.push(`${where}: the secret must have at least ${SECRET_BYTES_MIN} bytes`);
  return faults;
}

function createSecret(): StoredSecret {
  return {
    kid: randomBytes(4).toString('hex'),
    secret: randomBytes(SECRET_BYTES_MIN).toString('hex'),
    createdAt: new Date().toISOString(),
  };
}

/** Writes a flushed file beside `path` under a name of its own, so that nobody ever reads a half-written one. */
async function writeAside(path: string, stored: readonly StoredSecret[]): Promise<string> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(stored, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
