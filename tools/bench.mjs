// @ts-check
// `npm run bench [name ...]`: runs the named questions of bench/, or all but the longest, one after the other.
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireNode, root, setUp, TSX } from './setup.mjs';

await requireNode();
await setUp();

const folder = join(root, 'bench');
const all = (await readdir(folder)).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
const asked = process.argv.slice(2);
/** These fill databases for many minutes, so they run when they are asked for. */
const LONG = ['list-1m', 'similar-1m'];
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${all.join(', ')}`);
  process.exit(1);
}
for (const name of asked.length > 0 ? asked : all.filter((other) => !LONG.includes(other))) {
  console.log(`\n# ${name}`);
  const { status } = spawnSync(process.execPath, [TSX, '--conditions=source', join(folder, `${name}.ts`)], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
