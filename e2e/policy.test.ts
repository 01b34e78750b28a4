// The policy package decides alike wherever JavaScript runs: its published vectors, in a page and in a worker of Chromium.
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { usePages } from './support/browser.ts';

/** Runs the vectors with the runtime's own HMAC: tags are asked for once, computed, and the run repeated until none is new. */
const PROGRAM = `
import { runVectors } from '@latchkey/policy/vectors/run.ts';
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
globalThis.runAll = async () => {
  const tags = new Map();
  for (;;) {
    const wanted = [];
    const report = runVectors((key, message) => {
      const name = hex(key) + ':' + hex(message);
      if (!tags.has(name)) wanted.push({ name, key, message });
      return tags.get(name) ?? new Uint8Array(32);
    });
    if (wanted.length === 0) return report;
    for (const { name, key, message } of wanted) {
      const secret = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      tags.set(name, new Uint8Array(await crypto.subtle.sign('HMAC', secret, message)));
    }
  }
};
`;

interface Report {
  readonly passed: number;
  readonly failed: readonly string[];
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    conditions: ['source'],
  });
  return outputFiles[0]?.text ?? '';
}

describe('the policy vectors in Chromium', () => {
  const pages = usePages();

  test('all pass in a page', async () => {
    const { page } = await pages.visit();
    // Web Crypto exists in secure contexts only; a page of this machine counts as one.
    await page.route('http://127.0.0.1/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
    );
    await page.goto('http://127.0.0.1/');
    await page.addScriptTag({ content: await bundle() });
    const report: Report = await page.evaluate('runAll()');
    expect(report.failed).toEqual([]);
    expect(report.passed).toBeGreaterThanOrEqual(150);
  });

  test('all pass in a worker, which has no document', async () => {
    const { page } = await pages.visit();
    await page.route('http://127.0.0.1/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
    );
    await page.goto('http://127.0.0.1/');
    const source = `${await bundle()}; runAll().then((report) => postMessage(report));`;
    const report = await page.evaluate(
      (text) =>
        new Promise<Report>((resolve, reject) => {
          const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        }),
      source,
    );
    expect(report.failed).toEqual([]);
    expect(report.passed).toBeGreaterThanOrEqual(150);
  });
});
