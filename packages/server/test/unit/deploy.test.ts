// What is shipped for containers: the files parse, name settings that exist with values that are valid, give the process time to drain, and
// take nothing into the image that is not there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, SETTINGS } from '../../src/config.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** The value at a path such as `spec.template.spec`. Throws when there is none. */
function at(value: unknown, path: string): unknown {
  const found = path.split('.').reduce<unknown>((inner, name) => (isMembers(inner) ? inner[name] : undefined), value);
  if (found === undefined) throw new TypeError(`nothing at ${path}`);
  return found;
}

/** What a process with this environment says of it. */
function configOf(env: Readonly<Record<string, string>>) {
  const loaded = loadConfig({ env, args: [] });
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded;
}

/** Stopping lasts as long as the drain, and then stores are closed. */
const stopSeconds = (config: { readonly drainDelaySeconds: number; readonly drainSeconds: number }) =>
  config.drainDelaySeconds + config.drainSeconds + 15;

/** Whether an IPv4 address is in a network such as `172.30.77.0/24`. */
function inNetwork(address: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  const list = new BlockList();
  list.addSubnet(base, Number(bits), 'ipv4');
  return list.check(address, 'ipv4');
}

describe('compose.yaml', () => {
  const compose: unknown = parse(read('compose.yaml'), { merge: true });
  const FILLED: Readonly<Record<string, string>> = {
    POSTGRES_PASSWORD: 'pw',
    S3_ACCESS_KEY: 'access',
    S3_SECRET_KEY: 'secret',
    LATCHKEY_SIGNING_SECRETS: `s1:${'0'.repeat(64)}`,
    LATCHKEY_ADMIN_KEY: 'a'.repeat(40),
  };
  /** As the program does it: `${NAME:?message}` and `${NAME:-default}`. */
  const filled = (text: string) =>
    text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) => {
      const value = FILLED[name] ?? (kind === '-' ? rest : undefined);
      if (value === undefined) throw new Error(`${name} is not described in docs/how-to/docker.md`);
      return value;
    });

  test.each(['node-1', 'node-2'])('%s has valid settings, writes only where it may, and has time to drain', (name) => {
    const node = at(compose, `services.${name}`);
    const environment = Object.entries(at(node, 'environment') as Record<string, string>);
    const { config, warnings } = configOf(Object.fromEntries(environment.map(([key, text]) => [key, filled(text)])));
    expect(warnings).toEqual([]);
    expect(config.databaseUrl).toBe('postgres://latchkey:pw@postgres:5432/latchkey');
    expect(Number.parseInt(String(at(node, 'stop_grace_period')), 10)).toBeGreaterThanOrEqual(stopSeconds(config));
    expect(at(node, 'read_only')).toBe(true);
    expect(at(node, 'volumes')).toEqual([`${name}:/data`]);
    expect(config.trustedProxies).toEqual([at(compose, 'services.proxy.networks.default.ipv4_address')]);
  });

  test('keeps the address of the proxy, which the nodes trust, from being given to another service', () => {
    const [pool] = at(compose, 'networks.default.ipam.config') as readonly Members[];
    const proxy = String(at(compose, 'services.proxy.networks.default.ipv4_address'));
    expect(inNetwork(proxy, String(pool?.['subnet']))).toBe(true);
    expect(inNetwork(proxy, String(pool?.['ip_range']))).toBe(false);
  });

  test('builds the image once, for all services that run it', () => {
    const services = Object.values(at(compose, 'services') as Record<string, Members>);
    const nodes = services.filter(({ image }) => image === 'latchkey:local');
    expect(nodes.map((node) => node['pull_policy'])).toEqual(['never', 'never']);
    expect(services.filter(({ build }) => build !== undefined)).toEqual([nodes[0]]);
  });

  test('names only services, volumes and files that are there', () => {
    const services = at(compose, 'services') as Record<string, Members>;
    const volumes = Object.keys(at(compose, 'volumes') as Members);
    for (const service of Object.values(services)) {
      for (const name of Object.keys(service['depends_on'] ?? {})) expect(services).toHaveProperty([name]);
      for (const volume of (service['volumes'] as string[] | undefined) ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), source).toBe(true);
        else expect(volumes).toContain(source);
      }
    }
    expect(read('deploy/Caddyfile')).toContain('node-1:7700 node-2:7700');
  });

  test('asks for nothing that its guide does not say how to make', () => {
    const guide = read('docs/how-to/docker.md');
    for (const [, name = ''] of read('compose.yaml').matchAll(/\$\{(\w+):\?/g)) expect(guide).toContain(`${name}=`);
  });
});

