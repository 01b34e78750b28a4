// The signing secrets: made once, kept safe, shared by processes that start together, rotated with overlap.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYRING_FILE, openKeyring } from '../../src/adapters/system/keyring.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'latchkey-keyring-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const file = () => join(dataDir, KEYRING_FILE);
const A = 'aa'.repeat(32);
const B = 'bb'.repeat(40);

describe('the file of signing secrets', () => {
  it('is made on first start, for its owner only, and is the same at the next start', async () => {
    const first = (await openKeyring({ dataDir })).signing();
    expect(first.secret).toHaveLength(32);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await openKeyring({ dataDir })).signing()).toEqual(first);
    expect(await readdir(dataDir)).toEqual([KEYRING_FILE]);
    const [stored] = JSON.parse(await readFile(file(), 'utf8'));
    expect(stored).toEqual({
      kid: first.kid,
      secret: Buffer.from(first.secret).toString('hex'),
      createdAt: expect.any(String),
    });
    expect(Date.parse(stored.createdAt)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is the same for all who start at once, in one process', async () => {
    const keyrings = await Promise.all(Array.from({ length: 20 }, () => openKeyring({ dataDir })));
    expect(new Set(keyrings.map((keyring) => Buffer.from(keyring.signing().secret).toString('hex'))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual([KEYRING_FILE]);
  });

  it('is the same for all who start at once, in several processes', async () => {
    const adapter = fileURLToPath(new URL('../../src/adapters/system/keyring.ts', import.meta.url));
    const script = `import(${JSON.stringify(adapter)}).then(({ openKeyring }) => openKeyring({ dataDir: ${JSON.stringify(dataDir)} }))
      .then((keyring) => process.stdout.write(keyring.signing().kid));`;
    const kids = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exited = once(child, 'exit');
        const kid = Buffer.concat(await child.stdout.toArray()).toString();
        expect((await exited)[0]).toBe(0);
        return kid;
      }),
    );
    expect(new Set(kids)).toEqual(new Set([(await openKeyring({ dataDir })).signing().kid]));
  });

  it('is refused when others may read it', async () => {
    await openKeyring({ dataDir });
    await chmod(file(), 0o640);
    await expect(openKeyring({ dataDir })).rejects.toThrow(/can be read by others/);
  });

  it('is refused with every fault at once, and no message repeats a secret', async () => {
    const entries = [
      { kid: 'a b', secret: A, createdAt: '2026-01-01T00:00:00Z' },
      { kid: 'short', secret: 'cc'.repeat(31), createdAt: '2026-01-01T00:00:00Z' },
      { kid: 'odd', secret: 'xyzzy', createdAt: '2026-01-01T00:00:00Z' },
      { kid: 'odd', secret: B, createdAt: '2026-01-01T00:00:00Z' },
      { kid: 'missing' },
    ];
    await writeFile(file(), JSON.stringify(entries), { mode: 0o600 });
    const opening = openKeyring({ dataDir });
    await expect(opening).rejects.toMatchObject({ name: 'KeyringError', faults: { length: 5 } });
    const { message } = await opening.then(
      () => new Error('opened'),
      (error: Error) => error,
    );
    for (const { secret } of entries) if (secret !== undefined) expect(message).not.toContain(secret);
  });

  it.each([
    ['no JSON', '[{"kid":"a","secret":"topsecret"', 'is not JSON'],
    ['an empty list', '[]', 'no list'],
    ['an object', '{}', 'no list'],
    ['nothing', '', 'is not JSON'],
  ])('is refused when it holds %s, and is never overwritten', async (_, content, reason) => {
    await writeFile(file(), content, { mode: 0o600 });
    const opening = openKeyring({ dataDir });
    await expect(opening).rejects.toThrow(reason);
    await expect(opening).rejects.not.toThrow('topsecret');
    expect(await readFile(file(), 'utf8')).toBe(content);
  });
});

describe('configured signing secrets', () => {
  it('sign with the first, verify with all, and leave the folder alone', async () => {
    const keyring = await openKeyring({ dataDir, configured: ` new:${A} , old:${B.toUpperCase()}` });
    expect(keyring.signing()).toEqual({ kid: 'new', secret: Buffer.from(A, 'hex') });
    expect(keyring.find('old')).toEqual(Buffer.from(B, 'hex'));
    expect(keyring.find('other')).toBeUndefined();
    expect(keyring.find('constructor')).toBeUndefined();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it.each([
    ['', ['signing secret 1: write it as kid:hex']],
    [A, ['signing secret 1: write it as kid:hex']],
    [`a:${A.slice(2)}`, ['signing secret 1: the secret must have at least 32 bytes']],
    [`a:${A}0`, ['signing secret 1: the secret must be hexadecimal']],
    [`a:${A},a:${B}`, ['signing secret 2: the kid is used twice']],
    [`a:${A},`, ['signing secret 2: write it as kid:hex']],
    [
      `ä:${A},b:zz`,
      [
        'signing secret 1: the kid must be 1 to 32 letters, digits, "-" or "_"',
        'signing secret 2: the secret must be hexadecimal',
      ],
    ],
  ])('are refused with every fault: %s', async (configured, faults) => {
    await expect(openKeyring({ dataDir, configured })).rejects.toMatchObject({ name: 'KeyringError', faults });
  });
});
