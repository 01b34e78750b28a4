// @ts-check
// `npm run dev`: the server from its sources, restarted on every change, and the console with hot reload.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { requireNode, root, setUp, TSX, VITE } from './setup.mjs';

await requireNode();
await setUp();

const server = ['watch', '--conditions=source', join(root, 'packages/server/src/main.ts'), ...process.argv.slice(2)];
const children = [
  spawn(process.execPath, [TSX, ...server], { cwd: root, stdio: 'inherit' }),
  spawn(process.execPath, [VITE], { cwd: join(root, 'packages/console'), stdio: 'inherit' }),
];
for (const child of children) {
  // One without the other is of no use.
  child.on('exit', (code) => {
    process.exitCode = code ?? 0;
    for (const other of children) other.kill();
  });
}
// A terminal sends its interrupt to the children too; staying alive lets their last words come before the prompt.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {
  for (const child of children) child.kill();
});
