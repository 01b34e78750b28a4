// The Valkey or Redis that suites run on, where LATCHKEY_TEST_REDIS_URL names one. A missing one is said, and in CI it is a failure.

/** The address of the server; undefined when this machine has none. Suites use keys of their own and leave others alone. */
export const redisUrl: string | undefined = process.env['LATCHKEY_TEST_REDIS_URL'];

if (redisUrl === undefined) {
  const missing = 'Valkey or Redis is not available: set LATCHKEY_TEST_REDIS_URL';
  if (process.env['CI'] === 'true') throw new Error(missing);
  console.warn(missing);
}
