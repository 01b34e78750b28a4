// @ts-check
// `npm start`: from a bare clone to a running service. Flags go to the service.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requireNode, root, setUp } from './setup.mjs';

await requireNode();
await setUp();
// In this process, so that signals, exit code and terminal are the service's own.
await import(pathToFileURL(join(root, 'packages/server/dist/latchkey.js')).href);