describe('the Kubernetes example', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/latchkey.yaml')).map(
    (document) => document.toJS() as unknown,
  );
  const secret: unknown = parse(read('deploy/kubernetes/secret.example.yaml'));
  const ofKind = (kind: string) => documents.filter((document) => at(document, 'kind') === kind);
  const [deployment] = ofKind('Deployment');
  const pod = at(deployment, 'spec.template.spec');
  const [container] = at(pod, 'containers') as readonly Members[];

  test('has valid settings, each secret one in the example, and time to drain', () => {
    const env = (at(container, 'env') as { name: string; value: string }[]).map(({ name, value }) => {
      if (!name.endsWith('_FILE')) return [name, value];
      return [name.slice(0, -'_FILE'.length), String(at(secret, `stringData.${basename(value)}`))];
    });
    const { config } = configOf(Object.fromEntries(env));
    expect(at(pod, 'terminationGracePeriodSeconds')).toBeGreaterThanOrEqual(stopSeconds(config));
    const ports = container?.['ports'] as { name: string; containerPort: number }[];
    expect(Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort]))).toEqual({
      http: config.port,
      metrics: config.metricsListen?.port,
    });
    expect(at(pod, 'volumes')).toContainEqual(
      expect.objectContaining({ secret: expect.objectContaining({ secretName: at(secret, 'metadata.name') }) }),
    );
  });

  test('runs as nobody on a read-only root, with every folder that it mounts', () => {
    expect(at(pod, 'securityContext.runAsNonRoot')).toBe(true);
    expect(at(container, 'securityContext')).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const volumes = (at(pod, 'volumes') as { name: string }[]).map(({ name }) => name);
    const mounts = container?.['volumeMounts'] as { name: string; mountPath: string }[];
    expect(mounts.map(({ name }) => name).sort()).toEqual([...volumes].sort());
    expect(mounts.map(({ mountPath }) => mountPath)).toEqual(expect.arrayContaining(['/data', '/tmp']));
  });

  test('probes addresses that exist, and selects the pods that it makes', () => {
    expect(at(container, 'readinessProbe.httpGet')).toEqual({ path: '/health/ready', port: 'http' });
    for (const probe of ['startupProbe', 'livenessProbe']) {
      expect(at(container, `${probe}.httpGet`)).toEqual({ path: '/health/live', port: 'http' });
    }
    const labels = at(deployment, 'spec.template.metadata.labels');
    expect(at(deployment, 'spec.selector.matchLabels')).toEqual(labels);
    for (const service of ofKind('Service')) expect(at(service, 'spec.selector')).toEqual(labels);
    const [budget] = ofKind('PodDisruptionBudget');
    expect(at(budget, 'spec.selector.matchLabels')).toEqual(labels);
  });
});

describe('the Dockerfile', () => {
  const stages = read('Dockerfile')
    .split(/^FROM /m)
    .slice(1);
  const last = stages.at(-1) ?? '';

  test('sets settings that exist, and runs as somebody without rights', () => {
    const names = [...last.matchAll(/^(?:ENV| {4}) *([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['HOST', 'LATCHKEY_DATA_DIR']));
    const known = [...SETTINGS.map(({ name }) => name), 'NODE_ENV'];
    expect(names.filter((name) => !known.includes(name ?? ''))).toEqual([]);
    expect(last).toMatch(/^USER node$/m);
    expect(last.indexOf('USER node')).toBeLessThan(last.indexOf('ENTRYPOINT'));
  });

  test('asks a registry for its base images alone', () => {
    expect(read('Dockerfile')).not.toMatch(/^#\s*syntax\s*=/im);
    const own = new Set([...read('Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name));
    const named = [...read('Dockerfile').matchAll(/^(?:FROM |COPY --from=)(\S+)/gm)].map(([, name]) => name);
    expect([...new Set(named.filter((name) => !own.has(name)))]).toEqual(['node:22-bookworm-slim']);
  });

  test('lets everybody read what it copies, however strict the umask of the checkout was', () => {
    expect(stages[0]).toMatch(/COPY \. \.\n(?:#.*\n)*RUN chmod -R a\+rX \. && /);
  });

  test('takes no secrets in that the guides tell to write beside it', () => {
    const ignored = read('.dockerignore').split('\n');
    expect(read('docs/how-to/docker.md')).toContain('cat > .env <<EOF');
    expect(read('docs/how-to/kubernetes.md')).toContain(' secret.yaml ');
    expect(ignored).toEqual(expect.arrayContaining(['.env', 'secret.yaml']));
  });

  test('copies only what is there or what the build makes, and ignores nothing that the build needs', () => {
    const copied = [...last.matchAll(/^COPY --from=build \/app\/(\S+) (\S+)$/gm)].map(([, from = '', to = '']) => [
      from,
      to,
    ]);
    expect(copied.length).toBeGreaterThan(5);
    for (const [from, to] of copied) {
      expect(to).toBe(from);
      const made = from === 'node_modules' || from?.endsWith('/dist') === true;
      const path = join(ROOT, made ? join(from ?? '', '..') : (from ?? ''));
      expect(existsSync(path), from).toBe(true);
    }
    const ignored = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    for (const name of ['packages', 'tools', 'examples', 'package.json', 'package-lock.json', 'tsconfig.base.json']) {
      expect(ignored).not.toContain(name);
      expect(readdirSync(ROOT)).toContain(name);
    }
  });
});
