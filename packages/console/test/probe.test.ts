// The curl command of a request means exactly that request, whatever stands in it.
import { expect, test } from 'vitest';
import { curlCommand } from '../src/probe.ts';

test('names method, headers, body and address', () => {
  expect(
    curlCommand({
      method: 'POST',
      url: 'http://127.0.0.1/demo/v5/folders',
      headers: { 'X-Filerobot-Key': 'SASS__v2__x' },
      json: '{"name":"/a"}',
    }),
  ).toBe(
    [
      'curl',
      '-X POST',
      "-H 'X-Filerobot-Key: SASS__v2__x'",
      "-H 'content-type: application/json'",
      `--data '{"name":"/a"}'`,
      "'http://127.0.0.1/demo/v5/folders'",
    ].join(' \\\n  '),
  );
});

test('quotes so that nothing in a name can run in the shell', () => {
  const file = new File(['x'], "a'; touch pwned; '.txt");
  expect(curlCommand({ method: 'POST', url: 'http://h/', headers: {}, file })).toContain(
    `-F 'file=@a'\\''; touch pwned; '\\''.txt'`,
  );
});
