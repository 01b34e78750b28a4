// @ts-check
// `npm run build`: installs and builds whatever is missing or stale.
import { requireNode, setUp } from './setup.mjs';

await requireNode();
await setUp();
