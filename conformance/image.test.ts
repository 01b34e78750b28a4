// The image without a container engine: what the last stage of the Dockerfile copies is enough to run, console, demo pages and drawing of
// pictures included, and nothing is ever written beside it.
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member } from './support/http.ts';
import { startServer } from './support/server.ts';
import { REMOTE } from './support/suite.ts';
import { eventually, freshFolder, PNG, Target } from './support/target.ts';

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));

describe.runIf(!REMOTE)('What the image is made of', () => {
  let app = '';
  beforeAll(async () => {
    app = await mkdtemp(join(tmpdir(), 'latchkey-image-'));
    const stage = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).split(/^FROM /m).at(-1) ?? '';
    const copied = [...stage.matchAll(/^COPY --from=build \/app\/(\S+) (\S+)$/gm)].map(([, from = '']) => from);
    expect(copied).toContain('node_modules');
    for (const path of copied) {
      await mkdir(dirname(join(app, path)), { recursive: true });
      if (path === 'node_modules') await linkPackages();
      else await cp(join(ROOT, path), join(app, path), { recursive: true });
    }
  });
  afterAll(async () => {
    await rm(app, { recursive: true, force: true });
  });

  /** Foreign packages in place; our own are the copies. */
  async function linkPackages(): Promise<void> {
    await mkdir(join(app, 'node_modules', '@latchkey'), { recursive: true });
    for (const name of await readdir(join(ROOT, 'node_modules'))) {
      if (name === '@latchkey' || name.startsWith('.')) continue;
      await symlink(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
    }
    for (const name of ['policy', 'server']) {
      await symlink(join('..', '..', 'packages', name), join(app, 'node_modules', '@latchkey', name));
    }
  }

  const listing = async () => (await readdir(app, { recursive: true })).sort();

  test('runs, serves its pages and draws pictures, and writes nothing beside its data', async () => {
    const before = await listing();
    const adminKey = `conformance-admin-${randomBytes(16).toString('hex')}`;
    const server = await startServer({
      adminKey,
      main: join(app, 'packages/server/dist/latchkey.js'),
      settings: { LATCHKEY_DEMO: 'on' },
    });
    try {
      const target = new Target();
      target.use(server);
      for (const page of ['/console/', '/demo/', '/demo/plain.html']) {
        const answer = await target.call('GET', page);
        expect([page, answer.status, answer.headers['content-type']]).toEqual([
          page,
          200,
          expect.stringContaining('text/html'),
        ]);
      }
      const folder = freshFolder();
      const file = await target.seed(folder, 'picture.png', PNG);
      const [address] = String(member(file, 'url.cdn')).split('?');
      const path = `${new URL(address ?? '').pathname}?w=1&force_format=webp`;
      const drawn = await eventually(() => target.admin('GET', path), '200', 30_000);
      expect(drawn.answer.headers['content-type']).toBe('image/webp');
    } finally {
      await server.stop();
    }
    expect(await listing()).toEqual(before);
  });
});
