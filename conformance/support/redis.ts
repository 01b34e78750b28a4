// A Valkey or Redis for servers under test: the one that is named, or one of a test's own that can be frozen and killed.
import { REDIS } from '../../tools/services.mjs';

/** The server on which limits may be counted; undefined when the machine has none. */
export const REDIS_URL = process.env['LATCHKEY_TEST_REDIS_URL'];

/** The program for servers that a test ends by itself; undefined when the machine has none. */
export const REDIS_PROGRAM = REDIS_URL === undefined ? undefined : REDIS.find();
