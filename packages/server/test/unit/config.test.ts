// Settings: every fault at once, every source in its order, nothing secret shown.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { helpText, loadConfig, SETTINGS } from '../../src/config.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
  folders.push(folder);
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return path;
}

function load(env: Record<string, string> = {}, args: readonly string[] = []) {
  const loaded = loadConfig({ env, args });
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded;
}

function faults(env: Record<string, string>, args: readonly string[] = []): readonly string[] {
  const loaded = loadConfig({ env, args });
  return loaded.ok ? [] : loaded.faults;
}

describe('settings', () => {
  test('nothing set is a complete configuration on a loopback address', () => {
    const { config, warnings } = load();
    expect(config).toMatchObject({ host: '127.0.0.1', port: 7700, container: 'demo', trustedProxies: [], demo: 'on' });
    expect(config.databaseUrl).toMatch(/^sqlite:.*latchkey\.db$/);
    expect(config.limitsWhenCountersFail).toBe('deny');
    expect(Object.isFrozen(config)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('all faults are reported at once', () => {
    const found = faults({
      PORT: '70000',
      LATCHKEY_ADMIN_KEY: 'short',
      LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/8, 1',
      LATCHKEY_PUBLIC_URL: 'ftp://example.com',
      LATCHKEY_FETCH_ALLOW: '10.0.0.0/8, 0.0.0.0',
      LATCHKEY_CONTAINER: 'console',
    });
    expect(found.map((fault) => fault.split(' ')[0])).toEqual([
      'PORT',
      'LATCHKEY_TRUSTED_PROXIES',
      'LATCHKEY_PUBLIC_URL',
      'LATCHKEY_CONTAINER',
      'LATCHKEY_ADMIN_KEY',
      'LATCHKEY_FETCH_ALLOW',
    ]);
  });

  test.each([
    ['1', 'a number of hops trusts whoever comes through'],
    ['true', 'a word trusts everybody'],
    ['10.0.0.0/33', 'no such prefix'],
    ['10.0.0.0/8/8', 'two prefixes'],
    ['example.com', 'a name is not an address'],
  ])('refuses %s as a trusted proxy: %s', (value) => {
    expect(faults({ LATCHKEY_TRUSTED_PROXIES: value })).toHaveLength(1);
  });

  test('an unknown name is a fault that offers the nearest known one', () => {
    expect(faults({ LATCHKEY_DATABSE_URL: 'sqlite:x' })).toEqual([
      'LATCHKEY_DATABSE_URL is not a setting; did you mean LATCHKEY_DATABASE_URL?',
    ]);
    expect(faults({}, ['--prot', '1'])).toEqual(['--prot is not a setting; did you mean PORT?']);
    expect(faults({ LATCHKEY_TEST_ANYTHING: 'is for tests' })).toEqual([]);
  });

  test('flags win over the environment, which wins over the file', () => {
    const path = fileWith(JSON.stringify({ PORT: 1, HOST: '127.0.0.2', LATCHKEY_CONTAINER: 'one' }));
    const { config } = load({ LATCHKEY_CONFIG: path, HOST: '127.0.0.3', LATCHKEY_CONTAINER: 'two' }, [
      '--container=three',
    ]);
    expect(config).toMatchObject({ port: 1, host: '127.0.0.3', container: 'three' });
  });

  test.each([
    ['{', 'is not valid JSON'],
    ['[]', 'must be one object'],
    ['{"PROT": 1}', 'did you mean PORT?'],
  ])('a configuration file with %s is refused in words', (text, words) => {
    expect(faults({}, ['--config', fileWith(text)]).join()).toContain(words);
  });

  test('a missing configuration file is a fault', () => {
    expect(faults({ LATCHKEY_CONFIG: '/does/not/exist.json' }).join()).toContain('does not exist');
  });

  test('a secret may stand in a file, and is never shown', () => {
    const secret = 'a'.repeat(40);
    const { config, resolved } = load({ LATCHKEY_ADMIN_KEY_FILE: fileWith(`${secret}\n`) });
    expect(config.adminKey).toBe(secret);
    expect(resolved.join('\n')).not.toContain(secret);
    expect(resolved).toContain('LATCHKEY_ADMIN_KEY=(set)');
    expect(faults({ LATCHKEY_ADMIN_KEY_FILE: '/does/not/exist' }).join()).toContain('cannot be read');
  });

  test('dangerous combinations work and are warned of', () => {
    expect(load({ LATCHKEY_TRUSTED_PROXIES: '0.0.0.0/0' }).warnings.join()).toContain('trusts everybody');
    expect(load({ HOST: '0.0.0.0', LATCHKEY_DEMO: 'on' }).warnings.join()).toContain('may upload');
    expect(load({ LATCHKEY_LIMITS_WHEN_COUNTERS_FAIL: 'allow' }).warnings).toHaveLength(1);
  });

  test('the demo is off by itself where others can reach it', () => {
    expect(load({ HOST: '0.0.0.0' }).config.demo).toBe('off');
  });

  test('help names every setting with its default', () => {
    for (const { name, default: fallback } of SETTINGS) {
      expect(helpText()).toContain(`  ${name}\n`);
      expect(helpText()).toContain(`Default: ${fallback}.`);
    }
  });

  test('every setting is described once', () => {
    expect(new Set(SETTINGS.map(({ name }) => name)).size).toBe(SETTINGS.length);
    for (const { description } of SETTINGS) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
