// The README's example, kept true: one upload into a folder that the template allows, and what it costs.
import { decide, parsePath, parseTemplate } from '@latchkey/policy';
import { expect, test } from 'vitest';

test('an upload into an allowed folder is allowed, for one of ten', () => {
  const template = parseTemplate({ permissions: ['FILE_UPLOAD'], upload: { dir_scope: ['/in/*'], max: 10 } });
  const folder = parsePath('/in/today');
  if (!template.ok || !folder.ok) throw new Error('not well formed');

  const claims = {
    kid: 's1',
    keyId: 'k1',
    container: 'demo',
    source: { kind: 'template', id: 't1' },
    issuedAtMs: 0,
    expiresAtMs: 1_200_000,
    narrowings: [],
  } as const;

  const decision = decide(template.value, claims, {
    nowMs: 60_000,
    container: 'demo',
    credential: 'verified',
    bearer: 'key',
    clientIp: '203.0.113.7',
    demands: [{ operation: 'file.upload', targets: [folder.path] }],
  });

  expect(decision).toMatchObject({
    allow: true,
    charges: [{ counter: 't1|files/lifetime/key:k1', limit: 10, cost: 1 }],
  });
});
