// How many decisions does the policy make in a second, and how long does the slowest hundredth take?
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type * as Policy from '../packages/policy/src/index.ts';
import type { Claims, Facts } from '../packages/policy/src/index.ts';
import { median, ROUNDS } from './support/measure.ts';
import { figure, report } from './support/report.ts';

// What is shipped is what is measured: the compiled package, without the loader that runs this file.
const shipped: typeof Policy = await import(new URL('../packages/policy/dist/index.js', import.meta.url).href);
const { decide, decodeKey, encodeKey, narrow, parseNarrowing, parsePath, parseTemplate } = shipped;

const ROUND_MS = 1000;
const BATCH = 100;
const NOW_MS = 1_700_000_000_000;

/** The value of something that cannot fail here. */
function must<T>(parsed: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!parsed.ok) throw new TypeError('the benchmark is written wrongly');
  return parsed.value;
}

const template = must(
  parseTemplate({
    name: 'Bench',
    permissions: ['OBJECTS_LIST', 'OBJECTS_FETCH', 'FILE_UPLOAD', 'FILE_RENAME', 'DIR_CREATE'],
    upload: {
      limit_per_min: 60,
      limit_per_ip_source: 100,
      max: 1000,
      allowed_types: ['image/*', 'pdf'],
      dir_scope: ['/a/*'],
    },
    listing: { dir_scope: ['/a/*', '/b', '/c/d/*'], max: 10_000 },
    restrictions: {
      whitelist_ip_ranges: ['203.0.113.0/24', '198.51.100.7', '2001:db8::/32', '192.0.2.10-192.0.2.20'],
      whitelist_countries: ['FR', 'DE', 'GB'],
      blocked_ip_ranges: ['203.0.113.66'],
      allowed_origins: ['https://app.example.com', 'https://*.example.org'],
    },
  }),
);
const claims: Claims = {
  kid: 'k1',
  keyId: 'b6f2c0de9a714e55',
  container: 'demo',
  source: { kind: 'template', id: 'template-1' },
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 1_200_000,
  narrowings: [],
};
const path = parsePath('/a/photos/2024');
if (!path.ok) throw new TypeError('the benchmark is written wrongly');
const facts: Facts = {
  nowMs: NOW_MS + 1000,
  container: 'demo',
  credential: 'verified',
  bearer: 'key',
  clientIp: '203.0.113.7',
  country: 'FR',
  origin: 'https://app.example.com',
  demands: [{ operation: 'file.upload', targets: [path.path] }],
  upload: { files: 1, bytes: 1024, mediaType: 'image/png', extension: 'png' },
};
const narrowed = narrow(
  claims,
  must(parseNarrowing({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: ['/a/photos/*'] } })),
);
const outside: Facts = {
  ...facts,
  demands: [{ operation: 'file.rename', targets: [path.path] }],
  clientIp: '203.0.113.66',
};

const secret = randomBytes(32);
const mac = (key: Uint8Array, message: Uint8Array) => createHmac('sha256', key).update(message).digest();
const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b);
const text = encodeKey(claims, secret, mac);

/** Calls per second, and the 99th percentile of one call in microseconds, both as medians of the rounds. */
function measure(call: () => boolean, wanted: boolean): { readonly perSecond: number; readonly p99: number } {
  const rates: number[] = [];
  const slow: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const samples: number[] = [];
    let calls = 0;
    const began = performance.now();
    let now = began;
    while (now - began < ROUND_MS) {
      for (let n = 0; n < BATCH; n += 1) if (call() !== wanted) throw new TypeError('the benchmark is written wrongly');
      const before = performance.now();
      call();
      now = performance.now();
      samples.push((now - before) * 1000);
      calls += BATCH + 1;
    }
    if (round === 0) continue;
    rates.push(calls / ((now - began) / 1000));
    slow.push(samples.sort((a, b) => a - b)[Math.floor(samples.length * 0.99)] ?? Number.NaN);
  }
  return { perSecond: median(rates), p99: median(slow) };
}

const rows = (
  [
    ['upload allowed, every kind of rule in use', () => decide(template, claims, facts).allow, true],
    ['the same with a narrowing', () => decide(template, narrowed, facts).allow, true],
    ['refused by a blocked address', () => decide(template, claims, outside).allow, false],
    [
      'key decoded, verified and decided',
      () => {
        const decoded = decodeKey(text);
        return decoded.ok && decoded.verify(secret, mac, equal) && decide(template, decoded.claims, facts).allow;
      },
      true,
    ],
  ] as const
).map(([name, call, wanted]) => {
  const { perSecond, p99 } = measure(call, wanted);
  return [name, figure(perSecond), figure(p99)];
});
await report(import.meta.url, { head: ['', 'per second', 'p99 in microseconds'], rows });
