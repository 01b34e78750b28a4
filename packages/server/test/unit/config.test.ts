// Settings: every fault at once, every source in its order, nothing secret shown.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { PATIENCE } from '../../src/adapters/s3/bucket.ts';
import { POSTGRES_LIMITS } from '../../src/adapters/sql/postgres-dialect.ts';
import { URL_FAULTS } from '../../src/compose.ts';
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
  const loaded = loadConfig({ env, args }, URL_FAULTS);
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded;
}

function faults(env: Record<string, string>, args: readonly string[] = []): readonly string[] {
  const loaded = loadConfig({ env, args }, URL_FAULTS);
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

  test.each([
    ['LATCHKEY_COUNTERS_URL', 'redis://'],
    ['LATCHKEY_COUNTERS_URL', 'redis://host:70000'],
    ['LATCHKEY_COUNTERS_URL', 'redis://a:6379,b:/0'],
    ['LATCHKEY_COUNTERS_URL', 'redis://host/first'],
    ['LATCHKEY_COUNTERS_URL', 'redis://:100%@host'],
    ['LATCHKEY_COUNTERS_URL', 'redis-sentinel://a:26379,b:26379'],
    ['LATCHKEY_COUNTERS_URL', 'memory://'],
    ['LATCHKEY_BLOBS_URL', 's3://Bucket'],
    ['LATCHKEY_BLOBS_URL', 's3://key@bucket'],
    ['LATCHKEY_BLOBS_URL', 's3://bucket?endpoint=minio:9000'],
    ['LATCHKEY_BLOBS_URL', 's3://bucket?endpoints=http://minio:9000'],
    ['LATCHKEY_BLOBS_URL', 's3://bucket?path_style=true'],
    ['LATCHKEY_BLOBS_URL', 's3://key:100%@bucket'],
    ['LATCHKEY_DATABASE_URL', 'postgres://user@host:port/database'],
    ['LATCHKEY_DATABASE_CONNECTIONS', '0'],
    ['LATCHKEY_DATABASE_STATEMENT_MS', '0'],
    ['LATCHKEY_DATABASE_LOCK_MS', '1s'],
  ])('a fault anywhere in %s is one among the others: %s', (name, text) => {
    const found = faults({ PORT: '70000', [name]: text });
    expect(found.map((fault) => fault.split(' ')[0])).toEqual(['PORT', name]);
    expect(found.join('\n')).not.toContain('100%');
  });

  test.each([
    ['LATCHKEY_COUNTERS_URL', 'memory:'],
    ['LATCHKEY_COUNTERS_URL', 'redis://user:p%40ss@[::1]:6380/3'],
    ['LATCHKEY_COUNTERS_URL', 'rediss://a,b:6380,c'],
    ['LATCHKEY_COUNTERS_URL', 'redis-sentinel://a:26379,b/primary/1'],
    ['LATCHKEY_BLOBS_URL', 's3://key:s%2Fcret@bucket/some/where?endpoint=https://host:9000&region=eu-1&path_style=no'],
    ['LATCHKEY_BLOBS_URL', 'file:/srv/blobs'],
    ['LATCHKEY_DATABASE_URL', 'postgres://user:secret@host:5433/database?sslmode=require'],
    ['LATCHKEY_DATABASE_URL', 'sqlite:./data/x.db'],
  ])('%s takes %s', (name, text) => {
    expect(faults({ [name]: text })).toEqual([]);
  });

  test('what one process asks of PostgreSQL can be set, and is otherwise what its adapter says', () => {
    const limitsOf = ({ config }: ReturnType<typeof load>) => ({
      connectionsMax: config.databaseConnections,
      statementMsMax: config.databaseStatementMs,
      lockMsMax: config.databaseLockMs,
    });
    expect(limitsOf(load())).toEqual(POSTGRES_LIMITS);
    const chosen = {
      LATCHKEY_DATABASE_CONNECTIONS: '40',
      LATCHKEY_DATABASE_STATEMENT_MS: '2500',
      LATCHKEY_DATABASE_LOCK_MS: '700',
    };
    expect(limitsOf(load(chosen))).toEqual({ connectionsMax: 40, statementMsMax: 2500, lockMsMax: 700 });
  });

  test('how long an S3 store may be silent can be set, and is otherwise what its adapter says', () => {
    expect(load().config.blobsStallMs).toBe(PATIENCE.stallMs);
    expect(load({ LATCHKEY_BLOBS_STALL_MS: '2500' }).config.blobsStallMs).toBe(2500);
    expect(faults({ LATCHKEY_BLOBS_STALL_MS: '999' })).toHaveLength(1);
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

  test.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['metrics.internal:80', { host: 'metrics.internal', port: 80 }],
  ])('the address of metrics may be %s', (text, address) => {
    expect(load({ LATCHKEY_METRICS_LISTEN: text }).config.metricsListen).toEqual(address);
  });

  test.each(['9464', ':9464', '127.0.0.1', '127.0.0.1:99999', '::1:9464', 'a b:1'])(
    'the address of metrics may not be %s',
    (text) => {
      expect(faults({ LATCHKEY_METRICS_LISTEN: text }).join()).toContain('an address and a port');
    },
  );

  test('a token that could be guessed does not open metrics', () => {
    expect(faults({ LATCHKEY_METRICS_TOKEN: 'short' }).join()).toContain('16 or more');
  });

  test('traces are off unless a collector is named, and then what the standard says', () => {
    const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
    expect(load().config.traces).toBeUndefined();
    expect(load({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }).config.traces).toBeUndefined();
    expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }).config.traces).toBeUndefined();
    expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }).config.traces).toBeUndefined();
    expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT }).config.traces).toEqual({
      protocol: 'http/protobuf',
      sampler: 'parentbased_always_on',
      samplerRatio: 1,
    });
    expect(
      load({
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.05',
      }).config.traces,
    ).toEqual({ protocol: 'http/json', sampler: 'traceidratio', samplerRatio: 0.05 });
  });

  test.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'http/protobuf, http/json'],
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'parentbased_traceidratio'],
    ['OTEL_TRACES_SAMPLER_ARG', '2', 'from 0 to 1'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector', 'must be a URL'],
  ])('%s=%s is a fault in words', (name, value, words) => {
    const named = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(faults({ ...named, [name]: value }).join()).toContain(words);
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
